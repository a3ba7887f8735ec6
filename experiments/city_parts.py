"""A measure at different intensities in different cities, as policies of a scenario.

Every group of cities gets the measure's policies at the group's own lever values, restricted to its
cities and marked as parts of one programme (`programme_settings.PartOf`), so that money, persons
and the work of offices are those of the undivided programme. Vouchers stay one policy, with terms
by city, because only a few kinds of them can be valid in one month. Levers that work on the
province as a whole cannot be divided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from experiments.intensity import levers_at
from model.dimensions import PLACES
from model.policy.catalogue import Measure, Policies, load_catalogue
from model.policy.programme_settings import Programme
from model.policy.settings import LEVERS
from model.scenario_measures import MeasureUse

VOUCHERS: Final = "vouchers"
EVERYWHERE: Final = "all"
"""Name of the only group of a measure that has one intensity for the whole province."""
Groups = Mapping[str, tuple[str, ...]]


def undivided(number: int) -> tuple[str, ...]:
    """Levers of a measure that cannot differ by city, in the order of its policies."""
    found = [one["lever"] for one in load_catalogue()[number].policies.values()]
    return tuple(dict.fromkeys(name for name in found if not _divisible(name)))


def _divisible(lever: str) -> bool:
    model = LEVERS[lever]
    return lever == VOUCHERS or (issubclass(model, Programme) and model.divisible)


def policies_by_city(use: MeasureUse, doses: Mapping[str, float], groups: Groups) -> Policies:
    """Policies of a measure at intensity `doses` [group] in the cities of `groups`, by name."""
    found: Policies = {}
    for group, name, settings in _expanded(use, doses):
        if settings["lever"] == VOUCHERS:
            merged = found.setdefault(name, settings)
            merged["funding"].setdefault("city_terms", {}).update(_terms(settings, groups[group]))
            continue
        everywhere = list(settings.get("cities", PLACES))
        mine = [place for place in groups[group] if place in everywhere]
        if mine:
            whole = {"programme": name, "cities": everywhere}
            found[part_name(name, group)] = settings | {"cities": mine, "part_of": whole}
    return found


def part_name(policy: str, group: str) -> str:
    """Name of the part of a policy in a group of cities."""
    return f"{policy}_{group}"


def _expanded(
    use: MeasureUse, doses: Mapping[str, float]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    measure: Measure = use.measure
    for group, intensity in doses.items():
        if intensity > 0:
            expanded = measure.expand(levers_at(use, intensity), use.start)
            for name, settings in expanded.items():
                yield group, name, settings


def _terms(settings: Mapping[str, Any], cities: tuple[str, ...]) -> dict[str, dict[str, float]]:
    funding, allowed = settings["funding"], settings.get("cities", PLACES)
    keys = ("match_ratio", "provincial_quota_yi_yuan")
    return {city: {key: funding[key] for key in keys} for city in cities if city in allowed}
