"""The `measures:` of a scenario: which measures of the document are in force, and how strongly.

Each entry names a measure by number and may set its first month, a level for all its levers and
single levers. It is expanded into policies; see `model.policy.catalogue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, ValidationError

from model.policy.catalogue import LEVELS, Measure, Policies, load_catalogue
from model.policy.quantities import Choice, Month, Quantity
from model.policy.setting_types import Settings
from model.scenario_problems import Mark, Phrase, Problem, phrase, suggestion
from model.scenario_reader import Entry, Node

UNBOUNDED = 1e12


class MeasureSettings(Settings):
    """What may stand below a measure's number."""

    start: Month | None = None
    level: Annotated[str, Choice(LEVELS, "level.")] = "default"
    levers: Annotated[
        dict[str, Annotated[float, Quantity("count", -UNBOUNDED, UNBOUNDED)]], Field()
    ] = Field(default_factory=dict)


@dataclass(frozen=True)
class MeasureUse:
    """A measure in force in a scenario: first month "YYYY-MM" and every lever's value."""

    number: int
    start: str
    levers: Mapping[str, float]

    @property
    def measure(self) -> Measure:
        """The measure itself."""
        return load_catalogue()[self.number]

    def policies(self) -> Policies:
        """Its policies as plain settings, by name."""
        return self.measure.expand(self.levers, self.start)

    def plain(self) -> dict[str, Any]:
        """What could stand in a file."""
        return {"start": self.start, "levers": dict(self.levers)}


@dataclass
class ReadMeasures:
    """Measures by number with their policies as trees, and what is wrong or unusual."""

    uses: dict[int, MeasureUse] = field(default_factory=dict)
    policies: dict[str, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_measures(section: Node) -> ReadMeasures:
    """The measures of the mapping `measures:`."""
    read = ReadMeasures()
    for key, entry in section.entries().items():
        measure = _measure(key, entry, read)
        settings = None if measure is None else _settings(key, entry, read)
        if measure is not None and settings is not None and _levers_known(entry, measure, read):
            values = measure.values(settings.level, settings.levers)
            use = MeasureUse(measure.number, settings.start or measure.start, values)
            read.uses[measure.number] = use
            for name, document in use.policies().items():
                read.policies[name] = Entry(entry.mark, _tree(document, entry.mark))
            read.warnings += _unusual(entry, measure, settings)
    return read


def _measure(key: str, entry: Entry, read: ReadMeasures) -> Measure | None:
    known = load_catalogue()
    if key.isdigit() and int(key) in known:
        return known[int(key)]
    names = {measure.name: number for number, measure in known.items()}
    number = names.get(key)
    hint: Phrase | str = phrase("check.did_you_mean", near=number) if number else ""
    fields = {"number": key, "hint": hint, "count": len(known)}
    read.problems.append(Problem(entry.mark, Phrase("check.unknown_measure", fields)))
    return None


def _settings(key: str, entry: Entry, read: ReadMeasures) -> MeasureSettings | None:
    from model.scenario_checks import translate

    data = {} if entry.node.value is None else entry.node.plain()
    try:
        return MeasureSettings.model_validate(data)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            found = translate(one, MeasureSettings, entry.node, ("measures", key), entry.mark)
            read.problems.append(found)
    return None


def _lever_entries(entry: Entry) -> dict[str, Entry]:
    levers = entry.node.entries().get("levers")
    return levers.node.entries() if levers else {}


def _levers_known(entry: Entry, measure: Measure, read: ReadMeasures) -> bool:
    fine = True
    for name, lever in _lever_entries(entry).items():
        if name not in measure.levers:
            hint = suggestion(name, measure.levers)
            path = f"measures.{measure.number}.levers"
            fields = {"path": path, "key": name, "hint": hint}
            read.problems.append(Problem(lever.mark, Phrase("check.unknown_key", fields)))
            fine = False
    return fine


def _unusual(entry: Entry, measure: Measure, settings: MeasureSettings) -> list[Problem]:
    """Levers set outside the range of the catalogue."""
    found = []
    for name, value in settings.levers.items():
        lever = measure.levers[name]
        if value != lever.no_policy and not lever.low <= value <= lever.high:
            mark = _lever_entries(entry)[name].node.mark
            fields = {"path": f"measures.{measure.number}.levers.{name}", "value": value}
            fields |= {"low": lever.low, "high": lever.high}
            found.append(Problem(mark, Phrase("check.lever_unusual", fields)))
    return found


def _tree(value: Any, mark: Mark) -> Node:
    """Plain settings as a tree that stands where the measure is named."""
    if isinstance(value, Mapping):
        return Node(mark, {str(k): Entry(mark, _tree(v, mark)) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return Node(mark, [_tree(part, mark) for part in value])
    return Node(mark, value)
