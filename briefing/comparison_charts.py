"""The charts of one comparison, as PNG and SVG in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from briefing import charts, style
from briefing.figures import Bars, FiscalFlow, Floats, Ladder, PathBand, QuintileSplit, Tiles
from briefing.summary import RunFacts
from experiments.comparison import Comparison
from experiments.intervals import Estimate
from model.messages import LANGUAGES, say

Drawing = tuple[str, Callable[..., Figure], Any]
BUDGET_LEVELS: Final = ("central", "province", "cities")


def draw_comparison(
    comparison: Comparison, facts: RunFacts, folder: Path, languages: Sequence[str] = LANGUAGES
) -> list[Path]:
    """Draw every chart the comparison has data for, in each language; returns the PNG files.

    Raises FigureDataError for numbers that do not fit together and OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings = list(_drawings(comparison))
    return [
        style.save(draw(data, lang=lang, footer=footer(comparison, facts, lang)), stem)[0]
        for lang in languages
        for name, draw, data in drawings
        for stem in [folder / f"{name}.{lang}"]
    ]


def footer(comparison: Comparison, facts: RunFacts, lang: str) -> str:
    """What every chart says below: policy, interval, seeds, scenario, command."""
    return say(
        "summary.footer",
        lang,
        policy=facts.policy_title[lang],
        count=len(comparison.seeds),
        seed=comparison.seeds[0],
        scenario=facts.scenario_hash[:12],
        command=facts.command,
    )


def _drawings(comparison: Comparison) -> Iterator[Drawing]:
    if "household_consumption" in comparison.outcomes():
        yield "monthly_path", charts.monthly_path, path_band(comparison)
    months = comparison.horizons[-1]
    parts = comparison.decomposition(months)
    for dim, name, draw, table in (
        ("category", "by_category", charts.by_category, _bars),
        ("place", "by_city", charts.by_city, _tiles),
    ):
        inside = [part for part in parts if part.dimension == dim]
        if inside:
            labels = tuple(part.label for part in inside)
            yield name, draw, table(labels, [part.estimate for part in inside])
    split = comparison.residence_by_quintile(months)
    if split is not None:
        yield "by_quintile", charts.by_quintile, QuintileSplit(*split)
    yield "fiscal_flow", charts.fiscal_flow, fiscal_flow(comparison)
    ladder = leverage_ladder(comparison)
    if ladder is not None:
        yield "leverage_ladder", charts.leverage_ladder, ladder


def _columns(estimates: Sequence[Estimate]) -> tuple[Floats, Floats, Floats]:
    table = np.array([(one.value, one.low, one.high) for one in estimates], dtype=float)
    return table[:, 0], table[:, 1], table[:, 2]


def _bars(labels: tuple[str, ...], estimates: Sequence[Estimate]) -> Bars:
    return Bars("category", labels, *_columns(estimates))


def _tiles(labels: tuple[str, ...], estimates: Sequence[Estimate]) -> Tiles:
    return Tiles(labels, *_columns(estimates))


def path_band(comparison: Comparison) -> PathBand:
    """Extra household consumption by month."""
    first, last = comparison.window
    window = (comparison.months[first], comparison.months[last - 1])
    return PathBand(tuple(comparison.months), *comparison.monthly("household_consumption"), window)


def fiscal_flow(comparison: Comparison) -> FiscalFlow:
    """Paid and returned over the whole run, by level of government."""
    paid, returned = comparison.payers(), comparison.payer_returns()
    nothing = Estimate(0.0, 0.0, 0.0, paid["funds"].method)
    return FiscalFlow(
        (*BUDGET_LEVELS, "funds"),
        *_columns([paid[name] for name in (*BUDGET_LEVELS, "funds")]),
        *_columns([*(returned[name] for name in BUDGET_LEVELS), nothing]),
    )


def leverage_ladder(comparison: Comparison) -> Ladder | None:
    """The ratios that exist; None if nothing was paid."""
    known = {name: one for name, one in comparison.leverage().items() if one is not None}
    return Ladder(tuple(known), *_columns(list(known.values()))) if known else None
