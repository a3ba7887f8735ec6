"""Charts of intensities by city: a map of city by measure, with what each city pays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from briefing import style
from briefing.canvas import finish, fold
from briefing.figures import Floats
from briefing.numbers import digits
from briefing.text import t

WIDTH: Final = 7.6
COLUMN_ROOM: Final = 52
ROW_INCHES: Final = 0.36
DARK: Final = 0.66
"""Shade from which text in a cell is white."""
SHADES: Final = LinearSegmentedColormap.from_list(
    "tizhen_intensity", ["#FFFFFF", style.LIGHT_BLUE, style.BLUE]
)


def city_map(
    names: Sequence[str], cities: Sequence[str], intensity: Floats, ratio: Floats,
    paid: Sequence[str], title: str, top: float, *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """Heat map [city, measure] of intensities; below each what the next yuan does there.

    `paid` stands at the right of every city. A ratio that is not finite is a dash.
    """
    with style.style():
        figure = style.new_figure(WIDTH, 2.4 + ROW_INCHES * len(cities))
        axes = figure.add_subplot()
        axes.imshow(intensity / top, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
        for row, column in np.ndindex(*intensity.shape):
            x = float(intensity[row, column])
            below = _ratio(float(ratio[row, column]))
            _cell(axes, row, column, x / top, (digits(x, 2), below))
        limit = COLUMN_ROOM // len(names)
        folded = ["\n".join(fold(name, limit)) for name in names]
        axes.set_xticks(range(len(names)), folded, fontsize=8.5)
        axes.set_yticks(range(len(cities)), cities)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.hlines(np.arange(len(cities) - 1) + 0.5, -0.5, len(names) - 0.5, color="white")
        for side in axes.spines.values():
            side.set_visible(False)
        for row, words in enumerate(paid):
            at = axes.get_yaxis_transform()
            axes.text(1.015, row, words, transform=at, va="center", fontsize=8)
        return finish(figure, title, footer, t("chart.cities.caption", lang))


def _cell(axes: Axes, row: int, column: int, shade: float, words: tuple[str, str]) -> None:
    dark = shade > DARK
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": "white" if dark else style.INK}
    for drop, size, text in zip((-0.14, 0.26), (8.5, 6.5), words, strict=True):
        axes.text(column, row + drop, text, fontsize=size, **look)


def _ratio(value: float) -> str:
    return f"({digits(value, 2)})" if np.isfinite(value) else "(—)"
