"""Arrears: public debtors pay old bills, which stand outside the opening balance sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.firm_support import invested
from model.policy.levers.programme import FEN_IN_YI_YUAN, PERCENT, ProgrammeLever, spread
from model.policy.settings_supply import ArrearsClearing


@dataclass
class ArrearsClearingLever(ProgrammeLever):
    """Pays a yearly share of the old stock until nothing of it is left."""

    settings: ArrearsClearing

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Firms use the money like any other they did not count on."""
        surface.markets.investment += invested(setting, self._money(setting))

    def _money(self, setting: Setting) -> I64:
        """Payments of the month to suppliers of budgets, by what budgets buy from them."""
        year = setting.parameters.number("numerics.months_per_year")
        rate = self.settings.clearance_percent_per_year / PERCENT / year
        paid = np.append(0.0, np.minimum(np.cumsum(self.delivered) * rate, 1.0))
        share = float(paid[setting.month + 1] - paid[setting.month])
        stock = setting.parameters.number("government.arrears_stock") * FEN_IN_YI_YUAN
        bought = setting.opening.purchases * self.places()[:, None]
        whole = max(float(setting.opening.purchases.sum()), 1.0)
        return spread(round(stock * share * float(bought.sum()) / whole), bought)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Old bills are paid to firms."""
        return payments(self.name, "firms", self._money(setting), self.settings.payers)
