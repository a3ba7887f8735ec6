"""Write model/parameters/spending.yaml: budget shares, gradients, season and the retail bridge.

The numbers come from spending_derivation.py. Run: python -m calibration.distil_spending
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from calibration.spending_derivation import (
    YEAR,
    assumptions,
    by_category,
    calendar_profiles,
    category_levels,
    gradients,
    retail_bridge,
)
from model.dimensions import CATEGORIES

Array = npt.NDArray[np.float64]
TARGET = Path(__file__).parent.parent / "model" / "parameters" / "spending.yaml"
DIGITS = 5


def _entry(
    value: Any, unit: str, source: str, grade: str, zh: str, en: str, **bounds: Any
) -> dict[str, Any]:
    return {
        "value": value,
        "unit": unit,
        **bounds,
        "source": source,
        "date": YEAR,
        "grade": grade,
        "zh": zh,
        "en": en,
    }


def _rounded(values: Array) -> list[Any]:
    return list(np.round(values, DIGITS).tolist())


def _named(values: Array) -> dict[str, float]:
    return dict(zip(CATEGORIES, _rounded(values), strict=True))


def _exact_shares(values: Array) -> dict[str, float]:
    """Rounded shares whose largest entry takes the rounding rest, so that they sum to 1."""
    rounded = np.round(values, DIGITS)
    largest = int(rounded.argmax())
    rounded[largest] += 1.0 - rounded.sum()
    return _named(rounded)


def _share_entries() -> dict[str, Any]:
    source = (
        "survey groups of 2022 (national structure, province_macro.csv) tilted by Liaoning over "
        "nation 2019, less durables, split by spending_assumptions.yaml; each group +/-25%"
    )
    zh, en = "非耐用品支出构成(含大额医疗支出)", "non-durable shares, large medical bills included"
    shares = category_levels()
    levels = {
        name: _entry(
            _exact_shares(shares[at]),
            "share",
            source,
            "D",
            zh,
            en,
            low=_named(0.75 * shares[at]),
            high=_named(1.25 * shares[at]),
        )
        for at, name in enumerate(("rural", "urban"))
    }
    slopes = gradients()
    rules = assumptions()
    return {
        "level": levels,
        "gradient": _entry(
            _named(slopes),
            "elasticity less one",
            "quintiles of Sanming 2022 and urban Fujian 2013 (income_quintiles.csv), pooled slope "
            "within each table; gaps inside groups imputed",
            "C",
            "支出弹性减一",
            "spending elasticity less one",
            low=_named(slopes - 0.15),
            high=_named(slopes + 0.15),
        ),
        "reference_income": _entry(
            rules["reference_income"],
            "yuan a month",
            "mean spendable household income, rural and urban: disposable "
            " income of 2022 after committed saving; imputed",
            "D",
            "参照家庭可支出收入(乡村、城镇)",
            "reference spendable household income",
        ),
        "income_reach": _entry(
            rules["income_reach"],
            "log points",
            "quintile tables span +/-0.6; imputed",
            "D",
            "收入梯度的有效范围",
            "distance over which income gradients fade",
            low=1.0,
            high=3.0,
        ),
        "health_floor": _entry(
            rules["health_floor"],
            "share",
            "imputed: medicines and outpatient care",
            "D",
            "健康支出留在日常预算的下限",
            "least part of health spending in the monthly budget",
            low=0.2,
            high=0.6,
        ),
        "category_substitution": _entry(
            rules["category_substitution"],
            "elasticity",
            "imputed: demand systems put own-price elasticities of services near -1 to -1.3",
            "D",
            "消费类别间替代弹性",
            "substitution between categories of consumption",
            low=0.8,
            high=1.2,
        ),
    }


def _season_entries() -> dict[str, Any]:
    rules = assumptions()
    fitted = (
        "profiles of spending_assumptions.yaml; retail categories scaled by month to the national "
        "retail series 2019, 2023 and 2024 (retail_monthly.csv)"
    )
    imputed = "imputed: gifts, meals and travel at the holiday"
    window, share = "days before and from the holiday on", "average months of the category"
    return {
        "calendar": _entry(
            _rounded(calendar_profiles()),
            "ratio, mean 1",
            fitted,
            "C",
            "不含农历节日的季节因子(月×品类)",
            "calendar season by month and category",
        ),
        "spring_festival": _entry(
            _named(by_category(rules["spring_festival"])),
            share,
            imputed,
            "D",
            "春节增加的支出",
            "spending the Spring Festival adds",
        ),
        "mid_autumn": _entry(
            _named(by_category(rules["mid_autumn"])),
            share,
            imputed,
            "D",
            "中秋增加的支出",
            "spending the Mid-Autumn Festival adds",
        ),
        "spring_window": _entry(
            rules["window"]["spring_festival"],
            window,
            "imputed",
            "D",
            "春节影响的天数(前、后)",
            "days around the Spring Festival",
        ),
        "mid_autumn_window": _entry(
            rules["window"]["mid_autumn"],
            window,
            "imputed",
            "D",
            "中秋影响的天数(前、后)",
            "days around Mid-Autumn",
        ),
        "gathering": _entry(
            rules["gathering"],
            "average months of the budget",
            "imputed: returning migrants",
            "D",
            "春节返乡带来的额外支出(乡村、城镇)",
            "extra budget at the Spring Festival",
            low=[0.0, 0.0],
            high=[0.2, 0.05],
        ),
        "lunar": _entry(
            {str(year): dates for year, dates in rules["lunar"].items()},
            "month-day",
            "lunar calendar",
            "A",
            "春节与中秋日期",
            "Spring Festival and Mid-Autumn dates",
        ),
    }


def _retail_entries() -> dict[str, Any]:
    bridge = {key: round(float(value), DIGITS) for key, value in retail_bridge().items()}
    return {
        "retail_share": _entry(
            _named(by_category(assumptions()["retail_share"])),
            "share",
            "definition of retail sales (goods and catering, no services); imputed",
            "D",
            "计入社会消费品零售总额的比例",
            "part of spending that counts as retail sales",
        ),
        "retail_uplift": _entry(
            bridge["value"],
            "ratio",
            "retail sales 2022 (952.6) over households' goods and catering, survey "
            " consumption 2022 with durables of the durables block; low: visitors apart",
            "D",
            "社零总额与居民购买之比(单位与政府采购等)",
            "total retail sales over households' part: firms, government, "
            "visitors and spending the survey misses",
            low=bridge["low"],
            high=bridge["high"],
        ),
    }


def document() -> dict[str, Any]:
    """Content of spending.yaml with units, source and grade for every entry."""
    return {**_share_entries(), **_season_entries(), **_retail_entries()}


def render() -> str:
    """Text of spending.yaml."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 200
    yaml.allow_unicode = True
    text = io.StringIO()
    text.write("# Derived from calibration/data by calibration/distil_spending.py: do not edit.\n")
    yaml.dump(document(), text)
    return text.getvalue()


def main() -> None:
    """Write model/parameters/spending.yaml."""
    TARGET.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
