"""What a package does at any intensities, estimated from runs: curves and pairs.

For every world (a seed with its draw of parameters) an outcome at intensities x is

    sum of f_i(x_i)  +  sum of I_ij x_i x_j

f_i goes monotonically (PCHIP, Fritsch and Carlson 1980) through what measure i did alone at each
level, and I_ij is the interaction of i and j at intensity 1. Interactions count only where they
are material: their 90 % interval over worlds leaves out zero and they are at least `LEAST_PART` of
both single effects; otherwise hundreds of small errors would add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from experiments.intervals import mean_estimate
from experiments.paired import Floats

LEAST_PART: Final = 0.01


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


def material(together: Floats, alone: Floats) -> bool:
    """Whether an interaction [world] counts beside both single effects [world, 2]."""
    interval = mean_estimate(together)
    sure = interval.low > 0 or interval.high < 0
    size = float(np.abs(alone.mean(axis=0)).sum())
    return sure and abs(interval.value) >= LEAST_PART * size


def curves(
    levels: Sequence[float], alone: Floats, joint: Mapping[tuple[int, int], Floats]
) -> Curves:
    """Curves from effects alone [world, measure, level] (levels above 0) and of pairs [world]."""
    zero = np.zeros((*alone.shape[:2], 1))
    one = list(levels).index(1.0)
    pairs = {}
    for (i, j), both in joint.items():
        singles = alone[:, [i, j], one]
        together = both - singles.sum(axis=1)
        if material(together, singles):
            pairs[i, j] = together
    return Curves((0.0, *levels), np.concatenate([zero, alone], axis=2), pairs)
