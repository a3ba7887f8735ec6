"""The outside world: sales to other provinces and abroad, visitors, and the centre's closure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.parameters import Parameters

Array = npt.NDArray[np.float64]


def exports(base: Array, prices: Array, elasticity: float, trend: float) -> Array:
    """Sales outside the province (15, 12) in money: base x trend x price^(1 - elasticity)."""
    sales: Array = base * trend * prices ** (1.0 - elasticity)
    return sales


def visitors(base: Array, prices: Array, elasticity: float, level: Array | float) -> Array:
    """Spending of outside visitors (15, 12) in money; `level` = trend x season x appeal.

    V = V0 level P^-elasticity visits at price P each: money goes with P^(1 - elasticity).
    """
    spending: Array = base * level * prices ** (1.0 - elasticity)
    return spending


def visitor_base(parameters: Parameters, fen: float) -> Array:
    """Average monthly visitor spending (15, 12); `fen` converts 100m yuan a year to fen a month."""
    place = parameters.array("outside.visitor_place")
    mix = parameters.array("outside.visitor_mix")
    total = parameters.number("outside.visitor_spending") * fen
    return total * np.outer(place / place.sum(), mix / mix.sum())
