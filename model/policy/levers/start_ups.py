"""Start-ups: cheaper entry of small firms, grants and guaranteed loans for founders."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting
from model.policy.levers.firm_support import give_credit, invested
from model.policy.levers.programme import ProgrammeLever, percent, scale
from model.policy.settings_supply import StartUps


@dataclass
class StartUpsLever(ProgrammeLever):
    """More small firms share much the same market: see `firms.entry_crowding`."""

    settings: StartUps

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write entry, founders' investment and their credit lines."""
        s, markets, strength = self.settings, surface.markets, self.strength(setting)
        scale(markets.entry_ease, self.cells, percent(s.entry_percent, strength))
        if s.grants_yi_yuan_per_year:
            money = self.month_fen(setting, s.grants_yi_yuan_per_year)
            markets.investment += invested(
                setting, self.money("grants", money, self.sales(setting))
            )
        give_credit(self, setting, surface, s.loans_yi_yuan)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Grants are paid to firms."""
        money = self.month_fen(setting, self.settings.grants_yi_yuan_per_year)
        return self.due("firms", money, self.sales(setting))
