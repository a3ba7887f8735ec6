"""Access: less time, search and mistrust make some categories easier to buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.dimensions import CATEGORIES, RESIDENCES
from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.programme import (
    BUSINESS_SERVICES,
    ProgrammeLever,
    in_sector,
    percent,
    spread,
)  # fmt: skip
from model.policy.settings_supply import Access


@dataclass
class AccessLever(ProgrammeLever):
    """Moves shares of budgets, never their total. Prices are those of the mean household."""

    settings: Access

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write effective prices by residence, weighted by the households of the places."""
        s, homes = self.settings, setting.households
        reached = float((homes * self.places()).sum() / homes.sum()) * self.strength(setting)
        rows = np.isin(RESIDENCES, s.residence or RESIDENCES)
        for category, wedge in s.wedge_percent.items():
            surface.effective_price[rows, CATEGORIES.index(category)] *= percent(wedge, reached)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Running cost: services bought where the households live."""
        money = self.month_fen(setting, self.settings.cost_yi_yuan_per_year)
        cost = in_sector(spread(money, setting.households * self.places()), BUSINESS_SERVICES)
        return payments(self.name, "suppliers", cost, self.settings.payers)
