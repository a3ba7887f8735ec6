"""Known games through the whole path: scenario, coalitions, store, shares; and real measures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from experiments.attribution import (
    Attribution,
    attribute,
    attribution_document,
    players_of,
    usual_grouping,
)
from experiments.executors import Serial
from experiments.package_jobs import package_setup
from experiments.package_runs import PackageRuns, in_unit
from experiments.shapley import apportioned
from model.scenario import Scenario, load_scenario


def game_runs(folder: Path, game: str, measures: range | list[int], seeds: int = 1) -> PackageRuns:
    scenario = load_scenario("baseline").with_measures(measures)
    setup = package_setup(scenario, f"tests.known_games:{game}")
    return PackageRuns(scenario, folder, Serial(), setup=setup)


def shares(found: Attribution) -> list[float]:
    return [in_unit(one.quanta, found.outcome) for one in found.shares]


def played(folder: Path, game: str, measures: range | list[int], **how: int) -> Attribution:
    return attribute(game_runs(folder, game, measures), "household_consumption", "measures", **how)


def test_the_glove_game(tmp_path: Path) -> None:
    found = played(tmp_path, "glove", [1, 2, 3])
    assert shares(found) == pytest.approx([1 / 6, 1 / 6, 4 / 6], abs=0.01)
    assert [one.estimate.value for one in found.shares] == pytest.approx([1 / 6, 1 / 6, 4 / 6])
    assert sum(one.quanta for one in found.shares) == found.total_quanta == 100
    assert found.method == "exact"


def test_the_airport_game(tmp_path: Path) -> None:
    found = played(tmp_path, "airport", [1, 2, 3, 4])
    assert shares(found) == [2.0, 3.0, 4.0, 9.0]  # Littlechild and Owen (1973)
    assert [one.stacked.value for one in found.shares] == [8.0, 3.0, 2.0, 5.0]
    assert [one.reverse.value for one in found.shares] == [0.0, 0.0, 0.0, 18.0]


@pytest.mark.parametrize("count", [12, 35])
def test_an_additive_game_exactly_and_sampled(tmp_path: Path, count: int) -> None:
    from tests.known_games import WORTH

    found = played(tmp_path, "additive", range(1, count + 1), seeds=3, pairs=2)
    assert found.method == ("exact" if count == 12 else "permutations")
    wanted = [WORTH[n] + 0.001 for n in range(1, count + 1)]
    assert shares(found) == pytest.approx(wanted, abs=0.011)
    assert sum(one.quanta for one in found.shares) == found.total_quanta


@pytest.mark.parametrize("count", [3, 7, 20])
def test_shares_add_up_to_the_fen(tmp_path: Path, count: int) -> None:
    found = played(tmp_path, "crowded", range(1, count + 1), seeds=3, pairs=3)
    document = attribution_document(found)
    fen = [round(one["value"] * 100) for one in document["shares"]]
    assert sum(fen) == round(document["total"] * 100) == found.total_quanta
    for one in found.shares:
        assert one.estimate.low <= one.estimate.value <= one.estimate.high


def test_sampled_orders_come_with_their_reverse_and_cover_the_truth(tmp_path: Path) -> None:
    found = played(tmp_path, "crowded", range(1, 15), seeds=6, pairs=2)
    fair = in_unit(found.total_quanta, found.outcome) / 14
    assert all(one.estimate.value == pytest.approx(fair, abs=0.02) for one in found.shares)


def test_nothing_is_run_twice(tmp_path: Path) -> None:
    first = game_runs(tmp_path, "airport", [1, 2, 3, 4])
    attribute(first, "household_consumption", seeds=2, sources=())
    again = game_runs(tmp_path, "airport", [1, 2, 3, 4])
    attribute(again, "household_consumption", seeds=2, sources=())
    more = game_runs(tmp_path, "airport", [1, 2, 3, 4])
    attribute(more, "household_consumption", seeds=3, sources=())
    assert (first.computed, again.computed, more.computed) == (30, 0, 15)


def test_a_run_that_runs_away_is_pointed_out(tmp_path: Path) -> None:
    calm, wild = (game_runs(tmp_path, "airport", [1, 4]), game_runs(tmp_path, "additive", [1, 35]))
    attribute(calm, "household_consumption", seeds=1)
    attribute(wild, "household_consumption", seeds=1)
    assert calm.suspects == {}
    assert {"35"} <= {n for one in wild.suspects.values() for n in one["run"]["measures"]}
    assert all(one["ratio"] > 2 for one in wild.suspects.values())


def test_largest_remainders() -> None:
    assert apportioned([Fraction(10, 3)] * 3, 10) == [4, 3, 3]
    assert apportioned([Fraction(-5, 2), Fraction(1, 2)], -2) == [-2, 0]


def test_players_of_the_full_plan_are_its_sections() -> None:
    plan = load_scenario("full_plan")
    assert usual_grouping(plan) == "sections"
    sections = players_of(plan, "sections")
    assert [one.id for one in sections] == list(range(1, 9))
    assert sorted(n for one in sections for n in one.measures) == list(range(1, 36))


def small(name: str) -> Scenario:
    return load_scenario(name).changed(scale=10_000, months=12)


def test_the_whole_equals_a_comparison(tmp_path: Path) -> None:
    from dataclasses import replace

    from experiments.comparison import collect
    from experiments.runner import Runner

    scenario = small("headline_package").with_policies(["vouchers", "trade_in"])
    found = attribute(PackageRuns(scenario, tmp_path, Serial()), "household_consumption", seeds=1)
    assert {one.player.id for one in found.shares} == set(scenario.policies)
    bare = replace(scenario, policies={}, measures={})
    compared = collect(Runner().pairs(bare, scenario, [scenario.seed]))
    assert found.total.value == pytest.approx(
        compared.effect("household_consumption", 12).value, abs=0.01
    )
    assert sum(one.quanta for one in found.shares) == found.total_quanta
