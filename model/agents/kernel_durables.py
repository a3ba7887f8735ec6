"""Household kernel: ageing of durables, need, replacement choice, payment or postponement."""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.kernel_common import JIT, mix, on_stack
from model.dimensions import ITEM_CATEGORY_INDEX

_ITEM_CATEGORY = np.array(ITEM_CATEGORY_INDEX)
_NOT_OWNED_AGE = 240  # index of items not owned in `candidate`, after all ages


@njit(**JIT)
def age_durables(c, m, s, start, n, place):  # type: ignore[no-untyped-def]
    """Age every durable a month and list the items that may need a decision in row 2 of `wish`.

    An owner who does not wait, with a draw above all chances of buying or needing at that age,
    is settled without reading a table.
    """
    words, event, flags, queue = s.words, s.wish[2], on_stack(), on_stack()
    for i in range(n):
        flags[i] = 0
    for item in range(k.N_ITEMS):
        bound, states = m.candidate[place, item], c.durable[item, start : start + n]
        shift, draws = 16 * (item & 1), words[4 + (item >> 1)]
        for i in range(n):
            state = np.int64(states[i])
            states[i] = state + (16 if (state >> 4) < 239 else 0)
        for i in range(n):
            state = np.int64(states[i])
            draw = (np.int64(draws[i]) >> shift) & 0xFFFF
            clock = (state & 15) - 1
            waiting = 1 if (clock >= 0 and clock < 12) else 0
            drawn = 1 if draw <= bound[min(state >> 4, _NOT_OWNED_AGE)] else 0
            flags[i] |= (waiting | drawn) << item
    count = 0
    for i in range(n):
        queue[count] = i
        count += 1 if flags[i] != 0 else 0
    events = 0
    for q in range(count):
        i = queue[q]
        flag = flags[i]
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
    """Logit choice from the solved tables; an owner in need who does not buy waits on.

    Who never hears of a subsidy decides by the tables without one. Row 1 of `wish` says whether
    the purchase is subsidised.
    """
    durable, words, event, node = c.durable, s.words, s.wish[2], s.node
    purchase, first_purchase, need, wish = m.purchase, m.first_purchase, m.need, s.wish
    informed, unaware = m.durable_row[place], m.unaware_row[place]
    wishes = 0
    for e in range(events):
        i, item = event[e] >> 3, event[e] & 7
        row, income_class = start + i, node[i] // 6
        state = np.int64(durable[item, row])
        high = (np.int64(words[4 + (item >> 1), i]) >> (16 * (item & 1))) & 0xFFFF
        mixed = mix(np.int64(words[3, i]), item + 1)
        known = mix((first + i) * 8 + item, cell + 1) & 0xFFFF
        aware = known < m.awareness[item]
        tables = informed if aware else unaware
        draw = (high << 16) | (mixed >> 16)
        eligible = aware
        if state == 0xFFFF:
            eligible = aware and m.old_required[item] == 0
            chance = np.int64(first_purchase[tables, item, income_class])
        else:
            age, clock = state >> 4, state & 15
            chance = np.int64(purchase[tables, item, income_class, age, clock])
            arises = chance + (((1 << 32) - chance) >> 16) * (np.int64(need[item, age]) >> 16)
            if clock > 0:
                durable[item, row] = state + (1 if clock < 12 else 0)
            elif draw >= chance and draw < arises:
                durable[item, row] = state + 1
        wish[0, wishes] = i * 8 + item
        wish[1, wishes] = 1 if eligible and (mixed & 0xFFFF) < m.gate else 0
        wishes += 1 if draw < chance else 0
    return wishes


@njit(**JIT)
def pay_for(c, m, s, part, start, wishes, place, trend, month):  # type: ignore[no-untyped-def]
    """Pay from cash above a buffer, then committed deposits, then credit; else postpone."""
    committed, debt, instalment, groups = c.committed, c.debt, c.instalment, c.group
    cash, events, spendable = s.cash, s.events, s.spendable
    for w in range(wishes):
        i, item = s.wish[0, w] >> 3, s.wish[0, w] & 7
        row, income_class = start + i, s.node[i] // 6
        price = m.item_price[place, item, income_class]
        subsidy = m.subsidy[place, item, income_class] if s.wish[1, w] else 0
        net = price - (subsidy if m.instant else 0)
        monthly = spendable[i] * trend * 100.0
        free = max(cash[i] - np.int64(m.cash_buffer * monthly), 0)
        if m.committed_first[item]:
            from_committed = min(committed[row], net)
            from_cash = min(free, net - from_committed)
        else:
            from_cash = min(free, net)
            from_committed = min(committed[row], net - from_cash)
        loan = net - from_cash - from_committed
        if loan > 0:
            due = np.int64(np.ceil(loan / m.loan_term[item]))
            if loan > m.loan_to_value[item] * price:
                continue
            if instalment[row] + due > m.instalment_cap * monthly:
                continue
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
