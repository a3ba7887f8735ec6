"""Fit of the synthesis tables to the margins, on a fixed reference sample.

The reference sample (the same households for every seed and scale) is drawn again and again while
a few factors move: income levels by place and residence, the shape of income, pension levels, the
chances of children, elders and working members. The result depends on parameters only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model import population_family, population_kernel, population_tables, streams
from model.dimensions import ITEMS, QUINTILES, RESIDENCES, SECTORS, WORK_CLASSES
from model.parameters import Parameters
from model.population_family import family_support
from model.population_kernel import RETIRED, UNEMPLOYED, Rows, Tables, core_rows
from model.population_tables import CELLS, RANKS, by_cell, start_tables, with_seed
from model.solvers.cache import cached, combined_digest, source_digest

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BATCHES = 8


def allocate(count: int) -> Rows:
    """Uninitialised columns for `count` households."""
    small: dict[str, Any] = {n: np.empty(count, np.uint8) for n in Rows._fields}
    real = {n: np.empty(count, np.float64) for n in ("earnings", "pension")}
    names = ("weight", "liquid", "committed", "debt", "instalment")
    whole = {n: np.empty(count, np.int64) for n in names}
    durable = {"durable": np.empty((len(ITEMS), count), np.uint16)}
    return Rows(**(small | real | whole | durable))


@dataclass(frozen=True)
class Sample:
    """Reference households with their weights and derived flags."""

    rows: Rows
    cell: npt.NDArray[np.int64]
    weight: FloatArray
    benefit: FloatArray  # [residence] yuan a month of an unemployed head
    unemployed_share: float
    parameters: Parameters

    def draw(self, tables: Tables) -> None:
        """Draw the core columns again."""
        ends = np.cumsum(np.bincount(self.cell, minlength=CELLS))
        starts = np.concatenate([[0], ends[:-1]])
        for batch in range(BATCHES):
            # Several shifts of the point set: the fit must not learn one shift's sampling error.
            shifted = with_seed(tables, batch)
            lows = starts + (ends - starts) * batch // BATCHES
            highs = starts + (ends - starts) * (batch + 1) // BATCHES
            for cell in range(CELLS):
                core_rows(shifted, cell, 0, self.rows, int(lows[cell]), int(highs[cell]))

    @property
    def income(self) -> FloatArray:
        """Regular income of the month by household, support by children included, yuan."""
        own = regular_income(self.rows, self.benefit, self.unemployed_share)
        return own + family_support(self.rows, self.cell, self.weight, self.parameters)

    def total(self, values: npt.ArrayLike, where: BoolArray | None = None) -> float:
        """Weighted sum."""
        product = np.asarray(values, dtype=np.float64) * self.weight
        return float(product.sum() if where is None else product[where].sum())


def regular_income(rows: Rows, benefit: FloatArray, kept: float) -> FloatArray:
    """Earnings (what other members keep while the head is out of work), pensions and benefits."""
    jobless = rows.stage == UNEMPLOYED
    earned = np.where(jobless, kept, 1.0) * rows.earnings
    return np.asarray(earned + rows.pension + jobless * benefit[rows.urban])


def working_members(rows: Rows) -> npt.NDArray[np.int64]:
    """Employed persons of each household."""
    return np.asarray(rows.earners.astype(np.int64) - (rows.stage == UNEMPLOYED))


def elders(rows: Rows) -> npt.NDArray[np.int64]:
    """Members aged 60 and over: all pensioners but those of early retired heads."""
    early = (rows.stage == RETIRED) & (rows.age < 60)
    return np.where(early, 0, rows.pensioners.astype(np.int64))


def kept_share(parameters: Parameters) -> float:
    """Share of the household's earnings that flows while the head is out of work."""
    name = "consumption.unemployment_income_share"
    return parameters.number(name if name in parameters else "population.unemployment_income_share")


def reference_sample(parameters: Parameters, scale: float | None = None) -> Sample:
    """An empty reference sample: the same number in each cell, or one in `scale` if larger."""
    least = int(parameters.number("population.fit.households_per_cell"))
    households = by_cell(parameters, "households")
    counts = np.full(CELLS, least)
    if scale is not None:
        counts = np.maximum(least, (households / scale).astype(int))
    cell = np.repeat(np.arange(CELLS), counts)
    benefit = parameters.array("population.unemployment_benefit")
    rows = allocate(cell.size)
    weight = (households / counts)[cell]
    return Sample(rows, cell, weight, benefit, kept_share(parameters), parameters)


def quintile_means(
    income_per_head: FloatArray, size: npt.ArrayLike, weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Means of five equal household groups by income a head, over the mean; and group medians."""
    order = np.argsort(income_per_head, kind="stable")
    persons = (np.asarray(size, dtype=np.float64) * weight)[order]
    value, reached = income_per_head[order], np.cumsum(weight[order])
    group = np.minimum((reached - 1e-9) / reached[-1] * QUINTILES, QUINTILES - 1).astype(int)
    total = np.bincount(group, value * persons, QUINTILES)
    heads = np.bincount(group, persons, QUINTILES)
    middle = np.array([np.median(value[group == g]) for g in range(QUINTILES)])
    return total / heads / (total.sum() / heads.sum()), middle


def _fit_members(tables: Tables, sample: Sample, parameters: Parameters) -> Tables:
    """Move the chances of children, elders, working members and the employee scheme."""
    rows = sample.rows
    persons = sample.total(rows.size)
    children = parameters.number("population.target.child_share") * persons
    chance = tables.child_chance.copy()
    chance[0] = np.minimum(chance[0] * children / sample.total(rows.children), 0.95)
    old = elders(rows)
    goal = by_cell(parameters, "elderly_share")
    old_by_cell = np.bincount(sample.cell, old * sample.weight, CELLS)
    persons_by_cell = np.bincount(sample.cell, rows.size * sample.weight, CELLS)
    coresident = np.bincount(sample.cell, (rows.stage != RETIRED) * old * sample.weight, CELLS)
    missing = goal * persons_by_cell - old_by_cell
    factor = np.clip(1.0 + missing / np.maximum(coresident, 1.0), 0.6, 1.6)
    elder = np.clip(tables.elder_chance * factor[:, None], 0.0, 0.95)
    employed = parameters.number("population.target.employed")
    late = sample.total(working_members(rows), rows.stage == RETIRED)
    need = 1.0 + (employed - sample.total(working_members(rows))) / max(late, 1.0)
    earner = np.clip(tables.retired_earner * np.clip(need, 0.5, 2.0), 0.0, 0.95)
    wanted = parameters.array("population.target.pensioners")
    urban = rows.urban == 1
    surplus = sample.total(rows.pensioners, rows.scheme == 1)
    surplus -= wanted[0] / wanted.sum() * sample.total(rows.pensioners)
    scheme = tables.scheme_share.copy()
    scheme[1] = np.clip(scheme[1] - surplus / sample.total(rows.pensioners, urban), 0.5, 1.0)
    return tables._replace(
        child_chance=chance, elder_chance=elder, retired_earner=earner, scheme_share=scheme
    )


def _fit_levels(tables: Tables, sample: Sample, parameters: Parameters) -> Tables:
    """Move pay by cell and pensions so that mean incomes and pensions meet their targets."""
    rows = sample.rows
    regular = 1.0 - parameters.number("population.property_income_share")
    goal = by_cell(parameters, "income") * regular / 12.0
    goal = goal * np.bincount(sample.cell, rows.size * sample.weight, CELLS)
    income = np.bincount(sample.cell, sample.income * sample.weight, CELLS)
    earned = np.bincount(sample.cell, rows.earnings * sample.weight, CELLS)
    level = np.clip(1.0 + (goal - income) / earned, 0.5, 2.0)
    pension = tables.pension.copy()
    wanted = ("population.employee_pension", "population.resident_pension")
    for scheme, name in enumerate(wanted, start=1):
        mine = rows.scheme == scheme
        mean = sample.total(rows.pension, mine) / sample.total(rows.pensioners, mine)
        pension[:, scheme] *= parameters.number(name) / mean
    return tables._replace(
        pay=tables.pay * level[:, None, None, None],
        retired_other=tables.retired_other * level,
        pension=pension,
    )


def _fit_shape(tables: Tables, sample: Sample, parameters: Parameters) -> Tables:
    """Bend the income distribution of each residence towards the target quintiles."""
    shape = tables.shape.copy()
    per_head = sample.income / sample.rows.size
    for residence, name in enumerate(RESIDENCES):
        mine = sample.rows.urban == residence
        goal = parameters.array(f"population.target.quintiles.{name}")
        means, _ = quintile_means(per_head[mine], sample.rows.size[mine], sample.weight[mine])
        shape[residence] *= np.clip(goal / means, 0.7, 1.4) ** 0.6
        shape[residence] = np.clip(shape[residence] / shape[residence, 2], 0.1, 4.0)
    return tables._replace(shape=shape)


@dataclass(frozen=True)
class Fit:
    """Fitted tables and the mean earnings [cell, work class, sector] they imply (yuan a month)."""

    tables: Tables
    anchor: FloatArray


def _ranks(sample: Sample) -> FloatArray:
    """Quantiles of permanent income, [residence, working or retired, RANKS]."""
    rows = sample.rows
    income, found = rows.earnings + rows.pension, np.empty((2, 2, RANKS))
    for residence in (0, 1):
        for late in (0, 1):
            mine = (rows.urban == residence) & ((rows.stage == RETIRED) == bool(late))
            order = np.argsort(income[mine], kind="stable")
            reached = np.cumsum(sample.weight[mine][order])
            at = (reached - sample.weight[mine][order] / 2.0) / reached[-1]
            found[residence, late] = np.interp(np.linspace(0, 1, RANKS), at, income[mine][order])
    return found


def _quintile_bounds(sample: Sample) -> FloatArray:
    """Permanent income a head that splits persons of the province into fifths, yuan a month."""
    rows = sample.rows
    value = (rows.earnings + rows.pension) / rows.size
    order = np.argsort(value, kind="stable")
    reached = np.cumsum((rows.size * sample.weight)[order])
    ranks = np.arange(1, QUINTILES) / QUINTILES
    return np.asarray(value[order][np.searchsorted(reached, ranks * reached[-1])])


def _committed_ratio(tables: Tables, sample: Sample, parameters: Parameters) -> FloatArray:
    """Committed deposits in months of income by income node, at the target mean."""
    rows = sample.rows
    income = rows.earnings + rows.pension
    elasticity = parameters.number("population.committed_income_elasticity")
    curve = (tables.income_nodes / tables.income_nodes[0]) ** elasticity
    drawn = income * np.interp(income, tables.income_nodes, curve)
    drawn *= tables.committed_age[rows.age_group]
    goal = parameters.number("population.committed_income_ratio") * 12.0 * sample.total(income)
    return np.asarray(curve * goal / sample.total(drawn))


def _anchor(tables: Tables, sample: Sample) -> FloatArray:
    """Mean earnings [cell, class, sector] as cell level times provincial relative means."""
    rows, shape = sample.rows, (CELLS, len(WORK_CLASSES), len(SECTORS))
    level = tables.pay[:, 1, 0, 1]
    relative = np.zeros((len(RESIDENCES), *shape[1:]))
    for residence in (0, 1):
        mine = rows.urban == residence
        index = rows.work_class[mine].astype(int) * len(SECTORS) + rows.sector[mine]
        value = rows.earnings[mine] / level[sample.cell[mine]] * sample.weight[mine]
        size = len(WORK_CLASSES) * len(SECTORS)
        total = np.bincount(index, value, size)
        count = np.bincount(index, sample.weight[mine], size)
        overall = total.sum() / count.sum()
        table = np.where(count > 0, total / np.maximum(count, 1.0), overall)
        relative[residence] = table.reshape(shape[1:])
    return np.asarray(relative[np.arange(CELLS) % 2] * level[:, None, None])


FITTED = (
    "child_chance", "elder_chance", "retired_earner", "scheme_share", "pay", "retired_other",
    "pension", "shape", "rank_income", "quintile_bounds", "committed_ratio",
)  # fmt: skip
_FITS: dict[str, Fit] = {}


def _passes(tables: Tables, parameters: Parameters) -> tuple[Tables, Sample]:
    """All passes over the reference samples; returns the last sample as drawn from the result."""
    sample = reference_sample(parameters)
    for stage, scale in (("", None), ("final_", parameters.number("population.fit.final_scale"))):
        sample = reference_sample(parameters, scale)
        for _ in range(int(parameters.number(f"population.fit.{stage}rounds"))):
            sample.draw(tables)
            tables = _fit_members(tables, sample, parameters)
            tables = _fit_shape(tables, sample, parameters)
            tables = _fit_levels(tables, sample, parameters)
    for _ in range(2):
        sample.draw(tables)
        tables = _fit_levels(tables, sample, parameters)
    sample.draw(tables)
    return tables, sample


def _fitted_arrays(start: Tables, parameters: Parameters) -> dict[str, npt.NDArray[Any]]:
    """Everything the fit finds, by field of Tables, and the anchor."""
    tables, sample = _passes(start, parameters)
    tables = tables._replace(
        rank_income=_ranks(sample),
        quintile_bounds=_quintile_bounds(sample),
        committed_ratio=_committed_ratio(tables, sample, parameters),
    )
    return {name: getattr(tables, name) for name in FITTED} | {"anchor": _anchor(tables, sample)}


def fit(parameters: Parameters) -> Fit:
    """Tables fitted to the margins; kept in memory and on disk by parameters and code."""
    values = parameters.digest(
        "population.", "consumption.", "durables.", "households.family.",
        "households.beliefs.retired_age",
    )  # fmt: skip
    code = source_digest(
        __file__,
        population_family.__file__,
        population_kernel.__file__,
        population_tables.__file__,
        streams.__file__,
    )
    digest = combined_digest(values, code)
    if digest not in _FITS:
        start = start_tables(parameters)
        arrays = cached("population", digest, lambda: _fitted_arrays(start, parameters))
        fitted: dict[str, Any] = {name: arrays[name] for name in FITTED}
        tables = start._replace(**fitted)
        _FITS[digest] = Fit(tables, arrays["anchor"])
    return _FITS[digest]
