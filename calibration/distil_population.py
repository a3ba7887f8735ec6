"""Derive what the synthetic population needs from the data pack.

Writes model/parameters/population.yaml: counts, sizes, incomes and structures by place computed
here from calibration/data/*.csv, and the judgements of population_assumptions.yaml as they are.
Run: python -m calibration.distil_population
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from model.dimensions import PLACES

Array = npt.NDArray[np.float64]
HERE = Path(__file__).parent
TARGET = HERE.parent / "model" / "parameters" / "population.yaml"
CITY_NAMES = (
    "沈阳市", "大连市", "鞍山市", "抚顺市", "本溪市", "丹东市", "锦州市", "营口市",
    "阜新市", "辽阳市", "盘锦市", "铁岭市", "朝阳市", "葫芦岛市", "沈抚示范区",
)  # fmt: skip
SHENFU = PLACES.index("shenfu")
FUSHUN = PLACES.index("fushun")
BASE_YEAR = "2023"
GROUPS = ("低收入组(20%)", "中间偏下(20%)", "中间(20%)", "中间偏上(20%)", "高收入组(20%)")
RESIDENCES = (("rural", "农村"), ("urban", "城镇"))
HEADER = """\
# Synthetic population of Liaoning. Written by `python -m calibration.distil_population`: do not edit;
# change calibration/data/*.csv or calibration/population_assumptions.yaml and run it again.
# Lists by place follow PLACES of model/dimensions.py; [rural, urban] by residence.
"""
Row = dict[str, str]


def read_rows(name: str) -> list[Row]:
    """Rows of one CSV of the data pack."""
    with (HERE / "data" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_assumptions() -> dict[str, Any]:
    """Judgements: inputs of the imputation and parameters copied unchanged."""
    text = (HERE / "population_assumptions.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return loaded


def find(rows: list[Row], **wanted: str) -> float:
    """The one value whose row matches `wanted`; LookupError when absent or blank."""
    for row in rows:
        if all(row[key] == value for key, value in wanted.items()) and row["value"]:
            return float(row["value"])
    raise LookupError(f"no row with {wanted}")


def find_or(rows: list[Row], otherwise: float, **wanted: str) -> float:
    """Like `find`, with a value for blank or missing rows."""
    try:
        return find(rows, **wanted)
    except LookupError:
        return otherwise


def shift_odds(shares: Array, weights: Array, mean: float) -> Array:
    """Shares whose log odds all move by one constant so that their weighted mean is `mean`."""
    odds = np.log(shares / (1 - shares))
    low, high = -10.0, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        too_low = np.average(1 / (1 + np.exp(-odds - middle)), weights=weights) < mean
        low, high = (middle, high) if too_low else (low, middle)
    return np.asarray(1 / (1 + np.exp(-odds - low)))


def census_population(city: list[Row], assumed: dict[str, Any]) -> Array:
    """Residents at the 2020 census by place; the Shenfu zone is taken out of its two cities."""
    whole = np.array([find_or(city, 0.0, city=c, indicator="普查常住人口") for c in CITY_NAMES])
    shenyang_part = find(city, city="沈抚示范区", indicator="普查常住人口")
    fushun_part = float(assumed["shenfu_fushun_part"])
    whole[PLACES.index("shenyang")] -= shenyang_part
    whole[FUSHUN] -= fushun_part
    whole[SHENFU] = shenyang_part + fushun_part
    return whole


def survey_urban_weight(macro: list[Row]) -> float:
    """Urban share of persons implied by the three published incomes of the base year."""
    total, urban, rural = (
        find(macro, region="辽宁省", indicator="人均可支配收入", breakdown=b, year=BASE_YEAR)
        for b in ("全体", "城镇", "农村")
    )
    return (total - rural) / (urban - rural)


def urban_shares(
    city: list[Row], macro: list[Row], people: Array, assumed: dict[str, Any]
) -> Array:
    """Urban share of persons in family households by place, at the survey's provincial weight."""
    key = {"indicator": "常住人口城镇化率"}
    published = np.array([find_or(city, np.nan, city=c, **key) / 100 for c in CITY_NAMES])
    mean = find(city, city="其余12市合计", **key) / 100
    published[SHENFU] = assumed["shenfu_urban_share"]
    gaps = np.isnan(published)
    product = np.array(
        [find_or(city, 1.0, city=c, indicator="地区生产总值", year=BASE_YEAR) for c in CITY_NAMES]
    )
    tilt = assumed["urban_income_elasticity"] * np.log(product[gaps] / people[gaps])
    tilt -= tilt.mean()
    published[gaps] = shift_odds(1 / (1 + np.exp(-tilt)), people[gaps], mean)
    return shift_odds(published, people, survey_urban_weight(macro))


def largest_remainder(exact: Array, total: int) -> npt.NDArray[np.int64]:
    """Integers near `exact` that add up to `total`."""
    scaled = exact * (total / exact.sum())
    whole = np.floor(scaled).astype(np.int64)
    order = np.argsort(-(scaled - whole).ravel(), kind="stable")[: total - whole.sum()]
    whole.ravel()[order] += 1
    return whole


def households_and_sizes(
    city: list[Row], macro: list[Row], people: Array, urban: Array, assumed: dict[str, Any]
) -> tuple[npt.NDArray[np.int64], Array]:
    """Family households and their mean size, both [place, residence].

    Fushun has its published count and size; elsewhere family persons follow the census population
    and sizes differ by residence only.
    """
    total = int(find(macro, indicator="家庭户数", category="普查"))
    members = find(macro, indicator="家庭户人口", category="普查")
    fushun_count = find(city, city="抚顺市", indicator="家庭户数")
    fushun_count *= people[FUSHUN] / (people[FUSHUN] + assumed["shenfu_fushun_part"])
    fushun_members = fushun_count * find(city, city="抚顺市", indicator="平均家庭户规模")
    others = np.arange(len(PLACES)) != FUSHUN
    family = np.where(
        others, people / people[others].sum() * (members - fushun_members), fushun_members
    )
    persons = family[:, None] * np.stack([1 - urban, urban], axis=1)
    counts = persons / np.array(assumed["household_size"])
    counts[others] *= (total - fushun_count) / counts[others].sum()
    counts[FUSHUN] *= fushun_count / counts[FUSHUN].sum()
    whole = largest_remainder(counts, total)
    return whole, persons / whole


def known_incomes(city: list[Row], urban: Array) -> Array:
    """Retrieved incomes a head [place, residence] of the base year, nan where unknown."""
    key = {"indicator": "人均可支配收入", "year": BASE_YEAR}
    return np.array(
        [[find_or(city, np.nan, city=c, breakdown=b, **key) for _, b in RESIDENCES] for c in CITY_NAMES]
    )


def incomes(
    city: list[Row], macro: list[Row], persons: Array, assumed: dict[str, Any]
) -> Array:
    """Disposable income a head [place, residence] in the base year, yuan.

    Retrieved values stay; recalled ones are scaled by one factor a residence so that the provincial
    means hold. Dalian's urban value follows from its retrieved total of 2024.
    """
    known = known_incomes(city, persons)
    prior = np.array([assumed["income_prior"].get(p, [np.nan, np.nan]) for p in PLACES])
    growth = find(macro, region="辽宁省", indicator="人均可支配收入增速", breakdown="全体", year="2024")
    dalian = PLACES.index("dalian")
    total = find(city, city="大连市", indicator="人均可支配收入", year="2024") / (1 + growth / 100)
    rural, urban = persons[dalian]
    known[dalian, 0] = prior[dalian, 0]
    known[dalian, 1] = (total * (rural + urban) - prior[dalian, 0] * rural) / urban
    for residence, (_, label) in enumerate(RESIDENCES):
        key = {"indicator": "人均可支配收入", "breakdown": label, "year": BASE_YEAR}
        goal = find(macro, region="辽宁省", **key) * persons[:, residence].sum()
        gaps = np.isnan(known[:, residence])
        weight = persons[:, residence]
        rest = goal - (known[~gaps, residence] * weight[~gaps]).sum()
        scale = rest / (prior[gaps, residence] * weight[gaps]).sum()
        known[gaps, residence] = prior[gaps, residence] * scale
    return known


def elderly_shares(
    city: list[Row], macro: list[Row], persons: Array, assumed: dict[str, Any]
) -> Array:
    """Share of persons aged 60 and over [place, residence], moved to the base year."""
    key = {"indicator": "人口年龄构成", "breakdown": "60岁及以上"}
    rest = find(city, city="其余11市合计", **key)
    census = np.array([find_or(city, rest, city=c, **key) for c in CITY_NAMES]) / 100
    goal = find(macro, indicator="人口年龄构成", breakdown="60岁及以上", category="公报", year=BASE_YEAR)
    gap = float(assumed["rural_age_gap"])
    odds = np.log(census / (1 - census))[:, None] + np.array([gap, 0.0])
    return shift_odds(1 / (1 + np.exp(-odds)), persons, goal / 100)


def structures(city: list[Row], macro: list[Row], assumed: dict[str, Any]) -> Array:
    """Shares of the primary, secondary and tertiary industries in GDP, [place, 3].

    Cities without a published split share the provincial residual.
    """
    branches = ("第一产业", "第二产业", "第三产业")
    key = {"indicator": "地区生产总值", "year": BASE_YEAR}
    levels = np.array(
        [[find_or(city, np.nan, city=c, breakdown=b, **key) for b in branches] for c in CITY_NAMES]
    )
    products = np.array([find(city, city=c, **key) for c in CITY_NAMES])
    shenyang = PLACES.index("shenyang")
    levels[shenyang] = products[shenyang] * np.array(assumed["shenyang_structure"])
    province = np.array([find(macro, region="辽宁省", breakdown=b, **key) for b in branches])
    gaps = np.isnan(levels).any(axis=1)
    residual = province - levels[~gaps].sum(axis=0)
    levels[gaps] = residual
    return np.asarray(levels / levels.sum(axis=1, keepdims=True))


def quintile_shapes(rows: list[Row], macro: list[Row]) -> Array:
    """Mean income a head of five household groups over the mean, national 2022, [residence, 5]."""
    means = {"农村": 20133.0, "城镇": 49283.0}  # divisors named in the derived rows of the pack
    found = []
    for _, label in RESIDENCES:
        key = {"region": "全国", "residence": label, "indicator": "人均可支配收入", "year": "2022"}
        found.append([find(rows, group=g, **key) / means[label] for g in GROUPS])
    return np.array(found)


def minimum_wages(city: list[Row], policy: list[Row]) -> list[float]:
    """Monthly minimum wage by place from 2024-05, yuan."""
    tiers = {
        tier: find(policy, parameter=f"月最低工资第{tier}档", scope="辽宁省", year="2024")
        for tier in (1, 2, 3)
    }
    return [
        tiers[int(find_or(city, 2, city=c, indicator="最低工资档(2024-05-01起)"))] for c in CITY_NAMES
    ]


def _entry(
    value: object, unit: str, source: str, date: str, grade: str, zh: str, en: str
) -> dict[str, object]:
    return {
        "value": value, "unit": unit, "source": source, "date": date, "grade": grade, "zh": zh, "en": en,
    }  # fmt: skip


def _by_residence(table: Array, digits: int, *about: str) -> dict[str, object]:
    """Two entries, rural and urban, each a list by place."""
    entries: dict[str, object] = {}
    for residence, (name, label) in enumerate(RESIDENCES):
        column = [round(float(x), digits) for x in table[:, residence]]
        unit, source, date, grade, zh, en = about
        value = [int(x) for x in column] if digits == 0 else column
        entries[name] = _entry(value, unit, source, date, grade, f"{label}{zh}", f"{en}, {name}")
    return entries


def places_block(city: list[Row], macro: list[Row], assumed: dict[str, Any]) -> dict[str, object]:
    """Parameters by place: households, sizes, incomes, age, industry structure."""
    people = census_population(city, assumed)
    urban = urban_shares(city, macro, people, assumed)
    counts, sizes = households_and_sizes(city, macro, people, urban, assumed)
    persons = counts * sizes
    income = incomes(city, macro, persons, assumed)
    old = elderly_shares(city, macro, persons, assumed)
    structure = np.round(structures(city, macro, assumed), 4)
    return {
        "households": _by_residence(
            counts.astype(float), 0, "households",
            "census 2020: 17,467,111 family households; by place from residents and, beyond Shenyang, Dalian and Fushun, imputed urban shares",
            "2020", "C", "家庭户数", "family households by place",
        ),
        "household_size": _by_residence(
            sizes, 4, "persons", "39,914,651 family persons; Fushun 2.14; rural over urban size imputed",
            "2020", "C", "户均人口", "mean household size by place",
        ),
        "income": _by_residence(
            income, 0, "yuan a head and year",
            "Liaoyang, Yingkou, Fuxin retrieved; Dalian from its 2024 total; the others recalled and scaled to the provincial means",
            BASE_YEAR, "D", "人均可支配收入", "disposable income by place",
        ),
        "elderly_share": _by_residence(
            old, 4, "share of persons", "Shenyang, Dalian, Fushun, mean of the others (census 2020), moved to 2023 by one shift of the log odds",
            BASE_YEAR, "D", "60岁及以上人口占比", "persons of 60 and over by place",
        ),
        "structure": _entry(
            structure.tolist(), "share of GDP",
            "rows by place: primary, secondary, tertiary; Dalian, Yingkou, Fuxin, Liaoyang retrieved, Shenyang recalled, the others the provincial residual",
            BASE_YEAR, "D", "三次产业结构", "industry structure by place",
        ),
    }  # fmt: skip


def province_block(
    macro: list[Row], quintiles: list[Row], policy: list[Row], assumed: dict[str, Any]
) -> dict[str, object]:
    """Provincial targets: incomes, employment, pensions, age, income shape."""
    key = {"region": "辽宁省", "indicator": "人均可支配收入", "year": BASE_YEAR}
    income = [find(macro, breakdown=b, **key) for b in ("农村", "城镇", "全体")]
    shapes = np.round(quintile_shapes(quintiles, macro), 4)
    employed = find(macro, region="辽宁省", indicator="就业人员", year=BASE_YEAR)
    retirees = find(policy, parameter="企业和机关事业退休人员总数")
    residents = find(policy, parameter="60岁以上领取待遇人数")
    basic = find(policy, parameter="城乡居民基础养老金最低标准", year="2024")
    age = {"indicator": "人口年龄构成", "category": "公报", "year": BASE_YEAR}
    old, young = (find(macro, breakdown=b, **age) / 100 for b in ("60岁及以上", "0-15岁"))
    people = find(macro, region="辽宁省", indicator="年末常住人口", breakdown="合计", year=BASE_YEAR)
    town = find(macro, region="辽宁省", indicator="年末常住人口", breakdown="城镇", year=BASE_YEAR)
    return {
        "target": {
            "income": _entry(income, "yuan a head and year", "[rural, urban, all], recalled yearbook values", BASE_YEAR, "B", "人均可支配收入", "disposable income a head"),
            "urban_weight": _entry(round(survey_urban_weight(macro), 4), "share of persons", "implied by the three incomes; the household survey leaves out dormitories", BASE_YEAR, "C", "收入调查隐含城镇人口权重", "urban weight implied by the income survey"),
            "urban_share": _entry(round(town / people, 4), "share of residents", "communique; includes collective households, so not matched", BASE_YEAR, "A", "常住人口城镇化率", "urban share of all residents"),
            "employed": _entry(int(employed * 10_000), "persons", "provincial statistical series", BASE_YEAR, "A", "就业人员", "employed persons"),
            "pensioners": _entry([int(retirees * 10_000), int(residents * 10_000)], "persons", "[employee scheme 2025, above 9 million; resident scheme 2016]", "2025", "B", "领取养老金人数", "pensioners by scheme"),
            "elderly_share": _entry(round(old, 4), "share of persons", "communique", BASE_YEAR, "A", "60岁及以上人口占比", "persons of 60 and over"),
            "child_share": _entry(round(young, 4), "share of persons", "communique, ages 0 to 15", BASE_YEAR, "A", "0-15岁人口占比", "persons of 0 to 15"),
            "quintiles": {
                name: _entry(shapes[r].tolist(), "ratio to the mean", "five equal groups of households by income a head, national 2022, recalled yearbook", "2022", "B", f"{label}五等份相对收入", f"income of five household groups, {name}")
                for r, (name, label) in enumerate(RESIDENCES)
            },
        },
        "resident_pension": _entry(basic + assumed["resident_supplement"], "yuan a month", "basic 154 (2024) and an imputed supplement", "2024", "D", "居民养老金月人均", "mean resident pension"),
    }  # fmt: skip


def distil() -> dict[str, object]:
    """All entries of population.yaml, in file order."""
    city, macro = read_rows("city.csv"), read_rows("province_macro.csv")
    policy, quintiles = read_rows("policy_parameters.csv"), read_rows("income_quintiles.csv")
    loaded = read_assumptions()
    assumed = loaded["imputation"]
    document = places_block(city, macro, assumed)
    document |= province_block(macro, quintiles, policy, assumed)
    document["minimum_wage"] = _entry(
        minimum_wages(city, policy), "yuan a month", "tiers 2100, 1900, 1700; places assigned by the tiers of 2021",
        "2024-05", "D", "月最低工资标准", "monthly minimum wage by place",
    )  # fmt: skip
    document |= loaded["parameters"]
    return document


def as_text(document: dict[str, object]) -> str:
    """The YAML file as text."""
    yaml = YAML()
    yaml.width, yaml.allow_unicode = 4096, True
    yaml.default_flow_style = None
    stream = io.StringIO()
    yaml.dump(document, stream)
    return HEADER + stream.getvalue()


if __name__ == "__main__":
    TARGET.write_text(as_text(distil()), encoding="utf-8")
