"""Markets: what firms, governments and the outside do around one month of household decisions.

`plan` sets what households face (pay, jobs, prices, rates), `settle` moves every payment once
households have decided, updates beliefs and prices, and checks the accounts with `==`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.agents.firms import activity_pay, hiring, labour_gap
from model.agents.governments import N_CITIES, PROVINCE_ROW, BudgetPlan
from model.agents.outside import exports, visitors
from model.flows import HouseholdFlows
from model.ledger import BANK, CENTRE, CITIES, FIRMS, FUNDS, HOUSEHOLDS, OUTSIDE, Fen
from model.markets import settlement as post
from model.markets.credit import close_firms
from model.markets.goods import (
    CARE,
    INDUSTRY,
    TO_SECTOR,
    produce,
    ration,
    shares,
    shop,
    split_rows,
)
from model.markets.identities import identities
from model.markets.labour import find_probability, hire_distribution, next_fear
from model.markets.outcomes import MarketMonth, MarketOutcome, Plan, Supports
from model.markets.settlement import PolicyPayment
from model.markets.state import BUDGETS, SHAPE, Array, MarketState
from model.markets.taxes import Taxes, levy
from model.opening import CATERING, TRADE
from model.whole_numbers import by_column, by_row, compiled, scaled, total, whole

__all__ = ["MarketOutcome", "Markets", "Plan", "PolicyPayment", "Supports"]


BY_PAYER = np.roll(np.arange(N_CITIES + 1), 1)  # province, then places


class Markets(MarketState):
    """Firms, governments, social funds, bank and outside around the households."""

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
        labour.perceived_pay = labour.perceived_pay + rules.perceived_pay_gain * (
            self.pay - labour.perceived_pay
        )
        people = weights.persons * self.firms.employment
        labour.fear = next_fear(rules, labour.fear, separation, self.separation, people)
        self._shares = shares(
            self.state.weights, self.firms.price, self.supports.appeal, self.firms.variety
        )
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
        wanted, layoffs = hiring(
            self.rules, self.separation, gap, firms.short_of_cash > 0, self.sampling_error
        )
        hires = wanted * self.state.labour.persons * firms.employment
        vacancies = hires.sum(axis=1) / self.base_vacancies
        find = find_probability(rules, self.base_find, vacancies, self.labour.unemployment)
        return np.minimum(self.separation + layoffs, 1.0), find, hire_distribution(hires)

    def _pay(self) -> Array:
        employees, own = activity_pay(self.rules, self.firms)
        wage = self.labour.wage[:, None]
        pay = np.empty((*SHAPE, 2))
        pay[:, :, 0], pay[:, :, 1] = employees * wage, own * wage
        return pay

    def _property_yield(self, trend: float) -> Array:
        committed = self.ledger.position("committed_deposits", HOUSEHOLDS)
        pool = self.base_dividends * trend * np.maximum(self.firms.profit, 0.0)
        result: Array = np.divide(pool, committed, out=np.zeros(SHAPE[0]), where=committed > 0)
        return result

    def co_finance(
        self, match_ratio: float, quota: Array, households: Array, trend: float,
        retail_gap: Array | float = 0.0, floor: Array | float = 0.0,
    ) -> tuple[Array, Array]:  # fmt: skip
        """Own and provincial programme money of cities (15, yuan a month) at their present cash and
        debt; see `model.agents.governments.co_financing`.
        """
        cash, debt = self.ledger.deposits(BUDGETS), -self.ledger.position("bonds", BUDGETS)
        return self.governments.co_finance(
            match_ratio, quota, households, trend, cash, debt, retail_gap, floor
        )

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
        could only go to local shops (default: what budgets pay sellers by category). Raises
        LedgerError if any identity fails.
        """
        ledger, levers = self.ledger, [PolicyPayment(*payment) for payment in payments]
        self.month = month
        ledger.open_month()
        bills = post.collect_bills(levers)
        aid = np.append(flows.pensions[:, 0], 0)
        cash, debt = ledger.deposits(BUDGETS).copy(), -ledger.position("bonds", BUDGETS)
        plan = self.governments.plan_month(
            trend, cash, debt, aid + bills.mandatory, bills.programmes
        )
        tied = bills.tied if tied_sales is None else tied_sales
        market = self._goods(trend, flows, plan, tied)
        paid = post.post_policies(ledger, self.governments, levers, plan)
        taxes, wages, interest = self._firms_pay(trend, flows, market)
        self._budgets_pay(trend, flows, plan, market, bills, interest)
        profit = market.value_added - wages - taxes.total - interest
        self._close(trend, flows)
        outcome = self._outcome(trend, market, flows, plan, taxes, wages, profit, paid)
        self._learn(trend, flows, market, profit)
        limit = self.governments.debt_limit(trend)
        ledger.verify(identities(ledger, self.governments, market, taxes, wages, interest, limit))
        return outcome

    def _goods(
        self, trend: float, flows: HouseholdFlows, plan: BudgetPlan, tied: Fen
    ) -> MarketMonth:
        """Final demand, production and rationing (H5, F5)."""
        state, prices = self.state, self.firms.price
        spending = flows.consumption[:, 0] + flows.consumption[:, 1]
        shopping = shop(state.weights, spending, tied, self._shares[0], self._shares[1])
        sold_out = whole(exports(state.exports * self.supports.export_demand, prices,
                                  self.export_elasticity, trend))  # fmt: skip
        level = trend * self.visitor_factor * self.supports.visitor_appeal[:, None]
        guests = whole(visitors(state.visitors, prices, self.visitor_elasticity, level))
        market = MarketMonth(spending, shopping, sold_out, guests)
        self._investment(trend, flows, plan, market)
        market.public = by_column(plan.purchases).reshape(SHAPE)
        market.fund_care = scaled(state.budgets.fund_purchases, trend)
        other = sold_out + guests + market.public
        other[:, CARE] += market.fund_care + flows.medical_shock
        other[:, INDUSTRY] += market.builders
        self._produce(trend, market, other)
        return market

    def _produce(self, trend: float, market: MarketMonth, other: Fen) -> None:
        state, prices = self.state, self.firms.price
        arguments = (state.technology, state.solver, state.supply_share, prices)
        made = produce(*arguments, other + market.shopping.by_cell)
        use, normal = _use_of_capacity(
            made.real, trend, self.season, state.output, self.firms.capacity, self.chance_peak
        )
        if use.max() > 1.0:
            served = 1.0 / np.maximum(use, 1.0)
            full = market.shopping
            market.shopping = ration(full, market.spending, served)
            market.rationed = total(market.shopping.outside) - total(full.outside)
            made = produce(*arguments, other + market.shopping.by_cell)
        market.final = other + market.shopping.by_cell
        market.made, market.use = made, use
        market.sales = np.where(state.output > 1.0, made.real / normal, 1.0)
        market.value_added = made.revenue - made.inputs - made.outside_inputs

    def _investment(
        self, trend: float, flows: HouseholdFlows, plan: BudgetPlan, market: MarketMonth
    ) -> None:
        """Investment of households (less land), firms and budgets; builders' local share."""
        state = self.state
        market.land = whole(flows.housing_investment * state.land_share)
        market.housing = flows.housing_investment - market.land
        ratio = self.firms.capacity / self.rules.capacity_headroom
        market.firm_investment = whole(state.investment * trend * ratio)
        everything = market.housing + by_row(market.firm_investment) + plan.investment[:N_CITIES]
        local = state.investment_local * (
            everything + self.place_share * plan.investment[PROVINCE_ROW]
        )
        home = state.technology.home_bias[INDUSTRY]
        market.builders = whole(
            home * local + (1.0 - home) * state.supply_share[:, INDUSTRY] * local.sum()
        )

    def _firms_pay(
        self, trend: float, flows: HouseholdFlows, market: MarketMonth
    ) -> tuple[Taxes, Fen, Fen]:
        """Wages, taxes, contributions and interest of cells."""
        ledger, state = self.ledger, self.state
        wages = post.labour_bill(state, flows)
        households = by_row(flows.net_earnings) + flows.other_income
        ledger.pay_pool("wages_and_mixed_income", FIRMS, wages, HOUSEHOLDS, households)
        loans = -ledger.position("firm_loans", FIRMS).reshape(SHAPE)
        interest = whole(loans * self.firm_loan_rate)
        taxes = levy(state.rates, market.value_added, wages, flows.net_earnings[:, :, 0],
                          interest, trend)  # fmt: skip
        post.post_taxes(ledger, taxes)
        post.post_production(ledger, market.made)
        ledger.pay("sales_outside", OUTSIDE, FIRMS, market.sold_out + market.guests)
        return taxes, wages, interest

    def _budgets_pay(
        self, trend: float, flows: HouseholdFlows, plan: BudgetPlan, market: MarketMonth,
        bills: post.Bills, interest: Fen,
    ) -> None:  # fmt: skip
        """Purchases, benefits, transfers between governments, bonds, land, consumption."""
        ledger = self.ledger
        post.post_consumption(
            ledger, market.spending, market.shopping, flows.medical_shock, CARE, bills
        )
        post.post_purchases(ledger, self.governments, plan, market.fund_care, CARE)
        post.post_investment(ledger, market.housing, market.firm_investment, plan.investment,
                             market.builders, INDUSTRY)  # fmt: skip
        post.post_households(ledger, flows)
        ledger.pay("land", HOUSEHOLDS, CITIES, market.land)
        post.post_benefits(ledger, flows)
        post.post_interest(ledger, flows, interest, plan)
        support = self._fund_support(trend, plan)
        post.post_transfers(ledger, plan, support)
        ledger.lend("bonds", BANK, BUDGETS, plan.borrowing)

    def _fund_support(self, trend: float, plan: BudgetPlan) -> int:
        """The centre keeps the funds' reserve on trend, slowly, and never lets it run out."""
        base = self.state.budgets
        reserve = int(self.ledger.deposits(FUNDS)[0] + total(plan.pension_subsidy))
        now = base.central_support * trend
        target = base.fund_reserve * trend * (1.0 + self.state.growth)
        support = round(now + self.governments.cash_gain * (target - reserve - now))
        return max(support, -reserve)

    def _close(self, trend: float, flows: HouseholdFlows) -> None:
        """Dividends, support of the funds, and the balances of firms, centre and bank."""
        ledger, state = self.ledger, self.state
        dividends = split_rows(flows.property_income, self.dividend_share)
        ledger.pay_pool("dividends", FIRMS, dividends, HOUSEHOLDS, flows.property_income)
        self.overdraft, _ = close_firms(
            ledger,
            scaled(state.loans.ravel(), trend),
            scaled(state.cash.ravel(), trend),
            scaled(state.payout.ravel(), trend),
            self.rules.payout_gain,
            self.overdraft,
        )
        upper = slice(CENTRE.start, BANK.stop)
        ledger.pay("closing_balance", upper, OUTSIDE, ledger.positions[:, upper].sum(axis=0))

    # -- result ----------------------------------------------------------------------------

    def _outcome(
        self, trend: float, market: MarketMonth, flows: HouseholdFlows, plan: BudgetPlan,
        taxes: Taxes, wages: Fen, profit: Fen, paid: dict[str, Fen],
    ) -> MarketOutcome:  # fmt: skip
        ledger, revenue = self.ledger, market.made.revenue
        sales = market.shopping.by_cell.copy()
        sales[:, CARE] += flows.medical_shock
        income = taxes.by_payer.copy()
        income[2:] += market.land
        deposits = ledger.deposits(BUDGETS)[BY_PAYER]
        owed = by_row(self.governments.arrears)[BY_PAYER]
        outlay = (
            by_row(plan.purchases_paid) + plan.interest + plan.pension_subsidy + plan.investment
        )
        outlay[:N_CITIES] += flows.pensions[:, 0]
        central = int(plan.transfer_in[PROVINCE_ROW] + total(plan.rescue))
        imports = total(market.made.outside_inputs) + total(ledger.flows["investment"][OUTSIDE])
        retail = revenue[:, TRADE].sum(axis=1) + revenue[:, CATERING]
        retail = np.maximum(retail - scaled(self.wholesale, trend), 0)
        return MarketOutcome(
            sales, revenue, market.value_added, retail,
            by_row(market.shopping.outside), imports, market.sold_out, market.guests, income,
            _with_centre(central, outlay[BY_PAYER]), paid, _with_centre(0, deposits),
            _with_centre(0, -ledger.position("bonds", BUDGETS)[BY_PAYER]), _with_centre(0, owed),
            self.state.labour.persons * self.firms.expected**self.rules.employment_response,
            self.firms.price, profit, wages, taxes.contributions, market.rationed, 0,
        )  # fmt: skip


@compiled
def _use_of_capacity(
    real: Array, trend: float, season: Array, output: Array, capacity: Array, chance_peak: Array
) -> tuple[Array, Array]:
    """Output over capacity (15, 12), and the cells' normal output this month."""
    use, normal = np.empty_like(real), np.empty_like(real)
    for k in range(real.shape[0]):
        for j in range(real.shape[1]):
            normal[k, j] = max(trend * season[k, j] * output[k, j], 1.0)
            use[k, j] = real[k, j] / normal[k, j] / (capacity[k, j] * chance_peak[k, j])
    return use, normal


def _with_centre(first: int, rest: Fen) -> Fen:
    """Series by payer: the centre's value, then province and places."""
    return np.concatenate([np.array([first], dtype=np.int64), rest])
