"""Twelve-sector production: input coefficients, who supplies whom, the Leontief solution.

Output X of the 180 cells (place x sector) solves X = A X + f in real terms, where f is final
demand for local goods. Column (k', j) of A says how much cell (k', j) buys from cell (k, i) per
unit of output: a_ij (home_i [k = k'] + (1 - home_i) s_ki), with s_ki the share of place k in
the province's output of sector i. Inputs from outside the province are m_j per unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES, SECTORS
from model.parameters import Parameters
from model.whole_numbers import compiled

Array = npt.NDArray[np.float64]
N_PLACES, N_SECTORS = len(PLACES), len(SECTORS)


@dataclass(frozen=True)
class Technology:
    """Coefficients per yuan of output: local inputs (12 x 12, row buys nothing: row is the
    supplier), outside inputs (12), value added (12), bias to suppliers of the same place (12).
    """

    local_inputs: Array
    outside_inputs: Array
    value_added: Array
    home_bias: Array


def technology(parameters: Parameters) -> Technology:
    """Coefficients from production.yaml; `firms.local_input_factor` moves inputs in or out."""
    table = parameters.array("production.local_inputs")
    local = table * parameters.number("firms.local_input_factor")
    outside = parameters.array("production.outside_inputs") + table.sum(axis=0) - local.sum(axis=0)
    value_added = 1.0 - local.sum(axis=0) - outside
    return Technology(local, outside, value_added, parameters.array("firms.home_bias"))


def supply(need: Array, home_bias: Array, supply_share: Array) -> Array:
    """Deliveries (15, 12) when places need `need` (15, 12) of each product."""
    pooled = (1.0 - home_bias) * need.sum(axis=0)
    delivered: Array = home_bias * need + supply_share * pooled
    return delivered


@compiled
def input_prices(prices: Array, home_bias: Array, supply_share: Array) -> Array:
    """Price (15, 12) of local inputs at the buyer: own place and the province's pool."""
    pool = np.zeros(prices.shape[1])
    for k in range(prices.shape[0]):
        pool += supply_share[k] * prices[k]
    mixed: Array = home_bias * prices + (1.0 - home_bias) * pool
    return mixed


def inverse(local_inputs: Array, home_bias: Array, supply_share: Array) -> Array:
    """Leontief inverse (180 x 180), cells in ledger order (place major)."""
    same = np.eye(N_PLACES)
    blocks = home_bias[None, :, None] * same[:, None, :] + ((1.0 - home_bias) * supply_share)[
        :, :, None
    ] * np.ones(N_PLACES)  # (supplier place, product, buyer place)
    matrix = blocks[:, :, :, None] * local_inputs[None, :, None, :]
    size = N_PLACES * N_SECTORS
    return np.ascontiguousarray(np.linalg.inv(np.eye(size) - matrix.reshape(size, size)))
