"""Service supply: places, quality and operating money of care, nurseries, hotels, culture."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.programme import (
    CONSTRUCTION,
    PERCENT,
    ProgrammeLever,
    in_sector,
    on,
    over_sales,
    percent,
    spread,
)  # fmt: skip
from model.policy.settings_supply import ServiceSupply


@dataclass
class ServiceSupplyLever(ProgrammeLever):
    """Operating money goes to providers by their sales and lowers their unit cost by as much."""

    settings: ServiceSupply

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write completed capacity, quality and unit cost."""
        s, markets = self.settings, surface.markets
        room = setting.parameters.number("firms.capacity_headroom") * s.capacity_percent / PERCENT
        added = self.added_capacity(setting, s.construction_months)
        markets.capacity += room * added * self.cells()
        markets.appeal *= on(self.cells(), percent(s.quality_percent, self.strength(setting)))
        markets.unit_cost *= 1.0 - over_sales(self._operating(setting), setting)

    def _operating(self, setting: Setting) -> I64:
        money = self.month_fen(setting, self.settings.operating_yi_yuan_per_year)
        return spread(money, setting.opening.output * self.cells())

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Operating money to providers, capital money to builders of the same places."""
        s = self.settings
        due = payments(self.name, "firms", self._operating(setting), s.payers)
        money = self.month_fen(setting, s.capital_yi_yuan_per_year)
        by_place = (setting.opening.output * self.cells()).sum(axis=1)
        works = in_sector(spread(money, by_place), CONSTRUCTION)
        return due + payments(self.name, "suppliers", works, s.payers)
