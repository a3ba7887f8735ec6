"""What the moments say about the parameters: distance, best point, posterior, identifiability.

The variance of a moment adds up what is not known: the target's own error, the chance in the
simulated households (few seeds), and the emulator's error on points it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

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
    """Posterior draws under a uniform prior on the unit cube; one family of chains."""
    return families(problem, problem.wanted[None], chains, warm_up, steps, thin, seed)


def families(
    problem: Problem, wanted: Floats, chains: int, warm_up: int, steps: int, thin: int, seed: int
) -> Chains:
    """Posteriors for several data sets `wanted` [family, m] at once."""
    deviation = np.sqrt(problem.variance)

    def density(points: Floats) -> Floats:
        many, each, k = points.shape
        found = problem.emulator.predict(points.reshape(-1, k)).reshape(many, each, -1)
        scores = (found - wanted[:, None, :]) / deviation
        return np.asarray(-0.5 * (scores**2).sum(axis=2))

    k = problem.emulator.inputs.shape[1]
    draws = np.random.default_rng(seed + 1).random((wanted.shape[0], chains, k))
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
    """Least distance at each value of one coordinate, from the nearest draw and the best point."""
    found = []
    for value in grid:
        near = draws[np.abs(draws[:, coordinate] - value).argmin()]
        starts = [near.copy(), point.copy()]
        for start in starts:
            start[coordinate] = value
        found.append(min(problem.descend(start, coordinate)[1] for start in starts))
    return np.array(found)


# ---------------------------------------------------------------- recovery of known truths


@dataclass(frozen=True)
class Recovery:
    """`truth` [n, k], bounds of 90 % intervals `low`, `high` [n, k] in the unit cube."""

    truth: Floats
    low: Floats
    high: Floats
    r_hat: float

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Whether each interval holds the truth [n, k]."""
        return np.asarray((self.low <= self.truth) & (self.truth <= self.high))

    @property
    def coverage(self) -> Floats:
        """Share of repetitions in which the interval holds the truth [k]."""
        return np.asarray(self.inside.mean(axis=0))


INTERVAL: Final = (0.05, 0.95)


def recover(
    problem: Problem, truth: Floats, observed: Floats, chains: int, warm_up: int, steps: int,
    seed: int,
) -> Recovery:  # fmt: skip
    """Posteriors for synthetic data `observed` [n, m] of known `truth` [n, k]."""
    from calibration.sampler import split_r_hat

    found = families(problem, observed, chains, warm_up, steps, 2, seed).draws
    flat = found.transpose(1, 0, 2, 3).reshape(truth.shape[0], -1, truth.shape[1])
    low, high = np.quantile(flat, INTERVAL, axis=1)
    r_hat = np.median([split_r_hat(found[:, n]).max() for n in range(truth.shape[0])])
    return Recovery(truth, low, high, float(r_hat))


def synthetic(problem: Problem, repetitions: int, seed: int) -> tuple[Floats, Floats]:
    """Truths [n, k] from the prior and noisy moments [n, m] that the emulator gives there."""
    generator = np.random.default_rng(seed)
    truth = generator.random((repetitions, problem.emulator.inputs.shape[1]))
    noise = generator.standard_normal((repetitions, problem.wanted.size))
    return truth, problem.emulator.predict(truth) + noise * np.sqrt(problem.variance)
