"""Household kernel: ageing of durables, need, replacement choice, payment or postponement."""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.household_layout import SCREEN_AGES, SCREEN_FIELDS
from model.agents.kernel_common import BLOCK, INLINE, JIT, mix, on_stack
from model.dimensions import ITEM_CATEGORY_INDEX, NOT_OWNED

_ITEM_CATEGORY = np.array(ITEM_CATEGORY_INDEX)
_OLDEST = 239 * 16  # state from which on age stands still; not owned is far above
_LAST_CLOCK = 12
_STATE = tuple(age * 16 for age in SCREEN_AGES)  # state at which each bound begins
_FIRST, _WAIT, _WAIT_RISE = range(len(SCREEN_AGES), SCREEN_FIELDS)


@njit(**INLINE)
def _age_one(state, draw, bound):  # type: ignore[no-untyped-def]
    """State of one durable a month later, and whether its tables must be read.

    An owner who does not wait, with a draw above all chances of buying or needing from that age
    on, is settled, and so is one who waits, with a draw above all chances after that wait. Both
    are compared with coarse bounds in 16 bits, of which the compiler handles many at once.
    """
    aged = np.uint16(state + (16 if state < _OLDEST else 0))
    clock = np.uint16(aged & 15)
    limit = bound[0]
    limit = bound[1] if aged >= _STATE[1] else limit
    limit = bound[2] if aged >= _STATE[2] else limit
    limit = bound[3] if aged >= _STATE[3] else limit
    limit = bound[4] if aged >= _STATE[4] else limit
    limit = bound[5] if aged >= _STATE[5] else limit
    limit = bound[6] if aged >= _STATE[6] else limit
    limit = bound[7] if aged >= _STATE[7] else limit
    limit = np.uint16(bound[_WAIT] + clock * bound[_WAIT_RISE]) if clock > 0 else limit
    limit = bound[_FIRST] if aged == NOT_OWNED else limit
    open_ = draw <= limit
    longer = (not open_) & (clock > 0) & (clock < _LAST_CLOCK)
    return np.uint16(aged + (1 if longer else 0)), open_


@njit(**JIT)
def age_pair(states, others, draws, flags, n, bounds, item):  # type: ignore[no-untyped-def]
    """A month for items `item` and `item` + 1, which share a word of the draws."""
    one, two = _bounds_of(bounds[item]), _bounds_of(bounds[item + 1])
    for i in range(n):
        states[i], open_ = _age_one(states[i], np.uint16(draws[i] & 0xFFFF), one)
        others[i], open_too = _age_one(others[i], np.uint16(draws[i] >> 16), two)
        flags[i] |= np.uint8((open_ << item) | (open_too << (item + 1)))


@njit(**INLINE)
def _bounds_of(row):  # type: ignore[no-untyped-def]
    """The bounds as numbers of their own, which no store can change."""
    return (
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10],
    )  # fmt: skip


@njit(**JIT)
def age_durables(c, m, s, start, n, place):  # type: ignore[no-untyped-def]
    """Age every durable a month and list the items that may need a decision in row 2 of `wish`."""
    words, event, flags, queue = s.words, s.wish[2], s.marks, on_stack()
    bounds = m.screen[place]
    flags[:n] = 0
    for item in range(0, k.N_ITEMS, 2):
        states, others = c.durable[item], c.durable[item + 1]
        age_pair(
            states[start : start + n], others[start : start + n], words[4 + (item >> 1)], flags, n,
            bounds, item,
        )  # fmt: skip
    count = 0
    for i in range(n):
        queue[count] = i
        count += 1 if flags[i] != 0 else 0
    events = np.int64(0)
    for q in range(count):
        i = queue[q]
        flag = np.int64(flags[i])
        for item in range(k.N_ITEMS):
            event[events] = i * k.N_ITEMS + item
            events += (flag >> item) & 1
    return events


@njit(**JIT)
def durables(c, m, s, part, start, n, place, cell, first, trend, month):  # type: ignore[no-untyped-def]
    """Need and choice where they may arise, then payment of the purchases wanted."""
    events = age_durables(c, m, s, start, n, place)
    if events > 0:
        wishes = choose(c, m, s, start, events, place, cell, first)
        if wishes > 0:
            pay_for(c, m, s, part, start, wishes, place, trend, month)


@njit(**JIT)
def choose(c, m, s, start, events, place, cell, first):  # type: ignore[no-untyped-def]
    """Decide every event listed in row 2 of `wish`; purchases wanted go to rows 0 and 1."""
    wishes = 0
    for low in range(0, events, BLOCK):
        count = min(BLOCK, events - low)
        wishes = _choose_some(c, m, s, start, low, count, wishes, place, cell, first)
    return wishes


@njit(**JIT)
def _choose_some(c, m, s, start, low, count, wishes, place, cell, first):  # type: ignore[no-untyped-def]
    """Logit choice from the solved tables; an owner in need who does not buy waits on.

    Who never hears of a subsidy decides by the tables without one. Row 1 of `wish` says whether
    the purchase is subsidised. No branch depends on the draws: the reads of several events overlap.
    """
    durable, words, event, node, wish = c.durable, s.words, s.wish[2], s.node, s.wish
    purchase, first_purchase, need, gate = m.purchase, m.first_purchase, m.need, m.gate
    informed, unaware = m.durable_row[place], m.unaware_row[place]
    awareness, old_required = m.awareness, m.old_required
    states, decided = on_stack(), on_stack()
    for e in range(count):
        i, item = event[low + e] >> 3, event[low + e] & 7
        state, income_class = np.int64(durable[item, start + i]), node[i] // 6
        high = (np.int64(words[4 + (item >> 1), i]) >> (16 * (item & 1))) & 0xFFFF
        mixed = mix(np.int64(words[3, i]), item + 1)
        draw = (high << 16) | (mixed >> 16)
        aware = (mix((first + i) * 8 + item, cell + 1) & 0xFFFF) < awareness[item]
        tables = informed if aware else unaware
        owned = state != NOT_OWNED
        age, clock = (state >> 4, state & 15) if owned else (np.int64(0), np.int64(0))
        chance = np.int64(purchase[tables, item, income_class, age, clock])
        chance = chance if owned else np.int64(first_purchase[tables, item, income_class])
        arises = chance + (((1 << 32) - chance) >> 16) * (np.int64(need[item, age]) >> 16)
        begins = owned & (clock == 0) & (draw >= chance) & (draw < arises)
        longer = (clock > 0) & (clock < _LAST_CLOCK)
        states[e] = state + (1 if (begins | longer) else 0)
        entitled = aware & (owned | (old_required[item] == 0)) & ((mixed & 0xFFFF) < gate)
        decided[e] = (2 if entitled else 0) + (1 if draw < chance else 0)
    for e in range(count):
        at = event[low + e]
        durable[at & 7, start + (at >> 3)] = states[e]
        wish[0, wishes] = at
        wish[1, wishes] = decided[e] >> 1
        wishes += decided[e] & 1
    return wishes


@njit(**JIT)
def pay_for(c, m, s, part, start, wishes, place, trend, month):  # type: ignore[no-untyped-def]
    """Pay from cash above a buffer, then committed deposits, then credit; else postpone."""
    committed, debt, instalment, groups = c.committed, c.debt, c.instalment, c.group
    cash, events, spendable = s.cash, s.events, s.spendable
    for w in range(wishes):
        i, item = s.wish[0, w] >> 3, s.wish[0, w] & 7
        row, income_class = start + i, s.node[i] // 6
        monthly = spendable[i] * trend * 100.0
        free = max(cash[i] - np.int64(m.cash_buffer * monthly), 0)
        state = np.int64(c.durable[item, row])
        in_need = (state != NOT_OWNED) & ((state & 15) > 0)
        lowest = 0 if in_need & (m.cheaper_if_short[item] == 1) else income_class
        affordable = False
        while not affordable and income_class >= lowest:
            price = m.item_price[place, item, income_class]
            subsidy = m.subsidy[place, item, income_class] if s.wish[1, w] else 0
            net = price - (subsidy if m.instant else 0)
            if m.committed_first[item]:
                from_committed = min(committed[row], net)
                from_cash = min(free, net - from_committed)
            else:
                from_cash = min(free, net)
                from_committed = min(committed[row], net - from_cash)
            loan = net - from_cash - from_committed
            due = np.int64(np.ceil(loan / m.loan_term[place, item]))
            affordable = loan <= 0 or (
                loan <= m.loan_to_value[place, item] * price
                and instalment[row] + due <= m.instalment_cap[place] * monthly
            )
            income_class -= 1
        if not affordable:
            continue
        if loan > 0:
            debt[row] += loan
            instalment[row] += due
            part[k.O_LOANS] += loan
        cash[i] -= from_cash
        committed[row] -= from_committed
        c.durable[item, row] = 0
        group = np.int64(groups[row])
        part[k.O_WITHDRAWN] += from_committed
        part[k.O_EVENT + group * k.N_CATEGORIES + _ITEM_CATEGORY[item]] += price
        events[i] += price
        part[k.O_UNITS + item * 5 + group // 4] += 1
        if subsidy > 0:
            part[k.O_SUB_UNITS + item] += 1
            part[k.O_SUB_SALES + item] += price
            if m.instant:
                part[k.O_INSTANT + item] += subsidy
            else:
                part[k.O_CLAIMS + item] += subsidy
                c.claim[row] += np.int32(subsidy)
                c.claim_due[row] = (month + m.claim_lag) & 255
