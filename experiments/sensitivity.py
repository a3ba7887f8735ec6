"""Sensitivity indices with bootstrap intervals, for many outputs at once.

Designs come from SALib, whose estimators are used for the indices; the bootstrap is a matrix
product over all outputs instead of SALib's loop. Arrays are [.., output]; every index comes with a
90 % interval. Outputs that do not vary have no indices: they are NaN, never zero.

- morris: mean absolute elementary effect `mu_star`, mean `mu`, spread `sigma`, in output units per
  full range of the factor (Morris 1991; Campolongo et al. 2007)
- sobol: first-order `S1`, total `ST`, second-order `S2` (Saltelli et al. 2010)
- pawn: median Kolmogorov-Smirnov distance `median` (Pianosi and Wagener 2018)
- rbd_fast: first-order `S1` (Tarantola et al. 2006)
- one_at_a_time: `low_end`, `high_end`: change from the scenario's own value to either end
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.intervals import CONFIDENCE, t_quantile

Floats = npt.NDArray[np.float64]
TAILS: Final = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))
CONSTANT: Final = 1e-12  # relative range below which an output does not vary
BLOCK: Final = 250  # resamples in one matrix product
PAWN_RESAMPLES: Final = 50
RBD_RESAMPLES: Final = 100
WIDE: Final = 0.1
BEYOND: Final = 0.05


class SensitivityError(ValueError):
    """The numbers cannot be analysed; the message is a short key and what it is about."""


@dataclass(frozen=True)
class Index:
    """One kind of index, [unit, output] (second order: [unit, unit, output]), and its interval."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Analysis:
    """Indices by kind; `units` are groups and factors; `notes` say what to be careful about."""

    units: tuple[str, ...]
    indices: Mapping[str, Index]
    notes: tuple[str, ...] = ()
    used: int = 0
    dropped: int = 0
    convergence: tuple[tuple[int, Mapping[str, Index]], ...] = field(default=())


def check_outputs(outputs: Floats) -> None:
    """Raise SensitivityError for infinite or missing numbers: SALib turns them into zeros."""
    if outputs.ndim != 2 or not outputs.size:
        raise SensitivityError("empty")
    if not np.isfinite(outputs).all():
        raise SensitivityError(f"not_finite {int((~np.isfinite(outputs)).sum())}")


def constant(outputs: Floats) -> npt.NDArray[np.bool_]:
    """Which outputs [point, output] do not vary."""
    size = np.abs(outputs).max(axis=0)
    return np.asarray(np.ptp(outputs, axis=0) <= CONSTANT * np.maximum(size, 1e-300))


def _weights(rows: int, resamples: int, seed: int) -> Floats:
    """[resample, row] share of each row in each bootstrap resample."""
    generator = np.random.default_rng([seed, rows])
    shares = np.full(rows, 1.0 / rows)
    return np.asarray(generator.multinomial(rows, shares, size=resamples) / rows)


def _interval(resampled: Floats) -> tuple[Floats, Floats]:
    low, high = np.percentile(resampled, TAILS, axis=0)
    return np.asarray(low), np.asarray(high)


def _bootstrap(
    rows: int, resamples: int, seed: int, figure: Callable[[Floats], Floats]
) -> tuple[Floats, Floats]:
    """Interval of a figure of weights; in blocks, so that memory does not grow with resamples."""
    weights = _weights(rows, resamples, seed)
    parts = [figure(weights[at : at + BLOCK]) for at in range(0, resamples, BLOCK)]
    return _interval(np.concatenate(parts))


# --- Sobol ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Saltelli:
    """Outputs by part of the design: a, b [row, output]; ab, ba [row, unit, output]."""

    a: Floats
    b: Floats
    ab: Floats
    ba: Floats | None

    @classmethod
    def of(cls, outputs: Floats, units: int, second_order: bool) -> Saltelli:
        """Split outputs [point, output] in SALib's order: A, AB of each unit, BA, B."""
        step = (2 * units if second_order else units) + 2
        if len(outputs) % step:
            raise SensitivityError(f"size {len(outputs)} {step}")
        blocks = outputs.reshape(-1, step, outputs.shape[1])
        ba = blocks[:, units + 1 : 2 * units + 1] if second_order else None
        return cls(blocks[:, 0], blocks[:, -1], blocks[:, 1 : units + 1], ba)

    def head(self, rows: int) -> Saltelli:
        """The first rows only."""
        ba = None if self.ba is None else self.ba[:rows]
        return Saltelli(self.a[:rows], self.b[:rows], self.ab[:rows], ba)


def sobol(
    outputs: Floats, units: int, second_order: bool, resamples: int, seed: int
) -> dict[str, Index]:
    """S1, ST and, if asked for, S2 of outputs [point, output] in SALib's order of points."""
    check_outputs(outputs)
    flat = constant(outputs)
    spread = np.where(flat, 1.0, outputs.std(axis=0))
    parts = Saltelli.of((outputs - outputs.mean(axis=0)) / spread, units, second_order)
    return _sobol(parts, flat, resamples, seed)


def _sobol(
    parts: Saltelli, flat: npt.NDArray[np.bool_], resamples: int, seed: int
) -> dict[str, Index]:
    products = _products(parts)
    rows = len(parts.a)
    exact = {name: figure[0] for name, figure in _figures(products, np.full((1, rows), 1 / rows))}
    weights = _weights(rows, resamples, seed)
    parts_of: dict[str, list[Floats]] = {name: [] for name in exact}
    for at in range(0, resamples, BLOCK):
        for name, figure in _figures(products, weights[at : at + BLOCK]):
            parts_of[name].append(figure)
    found = {}
    for name, value in exact.items():
        low, high = _interval(np.concatenate(parts_of[name]))
        found[name] = Index(*(np.where(flat, np.nan, one) for one in (value, low, high)))
    return found


def _products(parts: Saltelli) -> dict[str, Floats]:
    """Terms of the estimators by row; weighted means of them are all that resampling needs."""
    a, b, ab = parts.a, parts.b, parts.ab
    found = {
        "sum": (a + b) / 2,
        "square": (a**2 + b**2) / 2,
        "first": b[:, None] * (ab - a[:, None]),
        "total": 0.5 * (a[:, None] - ab) ** 2,
    }
    if parts.ba is not None:
        found["second"] = parts.ba[:, :, None] * ab[:, None] - (a * b)[:, None, None]
    return found


def _figures(products: Mapping[str, Floats], weights: Floats) -> list[tuple[str, Floats]]:
    """Indices for each row of weights, [resample, unit(, unit), output]."""
    mean = {name: _weighted(weights, values) for name, values in products.items()}
    variance = np.maximum(mean["square"] - mean["sum"] ** 2, np.finfo(float).tiny)[:, None]
    first, total = mean["first"] / variance, mean["total"] / variance
    found = [("S1", first), ("ST", total)]
    if "second" in mean:
        pair = mean["second"] / variance[:, None] - first[:, :, None] - first[:, None]
        units = np.arange(first.shape[1])
        pair[:, units[:, None] >= units] = np.nan
        found.append(("S2", pair))
    return found


def _weighted(weights: Floats, values: Floats) -> Floats:
    flat = weights @ values.reshape(len(values), -1)
    return np.asarray(flat.reshape(len(weights), *values.shape[1:]))


# --- Morris -----------------------------------------------------------------------------------


def elementary_effects(points: Floats, outputs: Floats, groups: Sequence[str]) -> Floats:
    """[trajectory, unit, output] change of the output per full range of the unit that moved.

    A group moves several factors, each its own way: only the size of its effect has a meaning.
    """
    units = list(dict.fromkeys(groups))
    size = len(units) + 1
    if len(points) % size or len(points) != len(outputs):
        raise SensitivityError(f"size {len(points)} {size}")
    walks = points.reshape(-1, size, points.shape[1])
    steps = np.diff(walks, axis=1)
    moved = np.diff(outputs.reshape(len(walks), size, -1), axis=1)
    found = np.full((len(walks), len(units), outputs.shape[1]), np.nan)
    for number, unit in enumerate(units):
        members = [column for column, name in enumerate(groups) if name == unit]
        own = steps[:, :, members]
        at = np.abs(own).max(axis=2).argmax(axis=1)
        walk = np.arange(len(walks))
        step = own[walk, at]
        sign = np.sign(step[:, 0]) if len(members) == 1 else np.ones(len(walks))
        length = np.abs(step).max(axis=1) * sign
        found[:, number] = moved[walk, at] / length[:, None]
    return found


def morris(
    points: Floats, outputs: Floats, groups: Sequence[str], resamples: int, seed: int
) -> dict[str, Index]:
    """mu_star, mu and sigma of outputs [point, output]; groups have no mu and sigma."""
    check_outputs(outputs)
    effects = elementary_effects(points, outputs, groups)
    return _morris(effects, _single(groups), resamples, seed)


def _single(groups: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which units are one factor."""
    return np.array([list(groups).count(unit) == 1 for unit in dict.fromkeys(groups)])


def _morris(
    effects: Floats, single: npt.NDArray[np.bool_], resamples: int, seed: int
) -> dict[str, Index]:
    rows = len(effects)
    even = np.full((1, rows), 1 / rows)

    def spread(weights: Floats) -> Floats:
        mean, square = _weighted(weights, effects), _weighted(weights, effects**2)
        return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0) * rows / max(rows - 1, 1)))

    figures = {
        "mu_star": lambda weights: _weighted(weights, np.abs(effects)),
        "mu": lambda weights: _weighted(weights, effects),
        "sigma": spread,
    }
    found = {}
    for name, figure in figures.items():
        value = figure(even)[0]
        low, high = _expanded(value, *_bootstrap(rows, resamples, seed, figure), rows)
        columns = (value, np.maximum(low, 0.0) if name != "mu" else low, high)
        kept = single[:, None] | (name == "mu_star")
        found[name] = Index(*(np.where(kept, one, np.nan) for one in columns))
    return found


def _expanded(value: Floats, low: Floats, high: Floats, rows: int) -> tuple[Floats, Floats]:
    """The interval made as wide as Student's t asks for (Hesterberg 2015, section 5.3).

    The spread of few rows is too small a measure of that of all, and its own chance is left out.
    """
    wider = t_quantile(rows - 1) / t_quantile(10**6) * math.sqrt(rows / (rows - 1))
    return value - wider * (value - low), value + wider * (high - value)


# --- given data -------------------------------------------------------------------------------


def pawn(points: Floats, outputs: Floats, resamples: int, seed: int) -> dict[str, Index]:
    """Median KS distance of each factor."""
    from SALib.analyze import pawn as salib

    def figure(x: Floats, y: Floats) -> Floats:
        problem = _problem(points.shape[1])
        return np.asarray(salib.analyze(problem, x, y, seed=seed)["median"], dtype=float)

    return {"median": _given(points, outputs, figure, min(resamples, PAWN_RESAMPLES), seed)}


def rbd_fast(points: Floats, outputs: Floats, resamples: int, seed: int) -> dict[str, Index]:
    """First-order index of each factor; the interval resamples without repeating points."""
    from SALib.analyze import rbd_fast as salib

    check_outputs(outputs)
    values, widths = [], []
    for column, flat in zip(outputs.T, constant(outputs), strict=True):
        if flat:
            values.append(np.full(points.shape[1], np.nan))
            widths.append(values[-1])
            continue
        found = salib.analyze(
            _problem(points.shape[1]), points, column, num_resamples=RBD_RESAMPLES,
            conf_level=CONFIDENCE, seed=seed,
        )  # fmt: skip
        values.append(np.asarray(found["S1"], dtype=float))
        widths.append(np.asarray(found["S1_conf"], dtype=float))
    del resamples
    value, width = np.array(values).T, np.array(widths).T
    return {"S1": Index(value, value - width, value + width)}


def _problem(factors: int) -> dict[str, Any]:
    return {
        "num_vars": factors, "names": [str(n) for n in range(factors)],
        "bounds": [[0.0, 1.0]] * factors,
    }  # fmt: skip


def _given(
    points: Floats, outputs: Floats, figure: Callable[[Floats, Floats], Floats], resamples: int,
    seed: int,
) -> Index:  # fmt: skip
    """A figure of points and one output, with an ordinary bootstrap over points."""
    check_outputs(outputs)
    generator = np.random.default_rng([seed, len(points)])
    draws = generator.integers(0, len(points), (resamples, len(points)))
    columns = []
    for output, flat in zip(outputs.T, constant(outputs), strict=True):
        if flat:
            columns.append(np.full((3, points.shape[1]), np.nan))
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = figure(points, output)
            drawn = np.array([figure(points[d], output[d]) for d in draws])
            # Repeated points make every distance larger: only the spread of the draws is used.
            low, high = _interval(drawn - drawn.mean(axis=0) + value)
            columns.append(np.array([value, low, high]))
    value, low, high = np.array(columns).transpose(1, 2, 0)
    return Index(value, low, high)


def one_at_a_time(outputs: Floats, factors: int, levels: int) -> dict[str, Index]:
    """Change from the scenario's own value to both ends; outputs [point, seed, output].

    The interval is Student's t over seeds.
    """
    from experiments.intervals import mean_estimate

    own, rest = outputs[0], outputs[1:].reshape(factors, levels, *outputs.shape[1:])
    found = {}
    for name, level in (("low_end", 0), ("high_end", -1)):
        change = rest[:, level] - own
        one = [[mean_estimate(c) for c in unit.T] for unit in change]
        figures = np.array([[(e.value, e.low, e.high) for e in row] for row in one])
        found[name] = Index(figures[..., 0], figures[..., 1], figures[..., 2])
    return found


# --- judging ----------------------------------------------------------------------------------


def cautions(indices: Mapping[str, Index], flat: npt.NDArray[np.bool_]) -> list[str]:
    """Keys of what a reader must know: too few runs, indices outside their range, no variation."""
    found = []
    if flat.any():
        found.append("constant")
    for name in ("S1", "ST"):
        if name not in indices:
            continue
        one = indices[name]
        if np.nanmax((one.high - one.low) / 2, initial=0.0) > WIDE:
            found.append("wide")
        low, high = np.nanmin(one.high, initial=0.0), np.nanmax(one.low, initial=0.0)
        if low < -BEYOND or high > 1 + BEYOND:
            found.append("beyond")
    return list(dict.fromkeys(found))
