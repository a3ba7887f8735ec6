"""Records a run month by month and turns the record into an `Outcome`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import F64, I64, VOUCHER_SLOTS, field
from model.agents.households import consumption_by_group
from model.dimensions import AGE_GROUPS, CATEGORIES, ITEMS, PLACES, QUINTILES, RESIDENCES
from model.flows import HouseholdFlows
from model.markets.outcomes import MarketOutcome, Plan
from model.outcome import BEARERS, SOURCES, Outcome, Series
from model.policy.levers.base import by_place

FEN = 100.0
_PEOPLE = (len(PLACES), len(RESIDENCES), QUINTILES, len(AGE_GROUPS))
_DIMS: dict[str, tuple[tuple[str, ...], str]] = {
    "consumption": (("place", "residence", "quintile", "age_group", "category"), "yuan"),
    "income": (("place", "residence", "quintile", "age_group"), "yuan"),
    "payments": (("lever", "source"), "yuan"),
    "direct_costs": (("lever", "bearer"), "yuan"),
    "employment": (("place", "sector"), "persons"),
    "unemployed": (("place",), "persons"),
    "consumer_prices": (("category",), "index"),
    "price_level": ((), "index"),
    "retail_sales": (("place",), "yuan"),
    "retail_sales_measured": (("place",), "yuan"),
    "value_added": (("place", "sector"), "yuan"),
    "local_sales": (("place", "sector"), "yuan"),
    "revenue": (("payer",), "yuan"),
    "spending": (("payer",), "yuan"),
    "deposits": (("payer",), "yuan"),
    "debt": (("payer",), "yuan"),
    "arrears": (("payer",), "yuan"),
    "voucher_counters": (("place", "counter"), "yuan"),
    "durable_units": (("item", "quintile"), "units"),
    "subsidised_units": (("item",), "units"),
    "subsidised_sales": (("item",), "yuan"),
    "leakage": ((), "yuan"),
    "liquid_wealth": (("place",), "yuan"),
    "residual_fen": ((), "fen"),
}


class Recorder:
    """Collects one dictionary of arrays a month; `lean` keeps no detail by group."""

    def __init__(self, levers: list[str], lean: bool, retail_uplift: float) -> None:
        self._levers, self._lean, self._uplift = levers, lean, retail_uplift
        self._places = {name: at for at, name in enumerate(levers)}
        self._months: list[dict[str, Any]] = []

    def record(
        self, totals: I64, flows: HouseholdFlows, engel: F64, plan: Plan, market: MarketOutcome,
        direct_costs: dict[str, I64],
    ) -> None:  # fmt: skip
        """Keep one month."""
        weight = flows.consumption.sum(axis=(0, 1)).astype(float)
        prices = _average_prices(plan, flows)
        self._months.append(
            {
                **self._households(totals, flows, engel),
                "payments": self._by_lever(market.policy_paid, SOURCES),
                "direct_costs": self._by_lever(direct_costs, BEARERS),
                "employment": flows.employed_persons,
                "unemployed": flows.unemployed_persons,
                "consumer_prices": prices,
                "price_level": float(prices @ weight / weight.sum()),
                "retail_sales": market.retail_sales,
                "retail_sales_measured": market.retail_sales_measured,
                "value_added": market.value_added,
                "local_sales": market.local_sales,
                "revenue": market.revenue,
                "spending": market.spending,
                "deposits": market.deposits,
                "debt": market.debt,
                "arrears": market.arrears,
                "leakage": float(market.leakage.sum()) / FEN,
                "residual_fen": market.residual_fen,
            }
        )

    def _by_lever(self, paid: dict[str, I64], columns: tuple[str, ...]) -> F64:
        """Amounts of the levers that have any [lever, column], yuan."""
        found = np.zeros((len(self._levers), len(columns)))
        for name, amounts in paid.items():
            found[self._places[name]] = amounts
        return found / FEN

    def _households(self, totals: I64, flows: HouseholdFlows, engel: F64) -> dict[str, Any]:
        counters = by_place(totals, "vouchers").reshape(len(PLACES), VOUCHER_SLOTS, -1)
        found = {
            "voucher_counters": counters.sum(axis=1),
            "durable_units": field(totals, "units").sum(axis=0).reshape(len(ITEMS), QUINTILES),
            "subsidised_units": field(totals, "subsidised_units").sum(axis=0),
            "subsidised_sales": field(totals, "subsidised_sales").sum(axis=0),
            "liquid_wealth": flows.liquid,
        }
        if self._lean:
            shape = (len(PLACES), len(RESIDENCES), len(CATEGORIES))
            found["consumption"] = flows.consumption.reshape(shape) / FEN
            found["consumption"][:, :, CATEGORIES.index("health")] += (
                field(totals, "medical").reshape(shape[:2]) / FEN
            )
            found["income"] = flows.group_income.sum(axis=2) / FEN
        else:
            found["consumption"] = consumption_by_group(totals, engel).reshape(*_PEOPLE, -1)
            found["income"] = flows.group_income.reshape(_PEOPLE) / FEN
        return found

    def outcome(
        self, months: list[str], meta: dict[str, Any], counts: dict[str, npt.NDArray[Any]]
    ) -> Outcome:
        """All months as named series; `counts` are households and persons by group."""
        series = {}
        for name, (dims, unit) in _DIMS.items():
            if self._lean and name in ("consumption", "income"):
                kept = ("place", "residence", "category")[: 3 if name == "consumption" else 2]
            else:
                kept = dims
            values = np.array([month[name] for month in self._months])
            if unit == "yuan" and values.dtype == np.int64:
                values = values / FEN  # once for all months
            series[name] = Series(values, ("month", *kept), unit)
        for name, values in counts.items():
            dims = ("place", "residence", "quintile", "age_group")
            series[name] = Series(values, dims, "count")
        return Outcome(months, series, meta)


def _average_prices(plan: Plan, flows: HouseholdFlows) -> F64:
    """Consumer price by category, weighted by where households live."""
    spending = np.maximum(flows.consumption.sum(axis=1).astype(float), 1.0)
    return np.asarray((plan.prices * spending).sum(axis=0) / spending.sum(axis=0))
