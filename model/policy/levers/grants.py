"""Money, locked savings and goods for households of one kind: three levers, one rule."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.dimensions import CATEGORIES
from model.policy.instruments import Grant, Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, by_place, payments
from model.policy.levers.programme import FEN_IN_YUAN, PERCENT, ProgrammeLever
from model.policy.levers.reach import reach, target
from model.policy.setting_types import Eligible
from model.policy.settings_people import MARKS, Gifts, Grants, SavingScheme


@dataclass
class GrantingLever(ProgrammeLever):
    """Puts at most one grant a month on the surface and remembers its slot."""

    _slot: int | None = field(default=None, init=False)
    _target: F64 | None = field(default=None, init=False)
    _reach: tuple[float, I64] | None = field(default=None, init=False)

    def reached(self, setting: Setting, who: str, eligible: Eligible, share: float) -> I64:
        """Reach of the month: delivery widens it, so that those reached first stay reached."""
        if self._target is None:
            self._target = target(setting.parameters, who, eligible, self.settings.cities)
        wanted = share * self.strength(setting)
        if self._reach is None or self._reach[0] != wanted:
            self._reach = wanted, reach(self._target, wanted)
        return self._reach[1]

    def put(self, surface: Instruments, grant: Grant) -> None:
        """A grant that moves nothing or reaches nobody takes no slot."""
        matters = (grant.amount or grant.regular) and grant.reach.any()
        self._slot = surface.add_grant(grant) if matters else None

    def moved(self, totals: I64) -> I64:
        """What moved this month by place, fen."""
        granted = by_place(totals, "granted")
        return granted[:, self._slot] if self._slot is not None else 0 * granted[:, 0]


@dataclass
class GrantsLever(GrantingLever):
    """Cash every month, every year or once; what lasts counts as permanent income."""

    settings: Grants

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Pay if a payment falls in this month."""
        s, since = self.settings, setting.month - self._first_payment()
        year = int(setting.parameters.number("numerics.months_per_year"))
        every = {"monthly": 1, "yearly": year, "once": len(self.delivered)}[s.payment]
        paid = since >= 0 and since % every == 0
        lasts = s.lasting and not s.redrawn and s.payment != "once" and since >= 0
        who = self.reached(setting, s.who, s.eligible, s.reach)
        self.put(surface, Grant(
            self.name, MARKS.index(s.who), who, round(s.yuan * FEN_IN_YUAN) * paid, "money",
            regular=round(s.yuan * FEN_IN_YUAN / every) * lasts, redrawn=s.redrawn,
        ))  # fmt: skip

    def _first_payment(self) -> int:
        """Monthly money flows at once; a yearly or single payment waits for full delivery."""
        if not self.delivered.any():
            return len(self.delivered)
        first = int(np.flatnonzero(self.delivered)[0])
        if self.settings.payment == "monthly":
            return first
        return first + int(self.delivered[first : first + 12].argmax())

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """What households received."""
        return payments(self.name, "households", self.moved(totals), self.settings.payers)


@dataclass
class SavingSchemeLever(GrantingLever):
    """More households lock money away every month.

    Contributions lower the income they plan with. Of own deposits they mostly move what they would
    have saved anyway: only `households.saving_scheme.from_spending` lowers it.
    """

    settings: SavingScheme

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Take the monthly part."""
        s = self.settings
        year = setting.parameters.number("numerics.months_per_year")
        amount = round(s.yuan_per_year * FEN_IN_YUAN / year)
        action, given_up = "contribute", float(amount)
        if s.into == "committed_deposits":
            action = "commit"
            given_up *= setting.parameters.number("households.saving_scheme.from_spending")
        who = self.reached(setting, s.who, s.eligible, s.points / PERCENT)
        mark = MARKS.index(s.who)
        self.put(surface, Grant(self.name, mark, who, amount, action, regular=-round(given_up)))

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Contributions go from households to the funds; locked deposits stay their own."""
        if self.settings.into == "committed_deposits":
            return []
        return payments(self.name, "funds", self.moved(totals), {"households": 1.0})

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """What households contribute."""
        contributed = self.settings.into == "funds"
        return 0, int(self.moved(totals).sum()) if contributed else 0


@dataclass
class GiftsLever(GrantingLever):
    """Goods once a year: bought for households, who then buy a part less themselves."""

    settings: Gifts

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Give in the calendar month."""
        s = self.settings
        self._slot = None
        if s.month == setting.calendar_month:
            who = self.reached(setting, s.who, Eligible(), s.reach)
            self.put(surface, Grant(
                self.name, MARKS.index(s.who), who, round(s.yuan * FEN_IN_YUAN), "goods",
                CATEGORIES.index(s.category), s.displaced,
            ))  # fmt: skip

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """The value of the goods, which shops receive through the households' purchases."""
        return payments(self.name, "households", self.moved(totals), self.settings.payers)
