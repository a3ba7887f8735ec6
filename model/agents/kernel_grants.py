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
    A_GOODS,
    A_MONEY,
    G_ACTION,
    G_AMOUNT,
    G_CATEGORY,
    G_REDRAWN,
    G_REGULAR,
    G_SALT,
    MONTH_SALT,
)  # fmt: skip
from model.agents.kernel_common import INLINE, JIT, compact, mix, on_stack
from model.agents.kernel_saving import catch_up

_RARE = (1 << 32) // 16  # reach below which marks are skipped eight at a time


@njit(**JIT)
def grants(c, m, gain, s, part, start, n, first, cell, trend, month):  # type: ignore[no-untyped-def]
    """Every grant of the month that reaches anybody in this cell."""
    words, group, stage = s.more[0], c.group[start : start + n], c.stage[start : start + n]
    marks, eights, queue, cash, income = s.marks, s.marks_by_eight, s.queue, s.cash, s.income
    spendable, fields, widest, draws = s.spendable, m.grant, m.grant_most, on_stack()
    plan_income = c.plan_income[start : start + n]
    for i in range(n):
        words[i] = mix(first + i, cell + 1)
    for slot in range(m.grant_count):
        most = widest[slot, cell]
        if most == 0:
            continue
        salt = fields[slot, G_SALT]
        again = np.int64(MONTH_SALT + month if fields[slot, G_REDRAWN] != 0 else 0)
        _within(draws, marks, words, n, salt, again, most)
        if most < _RARE:
            count = compact(marks, eights, queue, n)
        else:
            count = _all_marked(marks, queue, n)
        reach = m.grant_reach[slot, cell]
        count = _reached(group, stage, reach, queue, draws, count)
        if count == 0:
            continue
        action, amount = fields[slot, G_ACTION], fields[slot, G_AMOUNT]
        regular = fields[slot, G_REGULAR] * 0.01 / trend
        _count_on(spendable, plan_income, stage, gain, queue, count, regular)
        paid = np.int64(amount * count)
        if action == A_MONEY:
            _receive(group, cash, income, queue, part, count, amount)
        else:
            paid = _other_action(c, m, s, part, start, count, slot)
        part[k.O_GRANTED + slot] += paid


@njit(**INLINE)
def _within(draws, marks, words, n, salt, again, most):  # type: ignore[no-untyped-def]
    """Draws of a block, and marks of those below the widest reach."""
    if again != 0:
        for i in range(n):
            draws[i] = mix(mix(np.int64(words[i]), salt), again)
    else:
        for i in range(n):
            draws[i] = mix(np.int64(words[i]), salt)
    for i in range(n):
        marks[i] = draws[i] < most


@njit(**INLINE)
def _all_marked(marks, queue, n):  # type: ignore[no-untyped-def]
    """Positions with a mark, where marks are not rare; returns their number."""
    count = 0
    for i in range(n):
        queue[count] = i
        count += 1 if marks[i] != 0 else 0
    return count


@njit(**INLINE)
def _reached(group, stage, reach, queue, draws, count):  # type: ignore[no-untyped-def]
    """Keep of the queue whom the programme reaches by group and stage; returns their number."""
    kept = 0
    for q in range(count):
        i = queue[q]
        queue[kept] = i
        kept += 1 if draws[i] < reach[group[i], stage[i]] else 0
    return kept


@njit(**INLINE)
def _count_on(spendable, plan_income, stage, gain, queue, count, regular):  # type: ignore[no-untyped-def]
    """What comes or goes regularly is permanent income, which savings plans follow."""
    for q in range(count):
        i = queue[q]
        spendable[i] = max(spendable[i] + regular, 0.0)
        catch_up(plan_income, stage, gain, i, regular)


@njit(**INLINE)
def _receive(group, cash, income, queue, part, count, amount):  # type: ignore[no-untyped-def]
    """Money."""
    for q in range(count):
        i = queue[q]
        cash[i] += amount
        income[i] += amount
        part[k.O_GROUP_INCOME + np.int64(group[i])] += amount


@njit(**JIT)
def _other_action(c, m, s, part, start, count, slot):  # type: ignore[no-untyped-def]
    """Goods, or money locked away or paid to the funds as far as cash reaches: sum that moved."""
    action, amount = m.grant[slot, G_ACTION], m.grant[slot, G_AMOUNT]
    if action == A_GOODS:
        category, displaced = m.grant[slot, G_CATEGORY], m.grant_displaced[slot]
        return _use_goods(c, s, part, start, count, category, amount, displaced)
    if action == A_COMMIT:
        total = _commit(c.committed, s.cash, s.queue, start, count, amount)
        part[k.O_COMMITTED] += total
        return total
    return _contribute(c.group, s.cash, s.income, s.queue, part, start, count, amount)


@njit(**JIT)
def _commit(committed, cash, queue, start, count, amount):  # type: ignore[no-untyped-def]
    """Cash into committed deposits."""
    total = np.int64(0)
    for q in range(count):
        i = queue[q]
        moved = min(amount, max(cash[i], 0))
        cash[i] -= moved
        committed[start + i] += moved
        total += moved
    return total


@njit(**JIT)
def _contribute(group, cash, income, queue, part, start, count, amount):  # type: ignore[no-untyped-def]
    """Contributions out of disposable income."""
    total = np.int64(0)
    for q in range(count):
        i = queue[q]
        moved = min(amount, max(cash[i], 0))
        cash[i] -= moved
        income[i] -= moved
        part[k.O_GROUP_INCOME + np.int64(group[start + i])] -= moved
        total += moved
    return total


@njit(**JIT)
def _use_goods(c, s, part, start, count, category, amount, displaced):  # type: ignore[no-untyped-def]
    """Goods are income and consumption; a part is kept and later replaces own purchases."""
    stocked = np.int64(displaced * amount)
    for q in range(count):
        i = s.queue[q]
        row = start + i
        group = np.int64(c.group[row])
        s.income[i] += amount
        s.events[i] += amount
        part[k.O_GROUP_INCOME + group] += amount
        part[k.O_EVENT + group * k.N_CATEGORIES + category] += amount
        if stocked > 0:
            c.stock[0, row] += np.int32(stocked)
            c.stock_category[row] = category
            part[k.O_STOCKED] += stocked
    return np.int64(amount * count)
