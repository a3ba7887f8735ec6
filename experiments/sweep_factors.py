"""The uncertain numbers of a sweep: what they change, their range and distribution.

Designs live in the unit cube; a factor turns its coordinate into a value by its quantile function,
so every analysis sees uniform inputs and every distribution works with every method.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.digests import digest_of
from experiments.lever_draws import triangular

Floats = npt.NDArray[np.float64]
POSTERIOR: Final = "posterior"
DISTRIBUTIONS: Final = ("uniform", "log_uniform", "triangular", "normal", POSTERIOR)
TABLE_GROUPS: Final = ("consumption.", "durables.", "population.")
"""Parameters for which the model solves tables again."""
TABLE_LEVELS: Final = 8
"""Values that such a parameter takes in a sweep unless the plan says otherwise."""
PARAMETER: Final = "parameters"
LEVER: Final = "measures"
SETTING: Final = "policies"


@dataclass(frozen=True)
class Factor:
    """One uncertain number.

    `kind` is the part of the scenario it changes, `path` where: ("firms.hiring_gain",) of
    parameters, ("23", "voucher_face") of measures, ("vouchers", "face_yuan") of policies. Of kind
    POSTERIOR it is a draw of all calibrated parameters together, `draws` [draw] {parameter: value}.
    `default` is the scenario's own value; for a parameter that is a table it holds the
    (low, usual, high) tables, and the factor moves all of them together. `steps` is the number of
    different values it takes, 0 for any.
    """

    name: str
    kind: str
    path: tuple[str, ...]
    low: float
    high: float
    default: float
    unit: str
    distribution: str = "uniform"
    mode: float | None = None
    spread: float | None = None
    whole: bool = False
    steps: int = 0
    tables: tuple[Any, Any, Any] | None = None
    quantiles: tuple[float, ...] = ()
    draws: tuple[Mapping[str, Any], ...] = ()

    def value(self, position: float) -> float:
        """Quantile of the distribution at `position` in [0, 1]."""
        if self.steps:
            step = min(int(position * self.steps), self.steps - 1)
            position = (step + 0.5) / self.steps
        found = self._quantile(position)
        return float(round(found)) if self.whole else found

    def _quantile(self, position: float) -> float:
        if self.distribution == "triangular":
            mode = self.default if self.mode is None else self.mode
            return triangular(position, self.low, min(max(mode, self.low), self.high), self.high)
        if self.distribution == "log_uniform":
            return math.exp(
                math.log(self.low) + position * (math.log(self.high) - math.log(self.low))
            )
        if self.distribution == "normal":
            return self._normal(position)
        if self.distribution == POSTERIOR:
            places = np.linspace(0.0, 1.0, len(self.quantiles))
            return float(np.interp(position, places, self.quantiles))
        return self.low + position * (self.high - self.low)

    def _normal(self, position: float) -> float:
        """Normal distribution cut at low and high."""
        from scipy.stats import truncnorm

        mean = self.default if self.mode is None else self.mode
        spread = (self.high - self.low) / 4 if self.spread is None else self.spread
        ends = (self.low - mean) / spread, (self.high - mean) / spread
        return float(truncnorm.ppf(position, *ends, loc=mean, scale=spread))

    def written(self, position: float) -> Any:
        """What stands in the scenario at `position`: a number, a table, or parameters by name."""
        if self.draws:
            return self.draws[min(int(position * len(self.draws)), len(self.draws) - 1)]
        value = self.value(position)
        if self.tables is None:
            return int(value) if self.whole else value
        low, usual, high = self.tables
        return between(low, usual, high, value)

    @property
    def solving(self) -> tuple[str, ...]:
        """Parameters it changes for which the model solves tables again."""
        changed = self.draws[0] if self.draws else self.path if self.kind == PARAMETER else ()
        return tuple(name for name in changed if name.startswith(TABLE_GROUPS))

    def plain(self) -> dict[str, Any]:
        """What decides the values, for the identity of a sweep."""
        return {
            "name": self.name, "kind": self.kind, "path": list(self.path), "low": self.low,
            "high": self.high, "distribution": self.distribution, "mode": self.mode,
            "spread": self.spread, "whole": self.whole, "steps": self.steps,
            "default": self.default, "tables": self.tables,
        } | self._drawn()  # fmt: skip

    def _drawn(self) -> dict[str, Any]:
        """Digests of what came from the posterior; nothing for other factors."""
        parts = {"quantiles": list(self.quantiles), "draws": [dict(one) for one in self.draws]}
        return {name: digest_of(part) for name, part in parts.items() if part}


def between(low: Any, usual: Any, high: Any, share: float) -> Any:
    """Table that moves from `low` (share -1) through `usual` (0) to `high` (1), cell by cell."""
    if isinstance(usual, Mapping):
        return {k: between(_part(low, k), v, _part(high, k), share) for k, v in usual.items()}
    if isinstance(usual, list):
        rows = enumerate(usual)
        return [between(_part(low, i), v, _part(high, i), share) for i, v in rows]
    end = high if share > 0 else low
    moved = usual + abs(share) * (end - usual)
    return round(moved) if isinstance(usual, int) else float(moved)


def _part(end: Any, at: Any) -> Any:
    """Cell of a bound that may be one number for the whole table."""
    return end[at] if isinstance(end, Mapping | list) else end


def changes_at(factors: Sequence[Factor], positions: Sequence[float] | Floats) -> dict[str, Any]:
    """Changes of a scenario (see `run_jobs.changed_document`) at one point of the unit cube."""
    found: dict[str, Any] = {}
    for factor, position in zip(factors, positions, strict=True):
        if factor.kind == POSTERIOR:
            found.setdefault(PARAMETER, {}).update(factor.written(float(position)))
            continue
        node = found.setdefault(factor.kind, {})
        for key in factor.path[:-1]:
            node = node.setdefault(key, {})
        node[factor.path[-1]] = factor.written(float(position))
    return found


def position_of_default(factor: Factor) -> float:
    """Coordinate at which the factor has the scenario's own value (nearest end if outside)."""
    low, high = 0.0, 1.0
    smooth = Factor(**{**vars(factor), "steps": 0, "whole": False})
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if smooth.value(middle) < factor.default else (low, middle)
    return (low + high) / 2
