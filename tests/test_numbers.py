"""Figures as people read them, checked against what one would write by hand."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from briefing.numbers import KINDS, MINUS, decimals_for, digits, scale_for, show


@pytest.mark.parametrize(
    ("kind", "value", "low", "high", "chinese", "english"),
    [
        ("money", 1.23e8, 0.98e8, 1.51e8, "1.23（0.98～1.51）亿元", "CNY 123 million (98–151)"),
        ("money", 1.234e8, None, None, "1.23亿元", "CNY 123 million"),
        ("money", -4.56e5, None, None, "−45.6万元", "CNY −456,000"),
        ("money", 12.5e9, 10e9, 15e9, "125（100～150）亿元", "CNY 12.5 billion (10.0–15.0)"),
        ("money", 2e7, -3e7, 7e7, "2,000（−3,000～7,000）万元", "CNY 20.0 million (−30.0 to 70.0)"),
        ("money", 88.0, None, None, "88.0元", "CNY 88.0"),
        ("money", 0.0, None, None, "0元", "CNY 0"),
        ("percent", 0.4567, 0.1, 0.8, "0.457（0.100～0.800）%", "0.457% (0.100–0.800)"),
        ("points", -0.25, None, None, "−0.250个百分点", "−0.250 pp"),
        ("persons", 12345, None, None, "1.23万人", "12.3 thousand persons"),
        ("persons", 512, 300, 700, "512（300～700）人", "512 persons (300–700)"),
        ("ratio", 0.62, 0.4, 0.9, "0.620（0.400～0.900）元/元", "0.620 per yuan (0.400–0.900)"),
        ("months", 12, None, None, "12个月", "12 months"),
    ],
)  # fmt: skip
def test_as_written_by_hand(kind, value, low, high, chinese, english) -> None:
    assert show(kind, value, "zh", low=low, high=high) == chinese
    assert show(kind, value, "en", low=low, high=high) == english


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_cannot_be_computed_says_so(value) -> None:
    assert show("ratio", value, "zh") == "无法计算"
    assert show("ratio", value, "en") == "not defined"


def test_sign_on_request() -> None:
    assert show("percent", 1.5, signed=True) == "+1.50%"
    assert show("percent", -1.5, signed=True) == f"{MINUS}1.50%"


def test_a_rounded_zero_has_no_sign() -> None:
    assert digits(-0.001, 2, signed=True) == "0.00"
    assert digits(0.001, 2, signed=True) == "0.00"


def test_an_interval_wider_than_its_value_decides_the_unit() -> None:
    assert show("money", 1e6, low=-2e8, high=3e8) == "0.01（−2.00～3.00）亿元"


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        scale_for("apples", [1.0], "zh")


@given(st.floats(min_value=-1e13, max_value=1e13), st.sampled_from(["zh", "en"]))
def test_money_keeps_its_size_and_sign(value: float, lang: str) -> None:
    number = re.search(r"[−\d.,]+", show("money", value, lang)).group(0)
    read = float(number.replace(",", "").replace(MINUS, "-"))
    read *= scale_for("money", [value], lang).divisor
    assert read == pytest.approx(value, rel=6e-3, abs=6e-5)


@given(st.lists(st.floats(min_value=-1e9, max_value=1e9), min_size=1))
def test_decimals_stay_printable(values: list[float]) -> None:
    assert 0 <= decimals_for(values) <= 4


@given(st.sampled_from(KINDS), st.floats(-1e12, 1e12), st.sampled_from(["zh", "en"]))
def test_no_hyphen_stands_for_a_minus(kind: str, value: float, lang: str) -> None:
    assert "-" not in show(kind, value, lang, low=value, high=value)
