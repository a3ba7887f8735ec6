"""Both languages say the same things, every name has a text, and the chart font can draw it all."""

from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from briefing import text
from briefing.text import UnknownMessage, label, own_texts, t
from model import dimensions as d
from model.messages import LANGUAGES, catalogue, placeholders
from model.outcome import BEARERS, VOUCHER_COUNTERS

FONT = Path(text.__file__).parent / "fonts" / "TizhenSansSC-Regular.otf"
NAMES = {
    "place": d.PLACES, "residence": d.RESIDENCES, "stage": d.STAGES, "sector": d.SECTORS,
    "category": d.CATEGORIES, "item": d.ITEMS, "age_group": d.AGE_GROUPS,
    "quintile": tuple(f"q{n}" for n in range(1, d.QUINTILES + 1)), "work_class": d.WORK_CLASSES,
    "payer": (*d.PAYERS, *BEARERS, "total"), "counter": VOUCHER_COUNTERS,
    "lever": ("minimum_wage", "pensions", "trade_in", "vouchers", "transfer"),
    "outcome": ("household_consumption", "retail_sales", "local_value_added", "employment",
                "price_level", "fiscal_cost", "bottom40_consumption"),
    "leverage": ("headline_sales", "window", "household_12m", "household_24m", "household_36m",
                 "local_value_added", "fiscal_return"),
    "grade": ("A", "B", "C", "D"),
}  # fmt: skip


def test_same_ids_in_both_languages() -> None:
    assert list(own_texts("zh")) == list(own_texts("en"))


def test_same_placeholders_in_both_languages() -> None:
    different = [
        key
        for key, chinese in own_texts("zh").items()
        if placeholders(chinese) != placeholders(own_texts("en")[key])
    ]
    assert different == []


def test_nothing_is_said_twice() -> None:
    assert own_texts("zh").keys() & catalogue("zh").keys() == set()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", NAMES)
def test_every_name_has_a_text(kind: str, lang: str) -> None:
    words = [label(kind, name, lang) for name in NAMES[kind]]
    assert len(set(words)) == len(NAMES[kind])


def test_chinese_texts_are_chinese_and_english_ones_are_not() -> None:
    unit_like = ("axis.percent", "axis.with_unit", "number.percent", "number.interval",
                 "number.span", "chart.path.part", "chart.path.join")  # fmt: skip
    for key, chinese in own_texts("zh").items():
        assert key in unit_like or any("\u4e00" <= c <= "\u9fff" for c in chinese), key
        assert not any("\u4e00" <= c <= "\u9fff" for c in own_texts("en")[key]), key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_chart_font_has_every_character(lang: str) -> None:
    drawable = set(TTFont(FONT).getBestCmap())
    for key, words in [*own_texts(lang).items(), *catalogue(lang).items()]:
        missing = {c for c in words if ord(c) not in drawable and not c.isspace()}
        assert not missing, f"{key}: {missing}"


def test_an_unknown_id_suggests_the_nearest() -> None:
    with pytest.raises(UnknownMessage, match=r"did you mean 'payer\.cities'"):
        t("payer.citys", "en")


@pytest.mark.parametrize("fields", [{}, {"number": "1", "more": "2"}])
def test_fields_must_match(fields: dict[str, str]) -> None:
    with pytest.raises(UnknownMessage):
        t("number.percent", "zh", **fields)


def test_unknown_language_is_refused() -> None:
    with pytest.raises(UnknownMessage):
        t("payer.cities", "fr")
