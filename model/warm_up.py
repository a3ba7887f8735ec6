"""The opening state: a population that has lived a year under neutral conditions, and its flows.

The closure of the accounts (`model.opening`) takes an average month of households as given. That
month is measured here: households alone live `numerics.warm_up_months` months with pay, prices and
job chances at base, which also lets purchases and deposits settle. Nothing is random beyond the
households' own draws, so the same parameters, scale and seed give the same opening.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import F64, I64
from model.agents.household_month import HouseholdWorld, MarketView, month_inputs
from model.agents.households import HouseholdBlock, columns_of, household_flows
from model.agents.voucher_batches import pack_batches
from model.compile_ahead import start_compiling, wait_for_kernel
from model.dimensions import (
    AGE_GROUPS,
    CATEGORIES,
    GROUPS,
    PLACES,
    QUINTILES,
    RESIDENCES,
    SECTORS,
)
from model.flows import HouseholdFlows
from model.parameters import Parameters
from model.parameters.reuse import Memory
from model.policy.idle import is_idle
from model.policy.instruments import Instruments
from model.population import Population, synthesise
from model.solvers.consumption import consumption_tables
from model.solvers.consumption_panel import stationary_panel
from model.solvers.durables import prices, replacement_tables, stationary_ages
from model.spending import Calendar, engel_shares, season

Status = Callable[[str], None]
KEPT_BELOW = 1_000_000  # households; larger openings are not kept in memory for reuse
ROOM = 4 * KEPT_BELOW  # households of all openings that are kept
LEAST = ROOM // 16  # what an opening counts at least: a sweep's tables take eight values
WARM_UP_SEED_OFFSET = 0x5EED0000  # the warm-up's draws are not those of the first months


@dataclass(frozen=True)
class Opening:
    """Households at the start of the first month, the average month before it, and their world."""

    households: HouseholdBlock
    flows: HouseholdFlows
    world: HouseholdWorld
    residents: I64  # [place] real households
    calendar: Calendar
    counts: dict[str, F64]  # real households and persons by group


def growth_rate(parameters: Parameters) -> float:
    """Monthly growth of the trend."""
    months = parameters.number("numerics.months_per_year")
    return float((1.0 + parameters.number("consumption.growth")) ** (1.0 / months) - 1.0)


def opening(parameters: Parameters, scale: int, seed: int, threads: int, status: Status) -> Opening:
    """The opening state at a scale and seed; the caller owns the households it gets."""
    start_compiling()
    estimate = parameters.array("population.households.urban").sum() / scale
    if estimate > KEPT_BELOW:
        lived = _live(parameters, scale, seed, threads, status, keep=False)
        return _opening(lived, lived.households, parameters, seed)
    lived = _LIVED.get(
        parameters, (scale, seed), lambda read: _live(read, scale, seed, threads, status, keep=True)
    )
    own = replace(lived.households.copy(), threads=threads)
    return _opening(lived, own, parameters, seed)


@dataclass(frozen=True)
class _Lived:
    """What a year under neutral conditions leaves: nothing of it depends on policy."""

    households: HouseholdBlock
    flows: HouseholdFlows
    housing_share: float
    tables: npt.NDArray[np.float32]
    levels: tuple[F64, F64]
    calendar: Calendar
    counts: dict[str, F64]


# Runs of a sweep share people and often their first year. Nobody changes what is kept.
_PEOPLE: Memory[Population] = Memory(ROOM, size=lambda people: max(len(people), LEAST))
_LIVED: Memory[_Lived] = Memory(
    ROOM, ignored=is_idle, size=lambda lived: max(len(lived.households), LEAST)
)


def _opening(
    lived: _Lived, households: HouseholdBlock, parameters: Parameters, seed: int
) -> Opening:
    world = HouseholdWorld.build(
        parameters, lived.tables, lived.levels, seed, prices(parameters), lived.housing_share
    )
    residents = households.households.reshape(len(PLACES), -1).sum(axis=1)
    return Opening(households, lived.flows, world, residents, lived.calendar, lived.counts)


def _live(
    parameters: Parameters, scale: int, seed: int, threads: int, status: Status, keep: bool
) -> _Lived:
    status("tables")
    solved = consumption_tables(parameters)
    status("population")
    people = partial(settled_population, scale=scale, seed=seed, threads=threads)
    population = _PEOPLE.get(parameters, (scale, seed), people) if keep else people(parameters)
    block = HouseholdBlock(columns_of(population), population.segments, threads)
    block = block.copy() if keep else block
    levels = population.levels
    world = HouseholdWorld.build(
        parameters, solved.values, levels, seed + WARM_UP_SEED_OFFSET,
        prices(parameters), 0.0,
    )  # fmt: skip
    status("warm_up")
    wait_for_kernel()
    engel = engel_shares(parameters)
    flows, share = _live_alone(block, world, engel)
    calendar = Calendar(engel, season(parameters))
    return _Lived(block, flows, share, solved.values, levels, calendar, count_people(block))


def count_people(block: HouseholdBlock) -> dict[str, F64]:
    """Real households and persons by place, residence, quintile and age group."""
    shape = (len(PLACES), len(RESIDENCES), QUINTILES, len(AGE_GROUPS))
    homes, people = np.zeros(shape), np.zeros(shape)
    columns = block.columns
    for start, stop, place, residence, weight in block.segments.tolist():
        group, size = columns.group[start:stop], columns.size[start:stop]
        for target, each in ((homes, None), (people, size)):
            counted = np.bincount(group, each, minlength=GROUPS).reshape(shape[2:])
            target[place, residence] += weight * counted
    return {"households": homes, "persons": people}


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


def _live_alone(
    block: HouseholdBlock, world: HouseholdWorld, engel: F64
) -> tuple[HouseholdFlows, float]:
    """Warm-up months; returns the average flows of them at trend 1, and the housing share."""
    p = world.parameters
    months, growth = int(p.number("numerics.warm_up_months")), growth_rate(p)
    surface = Instruments.neutral(p.array("population.minimum_wage"))
    tables = replacement_tables(p, [], 12, 1)
    batches = pack_batches(surface, p, np.zeros((0, len(PLACES)), np.int64))
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
