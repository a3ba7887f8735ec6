"""The households as a plain Mesa model: one Python object each, activated by AgentSet verbs.

This is how the model would be written without compiled code. It is the oracle for the kernel,
equal in every bit, and the baseline that speed ratios are measured against.
"""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
import numpy.typing as npt

from model.agents.household import live_one_month
from model.agents.household_family import agree_on_support
from model.agents.household_layout import OFFSETS, TOTALS, Columns, Month, flat
from model.agents.views import segment_attributes
from model.dimensions import PLACES, RESIDENCES

I64 = npt.NDArray[np.int64]
N_CELLS = len(PLACES) * len(RESIDENCES)
_FIRST = {name: first for name, (first, _) in OFFSETS.items()}


class PlainHousehold(mesa.Agent):
    """A household whose attributes are ordinary Python numbers."""

    def __init__(self, model: PlainMesaModel, attributes: dict[str, Any]) -> None:
        super().__init__(model)
        self.__dict__.update(attributes)
        self._totals = model.totals[self.place * 2 + self.residence]

    def live_one_month(self, month: Any) -> None:
        """The rules of `model.agents.household`, on this object; `month` is a flat one."""
        live_one_month(self, month, self.book)

    def book(self, name: str, index: int, amount: int) -> None:
        """Add a flow of the household, times the households it stands for."""
        self._totals[_FIRST[name] + index] += amount * self.weight


class PlainMesaModel(mesa.Model):
    """Agents made from columns. `totals` [cell][TOTALS] are this month's weighted flows."""

    def __init__(self, columns: Columns, segments: I64, rng: int = 1) -> None:
        super().__init__(rng=rng)
        self.totals: list[list[int]] = [[0] * TOTALS for _ in range(N_CELLS)]
        self.households = [
            PlainHousehold(self, each) for each in household_attributes(columns, segments)
        ]
        self.cells: dict[int, list[PlainHousehold]] = {}
        for household in self.households:
            cell = household.place * 2 + household.residence
            self.cells.setdefault(cell, []).append(household)

    def live(self, month: Month, shuffled: bool = False) -> I64:
        """One month of everybody; returns the totals, int64 [cell, TOTALS]."""
        for row in self.totals:
            row[:] = [0] * TOTALS
        inputs = flat(month)
        for cell in self.cells.values():
            agree_on_support(cell, inputs)
        activate = self.agents.shuffle_do if shuffled else self.agents.do
        activate("live_one_month", inputs)
        return np.array(self.totals)

    def column(self, name: str) -> npt.NDArray[Any]:
        """An attribute of all households in the shape of the kernel's column."""
        return np.array([getattr(household, name) for household in self.households]).T


def household_attributes(columns: Columns, segments: I64) -> list[dict[str, Any]]:
    """Attributes of every household as Python numbers and lists."""
    rows = np.arange(columns.stage.size)
    known = {name: array.T.tolist() for name, array in columns._asdict().items()}
    for name, compute in segment_attributes(segments).items():
        if name != "unique_id":  # Mesa counts its own
            known[name] = compute(rows).tolist()
    return [dict(zip(known, values, strict=True)) for values in zip(*known.values(), strict=True)]
