"""Charts of an optimum: intensities, what one yuan more does, efficiency against equity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from briefing import style
from briefing.canvas import WHISKER, Measure, finish, fold, measure, scale_axis, whiskers
from briefing.figures import Floats
from briefing.text import t

WIDTH: Final = 7.6
NAME_COLUMNS: Final = 34
ROW_INCHES: Final = 0.45
LOOKS: Final[Mapping[str, dict[str, Any]]] = {
    "expected": {"color": style.BLUE},
    "cautious": {"color": style.ORANGE, "hatch": style.HATCH},
}
Figures = tuple[Floats, Floats, Floats]
"""Value, low and high of equal shape."""


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), ["\n".join(fold(name, NAME_COLUMNS)) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=style.INK, linewidth=0.9)
    axes.margins(x=0.06)


def allocation(
    names: Sequence[str], values: Mapping[str, Floats], title: str,
    *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """Two bars a measure: the intensity that is best for the mean, and the cautious one."""
    with style.style():
        figure = style.new_figure(WIDTH, 1.9 + ROW_INCHES * len(names))
        axes = figure.add_subplot()
        rows = np.arange(len(names), dtype=float)
        for number, (kind, x) in enumerate(values.items()):
            axes.barh(rows + 0.36 * (number - 0.5), x, height=0.32,
                      label=t(f"chart.allocation.{kind}", lang), **LOOKS[kind])  # fmt: skip
        _rows(axes, names)
        axes.axvline(1, color=style.SOFT_INK, linewidth=0.9, linestyle=":")
        axes.set_xlim(0, 2.05)
        axes.set_xlabel(t("chart.allocation.axis", lang))
        axes.legend(loc="lower right")
        return finish(figure, title, footer)


def marginal(
    names: Sequence[str], ratios: Figures, unit: str, title: str,
    *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """What one yuan more adds, with whiskers; measures without a price have no bar."""
    with style.style():
        figure = style.new_figure(WIDTH, 1.9 + ROW_INCHES * len(names))
        axes = figure.add_subplot()
        value, low, high = (np.nan_to_num(table) for table in ratios)
        rows = np.arange(len(names), dtype=float)
        axes.barh(rows, value, height=0.6, color=style.BLUE, error_kw=WHISKER,
                  xerr=whiskers(value, low, high))  # fmt: skip
        shown = Measure(1.0, "", 2)
        for row, figures in enumerate(zip(*ratios, strict=True)):
            known = np.isfinite(figures).all()
            words = shown.full(figures, lang, signed=False) if known else t("optimise.free", lang)
            at = axes.get_yaxis_transform()
            axes.text(1.01, row, words, transform=at, va="center", fontsize=8)
        _rows(axes, names)
        axes.set_xlabel(t("axis.with_unit", lang, name=t("chart.marginal.axis", lang), unit=unit))
        return finish(figure, title, footer, t("chart.whiskers", lang))


def frontier(
    across: Figures, up: Figures, units: tuple[str, str], names: tuple[str, str], title: str,
    *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """One point an allocation: equity to the right, efficiency upwards."""
    with style.style():
        figure = style.new_figure(WIDTH, 4.4)
        axes = figure.add_subplot()
        scales = [
            measure(unit, lang, *side) for unit, side in zip(units, (across, up), strict=True)
        ]
        x, y = ([table / scale.divisor for table in side]
                for scale, side in zip(scales, (across, up), strict=True))  # fmt: skip
        axes.errorbar(x[0], y[0], xerr=whiskers(*x), yerr=whiskers(*y), fmt="o-", color=style.BLUE,
                      ecolor=style.LIGHT_BLUE, elinewidth=1.1, capsize=2)  # fmt: skip
        scale_axis(axes, "x", scales[0], names[0], lang)
        scale_axis(axes, "y", scales[1], names[1], lang)
        return finish(figure, title, footer, t("chart.frontier.caption", lang))
