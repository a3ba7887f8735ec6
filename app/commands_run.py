"""`tizhen run`: one scenario, one seed, one folder. No economics here."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from app.console import JsonOption, LangOption, QuietOption, ScenarioArgument, console_for
from app.run_request import (
    DEFAULT_RESULTS,
    Request,
    ResultsOption,
    ScaleOption,
    SeedOption,
    failures,
    titles,
)

if TYPE_CHECKING:
    from model.outcome import Outcome
    from model.scenario import Scenario


def run(
    context: typer.Context,
    scenario: ScenarioArgument,
    seed: SeedOption = None,
    scale: ScaleOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run one scenario."""
    console = console_for(context, lang, json_output, quiet)
    with failures(console):
        _run(Request(console, scenario, seed, scale, results))


def _run(request: Request) -> None:
    from app.progress import progress_for
    from experiments.paired import totals
    from experiments.runner import Runner

    console, scenario = request.console, request.checked_scenario()
    began = time.perf_counter()
    with progress_for(console.lang, console.quiet) as progress:
        progress.planned(scenario.months)
        outcome = Runner(listener=progress).run(scenario, scenario.seed)
    facts = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "households": int(outcome.meta.get("households", 0)),
        "scale": scenario.scale,
        "months": scenario.months,
        "seconds": time.perf_counter() - began,
        "max_residual_fen": outcome.max_residual_fen,
        "totals": totals(outcome),
    }
    path = _write(request, scenario, outcome, facts)
    _answer(request, scenario, facts, path)


def _answer(request: Request, scenario: Scenario, facts: dict[str, Any], path: Path) -> None:
    from briefing.summary import run_summary

    console = request.console
    title, months = scenario.title(console.lang), scenario.months
    text = run_summary(facts["totals"], title, months, facts["seconds"], console.lang)
    console.document({"run_id": path.name, **facts, "path": path.as_posix()})
    console.result(f"{text}\n{path.as_posix()}")


def _write(request: Request, scenario: Scenario, outcome: Outcome, facts: dict[str, Any]) -> Path:
    from experiments.results import identity, manifest_of, run_id, write_outcome, write_run

    of = identity("run", {"scenario": scenario}, seed=scenario.seed, scale=scenario.scale)
    named = ("households", "max_residual_fen", "totals")
    more = {"title": titles(scenario), **{name: facts[name] for name in named}}
    manifest = manifest_of(of, request.command("run", scenario), **more)
    # The wall time stays out of the tables: the same run gives the same files.
    meta = {key: value for key, value in outcome.meta.items() if key != "seconds"}

    def fill(folder: Path) -> None:
        (folder / "series").mkdir()
        write_outcome(replace(outcome, meta=meta), folder / "series")

    return write_run(request.results, run_id(of, scenario.name), fill, manifest)


def register(app: typer.Typer) -> None:
    """Add `run` and `compare` to a program of one's own."""
    from app.commands_compare import compare

    app.command("run")(run)
    app.command("compare")(compare)
