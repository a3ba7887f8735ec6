"""Plan files: which scenario is run how often, with which numbers uncertain, and what is analysed.

A plan is read like a scenario (safe YAML, every error at once with file, line and column). Ranges
come from the parameter files and from the catalogue of measures unless the plan gives its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from experiments.paired import OUTCOME_RULES
from experiments.sweep_factors import Factor
from model.scenario import Scenario
from model.scenario_problems import Mark, Phrase, Problem, ScenarioError, suggestion
from model.scenario_reader import read_file
from model.scenario_sources import scenario_folder, shown_path

METHODS: Final = ("morris", "sobol", "pawn", "rbd_fast", "one_at_a_time")
LEVERAGE: Final = "leverage"
OUTCOMES: Final = (*OUTCOME_RULES, LEVERAGE)


@dataclass(frozen=True)
class Output:
    """What is analysed: an outcome over months from_month..to_month (from 1), whole or split.

    `by` is None, "month" (one figure for each month) or "place".
    """

    outcome: str
    from_month: int
    to_month: int
    by: str | None = None


@dataclass(frozen=True)
class Plan:
    """A valid plan. `samples` are trajectories (morris), base points (sobol) or points."""

    name: str
    title: Mapping[str, str]
    scenario: Scenario
    against: Scenario | None
    method: str
    samples: int
    levels: int
    second_order: bool
    seeds: tuple[int, ...]
    resamples: int
    factors: tuple[Factor, ...]
    groups: Mapping[str, tuple[str, ...]]
    outputs: tuple[Output, ...]
    group_titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def units(self) -> tuple[str, ...]:
        """Names of what gets an index: groups, then factors that stand in none."""
        grouped = {name for members in self.groups.values() for name in members}
        alone = (factor.name for factor in self.factors if factor.name not in grouped)
        return (*self.groups, *alone)

    def unit_of(self, factor: str) -> str:
        """Group of a factor, or the factor itself."""
        found = (name for name, members in self.groups.items() if factor in members)
        return next(found, factor)

    @property
    def places(self) -> tuple[str, ...]:
        """Outcomes that have to be recorded by place."""
        return tuple(sorted({one.outcome for one in self.outputs if one.by == "place"}))

    @property
    def detail(self) -> bool:
        """Whether runs must record households by income and age."""
        return any(one.outcome == "bottom40_consumption" for one in self.outputs)

    def design_identity(self) -> dict[str, Any]:
        """What decides the points: changing anything else leaves the runs as they are."""
        return {
            "method": self.method, "samples": self.samples, "levels": self.levels,
            "second_order": self.second_order, "seeds": list(self.seeds),
            "factors": [factor.plain() for factor in self.factors],
            "groups": {name: list(members) for name, members in self.groups.items()},
        }  # fmt: skip


def plan_folder() -> Path:
    """Folder of the shipped plans."""
    return scenario_folder() / "plans"


def load_plan(reference: str | Path, lang: str = "zh") -> Plan:
    """The plan of a file, or the shipped one of that name. Raises ScenarioError."""
    from experiments.plan_reader import PlanReader

    try:
        path = find_plan(str(reference), plan_folder())
        return PlanReader(read_file(path, shown_path(path)), path).plan()
    except ScenarioError as error:
        raise error.in_language(lang) from None


def find_plan(reference: str, folder: Path) -> Path:
    """A plan of `folder` by name, or the file of that path. Raises ScenarioError."""
    shipped = folder / f"{reference}.yaml"
    if reference.replace("_", "").isalnum() and shipped.is_file():
        return shipped
    path = Path(reference)
    if not path.exists():
        names = sorted(one.stem for one in folder.glob("*.yaml"))
        fields = {"name": reference, "hint": suggestion(path.stem, names)}
        raise ScenarioError([Problem(Mark(reference), Phrase("sweep.missing_plan", fields))])
    return path
