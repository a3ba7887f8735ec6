"""Service supply: places, quality and operating money of care, nurseries, hotels, culture."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting
from model.policy.levers.programme import CONSTRUCTION, ProgrammeLever, over_sales, percent, scale
from model.policy.settings_supply import ServiceSupply


@dataclass
class ServiceSupplyLever(ProgrammeLever):
    """Operating money goes to providers by their sales and lowers their unit cost by as much."""

    settings: ServiceSupply

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write completed capacity, quality and unit cost."""
        s, markets = self.settings, surface.markets
        self.build(setting, surface, s.capacity_percent, s.construction_months)
        scale(markets.appeal, self.cells, percent(s.quality_percent, self.strength(setting)))
        money = self.month_fen(setting, s.operating_yi_yuan_per_year)
        if money:
            operating = self.money("operating", money, self.sales(setting))
            markets.unit_cost *= 1.0 - over_sales(operating, setting)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Operating money to providers, capital money to builders of the same places."""
        s = self.settings
        operating = self.month_fen(setting, s.operating_yi_yuan_per_year)
        capital = self.month_fen(setting, s.capital_yi_yuan_per_year)
        providers = self.due("firms", operating, self.sales(setting))
        return providers + self.due("suppliers", capital, self.place_sales(setting), CONSTRUCTION)
