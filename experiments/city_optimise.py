"""The best use of money if some measures have intensities by city.

As `experiments.optimise`, with these differences:

1. The surface comes from designs that vary all cities at once (`experiments.city_surface`), and is
   tested on designs that it has not seen.
2. Administrative limits hold in each city.
3. The best intensities that are equal in all cities are found on the same surface, within the same
   limits, and both are run in new worlds: what differing by city gains has an interval.
4. The next yi yuan of a measure is run on the model with all its cities at once; by city it is read
   from the curves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from experiments import city_surface
from experiments.allocation import CAUTIOUS, EXPECTED, Answer, Limit, Problem, aim_of, solve
from experiments.city_findings import CityFindings, CityRow
from experiments.city_jobs import BY_PLACE, HOMES, PARTS, part_labels
from experiments.city_parts import EVERYWHERE
from experiments.city_plan import place_changes
from experiments.city_surface import Layout, Variable
from experiments.intensity import levers_at
from experiments.intervals import Estimate, mean_estimate, ratio_estimate
from experiments.optimise import LEAST_MOVE, Work, World, payments
from experiments.optimise_plan import STRONGEST, TOTAL, YI, OptimisePlan, departments
from experiments.optimum import Binding, Chosen, Marginal, Optimum
from experiments.package_jobs import CHANNEL, part
from experiments.paired import OUTCOME_RULES, Floats
from experiments.run_jobs import Totals
from experiments.surface import Curves
from model.dimensions import PLACES

HELD_OUT: Final = 0.25
"""Designs to test the surface with, for each design that it is fitted to."""
LEAST_TESTS: Final = 6
CITY_ROUNDS: Final = 8
NEARLY: Final = 0.95
"""A limit that is used to at least this part may bind."""
RELAXED: Final = 0.1
"""Part of a small limit by which it is relaxed to see what it is worth."""


def planned_places(plan: OptimisePlan) -> int:
    """Runs for each world if none is stored: designs, tests, answers, last yuan, frontier."""
    layout = Layout(plan.variables, plan.levels, np.ones(len(PLACES)) / len(PLACES))
    designs = plan.designs or city_surface.least_runs(layout)
    tests = _tests(designs)
    answers = CITY_ROUNDS + 2 * len(plan.measures) + plan.frontier_points
    return len(plan.levels) + designs + tests + answers


def _tests(designs: int) -> int:
    return max(LEAST_TESTS, round(HELD_OUT * designs))


@dataclass
class CityWork(Work):
    """Positions are those of `plan.variables`."""

    # -- running -------------------------------------------------------------------------------

    def _by_position(self, x: Floats) -> dict[int, float]:
        return {at: float(value) for at, value in enumerate(x)}

    def _changes(self, x: Mapping[int, float], world: World) -> dict[str, Any]:
        uses, doses = self.plan.scenario.measures, dict[int, dict[str, float]]()
        plain: dict[int, float] = {}
        for at, intensity in x.items():
            one = self.variables[at]
            if intensity > 0 and one.group == EVERYWHERE:
                plain[one.measure] = intensity
            elif intensity > 0:
                doses.setdefault(one.measure, {})[one.group] = intensity
        levers = {n: levers_at(uses[n], intensity) for n, intensity in plain.items()}
        found = part(plain, (), levers, world.parameters)
        return found | (place_changes(self.plan.groups, doses) if doses else {})

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """What is chosen."""
        return self.plan.variables

    # -- the surface ---------------------------------------------------------------------------

    @cached_property
    def layout(self) -> Layout:
        """Variables, levels and where people live, as the first run has it."""
        first = self._totals(self._by_position(np.ones(len(self.variables))), self.worlds[0])
        homes = np.ones(len(PLACES)) if first is None else first[HOMES]
        return Layout(self.variables, self.plan.levels, homes / homes.sum())

    @cached_property
    def designs(self) -> Floats:
        """[run, variable] intensities that the surface is fitted to."""
        plain = Layout(self.variables, self.plan.levels, np.ones(len(PLACES)))
        count = self.plan.designs or city_surface.least_runs(plain)
        return city_surface.design(plain, count, self.plan.scenario.seed)

    @cached_property
    def tests(self) -> Floats:
        """[run, variable] intensities that the surface is tested on."""
        plain = Layout(self.variables, self.plan.levels, np.ones(len(PLACES)))
        count = _tests(len(self.designs) - len(self.plan.levels))
        return city_surface.unseen(plain, count, self.plan.scenario.seed, self.ranges)

    def estimate(self) -> None:
        """Run everything the surface needs."""
        self._ensure([*self.designs, *self.tests], self.worlds)

    def _each(self, many: Floats, figure: Callable[[Totals | None, int], Floats]) -> Floats:
        """[world, run, ...] a figure of runs; it is given the number of the run."""
        return np.array([
            [figure(self._totals(self._by_position(x), w), k) for k, x in enumerate(many)]
            for w in self.worlds
        ])  # fmt: skip

    def _places(self, totals: Totals | None, goal: str) -> Floats:
        """A goal by place over the horizon, in its unit."""
        if totals is None:
            return np.zeros(len(PLACES))
        window = totals[BY_PLACE + goal][: self.plan.horizon]
        flow = OUTCOME_RULES[goal].kind == "flow"
        return np.asarray(window.sum(axis=0) if flow else window.mean(axis=0))

    def _paid(self, totals: Totals | None, x: Floats, budget: str) -> Floats:
        """What every variable costs a budget, yuan."""
        found = np.zeros(len(self.variables))
        if totals is None:
            return found
        changes = self._changes(self._by_position(x), self.worlds[0])
        rows = dict(zip(part_labels(changes), totals[PARTS], strict=True))
        for at, one in enumerate(self.variables):
            row = rows.get((one.measure, one.group))
            found[at] = 0.0 if row is None else payments({CHANNEL + "paid": row}, budget)
        return found

    @cached_property
    def cost_surfaces(self) -> dict[str, Curves]:
        """By budget, yuan."""
        x = self.designs
        return {
            budget: city_surface.cost_curves(
                self.layout,
                x,
                self._each(x, lambda one, k, b=budget: self._paid(one, x[k], b)),  # type: ignore[misc]
            )
            for budget in self.budget_names
        }

    @cached_property
    def goal_surfaces(self) -> dict[str, Curves]:
        """By goal."""
        cost = self.cost_surfaces[TOTAL].alone[:, :, 1:].mean(axis=0)
        found = {}
        for goal in self.goals:
            effects = self._each(self.designs, lambda one, _, g=goal: self._places(one, g))  # type: ignore[misc]
            raw = city_surface.fit(self.layout, self.designs, effects)
            found[goal] = city_surface.city_curves(self.layout, raw, cost)
        return found

    def holdout(self) -> city_surface.Holdout:
        """The surface on designs it has not seen."""
        goal = self.plan.goal
        surface = np.array([self.goal_surfaces[goal].values(x) for x in self.tests])
        model = np.array([self.run(x, self.worlds).goals[goal] for x in self.tests])
        return city_surface.holdout(surface, model)

    # -- limits --------------------------------------------------------------------------------

    @cached_property
    def ranges(self) -> list[tuple[float, float]]:
        """Allowed intensities by variable."""
        return [self.plan.ranges[one.measure] for one in self.variables]

    @property
    def most_measures(self) -> int | None:
        """None: the limit holds in each city, see `_departments`."""
        return None

    def _departments(self) -> list[tuple[str, tuple[int, ...], int]]:
        """Administrative limits of every city, each set of variables once."""
        found: dict[tuple[str, tuple[int, ...]], int] = {}
        for place in PLACES:
            here = [at for at, one in enumerate(self.variables) if place in one.places]
            for name, members, most in self._limits_on(here):
                found.setdefault((name, members), most)
        return [(name, members, most) for (name, members), most in found.items()]

    def _limits_on(self, here: Sequence[int]) -> list[tuple[str, tuple[int, ...], int]]:
        members: dict[str, list[int]] = {}
        for at in here:
            for name in departments(self.variables[at].measure):
                members.setdefault(name, []).append(at)
        each, most = self.plan.per_department, self.plan.most_measures
        found = [(n, tuple(own), each) for n, own in members.items() if each is not None]
        found += [] if most is None else [("measures", tuple(here), most)]
        return [(n, own, int(limit)) for n, own, limit in found if len(own) > int(limit or 0)]

    @property
    def binding(self) -> float:
        """Lower than for the province: small budgets are tightened by more of themselves."""
        return NEARLY

    @property
    def rounds(self) -> int:
        """More than for the province: there are more limits, and small ones."""
        return CITY_ROUNDS

    def _affordable(
        self, problem: Problem, aim: str, spread: Callable[[Floats], Floats] = np.asarray
    ) -> tuple[Answer, list[Limit]]:
        """As for the province; then limits that were tightened too far are widened again.

        With a budget for every city nearly all of them are tightened, and small ones by much.
        """
        answer, limits = super()._affordable(problem, aim, spread)
        worst = self.plan.cautious
        for _ in range(CITY_ROUNDS):
            paid = self.run(spread(answer.x), self.worlds).paid
            limits = [
                _widened(one, before.most, float(paid[one.name].mean()))
                for one, before in zip(limits, problem.limits, strict=True)
            ]
            found = solve(replace(problem, limits=limits), aim, worst)
            self._ensure([spread(found.x)], self.worlds)
            promised = [aim_of(one.goal, aim, worst) for one in (found, answer)]
            if self._overspent(spread(found.x)) or promised[0] <= promised[1]:
                break
            answer = found
        return answer, limits

    def _more(self, limit: Limit) -> float:
        """A yi yuan would be several budgets of a small city."""
        return min(YI, RELAXED * limit.most) if limit.most else YI

    def _binding(self, best: Chosen) -> list[Binding]:
        """Limits that would add something if they were wider."""
        return [one for one in super()._binding(best) if one.worth > 0]

    # -- the answer ----------------------------------------------------------------------------

    def optimum(self) -> Optimum:
        """As `Work.optimum`, with what there is to say by city."""
        found = super().optimum()
        return replace(found, cities=self._findings(found))

    def _findings(self, found: Optimum) -> CityFindings:
        best, equal = found.chosen[EXPECTED], self._equal()
        fresh = [one.fresh.goals[self.plan.goal] for one in (best, equal)]
        return CityFindings(
            self.layout, self._rows(found), self.holdout(), len(self.designs), equal,
            mean_estimate(fresh[0] - fresh[1]), self._city_payments(best),
        )  # fmt: skip

    def _equal(self) -> Chosen:
        """The best intensities that are the same in all cities, run like the others."""
        answer, _ = self._affordable(self._equal_problem(), EXPECTED, self._everywhere)
        x = self._everywhere(answer.x)
        self._ensure([x], self.new_worlds)
        same, fresh = self.run(x, self.worlds), self.run(x, self.new_worlds)
        return Chosen(EXPECTED, replace(answer, x=x), same, fresh)

    def _everywhere(self, x: Floats) -> Floats:
        """Intensities by measure as those of variables."""
        number = {measure: at for at, measure in enumerate(self.plan.measures)}
        return np.array([x[number[one.measure]] for one in self.variables])

    def _equal_problem(self) -> Problem:
        one, plan = self.problem, self.plan
        limits = [
            Limit(b.name, city_surface.together(self.layout, b.curves), b.most) for b in one.limits
        ]
        return Problem(
            city_surface.together(self.layout, one.goal), list(plan.ranges.values()), plan.step,
            limits, (), plan.most_measures, Work._departments(self),
        )  # fmt: skip

    def _city_payments(self, best: Chosen) -> dict[str, float]:
        """Yuan that every city pays, mean over worlds."""
        at = self._by_position(best.answer.x)
        totals = [self._totals(at, world) for world in self.worlds]
        return {p: float(np.mean([payments(one, p) for one in totals])) for p in PLACES}

    # -- the next yi yuan ----------------------------------------------------------------------

    def _moves(self, x: Floats) -> list[tuple[Floats, Floats]]:
        """A measure moves in all its cities at once."""
        return [self._measure_move(x, measure) for measure in self.plan.measures]

    def _measure_move(self, x: Floats, measure: int) -> tuple[Floats, Floats]:
        mine = self.layout.own(measure)
        slope = sum(self._slope(v) for v in mine)
        least, most = self.plan.ranges[measure]
        size = min(max(YI / slope if slope > 0 else 1.0, LEAST_MOVE), 1.0, most - least)
        before, after = x.copy(), x.copy()
        after[mine] = np.round(np.minimum(x[mine] + size, most), 9)
        before[mine] = np.round(np.maximum(after[mine] - size, least), 9)
        return before, after

    def _slope(self, position: int) -> float:
        """Yuan for one unit of intensity of a variable."""
        ends = self.cost_surfaces[TOTAL].curve(position, np.array([0.0, STRONGEST])).mean(axis=0)
        return float(ends[1] - ends[0]) / STRONGEST

    def _marginals(self, x: Floats) -> list[Marginal]:
        return [
            self._of_measure(measure, *move)
            for measure, move in zip(self.plan.measures, self._moves(x), strict=True)
        ]

    def _of_measure(self, measure: int, before: Floats, after: Floats) -> Marginal:
        """As run on the model; intensities are means over households."""
        mine = self.layout.own(measure)
        homes = np.array([self.layout.share(v) for v in mine])
        low, high = self.run(before, self.worlds), self.run(after, self.worlds)
        gain = high.goals[self.plan.goal] - low.goals[self.plan.goal]
        cost = high.paid[TOTAL] - low.paid[TOTAL]
        start, end = (float(np.average(x[mine], weights=homes)) for x in (before, after))
        return Marginal(
            measure, start, end, mean_estimate(gain), mean_estimate(cost), _ratio(gain, cost)
        )

    def _rows(self, found: Optimum) -> tuple[CityRow, ...]:
        return tuple(self._row(found, at) for at in range(len(self.variables)))

    def _row(self, found: Optimum, at: int) -> CityRow:
        """One measure in one group of cities, by the curves."""
        x = found.chosen[EXPECTED].answer.x
        without = x.copy()
        without[at] = 0.0
        low, high = self._city_move(x, at)
        gain, cost = self._between(low, high)
        whole_gain, whole_cost = self._between(without, x)
        careful = found.chosen[CAUTIOUS].answer.x
        return CityRow(
            self.variables[at], float(x[at]), float(careful[at]), mean_estimate(whole_gain),
            mean_estimate(whole_cost), float(low[at]), float(high[at]), _ratio(gain, cost),
        )  # fmt: skip

    def _between(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Goal and payments [world] that a move adds, by the curves."""
        goal, cost = self.goal_surfaces[self.plan.goal], self.cost_surfaces[TOTAL]
        return goal.values(after) - goal.values(before), cost.values(after) - cost.values(before)

    def _city_move(self, x: Floats, at: int) -> tuple[Floats, Floats]:
        """The next yi yuan of a variable, or the last one where there is no more."""
        slope, (least, most) = self._slope(at), self.ranges[at]
        size = min(max(YI / slope if slope > 0 else 1.0, LEAST_MOVE), 1.0, most - least)
        low, high = x.copy(), x.copy()
        high[at] = min(float(x[at]) + size, most)
        low[at] = max(high[at] - size, least)
        return low, high


def _widened(limit: Limit, most: float, paid: float) -> Limit:
    """A limit wider by what the model leaves of it, at most `most`."""
    return replace(limit, most=min(limit.most * most / paid, most) if paid > 0 else most)


def _ratio(gain: Floats, cost: Floats) -> Estimate | None:
    return ratio_estimate(gain, cost) if cost.mean() > 0 else None
