"""Governments: accounts of cities and the province, their cash rule, and co-financing.

Sixteen budgets (15 cities, then the province) are arrays; all money is int64 fen. Rigid spending
comes first, then programmes, then arrears, then investment. Cash never turns negative and debt
never passes its limit: what cannot be paid becomes an arrear. Economics: transaction-flow table of
the docs, rule F_k = revenue + transfers + allowed borrowing - rigid spending.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES
from model.ledger import FIRMS, Fen
from model.parameters import Parameters
from model.whole_numbers import anything, by_row, compiled, scaled, total, whole

Array = npt.NDArray[np.float64]
N_CITIES = len(PLACES)
PROVINCE_ROW = N_CITIES
N_BUDGETS = N_CITIES + 1
N_CELLS = FIRMS.stop - FIRMS.start
NEWTON_STEPS = 40


def co_financing(
    match_ratio: Array | float,
    quota: Array | float,
    fiscal_space: Array,
    households: Array,
    benefit: Array | float,
    scale: float,
    floor: Array | float = 0.0,
) -> tuple[Array, Array]:
    """Own and provincial money (yuan a month) that cities put into a programme.

    Maximises b s ln(1 + (x + min(mu x, Q)) / s) - x (1 + (x / F)^2) for each city on the
    first-order condition, including the kink where the quota binds: x = Q / mu. `scale` is
    yuan per household a month, so s = scale x households; `fiscal_space` F and `quota` Q are
    yuan a month; `floor` is the least own money of a city that takes part. Own money
    never exceeds F.
    """
    space = np.maximum(np.asarray(fiscal_space, dtype=float), 1e-9)
    s = scale * np.asarray(households, dtype=float)
    b, q = np.broadcast_to(benefit, s.shape), np.broadcast_to(quota, s.shape)
    mu = np.broadcast_to(np.asarray(match_ratio, dtype=float), s.shape)
    matched = _first_order(b * (1.0 + mu), (1.0 + mu) / s, np.zeros_like(s), space)
    beyond = _first_order(b, 1.0 / s, q / s, space)
    with np.errstate(over="ignore"):  # a vanishing match never exhausts its quota
        kink = np.divide(q, mu, out=np.full_like(s, np.inf), where=mu > 0)
    own = np.where(matched < kink, matched, np.maximum(beyond, kink))
    own = np.minimum(np.maximum(own, floor), space)
    return own, np.minimum(mu * own, q)


def _first_order(gain: Array, slope: Array, shift: Array, space: Array) -> Array:
    """Root x >= 0 of gain / (1 + shift + slope x) = 1 + 3 (x / F)^2; 0 if the first yuan loses.

    The cleared condition is increasing and convex in x >= 0, so Newton's method from a point to the
    right of the root falls monotonically onto it.
    """
    terms = np.broadcast_arrays(gain, slope, shift, space)
    found: Array = _newton(*(np.array(term, dtype=float).ravel() for term in terms))
    return found.reshape(terms[0].shape)


@compiled
def _newton(gain: Array, slope: Array, shift: Array, space: Array) -> Array:
    found = np.empty_like(gain)
    for k in range(gain.size):
        x = max((gain[k] - 1.0 - shift[k]) / slope[k], 0.0)
        square = 3.0 / (space[k] * space[k])
        for _ in range(NEWTON_STEPS):
            before, left = x, 1.0 + shift[k] + slope[k] * x
            value = left * (1.0 + square * x * x) - gain[k]
            rise = slope[k] * (1.0 + square * x * x) + left * 2.0 * square * x
            x = max(x - value / rise, 0.0)
            if x == before:  # every further step would give the same
                break
        found[k] = x
    return found


@dataclass(frozen=True)
class BudgetBase:
    """Average monthly base of every budget at trend 1, fen as float64. Rows: 15 cities, province.

    `purchases` (16, 180) by cell, `investment` (16), `transfer_in` (16: from the province to
    cities, from the centre to the province), `pension_subsidy` (16: to the social funds),
    `debt` (16), `cash` (16), `spending` (16).
    """

    purchases: Array
    investment: Array
    transfer_in: Array
    pension_subsidy: Array
    debt: Array
    cash: Array
    spending: Array
    central_support: float
    fund_reserve: float
    fund_purchases: Array  # (15,) care bought by the medical fund


@dataclass
class BudgetPlan:
    """What the sixteen budgets do this month, int64 fen (16 rows unless said otherwise)."""

    borrowing: Fen
    interest: Fen
    transfer_in: Fen
    rescue: Fen  # advanced by the centre
    pension_subsidy: Fen
    purchases: Fen  # (16, 180) due
    purchases_paid: Fen  # (16, 180); the rest becomes arrears
    programme_ratio: Array  # share of programme bills that cash allows, 1 if all
    arrears_paid: Fen  # (16, 180)
    investment: Fen

    @property
    def lacks(self) -> Fen:
        """Rigid spending (16) that the centre advances or that stays unpaid."""
        return self.rescue + by_row(self.purchases) - by_row(self.purchases_paid)


@dataclass
class Governments:
    """Budgets of 15 cities and the province with their memory of unpaid bills."""

    base: BudgetBase
    debt_limit_ratio: float
    bond_rate: float  # a month
    minimum_cash_months: float
    cash_gain: float
    arrears_speed: float
    discretionary_share: float
    programme_scale: float
    programme_benefit: float
    target_pressure: float
    arrears: Fen = field(default_factory=lambda: np.zeros((N_BUDGETS, N_CELLS), dtype=np.int64))

    @classmethod
    def open(cls, parameters: Parameters, base: BudgetBase) -> Governments:
        """Governments at their base position."""
        number = parameters.number
        months = number("numerics.months_per_year")
        return cls(
            base=base,
            debt_limit_ratio=number("government.debt_limit_ratio"),
            bond_rate=number("government.bond_rate") / months,
            minimum_cash_months=number("government.minimum_cash_months"),
            cash_gain=number("government.cash_gain"),
            arrears_speed=number("government.priority_arrears"),
            discretionary_share=number("government.discretionary_share"),
            programme_scale=number("government.programme_scale"),
            programme_benefit=number("government.programme_benefit"),
            target_pressure=number("government.target_pressure"),
        )

    def debt_limit(self, trend: float) -> Fen:
        """Debt limit (16, fen): a fixed margin above trend debt."""
        limit: Fen = whole(self.base.debt * trend * self.debt_limit_ratio)
        return limit

    def fiscal_space(self, trend: float, cash: Fen, debt: Fen) -> Array:
        """F_k of cities (15, yuan a month): money a city can move to programmes.

        A share of investment money and of cash above the reserve, plus unused borrowing spread
        over time: revenue + transfers + allowed borrowing less rigid spending at the margin.
        """
        base, cities = self.base, slice(0, N_CITIES)
        free = np.maximum(cash[cities] - base.cash[cities] * trend, 0) * self.cash_gain
        room = np.maximum(self.debt_limit(trend)[cities] - debt[cities], 0) * self.cash_gain
        money = base.investment[cities] * trend + free + room
        unpaid = by_row(self.arrears[cities]) * self.arrears_speed
        result: Array = np.maximum(self.discretionary_share * money - unpaid, 0.0) / 100
        return result

    def co_finance(
        self,
        match_ratio: Array | float,
        quota: Array | float,
        households: Array,
        trend: float,
        cash: Fen,
        debt: Fen,
        retail_gap: Array | float = 0.0,
        floor: Array | float = 0.0,
    ) -> tuple[Array, Array]:
        """Own and provincial programme money (15, yuan a month), see `co_financing`.

        `retail_gap` is the goal for retail growth less actual growth (share); it raises the
        perceived benefit. `quota` is provincial money available to each city, yuan a month.
        """
        benefit = self.programme_benefit * (1.0 + self.target_pressure * np.asarray(retail_gap))
        space = self.fiscal_space(trend, cash, debt)
        return co_financing(match_ratio, quota, space, households, benefit,
                            self.programme_scale * trend, floor)  # fmt: skip

    def plan_month(
        self, trend: float, cash: Fen, debt: Fen, mandatory: Fen, programmes: Fen
    ) -> BudgetPlan:
        """Decide borrowing, rigid spending, programmes, arrears and investment from cash in hand.

        All (16, fen): `cash`, `debt` at the start of the month (last month's taxes included),
        `mandatory` money due to households now (standing aid, policy transfers), `programmes` due
        to firms. Taxes of this month arrive after spending. If cash and the debt limit do not
        even cover mandatory money, the centre advances it (`rescue`).
        """
        base = self.base
        transfer_in = scaled(base.transfer_in, trend)
        subsidy = scaled(base.pension_subsidy, trend)
        interest = whole(debt * self.bond_rate)
        purchases = scaled(base.purchases, trend)
        first, due = mandatory + interest + subsidy, by_row(purchases)
        first[PROVINCE_ROW] += total(transfer_in[:N_CITIES])
        floor = whole(base.spending * trend * self.minimum_cash_months)
        borrowing, rescue, available = _borrow(
            cash + transfer_in - first, due + programmes + floor, debt,
            scaled(base.debt, trend), self.debt_limit(trend),
        )  # fmt: skip
        paid, available = _affordable(purchases, due, available)
        ratio, available = _pay_programmes(programmes, available)
        old, available = self._repay_arrears(available - floor)
        wanted = _return_reserves(base.investment, base.cash, cash, trend, self.cash_gain)
        investment = np.maximum(np.minimum(wanted, available), 0)
        return BudgetPlan(borrowing, interest, transfer_in, rescue, subsidy, purchases, paid, ratio,
                          old, investment)  # fmt: skip

    def _repay_arrears(self, available: Fen) -> tuple[Fen, Fen]:
        if not anything(self.arrears):
            return np.zeros_like(self.arrears), available
        target = (self.arrears * self.arrears_speed + 1).astype(np.int64)
        target = np.minimum(target, self.arrears)
        return _affordable(target, by_row(target), available)


@compiled
def _borrow(
    means: Fen, wanted: Fen, debt: Fen, trend_debt: Fen, limit: Fen
) -> tuple[Fen, Fen, Fen]:
    """Borrowing, rescue and what is then available, by budget.

    Debt follows its trend; more only to close a gap between `means` (cash after mandatory money)
    and `wanted`, up to the limit. The centre advances what `means` still lack.
    """
    borrowing, rescue = np.empty_like(debt), np.empty_like(debt)
    for k in range(debt.size):
        gap = wanted[k] - means[k]
        borrowing[k] = min(max(trend_debt[k] - debt[k], gap), limit[k] - debt[k])
        rescue[k] = max(-(means[k] + borrowing[k]), 0)
    return borrowing, rescue, means + borrowing + rescue


@compiled
def _pay_programmes(programmes: Fen, available: Fen) -> tuple[Array, Fen]:
    """Share of programme bills that cash allows, and cash after them, by budget."""
    ratio, left = np.ones(available.size), np.empty_like(available)
    for k in range(available.size):
        if programmes[k] > available[k]:
            ratio[k] = available[k] / programmes[k]
        left[k] = available[k] - min(programmes[k], available[k])
    return ratio, left


@compiled
def _return_reserves(investment: Array, target: Array, cash: Fen, trend: float, gain: float) -> Fen:
    """Investment wanted (fen): base plus a slow return of reserves to their target."""
    wanted = np.empty_like(cash)
    for k in range(cash.size):
        back = gain * (cash[k] - target[k] * trend)
        wanted[k] = np.int64(np.rint(investment[k] * trend + back))
    return wanted


def _affordable(due: Fen, totals: Fen, available: Fen) -> tuple[Fen, Fen]:
    """Pay `due` (rows) in full if cash allows, otherwise each bill in the same proportion.

    Returns what is paid (shape of `due`) and the cash left (rows).
    """
    if bool((available >= totals).all()):
        return due, available - totals
    share = np.divide(np.maximum(available, 0), totals, out=np.ones(len(totals)), where=totals > 0)
    cut = np.floor(due * np.minimum(share, 1.0)[:, None]).astype(np.int64)
    paid: Fen = np.where((available >= totals)[:, None], due, cut)
    return paid, available - by_row(paid)
