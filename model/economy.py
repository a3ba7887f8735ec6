"""The province as a Mesa model. `stages()` is the month read aloud; only it decides the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mesa
import numpy as np

from model.agents.household_layout import (
    C_REDEEMED,
    I64,
    VOUCHER_COUNTERS,
    VOUCHER_SLOTS,
)  # fmt: skip
from model.agents.household_month import MarketView, month_inputs
from model.agents.households import household_flows
from model.agents.views import household_set, register_agents, register_panel
from model.agents.voucher_batches import pack_batches
from model.dimensions import CATEGORIES, PLACES
from model.history import History
from model.ledger import CITIES, HOUSEHOLDS, PROVINCE, Ledger, LedgerError
from model.markets.month import Markets
from model.outcome import BEARERS, Outcome
from model.policy.beliefs import Beliefs
from model.policy.instruments import Instruments
from model.policy.levers import build_levers
from model.policy.levers.base import F64, Opening, Setting, by_place
from model.policy.outlook import Outlook
from model.recorder import Recorder
from model.scenario import Scenario
from model.shortfall import check_budgets
from model.spending import at_effective_prices, retail_uplift
from model.warm_up import growth_rate, opening

Progress = Callable[[int, int], None]
Status = Callable[[str], None]


def _silent(_: str) -> None:
    """No listener."""


class Economy(mesa.Model):  # type: ignore[misc]
    """Households, firms, governments and their accounts under one scenario.

    `lean` records totals only. `threads` changes speed, never a bit of the result. `status` is
    told which preparation is under way. Raises LedgerError from `step` if an identity fails, and
    BudgetError if a budget cannot pay for its policies and the scenario says `shortfall: fail`.
    """

    def __init__(
        self, scenario: Scenario, seed: int | None = None, lean: bool = False, threads: int = 2,
        status: Status = _silent,
    ) -> None:  # fmt: skip
        self.seed = scenario.seed if seed is None else seed
        super().__init__(rng=self.seed)
        # Mesa 3.5 keeps a `scenario` of its own kind on every model, hence the longer name.
        self.policy_scenario, self.parameters = scenario, scenario.parameter_set()
        p, self.month = self.parameters, 0
        start = opening(p, scenario.scale, self.seed, threads, status)
        self.household_block, self.world = start.households, start.world
        self.residents = start.residents
        status("accounts")
        self.growth = growth_rate(p)
        months = p.number("numerics.months_per_year")
        self.ledger = Ledger()
        annual = float((1.0 + self.growth) ** months - 1.0)
        self.markets = Markets(p, start.flows, self.ledger, growth=annual, scale=scenario.scale)
        self.levers, self.opening = build_levers(scenario), _opening(self.markets)
        first = int(scenario.start[5:7])
        self.outlook = Outlook(p, self.levers, scenario.months, first, self.world.item_price)
        self.beliefs = Beliefs(p, self.levers)
        self._calendar = start.calendar
        self._substitution = p.number("spending.category_substitution")
        self._floor = p.array("population.minimum_wage")
        block = self.household_block
        self.households = household_set(self, block.columns, block.segments, self.seed)
        if not lean:
            register_agents(self, self.markets)
            register_panel(self, self.households, int(p.number("numerics.watched_households")))
        self._recorder = Recorder([lever.name for lever in self.levers], lean, retail_uplift(p))
        self._counts, self.history = start.counts, History(p)

    # -- the month -------------------------------------------------------------------------

    def step(self) -> None:
        """One month of the province."""
        for _ in self.stages():
            pass

    def stages(self) -> Iterator[None]:
        """The month, with a rest before and after households: others can take turns with it."""
        self._read_calendar()
        self._set_policies()
        self._plan_markets()
        self._issue_vouchers()
        yield
        self._live_households()
        yield
        self._bill_policies()
        self._settle_markets()
        self._record()
        self.month += 1

    def _read_calendar(self) -> None:
        """Trend level, season and this month's budget shares."""
        year, self.calendar_month = (
            int(part) for part in self.policy_scenario.month_at(self.month).split("-")
        )
        self.trend = (1.0 + self.growth) ** self.month
        total, self.season_category, engel = self._calendar.month(year, self.calendar_month)
        self.conditions = self.history.at(self.policy_scenario.month_at(self.month))
        self.season_total, self.engel = self.history.budget(self.conditions, total, engel)

    def _set_policies(self) -> None:
        """Every lever writes its part of the policy surface."""
        self.surface = Instruments.neutral(self._floor)
        self.setting = Setting(
            self.parameters, self.month, self.trend, self.residents, self, self.calendar_month,
            self.opening,
        )  # fmt: skip
        self._begun = [lever for lever in self.levers if lever.begins <= self.month]
        for lever in self._begun:
            lever.act(self.setting, self.surface)
        self.history.outside(self.conditions, self.surface.markets)
        self.engel = at_effective_prices(
            self.engel, self.surface.effective_price, self._substitution
        )
        self.surface.purchase_row = self.outlook.rows(self.month)
        self.surface.unaware_row = self.outlook.unaware_rows(self.month)

    def _plan_markets(self) -> None:
        """Firms set pay, prices and jobs; the bank its rates."""
        month = self.month + int(self.policy_scenario.start[5:7]) - 1
        touched = self.surface.markets
        self.plan = self.markets.plan(month, self.trend, self.season_category, touched)

    def _issue_vouchers(self) -> None:
        """Applicants race for vouchers; issue stops at the money."""
        batches = self.surface.batches
        cuts = self.household_block.race(batches, self.month, self.world.seed)
        self._batches = pack_batches(self.surface, self.parameters, cuts)

    def _live_households(self) -> None:
        """Every household lives its month."""
        plan = self.plan
        view = MarketView(
            plan.pay_index, plan.perceived_pay, plan.separation,
            plan.find, plan.openings, plan.fear, plan.prices, plan.consumer_price,
            plan.unemployment_benefit, plan.property_yield, plan.deposit_rate, plan.loan_rate,
        )  # fmt: skip
        world = self.beliefs.world(self.world, self.surface.protection)
        inputs = month_inputs(
            world, self.month, self.trend, self.season_total, self.engel, view, self.surface,
            self.history.tables(self.conditions, self.outlook.tables), self._batches,
        )  # fmt: skip
        self.totals = self.household_block.live(inputs)
        self.flows = household_flows(self.totals, self.engel)
        self.flows.voucher_redeemed = self._redeemed()

    def _redeemed(self) -> I64:
        counters = by_place(self.totals, "vouchers")
        by_slot = counters.reshape(len(PLACES), VOUCHER_SLOTS, len(VOUCHER_COUNTERS))
        found = np.zeros((len(PLACES), len(CATEGORIES)), dtype=np.int64)
        for slot, batch in enumerate(self.surface.batches):
            found[:, batch.category] += by_slot[:, slot, C_REDEEMED]
        return found

    def _bill_policies(self) -> None:
        """Levers say who pays; a programme whose money is spent is known to have ended."""
        self.payments = [
            due for lever in self._begun for due in lever.bill(self.setting, self.totals)
        ]
        self.outlook.learn(self.month)

    def _settle_markets(self) -> None:
        """Every payment is posted and every identity checked; households' books must agree."""
        self.market = self.markets.settle(self.month, self.trend, self.flows, self.payments)
        if self.policy_scenario.header.shortfall == "fail":
            check_budgets(self.markets.shortfall, self.policy_scenario.month_at(self.month))
        for instrument, held in (
            ("deposits", self.flows.liquid),
            ("committed_deposits", self.flows.committed_balance),
            ("consumer_loans", -self.flows.debt),
        ):
            gap = self.ledger.position(instrument, HOUSEHOLDS) - held
            if gap.any():
                worst = int(np.abs(gap).argmax())
                account = f"households:{PLACES[worst]}"
                raise LedgerError(f"{account}: {instrument} differ by {gap[worst]} fen")

    def _record(self) -> None:
        direct = self._direct_costs()
        self._recorder.record(self.totals, self.flows, self.engel, self.plan, self.market, direct)

    def _direct_costs(self) -> dict[str, I64]:
        """What firms and households bear outside any budget [firms, households], by lever, fen."""
        found: dict[str, I64] = {}
        for lever in self._begun:
            costs = lever.direct_costs(self.totals)
            if any(costs):
                found[lever.name] = np.array(costs, np.int64)
        for due in self.payments:
            if due.payer in BEARERS:
                borne = found.setdefault(due.lever, np.zeros(len(BEARERS), np.int64))
                borne[BEARERS.index(due.payer)] += due.total
        return found

    # -- what levers may ask ---------------------------------------------------------------

    def co_finance(
        self, match_ratio: F64 | float, quota: F64, households: F64, trend: float
    ) -> tuple[F64, F64]:
        """Own and provincial programme money [place], yuan: the cities' decision this month."""
        cash = self.ledger.deposits(slice(CITIES.start, PROVINCE.stop))
        debt = -self.ledger.position("bonds", slice(CITIES.start, PROVINCE.stop))
        return self.markets.governments.co_finance(
            match_ratio, quota, households, trend, cash, debt
        )

    # -- running ---------------------------------------------------------------------------

    def run(self, progress: Progress | None = None) -> Outcome:
        """Every month of the scenario."""
        for done in range(self.month + 1, self.policy_scenario.months + 1):
            self.step()
            if progress is not None:
                progress(done, self.policy_scenario.months)
        return self.outcome()

    def outcome(self) -> Outcome:
        """What has been recorded so far."""
        months = self.policy_scenario.month_labels()[: self.month]
        return self._recorder.outcome(months, self._meta(), self._counts)

    def _meta(self) -> dict[str, Any]:
        return {
            "seed": self.seed, "scale": self.policy_scenario.scale,
            "households": len(self.household_block),
            "labels": {"lever": [lever.name for lever in self.levers]},
            "lever_kinds": {n: s.lever for n, s in self.policy_scenario.policies.items()},
        }  # fmt: skip


def _opening(markets: Markets) -> Opening:
    """What levers may know of the average month at the opening."""
    state, labour = markets.state, markets.state.labour
    bought = state.budgets.purchases.sum(axis=0).reshape(state.output.shape)
    return Opening(
        state.output, labour.cost, labour.employees, state.visitors, state.loans, bought,
        state.dividends, labour.persons, markets.base_unemployed,
    )  # fmt: skip
