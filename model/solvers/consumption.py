"""The households' consumption problem, solved by endogenous grid points into one table.

Monthly, real and detrended by income growth G, a household of a patience type solves

    max E sum beta^t u(c),  u(c) = (c - cmin)^(1 - gamma) / (1 - gamma)
    m' = (R / G) (m - c) + n',  0 <= c <= m,  n' = max(y' - X', floor)

with permanent income p: before retirement p' = (1 - d) p psi + d pbar (a Kesten process: mean
preserved, stationary spread); at work y' = p' xi, while unemployed y' = share p' + benefit;
retirement multiplies p by the replacement ratio, succession by a working generation divides it.
X' is a large medical bill. The Euler equation is u'(c) = beta R G^-gamma E u'(c').

The income state of the table is SPENDABLE permanent income p (1 - kappa(p)): a committed share
kappa of regular income never reaches the monthly choice. Expectations follow p itself, so the step
between two spendable incomes goes through `CommittedRule`.

Sources: Carroll (2006, Economics Letters 91) for the endogenous grid; Kesten (1973) for the income
process; Chamon, Liu and Prasad (2013, Journal of Development Economics 105) for the risks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.dimensions import PATIENCE_TYPES, RESIDENCES, STAGES
from model.parameters import Parameters
from model.solvers import endogenous_grid, grids
from model.solvers.cache import cached, combined_digest, source_digest
from model.solvers.endogenous_grid import (
    COARSE_PER_OCTAVE,
    Policy,
    Problem,
    asset_grid,
    on_assets,
    on_cash_grid,
    solve,
)
from model.solvers.grids import CASH_GRID, INCOME_GRID, FloatArray

FloatTable = npt.NDArray[np.float32]
EMPLOYED, UNEMPLOYED, RETIRED = range(len(STAGES))
MONTHS = 12
HERMITE_NODES = 5


@dataclass(frozen=True)
class ConsumptionTables:
    """Monthly consumption in yuan at the nodes of CASH_GRID x INCOME_GRID.

    `values`: float32, C-contiguous [fear, residence, stage, patience, cash node, income node];
    cash on hand and spendable permanent income of the household's own stage, in yuan.
    `iterations`: int64 [fear, residence, patience].
    """

    values: FloatTable
    iterations: npt.NDArray[np.int64]


@dataclass(frozen=True)
class CommittedRule:
    """Committed saving share: a logistic in log permanent income (H2); shapes broadcast."""

    maximum: FloatArray  # [residence]
    centre: float
    slope: float
    retired_factor: float

    def share(self, income: FloatArray, residence: int, stage: int) -> FloatArray:
        """Committed share of regular income at permanent income `income` (yuan a month)."""
        weight = 1.0 / (1.0 + (np.asarray(income) / self.centre) ** (-1.0 / self.slope))
        scale = self.retired_factor if stage == RETIRED else 1.0
        return np.asarray(self.maximum[residence] * scale * weight, dtype=np.float64)

    def spendable(self, income: FloatArray, residence: int, stage: int) -> FloatArray:
        """Permanent income less committed saving (yuan a month)."""
        return np.asarray(income * (1.0 - self.share(income, residence, stage)), dtype=np.float64)

    def permanent(self, spendable: FloatArray, residence: int, stage: int) -> FloatArray:
        """Inverse of `spendable`. Raises ValueError if the rule is not increasing."""
        fine = np.geomspace(spendable.min(), spendable.max() / (1.0 - self.maximum.max()), 20_001)
        image = self.spendable(fine, residence, stage)
        if np.any(np.diff(image) <= 0.0):
            raise ValueError("committed share rises so fast that spendable income falls")
        return np.asarray(np.interp(spendable, image, fine), dtype=np.float64)


def committed_rule(parameters: Parameters) -> CommittedRule:
    """The committed-saving rule of a parameter set."""
    return CommittedRule(
        parameters.array("consumption.committed.maximum"),
        parameters.number("consumption.committed.centre"),
        parameters.number("consumption.committed.slope"),
        parameters.number("consumption.committed.retired_factor"),
    )


# ---------------------------------------------------------------- building the problems


def hermite_lognormal(
    deviation: float, nodes: int = HERMITE_NODES
) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a log-normal variable with mean one (Gauss-Hermite)."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    values = np.exp(deviation * points)
    return values / (weights @ values), weights


def moment_weights(nodes: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Probabilities [rows, nodes] on a grid with the given mean and variance in each row.

    Shocks are small against the spacing of the income grid, so that linear interpolation would
    inflate their variance several times. Three nodes around the mean match both moments; where
    no three non-negative weights can (drift large, variance small), two nodes match the mean.
    """
    result = np.zeros((mean.size, nodes.size))
    for row, (centre, spread) in enumerate(zip(mean, variance, strict=True)):
        target = min(max(centre, nodes[0]), nodes[-1])
        near = int(np.clip(np.abs(nodes - target).argmin(), 1, nodes.size - 2))
        low, mid, high = nodes[near - 1], nodes[near], nodes[near + 1]
        second = spread + (target - mid) ** 2
        up = (second + (target - mid) * (mid - low)) / ((high - mid) * (high - low))
        down = (second - (target - mid) * (high - mid)) / ((mid - low) * (high - low))
        if spread > 0.0 and min(up, down, 1.0 - up - down) >= 0.0:
            result[row, near - 1 : near + 2] = down, 1.0 - up - down, up
        else:
            left = int(np.clip(np.searchsorted(nodes, target) - 1, 0, nodes.size - 2))
            share = (target - nodes[left]) / (nodes[left + 1] - nodes[left])
            result[row, left : left + 2] = 1.0 - share, share
    return result


def stage_transition(parameters: Parameters, residence: int, fear: float) -> FloatArray:
    """Monthly probabilities [stage today, stage next month]; separation times `fear`."""
    loss = fear * parameters.array("consumption.separation")[residence]
    find = parameters.array("consumption.finding")[residence]
    retire = parameters.array("consumption.retirement")[residence]
    follow = parameters.array("consumption.succession")[residence]
    return np.array(
        [
            [(1.0 - retire) * (1.0 - loss), (1.0 - retire) * loss, retire],
            [(1.0 - retire) * find, (1.0 - retire) * (1.0 - find), retire],
            [follow, 0.0, 1.0 - follow],
        ]
    )


def _income_moves(
    parameters: Parameters, residence: int, nodes: FloatArray
) -> dict[tuple[int, int], FloatArray]:
    """Probabilities [P, P] between spendable incomes for every possible change of stage."""
    rule = committed_rule(parameters)
    own = {s: rule.permanent(nodes, residence, s) for s in (EMPLOYED, UNEMPLOYED, RETIRED)}
    keep = 1.0 - parameters.number("consumption.reversion")
    pull = (1.0 - keep) * parameters.array("consumption.anchor_income")[residence]
    deviation = parameters.number("consumption.permanent_deviation") / np.sqrt(MONTHS)
    shocks, weights = hermite_lognormal(deviation)
    replacement = parameters.array("consumption.replacement")[residence]

    def moved(end: int, income: FloatArray) -> FloatArray:
        arrival = rule.spendable(income, residence, end)
        mean = arrival @ weights if arrival.ndim == 2 else arrival
        spread = ((arrival - mean[:, None]) ** 2) @ weights if arrival.ndim == 2 else 0.0 * mean
        return moment_weights(nodes, mean, spread)

    working = keep * own[EMPLOYED][:, None] * shocks + pull
    # The same without work: if shocks and reversion stopped, fear of unemployment would bring
    # relief from the risk of the trade and could raise consumption.
    searching = keep * own[UNEMPLOYED][:, None] * shocks + pull
    return {
        (EMPLOYED, EMPLOYED): moved(EMPLOYED, working),
        (EMPLOYED, UNEMPLOYED): moved(UNEMPLOYED, working),
        (EMPLOYED, RETIRED): moved(RETIRED, replacement * own[EMPLOYED]),
        (UNEMPLOYED, EMPLOYED): moved(EMPLOYED, searching),
        (UNEMPLOYED, UNEMPLOYED): moved(UNEMPLOYED, searching),
        (UNEMPLOYED, RETIRED): moved(RETIRED, replacement * own[UNEMPLOYED]),
        (RETIRED, EMPLOYED): moved(EMPLOYED, own[RETIRED] / replacement),
        (RETIRED, RETIRED): moved(RETIRED, own[RETIRED]),
    }


def _net_incomes(
    parameters: Parameters, residence: int, nodes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Income after medical bills [S, P, K] and its probabilities [S, K].

    K = transitory shocks without a bill, then the bill at the mean transitory shock.
    """
    deviation = parameters.array("consumption.transitory_deviation")[residence]
    shocks, weights = hermite_lognormal(deviation)
    bill = parameters.number("consumption.medical_size") * parameters.number(
        "consumption.out_of_pocket"
    )
    chance = parameters.array("consumption.medical_probability")[residence]
    floor = parameters.array("consumption.income_floor")[residence]
    kept = parameters.number("consumption.unemployment_income_share")
    benefit = parameters.array("consumption.unemployment_benefit")[residence]
    income = np.repeat(nodes[None, :, None], len(STAGES), axis=0) * np.ones(shocks.size + 1)
    income[EMPLOYED, :, :-1] *= shocks
    income[UNEMPLOYED] = kept * income[UNEMPLOYED] + benefit
    income[:, :, -1] -= bill * nodes
    probability = np.zeros((len(STAGES), shocks.size + 1))
    for stage in range(len(STAGES)):
        usual = weights if stage == EMPLOYED else np.eye(shocks.size)[0]
        probability[stage, :-1] = (1.0 - chance[stage]) * usual
        probability[stage, -1] = chance[stage]
    return np.maximum(income, floor), probability


def problems(
    parameters: Parameters, residence: int, patience: int, fears: Iterable[float]
) -> list[Problem]:
    """The problems of one household type at each fear factor, on INCOME_GRID.

    Retired households plan on the next generation's earnings only with the weight
    `consumption.heir_weight`; otherwise the estate is worth to them what own later years are.
    """
    weight = parameters.number("consumption.heir_weight")
    nodes = INCOME_GRID.nodes
    moves = _income_moves(parameters, residence, nodes)
    net_income, probability = _net_incomes(parameters, residence, nodes)
    gamma = parameters.number("consumption.risk_aversion")
    interest = (1.0 + parameters.number("consumption.interest_rate")) ** (1.0 / MONTHS)
    growth = (1.0 + parameters.number("consumption.growth")) ** (1.0 / MONTHS)
    beta = parameters.array("consumption.discount_factors")[patience] ** (1.0 / MONTHS)
    found = []
    for fear in fears:
        stages = stage_transition(parameters, residence, fear)
        stages[RETIRED] = weight * stages[RETIRED] + (1.0 - weight) * np.eye(len(STAGES))[RETIRED]
        matrix = np.zeros((len(STAGES), nodes.size, len(STAGES), nodes.size))
        for (start, end), move in moves.items():
            matrix[start, :, end, :] = stages[start, end] * move
        found.append(
            Problem(
                matrix.reshape(len(STAGES) * nodes.size, -1),
                net_income,
                probability,
                beta * interest * growth**-gamma,
                interest / growth,
                gamma,
                parameters.array("consumption.subsistence")[residence],
            )
        )
    return found


# ---------------------------------------------------------------- tables


def _solve_type(
    parameters: Parameters, residence: int, patience: int
) -> tuple[FloatArray, list[int]]:
    """Tables [fear, S, cash, P] of one type; each fear level starts from the one before."""
    fears = parameters.array("consumption.fear_factors")
    assets = asset_grid(CASH_GRID.nodes[-1])
    tables, iterations = [], []
    policy: Policy | None = None
    for problem in problems(parameters, residence, patience, fears):
        if policy is None:
            coarse = asset_grid(CASH_GRID.nodes[-1], per_octave=COARSE_PER_OCTAVE)
            policy = on_assets(solve(problem, coarse), assets)
        policy = solve(problem, assets, policy)
        tables.append(on_cash_grid(policy, CASH_GRID.nodes))
        iterations.append(policy.iterations)
    return np.stack(tables), iterations


def solve_tables(parameters: Parameters, workers: int | None = None) -> ConsumptionTables:
    """Solve all types without the cache, on `workers` threads (all processors if None)."""
    fears = parameters.array("consumption.fear_factors").size
    shape = (fears, len(RESIDENCES), len(STAGES), len(PATIENCE_TYPES))
    values = np.empty((*shape, CASH_GRID.size, INCOME_GRID.size), dtype=np.float32)
    iterations = np.empty((fears, len(RESIDENCES), len(PATIENCE_TYPES)), dtype=np.int64)
    # The most patient types take longest: start them first.
    jobs = [(r, b) for b in reversed(range(len(PATIENCE_TYPES))) for r in range(len(RESIDENCES))]
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        solved = pool.map(lambda job: _solve_type(parameters, *job), jobs)
        for (residence, patience), (tables, used) in zip(jobs, solved, strict=True):
            values[:, residence, :, patience] = _rounded_down(tables)
            iterations[:, residence, patience] = used
    return ConsumptionTables(values, iterations)


def _rounded_down(tables: FloatArray) -> FloatTable:
    """float32 not above cash on hand, increasing in income despite rounding."""
    rounded = np.minimum(tables, CASH_GRID.nodes[:, None]).astype(np.float32)
    return np.asarray(np.maximum.accumulate(rounded, axis=-1), dtype=np.float32)


def tables_digest(parameters: Parameters) -> str:
    """Hash of the values and code that determine the consumption tables."""
    return combined_digest(
        parameters.digest("consumption."),
        source_digest(__file__, str(endogenous_grid.__file__), str(grids.__file__)),
    )


def consumption_tables(parameters: Parameters) -> ConsumptionTables:
    """Solved tables for `parameters` ("consumption." values), from the cache if it has them."""

    def build() -> dict[str, npt.NDArray[np.generic]]:
        solved = solve_tables(parameters)
        return {"values": solved.values, "iterations": solved.iterations}

    found = cached("consumption", tables_digest(parameters), build)
    return ConsumptionTables(np.ascontiguousarray(found["values"]), found["iterations"])


__all__: Sequence[str] = (
    "CommittedRule", "ConsumptionTables", "Policy", "Problem", "asset_grid", "committed_rule",
    "consumption_tables", "on_cash_grid", "problems", "solve", "solve_tables", "tables_digest",
)  # fmt: skip
