"""The closure: accounts at the start such that the given household flows are a steady state.

Households' average monthly flows are given. Chosen as residuals: sales to the outside and to
organisations (so that every cell's demand equals its base output), the tax rate on value added (so
that budget revenue equals the 2023 figure), transfers to cities, province and funds (so that
reserves grow with the trend), and what outside owners receive (so that firm cash does). Output of
industry makes each place's GDP equal to the 2023 figure where demand and labour allow. All money
is fen a month at trend 1 as float64; rounding to integer fen happens when money moves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from model.agents.governments import N_BUDGETS, N_CITIES, PROVINCE_ROW, BudgetBase
from model.agents.outside import visitor_base
from model.dimensions import CATEGORIES, PLACES, SECTORS
from model.flows import HouseholdFlows
from model.markets.goods import CARE, INDUSTRY, TO_SECTOR, TradeWeights
from model.parameters import Parameters
from model.parameters.reuse import Memory
from model.production import Technology, inverse, supply, technology

Array = npt.NDArray[np.float64]
SHAPE = (len(PLACES), len(SECTORS))
TRADE = np.array([SECTORS.index(name) for name in SECTORS if name.endswith(("_retail", "_trade"))])
CATERING = SECTORS.index("catering_and_lodging")
ROUNDS = 400
FEN_PER_YUAN = 100.0
HUNDRED_MILLION = 1e8


@dataclass(frozen=True)
class TaxRates:
    """Rates and their division. `value_added` (12) is calibrated to the revenue target."""

    value_added: Array  # per yuan of value added, shared by three levels
    local: Array  # (12) per yuan of value added, cities alone
    profit: float
    income: float  # per yuan of net employee pay
    contribution: float  # per yuan of net employee pay
    indirect_split: Array  # central, province, cities
    profit_split: Array
    fees: Array  # (15, 12) non-tax revenue, fen a month

    @cached_property
    def upper_split(self) -> Array:
        """Parts of the centre and the province: rows value added, income and profit."""
        return np.stack([self.indirect_split[:2], self.profit_split[:2]])


@dataclass(frozen=True)
class Labour:
    """Base bills and people of cells (15, 12): fen a month, persons."""

    employees: Array
    own_account: Array
    other: Array  # regular income of retired households from members' work
    persons: Array
    unemployed: Array  # (15,)
    wedge: float

    @property
    def cost(self) -> Array:
        """Labour cost of a cell: net pay, taxes and contributions on it, mixed income."""
        return self.employees * (1.0 + self.wedge) + self.own_account + self.other


@dataclass(frozen=True)
class EconomyState:
    """Everything markets need to know about the base (fen a month, trend 1)."""

    technology: Technology
    weights: TradeWeights
    supply_share: Array
    solver: Array
    labour: Labour
    rates: TaxRates
    budgets: BudgetBase
    households: Array  # (15, 16) consumption by residence
    shopping: Array  # (15, 12) household purchases by cell, with medical shocks
    fixed_final: Array  # (15, 12) government purchases and investment
    visitors: Array
    exports: Array
    output: Array
    value_added: Array
    investment: Array  # (15, 12) by firms
    investment_local: float
    land_share: float
    dividends: Array  # (15, 12) to local owners
    payout: Array  # (15, 12) to outside owners
    profit: Array  # (15, 12) after tax
    loans: Array
    cash: Array
    retail: Array  # (15,)
    other_work: Array  # (15, 12) shares of cells in the work of other members
    growth: float  # a month
    seasons: dict[tuple[float, bytes], Array] = field(default_factory=dict, init=False)


# Accounts already solved: runs of a sweep often share the average month. Nobody changes them.
_KEPT: Memory[EconomyState] = Memory(8)


def open_accounts(
    flows: HouseholdFlows, parameters: Parameters, growth: float | None = None
) -> EconomyState:
    """Solve the closure for the average month `flows` (int64 fen). `growth` is a year's nominal
    trend; the default is `consumption.growth`, the one households plan with.
    """
    annual = parameters.number("consumption.growth") if growth is None else growth
    monthly = (1.0 + annual) ** (1.0 / parameters.number("numerics.months_per_year")) - 1.0
    return _KEPT.get(
        parameters, (monthly, _digest(flows)), lambda read: _Closure(flows, read, monthly).solve()
    )


def _digest(flows: HouseholdFlows) -> str:
    """Content of the flows, to know them again."""
    content = hashlib.sha256()
    for item in fields(flows):
        content.update(np.ascontiguousarray(getattr(flows, item.name)).tobytes())
    return content.hexdigest()


def fen_a_month(parameters: Parameters) -> float:
    """Factor from 100 million yuan a year to fen a month."""
    return HUNDRED_MILLION * FEN_PER_YUAN / parameters.number("numerics.months_per_year")


def trade_weights(parameters: Parameters) -> TradeWeights:
    """Base shares of own place, other places and outside; attraction by retail sales."""
    outside = np.tile(parameters.array("outside.outside_share"), (SHAPE[0], 1))
    other = np.tile(parameters.array("outside.other_place_share"), (SHAPE[0], 1))
    retail = parameters.array("government.retail")
    attraction = np.tile((retail / retail.sum())[:, None], (1, len(CATEGORIES)))
    return TradeWeights(1.0 - outside - other, other, outside, attraction,
                        parameters.array("firms.place_substitution"))  # fmt: skip


def base_labour(flows: HouseholdFlows, parameters: Parameters) -> Labour:
    """Wage bills and persons by cell; other income follows the pay of the place."""
    pay = flows.net_earnings.astype(float)
    total = pay.sum(axis=2)
    share = total / np.maximum(total.sum(axis=1, keepdims=True), 1.0)
    wedge = parameters.number("government.income_tax_rate")
    wedge += parameters.number("government.contribution_rate")
    return Labour(
        pay[:, :, 0], pay[:, :, 1], share * flows.other_income[:, None],
        flows.employed_persons.astype(float), flows.unemployed_persons.astype(float), wedge,
    )  # fmt: skip


def after_rounds(step: Callable[[Array], Array], start: Array, rounds: int) -> Array:
    """`start` after `rounds` times `step`, a function of its argument alone.

    An iteration that converges ends in a cycle of a few last bits: once a state comes back, what
    the rest of the rounds would give is known.
    """
    states, seen = [start], {start.tobytes(): 0}
    for done in range(1, rounds + 1):
        state = step(states[-1])
        first = seen.setdefault(state.tobytes(), done)
        if first < done:
            return states[first + (rounds - first) % (done - first)]
        states.append(state)
    return states[-1]


class _Closure:
    """Working state of the fixed point; every method is one block of the accounts."""

    def __init__(self, flows: HouseholdFlows, parameters: Parameters, growth: float) -> None:
        self.flows, self.parameters, self.growth = flows, parameters, growth
        self.lag = 1.0 - 1.0 / (1.0 + growth)  # growth of a stock at month's end, per stock
        self.unit = fen_a_month(parameters)
        self.technology = technology(parameters)
        self.weights = trade_weights(parameters)
        self.labour = base_labour(flows, parameters)
        self.households = flows.consumption.sum(axis=1).astype(float)
        self.shopping = self._shopping()
        self.visitors = visitor_base(parameters, self.unit)
        self.gdp = self._gdp_target()
        self._budgets()
        self.finance = self._annual_loans()
        self._raise_margins()

    def _raise_margins(self) -> None:
        """Trade and catering: raise value added per sale where the wage bill needs it.

        The 2007 table and margins by order of magnitude may not carry the wages of the people who
        work in shops today; sales are data, so the margin gives, up to `firms.value_added_limit`.
        """
        sales = self.shopping + self.visitors
        retail = self.parameters.array("government.retail").sum() * self.unit
        chosen = np.append(TRADE, CATERING)
        total = np.maximum(sales[:, chosen].sum(axis=0), 1.0)
        total[:-1] *= max((retail - total[-1]) / total[:-1].sum(), 1.0)
        needed = self.labour.cost[:, chosen].sum(axis=0) / total
        needed /= self.parameters.number("firms.labour_share_limit")
        needed = np.minimum(needed, self.parameters.number("firms.value_added_limit"))
        old = self.technology.value_added
        new = old.copy()
        new[chosen] = np.maximum(old[chosen], needed)
        scale = (1.0 - new) / (1.0 - old)
        self.technology = replace(
            self.technology, local_inputs=self.technology.local_inputs * scale,
            outside_inputs=self.technology.outside_inputs * scale, value_added=new,
        )  # fmt: skip

    def _shopping(self) -> Array:
        own = self.households * self.weights.own
        visiting = (self.households * self.weights.other).sum(axis=0) * self.weights.attraction
        cells = (own + visiting) @ TO_SECTOR.astype(float)
        cells[:, CARE] += self.flows.medical_shock
        result: Array = cells
        return result

    def _gdp_target(self) -> Array:
        places = self.parameters.array("government.gdp")
        total = self.parameters.number("government.gdp_total")
        result: Array = places / places.sum() * total * self.unit
        return result

    def _annual_loans(self) -> tuple[float, float]:
        months = self.parameters.number("numerics.months_per_year")
        return self.parameters.number("firms.loan_months"), self.parameters.number(
            "firms.loan_rate"
        ) / months

    def _budgets(self) -> None:
        """Spending of the sixteen budgets by kind, before transfers are known."""
        number, array = self.parameters.number, self.parameters.array
        cities = array("government.spending") * self.unit
        province = number("government.spending_total") * self.unit - cities.sum()
        self.spending = np.append(cities, province)
        months = number("numerics.months_per_year")
        debt = self.gdp * months * number("government.debt_ratio")
        self.debt = np.append(debt, number("government.province_debt") * self.unit * months)
        rate = number("government.bond_rate") / months
        self.interest = self.debt * (1.0 - self.lag) * rate
        self.aid = np.append(self.flows.pensions[:, 0].astype(float), 0.0)
        self.subsidy = np.append(self.flows.pensions[:, 2].astype(float), 0.0)
        budget_investment = self.spending * number("government.investment_share")
        self.land = self.flows.housing_investment * number("government.land_share")
        rest = self.spending - self.interest - self.aid - self.subsidy - budget_investment
        self.purchase_total = np.maximum(rest, 0.0)
        self.budget_investment = budget_investment + np.append(self.land, 0.0)
        self.purchases = self._purchases()
        self.purchases_by_cell: Array = self.purchases.sum(axis=0)
        share = self.households.sum(axis=1) / max(self.households.sum(), 1.0)
        self.fund_purchases = number("government.medical_purchases") * self.unit * share

    def _purchases(self) -> Array:
        """Purchases (16, 15, 12): cities buy at home, the province everywhere."""
        mix = self.parameters.array("production.government_mix")
        mix = mix / mix.sum()
        table = np.zeros((N_BUDGETS, *SHAPE))
        table[np.arange(N_CITIES), np.arange(N_CITIES)] = self.purchase_total[:N_CITIES, None] * mix
        places = self.spending[:N_CITIES] / self.spending[:N_CITIES].sum()
        table[PROVINCE_ROW] = self.purchase_total[PROVINCE_ROW] * np.outer(places, mix)
        self.province_places = places
        return table

    # -- fixed point -----------------------------------------------------------------------

    def solve(self) -> EconomyState:
        """Iterate output, demand, taxes and investment; then freeze the base."""
        output = self._first_output()
        floor = self.labour.cost / self.parameters.number("firms.labour_share_limit")
        floor /= self.technology.value_added
        return self._freeze(after_rounds(lambda before: self._round(before, floor), output, ROUNDS))

    def _round(self, output: Array, floor: Array) -> Array:
        demand = self._demand(output)
        found: Array = 0.5 * output + 0.5 * self._wanted_output(np.maximum(demand, floor))
        return found

    def _first_output(self) -> Array:
        prior = self.labour.cost / self.parameters.array("firms.prior_labour_share")
        places = np.maximum(prior, 1e-9 * self.gdp[:, None])
        places = places / places.sum(axis=0)
        share = self.parameters.array("firms.value_added_share")
        self.target = places * share / share.sum() * self.gdp.sum()
        result: Array = self.target / self.technology.value_added
        return result

    def _demand(self, output: Array) -> Array:
        """Demand for local output (15, 12) before sales to the outside."""
        share = self._supply_share(output)
        need = output @ self.technology.local_inputs.T
        self.fixed_final = self._fixed_final(output, share)
        inputs = supply(need, self.technology.home_bias, share)
        return self.shopping + self.visitors + self.fixed_final + inputs

    @staticmethod
    def _supply_share(output: Array) -> Array:
        result: Array = output / np.maximum(output.sum(axis=0), 1e-9)
        return result

    def _fixed_final(self, output: Array, share: Array) -> Array:
        final = self.purchases_by_cell.copy()
        final[:, CARE] += self.fund_purchases
        investment = self._investment_by_place(output)
        local = self.parameters.number("production.investment_local_share") * investment
        home = self.technology.home_bias[INDUSTRY]
        final[:, INDUSTRY] += home * local + (1.0 - home) * share[:, INDUSTRY] * local.sum()
        result: Array = final
        return result

    def _investment_by_place(self, output: Array) -> Array:
        public = (
            self.budget_investment[:N_CITIES] + self.province_places * self.budget_investment[-1]
        )
        housing = self.flows.housing_investment - self.land
        result: Array = self._firm_accounts(output)["investment"].sum(axis=1) + public + housing
        return result

    def _wanted_output(self, least: Array) -> Array:
        value_added = self.technology.value_added
        wanted = np.maximum(self.target / value_added, least)
        wanted[:, TRADE] = self._trade_output(least)
        wanted[:, CATERING] = least[:, CATERING]
        others = (wanted * value_added).sum(axis=1) - wanted[:, INDUSTRY] * value_added[INDUSTRY]
        residual = (self.gdp - others) / value_added[INDUSTRY]
        wanted[:, INDUSTRY] = np.maximum(residual, least[:, INDUSTRY])
        self._make_room(wanted, least)
        result: Array = wanted
        return result

    def _make_room(self, wanted: Array, least: Array) -> None:
        """Where sectors other than industry overfill a place's GDP, cut what demand allows."""
        value_added = self.technology.value_added
        excess = np.maximum((wanted * value_added).sum(axis=1) - self.gdp, 0.0)
        slack = (wanted - least) * value_added
        slack[:, TRADE] = 0.0
        share = np.minimum(excess / np.maximum(slack.sum(axis=1), 1.0), 1.0)
        wanted -= share[:, None] * slack / value_added

    def _trade_output(self, least: Array) -> Array:
        """Sales of trade cells: at least demand and wages, and retail sales of the place."""
        goods = self.parameters.array("government.retail") * self.unit - least[:, CATERING]
        trade = least[:, TRADE]
        scale = goods / np.maximum(trade.sum(axis=1), 1.0)
        result: Array = trade * np.maximum(scale, 1.0)[:, None]
        return result

    # -- accounts of firms ---------------------------------------------------------------

    def _firm_accounts(self, output: Array) -> dict[str, Array]:
        """Taxes, profit, dividends, investment and payout of cells for a given output."""
        value_added = output * self.technology.value_added
        rates = self._rates(value_added)
        loan_months, loan_rate = self.finance
        loans = value_added * loan_months
        taxes = value_added * (rates.value_added + rates.local) + rates.fees
        surplus = value_added - taxes - self.labour.cost - loans * (1.0 - self.lag) * loan_rate
        profit = surplus - rates.profit * np.maximum(surplus, 0.0)
        positive = np.maximum(profit, 0.0)
        share = positive / np.maximum(positive.sum(axis=1, keepdims=True), 1.0)
        dividends = share * self._local_dividends(positive)[:, None]
        retained = np.maximum(profit - dividends, 0.0)
        investment = self.parameters.number("firms.investment_share") * retained
        cash = self.labour.cost * self.parameters.number("firms.liquidity_months")
        payout = profit - dividends - investment + (loans - cash) * self.lag
        self.rates = rates
        return {"loans": loans, "profit": profit, "dividends": dividends, "payout": payout,
                "investment": investment, "cash": cash}  # fmt: skip

    def _local_dividends(self, profit: Array) -> Array:
        given = self.flows.property_income.astype(float)
        if given.any():
            return given
        result: Array = self.parameters.number("firms.local_ownership") * profit.sum(axis=1)
        return result

    def _rates(self, value_added: Array) -> TaxRates:
        """Solve the rate on value added from the revenue target (linear in the rate)."""
        number, array = self.parameters.number, self.parameters.array
        weight = array("government.tax_weight")
        base = value_added * weight
        fees = number("government.non_tax_revenue") * self.unit * base / base.sum()
        local = number("government.local_tax_rate") * weight
        split, profit_split = array("government.indirect_split"), array("government.profit_split")
        profit, income = number("government.profit_tax_rate"), number("government.income_tax_rate")
        loan_months, loan_rate = self.finance
        interest = value_added * loan_months * (1.0 - self.lag) * loan_rate
        surplus = (value_added - value_added * local - fees - self.labour.cost - interest).sum()
        target = (
            number("government.revenue_total") - number("government.non_tax_revenue")
        ) * self.unit
        kept = profit_split[1:].sum()
        fixed = (value_added * local).sum() + kept * (
            profit * surplus + income * self.labour.employees.sum()
        )
        rate = (target - fixed) / (base.sum() * (split[1:].sum() - kept * profit))
        return TaxRates(max(rate, 0.0) * weight, local, profit, income,
                        number("government.contribution_rate"), split, profit_split,
                        fees)  # fmt: skip

    # -- result ---------------------------------------------------------------------------

    def _freeze(self, output: Array) -> EconomyState:
        demand = self._demand(output)
        share = self._supply_share(output)
        exports = np.maximum(output - demand, 0.0)
        solver = inverse(self.technology.local_inputs, self.technology.home_bias, share)
        final = self.shopping + self.visitors + self.fixed_final + exports
        accounts = self._firm_accounts(output)
        output = (solver @ final.ravel()).reshape(SHAPE)
        retail = output[:, TRADE].sum(axis=1) + output[:, CATERING]
        return EconomyState(
            technology=self.technology, weights=self.weights, supply_share=share, solver=solver,
            labour=self.labour, rates=self.rates, budgets=self._budget_base(output, accounts),
            households=self.households, shopping=self.shopping, fixed_final=self.fixed_final,
            visitors=self.visitors, exports=exports, output=output,
            value_added=output * self.technology.value_added,
            investment=accounts["investment"],
            investment_local=self.parameters.number("production.investment_local_share"),
            land_share=self.parameters.number("government.land_share"),
            dividends=accounts["dividends"], payout=accounts["payout"], profit=accounts["profit"],
            loans=accounts["loans"], cash=accounts["cash"], retail=retail,
            other_work=_shares(self.labour, output), growth=self.growth,
        )  # fmt: skip

    def _budget_base(self, output: Array, accounts: dict[str, Array]) -> BudgetBase:
        """Transfers that keep reserves on trend, given the tax revenue of the base."""
        taxes = tax_revenue(self.rates, output * self.technology.value_added,
                            accounts["profit"], self.labour.employees)  # fmt: skip
        cash = self.spending * self.parameters.number("government.deposit_months")
        borrowing = self.debt * self.lag
        outlay = (
            self.purchase_total + self.interest + self.aid + self.subsidy + self.budget_investment
        )
        revenue = np.append(taxes[2] + self.land, taxes[1].sum())
        transfer = outlay - revenue - borrowing + cash * self.growth
        transfer[PROVINCE_ROW] += transfer[:N_CITIES].sum()
        pensions = float(self.flows.pensions[:, 1:].sum() + self.flows.unemployment_benefits.sum())
        benefits = pensions + float(self.fund_purchases.sum())
        reserve = benefits * self.parameters.number("government.fund_months")
        contributions = self.rates.contribution * self.labour.employees.sum()
        support = benefits - contributions - self.subsidy.sum() + reserve * self.growth
        return BudgetBase(
            self.purchases.reshape(N_BUDGETS, -1), self.budget_investment, transfer, self.subsidy,
            self.debt, cash, self.spending, float(support), reserve, self.fund_purchases,
        )  # fmt: skip


def _shares(labour: Labour, output: Array) -> Array:
    """Shares of cells in their place's pay; by output where a place pays nothing."""
    pay = labour.employees + labour.own_account
    weights = np.where(pay.sum(axis=1, keepdims=True) > 0, pay, output)
    result: Array = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return result


def tax_revenue(rates: TaxRates, value_added: Array, profit_after: Array, pay: Array) -> Array:
    """Revenue (3, 15) of centre, province and cities by place of origin, fen a month."""
    indirect = (value_added * rates.value_added).sum(axis=1)
    own = (value_added * rates.local).sum(axis=1) + rates.fees.sum(axis=1)
    before = np.maximum(profit_after, 0.0) / (1.0 - rates.profit)
    income = rates.profit * before.sum(axis=1) + rates.income * pay.sum(axis=1)
    revenue = rates.indirect_split[:, None] * indirect + rates.profit_split[:, None] * income
    revenue[2] += own
    result: Array = revenue
    return result
