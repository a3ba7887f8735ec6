"""The `parameters:` of a scenario, compared with the parameter files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticCustomError

from model.parameters import Parameter, UnknownParameter, load_parameters
from model.policy.quantities import UNITS, Quantity, kind
from model.scenario_problems import (
    NOTHING,
    Mark,
    Phrase,
    Problem,
    full_width_hint,
    phrase,
    suggestion,
)
from model.scenario_reader import Node

LONG_FORM: tuple[str, ...] = ("value", "unit", "source")


@dataclass
class ReadParameters:
    """Values by dotted name, with what is wrong and what is merely unusual."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_parameters(tree: Node) -> ReadParameters:
    """Values of the mapping `parameters:`; a value outside low..high is only a warning."""
    read = ReadParameters()
    for name, entry in tree.entries().items():
        try:
            known = load_parameters().entry(name)
        except UnknownParameter as unknown:
            read.problems.append(_unknown(entry.mark, name, unknown.suggestion))
            continue
        read.problems.extend(_unknown_keys(name, entry.node))
        try:
            value = _value(entry.node.plain(), known)
        except PydanticCustomError as error:
            fields = {"path": f"parameters.{name}", "name": name, **(error.context or {})}
            read.problems.append(Problem(entry.node.mark, Phrase(error.type, fields)))
            continue
        read.values[name] = value
        read.warnings.extend(_unusual(entry.node.mark, known, value))
    return read


def _unknown(mark: Mark, name: str, near: str | None) -> Problem:
    hint = phrase("check.did_you_mean", near=near) if near else full_width_hint(name)
    return Problem(mark, phrase("check.parameter_unknown", name=name, hint=hint))


def _is_long(value: Any) -> bool:
    return isinstance(value, Mapping) and "value" in value


def _unknown_keys(name: str, node: Node) -> Iterator[Problem]:
    for key, entry in node.entries().items():
        if "value" in node.entries() and key not in LONG_FORM:
            fields = {"path": f"parameters.{name}", "key": key, "hint": suggestion(key, LONG_FORM)}
            yield Problem(entry.mark, Phrase("check.unknown_key", fields))


def _value(written: Any, known: Parameter) -> Any:
    value, unit = written, None
    if _is_long(written):
        value, unit = written["value"], written.get("unit")
    if isinstance(known.value, int | float) and not isinstance(known.value, bool):
        return _number(value, unit, known)
    if unit is not None and unit != known.unit:
        raise _fault("check.parameter_unit", given=str(unit), unit=known.unit)
    return _shaped(value, known.value)


def _number(value: Any, unit: Any, known: Parameter) -> int | float:
    """A number in the parameter's unit; known families of units are converted."""
    if known.unit in UNITS:
        written = value if unit is None else {"value": value, "unit": unit}
        number = Quantity(known.unit, -math.inf, math.inf).parse(written)
    else:
        if unit is not None and unit != known.unit:
            raise _fault("check.parameter_unit", given=str(unit), unit=known.unit)
        number = _shaped(value, known.value)
    return int(number) if isinstance(known.value, int) and number == int(number) else float(number)


def _shaped(value: Any, pattern: Any) -> Any:
    """`value` if it has the shape of `pattern`: same kind, same length, same keys."""
    if isinstance(pattern, Mapping):
        if not isinstance(value, Mapping) or set(value) - set(pattern):
            raise _shape(value, phrase("kind.mapping_keys", keys=tuple(pattern)))
        return {k: _shaped(value[k], old) if k in value else old for k, old in pattern.items()}
    if isinstance(pattern, list):
        if not isinstance(value, list) or len(value) != len(pattern):
            raise _shape(value, phrase("kind.numbers", count=len(pattern)))
        return [_shaped(new, old) for new, old in zip(value, pattern, strict=True)]
    return _leaf(value, pattern)


def _leaf(value: Any, pattern: Any) -> Any:
    if isinstance(pattern, bool) or isinstance(value, bool):
        if isinstance(value, bool) and isinstance(pattern, bool):
            return value
        wanted = "kind.value_bool" if isinstance(pattern, bool) else "kind.value_number"
        raise _shape(value, phrase(wanted))
    if isinstance(pattern, int | float):
        if not isinstance(value, int | float):
            raise _shape(value, phrase("kind.value_number"))
        if not math.isfinite(value):
            raise _fault("check.not_finite")
        return float(value) if isinstance(pattern, float) else value
    if not isinstance(value, str):
        raise _shape(value, phrase("kind.value_text"))
    return value


def _fault(key: str, /, **fields: object) -> PydanticCustomError:
    return PydanticCustomError(key, "invalid", fields)


def _shape(value: Any, expected: Phrase) -> PydanticCustomError:
    return _fault("check.parameter_shape", expected=expected, actual=kind(value), hint=NOTHING)


def _unusual(mark: Mark, known: Parameter, value: Any) -> Iterator[Problem]:
    limits = (known.low, known.high)
    if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in (*limits, value)):
        return
    if not known.low <= value <= known.high:
        fields = {"low": known.low, "high": known.high, "actual": value, "unit": known.unit}
        yield Problem(mark, phrase("warn.parameter_range", name=known.name, **fields))
