"""Start-ups: cheaper entry of small firms, grants and guaranteed loans for founders."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.firm_support import give_credit, invested
from model.policy.levers.programme import (
    ProgrammeLever,
    on,
    percent,
    spread,
)  # fmt: skip
from model.policy.settings_supply import StartUps


@dataclass
class StartUpsLever(ProgrammeLever):
    """More small firms share much the same market: see `firms.entry_crowding`."""

    settings: StartUps

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write entry, founders' investment and their credit lines."""
        s, markets, strength = self.settings, surface.markets, self.strength(setting)
        markets.entry_ease *= on(self.cells(), percent(s.entry_percent, strength))
        markets.investment += invested(setting, self._grants(setting))
        give_credit(self, setting, surface, s.loans_yi_yuan)

    def _grants(self, setting: Setting) -> I64:
        money = self.month_fen(setting, self.settings.grants_yi_yuan_per_year)
        return spread(money, setting.opening.output * self.cells())

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Grants are paid to firms."""
        return payments(self.name, "firms", self._grants(setting), self.settings.payers)
