"""Production: the committed file equals its derivation; the Leontief solution is consistent."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.distil_production import derive
from model.dimensions import SECTORS
from model.markets.goods import produce
from model.parameters import load_parameters
from model.production import inverse, supply, technology

PARAMETERS = load_parameters()


@pytest.mark.parametrize("name", ["local_inputs", "outside_inputs", "investment_local_share",
                                  "government_mix"])  # fmt: skip
def test_committed_coefficients_equal_the_derivation(name: str) -> None:
    assert PARAMETERS[f"production.{name}"] == derive()[name]


def test_every_sector_adds_value_and_trade_buys_mostly_goods() -> None:
    coefficients = technology(PARAMETERS)
    assert (coefficients.value_added > 0.05).all()
    trade = [SECTORS.index(s) for s in ("car_trade", "fuel_retail", "electronics_trade")]
    others = [SECTORS.index(s) for s in ("care_services", "public_finance_business")]
    assert coefficients.value_added[trade].max() < coefficients.value_added[others].min()


def test_less_local_supply_moves_inputs_outside_one_for_one() -> None:
    base = technology(PARAMETERS)
    less = technology(PARAMETERS.with_values({"firms.local_input_factor": 0.9}))
    np.testing.assert_allclose(less.value_added, base.value_added, atol=1e-12)
    moved = base.local_inputs.sum(axis=0) - less.local_inputs.sum(axis=0)
    np.testing.assert_allclose(less.outside_inputs - base.outside_inputs, moved, atol=1e-12)


def test_solution_meets_final_demand_plus_inputs() -> None:
    coefficients = technology(PARAMETERS)
    rng = np.random.default_rng(1)
    share = rng.random((15, 12))
    share /= share.sum(axis=0)
    final = rng.integers(10**9, 10**11, size=(15, 12))
    solver = inverse(coefficients.local_inputs, coefficients.home_bias, share)
    made = produce(coefficients, solver, share, np.ones((15, 12)), final)
    need = made.real @ coefficients.local_inputs.T
    expected = final + supply(need, coefficients.home_bias, share)
    np.testing.assert_allclose(made.real, expected, rtol=1e-9)
    assert made.inputs.sum() == made.sold_as_input.sum()
    assert made.revenue.sum() == final.sum() + made.inputs.sum()


def test_inputs_balance_at_any_prices() -> None:
    coefficients = technology(PARAMETERS)
    rng = np.random.default_rng(2)
    share = np.full((15, 12), 1 / 15)
    solver = inverse(coefficients.local_inputs, coefficients.home_bias, share)
    prices = 0.8 + 0.4 * rng.random((15, 12))
    made = produce(coefficients, solver, share, prices, rng.integers(0, 10**10, size=(15, 12)))
    assert made.inputs.sum() == made.sold_as_input.sum()
    assert (made.sold_as_input >= 0).all()
