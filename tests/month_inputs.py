"""Synthetic households and month inputs: every rule of a household reachable, nothing solved.

For tests of the kernel against its readable twin. Values are plausible in size and made up;
draws are counter-based, so the same arguments always give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from model.agents import household_layout as layout
from model.agents.household_layout import Columns, Month, month_of
from model.agents.household_month import screen
from model.dimensions import AGE_GROUPS, GROUPS, NOT_OWNED, PLACES, STAGES
from model.policy.instruments import TRANSFER_KINDS
from model.solvers.grids import CASH_GRID, INCOME_GRID
from model.streams import uniforms

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
CELLS = 2 * len(PLACES)
AGES, CLOCKS, CLASSES = 240, 13, layout.INCOME_CLASSES
ITEMS, SECTORS, CATEGORIES = layout.N_ITEMS, layout.J, layout.N_CATEGORIES
TWO32 = 1 << 32
_PURPOSE = 99
_OWNED_SHARE = (0.95, 0.95, 0.5, 0.95, 0.5, 0.98, 0.8, 0.4)
_CAR_PRICE, _ITEM_PRICE = 9_000_000, 300_000


@dataclass(frozen=True)
class Policy:
    """What a month differs by. Money in fen, rises as shares; the default is no policy."""

    floor: float = 1.0  # minimum wage relative to base
    voucher_batches: int = 0  # a place
    threshold: int = 10_000
    face: int = 3_000
    vouchers_each: int = 2
    needs_phone: int = 1
    displaced: float = 0.5
    subsidy_share: float = 0.0
    instant: int = 1
    claim_lag: int = 2
    transfer_once: int = 0
    transfer_person: int = 0
    transfer_standing: int = 0
    transfer_standing_person: int = 0
    transfer_child: int = 0
    transfer_standing_child: int = 0
    pension_rise: float = 0.0
    grants: int = 0  # kinds of households and actions take turns
    grant_amount: int = 30_000
    grant_reach: float = 0.3
    medical_share: float = 1.0
    benefit_cover: float = 0.0
    allowance_ratio: float = 1.0
    loan_interest: float = 1.0
    loan_to_value: float = 0.0  # beyond the usual
    housing_ratio: float = 1.0
    committed_ratio: float = 1.0  # less of the young and of every other cell


class Draws:
    """A sequence of uniform columns [n] from counters 0, 1, 2 ... of one seed."""

    def __init__(self, seed: int, length: int) -> None:
        self.seed, self.rows, self.block = seed, np.arange(length), -1

    def uniform(self) -> F64:
        self.block += 1
        return uniforms(self.seed, _PURPOSE, self.rows, block=self.block)[0]

    def chance(self, share: float) -> npt.NDArray[np.bool_]:
        return self.uniform() < share

    def whole(self, low: int, high: int) -> I64:
        """Integers low..high - 1."""
        return (low + self.uniform() * (high - low)).astype(np.int64)

    def lognormal(self, log_median: float, spread: float) -> F64:
        return np.exp(log_median + spread * ndtri(self.uniform()))

    def pick(self, values: list[int], shares: list[float]) -> I64:
        return np.array(values)[np.searchsorted(np.cumsum(shares)[:-1], self.uniform())]


def columns(count: int, seed: int = 1) -> Columns:
    """State of `count` households at the start."""
    d = Draws(seed, count)
    stage = d.pick([0, 1, 2], [0.58, 0.05, 0.37])
    retired = stage == 2
    earnings = d.lognormal(8.7, 0.7)
    liquid = (d.lognormal(9.5, 1.5) * 100).astype(np.int64)
    owing = d.chance(0.2)
    u8 = lambda values: np.asarray(values).astype(np.uint8)  # noqa: E731
    return Columns(
        stage=u8(stage),
        patience=u8(d.pick([0, 1, 2, 3], [0.32, 0.18, 0.18, 0.32])),
        sector=u8(d.whole(0, SECTORS)),
        work_class=u8(np.where(retired, 0, d.pick([1, 2, 3, 4], [0.5, 0.2, 0.15, 0.15]))),
        earners=u8(d.whole(1, 3)),
        scheme=u8(np.where(retired, d.whole(1, 3), 0)),
        pensioners=u8(np.where(retired, d.whole(1, 3), 0)),
        size=u8(d.whole(1, 5)),
        children=u8(np.arange(count) * 7 % 3),
        age=u8(np.where(retired, d.whole(60, 90), d.whole(22, 60))),
        group=u8(d.whole(0, GROUPS)),
        digital=u8(d.whole(0, 256)),
        markdown=u8(d.whole(0, 256)),
        thrift=u8(d.whole(0, 256)),
        earnings=np.where(retired, earnings * 0.15, earnings),
        pension=np.where(retired, earnings * 0.6, 0.0),
        plan_income=earnings * np.where(d.chance(0.2), 1.4, 0.7),
        liquid=liquid,
        committed=liquid * 3,
        debt=np.where(owing, 500_000, 0),
        instalment=np.where(owing, 20_000, 0),
        durable=_durables(d),
        stock=np.tile(np.where(d.chance(0.1), d.whole(0, 20_000), 0), (2, 1)).astype(np.int32),
        stock_category=u8(d.whole(0, CATEGORIES)),
        claim=np.zeros(count, np.int32),
        claim_due=np.zeros(count, np.uint8),
        spending=np.zeros(count, np.int64),
        income=np.zeros(count, np.int64),
        support=np.zeros(count, np.int64),
        resting=np.zeros(count, np.uint8),
    )


def _durables(d: Draws) -> npt.NDArray[np.uint16]:
    rows = []
    for share in _OWNED_SHARE:
        clock = np.where(d.chance(0.1), d.whole(1, CLOCKS), 0)
        rows.append(np.where(d.chance(share), d.whole(0, AGES) * 16 + clock, NOT_OWNED))
    return np.array(rows).astype(np.uint16)


def segments(count: int, places: int = len(PLACES)) -> I64:
    """Rows spread over places and residences [k, 5], two weights in every cell."""
    cells = 2 * places
    edges = np.linspace(0, count, 2 * cells + 1).astype(int)
    return np.array(
        [(edges[k], edges[k + 1], k // 4, k // 2 % 2, 11 - k % 2) for k in range(2 * cells)
         if edges[k + 1] > edges[k]], dtype=np.int64,
    )  # fmt: skip


def chunks(parts: I64, size: int) -> I64:
    """Work list of the kernel [(start, stop, place, residence, weight, cell start)]."""
    found = []
    for start, stop, place, residence, weight in parts.tolist():
        same = (parts[:, 2] == place) & (parts[:, 3] == residence)
        cell_start = int(parts[same, 0].min())
        for low in range(start, stop, size):
            found.append((low, min(low + size, stop), place, residence, weight, cell_start))
    return np.array(found, dtype=np.int64)


def whole_segments(parts: I64) -> I64:
    """Segments that a work list of the kernel was cut from."""
    found: list[list[int]] = []
    for start, stop, place, residence, weight, _ in parts.tolist():
        if found and found[-1][2:] == [place, residence, weight]:
            found[-1][1] = stop
        else:
            found.append([start, stop, place, residence, weight])
    return np.array(found, dtype=np.int64)


def month(number: int, policy: Policy, seed: tuple[int, int] = (1, 0)) -> Month:
    """Inputs of one month; hazards are high, so that few households meet every rule."""
    values = {
        "seed": np.array(seed),
        "month": number,
        "trend": 1.004**number,
        "has_transfer": int(any(_transfers(policy))),
        "claims_open": int(policy.subsidy_share > 0 and not policy.instant),
        "season": np.array([0.97, 1.04]),
    }
    values |= _income_inputs(policy) | _pension_inputs(policy) | _spending_inputs(number)
    values |= _durable_inputs(policy) | _voucher_inputs(policy) | _grant_inputs(policy)
    return month_of(values | _programme_inputs(policy))


def _unit_mean_shocks(spread: float) -> F64:
    rank = (np.arange(layout.SHOCK_POINTS) + 0.5) / layout.SHOCK_POINTS
    shocks = np.exp(spread * ndtri(rank))
    return np.asarray(shocks / shocks.mean())


def _income_inputs(policy: Policy) -> dict[str, object]:
    grid = np.arange(len(PLACES) * SECTORS * 2).reshape(len(PLACES), SECTORS, 2)
    hires = np.cumsum(np.full(SECTORS, 1 / SECTORS)) * TWO32
    return {
        "shock_permanent": _unit_mean_shocks(0.0408),
        "shock_transitory": np.stack([_unit_mean_shocks(0.3), _unit_mean_shocks(0.15)]),
        "reversion": 0.0014,
        "anchor": np.full((CELLS, 5, SECTORS), 6000.0),
        "pay": 0.9 + 0.2 * (grid % 7) / 7,
        "perceived_pay": 0.95 + 0.1 * (grid % 5) / 5,
        "separation": np.full((len(PLACES), SECTORS), int(0.03 * TWO32)),
        "find": np.full(len(PLACES), int(0.3 * TWO32)),
        "hire_cdf": np.tile(hires.astype(np.int64), (len(PLACES), 5, 1)),
        "retirement": (np.array([0.015, 0.02]) * TWO32).astype(np.int64),
        "generation": (np.array([0.03, 0.025]) * TWO32).astype(np.int64),
        "working_ages": np.array([13000, 43000, 65536]),
        "renewed_class": np.tile(np.array([0, 9000, 30000, 50000, 65536]), (CELLS, 3, 1)),
        "retirement_ratio": np.array([0.6, 0.7]),
        "usual_share": np.linspace(0.1, 0.6, 4 * INCOME_GRID.size).reshape(2, 2, -1),
        "plan_gain": 0.1,
        "pensioner_income": np.full((CELLS, 3), 4000.0),
        "floor": np.full(len(PLACES), 1900.0 * policy.floor),
        "base_floor": np.full(len(PLACES), 1900.0),
        "floor_log_rise": np.full(len(PLACES), np.log(policy.floor)),
        "wage_wedge": 0.2,
        "ripple": 0.4,
        "ripple_range": 0.35,
        "informal_following": 0.5,
        "floor_enforced": np.arange(len(PLACES)) % 3 / 2.0,
        "job_hazard": int(0.04 * TWO32),
        "markdown_unit": 0.5 / 255,
    }


def _transfers(policy: Policy) -> tuple[int, ...]:
    """Amounts in the order of TRANSFER_KINDS, fen."""
    return (
        policy.transfer_once, policy.transfer_person, policy.transfer_standing,
        policy.transfer_standing_person, policy.transfer_child, policy.transfer_standing_child,
    )  # fmt: skip


def _by_city(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Other amounts in each city: [place, ...], the more the later the city comes."""
    factor = np.linspace(0.8, 1.0, len(PLACES))
    return np.multiply.outer(factor, np.asarray(values, dtype=float))


def _pension_inputs(policy: Policy) -> dict[str, object]:
    rise = policy.pension_rise
    transfer = np.zeros((len(TRANSFER_KINDS), CELLS, GROUPS, len(STAGES)), np.int64)
    for kind, amount in enumerate(_transfers(policy)):
        transfer[kind, :, ::2] = amount  # every other group is eligible
    return {
        "retired_age": 60,
        "renewed_age": np.array([30, 42, 54]),
        "pension_part": np.array([0.0, 0.85, 0.4]),
        "benefit": np.full(len(PLACES), 178_500),
        "income_floor": np.array([120_000, 250_000]),
        "unemployed_share": 0.4,
        "pension_rate": _by_city([0.0, rise, rise / 2]),
        "altruism": 0.4,
        "elder_age": 60,
        "income_effect": 0.5,
        "elder_worker": np.array([int(0.9 * TWO32), int(0.4 * TWO32)]),
        "work_share": np.array([0.6, 0.8]),
        "children_income": np.stack([2.0 * _unit_mean_shocks(0.5), _unit_mean_shocks(0.7)]),
        "pension_fixed": _by_city(np.outer([0.0, 1.0, 2.0], [1.0, 2.0, 3.0]) * 1000 * rise),
        "pension_middle_age": 70,
        "pension_old_age": 80,
        "pension_recognised": _by_city([0.0, 0.9, 0.5]),
        "arrears_rate": _by_city([0.0, 0.18, 0.0]),
        "arrears_fixed": _by_city([[0.0] * 3, [120.0, 150.0, 200.0], [70.0] * 3]),
        "transfer": transfer,
    }


def _spending_inputs(number: int) -> dict[str, object]:
    cash, income = CASH_GRID.nodes, INCOME_GRID.nodes
    rule = np.minimum(cash[:, None], 0.9 * income[None, :] + 0.01 * cash[:, None])
    taste = np.linspace(0.6, 1.0, 12)[:, None, None]  # by stage and patience
    table = (rule * taste).reshape(-1)
    cautious = 1.0 - 0.04 * np.arange(6).reshape(3, 2, 1)  # by level of job fear and residence
    engel = np.full((2, INCOME_GRID.size, CATEGORIES), 1 / 13)
    engel[:, :, [6, 7, 10]] = 0.0
    engel[:, :, 1] *= np.linspace(0.5, 1.5, INCOME_GRID.size)
    prices, trend = np.linspace(0.98, 1.03, len(PLACES)), 1.004**number
    return {
        "property_yield": np.linspace(0.001, 0.002, len(PLACES)),
        "deposit_rate": 0.00125,
        "loan_rate": 0.004,
        "medical_hazard": (np.array([[0.05, 0.05, 0.08]] * 2) * TWO32).astype(np.int64),
        "medical_size": 0.9,
        "real": 1.0 / (trend * prices),
        "nominal": trend * prices,
        "policy": (cautious * table).astype(np.float32),
        "fear_level": np.arange(len(PLACES)) % 2,
        "fear_share": np.linspace(0.0, 1.0, len(PLACES)),
        "engel": engel,
        "stock_release": 0.5,
    }


def _durable_inputs(policy: Policy) -> dict[str, object]:
    """Two rows of tables: without a programme, and with one (places 1, 3, 5 ... read it)."""
    age = np.arange(AGES) / 120
    bought = np.zeros((2, ITEMS, CLASSES, AGES, CLOCKS))
    bought += (0.0005 + 0.012 * age**2)[:, None]
    bought[..., 1:] += 0.2
    bought[1] *= 1.5
    arises = np.tile(0.002 + 0.02 * age**3, (ITEMS, 1))
    first = np.full((2, ITEMS, CLASSES), 0.02)
    by_age = (bought[..., 0] + arises[:, None]).max(axis=2)
    chance = np.concatenate([by_age, first.max(axis=2)[..., None]], axis=2)
    either = np.arange(len(PLACES)) % 2
    chance = np.maximum(chance, chance[0])[either]
    waiting = np.maximum(bought, bought[0]).max(axis=(2, 3))[either]
    price = np.full((len(PLACES), ITEMS, CLASSES), _ITEM_PRICE)
    price[:, ITEMS - 1] = _CAR_PRICE
    price += 1000 * np.arange(CLASSES)
    word = lambda share: (np.minimum(share, 0.999) * TWO32).astype(np.uint32)  # noqa: E731
    return {
        "durable_row": np.arange(len(PLACES)) % 2,
        "unaware_row": np.zeros(len(PLACES), np.int64),
        "purchase": word(bought),
        "first_purchase": word(first),
        "need": word(arises),
        "screen": screen(word(chance), word(waiting)),
        "item_price": price,
        "subsidy": (price * policy.subsidy_share).astype(np.int64),
        "awareness": np.linspace(30_000, 65_536, ITEMS).astype(np.int64),
        "old_required": np.array([0, 1, 0, 0, 0, 1, 0, 1]),
        "gate": 50_000,
        "instant": policy.instant,
        "claim_lag": policy.claim_lag,
        "loan_to_value": np.full((len(PLACES), ITEMS), 0.6 + policy.loan_to_value),
        "loan_term": 24.0 + np.arange(len(PLACES) * ITEMS).reshape(len(PLACES), ITEMS) % 5,
        "instalment_cap": np.linspace(0.4, 0.6, len(PLACES)),
        "cash_buffer": 0.5,
        "committed_first": (np.arange(ITEMS) == ITEMS - 1).astype(np.int64),
        "cheaper_if_short": np.arange(ITEMS) % 2,
    }


def _programme_inputs(policy: Policy) -> dict[str, object]:
    """Ratios by place; every third place has no programme."""
    on = np.arange(len(PLACES)) % 3 != 2
    return {
        "medical_share": np.where(on, policy.medical_share, 1.0),
        "benefit_cover": np.where(on, int(policy.benefit_cover * TWO32), 0),
        "allowance_ratio": np.where(on, policy.allowance_ratio, 1.0),
        "loan_interest": np.where(on, policy.loan_interest, 1.0),
        "housing_share": np.where(on, 0.004 * policy.housing_ratio, 0.004),
        "committed_factor": _committed_factors(policy.committed_ratio),
    }


def _committed_factors(ratio: float) -> npt.NDArray[np.float64]:
    """Factor by cell, stage and age; 1 at a ratio of 1."""
    ages = np.linspace(ratio, 1.0, 2 * len(AGE_GROUPS))
    cells = np.where(np.arange(CELLS) % 3 == 1, ratio, 1.0)
    return np.outer(cells, ages)


def _grant_inputs(policy: Policy) -> dict[str, object]:
    """Grants in all actions; marks repeat, every third grant is redrawn, some promise more."""
    count, slot = max(policy.grants, 1), np.arange(max(policy.grants, 1))
    fields = np.zeros((count, layout.GRANT_FIELDS), np.int64)
    fields[:, layout.G_SALT] = layout.MARK_SALT + slot % 5
    fields[:, layout.G_REDRAWN] = slot % 3 == 2
    fields[:, layout.G_ACTION] = slot % len(layout.GRANT_ACTIONS)
    fields[:, layout.G_AMOUNT] = policy.grant_amount * (1 + slot // 4)
    fields[:, layout.G_REGULAR] = policy.grant_amount * (slot % 3 - 1)
    fields[:, layout.G_CATEGORY] = slot % CATEGORIES
    reach = np.full((count, CELLS, GROUPS, len(STAGES)), int(policy.grant_reach * TWO32))
    reach[:, :, ::3] //= 2
    reach[:, 1::7], reach[:, :, :, 1] = 0, TWO32
    return {
        "grant_count": policy.grants,
        "grant": fields,
        "grant_displaced": np.linspace(0.0, 1.0, count),
        "grant_reach": reach,
        "grant_most": reach.max(axis=(2, 3)),
    }


def _voucher_inputs(policy: Policy) -> dict[str, object]:
    each = policy.voucher_batches
    count = max(len(PLACES) * each, 1)
    slot = np.arange(count) % max(each, 1)
    batch = np.zeros((count, layout.BATCH_FIELDS), np.int64)
    batch[:, layout.V_CATEGORY] = 1 + slot
    batch[:, layout.V_FACE] = policy.face
    batch[:, layout.V_THRESHOLD] = policy.threshold
    batch[:, layout.V_COUNT] = policy.vouchers_each
    batch[:, layout.V_CUT] = 20_000
    batch[:, layout.V_APPLY] = 50_000
    batch[:, layout.V_DIGITAL] = policy.needs_phone
    batch[:, layout.V_GROUPS] = (1 << GROUPS) - 1 - 4
    batch[:, layout.V_RESIDENCE] = np.where(slot == 1, 2, 3)  # the second batch is urban only
    batch[:, layout.V_OUTING] = 300_000
    batch[:, layout.V_PURPOSE] = 16 + np.arange(count)
    batch[:, layout.V_SLOT] = slot
    rank = (np.arange(layout.BASKET_POINTS) + 0.5) / layout.BASKET_POINTS
    basket = np.where(ndtri(rank) < -1, 0.0, np.exp(0.8 * ndtri(rank))).astype(np.float32)
    return {
        "batch_first": np.arange(len(PLACES) + 1) * each,
        "batch": batch,
        "batch_rule": np.tile([25.0, 1.0, 0.35, 8.0, policy.displaced, 0.3], (count, 1)),
        "basket": np.tile(basket, (count, 1)),
    }
