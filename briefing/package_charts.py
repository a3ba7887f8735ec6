"""Charts of packages: waterfall of shares, what orders do to them, heat map of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from briefing import style
from briefing.canvas import WHISKER, Measure, finish, fold, measure, scale_axis, whiskers
from briefing.figures import Floats
from briefing.text import t

WIDTH: Final = 7.6
NAME_COLUMNS: Final = 34
ROW_INCHES: Final = 0.4
PALE: Final = 0.35
Figures = tuple[Floats, Floats, Floats]
"""Value, low and high of equal shape."""
MARKS: Final[Mapping[str, dict[str, Any]]] = {
    "share": {"marker": "o", "color": style.BLUE, "s": 46},
    "alone": {"marker": "x", "color": style.SOFT_INK, "s": 38},
    "stacked": {"marker": ">", "color": style.DARK_ORANGE, "s": 36},
    "reverse": {"marker": "<", "color": style.ORANGE, "s": 36},
}


def _names(names: Sequence[str]) -> list[str]:
    return ["\n".join(fold(name, NAME_COLUMNS)) for name in names]


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), _names(names))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=style.INK, linewidth=0.9)
    axes.margins(x=0.05)


def waterfall(
    names: Sequence[str], shares: Figures, total: tuple[float, float, float], unit: str,
    title: str, caption: str, *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """Each share begins where the one before it ended; the package's effect is the last bar."""
    with style.style():
        tables = [np.append(share, whole) for share, whole in zip(shares, total, strict=True)]
        scale = measure(unit, lang, *tables)
        value, low, high = (table / scale.divisor for table in tables)
        ends = np.cumsum(value[:-1])
        starts = np.append(np.concatenate([[0.0], ends[:-1]]), 0.0)
        figure = style.new_figure(WIDTH, 1.9 + ROW_INCHES * len(value))
        axes = figure.add_subplot()
        at = np.arange(len(value), dtype=float)
        bars = axes.barh(at, value, left=starts, height=0.6, color=style.BLUE, error_kw=WHISKER,
                         xerr=whiskers(value, low, high))  # fmt: skip
        for bar, size in zip(bars.patches, value, strict=True):
            if size < 0:
                bar.set(facecolor=style.ORANGE, hatch=style.HATCH)
        bars.patches[-1].set(facecolor=style.SOFT_INK)
        for row, (start, end) in enumerate(zip(starts[1:-1], ends[:-1], strict=True)):
            axes.plot([end, start], [row, row + 1], color=style.SOFT_INK, linewidth=0.7)
        _figures_at_right(axes, tables, scale, lang)
        _rows(axes, [*names, t("chart.waterfall.total", lang)])
        scale_axis(axes, "x", scale, t("chart.waterfall.axis", lang), lang)
        return finish(figure, title, footer, caption)


def _figures_at_right(axes: Axes, tables: Sequence[Floats], scale: Measure, lang: str) -> None:
    for row, figures in enumerate(zip(*tables, strict=True)):
        words = scale.full(figures, lang)
        axes.text(1.01, row, words, transform=axes.get_yaxis_transform(), va="center", fontsize=8)


def orders(
    names: Sequence[str], values: Mapping[str, Floats], unit: str, title: str,
    *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """For each player its share and what other ways of counting would give it, as marks."""
    with style.style():
        scale = measure(unit, lang, *values.values())
        figure = style.new_figure(WIDTH, 2.3 + ROW_INCHES * len(names))
        axes = figure.add_subplot()
        rows = np.arange(len(names), dtype=float)
        table = np.array(list(values.values())) / scale.divisor
        axes.hlines(rows, table.min(axis=0), table.max(axis=0), color=style.GRID, linewidth=3)
        for kind, value in values.items():
            axes.scatter(value / scale.divisor, rows, label=t(f"chart.orders.{kind}", lang),
                         zorder=3, **MARKS[kind])  # fmt: skip
        _rows(axes, names)
        scale_axis(axes, "x", scale, t("chart.orders.axis", lang), lang)
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.9 / (len(names) + 2)), ncols=2)
        return finish(figure, title, footer)


def pair_map(
    names: Sequence[str], short: Sequence[str], value: Floats, sure: npt.NDArray[np.bool_],
    unit: str, title: str, rate: int, helps: bool = True, *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """Heat map [player, player] below the diagonal; NaN cells are empty.

    Blue is good: more if more `helps`, else less.

    Cells that are not `sure` are pale, sure ones have a dot. Colours are on a square-root scale,
    because few pairs are far larger than the rest.
    """
    with style.style():
        scale = measure(unit, lang, value[np.isfinite(value)])
        table = value / scale.divisor
        reach = float(np.nanmax(np.abs(table), initial=0.0)) or 1.0
        bent = np.sign(table) * np.sqrt(np.abs(table) / reach)
        count = len(names)
        figure = style.new_figure(WIDTH + 0.8, 2.1 + 0.21 * max(count, 8))
        axes = figure.add_subplot()
        colours = style.DIVERGING if helps else style.DIVERGING.reversed()
        shades: dict[str, Any] = {"cmap": colours, "vmin": -1, "vmax": 1}
        image = axes.imshow(bent, alpha=np.where(sure, 1.0, PALE), aspect="auto", **shades)
        rows, columns = np.nonzero(sure)
        axes.scatter(columns, rows, s=7, color=style.INK, linewidths=0)
        size = 7.0 if count > 20 else 8.0
        axes.set_yticks(range(count), names, fontsize=size)
        axes.set_xticks(range(count), short, fontsize=size)
        axes.grid(visible=False)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        ticks = np.array([-1, -0.5, 0, 0.5, 1])
        full = ScalarMappable(Normalize(-1, 1), image.get_cmap())
        bar = figure.colorbar(full, ax=axes, fraction=0.03, pad=0.02)
        shown = [scale.show(float(np.sign(x) * x * x * reach * scale.divisor)) for x in ticks]
        bar.set_ticks(ticks.tolist(), labels=shown)
        caption = t("chart.pairs.caption", lang, rate=rate, unit=scale.unit)
        return finish(figure, title, footer, caption)
