"""Point forecasts from short series, and the comparison of their errors.

A series is a sequence of growth rates (per cent). Every function sees only what is passed to it:
the caller cuts series at the origin. Diebold and Mariano (1995), small-sample correction of Harvey,
Leybourne and Newbold (1997).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LARGEST_ORDER: Final = 2
SPARE: Final = 2  # observations an autoregression needs beyond its coefficients


def no_change(_: Sequence[float], __: int = 1) -> float:
    """The level stays: growth 0."""
    return 0.0


def same_growth(past: Sequence[float], _: int = 1) -> float:
    """Growth stays what it was last."""
    return float(past[-1])


def mean_growth(past: Sequence[float], window: int) -> float:
    """Trend: mean growth of the last `window` observations (a random walk with drift)."""
    return float(np.mean(past[-window:]))


def autoregression(past: Sequence[float], horizon: int = 1, order: int = 1) -> float:
    """Forecast `horizon` steps ahead by least squares AR(`order`) with a constant.

    A series too short for it (fewer than coefficients + 2 equations) gives the mean; so does an
    estimate that explodes, which nobody would use.
    """
    values = np.asarray(past, dtype=float)
    rows = len(values) - order
    if rows < order + 1 + SPARE:
        return float(values.mean())
    fit = _coefficients(values, order)
    if _explosive(fit[1:]):
        return float(values.mean())
    history: list[float] = values.tolist()
    for _ in range(horizon):
        lags = history[-1 : -order - 1 : -1]
        history.append(float(fit[0] + np.dot(fit[1:], lags)))
    return float(history[-1])


def _explosive(slopes: Floats) -> bool:
    """Whether a characteristic root lies on or outside the unit circle."""
    return bool(np.abs(np.roots([1.0, *(-slopes)])).max() >= 1.0)


def _coefficients(values: Floats, order: int) -> Floats:
    """Constant and lags 1..order by least squares."""
    rows = len(values) - order
    lags = [values[order - lag : order - lag + rows] for lag in range(1, order + 1)]
    design = np.column_stack([np.ones(rows), *lags])
    return np.asarray(np.linalg.lstsq(design, values[order:], rcond=None)[0])


def best_autoregression(past: Sequence[float], horizon: int = 1) -> float:
    """AR(p) with p of 1..2 by Akaike's criterion, corrected for few observations."""
    values = np.asarray(past, dtype=float)
    rows = len(values) - LARGEST_ORDER
    feasible = [p for p in range(1, LARGEST_ORDER + 1) if rows > p + 1 + SPARE]
    if not feasible:
        return autoregression(past, horizon, 1)
    return autoregression(past, horizon, min(feasible, key=lambda p: _akaike(values, p)))


def _akaike(values: Floats, order: int) -> float:
    kept = values[LARGEST_ORDER - order :]
    fit, rows = _coefficients(kept, order), len(values) - LARGEST_ORDER
    lags = [kept[order - lag : order - lag + rows] for lag in range(1, order + 1)]
    errors = kept[order:] - fit[0] - np.column_stack(lags) @ fit[1:]
    fitted = order + 2  # with the constant and the variance
    few = 2.0 * fitted * (fitted + 1) / (rows - fitted - 1)
    return rows * math.log(max(float((errors**2).mean()), 1e-12)) + 2.0 * fitted + few


def with_model(past: Sequence[float], model_past: Sequence[float], ahead: float, window: int,
               ) -> float:  # fmt: skip
    """Underlying growth, freed of what the model explains in the past, plus the model's next step.

    `model_past` are the model's deviations from its own undisturbed growth at the times of `past`.
    """
    rest = np.asarray(past[-window:], dtype=float) - np.asarray(model_past[-window:], dtype=float)
    return float(rest.mean()) + ahead


BENCHMARKS: Final[Mapping[str, Callable[[Sequence[float], int], float]]] = {
    "no_change": no_change,
    "same_growth": same_growth,
    "ar1": autoregression,
    "ar_p": best_autoregression,
}


@dataclass(frozen=True)
class Comparison:
    """Diebold-Mariano with the correction: negative statistic where the first is better."""

    statistic: float
    p_value: float
    count: int


def diebold_mariano(first: Floats, second: Floats, horizon: int = 1) -> Comparison | None:
    """Equal squared errors of two forecasts? Errors [forecast]; None if fewer than three differ."""
    gap = np.asarray(first, dtype=float) ** 2 - np.asarray(second, dtype=float) ** 2
    count = len(gap)
    if count < 3 or not gap.any():
        return None
    centred = gap - gap.mean()
    variance = float(centred @ centred) / count
    for lag in range(1, min(horizon, count)):
        variance += 2.0 * float(centred[lag:] @ centred[:-lag]) / count
    if variance <= 0.0:  # the truncated sum may be negative; the first term alone never is
        variance = float(centred @ centred) / count
    corrected = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    if variance == 0.0 or corrected <= 0.0:
        return None
    statistic = float(gap.mean()) / math.sqrt(variance / count) * math.sqrt(corrected)
    return Comparison(statistic, _two_sided(statistic, count - 1), count)


def as_plain(test: Comparison | None) -> dict[str, float] | None:
    """For JSON."""
    return None if test is None else {"statistic": test.statistic, "p": test.p_value,
                                      "count": test.count}  # fmt: skip


def _two_sided(statistic: float, freedom: int) -> float:
    from scipy.special import stdtr

    return float(2.0 * stdtr(freedom, -abs(statistic)))


def scores(
    errors: Mapping[str, Floats], models: Sequence[str], benchmarks: Sequence[str], horizon: int
) -> list[dict[str, Any]]:
    """Errors [forecast] by method, summed up; each model against each benchmark."""
    rows: list[dict[str, Any]] = []
    for method, found in errors.items():
        row: dict[str, Any] = {"method": method, "rmse": root_mean_square(found)}
        row |= {"mae": mean_absolute(found), "bias": float(found.mean())}
        if method in models:
            row["against"] = {
                name: as_plain(diebold_mariano(found, errors[name], horizon)) for name in benchmarks
            }
        rows.append(row)
    return rows


def root_mean_square(errors: Floats) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean(np.asarray(errors, dtype=float) ** 2)))


def mean_absolute(errors: Floats) -> float:
    """Mean absolute error."""
    return float(np.abs(np.asarray(errors, dtype=float)).mean())
