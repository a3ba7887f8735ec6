"""Intensities by city: answers that are known, curves, plans, and parts of programmes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experiments import city_surface
from experiments.allocation import EXPECTED
from experiments.city_findings import CityFindings
from experiments.city_jobs import BY_PLACE, PARTS, city_document, city_setup, part_labels
from experiments.city_plan import EACH, place_changes
from experiments.city_surface import Layout, Variable, drawn_to_province, fit, true_part
from experiments.executors import Serial
from experiments.intensity import levers_at
from experiments.optimise import optimise
from experiments.optimise_plan import load_optimise_plan
from experiments.optimum import Optimum, optimum_document
from experiments.package_jobs import part
from experiments.package_runs import PackageRuns
from experiments.paired import Floats
from experiments.run_jobs import Bench, Job, Totals
from model.dimensions import PLACES
from model.outcome import SOURCES
from model.scenario import ScenarioError, load_scenario
from tests.known_games import CITY_BENDS, CITY_PART, CITY_PRICES, CITY_SLOPES, YI

FINE = "levels: [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]\nstep: 0.05\n"


def write_plan(folder: Path, text: str, measures: str = "{23: {by: city}}") -> Path:
    path = folder / "plan.yaml"
    head = "scenario: full_plan\nmaximise: household_consumption\nseeds: 3\n"
    path.write_text(f"{head}measures: {measures}\n{text}", encoding="utf-8")
    return path


def solved(folder: Path, text: str, game: str = "by_city", measures: str = "") -> Optimum:
    path = write_plan(folder, text, *([measures] if measures else []))
    plan = load_optimise_plan(path)
    setup = city_setup(plan.scenario, f"tests.known_games:{game}")
    return optimise(plan, PackageRuns(plan.scenario, folder / "results", Serial(), setup=setup))


def cities_of(found: Optimum) -> CityFindings:
    assert found.cities is not None
    return found.cities


def chosen(found: Optimum) -> dict[str, float]:
    rows = cities_of(found).rows
    return {row.variable.group: row.intensity for row in rows}


# --- known answers ----------------------------------------------------------------------------


def at_level(level: float, fixed: dict[str, float]) -> dict[str, float]:
    free = {
        p: float(np.clip((CITY_SLOPES[p] - level * CITY_PRICES[p]) / CITY_BENDS[p], 0, 2))
        for p in PLACES
    }
    return {p: min(x, fixed.get(p, 2.0)) for p, x in free.items()}


def water_filling(budget: float, most: dict[str, float]) -> tuple[dict[str, float], float]:
    """Intensities and the gain of the last yuan; `most` yi yuan that single cities have."""
    fixed = {p: own / (CITY_PART * CITY_PRICES[p]) for p, own in most.items()}
    low, high = 0.0, 10.0
    for _ in range(100):
        level = (low + high) / 2
        paid = sum(CITY_PRICES[p] * x for p, x in at_level(level, fixed).items())
        low, high = (level, high) if paid > budget else (low, level)
    return at_level(level, fixed), level


def gain(x: dict[str, float]) -> float:
    return sum(CITY_SLOPES[p] * v - CITY_BENDS[p] * v * v / 2 for p, v in x.items())


def test_cities_are_filled_like_water(tmp_path: Path) -> None:
    found = solved(tmp_path, f"{FINE}budgets: {{total: 14}}\n")
    wanted, level = water_filling(14.0, {})
    assert chosen(found) == pytest.approx(wanted, abs=0.06)
    assert gain(chosen(found)) == pytest.approx(gain(wanted), rel=1e-3)
    assert [one.name for one in found.binding] == ["total"]
    assert found.binding[0].worth == pytest.approx(level * YI, rel=0.1)
    assert cities_of(found).holdout.error < 0.01
    inside = [row for row in cities_of(found).rows if 0.1 < row.intensity < 1.0 and row.ratio]
    assert len(inside) >= 3
    for row in inside:
        place, middle = row.variable.group, (row.low + row.high) / 2
        slope = (CITY_SLOPES[place] - CITY_BENDS[place] * middle) / CITY_PRICES[place]
        assert row.ratio is not None
        assert row.ratio.value == pytest.approx(slope, rel=0.05)


def test_a_city_budget_binds_and_the_others_take_the_rest(tmp_path: Path) -> None:
    wanted, level = water_filling(14.0, {})
    poor = max(PLACES, key=lambda p: wanted[p] * CITY_PRICES[p])
    most = round(CITY_PART * CITY_PRICES[poor] * wanted[poor] / 2, 3)
    found = solved(tmp_path, f"{FINE}budgets: {{total: 14, {poor}: {most}}}\n")
    held, level = water_filling(14.0, {poor: most})
    assert chosen(found) == pytest.approx(held, abs=0.06)
    assert chosen(found)[poor] == pytest.approx(wanted[poor] / 2, abs=0.02)
    worth = {one.name: one.worth for one in found.binding}
    assert worth.keys() == {"total", poor}
    inside = CITY_SLOPES[poor] - CITY_BENDS[poor] * held[poor]
    shadow = (inside - level * CITY_PRICES[poor]) / (CITY_PART * CITY_PRICES[poor])
    assert worth[poor] == pytest.approx(shadow * YI, rel=0.15)
    document = json.loads(json.dumps(optimum_document(found)))
    assert document["cities"]["paid"][poor]["limit"] == pytest.approx(most * YI)
    assert document["cities"]["paid"][poor]["used"] == pytest.approx(most * YI, rel=2e-3)


def test_what_differing_gains_is_the_difference_of_the_known_answers(tmp_path: Path) -> None:
    found = solved(tmp_path, f"{FINE}budgets: {{total: 14}}\n")
    cities = cities_of(found)
    wanted, _ = water_filling(14.0, {})
    same = 14.0 / sum(CITY_PRICES.values())
    best = gain(wanted) - gain(dict.fromkeys(PLACES, same))
    assert cities.by_measure(cities.equal.answer.x) == pytest.approx([same], abs=0.01)
    assert cities.difference.value == pytest.approx(best * YI, rel=0.1)
    assert cities.sure


def test_cities_that_are_alike_gain_nothing_surely(tmp_path: Path) -> None:
    found = solved(tmp_path, "budgets: {total: 14}\n", "alike")
    cities = cities_of(found)
    assert not cities.sure or cities.difference.value < 0.02 * YI * gain_alike()
    x = np.array(list(chosen(found).values()))
    assert x.std() < 0.35  # picking the luckiest cities at their full intensity would give 1


def gain_alike() -> float:
    x = 14.0 / len(PLACES)
    return len(PLACES) * (2.0 * x - 0.7 * x * x / 2)


def test_groups_and_a_measure_for_the_whole_province(tmp_path: Path) -> None:
    rest = [p for p in PLACES if p not in ("shenyang", "dalian")]
    groups = f"{{big: [shenyang, dalian], rest: [{', '.join(rest)}]}}"
    measures = f"{{18: {{max: 1}}, 23: {{groups: {groups}}}}}"
    found = solved(tmp_path, f"{FINE}budgets: {{total: 20}}\n", measures=measures)
    document = optimum_document(found)
    assert [one["measure"] for one in document["allocation"]] == [18, 23]
    assert document["allocation"][0]["groups"].keys() == {"all"}
    assert document["allocation"][1]["groups"].keys() == {"big", "rest"}
    assert document["cities"]["holdout"]["error"] < 0.01
    assert {"measure", "intensity"} <= document["allocation"][0].keys()
    assert [one["measure"] for one in document["marginal"]] == [18, 23]


def test_limits_of_offices_hold_in_each_city(tmp_path: Path) -> None:
    measures = "{13: {by: city}, 23: {by: city}}"
    text = "levels: [0.5, 1, 2]\nbudgets: {total: 500}\nadministrative: {measures: 1}\n"
    found = solved(tmp_path, text, measures=measures)
    x = found.chosen[EXPECTED].answer.x
    used = [
        sum(x[at] > 0 for at, one in enumerate(found.plan.variables) if p in one.places)
        for p in PLACES
    ]
    assert used == [1] * len(PLACES)


# --- curves -----------------------------------------------------------------------------------

LEVELS = (0.5, 1.0, 2.0)
THREE = (("a", PLACES[:4]), ("b", PLACES[4:9]), ("c", PLACES[9:]))


def layout() -> Layout:
    variables = [Variable(10, name, places) for name, places in THREE]
    variables += [Variable(18, "all", PLACES)]
    variables += [Variable(23, place, (place,)) for place in PLACES]
    homes = np.arange(1.0, 16.0)
    return Layout(tuple(variables), LEVELS, homes / homes.sum())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), spill=st.floats(-1, 1), helped=st.floats(-1, 1))
@example(seed=8313280, spill=0.0, helped=0.0)  # its first design leaves a curve open
def test_the_fit_finds_curves_spilling_over_and_interactions(
    seed: int, spill: float, helped: float
) -> None:
    one, generator = layout(), np.random.default_rng(seed)
    x = city_surface.design(one, city_surface.least_runs(one), seed % 1000)
    own = generator.normal(size=(2, 3, len(PLACES), len(LEVELS))).cumsum(axis=3)
    reach, effects = one.reach(), np.zeros((2, len(x), len(PLACES)))
    for at, place in enumerate(PLACES):
        here = [next(v for v in one.own(m) if reach[v, at]) for m in one.measures]
        for m, v in enumerate(here):
            effects[:, :, at] += own[:, m, at] @ city_surface.hats(LEVELS, x[:, v]).T
        others = sum(one.share(v) * x[:, v] for v in one.own(23) if v != here[2])
        both = spill * others + helped * x[:, here[0]] * x[:, here[2]]
        effects[:, :, at] += one.homes[at] * both
        assert place in one.variables[here[2]].places
    found = fit(one, x, effects)
    wanted = np.stack([own[:, m].transpose(0, 2, 1) for m in range(3)])
    at = one.own(23)
    part_of = np.array([one.share(v) for v in at])
    over = spill * (part_of * (1 - part_of))[:, None] * np.array(LEVELS)
    assert found.alone[:, at] == pytest.approx(wanted[2].transpose(0, 2, 1) + over, abs=1e-8)
    assert found.alone[:, 3] == pytest.approx(own[:, 1].sum(axis=1), abs=1e-8)
    assert found.pairs[10, 23] == pytest.approx(np.full(2, helped), abs=1e-8)
    assert found.pairs[10, 18] == pytest.approx(np.zeros(2), abs=1e-8)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), groups=st.integers(1, 15), worlds=st.integers(2, 8))
def test_drawing_to_the_province_keeps_the_sum(seed: int, groups: int, worlds: int) -> None:
    generator = np.random.default_rng(seed)
    alone = generator.normal(size=(worlds, groups, 3)) + 3.0
    shares = generator.random((groups, 3)) + 0.01
    shares /= shares.sum(axis=0)
    drawn = drawn_to_province(alone, shares)
    whole = city_surface.drawn_to_zero(alone.sum(axis=1, keepdims=True))[:, 0]
    assert drawn.sum(axis=1) == pytest.approx(whole, abs=1e-9)


def test_without_chance_everything_is_kept_and_with_nothing_else_little() -> None:
    curves = np.arange(1.0, 13.0).reshape(4, 3) ** 1.3
    sure = np.stack([curves] * 5)
    shares = np.full((4, 3), 0.25)
    assert drawn_to_province(sure, shares) == pytest.approx(sure)
    generator = np.random.default_rng(5)
    even = np.full((6, 12), 1 / 12)
    kept = [true_part(generator.normal(size=(6, 12)), even[0]).mean() for _ in range(200)]
    assert float(np.mean(kept)) < 0.25
    far = generator.normal(size=(6, 12)) + 20.0 * np.arange(12)
    assert true_part(far - far.mean(axis=1, keepdims=True), even[0]).min() > 0.99


def test_a_surface_that_is_wrong_is_found_out() -> None:
    model = np.array([[1.0, 1.2], [3.0, 3.2], [5.0, 4.6]])
    right, wrong = (city_surface.holdout(one, model) for one in (model, model * 1.2))
    assert (right.error, right.bias, right.explained) == (0.0, 0.0, 1.0)
    assert wrong.bias == pytest.approx(0.2)
    assert wrong.error > 0.2
    assert city_surface.holdout(model[::-1], model).explained < 0


# --- parts of programmes on the model ---------------------------------------------------------


@pytest.fixture(scope="module")
def bench() -> Bench:
    scenario = load_scenario("full_plan").changed(months=12, scale="1:10000")
    return Bench(city_setup(scenario))


def ran(bench: Bench, changes: dict[str, Any]) -> Totals:
    result = bench.do(Job("", 0, 7, changes))
    assert result.error == ""
    return result.totals


def everywhere(measure: int, groups: dict[str, tuple[str, ...]], x: float) -> dict[str, Any]:
    doses = {measure: dict.fromkeys(groups, x)}
    return part(()) | place_changes({measure: groups}, doses)


@pytest.mark.parametrize("x", [0.7, 1.4])
@pytest.mark.parametrize("measure", [10, 13, 16, 23, 33])
def test_equal_parts_do_what_the_whole_does(bench: Bench, measure: int, x: float) -> None:
    use = load_scenario("full_plan").measures[measure]
    whole = ran(bench, part([measure], levers={measure: levers_at(use, x)}))
    groups = dict(THREE) if measure == 10 else dict(EACH)
    parts = ran(bench, everywhere(measure, groups, x))
    assert parts["channel.paid"] == pytest.approx(whole["channel.paid"], rel=1e-6, abs=100.0)
    name = "household_consumption.policy"
    assert parts[name].sum() == pytest.approx(whole[name].sum(), rel=3e-6)
    assert parts[PARTS].sum(axis=0) == pytest.approx(parts["channel.paid"], abs=1.0)


def test_vouchers_on_equal_terms_change_no_bit(bench: Bench) -> None:
    use = load_scenario("full_plan").measures[23]
    levers = levers_at(use, 1.0) | {"promotion_events": 2100.0, "campaign_calendar": 0.0}
    found = []
    for terms in (None, dict.fromkeys(PLACES, 1.0)):
        changes = part([23], levers={23: levers})
        document = city_document(json.loads(bench.setup.scenario), changes)
        policies = load_scenario("full_plan").with_measures([23], levers={23: levers}).policies
        vouchers = policies["m23_vouchers"].plain()
        if terms:
            own = ("match_ratio", "provincial_quota_yi_yuan")
            one = {key: vouchers["funding"][key] for key in own}
            vouchers["funding"]["city_terms"] = dict.fromkeys(PLACES, one)
        document |= {"measures": {}, "policies": {"m23_vouchers": vouchers}}
        found.append(run_of(bench, document))
    assert np.array_equal(found[0], found[1])


def run_of(bench: Bench, document: dict[str, Any]) -> Floats:
    from model.scenario import scenario_from_mapping

    run = bench.run(scenario_from_mapping(document), 7)
    return np.asarray(run["consumption"].values)


def test_a_dose_in_one_city_is_paid_by_it_and_felt_there(bench: Bench) -> None:
    changes = part(()) | place_changes({23: EACH}, {23: {"dalian": 2.0}})
    found = ran(bench, changes)
    paid, at = found["channel.paid"], SOURCES.index("dalian")
    others = [SOURCES.index(p) for p in PLACES if p != "dalian"]
    assert paid[at] > 0
    assert not paid[others].any()
    assert part_labels(changes) == [(23, "dalian")]
    felt = np.abs(found[BY_PLACE + "household_consumption"].sum(axis=0))
    assert PLACES[int(felt.argmax())] == "dalian"
    gain_all = found[BY_PLACE + "household_consumption"].sum()
    whole = found["household_consumption.policy"] - found["household_consumption.base"]
    assert gain_all == pytest.approx(whole.sum(), abs=1.0)


# --- plans ------------------------------------------------------------------------------------

ALL_BUT_ONE = ", ".join(PLACES[:-1])


@pytest.mark.parametrize(
    ("measures", "words"),
    [
        ("{23: {by: citty}}", "city"),
        ("{23: {bye: city}}", "by"),
        (f"{{23: {{groups: {{a: [{ALL_BUT_ONE}]}}}}}}", "Shenfu"),
        (f"{{23: {{groups: {{a: [{ALL_BUT_ONE}, shenfuu]}}}}}}", "shenfu"),
        (f"{{23: {{groups: {{a: [{ALL_BUT_ONE}], b: [shenfu, dalian]}}}}}}", "dalian"),
        (f"{{23: {{groups: {{all: [{ALL_BUT_ONE}, shenfu]}}}}}}", "all"),
        ("{23: {groups: [dalian]}}", "groups"),
        ("{23: {by: city, groups: {a: [dalian]}}}", "groups"),
        ("{18: {by: city}}", "trade-in"),
        ("{9: {by: city}}", "pension"),
        ("{10: {by: city}}", "32"),
    ],
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_wrong_plan_is_refused_with_its_line(
    tmp_path: Path, measures: str, words: str, lang: str
) -> None:
    path = write_plan(tmp_path, "budgets: {total: 5}\n", measures)
    with pytest.raises(ScenarioError) as refused:
        load_optimise_plan(path, lang)
    lines = refused.value.lines
    assert len(lines) == 1
    assert "plan.yaml:4:" in lines[0]
    if lang == "en":
        assert words in lines[0]


def test_the_shipped_plan_has_groups_and_cities() -> None:
    plan = load_optimise_plan("cities")
    assert len(plan.groups[23]) == len(PLACES)
    assert len(plan.groups[10]) == 5
    assert 18 not in plan.groups
    assert len(plan.variables) == 21
