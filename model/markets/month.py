"""Markets: what firms, governments and the outside do around one month of household decisions.

`plan` sets what households face (pay, jobs, prices, rates), `settle` moves every payment once
households have decided, updates beliefs and prices, and checks the accounts with `==`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.agents.firms import (
    FirmRules,
    FirmState,
    activity_pay,
    expected_sales,
    hiring,
    labour_gap,
    next_capacity,
    next_price,
    next_variety,
    unit_cost,
    wage_cost,
)
from model.agents.governments import N_CITIES, PROVINCE_ROW, BudgetPlan, Governments
from model.agents.outside import exports, visitors
from model.dimensions import PLACES, SECTORS
from model.flows import HouseholdFlows
from model.ledger import BANK, CENTRE, CITIES, FIRMS, FUNDS, HOUSEHOLDS, OUTSIDE, PROVINCE, Fen, Ledger
from model.markets import settlement as post
from model.markets.credit import close_firms
from model.markets.goods import CARE, INDUSTRY, TO_SECTOR, Production, Shopping, produce, ration, shares, shop
from model.markets.goods import split_integer
from model.markets.labour import (
    LabourRules,
    LabourState,
    find_probability,
    hire_distribution,
    next_fear,
    next_wage,
)
from model.markets.settlement import PolicyPayment
from model.opening import CATERING, TRADE, EconomyState, open_accounts
from model.parameters import Parameters
from model.production import input_prices

Array = npt.NDArray[np.float64]
SHAPE = (len(PLACES), len(SECTORS))
BUDGETS = post.BUDGETS
FEN = 100.0


@dataclass(frozen=True)
class Plan:
    """What households face this month. Indices are relative to base and trend."""

    pay_index: Array  # (15, 12, 2) employees, own account: actual pay this month
    perceived_pay: Array  # (15, 12) pay that households take as lasting
    separation: Array  # (15, 12) monthly probability
    find: Array  # (15,) monthly probability
    hire_cdf: Array  # (15, 12) cumulative over sectors
    fear: Array  # (15,) perceived job loss relative to base
    prices: Array  # (15, 16) consumer prices
    consumer_price: Array  # (15,)
    unemployment_benefit: Array  # (15,) yuan a month, nominal
    property_yield: Array  # (15,) dividends per yuan of committed deposits, a month
    deposit_rate: float  # a month
    loan_rate: float  # a month


@dataclass(frozen=True)
class MarketOutcome:
    """One month's result; money int64 fen. `[17]` is central, province, 15 places."""

    local_sales: Fen  # (15, 12) cells' sales to households
    output: Fen  # (15, 12)
    value_added: Fen  # (15, 12)
    retail_sales: Fen  # (15,) trade and catering, as statistics measure it
    leakage: Fen  # (15,) household spending paid outside, by residence
    imports: int  # all purchases outside the province by firms and investors
    exports: Fen  # (15, 12)
    visitors: Fen  # (15, 12)
    revenue: Fen  # (17) taxes, fees, land
    spending: Fen  # (17) without policy levers
    policy_paid: dict[str, Fen]  # lever -> (17) cash
    deposits: Fen  # (17)
    debt: Fen  # (17)
    arrears: Fen  # (17)
    employment_target: Array  # (15, 12) persons wanted
    producer_prices: Array  # (15, 12)
    profit: Fen  # (15, 12) after tax
    wages: Fen  # (15, 12) net pay and mixed income
    rationed: int  # household spending that local capacity could not serve
    residual_fen: int  # always 0


@dataclass
class Supports:
    """Where measures act on markets besides money: all neutral by default, set by levers."""

    appeal: Array = field(default_factory=lambda: np.ones(SHAPE))  # quality, hours, trust
    visitor_appeal: Array = field(default_factory=lambda: np.ones(SHAPE[0]))
    capacity: Array = field(default_factory=lambda: np.zeros(SHAPE))  # added a month, ratio
    entry_ease: Array = field(default_factory=lambda: np.ones(SHAPE))
    export_demand: Array = field(default_factory=lambda: np.ones(SHAPE))


class Markets:
    """Firms, governments, social funds, bank and outside around the households.

    `opening_flows` is the average month at trend 1 (fen), with balances. Posts the opening balance
    sheet to `ledger`. `growth` is a year's nominal trend (default `outside.annual_growth`).
    """

    def __init__(
        self,
        parameters: Parameters,
        opening_flows: HouseholdFlows,
        ledger: Ledger,
        trend: float = 1.0,
        growth: float | None = None,
    ) -> None:
        self.ledger = ledger
        self.state: EconomyState = open_accounts(opening_flows, parameters, growth)
        self.rules, self.labour_rules = FirmRules.read(parameters), LabourRules.read(parameters)
        self.governments = Governments.open(parameters, self.state.budgets)
        self.firms, self.supports = FirmState.base(self.rules), Supports()
        self.labour = _opening_labour()
        self._read(parameters)
        self._base_jobs()
        self.overdraft: Fen = np.zeros(FIRMS.stop - FIRMS.start, dtype=np.int64)
        self.season = np.ones(SHAPE)
        self.visitor_factor = 1.0
        self.pay = np.ones((*SHAPE, 2))
        self._shares = shares(self.state.weights, self.firms.price, np.ones(SHAPE))
        self._open_balances(opening_flows, trend)

    def _read(self, parameters: Parameters) -> None:
        number = parameters.number
        months = number("numerics.months_per_year")
        self.deposit_rate = number("government.deposit_rate") / months
        self.loan_rate = number("government.consumer_loan_rate") / months
        self.firm_loan_rate = number("firms.loan_rate") / months
        self.export_elasticity = number("outside.export_elasticity")
        self.visitor_elasticity = number("outside.visitor_elasticity")
        self.visitor_season = parameters.array("outside.visitor_season")
        self.visitor_season = self.visitor_season / self.visitor_season.mean()
        self.credit_months = number("firms.credit_months")
        households = self.state.households
        self.price_weights = households / np.maximum(households.sum(axis=1, keepdims=True), 1.0)

    def _base_jobs(self) -> None:
        """Find probabilities that keep base employment steady given separations."""
        people, unemployed = self.state.labour.persons, self.state.labour.unemployed
        self.separation = np.broadcast_to(self.labour_rules.separation, SHAPE)
        self.base_hires = people * self.separation
        total = self.base_hires.sum(axis=1)
        self.base_find = np.divide(total, unemployed, out=np.full(SHAPE[0], self.labour_rules.find),
                                   where=unemployed > 0)  # fmt: skip
        active = np.maximum(people.sum(axis=1) + unemployed, 1.0)
        self.base_unemployment = unemployed / active

    def _open_balances(self, flows: HouseholdFlows, trend: float) -> None:
        """Opening balance sheet: stocks that grow at month's end open one month behind."""
        ledger, state = self.ledger, self.state
        behind = trend / (1.0 + state.growth)
        whole = lambda amounts, level: np.rint(amounts * level).astype(np.int64)  # noqa: E731
        ledger.open_position("deposits", HOUSEHOLDS, BANK, flows.liquid)
        ledger.open_position("committed_deposits", HOUSEHOLDS, BANK, flows.committed_balance)
        ledger.open_position("consumer_loans", HOUSEHOLDS, BANK, -flows.debt)
        ledger.open_position("deposits", FIRMS, BANK, whole(state.cash, behind).ravel())
        ledger.open_position("firm_loans", FIRMS, BANK, -whole(state.loans, behind).ravel())
        ledger.open_position("deposits", BUDGETS, BANK, whole(state.budgets.cash, trend))
        ledger.open_position("bonds", BUDGETS, BANK, -whole(state.budgets.debt, behind))
        reserve = np.array([round(state.budgets.fund_reserve * trend)])
        ledger.open_position("deposits", FUNDS, BANK, reserve)
        # The bank's assets abroad balance its books, so that its own worth is nil.
        worth = ledger.positions[:, BANK].sum()
        ledger.open_position("deposits", OUTSIDE, BANK, np.array([worth]))

    # -- plan ------------------------------------------------------------------------------

    def plan(self, month: int, trend: float, season: Array | None = None) -> Plan:
        """Set what households face. `month` counts months with January a multiple of 12; `trend` is
        the nominal level relative to opening; `season` (16) are the month's category factors.
        """
        self._seasonal(month, season)
        separation, find, cdf = self._jobs()
        self.pay = self._pay()
        rules, labour = self.labour_rules, self.labour
        weights = self.state.labour
        total = np.maximum(weights.employees + weights.own_account, 1e-9)
        actual = (self.pay[:, :, 0] * weights.employees + self.pay[:, :, 1] * weights.own_account) / total
        actual = np.where(total > 1.0, actual, 1.0)
        labour.perceived_pay = labour.perceived_pay + rules.perceived_pay_gain * (actual - labour.perceived_pay)
        people = weights.persons * self.firms.employment
        labour.fear = next_fear(rules, labour.fear, separation, self.separation, people)
        self._shares = shares(self.state.weights, self.firms.price, self._appeal())
        prices = self._shares[2]
        return Plan(
            self.pay, labour.perceived_pay, separation, find, cdf, labour.fear, prices,
            (prices * self.price_weights).sum(axis=1), rules.unemployment_benefit * trend,
            self._property_yield(trend), self.deposit_rate, self.loan_rate,
        )  # fmt: skip

    def _seasonal(self, month: int, season: Array | None) -> None:
        """Expected seasonal factor of every cell's output, from base demand (F1)."""
        state = self.state
        self.visitor_factor = float(self.visitor_season[month % len(self.visitor_season)])
        extra = state.visitors * (self.visitor_factor - 1.0)
        if season is not None:
            own, other, _ = (state.weights.own, state.weights.other, None)
            swing = state.households * (season - 1.0)
            visiting = (swing * other).sum(axis=0) * state.weights.attraction
            extra = extra + (swing * own + visiting) @ TO_SECTOR
        change = (state.solver @ extra.ravel()).reshape(SHAPE)
        self.season = 1.0 + change / np.maximum(state.output, 1.0)

    def _jobs(self) -> tuple[Array, Array, Array]:
        rules, firms = self.labour_rules, self.firms
        gap = labour_gap(self.rules, firms)
        wanted, layoffs = hiring(self.rules, self.separation, gap, firms.short_of_cash > 0)
        hires = wanted * self.state.labour.persons * firms.employment
        base = np.maximum(self.base_hires.sum(axis=1), 1e-9)
        vacancies = hires.sum(axis=1) / base
        find = find_probability(rules, self.base_find, vacancies, self.labour.unemployment)
        return np.minimum(self.separation + layoffs, 1.0), find, hire_distribution(hires)

    def _pay(self) -> Array:
        employees, own = activity_pay(self.rules, self.firms)
        wage = self.labour.wage[:, None]
        return np.stack([employees * wage, own * wage], axis=2)

    def _appeal(self) -> Array:
        """Variety raises appeal with power 1 / (sigma - 1) of a love-of-variety index; see F7."""
        return self.supports.appeal * self.firms.variety

    def _property_yield(self, trend: float) -> Array:
        committed = self.ledger.position("committed_deposits", HOUSEHOLDS)
        pool = self.state.dividends.sum(axis=1) * trend * np.maximum(self.firms.profit, 0.0)
        return np.divide(pool, committed, out=np.zeros(SHAPE[0]), where=committed > 0)

    # -- settle ----------------------------------------------------------------------------

    def settle(
        self,
        month: int,
        trend: float,
        flows: HouseholdFlows,
        payments: Sequence[PolicyPayment] = (),
        tied_sales: Fen | None = None,
    ) -> MarketOutcome:
        """Post every payment of the month and return what happened.

        `payments` are this month's policy bills; `tied_sales` (15, 16) is household spending that
        could only go to local shops (default: vouchers redeemed). Raises LedgerError if any
        identity fails.
        """
        ledger, levers = self.ledger, [PolicyPayment(*payment) for payment in payments]
        ledger.open_month()
        bills = post.collect_bills(levers)
        aid = np.append(flows.pensions[:, 0], 0)
        cash, debt = ledger.deposits(BUDGETS).copy(), -ledger.position("bonds", BUDGETS)
        plan = self.governments.plan_month(trend, cash, debt, aid + bills.mandatory, bills.programmes)
        market = self._goods(trend, flows, plan, tied_sales)
        paid = post.post_policies(ledger, self.governments, levers, plan)
        taxes, wages, interest = self._firms_pay(trend, flows, market)
        self._budgets_pay(trend, flows, plan, market, bills, taxes)
        profit = market.value_added - wages - taxes.total - interest
        self._close(trend, flows, profit, market)
        outcome = self._outcome(market, flows, plan, taxes, wages, profit, paid, bills)
        self._learn(trend, flows, market, profit)
        ledger.verify(self._identities(flows, market, taxes, wages, interest, profit, plan))
        return outcome

    def _goods(
        self, trend: float, flows: HouseholdFlows, plan: BudgetPlan, tied: Fen | None
    ) -> _Market:
        """Final demand, production and rationing (H5, F5)."""
        state, prices = self.state, self.firms.price
        spending = flows.consumption.sum(axis=1)
        tied = flows.voucher_redeemed if tied is None else tied
        shopping = shop(state.weights, spending, tied, self._shares[0], self._shares[1])
        sold_out = _whole(exports(state.exports * self.supports.export_demand, prices,
                                  self.export_elasticity, trend))  # fmt: skip
        level = trend * self.visitor_factor * self.supports.visitor_appeal[:, None]
        guests = _whole(visitors(state.visitors, prices, self.visitor_elasticity, level))
        market = _Market(spending, shopping, sold_out, guests)
        self._investment(trend, flows, plan, market)
        market.public = plan.purchases.sum(axis=0).reshape(SHAPE)
        market.fund_care = _whole(state.budgets.fund_purchases * trend)
        other = sold_out + guests + market.public
        other[:, CARE] += market.fund_care + flows.medical_shock
        other[:, INDUSTRY] += market.builders
        self._produce(trend, market, other)
        return market

    def _produce(self, trend: float, market: _Market, other: Fen) -> None:
        state, prices = self.state, self.firms.price
        make = lambda final: produce(state.technology, state.solver, state.supply_share, final, prices)  # noqa: E731
        made = make(other + market.shopping.by_cell)
        normal = np.maximum(trend * self.season * state.output, 1.0)
        use = made.real / normal / self.firms.capacity
        if bool((use > 1.0).any()):
            served = 1.0 / np.maximum(use, 1.0)
            full = market.shopping
            market.shopping = ration(full, market.spending, served)
            market.rationed = int(market.shopping.outside.sum() - full.outside.sum())
            made = make(other + market.shopping.by_cell)
        market.final = other + market.shopping.by_cell
        market.made, market.use = made, use
        market.sales = np.where(state.output > 1.0, made.real / normal, 1.0)
        market.value_added = made.revenue - made.inputs - made.outside_inputs

    def _investment(self, trend: float, flows: HouseholdFlows, plan: BudgetPlan, market: _Market) -> None:
        """Investment of households (less land), firms and budgets; builders' local share."""
        state, governments = self.state, self.governments.base
        market.land = _whole(flows.housing_investment * state.land_share)
        market.housing = flows.housing_investment - market.land
        ratio = self.firms.capacity / self.rules.capacity_headroom
        market.firm_investment = _whole(state.investment * trend * ratio)
        places = governments.spending[:N_CITIES] / governments.spending[:N_CITIES].sum()
        total = market.housing + market.firm_investment.sum(axis=1) + plan.investment[:N_CITIES]
        local = state.investment_local * (total + places * plan.investment[PROVINCE_ROW])
        home = state.technology.home_bias[INDUSTRY]
        market.builders = _whole(
            home * local + (1.0 - home) * state.supply_share[:, INDUSTRY] * local.sum()
        )

    def _firms_pay(
        self, trend: float, flows: HouseholdFlows, market: _Market
    ) -> tuple[post.Taxes, Fen, Fen]:
        """Wages, taxes, contributions and interest of cells."""
        ledger, state = self.ledger, self.state
        wages = post.labour_bill(state, flows)
        households = flows.net_earnings.sum(axis=(1, 2)) + flows.other_income
        ledger.pay_pool("wages_and_mixed_income", FIRMS, wages, HOUSEHOLDS, households)
        loans = -ledger.position("firm_loans", FIRMS).reshape(SHAPE)
        interest = _whole(loans * self.firm_loan_rate)
        taxes = post.levy(state.rates, market.value_added, wages, flows.net_earnings[:, :, 0],
                          interest, trend)  # fmt: skip
        post.post_taxes(ledger, taxes)
        post.post_production(ledger, market.made)
        ledger.pay("interest", FIRMS, BANK, interest)
        ledger.pay("sales_outside", OUTSIDE, FIRMS, market.sold_out + market.guests)
        return taxes, wages, interest

    def _budgets_pay(
        self, trend: float, flows: HouseholdFlows, plan: BudgetPlan, market: _Market,
        bills: post.Bills, taxes: post.Taxes,
    ) -> None:  # fmt: skip
        """Purchases, benefits, transfers between governments, bonds, land, consumption."""
        ledger = self.ledger
        post.post_consumption(ledger, market.spending, market.shopping, flows.medical_shock, CARE, bills)
        post.post_purchases(ledger, self.governments, plan, market.fund_care, CARE)
        post.post_investment(ledger, market.housing, market.firm_investment, plan.investment,
                             market.builders, INDUSTRY)  # fmt: skip
        post.post_households(ledger, flows)
        ledger.pay("land", HOUSEHOLDS, CITIES, market.land)
        ledger.pay("social_benefits", CITIES, HOUSEHOLDS, flows.pensions[:, 0])
        pooled = flows.pensions[:, 1] + flows.pensions[:, 2] + flows.unemployment_benefits
        ledger.pay("social_benefits", FUNDS, HOUSEHOLDS, pooled)
        ledger.pay("transfers", PROVINCE, CITIES, plan.transfer_in[:N_CITIES])
        ledger.pay("transfers", CENTRE, BUDGETS, self._from_centre(plan))
        ledger.pay("transfers", BUDGETS, FUNDS, plan.pension_subsidy)
        ledger.pay("interest", BUDGETS, BANK, plan.interest)
        ledger.lend("bonds", BANK, BUDGETS, plan.borrowing)

    @staticmethod
    def _from_centre(plan: BudgetPlan) -> Fen:
        amounts = plan.rescue.copy()
        amounts[PROVINCE_ROW] += plan.transfer_in[PROVINCE_ROW]
        return amounts

    def _close(self, trend: float, flows: HouseholdFlows, profit: Fen, market: _Market) -> None:
        """Dividends, support of the funds, and the balances of firms, centre and bank."""
        ledger, state = self.ledger, self.state
        share = state.dividends / np.maximum(state.dividends.sum(axis=1, keepdims=True), 1.0)
        share = np.where(share.sum(axis=1, keepdims=True) > 0, share, 1.0 / SHAPE[1])
        dividends = split_integer(flows.property_income, share.T).T
        ledger.pay_pool("dividends", FIRMS, dividends, HOUSEHOLDS, flows.property_income)
        self._support_funds(trend)
        self.overdraft, _ = close_firms(
            ledger, _whole(state.loans.ravel() * trend), _whole(state.cash.ravel() * trend), self.overdraft
        )
        for name, account in (("central_balance", CENTRE), ("bank_balance", BANK)):
            worth = ledger.positions[:, account].sum(axis=0)
            ledger.pay(name, account, OUTSIDE, worth)

    def _support_funds(self, trend: float) -> None:
        """The centre keeps the funds' reserve on trend, slowly, and never lets it run out."""
        base = self.state.budgets
        reserve = int(self.ledger.deposits(FUNDS)[0])
        now = base.central_support * trend
        target = base.fund_reserve * trend * (1.0 + self.state.growth)
        support = round(now + self.governments.cash_gain * (target - reserve - now))
        support = max(support, -reserve)
        self.ledger.pay("fund_support", CENTRE, FUNDS, np.array([support]))

    def _learn(self, trend: float, flows: HouseholdFlows, market: _Market, profit: Fen) -> None:
        """Beliefs, prices, capacity, variety and liquidity for next month (F1-F7, L3)."""
        rules, firms, state = self.rules, self.firms, self.state
        base = state.labour
        people = flows.employed_persons
        employment = np.divide(people, base.persons, out=np.ones(SHAPE), where=base.persons > 0)
        normal = trend * employment * (self.pay[:, :, 0] * base.employees * (1 + base.wedge)
                                       + self.pay[:, :, 1] * base.own_account)  # fmt: skip
        paid = flows.net_earnings[:, :, 0] * (1 + base.wedge) + flows.net_earnings[:, :, 1]
        firms.employment = employment
        firms.wage_cost = wage_cost(rules, paid, normal)
        firms.expected = expected_sales(rules, firms.expected, market.sales)
        firms.price = self._prices(market.use)
        firms.capacity = next_capacity(rules, firms, self.supports.capacity)
        firms.variety = next_variety(rules, firms, self.supports.entry_ease)
        self._cash_state(trend)
        base_profit = np.maximum(state.profit.sum(axis=1), 1.0) * trend
        firms.profit = firms.profit + rules.dividend_gain * (profit.sum(axis=1) / base_profit - firms.profit)
        self._unemployment(flows)

    def _prices(self, use: Array) -> Array:
        state, firms = self.state, self.firms
        labour = state.labour.cost / np.maximum(state.output, 1.0)
        local = input_prices(firms.price, state.technology.home_bias, state.supply_share)
        wage = firms.wage_cost * self.labour.wage[:, None]
        cost = unit_cost(labour, state.technology.local_inputs, state.technology.outside_inputs, wage, local)
        return next_price(self.rules, firms, cost, use)

    def _cash_state(self, trend: float) -> None:
        cost = self.state.labour.cost * trend
        free = self.ledger.deposits(FIRMS).reshape(SHAPE) - self.overdraft.reshape(SHAPE)
        short = free + self.credit_months * cost < cost
        self.firms.short_of_cash = np.where(short, self.firms.short_of_cash + 1, 0)

    def _unemployment(self, flows: HouseholdFlows) -> None:
        labour, base = self.labour, self.state.labour
        people = flows.unemployed_persons
        labour.unemployment = np.divide(people, base.unemployed, out=np.ones(SHAPE[0]), where=base.unemployed > 0)
        active = np.maximum(flows.employed_persons.sum(axis=1) + people, 1)
        labour.unemployment_gap = people / active - self.base_unemployment
        labour.wage = next_wage(self.labour_rules, labour.wage, labour.unemployment_gap)

    # -- result ----------------------------------------------------------------------------

    def _identities(
        self, flows: HouseholdFlows, market: _Market, taxes: post.Taxes, wages: Fen, interest: Fen,
        profit: Fen, plan: BudgetPlan,
    ) -> list[tuple[str, int]]:  # fmt: skip
        """Identities beyond the ledger's own, as (name, residual in fen)."""
        made, shopping = market.made, market.shopping
        by_kind = self.ledger.flows
        final = int(market.final.sum())
        added = int(market.value_added.sum())
        income = int(wages.sum() + taxes.total.sum() + interest.sum() + profit.sum())
        spent = int(market.spending.sum())
        gaps = [
            ("household spending is sales of cells and outside sellers",
             spent - int(shopping.by_cell.sum() + shopping.outside.sum())),
            ("inputs bought are inputs sold", int(made.inputs.sum() - made.sold_as_input.sum())),
            ("production is expenditure", added - (final - int(made.outside_inputs.sum()))),
            ("value added is income", added - income),
            ("taxes paid are taxes received", int(taxes.total.sum() - taxes.contributions.sum() - taxes.by_payer.sum())),
            ("revenue is money received", final - self._received(by_kind, market)),
            ("arrears of budgets are claims of firms", int(self.governments.arrears.sum())
             - int(self.ledger.position("arrears", FIRMS).sum())),
            ("cash of budgets is not negative", int(min(self.ledger.deposits(BUDGETS).min(), 0))),
        ]  # fmt: skip
        return gaps

    @staticmethod
    def _received(by_kind: dict[str, Fen], market: _Market) -> int:
        """What firms received for final goods, from the ledger (investment is net of their own)."""
        kinds = ("consumption", "government_purchases", "investment", "sales_outside", "policy_sellers")
        received = sum(int(by_kind[kind][FIRMS].sum()) for kind in kinds if kind in by_kind)
        return received + int(market.firm_investment.sum())

    def _outcome(
        self, market: _Market, flows: HouseholdFlows, plan: BudgetPlan, taxes: post.Taxes,
        wages: Fen, profit: Fen, paid: dict[str, Fen], bills: post.Bills,
    ) -> MarketOutcome:  # fmt: skip
        ledger, revenue = self.ledger, market.made.revenue
        sales = market.shopping.by_cell.copy()
        sales[:, CARE] += flows.medical_shock
        income = taxes.by_payer.copy()
        income[2:] += market.land
        order = np.append(PROVINCE_ROW, np.arange(N_CITIES))
        deposits = ledger.deposits(BUDGETS)[order]
        owed = self.governments.arrears.sum(axis=1)[order]
        outlay = plan.purchases_paid.sum(axis=1) + plan.interest + plan.pension_subsidy + plan.investment
        outlay[:N_CITIES] += flows.pensions[:, 0]
        central = int(plan.transfer_in[PROVINCE_ROW] + plan.rescue.sum())
        put_first = lambda first, rest: np.concatenate([[first], rest])  # noqa: E731
        imports = int(market.made.outside_inputs.sum() + ledger.flows["investment"][OUTSIDE].sum())
        return MarketOutcome(
            sales, revenue, market.value_added, revenue[:, TRADE].sum(axis=1) + revenue[:, CATERING],
            market.shopping.outside.sum(axis=1), imports, market.sold_out, market.guests, income,
            put_first(central, outlay[order]), paid, put_first(ledger.deposits(CENTRE)[0], deposits),
            put_first(0, -ledger.position("bonds", BUDGETS)[order]), put_first(0, owed),
            self.state.labour.persons * self.firms.expected**self.rules.employment_response,
            self.firms.price, profit, wages, market.rationed, 0,
        )  # fmt: skip


@dataclass
class _Market:
    """Working arrays of one month's goods market."""

    spending: Fen
    shopping: Shopping
    sold_out: Fen
    guests: Fen
    rationed: int = 0
    land: Fen = field(init=False)
    housing: Fen = field(init=False)
    firm_investment: Fen = field(init=False)
    builders: Fen = field(init=False)
    public: Fen = field(init=False)
    fund_care: Fen = field(init=False)
    final: Fen = field(init=False)
    made: Production = field(init=False)
    use: Array = field(init=False)
    sales: Array = field(init=False)
    value_added: Fen = field(init=False)


def _opening_labour() -> LabourState:
    one = np.ones(SHAPE[0])
    return LabourState(one, np.zeros(SHAPE[0]), one, np.ones(SHAPE), one)


def _whole(amounts: Array) -> Fen:
    return np.rint(amounts).astype(np.int64)
