"""One run of a package in which some measures have intensities by city.

As `package_jobs`, with the changes "doses" {measure: {group: intensity}} and "groups" {measure:
{group: [city]}}. Kept besides are the effects by place and month, what every part (a measure in a
group of cities) costs each budget, and the number of households by place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calibration.digests import digest_of_files
from experiments import city_parts, package_jobs, paired
from experiments.city_parts import EVERYWHERE, VOUCHERS, part_name, policies_by_city
from experiments.package_jobs import CHANNEL, KEEP, PackageSetup, package_setup, part_document
from experiments.run_jobs import Bench, Changes, Floats, Job, Totals
from model.dimensions import PLACES
from model.outcome import SOURCES, Outcome
from model.scenario_measures import MeasureUse

if TYPE_CHECKING:
    from model.scenario import Scenario

PLAY: Final = "experiments.city_jobs:play"
DOSES: Final = "doses"
GROUPS: Final = "groups"
BY_PLACE: Final = f"{CHANNEL}by_place."
PARTS: Final = f"{CHANNEL}parts"
HOMES: Final = f"{CHANNEL}homes"
CITY_SOURCES: Final = [SOURCES.index(place) for place in PLACES]
PROVINCE: Final = SOURCES.index("province")


@dataclass(frozen=True)
class CitySetup(PackageSetup):
    """A setup whose identity includes the rules of this file and of `city_parts`."""

    def identity(self) -> dict[str, Any]:
        """See `Setup.identity`."""
        own = [Path(__file__), Path(city_parts.__file__)]
        return super().identity() | {"city_rules": digest_of_files(own, own[0].parent)}


def city_setup(scenario: Scenario, evaluate: str = PLAY) -> CitySetup:
    """As `package_setup`, for intensities by city."""
    plain = package_setup(scenario, evaluate)
    return CitySetup(plain.scenario, plain.against, (), True, evaluate)


def part_labels(changes: Changes) -> list[tuple[int, str]]:
    """(measure, group) in the order in which runs keep the parts; one of all where undivided."""
    kept = [(int(number), EVERYWHERE) for number in changes[KEEP]["measures"]]
    divided = [(int(n), group) for n, doses in changes.get(DOSES, {}).items() for group in doses]
    return sorted(kept + divided)


def city_document(document: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """A resolved scenario reduced to what `changes` keeps, with the doses as policies."""
    plain = {key: value for key, value in changes.items() if key not in (DOSES, GROUPS)}
    found = part_document(document, plain)
    for number, doses in changes.get(DOSES, {}).items():
        groups = {name: tuple(cities) for name, cities in changes[GROUPS][number].items()}
        found["policies"] |= policies_by_city(_use(document, number), doses, groups)
    return found


def _use(document: Mapping[str, Any], number: str) -> MeasureUse:
    use = document["measures"][number]
    return MeasureUse(int(number), use["start"], use["levers"])


def play(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Totals by name and the digest of the scenario. Raises ScenarioError, LedgerError."""
    from model.scenario import scenario_from_mapping

    resolved = json.loads(bench.setup.scenario)
    scenario = scenario_from_mapping(city_document(resolved, job.changes), "en")
    baseline = bench.baseline(job.changes, job.seed)
    if baseline is None:
        raise ValueError("a package is always compared with no policies")
    policy = bench.run(scenario, job.seed)
    found = package_jobs.totals_of(job.seed, baseline, policy, scenario)
    found |= {BY_PLACE + name: gain for name, gain in gains(baseline, policy).items()}
    found[PARTS] = _parts(resolved, job.changes, policy)
    found[HOMES] = np.asarray(policy["households"].by("place").values, dtype=float)
    return found, scenario.digest


def gains(baseline: Outcome, policy: Outcome) -> dict[str, Floats]:
    """Policy minus baseline [month, place], by goal."""
    real, base = paired.at_baseline_prices(baseline, policy, "consumption"), baseline["consumption"]
    poor = range(paired.BOTTOM_QUINTILES)
    pairs = {
        "household_consumption": (real, base),
        "bottom40_consumption": (real.take("quintile", poor), base.take("quintile", poor)),
        "employment": (policy["employment"], baseline["employment"]),
    }
    return {
        name: np.asarray(run.by("month", "place").values - base.by("month", "place").values, float)
        for name, (run, base) in pairs.items()
    }


def _parts(document: Mapping[str, Any], changes: Changes, policy: Outcome) -> Floats:
    """[part, source] yuan over the run."""
    paid = np.asarray(policy["payments"].by("lever", "source").values, dtype=float)
    rows = dict(zip(policy.labels_of("payments")[1], paid, strict=True))
    vouchers = np.asarray(
        policy.select("voucher_counters", counter="redeemed").by("place").values, dtype=float
    )
    found = [
        _part(rows, _use(document, str(number)), group, changes, vouchers)
        for number, group in part_labels(changes)
    ]
    return np.array(found).reshape(len(found), len(SOURCES))


def _part(
    rows: Mapping[str, Floats], use: MeasureUse, group: str, changes: Changes, vouchers: Floats
) -> Floats:
    """What one part costs [source]."""
    none = np.zeros(len(SOURCES))
    found = none.copy()
    divided = group != EVERYWHERE or str(use.number) in changes.get(DOSES, {})
    for name, settings in use.policies().items():
        if not divided:
            found = found + rows.get(name, none)
        elif settings["lever"] == VOUCHERS:
            cities = changes[GROUPS][str(use.number)][group]
            found = found + _voucher_part(rows.get(name, none), cities, vouchers)
        else:
            found = found + rows.get(part_name(name, group), none)
    return found


def _voucher_part(paid: Floats, cities: list[str], redeemed: Floats) -> Floats:
    """Cities pay for their own vouchers, the province for the rest of what is redeemed there."""
    own, mine = paid[CITY_SOURCES], np.isin(PLACES, cities)
    rest = np.maximum(redeemed - own, 0.0)
    found = np.zeros(len(SOURCES))
    found[CITY_SOURCES] = own * mine
    whole = float(rest.sum())
    found[PROVINCE] = paid[PROVINCE] * float(rest[mine].sum()) / whole if whole else 0.0
    return found
