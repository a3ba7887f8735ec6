"""First facts about the assembled economy: what households and the province do, with figures.

Bands are from the literature and the statistics named in the tests; nothing here was fitted to
them by the tests. A fact outside its band stays a failing test, marked as expected, with its
figure. Run with `-s` to see every figure.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from model.agents.household_layout import Columns
from model.dimensions import ITEMS
from model.economy import Economy
from model.outcome import Outcome
from model.parameters import load_parameters
from tests.economies import F64, I64, Policies, copy_of, outcome, rows, say, scenario

pytestmark = pytest.mark.slow
SCALE, START, GIFT, STANDING = 500, 1, 1000.0, 100.0
Flags = npt.NDArray[np.bool_]


class Effect(NamedTuple):
    """What a policy did to every household [month, household], yuan."""

    before: Columns  # households the month before the policy, without it
    weight: I64
    change: F64  # of spending
    income: F64  # of disposable income: the transfer and what comes back through pay

    def mean(self, months: slice, who: Flags | None = None, what: str = "change") -> float:
        """Mean change a household over all months of the slice, summed."""
        chosen = np.ones(len(self.weight), dtype=bool) if who is None else who
        total = getattr(self, what)[months].sum(axis=0)
        return float((total * self.weight)[chosen].sum() / self.weight[chosen].sum())


def _transfer(yuan: float, **more: Any) -> Policies:
    plain = {"lever": "transfer", "month": "2025-11", "payer": "central"}
    return {"cash": plain | {"yuan_per_household": yuan} | more}


def _effect(policies: Policies, months: int) -> Effect:
    base, treated = (
        Economy(scenario(p, months=months, scale=SCALE), lean=True) for p in (None, policies)
    )
    change, income = [], []
    for month in range(months):
        if month == START:
            before = copy_of(base.household_block.columns)
        base.step()
        treated.step()
        now, other = (e.household_block.columns for e in (treated, base))
        change.append((now.spending - other.spending) / 100.0)
        income.append((now.income - other.income) / 100.0)
    weight = rows(base.household_block)[2]
    return Effect(before, weight, np.array(change), np.array(income))


@cache
def gift() -> Effect:
    """1,000 yuan once to every household."""
    return _effect(_transfer(GIFT), START + 12)


@cache
def standing() -> Effect:
    """100 yuan a month for good to every household."""
    return _effect(_transfer(STANDING, permanent=True), START + 24)


def fifths(values: F64, weight: I64) -> I64:
    """Weighted fifth (0-4) of every household."""
    order = np.argsort(values, kind="stable")
    share = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    found = np.empty(len(values), np.int64)
    found[order] = (share * 5).astype(np.int64)
    return found


def in_band(name: str, value: float, low: float, high: float) -> None:
    """Print the figure, then insist on its band."""
    inside = low <= value <= high
    say(f"{name}: {value:.3f} in [{low:g}, {high:g}]: {'yes' if inside else 'NO'}")
    assert inside, (name, value)


# -- households -------------------------------------------------------------------------------


def test_quarterly_mpc_of_a_gift() -> None:
    in_band("quarterly MPC", gift().mean(slice(START, START + 3)) / GIFT, 0.15, 0.35)


def test_mpc_falls_with_liquid_wealth() -> None:
    effect = gift()
    fifth = fifths(effect.before.liquid.astype(float), effect.weight)
    window = slice(START, START + 3)
    mpc = [effect.mean(window, fifth == k) / GIFT for k in range(5)]
    say("quarterly MPC by fifth of liquid wealth:", np.round(mpc, 3).tolist())
    assert all(poor > rich - 0.02 for poor, rich in pairwise(mpc))
    assert mpc[0] > 0.4
    assert mpc[4] < 0.1


def _standing_mpc(name: str, low: float, high: float, who: Flags | None = None) -> None:
    """Change of spending over change of income in the second year, so that seasons cancel.

    Everybody receives the transfer, so that incomes rise by more than it: spending per yuan of the
    transfer itself is printed too.
    """
    year = slice(START + 12, START + 24)
    spent, earned = (standing().mean(year, who, what) for what in ("change", "income"))
    say(f"{name}: {spent / (12 * STANDING):.3f} a yuan of transfer,")
    say(f"    incomes rise by {earned / (12 * STANDING):.3f} a yuan of transfer")
    in_band(f"    {name}: permanent-income MPC after a year", spent / earned, low, high)


def test_mpc_of_permanent_income() -> None:
    _standing_mpc("everybody", 0.6, 0.9)


def test_mpc_of_permanent_income_of_the_poorest_fifth() -> None:
    _standing_mpc("poorest fifth", 0.7, 1.0, standing().before.group // 4 == 0)


def test_mpc_of_permanent_income_of_pensioners() -> None:
    _standing_mpc("pensioners", 0.7, 1.0, standing().before.stage == 2)


def test_a_raise_is_spent_more_than_a_gift() -> None:
    once = gift().mean(slice(START, START + 3)) / GIFT
    lasting = standing().mean(slice(START, START + 3)) / (3 * STANDING)
    say(f"first quarter: of a gift {once:.3f}, of a standing transfer {lasting:.3f}")
    assert lasting > 2 * once


@cache
def first_year() -> Outcome:
    return outcome(months=12, scale=SCALE)


def test_saving_rises_with_income() -> None:
    result = first_year()
    rate = (
        1.0 - result["consumption"].by("quintile").values / result["income"].by("quintile").values
    )
    say("saving rate by fifth:", np.round(rate, 3).tolist())
    assert (np.diff(rate) > 0).all()


# -- programmes -------------------------------------------------------------------------------

RULE = {"rate": 0.15, "cap_yuan": 2000}
WINDOW: Policies = {
    "trade_in": {
        "lever": "trade_in", "start": "2025-12", "end": "2026-01", "budget_yi_yuan": 1000,
        "items": {
            "appliances": RULE, "digital": RULE, "cars": {"rate": 0.1, "cap_yuan": 15_000},
        },
        "payers": {"central": 1.0},
    }
}  # fmt: skip
VOUCHERS: Policies = {
    "vouchers": {
        "lever": "vouchers", "rounds": ["2025-11"], "face_yuan": 30, "threshold_yuan": 100,
        "categories": {"catering": 0.25, "fuel": 0.25, "daily_goods": 0.25, "apparel": 0.25},
        "per_person": 3, "validity_days": 30, "allocation": "rush", "participating_share": 0.5,
        "funding": {"mode": "fixed", "budget_yi_yuan": 10, "match_ratio": 1},
    }
}  # fmt: skip


def test_a_short_trade_in_is_mostly_reversed_within_a_year() -> None:
    """Units bought beyond the baseline in a two-month window and what is left a year later."""
    treated, base = (outcome(p, months=16, scale=SCALE) for p in (WINDOW, None))
    extra = (treated["durable_units"].values - base["durable_units"].values).sum(axis=2)
    spike, left = extra[2:4].sum(axis=0), extra[2:16].sum(axis=0)
    reversed_share = 1.0 - left / spike
    usual = base["durable_units"].values.sum(axis=2).mean(axis=0)
    for item, *figures in zip(ITEMS, spike / (2 * usual), reversed_share, strict=True):
        say(f"{item}: sales +{100 * figures[0]:.0f} % in the window, {figures[1]:.2f} reversed")
    assert (spike > 0.2 * 2 * usual).all()
    assert (reversed_share > 0.5).all()
    assert (reversed_share < 1.0).all()


def test_vouchers_look_far_better_on_the_platform_than_in_total() -> None:
    """Six months: sales with a voucher per yuan redeemed against all spending it added."""
    treated, base = (outcome(p, months=7, scale=SCALE) for p in (VOUCHERS, None))
    redeemed = treated.select("voucher_counters", counter="redeemed").values.sum()
    platform = treated.select("voucher_counters", counter="platform_sales").values.sum()
    added = treated["consumption"].values.sum() - base["consumption"].values.sum()
    say(f"a yuan redeemed: {platform / redeemed:.2f} on the platform, {added / redeemed:.2f} total")
    assert platform / redeemed > 3.0 * added / redeemed
    assert added > 0


# -- the province in the base year ------------------------------------------------------------


def _at_base(name: str, *dims: str) -> F64:
    """A series over the first year at the trend level of its first month."""
    months = load_parameters().number("numerics.months_per_year")
    growth = (1.0 + load_parameters().number("consumption.growth")) ** (1.0 / months)
    trend = growth ** np.arange(12)
    values = first_year()[name].by("month", *dims).values
    return np.asarray((values / trend.reshape(-1, *[1] * len(dims))).sum(axis=0))


def _a_head(name: str) -> F64:
    """Yuan a head and year, rural and urban."""
    return np.asarray(_at_base(name, "residence") / first_year()["persons"].by("residence").values)


@pytest.mark.parametrize(("residence", "data"), [(0, 21_483.0), (1, 45_896.0)])
def test_income_a_head(residence: int, data: float) -> None:
    """Disposable income 2023, statistical yearbook (grade B)."""
    value = float(_a_head("income")[residence])
    in_band(f"income a head over data ({data:,.0f})", value / data, 0.95, 1.05)


@pytest.mark.parametrize(
    ("residence", "share"),
    [
        (0, 0.7196),
        (1, 0.6057),
    ],
)
def test_part_of_income_consumed(residence: int, share: float) -> None:
    """Consumption over disposable income 2022: 14,326 / 19,908 and 26,652 / 44,003 (grade B)."""
    value = float(_a_head("consumption")[residence] / _a_head("income")[residence])
    in_band(f"part consumed over data ({share})", value / share, 0.95, 1.05)


def test_retail_sales() -> None:
    """1,036 billion yuan in 2023 (grade A)."""
    value = float(_at_base("retail_sales") / 1e9)
    in_band("retail sales over data (1,036 bn)", value / 1036.2, 0.95, 1.05)


def test_employment() -> None:
    """20.91 million persons in 2023 (grade B)."""
    value = float(first_year()["employment"].by("month").values.mean() / 1e6)
    in_band("employment over data (20.91 m)", value / 20.91, 0.95, 1.05)


def test_product_of_cities() -> None:
    """GDP of 2023 by city: total and shares (grade A)."""
    data = load_parameters().array("government.gdp")
    found = _at_base("value_added", "place")
    in_band("value added over GDP of cities", float(found.sum() / 1e8 / data.sum()), 0.95, 1.05)
    ratio = found / found.sum() / (data / data.sum())
    say("share of each city over data:", np.round(ratio, 3).tolist())
    assert np.abs(ratio - 1.0).max() < 0.05
