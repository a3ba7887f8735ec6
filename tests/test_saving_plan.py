"""Savings plans: they lag behind lasting income, follow the usual share, and rest without work."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.agents.household import _put_aside
from model.agents.household_words import catch_up, fen, planned_saving
from model.dimensions import MOST_SAVED, PLACES, RESIDENCES, STAGES, THRIFT_UNIT
from model.economy import Economy
from model.parameters import load_parameters
from model.population_tables import committed_rule
from tests.economies import Policies, scenario

PARAMETERS = load_parameters()
USUAL = committed_rule(PARAMETERS)[0]
GAIN = PARAMETERS.number("households.saving_plan.adjustment")
INCOME = st.floats(300.0, 100_000.0)
STANDING: Policies = {
    "more": {
        "lever": "transfer", "month": "2025-11", "permanent": True, "yuan_per_household": 600,
        "payer": "central",
    }
}  # fmt: skip


USUAL_THRIFT = round(1.0 / THRIFT_UNIT)


def household(income: float, stage: int = 0, thrift: int = USUAL_THRIFT) -> Any:
    return SimpleNamespace(
        plan_income=income, stage=stage, thrift=thrift, residence=1, place=0, group=1
    )


def month(factor: float = 1.0) -> Any:
    factors = np.full((len(PLACES) * len(RESIDENCES), 8), factor)
    floor = np.rint(100.0 * PARAMETERS.array("consumption.income_floor"))
    return SimpleNamespace(
        usual_share=USUAL, committed_factor=factors, plan_gain=GAIN, income_floor=floor, trend=1.0
    )


@given(INCOME, INCOME, st.integers(0, 255), st.sampled_from([0, 2]))
def test_plans_rise_with_income_and_never_take_all(a: float, b: float, thrift: int, stage: int):
    low, high = (
        planned_saving(household(x, stage, thrift), month()) for x in (min(a, b), max(a, b))
    )
    assert 0.0 <= low <= high
    assert high <= MOST_SAVED * max(a, b)


def test_a_plan_is_the_usual_share_times_thrift_times_beliefs() -> None:
    usual = planned_saving(household(6000.0), month())
    assert planned_saving(household(6000.0, thrift=USUAL_THRIFT // 2), month()) == pytest.approx(
        usual / 2.0
    )
    assert planned_saving(household(6000.0), month(0.8)) == pytest.approx(usual * 0.8)
    name = "consumption.committed."
    centre, slope = (PARAMETERS.number(name + key) for key in ("centre", "slope"))
    maximum = float(PARAMETERS.array(name + "maximum")[1])
    share = maximum / (1.0 + (6000.0 / centre) ** (-1.0 / slope))
    assert usual == pytest.approx(6000.0 * share, rel=0.002)  # linear between income nodes


@given(INCOME, INCOME)
def test_plans_catch_up_by_a_part_of_the_gap_and_rest_without_work(plan: float, income: float):
    working, jobless = household(plan), household(plan, stage=STAGES.index("unemployed"))
    for one in (working, jobless):
        catch_up(one, month(), income - one.plan_income)
    assert working.plan_income == pytest.approx(plan + GAIN * (income - plan))
    assert jobless.plan_income == plan


def test_of_a_standing_transfer_more_is_saved_every_month() -> None:
    """Nothing at first, because plans follow slowly; never as much as is received."""
    runs = [Economy(scenario(p, months=9), lean=True) for p in (None, STANDING)]
    saved = []
    for _ in range(9):
        for economy in runs:
            economy.step()
        base, richer = (int(economy.flows.committed.sum()) for economy in runs)
        saved.append((richer - base) / max(int(runs[1].flows.transfers.sum()), 1))
    assert saved[0] == 0.0
    assert all(later > sooner for sooner, later in pairwise(saved[2:]))
    assert saved[-1] < 0.3


@given(INCOME, INCOME)
def test_nobody_saves_by_plan_what_is_needed_to_live_on(plan_income: float, earned: float) -> None:
    """The whole plan if income allows it, else what is above the living allowance."""
    one, m = household(plan_income), month()
    plan, income = planned_saving(one, m), fen(earned)
    saved, room = _put_aside(one, m, plan, income), income - int(m.income_floor[one.residence])
    assert saved == (fen(plan) if fen(plan) <= room else max(room, 0))
    assert _put_aside(household(plan_income, STAGES.index("unemployed")), m, plan, income) == 0


def test_who_is_without_work_saves_nothing() -> None:
    economy = Economy(scenario(months=2), lean=True)
    before = economy.household_block.columns.committed.copy()
    economy.step()
    now = economy.household_block.columns
    jobless = now.stage == STAGES.index("unemployed")
    assert jobless.any()
    assert (now.committed[jobless] <= before[jobless]).all()
    assert (now.committed[~jobless] > before[~jobless]).any()
    assert (now.liquid >= 0).all()
