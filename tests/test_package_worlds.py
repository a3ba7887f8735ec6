"""Parts of a package share worlds: draws, exact sums in each, wider intervals, classes, cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from briefing.package_report import attribution_text, consistency_text
from experiments.alternatives import (
    CHANCE,
    HYPERCUBE,
    LEVERS,
    PARAMETERS,
    SCENARIO,
    SOURCES,
    alternatives,
    joint_draws,
)
from experiments.attribution import Attribution, attribute, attribution_document
from experiments.comparison import collect
from experiments.consistency import Consistency, assess, consistency_document
from experiments.evidence import Evidence, evidence
from experiments.executors import Serial
from experiments.intervals import mean_estimate, widened
from experiments.package_jobs import part
from experiments.package_runs import PackageRuns, Point, point
from experiments.runner import Runner
from experiments.worlds import worlds_of
from model.scenario import Scenario, load_scenario
from tests.test_attribution import game_runs

CONSUMPTION = "household_consumption"


def measures(*numbers: int) -> Scenario:
    return load_scenario("baseline").with_measures(numbers)


# --- draws ------------------------------------------------------------------------------------


def test_draws_are_those_of_a_comparison() -> None:
    scenario = measures(2, 20)
    drawn = joint_draws(scenario, 3)
    for draw, row in zip(drawn, alternatives(scenario, scenario, HYPERCUBE)[:3], strict=True):
        known = {one.source: one.policy for one in row}
        both = dict(known[SCENARIO].parameters) | dict(known[PARAMETERS].parameters)
        assert draw.parameters == both
        for number, values in draw.levers.items():
            levers = known[LEVERS].measures[number].levers
            assert {name: levers[name] for name in values} == values


def test_what_a_scenario_sets_itself_is_not_drawn() -> None:
    own = measures(2).changed(parameters={"outside.export_elasticity": 1.7})
    for draw in joint_draws(own, 2):
        assert "outside.export_elasticity" not in draw.parameters
        assert "outside.visitor_elasticity" in draw.parameters


def test_more_replications_keep_the_draws_of_fewer(tmp_path: Path) -> None:
    few, many = joint_draws(measures(2), 3), joint_draws(measures(2), 11)
    for one, other in zip(few, many, strict=False):
        assert (one.parameters, one.levers) == (other.parameters, other.levers)
    assert len({json.dumps(one.levers) for one in many}) == 11
    runs = game_runs(tmp_path, "swaying", [1, 2])
    attribute(runs, CONSUMPTION, seeds=2)
    again = game_runs(tmp_path, "swaying", [1, 2])
    attribute(again, CONSUMPTION, seeds=3)
    assert (runs.computed, again.computed) == (3 * 2 * 2, 3 * 2)


def test_one_replication_and_chance_alone_draw_nothing() -> None:
    assert joint_draws(measures(2), 1) == joint_draws(measures(2), 4, ()) == []
    assert worlds_of(measures(2), 4, ()).covers == (CHANCE,)
    assert worlds_of(measures(2), 1).covers == (CHANCE,)


def test_sources_without_anything_to_draw_are_not_named() -> None:
    plain = load_scenario("vouchers")
    assert worlds_of(plain, 2).covers == (CHANCE, PARAMETERS, SCENARIO)
    assert worlds_of(plain, 2, (LEVERS,)).covers == (CHANCE,)
    assert worlds_of(measures(2), 2).covers == (CHANCE, *SOURCES)


def rows(runs: PackageRuns) -> Iterator[tuple[int, dict[str, Any]]]:
    for row in runs.store.rows():
        yield row.seed, json.loads(row.changes)


def test_all_parts_of_a_world_share_its_draw(tmp_path: Path) -> None:
    runs = game_runs(tmp_path, "swaying", [1, 2, 3])
    attribute(runs, CONSUMPTION, seeds=3)
    worlds = worlds_of(runs.scenario, 3)
    assert runs.computed == 7 * 2 * 3
    drawn = {one.seed: one.draw for one in worlds.drawn}
    for seed, changes in rows(runs):
        if "parameters" not in changes:
            assert "measures" not in changes
            continue
        assert changes["parameters"] == drawn[seed].parameters
        kept = changes["keep"]["measures"]
        levers = {str(n): own for n, own in drawn[seed].levers.items() if str(n) in kept}
        assert changes.get("measures", {}) == levers


# --- attribution ------------------------------------------------------------------------------


def played(folder: Path, count: int, **how: Any) -> Attribution:
    return attribute(game_runs(folder, "swaying", range(1, count + 1)), CONSUMPTION,
                     "measures", **how)  # fmt: skip


@pytest.mark.parametrize("count", [3, 14])
def test_shares_add_up_in_every_world_and_in_the_mean(tmp_path: Path, count: int) -> None:
    found = played(tmp_path, count, seeds=3, pairs=2)
    assert [one.drawn for one in found.replications] == [False] * 3 + [True] * 3
    assert all(sum(one.shares) == one.total for one in found.replications)
    assert sum(one.quanta for one in found.shares) == found.total_quanta
    assert len({one.total for one in found.replications if one.drawn}) == 3
    document = attribution_document(found)
    for one in document["replications"]:
        assert sum(round(100 * x) for x in one["shares"]) == round(100 * one["total"])


def test_intervals_of_shares_are_those_of_a_comparison(tmp_path: Path) -> None:
    found = played(tmp_path, 3, seeds=4)
    given, drawn = (
        [one.shares[0] / 100 for one in found.replications if one.drawn is kind]
        for kind in (False, True)
    )
    shifts = np.array(drawn) - np.array(given)
    wanted = widened(mean_estimate(np.array(given)), {"+".join(SOURCES): shifts})
    first = found.shares[0]
    assert (first.estimate.low, first.estimate.high) == pytest.approx(
        (wanted.low, wanted.high), abs=0.02
    )
    assert first.estimate.method == "paired_t+parameters+levers+scenario"
    assert first.estimate.value == first.chance.value
    assert first.estimate.half_width > first.chance.half_width


def test_chance_alone_is_what_it_was(tmp_path: Path) -> None:
    wide = played(tmp_path, 4, seeds=3)
    narrow = played(tmp_path, 4, seeds=3, sources=())
    assert narrow.covers == (CHANCE,)
    assert [one.chance for one in wide.shares] == [one.estimate for one in narrow.shares]
    assert wide.total_quanta == narrow.total_quanta
    assert not any(one.drawn for one in narrow.replications)


def test_a_drawn_package_is_that_of_a_comparison(tmp_path: Path) -> None:
    scenario = measures(20, 23).changed(scale=10_000, months=6)
    found = attribute(PackageRuns(scenario, tmp_path, Serial()), CONSUMPTION, seeds=2,
                      sources=(LEVERS,))  # fmt: skip
    bare = replace(scenario, policies={}, measures={})
    seeds = [scenario.seed, scenario.seed + 1]
    more = alternatives(bare, scenario, HYPERCUBE, (LEVERS,))[:2]
    compared = collect(Runner().pairs(bare, scenario, seeds, alternatives=more))
    wanted = [one.effect(CONSUMPTION, 0, 6) for one in compared.drawn[LEVERS]]
    drawn = [one.total / 100 for one in found.replications if one.drawn]
    assert drawn == pytest.approx(wanted, abs=0.01)
    usual = compared.effect(CONSUMPTION, 6)
    assert (found.total.low, found.total.high) == pytest.approx((usual.low, usual.high), rel=1e-9)


# --- consistency ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fickle(tmp_path_factory: pytest.TempPathFactory) -> Consistency:
    folder = tmp_path_factory.mktemp("fickle")
    return assess(game_runs(folder, "fickle", range(1, 7)), CONSUMPTION, 5)


def test_classes_rest_on_the_wide_interval(fickle: Consistency) -> None:
    found = {(one.a.id, one.b.id): one.interactions[CONSUMPTION] for one in fickle.pairs}
    helping, unsure, hindering = (found[pair] for pair in ((1, 2), (3, 4), (5, 6)))
    assert [helping.chance_kind, helping.kind] == ["synergy", "synergy"]
    assert [unsure.chance_kind, unsure.kind] == ["synergy", "neutral"]
    assert [hindering.chance_kind, hindering.kind] == ["conflict", "conflict"]
    assert helping.same_sign == hindering.same_sign == 1.0
    assert 0.5 <= unsure.same_sign < 1.0
    assert helping.needed == hindering.needed == 5
    assert unsure.needed is None
    untouched = found[1, 3]
    assert (untouched.estimate.low, untouched.estimate.high) == (0.0, 0.0)


def test_the_document_says_what_chance_alone_would(fickle: Consistency) -> None:
    document = consistency_document(fickle)
    assert document["covers"] == [CHANCE, *SOURCES]
    assert document["classes"] == {"synergy": 1, "neutral": 13, "conflict": 1}
    assert document["classes_by_chance"] == {"synergy": 2, "neutral": 12, "conflict": 1}
    for pair in document["pairs"]:
        assert pair["low"] <= pair["chance"]["low"] <= pair["chance"]["high"] <= pair["high"]
        assert 0 < pair["cause_agreement"] <= 1


def test_words_say_what_chance_alone_would_report(fickle: Consistency) -> None:
    words = consistency_text(fickle, "en")
    assert "With chance alone 2 synergies and 1 conflicts would be reported; 1 of them" in words
    assert "0 of these would be told from zero with up to 64" in words
    assert "luck in the drawn runs" not in words
    assert "1 help each other, 13 cannot be told from zero, 1 get in each other's way" in words
    assert words.count("| exactly zero |") == 5  # of the eight pairs that are listed
    assert "若只计机遇，会判 2 对促进、1 对抵消" in consistency_text(fickle, "zh")


def test_words_say_what_intervals_are_about(tmp_path: Path) -> None:
    wide, narrow, single = (
        attribution_text(played(tmp_path, 3, **how), 4, "en")
        for how in ({"seeds": 3}, {"seeds": 3, "sources": ()}, {"seeds": 1})
    )
    assert "about chance (seeds), behaviour of households and firms (posterior)" in wide
    assert "With chance alone the package's interval would be" in wide
    assert "about chance only" in narrow
    assert "placeholder" in single


@given(
    values=st.lists(st.floats(-5, 5).map(lambda x: round(x, 3)), min_size=3, max_size=9),
    spread=st.floats(0, 4),
)
def test_p_values_are_read_off_the_interval(values: list[float], spread: float) -> None:
    given = np.array(values)
    shifts = spread * np.cos(np.arange(len(values)))
    known = evidence(given, shifts)
    estimate = widened(mean_estimate(given), {"a": shifts})
    distance = abs(abs(known.mean) - estimate.half_width)
    if known.mean != 0 and distance > 1e-6:
        outside = estimate.low > 0 or estimate.high < 0
        assert (known.p_value() < 0.10) == outside
        assert known.half_width(0.10) == pytest.approx(estimate.half_width, abs=1e-9)


def test_more_replications_help_against_chance_only() -> None:
    lucky, ignorant = Evidence(1.0, 1.5, 0.0, 5), Evidence(1.0, 0.0, 1.5, 5)
    assert lucky.needed(0.05) == 12
    assert ignorant.needed(0.05) is None
    assert Evidence(1.0, 0.1, 0.1, 5).needed(0.05) == 5


def test_luck_in_the_draws_is_told_from_what_is_not_known() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(2, 400))
    assert evidence(first, second - first).chance_in_draws == pytest.approx(1.0, abs=0.1)
    assert evidence(first, 5 + second - first).chance_in_draws < 0.1
    assert evidence(first, np.zeros(400)).chance_in_draws == 0.0


# --- cost -------------------------------------------------------------------------------------


class _Workers:
    """An executor that only says how many it is."""

    def __init__(self, workers: int) -> None:
        self.workers = workers


def chunks(workers: int, seeds: int, parts: int) -> list[list[Point]]:
    scenario = measures(*range(1, parts + 1))
    runs = PackageRuns(scenario, Path("results"), _Workers(workers))  # type: ignore[arg-type]
    many = worlds_of(scenario, seeds, (SCENARIO,)).all
    points = [point(one.changes(part([n])), one.seed) for one in many for n in scenario.measures]
    return [
        [point(dict(job.changes), job.seed) for job in chunk.jobs] for chunk in runs._chunks(points)
    ]


def world(at: Point) -> tuple[int, bool]:
    return at.seed, "parameters" in json.loads(at.changes)


@pytest.mark.parametrize(("workers", "pieces"), [(1, 1), (2, 1), (4, 2), (8, 3)])
def test_a_world_is_opened_once_by_each_worker_that_gets_it(workers: int, pieces: int) -> None:
    found = chunks(workers, seeds=3, parts=20)
    assert all(len({world(at) for at in chunk}) == 1 for chunk in found)
    assert len(found) == 6 * pieces
    first = [world(chunk[0]) for chunk in found[:6]]
    assert len(set(first)) == 6  # no world is begun a second time before all are begun
    assert len({at for chunk in found for at in chunk}) == 120
