"""Best allocations that are known, through the same path; plans; the surface's error."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from experiments.allocation import CAUTIOUS, EXPECTED, InfeasibleError, Limit, Problem, solve
from experiments.executors import Serial
from experiments.optimise import optimise
from experiments.optimise_plan import load_optimise_plan, plan_folder
from experiments.optimum import Optimum, optimum_document
from experiments.package_jobs import package_setup
from experiments.package_runs import PackageRuns
from experiments.surface import Curves, concave, drawn_to_zero
from model.scenario import ScenarioError
from tests.known_games import BENDS, PRICES, SLOPES, YI

MEASURES = (18, 19, 20, 23)


def water_filling(budget: float) -> dict[int, float]:
    """Marginal gain per yuan is the same everywhere: (slope - bend x) / price = level, 0 <= x <= 2.

    Bisection on the level.
    """
    low, high = 0.0, 100.0
    for _ in range(100):
        level = (low + high) / 2
        x = {n: float(np.clip((SLOPES[n] - level * PRICES[n]) / BENDS[n], 0, 2)) for n in MEASURES}
        paid = sum(PRICES[n] * x[n] for n in MEASURES)
        low, high = (level, high) if paid > budget else (low, level)
    return x


def gain(x: dict[int, float]) -> float:
    return sum(SLOPES[n] * v - BENDS[n] * v * v / 2 for n, v in x.items())


def write_plan(folder: Path, text: str) -> Path:
    path = folder / "plan.yaml"
    head = "scenario: full_plan\nmaximise: household_consumption\nseeds: 2\n"
    path.write_text(head + "measures: [18, 19, 20, 23]\n" + text, encoding="utf-8")
    return path


def solved(folder: Path, text: str, game: str = "concave") -> Optimum:
    plan = load_optimise_plan(write_plan(folder, text))
    setup = package_setup(plan.scenario, f"tests.known_games:{game}")
    return optimise(plan, PackageRuns(plan.scenario, folder / "results", Serial(), setup=setup))


def chosen(found: Optimum, aim: str = EXPECTED) -> dict[int, float]:
    return dict(zip(MEASURES, found.chosen[aim].answer.x.tolist(), strict=True))


FINE = "levels: [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]\n"


@pytest.mark.parametrize("budget", [6.0, 14.0])
def test_concave_returns_are_filled_like_water(tmp_path: Path, budget: float) -> None:
    found = solved(tmp_path, f"{FINE}budgets: {{province: {budget}}}\n")
    wanted, answer = water_filling(budget), chosen(found)
    assert gain(answer) == pytest.approx(gain(wanted), rel=2e-3)
    assert sum(PRICES[n] * x for n, x in answer.items()) == pytest.approx(budget, rel=1e-3)
    assert answer == pytest.approx(wanted, abs=0.12)
    best = found.chosen[EXPECTED]
    assert abs(best.surface_error("household_consumption")) < 0.01
    assert [one.name for one in found.binding] == ["province"]
    level = (SLOPES[18] - BENDS[18] * wanted[18]) / PRICES[18]
    assert found.binding[0].worth == pytest.approx(level * YI, rel=0.15)


def test_without_binding_limits_everything_goes_to_its_best(tmp_path: Path) -> None:
    found = solved(tmp_path, "budgets: {province: 1000}\n")
    assert chosen(found) == pytest.approx(dict.fromkeys(MEASURES, 2.0), abs=1e-6)
    assert found.binding == ()


def test_administrative_limits_and_help(tmp_path: Path) -> None:
    text = FINE + "budgets: {province: 9}\nadministrative: {measures: 2}\n"
    alone, helped = chosen(solved(tmp_path, text)), chosen(solved(tmp_path, text, "helping"))
    assert sum(x > 0 for x in alone.values()) == 2 == sum(x > 0 for x in helped.values())
    by_hand = max(
        (best_of_two(a, b, 9.0, 0.0), (a, b)) for a in MEASURES for b in MEASURES if a < b
    )
    assert {n for n, x in alone.items() if x > 0} == set(by_hand[1])
    assert {n for n, x in helped.items() if x > 0} == {19, 20}


def best_of_two(a: int, b: int, budget: float, more: float) -> float:
    """Brute force over a fine grid."""
    grid = np.linspace(0, 2, 201)
    allowed = [(x, y) for x, y in product(grid, grid) if PRICES[a] * x + PRICES[b] * y <= budget]
    return max(gain({a: x, b: y}) + more * x * y for x, y in allowed)


def test_a_knapsack_of_whole_items() -> None:
    """Values 60, 100, 120, weights 10, 20, 30, room 50: the second and third, 220."""
    alone = np.array([[[0.0, 60.0], [0.0, 100.0], [0.0, 120.0]]])
    weights = np.array([[[0.0, 10.0], [0.0, 20.0], [0.0, 30.0]]])
    room = Limit("room", Curves((0.0, 1.0), weights, {}), 50.0)
    both = {(0, 1): np.array([0.0])}
    problem = Problem(Curves((0.0, 1.0), alone, both), [(0.0, 1.0)] * 3, 1.0, [room])
    answer = solve(problem)
    assert answer.goal.sum() == pytest.approx(220.0, abs=1e-6)
    assert answer.proven
    helped = Curves((0.0, 1.0), alone, {(0, 1): np.array([80.0])})
    again = solve(Problem(helped, [(0.0, 1.0)] * 3, 1.0, [room]))
    assert again.goal.sum() >= 240.0  # 60 + 100 + 80, and 20 of room to spare


def test_caution_prefers_what_is_sure() -> None:
    """The first measure gives 10 on average but nothing in one world of four, the second 8."""
    alone = np.zeros((4, 2, 2))
    alone[:, 0, 1], alone[:, 1, 1] = [0.0, 13.0, 13.0, 14.0], 8.0
    price = Limit("room", Curves((0.0, 1.0), np.tile([0.0, 1.0], (4, 2, 1)), {}), 1.0)
    problem = Problem(Curves((0.0, 1.0), alone, {}), [(0.0, 1.0)] * 2, 1.0, [price])
    assert solve(problem, EXPECTED).x.tolist() == [1.0, 0.0]
    careful = solve(problem, CAUTIOUS, 0.25).x
    assert careful[1] > careful[0]


def test_curves_of_goals_are_concave_and_cautious_about_chance() -> None:
    levels = (0.5, 1.0, 1.5, 2.0)
    assert concave(levels, np.array([4.0, 7.0, 9.0, 10.0])) == pytest.approx([4, 7, 9, 10])
    bent = np.diff(concave(levels, np.array([1.0, 7.0, 3.0, 9.0])), prepend=0.0)
    assert (np.diff(bent) <= 1e-9).all()
    sure, luck = np.full((4, 4), 10.0), np.array([[9.0], [-8.0], [7.0], [-7.0]]) * np.ones(4)
    shrunk = drawn_to_zero(np.stack([sure, luck], axis=1))
    assert shrunk[:, 0] == pytest.approx(sure)
    assert shrunk[:, 1].mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-9)
    assert shrunk[:, 1].std() == pytest.approx(luck.std())  # what is not known stays unknown


def test_least_intensities_that_no_budget_can_pay(tmp_path: Path) -> None:
    path = write_plan(tmp_path, "budgets: {province: 3}\n")
    words = path.read_text(encoding="utf-8").replace("[18, 19, 20, 23]", "{18: {min: 1}, 19: {}}")
    path.write_text(words, encoding="utf-8")
    plan = load_optimise_plan(path)
    setup = package_setup(plan.scenario, "tests.known_games:concave")
    runs = PackageRuns(plan.scenario, tmp_path / "results", Serial(), setup=setup)
    with pytest.raises(InfeasibleError) as refused:
        optimise(plan, runs)
    assert refused.value.excess == pytest.approx({"province": 3 * YI}, rel=1e-6)


def test_frontier_marginals_and_document(tmp_path: Path) -> None:
    text = "budgets: {province: 8}\nfrontier: {with: bottom40_consumption, points: 4}\n"
    found = solved(tmp_path, text)
    document = optimum_document(found)
    assert {"allocation", "objective", "binding", "frontier"} <= document.keys()
    poor = [one["bottom40_consumption"] for one in document["frontier"]]
    rich = [one["household_consumption"] for one in document["frontier"]]
    assert len(poor) >= 3
    assert poor == sorted(poor)
    assert rich == sorted(rich, reverse=True)
    ratios = {one["measure"]: one["ratio"] for one in document["marginal"]}
    x = chosen(found)
    for n in MEASURES:
        move = next(one for one in found.marginal if one.measure == n)
        middle = (move.low + move.high) / 2
        assert ratios[n] == pytest.approx((SLOPES[n] - BENDS[n] * middle) / PRICES[n], rel=0.05)
    assert x == {one["measure"]: one["intensity"] for one in document["allocation"]}


# --- plans ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in plan_folder().glob("*.yaml")))
def test_shipped_plans_are_valid(name: str) -> None:
    plan = load_optimise_plan(name)
    assert plan.budgets
    assert all(plan.title[lang] for lang in ("zh", "en"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("budgets: {provinse: 3}\n", 5, "province"),
        ("budgets: {province: -3}\n", 5, "province"),
        ("budgts: {province: 3}\n", 5, "budgets"),
        ("budgets: {province: 3}\nlevels: [2, 1]\n", 6, "levels"),
        ("budgets: {province: 3}\nadministrative: {measure: 2}\n", 6, "measures"),
        ("budgets: {province: 3}\nfrontier: {with: employmnt}\n", 6, "employment"),
        ("budgets: {province: 3}\nparameters: {firms.hiring_gian: {}}\n", 6, "firms.hiring_gain"),
        ("budgets: {province: 3}\nstep: 5\n", 6, "step"),
    ],
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_wrong_plan_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, words: str, lang: str
) -> None:
    path = write_plan(tmp_path, text)
    with pytest.raises(ScenarioError) as refused:
        load_optimise_plan(path, lang)
    assert any(f"plan.yaml:{line}:" in one and words in one for one in refused.value.lines)
