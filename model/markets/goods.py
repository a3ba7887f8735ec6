"""Goods market: where household money goes, what cells must produce, who supplies inputs.

Household spending (place, category) is split over own place, other places of the province and the
outside (online, trips) by Armington weights omega (P / A)^(1 - sigma). Final demand is then met by
the Leontief solution of model/production.py in real terms; money flows are real flows at prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, CATEGORY_SECTOR_INDEX, PLACES, SECTORS
from model.ledger import Fen
from model.production import Technology, input_prices

Array = npt.NDArray[np.float64]
SECTOR_OF = np.array(CATEGORY_SECTOR_INDEX)
SHAPE = (len(PLACES), len(SECTORS))
TO_SECTOR = np.zeros((len(CATEGORIES), len(SECTORS)), dtype=np.int64)
TO_SECTOR[np.arange(len(CATEGORIES)), SECTOR_OF] = 1
CARE = SECTORS.index("care_services")
INDUSTRY = SECTORS.index("industry_and_construction")


@dataclass(frozen=True)
class TradeWeights:
    """Base shares of where households buy: (15, 16) own place, other places, outside; attraction
    (15, 16) spreads other-place money over places (columns add up to 1); sigma (16).
    """

    own: Array
    other: Array
    outside: Array
    attraction: Array
    substitution: Array


@dataclass(frozen=True)
class Shopping:
    """Split of household spending this month, int64 fen."""

    own: Fen  # (15, 16) bought in the own place
    visiting: Fen  # (15, 16) received from residents of other places
    outside: Fen  # (15, 16) paid outside, by place of residence
    by_cell: Fen  # (15, 12) receipts of cells from households


def shares(
    weights: TradeWeights, prices: Array, appeal: Array, variety: Array
) -> tuple[Array, Array, Array]:
    """Shares (15, 16) own and other, and the consumer price index (15, 16) relative to trend.

    `prices`, `appeal`, `variety` are (15, 12) relative to base; for the outside they are 1. Under
    love of variety appeal is variety^(1 / (sigma - 1)), so variety multiplies the weight (F7).
    """
    local, attractive = prices[:, SECTOR_OF], appeal[:, SECTOR_OF]
    pool = (weights.attraction * local).sum(axis=0)
    pool_appeal = (weights.attraction * attractive).sum(axis=0)
    choice = variety[:, SECTOR_OF]
    pool_choice = (weights.attraction * choice).sum(axis=0)
    power = 1.0 - weights.substitution
    own = weights.own * choice * (local / attractive) ** power
    other = weights.other * pool_choice * (pool / pool_appeal) ** power
    total = own + other + weights.outside
    own, other = own / total, other / total
    index = own * local + other * pool + (1.0 - own - other)
    return own, other, index


def split_integer(total: Fen, weights: Array) -> Fen:
    """Split totals (q) over rows by `weights` (rows, q): round, the largest takes the rest."""
    parts = np.rint(total * weights).astype(np.int64)
    columns = np.arange(len(total))
    parts[weights.argmax(axis=0), columns] += total - parts.sum(axis=0)
    return parts


def shop(weights: TradeWeights, consumption: Fen, tied: Fen, own: Array, other: Array) -> Shopping:
    """Split `consumption` (15, 16); `tied` of it can only be spent in the own place (vouchers)."""
    tied = np.minimum(tied, consumption)
    free = consumption - tied
    own_money = tied + np.rint(free * own).astype(np.int64)
    other_money = np.minimum(np.rint(free * other).astype(np.int64), consumption - own_money)
    visiting = split_integer(other_money.sum(axis=0), weights.attraction)
    outside = consumption - own_money - other_money
    return Shopping(own_money, visiting, outside, (own_money + visiting) @ TO_SECTOR)


def ration(shopping: Shopping, consumption: Fen, served: Array) -> Shopping:
    """Cells beyond capacity serve a share `served` (15, 12); the rest is bought outside."""
    rate = served[:, SECTOR_OF]
    own = np.floor(shopping.own * rate).astype(np.int64)
    visiting = np.floor(shopping.visiting * rate).astype(np.int64)
    lost = shopping.visiting.sum(axis=0) - visiting.sum(axis=0)
    outside = shopping.outside + (shopping.own - own)
    others = consumption - shopping.own - shopping.outside
    total = np.maximum(others.sum(axis=0), 1)
    outside = outside + split_integer(lost, others / total)
    return Shopping(own, visiting, outside, (own + visiting) @ TO_SECTOR)


@dataclass(frozen=True)
class Production:
    """Real output and money flows between cells, fen (15, 12)."""

    real: Array  # output at base prices, x trend
    sold_as_input: Fen
    inputs: Fen  # local inputs bought
    outside_inputs: Fen
    revenue: Fen


def produce(
    technology: Technology, solver: Array, supply_share: Array, prices: Array, final: Fen
) -> Production:
    """Meet final demand (15, 12, fen): real output, and inputs bought and sold at current prices.

    Inputs sold add up to inputs bought, to the fen: the largest seller takes the rounding.
    """
    demand = final / prices
    real = (solver @ demand.ravel()).reshape(SHAPE)
    sold = np.rint((real - demand) * prices).astype(np.int64)
    buyer_price = input_prices(prices, technology.home_bias, supply_share)
    inputs = np.rint(real * (buyer_price @ technology.local_inputs)).astype(np.int64)
    gap = inputs.sum() - sold.sum()
    sold.reshape(-1)[sold.argmax()] += gap
    outside = np.rint(real * technology.outside_inputs).astype(np.int64)
    return Production(real, sold, inputs, outside, final + sold)
