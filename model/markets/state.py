"""State of markets: base, memory, opening balance sheet, and what is learned from a month."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.agents.firms import (
    FirmRules,
    FirmState,
    expected_sales,
    next_capacity,
    next_price,
    next_variety,
    unit_cost,
    wage_cost,
)
from model.agents.governments import N_CITIES, Governments
from model.dimensions import PLACES, SECTORS
from model.flows import HouseholdFlows
from model.ledger import BANK, CITIES, FIRMS, FUNDS, HOUSEHOLDS, OUTSIDE, PROVINCE, Fen, Ledger
from model.markets.goods import shares
from model.markets.labour import LabourRules, LabourState, next_wage
from model.markets.outcomes import MarketMonth
from model.opening import EconomyState, fen_a_month, open_accounts
from model.parameters import Parameters
from model.policy.market_surface import MarketSurface
from model.production import input_prices
from model.whole_numbers import by_row, compiled, whole

Array = npt.NDArray[np.float64]
SHAPE = (len(PLACES), len(SECTORS))
BUDGETS = slice(CITIES.start, PROVINCE.stop)


class MarketState:
    """Firms, governments, social funds, bank and outside at their base.

    `opening_flows` is the average month at trend 1 (fen), with balances. Posts the opening balance
    sheet to `ledger`. `growth` is a year's nominal trend (default `consumption.growth`), `scale`
    the households one simulated household stands for.
    """

    def __init__(
        self,
        parameters: Parameters,
        opening_flows: HouseholdFlows,
        ledger: Ledger,
        trend: float = 1.0,
        growth: float | None = None,
        scale: int = 1,
    ) -> None:
        self.ledger = ledger
        self.state: EconomyState = open_accounts(opening_flows, parameters, growth)
        self.rules, self.labour_rules = FirmRules.read(parameters), LabourRules.read(parameters)
        self.governments = Governments.open(parameters, self.state.budgets)
        self.firms, self.surface = FirmState.base(self.rules), MarketSurface()
        self.labour = _opening_labour()
        self._read(parameters)
        self._base_jobs()
        self.overdraft: Fen = np.zeros(FIRMS.stop - FIRMS.start, dtype=np.int64)
        self.season = np.ones(SHAPE)
        self.wholesale = self._wholesale(parameters)
        self.sampling_error = 1.0 / np.sqrt(np.maximum(self.state.labour.persons / scale, 1.0))
        # Sales of a thinly sampled cell jump by chance; that is no demand beyond capacity.
        tolerance = parameters.number("numerics.sampling_tolerance")
        self.chance_peak = 1.0 + tolerance * self.sampling_error
        # So does its wage bill; owners make up for it at the speed of `payout_gain` only.
        self.chance_months = tolerance * self.sampling_error / self.rules.payout_gain
        self.month = 0
        self.shortfall: Fen = np.zeros(N_CITIES + 1, dtype=np.int64)
        self.visitor_factor = 1.0
        self.pay = np.ones((*SHAPE, 2))
        self._shares = shares(self.state.weights, self.firms.price, np.ones(SHAPE), np.ones(SHAPE))
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
        self._constants()

    def _constants(self) -> None:
        """Shares of the base that every month uses."""
        state = self.state
        base = state.labour
        self.labour_cost = base.cost
        self.gross_pay = base.employees * (1.0 + base.wedge)
        self.labour_share = base.cost / np.maximum(state.output, 1.0)
        self.base_profit = np.maximum(state.profit.sum(axis=1), 1.0)
        self.base_dividends = state.dividends.sum(axis=1)
        self.dividend_share = state.dividends / np.maximum(self.base_dividends[:, None], 1.0)
        self.dividend_share[self.base_dividends <= 0] = 1.0 / SHAPE[1]
        spending = state.budgets.spending[:N_CITIES]
        self.place_share = spending / spending.sum()

    def _base_jobs(self) -> None:
        """Base job chances, those of the households' warm-up, and the unemployment they imply.

        Unemployment by place is the province's, spread by expected separations: the average month
        of a small place rests on few sampled households.
        """
        people, unemployed = self.state.labour.persons, self.state.labour.unemployed
        self.separation = np.broadcast_to(self.labour_rules.separation, SHAPE)
        self.base_hires = people * self.separation
        total = np.maximum(self.base_hires.sum(axis=1), 1e-9)
        self.base_find = np.full(SHAPE[0], self.labour_rules.find)
        self.base_unemployed = np.maximum(total * (unemployed.sum() / total.sum()), 1.0)
        self.base_force = people.sum(axis=1) + self.base_unemployed
        self.base_unemployment = self.base_unemployed / self.base_force
        self.jobless: Array = self.base_unemployed
        self.base_vacancies = np.maximum(self.base_hires.sum(axis=1), 1e-9)

    def _wholesale(self, parameters: Parameters) -> Array:
        """Turnover of trade and catering that is not retail (15, fen a month at trend 1).

        Trade cells also sell to firms. That part is what the base turnover has above the retail
        sales of the data; it follows the trend, so every yuan a policy adds counts as retail.
        """
        base = self.state.retail
        target = parameters.array("government.retail").sum() * fen_a_month(parameters)
        rest: Array = base * max(0.0, 1.0 - target / base.sum())
        return rest

    def _open_balances(self, flows: HouseholdFlows, trend: float) -> None:
        """Opening balance sheet: stocks that grow at month's end open one month behind."""
        ledger, state = self.ledger, self.state
        behind = trend / (1.0 + state.growth)
        ledger.open_position("deposits", HOUSEHOLDS, BANK, flows.liquid)
        ledger.open_position("committed_deposits", HOUSEHOLDS, BANK, flows.committed_balance)
        ledger.open_position("consumer_loans", HOUSEHOLDS, BANK, -flows.debt)
        ledger.open_position("deposits", FIRMS, BANK, whole(state.cash * behind).ravel())
        ledger.open_position("firm_loans", FIRMS, BANK, -whole(state.loans * behind).ravel())
        ledger.open_position("deposits", BUDGETS, BANK, whole(state.budgets.cash * trend))
        ledger.open_position("bonds", BUDGETS, BANK, -whole(state.budgets.debt * behind))
        reserve = np.array([round(state.budgets.fund_reserve * trend)])
        ledger.open_position("deposits", FUNDS, BANK, reserve)
        # The bank's assets abroad balance its books, so that its own worth is nil.
        worth = ledger.positions[:, BANK].sum()
        ledger.open_position("deposits", OUTSIDE, BANK, np.array([worth]))

    def _learn(self, trend: float, flows: HouseholdFlows, market: MarketMonth, profit: Fen) -> None:
        """Beliefs, prices, capacity, variety and liquidity for next month (F1-F7, L3)."""
        rules, firms, state = self.rules, self.firms, self.state
        base = state.labour
        force = self._labour_force(flows)
        rise = flows.floor_rise * (1.0 + base.wedge)
        employment, normal, paid = _wage_bills(
            flows.employed_persons, flows.net_earnings, force, base.persons, self.pay,
            self.gross_pay, base.own_account, base.wedge, trend,
        )  # fmt: skip
        firms.employment = employment
        firms.wage_cost = wage_cost(rules, paid, normal, rise)
        firms.expected = expected_sales(rules, firms.expected, market.sales)
        firms.price = self._prices(market.use)
        firms.capacity = next_capacity(rules, firms, self.surface.capacity)
        firms.variety = next_variety(rules, firms, self.surface.entry_ease)
        self._cash_state(trend)
        earned = by_row(profit) / (self.base_profit * trend)
        firms.profit = firms.profit + rules.dividend_gain * (earned - firms.profit)
        self._unemployment(flows, force)

    def _prices(self, use: Array) -> Array:
        state, firms = self.state, self.firms
        local = input_prices(firms.price, state.technology.home_bias, state.supply_share)
        wage = firms.wage_cost * self.labour.wage[:, None]
        cost = unit_cost(
            self.labour_share,
            state.technology.local_inputs,
            state.technology.outside_inputs,
            wage,
            local,
        )
        touched = np.maximum(self.surface.unit_cost, self.rules.cost_limit)
        return next_price(self.rules, firms, cost * touched, use)

    def _cash_state(self, trend: float) -> None:
        self.firms.short_of_cash = _months_short(
            self.firms.short_of_cash, self.labour_cost, trend, self.ledger.deposits(FIRMS),
            self.overdraft, self.credit_months + self.chance_months, self.surface.liquidity,
        )  # fmt: skip

    def _labour_force(self, flows: HouseholdFlows) -> Array:
        """Working people of each place relative to base (15).

        Firms judge their staff per head of the labour force: ageing or chance in the number of
        working households is not read as a shortage or excess of labour.
        """
        active = by_row(flows.employed_persons) + flows.unemployed_persons
        result: Array = np.maximum(active, 1.0) / self.base_force
        return result

    def _unemployment(self, flows: HouseholdFlows, force: Array) -> None:
        labour, people = self.labour, flows.unemployed_persons
        self.jobless = people.astype(float)
        labour.unemployment = people / (self.base_unemployed * force)
        active = np.maximum(by_row(flows.employed_persons) + people, 1)
        labour.unemployment_gap = people / active - self.base_unemployment
        labour.wage = next_wage(self.labour_rules, labour.wage, labour.unemployment_gap)


@compiled
def _wage_bills(
    people: Fen, earnings: Fen, force: Array, persons: Array, pay: Array, gross_pay: Array,
    own_account: Array, wedge: float, trend: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Employment relative to base and labour force; what that work costs at base rates; what it
    cost, taxes on pay included: all (15, 12).
    """
    employment, normal = np.ones(people.shape), np.empty(people.shape)
    paid = np.empty(people.shape)
    for k in range(people.shape[0]):
        for j in range(people.shape[1]):
            if persons[k, j] > 0:
                employment[k, j] = people[k, j] / force[k] / persons[k, j]
            bill = pay[k, j, 0] * gross_pay[k, j] + pay[k, j, 1] * own_account[k, j]
            normal[k, j] = bill * (trend * employment[k, j])
            paid[k, j] = earnings[k, j, 0] * (1 + wedge) + earnings[k, j, 1]
    return employment, normal, paid


@compiled
def _months_short(
    months: Fen, cost: Array, trend: float, deposits: Fen, overdraft: Fen, credit: Array,
    lines: Fen,
) -> Fen:  # fmt: skip
    """Consecutive months (15, 12) in which cash, `credit` (15, 12, months of labour cost) and
    `lines` (15, 12, fen) were less than a month's labour.
    """
    found = np.zeros_like(months)
    for k in range(months.shape[0]):
        for j in range(months.shape[1]):
            at = k * months.shape[1] + j
            due = cost[k, j] * trend
            cash = deposits[at] - overdraft[at] + lines[k, j]
            if cash + credit[k, j] * due < due:
                found[k, j] = months[k, j] + 1
    return found


def _opening_labour() -> LabourState:
    one = np.ones(SHAPE[0])
    return LabourState(one, np.zeros(SHAPE[0]), one, np.ones((*SHAPE, 2)), one)
