"""The synthetic population: family households of Liaoning as columns, at any scale.

Counts come from the census, members, work, incomes and pensions from published margins of the
province and its cities (model/parameters/population.yaml, with grades). One row stands for
`weight` households; weights add up exactly to the census count of every place and residence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES, RESIDENCES, SCHEMES, SECTORS, WORK_CLASSES
from model.parameters import Parameters
from model.population_fit import allocate, fit
from model.population_kernel import (
    PLACE_SHIFT,
    RESIDENCE_SHIFT,
    RETIRED,
    Rows,
    Tables,
    core_rows,
    earnings_sums,
    other_rows,
)
from model.population_tables import CELLS, alias_tables, by_cell, with_seed

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

CHUNK = 1 << 16
STOCK_STAGES = 2


@dataclass(frozen=True)
class Population:
    """Columns of the simulated households, rows ordered by place, residence and segment.

    Money: fen; incomes: yuan a month, detrended, at pay index 1. `segments` int64 [k, 5] holds
    (start, stop, place, residence, weight) of runs of rows with one weight. `anchor` float64
    [place, residence, work class, sector] is the mean of `earnings` of such households, to which
    earnings revert. Earnings over earners over (1 - wage wedge) is the gross wage of each earner.
    """

    scale: int
    seed: int
    segments: I64
    anchor: F64
    place: U8
    urban: U8
    weight: I64
    size: U8
    age: U8
    age_group: U8
    quintile: U8
    group: U8
    stage: U8
    patience: U8
    sector: U8
    work_class: U8
    earners: U8
    children: U8
    scheme: U8
    pensioners: U8
    digital: U8
    markdown: U8
    thrift: U8
    earnings: F64
    pension: F64
    liquid: I64
    committed: I64
    debt: I64
    instalment: I64
    durable: U16  # [8, n]
    stock: I32  # [2, n]

    def __len__(self) -> int:
        return int(self.weight.size)

    @property
    def rows(self) -> Rows:
        """The drawn columns as the kernel's named tuple."""
        return Rows(**{name: getattr(self, name) for name in Rows._fields})

    @property
    def levels(self) -> tuple[F64, F64]:
        """What ranks in income refer to: `anchor`, and the mean of earnings and pension of retired
        households [cell, scheme], yuan a month (1 where there are none).
        """
        retired = self.stage == RETIRED
        cell = self.place[retired].astype(np.int64) * len(RESIDENCES) + self.urban[retired]
        index = cell * len(SCHEMES) + self.scheme[retired]
        weight, size = self.weight[retired], CELLS * len(SCHEMES)
        income = (self.earnings[retired] + self.pension[retired]) * weight
        count = np.bincount(index, weight, size)
        mean = np.where(count > 0.0, np.bincount(index, income, size) / np.maximum(count, 1.0), 1.0)
        return self.anchor, mean.reshape(CELLS, len(SCHEMES))

    @property
    def id(self) -> U64:
        """Fixed household ids, uint64 [n]: place << 40 | residence << 36 | index in the cell.

        Household k of a place and residence has the same id at every scale and for every seed.
        """
        found = np.empty(len(self), dtype=np.uint64)
        begin, last = 0, (-1, -1)
        for start, stop, place, residence, _ in self.segments.tolist():
            if (place, residence) != last:
                begin, last = start, (place, residence)
            base = (place << int(PLACE_SHIFT)) | (residence << int(RESIDENCE_SHIFT))
            found[start:stop] = np.arange(
                base + start - begin, base + stop - begin, dtype=np.uint64
            )
        return found


def segments_at(households: I64, scale: int) -> I64:
    """Segments [k, 5] (start, stop, place, residence, weight) for a scale.

    `households` int64 [place, residence]. Raises ValueError for a scale below 1.
    """
    if scale < 1:
        raise ValueError(f"scale must be at least 1, got {scale}")
    found, row = [], 0
    for place in range(households.shape[0]):
        for residence in range(households.shape[1]):
            count = int(households[place, residence])
            if count == 0:
                continue
            simulated = max(1, round(count / scale))
            weight, heavier = divmod(count, simulated)
            for length, each in ((heavier, weight + 1), (simulated - heavier, weight)):
                if length:
                    found.append((row, row + length, place, residence, each))
                    row += length
    return np.array(found, dtype=np.int64)


def _chunks(segments: I64) -> Iterator[tuple[int, int, int, int, int]]:
    """Work items (cell, first index in the cell, start, stop, weight) of at most CHUNK rows."""
    begin, last = 0, -1
    for start, stop, place, residence, weight in segments.tolist():
        cell = place * len(RESIDENCES) + residence
        if cell != last:
            begin, last = start, cell
        for low in range(start, stop, CHUNK):
            yield cell, low - begin, low, min(low + CHUNK, stop), weight


def _with_solved(
    tables: Tables, wealth: F64 | None, states: npt.NDArray[np.floating] | None
) -> Tables:
    """Tables with solved wealth quantiles and durable states where given."""
    if wealth is not None:
        if wealth.shape[:4] != tables.wealth.shape[:4]:
            raise ValueError(
                f"wealth_quantiles {wealth.shape} must start {tables.wealth.shape[:4]}"
            )
        tables = tables._replace(wealth=np.ascontiguousarray(wealth, dtype=np.float64))
    if states is not None:
        share, other = alias_tables(states)
        tables = tables._replace(state_share=share, state_alias=other)
    return tables


def _fill(
    tables: Tables, rows: Rows, cell: int, first: int, start: int, stop: int, weight: int
) -> None:
    core_rows(tables, cell, first, rows, start, stop)
    other_rows(tables, cell, first, rows, start, stop, weight)


def _exact_anchor(guess: F64, rows: Rows, pool: ThreadPoolExecutor) -> F64:
    """Scale guessed means so that anchors add up to earnings in each cell and work class."""
    count = rows.weight.size
    starts = range(0, count, CHUNK)
    parts = np.zeros((len(starts), CELLS, len(WORK_CLASSES), 2), dtype=np.int64)
    tasks = [
        pool.submit(earnings_sums, rows, low, min(low + CHUNK, count), guess, parts[number])
        for number, low in enumerate(starts)
    ]
    for task in tasks:
        task.result()
    actual, expected = np.moveaxis(parts.sum(axis=0), -1, 0).astype(np.float64)
    ratio = np.where(expected > 0, actual / np.maximum(expected, 1.0), 1.0)
    shape = (len(PLACES), len(RESIDENCES), len(WORK_CLASSES), len(SECTORS))
    return np.ascontiguousarray((guess * ratio[:, :, None]).reshape(shape))


def synthesise(
    parameters: Parameters,
    scale: int,
    seed: int,
    wealth_quantiles: F64 | None = None,
    durable_states: npt.NDArray[np.floating] | None = None,
    workers: int | None = None,
) -> Population:
    """Draw the population.

    `scale`: households one row stands for (1 is everybody). `wealth_quantiles` [residence 2,
    stage 3, patience 4, class 7, q]: yuan at equally spaced ranks, class of spendable permanent
    income (after committed saving); `durable_states` [item 8, class 7 of permanent income, age 240,
    clock 13]: weights. Bytes depend on parameters, scale, seed and these tables,
    not on `workers`. Raises ValueError for a scale below 1, a bad seed or table shape.
    """
    fitted = fit(parameters)
    tables = _with_solved(with_seed(fitted.tables, seed), wealth_quantiles, durable_states)
    households = by_cell(parameters, "households").astype(np.int64)
    segments = segments_at(households.reshape(len(PLACES), len(RESIDENCES)), scale)
    count = int(segments[-1, 1])
    rows = allocate(count)
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        tasks = [pool.submit(_fill, tables, rows, *chunk) for chunk in _chunks(segments)]
        for task in tasks:
            task.result()
        anchor = _exact_anchor(fitted.anchor, rows, pool)
    stock = np.zeros((STOCK_STAGES, count), dtype=np.int32)
    return Population(scale, seed, segments, anchor, *rows, stock)
