"""Public works: building bought from builders, a part of it as wages, capacity later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.programme import (
    CONSTRUCTION,
    PERCENT,
    ProgrammeLever,
    in_sector,
    spread,
)  # fmt: skip
from model.policy.settings_supply import PublicWorks


@dataclass
class PublicWorksLever(ProgrammeLever):
    """Real demand for construction; extra local wages come out of builders' margin."""

    settings: PublicWorks

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write builders' pay and the capacity completed this month."""
        s, opening = self.settings, setting.opening
        pay = opening.employees[:, CONSTRUCTION] * setting.trend
        wages = self._money(setting) * s.wage_share
        surface.markets.pay[:, CONSTRUCTION] *= 1.0 + wages / np.maximum(pay, 1.0)
        room = setting.parameters.number("firms.capacity_headroom") * s.capacity_percent / PERCENT
        added = self.added_capacity(setting, s.construction_months)
        surface.markets.capacity += room * added * self.cells()

    def _money(self, setting: Setting) -> I64:
        """Works by place: in proportion to households."""
        money = self.month_fen(setting, self.settings.yi_yuan_per_year)
        return spread(money, setting.households * self.places())

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Works are bought from builders."""
        due = in_sector(self._money(setting), CONSTRUCTION)
        return payments(self.name, "suppliers", due, self.settings.payers)
