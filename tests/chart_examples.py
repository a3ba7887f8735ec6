"""Made-up but plausible figures for the charts; numbers of no policy whatever."""

import numpy as np

from briefing import charts
from briefing.figures import Bars, FiscalFlow, Ladder, PathBand, QuintileSplit, Tiles
from model.dimensions import CATEGORIES, PLACES

COMMAND = "tizhen compare headline_package --replications 20"
FOOTER = {
    "zh": "来源：提振模型模拟，情景 headline_package 对比 baseline；90%区间，20个随机种子；"
    f"情景摘要 3f9a21c4。复现命令：{COMMAND}",
    "en": "Source: Tizhen simulation, headline_package against baseline; 90% interval, 20 seeds; "
    f"scenario 3f9a21c4. Reproduce with: {COMMAND}",
}


def _months(first_year: int, count: int) -> tuple[str, ...]:
    return tuple(f"{first_year + n // 12}-{n % 12 + 1:02d}" for n in range(count))


def path() -> PathBand:
    value = np.zeros(36)
    value[:3] = -0.15e8, -0.3e8, -0.55e8
    value[3:9] = 2.1e8, 3.3e8, 2.9e8, 2.4e8, 2.2e8, 1.6e8
    value[9:] = -0.9e8 * np.exp(-np.arange(27) / 5) + 0.12e8
    spread = 0.12e8 + 0.22 * np.abs(value)
    return PathBand(
        _months(2026, 36), value, value - spread, value + spread, ("2026-04", "2026-09")
    )


def categories() -> Bars:
    value = np.array(
        [1.2, 2.6, 0.7, -0.3, 0.5, 0.2, 4.8, 6.3, -0.4, 0.1, 2.9, 0.05, 0.4, 0.9, 0.1, 0.2]
    )
    value = value * 1e8
    spread = 0.1e8 + 0.2 * np.abs(value)
    return Bars("category", CATEGORIES, value, value - spread, value + 1.3 * spread)


def cities() -> Tiles:
    value = (
        np.array([5.2, 4.1, 1.1, 0.6, 0.5, 0.6, 0.8, 0.9, -0.4, 0.5, 0.6, 0.3, 0.3, 0.35, 0.05])
        * 1e8
    )
    spread = 0.05e8 + 0.25 * np.abs(value)
    return Tiles(PLACES, value, value - spread, value + spread)


def quintiles() -> QuintileSplit:
    value = np.array([[118.0, 96, 74, 52, 31], [171, 133, 104, 88, -12]])
    return QuintileSplit(value, value - 25, value + 29)


def fiscal() -> FiscalFlow:
    paid = np.array([11.2, 4.1, 2.6, 17.9]) * 1e8
    returned = np.array([1.1, 0.35, 0.8, 2.25]) * 1e8
    return FiscalFlow(
        ("central", "province", "cities", "total"),
        paid, paid * 0.95, paid * 1.05, returned, returned * 0.7, returned * 1.4,
    )  # fmt: skip


def ladder() -> Ladder:
    value = np.array([6.4, 1.02, 0.71, 0.63, 0.6, 0.34, 0.12])
    rungs = ("headline_sales", "window", "household_12m", "household_24m", "household_36m",
             "local_value_added", "fiscal_return")  # fmt: skip
    return Ladder(rungs, value, value * 0.75, value * 1.3)


EXAMPLES = {
    "path": (charts.monthly_path, path()),
    "category": (charts.by_category, categories()),
    "city": (charts.by_city, cities()),
    "quintile": (charts.by_quintile, quintiles()),
    "fiscal": (charts.fiscal_flow, fiscal()),
    "ladder": (charts.leverage_ladder, ladder()),
}
