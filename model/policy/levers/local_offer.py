"""Local offer: goods and shops that attract more at home, or sell more outside."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting
from model.policy.levers.programme import BUSINESS_SERVICES, ProgrammeLever, percent, scale
from model.policy.settings_supply import LocalOffer


@dataclass
class LocalOfferLever(ProgrammeLever):
    """What is taken from local sellers of the same kind is no gain and moves nothing."""

    settings: LocalOffer

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the attraction at home and sales outside."""
        s, strength, markets = self.settings, self.strength(setting), surface.markets
        gained = strength * (1.0 - s.diverted_share)
        scale(markets.appeal, self.cells, percent(s.appeal_percent, gained))
        scale(markets.export_demand, self.cells, percent(s.export_percent, strength))

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Campaigns are bought from business services of the places."""
        money = self.month_fen(setting, self.settings.cost_yi_yuan_per_year)
        return self.due("suppliers", money, self.place_sales(setting), BUSINESS_SERVICES)
