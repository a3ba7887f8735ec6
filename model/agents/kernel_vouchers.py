"""Household kernel: non-durable budget, vouchers on purchase occasions, stocks, end of month."""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.household_layout import (
    C_DISPLACED,
    C_EXPIRED,
    C_INFRAMARGINAL,
    C_ISSUED,
    C_OUTINGS,
    C_PLATFORM,
    C_REDEEMED,
    C_STOCKPILED,
    C_TOPPED,
    NODE_UNIT,
    NODES,
    R_DISPLACED,
    R_EXTRA,
    R_HASSLE,
    R_OCCASIONS,
    R_STORAGE,
    R_WINDOW,
    V_APPLY,
    V_CATEGORY,
    V_COUNT,
    V_CUT,
    V_DIGITAL,
    V_FACE,
    V_GROUPS,
    V_OUTING,
    V_PURPOSE,
    V_RESIDENCE,
    V_SLOT,
    V_THRESHOLD,
    VOUCHER_COUNTERS,
)  # fmt: skip
from model.agents.kernel_common import INLINE, JIT, draw, fen, mix, on_stack
from model.solvers.grids import CASH_GRID

_SHIFT, _OFFSET, _SIZE = 52 - CASH_GRID.bits, CASH_GRID.offset, CASH_GRID.size
_MASK, _UNIT = (1 << _SHIFT) - 1, 2.0**-_SHIFT
_LOW = 2.0**CASH_GRID.lowest
_HIGH = 2.0**CASH_GRID.highest * (1.0 - 2.0**-53)
_SLOT_LENGTH = len(VOUCHER_COUNTERS)


@njit(**INLINE)
def _look_up(table, first, x, f):  # type: ignore[no-untyped-def]
    """Bilinear value of a flat policy table at node `first`, positions x (cash) and f (income)."""
    low = table[first] * (1.0 - f) + table[first + 1] * f
    high = table[first + NODES] * (1.0 - f) + table[first + NODES + 1] * f
    return low * (1.0 - x) + high * x


@njit(**JIT)
def budgets(c, m, s, start, n, place, residence):  # type: ignore[no-untyped-def]
    """Non-durable budget (fen) of a block: solved policy at cash on hand; at most the cash."""
    real, scale = m.real[place], m.nominal[place] * m.season[residence]
    level, share = m.fear_level[place], m.fear_share[place]
    calm, afraid = m.policy[level, residence], m.policy[level + 1, residence]
    stage, patience = c.stage[start : start + n], c.patience[start : start + n]
    cash, bits_of, node, fraction = s.cash, s.real_cash_bits, s.node, s.fraction
    planned = on_stack()
    for i in range(n):
        s.real_cash[i] = min(max(cash[i] * 0.01 * real, _LOW), _HIGH)
    for i in range(n):
        bits = bits_of[i]
        first = np.int64(stage[i]) * 4 + np.int64(patience[i])
        first = (first * _SIZE + (bits >> _SHIFT) - _OFFSET) * NODES + node[i]
        first = max(first, np.int64(0))  # tells the compiler that no index counts from the end
        x, f = (bits & _MASK) * _UNIT, fraction[i]
        budget = _look_up(calm, first, x, f)
        budget += share * (_look_up(afraid, first, x, f) - budget)
        planned[i] = min(fen(budget * scale), max(cash[i], 0))
    for i in range(n):
        s.spent[i] = planned[i]


@njit(**INLINE)
def applies(group, digital, groups, needs_digital, share, word):  # type: ignore[no-untyped-def]
    """Whether a household is eligible and applies: digital activity decides where it must.

    `word` is a uniform draw of 2**16, `share` the application rate of 2**16 at full reach.
    """
    eligible = ((groups >> np.int64(group)) & 1) == 1
    reach = np.int64(digital) if needs_digital else np.int64(255)
    return eligible & (word * 255 < reach * share)


@njit(**JIT)
def vouchers(c, m, budget, s, part, start, n, place, residence, first, seed, month):  # type: ignore[no-untyped-def]
    """All voucher batches of the place: who holds them, and what the holders do."""
    cell = place * 2 + residence
    for b in range(m.batch_first[place], m.batch_first[place + 1]):
        if not (m.batch[b, V_RESIDENCE] >> residence) & 1:
            continue
        draw(s.more, 0, n, first, cell, month, m.batch[b, V_PURPOSE], seed[0], seed[1])
        groups, digital = c.group[start : start + n], c.digital[start : start + n]
        words, holds, queue = s.more[0], on_stack(), s.queue
        cut, share = m.batch[b, V_CUT], m.batch[b, V_APPLY]
        eligible, needs = m.batch[b, V_GROUPS], m.batch[b, V_DIGITAL]
        count = 0
        for i in range(n):
            word = np.int64(words[i])
            applied = applies(groups[i], digital[i], eligible, needs, share, word >> 16)
            holds[i] = applied & ((word & 0xFFFF) < cut)
        for i in range(n):
            queue[count] = i
            count += holds[i]
        if count > 0:
            redeem(c, m, budget.engel, s, part, start, count, b, residence)
            _budget_anew(c, budget, s, start, count, place, residence)


@njit(**JIT)
def redeem(c, m, engel, s, part, start, count, b, residence):  # type: ignore[no-untyped-def]
    """What holders of one batch do on their purchase occasions.

    A natural basket above the threshold is inframarginal. Below it, the gap is split into
    extra use e and stock z by least cost e^2 / (2 eta B) + zeta z^2 / (2 B) and taken if the
    face value exceeds the loss and the hassle; without an occasion an outing may be made.
    """
    category, face, threshold = m.batch[b, V_CATEGORY], m.batch[b, V_FACE], m.batch[b, V_THRESHOLD]
    eta, zeta = m.batch_rule[b, R_EXTRA], m.batch_rule[b, R_STORAGE]
    hassle, displaced = m.batch_rule[b, R_HASSLE] * 100.0, m.batch_rule[b, R_DISPLACED]
    window = m.batch_rule[b, R_WINDOW]
    weight = zeta / (1.0 + eta * zeta)
    at = k.O_VOUCHERS + m.batch[b, V_SLOT] * _SLOT_LENGTH
    for q in range(count):
        i = s.queue[q]
        row, f, node = start + i, s.fraction[i], s.node[i]
        low, high = engel[residence, node, category], engel[residence, node + 1, category]
        mean_basket = s.spent[i] * (low * (1.0 - f) + high * f) / m.batch_rule[b, R_OCCASIONS]
        purse = mean_basket * m.batch_rule[b, R_OCCASIONS] * window / m.batch[b, V_COUNT]
        extra, stocked = np.int64(0), np.int64(0)
        for copy in range(m.batch[b, V_COUNT]):
            word = mix(np.int64(s.more[1, i]), copy + 1)
            # Without a threshold a voucher is money for all purchases of its validity.
            natural = m.basket[b, word >> 20] * mean_basket if threshold > 0 else purse
            part[at + C_ISSUED] += face
            if natural >= threshold and (natural > 0.0 or threshold == 0):
                used, platform = min(face, np.int64(natural)), np.int64(natural)
                part[at + C_INFRAMARGINAL] += used
                part[at + C_EXPIRED] += face - used
            else:
                gap = max(threshold, face) - natural
                if gap > s.cash[i] - s.spent[i] - extra - stocked + face:
                    part[at + C_EXPIRED] += face
                    continue
                loss = gap * gap / (2.0 * max(natural, 1.0)) * weight + hassle
                if natural > 0.0 and face > loss:
                    use = np.int64(gap * eta * weight)
                    stock = np.int64(gap) - use
                    part[at + C_TOPPED] += use + stock
                elif (word & 0xFFFFF) < m.batch[b, V_OUTING]:
                    use, stock = np.int64(gap), np.int64(0)
                    part[at + C_OUTINGS] += use
                else:
                    part[at + C_EXPIRED] += face
                    continue
                used, platform = face, np.int64(natural) + use + stock
                moved_use, moved_stock = np.int64(displaced * use), np.int64(displaced * stock)
                part[at + C_DISPLACED] += moved_use + moved_stock
                extra += use - moved_use
                stocked += stock - moved_stock
            part[at + C_REDEEMED] += used
            part[at + C_PLATFORM] += platform
            s.cash[i] += used
        part[at + C_STOCKPILED] += stocked
        part[k.O_EVENT + np.int64(c.group[row]) * k.N_CATEGORIES + category] += extra + stocked
        s.events[i] += extra + stocked
        s.cash[i] -= extra + stocked
        if stocked > 0:
            c.stock[0, row] += np.int32(stocked)
            c.stock_category[row] = category
            part[k.O_STOCKED] += stocked


@njit(**JIT)
def _budget_anew(c, m, s, start, count, place, residence):  # type: ignore[no-untyped-def]
    """Plan the budget of the queued rows again, now that vouchers changed their cash."""
    scale = m.nominal[place] * m.season[residence]
    level, share = m.fear_level[place], m.fear_share[place]
    calm, afraid = m.policy[level, residence], m.policy[level + 1, residence]
    for q in range(count):
        i = s.queue[q]
        row = start + i
        s.real_cash[i] = min(max(s.cash[i] * 0.01 * m.real[place], _LOW), _HIGH)
        bits = s.real_cash_bits[i]
        first = np.int64(c.stage[row]) * 4 + np.int64(c.patience[row])
        first = (first * _SIZE + (bits >> _SHIFT) - _OFFSET) * NODES + s.node[i]
        x, f = (bits & _MASK) * _UNIT, s.fraction[i]
        budget = _look_up(calm, first, x, f)
        budget += share * (_look_up(afraid, first, x, f) - budget)
        s.spent[i] = min(fen(budget * scale), max(s.cash[i], 0))


@njit(**JIT)
def close(c, m, s, part, start, n):  # type: ignore[no-untyped-def]
    """Use stocks, pay for consumption, keep the rest; add up by group and income node."""
    groups, stock = c.group, c.stock
    for i in range(n):
        row = start + i
        if stock[0, row] | stock[1, row]:
            # What comes from stock is consumed but not bought again: the delayed payback.
            used = min(np.int64(np.ceil(stock[1, row] * m.stock_release)), s.spent[i])
            moved = np.int64(np.ceil(stock[0, row] * m.stock_release))
            stock[0, row] -= np.int32(moved)
            stock[1, row] += np.int32(moved - used)
            at = np.int64(groups[row]) * k.N_CATEGORIES + np.int64(c.stock_category[row])
            part[k.O_EVENT + at] -= used
            s.events[i] -= used
            s.cash[i] += used
            part[k.O_RELEASED] += used
            part[k.O_STOCK] += stock[0, row] + stock[1, row]
        spent = s.spent[i]
        unit = np.int64(s.fraction[i] * NODE_UNIT)
        at = k.O_NODES + np.int64(groups[row]) * NODES + s.node[i]
        part[at] += spent * (NODE_UNIT - unit)
        part[at + 1] += spent * unit
        c.liquid[row] = s.cash[i] - spent
        c.spending[row] = spent + s.events[i]
        c.income[row] = s.income[i]
        part[k.O_LIQUID] += s.cash[i] - spent
        part[k.O_COMMITTED_BALANCE] += c.committed[row]
        part[k.O_DEBT] += c.debt[row]
