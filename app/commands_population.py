"""The command population: margins of the synthetic population beside their targets."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import typer

from app.console import JsonOption, LangOption, QuietOption, ScenarioArgument, console_for


def population(
    context: typer.Context,
    scenario: ScenarioArgument = "baseline",
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Print households, persons, work, incomes and balances beside the published figures."""
    from model.population_margins import margins, print_margins
    from model.scenario import ScenarioError, load_scenario
    from model.warm_up import settled_population

    console = console_for(context, lang, json_output, quiet)
    try:
        found = load_scenario(scenario, console.lang)
    except ScenarioError as error:
        raise console.refuse(error.lines) from None
    parameters = found.parameter_set()
    people = settled_population(parameters, found.scale, found.seed, threads=2)
    rows = margins(people, parameters)
    if console.json:
        console.document({"scenario": found.name, "margins": [_plain(row) for row in rows]})
    else:
        print_margins(rows, console.lang)


def _plain(row: Any) -> dict[str, Any]:
    """A margin as plain data; what has no target is null."""
    return {
        k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(row).items()
    }
