"""Trade-in subsidies: a known, temporary price cut on durables until the end or the money ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.dimensions import (
    CATEGORIES,
    ITEM_CATEGORY,
    ITEM_CATEGORY_INDEX,
    ITEMS,
    PLACES,
)  # fmt: skip
from model.policy.instruments import Instruments
from model.policy.levers.base import (
    F64,
    I64,
    Payment,
    Setting,
    by_place,
    payments,
    place_mask,
)  # fmt: skip
from model.policy.settings import TradeIn
from model.solvers.durables import SubsidySchedule

FEN_IN_YI_YUAN = 10**10


@dataclass
class TradeInLever:
    """Subsidy from `start` to `end` (inclusive months of the run), known from `announced`.

    `rates`, `caps` [month, item] follow dated settings. The budget is a hard stop: once the money
    is spent the subsidy is off; the last month's claims beyond it are owed by the cities.
    """

    name: str
    settings: TradeIn
    announced: int
    start: int
    end: int
    rates: F64
    caps: F64
    spent: int = 0
    _last: int = 0
    _waiting: int = 0  # claims not yet reimbursed, fen
    _reimbursed: int = 0  # fen

    @property
    def budget(self) -> int:
        """Money of all payers, fen."""
        return round(self.settings.budget_yi_yuan * FEN_IN_YI_YUAN)

    @property
    def exhausted(self) -> bool:
        """Whether the money is spent."""
        return self.spent >= self.budget

    @property
    def items(self) -> I64:
        """0/1 by item."""
        return np.array([int(ITEM_CATEGORY[item] in self.settings.items) for item in ITEMS])

    def schedule(self, prices: F64) -> SubsidySchedule:
        """What households know of the programme; `prices` [item, class] yuan."""
        ceilings = self._ceilings()
        amount = np.minimum(
            self.rates[self.start][:, None] * prices, self.caps[self.start][:, None]
        )
        share = np.where(prices <= ceilings[:, None], amount / prices, 0.0)
        instant = self.settings.payment == "instant"
        return SubsidySchedule(self.announced, self.start, self.end + 1, share, instant)

    def _ceilings(self) -> F64:
        found = np.full(len(ITEMS), np.inf)
        for at, item in enumerate(ITEMS):
            rule = self.settings.items.get(ITEM_CATEGORY[item])
            if rule is not None and rule.price_ceiling_yuan is not None:
                found[at] = rule.price_ceiling_yuan
        return found

    @property
    def begins(self) -> int:
        """Month of the first subsidy."""
        return self.start

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write rates, caps and the gate: what part of expected claims the money covers."""
        surface.claims_open |= self._waiting > 0
        if not (self.start <= setting.month <= self.end) or self.exhausted:
            return
        on = self.items > 0
        surface.subsidy_rate[on] = self.rates[setting.month][on]
        surface.subsidy_cap[on] = self.caps[setting.month][on]
        surface.price_ceiling[on] = self._ceilings()[on]
        surface.subsidy_places = np.maximum(
            surface.subsidy_places, place_mask(self.settings.cities)
        )
        surface.subsidy_instant = self.settings.payment == "instant"
        surface.reimbursement_lag = max(1, self.settings.reimbursement_lag_months)
        left = self.budget - self.spent
        surface.subsidy_gate = min(1.0, left / self._last) if self._last > left else 1.0

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Instant discounts are owed to sellers now, claims to households after the lag."""
        due: list[Payment] = []
        if self.settings.payment == "reimbursed":
            amounts = by_place(totals, "reimbursed")[:, 0]
            due += self._reimburse(amounts)
        if self.start <= setting.month <= self.end and not self.exhausted:
            due += self._charge(totals)
        return due

    def _reimburse(self, amounts: I64) -> list[Payment]:
        """Claims that fall due: the payers up to the budget, the cities beyond it."""
        total = int(amounts.sum())
        self._waiting -= total
        left = max(self.budget - self._reimbursed, 0)
        self._reimbursed += total
        covered = amounts if total <= left else (amounts * (left / total)).astype(np.int64)
        return self._shared("households", amounts, covered)

    def _shared(self, receiver: str, due: I64, covered: I64) -> list[Payment]:
        over = due - covered
        beyond = [Payment(self.name, "cities", receiver, over)] if over.any() else []
        return payments(self.name, receiver, covered, self.settings.payers) + beyond

    def _charge(self, totals: I64) -> list[Payment]:
        instant = by_place(totals, "subsidy_instant") * self.items
        claims = by_place(totals, "subsidy_claims") * self.items
        charged = int(instant.sum() + claims.sum())
        left = self.budget - self.spent
        self.spent, self._last = self.spent + charged, charged
        self._waiting += int(claims.sum())
        due = np.zeros((len(PLACES), len(CATEGORIES)), np.int64)
        for item, category in enumerate(ITEM_CATEGORY_INDEX):
            due[:, category] += instant[:, item]
        covered = due if charged <= left else (due * (left / charged)).astype(np.int64)
        return self._shared("sellers", due, covered)

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Nothing outside the budgets."""
        return 0, 0
