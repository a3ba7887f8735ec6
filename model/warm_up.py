"""The opening state: a population that has lived a year under neutral conditions, and its flows.

The closure of the accounts (`model.opening`) takes an average month of households as given. That
month is measured here: households alone live `numerics.warm_up_months` months with pay, prices and
job chances at base, which also lets purchases and deposits settle. Nothing is random beyond the
households' own draws, so the same parameters, scale and seed give the same opening.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np

from model.agents.household_layout import I64
from model.agents.household_month import HouseholdWorld, MarketView, month_inputs
from model.agents.households import HouseholdBlock, columns_of, household_flows
from model.agents.voucher_batches import pack_batches
from model.compile_ahead import start_compiling, wait_for_kernel
from model.dimensions import CATEGORIES, PLACES, SECTORS
from model.flows import HouseholdFlows
from model.parameters import Parameters
from model.policy.instruments import Instruments
from model.population import Population, synthesise
from model.solvers.consumption import consumption_tables
from model.solvers.consumption_panel import stationary_panel
from model.solvers.durables import prices, replacement_tables, stationary_ages
from model.spending import engel_shares

Status = Callable[[str], None]
KEPT_BELOW = 1_000_000  # households; larger openings are not kept in memory for reuse
WARM_UP_SEED_OFFSET = 0x5EED0000  # the warm-up's draws are not those of the first months


@dataclass(frozen=True)
class Opening:
    """Households at the start of the first month, the average month before it, and their world."""

    households: HouseholdBlock
    flows: HouseholdFlows
    world: HouseholdWorld
    residents: I64  # [place] real households


def growth_rate(parameters: Parameters) -> float:
    """Monthly growth of the trend."""
    months = parameters.number("numerics.months_per_year")
    return float((1.0 + parameters.number("consumption.growth")) ** (1.0 / months) - 1.0)


def opening(parameters: Parameters, scale: int, seed: int, threads: int, status: Status) -> Opening:
    """The opening state at a scale and seed; the caller owns the households it gets."""
    start_compiling()
    estimate = parameters.array("population.households.urban").sum() / scale
    if estimate > KEPT_BELOW:
        return _build(parameters, scale, seed, threads, status)
    kept = _kept(_Key(parameters, scale, seed), threads, status)
    return replace(kept, households=replace(kept.households.copy(), threads=threads))


class _Key:
    """Hashable identity of an opening: content of the parameters, scale, seed."""

    def __init__(self, parameters: Parameters, scale: int, seed: int) -> None:
        self.parameters, self.scale, self.seed = parameters, scale, seed
        self._identity = (parameters.digest(), scale, seed)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._identity == other._identity


@lru_cache(maxsize=4)
def _kept(key: _Key, threads: int, status: Status) -> Opening:
    return _build(key.parameters, key.scale, key.seed, threads, status)


def _build(parameters: Parameters, scale: int, seed: int, threads: int, status: Status) -> Opening:
    status("tables")
    solved = consumption_tables(parameters)
    status("population")
    population = settled_population(parameters, scale, seed, threads)
    block = HouseholdBlock(columns_of(population), population.segments, threads)
    levels = population.levels
    world = HouseholdWorld.build(
        parameters, solved.values, levels, seed + WARM_UP_SEED_OFFSET,
        prices(parameters), 0.0,
    )  # fmt: skip
    status("warm_up")
    wait_for_kernel()
    flows, share = _live_alone(block, world)
    final = HouseholdWorld.build(parameters, solved.values, levels, seed, prices(parameters), share)
    return Opening(block, flows, final, block.households.reshape(len(PLACES), -1).sum(axis=1))


def settled_population(parameters: Parameters, scale: int, seed: int, threads: int) -> Population:
    """The synthetic population with wealth and durables as the solved problems leave them."""
    solved = consumption_tables(parameters)
    wealth = stationary_panel(solved, parameters).liquid_wealth_quantiles
    first = replacement_tables(parameters, [], 1, 1)
    states = stationary_ages(first, parameters).probability
    return synthesise(parameters, scale, seed, wealth, states, workers=threads)


def neutral_market(parameters: Parameters, property_yield: float) -> MarketView:
    """Markets at base: pay, prices and fear 1, base hazards."""
    shape, months = (len(PLACES), len(SECTORS)), parameters.number("numerics.months_per_year")
    separation = np.broadcast_to(parameters.array("labour.separation"), shape)
    one = np.ones(len(PLACES))
    return MarketView(
        pay_index=np.ones((*shape, 2)), perceived_pay=np.ones((*shape, 2)), separation=separation,
        find=one * parameters.number("labour.find"), openings=separation, fear=one,
        prices=np.ones((len(PLACES), len(CATEGORIES))), consumer_price=one,
        unemployment_benefit=parameters.array("labour.unemployment_benefit"),
        property_yield=one * property_yield,
        deposit_rate=parameters.number("government.deposit_rate") / months,
        loan_rate=parameters.number("government.consumer_loan_rate") / months,
    )  # fmt: skip


def _live_alone(block: HouseholdBlock, world: HouseholdWorld) -> tuple[HouseholdFlows, float]:
    """Warm-up months; returns the average flows of them at trend 1, and the housing share."""
    p = world.parameters
    months, growth = int(p.number("numerics.warm_up_months")), growth_rate(p)
    surface = Instruments.neutral(p.array("population.minimum_wage"))
    tables = replacement_tables(p, [], 12, 1)
    batches = pack_batches(surface, p, np.zeros((0, len(PLACES)), np.int64))
    engel = engel_shares(p)
    dividend, collected = 0.0, []
    for month in range(months):
        trend = (1.0 + growth) ** (month - months)
        surface.purchase_row[:] = surface.unaware_row[:] = tables.index[month % 12]
        market = neutral_market(p, dividend)
        inputs = month_inputs(
            world, month, trend, np.ones(2), engel, market, surface, tables, batches
        )
        totals = block.live(inputs)
        flows = household_flows(totals, engel)
        dividend, world = _next_rates(world, flows, growth)
        if month >= months // 2:
            collected.append((trend, flows))
    return _average(collected), world.housing_share


def _next_rates(
    world: HouseholdWorld, flows: HouseholdFlows, growth: float
) -> tuple[float, HouseholdWorld]:
    """Rates of next month: property income keeps its share, committed deposits stay level."""
    share = world.parameters.number("population.property_income_share")
    regular = flows.net_earnings.sum() + flows.other_income.sum() + flows.pensions.sum()
    wanted = regular * share / (1.0 - share) - flows.deposit_interest.sum()
    stock = max(int(flows.committed_balance.sum()), 1)
    outlay = (flows.committed.sum() - flows.committed_withdrawals.sum()) / stock - growth
    mixed = 0.5 * world.housing_share + 0.5 * max(float(outlay), 0.0)
    first = world.housing_share == 0.0
    housing = max(float(outlay), 0.0) if first else mixed
    return max(float(wanted / stock), 0.0), world.with_housing_share(housing)


def _average(collected: list[tuple[float, HouseholdFlows]]) -> HouseholdFlows:
    """Mean of monthly flows net of trend; balances, people and stocks are those of the end."""
    ends = ("employed_persons", "unemployed_persons", "liquid", "committed_balance", "debt")
    last = collected[-1][1]
    values = {}
    for item in fields(HouseholdFlows):
        if item.name in ends:
            values[item.name] = getattr(last, item.name)
        else:
            series = [getattr(flows, item.name) / trend for trend, flows in collected]
            values[item.name] = np.rint(np.mean(series, axis=0)).astype(np.int64)
    return HouseholdFlows(**values)
