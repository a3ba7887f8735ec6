"""The three charts of docs/validation.md, drawn from the stored results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from briefing import style
from briefing.canvas import finish
from briefing.validation_page import method, titles
from experiments.robustness import HEADLINES, HORIZONS
from experiments.validation import COMMAND
from model.messages import LANGUAGES, say

WIDTH: Final = 7.6
LINES: Final[dict[str, dict[str, Any]]] = {
    "conditional": {"color": style.BLUE, "marker": "o"},
    "unconditional": {"color": style.BLUE, "marker": "o", "linestyle": "--", "fillstyle": "none"},
    "model": {"color": style.BLUE, "marker": "o"},
    "trend": {"color": style.ORANGE, "marker": "s", "markersize": 4},
    "ar1": {"color": style.DARK_ORANGE, "marker": "^", "linestyle": ":", "markersize": 4},
}
ROW_INCHES: Final = 0.2


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """Write every chart in both languages as PNG; returns the files. Raises OSError."""
    charts: dict[str, Callable[[dict[str, Any], str], Figure]] = {
        "retail": retail,
        "trade_in": trade_in,
        "structure": structure,
    }
    written = []
    for lang in LANGUAGES:
        for name, chart in charts.items():
            path = folder / f"validation_{name}.{lang}.png"
            with style.style():
                chart(results, lang).savefig(path, dpi=style.DOTS_PER_INCH // 2,
                                             metadata={"Software": None})  # fmt: skip
            written.append(path)
    return written


def retail(results: dict[str, Any], lang: str) -> Figure:
    """Published growth of retail sales and forecasts one year ahead."""
    rows = results["backcasts"]["retail"]["one_year"]["forecasts"]
    shown = ("conditional", "unconditional", "trend", "ar1")
    return _paths(results, rows, shown, "validate.chart.retail.title", lang)


def trade_in(results: dict[str, Any], lang: str) -> Figure:
    """Published growth of appliance sales and forecasts one observation ahead."""
    rows = results["backcasts"]["trade_in"]["ahead_1"]["forecasts"]
    return _paths(results, rows, ("model", "trend", "ar1"), "validate.chart.trade_in.title", lang)


def _paths(
    results: dict[str, Any], rows: list[dict[str, Any]], shown: tuple[str, ...], title: str,
    lang: str,
) -> Figure:  # fmt: skip
    with style.style():
        figure = style.new_figure(WIDTH, 4.1)
        axes = figure.add_subplot()
        places = np.arange(len(rows))
        actual = [row["actual"] for row in rows]
        axes.bar(places, actual, color=style.LIGHT_BLUE, width=0.6,
                 label=say("validate.chart.published", lang))  # fmt: skip
        for name in shown:
            said = [row["said"][name] for row in rows]
            axes.plot(places, said, label=method(name, lang), linewidth=1.4, **LINES[name])
        axes.axhline(0.0, color=style.INK, linewidth=0.9)
        axes.set_xticks(places, [row["period"] for row in rows])
        crowded = len(rows) > len(LINES)
        if crowded:
            axes.tick_params(axis="x", rotation=45)
        _name_axis(axes, say("validate.chart.growth", lang))
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.38 if crowded else -0.22),
            ncols=len(shown) + 1,
        )
        plan = results["plan"]["backcast"]
        return finish(figure, say(title, lang), _footer(results, plan, lang))


def structure(results: dict[str, Any], lang: str) -> Figure:
    """Household consumption per yuan to the last horizon under each structure, by policy."""
    rows = [row for row in results["structure"] if row["horizon"] == HORIZONS[-1]]
    names = list(dict.fromkeys(row["choice"] for row in rows))
    found = {(row["choice"], row["policy"]): row for row in rows}
    title = titles(lang)
    with style.style():
        figure = style.new_figure(WIDTH + 1.2, 1.4 + ROW_INCHES * len(names))
        panels = figure.subplots(1, len(HEADLINES), sharey=True)
        for axes, policy in zip(panels, HEADLINES, strict=True):
            _dots(axes, [found[name, policy] for name in names])
            _name_axis(axes, say(f"validate.policy.{policy}", lang))
        panels[0].set_yticks(range(len(names)), [title[name] for name in names], fontsize=7.5)
        panels[0].invert_yaxis()
        plan = results["plan"]["structure"]
        return finish(figure, say("validate.chart.structure.title", lang),
                      _footer(results, plan, lang))  # fmt: skip


def _dots(axes: Axes, rows: list[dict[str, Any]]) -> None:
    """Values with intervals; choices that matter filled dark, the reference as a line."""
    axes.axvline(rows[0]["value"], color=style.SOFT_INK, linewidth=0.9)
    for place, row in enumerate(rows):
        colour = style.DARK_ORANGE if row["matters"] else style.BLUE
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.2)
        axes.plot(row["value"], place, color=colour, marker="D" if row["matters"] else "o",
                  markersize=4)  # fmt: skip
    axes.tick_params(axis="x", labelsize=7.5)


def _name_axis(axes: Axes, words: str) -> None:
    axes.set_title(words, fontsize=9.5, color=style.SOFT_INK, pad=8)


def _footer(results: dict[str, Any], plan: dict[str, int], lang: str) -> str:
    first = results["plan"]["first_seed"]
    return say("validate.chart.footer", lang, command=COMMAND, first=first,
               last=first + plan["seeds"] - 1, scale=plan["scale"])  # fmt: skip
