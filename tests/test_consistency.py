"""Interactions of pairs: known ones are found with their causes, absent ones are exactly zero."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.alternatives import CHANCE, LEVERS, SCENARIO, SOURCES
from experiments.causes import CAUSES, cause_of
from experiments.consistency import (
    Consistency,
    PairFound,
    assess,
    consistency_document,
)
from experiments.evidence import evidence
from experiments.executors import Serial
from experiments.package_runs import PackageRuns
from experiments.run_jobs import Totals
from model.parameters import load_parameters
from model.policy.catalogue import load_catalogue
from model.scenario import Scenario, load_scenario, scenario_from_mapping
from tests.known_games import TOGETHER, wide_totals
from tests.test_attribution import game_runs

CONSUMPTION = "household_consumption"


def assessed(folder: Path, game: str, measures: range | list[int], seeds: int = 5) -> Consistency:
    return assess(game_runs(folder, game, measures), CONSUMPTION, seeds)


def by_pair(found: Consistency) -> dict[tuple[int | str, int | str], PairFound]:
    return {(one.a.id, one.b.id): one for one in found.pairs}


def test_known_interactions_are_found_and_others_are_exactly_zero(tmp_path: Path) -> None:
    found = assessed(tmp_path, "meeting", range(1, 7))
    assert len(found.pairs) == 15
    for pair, one in by_pair(found).items():
        own = one.interactions[CONSUMPTION]
        if pair in TOGETHER:
            assert own.estimate.value == pytest.approx(TOGETHER[pair], abs=0.02)
            assert own.estimate.low < TOGETHER[pair] < own.estimate.high
            assert own.kind == ("synergy" if TOGETHER[pair] > 0 else "conflict")
        else:
            assert (own.estimate.value, own.estimate.low, own.estimate.high) == (0.0, 0.0, 0.0)
            assert own.kind == "neutral"
    assert [(one.a.id, one.b.id) for one in found.pairs[:2]] == [(1, 2), (3, 4)]


def test_luck_is_not_reported_as_a_finding(tmp_path: Path) -> None:
    found = assessed(tmp_path, "lottery", range(1, 31))
    names = [one.interactions[CONSUMPTION] for one in found.pairs]
    raw = sum(one.p_value < 0.10 for one in names)
    assert raw > 20  # one in ten of 435 pairs looks like something
    assert sum(one.kind != "neutral" for one in names) <= 2


def test_p_values_of_constant_and_absent_differences() -> None:
    def p_value(*values: float) -> float:
        return evidence(np.array(values), np.zeros(0)).p_value()

    assert p_value(0, 0, 0, 0, 0) == 1.0
    assert p_value(2, 2, 2, 2, 2) == 0.0
    assert p_value(1, 2, 3) == pytest.approx(0.0742, abs=1e-4)


def test_document_names_departments_of_the_catalogue(tmp_path: Path) -> None:
    found = assessed(tmp_path, "meeting", [1, 2, 9])
    document = consistency_document(found)
    first = document["pairs"][0]
    assert {"a", "b", "interaction", "low", "high", "class", "cause"} <= first.keys()
    wanted = {name for n in (1, 2) for name in load_catalogue()[n].departments}
    assert set(first["departments"]) == wanted
    assert first["class"] == "conflict"
    assert document["classes"] == {"synergy": 0, "neutral": 2, "conflict": 1}
    assert all(one["cause"] == "none" for one in document["pairs"] if one["class"] == "neutral")


# --- causes -----------------------------------------------------------------------------------


def sides(change: float, **channels: float) -> list[tuple[Totals, ...]]:
    """Both together lose or win `change` yuan; the channels of the joint run change as said."""
    joint, a, b = wide_totals(20.0 + change, 2), wide_totals(10.0), wide_totals(10.0)
    a["channel.paid"], b["channel.paid"] = np.full(18, 1.0), np.full(18, 1.0)
    joint["channel.paid"] = np.full(18, 2.0)
    a["channel.cells"], b["channel.cells"] = np.zeros(8), np.zeros(8)
    a["channel.cells"][:4], b["channel.cells"][4:] = 2.5, 2.5
    joint["channel.cells"] = a["channel.cells"] + b["channel.cells"]
    for name, amount in channels.items():
        if name == "income":
            joint["income.policy"] = joint["income.policy"] + amount / 4
        elif name == "same_homes":
            b["channel.cells"] = a["channel.cells"]
        elif name == "moved":
            swing = np.array([-amount, 0.0, 0.0, amount])
            joint["household_consumption.policy"] = joint["household_consumption.policy"] + swing
        else:
            old = joint[f"channel.{name}"]
            joint[f"channel.{name}"] = old + amount / old.size
    return [(joint, a, b)] * 3


@pytest.mark.parametrize(
    ("cause", "change", "channels"),
    [
        ("budget", -4.0, {"paid": -9.0, "arrears": 9.0}),
        ("budget", -4.0, {"public": -5.0, "income": -4.0}),
        ("offices", -4.0, {"delivered": -5.0}),
        ("offices", 4.0, {"delivered": 5.0}),
        ("prices", -4.0, {"price_gap": 3.5}),
        ("income", 4.0, {"income": 3.5}),
        ("timing", -1.0, {"moved": 6.0}),
        ("households", -4.0, {"same_homes": 1.0}),
        ("unclear", -4.0, {}),
    ],
)
def test_causes(cause: str, change: float, channels: dict[str, float]) -> None:
    found = cause_of(sides(change, **channels), 4)
    assert found.name == cause
    assert set(found.amounts) == set(CAUSES)


# --- the model --------------------------------------------------------------------------------

QUIET = (
    "firms.expectation_gain", "firms.employment_response", "firms.hiring_gain",
    "firms.layoff_speed", "firms.price_speed", "firms.pass_through", "firms.dividend_gain",
    "firms.variety_gain", "firms.variety_exit", "firms.scarcity_power",
    "firms.wage_cost_local_weight", "firms.capacity_gain", "labour.wage_gain",
    "labour.wage_response", "labour.fear_gain", "labour.perceived_pay_gain",
    "government.cash_gain", "households.minimum_wage.job_hazard",
)  # fmt: skip
"""How firms, the labour market and governments answer to what households do."""


def no_feedback() -> dict[str, object]:
    known = load_parameters()
    found: dict[str, object] = {"firms.payout_gain": 1e-9}
    for name in QUIET:
        value = known.entry(name).value
        found[name] = dict.fromkeys(value, 0.0) if isinstance(value, dict) else 0.0
    return found


def two_cities(feedback: bool) -> Scenario:
    """Vouchers in Dalian in one month, in Anshan in another, a wage floor in Shenyang."""
    document = load_scenario("vouchers").changed(scale=10_000, months=10).resolved()
    vouchers = document["policies"]["vouchers"]
    vouchers["funding"] = {"mode": "fixed", "budget_yi_yuan": 1.0, "match_ratio": 1.0}
    january = {"first": "2026-01", "last": "2026-01", "every_months": 1}
    march = {"first": "2026-03", "last": "2026-03", "every_months": 1}
    wages = load_scenario("minimum_wage").resolved()["policies"]["minimum_wage"]
    document["policies"] = {
        "dalian": vouchers | {"cities": ["dalian"], "rounds": january},
        "anshan": vouchers | {"cities": ["anshan"], "rounds": march},
        "shenyang": wages | {"cities": ["shenyang"], "start": "2026-01", "announce": "2025-12"},
    }
    document["parameters"] = {} if feedback else no_feedback()
    return scenario_from_mapping(document, "en")


@pytest.mark.parametrize(
    "sources", [(), (SCENARIO,), pytest.param(SOURCES, marks=pytest.mark.slow)]
)
def test_disjoint_closed_cities_without_feedback_do_not_interact(
    tmp_path: Path, sources: tuple[str, ...]
) -> None:
    runs = PackageRuns(two_cities(False), tmp_path, Serial())
    found = assess(runs, CONSUMPTION, seeds=2, sources=sources)
    assert set(found.covers) == {CHANCE, *sources} - {LEVERS}  # vouchers have no drawn levers
    assert runs.computed == (6 if sources == () else 12) * 2
    assert len(found.pairs) == 3
    for single in found.singles.values():
        assert single[CONSUMPTION].value > 1e6
    for pair in found.pairs:
        own = pair.interactions[CONSUMPTION].estimate
        assert (own.value, own.low, own.high) == (0.0, 0.0, 0.0)


def test_feedback_makes_them_interact(tmp_path: Path) -> None:
    runs = PackageRuns(two_cities(True), tmp_path, Serial())
    found = assess(runs, CONSUMPTION, seeds=2, sources=())
    assert any(one.interactions[CONSUMPTION].estimate.value != 0 for one in found.pairs)
