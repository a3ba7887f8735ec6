"""The charts of a brief: pure functions from a small table of numbers to a matplotlib Figure.

Every function takes its data (`briefing.figures`), the language, a footer (source, interval, seeds,
command) and optionally a title of its own. Save the result with `briefing.style.save`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from briefing import style
from briefing.canvas import (
    WHISKER,
    Measure,
    finish,
    fold,
    measure,
    scale_axis,
    whiskers,
)
from briefing.figures import Bars, FiscalFlow, Floats, Ladder, PathBand, QuintileSplit, Tiles
from briefing.numbers import show
from briefing.text import label, t
from model.dimensions import QUINTILES, RESIDENCES

WIDTH: Final = 7.6
NARROW_PHASE: Final = 7  # a phase shorter than this share of the run has no room for its sum
# Column and row of each place; the demonstration zone lies between Shenyang and Fushun.
TILES: Final = {
    "fuxin": (1, 0), "shenfu": (2, 0), "tieling": (3, 0), "chaoyang": (0, 1), "jinzhou": (1, 1),
    "shenyang": (2, 1), "fushun": (3, 1), "huludao": (0, 2), "panjin": (1, 2), "liaoyang": (2, 2),
    "benxi": (3, 2), "yingkou": (1, 3), "anshan": (2, 3), "dandong": (3, 3), "dalian": (1, 4),
}  # fmt: skip
ZONE: Final = "shenfu"
FIRST_LOOK: Final[dict[str, Any]] = {"color": style.BLUE}
SECOND_LOOK: Final[dict[str, Any]] = {"color": style.ORANGE, "hatch": style.HATCH}
DARK_TILE: Final = 0.72  # share of the colour range beyond which white print reads better


def monthly_path(
    band: PathBand, *, lang: str = "zh", footer: str = "", title: str | None = None
) -> Figure:
    """Extra consumption by month with its interval, the policy window, and payback hatched."""
    with style.style():
        figure = style.new_figure(WIDTH, 4.2)
        axes = figure.add_subplot()
        scale = measure("money", lang, band.value, band.low, band.high)
        value, low, high = (table / scale.divisor for table in (band.value, band.low, band.high))
        months = np.arange(len(band.months), dtype=float)
        first, last = (band.months.index(month) for month in band.window)
        axes.axvspan(first - 0.5, last + 0.5, color=style.WINDOW, zorder=0)
        axes.fill_between(months, low, high, color=style.LIGHT_BLUE, alpha=0.75, linewidth=0,
                          label=t("chart.path.band", lang))  # fmt: skip
        axes.fill_between(months, value, 0, where=(value < 0).tolist(), interpolate=True,
                          facecolor=style.ORANGE, hatch=style.HATCH, linewidth=0,
                          label=t("chart.path.payback", lang))  # fmt: skip
        axes.plot(months, value, color=style.BLUE, linewidth=1.8, marker="o", markersize=3,
                  label=t("chart.path.value", lang))  # fmt: skip
        axes.axhline(0, color=style.INK, linewidth=0.9)
        sums = _phases(axes, band, first, last, lang)
        _month_ticks(axes, band.months)
        per_month = Measure(1.0, t("axis.money_per_month", lang, unit=scale.unit), 0)
        scale_axis(axes, "y", per_month, t("chart.path.axis", lang), lang)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
        return finish(figure, title or t("chart.path.title", lang), footer, sums)


def _phases(axes: Axes, band: PathBand, first: int, last: int, lang: str) -> str:
    """Name the months before, in and after the window above the plot; return the sums in words."""
    count = len(band.months)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.22 * (high - low))
    axes.set_xlim(-0.5, count - 0.5)
    spans = {"before": (0, first), "window": (first, last + 1), "after": (last + 1, count)}
    parts = []
    for name, (start, stop) in spans.items():
        if stop == start:
            continue
        amount = show("money", float(band.value[start:stop].sum()), lang, signed=True)
        phase = t(f"chart.path.{name}", lang)
        parts.append(t("chart.path.part", lang, name=phase, amount=amount))
        narrow = stop - start < count / NARROW_PHASE
        if narrow and name != "window":
            continue
        words = [phase]
        if not narrow:
            words = fold(phase, max(10, int(88 * (stop - start) / count)))
            words.append(t("chart.path.sum", lang, amount=amount))
        place = (start - 0.4, "left") if narrow else ((start + stop - 1) / 2, "center")
        axes.text(
            place[0], 0.975, "\n".join(words), ha=place[1], va="top", fontsize=8.5,
            color=style.SOFT_INK, linespacing=1.3, transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    total = show("money", float(band.value.sum()), lang, signed=True)
    joined = t("chart.path.join", lang).join(parts)
    return t("chart.path.sums", lang, parts=joined, total=total)


def _month_ticks(axes: Axes, months: tuple[str, ...]) -> None:
    """At most about ten month names, on a step that divides the year."""
    step = next(s for s in (1, 2, 3, 6, 12, 24, 60, 120) if len(months) <= 10 * s or s == 120)
    places = range(0, len(months), step)
    axes.set_xticks(list(places), [months[place] for place in places])
    axes.grid(visible=False, axis="x")


def by_category(
    bars: Bars, *, lang: str = "zh", footer: str = "", title: str | None = None
) -> Figure:
    """One bar per label, largest first, with whiskers and the figure printed beside it."""
    with style.style():
        order = np.argsort(bars.value, kind="stable")
        value, low, high = (table[order] for table in (bars.value, bars.low, bars.high))
        scale = measure(bars.unit, lang, bars.value, bars.low, bars.high)
        figure = style.new_figure(WIDTH, 1.5 + 0.3 * len(order))
        axes = figure.add_subplot()
        rows = np.arange(len(order), dtype=float)
        _bars_across(axes, rows, value, low, high, scale, lang)
        axes.set_yticks(rows, [label(bars.kind, bars.labels[i], lang) for i in order])
        axes.axvline(0, color=style.INK, linewidth=0.9)
        axes.grid(visible=False, axis="y")
        scale_axis(axes, "x", scale, t("chart.category.axis", lang), lang)
        caption = t("chart.whiskers", lang)
        return finish(figure, title or t("chart.category.title", lang), footer, caption)


def _bars_across(
    axes: Axes, rows: Floats, value: Floats, low: Floats, high: Floats, scale: Measure, lang: str
) -> None:
    """Horizontal bars, gains blue and losses hatched orange, figures in a column at the right."""
    shown = value / scale.divisor
    lengths = whiskers(shown, low / scale.divisor, high / scale.divisor)
    drawn = axes.barh(rows, shown, height=0.62, color=style.BLUE, xerr=lengths, error_kw=WHISKER)
    for patch, amount in zip(drawn.patches, shown, strict=True):
        if amount < 0:
            patch.set(facecolor=style.ORANGE, hatch=style.HATCH)
    for row, middle, bottom, top in zip(rows, value, low, high, strict=True):
        words = scale.full((middle, bottom, top), lang)
        axes.text(1.01, row, words, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    axes.set_ylim(-0.6, len(rows) - 0.4)


def by_city(
    tiles: Tiles, *, lang: str = "zh", footer: str = "", title: str | None = None
) -> Figure:
    """A grid of tiles, one per city, coloured symmetrically about zero, figures printed."""
    with style.style():
        scale = measure(tiles.unit, lang, tiles.value, tiles.low, tiles.high)
        reach = float(np.nanmax(np.abs(tiles.value), initial=0.0)) or 1.0
        figure = style.new_figure(WIDTH, 6.6)
        axes = figure.add_subplot()
        for position, place in enumerate(tiles.places):
            figures = (tiles.value[position], tiles.low[position], tiles.high[position])
            _tile(axes, place, figures, reach, scale, lang)
        axes.set(xlim=(-0.05, 4.05), ylim=(5.02, -0.02), aspect=0.66)
        axes.set_axis_off()
        _colour_key(axes, reach / scale.divisor, scale.unit, lang)
        caption = t("chart.city.caption", lang)
        return finish(figure, title or t("chart.city.title", lang), footer, caption)


def _tile(
    axes: Axes, place: str, figures: tuple[float, float, float], reach: float, scale: Measure,
    lang: str,
) -> None:  # fmt: skip
    """One city: name, figure, interval; the zone that is no city has a dashed border."""
    value, low, high = figures
    column, row = TILES[place]
    share = value / reach if np.isfinite(value) else 0.0
    axes.add_patch(Rectangle(
        (column + 0.03, row + 0.04), 0.94, 0.92, facecolor=style.DIVERGING(0.5 + share / 2),
        edgecolor=style.SOFT_INK, linewidth=0.8, linestyle="--" if place == ZONE else "-",
    ))  # fmt: skip
    ink = "white" if abs(share) > DARK_TILE else style.INK
    name = label("place", place, lang)
    lines = ((0.25, name, 10.0 if len(name) < 14 else 7.5), (0.53, scale.show(value), 13.0),
             (0.79, scale.span(low, high, lang), 7.5))  # fmt: skip
    for height, words, size in lines:
        axes.text(
            column + 0.5, row + height, words, ha="center", va="center", color=ink, fontsize=size
        )


def _colour_key(axes: Axes, reach: float, unit: str, lang: str) -> None:
    """The colour scale, in the empty lower right corner of the grid."""
    key = axes.inset_axes((0.56, 0.055, 0.4, 0.025))
    key.imshow(np.linspace(0, 1, 256)[None, :], cmap=style.DIVERGING, aspect="auto",
               extent=(-reach, reach, 0, 1))  # fmt: skip
    key.set_yticks([])
    key.grid(visible=False)
    name = t("chart.city.scale", lang)
    scale_axis(key, "x", Measure(1.0, unit, 0), name, lang)
    key.xaxis.set_major_locator(FixedLocator([-reach, 0.0, reach]))


def by_quintile(
    split: QuintileSplit, *, lang: str = "zh", footer: str = "", title: str | None = None
) -> Figure:
    """Income fifths, urban and rural side by side, with whiskers and printed figures."""
    with style.style():
        scale = measure(split.unit, lang, split.value, split.low, split.high)
        figure = style.new_figure(WIDTH, 4.2)
        axes = figure.add_subplot()
        places = np.arange(QUINTILES, dtype=float)
        looks = (SECOND_LOOK, FIRST_LOOK)
        for row, residence in enumerate(RESIDENCES):
            value, low, high = (
                x[row] / scale.divisor for x in (split.value, split.low, split.high)
            )
            at = places + 0.4 * (row - 0.5)
            axes.bar(at, value, width=0.36, yerr=whiskers(value, low, high), error_kw=WHISKER,
                     label=label("residence", residence, lang), **looks[row])  # fmt: skip
            for x, amount, top in zip(at, value, high, strict=True):
                words = scale.show(amount * scale.divisor)
                _over(axes, x, float(np.nan_to_num(max(top, amount, 0.0))), words)
        axes.axhline(0, color=style.INK, linewidth=0.9)
        axes.margins(y=0.12)
        axes.set_xticks(places, [label("quintile", f"q{n + 1}", lang) for n in range(QUINTILES)])
        axes.grid(visible=False, axis="x")
        scale_axis(axes, "y", scale, t("chart.quintile.axis", lang), lang)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
        caption = t("chart.whiskers", lang)
        return finish(figure, title or t("chart.quintile.title", lang), footer, caption)


def _over(axes: Axes, x: float, top: float, words: str) -> None:
    """A figure just above its whisker."""
    axes.annotate(
        words, (x, top), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8
    )


def fiscal_flow(
    flow: FiscalFlow, *, lang: str = "zh", footer: str = "", title: str | None = None
) -> Figure:
    """For each payer what it pays, what returns to it as tax, and the net cost in words."""
    with style.style():
        tables = (flow.paid, flow.paid_low, flow.paid_high,
                  flow.returned, flow.returned_low, flow.returned_high)  # fmt: skip
        scale = measure("money", lang, *tables)
        figure = style.new_figure(WIDTH, 1.7 + 0.72 * len(flow.payers))
        axes = figure.add_subplot()
        rows = np.arange(len(flow.payers), dtype=float)
        looks = (FIRST_LOOK, SECOND_LOOK)
        for side, name in enumerate(("paid", "returned")):
            value, low, high = (table / scale.divisor for table in tables[3 * side : 3 * side + 3])
            at = rows + 0.38 * (side - 0.5)
            axes.barh(at, value, height=0.34, xerr=whiskers(value, low, high), error_kw=WHISKER,
                      label=t(f"chart.fiscal.{name}", lang), **looks[side])  # fmt: skip
            ends = np.nan_to_num(np.maximum(np.maximum(high, value), 0.0))
            for y, amount, end in zip(at, tables[3 * side], ends, strict=True):
                words = scale.show(amount, signed=False)
                axes.annotate(
                    words, (end, y), xytext=(5, 0), textcoords="offset points", va="center",
                    fontsize=8.5,
                )  # fmt: skip
        _net_column(axes, flow, scale, lang)
        axes.set_yticks(rows, [label("payer", payer, lang) for payer in flow.payers])
        axes.set_ylim(len(rows) - 0.45, -0.5)
        axes.margins(x=0.12)
        axes.axvline(0, color=style.INK, linewidth=0.9)
        axes.grid(visible=False, axis="y")
        scale_axis(axes, "x", scale, t("chart.fiscal.axis", lang), lang)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.985), ncols=2)
        caption = t("chart.whiskers", lang)
        return finish(figure, title or t("chart.fiscal.title", lang), footer, caption)


def _net_column(axes: Axes, flow: FiscalFlow, scale: Measure, lang: str) -> None:
    """Paid minus returned, as a column of figures right of the bars."""
    place = axes.get_yaxis_transform()
    axes.text(1.03, -0.66, t("chart.fiscal.net", lang), transform=place, va="center", fontsize=9)
    for row, net in enumerate(flow.paid - flow.returned):
        words = scale.show(net, signed=False)
        axes.text(1.03, row, words, transform=place, va="center", fontsize=11)


def leverage_ladder(
    ladder: Ladder, *, lang: str = "zh", footer: str = "", title: str | None = None
) -> Figure:
    """Every definition of leverage on one axis, so that none is quoted without the others."""
    with style.style():
        figure = style.new_figure(WIDTH, 1.5 + 0.42 * len(ladder.rungs))
        axes = figure.add_subplot()
        rows = np.arange(len(ladder.rungs), dtype=float)
        scale = measure("ratio", lang, ladder.value, ladder.low, ladder.high)
        for row, *figures in zip(rows, ladder.value, ladder.low, ladder.high, strict=True):
            _rung(axes, row, (figures[0], figures[1], figures[2]), scale, lang)
        axes.axvline(0, color=style.INK, linewidth=0.9)
        axes.axvline(1, color=style.DARK_ORANGE, linewidth=1.1, linestyle="--", zorder=1)
        axes.annotate(
            t("chart.ladder.break_even", lang), (1, -0.6), xytext=(4, 0), va="center",
            textcoords="offset points", fontsize=8.5, color=style.DARK_ORANGE,
        )  # fmt: skip
        axes.set_yticks(rows, [label("leverage", rung, lang) for rung in ladder.rungs])
        axes.set_ylim(len(rows) - 0.5, -0.85)
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.06)
        scale_axis(axes, "x", scale, t("chart.ladder.axis", lang), lang)
        return finish(figure, title or t("chart.ladder.title", lang), footer)


def _rung(
    axes: Axes, row: float, figures: tuple[float, float, float], scale: Measure, lang: str
) -> None:
    """One definition: interval as a bar, value as an upright mark, both in words at the right."""
    value, low, high = figures
    words = scale.show(value, signed=False)
    if np.isfinite(figures).all():
        axes.barh(row, high - low, left=low, height=0.34, color=style.LIGHT_BLUE)
        axes.plot([value], [row], "|", color=style.BLUE, markersize=14, markeredgewidth=2.6)
        words = scale.full(figures, lang, signed=False)
    axes.text(1.01, row, words, transform=axes.get_yaxis_transform(), va="center", fontsize=9)
