"""The durables of one household in plain Python: ageing, need, choice, payment or postponement."""

from __future__ import annotations

import math
from typing import Any

from model.agents import household_layout as layout
from model.agents.household_words import Book, Words, mix, spend
from model.dimensions import ITEM_CATEGORY_INDEX, NOT_OWNED

_Means = tuple[int, int, int, int]  # cash, committed deposits, loan, instalment


def replace_durables(h: Any, m: Any, words: Words, spare: int, book: Book) -> None:
    """Items age a month; need may arise; the solved logit decides; payment must be feasible."""
    income_class = h.node // 6
    wanted = []
    for item in range(layout.N_ITEMS):
        state = h.durable[item]
        state += 16 if (state >> 4) < 239 else 0
        mixed = mix(spare, item + 1)
        draw = (((words[item >> 1] >> (16 * (item & 1))) & 0xFFFF) << 16) | (mixed >> 16)
        aware = knows_of_subsidy(h, m, item)
        tables = int(m.durable_row[h.place] if aware else m.unaware_row[h.place])
        if state == NOT_OWNED:
            chance = int(m.first_purchase[tables, item, income_class])
        else:
            age, clock = state >> 4, state & 15
            chance = int(m.purchase[tables, item, income_class, age, clock])
            need = chance + (((1 << 32) - chance) >> 16) * (int(m.need[item, age]) >> 16)
            if clock > 0:
                state += 1 if clock < 12 else 0
            elif chance <= draw < need:
                state += 1
        h.durable[item] = state
        if draw < chance:
            entitled = aware and not (state == NOT_OWNED and m.old_required[item])
            wanted.append((item, entitled and (mixed & 0xFFFF) < m.gate))
    for item, subsidised in wanted:
        pay_for_item(h, m, item, income_class, subsidised, book)


def knows_of_subsidy(h: Any, m: Any, item: int) -> bool:
    """Whether the household ever hears of a subsidy on this item; the same every month."""
    cell = h.place * 2 + h.residence
    return bool((mix(h.index * 8 + item, cell + 1) & 0xFFFF) < m.awareness[item])


def pay_for_item(
    h: Any, m: Any, item: int, income_class: int, subsidised: bool, book: Book
) -> None:
    """Pay from cash above a buffer, then committed deposits, then credit; else postpone.

    In need, and where the item has it so, a cheaper class's model is bought before postponing.
    """
    in_need = h.durable[item] != NOT_OWNED and h.durable[item] & 15 > 0
    lowest = 0 if in_need and m.cheaper_if_short[item] else income_class
    for at in range(income_class, lowest - 1, -1):
        price = int(m.item_price[h.place, item, at])
        subsidy = int(m.subsidy[h.place, item, at]) if subsidised else 0
        means = _means(h, m, item, price, price - (subsidy if m.instant else 0))
        if means is not None:
            _buy(h, m, item, price, subsidy, means, book)
            return


def _means(h: Any, m: Any, item: int, price: int, net: int) -> _Means | None:
    """What pays for an item: cash, committed deposits, a loan, its instalment; None if short."""
    monthly = h.spendable * m.trend * 100.0
    free = max(h.cash - int(m.cash_buffer * monthly), 0)
    if m.committed_first[item]:
        from_committed = min(h.committed, net)
        from_cash = min(free, net - from_committed)
    else:
        from_cash = min(free, net)
        from_committed = min(h.committed, net - from_cash)
    loan = net - from_cash - from_committed
    due = math.ceil(loan / m.loan_term[h.place, item])
    if loan > 0:
        too_large = loan > m.loan_to_value[h.place, item] * price
        if too_large or h.instalment + due > m.instalment_cap[h.place] * monthly:
            return None
    return from_cash, from_committed, loan, due


def _buy(
    h: Any, m: Any, item: int, price: int, subsidy: int, means: _Means, book: Book
) -> None:  # fmt: skip
    """Pay by `means`; the new unit is of age 0."""
    from_cash, from_committed, loan, due = means
    if loan > 0:
        h.debt += loan
        h.instalment += due
        book("loans", 0, loan)
    h.cash -= from_cash
    h.committed -= from_committed
    h.durable[item] = 0
    book("withdrawn", 0, from_committed)
    spend(h, ITEM_CATEGORY_INDEX[item], price, book)
    book("units", item * 5 + h.group // 4, 1)
    if subsidy > 0:
        _take_subsidy(h, m, item, price, subsidy, book)


def _take_subsidy(h: Any, m: Any, item: int, price: int, subsidy: int, book: Book) -> None:
    book("subsidised_units", item, 1)
    book("subsidised_sales", item, price)
    book("subsidy_instant" if m.instant else "subsidy_claims", item, subsidy)
    if not m.instant:
        h.claim += subsidy
        h.claim_due = (m.month + m.claim_lag) & 255
