"""Economies for tests: scenarios in one line, runs kept for reuse, households' own books."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import Columns
from model.agents.households import HouseholdBlock
from model.dimensions import PLACES, SECTORS
from model.economy import Economy
from model.outcome import Outcome
from model.scenario import Scenario, scenario_from_mapping

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
START, SCALE, SEED = "2025-10", 8000, 20251001
Policies = Mapping[str, Mapping[str, Any]]


def scenario(
    policies: Policies | None = None, months: int = 12, scale: int = SCALE, seed: int = SEED,
    parameters: Mapping[str, Any] | None = None, start: str = START,
) -> Scenario:  # fmt: skip
    """A scenario as a file would state it."""
    document: dict[str, Any] = {
        "name": "test", "start": start, "months": months, "scale": f"1:{scale}", "seed": seed,
        "policies": dict(policies or {}),
    }  # fmt: skip
    if parameters:
        document["parameters"] = dict(parameters)
    return scenario_from_mapping(document)


@cache
def _kept(document: str) -> Outcome:
    return Economy(scenario_from_mapping(json.loads(document))).run()


def outcome(policies: Policies | None = None, **settings: Any) -> Outcome:
    """A finished run; the same arguments give the same object. Arguments as `scenario`."""
    return _kept(json.dumps(scenario(policies, **settings).resolved()))


def digest(result: Outcome) -> str:
    """Hash of every bit of every series."""
    joined = hashlib.sha256()
    for name in sorted(result):
        values = np.ascontiguousarray(result[name].values)
        joined.update(f"{name} {values.dtype} {values.shape}".encode() + values.tobytes())
    return joined.hexdigest()


def copy_of(columns: Columns) -> Columns:
    """The same columns in memory of their own."""
    return Columns(**{name: column.copy() for name, column in columns._asdict().items()})


def unequal(left: Columns, right: Columns) -> list[str]:
    """Names of columns that differ in any bit."""
    other = right._asdict()
    return [name for name, a in left._asdict().items() if not np.array_equal(a, other[name])]


def rows(block: HouseholdBlock) -> tuple[I64, I64, I64]:
    """Place, residence and weight of every simulated household."""
    length = block.segments[:, 1] - block.segments[:, 0]
    place, residence, weight = (np.repeat(block.segments[:, k], length) for k in (2, 3, 4))
    return place, residence, weight


def by_place(block: HouseholdBlock, amounts: npt.NDArray[Any]) -> I64:
    """Weighted sum of one number per simulated household (integers), by place."""
    place, _, weight = rows(block)
    found = np.zeros(len(PLACES), np.int64)
    np.add.at(found, place, weight * amounts.astype(np.int64))
    return found


def by_job(block: HouseholdBlock, amounts: npt.NDArray[Any], sector: npt.NDArray[Any]) -> I64:
    """Weighted sum of one number per simulated household by place and sector."""
    place, _, weight = rows(block)
    found = np.zeros((len(PLACES), len(SECTORS)), np.int64)
    np.add.at(found, (place, sector.astype(np.int64)), weight * amounts.astype(np.int64))
    return found


def employed(columns: Columns) -> I64:
    """Working members of every household, less elders who stay home."""
    return np.asarray(columns.earners.astype(np.int64) - (columns.stage == 1) - columns.resting)


def steps(economy: Economy) -> Iterator[Columns]:
    """Live every month; after each, yields the households as they were before it."""
    for _ in range(economy.policy_scenario.months):
        before = copy_of(economy.household_block.columns)
        economy.step()
        yield before


def household_spending(economy: Economy) -> F64:
    """Consumption of every simulated household over the whole run, yuan."""
    spent = np.zeros(len(economy.household_block), np.int64)
    for _ in steps(economy):
        spent += economy.household_block.columns.spending
    return np.asarray(spent / 100.0)


def certain_sign(differences: Sequence[float]) -> float:
    """Mean over its standard error: how many standard errors from zero paired differences are."""
    values = np.asarray(differences, dtype=float)
    error = values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean() / error) if error > 0 else float(np.sign(values.mean()) * np.inf)


def say(*parts: object) -> None:
    """A line of figures for whoever runs the tests with `-s`."""
    sys.stdout.write(" ".join(str(part) for part in parts) + "\n")
