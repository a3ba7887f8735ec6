"""Charts draw every glyph, print the figures they were given, and repeat byte for byte."""

import dataclasses
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from briefing import charts, style
from briefing.canvas import columns, finish, fold, plain
from briefing.figures import FigureDataError, PathBand, Tiles
from briefing.text import LANGUAGES, own_texts
from model.dimensions import PLACES
from model.messages import catalogue
from tests.chart_examples import EXAMPLES, FOOTER


def words(figure: Figure) -> str:
    return "\n".join(item.get_text() for item in figure.findobj(Text))


def drawn(figure: Figure) -> list[Text]:
    """Texts that are printed: not empty, and no tick outside the axis."""
    figure.canvas.draw()
    hidden = set()
    for axis in (axis for axes in figure.findobj(Axes) for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        outside = (tick for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high)
        hidden |= {id(tick.label1) for tick in outside}
        if not axis.axes.axison:
            hidden |= {id(item) for item in axis.findobj(Text)}
    items = figure.findobj(Text)
    return [i for i in items if i.get_text().strip() and i.get_visible() and id(i) not in hidden]


def overlap(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of printed texts whose boxes cross."""
    boxes = [(item.get_text(), item.get_window_extent()) for item in drawn(figure)]
    return [
        (one, other)
        for n, (one, a) in enumerate(boxes)
        for other, b in boxes[n + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 2 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
    ]


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest):
    return EXAMPLES[request.param]


def test_drawn_without_any_warning(example, lang, tmp_path: Path, caplog) -> None:
    chart, data = example
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        png, svg = style.save(chart(data, lang=lang, footer=FOOTER[lang]), tmp_path / "chart")
    assert caplog.records == []
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text(encoding="utf-8")


def test_texts_keep_apart_and_inside(example, lang) -> None:
    chart, data = example
    with style.style():
        figure = chart(data, lang=lang, footer=FOOTER[lang])
        assert overlap(figure) == []
        for item in drawn(figure):
            box = item.get_window_extent()
            assert figure.bbox.x0 <= box.x0, item.get_text()
            assert figure.bbox.y0 <= box.y0, item.get_text()
            assert box.x1 <= figure.bbox.x1, item.get_text()
            assert box.y1 <= figure.bbox.y1, item.get_text()


def test_equal_data_give_equal_bytes(example, tmp_path: Path) -> None:
    chart, data = example
    first = style.save(chart(data, footer="甲"), tmp_path / "one")
    second = style.save(chart(data, footer="甲"), tmp_path / "two")
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_title_and_footer_are_the_callers(example) -> None:
    chart, data = example
    shown = words(chart(data, lang="en", title="My own title", footer="From nowhere")).splitlines()
    assert "My own title" in shown
    assert "From nowhere" in shown


def test_every_text_of_the_catalogue_can_be_drawn(lang) -> None:
    texts = [*own_texts(lang).values(), *catalogue(lang).values()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with style.style():
            figure = style.new_figure(4, 4)
            for text in texts:
                figure.text(0, 0, text, parse_math=False)
            figure.canvas.draw()


def test_a_missing_glyph_would_be_noticed() -> None:
    with style.style():
        figure = style.new_figure(2, 1)
        figure.text(0, 0, "\U0002a6d6")
        with pytest.warns(UserWarning, match="missing from font"):
            figure.canvas.draw()


def test_style_leaves_the_users_settings_alone() -> None:
    import matplotlib as mpl

    before = mpl.rcParams["font.size"], list(mpl.rcParams["font.family"])
    with style.style():
        assert mpl.rcParams["font.family"][0] == style.FAMILY
    assert (mpl.rcParams["font.size"], list(mpl.rcParams["font.family"])) == before


def test_path_sums_before_during_and_after() -> None:
    months = ("2026-01", "2026-02", "2026-03", "2026-04")
    value = np.array([-1e8, 3e8, 2e8, -2.5e8])
    band = PathBand(months, value, value, value, ("2026-02", "2026-03"))
    shown = words(charts.monthly_path(band, lang="zh")).replace("\n", "")
    for part in ("−1.00亿元", "+5.00亿元", "−2.50亿元", "合计 +1.50亿元"):
        assert part in shown


@pytest.mark.parametrize(("first", "last"), [(0, 0), (35, 35)])
def test_any_window_keeps_texts_apart(first: int, last: int, lang) -> None:
    path = EXAMPLES["path"][1]
    moved = dataclasses.replace(path, window=(path.months[first], path.months[last]))
    with style.style():
        assert overlap(charts.monthly_path(moved, lang=lang, footer=FOOTER[lang])) == []


@pytest.mark.parametrize("size", [1e-4, 1e5])
def test_any_size_of_money_keeps_texts_apart(size: float, lang) -> None:
    data = EXAMPLES["fiscal"][1]
    names = [field.name for field in dataclasses.fields(data) if field.name != "payers"]
    scaled = dataclasses.replace(data, **{name: getattr(data, name) * size for name in names})
    with style.style():
        assert overlap(charts.fiscal_flow(scaled, lang=lang)) == []


def test_largest_category_is_on_top() -> None:
    chart, data = EXAMPLES["category"]
    axes = chart(data, lang="en").axes[0]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert (names[-1], names[0]) == ("Cars", "Fuel")


def test_every_place_has_its_own_tile() -> None:
    assert set(charts.TILES) == set(PLACES)
    assert len(set(charts.TILES.values())) == len(PLACES)
    assert "示意网格，非地图" in words(charts.by_city(EXAMPLES["city"][1]))


def test_city_colours_are_symmetric_about_zero() -> None:
    value = np.array([2e8, -2e8])
    figure = charts.by_city(Tiles(("dalian", "anshan"), value, value, value))
    gain, loss = (patch.get_facecolor() for patch in figure.axes[0].patches)
    assert gain == style.DIVERGING(1.0)
    assert loss == style.DIVERGING(0.0)


def test_what_does_not_exist_is_a_dash() -> None:
    chart, data = EXAMPLES["ladder"]
    gone = np.where(np.arange(len(data.value)) == 2, np.nan, data.value)
    with style.style():
        figure = chart(dataclasses.replace(data, value=gone, low=gone, high=gone))
        figure.canvas.draw()
    assert "—" in words(figure)


@pytest.mark.parametrize("name", ["category", "city"])
def test_missing_and_zero_values_are_survived(name: str) -> None:
    chart, data = EXAMPLES[name]
    for fill in (0.0, np.nan):
        flat = np.full_like(data.value, fill)
        with warnings.catch_warnings(), style.style():
            warnings.simplefilter("error")
            figure = chart(dataclasses.replace(data, value=flat, low=flat, high=flat))
            figure.canvas.draw()


def test_tables_must_fit_together() -> None:
    three = np.zeros(3)
    with pytest.raises(FigureDataError, match="shape"):
        Tiles(("dalian",), three, three, three)
    with pytest.raises(FigureDataError, match="2030-01"):
        PathBand(("2026-01",) * 3, three, three, three, ("2026-01", "2030-01"))
    one = np.zeros(1)
    with pytest.raises(FigureDataError, match="unit"):
        Tiles(("dalian",), one, one, one, unit="apples")


def test_folding_keeps_every_word_and_the_width() -> None:
    text = "来源：提振模型 headline_package 对比 baseline，共二十个随机种子。"
    lines = fold(text, 20)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(columns(line) for line in lines) <= 22
    assert not any(line[0] in "，。" for line in lines)


def test_a_long_title_is_broken() -> None:
    with style.style():
        figure = style.new_figure(4, 3)
        figure.add_subplot()
        finish(figure, "很长的标题" * 12, "")
        assert any("\n" in item.get_text() for item in figure.texts)


@pytest.mark.parametrize(
    ("value", "tick"), [(0, "0"), (-2.5, "−2.5"), (1500, "1,500"), (0.1 + 0.2, "0.3")]
)
def test_ticks(value: float, tick: str) -> None:
    assert plain(value) == tick


def test_two_colours_differ_in_greyscale() -> None:
    from matplotlib.colors import to_rgb

    grey = [np.dot(to_rgb(c), (0.299, 0.587, 0.114)) for c in (style.BLUE, style.ORANGE)]
    assert abs(grey[0] - grey[1]) > 0.3
