"""Visitors from outside the province: more of the usual ones, or groups of a known size."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.programme import (
    CULTURE,
    FEN_IN_YUAN,
    ProgrammeLever,
    in_sector,
    on,
    percent,
    spread,
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
        surface.markets.visitor_appeal *= on(self.places(), percent(s.extra_percent, strength))
        yuan = s.persons_per_year * s.yuan_per_person * share * strength
        where = setting.opening.visitors * self.places()[:, None]
        surface.markets.visitor_money += spread(round(yuan * FEN_IN_YUAN), where)

    def _part_of_year(self, setting: Setting) -> float:
        """Part of a year's events that this month holds."""
        year = setting.parameters.number("numerics.months_per_year")
        chosen = self.settings.calendar_months
        if chosen is None:
            return 1.0 / year
        return 1.0 / len(chosen) if setting.calendar_month in chosen else 0.0

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Events are bought from the culture and tourism sector of the places."""
        year = setting.parameters.number("numerics.months_per_year")
        yearly = self.month_fen(setting, self.settings.cost_yi_yuan_per_year) * year
        where = setting.opening.visitors.sum(axis=1) * self.places()
        money = spread(round(yearly * self._part_of_year(setting)), where)
        due = in_sector(money, CULTURE)
        return payments(self.name, "suppliers", due, self.settings.payers)
