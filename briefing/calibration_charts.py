"""Two charts of the calibration page: scores of the moments, and profiles of the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from briefing import style
from model.messages import say

WIDTH: Final = 7.6
ROW: Final = 0.23
COLUMNS: Final = 4
LARGEST_SCORE: Final = 4.0
LARGEST_RISE: Final = 9.0
NINETY: Final = 2.706  # rise of the profile at the ends of a 90 % interval of one parameter


def scores(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str], lang: str) -> Figure:
    """Standardised distance of every moment from its target: shipped values and best point."""
    with style.style():
        figure = style.new_figure(WIDTH, 1.2 + ROW * len(rows))
        axes = figure.add_subplot()
        places = np.arange(len(rows))[::-1]
        axes.axvspan(-2.0, 2.0, color=style.WINDOW, zorder=0)
        for side, marker, colour in (
            ("shipped_score", "o", style.ORANGE), ("point_score", "D", style.BLUE),
        ):  # fmt: skip
            found = np.clip([row[side] for row in rows], -LARGEST_SCORE, LARGEST_SCORE)
            axes.scatter(found, places, marker=marker, s=22, color=colour,
                         label=say(f"calibrate.chart.{side}", lang), zorder=3)  # fmt: skip
        axes.axvline(0.0, color=style.SOFT_INK, linewidth=0.8)
        axes.set_yticks(places, [words[row["name"]] for row in rows])
        axes.set_xlim(-LARGEST_SCORE - 0.2, LARGEST_SCORE + 0.2)
        axes.set_ylim(-0.8, len(rows) - 0.2)
        axes.set_xlabel(say("calibrate.chart.score_axis", lang))
        figure.legend(loc="upper right", ncols=2)
        figure.tight_layout(rect=(0.0, 0.0, 1.0, 1.0 - 0.35 / figure.get_figheight()))
    return figure


def profiles(tables: Mapping[str, Any], lang: str) -> Figure:
    """Rise of the distance when one parameter is held and the others adjust, by parameter."""
    shown = [row for row in tables["parameters"] if not row["inert"]]
    lines = -(-len(shown) // COLUMNS)
    with style.style():
        figure = style.new_figure(WIDTH, 1.45 * lines + 0.6)
        grid = np.array(tables["profile"]["grid"])
        for number, row in enumerate(shown, start=1):
            axes = figure.add_subplot(lines, COLUMNS, number)
            values = row["low"] + grid * (row["high"] - row["low"])
            axes.plot(values, tables["profile"]["rise"][row["name"]], color=style.BLUE)
            ninety = axes.axhline(NINETY, color=style.SOFT_INK, linewidth=0.7, linestyle=":")
            shipped = axes.axvline(row["shipped"], color=style.DARK_ORANGE, linewidth=1.0)
            axes.set_ylim(0.0, LARGEST_RISE)
            axes.set_title(row[lang], fontsize=7, pad=3)
            axes.tick_params(labelsize=6)
        figure.supylabel(say("calibrate.chart.rise_axis", lang), fontsize=8)
        words = [say(f"calibrate.chart.rise_{name}", lang) for name in ("shipped", "ninety")]
        figure.legend([shipped, ninety], words, loc="upper right", ncols=2)
        figure.tight_layout(rect=(0.0, 0.0, 1.0, 1.0 - 0.3 / figure.get_figheight()))
    return figure
