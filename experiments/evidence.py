"""What replications say about one figure: is it different from zero, and would more of them help?

The p-value is read off the interval of `experiments.intervals`: it is one minus the confidence at
which the interval just touches zero, so a figure has p < 0.10 exactly if zero lies outside its
90 % interval. Without draws that is Student's t. Chance averages away with more replications, what
a draw does to a replication does not.

What a draw does contains luck, too: with other parameters other people are lucky. In an effect that
is little, in an interaction of two measures, a difference of differences, it can be most of it. The
interval then errs on the wide side; `chance_in_draws` says by how much it may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from experiments.paired import Floats

TRIED: Final = (6, 8, 10, 12, 16, 20, 24, 32, 48, 64)
"""Numbers of replications that `Evidence.needed` tries."""
SMALLEST_EXPONENT: Final = -30.0


@dataclass(frozen=True)
class Evidence:
    """Mean, standard deviation over `count` replications, and root mean square of what drawing does
    to a replication (`shift`), all in the unit of the figure.
    """

    mean: float
    deviation: float
    shift: float
    count: int

    def half_width(self, p: float, count: int | None = None) -> float:
        """Half the interval at confidence 1 - p, if the same spread held for `count`."""
        from scipy.special import stdtrit

        n = count or self.count
        chance = -float(stdtrit(n - 1, p / 2)) * self.deviation / math.sqrt(n)
        draws = -float(stdtrit(n, p / 2)) * self.shift if self.shift else 0.0
        return math.hypot(chance, draws)

    @property
    def chance_in_draws(self) -> float:
        """Largest part of the squared `shift` that luck can be, that of unrelated runs; 0 to 1."""
        return min(1.0, 2 * self.deviation**2 / self.shift**2) if self.shift else 0.0

    def p_value(self, count: int | None = None) -> float:
        """1 if the mean is zero, 0 if nothing spreads."""
        from scipy.optimize import brentq
        from scipy.special import stdtr

        n = count or self.count
        if self.mean == 0.0:
            return 1.0
        if not self.shift:
            error = self.deviation / math.sqrt(n)
            return 2 * float(stdtr(n - 1, -abs(self.mean) / error)) if error > 0 else 0.0

        def outside(exponent: float) -> float:
            return self.half_width(10.0**exponent, n) - abs(self.mean)

        if outside(SMALLEST_EXPONENT) < 0:
            return 0.0
        return float(10.0 ** brentq(outside, SMALLEST_EXPONENT, 0.0))

    def needed(self, limit: float) -> int | None:
        """Replications with which p would not exceed `limit` if the spread stayed as it is.

        None if `TRIED` are not enough, as they never are where ignorance is larger than the mean.
        """
        tried = (self.count, *(n for n in TRIED if n > self.count))
        return next((n for n in tried if self.p_value(n) <= limit), None)


def evidence(values: Floats, shifts: Floats) -> Evidence:
    """From a figure [replication] and its shifts [replication], which may be empty."""
    moved = float((shifts**2).mean()) ** 0.5 if len(shifts) > 1 else 0.0
    return Evidence(float(values.mean()), float(values.std(ddof=1)), moved, len(values))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: the smallest false discovery rate at which each would be reported."""
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values, method="bh")] if p_values else []
