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
PERSONS_UNIT = 10_000
GROUPS = ("低收入组(20%)", "中间偏下(20%)", "中间(20%)", "中间偏上(20%)", "高收入组(20%)")
RESIDENCES = (("rural", "农村"), ("urban", "城镇"))
HEADER = """\
# Synthetic population of Liaoning. Written by `python -m calibration.distil_population`: do not
# edit; change calibration/data/*.csv or calibration/population_assumptions.yaml and run it again.
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
    return np.asarray(whole, dtype=np.int64)


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


def known_incomes(city: list[Row]) -> Array:
    """Retrieved incomes a head [place, residence] of the base year, nan where unknown."""
    key = {"indicator": "人均可支配收入", "year": BASE_YEAR}
    return np.array(
        [
            [find_or(city, np.nan, city=c, breakdown=b, **key) for _, b in RESIDENCES]
            for c in CITY_NAMES
        ]
    )


def incomes(city: list[Row], macro: list[Row], persons: Array, assumed: dict[str, Any]) -> Array:
    """Disposable income a head [place, residence] in the base year, yuan.

    Retrieved values stay; recalled ones are scaled by one factor a residence so that the provincial
    means hold. Dalian's urban value follows from its retrieved total of 2024.
    """
    known = known_incomes(city)
    prior = np.array([assumed["income_prior"].get(p, [np.nan, np.nan]) for p in PLACES])
    growth = find(
        macro, region="辽宁省", indicator="人均可支配收入增速", breakdown="全体", year="2024"
    )
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
    goal = find(
        macro, indicator="人口年龄构成", breakdown="60岁及以上", category="公报", year=BASE_YEAR
    )
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


def quintile_shapes(rows: list[Row]) -> Array:
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
        tiers[int(find_or(city, 2, city=c, indicator="最低工资档(2024-05-01起)"))]
        for c in CITY_NAMES
    ]


def described(value: object, about: Row, label: str = "", name: str = "") -> dict[str, object]:
    """A parameter entry: the value with its unit, source, date, grade and names."""
    entry: dict[str, object] = {"value": value, **about}
    if name:
        entry |= {"zh": label + about["zh"], "en": f"{about['en']}, {name}"}
    return entry


def by_residence(table: Array, digits: int, about: Row) -> dict[str, object]:
    """Two entries, rural and urban, each with a column of `table` [..., residence]."""
    entries: dict[str, object] = {}
    for residence, (name, label) in enumerate(RESIDENCES):
        column = np.round(table[:, residence], digits)
        value = column.astype(int).tolist() if digits == 0 else column.tolist()
        entries[name] = described(value, about, label, name)
    return entries


def places_block(
    city: list[Row], macro: list[Row], assumed: dict[str, Any], about: dict[str, Row]
) -> dict[str, object]:
    """Parameters by place: households, sizes, incomes, age, industry structure."""
    people = census_population(city, assumed)
    urban = urban_shares(city, macro, people, assumed)
    counts, sizes = households_and_sizes(city, macro, people, urban, assumed)
    persons = counts * sizes
    tables = {
        "households": (counts.astype(float), 0),
        "household_size": (sizes, 4),
        "income": (incomes(city, macro, persons, assumed), 0),
        "elderly_share": (elderly_shares(city, macro, persons, assumed), 4),
    }
    block: dict[str, object] = {
        name: by_residence(table, digits, about[name]) for name, (table, digits) in tables.items()
    }
    structure = np.round(structures(city, macro, assumed), 4).tolist()
    block["structure"] = described(structure, about["structure"])
    return block


def target_values(macro: list[Row], policy: list[Row]) -> dict[str, object]:
    """Provincial targets: incomes, employment, pensioners, ages."""
    key = {"region": "辽宁省", "indicator": "人均可支配收入", "year": BASE_YEAR}
    age = {"indicator": "人口年龄构成", "category": "公报", "year": BASE_YEAR}
    people = {"region": "辽宁省", "indicator": "年末常住人口", "year": BASE_YEAR}
    town = find(macro, breakdown="城镇", **people) / find(macro, breakdown="合计", **people)
    employed = find(macro, region="辽宁省", indicator="就业人员", year=BASE_YEAR)
    retirees = find(policy, parameter="企业和机关事业退休人员总数")
    residents = find(policy, parameter="60岁以上领取待遇人数")
    return {
        "income": [find(macro, breakdown=b, **key) for b in ("农村", "城镇", "全体")],
        "urban_weight": round(survey_urban_weight(macro), 4),
        "urban_share": round(town, 4),
        "employed": int(employed * PERSONS_UNIT),
        "pensioners": [int(retirees * PERSONS_UNIT), int(residents * PERSONS_UNIT)],
        "elderly_share": round(find(macro, breakdown="60岁及以上", **age) / 100, 4),
        "child_share": round(find(macro, breakdown="0-15岁", **age) / 100, 4),
    }


def province_block(
    macro: list[Row], policy: list[Row], assumed: dict[str, Any], about: dict[str, Row]
) -> dict[str, object]:
    """Entries of the provincial targets and of the mean resident pension."""
    targets: dict[str, object] = {
        name: described(value, about[f"target.{name}"])
        for name, value in target_values(macro, policy).items()
    }
    shapes = quintile_shapes(read_rows("income_quintiles.csv"))
    targets["quintiles"] = by_residence(shapes.T, 4, about["target.quintiles"])
    basic = find(policy, parameter="城乡居民基础养老金最低标准", year="2024")
    pension = described(basic + assumed["resident_supplement"], about["resident_pension"])
    return {"target": targets, "resident_pension": pension}


def distil() -> dict[str, object]:
    """All entries of population.yaml, in file order."""
    city, macro = read_rows("city.csv"), read_rows("province_macro.csv")
    policy, loaded = read_rows("policy_parameters.csv"), read_assumptions()
    assumed, about = loaded["imputation"], loaded["derived"]
    document = places_block(city, macro, assumed, about)
    document |= province_block(macro, policy, assumed, about)
    document["minimum_wage"] = described(minimum_wages(city, policy), about["minimum_wage"])
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
