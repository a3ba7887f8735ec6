"""`tizhen optimise`: the best use of money within budgets. No economics here."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands_attribute import point_out_suspects, workers_asked
from app.commands_sweep import PlanArgument, SweepProgress
from app.console import (
    EXIT_FAULT,
    HELP,
    Console,
    JsonOption,
    LangOption,
    QuietOption,
    console_for,
)
from app.run_request import DEFAULT_RESULTS, BadInputError, ResultsOption, failures
from model.messages import LANGUAGES, say

if TYPE_CHECKING:
    from experiments.optimise_plan import OptimisePlan
    from experiments.optimum import Optimum
    from experiments.package_runs import PackageRuns

WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", help=say("optimise.option.workers", HELP), show_default=False),
]


def optimise(
    context: typer.Context,
    plan: PlanArgument,
    workers: WorkersOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the best intensities of measures within budgets."""
    from experiments.executors import LocalPool
    from experiments.optimise import setup_of
    from experiments.optimise_plan import load_optimise_plan
    from experiments.package_runs import PackageRuns
    from experiments.results import ResultsError, check_destination

    console = console_for(context, lang, json_output, quiet)
    with failures(console):
        loaded = load_optimise_plan(plan, console.lang)
        pool = LocalPool(workers_asked(console, workers))
        try:
            check_destination(results)
        except ResultsError as refused:
            raise BadInputError(str(refused)) from None
        progress = SweepProgress(console)
        runs = PackageRuns(loaded.scenario, results, pool, progress, setup_of(loaded))
        found = _computed(console, loaded, runs, progress)
        _answer(console, found, runs, shlex.join(["tizhen", "optimise", plan]))


def _computed(
    console: Console, plan: OptimisePlan, runs: PackageRuns, progress: SweepProgress
) -> Optimum:
    from briefing.optimise_report import infeasible_text
    from experiments.allocation import InfeasibleError
    from experiments.executors import ExecutorError
    from experiments.optimise import optimise as best
    from experiments.optimise import planned_runs
    from experiments.package_runs import RunFailedError

    fields = {"title": plan.title[console.lang], "worlds": len(plan.seeds)}
    counts = {"measures": len(plan.measures), "runs": planned_runs(plan)}
    console.note(console.say("optimise.computing", **fields, **counts))
    try:
        return best(plan, runs)
    except InfeasibleError as fault:
        console.error(infeasible_text(plan, fault, console.lang))
    except (RunFailedError, ExecutorError) as fault:
        console.error(console.say("package.fault.run", reason=str(fault)))
    finally:
        progress.finish()
    raise typer.Exit(EXIT_FAULT)


def _answer(console: Console, found: Optimum, runs: PackageRuns, command: str) -> None:
    from briefing.optimise_report import optimum_text
    from experiments.optimum import optimum_document
    from experiments.store import write_json

    folder, plan = runs.store.folder, found.plan
    document: dict[str, Any] = {**optimum_document(found), "command": command}
    write_json(folder / f"optimise_{plan.name}.json", document)
    for lang in LANGUAGES:
        path = folder / f"optimise_{plan.name}.{lang}.md"
        path.write_text(optimum_text(found, lang) + "\n", encoding="utf-8")
        _draw(console, found, folder / "charts", lang, command)
    suspects = point_out_suspects(console, runs)
    console.document({**document, "suspect_runs": suspects, "path": folder.as_posix()})
    files = console.say("package.files", path=folder.as_posix())
    console.result(f"{optimum_text(found, console.lang)}\n{files}")


def _draw(console: Console, found: Optimum, folder: Path, lang: str, command: str) -> None:
    from briefing.optimise_report import draw_optimum

    plan = found.plan
    footer = say(
        "package.footer", lang, title=plan.scenario.title(lang), seeds=len(plan.seeds),
        seed=plan.scenario.seed, scale=plan.scenario.scale, command=command,
    )  # fmt: skip
    try:
        draw_optimum(found, folder, lang, footer)
    except Exception as fault:  # the figures are computed and must not be lost for a picture
        reason = " ".join(f"{type(fault).__name__}: {fault}".split())
        console.error(console.say("sweep.fault.charts", reason=reason))
