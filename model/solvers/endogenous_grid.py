"""Income-fluctuation problems solved by endogenous grid points, for any number of stages.

The Euler equation u'(c) = max(u'(m), beta R G^-gamma E u'(c')) is inverted at end-of-period assets
instead of solved at cash on hand (Carroll 2006, Economics Letters 91); successive policies are
mixed by Anderson's method (Walker and Ni 2011, SIAM Journal on Numerical Analysis 49).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from model.solvers.grids import FloatArray

# Numerical settings: precision and speed, never the economics.
TOLERANCE = 1e-7  # largest relative change of consumption in one iteration, see `solve`
MAX_ITERATIONS = 20_000
PLAIN_ITERATIONS = 20  # before mixing starts
MEMORY = 6  # iterations that are mixed
LARGEST_MOVE = 1.0  # of a log, in one mixing
RIDGE = 1e-12  # of the trace, keeps the mixing equations solvable
ASSETS_PER_OCTAVE = 6
COARSE_PER_OCTAVE = 2  # first pass, whose policy starts the fine one


@dataclass(frozen=True)
class Problem:
    """One income-fluctuation problem with S stages and P income states.

    `transition` [S*P, S*P]: probability of (stage, income) next month given today's;
    `net_income` [S, P, K] yuan and `probability` [S, K]: income after bills on arrival there;
    `discount` = beta R G^-gamma; `interest` = R / G, both monthly.
    """

    transition: FloatArray
    net_income: FloatArray
    probability: FloatArray
    discount: float
    interest: float
    risk_aversion: float
    subsistence: float


@dataclass(frozen=True)
class Policy:
    """Consumption [S, P, A] and cash on hand [S, P, A] at end-of-period assets [A]; yuan."""

    assets: FloatArray
    cash: FloatArray
    consumption: FloatArray
    iterations: int


# ---------------------------------------------------------------- kernels


@njit(cache=True, nogil=True, error_model="numpy")
def _expected_marginal(
    assets: FloatArray,
    cash: FloatArray,
    consumption: FloatArray,
    net_income: FloatArray,
    probability: FloatArray,
    interest: float,
    risk_aversion: float,
    subsistence: float,
    out: FloatArray,
) -> None:
    """Expected marginal utility [S, P, A] of assets on arrival in a stage and income."""
    last = assets.size - 1
    for s in range(cash.shape[0]):
        for j in range(cash.shape[1]):
            known_cash = cash[s, j]
            known = consumption[s, j]
            out[s, j, :] = 0.0
            for k in range(net_income.shape[2]):
                chance = probability[s, k]
                if chance == 0.0:
                    continue
                at = 0
                for i in range(assets.size):
                    m = interest * assets[i] + net_income[s, j, k]
                    if m <= known_cash[0]:
                        c = m
                    else:
                        while at < last - 1 and known_cash[at + 1] < m:
                            at += 1
                        slope = (known[at + 1] - known[at]) / (known_cash[at + 1] - known_cash[at])
                        c = known[at] + slope * (m - known_cash[at])
                    out[s, j, i] += chance * (c - subsistence) ** (-risk_aversion)


@njit(cache=True, nogil=True, error_model="numpy")
def _euler_step(
    starts: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    weights: FloatArray,
    marginal: FloatArray,
    discount: float,
    risk_aversion: float,
    subsistence: float,
    assets: FloatArray,
    consumption: FloatArray,
    cash: FloatArray,
) -> float:
    """Invert the Euler equation at every asset node; returns the largest relative change."""
    incomes, nodes = cash.shape[1], assets.size
    expected = np.empty(nodes)
    change = 0.0
    for row in range(starts.size - 1):
        s, j = row // incomes, row % incomes
        expected[:] = 0.0
        for entry in range(starts[row], starts[row + 1]):
            t, q = columns[entry] // incomes, columns[entry] % incomes
            for i in range(nodes):
                expected[i] += weights[entry] * marginal[t, q, i]
        for i in range(nodes):
            c = subsistence + (discount * expected[i]) ** (-1.0 / risk_aversion)
            change = max(change, abs(c / consumption[s, j, i] - 1.0))
            consumption[s, j, i] = c
            cash[s, j, i] = assets[i] + c
    return change


# ---------------------------------------------------------------- one problem


def asset_grid(top: float, bottom: float = 8.0, per_octave: int = ASSETS_PER_OCTAVE) -> FloatArray:
    """End-of-period assets: zero, then equal steps in the log from `bottom` to `top` yuan."""
    count = round(float(np.log2(top / bottom)) * per_octave) + 1
    return np.concatenate([[0.0], np.geomspace(bottom, top, count)])


def sparse_rows(
    matrix: FloatArray,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], FloatArray]:
    """Row starts, columns and values of the non-zero entries of a square matrix."""
    rows, columns = np.nonzero(matrix)
    starts = np.searchsorted(rows, np.arange(matrix.shape[0] + 1))
    return starts.astype(np.int64), columns.astype(np.int64), matrix[rows, columns]


def solve(
    problem: Problem,
    assets: FloatArray,
    start: Policy | None = None,
    tolerance: float = TOLERANCE,
) -> Policy:
    """Fixed point of the Euler equation, from the policy `start` if given.

    Stops when one iteration changes no node's consumption by more than `tolerance` (relative).
    Raises RuntimeError if that is not reached. Iterations are mixed by Anderson's method in the
    log of consumption above subsistence: patient types contract by two per mille an iteration,
    and plain iteration would need ten times as many.
    """
    consumption = _first_guess(problem, assets) if start is None else start.consumption.copy()
    rows, mixer = sparse_rows(problem.transition), _Mixer(assets)
    marginal, cash = np.empty_like(consumption), assets + consumption
    for iteration in range(1, MAX_ITERATIONS + 1):
        before = np.log(consumption - problem.subsistence)
        _expected_marginal(
            assets, cash, consumption, problem.net_income, problem.probability, problem.interest,
            problem.risk_aversion, problem.subsistence, marginal,
        )  # fmt: skip
        change = _euler_step(
            *rows, marginal, problem.discount, problem.risk_aversion, problem.subsistence, assets,
            consumption, cash,
        )  # fmt: skip
        if change < tolerance:
            return Policy(assets, cash, consumption, iteration)
        if iteration > PLAIN_ITERATIONS:
            mixed = mixer.mix(before, np.log(consumption - problem.subsistence))
            consumption = problem.subsistence + np.exp(mixed)
            cash = assets + consumption
    raise RuntimeError(f"consumption problem not solved in {MAX_ITERATIONS} iterations")


def _first_guess(problem: Problem, assets: FloatArray) -> FloatArray:
    """Mean income of the state plus interest and a small part of assets."""
    mean = np.einsum("spk,sk->sp", problem.net_income, problem.probability)
    return np.asarray(mean[:, :, None] + max(problem.interest - 1.0 + 0.005, 0.001) * assets)


class _Mixer:
    """Anderson mixing: the combination of recent iterations with the smallest residual.

    A proposal that is not finite, moves too far or makes cash on hand fall in assets is refused
    and the memory cleared: the plain iteration, a contraction, goes on from there.
    """

    def __init__(self, assets: FloatArray) -> None:
        self.assets = assets
        self.seen = 0
        self.image = self.residual = np.empty(0)
        self.moves = self.steps = np.empty((0, 0))

    def mix(self, before: FloatArray, after: FloatArray) -> FloatArray:
        """Next iterate from an iterate and its image, both [S, P, A] logs."""
        image, residual = after.ravel(), (after - before).ravel()
        if self.seen == 0:
            self.moves, self.steps = np.zeros((MEMORY, after.size)), np.zeros((MEMORY, after.size))
        else:
            row = (self.seen - 1) % MEMORY
            np.subtract(image, self.image, out=self.moves[row])
            np.subtract(residual, self.residual, out=self.steps[row])
        self.image, self.residual = image, residual
        self.seen += 1
        if self.seen < 3:
            return after
        known = min(self.seen - 1, MEMORY)
        gram = self.steps[:known] @ self.steps[:known].T
        gram += RIDGE * np.trace(gram) * np.eye(known)
        weights = np.linalg.solve(gram, self.steps[:known] @ residual)
        shift = weights @ self.moves[:known]
        proposal = (image - shift).reshape(after.shape)
        usable = bool(np.abs(shift).max() < LARGEST_MOVE)  # false for anything not finite
        if usable and np.all(np.diff(self.assets + np.exp(proposal), axis=-1) > 0.0):
            return proposal
        self.seen = 0
        return after


def on_assets(policy: Policy, assets: FloatArray) -> Policy:
    """The policy at other end-of-period assets, to start from (linear, ends held)."""
    rows = policy.consumption.reshape(-1, policy.assets.size)
    moved = np.stack([np.interp(assets, policy.assets, row) for row in rows])
    consumption = moved.reshape(*policy.consumption.shape[:2], assets.size)
    return Policy(assets, assets + consumption, consumption, policy.iterations)


def on_cash_grid(policy: Policy, nodes: FloatArray) -> FloatArray:
    """Consumption [S, cash node, P] at cash `nodes`; all cash is spent below the first point."""
    stages, incomes, _ = policy.cash.shape
    values = np.empty((stages, nodes.size, incomes))
    for s in range(stages):
        for j in range(incomes):
            cash, spent = policy.cash[s, j], policy.consumption[s, j]
            slope = (spent[-1] - spent[-2]) / (cash[-1] - cash[-2])
            beyond = spent[-1] + slope * (nodes - cash[-1])
            inner = np.where(nodes > cash[-1], beyond, np.interp(nodes, cash, spent))
            values[s, :, j] = np.where(nodes <= cash[0], nodes, np.minimum(inner, nodes))
    return values
