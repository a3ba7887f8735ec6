"""Jobs: fewer separations, more vacancies, better matching, placements, refunds to employers."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting
from model.policy.levers.programme import ProgrammeLever, Weights, percent, scale
from model.policy.settings_people import Jobs


@dataclass
class JobsLever(ProgrammeLever):
    """Moves the chances of losing and finding work; refunds go to cells by their labour cost."""

    settings: Jobs

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write ratios, and placements in proportion to the unemployed."""
        s, strength, markets = self.settings, self.strength(setting), surface.markets
        scale(markets.separation, self.cells, percent(s.separation_percent, strength))
        scale(markets.vacancies, self.cells, percent(s.vacancy_percent, strength))
        scale(markets.matching, self.places, percent(s.matching_percent, strength))
        if s.placements_per_year:
            placed = s.placements_per_year / setting.year * strength
            weights = setting.opening.unemployed * self.places
            markets.placements += placed * weights / max(float(weights.sum()), 1.0)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Refunds to employers."""
        money = self.month_fen(setting, self.settings.refund_yi_yuan_per_year)
        return self.due("firms", money, self._labour_cost(setting))

    def _labour_cost(self, setting: Setting) -> Weights:
        """Cells in proportion to what their labour costs."""
        cost = setting.opening.labour_cost
        return self.kept("labour cost", lambda: Weights.of(cost * self.cells))
