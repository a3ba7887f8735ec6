"""Consumer credit: terms of loans for durable goods, and interest that budgets bear."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.dimensions import ITEM_CATEGORY, ITEMS, PLACES
from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, by_place, payments
from model.policy.levers.programme import PERCENT, ProgrammeLever, on
from model.policy.levers.social_protection import part_of
from model.policy.settings_people import Credit


@dataclass
class CreditLever(ProgrammeLever):
    """Loans reach further. Debt is not marked by what it bought: a share of all is subsidised."""

    settings: Credit
    _mine: F64 = field(default_factory=lambda: np.zeros(len(PLACES)), init=False)
    _surface: Instruments | None = field(default=None, init=False)

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write terms of new loans and the part of interest that households pay."""
        s, strength = self.settings, self.strength(setting)
        reached = self.kept("reached", lambda: self._items() * strength, strength)
        if s.loan_to_value_points:
            surface.loan_to_value += s.loan_to_value_points / PERCENT * reached
        if s.term_months:
            surface.loan_term += s.term_months * reached
        if s.instalment_cap_points:
            surface.instalment_cap += s.instalment_cap_points / PERCENT * strength * self.places
        if s.interest_subsidy_points:
            rate = setting.parameters.number("government.consumer_loan_rate")
            borne = s.interest_subsidy_points / PERCENT * s.covered_share * strength
            before = surface.loan_interest
            surface.loan_interest = before * on(self.places, max(1.0 - borne / rate, 0.0))
            self._mine, self._surface = before - surface.loan_interest, surface

    def _items(self) -> F64:
        """0/1 by place and durable."""
        chosen = [float(ITEM_CATEGORY[item] in self.settings.categories) for item in ITEMS]
        return np.outer(self.places, chosen)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """The bank gets the interest that households do not pay."""
        if self._surface is None:
            return []
        borne = by_place(totals, "interest_subsidy")[:, 0]
        due = part_of(borne, self._mine, 1.0 - self._surface.loan_interest)
        return payments(self.name, "bank", due, self.settings.payers)
