"""What `tizhen optimise` finds by city, and its figures for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.city_surface import Holdout, Layout, Variable
from experiments.intervals import Estimate
from experiments.paired import Floats

if TYPE_CHECKING:
    from experiments.optimum import Chosen


@dataclass(frozen=True)
class CityRow:
    """A measure in a group of cities.

    `gain` and `cost` are what it adds there to everything else in the answer (goal's unit, yuan),
    `ratio` what the next yi yuan does, from intensity `low` to `high`: all by the curves. None if
    it costs nothing.
    """

    variable: Variable
    intensity: float
    cautious: float
    gain: Estimate
    cost: Estimate
    low: float
    high: float
    ratio: Estimate | None


@dataclass(frozen=True)
class CityFindings:
    """The answer by city beside the best equal one.

    `difference` is what the first gains over the second in new worlds, run on the model; `paid`
    yuan by city. The surface was fitted to `designs` and tested by `holdout`.
    """

    layout: Layout
    rows: tuple[CityRow, ...]
    holdout: Holdout
    designs: int
    equal: Chosen
    difference: Estimate
    paid: Mapping[str, float]

    @property
    def sure(self) -> bool:
        """Whether the interval of the difference leaves zero out."""
        return self.difference.low > 0 or self.difference.high < 0

    def by_measure(self, x: Floats) -> list[float]:
        """Intensities by measure, means over households."""
        found = []
        for measure in self.layout.measures:
            mine = self.layout.own(measure)
            weights = np.array([self.layout.share(v) for v in mine])
            found.append(float(np.average(x[mine], weights=weights)))
        return found

    def by_group(self, x: Floats, measure: int) -> dict[str, float]:
        """Intensities of one measure by group."""
        return {self.layout.variables[v].group: float(x[v]) for v in self.layout.own(measure)}


def allocation_by_city(found: CityFindings, x: Floats) -> list[dict[str, Any]]:
    """By measure: the mean over households and every group's own."""
    means = zip(found.layout.measures, found.by_measure(x), strict=True)
    return [{"measure": n, "intensity": mean, "groups": found.by_group(x, n)} for n, mean in means]


def cities_document(
    found: CityFindings, limits: Mapping[str, float], objective: Mapping[str, Any]
) -> dict[str, Any]:
    """The figures for scripts; `limits` yuan by budget, `objective` of the equal answer."""
    return {
        "designs": found.designs,
        "holdout": vars(found.holdout),
        "table": [_row_document(row) for row in found.rows],
        "equal": {
            "allocation": allocation_by_city(found, found.equal.answer.x),
            "objective": dict(objective),
        },
        "difference": _bounds(found.difference) | {"sure": found.sure},
        "paid": {
            city: {"limit": limits.get(city), "used": used} for city, used in found.paid.items()
        },
    }


def _bounds(one: Estimate) -> dict[str, Any]:
    return {"value": one.value, "low": one.low, "high": one.high}


def _row_document(row: CityRow) -> dict[str, Any]:
    one = row.variable
    return {
        "measure": one.measure, "group": one.group, "cities": list(one.places),
        "intensity": row.intensity, "cautious": row.cautious, "gain": _bounds(row.gain),
        "cost": _bounds(row.cost), "from": row.low, "to": row.high,
        "ratio": None if row.ratio is None else _bounds(row.ratio),
    }  # fmt: skip
