"""How the non-durable budget divides over categories and over the year.

Shares. With x spendable permanent household income (yuan a month) and z the log distance from the
reference income of the residence, category q gets
w_q = a_q exp(b_q s(z)) / sum_k a_k exp(b_k s(z)), s(z) = Z tanh(z / Z):
a multinomial logit whose spending elasticity at the reference is 1 + b_q - sum_k a_k b_k.
Levels a come from the household survey, gradients b from quintile tables.
Large medical bills are paid outside the budget; their expected amount is taken off health.

Season. Factor of category q in a month = calendar profile + Spring Festival and Mid-Autumn effects
spread over days around the lunar dates of the year, divided by the year's mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, NONDURABLE_INDEX, RESIDENCES
from model.parameters import Parameters
from model.solvers.grids import INCOME_GRID

Array = npt.NDArray[np.float64]
MONTHS = 12
HEALTH = CATEGORIES.index("health")
EMPLOYED, RETIRED = 0, 2


@dataclass(frozen=True)
class SeasonalTable:
    """Seasonal factors, each with mean 1 over the twelve months of a year.

    `category` (12, 16) and `residence` (12, 2) are averages over the years of the lunar calendar;
    `category_by_year` (years, 12, 16) and `residence_by_year` (years, 12, 2) follow its dates.
    Durable categories have factor 1: their season comes from promotions in the durables problem.
    """

    category: Array
    residence: Array
    years: tuple[int, ...]
    category_by_year: Array
    residence_by_year: Array

    def factors(self, calendar_month: int, year: int | None = None) -> Array:
        """Category factors (16) of a month 1..12; the average year if `year` is not in the table.

        Raises ValueError for a month outside 1..12.
        """
        row = _row(calendar_month)
        if year in self.years:
            return np.asarray(self.category_by_year[self.years.index(year), row], dtype=np.float64)
        return np.asarray(self.category[row], dtype=np.float64)

    def total(self, calendar_month: int, year: int | None = None) -> Array:
        """Factor (2, rural and urban) of the whole non-durable budget in a month 1..12.

        Raises ValueError for a month outside 1..12.
        """
        row = _row(calendar_month)
        if year in self.years:
            return np.asarray(self.residence_by_year[self.years.index(year), row], dtype=np.float64)
        return np.asarray(self.residence[row], dtype=np.float64)


def _row(calendar_month: int) -> int:
    if not 1 <= calendar_month <= MONTHS:
        raise ValueError(f"calendar month must be 1..12, not {calendar_month}")
    return calendar_month - 1


def _by_category(parameters: Parameters, name: str) -> Array:
    """Values (16) of a parameter that maps category names to numbers."""
    values = parameters[name]
    return np.array([float(values[category]) for category in CATEGORIES])


def levels(parameters: Parameters) -> Array:
    """Budget shares at the reference incomes (2, 16), large medical bills included in health."""
    return np.stack(
        [_by_category(parameters, f"spending.level.{residence}") for residence in RESIDENCES]
    )


def medical_events(parameters: Parameters) -> Array:
    """Expected large medical bills over non-durable spending (2); spendable income is spent."""
    hazard = parameters.array("consumption.medical_probability")
    retired = parameters.number("population.retired_share")
    monthly = (1.0 - retired) * hazard[:, EMPLOYED] + retired * hazard[:, RETIRED]
    size = parameters.number("consumption.medical_size")
    paid = parameters.number("consumption.out_of_pocket")
    return np.asarray(monthly * size * paid, dtype=np.float64)


def budget_levels(parameters: Parameters) -> Array:
    """Shares of the budget at the reference incomes (2, 16): levels less large medical bills.

    At least `spending.health_floor` of the health level stays in the budget.
    """
    shares = levels(parameters)
    kept = parameters.number("spending.health_floor") * shares[:, HEALTH]
    shares[:, HEALTH] = np.maximum(shares[:, HEALTH] - medical_events(parameters), kept)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)


def shares_at(parameters: Parameters, spendable: Array) -> Array:
    """Budget shares (2, n, 16) at spendable household incomes (n), yuan a month."""
    reference = parameters.array("spending.reference_income")
    reach = parameters.number("spending.income_reach")
    distance = np.log(spendable[None, :] / reference[:, None])
    scaled = reach * np.tanh(distance / reach)
    tilt = np.exp(scaled[:, :, None] * _by_category(parameters, "spending.gradient"))
    weights = budget_levels(parameters)[:, None, :] * tilt
    return np.asarray(weights / weights.sum(axis=2, keepdims=True), dtype=np.float64)


def engel_shares(parameters: Parameters) -> Array:
    """Budget shares of non-durable spending at every income node (2, 37, 16); rows sum to 1.

    Nodes are spendable permanent household income, yuan a month: permanent disposable income after
    committed saving. Durable categories are exactly 0.
    """
    return shares_at(parameters, INCOME_GRID.nodes)


def holiday_months(year: int, month_day: str, before: int, after: int) -> Array:
    """Share (12) of the days from `before` days ahead of a holiday to `after` days from it on.

    Days outside the year count in its first or last month. Raises ValueError for a bad date.
    """
    holiday = date.fromisoformat(f"{year}-{month_day}")
    days = [holiday + timedelta(days=offset) for offset in range(-before, after)]
    rows = [
        0 if day.year < year else MONTHS - 1 if day.year > year else day.month - 1 for day in days
    ]
    return np.bincount(rows, minlength=MONTHS) / float(len(days))


def _categories_in(parameters: Parameters, year: str) -> tuple[Array, Array]:
    """Category factors (12, 16) and Spring Festival weights (12) of a year of the lunar table."""
    spring_date, autumn_date = parameters["spending.lunar"][year]
    spring = holiday_months(int(year), spring_date, *parameters["spending.spring_window"])
    autumn = holiday_months(int(year), autumn_date, *parameters["spending.mid_autumn_window"])
    factors = np.ones((MONTHS, len(CATEGORIES)))
    raw = (
        parameters.array("spending.calendar")
        + spring[:, None] * _by_category(parameters, "spending.spring_festival")
        + autumn[:, None] * _by_category(parameters, "spending.mid_autumn")
    )
    chosen = list(NONDURABLE_INDEX)
    factors[:, chosen] = raw[:, chosen] / raw[:, chosen].mean(axis=0)
    return factors, spring


def season(parameters: Parameters) -> SeasonalTable:
    """Seasonal factors of categories and of the whole budget, by lunar year and on average."""
    base = budget_levels(parameters)
    gathering = parameters.array("spending.gathering")
    categories, residences = [], []
    years = tuple(parameters["spending.lunar"])
    for year in years:
        factors, spring = _categories_in(parameters, year)
        total = factors @ base.T + spring[:, None] * gathering
        categories.append(factors)
        residences.append(total / total.mean(axis=0))
    by_year, totals = np.stack(categories), np.stack(residences)
    return SeasonalTable(
        category=by_year.mean(axis=0),
        residence=totals.mean(axis=0),
        years=tuple(int(year) for year in years),
        category_by_year=by_year,
        residence_by_year=totals,
    )


def shares_in_month(
    engel: Array, table: SeasonalTable, year: int | None, calendar_month: int
) -> Array:
    """Budget shares of one month (2, 37, 16), rows summing to 1, for the household kernel.

    `engel` (2, 37, 16) are annual shares. Raises ValueError for a month outside 1..12.
    """
    weighted = engel * table.factors(calendar_month, year)
    return np.asarray(weighted / weighted.sum(axis=2, keepdims=True), dtype=np.float64)


class Calendar:
    """Season and budget shares by month, each worked out once. What it returns is shared."""

    def __init__(self, engel: Array, table: SeasonalTable) -> None:
        self._engel, self._table = engel, table
        self._kept: dict[tuple[int, int], tuple[Array, Array, Array]] = {}

    def month(self, year: int, calendar_month: int) -> tuple[Array, Array, Array]:
        """Factor of the budget (2), factors of categories (16) and budget shares (2, 37, 16)."""
        key = year, calendar_month
        if key not in self._kept:
            self._kept[key] = (
                self._table.total(calendar_month, year),
                self._table.factors(calendar_month, year),
                shares_in_month(self._engel, self._table, year, calendar_month),
            )
        return self._kept[key]


def at_effective_prices(shares: Array, prices: Array, substitution: float) -> Array:
    """Budget shares (2, 37, 16) times effective price (2, 16) ** (1 - `substitution`), sum kept.

    The very same shares if every price is 1.
    """
    if bool((prices == 1.0).all()):
        return shares
    moved = shares * (prices ** (1.0 - substitution))[:, None, :]
    total = shares.sum(axis=2, keepdims=True) / moved.sum(axis=2, keepdims=True)
    return np.asarray(moved * total, dtype=np.float64)


def retail_share(parameters: Parameters) -> Array:
    """Part (16) of household spending by category that counts as retail sales of consumer goods."""
    return _by_category(parameters, "spending.retail_share")


def retail_uplift(parameters: Parameters) -> float:
    """Total retail sales over the households' part: purchases by firms, government and visitors."""
    return parameters.number("spending.retail_uplift")
