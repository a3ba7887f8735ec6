"""Intervals widen by what is not known, and say which part is whose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.alternatives import (
    CHANCE,
    LEVERS,
    SCENARIO,
    SCENARIO_PREFIXES,
    alternatives,
    environment_draws,
)
from experiments.comparison import Comparison, collect
from experiments.intervals import EXACT, around, draw_half_width, widened
from experiments.runner import Runner, replication_seeds
from model.scenario import Scenario, load_scenario

SMALL = {"scale": 10000, "months": 4}


def small(name: str = "baseline") -> Scenario:
    return load_scenario(name).changed(**SMALL)


def compared(baseline: Scenario, policy: Scenario, count: int) -> Comparison:
    seeds = replication_seeds(baseline.seed, count)
    more = alternatives(baseline, policy, count, (LEVERS, SCENARIO))
    return collect(Runner().pairs(baseline, policy, seeds, alternatives=more))


def test_draws_of_surroundings_stay_in_range_and_do_not_change() -> None:
    scenario = small()
    draws = environment_draws(scenario, 8)
    parameters = scenario.parameter_set()
    assert draws == environment_draws(scenario, 8)
    assert all(set(draw) == set(draws[0]) for draw in draws)
    for name in draws[0]:
        assert name.startswith(SCENARIO_PREFIXES)
        values, entry = [draw[name] for draw in draws], parameters.entry(name)
        assert entry.low <= min(values) < max(values) <= entry.high


def test_what_a_scenario_sets_itself_is_not_drawn() -> None:
    own = small().changed(parameters={"outside.export_elasticity": 1.7})
    for row in alternatives(own, own, 3, (SCENARIO,)):
        for one in row:
            for side in (one.baseline, one.policy):
                assert side is not None
                assert side.parameters["outside.export_elasticity"] == 1.7
                assert "outside.visitor_elasticity" in side.parameters


def test_one_replication_has_no_alternatives() -> None:
    assert alternatives(small(), small(), 1) == [[]]


def test_no_policy_is_exactly_zero_in_any_surroundings() -> None:
    found = compared(small(), small(), 2)
    assert found.drawn[SCENARIO]
    for outcome in found.outcomes():
        estimate = found.effect(outcome, 4)
        assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)
        assert estimate.method == EXACT
        assert found.sources(outcome, 4) == {}


def test_intervals_widen_and_shares_add_up() -> None:
    baseline = small()
    policy = baseline.with_measures([23], levers={23: {}})
    policy = policy.changed(start=baseline.start)
    found = compared(baseline, policy, 3)
    bare = Comparison(found.pairs, found.baseline, found.policy)
    assert set(found.drawn) == {LEVERS, SCENARIO}
    for outcome in ("household_consumption", "fiscal_cost"):
        wide, narrow = found.effect(outcome, 4), bare.effect(outcome, 4)
        assert wide.value == narrow.value
        assert wide.half_width >= narrow.half_width
        shares = found.sources(outcome, 4)
        assert set(shares) == {CHANCE, LEVERS, SCENARIO}
        assert sum(shares.values()) == pytest.approx(1.0)


@given(
    half=st.floats(0, 10),
    levers=st.lists(st.floats(-5, 5), min_size=2, max_size=9),
    others=st.lists(st.floats(-5, 5), min_size=2, max_size=9),
)
def test_squared_half_widths_add_up(half: float, levers: list[float], others: list[float]) -> None:
    usual = around(3.0, half, "paired_t")
    found = widened(usual, {"a": np.array(levers), "b": np.array(others)})
    parts = [half, draw_half_width(np.array(levers)), draw_half_width(np.array(others))]
    assert found.half_width == pytest.approx(float(np.linalg.norm(parts)), abs=1e-9)
    assert found.value == usual.value
