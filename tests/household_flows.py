"""Household flows made from provincial totals, for tests of markets without households."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, PLACES, SECTORS
from model.flows import HouseholdFlows
from model.parameters import Parameters

PERSONS, INCOME, CONSUMPTION_SHARE, EMPLOYED = 39.9e6, 37992.0, 0.62, 20.9e6
SECTOR_JOBS = np.array([.25, .05, .05, .008, .010, .012, .06, .015, .06, .11, .235, .19])
SECTOR_PAY = np.array([.45, .8, .8, 1.1, 1.1, 1.0, .8, .9, .9, 1.3, 1.25, 1.6])
OWN_ACCOUNT = np.array([.9, .5, .5, .1, .2, .3, .45, .25, .35, .1, .12, .05])
CATEGORY = np.array([.25, .05, .07, .16, .04, .03, .02, .05, .03, .07, .03, .07, .02, .01, .08, .02])


def place_weights(parameters: Parameters) -> npt.NDArray[np.float64]:
    """Places by a mix of GDP and spending, (15,)."""
    gdp, budget = parameters.array("government.gdp"), parameters.array("government.spending")
    mixed = 0.5 * gdp / gdp.sum() + 0.5 * budget / budget.sum()
    return mixed / mixed.sum()


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
    flows.net_earnings = fen(np.stack([earnings * (1 - OWN_ACCOUNT), earnings * OWN_ACCOUNT], axis=2))
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
    flows.unemployed_persons = np.rint(EMPLOYED * 0.055 / 0.945 * places).astype(np.int64)
    flows.liquid = fen(income * 10 * places)
    flows.committed_balance = fen(income * 24 * places)
    flows.debt = fen(income * 2 * places)
    flows.loan_interest = fen(income * 0.008 * places)
    assert len(CATEGORY) == len(CATEGORIES) and len(jobs) == len(SECTORS) and len(places) == len(PLACES)
    return flows
