"""What policies touch in markets: more from more, no free lunches, and every payment closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from model.dimensions import PLACES, SECTORS
from model.ledger import BANK, CITIES, FIRMS, FUNDS, HOUSEHOLDS, Fen, LedgerError
from model.markets.month import MarketOutcome, Markets, PolicyPayment
from model.policy.market_surface import MarketSurface
from tests.household_flows import Workers, at_level
from tests.test_markets import BASE, GROWTH, open_markets

CATERING = SECTORS.index("catering_and_lodging")
INDUSTRY = SECTORS.index("industry_and_construction")
CARE = SECTORS.index("care_services")
Write = Callable[[MarketSurface], None]


def nothing(surface: MarketSurface) -> None:
    """A neutral surface."""


def live(
    write: Write = nothing, months: int = 24, payments: Sequence[PolicyPayment] = (),
) -> tuple[Markets, list[MarketOutcome]]:  # fmt: skip
    """Months with workers that react; the surface is written anew from month 3 on."""
    markets, workers, results = open_markets(), Workers(BASE), []
    for month in range(months):
        surface, trend = MarketSurface(), GROWTH**month
        if month >= 3:
            write(surface)
        flows = workers.month(markets.plan(month, trend, np.ones(16), surface), trend)
        due = list(payments) if month == 3 else []
        results.append(markets.settle(month, trend, flows, due))
    return markets, results


def written(name: str, value: float) -> Write:
    """Sets one array of the surface."""

    def write(surface: MarketSurface) -> None:
        old = getattr(surface, name)
        if isinstance(old, np.ndarray):
            old[...] = value
        else:
            setattr(surface, name, value)

    return write


def total(results: list[MarketOutcome], name: str) -> float:
    return float(sum(np.sum(getattr(result, name)) for result in results))


# -- more from more -------------------------------------------------------------------------------

# What is written, three sizes, what moves with it and in which direction.
MONOTONE = [
    ("appeal", (1.0, 1.05, 1.2), "local_sales", 1),
    ("appeal", (1.0, 1.05, 1.2), "leakage", -1),
    ("visitor_appeal", (1.0, 1.1, 1.4), "value_added", 1),
    ("visitor_money", (0, 10**8, 10**9), "visitors", 1),
    ("entry_ease", (1.0, 1.1, 1.5), "local_sales", 1),
    ("export_demand", (1.0, 1.02, 1.1), "value_added", 1),
    ("unit_cost", (1.0, 0.98, 0.9), "producer_prices", -1),
    ("investment", (0, 10**8, 10**9), "output", 1),
    ("land_cut", (0.0, 0.02, 0.1), "revenue", -1),
    ("productivity", (1.0, 1.005, 1.02), "employment_target", -1),
    ("outside_pull", (1.0, 1.1, 1.5), "leakage", 1),
    ("service_coverage", (0.0, 0.1, 0.3), "retail_sales_measured", 1),
    ("pay", (1.0, 1.02, 1.1), "wages", 1),
    ("vacancies", (1.0, 1.02, 1.1), "wages", 1),
    ("matching", (1.0, 1.02, 1.1), "wages", 1),
    ("separation", (1.0, 0.98, 0.9), "wages", 1),
    ("placements", (0.0, 100.0, 500.0), "wages", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sizes", "series", "sign"), MONOTONE, ids=[f"{m[0]}-{m[2]}" for m in MONOTONE]
)
def test_more_moves_more(name: str, sizes: tuple[float, ...], series: str, sign: int) -> None:
    found = [total(live(written(name, size))[1], series) for size in sizes]
    assert all(sign * (after - before) > 0 for before, after in pairwise(found)), found


def test_payout_moves_the_yield_of_property() -> None:
    yields = []
    for payout, moved in ((1.0, -0.2), (1.0, 0.0), (1.1, 0.0), (1.1, 0.5)):
        surface = MarketSurface(payout=payout, payout_moved=moved)
        yields.append(open_markets().plan(0, 1.0, None, surface).property_yield)
    assert all((after > before).all() for before, after in pairwise(yields))


# -- no free lunches ------------------------------------------------------------------------------


def test_training_at_given_demand_saves_workers_and_changes_no_price() -> None:
    """Output is what is demanded: more per worker means fewer workers, paid that much better."""
    markets, neutral = open_markets(), open_markets()
    surface = MarketSurface()
    surface.productivity[:] = 1.05
    plan, plain = markets.plan(0, 1.0, None, surface), neutral.plan(0, 1.0)
    trained, untrained = (
        m.settle(0, 1.0, at_level(BASE, 1.0)) for m in (markets, neutral)
    )  # fmt: skip
    np.testing.assert_allclose(
        trained.employment_target * 1.05, untrained.employment_target, rtol=1e-12
    )
    assert np.array_equal(trained.output, untrained.output)
    assert (plan.separation >= plain.separation).all()
    assert (plan.separation > plain.separation).any()
    np.testing.assert_allclose(plan.pay_index, plain.pay_index, rtol=1e-9)


def test_visitors_at_full_capacity_push_residents_out() -> None:
    sales = []
    for money in (0, 10**9, 3 * 10**10, 10**11):
        markets, surface = open_markets(), MarketSurface()
        surface.visitor_money[:, CATERING] = money
        markets.plan(0, 1.0, None, surface)
        result = markets.settle(0, 1.0, at_level(BASE, 1.0))
        sales.append((int(result.local_sales[:, CATERING].sum()), result.rationed))
    (none, no_lack), (few, room), (many, lack), (crowd, more) = sales
    assert no_lack == room == 0
    assert none == few > many > crowd
    assert more > lack > 0


def test_capacity_relieves_rationing_and_wears_off() -> None:
    rationed, left = [], []
    for percent in (0.0, 0.2, 1.0):
        markets, surface = open_markets(), MarketSurface()
        surface.capacity[:, CATERING] = percent
        markets.plan(0, 1.0, None, surface)
        markets.settle(0, 1.0, at_level(BASE, 1.0))
        flows = at_level(BASE, 1.0)
        flows.consumption[:, :, 1] *= 3
        markets.plan(1, 1.0)
        rationed.append(markets.settle(1, 1.0, flows).rationed)
        for month in range(2, 26):
            markets.plan(month, 1.0)
            markets.settle(month, 1.0, at_level(BASE, 1.0))
        left.append(float(markets.firms.capacity[:, CATERING].mean()))
    assert rationed[0] > rationed[1] > rationed[2] == 0
    assert left[2] - left[0] < 0.2
    assert left[2] > left[1] > left[0]


def test_statistics_change_only_what_is_measured() -> None:
    surfaces = MarketSurface(), MarketSurface(service_coverage=0.2, buyer_location=True)
    outcomes = []
    for surface in surfaces:
        markets = open_markets()
        markets.plan(0, 1.0, None, surface)
        outcomes.append(markets.settle(0, 1.0, at_level(BASE, 1.0)))
    plain, counted = (vars(result) for result in outcomes)
    changed = [n for n in plain if not np.array_equal(plain[n], counted[n]) and n != "policy_paid"]
    assert changed == ["retail_sales_measured"]
    assert np.array_equal(plain["retail_sales_measured"], plain["retail_sales"])
    assert (counted["retail_sales_measured"] > counted["retail_sales"]).all()


def test_credit_lines_count_as_cash_but_are_no_income() -> None:
    markets, surface = open_markets(), MarketSurface()
    markets.ledger.lend("firm_loans", FIRMS, BANK, np.full(180, 10**12))
    poor = []
    for line in (0, 10**14):
        surface.liquidity[:] = line
        markets.plan(0, 1.0, None, surface)
        before = markets.ledger.deposits(FIRMS).copy()
        markets._cash_state(1.0)
        poor.append(int((markets.firms.short_of_cash > 0).sum()))
        assert np.array_equal(before, markets.ledger.deposits(FIRMS))
    assert poor[0] > poor[1] == 0


# -- payments -------------------------------------------------------------------------------------

PAYERS = ("central", "province", "cities", 3, "funds", "firms", "outside")
RECEIVERS = ("households", "firms", "sellers", "suppliers", "funds", "cities", "bank", "outside")


def pay(payer: str | int, receiver: str, amount: int = 1000) -> PolicyPayment:
    shape = (15, 12) if receiver in ("firms", "sellers", "suppliers") else (15,)
    return PolicyPayment("lever", payer, receiver, np.full(shape, amount, dtype=np.int64))


@pytest.mark.parametrize("payer", PAYERS)
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_every_payer_can_pay_every_receiver(payer: str | int, receiver: str) -> None:
    markets, due = open_markets(), pay(payer, receiver)
    markets.plan(0, 1.0)
    outcome = markets.settle(0, 1.0, BASE, [due])
    borne = 0 if payer in ("firms", "outside") else due.amounts.sum()
    assert outcome.policy_paid["lever"].sum() == borne
    assert outcome.residual_fen == 0


def test_households_contribute_to_the_funds_only() -> None:
    markets = open_markets()
    markets.plan(0, 1.0)
    markets.settle(0, 1.0, BASE, [pay("households", "funds")])
    assert markets.ledger.flows["policy_funds"][FUNDS][0] == 15_000
    assert (markets.ledger.flows["policy_funds"][HOUSEHOLDS] == -1000).all()
    markets.plan(1, 1.0)
    with pytest.raises(LedgerError, match="households"):
        markets.settle(1, 1.0, BASE, [pay("households", "firms")])


@pytest.mark.parametrize("account", ["cities", "funds"])
def test_an_account_that_pays_itself_only_counts_the_cost(account: str) -> None:
    outcomes = []
    for amount in (0, 10**9):
        markets = open_markets()
        markets.plan(0, 1.0)
        outcomes.append(markets.settle(0, 1.0, BASE, [pay(account, account, amount)]))
    none, counted = outcomes
    assert np.array_equal(none.deposits, counted.deposits)
    assert counted.policy_paid["lever"].sum() == 15 * 10**9


def test_firms_pay_by_their_wages() -> None:
    markets = open_markets()
    markets.plan(0, 1.0)
    markets.settle(0, 1.0, BASE, [pay("firms", "households", 10**9)])
    levied = -markets.ledger.flows["policy_levy"][FIRMS].reshape(len(PLACES), -1)
    assert (levied.sum(axis=1) == 10**9).all()
    np.testing.assert_allclose(levied / 1e9, markets.state.other_work, atol=1e-8)


def bought(amount: int, payer: str = "cities") -> PolicyPayment:
    cells = np.zeros((15, 12), dtype=np.int64)
    cells[:, INDUSTRY] = amount
    return PolicyPayment("works", payer, "suppliers", cells)


def test_what_budgets_buy_is_produced() -> None:
    """Purchases raise output, grants of the same size do not."""
    _, plain = live(months=4)
    _, works = live(months=4, payments=[bought(10**10)])
    cells = bought(10**10)._replace(receiver="firms")
    _, gifts = live(months=4, payments=[cells])
    assert works[3].output[:, INDUSTRY].sum() > plain[3].output[:, INDUSTRY].sum() + 14 * 10**10
    assert total(gifts[:4], "output") == total(plain[:4], "output")


def test_purchases_beyond_cash_become_arrears() -> None:
    huge = int(open_markets().state.budgets.cash[:15].max() * 2)
    markets, results = live(months=4, payments=[bought(huge)])
    assert results[3].arrears[2:].min() > 0
    assert markets.ledger.position("arrears", FIRMS).sum() == results[3].arrears.sum()
    assert markets.ledger.deposits(CITIES).min() >= 0


def test_a_shortfall_is_what_policies_cause() -> None:
    lacks: list[Fen] = []
    for amount in (0, 10**6, int(open_markets().state.budgets.cash[:15].max() * 2)):
        for due in (bought(amount), pay("cities", "households", 12 * amount)):
            opened = open_markets()
            opened.plan(0, 1.0)
            opened.settle(0, 1.0, BASE, [due])
            lacks.append(opened.shortfall)
    assert not np.any(lacks[:4])
    assert all(lack[:15].all() and lack[15] == 0 for lack in lacks[4:])
