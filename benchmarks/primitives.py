"""The pieces a household month is made of, each timed alone with its data in the first cache.

Their sum, with the counts of `per_household` and one passage of the state through the processor
(`benchmarks.kernel.touching`), is what the kernel would cost if nothing got lost between its rules.
Counts of rare things (decisions about durables, voucher holders) are measured
on the month itself; the others are read off the rules, rule by rule.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from benchmarks.measure import Sample, round_robin
from model.agents.household_layout import BASKET_POINTS, SCREEN_FIELDS
from model.agents.kernel_common import ALLOCATING, BLOCK, compact, draw, mix
from model.agents.kernel_durables import age_pair
from model.dimensions import ITEMS
from model.solvers.grids import CASH_GRID, INCOME_GRID

Counts = dict[str, float]
REPEATS = 2000
TABLE = 3 * 4 * CASH_GRID.size * INCOME_GRID.size  # nodes of one policy table
MASK = (1 << 20) - 1
FAR = 2 * len(ITEMS) * 7 * 240 * 13  # entries of the two tables of purchases read in a place


@njit(**ALLOCATING)
def random_words(d, repeats):  # type: ignore[no-untyped-def]
    """One block of Philox4x32-10 (128 bits) a household."""
    for r in range(repeats):
        draw(d.words, 0, BLOCK, 0, 1, r, 1, 7, 9)


@njit(**ALLOCATING)
def grid_position(d, repeats):  # type: ignore[no-untyped-def]
    """Interval and position on a floating grid, from the bits of the number."""
    for r in range(repeats):
        for i in range(BLOCK):
            bits = d.bits[i] + r
            d.whole[i] = (bits >> 49) - 8000
            d.real[i] = (bits & MASK) * 0.25


@njit(**ALLOCATING)
def interpolation(d, repeats):  # type: ignore[no-untyped-def]
    """Bilinear value of a solved table: four gathers."""
    table, width = d.table, 37
    for r in range(repeats):
        for i in range(BLOCK):
            at, x = d.node[i] + (r & 7), d.share[i]
            low = table[at] * (1.0 - x) + table[at + 1] * x
            high = table[at + width] * (1.0 - x) + table[at + width + 1] * x
            d.real[i] = low * (1.0 - x) + high * x


@njit(**ALLOCATING)
def gather(d, repeats):  # type: ignore[no-untyped-def]
    """One value of a small table."""
    for r in range(repeats):
        for i in range(BLOCK):
            d.real[i] = d.small[(d.index[i] + r) & 1023]


@njit(**ALLOCATING)
def round_to_fen(d, repeats):  # type: ignore[no-untyped-def]
    """Yuan to whole fen."""
    for r in range(repeats):
        for i in range(BLOCK):
            d.whole[i] = np.int64(np.floor(d.share[i] * r * 100.0 + 0.5))


@njit(**ALLOCATING)
def scatter_sum(d, repeats):  # type: ignore[no-untyped-def]
    """Add an integer to one of many totals."""
    for r in range(repeats):
        for i in range(BLOCK):
            d.totals[d.index[i]] += d.node[i] + r


@njit(**ALLOCATING)
def plain_sum(d, repeats):  # type: ignore[no-untyped-def]
    """Add an integer to one total."""
    for r in range(repeats):
        total = np.int64(0)
        for i in range(BLOCK):
            total += d.node[i] ^ r
        d.totals[r & 63] += total


@njit(**ALLOCATING)
def column(d, repeats):  # type: ignore[no-untyped-def]
    """Read a byte column and write eight bytes."""
    for r in range(repeats):
        for i in range(BLOCK):
            d.whole[i] = np.int64(d.byte[i]) * r


@njit(**ALLOCATING)
def arithmetic(d, repeats):  # type: ignore[no-untyped-def]
    """Ten multiplications, additions or comparisons, and a load and a store."""
    for r in range(repeats):
        for i in range(BLOCK):
            x = d.share[i]
            y = x * r + 0.5
            y = y * x + 0.25
            y = y * x + 0.125
            y = y * x + 0.0625
            d.real[i] = max(y, x) * 0.5


@njit(**ALLOCATING)
def division(d, repeats):  # type: ignore[no-untyped-def]
    """One division."""
    for r in range(repeats):
        for i in range(BLOCK):
            d.real[i] = (d.share[i] + r) / (d.share[i] + 1.5)


@njit(**ALLOCATING)
def ageing(d, repeats):  # type: ignore[no-untyped-def]
    """Two durables: a month older, compared with bounds that rise in steps."""
    for _ in range(repeats):
        age_pair(d.state, d.other, d.words[0], d.marks, BLOCK, d.bounds, 0)


@njit(**ALLOCATING)
def compaction(d, repeats):  # type: ignore[no-untyped-def]
    """Keep the positions of rare marks."""
    for r in range(repeats):
        d.rare[r & 255] ^= 1
        d.totals[0] += compact(d.rare, d.rare_by_eight, d.whole, BLOCK)


@njit(**ALLOCATING)
def decision(d, repeats):  # type: ignore[no-untyped-def]
    """A rare event: two further draws, a read far away, a choice between outcomes."""
    for r in range(repeats):
        for i in range(BLOCK):
            word = mix(d.node[i] + r, 3)
            other = mix(word, 5)
            value = np.int64(d.far[(word * FAR) >> 32])
            d.whole[i] = value if (other & 0xFF) > 128 else other


@njit(**ALLOCATING)
def redemption(d, repeats):  # type: ignore[no-untyped-def]
    """One voucher: a further draw, its basket, costs and gains, and what is left of the cash."""
    used = np.int64(0)
    for r in range(repeats):
        for i in range(BLOCK):
            natural = d.basket[mix(d.node[i], r) >> 20] * d.share[i] * 100.0
            gap = 100.0 - natural
            loss = gap * gap / (2.0 * max(natural, 1.0)) * 0.3 + 8.0
            able = (natural < 100.0) & (gap <= d.whole[i])
            topped = able & (loss < 30.0)
            use = np.int64(gap * 0.7) * topped + np.int64(gap) * (able & (not topped))
            moved = np.int64(0.5 * use)
            used += np.int64(natural) + use
            d.whole[i] += use - moved
    d.totals[1] = used


PRIMITIVES: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        random_words, grid_position, interpolation, gather, round_to_fen, scatter_sum, plain_sum,
        column, arithmetic, division, ageing, compaction, decision, redemption,
    )
}  # fmt: skip


def material() -> Any:
    """Arrays of one block, and the tables the primitives read."""
    rows = np.arange(BLOCK)
    share = (rows * 0.618) % 1.0
    index = (rows * 97) % 251
    rare = ((rows * 37) % 25 == 0).astype(np.uint8)
    data = {
        "words": np.zeros((4, BLOCK), np.uint32), "bits": (share + 2.0).view(np.int64),
        "whole": np.zeros(BLOCK, np.int64), "real": np.zeros(BLOCK), "share": share,
        "node": (rows * 7919) % (TABLE - 64), "index": index, "small": np.linspace(0.5, 2.0, 1024),
        "table": np.linspace(1.0, 9.0, TABLE, dtype=np.float32),
        "totals": np.zeros(1024, np.int64), "byte": (rows % 12).astype(np.uint8),
        "state": (index * 16).astype(np.uint16), "far": np.ones(FAR, np.uint32),
        "other": (index * 16).astype(np.uint16), "marks": np.zeros(BLOCK, np.uint8),
        "bounds": np.full((2, SCREEN_FIELDS), 500, np.uint16), "rare": rare,
        "rare_by_eight": rare.view(np.int64),
        "basket": np.linspace(0.1, 3.0, BASKET_POINTS, dtype=np.float32),
    }  # fmt: skip
    return namedtuple("Material", data)(**data)  # noqa: PYI024


def time_primitives(rounds: int, repeats: int = REPEATS) -> dict[str, float]:
    """Median ns of one execution of each primitive."""
    data = material()
    samples = {
        name: Sample(lambda _, f=function: f(data, repeats))
        for name, function in PRIMITIVES.items()
    }
    seconds = round_robin(samples, rounds)
    return {name: took / repeats / BLOCK * 1e9 for name, took in seconds.items()}


def per_household(batches: float, decisions: float, holders: float, copies: float) -> Counts:
    """How often each primitive occurs in a household month.

    `batches` voucher batches of the household's place, `decisions` about durables and voucher
    `holders` are means per household of the month that is measured, a holder has `copies`
    vouchers. The other numbers count statements of the rules (kernel_income, kernel_durables,
    kernel_vouchers) in this order: wage floor, stages, incomes (earnings, pensions, saving),
    bills, income position, durables, budget, vouchers, close.
    """
    return {
        "random_words": 2 + batches,
        "grid_position": 2 + holders,
        "interpolation": 2 * (1 + holders),
        "gather": 2 + 1 + 2,  # shocks; anchor; pay and perceived pay
        "round_to_fen": 2 + 3 + 2 + 1 + 1 + holders,  # the three of incomes; housing; budget
        "scatter_sum": 2 + 1 + 2,  # earnings and persons; group income; two income nodes
        "plain_sum": 4 + 6 + 3 + 1 + 3,  # the three of incomes; housing; balances
        "column": 4 + 1 + 9 + 4 + 3 + 5 + 5 + 2 + 2 * batches + 8,
        "arithmetic": 1 + 1 + 2 + 4 + 2 + 2 + 1 + 1 + batches + 1,
        "ageing": len(ITEMS) / 2,
        "compaction": 5 + batches,
        "decision": decisions,
        "redemption": holders * copies,
        "division": holders,
    }
