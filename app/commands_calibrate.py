"""`tizhen calibrate`: fit the free parameters to the moments, and draw their posterior."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.console import (
    EXIT_FAULT,
    HELP,
    Console,
    JsonOption,
    LangOption,
    QuietOption,
    console_for,
)
from app.run_request import DEFAULT_RESULTS, ResultsOption, failures
from model.messages import say

if TYPE_CHECKING:
    from calibration.estimate import Estimate

QuickOption = Annotated[bool, typer.Option("--quick", help=say("calibrate.option.quick", HELP))]
SolutionsOption = Annotated[
    int | None,
    typer.Option("--solutions", help=say("calibrate.option.solutions", HELP), show_default=False),
]
StoreOption = Annotated[bool, typer.Option("--store", help=say("calibrate.option.store", HELP))]
FOLDER, QUICK_FOLDER, LOG_FILE = "calibration", "calibration-quick", "evaluations.jsonl"


def calibrate(
    context: typer.Context,
    quick: QuickOption = False,
    solutions: SolutionsOption = None,
    store: StoreOption = False,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fit the free parameters to the moments; an interrupted run goes on where it stopped."""
    console = console_for(context, lang, json_output, quiet)
    if solutions is not None and solutions < 2:
        raise console.refuse([console.say("calibrate.fault.solutions", value=solutions)])
    if quick and store:
        raise console.refuse([console.say("calibrate.fault.quick_store")])
    with failures(console):
        folder = results / (QUICK_FOLDER if quick else FOLDER)
        found = _quick(console) if quick else _full(console, folder, solutions)
        _finish(console, found, folder, store, _command(quick, solutions))


def _command(quick: bool, solutions: int | None) -> str:
    words = ["tizhen", "calibrate", *(["--quick"] if quick else [])]
    return " ".join(words + ([f"--solutions {solutions}"] if solutions is not None else []))


def _tell(console: Console, stage: str, done: int, planned: int) -> None:
    console.note(console.say(f"calibrate.stage.{stage}", done=done, total=planned))


def _quick(console: Console) -> Estimate:
    """From the points that ship with this version: short chains, no simulation."""
    from calibration.estimate import QUICK, from_points
    from calibration.stored import stored_points

    points = stored_points()
    if not points:
        console.error(console.say("calibrate.fault.no_points"))
        raise typer.Exit(EXIT_FAULT)
    console.note(console.say("calibrate.quick"))
    return from_points(points, QUICK, lambda *stage: _tell(console, *stage))


def _full(console: Console, folder: Path, solutions: int | None) -> Estimate:
    from calibration.estimate import SOLUTIONS, Effort, estimate
    from calibration.evaluations import Log
    from calibration.stored import reusable_points

    log = Log(folder / LOG_FILE, reusable_points())
    console.note(console.say("calibrate.resumed", count=len(log.found)))
    chosen = SOLUTIONS if solutions is None else solutions
    return estimate(log, chosen, Effort(), lambda *stage: _tell(console, *stage))


def _finish(console: Console, found: Estimate, folder: Path, store: bool, command: str) -> None:
    import calibration
    from calibration.stored import store as write

    target = Path(str(calibration.__path__[0])) if store else folder
    tables = write(found, target, command)
    console.document(tables)
    for line in _summary(console, tables):
        console.result(line)
    console.note(console.say("calibrate.written", folder=target))


def _summary(console: Console, tables: dict[str, Any]) -> list[str]:
    """Fit, posterior and coverage in a few lines."""
    distance, about = tables["distance"], tables["about"]
    lines = [
        console.say(
            "calibrate.summary.distance", seeds=console.say(f"calibrate.seeds.{name}"),
            moments=distance["moments"]["fitted"], **{
                side: f"{distance[name][side]['fitted']:.1f}" for side in ("shipped", "point")
            },
        )
        for name in ("fitting_seeds", "other_seeds")
    ]  # fmt: skip
    for row in tables["parameters"]:
        lines.append(
            console.say(
                "calibrate.summary.parameter", name=row["name"], words=row[console.lang],
                shipped=f"{row['shipped']:.4g}", point=f"{row['point']:.4g}",
                low=f"{row['q05']:.4g}", high=f"{row['q95']:.4g}", width=f"{row['width']:.2f}",
            )
        )  # fmt: skip
    recovery = {name: tables["recovery"][name] for name in ("emulator", "left_out", "fresh")}
    for name, one in recovery.items():
        words = console.say(f"calibrate.recovery.{name}")
        lines.append(
            console.say(
                "calibrate.summary.recovery", kind=words, repetitions=one["repetitions"],
                mean=f"{100 * one['mean']:.0f}",
            )
        )  # fmt: skip
    lines.append(
        console.say(
            "calibrate.summary.chains", r_hat=f"{about['r_hat']:.3f}",
            effective=f"{about['effective']:.0f}", draws=about["draws"],
        )
    )  # fmt: skip
    return lines
