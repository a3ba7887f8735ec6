"""Levers of the policies of a scenario, built from their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from model.dimensions import ITEM_CATEGORY, ITEMS
from model.policy.delivery import Delivery
from model.policy.levers.arrears_clearing import ArrearsClearingLever
from model.policy.levers.base import F64, Lever
from model.policy.levers.coordination import CoordinationLever
from model.policy.levers.dividends import DividendsLever
from model.policy.levers.firm_support import FirmSupportLever
from model.policy.levers.housing import HousingLever
from model.policy.levers.jobs import JobsLever
from model.policy.levers.leisure import LeisureLever
from model.policy.levers.local_offer import LocalOfferLever
from model.policy.levers.minimum_wage import MinimumWageLever
from model.policy.levers.pensions import PensionLever
from model.policy.levers.people import PEOPLE_LEVERS
from model.policy.levers.public_works import PublicWorksLever
from model.policy.levers.service_supply import ServiceSupplyLever
from model.policy.levers.start_ups import StartUpsLever
from model.policy.levers.statistics import StatisticsLever
from model.policy.levers.trade_in import TradeInLever
from model.policy.levers.training import TrainingLever
from model.policy.levers.transfer import TransferLever
from model.policy.levers.visitors import VisitorsLever
from model.policy.levers.vouchers import VoucherLever
from model.policy.programme_settings import Programme
from model.policy.quantities import Dated
from model.policy.settings import MinimumWage, Pensions, TradeIn, Transfer, Vouchers
from model.policy.settings_people import Dividends, Housing, Jobs, Training
from model.policy.settings_supply import (
    ArrearsClearing,
    Coordination,
    FirmSupport,
    Leisure,
    LocalOffer,
    PublicWorks,
    ServiceSupply,
    StartUps,
    Statistics,
    Visitors,
)
from model.scenario import Scenario

# Levers of programmes: each is built from its name, its settings and its delivery by month.
PROGRAMME_LEVERS: Final[dict[type[Programme], Callable[[str, Any, F64], Lever]]] = {
    ArrearsClearing: ArrearsClearingLever,
    Coordination: CoordinationLever,
    Dividends: DividendsLever,
    FirmSupport: FirmSupportLever,
    Housing: HousingLever,
    Jobs: JobsLever,
    Leisure: LeisureLever,
    LocalOffer: LocalOfferLever,
    PublicWorks: PublicWorksLever,
    ServiceSupply: ServiceSupplyLever,
    StartUps: StartUpsLever,
    Statistics: StatisticsLever,
    Training: TrainingLever,
    Visitors: VisitorsLever,
    **PEOPLE_LEVERS,
}


def build_levers(scenario: Scenario) -> list[Lever]:
    """One lever a policy, in the scenario's order, with dates as months of the run."""
    delivered = Delivery(scenario, scenario.parameter_set()).delivered
    return [
        PROGRAMME_LEVERS[type(settings)](name, settings, delivered[name])
        if isinstance(settings, Programme)
        else _build(scenario, name, settings)
        for name, settings in scenario.policies.items()
    ]


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
