"""Visitors from outside the province: more of the usual ones, or groups of a known size."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting
from model.policy.levers.programme import (
    CULTURE,
    FEN_IN_YUAN,
    ProgrammeLever,
    Weights,
    percent,
    scale,
)  # fmt: skip
from model.policy.settings_supply import Visitors


@dataclass
class VisitorsLever(ProgrammeLever):
    """Only additional visitors count; events are paid for in any case."""

    settings: Visitors

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the ratio on usual visitors and the money of further ones."""
        s, share = self.settings, self._part_of_year(setting)
        if share == 0.0:
            return
        strength = self.strength(setting) * s.additional_share
        scale(surface.markets.visitor_appeal, self.places, percent(s.extra_percent, strength))
        fen = round(s.persons_per_year * s.yuan_per_person * share * strength * FEN_IN_YUAN)
        if fen:
            surface.markets.visitor_money += self.money("guests", fen, self._cells(setting))

    def _cells(self, setting: Setting) -> Weights:
        """Cells of the places in proportion to their usual visitors."""
        usual = setting.opening.visitors
        return self.kept("cells", lambda: self.weights(usual))

    def _where(self, setting: Setting) -> Weights:
        """The places in proportion to their usual visitors."""
        usual = setting.opening.visitors
        return self.kept("where", lambda: self.weights(usual.sum(axis=1)))

    def _part_of_year(self, setting: Setting) -> float:
        """Part of a year's events that this month holds."""
        chosen = self.settings.calendar_months
        if chosen is None:
            return 1.0 / setting.year
        return 1.0 / len(chosen) if setting.calendar_month in chosen else 0.0

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Events are bought from the culture and tourism sector of the places."""
        yearly = self.month_fen(setting, self.settings.cost_yi_yuan_per_year) * setting.year
        money = round(yearly * self._part_of_year(setting))
        return self.due("suppliers", money, self._where(setting), CULTURE)
