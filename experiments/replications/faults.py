"""What is wrong with a study file, as one line each: `FILE:LINE:COL: message`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from model.scenario_checks import translate
from model.scenario_problems import Mark, Phrase, Problem, near, phrase, suggestion
from model.scenario_reader import Node

MONTH: Final = r"^\d{4}-(0[1-9]|1[0-2])$"
OWN: Final = "replicate.fault."
_LIMITS: Final = {
    "greater_than_equal": ("at_least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at_most", "le"),
    "less_than": ("below", "lt"),
}
_NUMBERS: Final = frozenset(
    {"int_type", "int_parsing", "int_from_float", "float_type", "float_parsing", "finite_number"}
)


def fault(name: str, **fields: object) -> PydanticCustomError:
    """An error for a validator to raise; its text is `replicate.fault.NAME`."""
    return PydanticCustomError(f"{OWN}{name}", "{fields}", {"fields": fields})


def problems(tree: Node, error: ValidationError, form: type[BaseModel]) -> Iterator[Problem]:
    """Every fault that pydantic found in a file read as `form`."""
    found = error.errors(include_url=False)
    unknown = [one["loc"] for one in found if one["type"] == "extra_forbidden"]
    for one in found:
        if one["type"] == "missing" and _misspelt(one["loc"], unknown):
            continue  # the unknown key beside it names what it should be
        if one["type"] == "too_short" and _at(tree, one["loc"]):
            continue  # entries that are wrong in themselves have been named
        said = _phrase(one)
        if said is None:
            yield translate(one, form, tree, (), None)
        else:
            yield Problem(mark(tree, one["loc"]), said)


def _misspelt(missing: tuple[int | str, ...], unknown: list[tuple[int | str, ...]]) -> bool:
    """Whether an unknown key beside a missing one looks like it."""
    beside = [str(loc[-1]) for loc in unknown if loc[:-1] == missing[:-1]]
    return near(str(missing[-1]), beside) is not None


def _phrase(error: Any) -> Phrase | None:
    kind, context = str(error["type"]), error.get("ctx") or {}
    key = str(error["loc"][-1]) if error["loc"] else ""
    if kind.startswith(OWN):
        return Phrase(kind, context["fields"])
    if kind in ("literal_error", "union_tag_invalid"):
        return _choice(key, error, context)
    if kind == "union_tag_not_found":
        return phrase(f"{OWN}missing", key="kind")
    if kind in _LIMITS:
        name, limit = _LIMITS[kind]
        return phrase(f"{OWN}{name}", key=key, limit=context[limit])
    if kind in _NUMBERS:
        return phrase(f"{OWN}number", key=key, value=str(error["input"]))
    if kind == "string_pattern_mismatch":
        name = "month" if context["pattern"] == MONTH else "identifier"
        return phrase(f"{OWN}{name}", key=key, value=str(error["input"]))
    return None


def _choice(key: str, error: Any, context: Mapping[str, Any]) -> Phrase:
    known = str(context.get("expected", context.get("expected_tags", "")))
    words = [word.strip(" '") for word in known.replace(" or ", ", ").split(",")]
    given = str(context.get("tag", error["input"]))
    name = "kind" if "tag" in context else key
    fields = {"key": name, "value": given, "hint": suggestion(given, words)}
    return phrase(f"{OWN}choice", **fields)


def mark(tree: Node, location: tuple[int | str, ...]) -> Mark:
    """Where a fault stands: as deep into the file as its location leads."""
    node, found = tree, tree.mark
    for step in location:
        if isinstance(node.value, dict) and step in node.value:
            found, node = node.value[step].mark, node.value[step].node
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            found = node.mark
    return found


def _at(tree: Node, location: tuple[int | str, ...]) -> Any:
    """What the file holds at a location; None if it does not lead there."""
    found = tree.plain()
    for step in location:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return None
    return found
