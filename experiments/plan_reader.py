"""Reads a plan file into a Plan, collecting every problem with its file, line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from experiments.plan_posterior import Posterior, marginal, posterior, together
from experiments.plan_values import ValueReader
from experiments.run_jobs import PLACE_SERIES
from experiments.sweep_factors import (
    DISTRIBUTIONS,
    LEVER,
    PARAMETER,
    POSTERIOR,
    SETTING,
    TABLE_GROUPS,
    TABLE_LEVELS,
    Factor,
)
from experiments.sweep_plan import METHODS, OUTCOMES, Output, Plan
from model.parameters import Parameter, UnknownParameter
from model.policy.quantities import kind
from model.scenario import Scenario, load_scenario
from model.scenario_problems import Problem, ScenarioError, phrase, suggestion
from model.scenario_reader import Entry, Node

KEYS: Final = (
    "title", "scenario", "against", "months", "scale", "seed", "method", "samples", "levels",
    "second_order", "seeds", "resamples", "posterior", "parameters", "measures", "policies",
    "groups", "outputs",
)  # fmt: skip
FACTOR_KEYS: Final = ("low", "high", "distribution", "mode", "spread", "steps", "whole")
GROUP_KEYS: Final = ("factors", "title")
POSTERIOR_KEYS: Final = ("draws",)
OUTPUT_KEYS: Final = ("outcome", "from_month", "to_month", "by")
SPLITS: Final = ("month", "place")
NO_COMPARISON: Final = "none"
ALL_LEVERS: Final = "all"
DEFAULT_SEEDS: Final = 4
DEFAULT_RESAMPLES: Final = 1000
DEFAULT_LEVELS: Final = {"morris": 4, "one_at_a_time": 5}
LEAST: Final = {"morris": 4, "sobol": 16, "pawn": 100, "rbd_fast": 65, "one_at_a_time": 1}
MOST_SAMPLES: Final = 1_000_000
MOST_SEEDS: Final = 1000


class PlanReader(ValueReader):
    """One pass over the tree of a plan."""

    def plan(self) -> Plan:
        """The plan. Raises ScenarioError with every problem."""
        self._known_keys(self.tree, KEYS, "")
        scenario = self._scenario()
        method = self._choice(self.tree, "method", METHODS, None) or METHODS[0]
        samples = self._whole(self.tree, "samples", LEAST[method], MOST_SAMPLES, None)
        against = None if scenario is None else self._against(scenario)
        factors = [] if scenario is None else list(self._factors(scenario))
        outputs = self._outputs(0 if scenario is None else scenario.months)
        groups = self._groups({factor.name: factor for factor in factors})
        levels = self._whole(self.tree, "levels", 2, 100, DEFAULT_LEVELS.get(method, 4))
        seeds = self._whole(self.tree, "seeds", 1, MOST_SEEDS, DEFAULT_SEEDS)
        resamples = self._whole(self.tree, "resamples", 100, 100_000, DEFAULT_RESAMPLES)
        empty = scenario is not None and not factors and not self.problems
        self._fits(method, samples, levels, groups, empty)
        if method != "sobol" and any(factor.draws for factor in factors):
            self.report(self._mark(POSTERIOR), "sweep.posterior_method", method=method)
        if self.problems or scenario is None:
            raise ScenarioError(self.problems)
        first = scenario.seed
        return Plan(
            self.path.stem, self._title(self.tree, self.path.stem), scenario, against, method,
            samples, levels,
            self._flag("second_order"), tuple(first + number for number in range(seeds)),
            resamples, tuple(factors), groups, outputs, self._group_titles(groups),
        )  # fmt: skip

    def _fits(self, method: str, samples: int, levels: int, groups: object, empty: bool) -> None:
        """Combinations that the methods cannot take."""
        if empty:
            self.report(self.tree.mark, "sweep.no_factors")
        at = self._mark("samples")
        if method == "sobol" and samples & (samples - 1):
            self.report(at, "sweep.power_of_two", value=samples)
        if method == "morris" and levels % 2:
            self.report(self._mark("levels"), "sweep.even_levels", value=levels)
        if method in ("pawn", "rbd_fast", "one_at_a_time") and groups:
            self.report(self._mark("groups"), "sweep.no_groups", method=method)
        if self._flag("second_order") and method != "sobol":
            self.report(self._mark("second_order"), "sweep.second_order", method=method)

    # -- scenarios -----------------------------------------------------------------------------

    def _loaded(self, entry: Entry) -> Scenario | None:
        name = entry.node.value
        if not isinstance(name, str):
            self.report(
                entry.node.mark, "check.expected_text", path="scenario",
                actual=kind(entry.node.plain()),
            )  # fmt: skip
            return None
        beside = self.path.parent / name
        try:
            return load_scenario(beside if beside.is_file() else name)
        except ScenarioError as error:
            if any(problem.mark.file == name for problem in error.problems):
                for problem in error.problems:  # the file does not exist: say it at its name here
                    self.problems.append(Problem(entry.node.mark, problem.phrase))
            else:
                self.problems += error.problems
            return None

    def _scenario(self) -> Scenario | None:
        entry = self.tree.entries().get("scenario")
        if entry is None:
            top = phrase("check.top")
            self.report(self.tree.mark, "check.missing_key", path=top, key="scenario")
            return None
        found = self._loaded(entry)
        return None if found is None else self._with_header(found)

    def _with_header(self, scenario: Scenario) -> Scenario | None:
        keys = ("months", "scale", "seed")
        entries = self.tree.entries()
        changed = {key: entries[key].node.plain() for key in keys if key in entries}
        try:
            return scenario.changed(**changed) if changed else scenario
        except ScenarioError as error:
            for problem in error.problems:
                self.problems.append(Problem(self._mark(next(iter(changed))), problem.phrase))
            return None

    def _against(self, scenario: Scenario) -> Scenario | None:
        """What is compared with: without policies unless the plan names a scenario or none."""
        entry = self.tree.entries().get("against")
        if entry is None:
            return replace(scenario, policies={}, measures={})
        if entry.node.value == NO_COMPARISON:
            return None
        found = self._loaded(entry)
        if found is None:
            return None
        if found.start != scenario.start:
            starts = {"a": scenario.start, "b": found.start}
            self.report(entry.node.mark, "summary.fault.start", **starts)
            return None
        return found.changed(months=scenario.months, scale=scenario.scale, seed=scenario.seed)

    # -- factors -------------------------------------------------------------------------------

    def _section(self, key: str) -> dict[str, Entry]:
        entry = self.tree.entries().get(key)
        if entry is None or entry.node.value is None:
            return {}
        if not isinstance(entry.node.value, dict):
            actual = kind(entry.node.plain())
            self.report(entry.node.mark, "check.expected_mapping", path=key, actual=actual)
        return entry.node.entries()

    def _factors(self, scenario: Scenario) -> Iterator[Factor]:
        if POSTERIOR in self.tree.entries():
            yield from self._posterior(self.tree.entries()[POSTERIOR])
        for name, entry in self._section(PARAMETER).items():
            yield from self._made(entry, partial(self._parameter, name, scenario))
        for number, measure in self._section(LEVER).items():
            yield from self._levers(number, measure, scenario)
        for policy, entry in self._section(SETTING).items():
            if policy not in scenario.policies:
                hint = suggestion(policy, scenario.policies)
                self.report(
                    entry.mark, "sweep.unknown_policy", name=policy, hint=hint,
                    allowed=tuple(scenario.policies),
                )  # fmt: skip
                continue
            for path, setting in entry.node.entries().items():
                yield from self._made(setting, partial(self._setting, policy, path, scenario))

    def _shipped_posterior(self, entry: Entry) -> Posterior | None:
        found = posterior()
        if found is None:
            self.report(entry.mark, "sweep.no_posterior")
        return found

    def _posterior(self, entry: Entry) -> Iterator[Factor]:
        """All calibrated parameters as one factor."""
        self._section(POSTERIOR)
        self._known_keys(entry.node, POSTERIOR_KEYS, POSTERIOR)
        found = self._shipped_posterior(entry)
        if found is None:
            return
        most = len(found.draws)
        made = together(found, self._whole(entry.node, "draws", 2, most, most, POSTERIOR))
        for name, parameter in self._section(PARAMETER).items():
            if name in made.draws[0]:
                self.report(parameter.mark, "sweep.posterior_twice", name=name)
        yield made

    def _made(self, entry: Entry, make: Callable[[Entry], Factor | None]) -> Iterator[Factor]:
        if entry.node.value is not None and not isinstance(entry.node.value, dict):
            actual = kind(entry.node.plain())
            self.report(entry.node.mark, "check.expected_mapping", path="range", actual=actual)
            return
        found = make(entry)
        if found is not None:
            yield found

    def _parameter(self, name: str, scenario: Scenario, entry: Entry) -> Factor | None:
        try:
            known = scenario.parameter_set().entry(name)
        except UnknownParameter as unknown:
            near = unknown.suggestion
            hint = phrase("check.did_you_mean", near=near) if near else ""
            self.report(entry.mark, "check.parameter_unknown", name=name, hint=hint)
            return None
        steps = TABLE_LEVELS if name.startswith(TABLE_GROUPS) else 0
        if not isinstance(known.value, int | float) or isinstance(known.value, bool):
            return self._table(known, entry, steps)
        whole = isinstance(known.value, int) and known.unit in ("months", "count")
        base = Factor(
            name, PARAMETER, (name,), _or_nan(known.low), _or_nan(known.high), float(known.value),
            known.unit, whole=whole, steps=steps,
        )  # fmt: skip
        return self._ranged(base, f"{PARAMETER}.{name}", entry)

    def _table(self, known: Parameter, entry: Entry, steps: int) -> Factor | None:
        """A parameter that is a table moves between its bounds as a whole: -1, 0, 1."""
        if not _numeric(known.value) or not (_numeric(known.low) and _numeric(known.high)):
            self.report(entry.mark, "sweep.no_range", name=known.name)
            return None
        tables = (known.low, known.value, known.high)
        base = Factor(
            known.name, PARAMETER, (known.name,), -1.0, 1.0, 0.0, known.unit, steps=steps,
            tables=tables,
        )  # fmt: skip
        return self._ranged(base, f"{PARAMETER}.{known.name}", entry)

    def _levers(self, number: str, measure: Entry, scenario: Scenario) -> Iterator[Factor]:
        uses = {str(n): use for n, use in scenario.measures.items()}
        if number not in uses:
            self.report(measure.mark, "sweep.measure_not_used", number=number, allowed=tuple(uses))
            return
        use = uses[number]
        value = measure.node.value
        if value == ALL_LEVERS:
            listed = {name: Entry(measure.mark, Node(measure.mark, None))
                      for name in use.measure.levers}  # fmt: skip
        elif isinstance(value, list):
            listed = {str(n.value): Entry(n.mark, Node(n.mark, None)) for n in value}
        else:
            listed = measure.node.entries()
        for lever, entry in listed.items():
            if lever not in use.measure.levers:
                hint = suggestion(lever, use.measure.levers)
                path = f"{LEVER}.{number}"
                self.report(entry.mark, "check.unknown_key", path=path, key=lever, hint=hint)
                continue
            known = use.measure.levers[lever]
            base = Factor(
                f"{number}.{lever}", LEVER, (number, lever), known.low, known.high,
                float(use.levers[lever]), known.unit.en, whole=known.whole,
            )  # fmt: skip
            path = f"{LEVER}.{number}.{lever}"
            yield from self._made(entry, partial(self._ranged, base, path))

    def _setting(self, policy: str, path: str, scenario: Scenario, entry: Entry) -> Factor | None:
        node: Any = scenario.policies[policy].plain()
        for key in path.split("."):
            node = node.get(key) if isinstance(node, Mapping) else None
        if not isinstance(node, int | float) or isinstance(node, bool):
            known = tuple(_numbers_in(scenario.policies[policy].plain()))
            self.report(
                entry.mark, "sweep.unknown_setting", policy=policy, setting=path,
                hint=suggestion(path, known), allowed=known,
            )  # fmt: skip
            return None
        nan = float("nan")
        name = f"{policy}.{path}"
        base = Factor(name, SETTING, (policy, path), nan, nan, float(node), "")
        return self._ranged(base, f"{SETTING}.{name}", entry)

    def _ranged(self, base: Factor, path: str, entry: Entry) -> Factor | None:
        """The factor with what the plan says of its range and distribution."""
        node, before = entry.node, len(self.problems)
        self._known_keys(node, FACTOR_KEYS, path)
        low, high = self._number(node, "low", path), self._number(node, "high", path)
        found = replace(
            base,
            low=base.low if low is None else low,
            high=base.high if high is None else high,
            distribution=self._choice(node, "distribution", DISTRIBUTIONS, "uniform", path) or "",
            mode=self._number(node, "mode", path),
            spread=self._number(node, "spread", path),
            steps=self._whole(node, "steps", 0, 1000, base.steps, path),
            whole=base.whole or self._flag("whole", node),
        )
        if found.distribution == POSTERIOR:
            found = self._marginal(found, entry)
        if len(self.problems) > before:
            return None
        return found if self._sensible(found, entry, path) else None

    def _marginal(self, factor: Factor, entry: Entry) -> Factor:
        known = self._shipped_posterior(entry)
        if known is None:
            return factor
        if factor.kind != PARAMETER or factor.tables or factor.name not in known.names:
            hint = suggestion(factor.name, known.names)
            self.report(entry.mark, "sweep.not_calibrated", name=factor.name, hint=hint)
            return factor
        values = marginal(known, factor.name)
        return replace(factor, low=values[0], high=values[-1], quantiles=values)

    def _sensible(self, factor: Factor, entry: Entry, path: str) -> bool:
        if factor.low != factor.low or factor.high != factor.high:
            self.report(entry.mark, "sweep.range_needed", path=path)
        elif not factor.low < factor.high:
            self.report(entry.mark, "sweep.empty_range", path=path, low=factor.low,
                        high=factor.high)  # fmt: skip
        elif factor.distribution == "log_uniform" and factor.low <= 0:
            self.report(entry.mark, "sweep.log_range", path=path, low=factor.low)
        elif factor.distribution == "normal" and factor.spread is not None and factor.spread <= 0:
            self.report(entry.mark, "sweep.spread", path=path)
        else:
            return True
        return False

    # -- groups and outputs --------------------------------------------------------------------

    def _groups(self, known: Mapping[str, Factor]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        seen: set[str] = set()
        for name, entry in self._section("groups").items():
            nodes = self._members(entry.node, f"groups.{name}")
            members = [(one, node.mark) for node in nodes for one in _named(str(node.value), known)]
            for member, mark in members:
                if member not in known:
                    hint = suggestion(member, known)
                    self.report(mark, "sweep.unknown_factor", name=member, hint=hint)
                elif member in seen:
                    self.report(mark, "check.repeated", path=f"groups.{name}", value=member)
                seen.add(member)
            if name in known:
                self.report(entry.mark, "check.repeated", path="groups", value=name)
            found[name] = tuple(member for member, _ in members)
        return found

    def _members(self, node: Node, path: str) -> list[Node]:
        """Members of a group: a list, or the key `factors` of a mapping that also has a title."""
        if isinstance(node.value, dict):
            self._known_keys(node, GROUP_KEYS, path)
            listed = node.entries().get(GROUP_KEYS[0])
            if listed is None:
                self.report(node.mark, "check.missing_key", path=path, key=GROUP_KEYS[0])
                return []
            node = listed.node
        return node.value if isinstance(node.value, list) else [node]

    def _group_titles(self, groups: Iterable[str]) -> dict[str, dict[str, str]]:
        written = self._section("groups")
        return {name: self._title(written[name].node, name) for name in groups}

    def _outputs(self, months: int) -> tuple[Output, ...]:
        entry = self.tree.entries().get("outputs")
        if entry is None:
            return (Output("household_consumption", 1, max(months, 1)),)
        nodes = entry.node.value if isinstance(entry.node.value, list) else [entry.node]
        found = [self._output(node, max(months, 1)) for node in nodes]
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def _output(self, node: Node, months: int) -> Output | None:
        if isinstance(node.value, str):
            node = Node(node.mark, {"outcome": Entry(node.mark, node)})
        before = len(self.problems)
        self._known_keys(node, OUTPUT_KEYS, "outputs")
        outcome = self._choice(node, "outcome", OUTCOMES, "", "outputs")
        if "outcome" not in node.entries():
            self.report(node.mark, "check.missing_key", path="outputs", key="outcome")
        split = self._choice(node, "by", SPLITS, "", "outputs") or None
        last = self._whole(node, "to_month", 1, months, months, "outputs")
        first = self._whole(node, "from_month", 1, last, 1, "outputs")
        if split == "place" and outcome and outcome not in PLACE_SERIES:
            self.report(
                node.mark, "sweep.not_by_place", outcome=outcome, allowed=tuple(PLACE_SERIES)
            )
        if len(self.problems) > before or not outcome:
            return None
        return Output(outcome, first, last, split)


def _named(member: str, known: Mapping[str, Factor]) -> list[str]:
    """Factors that a member of a group stands for: itself, or the levers of a measure's number."""
    levers = [name for name, one in known.items() if one.kind == LEVER and one.path[0] == member]
    return levers or [member]


def _or_nan(bound: Any) -> float:
    number = isinstance(bound, int | float) and not isinstance(bound, bool)
    return float(bound) if number else float("nan")


def _numeric(value: Any) -> bool:
    """Whether a table or number holds numbers only."""
    if isinstance(value, Mapping):
        return all(_numeric(part) for part in value.values())
    if isinstance(value, list):
        return all(_numeric(part) for part in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers_in(node: Any, path: str = "") -> Iterator[str]:
    """Dotted names of the numbers in a policy's settings."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _numbers_in(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield path
