"""Numbers with units, months, places and shares: the vocabulary of lever settings.

Every number may be written as `15`, as text with its unit (`"15%"`, `"0.15 万元"`) or as
`{value: 15, unit: "%"}`; it is converted to the unit of the setting. Each class here is used as
the annotation of a pydantic field and supplies both the check and the JSON Schema. Errors carry
the id of a text in the catalogue as their type.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from model.dimensions import PLACES
from model.messages import LANGUAGES, catalogue
from model.scenario_problems import FULL_WIDTH, Phrase, full_width_hint, phrase, suggestion

MONTHS_IN_YEAR: Final = 12
SHARE_TOLERANCE: Final = 1e-9

# Factor from each accepted unit to the unit of the setting.
UNITS: Final[Mapping[str, Mapping[str, str]]] = {
    "%": {"%": "1", "percent": "1", "百分数": "1", "share": "100", "比例": "100"},
    "share": {"share": "1", "比例": "1", "%": "0.01", "percent": "0.01", "百分数": "0.01"},
    "yuan": {"yuan": "1", "元": "1", "千元": "1e3", "万元": "1e4", "wan_yuan": "1e4",
             "亿元": "1e8", "yi_yuan": "1e8"},
    "yi_yuan": {"yi_yuan": "1", "亿元": "1", "万元": "1e-4", "wan_yuan": "1e-4", "元": "1e-8",
                "yuan": "1e-8"},
    "yuan/month": {"yuan/month": "1", "元/月": "1", "元": "1", "yuan": "1"},
    "months": {"months": "1", "month": "1", "个月": "1", "月": "1", "年": "12", "years": "12"},
    "days": {"days": "1", "day": "1", "天": "1", "日": "1", "周": "7", "weeks": "7", "week": "7"},
    "count": {"count": "1", "个": "1", "张": "1", "次": "1"},
    "ratio": {"ratio": "1", "倍": "1", "share": "1", "%": "0.01"},
}  # fmt: skip

_NUMBER_TEXT: Final = re.compile(
    r"(?P<number>[-+]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,2})?)\s*(?P<unit>\D\S{0,20})?\Z",
    re.ASCII,
)


def fault(key: str, /, **fields: object) -> PydanticCustomError:
    """An error whose text is `key` of the catalogue."""
    return PydanticCustomError(key, "invalid", fields)


def kind(value: object) -> Phrase | str:
    """What a wrong value is, in words."""
    if value is None:
        return phrase("kind.null")
    if isinstance(value, bool):
        return phrase("kind.bool", value=value)
    if isinstance(value, int | float):
        return phrase("kind.number", value=value)
    if isinstance(value, str):
        return phrase("kind.text", value=value)
    return phrase("kind.mapping" if isinstance(value, Mapping) else "kind.list")


def unit_phrase(unit: str) -> Phrase:
    """Name of a unit in the reader's language."""
    return phrase(f"unit.{unit}")


def convert(value: float | str, given: str | None, unit: str) -> float:
    """`value` in `given` (or in `unit` itself) as a number in `unit`. Raises on a foreign unit."""
    factors = UNITS[unit]
    word = unicodedata.normalize("NFKC", given).strip().casefold() if given is not None else unit
    if word not in factors:
        raise fault("check.wrong_unit", given=given, allowed=tuple(factors))
    return float(Decimal(str(value)) * Decimal(factors[word]))


@dataclass(frozen=True)
class Quantity:
    """A number in `unit` between `low` and `high`; `whole` for integers."""

    unit: str
    low: float
    high: float
    whole: bool = False

    def parse(self, value: Any) -> float | int:
        """The number in the setting's unit."""
        if isinstance(value, Mapping):
            number, given = self._from_mapping(value)
        else:
            number, given = value, None
        if isinstance(number, str):
            number, given = self._from_text(number, given)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise self._not_a_number(number)
        if not math.isfinite(number):
            raise fault("check.not_finite")
        return self._checked(convert(number, given, self.unit))

    def _not_a_number(self, value: Any) -> PydanticCustomError:
        key = "check.expected_whole" if self.whole else "check.expected_number"
        return fault(key, unit=unit_phrase(self.unit), actual=kind(value))

    def _from_mapping(self, value: Mapping[str, Any]) -> tuple[Any, str | None]:
        for key in value:
            if key not in ("value", "unit", "source"):
                raise fault("check.quantity_keys", key=key)
        if "value" not in value:
            raise fault("check.missing_key", key="value")
        given = value.get("unit")
        if given is not None and not isinstance(given, str):
            raise fault("check.expected_text", actual=kind(given))
        return value["value"], given

    def _from_text(self, text: str, given: str | None) -> tuple[float, str | None]:
        found = _NUMBER_TEXT.match(unicodedata.normalize("NFKC", text).strip())
        if found is None or (found["unit"] and given is not None):
            raise self._not_a_number(text)
        return float(found["number"]), found["unit"] or given

    def _checked(self, number: float) -> float | int:
        if not self.low <= number <= self.high:
            raise fault("check.out_of_range", **self._range(number))
        if not self.whole:
            return number + 0.0  # -0.0 becomes 0.0, so that equal scenarios are equal texts
        if not number.is_integer():
            raise self._not_a_number(number)
        return int(number)

    def _range(self, number: float) -> dict[str, object]:
        percent = self.unit == "share" and 1 < number <= 100
        hint = phrase("check.percent_hint", example=number) if percent else ""
        unit = unit_phrase(self.unit)
        return {"low": self.low, "high": self.high, "actual": number, "unit": unit, "hint": hint}

    def json_schema(self) -> dict[str, Any]:
        """The three ways to write the number."""
        plain = {"type": "integer" if self.whole else "number"}
        limits = {"minimum": self.low, "maximum": self.high}
        text = {"type": "string", "pattern": r"^\s*[-+]?[0-9]"}
        number = {"anyOf": [{"type": "number"}, text]}
        unit = {"enum": list(UNITS[self.unit])}
        full = {
            "type": "object",
            "properties": {"value": number, "unit": unit, "source": {"type": "string"}},
            "required": ["value"],
            "additionalProperties": False,
        }
        return {"anyOf": [plain | limits, text, full], "unit": self.unit}

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self.json_schema()


@dataclass(frozen=True)
class Dated:
    """A number that changes from given months on; one step without month holds throughout."""

    steps: tuple[tuple[str, float], ...]

    def at(self, month: str) -> float:
        """Value in `month` ("YYYY-MM"); zero before the first dated step."""
        known = [value for since, value in self.steps if since <= month]
        return known[-1] if known else 0.0

    def plain(self) -> float | dict[str, float]:
        """As written in a file: one number, or numbers by month."""
        if len(self.steps) == 1 and not self.steps[0][0]:
            return self.steps[0][1]
        return dict(self.steps)

    @property
    def largest(self) -> float:
        """The largest value of any month."""
        return max(value for _, value in self.steps)


@dataclass(frozen=True)
class DatedQuantity:
    """A Quantity that may also be written as a series `{2026-01: ..., 2026-07: ...}`."""

    quantity: Quantity

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        key = core_schema.no_info_plain_validator_function(parse_month)
        value = core_schema.no_info_plain_validator_function(self.quantity.parse)
        series = core_schema.dict_schema(key, value, min_length=1)
        written = core_schema.plain_serializer_function_ser_schema(lambda dated: dated.plain())
        return core_schema.no_info_wrap_validator_function(
            self._parse, series, serialization=written
        )

    def _parse(self, value: Any, series: Callable[[Any], dict[str, float]]) -> Dated:
        if isinstance(value, Mapping) and "value" not in value:
            if not value:
                raise fault("check.empty")
            return Dated(tuple(sorted(series(value).items())))
        return Dated((("", self.quantity.parse(value)),))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        single = self.quantity.json_schema()
        series = {
            "type": "object",
            "patternProperties": {MONTH_PATTERN: {"anyOf": single["anyOf"]}},
            "additionalProperties": False,
            "minProperties": 1,
        }
        return {"anyOf": [*single["anyOf"], series], "unit": single["unit"]}


MONTH_PATTERN: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"


def parse_month(value: Any) -> str:
    """A month "YYYY-MM" of this century."""
    if not isinstance(value, str):
        raise fault(
            "check.bad_month", value=value if isinstance(value, int | float) else kind(value)
        )
    if not re.fullmatch(MONTH_PATTERN, value, re.ASCII) or value.endswith("\n"):
        raise fault("check.bad_month", value=value)
    return value


def month_number(month: str) -> int:
    """Months since the year 0, so that months can be subtracted."""
    year, number = month.split("-")
    return int(year) * MONTHS_IN_YEAR + int(number) - 1


def month_text(number: int) -> str:
    """Inverse of month_number."""
    year, month = divmod(number, MONTHS_IN_YEAR)
    return f"{year:04d}-{month + 1:02d}"


@dataclass(frozen=True)
class MonthText:
    """Annotation of a month "YYYY-MM"."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(parse_month)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": MONTH_PATTERN}


Month = Annotated[str, MonthText()]


@dataclass(frozen=True)
class Choice:
    """One of `allowed`; `prefix` names the texts whose words are understood in suggestions."""

    allowed: tuple[str | int, ...]
    prefix: str = ""

    def parse(self, value: Any) -> str | int:
        """The value if it is allowed."""
        if isinstance(value, str | int) and not isinstance(value, bool) and value in self.allowed:
            return value
        if isinstance(value, str):
            names = [str(a) for a in self.allowed]
            hint = suggestion(value, names, self.prefix)
            raise fault("check.not_choice", value=value, hint=hint, allowed=self.allowed)
        raise fault("check.not_choice", value=kind(value), hint="", allowed=self.allowed)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"enum": list(self.allowed)}


@dataclass(frozen=True)
class Choices:
    """A list of distinct members of one Choice, kept in the order of `allowed`."""

    choice: Choice

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        item = core_schema.no_info_plain_validator_function(self.choice.parse)
        return core_schema.no_info_wrap_validator_function(
            self._parse, core_schema.list_schema(item)
        )

    def _parse(self, value: Any, items: Callable[[Any], list[Any]]) -> tuple[Any, ...]:
        chosen = items([value] if isinstance(value, str | int) else value)
        return _distinct(chosen, self.choice.allowed)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        one = {"enum": list(self.choice.allowed)}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}


def _distinct(chosen: list[Any], order: tuple[Any, ...]) -> tuple[Any, ...]:
    if not chosen:
        raise fault("check.empty")
    for place, value in enumerate(chosen):
        if value in chosen[:place]:
            raise fault("check.repeated", value=str(value))
    return tuple(sorted(chosen, key=order.index))


ALL_PLACES_WORDS: Final = ("all", "全省", "全部")


def place_names() -> dict[str, str]:
    """Place id by every accepted spelling: id, Chinese name with and without 市, English name."""
    names: dict[str, str] = {}
    for place in PLACES:
        texts = [catalogue(lang)[f"place.{place}"] for lang in LANGUAGES]
        for text in (place, *texts, texts[0] + "市"):
            names[text.casefold()] = place
    return names | {"沈抚": "shenfu", "沈抚新区": "shenfu"}


def parse_place(value: Any) -> str:
    """Id of a place given by id, Chinese or English name."""
    if not isinstance(value, str):
        raise fault("check.expected_text", actual=kind(value))
    names = place_names()
    if value.strip().casefold() in names:
        return names[value.strip().casefold()]
    raise fault("check.unknown_city", value=value, hint=_place_hint(value, names))


def _place_hint(value: str, names: Mapping[str, str]) -> Phrase | str:
    if any(c in FULL_WIDTH for c in value):
        return full_width_hint(value)
    written_in = [n for n in names if n.isascii() == value.isascii()]
    return suggestion(value.casefold(), written_in)


@dataclass(frozen=True)
class Places:
    """A list of places, one place, or "all"."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        item = core_schema.no_info_plain_validator_function(parse_place)
        return core_schema.no_info_wrap_validator_function(
            self._parse, core_schema.list_schema(item)
        )

    def _parse(self, value: Any, items: Callable[[Any], list[str]]) -> tuple[str, ...]:
        if isinstance(value, str) and value in ALL_PLACES_WORDS:
            return PLACES
        return _distinct(items([value] if isinstance(value, str) else value), PLACES)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        chinese = [catalogue("zh")[f"place.{place}"] for place in PLACES]
        one = {"enum": [*PLACES, *chinese, *(f"{name}市" for name in chinese)]}
        several = {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}
        return {"anyOf": [{"enum": list(ALL_PLACES_WORDS)}, one, several]}


Cities = Annotated[tuple[str, ...], Places()]


@dataclass(frozen=True)
class Shares:
    """Shares by name that add up to one; zero shares are dropped, the order is that of `names`."""

    names: tuple[str, ...]
    prefix: str = ""
    refuse: Callable[[str], None] | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        key = core_schema.no_info_plain_validator_function(self._name)
        value = core_schema.no_info_plain_validator_function(Quantity("share", 0, 1).parse)
        mapping = core_schema.dict_schema(key, value)
        return core_schema.no_info_after_validator_function(self._whole, mapping)

    def _name(self, value: Any) -> str:
        if self.refuse is not None:
            self.refuse(value)
        return str(Choice(self.names, self.prefix).parse(value))

    def _whole(self, shares: dict[str, float]) -> dict[str, float]:
        total = math.fsum(shares.values())
        if abs(total - 1) > SHARE_TOLERANCE:
            raise fault("check.shares_sum", total=total)
        return {name: shares[name] for name in self.names if shares.get(name)}

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        share = Quantity("share", 0, 1).json_schema()
        return {
            "type": "object",
            "properties": dict.fromkeys(self.names, share),
            "additionalProperties": False,
            "minProperties": 1,
        }
