"""Payments of policies: what one lever owes, and what all owe together by payer and receiver.

A lever whose amounts stand still hands in the same payment every month, so what follows from its
amounts is worked out once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.agents.governments import N_CITIES, PROVINCE_ROW
from model.dimensions import PLACES, SECTORS
from model.ledger import Fen
from model.markets.goods import in_sectors
from model.whole_numbers import by_row, total

SHAPE = (len(PLACES), len(SECTORS))
SOURCES = 2 + N_CITIES + 1  # central, province, places, social funds: who pays for a lever
COUNTED = {"central": 0, "funds": SOURCES - 1}  # where the cash paid by one account is counted
TO_FIRMS = ("sellers", "firms", "suppliers")


@dataclass(frozen=True, eq=False)
class PolicyPayment:
    """Money a policy lever moves this month.

    `payer`: 'central', 'province', 'cities' (amounts are by place), 'funds', a place's index,
    'firms' (cells of each place in proportion to their wages), 'outside', or 'households', which
    only contribute to the funds. `receiver`: 'households' (15), 'sellers' (15 x 12 or 15 x 16: paid
    to shops on behalf of customers, who then pay that much less), 'firms' (15 x 12: grants),
    'suppliers' (15 x 12: output bought from them), 'cities' (15: matching money), 'funds' (15:
    money for higher pensions), 'bank' or 'outside'. `amounts` int64 fen, not to be changed. An
    account that pays itself moves nothing: the cost is counted, and paid where it arises.
    """

    lever: str
    payer: str | int
    receiver: str
    amounts: Fen

    @property
    def pays_itself(self) -> bool:
        """Whether payer and receiver are the same account."""
        return self.payer == self.receiver and self.payer in ("cities", "funds", "outside")

    @cached_property
    def received(self) -> Fen:
        """Amounts as the receiver takes them: firms by cell (15, 12), others as given."""
        by_category = self.receiver in TO_FIRMS and self.amounts.shape != SHAPE
        return in_sectors(self.amounts) if by_category else self.amounts

    @cached_property
    def rows(self) -> Fen:
        """Amounts by their first axis."""
        return by_row(np.ascontiguousarray(self.amounts))

    @cached_property
    def total(self) -> int:
        """All of it, fen."""
        return total(self.amounts)

    @cached_property
    def budgets(self) -> Fen:
        """What each of the sixteen budgets pays (16), money to itself included."""
        paid = np.zeros(N_CITIES + 1, dtype=np.int64)
        if self.payer == "cities":
            paid[:N_CITIES] = self.rows
        elif self.payer == "province":
            paid[PROVINCE_ROW] = self.total
        elif isinstance(self.payer, int | np.integer):
            paid[int(self.payer)] = self.total
        return paid

    @cached_property
    def cost(self) -> Fen:
        """Cash of central, province, places and social funds (18) if budgets pay all of it."""
        counted = np.zeros(SOURCES, dtype=np.int64)
        if self.payer in COUNTED:
            counted[COUNTED[str(self.payer)]] = self.total
        counted[1] = self.budgets[PROVINCE_ROW]
        counted[2 : 2 + N_CITIES] = self.budgets[:N_CITIES]
        return counted


@dataclass(frozen=True)
class Gathered:
    """Payments with the same payer and receiver, and their sum as one payment."""

    whole: PolicyPayment
    parts: list[PolicyPayment]


def gather(payments: Sequence[PolicyPayment]) -> list[Gathered]:
    """The payments of a month by payer and receiver."""
    groups: dict[tuple[str | int, str, tuple[int, ...]], list[PolicyPayment]] = {}
    for payment in payments:
        key = payment.payer, payment.receiver, payment.amounts.shape
        groups.setdefault(key, []).append(payment)
    return [Gathered(_added(parts), parts) for parts in groups.values()]


def _added(parts: list[PolicyPayment]) -> PolicyPayment:
    if len(parts) == 1:
        return parts[0]
    amounts = parts[0].amounts.copy()
    for part in parts[1:]:
        amounts += part.amounts
    levers = " + ".join(part.lever for part in parts)
    return PolicyPayment(levers, parts[0].payer, parts[0].receiver, amounts)
