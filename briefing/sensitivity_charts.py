"""Charts of a sensitivity analysis: bars, tornado, interactions, curves, convergence.

Pure functions from small tables to figures; names of factors and outputs come ready in the reader's
language, because they live in parameter files and in the catalogue of measures.
"""

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
NAME_COLUMNS: Final = 30
ROW_INCHES: Final = 0.42
CURVES_ACROSS: Final = 3
MOST_ROWS: Final = 20
LEGEND_LINES: Final = 4.2  # room for ticks and name of the axis above a legend
Figures = tuple[Floats, Floats, Floats]
"""Value, low and high of equal shape."""
LOOKS: Final[tuple[dict[str, Any], ...]] = (
    {"color": style.BLUE},
    {"color": style.ORANGE, "hatch": style.HATCH},
)
LINES: Final = (style.BLUE, style.DARK_ORANGE, style.SOFT_INK, style.LIGHT_BLUE, style.ORANGE)


def _names(names: Sequence[str]) -> list[str]:
    return ["\n".join(fold(name, NAME_COLUMNS)) for name in names]


def _order(values: Floats) -> Any:
    """Positions of the largest sizes first, at most MOST_ROWS, undefined ones last."""
    return np.argsort(-np.nan_to_num(np.abs(values), nan=-1.0), kind="stable")[:MOST_ROWS]


def _rows_figure(rows: int, extra: float = 1.9) -> tuple[Figure, Axes]:
    figure = style.new_figure(WIDTH, extra + ROW_INCHES * rows)
    return figure, figure.add_subplot()


def index_bars(
    names: Sequence[str], kinds: Mapping[str, Figures], unit: str, axis: str, title: str,
    caption: str = "", *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """Bars with whiskers for every factor, largest first; `kinds` by id of the index.

    `unit` is one of the units of charts or "" for plain shares; `axis` names the horizontal axis.
    """
    order = _order(list(kinds.values())[-1][0])
    return _bars(names, kinds, order, unit, axis, title, caption, lang, footer)


def tornado(
    names: Sequence[str], ends: Mapping[str, Figures], unit: str, title: str, caption: str = "",
    *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """Change from the scenario's own value to both ends of each range, largest swing on top."""
    order = _order(np.max([np.abs(value) for value, _, _ in ends.values()], axis=0))
    axis = t("chart.sensitivity.change", lang)
    return _bars(names, ends, order, unit, axis, title, caption, lang, footer)


def _bars(
    names: Sequence[str], kinds: Mapping[str, Figures], order: Any, unit: str, axis: str,
    title: str, caption: str, lang: str, footer: str,
) -> Figure:  # fmt: skip
    """A row for each factor in `order`, in it a bar for each kind, one under the other."""
    with style.style():
        figure, axes = _rows_figure(len(order))
        scale = _scale(unit, lang, [table for one in kinds.values() for table in one])
        height = 0.8 / len(kinds)
        rows = np.arange(len(order), dtype=float)
        for number, (kind, tables) in enumerate(kinds.items()):
            value, low, high = (np.nan_to_num(x[order]) / scale.divisor for x in tables)
            at = rows + height * (number - (len(kinds) - 1) / 2)
            axes.barh(at, value, height=0.9 * height, xerr=whiskers(value, low, high),
                      error_kw=WHISKER, label=t(f"index.{kind}", lang),
                      **LOOKS[number])  # fmt: skip
        _finish_rows(axes, [names[i] for i in order])
        _value_axis(axes, scale, axis, unit, lang)
        if len(kinds) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.985), ncols=2)
        words = (t("chart.whiskers", lang), caption)
        return finish(figure, title, footer, "\n".join(word for word in words if word))


def _scale(unit: str, lang: str, tables: Sequence[Floats]) -> Measure:
    if not unit:
        return Measure(1.0, "", 2)
    return measure(unit, lang, *(table[np.isfinite(table)] for table in tables))


def _value_axis(axes: Axes, scale: Measure, name: str, unit: str, lang: str) -> None:
    scale_axis(axes, "x", scale, name, lang)
    if not unit:
        axes.set_xlabel(name)


def _finish_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.axvline(0, color=style.INK, linewidth=0.9)
    axes.set_yticks(range(len(names)), _names(names))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.06)


def interaction_map(
    names: Sequence[str], tables: Figures, title: str, *, lang: str = "zh", footer: str = ""
) -> Figure:
    """Heat map of second-order shares, [factor, factor], with value and interval in each cell."""
    with style.style():
        value, low, high = tables
        count = len(names)
        reach = float(np.nanmax(np.abs(value), initial=0.0)) or 1.0
        figure = style.new_figure(WIDTH, 2.2 + 0.62 * count)
        axes = figure.add_subplot()
        axes.imshow(value[:-1, 1:], cmap=style.DIVERGING, vmin=-reach, vmax=reach, aspect="auto")
        small = Measure(1.0, "", 2)
        for row in range(count - 1):
            for column in range(row, count - 1):
                at = row, column + 1
                words = f"{small.show(value[at])}\n({small.span(low[at], high[at], lang)})"
                ink = "white" if abs(value[at]) > 0.72 * reach else style.INK
                axes.text(column, row, words, ha="center", va="center", fontsize=7.5, color=ink)
        axes.set_xticks(range(count - 1), _narrow(names[1:]))
        axes.set_yticks(range(count - 1), _names(names[:-1]))
        axes.tick_params(axis="x", labelsize=7.5)
        axes.grid(visible=False)
        return finish(figure, title, footer, t("chart.interactions.caption", lang))


def _narrow(names: Sequence[str]) -> list[str]:
    """Names folded to the width of a column."""
    limit = max(8, int(66 / max(len(names), 1)))
    return ["\n".join(fold(name, limit)) for name in names]


def response_curves(
    names: Sequence[str], position: Floats, tables: Figures, unit: str, title: str,
    *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """One small plot for each factor: mean and band, [factor, position], on one common scale."""
    with style.style():
        scale = _scale(unit, lang, list(tables))
        value, low, high = (table / scale.divisor for table in tables)
        across = min(CURVES_ACROSS, len(names))
        down = -(-len(names) // across)
        figure = style.new_figure(WIDTH, 1.5 + 1.75 * down)
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for number, axes in enumerate(grid.ravel()):
            if number >= len(names):
                axes.set_axis_off()
                continue
            axes.tick_params(labelbottom=number + across >= len(names))
            axes.fill_between(position, low[number], high[number], color=style.LIGHT_BLUE,
                              alpha=0.75, linewidth=0)  # fmt: skip
            axes.plot(position, value[number], color=style.BLUE, linewidth=1.6)
            axes.set_title("\n".join(fold(names[number], 26)), fontsize=8, pad=3)
        grid[-1][0].set_xlabel(t("chart.responses.position", lang), loc="left", fontsize=8)
        caption = t("chart.responses.caption", lang)
        if scale.unit:
            caption = t("axis.with_unit", lang, name=caption, unit=scale.unit)
        return finish(figure, title, footer, caption)


def convergence(
    names: Sequence[str], points: Sequence[int], tables: Figures, unit: str, axis: str, title: str,
    *, lang: str = "zh", footer: str = "",
) -> Figure:  # fmt: skip
    """The largest indices from growing parts of the design; tables are [part, factor]."""
    with style.style():
        scale = _scale(unit, lang, list(tables))
        value, low, high = (table / scale.divisor for table in tables)
        shown = _order(value[-1])[: len(LINES)]
        figure = style.new_figure(WIDTH, 4.2 + 0.25 * len(shown))
        axes = figure.add_subplot()
        for number, factor in enumerate(shown):
            colour = LINES[number]
            axes.fill_between(points, low[:, factor], high[:, factor], color=colour, alpha=0.15,
                              linewidth=0)  # fmt: skip
            axes.plot(points, value[:, factor], color=colour, marker="o", markersize=3,
                      label=names[factor])  # fmt: skip
        axes.set_xlabel(t("chart.convergence.points", lang))
        head = t("axis.with_unit", lang, name=axis, unit=scale.unit) if scale.unit else axis
        axes.set_title(head, fontsize=9.5, color=style.SOFT_INK, pad=8)
        axes.legend(loc="upper left", bbox_to_anchor=(0, 0), borderaxespad=LEGEND_LINES)
        return finish(figure, title, footer, t("chart.convergence.caption", lang))
