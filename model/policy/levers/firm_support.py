"""Firm support: grants, investment subsidies, interest subsidies, guarantees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, payments
from model.policy.levers.programme import (
    FEN_IN_YI_YUAN,
    PERCENT,
    ProgrammeLever,
    over_sales,
    spread,
)  # fmt: skip
from model.policy.settings_supply import FirmSupport


def invested(setting: Setting, grants: I64) -> I64:
    """What firms invest of grants (`firms.grant_invested`)."""
    share = setting.parameters.number("firms.grant_invested")
    return np.asarray(np.rint(grants * share), dtype=np.int64)


def give_credit(
    lever: ProgrammeLever, setting: Setting, surface: Instruments, yi_yuan: float
) -> None:
    """Guaranteed credit lines by sales: liquidity, and `firms.guarantee_invested` of new ones is
    invested by firms that would not have got the credit.
    """
    weights, line = setting.opening.output * lever.cells(), yi_yuan * FEN_IN_YI_YUAN
    surface.markets.liquidity += spread(round(line * lever.strength(setting)), weights)
    share = setting.parameters.number("firms.guarantee_invested")
    new = line * lever.added_capacity(setting, 0)
    surface.markets.investment += spread(round(new * share), weights)


@dataclass
class FirmSupportLever(ProgrammeLever):
    """Money goes to the sectors by their sales, interest subsidies by their loans."""

    settings: FirmSupport

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write investment, unit cost and credit lines; guarantees are no income."""
        markets = surface.markets
        markets.investment += self._additional(setting)
        markets.investment += invested(setting, self._grants(setting))
        markets.unit_cost *= 1.0 - over_sales(self._interest(setting), setting)
        give_credit(self, setting, surface, self.settings.guarantees_yi_yuan)

    def _weights(self, setting: Setting) -> F64:
        return setting.opening.output * self.cells()

    def _grants(self, setting: Setting) -> I64:
        money = self.month_fen(setting, self.settings.grants_yi_yuan_per_year)
        return spread(money, self._weights(setting))

    def _investment(self, setting: Setting) -> I64:
        money = self.month_fen(setting, self.settings.investment_yi_yuan_per_year)
        return spread(money, self._weights(setting))

    def _additional(self, setting: Setting) -> I64:
        """Investment of this month's subsidies, less what earlier ones brought forward."""
        number = setting.parameters.number
        earlier = number("firms.brought_forward")
        months = int(number("firms.brought_forward_months"))
        paid, now = self.delivered, setting.month
        missing = float(paid[max(now - months, 0) : now].sum()) / months
        year = number("numerics.months_per_year")
        money = self.settings.investment_yi_yuan_per_year * FEN_IN_YI_YUAN / year
        size = number("firms.subsidised_investment") * money
        fen = round(size * (float(paid[now]) - earlier * missing))
        return spread(abs(fen), self._weights(setting)) * (1 if fen >= 0 else -1)

    def _interest(self, setting: Setting) -> I64:
        s, year = self.settings, setting.parameters.number("numerics.months_per_year")
        rate = s.interest_subsidy_points / PERCENT / year * s.covered_share
        owed = setting.opening.loans * self.cells() * setting.trend
        return np.asarray(np.rint(owed * rate * self.strength(setting)), dtype=np.int64)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Everything is paid to firms."""
        money = self._grants(setting) + self._investment(setting) + self._interest(setting)
        return payments(self.name, "firms", money, self.settings.payers)
