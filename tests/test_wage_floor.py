"""Whose pay a higher wage floor lifts, whose cost it is, and transfers paid per child."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from model.agents.firms import FirmRules, wage_cost
from model.agents.household import wage_floor_lift
from model.agents.household_layout import field
from model.dimensions import PLACES, SECTORS
from model.economy import Economy
from model.parameters import load_parameters
from tests.economies import by_place, scenario

PARAMETERS = load_parameters()
FOLLOWING = PARAMETERS.number("households.minimum_wage.informal_following")
COVERED, INFORMAL, OWN_ACCOUNT, FARMER = 1, 2, 3, 4


def lift(work_class: int, wage: float, enforced: float = 0.0) -> float:
    """Rise of the pay of one employee when the floor goes from 2,000 to 2,400 yuan."""
    rules = "households.minimum_wage"
    month = SimpleNamespace(
        floor=[2400.0], base_floor=[2000.0], floor_log_rise=[np.log(1.2)], wage_wedge=0.0,
        ripple=PARAMETERS.number(f"{rules}.ripple"), informal_following=FOLLOWING,
        ripple_range=PARAMETERS.number(f"{rules}.ripple_range"), floor_enforced=[enforced],
    )  # fmt: skip
    who = SimpleNamespace(place=0, work_class=work_class, stage=0, earnings=wage, earners=1)
    return wage_floor_lift(who, month) - 1.0


@pytest.mark.parametrize("wage", [1500.0, 2000.0, 2200.0, 2500.0, 3000.0, 3300.0])
def test_informal_pay_follows_the_floor_in_part(wage: float) -> None:
    covered = lift(COVERED, wage)
    assert lift(INFORMAL, wage) == pytest.approx(FOLLOWING * covered)
    assert lift(INFORMAL, wage, enforced=1.0) == pytest.approx(covered)
    assert lift(COVERED, wage, enforced=1.0) == covered


@pytest.mark.parametrize("work_class", [OWN_ACCOUNT, FARMER])
def test_nobody_pays_the_self_employed_a_floor(work_class: int) -> None:
    assert lift(work_class, 1800.0, enforced=1.0) == 0.0


def test_a_floor_is_a_cost_where_it_is_in_force_only() -> None:
    rules = FirmRules.read(PARAMETERS)
    normal = np.full((len(PLACES), len(SECTORS)), 1000.0)
    rise = np.zeros_like(normal)
    rise[0] = 50.0
    cost = wage_cost(rules, normal + rise, normal, rise)
    assert cost[0] == pytest.approx(1.05)
    assert cost[1:] == pytest.approx(1.0)
    assert wage_cost(rules, normal + rise, normal, 0.0 * rise)[1:].min() > 1.0


def test_a_local_floor_raises_catering_prices_there() -> None:
    cities = list(PLACES[:7])
    floor = {
        "lever": "minimum_wage", "start": "2025-10", "increase_percent": 25, "cities": cities,
    }  # fmt: skip
    catering = SECTORS.index("catering_and_lodging")
    moved = {}
    for coverage in ("covered", "all_employees"):
        runs = [scenario(p, scale=2000) for p in (None, {"floor": {**floor, "coverage": coverage}})]
        base, higher = (Economy(one) for one in runs)
        for _ in range(10):
            base.step()
            higher.step()
        more = higher.markets.firms.price - base.markets.firms.price
        moved[coverage] = more[:7, catering].mean(), more[7:, catering].mean()
    for there, elsewhere in moved.values():
        assert there > 0.001
        assert there > 3.0 * abs(elsewhere)
    assert moved["all_employees"][0] > moved["covered"][0]


@pytest.mark.parametrize("permanent", [False, True])
def test_money_per_child_goes_to_families_with_children(permanent: bool) -> None:
    paid = {
        "lever": "transfer", "month": "2025-10", "yuan_per_child": 300, "permanent": permanent,
        "payer": "province",
    }  # fmt: skip
    economy = Economy(scenario({"cash": paid}))
    economy.step()
    block = economy.household_block
    expected = 30_000 * by_place(block, block.columns.children)
    transfers = field(economy.totals, "transfers").reshape(len(PLACES), -1).sum(axis=1)
    assert np.array_equal(transfers, expected)
    billed = sum(due.amounts.sum() for due in economy.payments)
    assert billed == expected.sum() > 0
