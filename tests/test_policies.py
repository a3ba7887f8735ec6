"""Policies in the assembled economy: nothing without a policy, and more from more of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from model.agents.household_layout import field
from model.dimensions import PLACES
from model.economy import Economy
from model.outcome import Outcome
from model.policy.levers.base import by_place
from model.scenario import load_scenario
from tests.economies import (
    Policies,
    certain_sign,
    digest,
    household_spending,
    outcome,
    scenario,
    unequal,
)

BY_LEVER = ("payments", "direct_costs")  # have an axis of policies
SEEDS = range(1, 8)
MONTHS = 8
CERTAIN = 3.0  # standard errors, of differences paired by seed


# -- nothing for nothing ----------------------------------------------------------------------


def test_policies_of_zero_size_change_no_bit_of_any_household() -> None:
    """All five levers at zero, 24 months: every column of every household, every series."""
    runs = [
        Economy(load_scenario(name).changed(scale="1:5000", months=24))
        for name in ("baseline", "null_policy")
    ]
    for month in range(24):
        for economy in runs:
            economy.step()
        columns = [economy.household_block.columns for economy in runs]
        assert unequal(*columns) == [], f"month {month}"
    base, null = (economy.outcome() for economy in runs)
    assert set(base) == set(null)
    different = [n for n in base if n not in BY_LEVER and (base[n].values != null[n].values).any()]
    assert different == []
    for name in BY_LEVER:
        assert not null[name].values.any()


def test_the_treatment_effect_of_nothing_is_zero_in_every_household() -> None:
    base, null = (
        household_spending(Economy(load_scenario(name).changed(scale="1:5000", months=18)))
        for name in ("baseline", "null_policy")
    )
    assert (null - base == 0.0).all()
    assert base.sum() > 0


def test_columns_that_differ_are_seen() -> None:
    """The comparison above can fail: one yuan for everybody in the first month."""
    runs = [Economy(scenario(policies)) for policies in (None, transfer(1))]
    for economy in runs:
        economy.step()
    columns = [economy.household_block.columns for economy in runs]
    assert "liquid" in unequal(*columns)
    assert "spending" in unequal(*columns)


def test_a_policy_changes_nothing_before_it_is_known() -> None:
    base = outcome(months=12)
    late = outcome(floor(20, start="2026-05"), months=12)
    for name in ("consumption", "employment", "value_added", "deposits"):
        assert np.array_equal(base[name].values[:7], late[name].values[:7]), name
        assert not np.array_equal(base[name].values[7:], late[name].values[7:]), name


# -- more from more ---------------------------------------------------------------------------


def transfer(yuan: float, **changed: Any) -> Policies:
    plain = {"lever": "transfer", "month": "2025-10", "yuan_per_household": yuan,
             "payer": "central"}  # fmt: skip
    return {"cash": plain | changed}


def pensions(yuan: float) -> Policies:
    return {
        "pensions": {
            "lever": "pensions", "start": "2025-11", "employee_fixed_yuan": yuan,
            "resident_fixed_yuan": yuan / 2, "payers": {"resident": {"central": 1.0}},
        }
    }  # fmt: skip


def vouchers(yi_yuan: float) -> Policies:
    return {
        "vouchers": {
            "lever": "vouchers", "rounds": ["2025-11", "2026-01"], "face_yuan": 30,
            "threshold_yuan": 100, "categories": {"catering": 0.5, "daily_goods": 0.5},
            "per_person": 3, "validity_days": 30, "allocation": "rush", "participating_share": 0.5,
            "funding": {"mode": "fixed", "budget_yi_yuan": yi_yuan, "match_ratio": 1},
        }
    }  # fmt: skip


TARGETED: Policies = {
    "vouchers": {
        **vouchers(5)["vouchers"], "allocation": "targeted", "target": {"quintiles": [1]},
    }
}  # fmt: skip


def trade_in(rate: float) -> Policies:
    rule = {"rate": rate, "cap_yuan": 20_000}
    return {
        "trade_in": {
            "lever": "trade_in", "start": "2025-12", "end": "2026-03", "budget_yi_yuan": 1000,
            "items": {"appliances": rule, "digital": rule, "cars": rule},
            "payers": {"central": 1.0},
        }
    }  # fmt: skip


def floor(percent: float, start: str = "2025-11") -> Policies:
    return {"floor": {"lever": "minimum_wage", "start": start, "increase_percent": percent}}


def consumption(result: Outcome) -> float:
    return float(result["consumption"].values.sum())


def redeemed(result: Outcome) -> float:
    return float(result.select("voucher_counters", counter="redeemed").values.sum())


def subsidised(result: Outcome) -> float:
    return float(result["subsidised_units"].values.sum())


def units(result: Outcome) -> float:
    return float(result["durable_units"].values[2:6].sum())


SIZES: dict[Callable[[float], Policies], tuple[float, ...]] = {
    transfer: (0, 1000, 4000), pensions: (0, 100, 400), vouchers: (0, 2, 10),
    trade_in: (0.0, 0.1, 0.25),
}  # fmt: skip


@cache
def run_everything() -> None:
    """All runs of this section, seed by seed: runs of one seed share an opening."""
    for seed in SEEDS:
        for policy, sizes in SIZES.items():
            for size in sizes:
                outcome(policy(size), seed=seed, months=MONTHS)
        outcome(TARGETED, seed=seed, months=MONTHS)
        outcome(vouchers(5), seed=seed, months=MONTHS)


def paired(measure: Callable[[Outcome], float], small: Policies, large: Policies) -> list[float]:
    """What the large policy adds to the small one, by seed."""
    run_everything()
    return [
        measure(outcome(large, seed=seed, months=MONTHS))
        - measure(outcome(small, seed=seed, months=MONTHS))
        for seed in SEEDS
    ]


@pytest.mark.parametrize(
    ("policy", "measure"),
    [
        (transfer, consumption),
        (pensions, consumption),
        (vouchers, redeemed),
        (vouchers, consumption),
        (trade_in, subsidised),
        (trade_in, units),
    ],
    ids=["transfer", "pensions", "voucher_use", "voucher_spending", "trade_in", "trade_in_units"],
)
def test_more_of_a_policy_does_more(policy: Callable[[float], Policies], measure: Any) -> None:
    """Every step up adds, by more than three standard errors of pairs with the same seed."""
    for small, large in pairwise(SIZES[policy]):
        assert certain_sign(paired(measure, policy(small), policy(large))) > CERTAIN, (small, large)


def covered_pay_and_separations(percent: float, seed: int, months: int = 10) -> tuple[float, float]:
    """Net pay of covered employees (yuan) and separations (persons) from the floor's start on."""
    economy = Economy(scenario(floor(percent), seed=seed, months=months))
    pay = separations = 0.0
    for month in range(months):
        economy.step()
        if month >= 1:
            pay += economy.flows.net_earnings[:, :, 0].sum() / 100
            separations += field(economy.totals, "separations").sum()
    return pay, separations


def test_a_higher_floor_raises_covered_pay_and_never_saves_jobs() -> None:
    sizes = (0, 10, 40)
    by_seed = [[covered_pay_and_separations(percent, seed) for percent in sizes] for seed in SEEDS]
    found = np.array(by_seed)  # seed, size, (pay, separations)
    for step in range(2):
        pay, separations = (found[:, step + 1] - found[:, step]).T
        assert certain_sign(pay) > CERTAIN
        assert certain_sign(separations) > -2.0
    assert certain_sign(found[:, 2, 1] - found[:, 0, 1]) > CERTAIN


def test_targeting_reaches_the_poorest() -> None:
    """Vouchers for the poorest fifth raise its share of consumption more than those for all do."""

    def share(result: Outcome) -> float:
        by = result["consumption"].by("quintile").values
        return float(by[0] / by.sum())

    assert certain_sign(paired(share, vouchers(5), TARGETED)) > CERTAIN


def test_pensions_of_some_cities_rise_there_only() -> None:
    """The rise is paid, and billed, where it was decided; elsewhere not one fen."""
    rise = pensions(100.0)
    rise["pensions"] |= {"cities": ["dalian", "fuxin"]}
    economy = Economy(scenario(rise, months=3), lean=True)
    for _ in range(3):
        economy.step()
    paid = by_place(economy.totals, "pension_rise").sum(axis=1)
    chosen = np.isin(PLACES, ["dalian", "fuxin"])
    assert (paid[chosen] > 0).all()
    assert (paid[~chosen] == 0).all()
    assert (economy.surface.pension_recognised[~chosen] == 1.0).all()
    assert (economy.surface.pension_recognised[chosen] < 1.0).all()


def test_pensions_of_all_cities_named_are_pensions_of_the_province() -> None:
    named = pensions(100.0)
    named["pensions"] |= {"cities": list(PLACES)}
    assert digest(outcome(named, months=6)) == digest(outcome(pensions(100.0), months=6))
