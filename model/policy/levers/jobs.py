"""Jobs: fewer separations, more vacancies, better matching, placements, refunds to employers."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.programme import ProgrammeLever, on, percent, spread
from model.policy.settings_people import Jobs


@dataclass
class JobsLever(ProgrammeLever):
    """Moves the chances of losing and finding work; refunds go to cells by their labour cost."""

    settings: Jobs

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write ratios, and placements in proportion to the unemployed."""
        s, strength, markets = self.settings, self.strength(setting), surface.markets
        markets.separation *= on(self.cells(), percent(s.separation_percent, strength))
        markets.vacancies *= on(self.cells(), percent(s.vacancy_percent, strength))
        markets.matching *= on(self.places(), percent(s.matching_percent, strength))
        year = setting.parameters.number("numerics.months_per_year")
        weights = setting.opening.unemployed * self.places()
        placed = s.placements_per_year / year * strength
        markets.placements += placed * weights / max(float(weights.sum()), 1.0)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Refunds to employers."""
        money = self.month_fen(setting, self.settings.refund_yi_yuan_per_year)
        due = spread(money, setting.opening.labour_cost * self.cells())
        return payments(self.name, "firms", due, self.settings.payers)
