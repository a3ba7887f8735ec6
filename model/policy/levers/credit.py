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
        s, strength, places = self.settings, self.strength(setting), self.places()
        items = np.array([float(ITEM_CATEGORY[item] in s.categories) for item in ITEMS])
        reached = np.outer(places, items) * strength
        surface.loan_to_value += s.loan_to_value_points / PERCENT * reached
        surface.loan_term += s.term_months * reached
        surface.instalment_cap += s.instalment_cap_points / PERCENT * strength * places
        rate = setting.parameters.number("government.consumer_loan_rate")
        borne = s.interest_subsidy_points / PERCENT * s.covered_share * strength
        before = surface.loan_interest
        surface.loan_interest = before * on(places, max(1.0 - borne / rate, 0.0))
        self._mine, self._surface = before - surface.loan_interest, surface

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """The bank gets the interest that households do not pay."""
        if self._surface is None:
            return []
        borne = by_place(totals, "interest_subsidy")[:, 0]
        due = part_of(borne, self._mine, 1.0 - self._surface.loan_interest)
        return payments(self.name, "bank", due, self.settings.payers)
