"""Housing: committed deposits released for homes, lower taxes on them, stock bought by budgets."""

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
    percent,
    spread,
)  # fmt: skip
from model.policy.settings_people import Housing


@dataclass
class HousingLever(ProgrammeLever):
    """Cities' land and deed revenue bears the price cut; unsold homes bring builders cash only."""

    settings: Housing

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write housing outlays of households and the part of them that cities forgo."""
        s, strength = self.settings, self.strength(setting)
        cut = s.price_cut_percent / PERCENT * strength * self.places()
        # What buyers no longer pay to the city stays with them; builders are paid as before.
        released = on(self.places(), percent(s.release_percent, strength))
        surface.housing_ratio *= released * (1.0 - cut)
        surface.markets.land_cut += cut

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Unsold homes: money for builders, no construction."""
        money = self.month_fen(setting, self.settings.stock_yi_yuan_per_year)
        homes = spread(money, setting.households * self.places())
        due = in_sector(homes, CONSTRUCTION)
        return payments(self.name, "firms", due, self.settings.payers)
