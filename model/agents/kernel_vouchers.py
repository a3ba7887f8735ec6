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
from model.agents.kernel_common import INLINE, JIT, compact, copy, fen, mix, on_stack, philox
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
    groups, digital = c.group[start : start + n], c.digital[start : start + n]
    for b in range(m.batch_first[place], m.batch_first[place + 1]):
        if not (m.batch[b, V_RESIDENCE] >> residence) & 1:
            continue
        hold(groups, digital, m.batch[b], s.more, s.marks, n, first, cell, month, seed)
        count = compact(s.marks, s.marks_by_eight, s.queue, n)
        if count > 0:
            redeem(c, m, budget.engel, s, part, start, count, b, residence)
            _budget_anew(c, budget, s, start, count, place, residence)


@njit(**JIT)
def hold(groups, digital, batch, more, marks, n, first, cell, month, seed):  # type: ignore[no-untyped-def]
    """Marks who holds vouchers of a batch; `more` [0] takes the draw for what holders do."""
    words, low, high = more[0], seed[0], seed[1]
    cut, share, purpose = batch[V_CUT], batch[V_APPLY], batch[V_PURPOSE]
    eligible, needs = batch[V_GROUPS], batch[V_DIGITAL]
    for i in range(n):
        word, use, _, _ = philox(first + i, cell, month, purpose, low, high)
        words[i] = use
        applied = applies(groups[i], digital[i], eligible, needs, share, word >> 16)
        marks[i] = applied & ((word & 0xFFFF) < cut)


@njit(**JIT)
def redeem(c, m, engel, s, part, start, count, b, residence):  # type: ignore[no-untyped-def]
    """What holders of one batch do on their purchase occasions.

    A natural basket above the threshold is inframarginal. Below it, the gap is split into
    extra use e and stock z by least cost e^2 / (2 eta B) + zeta z^2 / (2 B) and taken if the
    face value exceeds the loss and the hassle; without an occasion an outing may be made.
    Outcomes are chosen without branches: no guess of the processor about them would be good.
    """
    batch, rule, basket = m.batch[b], m.batch_rule[b], m.basket[m.batch[b, V_SLOT]]
    category, face, threshold = batch[V_CATEGORY], batch[V_FACE], batch[V_THRESHOLD]
    copies, outing_odds, occasions = batch[V_COUNT], batch[V_OUTING], rule[R_OCCASIONS]
    eta, hassle, displaced = rule[R_EXTRA], rule[R_HASSLE] * 100.0, rule[R_DISPLACED]
    weight, window = rule[R_STORAGE] / (1.0 + eta * rule[R_STORAGE]), rule[R_WINDOW]
    aim = max(threshold, face)
    words, nodes, cash, spent, group = s.more[0], s.node, s.cash, s.spent, c.group
    inframarginal = topped_up = outings = moved = redeemed = platform = stockpiled = np.int64(0)
    for q in range(count):
        i = s.queue[q]
        row, f, node = start + i, s.fraction[i], nodes[i]
        low, high = engel[residence, node, category], engel[residence, node + 1, category]
        mean_basket = spent[i] * (low * (1.0 - f) + high * f) / occasions
        purse = mean_basket * occasions * window / copies
        extra, stocked = np.int64(0), np.int64(0)
        for voucher in range(copies):
            word = mix(np.int64(words[i]), voucher + 1)
            # Without a threshold a voucher is money for all purchases of its validity.
            natural = basket[word >> 20] * mean_basket if threshold > 0 else purse
            inside = (natural >= threshold) & ((natural > 0.0) | (threshold == 0))
            gap = aim - natural
            able = (not inside) & (gap <= cash[i] - spent[i] - extra - stocked + face)
            loss = gap * gap / (2.0 * max(natural, 1.0)) * weight + hassle
            topped = able & (natural > 0.0) & (face > loss)
            outing = able & (not topped) & ((word & 0xFFFFF) < outing_odds)
            whole, basis, part_used = np.int64(gap), np.int64(natural), np.int64(gap * eta * weight)
            use, stock = part_used * topped + whole * outing, (whole - part_used) * topped
            taken = topped | outing
            used = min(face, basis) * inside + face * taken
            moved_use, moved_stock = np.int64(displaced * use), np.int64(displaced * stock)
            inframarginal += used * inside
            topped_up += whole * topped
            outings += whole * outing
            moved += moved_use + moved_stock
            redeemed += used
            platform += (basis + use + stock) * (inside | taken)
            extra += use - moved_use
            stocked += stock - moved_stock
            cash[i] += used
        stockpiled += stocked
        part[k.O_EVENT + np.int64(group[row]) * k.N_CATEGORIES + category] += extra + stocked
        s.events[i] += extra + stocked
        cash[i] -= extra + stocked
        if stocked > 0:
            c.stock[0, row] += np.int32(stocked)
            c.stock_category[row] = category
    at, issued = k.O_VOUCHERS + batch[V_SLOT] * _SLOT_LENGTH, face * copies * count
    part[at + C_ISSUED] += issued
    part[at + C_REDEEMED] += redeemed
    part[at + C_EXPIRED] += issued - redeemed
    part[at + C_PLATFORM] += platform
    part[at + C_INFRAMARGINAL] += inframarginal
    part[at + C_TOPPED] += topped_up
    part[at + C_OUTINGS] += outings
    part[at + C_DISPLACED] += moved
    part[at + C_STOCKPILED] += stockpiled
    part[k.O_STOCKED] += stockpiled


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
    stop = start + n
    _mark_stocks(c.stock[0, start:stop], c.stock[1, start:stop], s.marks, n)
    count = compact(s.marks, s.marks_by_eight, s.queue, n)
    if count > 0:
        _use_stocks(c, m, s, part, start, count)
    _add_by_node(c.group[start:stop], s.spent, s.fraction, s.node, part, n)
    part[k.O_LIQUID] += _keep_rest(c.liquid[start:stop], s.cash, s.spent, n)
    _add_spending(c.spending[start:stop], s.spent, s.events, n)
    copy(s.income, c.income[start:stop], n)
    part[k.O_COMMITTED_BALANCE] += _sum(c.committed[start:stop])
    part[k.O_DEBT] += _sum(c.debt[start:stop])


@njit(**JIT)
def _mark_stocks(fresh, older, marks, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        marks[i] = (fresh[i] | older[i]) != 0


@njit(**JIT)
def _use_stocks(c, m, s, part, start, count):  # type: ignore[no-untyped-def]
    """What comes from stock is consumed but not bought again: the delayed payback."""
    groups, stock, categories = c.group, c.stock, c.stock_category
    for q in range(count):
        i = s.queue[q]
        row = start + i
        used = min(np.int64(np.ceil(stock[1, row] * m.stock_release)), s.spent[i])
        moved = np.int64(np.ceil(stock[0, row] * m.stock_release))
        stock[0, row] -= np.int32(moved)
        stock[1, row] += np.int32(moved - used)
        at = np.int64(groups[row]) * k.N_CATEGORIES + np.int64(categories[row])
        part[k.O_EVENT + at] -= used
        s.events[i] -= used
        s.cash[i] += used
        part[k.O_RELEASED] += used
        part[k.O_STOCK] += stock[0, row] + stock[1, row]


@njit(**JIT)
def _add_by_node(groups, spent, fraction, node, part, n):  # type: ignore[no-untyped-def]
    """Spending at the two income nodes around each household, by group."""
    above, places = on_stack(), on_stack()
    for i in range(n):
        above[i] = spent[i] * np.int64(fraction[i] * NODE_UNIT)
        places[i] = k.O_NODES + np.int64(groups[i]) * NODES + node[i]
    for i in range(n):
        part[places[i]] += spent[i] * NODE_UNIT - above[i]
        part[places[i] + 1] += above[i]


@njit(**JIT)
def _keep_rest(liquid, cash, spent, n):  # type: ignore[no-untyped-def]
    """Cash not spent stays in deposits; returns the sum."""
    total = np.int64(0)
    for i in range(n):
        rest = cash[i] - spent[i]
        liquid[i] = rest
        total += rest
    return total


@njit(**JIT)
def _add_spending(spending, spent, events, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        spending[i] = spent[i] + events[i]


@njit(**JIT)
def _sum(values):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    for i in range(values.size):
        total += values[i]
    return total
