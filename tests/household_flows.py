"""Household flows made from provincial totals, for tests of markets without households."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, PLACES, SECTORS
from model.flows import HouseholdFlows
from model.markets.month import Plan
from model.parameters import Parameters

Array = npt.NDArray[np.float64]
PERSONS, INCOME, CONSUMPTION_SHARE, EMPLOYED = 39.9e6, 37992.0, 0.62, 20.9e6
SECTOR_JOBS = np.array(
    [0.25, 0.05, 0.05, 0.008, 0.010, 0.012, 0.06, 0.015, 0.06, 0.11, 0.235, 0.19]
)
SECTOR_PAY = np.array([0.45, 0.8, 0.8, 1.1, 1.1, 1.0, 0.8, 0.9, 0.9, 1.3, 1.25, 1.6])
OWN_ACCOUNT = np.array([0.9, 0.5, 0.5, 0.1, 0.2, 0.3, 0.45, 0.25, 0.35, 0.1, 0.12, 0.05])
CATEGORY = np.array(
    [0.25, 0.05, 0.07, 0.16, 0.04, 0.03, 0.02, 0.05, 0.03, 0.07, 0.03, 0.07, 0.02, 0.01, 0.08, 0.02]
)


def place_weights(parameters: Parameters) -> Array:
    """Places by a mix of GDP and spending, (15,)."""
    gdp, budget = parameters.array("government.gdp"), parameters.array("government.spending")
    mixed = 0.5 * gdp / gdp.sum() + 0.5 * budget / budget.sum()
    weights: Array = mixed / mixed.sum()
    return weights


def fen(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.rint(values * 100).astype(np.int64)


def household_flows(parameters: Parameters) -> HouseholdFlows:
    """An average month consistent with provincial totals of 2023."""
    places = place_weights(parameters)
    flows = HouseholdFlows()
    income = PERSONS * INCOME / 12
    jobs = SECTOR_JOBS / SECTOR_JOBS.sum()
    pay = jobs * SECTOR_PAY
    earnings = 0.62 * income * np.outer(places, pay / pay.sum())
    flows.net_earnings = fen(
        np.stack([earnings * (1 - OWN_ACCOUNT), earnings * OWN_ACCOUNT], axis=2)
    )
    flows.other_income = fen(0.06 * income * places)
    flows.pensions = fen(income * np.outer(places, [0.01, 0.22, 0.012]))
    flows.unemployment_benefits = fen(0.002 * income * places)
    flows.property_income = fen(0.04 * income * places)
    flows.deposit_interest = fen(0.03 * income * places)
    spending = CONSUMPTION_SHARE * income
    split = np.array([0.2, 0.8])
    category = CATEGORY / CATEGORY.sum()
    flows.consumption = fen(spending * places[:, None, None] * split[None, :, None] * category)
    flows.medical_shock = fen(0.01 * income * places)
    flows.committed = fen(0.2 * income * places)
    flows.housing_investment = fen(0.12 * income * places)
    flows.employed_persons = np.rint(EMPLOYED * np.outer(places, jobs)).astype(np.int64)
    leaving = flows.employed_persons @ parameters.array("labour.separation")
    flows.unemployed_persons = np.rint(leaving / parameters.number("labour.find")).astype(np.int64)
    flows.liquid = fen(income * 10 * places)
    flows.committed_balance = fen(income * 24 * places)
    flows.debt = fen(income * 2 * places)
    flows.loan_interest = fen(income * 0.008 * places)
    sizes = (len(category), len(jobs), len(places))
    assert sizes == (len(CATEGORIES), len(SECTORS), len(PLACES))
    return flows


def at_level(flows: HouseholdFlows, level: float) -> HouseholdFlows:
    """The same flows at another nominal level; people stay."""
    scaled = HouseholdFlows()
    for item in fields(flows):
        value = getattr(flows, item.name)
        people = item.name in ("employed_persons", "unemployed_persons", "separations", "hires")
        scaled_value = value.copy() if people else np.rint(value * level).astype(np.int64)
        setattr(scaled, item.name, scaled_value)
    return scaled


class Workers:
    """Employment that follows the posted probabilities, with a fixed labour force by place."""

    def __init__(self, base: HouseholdFlows) -> None:
        self.base = base
        self.employed = base.employed_persons.astype(float)
        self.unemployed = base.unemployed_persons.astype(float)

    def month(self, plan: Plan, level: float) -> HouseholdFlows:
        """Move people and return flows with earnings = base x people x pay index x level."""
        leave, found = self.employed * plan.separation, self.unemployed * plan.find
        hires = plan.openings * self.base.employed_persons
        jobs = hires / hires.sum(axis=1, keepdims=True)
        self.employed += found[:, None] * jobs - leave
        self.unemployed += leave.sum(axis=1) - found
        flows = at_level(self.base, level)
        ratio = (self.employed / self.base.employed_persons)[:, :, None] * plan.pay_index
        flows.net_earnings = np.rint(flows.net_earnings * ratio).astype(np.int64)
        flows.employed_persons = np.rint(self.employed).astype(np.int64)
        flows.unemployed_persons = np.rint(self.unemployed).astype(np.int64)
        return flows
