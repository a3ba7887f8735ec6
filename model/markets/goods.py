"""Goods market: where household money goes, what cells must produce, who supplies inputs.

Household spending (place, category) is split over own place, other places of the province and the
outside (online, trips) by Armington weights omega (P / A)^(1 - sigma). Final demand is then met by
the Leontief solution of model/production.py in real terms; money flows are real flows at prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, CATEGORY_SECTOR_INDEX, PLACES, SECTORS
from model.ledger import Fen
from model.production import Technology, input_prices
from model.whole_numbers import by_column, compiled, total

Array = npt.NDArray[np.float64]
SECTOR_OF = np.array(CATEGORY_SECTOR_INDEX)
SHAPE = (len(PLACES), len(SECTORS))
TO_SECTOR = np.zeros((len(CATEGORIES), len(SECTORS)), dtype=np.int64)
TO_SECTOR[np.arange(len(CATEGORIES)), SECTOR_OF] = 1
# Categories of goods, and the sectors that sell services to households (not catering).
GOODS = np.array([q for q, j in enumerate(SECTOR_OF) if SECTORS[j].endswith(("_retail", "_trade"))])
SERVICES = np.array(
    [
        SECTORS.index(name)
        for name in ("culture_and_tourism", "care_services",
                     "housing_utilities_transport_education")
    ]
)  # fmt: skip
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


class Shopping(NamedTuple):
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


@compiled
def split_integer(total: Fen, weights: Array) -> Fen:
    """Split totals (q) over rows by `weights` (rows, q): round, the largest takes the rest."""
    parts = np.empty(weights.shape, np.int64)
    for q in range(total.size):
        largest, left = 0, total[q]
        for k in range(weights.shape[0]):
            parts[k, q] = np.int64(np.rint(total[q] * weights[k, q]))
            left -= parts[k, q]
            if weights[k, q] > weights[largest, q]:
                largest = k
        parts[largest, q] += left
    return parts


@compiled
def split_rows(total: Fen, weights: Array) -> Fen:
    """As `split_integer`, of totals (rows) over the columns of `weights` (rows, q)."""
    return np.ascontiguousarray(split_integer(total, np.ascontiguousarray(weights.T)).T)


@compiled
def in_sectors(amounts: Fen) -> Fen:
    """Amounts by category (15, 16) added up by sector (15, 12)."""
    found = np.zeros(SHAPE, np.int64)
    for k in range(amounts.shape[0]):
        for q in range(amounts.shape[1]):
            found[k, SECTOR_OF[q]] += amounts[k, q]
    return found


def shop(weights: TradeWeights, consumption: Fen, tied: Fen, own: Array, other: Array) -> Shopping:
    """Split `consumption` (15, 16); `tied` of it can only be spent in the own place (vouchers)."""
    return Shopping(*_shop(consumption, tied, own, other, weights.attraction))


def ration(shopping: Shopping, consumption: Fen, served: Array) -> Shopping:
    """Cells beyond capacity serve a share `served` (15, 12); the rest is bought outside."""
    return Shopping(*_ration(*shopping[:3], consumption, served))


@compiled
def _shop(
    consumption: Fen, tied: Fen, own: Array, other: Array, attraction: Array
) -> tuple[Fen, Fen, Fen, Fen]:
    bought, elsewhere = np.empty_like(consumption), np.empty_like(consumption)
    outside = np.empty_like(consumption)
    for k in range(consumption.shape[0]):
        for q in range(consumption.shape[1]):
            bound = min(tied[k, q], consumption[k, q])
            free = consumption[k, q] - bound
            bought[k, q] = bound + np.int64(np.rint(free * own[k, q]))
            left = consumption[k, q] - bought[k, q]
            elsewhere[k, q] = min(np.int64(np.rint(free * other[k, q])), left)
            outside[k, q] = left - elsewhere[k, q]
    visiting = split_integer(by_column(elsewhere), attraction)
    return bought, visiting, outside, in_sectors(bought + visiting)


@compiled
def _ration(
    own: Fen, visiting: Fen, outside: Fen, consumption: Fen, served: Array
) -> tuple[Fen, Fen, Fen, Fen]:
    at_home, guests, others = np.empty_like(own), np.empty_like(own), np.empty_like(own)
    for k in range(own.shape[0]):
        for q in range(own.shape[1]):
            rate = served[k, SECTOR_OF[q]]
            at_home[k, q] = np.int64(np.floor(own[k, q] * rate))
            guests[k, q] = np.int64(np.floor(visiting[k, q] * rate))
            others[k, q] = consumption[k, q] - own[k, q] - outside[k, q]
    lost = by_column(visiting) - by_column(guests)
    shares_of = others / np.maximum(by_column(others), 1)
    elsewhere = outside + (own - at_home) + split_integer(lost, shares_of)
    return at_home, guests, elsewhere, in_sectors(at_home + guests)


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
    buyer_price = input_prices(prices, technology.home_bias, supply_share)
    costs = buyer_price @ technology.local_inputs
    return Production(
        real, *_deliver(real, demand, final, prices, costs, technology.outside_inputs)
    )


@compiled
def _deliver(
    real: Array, demand: Array, final: Fen, prices: Array, input_cost: Array, outside_inputs: Array
) -> tuple[Fen, Fen, Fen, Fen]:
    """Inputs sold, bought, bought outside, and revenue (15, 12)."""
    sold, inputs = np.empty_like(final), np.empty_like(final)
    outside, largest = np.empty_like(final), (0, 0)
    for k in range(final.shape[0]):
        for j in range(final.shape[1]):
            sold[k, j] = np.int64(np.rint((real[k, j] - demand[k, j]) * prices[k, j]))
            inputs[k, j] = np.int64(np.rint(real[k, j] * input_cost[k, j]))
            outside[k, j] = np.int64(np.rint(real[k, j] * outside_inputs[j]))
            if sold[k, j] > sold[largest]:
                largest = (k, j)
    sold[largest] += total(inputs) - total(sold)
    return sold, inputs, outside, final + sold
