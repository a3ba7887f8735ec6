"""Charts of packages draw every player, pair and mark they are given, in both languages."""

from __future__ import annotations

import numpy as np
import pytest

from briefing import city_charts, optimise_charts, package_charts
from briefing.style import DOTS_PER_INCH

NAMES = ["1 加力扩岗稳就业", "18 加力扩围消费品以旧换新", "23 开展特色促消费活动"]
VALUE = np.array([3e8, -1e8, 9e8])
TABLES = (VALUE, VALUE - 5e7, VALUE + 5e7)


def texts(figure: object) -> str:
    from matplotlib.text import Text

    return "\n".join(one.get_text() for one in figure.findobj(Text))  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_waterfall_has_a_step_for_each_and_ends_at_the_total(lang: str) -> None:
    total = (float(VALUE.sum()), 1e9, 1.2e9)
    figure = package_charts.waterfall(NAMES, TABLES, total, "money", "T", "C", lang=lang)
    bars = figure.axes[0].containers[1].patches
    assert len(bars) == 4
    assert [bar.get_x() for bar in bars[1:3]] == pytest.approx(
        [bars[0].get_width(), 2 / bars_unit(lang)]
    )
    assert bars[3].get_width() == pytest.approx(11 / bars_unit(lang))
    assert all(name[:2] in texts(figure) for name in NAMES)


def bars_unit(lang: str) -> float:
    """Yi yuan in Chinese, CNY billion in English."""
    return 1.0 if lang == "zh" else 10.0


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_orders_have_four_marks_for_each(lang: str) -> None:
    kinds = dict.fromkeys(("share", "alone", "stacked", "reverse"), VALUE)
    figure = package_charts.orders(NAMES, kinds, "money", "T", lang=lang)
    marks = [one for one in figure.axes[0].collections if len(one.get_offsets()) == 3]
    assert len(marks) >= 4
    assert len(figure.axes[0].get_legend().get_texts()) == 4


def test_the_map_marks_sure_pairs_only() -> None:
    value = np.full((3, 3), np.nan)
    value[1, 0], value[2, 0], value[2, 1] = 1e8, -4e8, 0.0
    sure = np.zeros((3, 3), dtype=bool)
    sure[2, 0] = True
    figure = package_charts.pair_map(NAMES, ["1", "18", "23"], value, sure, "money", "T", 10)
    axes = figure.axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0.0, 2.0]]
    assert axes.images[0].get_array().mask.sum() == 6
    assert [one.get_text() for one in axes.get_yticklabels()] == NAMES


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_charts_of_an_optimum(lang: str) -> None:
    x = {"expected": np.array([0.0, 1.0, 0.5]), "cautious": np.array([0.0, 0.8, 0.7])}
    figure = optimise_charts.allocation(NAMES, x, "T", lang=lang)
    assert [len(one.patches) for one in figure.axes[0].containers] == [3, 3]
    ratios = (
        np.array([0.5, np.nan, 1.2]),
        np.array([0.1, np.nan, 1.0]),
        np.array([0.9, np.nan, 1.4]),
    )
    figure = optimise_charts.marginal(NAMES, ratios, "u", "T", lang=lang)
    assert ("不另花钱" if lang == "zh" else "costs nothing") in texts(figure)
    figure = optimise_charts.frontier(
        TABLES, TABLES, ("money", "money"), ("a", "b"), "T", lang=lang
    )
    assert len(figure.axes[0].lines[0].get_xdata()) == 3
    assert figure.dpi == DOTS_PER_INCH


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_map_of_cities_shows_every_figure(lang: str) -> None:
    intensity = np.array([[0.0, 1.25, 2.0], [0.5, 1.25, 0.0]])
    ratio = np.array([[0.61, np.nan, 1.4], [0.7, np.nan, 1.2]])
    figure = city_charts.city_map(
        NAMES, ["沈阳", "大连"], intensity, ratio, ["● 1", "2"], "T", 2.0, lang=lang
    )
    shown = texts(figure).split("\n")
    assert shown.count("1.25") == 2
    assert shown.count("(—)") == 2
    assert {"2.00", "0.50", "(0.61)", "(1.40)", "● 1", "沈阳", "大连"} <= set(shown)
    assert figure.axes[0].images[0].get_array().max() == 1.0
    assert figure.axes[0].images[0].get_array().shape == (2, 3)
