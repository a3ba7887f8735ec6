"""Plain NumPy twins of the compiled passes over accounts and cells: what they must equal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.agents.governments import NEWTON_STEPS
from model.markets.goods import SECTOR_OF, SHAPE, TO_SECTOR

Fen = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


def whole(amounts: Array) -> Fen:
    """Round to whole fen."""
    return np.rint(amounts).astype(np.int64)


def split_integer(total: Fen, weights: Array) -> Fen:
    """Totals (q) over rows; the largest weight takes the rest."""
    parts = whole(total * weights)
    parts[weights.argmax(axis=0), np.arange(len(total))] += total - parts.sum(axis=0)
    return parts


def shop(
    attraction: Array, consumption: Fen, tied: Fen, own: Array, other: Array
) -> tuple[Fen, ...]:
    """Own place, visitors, outside, receipts of cells."""
    tied = np.minimum(tied, consumption)
    free = consumption - tied
    own_money = tied + whole(free * own)
    other_money = np.minimum(whole(free * other), consumption - own_money)
    visiting = split_integer(other_money.sum(axis=0), attraction)
    outside = consumption - own_money - other_money
    return own_money, visiting, outside, (own_money + visiting) @ TO_SECTOR


def ration(full: tuple[Fen, Fen, Fen], consumption: Fen, served: Array) -> tuple[Fen, ...]:
    """The same after cells served only a share."""
    rate = served[:, SECTOR_OF]
    own = np.floor(full[0] * rate).astype(np.int64)
    visiting = np.floor(full[1] * rate).astype(np.int64)
    lost = full[1].sum(axis=0) - visiting.sum(axis=0)
    others = consumption - full[0] - full[2]
    shares = others / np.maximum(others.sum(axis=0), 1)
    outside = full[2] + (full[0] - own) + split_integer(lost, shares)
    return own, visiting, outside, (own + visiting) @ TO_SECTOR


def input_prices(prices: Array, home_bias: Array, supply_share: Array) -> Array:
    """Price of local inputs at the buyer."""
    pooled = (1.0 - home_bias) * np.einsum("ki,ki->i", supply_share, prices)
    return np.asarray(home_bias * prices + pooled)


def deliver(
    real: Array, demand: Array, final: Fen, prices: Array, cost: Array, outside_inputs: Array
) -> tuple[Fen, ...]:
    """Inputs sold, bought, bought outside, revenue."""
    sold, inputs = whole((real - demand) * prices), whole(real * cost)
    sold.reshape(-1)[sold.argmax()] += inputs.sum() - sold.sum()
    return sold, inputs, whole(real * outside_inputs), final + sold


def borrow(means: Fen, wanted: Fen, debt: Fen, normal: Fen, limit: Fen) -> tuple[Fen, ...]:
    """Borrowing, rescue, cash available."""
    gap = -(means - wanted)
    borrowing = np.minimum(np.maximum(normal - debt, gap), limit - debt)
    rescue = np.maximum(-(means + borrowing), 0)
    return borrowing, rescue, means + borrowing + rescue


def pay_programmes(programmes: Fen, available: Fen) -> tuple[Array, Fen]:
    """Share that cash allows, and cash left."""
    ratio = np.divide(
        available, programmes, out=np.ones(len(programmes)), where=programmes > available
    )
    return ratio, available - np.minimum(programmes, available)


def return_reserves(investment: Array, target: Array, cash: Fen, trend: float, gain: float) -> Fen:
    """Investment wanted by budgets."""
    return whole(investment * trend + gain * (cash - target * trend))


def newton(gain: Array, slope: Array, shift: Array, space: Array) -> Array:
    """Every step of Newton's method, for all cities at once."""
    x = np.maximum((gain - 1.0 - shift) / slope, 0.0)
    square = 3.0 / space**2
    for _ in range(NEWTON_STEPS):
        left = 1.0 + shift + slope * x
        value = left * (1.0 + square * x * x) - gain
        rise = slope * (1.0 + square * x * x) + left * 2.0 * square * x
        x = np.maximum(x - value / rise, 0.0)
    return x


def wage_cost(paid: Array, normal: Array, local_weight: float) -> Array:
    """Wage bill relative to base rates, mostly pooled over places."""
    own = np.divide(paid, normal, out=np.ones(SHAPE), where=normal > 0)
    total = normal.sum(axis=0)
    pooled = np.divide(paid.sum(axis=0), total, out=np.ones(SHAPE[1]), where=total > 0)
    return np.asarray(pooled + local_weight * (own - pooled))


def wage_bills(
    people: Fen, earnings: Fen, force: Array, persons: Array, pay: Array, gross_pay: Array,
    own_account: Array, wedge: float, trend: float,
) -> tuple[Array, ...]:  # fmt: skip
    """Employment, normal bill, bill paid."""
    relative = people / force[:, None]
    employment = np.divide(relative, persons, out=np.ones(SHAPE), where=persons > 0)
    normal = pay[:, :, 0] * gross_pay + pay[:, :, 1] * own_account
    normal *= trend * employment
    return employment, normal, earnings[:, :, 0] * (1 + wedge) + earnings[:, :, 1]


def months_short(
    months: Fen, cost: Array, trend: float, deposits: Fen, overdraft: Fen, credit: Array,
    lines: Fen,
) -> Fen:  # fmt: skip
    """Consecutive months without cash and credit for a month's labour."""
    due = cost * trend
    free = deposits.reshape(SHAPE) - overdraft.reshape(SHAPE) + lines
    return np.where(free + credit * due < due, months + 1, 0)


def use_of_capacity(
    real: Array, trend: float, season: Array, output: Array, capacity: Array, peak: Array
) -> tuple[Array, Array]:
    """Use and normal output."""
    normal = np.maximum(trend * season * output, 1.0)
    return real / normal / (capacity * peak), normal
