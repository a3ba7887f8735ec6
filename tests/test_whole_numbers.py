"""Compiled passes over accounts and cells equal plain NumPy, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from model import whole_numbers
from model.agents import firms, governments, households
from model.ledger import BANK, FIRMS, HOUSEHOLDS, Fen, Ledger, LedgerError
from model.markets import goods, month, state
from model.policy import beliefs
from model.production import input_prices
from tests.reference import plain_markets as plain

SEEDS = range(20)
CELLS, BASKET = (15, 12), (15, 16)
Array = npt.NDArray[np.float64]


class Draws:
    """Random amounts and shares of the sizes accounts have, zeros among them."""

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)

    def fen(self, *shape: int, low: int = 0) -> Fen:
        found = self._draw.integers(low, 10**12, size=shape)
        return np.where(self._draw.random(shape) < 0.1, 0, found)

    def real(self, *shape: int) -> Array:
        return self._draw.random(shape) * 1.5 + 0.01


def same(found: Any, wanted: Any) -> None:
    """Equal types and equal bits, of one array or several."""
    if isinstance(wanted, tuple):
        assert len(found) == len(wanted)
        for left, right in zip(found, wanted, strict=True):
            same(left, right)
        return
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_sums_and_rounding(seed: int) -> None:
    draws = Draws(seed)
    amounts, rates = draws.fen(*CELLS, low=-(10**12)), draws.real(*CELLS) * 1e9
    halves = np.round(rates) + 0.5
    assert whole_numbers.total(amounts) == amounts.sum()
    assert whole_numbers.anything(amounts)
    assert not whole_numbers.anything(amounts * 0)
    same(whole_numbers.by_row(amounts), amounts.sum(axis=1))
    same(whole_numbers.by_column(amounts), amounts.sum(axis=0))
    same(whole_numbers.scaled(rates, 1.37), plain.whole(rates * 1.37))
    same(whole_numbers.whole(halves), plain.whole(halves))


@pytest.mark.parametrize("seed", SEEDS)
def test_goods_market(seed: int) -> None:
    draws = Draws(seed)
    spending, tied = draws.fen(*BASKET), draws.fen(*BASKET) // 4
    own, other = draws.real(*BASKET) / 3, draws.real(*BASKET) / 4
    attraction, served = draws.real(*BASKET), np.minimum(draws.real(*CELLS), 1.0)
    attraction /= attraction.sum(axis=0)
    weights = goods.TradeWeights(own, other, other, attraction, np.ones(16))
    shopping = goods.shop(weights, spending, tied, own, other)
    same(tuple(shopping), plain.shop(attraction, spending, tied, own, other))
    less = goods.ration(shopping, spending, served)
    same(tuple(less), plain.ration(shopping[:3], spending, served))
    rows = goods.split_rows(spending[:, 0], served)
    same(rows, plain.split_integer(spending[:, 0], served.T).T)


@pytest.mark.parametrize("seed", SEEDS)
def test_production(seed: int) -> None:
    draws = Draws(seed)
    prices, share, bias = draws.real(*CELLS), draws.real(*CELLS), draws.real(12) / 2
    same(input_prices(prices, bias, share), plain.input_prices(prices, bias, share))
    final, cost, outside = draws.fen(*CELLS), draws.real(*CELLS), draws.real(12)
    demand = final / prices
    arguments = (demand * (1 + cost), demand, final, prices, cost, outside)
    same(goods._deliver(*arguments), plain.deliver(*arguments))
    several = (draws.real(*CELLS) * 1e9, 1.02, *(draws.real(*CELLS) for _ in range(4)))
    same(month._use_of_capacity(*several), plain.use_of_capacity(*several))


@pytest.mark.parametrize("seed", SEEDS)
def test_budgets(seed: int) -> None:
    draws = Draws(seed)
    means, wanted, debt, normal = (draws.fen(16) for _ in range(4))
    means -= wanted // 2
    limit = normal + normal // 10
    same(
        governments._borrow(means, wanted, debt, normal, limit),
        plain.borrow(means, wanted, debt, normal, limit),
    )
    same(governments._pay_programmes(wanted, debt), plain.pay_programmes(wanted, debt))
    base = (draws.real(16) * 1e9, draws.real(16) * 1e9, means, 1.03, 0.1)
    same(governments._return_reserves(*base), plain.return_reserves(*base))
    terms = (draws.real(15) * 3, draws.real(15) * 1e-6, draws.real(15), draws.real(15) * 1e7)
    same(governments._newton(*terms), plain.newton(*terms))


@pytest.mark.parametrize("seed", SEEDS)
def test_learning(seed: int) -> None:
    draws = Draws(seed)
    pay, normal = draws.real(*CELLS), draws.real(*CELLS) * (draws.real(*CELLS) > 0.2)
    same(firms._wage_cost(pay, normal, 0.3), plain.wage_cost(pay, normal, 0.3))
    bills = (
        draws.fen(*CELLS), draws.fen(*CELLS, 2), draws.real(15), normal * 1e5,
        draws.real(*CELLS, 2), pay, draws.real(*CELLS), 0.21, 1.04,
    )  # fmt: skip
    same(state._wage_bills(*bills), plain.wage_bills(*bills))
    credit = 0.4 + draws.real(*CELLS) / 10
    cash = (
        draws.fen(*CELLS), pay * 1e12, 1.04, draws.fen(180), draws.fen(180), credit,
        draws.fen(*CELLS),
    )  # fmt: skip
    same(state._months_short(*cash), plain.months_short(*cash))


@pytest.mark.parametrize("seed", SEEDS)
def test_household_spending(seed: int) -> None:
    draws, cells = Draws(seed), households.CELLS
    nodes = draws.fen(cells, households.GROUPS * households.NODES)
    events, medical = draws.fen(cells, households.GROUPS * 16), draws.fen(cells)
    engel = draws.real(2, households.NODES, 16)
    engel /= engel.sum(axis=2, keepdims=True)
    same(
        households._divided(nodes, events, medical, engel),
        plain.spending_by_category(nodes, events, medical, engel),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_beliefs(seed: int) -> None:
    draws = Draws(seed)
    base, changes = draws.real(999).astype(np.float32), draws.real(3, 999).astype(np.float32)
    weights, found = (draws.real(3) - 0.8).astype(np.float32), np.empty_like(base)
    beliefs._blend(base, changes, weights, found)
    same(found, plain.blend(base, changes, weights))


# -- postings ---------------------------------------------------------------------------------


def test_one_account_pays_or_receives_the_sum() -> None:
    ledger, amounts = Ledger(), Draws(0).fen(15)
    ledger.pay("some", HOUSEHOLDS, BANK, amounts)
    np.testing.assert_array_equal(ledger.deposits(HOUSEHOLDS), -amounts)
    assert ledger.deposits(BANK)[0] == amounts.sum() == ledger.flows["some"][BANK][0]
    assert ledger.kept(HOUSEHOLDS) == -amounts.sum()
    assert ledger.verify() == 0


def test_any_number_of_kinds_of_payment_fits_a_month() -> None:
    ledger = Ledger()
    for kind in range(100):
        ledger.pay(str(kind), HOUSEHOLDS, BANK, np.full(15, kind + 1))
    assert [int(flow[BANK][0]) for flow in ledger.flows.values()] == [
        15 * (kind + 1) for kind in range(100)
    ]
    assert ledger.verify() == 0


def test_a_flow_that_is_not_in_the_positions_is_found() -> None:
    ledger = Ledger()
    ledger.pay("some", HOUSEHOLDS, BANK, np.ones(15, np.int64))
    ledger.flows["some"][0] += 7
    assert ledger.residuals()["flows_sum_to_zero"] == 7
    assert ledger.residuals()["flow_equals_change_in_claims"] == 7
    with pytest.raises(LedgerError, match="households"):
        ledger.verify()


def test_amounts_of_another_number_of_accounts_are_refused() -> None:
    ledger, amounts = Ledger(), np.ones(7, np.int64)
    with pytest.raises(LedgerError, match="7 amounts"):
        ledger.pay("some", HOUSEHOLDS, BANK, amounts)
    with pytest.raises(LedgerError, match="7 amounts"):
        ledger.pay_pool("some", HOUSEHOLDS, amounts, FIRMS, amounts)
    assert not ledger.positions.any()


def test_an_unequal_pool_posts_nothing() -> None:
    ledger, amounts = Ledger(), Draws(3).fen(15)
    ledger.pay_pool("some", HOUSEHOLDS, amounts, BANK, amounts.sum(keepdims=True))
    before = ledger.positions.copy()
    with pytest.raises(LedgerError, match="pool some"):
        ledger.pay_pool("some", HOUSEHOLDS, amounts + 1, BANK, amounts.sum(keepdims=True))
    np.testing.assert_array_equal(ledger.positions, before)
    assert ledger.verify() == 0
