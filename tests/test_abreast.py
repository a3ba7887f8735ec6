"""Runs that take turns give the bits of runs alone, in order, and compute a baseline once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.run_jobs import (
    ABREAST,
    Bench,
    Job,
    Result,
    Setup,
    Steps,
    abreast,
    setup_for,
    simulate,
)
from model.scenario import load_scenario
from tests.known_functions import ishigami

POINTS: list[dict[str, Any]] = [
    {"parameters": {"households.minimum_wage.ripple": 0.1}},
    {"parameters": {"households.minimum_wage.ripple": 0.6}},
    {"parameters": {"firms.expectation_gain": 0.3}},
    {"policies": {"vouchers": {"face_yuan": 20}}},
]


@pytest.fixture(scope="module")
def setup() -> Setup:
    policy = load_scenario("headline_package").changed(months=12, scale=10_000)
    return setup_for(policy, policy.with_policies([]))


def jobs(points: list[dict[str, Any]]) -> list[Job]:
    return [Job(str(n), n, 1, point) for n, point in enumerate(points)]


def same(one: Result, other: Result) -> bool:
    named = one.job == other.job and one.scenario_digest == other.scenario_digest
    if not named or one.error or set(one.totals) != set(other.totals):
        return False
    return all(one.totals[n].tobytes() == v.tobytes() for n, v in other.totals.items())


def test_taking_turns_changes_no_bit_and_no_order(setup: Setup) -> None:
    together = list(Bench(setup).do_all(jobs(POINTS)))
    alone = [Bench(setup).do(job) for job in jobs(POINTS)]
    assert all(same(one, other) for one, other in zip(together, alone, strict=True))


def test_more_jobs_than_places_go_in_turns(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(setup)
    monkeypatch.setattr(bench, "_abreast", 3)
    together = list(bench.do_all(jobs(POINTS)))
    assert [result.job for result in together] == jobs(POINTS)
    assert same(together[3], Bench(setup).do(jobs(POINTS)[3]))


def test_a_bad_point_stops_nobody_else(setup: Setup) -> None:
    points = [POINTS[0], {"policies": {"vouchers": {"face_yuan": -1}}}, POINTS[2]]
    first, bad, last = Bench(setup).do_all(jobs(points))
    assert "ScenarioError" in bad.error
    assert same(first, Bench(setup).do(first.job))
    assert same(last, Bench(setup).do(last.job))


def test_a_shared_baseline_is_computed_once(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    original = Bench._baseline_run

    def counted(bench: Bench, own: Any, seed: int) -> Steps[Any]:
        computed.append(own)
        return original(bench, own, seed)

    monkeypatch.setattr(Bench, "_baseline_run", counted)
    list(Bench(setup).do_all(jobs(POINTS)))
    assert computed == [{"parameters": {}}, {"parameters": {"firms.expectation_gain": 0.3}}]


def test_a_baseline_that_fails_is_everybodys_error(setup: Setup) -> None:
    broken = replace(setup, against=setup.scenario.replace('"months": 12', '"months": 11'))
    assert broken.against != setup.scenario
    assert all("ValueError" in result.error for result in Bench(broken).do_all(jobs(POINTS[:2])))


def test_how_many_go_abreast() -> None:
    assert abreast(simulate, {"scale": 1000}) == ABREAST
    assert abreast(simulate, {"scale": 100}) == 1
    assert abreast(simulate, {"scale": 1}) == 1
    assert 1 < abreast(simulate, {"scale": 500}) < ABREAST
    assert abreast(ishigami, {"scale": 10_000}) == 1
