"""From parameter values to statistics: a short run of the model, and gifts to the same households.

A run covers 24 months from January 2023 without policy; its first year is compared with 2023. The
gifts are what the studies of windfalls observe: some households get money and nothing else in the
economy changes, so that markets stand still there while the households' own rules are the model's.
The same seeds serve every point, so that two points differ by their parameters and not by luck.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import Columns
from model.agents.household_month import month_inputs
from model.agents.households import HouseholdBlock
from model.agents.voucher_batches import pack_batches
from model.dimensions import (
    AGE_GROUPS,
    CATEGORIES,
    ITEMS,
    NOT_OWNED,
    PLACES,
    QUINTILES,
    RESIDENCES,
    SECTORS,
    SURVEY_GROUPS,
)
from model.economy import Economy
from model.outcome import Outcome
from model.parameters import Parameters, load_parameters
from model.policy.instruments import Instruments
from model.scenario import Scenario, scenario_from_mapping
from model.solvers.cache import cache_path, cached
from model.solvers.consumption import solve_tables, tables_digest
from model.solvers.durables import replacement_tables
from model.spending import engel_shares
from model.warm_up import growth_rate, neutral_market, opening

Floats = npt.NDArray[np.float64]
START: Final = "2023-01"
MONTHS, YEAR, QUARTER = 24, 12, 3
FEN: Final = 100.0
GIFT, LARGE_GIFT = 1_000.0, 10_000.0  # yuan a household, about US$ 150 and US$ 1,500
BEFORE_LOSS: Final = 3  # months of spending before a job loss that it is compared with
EMPLOYED, UNEMPLOYED, RETIRED = range(3)
COVERED_EMPLOYEE: Final = 1
NOT_IN_TABLES: Final = ("consumption.patience_shares", "consumption.committed.spread")
TERTIARY: Final = slice(1, 10)
SECONDARY: Final = SECTORS.index("industry_and_construction")


def statistics(overrides: Mapping[str, Any], scale: int, seed: int) -> dict[str, float]:
    """All statistics by name for one seed. Raises ScenarioError, LedgerError."""
    scenario = scenario_from_mapping(
        {"name": "calibration", "start": START, "months": MONTHS, "scale": f"1:{scale}",
         "seed": seed, "parameters": dict(overrides)}
    )  # fmt: skip
    share_tables(scenario.parameter_set())
    economy = Economy(scenario, threads=1)
    start = Start(economy)
    paths = _lived(economy)
    found = {
        **start.wealth(), **_accounts(economy.outcome()), **start.work_and_goods(paths),
        **_gifts(scenario, start),
    }  # fmt: skip
    return {name: float(value) for name, value in found.items()}


def mean_statistics(
    overrides: Mapping[str, Any], scale: int, seeds: Sequence[int]
) -> dict[str, float]:
    """Mean over seeds of all statistics."""
    runs = [statistics(overrides, scale, seed) for seed in seeds]
    return {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}


# ---------------------------------------------------------------- tables that need no new solution


def share_tables(parameters: Parameters) -> None:
    """Let a point find tables that were solved for another point with the same problem.

    Shares of types and the spread of committed saving say who the households are, not what any of
    them does, but they are part of the tables' name.
    """
    shipped = load_parameters()
    base = parameters.with_values({name: shipped[name] for name in NOT_IN_TABLES})
    own = cache_path("consumption", tables_digest(parameters))
    if own.is_file():
        return

    def build() -> dict[str, npt.NDArray[np.generic]]:
        solved = solve_tables(base, workers=1)
        return {"values": solved.values, "iterations": solved.iterations}

    cached("consumption", tables_digest(base), build)
    known = cache_path("consumption", tables_digest(base))
    if known.is_file() and known != own:
        part = own.with_suffix(".part")
        shutil.copyfile(known, part)
        part.replace(own)


# ---------------------------------------------------------------- households


class Start:
    """Households at the opening of an economy, and what they own."""

    def __init__(self, economy: Economy) -> None:
        block = economy.household_block
        self.block, self.columns = block, _copy(block.columns)
        length = block.segments[:, 1] - block.segments[:, 0]
        self.place, self.urban, weight = (
            np.repeat(block.segments[:, k], length) for k in (2, 3, 4)
        )
        self.weight: Floats = weight.astype(float)
        # The month before the first: spending and income are those of the warm-up's last month.
        self.liquid: Floats = self.columns.liquid / FEN

    def mean(self, values: npt.NDArray[Any], where: npt.NDArray[Any] | None = None) -> float:
        """Weighted mean of one number a household."""
        weight = self.weight if where is None else self.weight * where
        return float((values * weight).sum() / max(weight.sum(), 1e-9))

    @property
    def annual_income(self) -> Floats:
        """Regular income a year, yuan: earnings and pensions, without those of a lost job."""
        columns = self.columns
        return np.asarray(YEAR * np.maximum(columns.earnings + columns.pension, 1.0))

    def wealth(self) -> dict[str, float]:
        """Liquid wealth against income, the hand-to-mouth and what they own besides."""
        income, liquid, weight = self.annual_income, self.liquid, self.weight
        ratio = liquid / income
        poor = ratio < 0.5 / YEAR
        committed = self.columns.committed / FEN / income
        order = np.argsort(-liquid, kind="stable")
        top = order[np.cumsum(weight[order]) <= 0.1 * weight.sum()]
        return {
            "hand_to_mouth": self.mean(poor),
            "hand_to_mouth_wealthy": self.mean(committed > 0.5, poor),
            "liquid_median": weighted_quantile(ratio, weight, 0.5),
            "liquid_mean": self.mean(liquid) / self.mean(income),
            "liquid_top_tenth": float((liquid * weight)[top].sum() / (liquid * weight).sum()),
            "committed_mean": self.mean(self.columns.committed / FEN) / self.mean(income),
            "balances_yi": float(
                ((self.columns.liquid + self.columns.committed) / FEN * weight).sum() / 1e8
            ),
        }

    def liquid_fifth(self) -> npt.NDArray[np.int64]:
        """Weighted fifth of liquid wealth of every household."""
        order = np.argsort(self.liquid, kind="stable")
        rank = np.empty(order.size)
        rank[order] = np.cumsum(self.weight[order]) / self.weight.sum()
        return np.minimum((rank * QUINTILES).astype(np.int64), QUINTILES - 1)

    def work_and_goods(self, paths: Paths) -> dict[str, float]:
        """Unemployment, spending at job loss, income risk, the wage floor, what is owned."""
        last, columns = paths.last, self.columns
        jobs = paths.stage[YEAR:]
        heads = np.array([self.mean(s == UNEMPLOYED) / self.mean(s != RETIRED) for s in jobs])
        floors = load_parameters().array("population.minimum_wage")[self.place]
        floors *= 1.0 - load_parameters().number("population.wage_wedge")
        covered = (columns.work_class == COVERED_EMPLOYEE) & (columns.stage != RETIRED)
        wage = columns.earnings / np.maximum(columns.earners, 1)
        owned = {
            f"owned_{item}_{name}": 100.0 * self.mean(last.durable[i] != NOT_OWNED, here)
            for i, item in enumerate(ITEMS)
            for name, here in zip(RESIDENCES, (self.urban == 0, self.urban == 1), strict=True)
        }
        return {
            "unemployed_heads": float(heads.mean()),
            "loss_of_job": self._loss(paths),
            "income_change_variance": self._risk(paths),
            "near_floor": self.mean(wage <= 1.2 * floors, covered),
            **owned,
        }

    def _loss(self, paths: Paths) -> float:
        """Spending in the month after a job loss over that before, against those who kept work."""
        lost, kept = [0.0, 0.0], [0.0, 0.0]
        for month in range(BEFORE_LOSS, MONTHS - 1):
            before = paths.spending[month - BEFORE_LOSS : month].mean(axis=0)
            after = paths.spending[month + 1]
            worked = (paths.stage[month - BEFORE_LOSS : month] == EMPLOYED).all(axis=0)
            for sums, stage in ((lost, UNEMPLOYED), (kept, EMPLOYED)):
                same = (paths.stage[month] == stage) & (paths.stage[month + 1] == stage)
                chosen = worked & same
                sums[0] += float((after * self.weight)[chosen].sum())
                sums[1] += float((before * self.weight)[chosen].sum())
        return (lost[0] / lost[1]) / (kept[0] / kept[1]) - 1.0

    def _risk(self, paths: Paths) -> float:
        """Variance of the change of log annual income, households with a head of working age."""
        first, second = paths.income[:YEAR].sum(axis=0), paths.income[YEAR:].sum(axis=0)
        working = (paths.stage != RETIRED).all(axis=0) & (first > 0) & (second > 0)
        change = np.log(np.maximum(second, 1.0) / np.maximum(first, 1.0))
        mean = self.mean(change, working)
        return self.mean((change - mean) ** 2, working)


class Paths:
    """What households did each month: arrays [month, household], yuan; `last` their end state."""

    def __init__(self, households: int) -> None:
        shape = (MONTHS, households)
        self.spending, self.income = np.empty(shape), np.empty(shape)
        self.stage = np.empty(shape, dtype=np.uint8)
        self.last: Columns


def _lived(economy: Economy) -> Paths:
    paths = Paths(len(economy.household_block))
    for month in range(MONTHS):
        economy.step()
        columns = economy.household_block.columns
        paths.spending[month], paths.income[month] = columns.spending / FEN, columns.income / FEN
        paths.stage[month] = columns.stage
    paths.last = economy.household_block.columns
    return paths


def _copy(columns: Columns) -> Columns:
    copies: Any = (column.copy() for column in columns)
    return Columns(*copies)


def weighted_quantile(values: Floats, weight: Floats, level: float) -> float:
    """Value below which the share `level` of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][np.searchsorted(reached, level)])


# ---------------------------------------------------------------- the province's accounts


def _accounts(run: Outcome) -> dict[str, float]:
    """Levels, shares, season and structure of the run."""
    return {
        **_consumption(run), **_retail(run), **_jobs(run), **_places(run), **_durables(run),
        "leakage": _year(run, "leakage", 0) / _year(run, "consumption", 0),
    }  # fmt: skip


def _year(run: Outcome, name: str, year: int) -> float:
    return float(run[name].values[year * YEAR : (year + 1) * YEAR].sum())


def _split(run: Outcome, name: str, dim: str) -> Floats:
    """First-year sums of a series along one dimension."""
    return np.asarray(run[name].by("month", dim).values[:YEAR].sum(axis=0), dtype=float)


def _consumption(run: Outcome) -> dict[str, float]:
    persons = run["persons"]
    heads = {"all": float(persons.values.sum())}
    heads |= dict(zip(RESIDENCES, persons.by("residence").values.tolist(), strict=True))
    found: dict[str, float] = {}
    for name in ("consumption", "income"):
        amounts = {"all": _year(run, name, 0)}
        amounts |= dict(zip(RESIDENCES, _split(run, name, "residence").tolist(), strict=True))
        found |= {f"{name}_{group}": amounts[group] / heads[group] for group in heads}
    found |= {
        f"propensity_{group}": found[f"consumption_{group}"] / found[f"income_{group}"]
        for group in heads
    }
    found["income_growth"] = 100.0 * (_year(run, "income", 1) / _year(run, "income", 0) - 1.0)
    fifths = _split(run, "consumption", "quintile") / _split(run, "income", "quintile")
    for number, value in enumerate(fifths / found["propensity_all"], start=1):
        found[f"propensity_ratio_{number}"] = float(value)
    ages = _split(run, "consumption", "age_group") / _split(run, "income", "age_group")
    found |= {f"saving_{a}": 1.0 - float(v) for a, v in zip(AGE_GROUPS, ages, strict=True)}
    spent = _split(run, "consumption", "category")
    for group, members in SURVEY_GROUPS.items():
        part = sum(spent[CATEGORIES.index(member)] for member in members)
        found[f"share_{group}"] = float(part / spent.sum())
    return found


def _retail(run: Outcome) -> dict[str, float]:
    sales = run["retail_sales"].by("month").values
    first = sales[:YEAR].sum()
    return {
        "retail_yi": first / 1e8,
        "retail_growth": 100.0 * (sales[YEAR:].sum() / first - 1.0),
        "retail_january_february": sales[:2].sum() / first,
        "retail_first_quarter": sales[:QUARTER].sum() / first,
        "retail_october": sales[9] / first,
        "retail_fourth_quarter": sales[9:YEAR].sum() / first,
    }


def _jobs(run: Outcome) -> dict[str, float]:
    added = _split(run, "value_added", "sector")
    employed = _split(run, "employment", "sector") / YEAR
    return {
        "output_yi": added.sum() / 1e8,
        "output_primary": added[0] / added.sum(),
        "output_secondary": added[SECONDARY] / added.sum(),
        "employment_wan": employed.sum() / 1e4,
        "employment_farm": employed[0] / employed.sum(),
        "employment_secondary": employed[SECONDARY] / employed.sum(),
    }


def _places(run: Outcome) -> dict[str, float]:
    persons = run["persons"].by("place").values
    income = _split(run, "income", "place") / persons
    sales, added = _split(run, "retail_sales", "place"), _split(run, "value_added", "place")
    mean = _year(run, "income", 0) / persons.sum()
    dalian, shenyang = PLACES.index("dalian"), PLACES.index("shenyang")
    return {
        "income_dalian": income[dalian] / mean,
        "retail_shenyang": sales[shenyang] / sales.sum(),
        "output_dalian": added[dalian] / added.sum(),
    }


def _durables(run: Outcome) -> dict[str, float]:
    units = run["durable_units"].values.sum(axis=2)[:YEAR].sum(axis=0)
    homes = float(run["households"].values.sum())
    sold = {f"units_{item}": 100.0 * float(u) / homes for item, u in zip(ITEMS, units, strict=True)}
    appliances = [sold[f"units_{item}"] for item in ITEMS[:4]]
    phones = [sold[f"units_{item}"] for item in ITEMS[5:7]]
    return sold | {"units_appliances": sum(appliances), "units_phones": sum(phones)}


# ---------------------------------------------------------------- gifts


def _gifts(scenario: Scenario, start: Start) -> dict[str, float]:
    """Spending per yuan of a gift: by time, by liquid wealth, by size of the gift."""
    alone = _Alone(scenario)
    base = alone.spending(0.0)
    small, large = alone.spending(GIFT) - base, alone.spending(LARGE_GIFT) - base
    fifth = start.liquid_fifth()

    def response(extra: Floats, first: int, last: int, gift: float, group: int = -1) -> float:
        chosen = np.ones(fifth.size, dtype=bool) if group < 0 else fifth == group
        return start.mean(extra[first:last].sum(axis=0), chosen) / gift

    found = {
        "mpc_3": response(small, 0, QUARTER, GIFT),
        "mpc_12": response(small, 0, YEAR, GIFT),
        "mpc_year_2": response(small, YEAR, 2 * YEAR, GIFT),
        "mpc_12_large": response(large, 0, YEAR, LARGE_GIFT),
        "mpc_12_large_liquid": response(large, 0, YEAR, LARGE_GIFT, QUINTILES - 1),
    }
    for group in range(QUINTILES):
        found[f"mpc_3_fifth_{group + 1}"] = response(small, 0, QUARTER, GIFT, group)
        found[f"mpc_12_fifth_{group + 1}"] = response(small, 0, YEAR, GIFT, group)
    return found


class _Alone:
    """Households of an opening that live with markets at base."""

    def __init__(self, scenario: Scenario) -> None:
        self.parameters = p = scenario.parameter_set()
        self.opening = opening(p, scenario.scale, scenario.seed, 1, lambda _: None)
        self.surface = Instruments.neutral(p.array("population.minimum_wage"))
        self.tables = replacement_tables(p, [], YEAR, 1)
        self.batches = pack_batches(self.surface, p, np.zeros((0, len(PLACES)), np.int64))
        self.engel = engel_shares(p)
        flows = self.opening.flows
        self.dividend = float(flows.property_income.sum() / max(flows.committed_balance.sum(), 1))

    def spending(self, gift: float) -> Floats:
        """Consumption [month, household], yuan, after `gift` yuan in the first month."""
        block = self.opening.households.copy()
        block.columns.liquid[:] += int(gift * FEN)
        path = np.empty((MONTHS, len(block)))
        for month in range(MONTHS):
            self._month(block, month)
            path[month] = block.columns.spending / FEN
        return path

    def _month(self, block: HouseholdBlock, month: int) -> None:
        row = self.tables.index[month % YEAR]
        self.surface.purchase_row[:] = self.surface.unaware_row[:] = row
        market = neutral_market(self.parameters, self.dividend)
        trend = (1.0 + growth_rate(self.parameters)) ** month
        inputs = month_inputs(
            self.opening.world, month, trend, np.ones(2), self.engel, market, self.surface,
            self.tables, self.batches,
        )  # fmt: skip
        block.live(inputs)
