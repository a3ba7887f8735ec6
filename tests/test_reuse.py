"""Kept results: a changed number never meets what the old one built, and no bit differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.run_jobs import Bench, Job, baseline_changes, setup_for
from model import opening as accounts
from model import warm_up
from model.economy import Economy
from model.opening import after_rounds
from model.outcome import Outcome
from model.parameters import Parameters, load_parameters
from model.parameters.reuse import Memory, Watched
from model.policy.idle import IDLE_WITHOUT_POLICY, is_idle
from model.scenario import load_scenario
from tests.economies import scenario

NAMES = ("firms.hiring_gain", "firms.layoff_speed", "labour.find", "consumption.growth")


def forget() -> None:
    """Empty every memory that runs share."""
    for memory in (warm_up._PEOPLE, warm_up._LIVED, accounts._KEPT):
        memory.clear()


def bits(run: Outcome) -> dict[str, bytes]:
    return {name: series.values.tobytes() for name, series in run.series.items()}


def run(changes: Mapping[str, Any], seed: int = 3) -> Outcome:
    """Three months without policy at a coarse scale."""
    changed = scenario({}, months=3, scale=10_000, parameters=dict(changes))
    return Economy(changed, seed, lean=True, threads=1).run()


# --- the memory itself ------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    read=st.sets(st.sampled_from(NAMES)),
    points=st.lists(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from([0.01, 0.02, 1, 1.0])), max_size=8
    ),
)
def test_a_kept_result_is_what_the_build_gives(
    read: set[str], points: list[dict[str, float]]
) -> None:
    def build(parameters: Parameters) -> str:
        return repr([parameters[name] for name in sorted(read)])

    memory: Memory[str] = Memory(3)
    for point in points:
        own = load_parameters(point)
        assert memory.get(own, "key", build) == build(own)


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: p["labour.find"],
        lambda p: p.number("labour.find"),
        lambda p: p.entry("labour.find").value,
        lambda p: p.array("labour.find").item(),
        lambda p: "labour.find" in p,
        lambda p: p.digest("labour."),
        lambda p: p.digest(),
        lambda p: dict(p)["labour.find"],
        lambda p: p.with_values({"firms.hiring_gain": 0.5})["labour.find"],
        lambda p: Watched(p)["labour.find"],
    ],
)
def test_every_way_of_asking_is_noticed(ask: Any) -> None:
    shipped = load_parameters()
    watched = Watched(shipped)
    answer = ask(watched)
    assert "labour.find" in watched.read
    assert answer == ask(shipped)


def test_what_is_not_read_does_not_matter_and_other_keys_do() -> None:
    memory: Memory[object] = Memory(4)

    def build(parameters: Parameters) -> object:
        return parameters["labour.find"], object()

    first = memory.get(load_parameters(), 1, build)
    assert memory.get(load_parameters({"firms.hiring_gain": 0.9}), 1, build) is first
    assert memory.get(load_parameters({"labour.find": 0.9}), 1, build) is not first
    assert memory.get(load_parameters(), 2, build) is not first
    assert memory.get(load_parameters(), 1, build) is first


def test_a_memory_inside_another_passes_on_what_was_read() -> None:
    inner: Memory[float] = Memory(4)
    outer: Memory[float] = Memory(4)

    def whole(parameters: Parameters) -> float:
        return inner.get(parameters, 0, lambda p: p.number("labour.find"))

    for find in (0.1, 0.2, 0.1, 0.3):  # the third is answered by the memory inside
        outer.clear()
        assert outer.get(load_parameters({"labour.find": find}), 0, whole) == find
        assert outer.get(load_parameters({"labour.find": find / 2}), 0, whole) == find / 2


def test_old_results_make_room_by_their_size() -> None:
    memory: Memory[list[int]] = Memory(10, size=len)
    built = []

    def of(size: int) -> list[int]:
        def build(_: Parameters) -> list[int]:
            built.append(size)
            return [0] * size

        return memory.get(load_parameters(), size, build)

    for size in (3, 4, 3, 6, 4, 20, 20, 1):  # 6 pushes out 4, then 4 pushes out 3; 20 stays alone
        assert len(of(size)) == size
    assert built == [3, 4, 6, 4, 20, 1]


# --- the economy ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"firms.expectation_gain": 0.3},
        {"firms.local_input_factor": 0.9},
        {"government.gdp_total": 30_000.0},
        {"government.deposit_rate": 0.02},
        {"labour.find": 0.2},
        {"households.pay_for_durables.cash_buffer": 1.5},
        {"outside.export_elasticity": 2.0},
        {"spending.retail_uplift": 1.3},
    ],
)
def test_a_run_after_others_is_the_run_alone(changes: dict[str, Any]) -> None:
    forget()
    alone = bits(run(changes))
    forget()
    for other in ({}, {"labour.find": 0.15}, {"government.deposit_rate": 0.01}):
        run(other)
    assert bits(run(changes)) == alone


def test_firms_parameters_do_not_populate_the_province_again() -> None:
    forget()
    run({})
    people, lived = warm_up._PEOPLE._made, warm_up._LIVED._made
    run({"firms.hiring_gain": 0.3})
    assert (warm_up._PEOPLE._made, warm_up._LIVED._made) == (people, lived)
    run({"households.pay_for_durables.cash_buffer": 1.5})
    assert (warm_up._PEOPLE._made, warm_up._LIVED._made) == (people, lived + 1)
    run({"labour.find": 0.2}, seed=4)
    assert warm_up._PEOPLE._made == people + 1


# --- what does nothing without policy ---------------------------------------------------------


def ends(name: str) -> list[Any]:
    """A low and a high value of a parameter that is a number, a list or a mapping."""
    entry = load_parameters().entry(name)

    def moved(value: Any, factor: float) -> Any:
        if isinstance(value, Mapping):
            return {k: moved(v, factor) for k, v in value.items()}
        if isinstance(value, list):
            return [moved(v, factor) for v in value]
        return value * factor

    if isinstance(entry.value, int | float):
        return [entry.low, entry.high]
    return [moved(entry.value, 0.5), moved(entry.value, 1.5)]


IDLE = sorted(name for name in load_parameters() if is_idle(name))


def test_every_idle_name_exists() -> None:
    for name in IDLE_WITHOUT_POLICY:
        assert any(one == name or (name.endswith(".") and one.startswith(name)) for one in IDLE)
    assert not is_idle("firms.hiring_gain")


@pytest.fixture(scope="module")
def untouched() -> dict[str, bytes]:
    forget()
    return bits(run({}))


@pytest.mark.parametrize("name", IDLE)
def test_idle_parameters_change_no_bit_without_policy(
    name: str, untouched: dict[str, bytes]
) -> None:
    for value in ends(name):
        forget()
        assert bits(run({name: value})) == untouched


def test_idle_parameters_share_a_baseline_only_if_nothing_acts_in_it() -> None:
    changes = {"parameters": {"households.trade_in.awareness": 0.2, "labour.find": 0.2}}
    assert baseline_changes(changes) == {"parameters": {"labour.find": 0.2}}
    assert baseline_changes(changes, bare=False) == changes
    plain, acting = scenario(), load_scenario("minimum_wage")
    assert setup_for(acting, plain).bare
    assert setup_for(acting, None).bare
    assert not setup_for(acting, acting).bare


def test_a_job_is_the_same_whatever_the_bench_did_before() -> None:
    policy = load_scenario("headline_package").changed(months=12, scale=10_000)
    setup = setup_for(policy, policy.with_policies([]))
    points = [
        {"parameters": {"households.minimum_wage.ripple": 0.1}},
        {"parameters": {"households.minimum_wage.ripple": 0.6}},
        {"parameters": {"firms.expectation_gain": 0.3}},
        {"policies": {"vouchers": {"face_yuan": 20}}},
    ]
    jobs = [Job(str(n), n, 1, point) for n, point in enumerate(points)]
    used = Bench(setup)
    for job in jobs:
        forget()
        alone = Bench(setup).do(job)
        again = used.do(job)
        assert not alone.error
        assert alone.scenario_digest == again.scenario_digest
        for name, values in alone.totals.items():
            assert again.totals[name].tobytes() == values.tobytes()


# --- the accounts' fixed point ----------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(0, 30), st.integers(1, 6))
def test_rounds_end_where_they_would_have_ended(rounds: int, tail: int, period: int) -> None:
    def step(state: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        at = int(state[0])
        return np.array([at + 1.0 if at < tail + period - 1 else float(tail)])

    state = np.array([0.0])
    for _ in range(rounds):
        state = step(state)
    assert after_rounds(step, np.array([0.0]), rounds) == state
