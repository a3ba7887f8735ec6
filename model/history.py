"""Dated conditions of the run-up 2019-2024: restrictions, visitors, demand outside the province.

They are inputs, like the weather: households, firms and budgets find shops closed and customers
gone, and react by their usual rules. Without `history.known_to` nothing here touches a run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, ITEM_CATEGORY_INDEX
from model.parameters import Parameters
from model.policy.market_surface import MarketSurface
from model.policy.quantities import month_number
from model.solvers.durables import ReplacementTables
from model.spending import budget_levels

F64 = npt.NDArray[np.float64]
MONTHS = 12


@dataclass(frozen=True)
class Conditions:
    """One month: share of contact activity prevented; ratios on visitors and outside demand."""

    closure: float = 0.0
    visitors: float = 1.0
    outside_demand: float = 1.0


NORMAL = Conditions()


class History:
    """Conditions by month up to `history.known_to`, fading from there; none if that is 0."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        known = int(parameters.number("history.known_to"))
        self._last = (known // 100) * MONTHS + known % 100 - 1 if known else None
        exposure = parameters["history.contact"]
        self._contact = np.array([float(exposure[category]) for category in CATEGORIES])
        self._kept_back = 1.0 - parameters.number("history.moved")
        self._levels = budget_levels(parameters)

    def at(self, label: str) -> Conditions:
        """Conditions of a month "YYYY-MM"; after the last known month they fade to normal."""
        if self._last is None:
            return NORMAL
        month = month_number(label)
        faded = self._parameters.number("history.fade") ** max(month - self._last, 0)
        closure, visitors, demand = (
            self._gap(name, min(month, self._last))
            for name in ("closure", "visitors", "outside_demand")
        )
        return Conditions(faded * closure, 1.0 + faded * visitors, 1.0 + faded * demand)

    def _gap(self, name: str, month: int) -> float:
        """Deviation from normal of one input; none in a year without entry."""
        values = self._parameters[f"history.{name}"].get(str(month // MONTHS))
        normal = 0.0 if name == "closure" else 1.0
        return 0.0 if values is None else float(values[month % MONTHS]) - normal

    def budget(self, now: Conditions, total: F64, engel: F64) -> tuple[F64, F64]:
        """Season factor of the budget (2) and budget shares (2, 37, 16) with shops closed.

        What cannot be bought moves to open categories for a part; the rest is not spent.
        """
        if now.closure == 0.0:
            return total, engel
        opened = 1.0 - now.closure * self._contact
        prevented = 1.0 - self._levels @ opened / self._levels.sum(axis=1)
        left = engel * opened
        spread = engel.sum(axis=2, keepdims=True) / left.sum(axis=2, keepdims=True)
        return total * (1.0 - self._kept_back * prevented), left * spread

    def outside(self, now: Conditions, surface: MarketSurface) -> None:
        """Visitors and outside demand, on top of what policies wrote."""
        if now is NORMAL:
            return
        surface.visitor_appeal = surface.visitor_appeal * now.visitors
        surface.export_demand = surface.export_demand * now.outside_demand

    def tables(self, now: Conditions, tables: ReplacementTables) -> ReplacementTables:
        """Replacement tables with fewer purchases: who meets a closed shop thinks again later."""
        if now.closure == 0.0:
            return tables
        opened = 1.0 - now.closure * self._contact[np.array(ITEM_CATEGORY_INDEX)]
        return replace(
            tables,
            purchase=_fewer(tables.purchase, opened[:, None, None, None]),
            first_purchase=_fewer(tables.first_purchase, opened[:, None]),
        )


def _fewer(words: npt.NDArray[np.uint32], share: F64) -> npt.NDArray[np.uint32]:
    return np.floor(words * share).astype(np.uint32)
