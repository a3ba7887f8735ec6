"""The pieces a household month is made of, each timed alone with its data in the first cache.

Their sum, with the counts of `per_household`, is what the kernel would cost if nothing got lost
between its rules. Counts of rare things (decisions about durables, voucher holders) are measured
on the month itself; the others are read off the rules, rule by rule.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from benchmarks.measure import Sample, round_robin
from model.agents.kernel_common import ALLOCATING, BLOCK, draw, mix
from model.dimensions import ITEMS
from model.solvers.grids import CASH_GRID, INCOME_GRID

REPEATS = 2000
TABLE = 3 * 4 * CASH_GRID.size * INCOME_GRID.size  # nodes of one policy table
MASK = (1 << 20) - 1


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
    """One durable: a month older, compared with the bound of its age."""
    for r in range(repeats):
        for i in range(BLOCK):
            state = np.int64(d.state[i])
            waiting = 1 if (state & 15) > 0 else 0
            drawn = 1 if (np.int64(d.words[0, i]) & 0xFFFF) <= d.totals[(state >> 4) & 255] else 0
            d.whole[i] |= waiting | drawn
            d.state[i] = state + (16 if (state >> 4) < 239 else -16 * (r & 127))


@njit(**ALLOCATING)
def compaction(d, repeats):  # type: ignore[no-untyped-def]
    """Keep the positions that pass a test."""
    for r in range(repeats):
        count = 0
        for i in range(BLOCK):
            d.whole[count] = i
            count += 1 if d.index[i] < (r & 63) else 0
        d.totals[0] = count


@njit(**ALLOCATING)
def decision(d, repeats):  # type: ignore[no-untyped-def]
    """A rare event: two further draws, a read far away, an unpredictable branch, a total."""
    for r in range(repeats):
        for i in range(BLOCK):
            word = mix(d.node[i] + r, 3)
            other = mix(word, 5)
            value = d.far[word & MASK]
            if (other & 0xFF) > 128:
                d.totals[other & 255] += np.int64(value)
            else:
                d.state[i] = word & 0xFFF


PRIMITIVES: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        random_words, grid_position, interpolation, gather, round_to_fen, scatter_sum, plain_sum,
        column, arithmetic, division, ageing, compaction, decision,
    )
}  # fmt: skip


def material() -> Any:
    """Arrays of one block, and the tables the primitives read."""
    rows = np.arange(BLOCK)
    share = (rows * 0.618) % 1.0
    index = (rows * 97) % 251
    data = {
        "words": np.zeros((4, BLOCK), np.uint32), "bits": (share + 2.0).view(np.int64),
        "whole": np.zeros(BLOCK, np.int64), "real": np.zeros(BLOCK), "share": share,
        "node": (rows * 7919) % (TABLE - 64), "index": index, "small": np.linspace(0.5, 2.0, 1024),
        "table": np.linspace(1.0, 9.0, TABLE, dtype=np.float32),
        "totals": np.zeros(1024, np.int64), "byte": (rows % 12).astype(np.uint8),
        "state": (index * 16).astype(np.uint16), "far": np.ones(MASK + 1, np.uint32),
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


def per_household(batches: float, decisions: float, holders: float) -> dict[str, float]:
    """How often each primitive occurs in a household month.

    `batches` voucher batches of the household's place, `decisions` about durables and voucher
    `holders` are means per household of the month that is measured. The other numbers count
    statements of the rules (kernel_income, kernel_durables, kernel_vouchers) in this order:
    wage floor, stages, incomes, bills, income position, durables, budget, vouchers, close.
    """
    return {
        "random_words": 2 + batches,
        "grid_position": 2 + holders,
        "interpolation": 2 * (1 + holders),
        "gather": 2 + 1 + 2 + 5,  # shocks; anchor; pay and perceived pay; pension rules
        "round_to_fen": 6 + 1 + 1 + holders,  # incomes; housing; budget
        "scatter_sum": 4 + 1 + 2,  # sector and scheme totals; group income; two income nodes
        "plain_sum": 6 + 1 + 3,  # incomes; housing; balances
        "column": 5 + 1 + 8 + 3 + 2 + 3 * batches + 3,
        "arithmetic": 1 + 1 + 4 + 2 + 1 + 1 + batches + 1,
        "division": 2,
        "ageing": len(ITEMS),
        "compaction": 2 + batches,
        "decision": decisions + 3 * holders,  # a holder has several vouchers
    }
