"""Household kernel: programmes that give to, or take from, households of one kind.

Compiled twin of `household_grants.py`. Most programmes reach few: one comparison of a lasting draw
with the widest reach of the cell leaves only the households near it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.household_layout import (
    A_COMMIT,
    A_CONTRIBUTE,
    A_GOODS,
    G_ACTION,
    G_AMOUNT,
    G_CATEGORY,
    G_REDRAWN,
    G_REGULAR,
    G_SALT,
    MONTH_SALT,
)  # fmt: skip
from model.agents.kernel_common import JIT, compact, lasting_draw, mix


@njit(**JIT)
def grants(c, m, s, part, start, n, first, cell, trend, month):  # type: ignore[no-untyped-def]
    """Every grant of the month that reaches anybody in this cell."""
    for slot in range(m.grant_count):
        most = m.grant_most[slot, cell]
        if most > 0:
            salt = m.grant[slot, G_SALT]
            again = np.int64(MONTH_SALT + month if m.grant[slot, G_REDRAWN] != 0 else 0)
            _within(s.marks, n, first, cell, salt, again, most)
            count = compact(s.marks, s.marks_by_eight, s.queue, n)
            if count > 0:
                count = _reached(
                    c, m.grant_reach[slot, cell], s, start, count, first, cell, salt, again
                )
                _take_part(c, m, s, part, start, count, slot, trend)


@njit(**JIT)
def _within(marks, n, first, cell, salt, again, most):  # type: ignore[no-untyped-def]
    """Mark draws below the widest reach."""
    if again != 0:
        for i in range(n):
            marks[i] = mix(lasting_draw(first + i, cell, salt), again) < most
    else:
        for i in range(n):
            marks[i] = lasting_draw(first + i, cell, salt) < most


@njit(**JIT)
def _reached(c, reach, s, start, count, first, cell, salt, again):  # type: ignore[no-untyped-def]
    """Keep of the queue whom the programme reaches by group and stage; returns their number."""
    group, stage, queue, kept = c.group, c.stage, s.queue, 0
    for q in range(count):
        i = queue[q]
        row = start + i
        draw = lasting_draw(first + i, cell, salt)
        draw = mix(draw, again) if again != 0 else draw
        queue[kept] = i
        kept += 1 if draw < reach[group[row], stage[row]] else 0
    return kept


@njit(**JIT)
def _take_part(c, m, s, part, start, count, slot, trend):  # type: ignore[no-untyped-def]
    """Money or goods in, or money locked away or paid to the funds as far as cash reaches."""
    fields, displaced = m.grant[slot], m.grant_displaced[slot]
    action, amount, category = fields[G_ACTION], fields[G_AMOUNT], fields[G_CATEGORY]
    regular = fields[G_REGULAR] * 0.01 / trend
    paid = committed = np.int64(0)
    for q in range(count):
        i = s.queue[q]
        row = start + i
        group, moved, gain = np.int64(c.group[row]), amount, np.int64(0)
        s.spendable[i] = max(s.spendable[i] + regular, 0.0)
        if action in (A_COMMIT, A_CONTRIBUTE):
            moved = min(amount, max(s.cash[i], 0))
            s.cash[i] -= moved
            if action == A_COMMIT:
                c.committed[row] += moved
                committed += moved
            else:
                gain = -moved
        else:
            gain = moved
            if action == A_GOODS:
                _use_goods(c, s, part, row, i, group, category, moved, displaced)
            else:
                s.cash[i] += moved
        s.income[i] += gain
        part[k.O_GROUP_INCOME + group] += gain
        paid += moved
    part[k.O_COMMITTED] += committed
    part[k.O_GRANTED + slot] += paid


@njit(**JIT)
def _use_goods(c, s, part, row, i, group, category, amount, displaced):  # type: ignore[no-untyped-def]
    """Goods are consumption; a part is kept and later replaces own purchases."""
    s.events[i] += amount
    part[k.O_EVENT + group * k.N_CATEGORIES + category] += amount
    stocked = np.int64(displaced * amount)
    if stocked > 0:
        c.stock[0, row] += np.int32(stocked)
        c.stock_category[row] = category
        part[k.O_STOCKED] += stocked
