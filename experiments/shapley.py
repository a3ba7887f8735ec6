"""Shapley shares of a cooperative game whose values are whole numbers, without rounding.

A coalition is a bit mask: bit i stands for player i. The share of a player is what it adds to the
players before it, averaged over all orders (Shapley 1953); shares add up to the value of all
players. Up to `MOST_EXACT` players every coalition is valued; beyond that orders are sampled, each
together with its reverse, because a player that comes late in one comes early in the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np

MOST_EXACT: Final = 12
STREAM: Final = 0x54A91E7  # keeps these draws apart from every other use of the seed
Values = Mapping[int, int]


def everybody(players: int) -> int:
    """The coalition of all players."""
    return (1 << players) - 1


def exact_shares(values: Values, players: int) -> list[Fraction]:
    """Share of every player from the values of all non-empty coalitions."""
    weights = [math.factorial(size) * math.factorial(players - 1 - size) for size in range(players)]
    sums = [0] * players
    for coalition in range(1 << players):
        before = values[coalition] if coalition else 0
        weight = weights[coalition.bit_count()] if coalition != everybody(players) else 0
        for player in range(players):
            if not coalition >> player & 1:
                sums[player] += weight * (values[coalition | 1 << player] - before)
    return [Fraction(one, math.factorial(players)) for one in sums]


def marginals(values: Values, order: Sequence[int]) -> list[int]:
    """What each player adds to those before it in `order`; listed by player."""
    found, coalition, before = [0] * len(order), 0, 0
    for player in order:
        coalition |= 1 << player
        found[player] = values[coalition] - before
        before = values[coalition]
    return found


def sampled_shares(values: Values, orders: Sequence[Sequence[int]]) -> list[Fraction]:
    """Mean over `orders` of what each player adds."""
    added = [marginals(values, order) for order in orders]
    return [Fraction(sum(column), len(orders)) for column in zip(*added, strict=True)]


def prefixes(orders: Iterable[Sequence[int]]) -> set[int]:
    """Coalitions that `marginals` asks for."""
    found = set()
    for order in orders:
        coalition = 0
        for player in order:
            coalition |= 1 << player
            found.add(coalition)
    return found


def antithetic_orders(players: int, pairs: int, seed: int) -> list[list[int]]:
    """`pairs` random orders, each followed by its reverse."""
    generator = np.random.default_rng([STREAM, seed])
    found = []
    for _ in range(pairs):
        order = [int(player) for player in generator.permutation(players)]
        found += [order, order[::-1]]
    return found


def mean_shares(by_seed: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    """Mean over seeds, exactly."""
    return [sum(column, Fraction(0)) / len(by_seed) for column in zip(*by_seed, strict=True)]


def apportioned(shares: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers next to `shares` that add up to `total` (largest remainders)."""
    floors = [math.floor(one) for one in shares]
    left = total - sum(floors)
    largest = sorted(range(len(shares)), key=lambda i: (floors[i] - shares[i], i))
    for player in largest[:left]:
        floors[player] += 1
    return floors
