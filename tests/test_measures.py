"""The 35 measures: tests generated from the catalogue, so that no measure is left out.

Small runs (1:5,000, 24 months) with the same seed with and without a measure; the comparisons
over several seeds that signs and bands need carry the marker `slow`.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from model.economy import Economy
from model.outcome import Outcome
from model.policy.catalogue import LEVELS, Measure, load_catalogue
from model.policy.coverage import case_name, coverage, lever_cases
from model.scenario import Scenario, load_scenario
from tests.economies import digest

CATALOGUE = load_catalogue()
NUMBERS = sorted(CATALOGUE)
MONTHS, SCALE = 27, "1:5000"
SEEDS, DOSE_SEEDS = 12, 4
BY_LEVER = ("payments", "direct_costs")  # have an axis of policies
MEASURES = pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{n:02d}")
LEVERS = pytest.mark.parametrize(
    ("number", "lever"),
    list(lever_cases()),
    ids=[case_name(CATALOGUE[number], lever) for number, lever in lever_cases()],
)


@cache
def base_scenario() -> Scenario:
    return load_scenario("baseline").changed(scale=SCALE, months=MONTHS)


@cache
def run(number: int | None, level: str, levers: tuple[tuple[str, float], ...] = ()) -> Outcome:
    scenario = base_scenario()
    if number is not None:
        scenario = scenario.with_measures([number], level, {number: dict(levers)})
    return Economy(scenario, lean=True, threads=1).run()


def different(first: Outcome, second: Outcome) -> list[str]:
    """Series that differ in any bit; those with an axis of policies by their sum over it."""
    found = []
    for name in first:
        one, two = first[name], second[name]
        if name in BY_LEVER:
            one, two = one.sum("lever"), two.sum("lever")
        if not np.array_equal(one.values, two.values):
            found.append(name)
    return found


# -- the catalogue ------------------------------------------------------------------------------


def test_the_document_is_complete() -> None:
    assert list(range(1, 36)) == NUMBERS
    clauses = [clause.id for measure in CATALOGUE.values() for clause in measure.clauses]
    assert len(clauses) == len(set(clauses)) == 126
    assert all(clause.startswith(f"{n}.") for n in NUMBERS for clause in ids(CATALOGUE[n]))


def ids(measure: Measure) -> list[str]:
    return [clause.id for clause in measure.clauses]


def test_every_clause_is_covered() -> None:
    assert [row.clause for row in coverage() if not row.complete] == []


@MEASURES
def test_texts_are_finished(number: int) -> None:
    text = CATALOGUE[number].model_dump_json()
    assert "TODO" not in text
    for lever in CATALOGUE[number].levers.values():
        assert lever.source.strip()


@MEASURES
def test_a_measure_goes_round_through_a_scenario(number: int) -> None:
    """Expanded, written as plain data and read again it is the same scenario."""
    from model.scenario import scenario_from_mapping

    scenario = base_scenario().with_measures([number])
    again = scenario_from_mapping(scenario.resolved())
    assert again.policies == scenario.policies
    assert again.digest == scenario.digest
    assert (
        Measure.model_validate(CATALOGUE[number].model_dump(mode="json", by_alias=True))
        == (CATALOGUE[number])
    )


@MEASURES
def test_each_measure_ships_its_scenario(number: int) -> None:
    measure = CATALOGUE[number]
    scenario = load_scenario(f"measures/{measure.prefix[1:]}{measure.name}")
    assert list(scenario.measures) == [number]
    assert scenario.policies == base_scenario().with_measures([number]).policies


# -- what measures do ---------------------------------------------------------------------------


@MEASURES
def test_without_means_exactly_nothing(number: int) -> None:
    assert different(run(None, "none"), run(number, "none")) == []


@MEASURES
def test_accounts_close_at_every_level(number: int) -> None:
    for level in LEVELS:
        assert run(number, level).max_residual_fen == 0


@LEVERS
def test_each_lever_acts(number: int, lever: str) -> None:
    """Moved alone from its default to the far end of its range, a lever changes the run.

    A credit line that no firm of a small sample needs, or a programme for a few hundred households
    of whom the sample has none, still changes what the government writes on the policy surface.
    """
    known = CATALOGUE[number].levers[lever]
    far = max((known.low, known.high, known.no_policy), key=lambda x: abs(x - known.default))
    assert far != known.default, "a lever without a range"
    changed = ((lever, far),)
    if different(run(number, "default"), run(number, "default", changed)):
        return
    assert surfaces(number) != surfaces(number, changed)


ENABLED = frozenset(NUMBERS)  # coordination acts on others, and only where offices are overloaded
LATER = 4  # months after the last delay


@cache
def surfaces(number: int, levers: tuple[tuple[str, float], ...] = ()) -> list[str]:
    """What the government writes each month, until the slowest programme has been delivered."""
    measure = CATALOGUE[number]
    kinds = {policy["lever"] for policy in measure.policies.values()}
    beside = set(ENABLED) if "coordination" in kinds else set()
    scenario = load_scenario("baseline").changed(scale="1:10000", months=_months(measure))
    scenario = scenario.with_measures({number} | beside, levers={number: dict(levers)})
    economy, found = Economy(scenario, lean=True, threads=1), []
    for _ in range(scenario.months):
        economy.step()
        found.append(hashlib.sha256(pickle.dumps(_plain(economy.surface))).hexdigest())
    return found


def _months(measure: Measure) -> int:
    delays = [
        sum(float(policy.get(key, 0)) for key in ("lag_months", "ramp_months"))
        + float(policy.get("construction_months", 0))
        for policy in measure.expand(measure.values()).values()
    ]
    return max(MONTHS, round(max(delays)) + base_scenario().month_offset(measure.start) + LATER)


def _plain(node: Any) -> Any:
    """A surface as nested tuples of names and bytes."""
    if is_dataclass(node):
        return [(field.name, _plain(getattr(node, field.name))) for field in fields(node)]
    if isinstance(node, list):
        return [_plain(part) for part in node]
    return node.tobytes() if isinstance(node, np.ndarray) else node


@MEASURES
def test_money_spent_is_paid_by_named_budgets(number: int) -> None:
    """What policies cost is what the payers' accounts show, whoever they are."""
    outcome = run(number, "default")
    declared = {o.outcome: o for o in CATALOGUE[number].outcomes}
    cost = float(outcome["payments"].values.sum())
    if "fiscal_cost" in declared and declared["fiscal_cost"].sign == "+":
        assert cost > 0
    elif "fiscal_cost" not in declared or declared["fiscal_cost"].sign == "0":
        assert cost == 0


# -- signs, bands, dose -------------------------------------------------------------------------


@MEASURES
@pytest.mark.slow
def test_declared_effects_and_bands(number: int) -> None:
    from experiments.measure_effects import effects_of

    for found in effects_of(number, scale=1000, months=MONTHS, seeds=SEEDS):
        agrees = found.as_declared and found.in_band
        # A miss that the catalogue owns up to must still be one, or the entry is out of date.
        assert agrees == (found.declared.status != "missed"), str(found)


@MEASURES
@pytest.mark.slow
def test_more_of_a_measure_does_more(number: int) -> None:
    from experiments.measure_effects import dose_response

    for outcome, values, noise in dose_response(
        number, scale=1000, months=MONTHS, seeds=DOSE_SEEDS
    ):
        for weaker, stronger in pairwise(values):
            assert stronger >= weaker - noise, f"{outcome}: {values} +- {noise}"


def test_results_do_not_depend_on_the_order_of_measures() -> None:
    scenario = base_scenario()
    forward = Economy(scenario.with_measures([3, 12, 24]), lean=True, threads=1).run()
    again = Economy(scenario.with_measures([24, 12, 3]), lean=True, threads=2).run()
    assert digest(forward) == digest(again)


def _shipped(folder: str) -> Iterator[str]:
    from model.scenario_sources import scenario_folder

    for path in sorted((scenario_folder() / folder).glob("*.yaml")):
        yield f"{folder}/{path.stem}"


def test_sections_and_the_full_plan_hold_all_measures() -> None:
    sections = [set(load_scenario(name).measures) for name in _shipped("sections")]
    assert sorted(n for part in sections for n in part) == NUMBERS
    assert sorted(load_scenario("full_plan").measures) == NUMBERS


def test_drawn_levers_stay_in_their_ranges_and_make_valid_scenarios() -> None:
    from experiments.lever_draws import drawn_scenarios

    scenario = load_scenario("full_plan")
    drawn = drawn_scenarios(scenario, 8)
    assert len({one.digest for one in drawn}) == 8
    for one in drawn:
        for number, use in one.measures.items():
            for name, value in use.levers.items():
                lever = CATALOGUE[number].levers[name]
                assert (
                    lever.low <= value <= lever.high
                    or value == scenario.measures[number].levers[name]
                )
