"""Stand-alone moments of the durables block: a cohort of households, no other market.

Expected purchases follow exactly from the tables (no sampling): owners move through ages and need
clocks, the others buy first units. Credit and cash limits, take-up and price reactions are those
of the whole model and are absent here. Run as `python -m calibration.durable_moments`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.dimensions import ITEM_CATEGORY, ITEMS
from model.parameters import Parameters, load_parameters
from model.solvers.durable_problem import FloatArray
from model.solvers.durables import (
    CLASSES,
    ReplacementTables,
    SubsidySchedule,
    ownership,
    prices,
    replacement_tables,
    stationary_ages,
)

WORD = 4294967296.0
YEAR = 12
CATEGORIES = ("appliances", "digital", "cars")


@dataclass(frozen=True)
class Purchases:
    """Expected units a household, [month, item, class]: replacements and first purchases."""

    replaced: FloatArray
    first: FloatArray

    @property
    def units(self) -> FloatArray:
        """All units, [month, item, class]."""
        return self.replaced + self.first


@dataclass(frozen=True)
class Moment:
    """One simulated moment with the band it should lie in."""

    name: str
    value: float
    low: float
    high: float
    source: str

    @property
    def inside(self) -> bool:
        """Whether the value lies in the band."""
        return self.low <= self.value <= self.high


def class_weights(parameters: Parameters) -> tuple[FloatArray, FloatArray]:
    """Households by class [class] and owners by item and class [item, class], share of all."""
    urban = parameters.number("durables.urban_households")
    households = np.stack(
        [
            (1.0 - urban) * parameters.array("durables.class_share.rural"),
            urban * parameters.array("durables.class_share.urban"),
        ]
    )
    owners = np.einsum("irk,rk->ik", ownership(parameters), households)
    return households.sum(axis=0), owners


def simulate(tables: ReplacementTables, parameters: Parameters, months: int) -> Purchases:
    """Expected purchases of a cohort that starts in the ergodic state without policy."""
    households, owners = class_weights(parameters)
    state = stationary_ages(tables, parameters).probability * owners[:, :, None, None]
    without = households[None, :] - owners
    need = (tables.need / WORD)[:, None, :]
    replaced = np.empty((months, len(ITEMS), CLASSES))
    first = np.empty_like(replaced)
    for month in range(months):
        row = tables.index[month]
        sold = state * (tables.purchase[row] / WORD)
        replaced[month] = sold.sum(axis=(2, 3))
        first[month] = without * (tables.first_purchase[row] / WORD)
        state = _age(state - sold, need)
        state[:, :, 1, 0] += replaced[month] + first[month]
        without = without - first[month]
    return Purchases(replaced, first)


def _age(kept: FloatArray, need: FloatArray) -> FloatArray:
    """Owners [item, class, age, clock] who kept their unit, one month later."""
    moved = np.zeros_like(kept)
    moved[..., 0] = kept[..., 0] * (1.0 - need)
    moved[..., 1] = kept[..., 0] * need
    moved[..., 2:] = kept[..., 1:-1]
    moved[..., -1] += kept[..., -1]
    older = np.zeros_like(moved)
    older[:, :, 1:] = moved[:, :, :-1]
    older[:, :, -1] += moved[:, :, -1]
    return older


def path(
    parameters: Parameters, schedules: Sequence[SubsidySchedule], months: int, january: int = 1
) -> FloatArray:
    """Units by month and category, [month, 3], for a run starting in calendar month `january`."""
    tables = replacement_tables(parameters, schedules, months, january)
    return by_category(simulate(tables, parameters, months).units.sum(axis=2))


def by_category(values: FloatArray) -> FloatArray:
    """Sum the item axis (last) into appliances, digital and cars."""
    return np.stack(
        [
            values[..., [ITEM_CATEGORY[i] == category for i in ITEMS]].sum(axis=-1)
            for category in CATEGORIES
        ],
        axis=-1,
    )


def uniform(share: float, announced: int, start: int, end: int | None) -> SubsidySchedule:
    """The same instant subsidy on every item and class."""
    return SubsidySchedule(announced, start, end, np.full((len(ITEMS), CLASSES), share), True)


def spending_moments(parameters: Parameters) -> list[Moment]:
    """Levels without policy: cycles, prices, spending shares."""
    tables = replacement_tables(parameters, [], YEAR, 1)
    ages, cost = stationary_ages(tables, parameters), prices(parameters)
    units = simulate(tables, parameters, YEAR).units.sum(axis=0)
    spent = by_category((units * cost).sum(axis=1)) / parameters.number("durables.household_income")
    sold = by_category(units.sum(axis=1))
    cycles = 1.0 / ages.replacement_rate[:, 0] / YEAR
    bands = [(8.0, 11.0), (8.0, 10.0), (8.0, 11.0), (7.0, 10.0), (5.0, 7.0), (2.5, 3.5),
             (2.5, 4.0), (12.0, 15.0)]  # fmt: skip
    moments = [
        Moment(f"cycle, years: {item}", float(cycle), *band, "replacement guidance")
        for item, cycle, band in zip(ITEMS, cycles, bands, strict=True)
    ]
    income = parameters.number("durables.household_income")
    mean_price = float(spent[0] * income / sold[0])
    moments.append(Moment("mean appliance price", mean_price, 3500, 4700, "trade-in 2024: 4,603"))
    for category, share, band in zip(
        CATEGORIES, spent, ((0.012, 0.03), (0.012, 0.03), (0.03, 0.055)), strict=True
    ):
        moments.append(Moment(f"spending/income: {category}", float(share), *band, "judgement"))
    moments.append(
        Moment("spending/income: all three", float(spent.sum()), 0.06, 0.09, "survey groups")
    )
    first = simulate(tables, parameters, YEAR).first.sum(axis=(0, 2))
    moments.append(Moment("new first cars per 100 households a year", 100 * float(first[-1]), 0.7,
                          2.0, "judgement"))  # fmt: skip
    return moments


def window_moments(parameters: Parameters, share: float = 0.16) -> list[Moment]:
    """Reactions to windows of a uniform subsidy of `share` of the price."""
    months, start = 60, 12
    base = path(parameters, [], months)
    moments: list[Moment] = []
    short = path(parameters, [uniform(share, start, start, start + 2)], months)
    year = path(parameters, [uniform(share, start, start, start + YEAR)], months)
    lasting = path(parameters, [uniform(share, start, start, None)], months)
    known = path(parameters, [uniform(share, start - 3, start, start + YEAR)], months)
    # Phones and computers have no estimate of their own: the bands of appliances are borrowed.
    inframarginal = ((0.5, 0.75), (0.5, 0.75), (0.45, 0.60))
    for number, category in enumerate(CATEGORIES):
        b = base[:, number]
        moments += _short_window(category, b, short[:, number], start, inframarginal[number])
        moments += _spending_per_yuan(f"2 months, {category}", b, short[:, number], share, start, 2)
        moments += _year_window(category, b, year[:, number], start)
        moments += _spending_per_yuan(
            f"12 months, {category}", b, year[:, number], share, start, YEAR
        )
        moments += _other_windows(category, b, lasting[:, number], known[:, number], start)
    return moments


def _extra(base: FloatArray, path_: FloatArray, first: int, last: int) -> float:
    return float((path_[first:last] - base[first:last]).sum())


def _ratio(base: FloatArray, path_: FloatArray, first: int, last: int) -> float:
    return float(path_[first:last].sum() / base[first:last].sum() - 1.0)


def _short_window(
    category: str, base: FloatArray, path_: FloatArray, start: int, band: tuple[float, float]
) -> list[Moment]:
    end = start + 2
    gained = _extra(base, path_, start, end)
    back = [-_extra(base, path_, end, end + h) / gained for h in (7, 12, 24)]
    label = f"2 months, {category}:"
    return [
        Moment(f"{label} inframarginal", float(base[start:end].sum() / path_[start:end].sum()),
               *band, "RT4b, RT4c"),
        Moment(f"{label} reversed after 7", back[0], 0.5, 1.0, "RT4a"),
        Moment(f"{label} reversed after 12", back[1], 0.65, 0.85, "RT4a"),
        Moment(f"{label} reversed after 24", back[2], 0.65, 1.0, "RT4d"),
    ]  # fmt: skip


def _year_window(category: str, base: FloatArray, path_: FloatArray, start: int) -> list[Moment]:
    end = start + YEAR
    gained = _extra(base, path_, start, end)
    label = f"12 months, {category}:"
    return [
        Moment(f"{label} mean uplift", _ratio(base, path_, start, end), 0.2, 0.4, "RT4f"),
        Moment(f"{label} inframarginal",
               float(base[start:end].sum() / path_[start:end].sum()), 0.5, 0.8, "RT4c"),
        Moment(f"{label} first month", _ratio(base, path_, start, start + 1), 0.15, 1.2, "shape"),
        Moment(f"{label} months 5-9", _ratio(base, path_, start + 4, start + 9), 0.0, 0.5, "shape"),
        Moment(f"{label} last month", _ratio(base, path_, end - 1, end), 0.3, 1.5, "shape"),
        Moment(f"{label} next half year", _ratio(base, path_, end, end + 6), -0.45, -0.1, "shape"),
        Moment(f"{label} reversed after 12", -_extra(base, path_, end, end + 12) / gained, 0.4,
               0.95, "shape"),
    ]  # fmt: skip


def _spending_per_yuan(
    label: str, base: FloatArray, path_: FloatArray, share: float, start: int, length: int
) -> list[Moment]:
    """Extra spending at list prices per yuan of subsidy on every unit sold in the window."""
    cost = share * float(path_[start : start + length].sum())
    during = _extra(base, path_, start, start + length) / cost
    after = _extra(base, path_, start, start + length + 24) / cost
    return [
        Moment(f"{label}: spending per yuan, window", during, 2.0, 3.5, "RT4d"),
        Moment(f"{label}: spending per yuan, 24 m after", after, 0.0, 1.0, "RT4d"),
    ]


def _other_windows(
    category: str, base: FloatArray, lasting: FloatArray, known: FloatArray, start: int
) -> list[Moment]:
    return [
        Moment(f"permanent, {category}: first month", _ratio(base, lasting, start, start + 1),
               0.0, 0.3, "no spike"),
        Moment(f"permanent, {category}: first year", _ratio(base, lasting, start, start + 12),
               0.0, 0.15, "prototype 5-7%"),
        Moment(f"announced 3 months ahead, {category}: before start",
               _ratio(base, known, start - 3, start), -0.6, -0.02, "waiting"),
    ]  # fmt: skip


def report(parameters: Parameters) -> str:
    """All moments as a table in plain text."""
    rows = spending_moments(parameters) + window_moments(parameters)
    lines = [f"{'moment':54s} {'value':>9s} {'band':>17s}"]
    for m in rows:
        verdict = "" if m.inside else "  outside"
        lines.append(f"{m.name:54s} {m.value:9.3f} {m.low:8.2f}-{m.high:<8.2f} {m.source}{verdict}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report(load_parameters()) + "\n")
