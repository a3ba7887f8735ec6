"""What a package does at intensities that differ by city, estimated from few runs.

One run at a time for every measure and city would be far too many. Cities touch each other little,
so one run varies all of them at once, and the effect *in* each city tells about its own intensity:

    effect in city c = sum over measures m of f_mc(x_mc) + b_m s_c z_mc + sum of I_mn s_c x_mc x_nc

f_mc are free at every level that is run, s_c is the city's share of households, z_mc the intensity
of m elsewhere weighted by households (what spills over), I_mn the interaction of two measures. All
are fitted by least squares to a design in which every variable (a measure in a group of cities)
takes every level equally often, in an order of its own.

Differences between cities are estimated with chance in them, and whoever picks the best of many
picks lucky ones. Every group's curve is therefore the province's, divided at each level by what the
groups cost there, times a height of its own, plus a shape of its own. Of heights and of shapes the
part is kept that the spread of all groups leaves to true differences (DerSimonian and Laird 1986):
without chance everything, with nothing but chance nothing. The sum over groups stays what was
estimated for the province, drawn to zero by its own chance. Curves are not made concave: a measure
may become dearer with intensity faster than stronger, and the programme takes any shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.paired import Floats
from experiments.surface import Curves, drawn_to_zero, material
from model.dimensions import PLACES

I64 = npt.NDArray[np.int64]
STREAM: Final = 0xC17135
ATTEMPTS: Final = 100


@dataclass(frozen=True)
class Variable:
    """One intensity that is chosen: a measure in a group of cities."""

    measure: int
    group: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Which variable acts where. `levels` begin with the least above 0; `homes` are shares."""

    variables: tuple[Variable, ...]
    levels: tuple[float, ...]
    homes: Floats

    @property
    def measures(self) -> tuple[int, ...]:
        """Measures in the order of the variables."""
        return tuple(dict.fromkeys(one.measure for one in self.variables))

    def own(self, measure: int) -> list[int]:
        """Positions of a measure's variables."""
        return [at for at, one in enumerate(self.variables) if one.measure == measure]

    def reach(self) -> Floats:
        """0/1 by variable and place."""
        return np.array([[float(p in one.places) for p in PLACES] for one in self.variables])

    def share(self, position: int) -> float:
        """Share of households in a variable's cities."""
        return float(self.reach()[position] @ self.homes)


def design(layout: Layout, runs: int, seed: int) -> Floats:
    """[run, variable] intensities: every level at once everywhere, then `runs` mixed ones.

    Few runs can by chance leave a city's curve open; the orders are then drawn anew.
    """
    x = _mixed(layout, runs, np.random.default_rng([STREAM, seed]))
    for attempt in range(1, ATTEMPTS):
        if identified(layout, x):
            break
        x = _mixed(layout, runs, np.random.default_rng([STREAM, seed, 2, attempt]))
    return x


def _mixed(layout: Layout, runs: int, generator: np.random.Generator) -> Floats:
    steps, count = np.array([0.0, *layout.levels]), len(layout.variables)
    order = np.arange(runs) % len(steps)
    mixed = [steps[generator.permutation(order)] for _ in range(count)]
    together = np.repeat(np.array(layout.levels)[:, None], count, axis=1)
    return np.concatenate([together, np.stack(mixed, axis=1)])


def identified(layout: Layout, x: Floats) -> bool:
    """Whether these intensities leave no coefficient of `fit` open."""
    matrix = _matrix(layout, x)
    return bool(np.linalg.matrix_rank(matrix) == matrix.shape[1])


def unseen(layout: Layout, runs: int, seed: int, ranges: Sequence[tuple[float, float]]) -> Floats:
    """[run, variable] intensities anywhere within their ranges, to test the surface with."""
    generator = np.random.default_rng([STREAM, seed, 1])
    low, high = np.array(ranges).T
    drawn = low + (high - low) * generator.random((runs, len(layout.variables)))
    return np.asarray(np.round(drawn, 3))


def least_runs(layout: Layout) -> int:
    """Mixed runs that leave every city's curves at least half of the numbers to spare."""
    return 2 * len(layout.measures) * len(layout.levels)


@dataclass(frozen=True)
class Fit:
    """Effects [world, variable, level] alone, spilling over included, and of pairs of measures."""

    alone: Floats
    pairs: Mapping[tuple[int, int], Floats]


def fit(layout: Layout, x: Floats, effects: Floats) -> Fit:
    """Least squares on `effects` [world, run, place] of intensities `x` [run, variable]."""
    lived = np.flatnonzero(layout.homes > 0)
    root = np.sqrt(layout.homes[lived])
    matrix = _matrix(layout, x)
    wanted = np.concatenate([effects[:, :, p] / r for p, r in zip(lived, root, strict=True)], 1)
    found = np.linalg.lstsq(matrix, wanted.T, rcond=None)[0].T  # [world, coefficient]
    return _read(layout, found, lived)


def _matrix(layout: Layout, x: Floats) -> Floats:
    """[run x place, coefficient], rows weighted by the root of a place's share of households."""
    lived = np.flatnonzero(layout.homes > 0)
    root = np.sqrt(layout.homes[lived])
    return np.concatenate([
        _rows(layout, x, int(place), at, len(lived)) * root[at] for at, place in enumerate(lived)
    ])  # fmt: skip


def _rows(layout: Layout, x: Floats, place: int, at: int, count: int) -> Floats:
    """[run, coefficient] of one place: own levels, then spilling over, then pairs of measures."""
    reach, size = layout.reach(), len(layout.levels)
    own = np.zeros((len(x), count, len(layout.measures), size))
    doses, spills = [], []
    for number, measure in enumerate(layout.measures):
        mine = layout.own(measure)
        here = next(v for v in mine if reach[v, place])
        own[:, at, number] = hats(layout.levels, x[:, here])
        doses.append(x[:, here])
        if len(mine) > 1:
            spills.append(sum(layout.share(v) * x[:, v] for v in mine if v != here))
    pairs = [a * b for a, b in combinations(doses, 2)]
    more = np.array([*spills, *pairs]).reshape(-1, len(x)).T
    return np.concatenate([own.reshape(len(x), -1), more], axis=1)


def hats(levels: Sequence[float], at: Floats) -> Floats:
    """[position, level] weights of straight lines through 0 and the levels."""
    knots = np.array([0.0, *levels])
    each = [np.interp(at, knots, unit) for unit in np.eye(len(knots))[1:]]
    return np.stack(each, axis=1)


def _read(layout: Layout, found: Floats, lived: I64) -> Fit:
    measures, size, worlds = layout.measures, len(layout.levels), len(found)
    width = len(lived) * len(measures) * size
    own = found[:, :width].reshape(worlds, len(lived), len(measures), size)
    several = [m for m in measures if len(layout.own(m)) > 1]
    spill = dict(zip(several, found[:, width : width + len(several)].T, strict=True))
    reach, levels = layout.reach()[:, lived] * layout.homes[lived], np.array(layout.levels)
    alone = np.zeros((worlds, len(layout.variables), size))
    for number, measure in enumerate(measures):
        for v in layout.own(measure):
            alone[:, v] = np.einsum("p,wpl->wl", reach[v], own[:, :, number])
            if measure in spill:
                part = layout.share(v)
                alone[:, v] += part * (1.0 - part) * spill[measure][:, None] * levels
    both = found[:, width + len(several) :].T
    return Fit(alone, dict(zip(combinations(measures, 2), both, strict=True)))


def city_curves(layout: Layout, found: Fit, cost: Floats) -> Curves:
    """The surface of a goal; `cost` [variable, level] says how the province's curve is divided."""
    alone = np.empty_like(found.alone)
    for measure in layout.measures:
        mine = layout.own(measure)
        homes = np.array([layout.share(v) for v in mine])
        shares = np.stack([_shares(level, homes) for level in cost[mine].T], axis=1)
        alone[:, mine] = drawn_to_province(found.alone[:, mine], shares)
    zero = np.zeros((*alone.shape[:2], 1))
    curves = np.concatenate([zero, alone], axis=2)
    return Curves((0.0, *layout.levels), curves, _pairs(layout, found))


def _shares(cost: Floats, homes: Floats) -> Floats:
    weights = np.maximum(cost, 0.0)
    weights = weights if weights.sum() > 0 else homes
    return np.asarray(weights / weights.sum())


def drawn_to_province(alone: Floats, shares: Floats) -> Floats:
    """[world, group, level] curves whose deviations from the province's are drawn to zero.

    `shares` [group, level] divide the province's curve.
    """
    whole = alone.sum(axis=1, keepdims=True)
    fair = shares * drawn_to_zero(whole)
    apart = alone - shares * whole
    usual = (shares * whole).mean(axis=0)  # [group, level]
    size = (usual**2).sum(axis=1)
    height = np.divide((apart * usual).sum(axis=2), size, out=np.zeros(apart.shape[:2]),
                       where=size > 0)  # fmt: skip
    tall = height[:, :, None] * usual
    shape = apart - tall
    top = shares[:, -1]
    kept = true_part(height * top, top)[:, None] * tall.mean(axis=0)
    levels = range(shares.shape[1])
    parts = [true_part(shape[:, :, at], shares[:, at]) for at in levels]
    kept = kept + np.stack(parts, axis=1) * shape.mean(axis=0)
    kept = kept - shares * kept.sum(axis=0)  # the sum over groups stays
    return np.asarray(fair + apart - apart.mean(axis=0) + kept)


def true_part(apart: Floats, shares: Floats) -> Floats:
    """[group] part of the variance of deviations `apart` [world, group] that is not chance.

    Chance is larger in smaller groups, in proportion; the spread of all groups tells how much of
    it there must be (method of moments). Groups without a share have none.
    """
    worlds, there = len(apart), shares > 0
    kept = np.zeros(len(shares))
    each = apart[:, there] / shares[there]
    chance = float((each.var(axis=0, ddof=1) / worlds * shares[there]).mean()) / shares[there]
    if len(chance) < 2 or not chance.any():
        kept[there] = 1.0
        return kept
    weight = 1.0 / chance
    middle = each.mean(axis=0) - np.average(each.mean(axis=0), weights=weight)
    excess = float((weight * middle**2).sum()) - (len(chance) - 1)
    true = max(excess / float(weight.sum() - (weight**2).sum() / weight.sum()), 0.0)
    kept[there] = true / (true + chance)
    return kept


def _pairs(layout: Layout, found: Fit) -> dict[tuple[int, int], Floats]:
    """Interactions by pair of variables: the measures' own, by households that both reach."""
    one, reach = layout.levels.index(1.0), layout.reach()
    pairs: dict[tuple[int, int], Floats] = {}
    for (a, b), together in found.pairs.items():
        singles = np.stack([found.alone[:, layout.own(m), one].sum(axis=1) for m in (a, b)], axis=1)
        kept = material(together, singles)
        if kept is None:
            continue
        for i, j in product(layout.own(a), layout.own(b)):
            shared = float((reach[i] * reach[j]) @ layout.homes)
            if shared > 0:
                pairs[i, j] = kept * shared
    return pairs


def cost_curves(layout: Layout, x: Floats, paid: Floats) -> Curves:
    """The surface of a payment `paid` [world, run, variable]: means of the runs at each level."""
    zero = np.zeros((*paid[:, 0].shape, 1))
    at = [
        [paid[:, x[:, v] == level, v].mean(axis=1) for level in layout.levels]
        for v in range(len(layout.variables))
    ]
    alone = np.moveaxis(np.array(at), 2, 0)  # [world, variable, level]
    return Curves((0.0, *layout.levels), np.concatenate([zero, alone], axis=2), {})


def together(layout: Layout, curves: Curves) -> Curves:
    """The same surface if every measure has one intensity everywhere: by measure."""
    groups = [layout.own(measure) for measure in layout.measures]
    alone = np.stack([curves.alone[:, mine].sum(axis=1) for mine in groups], axis=1)
    number = {v: at for at, mine in enumerate(groups) for v in mine}
    pairs: dict[tuple[int, int], Floats] = {}
    for (i, j), both in curves.pairs.items():
        key = (number[i], number[j])
        pairs[key] = pairs.get(key, np.zeros(curves.worlds)) + both
    return Curves(curves.levels, alone, pairs)


@dataclass(frozen=True)
class Holdout:
    """How the surface does on runs it has not seen; parts of the model's mean effect.

    `bias` is the mean error, `error` its root mean square over designs (means over worlds), and
    `explained` the share of the variation between designs that the surface reproduces.
    """

    designs: int
    runs: int
    bias: float
    error: float
    explained: float


def holdout(surface: Floats, model: Floats) -> Holdout:
    """Compare figures [design, world]."""
    real, mean = model.mean(axis=1), float(np.abs(model.mean(axis=1)).mean())
    misses = surface.mean(axis=1) - real
    spread = float(((real - real.mean()) ** 2).sum())
    part = float((misses**2).sum()) / spread if spread else float("nan")
    size = mean or float("nan")
    rms = float(np.sqrt((misses**2).mean()))
    bias = float(misses.mean()) / size
    return Holdout(len(model), model.size, bias, rms / size, 1.0 - part)
