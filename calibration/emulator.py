"""Gaussian processes that stand for the simulator, one a moment, with their cross-validated error.

A moment is a linear function of the parameters plus a smooth deviation with a length scale for each
coordinate (kernel: linear plus squared exponential plus noise); the hyperparameters maximise the
marginal likelihood under a broad prior. Its error is measured on points left out together with all
points that share their solution, in closed form (Dubrule 1983, Mathematical Geology 15), because
points that share a solution say too much about each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SLOPE_VARIANCE: Final = 1.0  # of the linear part; moments are standardised, coordinates in [-1, 1]
LEAST_NOISE: Final = 1e-4
LENGTH_PRIOR: Final = (1.0, 1.0)  # mean and deviation of the log length scale
START: Final = (0.0, -2.0)  # log amplitude and log noise deviation


@dataclass(frozen=True)
class Emulator:
    """Fitted processes for m moments on n points of k coordinates.

    `inputs` [n, k] in [-1, 1]; `lengths` [m, k]; `amplitude`, `noise` [m] deviations; `weights`
    [m, n]; `centre`, `spread` [m] of the moments; `groups` [n] points that share a solution;
    `outputs` [n, m]; `error` [m] root mean squared error of points left out with their group.
    """

    inputs: Floats
    outputs: Floats
    groups: Ints
    lengths: Floats
    amplitude: Floats
    noise: Floats
    centre: Floats
    spread: Floats
    weights: Floats
    error: Floats

    def predict(self, unit: Floats) -> Floats:
        """Moments [p, m] at points [p, k] of the unit cube."""
        x = 2.0 * np.atleast_2d(unit) - 1.0
        kernel = _cross(x, self.inputs, self.lengths, self.amplitude)
        raw = np.einsum("mpn,mn->pm", kernel, self.weights, optimize=True)
        return np.asarray(self.centre + self.spread * raw)

    def weights_without(self, group: int) -> Floats:
        """Weights [m, n] of processes that never saw one group of points: zero for those points."""
        kept = self.groups != group
        found = np.zeros_like(self.weights)
        found[:, kept] = _weights(
            self.inputs[kept], (self.outputs[kept] - self.centre) / self.spread, self.lengths,
            self.amplitude, self.noise,
        )  # fmt: skip
        return found

    def predict_many(self, unit: Floats, weights: Sequence[Floats]) -> Floats:
        """Moments [s, p, m] at the same points under several sets of weights [m, n]."""
        x, stacked = 2.0 * unit - 1.0, np.array(weights)
        found = np.empty((len(weights), unit.shape[0], self.centre.size))
        for m in range(self.centre.size):
            one = slice(m, m + 1)
            kernel = _cross(x, self.inputs, self.lengths[one], self.amplitude[one])[0]
            found[:, :, m] = (kernel @ stacked[:, m].T).T * self.spread[m] + self.centre[m]
        return found

    def extended(self, unit: Floats, outputs: Floats, group: int) -> Emulator:
        """The same processes (hyperparameters kept) with one more point [k] and its moments [m]."""
        inputs = np.vstack([self.inputs, 2.0 * unit - 1.0])
        known = np.vstack([self.outputs, outputs])
        scaled = (known - self.centre) / self.spread
        return replace(
            self, inputs=inputs, outputs=known, groups=np.append(self.groups, group),
            weights=_weights(inputs, scaled, self.lengths, self.amplitude, self.noise),
        )  # fmt: skip

    def explained(self) -> Floats:
        """Share of the variance of each moment over the design that left-out points explain [m]."""
        return np.asarray(1.0 - (self.error / self.spread) ** 2)

    def moments(self, chosen: Sequence[int]) -> Emulator:
        """The processes of some of the moments."""
        pick = np.asarray(chosen, dtype=np.int64)
        return Emulator(
            self.inputs, self.outputs[:, pick], self.groups, self.lengths[pick],
            self.amplitude[pick], self.noise[pick], self.centre[pick], self.spread[pick],
            self.weights[pick], self.error[pick],
        )  # fmt: skip


def fit(unit: Floats, outputs: Floats, groups: Ints) -> Emulator:
    """Processes for `outputs` [n, m] at points `unit` [n, k] of the unit cube."""
    x, centre, spread = 2.0 * unit - 1.0, outputs.mean(axis=0), outputs.std(axis=0)
    spread = np.where(spread > 0.0, spread, 1.0)
    y = (outputs - centre) / spread
    chosen = np.array([_hyperparameters(x, y[:, m]) for m in range(y.shape[1])])
    lengths, amplitude = np.exp(chosen[:, 2:]), np.exp(chosen[:, 0])
    noise = np.exp(chosen[:, 1]) + LEAST_NOISE
    weights = _weights(x, y, lengths, amplitude, noise)
    error = np.array(
        [
            _left_out(_kernel(x, lengths[m], amplitude[m], noise[m]), y[:, m], groups)
            for m in range(y.shape[1])
        ]
    )
    return Emulator(
        x, outputs, groups, lengths, amplitude, noise, centre, spread, weights, error * spread
    )


def _cross(x: Floats, z: Floats, lengths: Floats, amplitude: Floats) -> Floats:
    """Kernels [m, p, n] between points x [p, k] and z [n, k]."""
    a, b = x[None] / lengths[:, None, :], z[None] / lengths[:, None, :]
    apart = (a**2).sum(axis=2)[:, :, None] + (b**2).sum(axis=2)[:, None, :]
    apart -= 2.0 * np.matmul(a, b.transpose(0, 2, 1))
    linear = SLOPE_VARIANCE * (1.0 + x @ z.T)
    return np.asarray(amplitude[:, None, None] ** 2 * np.exp(-0.5 * apart) + linear)


def _kernel(x: Floats, lengths: Floats, amplitude: float, noise: float) -> Floats:
    kernel = _cross(x, x, lengths[None], np.array([amplitude]))[0]
    kernel[np.diag_indices_from(kernel)] += noise**2
    return np.asarray(kernel)


def _weights(x: Floats, y: Floats, lengths: Floats, amplitude: Floats, noise: Floats) -> Floats:
    """Weights [m, n] of the training points."""
    found = [
        cho_solve(cho_factor(_kernel(x, lengths[m], amplitude[m], noise[m])), y[:, m])
        for m in range(y.shape[1])
    ]
    return np.array(found)


def _hyperparameters(x: Floats, y: Floats) -> Floats:
    """Log amplitude, log noise and log lengths that maximise the penalised likelihood."""
    start = np.concatenate([START, np.full(x.shape[1], LENGTH_PRIOR[0])])
    squares = (x[:, None, :] - x[None, :, :]) ** 2
    bounds = [(-6.0, 3.0), (-7.0, 1.0)] + [(-1.5, 5.0)] * x.shape[1]
    found = minimize(
        _loss, start, args=(x, y, squares), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 120},
    )  # fmt: skip
    return np.asarray(found.x)


def _loss(theta: Floats, x: Floats, y: Floats, squares: Floats) -> tuple[float, Floats]:
    """Minus log likelihood and prior of the hyperparameters, and the gradient."""
    amplitude, noise, lengths = np.exp(theta[0]), np.exp(theta[1]) + LEAST_NOISE, np.exp(theta[2:])
    smooth = amplitude**2 * np.exp(-0.5 * (squares / lengths**2).sum(axis=2))
    kernel = smooth + SLOPE_VARIANCE * (1.0 + x @ x.T) + noise**2 * np.eye(y.size)
    factor = cho_factor(kernel, lower=True)
    alpha = cho_solve(factor, y)
    inverse = cho_solve(factor, np.eye(y.size))
    inner = inverse - np.outer(alpha, alpha)
    off = (theta[2:] - LENGTH_PRIOR[0]) / LENGTH_PRIOR[1]
    value = 0.5 * y @ alpha + np.log(np.diag(factor[0])).sum() + 0.5 * off @ off
    weighted = inner * smooth
    by_length = 0.5 * np.einsum("ij,ijk->k", weighted, squares) / lengths**2
    by_noise = np.trace(inner) * noise * np.exp(theta[1])
    gradient = np.concatenate([[weighted.sum(), by_noise], by_length + off / LENGTH_PRIOR[1]])
    return float(value), gradient


def _left_out(kernel: Floats, y: Floats, groups: Ints) -> float:
    """Root mean squared error of points predicted without their group."""
    inverse = np.linalg.inv(kernel)
    alpha, squares = inverse @ y, 0.0
    for group in np.unique(groups):
        here = np.flatnonzero(groups == group)
        gap = np.linalg.solve(inverse[np.ix_(here, here)], alpha[here])
        squares += float(gap @ gap)
    return float(np.sqrt(squares / y.size))
