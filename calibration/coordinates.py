"""The free parameters of the calibration: what each coordinate changes, and its prior range.

Ranges come from `low` and `high` of the parameter files; a coordinate may narrow them with a reason
(`calibration/targets.yaml`). Kinds of coordinate:

scalar     the parameter itself
component  one entry of a list, `name.index`
share      one entry of a list of shares; the others keep their proportions and the sum stays one
factor     multiplies a whole list or table of numbers; range such that no entry leaves its own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.parameters import Parameters, load_parameters, yaml_documents

Floats = npt.NDArray[np.float64]
KINDS: Final = ("scalar", "component", "share", "factor")


@dataclass(frozen=True)
class Coordinate:
    """One free parameter: `low`..`high` is the prior (uniform), `shipped` today's value."""

    name: str
    kind: str
    parameter: str
    index: int
    low: float
    high: float
    shipped: float
    solves: bool  # a change means that the consumption problem is solved again
    zh: str
    en: str


def documents() -> dict[str, Any]:
    """Parsed `targets.yaml`."""
    text = resources.files("calibration").joinpath("targets.yaml").read_text(encoding="utf-8")
    return yaml_documents("calibration", {"targets": text})["targets"]


@lru_cache(maxsize=1)
def coordinates() -> tuple[Coordinate, ...]:
    """All free parameters, in the order of the file. Raises UnknownParameter, ValueError."""
    known = load_parameters()
    return tuple(_coordinate(known, name, node) for name, node in documents()["free"].items())


def _coordinate(known: Parameters, name: str, node: Mapping[str, Any]) -> Coordinate:
    kind = str(node["kind"])
    if kind not in KINDS:
        raise ValueError(f"{name}: unknown kind {kind!r}")
    indexed = kind in ("component", "share")
    parameter = name.rpartition(".")[0] if indexed else name
    index = int(name.rpartition(".")[2]) if indexed else -1
    low, high, shipped = _range(known, parameter, kind, index)
    return Coordinate(
        name, kind, parameter, index, float(node.get("low", low)), float(node.get("high", high)),
        shipped, bool(node.get("solves", False)), str(node["zh"]), str(node["en"]),
    )  # fmt: skip


def _range(known: Parameters, parameter: str, kind: str, index: int) -> tuple[float, float, float]:
    entry = known.entry(parameter)
    if kind == "scalar":
        return float(entry.low), float(entry.high), float(entry.value)
    low, value, high = (_numbers(part) for part in (entry.low, entry.value, entry.high))
    if kind != "factor":
        return low[index], high[index], value[index]
    pairs = [(a / v, b / v) for a, v, b in zip(low, value, high, strict=True) if v != 0.0]
    return max(a for a, _ in pairs), min(b for _, b in pairs), 1.0


def _numbers(value: Any) -> list[float]:
    return [float(x) for x in (value.values() if isinstance(value, Mapping) else value)]


def overrides(
    values: Mapping[str, float], free: Sequence[Coordinate] | None = None
) -> dict[str, Any]:
    """Values by coordinate name as values by parameter name, as `parameters:` takes them.

    Raises KeyError for a name that is no coordinate.
    """
    by_name = {one.name: one for one in (free or coordinates())}
    known, found = load_parameters(), dict[str, Any]()
    for name, value in values.items():
        one = by_name[name]
        current = found.get(one.parameter, known[one.parameter])
        found[one.parameter] = _changed(current, one, float(value))
    return found


def _changed(current: Any, one: Coordinate, value: float) -> Any:
    if one.kind == "scalar":
        return value
    if one.kind == "factor":
        if isinstance(current, Mapping):
            return {key: float(x) * value for key, x in current.items()}
        return [float(x) * value for x in current]
    changed = [float(x) for x in current]
    if one.kind == "share":
        rest = (1.0 - value) / (1.0 - changed[one.index])
        changed = [x * rest for x in changed]
    changed[one.index] = value
    return changed


def unit_to_values(unit: Floats) -> dict[str, float]:
    """A point of the unit cube [k] as values by coordinate name."""
    return {
        one.name: one.low + (one.high - one.low) * float(u)
        for one, u in zip(coordinates(), unit, strict=True)
    }


def values_to_unit(values: Mapping[str, float]) -> Floats:
    """Inverse of `unit_to_values` [k]; coordinates left out stand at their shipped value."""
    return np.array(
        [(values.get(c.name, c.shipped) - c.low) / (c.high - c.low) for c in coordinates()]
    )


def shipped_point() -> Floats:
    """The shipped parameters as a point of the unit cube [k]."""
    return values_to_unit({})


__all__ = ("Coordinate", "coordinates", "documents", "overrides", "shipped_point",
           "unit_to_values", "values_to_unit")  # fmt: skip
