"""JSON Schema of scenario files, for completion and hints in editors, and the same as words.

A file may leave out whatever it inherits, so the schema demands nothing; `tizhen check` is the
authority on what is complete.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel

from model.messages import LANGUAGES, has_message, say
from model.policy.catalogue import load_catalogue
from model.policy.programme_settings import Programme
from model.policy.settings import LEVERS
from model.scenario_checks import models_in
from model.scenario_header import Header
from model.scenario_measures import MeasureSettings

SCHEMA_FILE: Final = "scenario.schema.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """The schema as it stands in `scenarios/scenario.schema.json`."""
    return json.dumps(scenario_schema(), ensure_ascii=False, indent=1) + "\n"


def scenario_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file."""
    levers = {name: _model_schema(model, f"setting.{name}") for name, model in LEVERS.items()}
    header = _model_schema(Header, "setting")
    properties = header["properties"] | {
        "extends": _described({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}, "extends"),
        "parameters": _described({"type": ["object", "null"]}, "parameters"),
        "measures": _described(_measures_schema(), "measures"),
        "policies": _described(_policies_schema(), "policies"),
    }
    return {
        "$schema": DIALECT,
        "title": say("cli.app", "en"),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": levers,
    }


_TEXT: Final = {"type": "string"}


def _measures_schema() -> dict[str, Any]:
    """Measures by number: first month, level, single levers of that measure."""
    general = _model_schema(MeasureSettings, "setting.measures")
    uses = {}
    for number, measure in load_catalogue().items():
        levers = {
            name: {"type": "number", "description": f"{lever.zh}\n{lever.en}"}
            for name, lever in measure.levers.items()
        }
        allowed = {"type": "object", "properties": levers, "additionalProperties": False}
        use = {**general, "type": ["object", "null"]}
        use["properties"] = general["properties"] | {"levers": allowed}
        title = {"description": f"{measure.title.zh}\n{measure.title.en}"}
        uses[str(number)] = use | title
    return {"type": ["object", "null"], "properties": uses, "additionalProperties": False}


def _policies_schema() -> dict[str, Any]:
    """Policies by free name: the value of `lever` decides which settings are allowed."""
    lever = _described({"enum": list(LEVERS)}, "lever")
    chosen = [
        {
            "if": {"properties": {"lever": {"const": name}}, "required": ["lever"]},
            "then": {"$ref": f"#/$defs/{name}"},
        }
        for name in LEVERS
    ]
    policy = {"type": ["object", "null"], "properties": {"lever": lever}, "allOf": chosen}
    return {"type": ["object", "null"], "additionalProperties": policy}


def _described(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return schema | {"description": _words(f"setting.{name}")}


def _words(key: str) -> str:
    return "\n".join(say(key, lang) for lang in LANGUAGES)


def _model_schema(model: type[BaseModel], key: str) -> dict[str, Any]:
    """Schema of one model with its nested models in place, without `required`."""
    raw = model.model_json_schema()
    definitions = raw.pop("$defs", {})
    schema: dict[str, Any] = _inlined(raw, definitions)
    _relax(schema)
    _describe(schema, key)
    return schema


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
        return {k: _inlined(v, definitions) for k, v in node.items()}
    return [_inlined(v, definitions) for v in node] if isinstance(node, list) else node


_TITLES_OF_PYDANTIC: Final = ("title", "description")


def _relax(node: Any) -> None:
    """Drop demands that an inheriting file need not meet, and what varies between pydantics."""
    if isinstance(node, list):
        for item in node:
            _relax(item)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("properties"), dict) and "value" not in node["properties"]:
        node.pop("required", None)
    node.pop("default", None)
    for word in _TITLES_OF_PYDANTIC:
        if isinstance(node.get(word), str):
            del node[word]
    for child in node.values():
        _relax(child)


def _describe(node: Any, key: str) -> None:
    """Put the catalogue's texts on every property that has one."""
    for name, child in _properties(node):
        setting = f"{key}.{name}"
        text = setting_text(setting.removeprefix("setting."))
        if has_message(text):
            child["description"] = _words(text)
            _describe(child, setting)


def setting_text(name: str) -> str:
    """Id of the text of a setting: its own, or the one that all programmes share."""
    lever, _, rest = name.partition(".")
    own = f"setting.{name}"
    programme = lever in LEVERS and issubclass(LEVERS[lever], Programme)
    return f"setting.programme.{rest}" if programme and not has_message(own) else own


def _properties(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Properties of an object schema, also behind anyOf, lists and mappings by name."""
    if isinstance(node, list):
        for item in node:
            yield from _properties(item)
    if not isinstance(node, dict):
        return
    yield from node.get("properties", {}).items()
    for inner in ("anyOf", "oneOf", "items", "additionalProperties"):
        yield from _properties(node.get(inner))


@lru_cache(maxsize=1)
def _settings() -> dict[str, dict[str, Any]]:
    """Unit, limits and default of every setting by dotted name."""
    found: dict[str, dict[str, Any]] = {}
    found |= dict(_records(Header, ""))
    for lever, model in LEVERS.items():
        found |= dict(_records(model, lever))
    found.pop("name", None)
    return found


def _records(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    properties = model.model_json_schema(mode="validation").get("properties", {})
    for name, info in model.model_fields.items():
        if name == "lever":
            continue
        dotted = f"{prefix}.{name}".lstrip(".")
        yield dotted, _record(dotted, info, properties.get(name, {}))
        for inner in models_in(info.annotation):
            if prefix:
                yield from _records(inner, dotted)


def _record(dotted: str, info: Any, schema: dict[str, Any]) -> dict[str, Any]:
    found = list(_numbers(schema))
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return {
        "name": dotted,
        "value": default.model_dump(mode="json") if isinstance(default, BaseModel) else default,
        "unit": found[0][0] if found else None,
        "low": found[0][1] if found else None,
        "high": found[0][2] if found else None,
        "required": info.is_required(),
    }


def _numbers(schema: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Unit, minimum and maximum of a quantity, also behind anyOf."""
    for inner in (schema, *schema.get("anyOf", ())):
        if "unit" in inner and "anyOf" in inner:
            plain = inner["anyOf"][0]
            yield inner["unit"], plain["minimum"], plain["maximum"]


def setting_names() -> tuple[str, ...]:
    """Dotted names of all settings, such as `vouchers.face_yuan` and `months`."""
    return tuple(_settings())


def explain_setting(name: str, lang: str) -> dict[str, Any]:
    """What a setting means, with unit, limits and default. Raises KeyError."""
    record = dict(_settings()[name])
    required = say("cli.explain.required", lang) if record["required"] else ""
    record["unit"] = say(f"unit.{record['unit']}", lang) if record["unit"] else ""
    record["source"] = say("cli.explain.setting", lang) + required
    return record | {"grade": None, "about": say(setting_text(name), lang)}
