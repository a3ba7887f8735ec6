"""What a plan of `tizhen optimise` says about cities: `by: city` or `groups:` of a measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import PydanticCustomError

from experiments.city_jobs import DOSES, GROUPS, city_document
from experiments.city_parts import EVERYWHERE, undivided
from experiments.package_jobs import part
from experiments.plan_values import ValueReader
from model.dimensions import PLACES
from model.scenario_header import parse_name
from model.scenario_problems import Mark, Problem, ScenarioError, phrase, suggestion
from model.scenario_reader import Entry, Node

if TYPE_CHECKING:
    from model.scenario import Scenario

Groups = Mapping[str, tuple[str, ...]]
BY: Final = ("city",)
CITY_KEYS: Final = ("by", "groups")
EACH: Final[Groups] = {place: (place,) for place in PLACES}


def place_changes(
    groups: Mapping[int, Groups], doses: Mapping[int, Mapping[str, float]]
) -> dict[str, Any]:
    """The two changes of a run that hold intensities by city."""
    return {
        DOSES: {str(n): dict(own) for n, own in doses.items()},
        GROUPS: {str(n): {g: list(p) for g, p in groups[n].items()} for n in doses},
    }


class CityReader(ValueReader):
    """Reads the cities of one measure of a plan."""

    def cities_of(self, number: int, own: Entry) -> Groups | None:
        """Groups of cities by name; None if the measure has one intensity everywhere."""
        entries, path = own.node.entries(), f"measures.{number}"
        if not set(CITY_KEYS) & set(entries):
            return None
        if set(CITY_KEYS) <= set(entries):
            self.report(own.mark, "check.one_of", path=path, keys=CITY_KEYS)
            return None
        fixed = undivided(number)
        if fixed:
            levers = tuple(phrase(f"lever.{name}") for name in fixed)
            at = entries["by" if "by" in entries else "groups"].mark
            self.report(at, "optimise.undivided", path=path, levers=levers)
            return None
        if "by" in entries:
            return EACH if self._choice(own.node, "by", BY, None, path) else None
        return self._groups_of(entries["groups"], f"{path}.groups")

    def _groups_of(self, entry: Entry, path: str) -> Groups | None:
        if not isinstance(entry.node.value, dict) or not entry.node.value:
            self.report(entry.node.mark, "optimise.groups", path=path)
            return None
        found: dict[str, tuple[str, ...]] = {}
        seen: set[str] = set()
        for name, own in entry.node.entries().items():
            self._group_name(name, own.mark, path)
            found[name] = tuple(self._places(own.node, f"{path}.{name}", seen))
        missing = [phrase(f"place.{place}") for place in PLACES if place not in seen]
        if missing and not self.problems:
            self.report(entry.mark, "optimise.places_missing", path=path, places=tuple(missing))
        return found

    def _group_name(self, name: str, mark: Mark, path: str) -> None:
        try:
            parse_name(name)
        except PydanticCustomError as error:
            self.report(mark, error.type, path=path, **(error.context or {}))
        if name == EVERYWHERE:
            self.report(mark, "check.repeated", path=path, value=name)

    def _places(self, node: Node, path: str, seen: set[str]) -> Iterator[str]:
        nodes = node.value if isinstance(node.value, list) else [node]
        for one in nodes:
            place = one.value
            if place not in PLACES:
                hint = suggestion(place, PLACES, "place.") if isinstance(place, str) else ""
                fields = {"value": str(one.plain()), "hint": hint, "allowed": PLACES}
                self.report(one.mark, "check.not_choice", path=path, **fields)
            elif place in seen:
                self.report(one.mark, "check.repeated", path=path, value=place)
            else:
                seen.add(str(place))
                yield str(place)

    def check_room(self, scenario: Scenario, groups: Mapping[int, Groups], mark: Mark) -> None:
        """Whether all parts can stand beside each other in one scenario."""
        doses = {n: dict.fromkeys(own, 1.0) for n, own in groups.items()}
        changes = part(n for n in scenario.measures if n not in groups)
        changes |= place_changes(groups, doses)
        try:
            from model.scenario import scenario_from_mapping

            scenario_from_mapping(city_document(scenario.resolved(), changes))
        except ScenarioError as error:
            for problem in error.problems:
                found = phrase("optimise.no_room", reason=problem.phrase)
                self.problems.append(Problem(mark, found))
