"""Levers of the policies of a scenario, built from their settings."""

from __future__ import annotations

import numpy as np

from model.dimensions import ITEM_CATEGORY, ITEMS
from model.policy.levers.base import F64, Lever
from model.policy.levers.minimum_wage import MinimumWageLever
from model.policy.levers.pensions import PensionLever
from model.policy.levers.trade_in import TradeInLever
from model.policy.levers.transfer import TransferLever
from model.policy.levers.vouchers import VoucherLever
from model.policy.quantities import Dated
from model.policy.settings import MinimumWage, Pensions, TradeIn, Transfer, Vouchers
from model.scenario import Scenario


def build_levers(scenario: Scenario) -> list[Lever]:
    """One lever a policy, in the scenario's order, with dates as months of the run."""
    return [_build(scenario, name, settings) for name, settings in scenario.policies.items()]


def _build(scenario: Scenario, name: str, settings: object) -> Lever:
    at = scenario.month_offset
    match settings:
        case MinimumWage():
            end = None if settings.end is None else at(settings.end)
            return MinimumWageLever(name, settings, at(settings.start), end)
        case Pensions():
            return PensionLever(name, settings, at(settings.start))
        case Transfer():
            return TransferLever(name, settings, at(settings.month))
        case Vouchers():
            rounds = settings.round_list(scenario.last_month)
            return VoucherLever(name, settings, {at(month): days for month, days in rounds})
        case TradeIn():
            return _trade_in(scenario, name, settings)
    raise TypeError(f"no lever for {type(settings).__name__}")


def _trade_in(scenario: Scenario, name: str, settings: TradeIn) -> TradeInLever:
    at, months = scenario.month_offset, scenario.months
    rates, caps = np.zeros((months, len(ITEMS))), np.zeros((months, len(ITEMS)))
    for column, item in enumerate(ITEMS):
        rule = settings.items.get(ITEM_CATEGORY[item])
        if rule is not None:
            rates[:, column] = _monthly(scenario, rule.rate)
            caps[:, column] = _monthly(scenario, rule.cap_yuan)
    announced = at(settings.announce or settings.start)
    return TradeInLever(
        name, settings, announced, at(settings.start), at(settings.end), rates, caps
    )


def _monthly(scenario: Scenario, dated: Dated) -> F64:
    """A dated setting by month of the run."""
    return np.array([dated.at(scenario.month_at(month)) for month in range(scenario.months)])
