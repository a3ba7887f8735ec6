"""A scenario: which policies run when, over which months, with which parameters.

`load_scenario` reads a file with everything it extends, reports every error at once and returns
a Scenario that no longer changes. The SHA-256 of its canonical JSON is its identity; titles and
descriptions are not part of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema, core_schema

from model.policy.quantities import Month, Quantity, fault, kind, month_number, month_text
from model.policy.settings import LEVERS, Claim, Issue, LeverSettings, Settings, Window
from model.scenario_problems import (
    Mark,
    Phrase,
    Problem,
    ScenarioError,
    phrase,
    problem_lines,
    suggestion,
)
from model.scenario_reader import Entry, Node
from model.scenario_sources import Source, read_source, shipped_names

if TYPE_CHECKING:
    from model.parameters import Parameters

__all__ = [
    "Scenario",
    "ScenarioError",
    "load_scenario",
    "scenario_from_mapping",
    "shipped_names",
]

LARGEST_SCALE: Final = 10_000
LARGEST_SEED: Final = 2**32 - 1
LONGEST_TEXT: Final = 2_000
LONGEST_HORIZON: Final = 240
MAX_POLICIES: Final = 50
SHOWN_OVERLAPS: Final = 3
NAME_PATTERN: Final = r"^\w[\w-]{0,63}$"
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")


@dataclass(frozen=True)
class _Checked:
    """Annotation of a field whose check is a plain function and whose schema is written out."""

    check: Any
    schema: tuple[tuple[str, Any], ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise fault("check.expected_text", actual=kind(value))
    if not value.strip():
        raise fault("check.empty")
    if len(value) > LONGEST_TEXT:
        raise fault("check.too_long", length=len(value), limit=LONGEST_TEXT)
    return value.strip()


def parse_name(value: Any) -> str:
    """A name that can be part of a file name on every system."""
    if not isinstance(value, str):
        raise fault("check.expected_text", actual=kind(value))
    if not re.fullmatch(NAME_PATTERN, value) or value.endswith("\n") or _RESERVED.match(value):
        raise fault("check.bad_name", value=value)
    return value


def _scale(value: Any) -> int:
    """Households one simulated household stands for: 1000 or "1:1000"."""
    text = re.fullmatch(r"1\s*[:：]\s*([0-9]{1,6})", value) if isinstance(value, str) else None
    number = int(text[1]) if text else value
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not whole or not 1 <= number <= LARGEST_SCALE:
        raise fault("check.bad_scale", high=LARGEST_SCALE, actual=kind(value))
    return int(number)


_SCALE_SCHEMA: Final = (
    ("anyOf", [{"type": "integer", "minimum": 1, "maximum": LARGEST_SCALE},
               {"type": "string", "pattern": r"^1\s*[:：]\s*[0-9]{1,6}$"}]),
)  # fmt: skip
Text = Annotated[str, _Checked(_text, (("type", "string"), ("maxLength", LONGEST_TEXT)))]
Name = Annotated[str, _Checked(parse_name, (("type", "string"), ("pattern", NAME_PATTERN)))]
Scale = Annotated[int, _Checked(_scale, _SCALE_SCHEMA)]


class Words(Settings):
    """A text in both languages."""

    zh: Text
    en: Text


class Header(Settings):
    """Everything of a scenario except its parameters and policies."""

    name: Name
    title: Words | None = None
    description: Words | None = None
    start: Month
    months: Annotated[int, Quantity("months", 1, LONGEST_HORIZON, whole=True)]
    scale: Scale
    seed: Annotated[int, Quantity("count", 0, LARGEST_SEED, whole=True)]


@dataclass(frozen=True)
class Scenario:
    """A valid scenario. `months` counts from `start`; `scale` is households per simulated one."""

    header: Header
    parameters: Mapping[str, Any]
    policies: Mapping[str, LeverSettings]
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
        document["policies"] = {name: policy.plain() for name, policy in self.policies.items()}
        return document

    def canonical_json(self) -> str:
        """What the identity is computed from: resolved, without titles, keys sorted."""
        kept = {k: v for k, v in self.resolved().items() if k not in ("title", "description")}
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

    def with_policies(self, names: Iterator[str] | tuple[str, ...] | list[str]) -> Scenario:
        """A copy that keeps only the named policies. Raises KeyError for an unknown name."""
        return replace(self, policies={name: self.policies[name] for name in names})

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
        return _Validation(read_source(path_or_name)).scenario()
    except ScenarioError as error:
        raise error.in_language(lang) from None


def scenario_from_mapping(
    document: Mapping[str, Any], lang: str = "zh", shown: str = "<scenario>"
) -> Scenario:
    """A scenario from plain data in the form of a file without `extends`. Raises ScenarioError."""
    try:
        tree = _tree(document, Mark(shown))
        return _Validation(Source(tree, "scenario", shown, ())).scenario()
    except ScenarioError as error:
        raise error.in_language(lang) from None


def _tree(value: Any, mark: Mark) -> Node:
    if isinstance(value, Mapping):
        return Node(mark, {str(k): Entry(mark, _tree(v, mark)) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return Node(mark, [_tree(v, mark) for v in value])
    return Node(mark, value)


class _Validation:
    """One pass over a merged tree that collects all problems."""

    def __init__(self, source: Source) -> None:
        self.source, self.tree = source, source.tree
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def scenario(self) -> Scenario:
        header = self._header()
        window = self._window()
        parameters = self._parameters()
        policies = self._policies(window)
        if window is not None:
            self._overlaps(policies, window)
        if self.problems or header is None:
            raise ScenarioError(self.problems)
        files, warnings = self.source.files, tuple(self.warnings)
        return Scenario(header, parameters, policies, files, warnings)

    def _report(self, mark: Mark, text: Phrase) -> None:
        self.problems.append(Problem(mark, text))

    def _header(self) -> Header | None:
        data = {"name": self.source.name}
        others = ("extends", "parameters", "policies")
        data |= {k: e.node.plain() for k, e in self.tree.entries().items() if k not in others}
        header = self._model(Header, data, self.tree, ())
        return header if isinstance(header, Header) else None

    def _window(self) -> Window | None:
        """The simulated months, if start and length can be read although other keys are wrong."""
        entries = self.tree.entries()
        try:
            fields = {k: entries[k].node.plain() for k in ("start", "months")}
            header = Header.model_validate(fields | {"name": "window", "scale": 1, "seed": 0})
        except (KeyError, ValidationError):
            return None
        first = month_number(header.start)
        return Window(first, first + header.months - 1)

    def _section(self, key: str) -> Node | None:
        entry = self.tree.entries().get(key)
        if entry is None or entry.node.value is None:
            return None
        if not isinstance(entry.node.value, dict):
            fields = {"path": key, "actual": kind(entry.node.value)}
            self._report(entry.node.mark, Phrase("check.expected_mapping", fields))
            return None
        return entry.node

    def _parameters(self) -> dict[str, Any]:
        section = self._section("parameters")
        if section is None or not section.entries():
            return {}
        # Costs a tenth of a second, and most scenarios change no parameter.
        from model.scenario_parameters import read_parameters

        read = read_parameters(section)
        self.problems += read.problems
        self.warnings += read.warnings
        return read.values

    def _policies(self, window: Window | None) -> dict[str, LeverSettings]:
        section = self._section("policies")
        if section is None:
            return {}
        entries = section.entries()
        if len(entries) > MAX_POLICIES:
            fields = {"path": "policies", "length": len(entries), "limit": MAX_POLICIES}
            self._report(section.mark, Phrase("check.too_many_items", fields))
            return {}
        read = {name: self._policy(name, entry, window) for name, entry in entries.items()}
        return {name: policy for name, policy in read.items() if policy is not None}

    def _policy(self, name: str, entry: Entry, window: Window | None) -> LeverSettings | None:
        try:
            parse_name(name)
        except Exception as error:  # the only exception is the one raised two lines above
            fields = {"path": "policies", **(getattr(error, "context", None) or {})}
            self._report(entry.mark, Phrase("check.bad_name", fields))
        path = f"policies.{name}"
        if not isinstance(entry.node.value, dict):
            actual = kind(entry.node.value)
            self._report(entry.node.mark, phrase("check.expected_mapping", path=path, actual=actual))
            return None
        model = self._lever(path, entry)
        if model is None:
            return None
        policy = self._model(model, entry.node.plain(), entry.node, ("policies", name), entry.mark)
        if not isinstance(policy, LeverSettings):
            return None
        for found in policy.issues(window):
            self._issue(found, entry, ("policies", name))
        return policy

    def _lever(self, path: str, entry: Entry) -> type[LeverSettings] | None:
        lever = entry.node.entries().get("lever")
        if lever is None:
            self._report(entry.mark, phrase("check.missing_key", path=path, key="lever"))
            return None
        value = lever.node.value
        if isinstance(value, str) and value in LEVERS:
            return LEVERS[value]
        shown = value if isinstance(value, str) else kind(entry.node.plain()["lever"])
        hint = suggestion(value, LEVERS, "lever.") if isinstance(value, str) else ""
        fields = {"path": f"{path}.lever", "value": shown, "hint": hint, "allowed": tuple(LEVERS)}
        self._report(lever.node.mark, Phrase("check.unknown_lever", fields))
        return None

    def _issue(self, found: Issue, entry: Entry, prefix: tuple[str, ...]) -> None:
        place = _locate(entry.node, found.location, prefix, entry.mark)
        mark = place.value_mark if found.location else place.key_mark
        problem = Problem(mark, Phrase(found.key, {"path": place.path, **found.fields}))
        (self.warnings if found.is_warning else self.problems).append(problem)

    def _model(
        self, model: type[BaseModel], data: Any, node: Node, prefix: tuple[str, ...],
        key_mark: Mark | None = None,
    ) -> BaseModel | None:  # fmt: skip
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                self.problems.append(_translate(one, model, node, prefix, key_mark))
        return None

    def _overlaps(self, policies: Mapping[str, LeverSettings], window: Window) -> None:
        """Report each pair of policies whose claims meet, at the one that was added later."""
        entries = self.tree.entries()["policies"].node.entries() if policies else {}
        for (first, second), meetings in _meetings(policies, window).items():
            fields = {"first": first, "second": second} | _where(meetings)
            fields["lever"] = phrase(f"lever.{policies[first].lever}")
            self._report(entries[second].mark, Phrase("check.overlap", fields))


@dataclass(frozen=True)
class _Place:
    """Where an error stands: positions of the innermost value and its key, and the path to it."""

    value_mark: Mark
    key_mark: Mark
    parts: tuple[str, ...]

    @property
    def path(self) -> str | Phrase:
        return "".join(self.parts).lstrip(".") or phrase("check.top")


def _locate(
    node: Node, location: tuple[str | int, ...], prefix: tuple[str, ...], key_mark: Mark | None
) -> _Place:
    """Follow `location` as far as it exists in the tree; tags that pydantic inserts are skipped."""
    parts = [f".{p}" for p in prefix]
    value_mark, key_mark = node.mark, key_mark or node.mark
    for part in location:
        if isinstance(node.value, dict) and str(part) in node.value:
            key_mark, node = node.value[str(part)].mark, node.value[str(part)].node
            parts.append(f".{part}")
        elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            key_mark = node.mark
            parts.append(f"[{part + 1}]")
        value_mark = node.mark
    return _Place(value_mark, key_mark, tuple(parts))


_PLAIN_TYPES: Final = {
    "string_type": "check.expected_text",
    "bool_type": "check.expected_bool",
    "list_type": "check.expected_list",
    "tuple_type": "check.expected_list",
    "dict_type": "check.expected_mapping",
    "model_type": "check.expected_mapping",
    "model_attributes_type": "check.expected_mapping",
}


def _translate(
    error: Any, model: type[BaseModel], node: Node, prefix: tuple[str, ...], key_mark: Mark | None
) -> Problem:
    """A pydantic error as a Problem with a text of the catalogue."""
    kind_of_error, location = error["type"], error["loc"]
    place = _locate(node, location, prefix, key_mark)
    if kind_of_error == "missing":
        above = _locate(node, location[:-1], prefix, key_mark)
        fields = {"path": above.path, "key": str(location[-1])}
        return Problem(above.key_mark, Phrase("check.missing_key", fields))
    if kind_of_error == "extra_forbidden":
        key = str(location[-1])
        above = _locate(node, location[:-1], prefix, key_mark)
        hint = suggestion(key, _known_keys(model, location[:-1]))
        fields = {"path": above.path, "key": key, "hint": hint}
        return Problem(place.key_mark, Phrase("check.unknown_key", fields))
    mark = place.key_mark if location and location[-1] == "[key]" else place.value_mark
    return Problem(mark, _phrase_of(error, place))


def _phrase_of(error: Any, place: _Place) -> Phrase:
    context = error.get("ctx") or {}
    if error["type"].startswith("check."):
        return Phrase(error["type"], {"path": place.path, **context})
    if error["type"] in _PLAIN_TYPES:
        fields = {"path": place.path, "actual": kind(error["input"])}
        return Phrase(_PLAIN_TYPES[error["type"]], fields)
    if error["type"] in ("too_short", "too_long"):
        count = context.get("min_length", context.get("max_length"))
        fields = {"path": place.path, "count": count, "actual": context.get("actual_length")}
        return Phrase("check.item_count", fields)
    return phrase("check.invalid", path=place.path)


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """Keys that may stand at `location` of `model`."""
    models = [model]
    for part in location:
        fields = [m.model_fields[str(part)] for m in models if str(part) in m.model_fields]
        if fields:
            models = [found for f in fields for found in _models_in(f.annotation)]
    extra = ["extends", "parameters", "policies"] if model is Header and not location else []
    return sorted({key for m in models for key in m.model_fields} | set(extra))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


_Meetings = dict[tuple[str, str], list[tuple[Claim, int, frozenset[str]]]]


def _meetings(policies: Mapping[str, LeverSettings], window: Window) -> _Meetings:
    """For each pair of policies with the same lever: where and when both act on the same object."""
    cells: dict[tuple[str, str, int], list[tuple[str, Claim]]] = {}
    found: _Meetings = {}
    earliest = window.first - LONGEST_HORIZON
    for name, policy in policies.items():
        for claim in policy.claims(window):
            months = range(max(claim.first, earliest), min(claim.last, window.last) + 1)
            for month in months:
                cell = cells.setdefault((policy.lever, claim.what, month), [])
                for other, held in cell:
                    if other != name and held.meets(claim):
                        met = (claim, month, held.places & claim.places)
                        found.setdefault((other, name), []).append(met)
                cell.append((name, claim))
    return found


def _where(meetings: list[tuple[Claim, int, frozenset[str]]]) -> dict[str, Any]:
    """Objects, places and months of an overlap in words."""
    objects = list(dict.fromkeys((c.prefix, c.what) for c, _, _ in meetings))[:SHOWN_OVERLAPS]
    places = sorted(frozenset().union(*(p for _, _, p in meetings)))
    months = sorted(month for _, month, _ in meetings)
    whole = len(places) > SHOWN_OVERLAPS
    shown = [phrase("reason.many_places", count=len(places))] if whole else [
        phrase(f"place.{place}") for place in places
    ]  # fmt: skip
    words = [phrase(prefix + what) for prefix, what in objects if prefix != "lever."]
    span = phrase("check.span", start=month_text(months[0]), end=month_text(months[-1]))
    return {"where": (*words, *shown), "months": span}
