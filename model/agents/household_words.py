"""Words that all readable rules of a household use: draws, rounding, grids, spending."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from model.agents.household_layout import N_CATEGORIES
from model.dimensions import MOST_SAVED, THRIFT_UNIT
from model.solvers.grids import INCOME_GRID, FloatGrid

Book = Callable[[str, int, int], None]
Words = tuple[int, ...]
_LOW32 = 0xFFFFFFFF


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> Words:
    """Philox4x32-10 (Salmon et al. 2011): four 32-bit words of a counter and a key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _LOW32, (p0 >> 32) ^ c3 ^ k1, p0 & _LOW32
        k0, k1 = (k0 + 0x9E3779B9) & _LOW32, (k1 + 0xBB67AE85) & _LOW32
    return c0, c1, c2, c3


def mix(word: int, salt: int) -> int:
    """Further 32 random bits from a word: murmur3's finaliser of the word xor the salt."""
    x = (word ^ (salt * 0x9E3779B9)) & _LOW32
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & _LOW32
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & _LOW32
    return x ^ (x >> 16)


def fen(yuan: float) -> int:
    """Yuan to whole fen, half up."""
    return math.floor(yuan * 100.0 + 0.5)


def locate(grid: FloatGrid, value: float) -> tuple[int, float]:
    """Interval of a float grid that holds `value` (clamped), and the position in it, 0..1."""
    last = math.ldexp(1.0, grid.highest) * (1.0 - 2.0**-53)
    mantissa, exponent = math.frexp(min(max(value, math.ldexp(1.0, grid.lowest)), last))
    steps = (mantissa * 2.0 - 1.0) * (1 << grid.bits)
    within = math.floor(steps)
    return ((exponent - 1 - grid.lowest) << grid.bits) + within, steps - within


def spend(h: Any, category: int, amount: int, book: Book) -> None:
    """Spending outside the non-durable budget, by group and category."""
    h.events += amount
    book("event_spending", h.group * N_CATEGORIES + category, amount)


def planned_saving(h: Any, m: Any) -> float:
    """Yuan a month, net of trend, that the household's savings plan asks for.

    The usual share at the income the plan was made on, times the own thrift, times what beliefs in
    protection leave of it by place, residence, stage and age.
    """
    late = 1 if h.stage == 2 else 0
    node, fraction = locate(INCOME_GRID, h.plan_income)
    shares = m.usual_share[h.residence, late]
    usual = float(shares[node]) * (1.0 - fraction) + float(shares[node + 1]) * fraction
    share = min(usual * (int(h.thrift) * THRIFT_UNIT), MOST_SAVED)
    factor = float(m.committed_factor[h.place * 2 + h.residence, late * 4 + h.group % 4])
    return float(h.plan_income * share * factor)


def catch_up(h: Any, m: Any, change: float) -> None:
    """Plans follow lasting income slowly; they rest while the household is without work."""
    if h.stage != 1:
        h.plan_income = max(h.plan_income + m.plan_gain * change, 0.0)
