"""Markets: what firms, governments and the outside do around one month of household decisions.

`plan` sets what households face (pay, jobs, prices, rates), `settle` moves every payment once
households have decided, updates beliefs and prices, and checks the accounts with `==`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.agents.firms import activity_pay, desired_labour, hiring, labour_gap
from model.agents.governments import N_CITIES, PROVINCE_ROW, BudgetPlan
from model.agents.outside import exports, visitors
from model.flows import HouseholdFlows
from model.ledger import BANK, CENTRE, CITIES, FIRMS, FUNDS, HOUSEHOLDS, OUTSIDE, Fen
from model.markets import settlement as post
from model.markets.credit import close_firms
from model.markets.goods import (
    CARE,
    GOODS,
    INDUSTRY,
    SERVICES,
    TO_SECTOR,
    TradeWeights,
    produce,
    ration,
    shares,
    shop,
    split_rows,
)
from model.markets.identities import identities
from model.markets.labour import find_probability, next_fear
from model.markets.outcomes import MarketMonth, MarketOutcome, Plan
from model.markets.payments import PolicyPayment, gather
from model.markets.state import BUDGETS, SHAPE, Array, MarketState
from model.markets.taxes import Taxes, levy
from model.opening import CATERING, TRADE
from model.policy.market_surface import MarketSurface
from model.whole_numbers import by_column, by_row, compiled, scaled, total, whole

__all__ = ["MarketOutcome", "Markets", "Plan", "PolicyPayment"]


BY_PAYER = np.roll(np.arange(N_CITIES + 1), 1)  # province, then places


class Markets(MarketState):
    """Firms, governments, social funds, bank and outside around the households."""

    # -- plan ------------------------------------------------------------------------------

    def plan(
        self, month: int, trend: float, season: Array | None = None,
        surface: MarketSurface | None = None,
    ) -> Plan:  # fmt: skip
        """Set what households face. `month` counts months with January a multiple of 12; `trend` is
        the nominal level relative to opening; `season` (16) are the month's category factors;
        `surface` is what policies touch this month, in `settle` too (default: nothing).
        """
        self.surface = MarketSurface() if surface is None else surface
        self._seasonal(month, season)
        separation, find, openings = self._jobs()
        self.pay = self._pay()
        rules, labour = self.labour_rules, self.labour
        weights = self.state.labour
        labour.perceived_pay = labour.perceived_pay + rules.perceived_pay_gain * (
            self.pay - labour.perceived_pay
        )
        people = weights.persons * self.firms.employment
        labour.fear = next_fear(rules, labour.fear, separation, self.separation, people)
        self._shares = shares(
            self._trade_weights(), self.firms.price, self.surface.appeal, self.firms.variety
        )
        prices = self._shares[2]
        return Plan(
            self.pay, labour.perceived_pay, separation, find, openings, labour.fear, prices,
            (prices * self.price_weights).sum(axis=1), rules.unemployment_benefit * trend,
            self._property_yield(trend), self.deposit_rate, self.loan_rate,
        )  # fmt: skip

    def _seasonal(self, month: int, season: Array | None) -> None:
        """Expected seasonal factor of every cell's output, from base demand (F1)."""
        self.visitor_factor = float(self.visitor_season[month % len(self.visitor_season)])
        kept = self.state.seasons  # shared by all runs with this base
        key = self.visitor_factor, b"" if season is None else season.tobytes()
        if key not in kept:
            kept[key] = self._seasonal_output(season)
        self.season = kept[key]

    def _seasonal_output(self, season: Array | None) -> Array:
        """Output (15, 12) relative to base with this month's visitors and `season`."""
        state = self.state
        extra = state.visitors * (self.visitor_factor - 1.0)
        if season is not None:
            own, other = state.weights.own, state.weights.other
            swing = state.households * (season - 1.0)
            visiting = (swing * other).sum(axis=0) * state.weights.attraction
            extra = extra + (swing * own + visiting) @ TO_SECTOR
        change = (state.solver @ extra.ravel()).reshape(SHAPE)
        found: Array = 1.0 + change / np.maximum(state.output, 1.0)
        return found

    def _trade_weights(self) -> TradeWeights:
        """Where households buy, with what policies add to the pull of the outside."""
        weights, pull = self.state.weights, self.surface.outside_pull
        return weights if (pull == 1.0).all() else replace(weights, outside=weights.outside * pull)

    def _jobs(self) -> tuple[Array, Array, Array]:
        rules, firms, surface = self.labour_rules, self.firms, self.surface
        gap = labour_gap(self.rules, firms, surface.productivity)
        leaving = self.separation * surface.separation
        wanted, layoffs = hiring(
            self.rules, leaving, gap, firms.short_of_cash > 0, self.sampling_error
        )
        openings = wanted * surface.vacancies * firms.employment
        hires = openings * self.state.labour.persons
        vacancies = hires.sum(axis=1) / self.base_vacancies
        find = find_probability(
            rules, self.base_find * surface.matching, vacancies, self.labour.unemployment
        )
        placed = surface.placements * (1.0 - rules.placement_displacement)
        find = np.minimum(find + placed / np.maximum(self.jobless, 1.0), rules.find_limit)
        return np.minimum(leaving + layoffs, 1.0), find, openings

    def _pay(self) -> Array:
        surface = self.surface
        employees, own = activity_pay(self.rules, self.firms, surface.productivity)
        wage = self.labour.wage[:, None]
        pay = np.empty((*SHAPE, 2))
        pay[:, :, 0] = employees * wage * surface.productivity * surface.pay
        pay[:, :, 1] = own * wage * surface.productivity
        return pay

    def _property_yield(self, trend: float) -> Array:
        committed = self.ledger.position("committed_deposits", HOUSEHOLDS)
        payout = max(self.surface.payout + self.surface.payout_moved, 0.0)
        pool = self.base_dividends * trend * np.maximum(self.firms.profit, 0.0) * payout
        result: Array = np.divide(pool, committed, out=np.zeros(SHAPE[0]), where=committed > 0)
        return result

    def co_finance(
        self, match_ratio: Array | float, quota: Array, households: Array, trend: float,
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
        ledger, levers = self.ledger, gather(payments)
        self.month = month
        ledger.open_month()
        bills = post.collect_bills(levers)
        aid = np.append(flows.pensions[:, 0], 0)
        cash, debt = ledger.deposits(BUDGETS).copy(), -ledger.position("bonds", BUDGETS)
        plan = self.governments.plan_month(
            trend, cash, debt, aid + bills.mandatory, bills.programmes
        )
        self.shortfall = self._shortfall(trend, cash, debt, aid, bills, plan)
        tied = bills.tied if tied_sales is None else tied_sales
        market = self._goods(trend, flows, plan, tied, bills.suppliers)
        paid = post.post_policies(ledger, self.governments, levers, plan, self.state.other_work)
        taxes, wages, interest = self._firms_pay(trend, flows, market)
        self._budgets_pay(trend, flows, plan, market, bills, interest)
        profit = market.value_added - wages - taxes.total - interest
        self._close(trend, flows)
        outcome = self._outcome(trend, market, flows, plan, taxes, wages, profit, paid)
        self._learn(trend, flows, market, profit)
        limit = self.governments.debt_limit(trend)
        ledger.verify(identities(ledger, self.governments, market, taxes, wages, interest, limit))
        return outcome

    def _shortfall(
        self, trend: float, cash: Fen, debt: Fen, aid: Fen, bills: post.Bills, plan: BudgetPlan
    ) -> Fen:
        """What each budget (16) cannot pay, or the centre must advance, because of policies."""
        none = np.zeros_like(bills.programmes)
        if plan.programme_ratio.min() >= 1.0 and not plan.lacks.any():
            return none
        bare = self.governments.plan_month(trend, cash, debt, aid - bills.counted, none)
        unpaid = whole(bills.programmes * (1.0 - plan.programme_ratio))
        more: Fen = unpaid + np.maximum(plan.lacks - bare.lacks, 0)
        return more

    def _goods(
        self, trend: float, flows: HouseholdFlows, plan: BudgetPlan, tied: Fen, suppliers: Fen
    ) -> MarketMonth:
        """Final demand, production and rationing (H5, F5)."""
        state, prices = self.state, self.firms.price
        spending = flows.consumption[:, 0] + flows.consumption[:, 1]
        shopping = shop(state.weights, spending, tied, self._shares[0], self._shares[1])
        surface = self.surface
        sold_out = whole(exports(state.exports * surface.export_demand, prices,
                                  self.export_elasticity, trend))  # fmt: skip
        level = trend * self.visitor_factor * surface.visitor_appeal[:, None]
        guests = whole(visitors(state.visitors, prices, self.visitor_elasticity, level))
        guests = guests + surface.visitor_money
        market = MarketMonth(spending, shopping, sold_out, guests)
        self._investment(trend, flows, plan, market)
        market.public = by_column(plan.purchases).reshape(SHAPE) + suppliers
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
        land: Array = np.maximum(state.land_share - self.surface.land_cut, 0.0)
        market.land = whole(flows.housing_investment * land)
        market.housing = flows.housing_investment - market.land
        ratio = self.firms.capacity / self.rules.capacity_headroom
        usual = whole(state.investment * trend * ratio)
        market.firm_investment = np.maximum(usual + self.surface.investment, 0)
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
        post.post_family(ledger, flows)
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
            sales, revenue, market.value_added, retail, self._measured(retail, market, sales),
            by_row(market.shopping.outside), imports, market.sold_out, market.guests, income,
            _with_centre(central, outlay[BY_PAYER]), paid, _with_centre(0, deposits),
            _with_centre(0, -ledger.position("bonds", BUDGETS)[BY_PAYER]), _with_centre(0, owed),
            self.state.labour.persons
            * desired_labour(self.rules, self.firms, self.surface.productivity),
            self.firms.price, profit, wages, taxes.contributions, market.rationed, 0,
        )  # fmt: skip

    def _measured(self, retail: Fen, market: MarketMonth, sales: Fen) -> Fen:
        """Retail sales (15) by the definition in force: what is counted, not what is sold."""
        surface, counted = self.surface, retail
        if surface.service_coverage:
            counted = counted + whole(
                sales[:, SERVICES].sum(axis=1) * float(surface.service_coverage)
            )
        if surface.buyer_location:
            counted = counted + market.shopping.outside[:, GOODS].sum(axis=1)
        return counted


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
