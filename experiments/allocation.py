"""The best intensities within limits: a mixed-integer programme, then a polish between its steps.

Intensities stand on a grid, one binary variable for each measure and step, so curves of any shape
and products of two intensities are exact (a product of a binary and a bounded variable is linear).
HiGHS solves it to proven optimality on the grid (`scipy.optimize.milp`); SLSQP then moves the
measures that are in use continuously by at most one step, and its answer is taken if it is better
and still within every limit.

"expected" maximises the mean over worlds, "cautious" the mean of the worst share of them (expected
shortfall; Rockafellar and Uryasev 2000), which is linear too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from experiments.paired import Floats
from experiments.surface import Curves

EXPECTED, CAUTIOUS = "expected", "cautious"
TIME_LIMIT: Final = 60.0
GAP: Final = 1e-6
TOUCHED: Final = 1e-9
NEGLIGIBLE: Final = 1e-3
"""An intensity below this is none at all."""
SLACK: Final = 1e-6
"""Part of a limit by which the polish may miss it, rounding of the solver included."""


@dataclass(frozen=True)
class Limit:
    """A quantity whose mean over worlds may not exceed `most`."""

    name: str
    curves: Curves
    most: float


@dataclass(frozen=True)
class Problem:
    """What is chosen and within what; measures are positions 0..n-1.

    `floors` are quantities whose mean must reach a level. `most_measures` and `together` (positions
    of a department's measures and how many of them may be in use) are administrative limits.
    """

    goal: Curves
    ranges: Sequence[tuple[float, float]]
    step: float
    limits: Sequence[Limit] = ()
    floors: Sequence[Limit] = ()
    most_measures: int | None = None
    together: Sequence[tuple[str, tuple[int, ...], int]] = ()

    def grid(self, measure: int) -> Floats:
        """Intensities that a measure may have: multiples of the step and both ends of its range."""
        low, high = self.ranges[measure]
        inner = np.arange(0.0, high + self.step / 2, self.step)
        inside = inner[(inner >= low) & (inner <= high)]
        return np.unique(np.round(np.concatenate([inside, [low, high]]), 9))


@dataclass(frozen=True)
class Answer:
    """Intensities with the surrogate's goal by world; `proven` if the grid's optimum is certain."""

    x: Floats
    goal: Floats
    proven: bool


class InfeasibleError(Exception):
    """No intensities satisfy the limits; `excess` is how far each limit is missed at best."""

    def __init__(self, excess: Mapping[str, float]) -> None:
        self.excess = dict(excess)
        super().__init__(", ".join(f"{name} +{by:.6g}" for name, by in self.excess.items()))


def solve(problem: Problem, aim: str = EXPECTED, worst: float = 0.25) -> Answer:
    """The best intensities. Raises InfeasibleError."""
    programme = _Programme(problem, aim, worst)
    x, proven = programme.solve()
    x = _polished(problem, x, aim, worst)
    return Answer(x, problem.goal.values(x), proven)


def aim_of(values: Floats, aim: str, worst: float) -> float:
    """Mean over worlds, or mean of the worst share of them (parts of a world count in part)."""
    if aim == EXPECTED:
        return float(values.mean())
    ordered = np.sort(values)
    room = worst * len(ordered)
    weight = np.clip(room - np.arange(len(ordered)), 0.0, 1.0)
    return float((ordered * weight).sum() / room)


@dataclass
class _Programme:
    """Columns of the programme: grid choices, products, and for cautious aims t and shortfalls."""

    problem: Problem
    aim: str
    worst: float
    _rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        p = self.problem
        self.grids = [p.grid(i) for i in range(len(p.ranges))]
        self.first = np.concatenate([[0], np.cumsum([len(grid) for grid in self.grids])])
        self.width = int(self.first[-1])
        quantities = [p.goal, *(one.curves for one in (*p.limits, *p.floors))]
        self.products: dict[tuple[int, int], int] = {}
        for i, j in sorted({pair for one in quantities for pair in one.pairs}):
            self.products[i, j] = self.width
            self.width += len(self.grids[i])
        self.extra = self.width
        if self.aim == CAUTIOUS:
            self.width += 1 + p.goal.worlds

    def _row(self, cells: Mapping[int, float], low: float, high: float) -> None:
        self._rows.append((dict(cells), low, high))

    def _linear(self, quantity: Curves, weights: Floats) -> dict[int, float]:
        """Coefficients of a weighted mean over worlds."""
        cells: dict[int, float] = {}
        for i, grid in enumerate(self.grids):
            each = weights @ quantity.curve(i, grid)
            cells |= {int(self.first[i]) + level: float(v) for level, v in enumerate(each)}
        for (i, j), both in quantity.pairs.items():
            start, weight = self.products[i, j], float(weights @ both)
            cells |= {start + level: weight * float(x) for level, x in enumerate(self.grids[i])}
        return cells

    def _mean(self, quantity: Curves) -> dict[int, float]:
        return self._linear(quantity, np.full(quantity.worlds, 1.0 / quantity.worlds))

    def _choices(self) -> None:
        """One step for each measure; p = z x_j for every product."""
        for i, grid in enumerate(self.grids):
            start = int(self.first[i])
            self._row({start + level: 1.0 for level in range(len(grid))}, 1.0, 1.0)
        for (i, j), start in self.products.items():
            top = float(self.grids[j][-1])
            for level in range(len(self.grids[i])):
                z, p = int(self.first[i]) + level, start + level
                self._row({p: 1.0, z: -top}, -np.inf, 0.0)
            levels = range(len(self.grids[i]))
            other = {int(self.first[j]) + k: -float(x) for k, x in enumerate(self.grids[j])}
            # Exactly one step of i is chosen, so its products add up to x_j.
            self._row({start + level: 1.0 for level in levels} | other, 0.0, 0.0)

    def _counts(self) -> None:
        groups = list(self.problem.together)
        if self.problem.most_measures is not None:
            everybody = tuple(range(len(self.grids)))
            groups.append(("measures", everybody, self.problem.most_measures))
        for _, members, most in groups:
            cells = {
                int(self.first[i]) + level: 1.0
                for i in members
                for level, x in enumerate(self.grids[i])
                if x > 0
            }
            self._row(cells, -np.inf, float(most))

    def _aim(self) -> dict[int, float]:
        """The objective's coefficients, with the rows that the cautious aim needs."""
        goal = self.problem.goal
        if self.aim == EXPECTED:
            return self._mean(goal)
        size = self._scale()
        for world in range(goal.worlds):
            weights = np.eye(goal.worlds)[world] / size
            cells = self._linear(goal, weights) | {self.extra: -1.0, self.extra + 1 + world: 1.0}
            self._row(cells, 0.0, np.inf)
        share = 1.0 / (self.worst * goal.worlds)
        return {self.extra: 1.0} | {self.extra + 1 + k: -share for k in range(goal.worlds)}

    def _scale(self) -> float:
        return float(np.abs(self.problem.goal.alone).max()) or 1.0

    def solve(self) -> tuple[Floats, bool]:
        """Intensities on the grid and whether they are proven best. Raises InfeasibleError."""
        self._choices()
        self._counts()
        for limit in self.problem.limits:
            scale = max(limit.most, 1.0)
            cells = {k: v / scale for k, v in self._mean(limit.curves).items()}
            self._row(cells, -np.inf, limit.most / scale)
        for floor in self.problem.floors:
            scale = max(abs(floor.most), 1.0)
            cells = {k: v / scale for k, v in self._mean(floor.curves).items()}
            self._row(cells, floor.most / scale, np.inf)
        objective = np.zeros(self.width)
        for column, weight in self._aim().items():
            objective[column] = -weight
        found = self._milp(objective / (np.abs(objective).max() or 1.0))
        if found.x is None:
            raise InfeasibleError(least_excess(self.problem))
        return self._intensities(found.x), bool(found.status == 0)

    def _milp(self, objective: Floats) -> Any:
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix

        rows = [(n, k, v) for n, (cells, _, _) in enumerate(self._rows) for k, v in cells.items()]
        row, column, value = (np.array(part) for part in zip(*rows, strict=True))
        matrix = csr_matrix((value, (row, column)), shape=(len(self._rows), self.width))
        bounds = np.array([(low, high) for _, low, high in self._rows])
        low, high = np.zeros(self.width), np.full(self.width, np.inf)
        choices = int(self.first[-1])
        high[:choices] = 1.0
        if self.aim == CAUTIOUS:
            low[self.extra] = -np.inf
        whole = np.zeros(self.width)
        whole[:choices] = 1
        return milp(
            objective, integrality=whole, bounds=Bounds(low, high),
            constraints=LinearConstraint(matrix, bounds[:, 0], bounds[:, 1]),
            options={"time_limit": TIME_LIMIT, "mip_rel_gap": GAP},
        )  # fmt: skip

    def _intensities(self, solution: Floats) -> Floats:
        return np.array([
            float(grid[int(np.argmax(solution[start : start + len(grid)]))])
            for start, grid in zip(self.first, self.grids, strict=False)
        ])  # fmt: skip


def least_excess(problem: Problem) -> dict[str, float]:
    """By how much limits are missed if every measure is at its least intensity."""
    x = np.array([low for low, _ in problem.ranges])
    found = {one.name: float(one.curves.values(x).mean()) - one.most for one in problem.limits}
    if problem.most_measures is not None:
        found["measures"] = float((x > 0).sum()) - problem.most_measures
    for name, members, most in problem.together:
        found[name] = float((x[list(members)] > 0).sum()) - most
    return {name: by for name, by in found.items() if by > 0}


# --- between the steps ------------------------------------------------------------------------


def _polished(problem: Problem, x: Floats, aim: str, worst: float) -> Floats:
    """`x` moved by at most a step where that is better and allowed; else `x` itself."""
    used = [int(i) for i in np.flatnonzero(x > TOUCHED)]
    if not used:
        return x
    bounds = [
        (max(problem.ranges[i][0], x[i] - problem.step, TOUCHED),
         min(problem.ranges[i][1], x[i] + problem.step))
        for i in used
    ]  # fmt: skip
    size = abs(aim_of(problem.goal.values(x), aim, worst)) or 1.0

    def full(part: Floats) -> Floats:
        moved = x.copy()
        moved[used] = part
        return moved

    def loss(part: Floats) -> float:
        return -aim_of(problem.goal.values(full(part)), aim, worst) / size

    found = _slsqp(problem, loss, full, x[used], bounds)
    better = found is not None and loss(found[used]) < -aim_of(
        problem.goal.values(x), aim, worst
    ) / size  # fmt: skip
    return found if found is not None and better and within(problem, found) else x


def _slsqp(problem: Problem, loss: Any, full: Any, start: Floats, bounds: Any) -> Floats | None:
    from scipy.optimize import minimize

    def room(limit: Limit, sign: float) -> Any:
        scale = max(abs(limit.most), 1.0)
        return lambda part: sign * (
            limit.most - float(limit.curves.values(full(part)).mean())
        ) / scale  # fmt: skip

    rules = [{"type": "ineq", "fun": room(one, 1.0)} for one in problem.limits]
    rules += [{"type": "ineq", "fun": room(one, -1.0)} for one in problem.floors]
    options = {"maxiter": 200, "ftol": 1e-10}
    found = minimize(loss, start, method="SLSQP", bounds=bounds, constraints=rules, options=options)
    if not np.isfinite(found.x).all():
        return None
    clipped = np.clip(found.x, [low for low, _ in bounds], [high for _, high in bounds])
    least = np.array([low for low, _ in problem.ranges])
    moved = full(clipped)
    return np.asarray(np.where(moved < NEGLIGIBLE, least, moved))


def within(problem: Problem, x: Floats) -> bool:
    """Whether intensities keep every limit and reach every floor."""
    kept = all(
        one.curves.values(x).mean() <= one.most + SLACK * max(abs(one.most), 1.0)
        for one in problem.limits
    )
    return kept and all(
        one.curves.values(x).mean() >= one.most - SLACK * max(abs(one.most), 1.0)
        for one in problem.floors
    )
