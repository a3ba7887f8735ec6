"""What a package does at any intensities, estimated from runs: curves and pairs.

For every world (a seed with its draw of parameters) an outcome at intensities x is

    sum of f_i(x_i)  +  sum of I_ij x_i x_j

f_i goes monotonically (PCHIP, Fritsch and Carlson 1980) through what measure i did alone at each
level, and I_ij is the interaction of i and j at intensity 1. Goals are estimated with chance in
them, and whoever picks the best of many estimates picks lucky ones. So the curve of a goal is the
concave one (returns fall) nearest to the runs, and its mean over worlds is drawn towards zero by
the part of it that chance alone would give (positive-part James and Stein 1961). What budgets pay
is taken as it was run. Interactions are drawn to zero likewise, and left out below `LEAST_PART` of
both single effects: hundreds of small errors would add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from experiments.paired import Floats

LEAST_PART: Final = 0.01
TINY: Final = 1e-12


@dataclass(frozen=True)
class Curves:
    """One quantity: `alone` [world, measure, level] and `pairs` {(i, j): [world]}, i < j.

    `levels` begin with 0, where everything is 0. Only material pairs are kept.
    """

    levels: tuple[float, ...]
    alone: Floats
    pairs: Mapping[tuple[int, int], Floats]

    @property
    def worlds(self) -> int:
        """Number of worlds."""
        return int(self.alone.shape[0])

    @cached_property
    def _functions(self) -> Any:
        """PCHIP through the levels, for [world, measure] at once."""
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(np.array(self.levels), self.alone, axis=2)

    def curve(self, measure: int, at: Floats) -> Floats:
        """[world, position] effect of a measure alone at each intensity of `at`."""
        return np.asarray(self._functions(at)[:, measure])

    def values(self, x: Floats) -> Floats:
        """[world] at intensities x [measure]."""
        each = self._functions(x)  # [world, measure, position]; the diagonal is wanted
        found = np.einsum("wmm->w", each)
        for (i, j), both in self.pairs.items():
            found = found + both * x[i] * x[j]
        return np.asarray(found)


def likely_part(estimates: Floats) -> Floats:
    """[...] part of the mean over worlds [world, ...] that chance would not give, 0 to 1."""
    error = estimates.var(axis=0, ddof=1) / estimates.shape[0]
    signal = estimates.mean(axis=0) ** 2
    share = np.divide(error, signal, out=np.ones_like(signal), where=signal > 0)
    return np.asarray(np.clip(1.0 - share, 0.0, 1.0))


def material(together: Floats, alone: Floats) -> Floats | None:
    """An interaction [world] drawn to zero by chance; None if too small beside both effects."""
    kept = together * likely_part(together)
    size = float(np.abs(alone.mean(axis=0)).sum())
    return kept if abs(float(kept.mean())) >= max(LEAST_PART * size, TINY) else None


def concave(levels: Sequence[float], effects: Floats) -> Floats:
    """The nearest (least squares) concave curve through 0 at the levels, [level]."""
    from scipy.optimize import nnls

    at = np.asarray(levels, dtype=float)
    bends = [-np.maximum(at - knee, 0.0) for knee in at[:-1]]
    basis = np.stack([at, -at, *bends], axis=1)
    size = float(np.abs(effects).max()) or 1.0
    weights, _ = nnls(basis, effects / size)
    return np.asarray(basis @ weights * size)


def drawn_to_zero(alone: Floats) -> Floats:
    """[world, measure, level] with every measure's mean over worlds shrunk by its own chance."""
    mean = alone.mean(axis=0)  # [measure, level]
    kept = likely_part(alone.mean(axis=2))
    return np.asarray(alone - mean + kept[:, None] * mean)


def goal_curves(
    levels: Sequence[float], alone: Floats, joint: Mapping[tuple[int, int], Floats]
) -> Curves:
    """As `curves`, for figures with chance in them (see the module)."""
    raw = curves(levels, alone, joint)
    smooth = np.array([[concave(levels, effects) for effects in world] for world in alone])
    return Curves(raw.levels, curves(levels, drawn_to_zero(smooth), {}).alone, raw.pairs)


def curves(
    levels: Sequence[float], alone: Floats, joint: Mapping[tuple[int, int], Floats]
) -> Curves:
    """Curves from effects alone [world, measure, level] (levels above 0) and of pairs [world]."""
    zero = np.zeros((*alone.shape[:2], 1))
    one = list(levels).index(1.0)
    pairs = {}
    for (i, j), both in joint.items():
        singles = alone[:, [i, j], one]
        together = material(both - singles.sum(axis=1), singles)
        if together is not None:
            pairs[i, j] = together
    return Curves((0.0, *levels), np.concatenate([zero, alone], axis=2), pairs)
