"""Budget shares, their gradients, the season and the retail bridge, derived from the data pack.

Inputs: calibration/data/*.csv and the judgements of spending_assumptions.yaml. The parameter file
is written by distil_spending.py.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from model.dimensions import CATEGORIES, SURVEY_GROUPS
from model.spending import holiday_months

Array = npt.NDArray[np.float64]
Row = dict[str, str]
HERE = Path(__file__).parent
GROUPS = tuple(SURVEY_GROUPS)
NAMES = {
    "food_tobacco_alcohol": ("食品烟酒", "食品"),
    "clothing": ("衣着", "衣着"),
    "residence": ("居住", "居住"),
    "household_goods_services": ("生活用品及服务", "家庭设备用品及服务"),
    "transport_communication": ("交通通信", "交通和通讯"),
    "education_culture_recreation": ("教育文化娱乐", "教育文化娱乐"),
    "health": ("医疗保健", "医疗保健"),
    "other": ("其他用品及服务", "其他"),
}
RESIDENCE_NAMES = ("农村", "城镇")
QUINTILE_NAMES = ("低收入组(20%)", "中间偏下(20%)", "中间(20%)", "中间偏上(20%)", "高收入组(20%)")
STUDIES = (("福建省三明市", "人均消费支出", 0), ("福建省", "消费支出", 1))
YEAR = "2022"
FIRST_CATEGORY = {
    "household_goods_services": "daily_goods",
    "transport_communication": "transport_communication",
    "education_culture_recreation": "education",
}


@cache
def _rows(name: str) -> tuple[Row, ...]:
    with (HERE / "data" / f"{name}.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


@cache
def assumptions() -> dict[str, Any]:
    """Judgements: tilt, durable parts, splits, profiles, lunar dates."""
    text = (HERE / "spending_assumptions.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return loaded


def _macro(indicator: str, breakdown: str, region: str = "辽宁省", year: str = YEAR) -> float:
    """One value of province_macro.csv. Raises StopIteration if the row is missing."""
    return next(
        float(row["value"])
        for row in _rows("province_macro")
        if (row["region"], row["indicator"], row["year"]) == (region, indicator, year)
        and row["breakdown"] == breakdown
        and not row["category"]
    )


@cache
def _survey() -> dict[tuple[str, str], float]:
    """Liaoning's spending a person by (residence, group name), national structure, yuan a year."""
    return {
        (row["breakdown"], row["category"]): float(row["value"])
        for row in _rows("province_macro")
        if row["indicator"] == "人均消费支出(按全国结构拆分)"
    }


def group_levels() -> Array:
    """Shares of consumption by residence and survey group (2, 8), tilted to Liaoning."""
    survey, structure = _survey(), assumptions()["structure_2019"]
    national = np.array([[survey[place, NAMES[g][0]] for g in GROUPS] for place in RESIDENCE_NAMES])
    province = np.array([structure["province"][g] for g in GROUPS])
    nation = np.array([structure["nation"][g] for g in GROUPS])
    tilted = national * (province / province.sum()) / (nation / nation.sum())
    return np.asarray(tilted / tilted.sum(axis=1, keepdims=True), dtype=np.float64)


def _durable_part() -> Array:
    part = assumptions()["durable_part"]
    return np.array([part.get(group, 0.0) for group in GROUPS])


def nondurable_groups() -> Array:
    """Shares of non-durable spending by residence and survey group (2, 8)."""
    rest = group_levels() * (1.0 - _durable_part())
    return np.asarray(rest / rest.sum(axis=1, keepdims=True), dtype=np.float64)


def persons() -> Array:
    """Persons, rural and urban, 2022."""
    urban = _macro("常住人口城镇化率", "") / 100.0
    return _macro("年末常住人口", "合计") * 1e4 * np.array([1.0 - urban, urban])


def spending_per_person() -> Array:
    """Consumption a person, rural and urban, yuan a year, 2022."""
    return np.array([_macro("人均消费支出", place) for place in RESIDENCE_NAMES])


def catering_parts() -> Array:
    """Part of the food group eaten out (2): mean of input-output table and retail statistics."""
    rules = assumptions()["catering"]
    cells = {
        (row["row_code"], row["col_code"]): float(row["value"])
        for row in _rows("io_table")
        if row["table_id"] == "LN_2007_22" and row["value"]
    }
    columns = ("F01_rural_hh_consumption", "F02_urban_hh_consumption")
    out = np.array([cells["S17", c] for c in columns]) * (1.0 - rules["lodging_part"])
    home = np.array([cells["S01", c] + cells["S03", c] for c in columns])
    table = out / (out + home)
    food = persons() * spending_per_person() * group_levels()[:, 0]
    retail = _macro("社会消费品零售总额", "合计") * 1e8
    sold = rules["retail_share"] * rules["household_part"] * retail
    middle = (table @ food + sold) / (2.0 * food.sum())
    return np.asarray(table * middle * food.sum() / (table @ food), dtype=np.float64)


def _parts() -> dict[str, dict[str, tuple[Array, float]]]:
    """By survey group: category -> (part by residence, extra elasticity) apart from the first."""
    rules = assumptions()
    found = {
        group: {name: (np.array(s["part"]), float(s["steeper"])) for name, s in entries.items()}
        for group, entries in rules["splits"].items()
    }
    found["food_tobacco_alcohol"] = {"catering": (catering_parts(), rules["catering_steeper"])}
    return found


def _first(group: str) -> str:
    return FIRST_CATEGORY.get(group, SURVEY_GROUPS[group][0])


def category_levels() -> Array:
    """Shares of non-durable spending by residence and category (2, 16)."""
    groups, shares = nondurable_groups(), np.zeros((2, len(CATEGORIES)))
    parts = _parts()
    for g, group in enumerate(GROUPS):
        rest = np.ones(2)
        for name, (part, _) in parts.get(group, {}).items():
            shares[:, CATEGORIES.index(name)] = groups[:, g] * part
            rest = rest - part
        shares[:, CATEGORIES.index(_first(group))] = groups[:, g] * rest
    return shares


def _quintile_values(region: str, indicator: str) -> Array:
    found = {
        row["group"]: float(row["value"])
        for row in _rows("income_quintiles")
        if (row["region"], row["indicator"]) == (region, indicator)
    }
    return np.array([found[name] for name in QUINTILE_NAMES])


def group_elasticities() -> Array:
    """Spending elasticity of each survey group (8): slope over quintiles within two tables."""
    slopes = []
    for group in GROUPS:
        above = below = 0.0
        for region, total, spelling in STUDIES:
            name = "其他" if group == "other" else NAMES[group][spelling]
            x = np.log(_quintile_values(region, total))
            y = np.log(_quintile_values(region, f"消费_{name}"))
            above += float((x - x.mean()) @ (y - y.mean()))
            below += float((x - x.mean()) @ (x - x.mean()))
        slopes.append(above / below)
    return np.array(slopes)


def gradients() -> Array:
    """Elasticity less one by category (16), durables taken out of their groups; 0 for durables."""
    durable, elasticity = _durable_part(), assumptions()["durable_elasticity"]
    taken = np.array([elasticity.get(group, 1.0) for group in GROUPS])
    nondurable = (group_elasticities() - durable * taken) / (1.0 - durable)
    slopes, parts = np.zeros(len(CATEGORIES)), _parts()
    for g, group in enumerate(GROUPS):
        entries = parts.get(group, {})
        first = nondurable[g] - sum(float(p.mean()) * extra for p, extra in entries.values())
        slopes[CATEGORIES.index(_first(group))] = first - 1.0
        for name, (_, extra) in entries.items():
            slopes[CATEGORIES.index(name)] = first + extra - 1.0
    return slopes


def by_category(entries: dict[str, float]) -> Array:
    """Array (16) of named values, 0 elsewhere."""
    return np.array([float(entries.get(name, 0.0)) for name in CATEGORIES])


def national_retail_season() -> Array:
    """Retail season (years, 11), mean 1, detrended: January-February mean, March .. December.

    Growth inside the year is taken out with the growth of the annual total.
    """
    wanted = [str(year) for year in assumptions()["season_years"]]
    found: dict[tuple[str, str], float] = {}
    for row in _rows("retail_monthly"):
        if (
            row["region"] == "全国"
            and row["category"] == "社会消费品零售总额"
            and row["measure"] == "level"
        ):
            found[row["year"], row["period"][5:]] = float(row["value"])
    keys = ["01..02", *(f"{month:02d}" for month in range(3, 13))]
    levels = np.array([[found[year, key] for key in keys] for year in wanted])
    levels[:, 0] /= 2.0
    growth = np.array([_national_growth(year) for year in wanted])
    middle = np.array([1.5, *range(3, 13)]) - 6.5
    season = levels / (1.0 + growth[:, None]) ** (middle / 12.0)
    return np.asarray(season / _year_mean(season)[:, None], dtype=np.float64)


def _national_growth(year: str) -> float:
    return _macro("社会消费品零售总额增速", "合计", "全国", year) / 100.0


def _year_mean(season: Array) -> Array:
    return np.asarray((season.sum(axis=1) + season[:, 0]) / 12.0, dtype=np.float64)


def _holiday_addition(year: int) -> Array:
    """What both lunar holidays add (12, 16), in average months of the category."""
    rules = assumptions()
    added = np.zeros((12, len(CATEGORIES)))
    for at, name in enumerate(("spring_festival", "mid_autumn")):
        months = holiday_months(year, rules["lunar"][year][at], *rules["window"][name])
        added += months[:, None] * by_category(rules[name])
    return added


def retail_weights() -> Array:
    """Retail sales of non-durables by category (16), share of their sum."""
    totals = persons() * spending_per_person()
    weights = (totals @ category_levels()) * by_category(assumptions()["retail_share"])
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def implied_retail_season(calendar: Array) -> Array:
    """Season of non-durable retail sales (years, 11) under calendar profiles (12, 16)."""
    weights, rows = retail_weights(), []
    for year in assumptions()["season_years"]:
        factors = calendar + _holiday_addition(year)
        total = (factors / factors.mean(axis=0)) @ weights
        rows.append(np.concatenate([[total[:2].mean()], total[2:]]))
    return np.array(rows)


def calendar_profiles() -> Array:
    """Calendar profiles (12, 16): assumed shapes, scaled by month so that retail fits the nation.

    A category follows the monthly adjustment in proportion to its retail share, so that services
    keep their own season.
    """
    rules = assumptions()
    profile = np.ones((12, len(CATEGORIES)))
    for name, values in rules["calendar"].items():
        profile[:, CATEGORIES.index(name)] = np.array(values) / np.mean(values)
    covered = by_category(rules["retail_share"])
    covered[[CATEGORIES.index(name) for name in ("appliances", "cars", "digital")]] = 0.0
    observed, adjustment = national_retail_season().mean(axis=0), np.ones(11)
    for _ in range(60):
        scaled = profile * _adjusted(adjustment, covered)
        adjustment *= observed / implied_retail_season(scaled).mean(axis=0)
    scaled = profile * _adjusted(adjustment, covered)
    return np.asarray(scaled / scaled.mean(axis=0), dtype=np.float64)


def _adjusted(adjustment: Array, covered: Array) -> Array:
    months = np.concatenate([[adjustment[0]], adjustment])
    return np.asarray(1.0 + covered * (months[:, None] - 1.0), dtype=np.float64)


def retail_bridge() -> dict[str, float]:
    """Uplift from households' retail purchases to total retail sales, 2022, with its range.

    Keys `value`, `low` (visitors' purchases taken out) and `high` (households' part 15% lower).
    """
    rules = assumptions()
    income = _macro("人均可支配收入", "全体") * persons().sum()
    durable = income * sum(rules["durable_income_share"].values())
    spent = persons() * spending_per_person()
    weights = spent / spent.sum()
    counted = float(weights @ category_levels() @ by_category(rules["retail_share"]))
    households = durable + (spent.sum() - durable) * counted
    retail = _macro("社会消费品零售总额", "合计") * 1e8
    visitors = float(rules["visitors"]["spending"]) * rules["visitors"]["retail_part"]
    return {
        "value": retail / households,
        "low": (retail - visitors) / households,
        "high": retail / households / 0.85,
    }
