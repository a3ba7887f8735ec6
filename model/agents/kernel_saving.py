"""Household kernel: saving by plan. Compiled twins of the words in `household_words.py`."""

from __future__ import annotations

from numba import njit

from model.agents import kernel_common as k
from model.agents.kernel_common import INLINE
from model.dimensions import MOST_SAVED, THRIFT_UNIT


@njit(**INLINE)
def planned_saving(c, m, s, residence, factor, start, n, plans):  # type: ignore[no-untyped-def]
    """Yuan a month that savings plans ask for, into `plans`; uses the place of `real_income`."""
    stop = start + n
    incomes, thrift = c.plan_income[start:stop], c.thrift[start:stop]
    stage, group = c.stage[start:stop], c.group[start:stop]
    usual = m.usual_share[residence]
    for i in range(n):
        s.real_income[i] = min(max(incomes[i], k.INCOME_LOW), k.INCOME_HIGH)
    for i in range(n):
        bits, late = s.real_income_bits[i], 1 if stage[i] == 2 else 0
        node = (bits >> k.INCOME_SHIFT) - k.INCOME_OFFSET
        fraction = (bits & k.INCOME_MASK) * k.INCOME_UNIT
        share = usual[late, node] * (1.0 - fraction) + usual[late, node + 1] * fraction
        share = min(share * (thrift[i] * THRIFT_UNIT), MOST_SAVED)
        plans[i] = incomes[i] * share * factor[late * 4 + (int(group[i]) & 3)]


@njit(**INLINE)
def catch_up(plan_income, stage, gain, row, change):  # type: ignore[no-untyped-def]
    """Plans follow lasting income slowly; they rest while the household is without work."""
    if stage[row] != 1:
        plan_income[row] = max(plan_income[row] + gain * change, 0.0)
