"""Access: less time, search and mistrust make some categories easier to buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.dimensions import CATEGORIES, RESIDENCES
from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Payment, Setting
from model.policy.levers.programme import BUSINESS_SERVICES, ProgrammeLever, percent
from model.policy.settings_supply import Access


@dataclass
class AccessLever(ProgrammeLever):
    """Moves shares of budgets, never their total. Prices are those of the mean household."""

    settings: Access

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write effective prices by residence, weighted by the households of the places."""
        reached = self.home_share(setting) * self.strength(setting)
        surface.effective_price *= self.kept("prices", lambda: self._prices(reached), reached)

    def _prices(self, reached: float) -> F64:
        """Effective prices [residence, category] relative to today's."""
        s, found = self.settings, np.ones((len(RESIDENCES), len(CATEGORIES)))
        rows = [RESIDENCES.index(residence) for residence in s.residence or RESIDENCES]
        for category, wedge in s.wedge_percent.items():
            found[rows, CATEGORIES.index(category)] = percent(wedge, reached)
        return found

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Running cost: services bought where the households live."""
        money = self.month_fen(setting, self.settings.cost_yi_yuan_per_year)
        return self.due("suppliers", money, self.homes(setting), BUSINESS_SERVICES)
