"""Estimators of the studies on plain arrays, with standard errors by a delete-a-group jackknife.

Every estimator is a function of weights: the jackknife leaves out one group at a time (random
groups of households, or whole places where the study's treatment is by place) and recomputes it,
which covers ratios and months of reversal as well as means (Wolter 2007, chapter 4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Panel = npt.NDArray[np.floating[Any]]
Statistic = Callable[[F64], float]
GROUPS: Final = 40
Z90: Final = 1.6448536269514722
FEWEST_GROUPS: Final = 3


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the 90 % interval."""
        return self.value - Z90 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 90 % interval."""
        return self.value + Z90 * self.error


def jackknife(statistic: Statistic, weight: F64, groups: I64) -> Estimate:
    """Value and standard error of a statistic of weights; `groups` [unit] are left out in turn.

    Groups in which the statistic does not exist are passed over. Raises ValueError if it does not
    exist on the whole sample.
    """
    value = statistic(weight)
    if not np.isfinite(value):
        raise ValueError("the sample holds no treated or no control units")
    names = np.unique(groups)
    left = [statistic(np.where(groups == name, 0.0, weight)) for name in names]
    known = np.array([one for one in left if np.isfinite(one)])
    if known.size < FEWEST_GROUPS:
        return Estimate(value, float("nan"))
    spread = (known.size - 1) / known.size * ((known - known.mean()) ** 2).sum()
    return Estimate(value, float(np.sqrt(spread)))


def mean(values: F64, weight: F64) -> float:
    """Weighted mean; nan without weight."""
    total = weight.sum()
    return float(values @ weight / total) if total > 0 else float("nan")


def change(outcome: Panel, before: slice | None, after: slice) -> F64:
    """Sum over the months after, less what the average month before leads one to expect.

    `outcome` [month, unit]. Without months before, the plain sum.
    """
    found = outcome[after].sum(axis=0, dtype=float)
    if before is not None:
        found = found - outcome[before].mean(axis=0, dtype=float) * (after.stop - after.start)
    return np.asarray(found)


def difference_in_differences(changes: F64, treated: F64, weight: F64) -> float:
    """Mean change of the treated less that of the controls."""
    return mean(changes, weight * treated) - mean(changes, weight * (1.0 - treated))


def relative_difference(outcome: F64, before: F64, treated: F64, weight: F64) -> float:
    """Mean of the treated after, less their mean before grown as the controls' mean grew.

    `outcome` and `before` [unit] are sums over as many months. For groups of different level whose
    season and trend are proportional.
    """
    rest = weight * (1.0 - treated)
    own, level = mean(outcome, weight * treated), mean(before, weight * treated)
    return own - level * mean(outcome, rest) / mean(before, rest)


def path(outcome: Panel, before: slice, after: slice, treated: F64, weight: F64) -> F64:
    """Difference in differences for each month after."""
    start = outcome[before].mean(axis=0, dtype=float)
    return np.array(
        [difference_in_differences(row - start, treated, weight) for row in outcome[after]]
    )


def payback_month(effects: F64, first: int) -> float:
    """Mean month, weighted by size, of the negative effects; `first` is the month of the first.

    nan if no effect is negative.
    """
    negative = np.maximum(-effects, 0.0)
    if negative.sum() <= 0.0:
        return float("nan")
    return float((np.arange(effects.size) + first) @ negative / negative.sum())


def reversal_month(effects: F64, window: int, share: float) -> float:
    """Months after a programme until `share` of its cumulative effect is reversed.

    `effects` are monthly, the first `window` of them under the programme. The last month plus one
    if that never happens, nan if the programme had no positive effect.
    """
    total = effects[:window].sum()
    if total <= 0.0:
        return float("nan")
    reversed_by = -np.cumsum(effects[window:])
    reached = np.flatnonzero(reversed_by >= share * total)
    if reached.size == 0:
        return float(effects.size - window + 1)
    at = int(reached[0])
    earlier = reversed_by[at - 1] if at else 0.0
    step = reversed_by[at] - earlier
    return float(at + (share * total - earlier) / step)


def local_linear_jump(values: F64, running: F64, cutoff: float, width: float, weight: F64) -> float:
    """Jump of `values` at the cutoff (above less below): triangular kernel, line on each side."""
    kernel = weight * np.maximum(1.0 - np.abs(running - cutoff) / width, 0.0)
    kernel = np.where(np.isfinite(running), kernel, 0.0)
    sides = []
    for side in (running >= cutoff, running < cutoff):
        used = kernel * side
        if (used > 0).sum() < FEWEST_GROUPS:
            return float("nan")
        sides.append(_line_at(running - cutoff, values, used))
    return sides[0] - sides[1]


def _line_at(x: F64, y: F64, weight: F64) -> float:
    """Intercept of a weighted least-squares line."""
    x = np.where(weight > 0, x, 0.0)
    total, mean_x = weight.sum(), mean(x, weight)
    mean_y = mean(y, weight)
    spread = (weight * (x - mean_x) ** 2).sum()
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / spread if spread > 0 and total else 0.0
    return float(mean_y - slope * mean_x)


def bunching(
    baskets: F64, weight: F64, threshold: float, region: tuple[float, float],
    others: F64 | None = None, degree: int = 5, bins: int = 60,
) -> float:  # fmt: skip
    """Extra spending a holder from bunching at a threshold (Kleven 2016).

    The counterfactual density is that of people without a coupon, whose weights are `others`
    (difference in bunching), else a polynomial in logs fitted to bins outside `region` (multiples
    of the threshold). Actual less counterfactual baskets up to the end of the region, valued at
    their size, are extra spending.
    """
    edges = np.linspace(0.0, 3.0 * threshold, bins + 1)
    middle = (edges[1:] + edges[:-1]) / 2.0
    counts, spent = _histogram(baskets, weight, edges)
    inside = middle <= region[1] * threshold
    if others is not None:
        if others.sum() <= 0.0:
            return float("nan")
        normal = _histogram(baskets, others, edges)[1] * (weight.sum() / others.sum())
        return float((spent - normal)[inside].sum() / weight.sum())
    inside &= middle >= region[0] * threshold
    fitted = ~inside & (counts > 0)
    if fitted.sum() <= degree + 1:
        return float("nan")
    logs = np.log(middle / threshold)
    line = np.polynomial.Polynomial.fit(
        logs[fitted], np.log(counts[fitted]), degree, w=np.sqrt(counts[fitted])
    )
    return float((spent - np.exp(line(logs)) * middle)[inside].sum() / weight.sum())


def _histogram(baskets: F64, weight: F64, edges: F64) -> tuple[F64, F64]:
    """Number and value of the baskets in each bin; empty ones and those beyond are left out."""
    kept = (baskets > 0.0) & (baskets < edges[-1])
    counts, _ = np.histogram(baskets[kept], edges, weights=weight[kept])
    spent, _ = np.histogram(baskets[kept], edges, weights=weight[kept] * baskets[kept])
    return counts, spent


def regression(y: F64, x: F64, weight: F64 | None = None) -> tuple[F64, F64]:
    """Least-squares coefficients and Newey-West (3 lags) covariance; `x` [row, column]."""
    root = np.ones(y.size) if weight is None else np.sqrt(weight)
    design, target = x * root[:, None], y * root
    inverse = np.linalg.pinv(design.T @ design)
    coefficients = inverse @ design.T @ target
    scores = design * (target - design @ coefficients)[:, None]
    middle = scores.T @ scores
    for lag in range(1, 4):
        cross = scores[lag:].T @ scores[:-lag]
        middle += (1.0 - lag / 4.0) * (cross + cross.T)
    return coefficients, inverse @ middle @ inverse


def narrative(
    outcome: F64, shock: F64, controls: F64, months_of_year: I64, lags: int,
    level: F64 | None = None,
) -> Estimate:  # fmt: skip
    """Effect of a yuan of benefits over the month it is paid and `lags` months after it.

    The growth of aggregate consumption [month] is regressed on the change of benefits and its
    lags, other benefit changes, a constant and the calendar month, all changes over consumption of
    the month before (Romer and Romer 2016): in money both would carry the trend. `level` is that
    consumption where `outcome` is only a part of it. The sum of coefficients is the level effect
    `lags` months after a permanent change.
    """
    before = (outcome if level is None else level)[:-1]
    growth = np.diff(outcome) / before
    columns = [np.ones(growth.size)]
    columns += [(months_of_year[1:] == m).astype(float) for m in range(2, 13)]
    lagged = [_lagged(np.diff(shock) / before, lag) for lag in range(lags + 1)]
    others = [_lagged(np.diff(one) / before, lag) for one in controls for lag in range(lags + 2)]
    x = np.stack([*columns, *lagged, *others], axis=1)
    coefficients, covariance = regression(growth, x)
    chosen = slice(len(columns), len(columns) + lags + 1)
    value = coefficients[chosen].sum()
    return Estimate(float(value), float(np.sqrt(max(covariance[chosen, chosen].sum(), 0.0))))


def _lagged(series: F64, lag: int) -> F64:
    return np.concatenate([np.zeros(lag), series[: series.size - lag]])


def counterfactual(outcome: F64, event: int, after: slice) -> tuple[float, float, float]:
    """Sum over the months after, less the path before continued: trend times calendar month.

    `outcome` [month]; its logarithm before the event is regressed on a trend and calendar months.
    Returns the effect, the counterfactual, and the effect's standard error, which covers noise,
    trend and season (nan with less than a year and a half before). Raises ValueError with less
    than twelve months before.
    """
    if event < 12:
        raise ValueError("the counterfactual needs twelve months before the event")
    months = np.arange(outcome.size)
    season = np.eye(12)[months % 12]
    trend = months / 12.0 if event >= 18 else np.zeros(outcome.size)
    design = np.column_stack([trend, season])
    inverse = np.linalg.pinv(design[:event].T @ design[:event])
    logs = np.log(outcome[:event])
    line = inverse @ design[:event].T @ logs
    expected = np.exp(design[after] @ line)
    free = event - 13
    noise = ((logs - design[:event] @ line) ** 2).sum() / free if event >= 18 else np.nan
    slope = expected @ design[after]
    error = np.sqrt(noise * ((expected**2).sum() + slope @ inverse @ slope))
    return float((outcome[after] - expected).sum()), float(expected.sum()), float(error)


def year_on_year(outcome: F64, after: slice, event: int) -> Estimate:
    """Growth in percent of the months after over the same months a year before.

    The error is the spread of monthly growth before the event over the root of the months.
    """
    earlier = slice(after.start - 12, after.stop - 12)
    value = 100.0 * (outcome[after].sum() / outcome[earlier].sum() - 1.0)
    before = 100.0 * (outcome[12:event] / outcome[: event - 12] - 1.0)
    error = before.std(ddof=1) / np.sqrt(after.stop - after.start) if before.size > 1 else np.nan
    return Estimate(float(value), float(error))
