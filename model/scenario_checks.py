"""One pass over a merged scenario tree that finds everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from model.policy.quantities import kind, month_number, month_text
from model.policy.settings import (
    DAYS_IN_ROUND_MONTH,
    LEVERS,
    VOUCHER_SLOTS,
    Claim,
    Issue,
    LeverSettings,
    TradeIn,
    Vouchers,
    Window,
)
from model.policy.settings_people import GRANT_SLOTS, Gifts, Grants, SavingScheme
from model.scenario_header import LONGEST_HORIZON, Header, parse_name
from model.scenario_problems import Mark, Phrase, Problem, ScenarioError, phrase, suggestion
from model.scenario_reader import Entry, Node
from model.scenario_sources import Source

if TYPE_CHECKING:
    from model.scenario_measures import MeasureUse

MAX_POLICIES: Final = 400  # five measures with intensities by city have some 300
SHOWN_OVERLAPS: Final = 3


@dataclass(frozen=True)
class Validated:
    """The parts of a valid scenario."""

    header: Header
    parameters: Mapping[str, Any]
    policies: Mapping[str, LeverSettings]
    measures: Mapping[int, MeasureUse]
    files: tuple[Path, ...]
    warnings: tuple[Problem, ...]


def validate(source: Source) -> Validated:
    """Check a merged tree. Raises ScenarioError with all problems."""
    return _Validation(source).run()


class _Validation:
    """One pass over a merged tree that collects all problems."""

    def __init__(self, source: Source) -> None:
        self.source, self.tree = source, source.tree
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.entries: dict[str, Entry] = {}  # policies by name, those of measures included

    def run(self) -> Validated:
        header = self._header()
        window = self._window()
        parameters = self._parameters()
        measures = self._measures()
        policies = self._policies(window)
        if window is not None:
            self._overlaps(policies, window)
        self._one_way_of_paying(policies)
        self._room_for_vouchers(policies)
        if window is not None:
            self._room_for_grants(policies, window)
        if self.problems or header is None:
            raise ScenarioError(self.problems)
        files, warnings = self.source.files, tuple(self.warnings)
        return Validated(header, parameters, policies, measures, files, warnings)

    def _report(self, mark: Mark, text: Phrase) -> None:
        self.problems.append(Problem(mark, text))

    def _header(self) -> Header | None:
        data = {"name": self.source.name}
        others = ("extends", "parameters", "measures", "policies")
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
            actual = kind(entry.node.value)
            text = phrase("check.expected_mapping", path=key, actual=actual)
            self._report(entry.node.mark, text)
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

    def _measures(self) -> dict[int, MeasureUse]:
        section = self._section("measures")
        if section is None or not section.entries():
            return {}
        # The catalogue is read only by scenarios that use it.
        from model.scenario_measures import read_measures

        read = read_measures(section)
        self.problems += read.problems
        self.warnings += read.warnings
        self.entries = read.policies
        return read.uses

    def _policies(self, window: Window | None) -> dict[str, LeverSettings]:
        section = self._section("policies")
        entries = {} if section is None else section.entries()
        if section is not None and len(entries) > MAX_POLICIES:
            fields = {"path": "policies", "length": len(entries), "limit": MAX_POLICIES}
            self._report(section.mark, Phrase("check.too_many_items", fields))
            return {}
        for name in set(entries) & set(self.entries):
            path = f"policies.{name}"
            self._report(entries[name].mark, phrase("check.name_of_measure", path=path))
        self.entries |= entries
        read = {name: self._policy(name, entry, window) for name, entry in self.entries.items()}
        return {name: policy for name, policy in read.items() if policy is not None}

    def _policy(self, name: str, entry: Entry, window: Window | None) -> LeverSettings | None:
        try:
            parse_name(name)
        except PydanticCustomError as error:
            fields = {"path": "policies", **(error.context or {})}
            self._report(entry.mark, Phrase(error.type, fields))
        path = f"policies.{name}"
        if not isinstance(entry.node.value, dict):
            actual = kind(entry.node.value)
            self._report(
                entry.node.mark, phrase("check.expected_mapping", path=path, actual=actual)
            )
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
                self.problems.append(translate(one, model, node, prefix, key_mark))
        return None

    def _overlaps(self, policies: Mapping[str, LeverSettings], window: Window) -> None:
        """Report each pair of policies whose claims meet, at the one that was added later."""
        for (first, second), meetings in _meetings(policies, window).items():
            fields = {"first": first, "second": second} | _where(meetings)
            fields["lever"] = phrase(f"lever.{policies[first].lever}")
            self._report(self.entries[second].mark, Phrase("check.overlap", fields))

    def _one_way_of_paying(self, policies: Mapping[str, LeverSettings]) -> None:
        """Trade-in programmes of one scenario must pay in the same way and reach the same places.

        A purchase is not marked with the programme its subsidy came from; for the same reason only
        one programme may reimburse later.
        """
        found = [(name, p) for name, p in policies.items() if isinstance(p, TradeIn)]
        for name, policy in found[1:]:
            first = found[0][1]
            ways = [(p.payment, p.reimbursement_lag_months, set(p.cities)) for p in (policy, first)]
            if ways[0] != ways[1] or policy.payment == "reimbursed":
                fields = {"first": found[0][0], "second": name}
                self._report(self.entries[name].mark, Phrase("check.ways_of_paying", fields))

    def _room_for_vouchers(self, policies: Mapping[str, LeverSettings]) -> None:
        """At most VOUCHER_SLOTS kinds of vouchers may be valid in one month."""
        kinds: Counter[int] = Counter()
        for name, policy in policies.items():
            if not isinstance(policy, Vouchers):
                continue
            for month, days in policy.round_list():
                first = month_number(month)
                for valid in range(first, first + max(1, round(days / DAYS_IN_ROUND_MONTH))):
                    kinds[valid] += len(policy.categories)
            crowded = [month for month, count in kinds.items() if count > VOUCHER_SLOTS]
            if crowded:
                fields = {"month": month_text(min(crowded)), "limit": VOUCHER_SLOTS}
                self._report(self.entries[name].mark, Phrase("check.too_many_vouchers", fields))
                return

    def _room_for_grants(self, policies: Mapping[str, LeverSettings], window: Window) -> None:
        """At most GRANT_SLOTS programmes may give to or take from marked households in a month."""
        running: Counter[int] = Counter()
        for name, policy in policies.items():
            if not isinstance(policy, Grants | SavingScheme | Gifts):
                continue
            end = window.last if policy.end is None else month_number(policy.end)
            months = range(month_number(policy.start), min(end, window.last) + 1)
            running.update(m for m in months if _gives_in(policy, m))
            crowded = [month for month, count in running.items() if count > GRANT_SLOTS]
            if crowded:
                entries = self.tree.entries()["policies"].node.entries()
                fields = {"month": month_text(min(crowded)), "limit": GRANT_SLOTS}
                self._report(entries[name].mark, Phrase("check.too_many_grants", fields))
                return


def _gives_in(policy: LeverSettings, month: int) -> bool:
    """Gifts come in one calendar month, the other programmes may move money in any."""
    return not isinstance(policy, Gifts) or policy.month == int(month_text(month)[5:])


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


def translate(
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
        actual = context.get("actual_length")
        return phrase("check.item_count", path=place.path, count=count, actual=actual)
    return phrase("check.invalid", path=place.path)


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """Keys that may stand at `location` of `model`."""
    models = [model]
    for part in location:
        fields = [m.model_fields[str(part)] for m in models if str(part) in m.model_fields]
        if fields:
            models = [found for f in fields for found in models_in(f.annotation)]
    extra = (
        ["extends", "measures", "parameters", "policies"]
        if model is Header and not location
        else []
    )
    return sorted({key for m in models for key in m.model_fields} | set(extra))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models a field's annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


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
