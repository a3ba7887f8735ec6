"""Firms by place and sector: state arrays (15, 12) and the rules F1-F7, all relative to base.

Every ratio is 1 in the steady baseline: expected sales, employment, pay, prices, variety. Rules are
pure functions of arrays; `FirmState` is only the memory between months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES, SECTORS
from model.parameters import Parameters
from model.whole_numbers import compiled

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SHAPE = (len(PLACES), len(SECTORS))


@dataclass(frozen=True)
class FirmRules:
    """Parameters of the rules, read once from firms.yaml (units there)."""

    expectation_gain: float
    employment_response: float
    pay_limits: Array
    own_account_limits: Array
    hiring_gain: float
    layoff_speed: float
    layoff_threshold: float
    illiquid_layoff_factor: float
    price_speed: Array
    pass_through: Array
    scarcity_power: Array
    comfortable_use: float
    capacity_headroom: float
    capacity_gain: float
    wage_cost_local_weight: float
    dividend_gain: float
    payout_gain: float
    variety_gain: float
    variety_exit: float
    exit_months: float
    variety_limits: Array
    entry_crowding: float
    cost_limit: float

    @classmethod
    def read(cls, parameters: Parameters) -> FirmRules:
        """Read every field from the parameter of the same name under `firms.`."""
        values = {}
        for name, kind in cls.__annotations__.items():
            key = f"firms.{name}"
            values[name] = parameters.number(key) if kind == "float" else parameters.array(key)
        return cls(**values)  # type: ignore[arg-type]


@dataclass
class FirmState:
    """Memory of firms, (15, 12) ratios to base x trend unless said otherwise."""

    expected: Array  # expected real sales, seasonally adjusted (F1)
    employment: Array  # employed persons relative to base
    price: Array  # producer price relative to trend
    capacity: Array  # real capacity relative to base output
    wage_cost: Array  # wage bill per unit of labour relative to trend
    variety: Array  # index of small shops
    profit: Array  # (15,) smoothed profit of a place relative to base
    short_of_cash: npt.NDArray[np.int64]  # consecutive months

    @classmethod
    def base(cls, rules: FirmRules) -> FirmState:
        """State of the steady baseline."""
        one = np.ones(SHAPE)
        return cls(one, one, one, one * rules.capacity_headroom, one, one,
                   np.ones(SHAPE[0]), np.zeros(SHAPE, dtype=np.int64))  # fmt: skip


def expected_sales(rules: FirmRules, expected: Array, sales: Array) -> Array:
    """F1: expected real sales move by a constant gain to seasonally adjusted sales."""
    return expected + rules.expectation_gain * (sales - expected)


def desired_labour(rules: FirmRules, state: FirmState, productivity: Array | float = 1.0) -> Array:
    """Persons wanted relative to base, N* = De^response / productivity (F2)."""
    desired: Array = state.expected**rules.employment_response / productivity
    return desired


def labour_gap(rules: FirmRules, state: FirmState, productivity: Array | float = 1.0) -> Array:
    """Excess (+) or lack (-) of labour relative to what is desired (F2)."""
    return state.employment / desired_labour(rules, state, productivity) - 1.0


def activity_pay(
    rules: FirmRules, state: FirmState, productivity: Array | float = 1.0
) -> tuple[Array, Array]:
    """F2: hours and variable pay of employees, and income of the self-employed, per person and
    unit of productivity.
    """
    per_person = state.expected / np.maximum(state.employment * productivity, 1e-9)
    employees = np.minimum(np.maximum(per_person, rules.pay_limits[0]), rules.pay_limits[1])
    low, high = rules.own_account_limits
    return employees, np.minimum(np.maximum(per_person, low), high)


def hiring(
    rules: FirmRules, separation: Array, gap: Array, short: Flags, sampling: Array | float = 0.0
) -> tuple[Array, Array]:
    """F3: monthly vacancies and layoffs per worker; cells short of cash hire nobody.

    `sampling` (15, 12) is the relative sampling error of a cell's measured staff: a gap within it
    is no reason to lay off, or coarse scales would have more unemployment than fine ones.
    """
    wanted = np.where(short, 0.0, np.maximum(separation - rules.hiring_gain * gap, 0.0))
    layoffs = rules.layoff_speed * np.maximum(gap - rules.layoff_threshold - sampling, 0.0)
    return wanted, np.where(short, rules.illiquid_layoff_factor, 1.0) * layoffs


def wage_cost(
    rules: FirmRules, paid: npt.NDArray[Any], normal: Array, floor_rise: npt.NDArray[Any]
) -> Array:
    """Wage bill relative to what the same work costs at base rates, mostly by sector (12).

    `paid` and `normal` are monthly bills (15, 12). Pooling over places keeps the noise of few
    sampled households in small cells out of prices. What a higher wage floor adds (`floor_rise`,
    part of `paid`) is the cost of the places where it is in force, and of no other.
    """
    pooled: Array = _wage_cost(paid - floor_rise, normal, rules.wage_cost_local_weight)
    own: Array = np.divide(floor_rise, normal, out=np.zeros(SHAPE), where=normal > 0)
    return pooled + own


@compiled
def _wage_cost(paid: Array, normal: Array, local_weight: float) -> Array:
    result = np.empty_like(normal)
    for j in range(normal.shape[1]):
        bill = usual = 0.0
        for k in range(normal.shape[0]):
            bill, usual = bill + paid[k, j], usual + normal[k, j]
        pooled = bill / usual if usual > 0 else 1.0
        for k in range(normal.shape[0]):
            own = paid[k, j] / normal[k, j] if normal[k, j] > 0 else 1.0
            result[k, j] = pooled + local_weight * (own - pooled)
    return result


def unit_cost(
    labour: Array, inputs: Array, outside: Array, wage: Array, input_price: Array
) -> Array:
    """F4: unit cost relative to base: labour (15, 12), local inputs (12, 12), outside (12)."""
    base = labour + (inputs.sum(axis=0) + outside)
    result: Array = (labour * wage + input_price @ inputs + outside) / base
    return result


def next_price(rules: FirmRules, state: FirmState, cost: Array, use: Array) -> Array:
    """F4-F5: price moves to cost-plus with pass-through, times scarcity above comfortable use."""
    scarcity = np.maximum(use / rules.comfortable_use, 1.0) ** rules.scarcity_power
    target = (1.0 + rules.pass_through * (cost - 1.0)) * scarcity
    return state.price + rules.price_speed * (target - state.price)


def next_capacity(rules: FirmRules, state: FirmState, supported: Array | float = 0.0) -> Array:
    """F5: capacity follows expected sales with a lag, plus supported investment (ratio)."""
    wanted = rules.capacity_headroom * state.expected
    return state.capacity + rules.capacity_gain * (wanted - state.capacity) + supported


def next_variety(rules: FirmRules, state: FirmState, entry_ease: Array | float = 1.0) -> Array:
    """F7: small shops enter with expected sales (relative to their number) and exit when short of
    cash for `exit_months`. `entry_ease` 1 is today's cost and permit time of entry; of the shops
    that easier entry adds, `entry_crowding` replace others in the same market.
    """
    room = state.expected * (1.0 + (entry_ease - 1.0) * (1.0 - rules.entry_crowding))
    entry = rules.variety_gain * (room - state.variety)
    leave = np.where(
        state.short_of_cash >= rules.exit_months, rules.variety_exit * state.variety, 0.0
    )
    low, high = rules.variety_limits
    result: Array = np.minimum(np.maximum(state.variety + entry - leave, low), high)
    return result
