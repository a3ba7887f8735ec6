"""Intensities by city in words, and their chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from briefing.canvas import Measure
from briefing.city_charts import city_map
from briefing.figures import Floats
from briefing.numbers import digits, show
from briefing.text import has_text, t
from experiments.allocation import EXPECTED
from experiments.city_parts import EVERYWHERE
from experiments.intervals import mean_estimate
from experiments.optimise_plan import STRONGEST, TOTAL, YI
from experiments.paired import OUTCOME_RULES
from model.dimensions import PLACES
from model.policy.catalogue import load_catalogue

if TYPE_CHECKING:
    from experiments.city_findings import CityFindings, CityRow
    from experiments.intervals import Estimate
    from experiments.optimum import Optimum

JOBS: Final = "persons"


def group_name(name: str, lang: str) -> str:
    """A city, the whole province, or a group as its plan names it."""
    if name == EVERYWHERE:
        return t("optimise.everywhere", lang)
    return t(f"place.{name}", lang) if has_text(f"place.{name}", lang) else name


def city_lines(found: Optimum, cities: CityFindings, lang: str) -> list[str]:
    """City by measure, the equal answer beside it, and how good the curves are."""
    lines = [t("optimise.cities_head", lang)]
    lines += [_row(found, row, lang) for row in cities.rows]
    return [*lines, "", *_equal(found, cities, lang), _tested(cities, lang), ""]


def _row(found: Optimum, row: CityRow, lang: str) -> str:
    unit = "persons" if _jobs(found) else "money"
    one = row.variable
    return t(
        "optimise.cities_row", lang, measure=one.measure, group=group_name(one.group, lang),
        expected=digits(row.intensity, 2), cautious=digits(row.cautious, 2),
        cost=show("money", row.cost.value, lang), gain=_between(unit, row.gain, lang),
        ratio=_ratio(found, row, lang),
    )  # fmt: skip


def _jobs(found: Optimum) -> bool:
    return OUTCOME_RULES[found.plan.goal].unit == JOBS


def _between(unit: str, one: Estimate, lang: str) -> str:
    return show(unit, one.value, lang, low=one.low, high=one.high, signed=True)


def _ratio(found: Optimum, row: CityRow, lang: str) -> str:
    if row.ratio is None:
        return t("optimise.free", lang)
    factor, decimals = (YI, 0) if _jobs(found) else (1.0, 2)
    one = row.ratio.scaled(factor)
    return Measure(1.0, "", decimals).full((one.value, one.low, one.high), lang, signed=False)


def _equal(found: Optimum, cities: CityFindings, lang: str) -> list[str]:
    goal, unit = found.plan.goal, "persons" if _jobs(found) else "money"
    own, other = found.chosen[EXPECTED].fresh, cities.equal.fresh
    listed = zip(cities.layout.measures, cities.by_measure(cities.equal.answer.x), strict=True)
    words = {
        "allocation": ", ".join(f"{n}: {digits(x, 2)}" for n, x in listed if x > 0) or "—",
        "value": _between(unit, mean_estimate(other.goals[goal]), lang),
        "paid": show("money", float(other.paid[TOTAL].mean()), lang),
        "own": show("money", float(own.paid[TOTAL].mean()), lang),
        "goal": t(f"outcome.{goal}", lang),
    }  # fmt: skip
    by = _between(unit, cities.difference, lang)
    sure = t("optimise.differ_sure" if cities.sure else "optimise.differ_unsure", lang)
    return [t("optimise.equal", lang, **words), t("optimise.differ", lang, sure=sure, by=by)]


def _tested(cities: CityFindings, lang: str) -> str:
    held = cities.holdout
    return t(
        "optimise.holdout", lang, designs=cities.designs, tests=held.designs,
        error=digits(100 * held.error, 1), bias=digits(100 * held.bias, 1, True),
        explained=digits(100 * held.explained, 0),
    )  # fmt: skip


# --- the chart --------------------------------------------------------------------------------


def draw_cities(found: Optimum, cities: CityFindings, lang: str, footer: str) -> Figure:
    """City by measure: intensity, what the next yuan does, what the city pays of its budget."""
    measures = cities.layout.measures
    names = [f"{n} {getattr(load_catalogue()[n].title, lang)}" for n in measures]
    intensity, ratio = tables(cities)
    title = t("chart.cities.title", lang, plan=found.plan.title[lang])
    factor = YI if _jobs(found) else 1.0
    paid = [_paid(found, cities, place, lang) for place in PLACES]
    places = [t(f"place.{place}", lang) for place in PLACES]
    return city_map(
        names, places, intensity, ratio * factor, paid, title, STRONGEST, lang=lang, footer=footer
    )


def tables(cities: CityFindings) -> tuple[Floats, Floats]:
    """Intensities and ratios [place, measure]; NaN where the next yuan costs nothing."""
    number = {measure: at for at, measure in enumerate(cities.layout.measures)}
    intensity, ratio = (np.full((len(PLACES), len(number)), np.nan) for _ in range(2))
    for row in cities.rows:
        column = number[row.variable.measure]
        for place in row.variable.places:
            intensity[PLACES.index(place), column] = row.intensity
            value = np.nan if row.ratio is None else row.ratio.value
            ratio[PLACES.index(place), column] = value
    return intensity, ratio


def _paid(found: Optimum, cities: CityFindings, place: str, lang: str) -> str:
    used = show("money", cities.paid[place], lang)
    if place not in found.budgets:
        return used
    limit = show("money", found.budgets[place][0], lang)
    full = any(one.name == place for one in found.binding)
    return t("chart.cities.full" if full else "chart.cities.paid", lang, used=used, limit=limit)
