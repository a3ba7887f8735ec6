"""Dividends: a larger part of profits for households that own firms, and in which months."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import Setting
from model.policy.levers.programme import PERCENT, ProgrammeLever
from model.policy.settings_people import Dividends


@dataclass
class DividendsLever(ProgrammeLever):
    """Firms pay from their cash, so what households gain firms and outside owners lack."""

    settings: Dividends

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the payout and what is moved between months of a year."""
        strength, chosen = self.strength(setting), self.settings.calendar_months
        extra = self.settings.payout_percent / PERCENT * strength
        if chosen is None:
            surface.markets.payout *= 1.0 + extra
            return
        year = setting.parameters.number("numerics.months_per_year")
        inside, moved = setting.calendar_month in chosen, self.settings.moved_share * strength
        surface.markets.payout *= 1.0 + (extra * year / len(chosen) if inside else 0.0)
        rise = moved * (year - len(chosen)) / len(chosen)
        surface.markets.payout_moved += rise if inside else -moved
