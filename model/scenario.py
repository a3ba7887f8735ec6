"""A scenario: which policies run when, over which months, with which parameters.

`load_scenario` reads a file with everything it extends, reports every error at once and returns
a Scenario that no longer changes. The SHA-256 of its canonical JSON is its identity; titles and
descriptions are not part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.policy.quantities import month_number, month_text
from model.policy.settings import LeverSettings
from model.scenario_checks import validate
from model.scenario_header import Header
from model.scenario_problems import Mark, Problem, ScenarioError, problem_lines
from model.scenario_reader import Entry, Node
from model.scenario_sources import Source, read_source, shipped_names

if TYPE_CHECKING:
    from model.parameters import Parameters
    from model.scenario_measures import MeasureUse

__all__ = [
    "Scenario",
    "ScenarioError",
    "load_scenario",
    "scenario_from_mapping",
    "shipped_names",
]


@dataclass(frozen=True)
class Scenario:
    """A valid scenario. `months` counts from `start`; `scale` is households per simulated one.

    `policies` holds those of the `measures` too, under names such as `m23_vouchers`.
    """

    header: Header
    parameters: Mapping[str, Any]
    policies: Mapping[str, LeverSettings]
    measures: Mapping[int, MeasureUse] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """Name used in results."""
        return self.header.name

    @property
    def start(self) -> str:
        """First simulated month, "YYYY-MM"."""
        return self.header.start

    @property
    def months(self) -> int:
        """Number of simulated months."""
        return self.header.months

    @property
    def scale(self) -> int:
        """Households that one simulated household stands for."""
        return self.header.scale

    @property
    def seed(self) -> int:
        """Seed of all random streams."""
        return self.header.seed

    def title(self, lang: str = "zh") -> str:
        """Title in `lang`, or the name if there is none."""
        return str(getattr(self.header.title, lang)) if self.header.title else self.name

    def description(self, lang: str = "zh") -> str:
        """Description in `lang`, or empty text."""
        return str(getattr(self.header.description, lang)) if self.header.description else ""

    def month_offset(self, month: str) -> int:
        """Months from the start to `month`; negative before the start."""
        return month_number(month) - month_number(self.start)

    def month_at(self, offset: int) -> str:
        """Inverse of month_offset."""
        return month_text(month_number(self.start) + offset)

    @property
    def last_month(self) -> str:
        """Last simulated month."""
        return self.month_at(self.months - 1)

    def month_labels(self) -> list[str]:
        """All simulated months."""
        return [self.month_at(offset) for offset in range(self.months)]

    def using(self, lever: str) -> dict[str, LeverSettings]:
        """The policies that use `lever`, by name."""
        return {name: p for name, p in self.policies.items() if p.lever == lever}

    def resolved(self) -> dict[str, Any]:
        """The complete scenario as plain data; it could stand in a file that extends nothing."""
        document = self.header.model_dump(mode="json", exclude_none=True)
        document["parameters"] = dict(self.parameters)
        document["measures"] = {str(n): use.plain() for n, use in self.measures.items()}
        document["policies"] = {name: policy.plain() for name, policy in self._own().items()}
        return document

    def _own(self) -> dict[str, LeverSettings]:
        """Policies that no measure brought."""
        brought = {name for use in self.measures.values() for name in use.policies()}
        return {name: policy for name, policy in self.policies.items() if name not in brought}

    def canonical_json(self) -> str:
        """What the identity is computed from: resolved, without titles, keys sorted."""
        left_out = ("title", "description", "measures", "policies")
        kept = {k: v for k, v in self.resolved().items() if k not in left_out}
        kept["policies"] = {name: policy.plain() for name, policy in self.policies.items()}
        return json.dumps(
            kept, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hexadecimal."""
        return hashlib.sha256(self.canonical_json().encode("utf-8")).hexdigest()

    def changed(self, **header: Any) -> Scenario:
        """A copy with other seed, scale, months, name ... Raises ScenarioError."""
        return scenario_from_mapping(self.resolved() | header)

    def with_policies(self, names: Iterable[str]) -> Scenario:
        """A copy that keeps only the named policies. Raises KeyError for an unknown name."""
        return replace(self, policies={name: self.policies[name] for name in names}, measures={})

    def with_measures(
        self, numbers: Iterable[int], level: str = "default",
        levers: Mapping[int, Mapping[str, float]] | None = None,
    ) -> Scenario:  # fmt: skip
        """A copy with these measures of the catalogue and no others, from their first months.

        Raises ScenarioError if they cannot stand beside each other or the scenario's policies.
        """
        chosen = levers or {}
        wanted = {
            str(n): {"level": level, "levers": dict(chosen.get(n, {}))} for n in sorted(numbers)
        }
        return scenario_from_mapping(self.resolved() | {"measures": wanted})

    def with_levers(self, values: Mapping[int, Mapping[str, float]]) -> Scenario:
        """A copy in which some levers of its measures have other values. Raises ScenarioError."""
        measures = {str(n): use.plain() for n, use in self.measures.items()}
        for number, changed in values.items():
            levers = measures[str(number)]["levers"] | dict(changed)
            measures[str(number)] = measures[str(number)] | {"levers": levers}
        return scenario_from_mapping(self.resolved() | {"measures": measures})

    def parameter_set(self) -> Parameters:
        """The shipped parameters with this scenario's values."""
        from model.parameters import load_parameters

        return load_parameters(self.parameters)

    def warning_lines(self, lang: str = "zh") -> list[str]:
        """What is unusual but allowed, one line each."""
        return problem_lines(self.warnings, lang)


def load_scenario(path_or_name: str | Path, lang: str = "zh") -> Scenario:
    """The scenario of a file, or the shipped one of that name. Raises ScenarioError."""
    try:
        return _scenario(read_source(path_or_name))
    except ScenarioError as error:
        raise error.in_language(lang) from None


def scenario_from_mapping(
    document: Mapping[str, Any], lang: str = "zh", shown: str = "<scenario>"
) -> Scenario:
    """A scenario from plain data in the form of a file without `extends`. Raises ScenarioError."""
    try:
        tree = _tree(document, Mark(shown))
        return _scenario(Source(tree, "scenario", shown, ()))
    except ScenarioError as error:
        raise error.in_language(lang) from None


def _scenario(source: Source) -> Scenario:
    found = validate(source)
    return Scenario(
        found.header, found.parameters, found.policies, found.measures, found.files, found.warnings
    )


def _tree(value: Any, mark: Mark) -> Node:
    if isinstance(value, Mapping):
        return Node(mark, {str(k): Entry(mark, _tree(v, mark)) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return Node(mark, [_tree(v, mark) for v in value])
    return Node(mark, value)
