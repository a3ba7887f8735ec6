"""Stationary distribution of liquid wealth under the consumption tables, by simulation.

A stand-alone panel of households that follow the tables, the income process and the stages of
`model.solvers.consumption` for a working life and longer. It gives the population synthesis a
starting point near the ergodic state, and the calibration its moments. Durable purchases enter as
random outlays: appliances and digital goods from liquid wealth above a reserve, cars and what is
missing from committed deposits. Everything is real and detrended, as in the tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from model.dimensions import PATIENCE_TYPES, RESIDENCES, STAGES
from model.parameters import Parameters
from model.solvers import consumption as solver
from model.solvers.cache import cached, combined_digest, source_digest
from model.solvers.consumption import EMPLOYED, MONTHS, RETIRED, UNEMPLOYED, ConsumptionTables
from model.solvers.grids import CASH_GRID, INCOME_GRID, FloatArray

IntArray = npt.NDArray[np.int64]
FloatTable = npt.NDArray[np.float32]
# Numerical settings of the panel: precision, not economics.
HOUSEHOLDS = 8_000  # a residence
BURN_IN = 960
SAMPLES = 40
SAMPLE_GAP = 6
NORMAL_NODES = 4096
QUANTILES = 65
INCOME_CLASSES = 7
NODES_PER_CLASS = 6
LEAST_OBSERVATIONS = 300
RECORDED = ("consumption", "medical", "durables", "income", "liquid", "permanent", "stage")


class Rules(NamedTuple):
    """What the panel needs of a parameter set; arrays by residence unless said otherwise."""

    tables: FloatTable  # [residence, stage, patience, cash, income], one fear level
    cash_nodes: FloatArray
    income_nodes: FloatArray
    normal: FloatArray  # equally likely standard normal values
    stages: FloatArray  # [residence, stage, stage] cumulative probabilities
    medical: FloatArray  # [residence, stage]
    anchor: FloatArray
    transitory: FloatArray
    replacement: FloatArray
    benefit: FloatArray
    floor: FloatArray
    committed: FloatArray
    permanent: float
    reversion: float
    kept: float
    bill: float
    interest: float
    centre: float
    slope: float
    retired_factor: float
    spread: float
    durable_share: float
    durable_gap: float
    durable_cash: float
    durable_reserve: float
    dividends: float


@dataclass
class Panel:
    """Households of the panel; every array has one entry a household, money in yuan."""

    residence: IntArray
    patience: IntArray
    stage: IntArray
    income: FloatArray  # permanent income of the own stage, a month, before committed saving
    liquid: FloatArray  # end of period

    def copy(self) -> Panel:
        """Independent copy."""
        return Panel(*(getattr(self, name).copy() for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class StationaryWealth:
    """End-of-period liquid wealth in the stationary panel, detrended.

    `liquid_wealth_quantiles` [residence, stage, patience, income class, 65] yuan; the income class
    is the index of SPENDABLE permanent income without dividends (as the synthesis knows it) on
    INCOME_GRID divided by 6. Read it linearly at
    64 u for a uniform u: the mean of the cell is then exact. `wealth_ratio_quantiles`, same shape:
    liquid wealth over monthly spendable permanent income, for use with exact incomes.
    `observations` [residence, stage, patience, income class] before borrowing from neighbours.
    """

    liquid_wealth_quantiles: FloatArray
    wealth_ratio_quantiles: FloatArray
    observations: IntArray


@njit(cache=True, nogil=True, error_model="numpy")
def _uniform(household: int, month: int, purpose: int) -> float:
    """Uniform number in [0, 1) that depends on its arguments only (splitmix64 finaliser)."""
    z = np.uint64(household) * np.uint64(0x9E3779B97F4A7C15)
    for part in (month, purpose):
        z = z ^ (z >> np.uint64(30))
        z = z * np.uint64(0xBF58476D1CE4E5B9)
        z = z ^ (z >> np.uint64(27))
        z = z * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(31))) + np.uint64(part + 1) * np.uint64(0xD1B54A32D192ED03)
    z = z ^ (z >> np.uint64(30))
    z = z * np.uint64(0xBF58476D1CE4E5B9)
    z = z ^ (z >> np.uint64(27))
    z = z * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@njit(cache=True, nogil=True, error_model="numpy")
def _interval(nodes: FloatArray, value: float) -> int:
    at = int(np.searchsorted(nodes, value, side="right")) - 1
    return min(max(at, 0), nodes.size - 2)


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(rules: Rules, r: int, s: int, b: int, cash: float, income: float) -> float:
    """Bilinear in levels with clamping, as in the household kernel; never above cash."""
    m = min(max(cash, rules.cash_nodes[0]), rules.cash_nodes[-1])
    p = min(max(income, rules.income_nodes[0]), rules.income_nodes[-1])
    i, j = _interval(rules.cash_nodes, m), _interval(rules.income_nodes, p)
    x = (m - rules.cash_nodes[i]) / (rules.cash_nodes[i + 1] - rules.cash_nodes[i])
    y = (p - rules.income_nodes[j]) / (rules.income_nodes[j + 1] - rules.income_nodes[j])
    table = rules.tables[r, s, b]
    low = table[i, j] * (1.0 - y) + table[i, j + 1] * y
    high = table[i + 1, j] * (1.0 - y) + table[i + 1, j + 1] * y
    return float(min(low * (1.0 - x) + high * x, cash))


@njit(cache=True, nogil=True, error_model="numpy")
def _committed(rules: Rules, household: int, r: int, s: int, income: float) -> float:
    """Committed share of a household: the common rule times its own fixed factor."""
    weight = 1.0 / (1.0 + (income / rules.centre) ** (-1.0 / rules.slope))
    share = rules.committed[r] * weight * (rules.retired_factor if s == RETIRED else 1.0)
    own = 1.0 + rules.spread * math.sqrt(12.0) * (_uniform(household, 0, 7) - 0.5)
    return float(share * own)


@njit(cache=True, nogil=True, error_model="numpy")
def _next_stage(rules: Rules, household: int, month: int, r: int, before: int) -> int:
    u = _uniform(household, month, 1)
    now = 0
    while now < 2 and u >= rules.stages[r, before, now]:
        now += 1
    return now


@njit(cache=True, nogil=True, error_model="numpy")
def _next_income(
    rules: Rules, household: int, month: int, r: int, before: int, now: int, income: float
) -> float:
    """Permanent income of the new stage; the transitions are those of the tables."""
    p = income
    if before == RETIRED:
        return p if now == RETIRED else float(p / rules.replacement[r])
    if now == RETIRED:
        return float(p * rules.replacement[r])
    z = rules.normal[int(_uniform(household, month, 2) * rules.normal.size)]
    p *= math.exp(rules.permanent * (z - 0.5 * rules.permanent))
    return float((1.0 - rules.reversion) * p + rules.reversion * rules.anchor[r])


@njit(cache=True, nogil=True, error_model="numpy")
def _simulate(
    rules: Rules,
    residence: IntArray,
    patience: IntArray,
    stage: IntArray,
    income: FloatArray,
    liquid: FloatArray,
    first_month: int,
    months: int,
    gift: float,
    raised: float,
    follow: bool,
    record: FloatArray,
) -> None:
    """Advance all households in place; `record` [months, 7, n] is filled if it has months.

    `gift` yuan arrive in the first month; `raised` multiplies permanent income in every month,
    the committed share following it only if `follow`.
    """
    for h in range(residence.size):
        r, b = residence[h], patience[h]
        for t in range(months):
            month = first_month + t
            now = _next_stage(rules, h, month, r, stage[h])
            p = _next_income(rules, h, month, r, stage[h], now, income[h])
            stage[h], income[h] = now, p
            paid = p * raised
            share = _committed(rules, h, r, now, paid if follow else p)
            dividends = rules.dividends * paid
            usual = paid * (1.0 - share) + dividends
            xi, benefit = 1.0, 0.0
            if now == EMPLOYED:
                z = rules.normal[int(_uniform(h, month, 3) * rules.normal.size)]
                xi = math.exp(rules.transitory[r] * (z - 0.5 * rules.transitory[r]))
            elif now == UNEMPLOYED:
                xi, benefit = rules.kept, rules.benefit[r]
            regular = (usual - dividends) * xi + dividends + benefit
            bill = 0.0
            if _uniform(h, month, 4) < rules.medical[r, now]:
                bill = rules.bill * usual
            net = max(regular - bill, rules.floor[r])
            cash = rules.interest * liquid[h] + net + (gift if t == 0 else 0.0)
            spent = _look_up(rules, r, now, b, cash, usual)
            rest = cash - spent
            durable = 0.0
            if _uniform(h, month, 5) * rules.durable_gap < 1.0:
                durable = rules.durable_share * rules.durable_gap * paid
                spare = max(0.0, rest - rules.durable_reserve * paid)
                rest -= min(rules.durable_cash * durable, spare)
            liquid[h] = rest
            if record.shape[0] > 0:
                # Bills above the ability to pay are met by social assistance, which is income.
                record[t, 0, h] = spent
                record[t, 1, h] = bill
                record[t, 2, h] = durable
                record[t, 3, h] = paid * xi + dividends + benefit + net - regular + bill
                record[t, 4, h] = rest
                record[t, 5, h] = usual
                record[t, 6, h] = now


def panel_rules(tables: ConsumptionTables, parameters: Parameters, fear: int = 1) -> Rules:
    """Collect what `_simulate` needs; `fear` is the index of the table's fear level."""

    def by(name: str) -> FloatArray:
        return parameters.array(f"consumption.{name}")

    def one(name: str) -> float:
        return parameters.number(f"consumption.{name}")

    stages = [solver.stage_transition(parameters, r, 1.0) for r in range(len(RESIDENCES))]
    levels = (np.arange(NORMAL_NODES) + 0.5) / NORMAL_NODES
    normal = np.array([NormalDist().inv_cdf(level) for level in levels])
    interest, growth = 1.0 + one("interest_rate"), 1.0 + one("growth")
    return Rules(
        np.ascontiguousarray(tables.values[fear]), CASH_GRID.nodes, INCOME_GRID.nodes,
        normal / normal.std(), np.cumsum(np.array(stages), axis=-1), by("medical_probability"),
        by("anchor_income"), by("transitory_deviation"), by("replacement"),
        by("unemployment_benefit"), by("income_floor"), by("committed.maximum"),
        one("permanent_deviation") / math.sqrt(MONTHS), one("reversion"),
        one("unemployment_income_share"), one("medical_size") * one("out_of_pocket"),
        (interest / growth) ** (1.0 / MONTHS), one("committed.centre"), one("committed.slope"),
        one("committed.retired_factor"), one("committed.spread"), one("panel.durable_share"),
        one("panel.durable_gap"), one("panel.durable_cash"), one("panel.durable_reserve"),
        one("panel.dividends"),
    )  # fmt: skip


def initial_panel(parameters: Parameters, households: int = HOUSEHOLDS) -> Panel:
    """Households before the burn-in: log-normal incomes, stages and types in their shares."""
    residence = np.repeat(np.arange(len(RESIDENCES)), households)
    n = residence.size
    draws = np.array([[_uniform(h, 0, purpose) for purpose in (8, 9, 10)] for h in range(n)])
    bounds = np.cumsum(parameters.array("consumption.patience_shares"))
    patience = np.minimum(np.searchsorted(bounds, draws[:, 0], side="right"), len(bounds) - 1)
    shares = np.array([stationary_stages(parameters, r) for r in range(len(RESIDENCES))])
    stage = (draws[:, 1:2] >= np.cumsum(shares, axis=1)[residence]).sum(axis=1)
    stage = np.minimum(stage, RETIRED)
    variance = parameters.number("consumption.permanent_deviation") ** 2 / MONTHS
    spread = math.sqrt(variance / (2.0 * parameters.number("consumption.reversion")))
    normal = np.array([NormalDist().inv_cdf(u) for u in np.clip(draws[:, 2], 1e-9, 1.0 - 1e-9)])
    income = np.exp(spread * (normal - 0.5 * spread))
    income *= parameters.array("consumption.anchor_income")[residence]
    replacement = parameters.array("consumption.replacement")[residence]
    income = np.where(stage == RETIRED, income * replacement, income)
    return Panel(residence, patience.astype(np.int64), stage.astype(np.int64), income, 2.0 * income)


def stationary_stages(parameters: Parameters, residence: int) -> FloatArray:
    """Shares of the three stages implied by the hazards."""
    matrix = solver.stage_transition(parameters, residence, 1.0)
    shares = np.linalg.matrix_power(matrix, 1 << 16)[0]
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def simulate(
    rules: Rules, panel: Panel, first_month: int, months: int, *, gift: float = 0.0,
    raised: float = 1.0, follow: bool = False, recorded: bool = True,
) -> dict[str, FloatArray]:  # fmt: skip
    """Advance `panel` in place; the paths by name, each [months, n] (yuan; "stage" an index).

    "income" is gross regular income; "permanent" is spendable permanent income.
    """
    shape = (months if recorded else 0, len(RECORDED), panel.liquid.size)
    record = np.empty(shape)
    _simulate(
        rules, panel.residence, panel.patience, panel.stage, panel.income, panel.liquid,
        first_month, months, gift, raised, follow, record,
    )  # fmt: skip
    return {name: record[:, k] for k, name in enumerate(RECORDED)}


def stationary_panel(
    tables: ConsumptionTables,
    parameters: Parameters,
    households: int = HOUSEHOLDS,
    burn_in: int = BURN_IN,
    samples: int = SAMPLES,
) -> StationaryWealth:
    """Wealth quantiles of the stationary panel; cached under parameters, code and size.

    `households` a residence, `burn_in` months, then `samples` snapshots half a year apart.
    `tables` must be those of `parameters`.
    """

    def build() -> dict[str, npt.NDArray[np.generic]]:
        rules, panel = panel_rules(tables, parameters), initial_panel(parameters, households)
        simulate(rules, panel, 1, burn_in, recorded=False)
        liquid, usual, cells = _snapshots(rules, panel, burn_in + 1, samples)
        quantiles, ratios, counts = _cell_quantiles(liquid, usual, cells)
        return {"liquid": quantiles, "ratio": ratios, "observations": counts}

    digest = combined_digest(
        solver.tables_digest(parameters), source_digest(__file__),
        f"{households} {burn_in} {samples}",
    )  # fmt: skip
    found = cached("wealth", digest, build)
    return StationaryWealth(found["liquid"], found["ratio"], found["observations"])


def income_class(spendable: FloatArray) -> IntArray:
    """Income class (0..6) of spendable permanent income in yuan a month."""
    return np.minimum(INCOME_GRID.locate(spendable)[0] // NODES_PER_CLASS, INCOME_CLASSES - 1)


def _snapshots(
    rules: Rules, panel: Panel, first_month: int, samples: int
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Pooled liquid wealth, spendable income and flat cell index of `samples` snapshots."""
    liquid, usual, cells = [], [], []
    for sample in range(samples):
        path = simulate(rules, panel, first_month + sample * SAMPLE_GAP, SAMPLE_GAP)
        at = (
            panel.residence,
            panel.stage,
            panel.patience,
            income_class(path["permanent"][-1] - rules.dividends * panel.income),
        )
        shape = (len(RESIDENCES), len(STAGES), len(PATIENCE_TYPES), INCOME_CLASSES)
        cells.append(np.ravel_multi_index(at, shape))
        liquid.append(panel.liquid.copy())
        usual.append(path["permanent"][-1].copy())
    return np.concatenate(liquid), np.concatenate(usual), np.concatenate(cells)


def _mean_preserving_quantiles(values: FloatArray) -> FloatArray:
    """Quantiles at 0, 1/64, ..., 1; the last is set so that linear reading keeps the mean."""
    levels = np.linspace(0.0, 1.0, QUANTILES)
    found = np.quantile(values, levels)
    inner = found[0] / 2.0 + found[1:-1].sum()
    found[-1] = max(found[-2], 2.0 * ((QUANTILES - 1) * values.mean() - inner))
    return np.asarray(found, dtype=np.float64)


def _cell_quantiles(
    liquid: FloatArray, usual: FloatArray, cells: IntArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Quantiles by cell; thin cells take wealth over income from the nearest income class."""
    shape = (len(RESIDENCES), len(STAGES), len(PATIENCE_TYPES), INCOME_CLASSES)
    counts = np.bincount(cells, minlength=math.prod(shape)).reshape(shape)
    order = np.argsort(cells, kind="stable")
    groups = np.split(order, np.cumsum(counts.ravel())[:-1])
    yuan, ratio = np.empty((*shape, QUANTILES)), np.empty((*shape, QUANTILES))
    middle = INCOME_GRID.nodes[np.minimum(np.arange(INCOME_CLASSES) * NODES_PER_CLASS + 3, 36)]
    for flat, members in enumerate(groups):
        cell = np.unravel_index(flat, shape)
        if members.size >= LEAST_OBSERVATIONS:
            yuan[cell] = _mean_preserving_quantiles(liquid[members])
            ratio[cell] = _mean_preserving_quantiles(liquid[members] / usual[members])
            continue
        donor = _donor(counts, tuple(int(k) for k in cell))
        taken = groups[int(np.ravel_multi_index(donor, shape))]
        ratio[cell] = _mean_preserving_quantiles(liquid[taken] / usual[taken])
        yuan[cell] = ratio[cell] * middle[cell[-1]]
    return yuan, ratio, counts


def _donor(counts: IntArray, cell: tuple[int, ...]) -> tuple[int, ...]:
    """Nearest income class with enough observations, else the fullest class of the same type."""
    row = counts[cell[:-1]]
    enough = np.flatnonzero(row >= LEAST_OBSERVATIONS)
    if enough.size == 0:
        return (*cell[:-1], int(row.argmax()))
    return (*cell[:-1], int(enough[np.abs(enough - cell[-1]).argmin()]))
