"""One month of all households, compiled: the fast twin of the rules in `household.py`.

Households are taken in chunks of one place and residence, a chunk in blocks of BLOCK rows, and
each rule runs over a block as its own loop, so that the compiler can vectorise it. Rare events
(job changes, purchases, vouchers) are found by a cheap test over the block, then handled row by
row. Everything that adds up is an integer: totals do not depend on threads or chunking.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_durables, kernel_income, kernel_vouchers
from model.agents.household_layout import V_APPLY, V_DIGITAL, V_GROUPS, V_PURPOSE
from model.agents.kernel_common import (
    ALLOCATING,
    BLOCK,
    JIT,
    PURPOSE_DURABLES,
    PURPOSE_MONTH,
    draw,
)  # fmt: skip

wage_floor, stages, incomes = kernel_income.wage_floor, kernel_income.stages, kernel_income.incomes
seldom, locate = kernel_income.seldom, kernel_income.locate
durables = kernel_durables.durables
budgets, vouchers, close = kernel_vouchers.budgets, kernel_vouchers.vouchers, kernel_vouchers.close
applies = kernel_vouchers.applies


@njit(**JIT)
def month_of_chunk(c, m, s, part, start, stop, place, residence, cell_start):  # type: ignore[no-untyped-def]
    """One month of the households in rows start..stop, which share place and residence.

    `part` [TOTALS] is added to, unweighted; `cell_start` is the first row of the place and
    residence, so that a household's draws do not depend on chunking.
    """
    cell = place * 2 + residence
    for begin in range(start, stop, BLOCK):
        n = min(BLOCK, stop - begin)
        first = begin - cell_start
        draw(s.words, 0, n, first, cell, m.month, PURPOSE_MONTH, m.seed[0], m.seed[1])
        draw(s.words, 4, n, first, cell, m.month, PURPOSE_DURABLES, m.seed[0], m.seed[1])
        wage_floor(c, m.work, s, begin, n, place)
        stages(c, m.work, m.income.anchor, s, part, begin, n, place, cell)
        incomes(c, m.income, s, part, begin, n, place, residence, m.trend)
        seldom(c, m.income, s, part, begin, n, place, residence, m.trend, m.month)
        locate(m.budget, s, n, place, m.trend)
        durables(c, m.goods, s, part, begin, n, place, cell, first, m.trend, m.month)
        budgets(c, m.budget, s, begin, n, place, residence)
        if m.batches.batch_first[place + 1] > m.batches.batch_first[place]:
            vouchers(
                c, m.batches, m.budget, s, part, begin, n, place, residence, first, m.seed, m.month
            )
        close(c, m.budget, s, part, begin, n)


@njit(**ALLOCATING)
def month_of_chunks(c, m, s, totals, chunks):  # type: ignore[no-untyped-def]
    """One month of several chunks [(start, stop, place, residence, weight, cell start)].

    Adds weighted totals [cell 30, TOTALS]. Releases the GIL: threads take disjoint chunks.
    """
    part = np.zeros(totals.shape[1], np.int64)
    for row in range(chunks.shape[0]):
        start, stop, place, residence, weight, cell_start = chunks[row]
        part[:] = 0
        month_of_chunk(c, m, s, part, start, stop, place, residence, cell_start)
        cell = place * 2 + residence
        for f in range(totals.shape[1]):
            totals[cell, f] += weight * part[f]


@njit(**ALLOCATING)
def race(c, fields, start, stop, cell, month, cell_start, low, high, histogram):  # type: ignore[no-untyped-def]
    """Applicants of a voucher batch by arrival key: adds households to histogram [2**16]."""
    words = np.zeros((4, BLOCK), np.uint32)
    for begin in range(start, stop, BLOCK):
        n = min(BLOCK, stop - begin)
        draw(words, 0, n, begin - cell_start, cell, month, fields[V_PURPOSE], low, high)
        for i in range(n):
            word = np.int64(words[0, i])
            row = begin + i
            if applies(
                c.group[row], c.digital[row], fields[V_GROUPS], fields[V_DIGITAL],
                fields[V_APPLY], word >> 16,
            ):  # fmt: skip
                histogram[word & 0xFFFF] += 1
