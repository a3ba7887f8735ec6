"""Rules of programmes that give to, or take from, households of one kind: in plain Python.

Whether a household is of a kind, and whether a programme reaches it, is one lasting draw: a wider
programme reaches the same households and more, and two programmes for one kind the same ones.
"""

from __future__ import annotations

from typing import Any

from model.agents import household_layout as layout
from model.agents.household_words import Book, catch_up, mix, spend


def lasting_draw(h: Any, salt: int) -> int:
    """32 random bits of a household that are the same every month."""
    return mix(mix(h.index, h.place * 2 + h.residence + 1), salt)


def receive_grants(h: Any, m: Any, book: Book) -> None:
    """Every grant of the month whose households this one belongs to."""
    cell = h.place * 2 + h.residence
    for slot in range(m.grant_count):
        fields = [int(value) for value in m.grant[slot]]
        draw = lasting_draw(h, fields[layout.G_SALT])
        if fields[layout.G_REDRAWN]:
            draw = mix(draw, layout.MONTH_SALT + m.month)
        if draw < m.grant_reach[slot, cell, h.group, h.stage]:
            _take_part(h, m, slot, fields, book)


def _take_part(h: Any, m: Any, slot: int, fields: list[int], book: Book) -> None:
    """Money or goods in, or money locked away or paid to the funds as far as cash reaches."""
    amount, action = fields[layout.G_AMOUNT], fields[layout.G_ACTION]
    regular = fields[layout.G_REGULAR] * 0.01 / m.trend
    h.spendable = max(h.spendable + regular, 0.0)
    catch_up(h, m, regular)
    if action in (layout.A_COMMIT, layout.A_CONTRIBUTE):
        amount = min(amount, max(h.cash, 0))
        h.cash -= amount
        if action == layout.A_COMMIT:
            h.committed += amount
            book("committed", 0, amount)
        else:
            h.income_now -= amount
    else:
        h.income_now += amount
        if action == layout.A_GOODS:
            _use_goods(h, m, slot, fields[layout.G_CATEGORY], amount, book)
        else:
            h.cash += amount
    book("granted", slot, amount)


def _use_goods(h: Any, m: Any, slot: int, category: int, amount: int, book: Book) -> None:
    """Goods are consumption; a part is kept and later replaces own purchases."""
    spend(h, category, amount, book)
    stocked = int(m.grant_displaced[slot] * amount)
    if stocked > 0:
        h.stock[0] += stocked
        h.stock_category = category
        book("stocked", 0, stocked)
