"""Time of each rule of the household kernel: the month is run up to a rule, one rule more a time.

The driver calls the model's own compiled rules on the model's own inputs; only the order and the
point where it stops are its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from benchmarks.measure import Sample, fresh, round_robin
from model.agents import household_kernel as kernel
from model.agents.household_layout import TOTALS, Columns, Month
from model.agents.kernel_common import (
    ALLOCATING,
    BLOCK,
    PURPOSE_DURABLES,
    PURPOSE_MONTH,
    make_scratch,
)  # fmt: skip

RULES = (
    "random words", "wage floor", "job and stage", "incomes", "bills and transfers",
    "income position", "durables", "budget", "vouchers", "close the month",
)  # fmt: skip

draw, wage_floor, stages, incomes = kernel.draw, kernel.wage_floor, kernel.stages, kernel.incomes
change_rest, forgo_pay = kernel.change_rest, kernel.forgo_pay
exchange_support = kernel.exchange_support
seldom, grants, locate = kernel.seldom, kernel.grants, kernel.locate
durables = kernel.durables
budgets, vouchers, close = kernel.budgets, kernel.vouchers, kernel.close


@njit(**ALLOCATING)
def run_rules(c, m, s, part, chunks, last):  # type: ignore[no-untyped-def]  # noqa: C901
    """The first `last` rules of a month for all chunks."""
    for at in range(chunks.shape[0]):
        start, stop, place, residence, _, cell_start = chunks[at]
        cell = place * 2 + residence
        for begin in range(start, stop, BLOCK):
            n = min(BLOCK, stop - begin)
            first = begin - cell_start
            if last >= 1:
                draw(s.words, 0, n, first, cell, m.month, PURPOSE_MONTH, m.seed[0], m.seed[1])
                draw(s.words, 4, n, first, cell, m.month, PURPOSE_DURABLES, m.seed[0], m.seed[1])
            if last >= 2:
                change_rest(c, part, begin, n)
                wage_floor(c, m.work, s, begin, n, place)
            if last >= 3:
                stages(c, m.work, m.income.anchor, s, part, begin, n, place, cell)
            if last >= 4:
                incomes(c, m.income, s, part, begin, n, place, residence, m.trend)
                gain = m.income.plan_gain
                forgo_pay(c, m.family, gain, s, part, begin, n, residence, m.trend)
                exchange_support(c, s, part, begin, n, m.trend)
            if last >= 5:
                seldom(c, m.income, s, part, begin, n, first, place, residence, m.trend, m.month)
                if m.grants.grant_count > 0:
                    grants(c, m.grants, gain, s, part, begin, n, first, cell, m.trend, m.month)
            if last >= 6:
                locate(m.budget, s, n, place, m.trend)
            if last >= 7:
                durables(c, m.goods, s, part, begin, n, place, cell, first, m.trend, m.month)
            if last >= 8:
                budgets(c, m.budget, s, begin, n, place, residence)
            if last >= 9 and m.batches.batch_first[place + 1] > m.batches.batch_first[place]:
                vouchers(
                    c, m.batches, m.budget, s, part, begin, n, place, residence, first, m.seed,
                    m.month,
                )  # fmt: skip
            if last >= 10:
                close(c, m.budget, s, part, begin, n)


def time_rules(columns: Columns, month: Month, chunks: Any, rounds: int) -> dict[str, float]:
    """Median seconds a month added by each rule (prefix sums, then differences)."""
    part, scratch = np.zeros(TOTALS, np.int64), make_scratch()

    def prefix(last: int) -> Sample:
        return Sample(
            lambda copy: run_rules(copy, month, scratch, part, chunks, last), lambda: fresh(columns)
        )

    counts = range(len(RULES) + 1)
    medians = round_robin({str(last): prefix(last) for last in counts}, rounds)
    return {rule: medians[str(at + 1)] - medians[str(at)] for at, rule in enumerate(RULES)}
