"""Support between generations in the synthetic population: part of published incomes.

Disposable income as surveys define it includes what relatives give, so margins of income are
compared with it. The rule is that of `agents/household_family.py` before any policy, with draws of
its own: only totals and distributions count here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from model.parameters import Parameters
from model.population_kernel import EMPLOYED, RETIRED, Rows
from model.population_tables import CELLS

FloatArray = npt.NDArray[np.float64]
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0  # step of an even sequence of ranks


def family_support(
    rows: Rows, cell: npt.NDArray[np.int64], weight: FloatArray, parameters: Parameters
) -> FloatArray:
    """What elders get from their children, below 0 what workers pay, yuan a month by household.

    `cell` [n] and `weight` [n] of the rows; weighted, it sums to zero in every cell.
    """
    altruism = parameters.number("households.family.altruism")
    old = (rows.stage == RETIRED) | (
        rows.age >= parameters.number("households.beliefs.retired_age")
    )
    pay = np.where((rows.stage == EMPLOYED) & ~old, rows.earnings, 0.0)
    paid, workers = _by_cell(cell, pay * weight), _by_cell(cell, weight * (pay > 0.0))
    family = altruism * _children(rows, parameters) * (paid / np.maximum(workers, 1.0))[cell]
    own = rows.earnings + rows.pension
    wanted = np.where(old, np.maximum(family - own, 0.0) / (1.0 + altruism), 0.0)
    total = _by_cell(cell, wanted * weight)
    most = altruism / (1.0 + altruism) * paid
    wanted = wanted * np.minimum(most / np.maximum(total, 1.0), 1.0)[cell]
    rate = _by_cell(cell, wanted * weight) / np.maximum(paid, 1.0)
    return np.asarray(wanted - rate[cell] * pay)


def _children(rows: Rows, parameters: Parameters) -> FloatArray:
    """Income of the children together over that of a mean household at work."""
    rank = (np.arange(rows.stage.size) * _GOLDEN + 0.5) % 1.0
    deviation = parameters.array("households.family.income_deviation")[rows.urban]
    shock = np.exp(deviation * ndtri(rank) - deviation**2 / 2.0)
    return np.asarray(parameters.array("households.family.children")[rows.urban] * shock)


def _by_cell(cell: npt.NDArray[np.int64], values: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(cell, values, CELLS), dtype=np.float64)
