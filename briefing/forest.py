"""Forest plot of replications: every estimate with its interval, in units of its band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from briefing import style
from briefing.canvas import WHISKER, columns, finish
from briefing.numbers import digits
from briefing.text import t

LEFT, RIGHT = -1.5, 2.5  # of the axis, in bands; what lies beyond is drawn at the edge
ROW_INCHES: Final = 0.235
WIDTH_INCHES: Final = 9.5
NAME_COLUMNS: Final = 64


@dataclass(frozen=True)
class Entry:
    """One finding: estimate and interval (None where there is none), target and band."""

    label: str
    target: float
    low: float
    high: float
    estimate: float | None
    estimate_low: float | None
    estimate_high: float | None
    inside: bool


def forest(entries: Sequence[Entry], lang: str, footer: str = "") -> Figure:
    """All findings from top to bottom; the band of each runs from 0 to 1."""
    with style.style():
        figure = style.new_figure(WIDTH_INCHES, 1.6 + ROW_INCHES * len(entries))
        axes = figure.add_subplot()
        axes.axvspan(0.0, 1.0, color=style.WINDOW, zorder=0)
        for row, entry in enumerate(entries):
            _draw(axes, row, entry)
        _frame(axes, entries, lang)
        return finish(figure, t("replicate.plot.title", lang), footer)


def _draw(axes: Axes, row: int, entry: Entry) -> None:
    axes.plot(_place(entry, entry.target), row, "|", color=style.SOFT_INK, markersize=8)
    axes.text(
        RIGHT + 0.05, row, _figures(entry), va="center", fontsize=7.5, color=style.INK,
    )  # fmt: skip
    if entry.estimate is None:
        return
    color = style.BLUE if entry.inside else style.DARK_ORANGE
    at = _place(entry, entry.estimate)
    shown = min(max(at, LEFT), RIGHT)
    if entry.estimate_low is not None and entry.estimate_high is not None:
        ends = np.clip([_place(entry, entry.estimate_low), _place(entry, entry.estimate_high)],
                       LEFT, RIGHT)  # fmt: skip
        axes.plot(ends, [row, row], color=style.INK, linewidth=WHISKER["elinewidth"])
    marker = "<" if at < LEFT else (">" if at > RIGHT else ("o" if entry.inside else "D"))
    axes.plot(shown, row, marker, color=color, markersize=5, zorder=3)


def _place(entry: Entry, value: float) -> float:
    return (value - entry.low) / (entry.high - entry.low)


def _figures(entry: Entry) -> str:
    band = f"[{_number(entry.low)}, {_number(entry.high)}]"
    return f"{'—' if entry.estimate is None else _number(entry.estimate)}  {band}"


def _number(value: float) -> str:
    return digits(value, 1 if abs(value) >= 10 else (2 if abs(value) >= 0.1 else 3))


def _frame(axes: Axes, entries: Sequence[Entry], lang: str) -> None:
    axes.set_yticks(range(len(entries)), [_short(entry.label) for entry in entries], fontsize=7.5)
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.set_xlim(LEFT, RIGHT)
    axes.set_xticks([-1, 0, 1, 2])
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(t("replicate.plot.axis", lang), fontsize=9)
    handles = [
        Patch(color=style.WINDOW, label=t("replicate.plot.band", lang)),
        Line2D([], [], marker="|", color=style.SOFT_INK, linestyle="",
               label=t("replicate.plot.target", lang)),
        Line2D([], [], marker="o", color=style.BLUE, label=t("replicate.plot.inside", lang)),
        Line2D([], [], marker="D", color=style.DARK_ORANGE,
               label=t("replicate.plot.outside", lang)),
    ]  # fmt: skip
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=4)


def _short(label: str) -> str:
    """A label of at most NAME_COLUMNS narrow characters."""
    if columns(label) <= NAME_COLUMNS:
        return label
    kept = ""
    for character in label:
        if columns(kept + character) > NAME_COLUMNS - 1:
            break
        kept += character
    return kept.rstrip() + "…"
