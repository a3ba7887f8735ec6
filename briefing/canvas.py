"""What all charts share: title and footer, folded text, scaled units, ticks with a real minus."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from briefing import style
from briefing.figures import Floats
from briefing.numbers import decimals_for, digits, interval, scale_for, span
from briefing.text import t

FOOTER_COLUMNS_PER_INCH: Final = 16.5
TITLE_COLUMNS_PER_INCH: Final = 9.6
FOOTER_LINE_INCHES: Final = 0.155
TITLE_LINE_INCHES: Final = 0.26
MARGIN_INCHES: Final = 0.14
WHISKER: Final[dict[str, Any]] = {"ecolor": style.INK, "elinewidth": 1.1, "capsize": 3}


@dataclass(frozen=True)
class Measure:
    """Divisor and name of the unit in which a chart prints its values."""

    divisor: float
    unit: str
    decimals: int

    def show(self, value: float, *, signed: bool = True) -> str:
        """One value in this unit, without the unit's name; a dash if there is none."""
        if not np.isfinite(value):
            return "—"
        return digits(value / self.divisor, self.decimals, signed)

    def span(self, low: float, high: float, lang: str) -> str:
        """The bounds in this unit, for small print under a value."""
        return span(self.show(low, signed=False), self.show(high, signed=False), lang)

    def full(self, figures: tuple[float, float, float], lang: str, *, signed: bool = True) -> str:
        """Value and bounds, (value, low, high), in this unit."""
        value, *bounds = figures
        if not np.isfinite(figures).all():
            return self.show(value, signed=signed)
        low, high = (self.show(bound, signed=False) for bound in bounds)
        return interval(self.show(value, signed=signed), low, high, lang)


def measure(unit: str, lang: str, *tables: Floats) -> Measure:
    """The unit in which the largest of all values reads well."""
    values = np.concatenate([np.ravel(table) for table in tables]).tolist()
    if unit not in {"money", "persons"}:
        return Measure(1.0, t(f"axis.{unit}", lang), decimals_for(values))
    scale = scale_for(unit, values, lang)
    decimals = decimals_for(value / scale.divisor for value in values)
    return Measure(scale.divisor, t(f"axis.{unit}{scale.suffix}", lang), decimals)


def columns(text: str) -> int:
    """Width of a text in narrow characters; Chinese ones count two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pieces(paragraph: str) -> list[str]:
    """Cut where a line may break: after a space and on both sides of a wide character."""
    pieces = [""]
    for character in paragraph:
        wide = columns(character) == 2
        if pieces[-1] and (wide or pieces[-1][-1] == " " or columns(pieces[-1][-1]) == 2):
            pieces.append("")
        pieces[-1] += character
    return pieces


def fold(text: str, limit: int) -> list[str]:
    """Break a text into lines of at most `limit` columns, closing punctuation kept in place."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for piece in _pieces(paragraph):
            if (
                line
                and columns((line + piece).rstrip()) > limit
                and piece not in "，。；：、）！？"
            ):
                lines.append(line.rstrip())
                line = ""
            line += piece
        lines.append(line.rstrip())
    return lines


def finish(figure: Figure, title: str, footer: str, caption: str = "") -> Figure:
    """Write title and footer and let the axes take the room between them."""
    width, height = figure.get_size_inches()
    left = MARGIN_INCHES / width
    head = fold(title, int(TITLE_COLUMNS_PER_INCH * width))
    text = "\n".join(part for part in (caption, footer) if part)
    foot = fold(text, int(FOOTER_COLUMNS_PER_INCH * width))
    figure.text(
        left, 1 - MARGIN_INCHES / height, "\n".join(head), fontsize=13, va="top", linespacing=1.3
    )
    figure.text(
        left, MARGIN_INCHES / height, "\n".join(foot), fontsize=7.5, color=style.SOFT_INK,
        va="bottom", linespacing=1.35,
    )  # fmt: skip
    top = 1 - (1.4 * MARGIN_INCHES + TITLE_LINE_INCHES * len(head)) / height
    bottom = (1.4 * MARGIN_INCHES + FOOTER_LINE_INCHES * len(foot)) / height
    figure.tight_layout(rect=(0.008, bottom, 0.99, top), pad=0.5)
    return figure


def scale_axis(axes: Axes, which: str, scale: Measure, name: str, lang: str) -> None:
    """Label one axis ("x" or "y") with its unit and print its ticks in that unit."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    words = t("axis.with_unit", lang, name=name, unit=scale.unit)
    if which == "x":
        axis.set_label_text(words)
    else:  # upright above the axis: a turned label is hard to read and runs out of room
        axes.set_title(words, fontsize=9.5, color=style.SOFT_INK, pad=8)


def plain(value: float) -> str:
    """A tick: as few decimals as it needs, at most four, and a real minus."""
    shortest = f"{round(value, 4):.4f}".rstrip("0")
    return digits(value, len(shortest.rpartition(".")[2]))


def whiskers(value: Floats, low: Floats, high: Floats) -> Floats:
    """Lengths below and above the value, never negative, as matplotlib's error bars want them."""
    lengths: Floats = np.maximum(np.stack([value - low, high - value]), 0.0)
    return lengths
