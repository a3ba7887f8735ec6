"""The best use of money within budgets: from stored runs to an allocation and back to the model.

1. Every measure alone at each level, and every pair at intensity 1, are run in every world: a seed
   with its draw of the uncertain parameters (`experiments.surface`).
2. The best intensities are found on these surfaces (`experiments.allocation`), once for the mean
   over worlds and once for the mean of the worst ones.
3. Both answers are run on the model itself, in the same worlds and in as many new ones. Where the
   model pays more than a limit, the limits are tightened by the excess and solved again. Each aim
   takes the one that the model itself prefers, points of the frontier among them. The surface's
   error is reported, and the figures given are those of the model in new worlds, which the choice
   has not seen.
4. The last yi yuan of every measure is run too: its pull ratio (拉动比) is extra goal per yuan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, Final

import numpy as np

from experiments.allocation import (
    CAUTIOUS,
    EXPECTED,
    Answer,
    InfeasibleError,
    Limit,
    Problem,
    aim_of,
    solve,
)
from experiments.city_jobs import city_setup
from experiments.intensity import levers_at
from experiments.intervals import mean_estimate, ratio_estimate
from experiments.lever_draws import latin_hypercube
from experiments.optimise_plan import STRONGEST, TOTAL, YI, OptimisePlan, departments
from experiments.optimum import Binding, Chosen, Marginal, Optimum, Run, undominated
from experiments.package_jobs import CHANNEL, PackageSetup, package_setup, part
from experiments.package_runs import PackageRuns, Point, effect, in_unit, point
from experiments.paired import Floats
from experiments.run_jobs import Totals
from experiments.surface import Curves, curves, goal_curves
from experiments.sweep_factors import changes_at
from model.dimensions import PLACES
from model.outcome import SOURCES

STREAM: Final = 0x0971A1
BINDING: Final = 0.98
"""A limit that is used to at least this part binds."""
KEPT: Final = 1e-3
"""Part by which the model may pay more than a limit before it is solved again."""
ROUNDS: Final = 3
WORTHLESS: Final = 1e-5
"""Part of the goal below which relaxing a limit is worth nothing (tolerance of the solver)."""
LEAST_MOVE: Final = 0.1
"""Intensity by which a measure is moved at least to see what its last yi yuan does."""


@dataclass(frozen=True)
class World:
    """A seed with its draw of parameters."""

    seed: int
    parameters: Mapping[str, Any]


def optimise(plan: OptimisePlan, runs: PackageRuns) -> Optimum:
    """Find the best intensities of a plan. Raises InfeasibleError, RunFailedError."""
    if plan.groups:
        from experiments.city_optimise import CityWork

        return CityWork(plan, runs).optimum()
    return Work(plan, runs).optimum()


def setup_of(plan: OptimisePlan) -> PackageSetup:
    """What all runs of a plan share."""
    return city_setup(plan.scenario) if plan.groups else package_setup(plan.scenario)


def planned_runs(plan: OptimisePlan) -> int:
    """Runs that a plan takes if none is stored: surfaces, both answers, last yuan, frontier."""
    if plan.groups:
        from experiments.city_optimise import planned_places

        return len(plan.seeds) * planned_places(plan)
    count = len(plan.measures)
    places = count * len(plan.levels) + count * (count - 1) // 2 + 4 + 2 * count
    return len(plan.seeds) * (places + plan.frontier_points)


def worlds_of(plan: OptimisePlan, seeds: Sequence[int], salt: int) -> list[World]:
    """One draw of the uncertain parameters for each seed (Latin hypercube)."""
    if not plan.factors:
        return [World(seed, {}) for seed in seeds]
    generator = np.random.default_rng([STREAM, plan.scenario.seed, salt])
    rows = latin_hypercube(generator, len(seeds), len(plan.factors))
    drawn = [changes_at(plan.factors, row)["parameters"] for row in rows]
    return [World(seed, own) for seed, own in zip(seeds, drawn, strict=True)]


@dataclass
class Work:
    """A plan at work: runs, surfaces and answers. Positions are those of `plan.measures`."""

    plan: OptimisePlan
    runs: PackageRuns

    def __post_init__(self) -> None:
        seeds = self.plan.seeds
        self.worlds = worlds_of(self.plan, seeds, 0)
        later = [seed + len(seeds) for seed in seeds]
        self.new_worlds = worlds_of(self.plan, later, 1)
        self.pairs = list(combinations(range(len(self.plan.measures)), 2))

    # -- running -------------------------------------------------------------------------------

    def _changes(self, x: Mapping[int, float], world: World) -> dict[str, Any]:
        used = {n: intensity for n, intensity in x.items() if intensity > 0}
        uses = self.plan.scenario.measures
        levers = {n: levers_at(uses[n], intensity) for n, intensity in used.items()}
        return part(used, (), levers, world.parameters)

    def _points(self, x: Mapping[int, float], worlds: Sequence[World]) -> list[Point]:
        return [point(self._changes(x, one), one.seed) for one in worlds if any(x.values())]

    def _totals(self, x: Mapping[int, float], world: World) -> Totals | None:
        """None where nothing is in force."""
        return self.runs.totals(self._changes(x, world), world.seed) if any(x.values()) else None

    def _goal(self, totals: Totals | None, goal: str) -> float:
        return 0.0 if totals is None else in_unit(effect(totals, goal, self.plan.horizon), goal)

    @cached_property
    def goals(self) -> list[str]:
        """The goal and what it is weighed against."""
        other = self.plan.frontier_goal
        return [self.plan.goal] + ([other] if other else [])

    def _by_position(self, x: Floats) -> dict[int, float]:
        return {n: float(v) for n, v in zip(self.plan.measures, x, strict=True)}

    def _ensure(self, many: Sequence[Floats], worlds: Sequence[World]) -> None:
        """Run many intensities at once: a pool of processes takes seconds to start."""
        self.runs.ensure(at for x in many for at in self._points(self._by_position(x), worlds))

    def run(self, x: Floats, worlds: Sequence[World]) -> Run:
        """Intensities on the model."""
        at = self._by_position(x)
        self.runs.ensure(self._points(at, worlds))
        totals = [self._totals(at, world) for world in worlds]
        goals = {g: np.array([self._goal(one, g) for one in totals]) for g in self.goals}
        paid = {b: np.array([payments(one, b) for one in totals]) for b in self.budget_names}
        return Run(x, goals, paid)

    # -- surfaces ------------------------------------------------------------------------------

    @cached_property
    def budget_names(self) -> list[str]:
        """Budgets of the plan, and the total."""
        return list(dict.fromkeys((TOTAL, *self.plan.budgets)))

    def _single(self, position: int, level: float) -> dict[int, float]:
        return {self.plan.measures[position]: level}

    def _pair(self, i: int, j: int) -> dict[int, float]:
        return {self.plan.measures[i]: 1.0, self.plan.measures[j]: 1.0}

    def estimate(self) -> None:
        """Run everything the surfaces need."""
        wanted = [
            at
            for i in range(len(self.plan.measures))
            for level in self.plan.levels
            for at in self._points(self._single(i, level), self.worlds)
        ]
        for i, j in self.pairs:
            wanted += self._points(self._pair(i, j), self.worlds)
        self.runs.ensure(wanted)

    def surface(
        self, figure: Callable[[Totals | None], float], made: Callable[..., Curves] = curves
    ) -> Curves:
        """Curves and pairs of one figure of a run."""
        alone = np.array([
            [
                [figure(self._totals(self._single(i, level), world)) for level in self.plan.levels]
                for i in range(len(self.plan.measures))
            ]
            for world in self.worlds
        ])  # fmt: skip
        joint = {
            (i, j): np.array([figure(self._totals(self._pair(i, j), w)) for w in self.worlds])
            for i, j in self.pairs
        }
        return made(self.plan.levels, alone, joint)

    @cached_property
    def goal_surfaces(self) -> dict[str, Curves]:
        """By goal."""
        return {
            g: self.surface(lambda one, g=g: self._goal(one, g), goal_curves)  # type: ignore[misc]
            for g in self.goals
        }

    @cached_property
    def cost_surfaces(self) -> dict[str, Curves]:
        """By budget, yuan."""
        return {
            b: self.surface(lambda one, b=b: payments(one, b))  # type: ignore[misc]
            for b in self.budget_names
        }

    # -- the answer ----------------------------------------------------------------------------

    @cached_property
    def problem(self) -> Problem:
        """The plan in terms of surfaces."""
        plan = self.plan
        limits = [Limit(b, self.cost_surfaces[b], m * YI) for b, m in plan.budgets.items()]
        return Problem(
            self.goal_surfaces[plan.goal], self.ranges, plan.step, limits, (),
            self.most_measures, self._departments(),
        )  # fmt: skip

    @cached_property
    def ranges(self) -> list[tuple[float, float]]:
        """Allowed intensities by position."""
        return list(self.plan.ranges.values())

    @property
    def most_measures(self) -> int | None:
        """How many positions may be in use."""
        return self.plan.most_measures

    def _departments(self) -> list[tuple[str, tuple[int, ...], int]]:
        if self.plan.per_department is None:
            return []
        members: dict[str, list[int]] = {}
        for position, number in enumerate(self.plan.measures):
            for name in departments(number):
                members.setdefault(name, []).append(position)
        most = self.plan.per_department
        return [(n, tuple(own), most) for n, own in members.items() if len(own) > most]

    def optimum(self) -> Optimum:
        """Everything, in the order of the module's docstring."""
        self.estimate()
        answers = [self._affordable(self.problem, aim) for aim in (EXPECTED, CAUTIOUS)]
        frontier = self._frontier(answers[0][1])
        self._ensure(frontier, self.worlds)
        known = [answer.x for answer, _ in answers] + [x for x in frontier if self._pays(x)]
        proven = all(answer.proven for answer, _ in answers)
        chosen = self._chosen(known, proven)
        best = chosen[EXPECTED]
        ends = [end for move in self._moves(best.answer.x) for end in move]
        self._ensure(ends, self.worlds)
        budgets = {
            name: (most * YI, float(best.same.paid[name].mean()))
            for name, most in self.plan.budgets.items()
        }
        return Optimum(
            self.plan, chosen, budgets, tuple(self._binding(best)),
            tuple(self._marginals(best.answer.x)),
            tuple(undominated([self.run(x, self.worlds) for x in frontier], self.goals)),
        )  # fmt: skip

    def _chosen(self, candidates: Sequence[Floats], proven: bool) -> dict[str, Chosen]:
        """For each aim the candidate that the model itself prefers, in the same worlds."""
        aims = (EXPECTED, CAUTIOUS)
        best = {
            aim: max(candidates, key=lambda x, aim=aim: self._model_aim(x, aim))  # type: ignore[misc]
            for aim in aims
        }
        self._ensure(list(best.values()), self.new_worlds)
        return {
            aim: Chosen(
                aim, Answer(x, self.problem.goal.values(x), proven), self.run(x, self.worlds),
                self.run(x, self.new_worlds),
            )
            for aim, x in best.items()
        }  # fmt: skip

    def _model_aim(self, x: Floats, aim: str) -> float:
        return aim_of(self.run(x, self.worlds).goals[self.plan.goal], aim, self.plan.cautious)

    def _overspent(self, x: Floats) -> dict[str, float]:
        """Budgets of which the model pays more than there is: payments over the limit."""
        paid = self.run(x, self.worlds).paid
        found = {b: float(paid[b].mean()) / (m * YI) for b, m in self.plan.budgets.items() if m}
        return {name: part for name, part in found.items() if part > 1 + KEPT}

    def _pays(self, x: Floats) -> bool:
        return not self._overspent(x)

    @property
    def rounds(self) -> int:
        """How often limits are tightened at most."""
        return ROUNDS

    def _affordable(
        self, problem: Problem, aim: str, spread: Callable[[Floats], Floats] = np.asarray
    ) -> tuple[Answer, list[Limit]]:
        """The best answer; where the model pays more than a limit, limits shrink by the excess.

        `spread` makes intensities that can be run of those of the problem.
        """
        limits = list(problem.limits)
        for _ in range(self.rounds):
            answer = solve(replace(problem, limits=limits), aim, self.plan.cautious)
            x = spread(answer.x)
            self._ensure([x], self.worlds)
            over = self._overspent(x)
            if not over:
                break
            limits = [replace(one, most=one.most / over.get(one.name, 1.0)) for one in limits]
        return answer, limits

    def _binding(self, best: Chosen) -> list[Binding]:
        """Limits that the surfaces reach, with the worth of one yi yuan or one measure more."""
        x, found = best.answer.x, []
        for limit in self.problem.limits:
            used = float(best.same.paid[limit.name].mean())
            if used >= self.binding * limit.most:
                worth = self._money_worth(best, limit)
                found.append(Binding(limit.name, limit.most, used, worth))
        count = int((x > 0).sum())
        if self.most_measures is not None and count >= self.most_measures:
            worth = self._worth(best, most_measures=count + 1)
            found.append(Binding("measures", self.most_measures, count, worth))
        for name, members, most in self.problem.together:
            count = int((x[list(members)] > 0).sum())
            if count >= most:
                rest = [one for one in self.problem.together if one[0] != name]
                worth = self._worth(best, together=[*rest, (name, members, most + 1)])
                found.append(Binding(name, most, count, worth))
        return [one for one in found if one.name in self.plan.budgets or one.worth > 0]

    @property
    def binding(self) -> float:
        """A limit that is used to at least this part may bind."""
        return BINDING

    def _more(self, limit: Limit) -> float:
        """Yuan by which a limit is relaxed to see what it is worth."""
        del limit
        return YI

    def _money_worth(self, best: Chosen, limit: Limit) -> float:
        """What one yi yuan more of a limit adds to the mean goal."""
        by = self._more(limit)
        more = [
            replace(one, most=one.most + by) if one is limit else one for one in self.problem.limits
        ]
        return self._worth(best, limits=more) * (YI / by)

    @cached_property
    def _unchanged(self) -> float:
        """The best mean goal within the limits as they are, by the surfaces."""
        return float(solve(self.problem).goal.mean())

    def _worth(self, best: Chosen, **change: Any) -> float:
        """What relaxing one limit adds to the mean goal, by the surfaces."""
        before = max(float(best.answer.goal.mean()), self._unchanged)
        after = float(solve(replace(self.problem, **change)).goal.mean())
        return after - before if after > before * (1 + WORTHLESS) else 0.0

    # -- the last yi yuan ----------------------------------------------------------------------

    def _marginals(self, x: Floats) -> list[Marginal]:
        return [self._marginal(i, *move) for i, move in enumerate(self._moves(x))]

    def _moves(self, x: Floats) -> list[tuple[Floats, Floats]]:
        return [self._move(x, i) for i in range(len(x))]

    def _move(self, x: Floats, i: int) -> tuple[Floats, Floats]:
        """Intensities before and after about one yi yuan of a measure, the next or the last."""
        cost = self.cost_surfaces[TOTAL].curve(i, np.array([0.0, STRONGEST])).mean(axis=0)
        slope = float(cost[1] - cost[0]) / STRONGEST
        size = min(max(YI / slope if slope > 0 else 1.0, LEAST_MOVE), 1.0)
        least, most = list(self.plan.ranges.values())[i]
        high = min(float(x[i]) + size, most)
        before, after = x.copy(), x.copy()
        before[i], after[i] = round(max(high - size, least), 9), round(high, 9)
        return before, after

    def _marginal(self, i: int, before: Floats, after: Floats) -> Marginal:
        low, high = self.run(before, self.worlds), self.run(after, self.worlds)
        gain = high.goals[self.plan.goal] - low.goals[self.plan.goal]
        cost = high.paid[TOTAL] - low.paid[TOTAL]
        ratio = ratio_estimate(gain, cost) if cost.mean() > 0 else None
        return Marginal(
            self.plan.measures[i], float(before[i]), float(after[i]), mean_estimate(gain),
            mean_estimate(cost), ratio,
        )  # fmt: skip

    # -- efficiency against equity -------------------------------------------------------------

    def _frontier(self, limits: Sequence[Limit]) -> list[Floats]:
        """The best intensities for the goal at rising levels of the other goal."""
        other = self.plan.frontier_goal
        if other is None:
            return []
        surface, problem = self.goal_surfaces[other], replace(self.problem, limits=limits)
        first = solve(problem).x
        last = solve(replace(problem, goal=surface)).x
        ends = [float(surface.values(x).mean()) for x in (first, last)]
        found = [first]
        for level in np.linspace(ends[0], ends[1], self.plan.frontier_points)[1:-1]:
            floor = Limit(other, surface, float(level))
            try:
                found.append(solve(replace(problem, floors=[floor])).x)
            except InfeasibleError:
                continue
        unlike: dict[bytes, Floats] = {np.round(x, 6).tobytes(): x for x in [*found, last]}
        return list(unlike.values())


def payments(totals: Totals | None, budget: str) -> float:
    """Yuan that a budget pays for the levers over the whole run."""
    if totals is None:
        return 0.0
    paid = totals[CHANNEL + "paid"]
    if budget == TOTAL:
        return float(paid.sum())
    if budget == "cities":
        return float(sum(paid[SOURCES.index(place)] for place in PLACES))
    return float(paid[SOURCES.index(budget)])
