"""One durable's replacement problem: Bellman kernels and its stationary solution.

The equations are in `model.solvers.durables`, which turns the solutions of this file into tables.
Everything is in units of the item's price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from model.dimensions import AGE_LIMIT_MONTHS, ITEM_CATEGORY, ITEMS, NEED_CLOCK_LIMIT
from model.parameters import Parameters

FloatArray = npt.NDArray[np.float64]
WordArray = npt.NDArray[np.uint32]
_WORD = 4294967296.0

AGES = AGE_LIMIT_MONTHS + 1
CLOCKS = NEED_CLOCK_LIMIT + 1
YEAR = 12
_MID_CLOCK = NEED_CLOCK_LIMIT // 2


@dataclass(frozen=True)
class ItemProblem:
    """Ingredients of one item's problem; arrays: service [age], need [age], price [12]."""

    service: FloatArray
    need: FloatArray
    price: FloatArray
    discount: float
    scale: float
    anchor_age: int
    need_anchor_age: int
    discretionary_rate: float
    need_rate: float


@dataclass(frozen=True)
class ItemSolution:
    """Year without policy: value [12, age, clock], F, nu, and value of a fresh unit [12]."""

    problem: ItemProblem
    value: FloatArray
    fixed_cost: float
    need_loss: float
    fresh: FloatArray


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _soft_maximum(keep: float, replace: float, scale: float) -> float:
    """Smooth maximum, scale * log(exp(keep / scale) + exp(replace / scale)) without overflow."""
    gap = (replace - keep) / scale
    if gap > 0.0:
        return float(replace + scale * math.log1p(math.exp(-gap)))
    return float(keep + scale * math.log1p(math.exp(gap)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _keep_value(
    age: int,
    clock: int,
    after: FloatArray,
    service: FloatArray,
    need: FloatArray,
    discount: float,
    need_loss: float,
) -> float:
    """Value of keeping, given next month's values `after` [age, clock]."""
    older = min(age + 1, service.shape[0] - 1)
    if clock == 0:
        ahead = (1.0 - need[age]) * after[older, 0] + need[age] * after[older, 1]
    else:
        ahead = after[older, min(clock + 1, after.shape[1] - 1)]
    return float(service[age] - need_loss * clock / 6.0 + discount * ahead)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _year_given_fresh(
    replace: FloatArray,
    value: FloatArray,
    service: FloatArray,
    need: FloatArray,
    discount: float,
    scale: float,
    need_loss: float,
    tolerance: float,
) -> None:
    """Fill `value` [12, age, clock] when the value of replacing in each month is given.

    Only the oldest age can follow itself, so it alone is iterated (from the values already in
    `value`); every younger age then follows exactly from the next older one.
    """
    months, ages, clocks = value.shape
    change, rounds = tolerance + 1.0, 0
    while change > tolerance and rounds < 20000:
        change = 0.0
        rounds += 1
        for back in range(months):
            month = months - 1 - back
            after = value[(month + 1) % months]
            for clock in range(clocks - 1, -1, -1):
                keep = _keep_value(ages - 1, clock, after, service, need, discount, need_loss)
                new = _soft_maximum(keep, replace[month], scale)
                change = max(change, abs(new - value[month, ages - 1, clock]))
                value[month, ages - 1, clock] = new
    for age in range(ages - 2, -1, -1):
        for month in range(months):
            after = value[(month + 1) % months]
            for clock in range(clocks):
                keep = _keep_value(age, clock, after, service, need, discount, need_loss)
                value[month, age, clock] = _soft_maximum(keep, replace[month], scale)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _month_back(
    after: FloatArray,
    before: FloatArray,
    expected: float,
    actual: float,
    odds: FloatArray,
    service: FloatArray,
    need: FloatArray,
    discount: float,
    scale: float,
    need_loss: float,
) -> None:
    """One month of backward induction.

    `expected` and `actual` are the values of replacing at the price expected for this month
    beforehand and at the price found in it; `before` follows from the first, the purchase
    probabilities `odds` [age, clock] from the second.
    """
    for age in range(before.shape[0]):
        for clock in range(before.shape[1]):
            keep = _keep_value(age, clock, after, service, need, discount, need_loss)
            before[age, clock] = _soft_maximum(keep, expected, scale)
            odds[age, clock] = 1.0 / (1.0 + math.exp((keep - actual) / scale))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def owner_path(
    terminal: FloatArray,
    expected: FloatArray,
    actual: FloatArray,
    recorded: int,
    service: FloatArray,
    need: FloatArray,
    discount: float,
    scale: float,
    fixed_cost: float,
    need_loss: float,
    odds: FloatArray,
    fresh: FloatArray,
) -> None:
    """Backward induction from `terminal` [age, clock], the values after the last month.

    `expected` and `actual` [month] are prices: the first was expected beforehand and enters the
    values, the second is found and decides. Fills `odds` [recorded, age, clock] for the first
    months and `fresh` [month + 1], the value of a unit bought in the month before.
    """
    months = expected.shape[0]
    after, before = terminal.copy(), np.empty_like(terminal)
    scratch = np.empty_like(terminal)
    fresh[months] = after[1, 0]
    for back in range(months):
        month = months - 1 - back
        gain = service[0] - fixed_cost + discount * after[1, 0]
        target = odds[month] if month < recorded else scratch
        _month_back(
            after, before, gain - expected[month], gain - actual[month], target,
            service, need, discount, scale, need_loss,
        )  # fmt: skip
        after, before = before, after
        fresh[month] = after[1, 0]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def entry_path(
    terminal: float,
    replace_expected: FloatArray,
    replace_actual: FloatArray,
    attention: float,
    outside: float,
    discount: float,
    scale: float,
    odds: FloatArray,
) -> float:
    """The same for someone without the item; `odds` [month]; returns the value at the start.

    replace_* [month] are values of buying; `attention` is the probability of thinking of it.
    """
    value = terminal
    for back in range(replace_expected.shape[0]):
        month = replace_expected.shape[0] - 1 - back
        wait = outside + discount * value
        odds[month] = attention / (1.0 + math.exp((wait - replace_actual[month]) / scale))
        best = _soft_maximum(wait, replace_expected[month], scale)
        value = (1.0 - attention) * wait + attention * best
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _entry_year(
    start: float,
    replace: FloatArray,
    attention: float,
    outside: float,
    discount: float,
    scale: float,
    odds: FloatArray,
) -> float:
    """Periodic solution of `entry_path`; returns the value at the start of the year."""
    value = start
    for _ in range(5000):
        new = entry_path(value, replace, replace, attention, outside, discount, scale, odds)
        change = abs(new - value)
        value = new
        if change < 1e-15 * max(1.0, abs(value)):
            break
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _occupancy(
    start: int, odds: FloatArray, need: FloatArray, snapshot: FloatArray, bought: FloatArray
) -> None:
    """Follow one unit bought in calendar month `start` until it is replaced.

    Adds to `snapshot` [12, age, clock] the probability of being in a state at the start of each
    calendar month, and to `bought` [12] that of being replaced in it. `odds` [12, age, clock].
    """
    ages, clocks = odds.shape[1], odds.shape[2]
    mass = np.zeros(clocks)
    mass[0] = 1.0
    month, age = (start + 1) % odds.shape[0], min(1, ages - 1)
    while mass.sum() > 1e-15:
        moved = np.zeros(clocks)
        for clock in range(clocks):
            snapshot[month, age, clock] += mass[clock]
            sold = mass[clock] * odds[month, age, clock]
            bought[month] += sold
            kept = mass[clock] - sold
            if clock == 0:
                moved[0] += kept * (1.0 - need[age])
                moved[1] += kept * need[age]
            else:
                moved[min(clock + 1, clocks - 1)] += kept
        mass = moved
        month, age = (month + 1) % odds.shape[0], min(age + 1, ages - 1)


def unit_history(odds: FloatArray, need: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ergodic states of one owned unit under periodic `odds` [12, age, clock].

    Returns the distribution [12, age, clock] at the start of each calendar month (each sums to
    one) and the share of owners replacing in each calendar month [12]. Exact: purchases of the
    twelve calendar months form a Markov chain, and occupancy adds up over its stationary flow.
    """
    snapshots = np.zeros((YEAR, *odds.shape))
    chain = np.zeros((YEAR, YEAR))
    for start in range(YEAR):
        _occupancy(start, odds, need, snapshots[start], chain[start])
    system = np.vstack([chain.T - np.eye(YEAR), np.ones(YEAR)])
    flow = np.linalg.lstsq(system, np.append(np.zeros(YEAR), 1.0), rcond=None)[0]
    states = np.tensordot(flow, snapshots, axes=1)
    total = float(states[0].sum())
    return states / total, flow / total


def to_words(probability: FloatArray) -> WordArray:
    """Probabilities as 32-bit words: probability * 2^32, saturating at 2^32 - 1."""
    return np.asarray(np.minimum(probability * _WORD, _WORD - 1.0), dtype=np.uint32)


def category_of(item: int) -> str:
    """Category name of an item number, the key of parameters shared within a category."""
    return ITEM_CATEGORY[ITEMS[item]]


def monthly_discount(parameters: Parameters) -> float:
    """Discount factor of one month."""
    return float(parameters.number("durables.discount_per_year") ** (1.0 / YEAR))


def need_hazard(parameters: Parameters, item: int) -> FloatArray:
    """Monthly probability that a need arises, [age], for a unit without one."""
    life = parameters.number(f"durables.{ITEMS[item]}.life_months")
    category = category_of(item)
    wear = parameters.number(f"durables.need_wear.{category}") / life
    base = parameters.number(f"durables.need_base.{category}")
    hazard = base + wear * (np.arange(AGES) / life) ** 3
    ceiling = parameters.number(f"durables.need_ceiling.{category}")
    return np.asarray(np.minimum(hazard, ceiling), dtype=np.float64)


def item_problem(parameters: Parameters, item: int) -> ItemProblem:
    """Assemble the problem of one item. The service s0 is the user cost of a new unit."""
    category, discount = category_of(item), monthly_discount(parameters)
    life = parameters.number(f"durables.{ITEMS[item]}.life_months")
    service = (1.0 - discount) + 1.0 / life
    decay = parameters.number(f"durables.service_decay.{category}") / life
    return ItemProblem(
        service=service * np.exp(-decay * np.arange(AGES)),
        need=need_hazard(parameters, item),
        price=parameters.array(f"durables.promotion_price.{category}"),
        discount=discount,
        scale=parameters.number(f"durables.choice_scale.{category}"),
        anchor_age=min(int(life / 2), AGES - 1),
        need_anchor_age=min(int(life), AGES - 1),
        discretionary_rate=parameters.number(f"durables.discretionary_rate.{category}"),
        need_rate=parameters.number(f"durables.need_rate.{category}"),
    )


def _year(
    problem: ItemProblem, price: FloatArray, fresh: FloatArray, cost: float, loss: float,
    value: FloatArray,
) -> FloatArray:  # fmt: skip
    """Values of replacing [12] given next month's value of a fresh unit; fills `value`."""
    replace = problem.service[0] - price - cost + problem.discount * np.roll(fresh, -1)
    _year_given_fresh(
        replace, value, problem.service, problem.need, problem.discount, problem.scale, loss, 1e-15
    )
    return np.asarray(replace, dtype=np.float64)


def _log_odds(rate: float) -> float:
    return math.log(rate / (1.0 - rate))


def year_odds(
    problem: ItemProblem, value: FloatArray, replace: FloatArray, loss: float
) -> FloatArray:
    """Purchase probabilities [12, age, clock] that go with periodic values."""
    odds, scratch = np.empty_like(value), np.empty_like(value[0])
    for month in range(YEAR):
        _month_back(
            value[(month + 1) % YEAR], scratch, replace[month], replace[month], odds[month],
            problem.service, problem.need, problem.discount, problem.scale, loss,
        )  # fmt: skip
    return odds


def _residual(
    problem: ItemProblem, price: FloatArray, unknown: FloatArray, value: FloatArray
) -> FloatArray:
    """Fixed-point gaps of the fresh value [12], then the two log-odds gaps of the anchors."""
    fresh, cost, loss = unknown[:YEAR], float(unknown[YEAR]), float(unknown[YEAR + 1])
    replace = _year(problem, price, fresh, cost, loss, value)
    gaps = np.empty(YEAR + 2)
    gaps[:YEAR] = value[:, 1, 0] - fresh
    for position, (age, clock, rate) in enumerate(
        (
            (problem.anchor_age, 0, problem.discretionary_rate),
            (problem.need_anchor_age, _MID_CLOCK, problem.need_rate),
        )
    ):
        # V = replace - sigma log P(buy) in every state, so the probability needs no second pass.
        rates = np.exp((replace - value[:, age, clock]) / problem.scale)
        gaps[YEAR + position] = problem.scale * (_log_odds(float(rates.mean())) - _log_odds(rate))
    return gaps


def _newton(
    problem: ItemProblem, price: FloatArray, unknown: FloatArray, free: int
) -> tuple[FloatArray, FloatArray]:
    """Solve the first `free` unknowns and residuals; returns unknowns and values.

    Raises RuntimeError if the iteration does not settle.
    """
    value = np.zeros((YEAR, problem.service.shape[0], CLOCKS))
    slope = np.empty((free, free))
    for attempt in range(60):
        gaps = _residual(problem, price, unknown, value)[:free]
        if np.abs(gaps).max() < 3e-15 * max(1.0, float(np.abs(unknown[:free]).max())):
            return unknown, value
        if np.abs(gaps).max() > 1e-5 or attempt == 0:  # afterwards the slope is good enough
            trial = value.copy()
            for column in range(free):
                moved = unknown.copy()
                moved[column] += 1e-6
                slope[:, column] = (_residual(problem, price, moved, trial)[:free] - gaps) / 1e-6
        step = np.linalg.solve(slope, -gaps)
        unknown = unknown.copy()
        unknown[:free] += step * min(1.0, 1.0 / float(np.abs(step).max()))
        if np.abs(step).max() < 1e-15 * max(1.0, float(np.abs(unknown[:free]).max())):
            break
    gaps = _residual(problem, price, unknown, value)[:free]
    if np.abs(gaps).max() > 1e-12:
        raise RuntimeError(f"durables: no stationary solution, residual {np.abs(gaps).max():.1e}")
    return unknown, value


def solve_item(problem: ItemProblem) -> ItemSolution:
    """Stationary solution of one item, with F and nu inverted from the two purchase rates."""
    start = np.zeros(YEAR + 2)
    start[YEAR] = -problem.scale * _log_odds(problem.discretionary_rate) - 1.0
    start[YEAR + 1] = problem.scale
    unknown, value = _newton(problem, problem.price, start, YEAR + 2)
    return ItemSolution(
        problem, value, float(unknown[YEAR]), float(unknown[YEAR + 1]), unknown[:YEAR].copy()
    )


def solve_at_price(solution: ItemSolution, price: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Stationary values [12, age, clock] and fresh values [12] if `price` [12] held for ever."""
    problem = solution.problem
    start = np.concatenate([solution.fresh, [solution.fixed_cost, solution.need_loss]])
    unknown, value = _newton(problem, price, start, YEAR)
    return value, unknown[:YEAR]


def value_of_buying(solution: ItemSolution, price: FloatArray, fresh: FloatArray) -> FloatArray:
    """Value of buying at `price` when next month's fresh unit is worth `fresh`, same shape."""
    problem = solution.problem
    return np.asarray(
        problem.service[0] - price - solution.fixed_cost + problem.discount * fresh,
        dtype=np.float64,
    )


@dataclass(frozen=True)
class EntrySolution:
    """First purchase without policy: outside flow u0, attention, value in January, odds [12]."""

    outside: float
    attention: float
    value: float
    odds: FloatArray


def entry_year(
    solution: ItemSolution, replace: FloatArray, attention: float, outside: float, start: float
) -> tuple[float, FloatArray]:
    """Periodic first-purchase problem for values of buying `replace` [12]: value, odds [12]."""
    odds = np.empty(YEAR)
    problem = solution.problem
    value = _entry_year(start, replace, attention, outside, problem.discount, problem.scale, odds)
    return value, odds


def solve_entry(solution: ItemSolution, rate: float, conviction: float) -> EntrySolution:
    """Invert the outside flow so that a year without policy has the mean monthly `rate`.

    A first purchase comes to mind with probability rate / conviction (a new household, a licence,
    a move: the counterpart of need) and is made, on average, with probability `conviction`.
    Raises RuntimeError if the inversion fails.
    """
    problem = solution.problem
    attention = rate / conviction
    replace = value_of_buying(solution, problem.price, np.roll(solution.fresh, -1))
    value = float(replace.mean())
    outside = (1.0 - problem.discount) * value
    target, width = _log_odds(conviction), (1.0 - problem.discount) * problem.scale
    if attention <= 0.0:
        return EntrySolution(outside, 0.0, value, np.zeros(YEAR))
    for _ in range(80):
        value, odds = entry_year(solution, replace, attention, outside, value)
        gap = _log_odds(float(odds.mean()) / attention) - target
        if abs(gap) < 1e-11:
            return EntrySolution(outside, attention, value, odds)
        shift = 1e-4 * width
        _, moved = entry_year(solution, replace, attention, outside + shift, value)
        slope = (_log_odds(float(moved.mean()) / attention) - target - gap) / shift
        step = -gap / slope
        outside += math.copysign(min(abs(step), 3.0 * width), step)
    raise RuntimeError("durables: the first-purchase rate could not be matched")
