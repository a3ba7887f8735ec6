"""Committed saving answers to beliefs in protection: neutral today, monotone, the right people."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.agents.household_layout import F64
from model.agents.target_saving import SavingTargets
from model.dimensions import AGE_GROUPS, PLACES, RESIDENCES
from model.economy import Economy
from model.parameters import load_parameters
from model.policy.instruments import PROTECTIONS
from tests.economies import Policies, scenario

PARAMETERS = load_parameters()
TARGETS = SavingTargets.of(PARAMETERS)
WORKING, RETIRED = slice(0, len(AGE_GROUPS)), slice(len(AGE_GROUPS), None)
SHARE = st.floats(0.0, 0.5)


def promised(medical: float = 0.0, jobless: float = 0.0, old_age: float = 0.0) -> F64:
    sizes = np.array([medical, jobless, old_age])
    return np.broadcast_to(sizes, (len(PLACES), len(AGE_GROUPS), len(PROTECTIONS))).copy()


def policy(**settings: object) -> Policies:
    return {"more": {"lever": "social_protection", "start": "2025-10", **settings}}


def test_nothing_promised_changes_no_bit() -> None:
    assert (TARGETS.factors(promised()) == 1.0).all()
    assert (TARGETS.factors(promised(jobless=0.3)) == 1.0).all()


@given(medical=SHARE, old_age=SHARE, more=SHARE)
def test_more_protection_never_means_more_saving(medical: float, old_age: float, more: float):
    before = TARGETS.factors(promised(medical=medical, old_age=old_age))
    for better in (promised(medical + more, 0, old_age), promised(medical, 0, old_age + more)):
        after = TARGETS.factors(better)
        assert (after <= before).all()
        assert after.min() >= 0


def test_contracts_and_other_targets_stay() -> None:
    """With all bills and all of old age provided for, what is left is the rest of the targets."""
    left = TARGETS.factors(promised(medical=1.0, old_age=1.0))
    contract = PARAMETERS.array("households.target_saving.contract_share")
    assert left.min() > 0.0
    for residence in range(len(RESIDENCES)):
        assert (left[residence :: len(RESIDENCES), WORKING] > contract[residence]).all()


def test_old_age_concerns_those_who_still_work() -> None:
    factors = TARGETS.factors(promised(old_age=0.1))
    assert (factors[:, RETIRED] == 1.0).all()
    assert (factors[:, WORKING] < 1.0).all()


def test_targets_are_what_the_equation_says() -> None:
    """z* of an urban household under 35: old age, bills ahead, children and the rest."""
    p, in_old_age = PARAMETERS.number, 1.0 / (12.0 * PARAMETERS.array("consumption.succession")[1])
    chance = PARAMETERS.array("consumption.medical_probability")[1]
    ahead = p("households.beliefs.retired_age") - PARAMETERS.array(
        "households.beliefs.working_ages"
    )
    late = chance[2] * in_old_age * PARAMETERS.array("consumption.replacement")[1]
    bill = p("consumption.medical_size") * p("consumption.out_of_pocket")
    name = "households.target_saving."
    gap = p(name + "wanted_replacement") - PARAMETERS.array(name + "expected_replacement")[1]
    expected = in_old_age * gap + bill * (chance[0] * ahead[0] + late) * p(name + "medical_cover")
    expected += PARAMETERS.array(name + "children")[0] + p(name + "other")
    assert TARGETS.total(np.zeros(1), np.zeros(1))[1, 0, 0] == pytest.approx(expected)


def factors_after(settings: dict[str, object], months: int = 3) -> F64:
    economy = Economy(scenario(policy(**settings), months=months), lean=True)
    for _ in range(months):
        economy.step()
    return economy.world.targets.factors(economy.surface.promised)


def test_a_promise_reaches_its_places_and_ages_only() -> None:
    found = factors_after(
        {"old_age_points": 20, "cities": ["dalian"], "old_age_groups": ["under_35"]}
    )
    moved = found != 1.0
    cells = np.repeat(np.arange(len(PLACES)), len(RESIDENCES)) == PLACES.index("dalian")
    assert moved[cells, AGE_GROUPS.index("under_35")].all()
    assert moved.sum() == cells.sum()


def test_a_promise_to_some_ages_is_a_smaller_one_in_the_tables() -> None:
    weights = []
    for ages in (["under_35"], ["under_35", "35_to_49"], None):
        settings = {"old_age_points": 10} | ({"old_age_groups": ages} if ages else {})
        economy = Economy(scenario(policy(**settings), months=1), lean=True)
        economy.step()
        weights.append(float(economy.surface.protection[PROTECTIONS.index("old_age")]))
    assert all(more > less > 0.0 for less, more in pairwise(weights))


@pytest.mark.parametrize("settings", [{"old_age_points": 20}, {"out_of_pocket_points": 20}])
def test_committed_saving_falls_slowly_and_the_books_close(settings: dict[str, object]) -> None:
    """The ledger checks every month; deposits committed before stay committed."""
    settings |= {"payers": {"funds": 1.0}}
    runs = [Economy(scenario(p, months=8), lean=True) for p in (None, policy(**settings))]
    gaps = []
    for _ in range(8):
        for economy in runs:
            economy.step()
        base, better = (int(economy.flows.committed.sum()) for economy in runs)
        gaps.append(1.0 - better / base)
    assert all(later > sooner > 0.0 for sooner, later in pairwise(gaps))
    assert runs[1].flows.consumption.sum() > runs[0].flows.consumption.sum()
    assert runs[1].household_block.columns.committed.min() >= 0
