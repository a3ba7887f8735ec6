"""Statistics: what is counted as retail sales. Nobody's behaviour changes."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import Setting
from model.policy.levers.programme import PERCENT, ProgrammeLever
from model.policy.settings_supply import Statistics


@dataclass
class StatisticsLever(ProgrammeLever):
    """Coverage of services, and whether online purchases count where buyers live."""

    settings: Statistics

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the definition in force."""
        strength, markets = self.strength(setting), surface.markets
        markets.service_coverage += self.settings.service_coverage_points / PERCENT * strength
        markets.buyer_location |= self.settings.by_buyer_location > 0 and strength > 0.0
