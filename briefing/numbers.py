"""Numbers as people write them: 亿元, 万元, 百分点, CNY million; intervals; a real minus sign.

A figure and its interval share one unit and one number of decimals, chosen so that the largest of
them shows three significant digits. Values that cannot be computed are None or NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from briefing.text import t

MINUS: Final = "\u2212"
SIGNIFICANT_DIGITS: Final = 3
MOST_DECIMALS: Final = 4
# Steps at which each language changes its word for money and for heads, largest first.
MONEY_STEPS: Final = {
    "zh": ((1e8, "large"), (1e4, "medium"), (1.0, "small")),
    "en": ((1e9, "large"), (1e6, "medium"), (1.0, "small")),
}
HEAD_STEPS: Final = {"zh": ((1e4, ".large"), (1.0, "")), "en": ((1e3, ".large"), (1.0, ""))}
KINDS: Final = ("money", "percent", "points", "persons", "households", "ratio", "months")


@dataclass(frozen=True)
class Scale:
    """What to divide by before printing, and the ending of the text id that names the unit."""

    divisor: float
    suffix: str


def _finite(values: Iterable[float | None]) -> list[float]:
    return [abs(v) for v in values if v is not None and math.isfinite(v)]


def scale_for(kind: str, values: Iterable[float | None], lang: str) -> Scale:
    """The unit in which the largest of `values` (yuan, heads, ...) reads well.

    Raises ValueError for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of number {kind!r}; one of {KINDS}")
    largest = max(_finite(values), default=0.0)
    if kind == "money":
        chosen = next((s for s in MONEY_STEPS[lang] if largest >= s[0]), MONEY_STEPS[lang][-1])
        return Scale(chosen[0], f".{chosen[1]}")
    if kind in {"persons", "households"}:
        chosen = next((s for s in HEAD_STEPS[lang] if largest >= s[0]), HEAD_STEPS[lang][-1])
        return Scale(chosen[0], chosen[1])
    return Scale(1.0, "")


def decimals_for(values: Iterable[float | None]) -> int:
    """Decimals that give the largest value three significant digits, between 0 and 4."""
    largest = max(_finite(values), default=0.0)
    if largest == 0.0:
        return 0
    wanted = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(largest))
    return min(max(wanted, 0), MOST_DECIMALS)


def digits(value: float, decimals: int, signed: bool = False) -> str:
    """`value` with thousands commas, a U+2212 minus, and no sign on a rounded zero."""
    text = f"{abs(value):,.{decimals}f}"
    if not any(character in "123456789" for character in text):
        return text
    if value < 0:
        return MINUS + text
    return "+" + text if signed else text


def span(low: str, high: str, lang: str) -> str:
    """Two printed bounds as a range; in English "to" where a dash would meet a minus."""
    if lang == "en" and MINUS in low + high:
        return f"{low} to {high}"
    return t("number.span", lang, low=low, high=high)


def interval(value: str, low: str, high: str, lang: str) -> str:
    """A printed figure followed by its range in brackets."""
    return t("number.interval", lang, value=value, span=span(low, high, lang))


def show(
    kind: str,
    value: float | None,
    lang: str = "zh",
    *,
    low: float | None = None,
    high: float | None = None,
    signed: bool = False,
) -> str:
    """A figure in words, with its interval if `low` and `high` are given.

    `kind` is one of KINDS; money comes in yuan, percent and points in percent (12.3, not 0.123),
    persons and households in heads, ratio in yuan per yuan. `show("money", 1.23e8, low=9.8e7,
    high=1.51e8)` is 1.23（0.98～1.51）亿元.
    """
    if not _finite([value]):
        return t("number.missing", lang)
    known = [v for v in (value, low, high) if v is not None]
    scale = scale_for(kind, known, lang)
    places = 0 if kind == "months" else decimals_for(v / scale.divisor for v in known)
    value_text = digits((value or 0.0) / scale.divisor, places, signed)
    key = f"number.{kind}{scale.suffix}"
    if low is None or high is None or len(_finite([low, high])) < len((low, high)):
        return t(key, lang, number=value_text)
    bounds = [digits(bound / scale.divisor, places) for bound in (low, high)]
    if lang == "zh":
        return t(key, lang, number=interval(value_text, bounds[0], bounds[1], lang))
    whole = t(key, lang, number=value_text)
    return interval(whole, bounds[0], bounds[1], lang)
