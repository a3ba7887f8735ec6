"""Local offer: goods and shops that attract more at home, or sell more outside."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.programme import (
    BUSINESS_SERVICES,
    ProgrammeLever,
    in_sector,
    on,
    percent,
    spread,
)  # fmt: skip
from model.policy.settings_supply import LocalOffer


@dataclass
class LocalOfferLever(ProgrammeLever):
    """What is taken from local sellers of the same kind is no gain and moves nothing."""

    settings: LocalOffer

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the attraction at home and sales outside."""
        s, strength, markets = self.settings, self.strength(setting), surface.markets
        gained = strength * (1.0 - s.diverted_share)
        markets.appeal *= on(self.cells(), percent(s.appeal_percent, gained))
        markets.export_demand *= on(self.cells(), percent(s.export_percent, strength))

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Campaigns are bought from business services of the places."""
        money = self.month_fen(setting, self.settings.cost_yi_yuan_per_year)
        where = (setting.opening.output * self.cells()).sum(axis=1)
        due = in_sector(spread(money, where), BUSINESS_SERVICES)
        return payments(self.name, "suppliers", due, self.settings.payers)
