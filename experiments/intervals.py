"""90 % intervals for paired differences.

Several replications: Student's t on the paired differences (policy minus baseline with the same
seed) for chance - who is sampled, who loses a job in which month. The interval is then widened by
what drawing parameters, levers and surroundings does to the same seeds (`widened`, and
`experiments.alternatives` for what is drawn). The structure of the model is not in it.

One replication (`--quick`): no spread between seeds is seen, so the spread between groups of
households stands in. Inside each place and residence, the groups (quintile x age) are treated as
a cluster sample of the effect per yuan of baseline spending, a stratified ratio jackknife. True
differences between groups count as noise, so the interval errs on the wide side. A figure that
has no groups (prices, budgets) borrows the relative width of household consumption; if even that
is unknown the interval is the figure plus or minus its own size. A difference of exactly zero in
every group has no spread: that, and only that, is reported as exactly zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
CONFIDENCE: Final = 0.90
UNKNOWN_RELATIVE_ERROR: Final = 1.0

BETWEEN_SEEDS: Final = "paired_t"
SAME_IN_ALL: Final = "same_in_every_replication"
BETWEEN_GROUPS: Final = "group_jackknife"
BORROWED: Final = "borrowed_relative_error"
EXACT: Final = "exactly_zero"
UNKNOWN: Final = "unknown_set_to_own_size"


@dataclass(frozen=True)
class Estimate:
    """A figure with its 90 % interval and how the interval was found."""

    value: float
    low: float
    high: float
    method: str

    def scaled(self, factor: float) -> Estimate:
        """The same estimate in another unit (`factor` > 0)."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.method)

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def t_quantile(degrees_of_freedom: float) -> float:
    """Two-sided 90 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, 0.5 + CONFIDENCE / 2))


def around(value: float, half_width: float, method: str) -> Estimate:
    """A symmetric interval."""
    return Estimate(value, value - half_width, value + half_width, method)


def mean_estimate(differences: Floats, quick: Estimate | None = None) -> Estimate:
    """Mean of paired differences, shape [replication], with its interval.

    With one replication the relative width of `quick` (an estimate from inside the run, or None)
    is used; see the module's docstring.
    """
    count, mean = len(differences), float(differences.mean())
    if not differences.any():
        return Estimate(0.0, 0.0, 0.0, EXACT)
    if count == 1:
        return _single(mean, quick)
    spread = float(differences.std(ddof=1)) / math.sqrt(count)
    return _between_seeds(mean, spread, count)


def ratio_estimate(gains: Floats, costs: Floats, quick: Estimate | None = None) -> Estimate | None:
    """Ratio of mean gain to mean cost, both of shape [replication]; None without positive cost.

    The interval linearises the ratio: t on gain - ratio x cost, divided by the mean cost.
    """
    cost = float(costs.mean())
    if not cost > 0:
        return None
    ratio = float(gains.mean()) / cost
    if not gains.any():
        return Estimate(0.0, 0.0, 0.0, EXACT)
    if len(gains) == 1:
        return _single(ratio, quick)
    spread = float((gains - ratio * costs).std(ddof=1)) / math.sqrt(len(gains)) / cost
    return _between_seeds(ratio, spread, len(gains))


def widened(estimate: Estimate, shifts: Mapping[str, Floats]) -> Estimate:
    """The interval widened by what is not known beside chance.

    `shifts` by source, each [draw], are the same figure with that source drawn from its ranges,
    less the figure at given values, same seed. Sources are taken as independent, so squared half
    widths add up; draws are not averaged away, because only one value will come true.
    """
    known = {source: draw_half_width(one) for source, one in shifts.items()}
    wide = [source for source, half in known.items() if half > 0]
    if not wide:
        return estimate
    half = math.hypot(estimate.half_width, *known.values())
    return around(estimate.value, half, "+".join([estimate.method, *wide]))


def draw_half_width(shifts: Floats) -> float:
    """Half width of the 90 % interval that one source would give alone; `shifts` [draw]."""
    if len(shifts) < 2 or not shifts.any():
        return 0.0
    return t_quantile(len(shifts)) * float(np.sqrt((shifts**2).mean()))


def _between_seeds(value: float, spread: float, count: int) -> Estimate:
    """Student's t; a figure that no seed changes (a capped budget) says so instead."""
    method = BETWEEN_SEEDS if spread > 0 else SAME_IN_ALL
    return around(value, t_quantile(count - 1) * spread, method)


def _single(value: float, quick: Estimate | None) -> Estimate:
    """Interval of one replication from the relative width of another estimate of the run."""
    if quick is None or quick.value == 0 or quick.half_width == 0:
        return around(value, UNKNOWN_RELATIVE_ERROR * abs(value), UNKNOWN)
    relative = quick.half_width / abs(quick.value)
    method = BETWEEN_GROUPS if math.isclose(value, quick.value, rel_tol=1e-9) else BORROWED
    return around(value, relative * abs(value), method)


def group_jackknife(difference: Floats, baseline: Floats) -> Estimate:
    """Total of `difference` with an interval from the spread between groups inside strata.

    Both arrays have shape [stratum, group], same unit. Equation: Cochran, Sampling Techniques
    (1977), sec. 6.11, the separate ratio estimator's variance summed over strata; degrees of
    freedom by Satterthwaite.
    """
    total = float(difference.sum())
    if not difference.any():
        return Estimate(0.0, 0.0, 0.0, EXACT)
    occupied = baseline > 0
    groups = occupied.sum(axis=1)
    size = np.where(occupied, baseline, 0.0)
    rate = difference.sum(axis=1) / np.maximum(size.sum(axis=1), np.finfo(float).tiny)
    residual = np.where(occupied, difference - rate[:, None] * size, 0.0)
    variance = np.where(groups > 1, groups / np.maximum(groups - 1, 1), 0.0) * (residual**2).sum(1)
    if not variance.any():
        return around(total, UNKNOWN_RELATIVE_ERROR * abs(total), UNKNOWN)
    freedom = variance.sum() ** 2 / (variance**2 / np.maximum(groups - 1, 1)).sum()
    return around(total, t_quantile(freedom) * math.sqrt(variance.sum()), BETWEEN_GROUPS)
