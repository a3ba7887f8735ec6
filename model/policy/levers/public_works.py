"""Public works: building bought from builders, a part of it as wages, capacity later."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting
from model.policy.levers.programme import CONSTRUCTION, ProgrammeLever
from model.policy.settings_supply import PublicWorks


@dataclass
class PublicWorksLever(ProgrammeLever):
    """Real demand for construction; extra local wages come out of builders' margin.

    The wages raise the pay of builders of all places reached at the same rate.
    """

    settings: PublicWorks

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write builders' pay and the capacity completed this month."""
        s, opening = self.settings, setting.opening
        money = self.month_fen(setting, s.yi_yuan_per_year)
        if money and s.wage_share:
            pay = opening.employees[:, CONSTRUCTION] * setting.trend
            wages = self.money("works", money, self.homes(setting)) * s.wage_share
            reached = wages > 0
            # One rate for all places: a place may have hardly a builder among the simulated.
            rate = wages.sum() / max(pay[reached].sum(), 1.0) if pay[reached].any() else 0.0
            surface.markets.pay[reached, CONSTRUCTION] *= 1.0 + rate
        self.build(setting, surface, s.capacity_percent, s.construction_months)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Works are bought from builders of the places, in proportion to households."""
        money = self.month_fen(setting, self.settings.yi_yuan_per_year)
        return self.due("suppliers", money, self.homes(setting), CONSTRUCTION)
