"""What the moments say about the parameters: distance, best point, posterior, identifiability.

The variance of a moment adds up what is not known: the target's own error, the chance in the
simulated households (few seeds), and the emulator's error on points it has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import qmc

from calibration.emulator import Emulator
from calibration.sampler import Chains, sample

Floats = npt.NDArray[np.float64]
PRIOR_DEVIATION: Final = 12.0**-0.5  # of a uniform number in (0, 1)
STEP: Final = 1e-4
STARTS: Final = 24
START_SPREAD: Final = 0.25  # chains start in this middle part of the cube


@dataclass(frozen=True)
class Problem:
    """`wanted` [m], `variance` [m] of its difference to the emulated moment, and the emulator."""

    emulator: Emulator
    wanted: Floats
    variance: Floats

    def scores(self, unit: Floats) -> Floats:
        """Standardised distance [p, m] of the moments at points [p, k] of the unit cube."""
        gap = self.emulator.predict(unit) - self.wanted
        return np.asarray(gap / np.sqrt(self.variance))

    def distance(self, unit: Floats) -> Floats:
        """Sum of squared scores [p]."""
        return np.asarray((self.scores(unit) ** 2).sum(axis=1))

    def slopes(self, unit: Floats) -> Floats:
        """Derivatives [m, k] of the scores at one point [k]."""
        k = unit.size
        points = np.concatenate([unit + STEP * np.eye(k), unit - STEP * np.eye(k)])
        found = self.scores(points)
        return np.asarray((found[:k] - found[k:]).T / (2.0 * STEP))

    def descend(self, start: Floats, fixed: int = -1) -> tuple[Floats, float]:
        """Nearest local minimum of the distance and its value; coordinate `fixed` stays."""
        bounds = [(0.0, 1.0)] * start.size
        if fixed >= 0:
            bounds[fixed] = (float(start[fixed]), float(start[fixed]))

        def value(unit: Floats) -> tuple[float, Floats]:
            scores = self.scores(unit)[0]
            return float(scores @ scores), 2.0 * self.slopes(unit).T @ scores

        found = minimize(value, start, jac=True, method="L-BFGS-B", bounds=bounds)
        return np.asarray(found.x), float(found.fun)

    def best(self, seed: int) -> tuple[Floats, float]:
        """Global minimum by descents from many starts."""
        starts = np.random.default_rng(seed).random((STARTS, self.emulator.inputs.shape[1]))
        found = [self.descend(start) for start in starts]
        return min(found, key=lambda pair: pair[1])


def posterior(
    problem: Problem, chains: int, warm_up: int, steps: int, thin: int, seed: int
) -> Chains:
    """Posterior draws under a uniform prior on the unit cube."""

    def density(points: Floats) -> Floats:
        return np.asarray(-0.5 * problem.distance(points))

    k = problem.emulator.inputs.shape[1]
    draws = np.random.default_rng(seed + 1).random((chains, k))
    start = 0.5 + START_SPREAD * (2.0 * draws - 1.0)
    return sample(density, start, warm_up, steps, thin, seed)


# ---------------------------------------------------------------- identifiability


@dataclass(frozen=True)
class Identifiability:
    """`width` [k] posterior over prior deviation; `eigenvalues` [k] of the information matrix in
    units of the prior's precision, falling, with `directions` [k, k] (columns); `profile`
    [k, points] least distance with one coordinate held at `grid` [points].
    """

    width: Floats
    eigenvalues: Floats
    directions: Floats
    grid: Floats
    profile: Floats


def identifiability(problem: Problem, draws: Floats, point: Floats, points: int) -> Identifiability:
    """What the moments tell apart around `point` [k]; `draws` [n, k] of the posterior."""
    slopes = problem.slopes(np.clip(point, STEP, 1.0 - STEP))
    information = slopes.T @ slopes * PRIOR_DEVIATION**2
    values, vectors = np.linalg.eigh(information)
    grid = np.linspace(0.0, 1.0, points)
    return Identifiability(
        draws.std(axis=0) / PRIOR_DEVIATION, values[::-1], vectors[:, ::-1], grid,
        np.array([_profile(problem, draws, point, j, grid) for j in range(point.size)]),
    )  # fmt: skip


def _profile(
    problem: Problem, draws: Floats, point: Floats, coordinate: int, grid: Floats
) -> Floats:
    """Least distance at each value of one coordinate, up the grid and down again."""
    best, at = np.full(grid.size, np.inf), np.empty((grid.size, point.size))
    for way in (range(grid.size), reversed(range(grid.size))):
        last = point
        for i in way:
            near = draws[np.abs(draws[:, coordinate] - grid[i]).argmin()]
            for start in (near.copy(), last.copy()):
                start[coordinate] = grid[i]
                unit, value = problem.descend(start, coordinate)
                if value < best[i]:
                    best[i], at[i] = value, unit
            last = at[i]
    return best


# ---------------------------------------------------------------- recovery of known truths

INTERVAL: Final = (0.05, 0.95)


@dataclass(frozen=True)
class Recovery:
    """`truth` [n, k], bounds of 90 % intervals `low`, `high` [n, k] in the unit cube.

    `effective` [n]: effective number of prior points behind each interval.
    """

    truth: Floats
    low: Floats
    high: Floats
    effective: Floats

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Whether each interval holds the truth [n, k]."""
        return np.asarray((self.low <= self.truth) & (self.truth <= self.high))

    @property
    def coverage(self) -> Floats:
        """Share of repetitions in which the interval holds the truth [k]."""
        return np.asarray(self.inside.mean(axis=0))


def prior_points(k: int, power: int, seed: int) -> Floats:
    """2 ** `power` evenly spread points [p, k] of the prior."""
    return np.asarray(qmc.Sobol(k, rng=np.random.default_rng(seed)).random_base2(power))


def recover(
    truth: Floats, observed: Floats, points: Floats, moments: Sequence[Floats], variance: Floats
) -> Recovery:
    """90 % intervals for synthetic data `observed` [n, m] of known `truth` [n, k].

    The posterior of each data set is the prior `points` [p, k] weighted with their likelihood;
    `moments` are theirs [p, m], one array for all data sets or one each. No chain is involved, so
    that this also tells whether chains could have found the same.
    """
    low, high, effective = np.empty_like(truth), np.empty_like(truth), np.empty(truth.shape[0])
    order = np.argsort(points, axis=0)
    for n, data in enumerate(observed):
        known = moments[n] if len(moments) > 1 else moments[0]
        weight = importance(known, data, variance)
        effective[n] = 1.0 / (weight @ weight)
        low[n], high[n] = weighted_quantiles(points, weight, INTERVAL, order)
    return Recovery(truth, low, high, effective)


def importance(moments: Floats, wanted: Floats, variance: Floats) -> Floats:
    """Likelihood weights [p], summing to one, of points with these moments [p, m]."""
    logarithm = -0.5 * ((moments - wanted) ** 2 / variance).sum(axis=1)
    weight = np.exp(logarithm - logarithm.max())
    return np.asarray(weight / weight.sum())


def weighted_quantiles(
    points: Floats, weight: Floats, levels: Sequence[float],
    order: npt.NDArray[np.int64] | None = None,
) -> Floats:  # fmt: skip
    """Quantiles [levels, k] of weighted points [p, k]; `order` [p, k] sorts them, if known."""
    order = np.argsort(points, axis=0) if order is None else order
    reached = np.cumsum(weight[order], axis=0)
    found = [
        [points[order[np.searchsorted(reached[:, j], level), j], j] for j in range(points.shape[1])]
        for level in levels
    ]
    return np.array(found)


def synthetic(problem: Problem, repetitions: int, seed: int) -> tuple[Floats, Floats]:
    """Truths [n, k] from the prior and noisy moments [n, m] that the emulator gives there."""
    generator = np.random.default_rng(seed)
    truth = generator.random((repetitions, problem.emulator.inputs.shape[1]))
    noise = generator.standard_normal((repetitions, problem.wanted.size))
    return truth, problem.emulator.predict(truth) + noise * np.sqrt(problem.variance)
