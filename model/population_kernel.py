"""Draws one synthetic household after another: demography, work, income, then balances and goods.

The kernel holds no number: everything comes from `Tables`, built by model/population_tables.py.
It uses table look-ups and arithmetic only (no libm), so the bytes do not depend on the platform's
mathematics library. Margins that must be met use low-discrepancy points (one Kronecker sequence a
cell, shifted by the seed), which makes small populations as representative as large ones; the
remaining attributes use Philox words keyed by the household's id.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from model.dimensions import MOST_SAVED, THRIFT_UNIT
from model.streams import Purpose, words

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
U16 = npt.NDArray[np.uint16]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

# Nothing is allocated here. Without numba's reference counting of the arrays in the tuples, whose
# atomic updates would take nine tenths of the time, the kernel is an order of magnitude faster.
KERNEL: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy", "_nrt": False,
}  # fmt: skip

DIMENSIONS = 12
(
    D_STAGE, D_AGE, D_SIZE, D_CHILD, D_ELDER, D_EARNER,
    D_CLASS, D_SECTOR, D_PAY, D_PENSION, D_SCHEME, D_BALANCE,
) = range(DIMENSIONS)  # fmt: skip
EMPLOYED, UNEMPLOYED, RETIRED = 0, 1, 2
COVERED, INFORMAL = 1, 2
A_WORKING, A_OLDER, A_EARLY, A_RETIRED = 0, 1, 2, 3
MAX_SIZE = 6
N_SECTORS = 12
N_ITEMS = 8
AGES, CLOCKS = 240, 13
NOT_OWNED = np.uint16(0xFFFF)
PLACE_SHIFT, RESIDENCE_SHIFT = np.uint64(40), np.uint64(36)
MANTISSA_SHIFT = np.uint64(11)
DOUBLE_UNIT = 2.0**-53
WORD_UNIT = 2.0**-32
LOW_WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
CAR = 7
_SYNTHESIS = np.uint64(Purpose.SYNTHESIS)
_NOW = np.uint64(0)


class Tables(NamedTuple):
    """Everything the draws need. Cell = place * 2 + residence; working 0 or retired 1."""

    low: np.uint64  # seed
    high: np.uint64
    step: U64  # [DIMENSIONS] Kronecker steps, 2**-64
    shift: U64  # [cell, DIMENSIONS]
    retired_share: F64  # [cell]
    unemployed_share: float
    early_share: F64  # [residence]
    older_share: F64  # [residence]
    ages: F64  # [kind 4, quantile]
    size_cdf: F64  # [cell, working or retired, MAX_SIZE]
    child_chance: F64  # [2 children counts, MAX_SIZE, age group]
    elder_chance: F64  # [cell, MAX_SIZE]
    second_elder: float
    couple_chance: F64  # [residence]
    second_earner: F64  # [residence]
    retired_earner: F64  # [residence]
    scheme_share: F64  # [residence]
    class_cdf: F64  # [cell, 5]
    sector_cdf: F64  # [cell, 5, 12]
    pay: F64  # [cell, class, sector, age group] yuan a month and earner
    size_pay: F64  # [MAX_SIZE]
    pay_shock: F64  # [residence, quantile] mean 1
    retired_work_ratio: F64  # [residence]
    retired_other: F64  # [cell] yuan a person
    pension: F64  # [cell, scheme 3] yuan a recipient
    pension_shock: F64  # [scheme 3, quantile] mean 1
    reference: F64  # [residence] regular income a head and month on average, yuan
    shape_at: F64  # [residence, 5] relative income
    shape: F64  # [residence, 5] factor there
    floor: F64  # [cell] net minimum wage, yuan
    income_nodes: F64
    nodes_per_class: int
    quintile_bounds: F64  # [4] permanent income a head
    rank_income: F64  # [residence, working or retired, quantile]
    patience_share: F64
    patience_tilt: F64
    wealth: F64  # [residence, stage, patience, class of spendable income, quantile] yuan
    committed_share: F64  # [residence, working or retired, income node]
    committed_spread: F64  # [quantile]
    committed_ratio: F64  # [income node] months of income
    committed_age: F64  # [age group]
    committed_shock: F64  # [quantile]
    ownership: F64  # [item, residence, class]
    state_share: F32  # [item, class, state] alias method
    state_alias: U16  # [item, class, state]
    digital_none: F64  # [residence, age group]
    digital_mean: F64  # [residence, age group]
    loan_share: float
    loan_term: int
    loan_value: F64  # [class] yuan


class Rows(NamedTuple):
    """Output columns, see model/population.py."""

    place: U8
    urban: U8
    weight: I64
    size: U8
    age: U8
    age_group: U8
    quintile: U8
    group: U8
    stage: U8
    patience: U8
    sector: U8
    work_class: U8
    earners: U8
    children: U8
    scheme: U8
    pensioners: U8
    digital: U8
    markdown: U8
    thrift: U8
    earnings: F64
    pension: F64
    liquid: I64
    committed: I64
    debt: I64
    instalment: I64
    durable: U16


@njit(**KERNEL)
def point(shift: U64, step: U64, cell: int, index: int, dimension: int) -> float:
    """Low-discrepancy coordinate in [0, 1) of household `index` of a cell."""
    raw = shift[cell, dimension] + np.uint64(index + 1) * step[dimension]
    return float(np.int64(raw >> MANTISSA_SHIFT) * DOUBLE_UNIT)


@njit(**KERNEL)
def quantile(nodes: F64, rank: float) -> float:
    """Linear interpolation in equally spaced quantile nodes."""
    position = rank * (nodes.size - 1)
    lower = min(int(position), nodes.size - 2)
    return float(nodes[lower] + (position - lower) * (nodes[lower + 1] - nodes[lower]))


@njit(**KERNEL)
def locate(nodes: F64, value: float) -> int:
    """Largest k with nodes[k] <= value, within 0..size - 2."""
    low, high = 0, nodes.size - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if nodes[middle] <= value:
            low = middle
        else:
            high = middle
    return low


@njit(**KERNEL)
def interpolate(at: F64, values: F64, where: float) -> float:
    """Piecewise linear function, constant outside its nodes."""
    if where <= at[0]:
        return float(values[0])
    if where >= at[at.size - 1]:
        return float(values[at.size - 1])
    k = locate(at, where)
    return float(values[k] + (where - at[k]) / (at[k + 1] - at[k]) * (values[k + 1] - values[k]))


@njit(**KERNEL)
def pick(cumulative: F64, rank: float) -> int:
    """First index whose cumulative share exceeds `rank`."""
    chosen = 0
    while chosen < cumulative.size - 1 and cumulative[chosen] <= rank:
        chosen += 1
    return chosen


@njit(**KERNEL)
def age_group_of(age: int) -> int:
    """Group of AGE_GROUPS."""
    return int(age >= 35) + int(age >= 50) + int(age >= 60)


@njit(**KERNEL)
def draw_stage(tables: Tables, cell: int, index: int) -> tuple[int, int]:
    """Stage of the head and the kind of age distribution it belongs to."""
    residence, rank = cell & 1, point(tables.shift, tables.step, cell, index, D_STAGE)
    retired = tables.retired_share[cell]
    if rank < retired:
        early = rank < retired * tables.early_share[residence]
        return RETIRED, A_EARLY if early else A_RETIRED
    rank = (rank - retired) / (1.0 - retired)
    if rank < tables.unemployed_share:
        return UNEMPLOYED, A_WORKING
    rank = (rank - tables.unemployed_share) / (1.0 - tables.unemployed_share)
    return EMPLOYED, A_OLDER if rank < tables.older_share[residence] else A_WORKING


@njit(**KERNEL)
def draw_members(
    tables: Tables, cell: int, index: int, kind: int, size: int, age_group: int
) -> tuple[int, int]:
    """Children under 16 and pensioners of a household."""
    children, rank = 0, point(tables.shift, tables.step, cell, index, D_CHILD)
    if kind in (A_WORKING, A_EARLY) or size >= 4:
        one = tables.child_chance[0, size - 1, age_group]
        two = tables.child_chance[1, size - 1, age_group] * one
        children = int(rank < one) + int(rank < two)
    rank = point(tables.shift, tables.step, cell, index, D_ELDER)
    if kind == A_WORKING:
        one = tables.elder_chance[cell, size - 1]
        elders = int(rank < one) + int(rank < one * tables.second_elder)
        return children, min(elders, size - 1 - children)
    couple = size - children >= 2 and rank < tables.couple_chance[cell & 1]
    return children, 2 if couple else 1


@njit(**KERNEL)
def draw_earners(
    tables: Tables, cell: int, index: int, kind: int, size: int, children: int, pensioners: int
) -> int:
    """Members who work when the head's stage allows (0 to 2)."""
    rank, residence = point(tables.shift, tables.step, cell, index, D_EARNER), cell & 1
    if kind >= A_EARLY:
        return int(rank < tables.retired_earner[residence])
    others = size - children - pensioners - (0 if kind == A_OLDER else 1)
    if kind == A_OLDER:
        others = size - children - 1
    return 1 + int(others >= 1 and rank < tables.second_earner[residence])


@njit(**KERNEL)
def draw_income(tables: Tables, cell: int, index: int, rows: Rows, row: int) -> tuple[float, float]:
    """Household's permanent earnings and pension, yuan a month.

    A common factor of income relative to the residence's mean bends the distribution to the
    target quintiles; covered employees never earn less than the place's minimum wage.
    """
    residence, stage, size = cell & 1, rows.stage[row], float(rows.size[row])
    scheme, earners = rows.scheme[row], float(rows.earners[row])
    rank = point(tables.shift, tables.step, cell, index, D_PAY)
    shock = quantile(tables.pay_shock[residence], rank)
    drawn = quantile(
        tables.pension_shock[scheme], point(tables.shift, tables.step, cell, index, D_PENSION)
    )
    pension = tables.pension[cell, scheme] * drawn * rows.pensioners[row]
    klass = rows.work_class[row] if stage != RETIRED else INFORMAL
    wage = tables.pay[cell, klass, rows.sector[row], rows.age_group[row]] * shock
    wage *= tables.size_pay[rows.size[row] - 1]
    other = 0.0
    if stage == RETIRED:
        wage *= tables.retired_work_ratio[residence]
        other = tables.retired_other[cell] * size * shock
    relative = (wage * earners + other + pension) / (size * tables.reference[residence])
    factor = interpolate(tables.shape_at[residence], tables.shape[residence], relative)
    wage *= factor
    if stage == RETIRED:
        if scheme == 1:
            pension *= factor
        return wage * earners + other * factor, pension
    if klass == COVERED:
        wage = max(wage, tables.floor[cell])
    return wage * earners, pension


@njit(**KERNEL)
def draw_core(tables: Tables, cell: int, index: int, rows: Rows, row: int) -> None:
    """Everything that margins depend on: members, work, scheme, income, groups."""
    residence = cell & 1
    stage, kind = draw_stage(tables, cell, index)
    age = int(quantile(tables.ages[kind], point(tables.shift, tables.step, cell, index, D_AGE)))
    group = age_group_of(age)
    late = int(stage == RETIRED)
    size = 1 + pick(
        tables.size_cdf[cell, late], point(tables.shift, tables.step, cell, index, D_SIZE)
    )
    children, pensioners = draw_members(tables, cell, index, kind, size, group)
    earners = draw_earners(tables, cell, index, kind, size, children, pensioners)
    klass = pick(tables.class_cdf[cell], point(tables.shift, tables.step, cell, index, D_CLASS))
    in_employee_scheme = (
        point(tables.shift, tables.step, cell, index, D_SCHEME) < tables.scheme_share[residence]
    )
    scheme = 0
    if pensioners > 0:
        scheme = 1 if in_employee_scheme or kind == A_EARLY else 2
    # Members of the retired work where such households worked, as after retirement in the model.
    sector = pick(
        tables.sector_cdf[cell, klass], point(tables.shift, tables.step, cell, index, D_SECTOR)
    )
    rows.place[row], rows.urban[row] = cell >> 1, residence
    rows.stage[row], rows.age[row], rows.age_group[row] = stage, age, group
    rows.size[row], rows.children[row], rows.pensioners[row] = size, children, pensioners
    rows.earners[row], rows.scheme[row], rows.sector[row] = earners, scheme, sector
    rows.work_class[row] = 0 if stage == RETIRED else klass
    earnings, pension = draw_income(tables, cell, index, rows, row)
    rows.earnings[row], rows.pension[row] = earnings, pension
    income = (earnings + pension) / size
    quintile = 0
    for bound in tables.quintile_bounds:
        quintile += int(income >= bound)
    rows.quintile[row], rows.group[row] = quintile, quintile * 4 + group


@njit(**KERNEL)
def draw_patience(tables: Tables, cell: int, late: int, income: float, rank: float) -> int:
    """Patience type; types are tilted towards income ranks so that their shares stay exact."""
    incomes = tables.rank_income[cell & 1, late]
    k = locate(incomes, income)
    width = max(incomes[k + 1] - incomes[k], 1e-9)
    place = min(max((income - incomes[k]) / width, 0.0), 1.0)
    lean = 2.0 * (k + place) / (incomes.size - 1) - 1.0
    chosen, reached = 0, 0.0
    for kind in range(tables.patience_share.size - 1):
        reached += tables.patience_share[kind] * (1.0 + tables.patience_tilt[kind] * lean)
        chosen += int(rank >= reached)
    return chosen


@njit(**KERNEL)
def draw_balances(tables: Tables, cell: int, index: int, rows: Rows, row: int) -> int:
    """Patience, thrift, liquid and committed deposits; returns the income class."""
    identity = (
        (np.uint64(cell >> 1) << PLACE_SHIFT)
        | (np.uint64(cell & 1) << RESIDENCE_SHIFT)
        | np.uint64(index)
    )
    a, b, c, d = words(tables.low, tables.high, _SYNTHESIS, identity, _NOW, _NOW)
    residence, stage, group = cell & 1, rows.stage[row], rows.age_group[row]
    late, income = int(stage == RETIRED), rows.earnings[row] + rows.pension[row]
    node = locate(tables.income_nodes, income)
    klass = node // tables.nodes_per_class
    between = (income - tables.income_nodes[node]) / (
        tables.income_nodes[node + 1] - tables.income_nodes[node]
    )
    between = min(max(between, 0.0), 1.0)
    patience = draw_patience(tables, cell, late, income, a * WORD_UNIT)
    share = tables.committed_share[residence, late]
    kappa = share[node] + between * (share[node + 1] - share[node])
    own = max(quantile(tables.committed_spread, b * WORD_UNIT), 0.0)
    thrift = int(min(own / THRIFT_UNIT, 255.0))
    kappa = min(kappa * (thrift * THRIFT_UNIT), MOST_SAVED)
    # The consumption problem knows the income that is left after committed saving.
    spendable = locate(tables.income_nodes, income * (1.0 - kappa))
    wealth = quantile(
        tables.wealth[residence, stage, patience, spendable // tables.nodes_per_class],
        point(tables.shift, tables.step, cell, index, D_BALANCE),
    )
    ratio = tables.committed_ratio
    months = ratio[node] + between * (ratio[node + 1] - ratio[node])
    months *= tables.committed_age[group] * quantile(tables.committed_shock, c * WORD_UNIT)
    rows.patience[row] = patience
    rows.liquid[row] = int(wealth * 100.0)
    rows.thrift[row] = thrift
    rows.committed[row] = int(income * months * 100.0)
    rows.markdown[row] = d >> np.uint64(24)
    return int(klass)


@njit(**KERNEL)
def draw_durable(
    ownership: float, share: F32, alias: U16, owned: np.uint64, state: np.uint64
) -> np.uint16:
    """Age and need clock of one good, or NOT_OWNED. `owned` and `state` are 32-bit words."""
    if owned * WORD_UNIT >= ownership:
        return NOT_OWNED
    scaled = state * np.uint64(AGES * CLOCKS)
    slot = np.int64(scaled >> HALF)
    if (scaled & LOW_WORD) * WORD_UNIT >= share[slot]:
        slot = np.int64(alias[slot])
    return np.uint16((slot // CLOCKS) * 16 + slot % CLOCKS)


@njit(**KERNEL)
def draw_goods(tables: Tables, cell: int, index: int, klass: int, rows: Rows, row: int) -> None:
    """Durables, car loan and digital activity."""
    identity = (
        (np.uint64(cell >> 1) << PLACE_SHIFT)
        | (np.uint64(cell & 1) << RESIDENCE_SHIFT)
        | np.uint64(index)
    )
    residence, group = cell & 1, rows.age_group[row]
    a, b, c, d = _NOW, _NOW, _NOW, _NOW
    for item in range(N_ITEMS):
        if item & 1 == 0:
            block = np.uint64(1 + item // 2)
            a, b, c, d = words(tables.low, tables.high, _SYNTHESIS, identity, _NOW, block)
        else:
            a, b = c, d
        rows.durable[item, row] = draw_durable(
            tables.ownership[item, residence, klass],
            tables.state_share[item, klass],
            tables.state_alias[item, klass],
            a,
            b,
        )
    a, b, c, d = words(tables.low, tables.high, _SYNTHESIS, identity, _NOW, np.uint64(9))
    digital = 0
    if rows.durable[5, row] != NOT_OWNED and a * WORD_UNIT >= tables.digital_none[residence, group]:
        mean = tables.digital_mean[residence, group]
        width = min(mean, 1.0 - mean)
        level = mean + width * ((b + c) * WORD_UNIT - 1.0)
        digital = 1 + int(level * 254.0)
    rows.digital[row] = digital
    car, term = rows.durable[CAR, row], tables.loan_term
    age = int(car) >> 4
    rows.debt[row], rows.instalment[row] = 0, 0
    if car != NOT_OWNED and age < term and d * WORD_UNIT < tables.loan_share:
        instalment = int(tables.loan_value[klass] * 100.0) // term
        rows.instalment[row] = instalment
        rows.debt[row] = instalment * (term - age)


@njit(**KERNEL)
def core_rows(tables: Tables, cell: int, first: int, rows: Rows, start: int, stop: int) -> None:
    """Fill the core columns of rows start..stop - 1 with a cell's households from `first` on."""
    for row in range(start, stop):
        draw_core(tables, cell, first + row - start, rows, row)


@njit(**KERNEL)
def other_rows(
    tables: Tables, cell: int, first: int, rows: Rows, start: int, stop: int, weight: int
) -> None:
    """Fill the other columns of rows whose core is drawn; each stands for `weight` households."""
    for row in range(start, stop):
        index = first + row - start
        klass = draw_balances(tables, cell, index, rows, row)
        draw_goods(tables, cell, index, klass, rows, row)
        rows.weight[row] = weight


@njit(**KERNEL)
def earnings_sums(rows: Rows, start: int, stop: int, guess: F64, sums: I64) -> None:
    """Add weighted earnings and their guessed means (fen) to sums [cell, class, 2]; integers."""
    for row in range(start, stop):
        cell = rows.place[row] * 2 + rows.urban[row]
        klass, weight = rows.work_class[row], rows.weight[row]
        sums[cell, klass, 0] += weight * np.int64(rows.earnings[row] * 100.0 + 0.5)
        mean = guess[cell, klass, rows.sector[row]]
        sums[cell, klass, 1] += weight * np.int64(mean * 100.0 + 0.5)


@njit(cache=True, nogil=True, error_model="numpy")
def alias_table(probability: F64, share: F32, other: U16) -> None:
    """Walker's alias method (Vose 1991) for one distribution; fills `share` and `other`."""
    n = probability.size
    scaled = probability * (n / probability.sum())
    small, large = np.empty(n, np.int64), np.empty(n, np.int64)
    smalls, larges = 0, 0
    for k in range(n):
        share[k], other[k] = 1.0, k
        if scaled[k] < 1.0:
            small[smalls] = k
            smalls += 1
        else:
            large[larges] = k
            larges += 1
    while smalls > 0 and larges > 0:
        smalls -= 1
        low, high = small[smalls], large[larges - 1]
        share[low], other[low] = scaled[low], high
        scaled[high] -= 1.0 - scaled[low]
        if scaled[high] < 1.0:
            larges -= 1
            small[smalls] = high
            smalls += 1
