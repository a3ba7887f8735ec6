"""The commands check, schema and explain."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from app.console import (
    HELP,
    Console,
    JsonOption,
    LangOption,
    QuietOption,
    ScenarioArgument,
    console_for,
)
from model.messages import say

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=say("cli.argument.name", HELP))]


def check(
    context: typer.Context,
    scenario: ScenarioArgument,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check a scenario; every error is one line on stderr."""
    from model.scenario import ScenarioError, load_scenario

    console = console_for(context, lang, json_output, quiet)
    try:
        found = load_scenario(scenario, console.lang)
    except ScenarioError as error:
        console.document({"ok": False, "scenario": scenario, "errors": error.lines})
        raise console.refuse(error.lines) from None
    warnings = found.warning_lines(console.lang)
    for line in warnings:
        console.note(console.say("warn.label") + line)
    console.document(_summary(found) | {"warnings": warnings})
    fields: dict[str, object] = {"policies": len(found.policies), "months": found.months}
    fields |= {"name": found.name, "start": found.start, "end": found.last_month}
    console.result(console.say("cli.check.ok", digest=found.digest, **fields))


def _summary(found: Any) -> dict[str, Any]:
    return {
        "ok": True,
        "scenario": found.name,
        "digest": found.digest,
        "start": found.start,
        "end": found.last_month,
        "months": found.months,
        "scale": found.scale,
        "seed": found.seed,
        "policies": {name: policy.lever for name, policy in found.policies.items()},
    }


def schema(lang: LangOption = None, json_output: JsonOption = False) -> None:
    """Print the JSON Schema; it is the same in both languages and always JSON."""
    from model.scenario_schema import schema_text

    del lang, json_output  # accepted so that every command takes them
    sys.stdout.write(schema_text())


def explain(
    context: typer.Context,
    name: NameArgument,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Explain a parameter, or a setting such as vouchers.face_yuan."""
    from model.parameters import UnknownParameter, load_parameters
    from model.scenario_schema import explain_setting, setting_names

    console = console_for(context, lang, json_output, quiet)
    if name in setting_names():
        return _print(console, explain_setting(name, console.lang))
    try:
        entry = load_parameters().entry(name)
    except UnknownParameter:
        raise console.refuse([_unknown(console, name)]) from None
    about = {"zh": entry.zh, "en": entry.en}[console.lang]
    keys = ("name", "value", "unit", "low", "high", "source", "date", "grade")
    return _print(console, {key: getattr(entry, key) for key in keys} | {"about": about})


def _unknown(console: Console, name: str) -> str:
    from model.parameters import load_parameters
    from model.scenario_problems import NOTHING, Phrase, near, printable
    from model.scenario_schema import setting_names

    found = near(name, [*load_parameters(), *setting_names()])
    hint = Phrase("check.did_you_mean", {"near": found}).render(console.lang) if found else NOTHING
    return console.say("cli.explain.unknown", name=printable(name), hint=hint)


def _print(console: Console, record: dict[str, Any]) -> None:
    """One record: JSON, or a few aligned lines."""
    console.document(record)
    console.result(record["name"])
    limits = [record["low"], record["high"]]
    shown = {
        "about": record["about"],
        "value": None if record["value"] is None else _text(record["value"]),
        "unit": record["unit"],
        "range": None if limits == [None, None] else " – ".join(_text(x) for x in limits),
        "source": record["source"],
        "grade": record["grade"],
    }
    for key, value in shown.items():
        if value not in (None, ""):
            console.result(f"  {console.say(f'cli.explain.{key}')}: {value}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
