"""What all households read in a month: solved tables, parameters and the policy surface, packed.

`HouseholdWorld` holds everything that does not change within a run; `month_inputs` adds the
month's plan of the markets and the policy surface and returns the `Month` of the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from model.agents import household_layout as layout
from model.agents.household_layout import F64, I64, Month, month_of
from model.agents.target_saving import SavingTargets
from model.dimensions import (
    GROUPS,
    ITEM_CATEGORY_INDEX,
    ITEMS,
    PLACES,
    RESIDENCES,
    SCHEMES,
    STAGES,
    WORK_CLASSES,
)
from model.markets.labour import hire_distribution
from model.parameters import Parameters
from model.parameters.reuse import Memory
from model.policy.instruments import Grant, Instruments
from model.population_tables import class_shares, committed_rule, sector_shares
from model.solvers.durables import ReplacementTables
from model.whole_numbers import compiled

ODDS = 2.0**32
_RENEWED_CLASS: Memory[I64] = Memory(4)
WORD16 = 0xFFFF
CELLS = len(PLACES) * len(RESIDENCES)


@lru_cache(maxsize=32)
def shock_points(deviation: float, points: int = layout.SHOCK_POINTS) -> F64:
    """Equiprobable points of a log-normal shock with mean exactly 1 (to rounding)."""
    drawn = np.exp(deviation * ndtri((np.arange(points) + 0.5) / points))
    return np.asarray(drawn / drawn.mean(), dtype=np.float64)


def job_mix(p: Parameters) -> F64:
    """Jobs that sectors offer to a class of work per opening [place, work class, sector].

    Sectors hire classes as they employ them (shares of the population's margins), and fill the
    places of the retired too. Then what a class loses in every sector comes back to that sector.
    """
    shares = sector_shares(p)[:: len(RESIDENCES)]  # the same in town and country
    separation, retirement = p.array("labour.separation"), p.array("consumption.retirement")
    result: F64 = shares * (1.0 + retirement.mean() / separation)
    return result


def odds(probability: npt.ArrayLike) -> I64:
    """Probability as a threshold for a 32-bit draw."""
    return np.asarray(np.floor(np.asarray(probability, dtype=float) * ODDS), dtype=np.int64)


@dataclass(frozen=True)
class HouseholdWorld:
    """The unchanging part of what households read, for one parameter set and seed.

    `item_price` [item, class] yuan; `fixed` holds the fields of `Month` that no month changes.
    """

    parameters: Parameters
    item_price: F64
    fear_factors: F64
    job_mix: F64  # [place, work class, sector]: see `job_mix`
    targets: SavingTargets
    fixed: dict[str, Any]

    @classmethod
    def build(
        cls, parameters: Parameters, policy: npt.NDArray[np.float32],
        levels: tuple[F64, F64], seed: int, item_price: F64, housing_share: float,
    ) -> HouseholdWorld:  # fmt: skip
        """Read everything from a parameter set and solved tables.

        `policy` [fear, residence, stage, patience, cash, income] yuan; `levels`: anchor of
        earnings [place, residence, work class, sector] and mean income of pensioner households
        [cell, scheme], yuan; `housing_share` of committed deposits spent a month.
        """
        fixed = _fixed(parameters, policy, levels, seed, housing_share)
        factors = parameters.array("consumption.fear_factors")
        targets = SavingTargets.of(parameters)
        return cls(parameters, item_price, factors, job_mix(parameters), targets, fixed)

    @property
    def seed(self) -> I64:
        """Low and high word of the seed."""
        return np.asarray(self.fixed["seed"])

    @property
    def housing_share(self) -> float:
        """Share of committed deposits that households spend on housing a month."""
        return float(self.fixed["housing_share"])

    def with_policy(self, policy: npt.NDArray[np.float32]) -> HouseholdWorld:
        """The same world with another consumption policy [fear, residence, ...]."""
        flat = policy.reshape(policy.shape[0], len(RESIDENCES), -1)
        return replace(self, fixed={**self.fixed, "policy": flat})

    def with_housing_share(self, share: float) -> HouseholdWorld:
        """The same world with another housing share."""
        return replace(self, fixed={**self.fixed, "housing_share": share})


@dataclass(frozen=True)
class MarketView:
    """What markets tell households this month (a `Plan` of `model.market` has these fields)."""

    pay_index: F64
    perceived_pay: F64
    separation: F64
    find: F64
    openings: F64  # [place, sector] a month and base job
    fear: F64
    prices: F64  # [place, category]
    consumer_price: F64  # [place]
    unemployment_benefit: F64  # [place] yuan a month
    property_yield: F64
    deposit_rate: float
    loan_rate: float


def fear_position(fear: F64, factors: F64) -> tuple[I64, F64]:
    """Solved level of job fear below the perceived one [place], and the position to the next."""
    clipped = np.minimum(np.maximum(fear, factors[0]), factors[-1])
    below = np.searchsorted(factors, clipped, side="right") - 1
    level = np.minimum(np.maximum(below, 0), factors.size - 2)
    return level.astype(np.int64), (clipped - factors[level]) / (
        factors[level + 1] - factors[level]
    )


def screen(by_age: npt.NDArray[np.uint32], waiting: npt.NDArray[np.uint32]) -> npt.NDArray[Any]:
    """Bounds of a decision about a durable [..., SCREEN_FIELDS] uint16, in 2**-16.

    `by_age` [..., age; last: not owned] and `waiting` [..., clock] are bounds in 2**-32. Coarse
    bounds that rise in steps and along a line let the kernel settle most durables without a table.
    """
    return _coarse((by_age >> 16).astype(np.int64), (waiting >> 16).astype(np.int64))


def _coarse(most: I64, waits: I64) -> npt.NDArray[Any]:
    """`screen` of bounds in 2**-16."""
    steps = np.maximum.reduceat(most, [*layout.SCREEN_AGES, most.shape[-1] - 1], axis=-1)
    clocks = np.arange(waits.shape[-1])
    slope = np.maximum(-((waits[..., 1] - waits[..., -1]) // (clocks[-1] - 1)), 0)
    start = (waits - slope[..., None] * clocks)[..., 1:].max(axis=-1)
    line = np.stack([start, slope], axis=-1)
    line[start + slope * clocks[-1] > WORD16] = WORD16, 0
    line[start < 0] = WORD16, 0
    return np.concatenate([steps, line], axis=-1).astype(np.uint16)


def screen_of(surface: Instruments, tables: ReplacementTables) -> npt.NDArray[np.uint16]:
    """Bounds by place and item, with or without the subsidy known. Shared: not to be changed."""
    rows = surface.purchase_row, surface.unaware_row
    key = rows[0].tobytes() + rows[1].tobytes()
    if key not in tables.screens:
        high = _highest(tables.bound, *rows), _highest(tables.waiting, *rows)
        tables.screens[key] = _coarse(*high)
    return tables.screens[key]


@compiled
def _highest(bound: npt.NDArray[np.uint32], aware: I64, unaware: I64) -> I64:
    """The larger of two rows of `bound` [row, item, age or clock] by place, in 2**-16."""
    found = np.empty((aware.size, *bound.shape[1:]), np.int64)
    for k in range(aware.size):
        known, unknown = bound[aware[k]], bound[unaware[k]]
        for item in range(bound.shape[1]):
            for at in range(bound.shape[2]):
                found[k, item, at] = max(known[item, at], unknown[item, at]) >> 16
    return found


def subsidies(surface: Instruments, item_price: F64) -> I64:
    """Subsidy [place, item, class] in fen: share of the price, capped, none above the ceiling."""
    if not surface.subsidy_rate.any():
        return _no_subsidies(item_price.shape)
    amount = np.minimum(surface.subsidy_rate[:, None] * item_price, surface.subsidy_cap[:, None])
    amount = np.where(item_price <= surface.price_ceiling[:, None], amount, 0.0)
    fen = np.floor(amount * 100.0 + 0.5).astype(np.int64)
    return surface.subsidy_places[:, None, None] * fen[None]


@lru_cache(maxsize=4)
def _no_subsidies(shape: tuple[int, ...]) -> I64:
    return np.zeros((len(PLACES), *shape), np.int64)


def month_inputs(
    world: HouseholdWorld, month: int, trend: float, season: F64, engel: F64,
    market: MarketView, surface: Instruments, tables: ReplacementTables,
    batches: tuple[I64, I64, F64, npt.NDArray[np.float32]],
) -> Month:  # fmt: skip
    """The kernel's `Month`.

    `season` [residence] factor of the non-durable budget; `engel` [residence, node, category]
    this month's budget shares; `batches` as packed by `pack_batches`.
    """
    price_level = trend * market.consumer_price
    level, share = fear_position(market.fear, world.fear_factors)
    category_price = market.prices[:, ITEM_CATEGORY_INDEX]
    price = np.floor(category_price[:, :, None] * world.item_price * trend * 100.0 + 0.5)
    first, fields, rules, baskets = batches
    return month_of(
        {
            **world.fixed,
            "month": month,
            "trend": trend,
            "pay": market.pay_index,
            "perceived_pay": market.perceived_pay,
            "separation": odds(market.separation),
            "find": odds(market.find),
            "hire_cdf": odds(hire_distribution(market.openings, world.job_mix)),
            "benefit": _fen(market.unemployment_benefit * surface.benefit_ratio),
            "property_yield": market.property_yield,
            "deposit_rate": market.deposit_rate,
            "loan_rate": market.loan_rate,
            "real": 1.0 / price_level,
            "nominal": price_level,
            "season": season,
            "fear_level": level,
            "fear_share": share,
            "engel": engel,
            "committed_factor": world.targets.factors(surface.promised),
            "purchase": tables.purchase,
            "first_purchase": tables.first_purchase,
            "need": tables.need,
            "screen": screen_of(surface, tables),
            "item_price": np.ascontiguousarray(price, dtype=np.int64),
            "subsidy": subsidies(surface, world.item_price * trend),
            "batch_first": first,
            "batch": fields,
            "batch_rule": rules,
            "basket": baskets,
            **_of_surface(surface),
            **_terms(world.fixed, surface),
            **pack_grants(surface.grants),
        }
    )


def _fen(yuan: F64) -> I64:
    return np.floor(yuan * 100.0 + 0.5).astype(np.int64)


def _terms(fixed: dict[str, Any], surface: Instruments) -> dict[str, Any]:
    """Terms of credit, housing outlays and awareness: those in force, changed by the surface."""
    to_value = np.clip(fixed["loan_to_value"] + surface.loan_to_value, 0.0, 1.0)
    aware = np.minimum(fixed["awareness"] * surface.awareness, 1.0)
    return {
        "loan_to_value": to_value,
        "loan_term": np.maximum(fixed["loan_term"] + surface.loan_term, 1.0),
        "instalment_cap": np.maximum(fixed["instalment_cap"] + surface.instalment_cap, 0.0),
        "loan_interest": surface.loan_interest,
        "housing_share": np.minimum(fixed["housing_share"] * surface.housing_ratio, 1.0),
        "awareness": (aware * 65536).astype(np.int64),
        "medical_share": surface.medical_share,
        "allowance_ratio": surface.allowance_ratio,
        "benefit_cover": odds(surface.benefit_cover),
    }


@lru_cache(maxsize=1)
def _no_grants() -> dict[str, Any]:
    return _packed([])


def pack_grants(grants: Sequence[Grant]) -> dict[str, Any]:
    """The fields of `household_layout.Grants`. Shared if there are none: not to be changed."""
    return _packed(grants) if grants else _no_grants()


def _packed(grants: Sequence[Grant]) -> dict[str, Any]:
    count = max(len(grants), 1)
    fields = np.zeros((count, layout.GRANT_FIELDS), np.int64)
    reach = np.zeros((count, CELLS, GROUPS, len(STAGES)), np.int64)
    for slot, grant in enumerate(grants):
        fields[slot, layout.G_SALT] = layout.MARK_SALT + grant.mark
        fields[slot, layout.G_REDRAWN] = int(grant.redrawn)
        fields[slot, layout.G_ACTION] = layout.GRANT_ACTIONS.index(grant.action)
        fields[slot, layout.G_AMOUNT] = grant.amount
        fields[slot, layout.G_REGULAR] = grant.regular
        fields[slot, layout.G_CATEGORY] = grant.category
        reach[slot] = grant.reach
    displaced = np.array([grant.displaced for grant in grants] or [0.0])
    return {
        "grant_count": len(grants),
        "grant": fields,
        "grant_displaced": displaced,
        "grant_reach": reach,
        "grant_most": reach.max(axis=(2, 3)),
    }


def _of_surface(surface: Instruments) -> dict[str, Any]:
    """The fields of the month that are the policy surface itself."""
    return {
        "floor": surface.wage_floor,
        "base_floor": surface.base_wage_floor,
        "floor_log_rise": np.log(surface.wage_floor / surface.base_wage_floor),
        "floor_enforced": surface.floor_enforced,
        "pension_rate": surface.pension_rate,
        "pension_fixed": surface.pension_fixed,
        "pension_recognised": surface.pension_recognised,
        "arrears_rate": surface.arrears_rate,
        "arrears_fixed": surface.arrears_fixed,
        "has_transfer": int(surface.has_transfer),
        "transfer": surface.transfer,
        "durable_row": surface.purchase_row,
        "unaware_row": surface.unaware_row,
        "gate": int(surface.subsidy_gate * 65536),
        "instant": int(surface.subsidy_instant),
        "claim_lag": surface.reimbursement_lag,
        "claims_open": int(surface.claims_open),
    }


def _fixed(
    p: Parameters,
    policy: npt.NDArray[np.float32],
    levels: tuple[F64, F64],
    seed: int,
    housing_share: float,
) -> dict[str, Any]:
    """The fields of the month that do not change within a run."""
    monthly = p.number("consumption.permanent_deviation") / np.sqrt(
        p.number("numerics.months_per_year")
    )
    return {
        "seed": np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.int64),
        "policy": policy.reshape(policy.shape[0], len(RESIDENCES), -1),
        "anchor": levels[0].reshape(CELLS, *levels[0].shape[-2:]),
        "pensioner_income": levels[1],
        "shock_permanent": shock_points(float(monthly)),
        "shock_transitory": np.stack(
            [shock_points(float(d)) for d in p.array("consumption.transitory_deviation")]
        ),
        "housing_share": housing_share,
        **_working_life(p),
        **_paying(p),
        **_family(p),
    }


def _working_life(p: Parameters) -> dict[str, Any]:
    """Hazards, careers, wage setting, living allowance and medical bills."""
    shares = np.cumsum(p.array("households.beliefs.working_age_shares"))
    bands = p.array("households.pensions.age_bands")
    return {
        "reversion": p.number("consumption.reversion"),
        "retirement": odds(p.array("consumption.retirement")),
        "generation": odds(p.array("consumption.succession")),
        "renewed_age": p.array("households.beliefs.working_ages").astype(np.int64),
        "retired_age": int(p.number("households.beliefs.retired_age")),
        "pension_middle_age": int(bands[0]),
        "pension_old_age": int(bands[1]),
        "working_ages": (shares * 65536).astype(np.int64),
        "renewed_class": _RENEWED_CLASS.get(p, None, _renewed_class),
        "retirement_ratio": p.array("consumption.replacement"),
        "pension_part": p.array("households.pensions.part_of_income"),
        "usual_share": committed_rule(p)[0],
        "plan_gain": p.number("households.saving_plan.adjustment"),
        "wage_wedge": p.number("population.wage_wedge"),
        "ripple": p.number("households.minimum_wage.ripple"),
        "ripple_range": p.number("households.minimum_wage.ripple_range"),
        "informal_following": p.number("households.minimum_wage.informal_following"),
        "job_hazard": int(odds(p.number("households.minimum_wage.job_hazard"))),
        "markdown_unit": p.number("households.minimum_wage.markdown_limit") / 255.0,
        "unemployed_share": p.number("consumption.unemployment_income_share"),
        "medical_hazard": odds(p.array("consumption.medical_probability")),
        "medical_size": p.number("consumption.medical_size")
        * p.number("consumption.out_of_pocket"),
        "income_floor": np.rint(p.array("consumption.income_floor") * 100.0).astype(np.int64),
    }


def _renewed_class(p: Parameters) -> I64:
    """Cumulative odds of the work class that follows a pensioner household [cell, scheme, 5].

    Classes retire into a scheme (in towns all but farmers into that of employees, in the country
    covered workers only) and pensioners of the scheme hand over to the same classes. Where the
    base has more pensioners of a scheme than its classes explain, the rest goes to the others, so
    that the mix of work does not drift.
    """
    found = np.zeros((CELLS, len(SCHEMES), len(WORK_CLASSES)))
    for cell, shares in enumerate(class_shares(p)):
        residence = cell % len(RESIDENCES)
        urban = RESIDENCES[residence] == "urban"
        own = np.array([0, 1, 1, 1, 0]) if urban else np.array([0, 1, 0, 0, 0])
        employee = float(p.array("population.employee_scheme_share")[residence])
        for scheme, members, weight in ((1, own, employee), (2, 1 - own, 1.0 - employee)):
            inside = min(float((shares * members).sum()) / weight, 1.0)
            odds_of = inside * shares * members / (shares * members).sum()
            odds_of += (1.0 - inside) * shares * (1 - members) / (shares * (1 - members)).sum()
            found[cell, scheme] = np.cumsum(odds_of)
    return np.asarray(np.rint(found * 65536), dtype=np.int64)


def _family(p: Parameters) -> dict[str, Any]:
    """How children support elders; their income is that of several households together."""
    name = "households.family"
    children, deviation = p.array(f"{name}.children"), p.array(f"{name}.income_deviation")
    together = [n * shock_points(float(d)) for n, d in zip(children, deviation, strict=True)]
    return {
        "altruism": p.number(f"{name}.altruism"),
        "children_income": np.stack(together),
        "elder_age": int(p.number("households.beliefs.retired_age")),
        "income_effect": p.number("households.elders_work.income_effect"),
        "elder_worker": odds(p.array("households.elders_work.elder_share")),
        "work_share": p.array("households.elders_work.pay_share"),
    }


def _paying(p: Parameters) -> dict[str, Any]:
    """How durables are paid for, who knows of subsidies, how fast stocks are used."""
    pay = "households.pay_for_durables"
    required = [bool(p[f"durables.{item}.old_unit_required"]) for item in ITEMS]
    return {
        "committed_first": p.array(f"{pay}.committed_first").astype(np.int64),
        "cheaper_if_short": p.array("durables.cheaper_if_short").astype(np.int64),
        "loan_to_value": p.array(f"{pay}.loan_to_value"),
        "loan_term": p.array(f"{pay}.loan_term_months"),
        "instalment_cap": p.number(f"{pay}.instalment_cap"),
        "cash_buffer": p.number(f"{pay}.cash_buffer"),
        "awareness": p.array("households.trade_in.awareness"),
        "old_required": np.array(required, dtype=np.int64),
        "stock_release": p.number("households.vouchers.stock_release"),
    }
