"""Markets around constant or shocked household flows: steadiness, leakage, prices, accounts."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.dimensions import CATEGORIES, SECTORS
from model.flows import HouseholdFlows
from model.ledger import CITIES, FIRMS, FUNDS, PROVINCE, Fen, Ledger, LedgerError
from model.markets.month import MarketOutcome, Markets, PolicyPayment
from model.markets.taxes import levy
from model.opening import fen_a_month
from model.parameters import load_parameters
from tests.household_flows import Workers, at_level, household_flows

PARAMETERS = load_parameters()
BASE = household_flows(PARAMETERS)
GROWTH = (1 + PARAMETERS.number("consumption.growth")) ** (1 / 12)
CATERING = SECTORS.index("catering_and_lodging")
BUDGETS = slice(CITIES.start, PROVINCE.stop)


def open_markets(flows: HouseholdFlows = BASE) -> Markets:
    return Markets(PARAMETERS, flows, Ledger())


@cache
def run(
    consumption: float = 0.0, catering_wage: float = 0.0, months: int = 36
) -> list[MarketOutcome]:
    """Months with workers that react; shocks (shares) start in month 12."""
    markets, workers, results = open_markets(), Workers(BASE), []
    for month in range(months):
        trend = GROWTH**month
        flows = workers.month(markets.plan(month, trend, np.ones(16)), trend)
        if month >= 12:
            flows.consumption = np.rint(flows.consumption * (1 + consumption)).astype(np.int64)
            bill = flows.net_earnings[:, CATERING] * (1 + catering_wage)
            flows.net_earnings[:, CATERING] = np.rint(bill).astype(np.int64)
        results.append(markets.settle(month, trend, flows))
    return results


def total(results: list[MarketOutcome], name: str) -> npt.NDArray[np.float64]:
    """Provincial sum by month of one series of the outcome."""
    return np.array([float(np.sum(getattr(result, name))) for result in results])


# -- opening ------------------------------------------------------------------------------------


def test_opening_meets_the_figures_of_2023() -> None:
    state, unit = open_markets().state, fen_a_month(PARAMETERS)
    gdp = PARAMETERS.array("government.gdp")
    places = state.value_added.sum(axis=1)
    assert state.value_added.sum() / unit == pytest.approx(31389.8, rel=0.005)
    np.testing.assert_allclose(places / places.sum(), gdp / gdp.sum(), rtol=0.02)
    retail = state.retail.sum() / unit
    assert retail == pytest.approx(PARAMETERS.array("government.retail").sum(), rel=0.2)
    assert (state.exports >= 0).all()
    assert (state.payout > 0).all()


def test_opening_budgets_meet_revenue_and_spending() -> None:
    markets, unit = open_markets(), fen_a_month(PARAMETERS)
    results = [markets.settle(m, 1.0, BASE) for m in range(12) if markets.plan(m, 1.0) is not None]
    revenue = sum(r.revenue[1:].sum() for r in results) - BASE.housing_investment.sum() * 12 * (
        PARAMETERS.number("government.land_share")
    )
    assert revenue / unit / 12 == pytest.approx(2754.0, rel=0.01)
    land = BASE.housing_investment.sum() * PARAMETERS.number("government.land_share")
    spending = np.mean([r.spending[1:].sum() for r in results]) - land
    assert spending / unit == pytest.approx(6574.78, rel=0.02)


def test_direct_local_content_lies_in_the_prior_band() -> None:
    state = open_markets().state
    leaks = (state.households * state.weights.outside).sum()
    leaks += (state.shopping * state.technology.outside_inputs).sum()
    assert 0.70 <= 1 - leaks / state.households.sum() <= 0.85


# -- steady baseline ------------------------------------------------------------------------------


def test_ten_years_of_trend_growth_do_not_drift() -> None:
    markets = open_markets()
    worst_price = worst_pay = worst_jobs = 0.0
    first = last = None
    for month in range(120):
        trend = GROWTH**month
        plan = markets.plan(month, trend)
        outcome = markets.settle(month, trend, at_level(BASE, trend))
        worst_price = max(worst_price, float(np.abs(markets.firms.price - 1).max()))
        worst_pay = max(worst_pay, float(np.abs(plan.pay_index - 1).max()))
        found = plan.find * BASE.unemployed_persons
        left = (plan.separation * BASE.employed_persons).sum(axis=1)
        worst_jobs = max(worst_jobs, float(np.abs(found / left - 1).max()))
        assert outcome.arrears.sum() == 0
        assert outcome.rationed == 0
        gdp = outcome.value_added.sum() * 12 * GROWTH
        groups = (FIRMS, CITIES, PROVINCE, FUNDS)
        stocks = np.array([markets.ledger.positions[:, g].sum() / gdp for g in groups])
        if month % 12 == 11:
            first = stocks if first is None else first
            last = stocks
    assert first is not None
    assert last is not None
    assert worst_price < 0.001
    assert worst_pay < 0.001
    assert worst_jobs < 0.001
    assert np.abs(last - first).max() < 0.005


def test_known_season_moves_neither_prices_nor_pay() -> None:
    markets = open_markets()
    for month in range(24):
        season = np.ones(16) + 0.2 * np.sin(np.arange(16) + np.pi / 6 * month)
        trend = GROWTH**month
        plan = markets.plan(month, trend, season)
        flows = at_level(BASE, trend)
        flows.consumption = np.rint(flows.consumption * season).astype(np.int64)
        markets.settle(month, trend, flows)
        assert np.abs(markets.firms.price - 1).max() < 0.001
        assert np.abs(plan.pay_index - 1).max() < 0.005


# -- shocks ---------------------------------------------------------------------------------------


def test_more_consumption_raises_output_jobs_and_taxes_with_leakage() -> None:
    base, more = run(), run(consumption=0.01)
    spent = total(more, "local_sales") + total(more, "leakage")
    spent = (spent - total(base, "local_sales") - total(base, "leakage"))[12:]
    added = (total(more, "value_added") - total(base, "value_added"))[12:]
    assert 0.4 < added.sum() / spent.sum() < 0.95
    for name in ("output", "revenue", "employment_target", "imports", "leakage"):
        assert total(more, name)[-1] > total(base, name)[-1], name
    assert (more[-1].producer_prices >= base[-1].producer_prices - 1e-6).all()


def test_less_consumption_lowers_output_jobs_and_taxes() -> None:
    base, less = run(), run(consumption=-0.01)
    for name in ("output", "value_added", "revenue", "employment_target", "leakage"):
        assert total(less, name)[-1] < total(base, name)[-1], name


def test_wage_floor_in_catering_raises_its_price_gradually() -> None:
    base, higher = run(), run(catering_wage=0.01)
    path = np.array([h.producer_prices[:, CATERING].mean() - b.producer_prices[:, CATERING].mean()
                     for h, b in zip(higher, base, strict=True)])  # fmt: skip
    state = open_markets().state
    labour = (state.labour.cost / state.output)[:, CATERING].mean()
    inputs = state.technology.local_inputs.sum(axis=0) + state.technology.outside_inputs
    share = labour / (labour + inputs[CATERING])
    expected = 0.01 * share * PARAMETERS["firms.pass_through"]["catering_and_lodging"]
    assert path[-1] == pytest.approx(expected, rel=0.05)
    assert path[12] < 0.5 * path[-1]
    assert (np.diff(path[12:]) > -1e-5).all()


def test_demand_beyond_capacity_goes_outside() -> None:
    markets = open_markets()
    markets.plan(0, 1.0)
    flows = at_level(BASE, 1.0)
    flows.consumption[:, :, CATEGORIES.index("catering")] *= 4
    outcome = markets.settle(0, 1.0, flows)
    assert outcome.rationed > 0
    assert markets.firms.price[:, CATERING].min() > 1


def test_loss_of_demand_raises_separations_and_fear() -> None:
    markets, workers = open_markets(), Workers(BASE)
    for month in range(12):
        plan = markets.plan(month, 1.0, np.ones(16))
        flows = workers.month(plan, 1.0)
        flows.consumption = flows.consumption * 8 // 10
        markets.settle(month, 1.0, flows)
    assert (plan.separation >= markets.separation).all()
    assert plan.separation[:, CATERING].mean() > markets.separation[:, CATERING].mean()
    assert plan.fear.min() > 1
    assert plan.find.mean() < markets.base_find.mean()


# -- governments --------------------------------------------------------------------------------


def voucher(amount: int, payer: str | int = "cities") -> PolicyPayment:
    cells = np.zeros((15, 12), dtype=np.int64)
    cells[:, CATERING] = amount
    return PolicyPayment("vouchers", payer, "sellers", cells)


def test_sellers_get_voucher_money_from_the_payer_and_the_rest_from_customers() -> None:
    markets = open_markets()
    markets.plan(0, 1.0)
    before = markets.ledger.deposits(slice(0, 15)).copy()
    flows = at_level(BASE, 1.0)
    bill = voucher(10**8)
    outcome = markets.settle(0, 1.0, flows, [bill])
    markets_plain = open_markets()
    markets_plain.plan(0, 1.0)
    plain = markets_plain.settle(0, 1.0, flows)
    saved = markets.ledger.deposits(slice(0, 15)) - markets_plain.ledger.deposits(slice(0, 15))
    assert (saved == 10**8).all()
    assert (outcome.policy_paid["vouchers"][2:17] == 10**8).all()
    assert (plain.deposits[2:] - outcome.deposits[2:] >= 10**8 - 1).all()
    assert before.shape == saved.shape


@pytest.mark.parametrize("payer", ["central", "province", "cities", 3, "funds"])
@pytest.mark.parametrize("receiver", ["households", "firms", "sellers", "funds", "cities"])
def test_every_payer_can_pay_every_receiver(payer: str | int, receiver: str) -> None:
    markets = open_markets()
    markets.plan(0, 1.0)
    shape = (15, 12) if receiver in ("firms", "sellers") else (15,)
    cells = np.full(shape, 1000, dtype=np.int64)
    payment = PolicyPayment("lever", payer, receiver, cells)
    outcome = markets.settle(0, 1.0, BASE, [payment])
    paid = outcome.policy_paid["lever"]
    assert paid.sum() == cells.sum()


def test_unknown_receiver_is_refused() -> None:
    markets = open_markets()
    markets.plan(0, 1.0)
    with pytest.raises(LedgerError, match="receiver"):
        markets.settle(
            0, 1.0, BASE, [PolicyPayment("x", "cities", "banks", np.ones(15, dtype=np.int64))]
        )


def test_bills_beyond_cash_become_arrears_and_are_worked_off() -> None:
    markets = open_markets()
    huge = int(markets.state.budgets.cash[:15].max() * 2)
    arrears = []
    for month in range(60):
        trend = GROWTH**month
        markets.plan(month, trend)
        payments = (
            [PolicyPayment("grants", "cities", "firms", cells_of(huge))] if month == 1 else []
        )
        outcome = markets.settle(month, trend, at_level(BASE, trend), payments)
        assert outcome.deposits.min() >= 0
        limit = markets.governments.debt_limit(trend)
        assert (-markets.ledger.position("bonds", BUDGETS) <= limit).all()
        arrears.append(int(outcome.arrears.sum()))
    assert arrears[0] == 0
    assert arrears[1] > 0
    assert arrears[-1] < arrears[1]


def test_cities_decide_on_their_own_accounts() -> None:
    markets, homes = open_markets(), np.full(15, 1e6)
    own, matched = markets.co_finance(1.0, np.full(15, 2e6), homes, 1.0)
    assert (own > 0).all()
    assert (matched <= 2e6).all()
    markets.governments.arrears[3, 0] = 10**13
    poorer, _ = markets.co_finance(1.0, np.full(15, 2e6), homes, 1.0)
    assert poorer[3] < own[3]
    np.testing.assert_array_equal(np.delete(poorer, 3), np.delete(own, 3))


def cells_of(amount: int) -> Fen:
    cells = np.zeros((15, 12), dtype=np.int64)
    cells[:, CATERING] = amount
    return cells


# -- accounts -----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.0, 1e-6, 0.5, 1.5, 3.0]))
def test_any_flows_keep_every_identity(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    markets = open_markets_cached()
    flows = HouseholdFlows()
    for name, value in vars(BASE).items():
        noise = rng.random(value.shape) * 2 * scale * rng.integers(0, 2, value.shape)
        setattr(flows, name, np.rint(value * noise).astype(np.int64))
    flows.voucher_redeemed = np.rint(flows.consumption.sum(axis=1) * 0.01).astype(np.int64)
    month = int(rng.integers(0, 1200))
    season = rng.random(16) * 2
    payments = [voucher(int(rng.integers(0, 10**10)), payer) for payer in ("cities", "province", 4)]
    markets.plan(month, 1.0, season)
    outcome = markets.settle(month, 1.0, flows, payments)
    assert outcome.residual_fen == 0
    assert outcome.deposits.min() >= 0
    assert np.isfinite(markets.firms.price).all()
    assert (outcome.local_sales >= 0).all()


def test_inputs_dearer_than_sales_bring_no_refund() -> None:
    """Budgets with empty tills would have to pay it in cash that they do not have."""
    markets, nothing = open_markets_cached(), np.zeros((15, 12), dtype=np.int64)
    made = np.full((15, 12), -(10**12), dtype=np.int64)
    found = levy(markets.state.rates, made, nothing, nothing, nothing, 0.0)
    assert found.shared == 0
    assert not found.by_payer.any()


@cache
def open_markets_cached() -> Markets:
    return open_markets()
