"""Sensitivity of a finished sweep: indices, their convergence, and the noise of seeds apart.

Every point was run with the same seeds; indices are those of the mean over seeds. The noise of
seeds is reported beside them: the share of the variance of the mean that is chance, and the range
of each index over the single seeds. Points that failed are left out with the whole block of the
design that needs them; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments import sensitivity
from experiments.sensitivity import Index, SensitivityError
from experiments.sweep_design import block_size, sampling_seed, unit_names
from experiments.sweep_outputs import Columns
from experiments.sweep_plan import Plan

Floats = npt.NDArray[np.float64]
FRACTIONS: Final = (8, 4, 2)
MOST_LOST: Final = 0.05
NOISY: Final = 0.2  # share of chance in the variance
MAIN: Final = {
    "morris": ("mu_star",), "sobol": ("S1", "ST"), "pawn": ("median",), "rbd_fast": ("S1",),
    "one_at_a_time": ("low_end", "high_end"),
}  # fmt: skip
CONVERGENCE_RESAMPLES: Final = 200


@dataclass(frozen=True)
class Sensitivity:
    """What a sweep says. Arrays of indices are [unit, column].

    `seed_low`, `seed_high` are the least and largest index over single seeds; `noise` [column] is
    the share of chance in the variance of the mean; `convergence` holds (points, indices) for
    growing parts of the design; `responses` [factor, bin, column] are means, None for screening.
    """

    plan: Plan
    units: tuple[str, ...]
    columns: Columns
    indices: Mapping[str, Index]
    seed_low: Mapping[str, Floats]
    seed_high: Mapping[str, Floats]
    noise: Floats
    convergence: tuple[tuple[int, Mapping[str, Index]], ...]
    used: int
    dropped: int
    cautions: tuple[str, ...]
    points: Floats
    values: Floats


def analyse(plan: Plan, points: Floats, values: Floats) -> Sensitivity:
    """Indices of values [point, seed, column]. Raises SensitivityError if too much is missing."""
    kept, dropped = complete_blocks(plan, values)
    points, values = points[kept], values[kept]
    means = values.mean(axis=1)
    sensitivity.check_outputs(means)
    indices = _indices(plan, points, values, plan.resamples)
    single = [
        _indices(plan, points, values[:, [seed]], 2) for seed in range(values.shape[1])
    ] if values.shape[1] > 1 else []  # fmt: skip
    cautions = sensitivity.cautions(indices, sensitivity.constant(means))
    noise = seed_noise(values)
    cautions += ["noisy"] if np.nanmax(noise, initial=0.0) > NOISY else []
    return Sensitivity(
        plan, tuple(unit_names(plan)), Columns(plan), indices,
        _over(single, np.min), _over(single, np.max), noise,
        tuple(_convergence(plan, points, values)), len(points), dropped,
        (*(["dropped"] if dropped else []), *cautions), points, values,
    )  # fmt: skip


def complete_blocks(plan: Plan, values: Floats) -> tuple[npt.NDArray[np.bool_], int]:
    """Points of blocks in which every run is there, and the number of points left out."""
    good = np.asarray(np.isfinite(values).all(axis=(1, 2)), dtype=bool)
    size = len(good) if plan.method == "one_at_a_time" else block_size(plan)
    kept = np.repeat(good.reshape(-1, size).all(axis=1), size)
    lost = int((~kept).sum())
    if lost > MOST_LOST * len(good):
        raise SensitivityError(f"lost {lost} {len(good)}")
    return kept, lost


def _indices(plan: Plan, points: Floats, values: Floats, resamples: int) -> dict[str, Index]:
    """Indices of the mean over seeds."""
    seed, means = sampling_seed(plan), values.mean(axis=1)
    if plan.method == "morris":
        groups = [plan.unit_of(factor.name) for factor in plan.factors]
        return sensitivity.morris(points, means, groups, resamples, seed)
    if plan.method == "sobol":
        units = len(unit_names(plan))
        return sensitivity.sobol(means, units, plan.second_order, resamples, seed)
    if plan.method == "pawn":
        return sensitivity.pawn(points, means, resamples, seed)
    if plan.method == "rbd_fast":
        return sensitivity.rbd_fast(points, means, resamples, seed)
    return sensitivity.one_at_a_time(values, len(plan.factors), plan.levels)


def _over(single: list[dict[str, Index]], figure: Any) -> dict[str, Floats]:
    if not single:
        return {}
    return {name: figure([one[name].value for one in single], axis=0) for name in single[0]}


def seed_noise(values: Floats) -> Floats:
    """Share of chance in the variance of the mean over seeds, by column; NaN if unknown.

    With common random numbers a seed shifts all points alike, which does no harm; what is left of
    values [point, seed, column] after taking out points and seeds does.
    """
    points, seeds, columns = values.shape
    if seeds < 2 or points < 2:
        return np.full(columns, np.nan)
    mean = values.mean(axis=1, keepdims=True)
    rest = values - mean - values.mean(axis=0, keepdims=True) + values.mean(axis=(0, 1))
    chance = (rest**2).sum(axis=(0, 1)) / ((points - 1) * (seeds - 1)) / seeds
    total = mean[:, 0].var(axis=0, ddof=1)
    return np.asarray(np.divide(chance, total, out=np.full(columns, np.nan), where=total > 0))


def _convergence(
    plan: Plan, points: Floats, values: Floats
) -> Iterable[tuple[int, Mapping[str, Index]]]:
    """The main indices from the first eighth, quarter and half of the blocks."""
    if plan.method == "one_at_a_time":
        return
    size = block_size(plan)
    for part in FRACTIONS:
        rows = len(points) // size // part * size
        least = size * 4 if size > 1 else 65
        if rows < least:
            continue
        found = _indices(plan, points[:rows], values[:rows], CONVERGENCE_RESAMPLES)
        yield rows, {name: found[name] for name in MAIN[plan.method]}


# --- response curves --------------------------------------------------------------------------


def responses(found: Sensitivity, column: int, bins: int = 8) -> tuple[Floats, Floats, Floats]:
    """Mean of a column by the value of each factor, with 90 % interval: [factor, bin] each.

    One at a time: by level, the interval is over seeds. Otherwise: by equal parts of the factor's
    quantiles, all other factors varying; the interval is of the mean.
    """
    if found.plan.method == "one_at_a_time":
        rest = found.values[1:, :, column]
        rows = rest.reshape(len(found.plan.factors), found.plan.levels, -1)
        cells = [list(factor) for factor in rows]
    else:
        alone = _independent(found)
        means = found.values[alone].mean(axis=1)[:, column]
        place = np.minimum((found.points[alone] * bins).astype(int), bins - 1)
        cells = [[means[place[:, f] == b] for b in range(bins)] for f in range(place.shape[1])]
    table = np.array([[_mean(cell) for cell in factor] for factor in cells])
    return table[..., 0], table[..., 1], table[..., 2]


def _independent(found: Sensitivity) -> npt.NDArray[np.intp]:
    """Points that share no coordinate: the base points of a Sobol design, otherwise all."""
    rows = np.arange(len(found.points))
    if found.plan.method != "sobol":
        return rows
    size = block_size(found.plan)
    return rows[np.isin(rows % size, (0, size - 1))]


def _mean(cell: Floats) -> tuple[float, float, float]:
    from experiments.intervals import mean_estimate

    if len(cell) < 2:
        return (float(np.mean(cell)) if len(cell) else np.nan, np.nan, np.nan)
    found = mean_estimate(cell)
    return found.value, found.low, found.high


# --- document ---------------------------------------------------------------------------------


def document(found: Sensitivity) -> dict[str, Any]:
    """The analysis as JSON values; figures that do not exist are null."""
    names = found.columns.names
    return {
        "method": found.plan.method,
        "units": list(found.units),
        "outputs": [
            {"name": c.name, "outcome": c.output.outcome, "unit": c.unit, "label": c.label,
             "seed_noise": _plain(found.noise[k])}
            for k, c in enumerate(found.columns.columns)
        ],
        "points": found.used,
        "dropped": found.dropped,
        "seeds": list(found.plan.seeds),
        "cautions": list(found.cautions),
        "indices": [
            row
            for kind, index in found.indices.items()
            for row in _rows(kind, index, found, names)
        ],
        "convergence": [
            {"points": rows, **row}
            for rows, part in found.convergence
            for kind, index in part.items()
            for row in _rows(kind, index, found, names, seeds=False)
        ],
    }  # fmt: skip


def _rows(
    kind: str, index: Index, found: Sensitivity, names: list[str], seeds: bool = True
) -> Iterable[dict[str, Any]]:
    pairs = index.value.ndim == 3
    for at in np.ndindex(*index.value.shape):
        *units, column = at
        if pairs and units[0] >= units[1]:
            continue
        row = {"index": kind, "output": names[column], "unit": found.units[units[0]]}
        if pairs:
            row["with"] = found.units[units[1]]
        figures = {"value": index.value[at], "low": index.low[at], "high": index.high[at]}
        if seeds and kind in found.seed_low:
            figures["seed_low"] = found.seed_low[kind][at]
            figures["seed_high"] = found.seed_high[kind][at]
        yield row | {key: _plain(value) for key, value in figures.items()}


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
