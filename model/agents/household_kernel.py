"""One month of all households, compiled: the fast twin of the rules in `household.py`.

Households are taken in chunks of one place and residence, a chunk in blocks of BLOCK rows, and
each rule runs over a block as its own loop, so that the compiler can vectorise it. Rare events
(job changes, purchases, vouchers) are found by a cheap test over the block, then handled row by
row. Everything that adds up is an integer: totals do not depend on threads or chunking.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import (
    kernel_durables,
    kernel_family,
    kernel_grants,
    kernel_income,
    kernel_vouchers,
)
from model.agents.household_layout import V_APPLY, V_DIGITAL, V_GROUPS, V_PURPOSE, V_RESIDENCE
from model.agents.kernel_common import (
    ALLOCATING,
    BLOCK,
    JIT,
    PURPOSE_DURABLES,
    PURPOSE_MONTH,
    draw,
    on_stack,
)  # fmt: skip
from model.agents.kernel_wage_floor import wage_floor

stages, incomes = kernel_income.stages, kernel_income.incomes
seldom, locate = kernel_income.seldom, kernel_income.locate
change_rest, forgo_pay = kernel_family.change_rest, kernel_family.forgo_pay
exchange_support = kernel_family.exchange_support
grants, durables = kernel_grants.grants, kernel_durables.durables
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
        change_rest(c, part, begin, n)
        wage_floor(c, m.work, s, begin, n, place)
        stages(c, m.work, m.income.anchor, s, part, begin, n, place, cell)
        incomes(c, m.income, s, part, begin, n, place, residence, m.trend)
        gain = m.income.plan_gain
        forgo_pay(c, m.family, gain, s, part, begin, n, residence, m.trend)
        exchange_support(c, s, part, begin, n, m.trend)
        seldom(c, m.income, s, part, begin, n, first, place, residence, m.trend, m.month)
        if m.grants.grant_count > 0:
            grants(c, m.grants, gain, s, part, begin, n, first, cell, m.trend, m.month)
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


@njit(**JIT)
def arrivals(group, digital, words, fields, chunks, begin, end, month, seed, upper, found):  # type: ignore[no-untyped-def]
    """Real households that apply, by arrival key: adds to `found` [256].

    `upper` below 0 counts by the high byte of the key; else only keys with that high byte count,
    by their low byte. `chunks` begin..end belong to one place.
    """
    drawn, counted, place_of = words[0], on_stack(), on_stack()
    eligible, needs, share = fields[V_GROUPS], fields[V_DIGITAL], fields[V_APPLY]
    for at in range(begin, end):
        start, stop, place, residence, weight, cell_start = chunks[at]
        if not (fields[V_RESIDENCE] >> residence) & 1:
            continue
        for low in range(start, stop, BLOCK):
            n, cell = min(BLOCK, stop - low), place * 2 + residence
            draw(words, 0, n, low - cell_start, cell, month, fields[V_PURPOSE], seed[0], seed[1])
            groups, reach = group[low : low + n], digital[low : low + n]
            for i in range(n):
                word = np.int64(drawn[i])
                applied = applies(groups[i], reach[i], eligible, needs, share, word >> 16)
                high = (word >> 8) & 0xFF
                counted[i] = applied & ((upper < 0) | (high == upper))
                place_of[i] = high if upper < 0 else word & 0xFF
            for i in range(n):
                found[place_of[i]] += weight * counted[i]


@njit(**ALLOCATING)
def race(group, digital, fields, prices, money, chunks, first, low, high, month, seed, cuts):  # type: ignore[no-untyped-def]
    """Arrival keys [batch, place] below which applicants hold vouchers, for places low..high - 1.

    `first` [place + 1] is the first chunk of each place, `prices` [batch] the fen promised to a
    holder, `money` [batch, place] fen. The key is found by its high byte, then by its low byte.
    """
    words, found = np.zeros((4, BLOCK), np.uint32), np.zeros(256, np.int64)
    for b in range(fields.shape[0]):
        for place in range(low, high):
            if money[b, place] <= 0:
                continue
            before, upper = np.int64(0), np.int64(-1)
            for _ in range(2):
                found[:] = 0
                arrivals(
                    group, digital, words, fields[b], chunks, first[place], first[place + 1],
                    month, seed, upper, found,
                )  # fmt: skip
                at = 0
                while at < 256 and (before + found[at]) * prices[b] <= money[b, place]:
                    before += found[at]
                    at += 1
                if upper >= 0:
                    cuts[b, place] = upper * 256 + at
                elif at == 256:
                    cuts[b, place] = 1 << 16
                    break
                else:
                    upper = np.int64(at)
