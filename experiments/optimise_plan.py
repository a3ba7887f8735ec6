"""Plans of `tizhen optimise`: what to maximise over which measures, within which budgets.

Read like the plans of sweeps: safe YAML, every error at once with file, line and column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from experiments.city_parts import EVERYWHERE
from experiments.city_plan import CITY_KEYS, CityReader, Groups
from experiments.city_surface import Variable
from experiments.plan_reader import PlanReader
from experiments.sweep_factors import PARAMETER, Factor
from experiments.sweep_plan import find_plan
from experiments.sweep_plan import plan_folder as sweep_plan_folder
from model.dimensions import PLACES
from model.policy.catalogue import load_catalogue
from model.policy.quantities import kind
from model.scenario import Scenario
from model.scenario_problems import Phrase, ScenarioError, suggestion
from model.scenario_reader import Entry, Node, read_file
from model.scenario_sources import shown_path

GOALS: Final = ("household_consumption", "bottom40_consumption", "employment")
STRONGEST: Final = 2.0
"""Intensity 0 is without a measure, 1 as the scenario has it, 2 the strong end of its ranges."""
TOTAL: Final = "total"
BUDGETS: Final = (TOTAL, "central", "province", "cities", "funds", *PLACES)
KEYS: Final = (
    "title", "scenario", "months", "scale", "seed", "seeds", "maximise", "horizon", "measures",
    "levels", "step", "designs", "budgets", "administrative", "parameters", "cautious", "frontier",
)  # fmt: skip
LIMIT_KEYS: Final = ("measures", "per_department")
RANGE_KEYS: Final = ("min", "max", *CITY_KEYS)
FRONTIER_KEYS: Final = ("with", "points")
DEFAULT_LEVELS: Final = (0.5, 1.0, 1.5, 2.0)
DEFAULT_STEP: Final = 0.1
DEFAULT_CAUTIOUS: Final = 0.25
DEFAULT_SEEDS: Final = 4
MOST_BUDGET: Final = 1e5
MOST_DESIGNS: Final = 1000
YI: Final = 1e8


@dataclass(frozen=True)
class OptimisePlan:
    """A valid plan.

    `ranges` holds the allowed intensities by measure, `budgets` yi yuan by payer over the horizon
    (months). `most_measures` and `per_department` are administrative limits, None for none.
    `factors` are uncertain parameters, drawn anew for each seed. `groups` holds the cities, by
    measure and name, of measures whose intensity differs by city; `designs` is the number of
    intensities by city that are run, 0 for as many as the curves need.
    """

    name: str
    title: Mapping[str, str]
    scenario: Scenario
    goal: str
    horizon: int
    ranges: Mapping[int, tuple[float, float]]
    levels: tuple[float, ...]
    step: float
    budgets: Mapping[str, float]
    most_measures: int | None
    per_department: int | None
    factors: tuple[Factor, ...]
    cautious: float
    frontier_goal: str | None
    frontier_points: int
    seeds: tuple[int, ...]
    groups: Mapping[int, Groups] = field(default_factory=dict)
    designs: int = 0

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What is chosen: every measure in each of its groups of cities, or everywhere at once."""
        return tuple(
            Variable(number, name, places)
            for number in self.ranges
            for name, places in self.groups.get(number, {EVERYWHERE: PLACES}).items()
        )

    @property
    def measures(self) -> tuple[int, ...]:
        """The measures whose intensities are chosen."""
        return tuple(self.ranges)


def plan_folder() -> Path:
    """Folder of the shipped plans of this kind."""
    return sweep_plan_folder() / "optimise"


def load_optimise_plan(reference: str | Path, lang: str = "zh") -> OptimisePlan:
    """The plan of a file, or the shipped one of that name. Raises ScenarioError."""
    try:
        path = find_plan(str(reference), plan_folder())
        return OptimisePlanReader(read_file(path, shown_path(path)), path).optimise_plan()
    except ScenarioError as error:
        raise error.in_language(lang) from None


class OptimisePlanReader(CityReader, PlanReader):
    """One pass over the tree of a plan."""

    def optimise_plan(self) -> OptimisePlan:
        """The plan. Raises ScenarioError with every problem."""
        self._known_keys(self.tree, KEYS, "")
        scenario = self._scenario()
        goal = self._choice(self.tree, "maximise", GOALS, None) or GOALS[0]
        budgets = self._budgets()
        levels = self._levels()
        step = self._between(self.tree, "step", 0.01, 1.0, DEFAULT_STEP, "step")
        cautious = self._between(self.tree, "cautious", 0.01, 1.0, DEFAULT_CAUTIOUS, "cautious")
        seeds = self._whole(self.tree, "seeds", 2, 1000, DEFAULT_SEEDS)
        most, each = self._limits()
        frontier, points = self._frontier(goal)
        designs = self._whole(self.tree, "designs", 1, MOST_DESIGNS, 0)
        self._places_of: dict[int, Groups] = {}
        ranges = {} if scenario is None else self._ranges(scenario)
        if scenario is not None and self._places_of and not self.problems:
            self.check_room(_only(scenario, ranges), self._places_of, self._mark("measures"))
        factors = [] if scenario is None else self._parameters(scenario)
        months = 1 if scenario is None else scenario.months
        horizon = self._whole(self.tree, "horizon", 1, months, months)
        if self.problems or scenario is None:
            raise ScenarioError(self.problems)
        return OptimisePlan(
            self.path.stem, self._title(self.tree, self.path.stem), scenario, goal, horizon,
            ranges, levels, step, budgets,
            most, each, tuple(factors), cautious, frontier, points,
            tuple(scenario.seed + number for number in range(seeds)),
            dict(sorted(self._places_of.items())), designs,
        )  # fmt: skip

    def _between(
        self, node: Node, key: str, low: float, high: float, default: float, path: str
    ) -> float:
        """A number within bounds, or the default."""
        value = self._number(node, key, path.rpartition(".")[0] or path)
        if value is None:
            return default
        if not low <= value <= high:
            mark = node.entries()[key].node.mark
            self.report(
                mark, "check.out_of_range", path=path, low=low, high=high,
                unit=Phrase("unit.count"), actual=value, hint="",
            )  # fmt: skip
            return default
        return value

    def _budgets(self) -> dict[str, float]:
        found = {}
        for name, entry in self._section("budgets").items():
            if name not in BUDGETS:
                fields = {"key": name, "hint": suggestion(name, BUDGETS, "")}
                self.report(entry.mark, "optimise.unknown_budget", allowed=BUDGETS, **fields)
                continue
            value = entry.node.value
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= float(value) <= MOST_BUDGET:  # type: ignore[arg-type]
                actual = kind(entry.node.plain())
                self.report(entry.node.mark, "optimise.budget", name=name, actual=actual,
                            high=MOST_BUDGET)  # fmt: skip
                continue
            found[name] = float(value)  # type: ignore[arg-type]
        if not found and not self.problems:
            self.report(self.tree.mark, "optimise.no_budget")
        return found

    def _levels(self) -> tuple[float, ...]:
        entry = self.tree.entries().get("levels")
        if entry is None:
            return DEFAULT_LEVELS
        nodes = entry.node.value if isinstance(entry.node.value, list) else [entry.node]
        values = [node.value for node in nodes]
        fine = all(isinstance(v, int | float) and 0 < v <= STRONGEST for v in values)
        if not fine or values != sorted(set(values)) or 1 not in values:  # type: ignore[type-var]
            self.report(entry.node.mark, "optimise.levels", high=STRONGEST)
            return DEFAULT_LEVELS
        return tuple(float(v) for v in values)  # type: ignore[arg-type]

    def _limits(self) -> tuple[int | None, int | None]:
        entry = self.tree.entries().get("administrative")
        if entry is None:
            return None, None
        self._known_keys(entry.node, LIMIT_KEYS, "administrative")
        found = [
            self._whole(entry.node, key, 1, 35, 35, "administrative")
            if key in entry.node.entries() else None
            for key in LIMIT_KEYS
        ]  # fmt: skip
        return found[0], found[1]

    def _frontier(self, goal: str) -> tuple[str | None, int]:
        entry = self.tree.entries().get("frontier")
        if entry is None:
            return None, 0
        self._known_keys(entry.node, FRONTIER_KEYS, "frontier")
        other = self._choice(entry.node, "with", GOALS, "bottom40_consumption", "frontier")
        if other == goal:
            self.report(entry.node.mark, "optimise.same_goal", goal=goal)
        return other, self._whole(entry.node, "points", 2, 50, 6, "frontier")

    def _ranges(self, scenario: Scenario) -> dict[int, tuple[float, float]]:
        uses = {str(n): n for n in scenario.measures}
        entry = self.tree.entries().get("measures")
        if entry is None:
            found = dict.fromkeys(scenario.measures, (0.0, STRONGEST))
        else:
            found = {}
            for name, own in self._listed(entry).items():
                if name in uses:
                    found[uses[name]] = self._range(name, own)
                    cities = self.cities_of(uses[name], own)
                    self._places_of |= {} if cities is None else {uses[name]: cities}
                else:
                    fields = {"number": name, "allowed": tuple(uses)}
                    self.report(own.mark, "sweep.measure_not_used", **fields)
        if not found and not self.problems:
            self.report(self.tree.mark, "optimise.no_measures")
        return dict(sorted(found.items()))

    def _listed(self, entry: Entry) -> dict[str, Entry]:
        """`measures:` as a list of numbers or a mapping from number to range."""
        if isinstance(entry.node.value, list):
            return {str(n.value): Entry(n.mark, Node(n.mark, None)) for n in entry.node.value}
        if not isinstance(entry.node.value, dict):
            actual = kind(entry.node.plain())
            self.report(entry.node.mark, "check.expected_mapping", path="measures", actual=actual)
        return entry.node.entries()

    def _range(self, name: str, own: Entry) -> tuple[float, float]:
        path = f"measures.{name}"
        self._known_keys(own.node, RANGE_KEYS, path)
        low = self._between(own.node, "min", 0.0, STRONGEST, 0.0, f"{path}.min")
        high = self._between(own.node, "max", 0.0, STRONGEST, STRONGEST, f"{path}.max")
        if low > high:
            self.report(own.mark, "sweep.empty_range", path=path, low=low, high=high)
        return low, high

    def _parameters(self, scenario: Scenario) -> list[Factor]:
        from functools import partial

        found: list[Factor] = []
        for name, entry in self._section(PARAMETER).items():
            found += self._made(entry, partial(self._parameter, name, scenario))
        return found


def _only(scenario: Scenario, measures: Mapping[int, object]) -> Scenario:
    """The scenario with the measures of a plan and nothing else."""
    uses = {number: scenario.measures[number] for number in measures}
    return replace(scenario, measures=uses, policies={})


def departments(measure: int) -> tuple[str, ...]:
    """Who is responsible for a measure."""
    return load_catalogue()[measure].departments
