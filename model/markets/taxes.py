"""Taxes and contributions of a month by cell, and their division between governments.

Value-added tax, local taxes and fees, income tax and contributions on pay, tax on what is left as
profit; rates are those of model/opening.py. One compiled pass over the cells, whole fen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.ledger import Fen
from model.opening import TaxRates
from model.whole_numbers import compiled

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Taxes:
    """Taxes of a month, int64 fen. `by_payer` (17): central, province, places."""

    contributions: int
    by_payer: Fen
    total: Fen  # (15, 12) all a cell hands over, contributions included
    shared: int  # total without contributions


def levy(
    rates: TaxRates, value_added: Fen, labour_cost: Fen, employees: Fen, interest: Fen, trend: float
) -> Taxes:
    """Taxes due (15, 12). `labour_cost` is pay before taxes on it; profit bears the rest."""
    bases = (value_added, labour_cost, np.ascontiguousarray(employees), interest)
    by_cell, places, fees = (rates.value_added, rates.local), len(value_added), rates.fees
    total = np.empty_like(value_added)
    sums = np.zeros((places, 4), dtype=np.int64)  # shared on value added, on income; local; funds
    flat = np.array([rates.income, rates.contribution, rates.profit, trend])
    _levy_cells(*bases, *by_cell, fees, flat, total, sums)
    upper = np.rint(sums[:, :2] @ rates.upper_split).astype(np.int64)
    by_payer = np.empty(2 + places, dtype=np.int64)
    by_payer[1::-1] = upper[:, 1].sum(), upper[:, 0].sum()
    by_payer[2:] = sums[:, :3].sum(axis=1) - upper.sum(axis=1)
    contributions = int(sums[:, 3].sum())
    return Taxes(contributions, by_payer, total, int(sums[:, :3].sum()))


@compiled
def _levy_cells(
    value_added: Fen, labour_cost: Fen, employees: Fen, interest: Fen, rate: Array,
    local_rate: Array, fees: Array, flat: Array, total: Fen, sums: Fen,
) -> None:  # fmt: skip
    for k in range(value_added.shape[0]):
        for j in range(value_added.shape[1]):
            # Inputs dearer than sales: the tax paid on them is not refunded, as excess input tax.
            base, pay = max(value_added[k, j], 0), employees[k, j]
            indirect = np.int64(np.rint(base * rate[j]))
            local = np.int64(np.rint(base * local_rate[j] + fees[k, j] * flat[3]))
            income = np.int64(np.rint(pay * flat[0]))
            funds = np.int64(np.rint(pay * flat[1]))
            left = (
                value_added[k, j]
                - labour_cost[k, j]
                - indirect
                - local
                - income
                - funds
                - interest[k, j]
            )
            profit = np.int64(np.rint(max(left, 0) * flat[2]))
            total[k, j] = indirect + local + income + funds + profit
            sums[k, 0] += indirect
            sums[k, 1] += income + profit
            sums[k, 2] += local
            sums[k, 3] += funds
