"""Everything of a scenario but its parameters and policies: name, months, scale, seed, rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from model.policy.quantities import Choice, Month, Quantity, fault, kind
from model.policy.setting_types import Settings

LARGEST_SCALE: Final = 10_000
LARGEST_SEED: Final = 2**32 - 1
LONGEST_TEXT: Final = 2_000
LONGEST_HORIZON: Final = 240
NAME_PATTERN: Final = r"^\w[\w-]{0,63}$"
# Windows refuses files of these names.
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")


@dataclass(frozen=True)
class _Checked:
    """Annotation of a field whose check is a plain function and whose schema is written out."""

    check: Any
    schema: tuple[tuple[str, Any], ...]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise fault("check.expected_text", actual=kind(value))
    if not value.strip():
        raise fault("check.empty")
    if len(value) > LONGEST_TEXT:
        raise fault("check.too_long", length=len(value), limit=LONGEST_TEXT)
    return value.strip()


def parse_name(value: Any) -> str:
    """A name that can be part of a file name on every system."""
    if not isinstance(value, str):
        raise fault("check.expected_text", actual=kind(value))
    if not re.fullmatch(NAME_PATTERN, value) or value.endswith("\n") or _RESERVED.match(value):
        raise fault("check.bad_name", value=value)
    return value


def _scale(value: Any) -> int:
    """Households one simulated household stands for: 1000 or "1:1000"."""
    text = re.fullmatch(r"1\s*[:：]\s*([0-9]{1,6})", value) if isinstance(value, str) else None
    number = int(text[1]) if text else value
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not whole or not 1 <= number <= LARGEST_SCALE:
        raise fault("check.bad_scale", high=LARGEST_SCALE, actual=kind(value))
    return int(number)


_SCALE_SCHEMA: Final = (
    ("anyOf", [{"type": "integer", "minimum": 1, "maximum": LARGEST_SCALE},
               {"type": "string", "pattern": r"^1\s*[:：]\s*[0-9]{1,6}$"}]),
)  # fmt: skip
Text = Annotated[str, _Checked(_text, (("type", "string"), ("maxLength", LONGEST_TEXT)))]
Name = Annotated[str, _Checked(parse_name, (("type", "string"), ("pattern", NAME_PATTERN)))]
Scale = Annotated[int, _Checked(_scale, _SCALE_SCHEMA)]


class Words(Settings):
    """A text in both languages."""

    zh: Text
    en: Text


class Header(Settings):
    """Everything of a scenario except its parameters and policies."""

    name: Name
    title: Words | None = None
    description: Words | None = None
    start: Month
    months: Annotated[int, Quantity("months", 1, LONGEST_HORIZON, whole=True)]
    scale: Scale
    seed: Annotated[int, Quantity("count", 0, LARGEST_SEED, whole=True)]
    shortfall: Annotated[str, Choice(("arrears", "fail"))] = "arrears"
