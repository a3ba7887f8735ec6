"""`tizhen sweep` and `tizhen estimate`: a plan of many runs. No economics here."""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

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
from app.run_request import DEFAULT_RESULTS, BadInputError, ResultsOption, failures
from experiments.runner import Listener
from model.messages import LANGUAGES, say

if TYPE_CHECKING:
    from experiments.executors import Executor
    from experiments.sweep import Outcome, Sweep
    from experiments.sweep_analysis import Sensitivity

SHOWN_FAILURES: Final = 5
NOTE_SECONDS: Final = 10.0

PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help=say("cli.argument.plan", HELP))]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", help=say("sweep.option.workers", HELP), show_default=False),
]
ShardOption = Annotated[
    str | None, typer.Option("--shard", help=say("sweep.option.shard", HELP), show_default=False)
]
DaskOption = Annotated[
    str | None, typer.Option("--dask", help=say("sweep.option.dask", HELP), show_default=False)
]
VerifyOption = Annotated[bool, typer.Option("--verify", help=say("sweep.option.verify", HELP))]
ReplayOption = Annotated[
    str | None, typer.Option("--replay", help=say("sweep.option.replay", HELP), show_default=False)
]


def sweep(
    context: typer.Context,
    plan: PlanArgument,
    workers: WorkersOption = None,
    shard: ShardOption = None,
    dask: DaskOption = None,
    verify: VerifyOption = False,
    replay: ReplayOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a plan, continue it, or check what is stored."""
    console = console_for(context, lang, json_output, quiet)
    with failures(console):
        asked = _sweep(console, plan, results, shard)
        if verify:
            return _verify(console, asked)
        if replay is not None:
            return _replay(console, asked, replay)
        return _run(console, asked, _executor(console, workers, dask))


def estimate(
    context: typer.Context,
    plan: PlanArgument,
    workers: WorkersOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """What a plan will take."""
    from experiments.sweep_estimate import estimate as estimated

    console = console_for(context, lang, json_output, quiet)
    with failures(console):
        count = _workers(console, workers)
        asked = _sweep(console, plan, results, None)
        console.note(_plan_line(console, asked))
        found = estimated(asked, count)
        console.document(found.document())
        say_it = console.say
        lines = [
            say_it("sweep.estimate.runs", runs=found.runs, stored=found.stored,
                   baselines=found.baselines),
            say_it("sweep.estimate.time", time=clock(found.seconds), workers=count,
                   seconds=f"{found.seconds_per_run:.2g}"),
            say_it("sweep.estimate.memory", gib=f"{found.memory_gib:.1f}"),
            say_it("sweep.estimate.disk", mib=f"{found.disk_mib:.0f}"),
        ]  # fmt: skip
        if found.table_solutions:
            lines.insert(1, say_it("sweep.estimate.tables", count=found.table_solutions))
        console.result("\n".join(lines))


# --- what is asked ----------------------------------------------------------------------------


def _sweep(console: Console, plan: str, results: Path, shard: str | None) -> Sweep:
    from experiments.results import ResultsError, check_destination
    from experiments.sweep import Sweep
    from experiments.sweep_plan import load_plan

    part = _shard(console, shard)
    loaded = load_plan(plan, console.lang)
    try:
        check_destination(results)
    except ResultsError as refused:
        raise BadInputError(str(refused)) from None
    return Sweep(loaded, results, part)


def _shard(console: Console, text: str | None) -> tuple[int, int]:
    if text is None:
        return (0, 1)
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not int(found[1]) < int(found[2]):
        raise BadInputError(console.say("sweep.bad_shard", value=text))
    return (int(found[1]), int(found[2]))


def _workers(console: Console, workers: int | None) -> int:
    import os

    if workers is not None and workers < 1:
        raise BadInputError(console.say("sweep.bad_workers", value=workers))
    return workers or os.cpu_count() or 1


def _executor(console: Console, workers: int | None, dask: str | None) -> Executor:
    from experiments.executors import DaskCluster, ExecutorError, LocalPool

    if dask is None:
        return LocalPool(_workers(console, workers))
    if workers is not None:
        raise BadInputError(console.say("sweep.both_executors"))
    try:
        return DaskCluster(dask)
    except ExecutorError as fault:
        raise BadInputError(str(fault)) from None


def _plan_line(console: Console, asked: Sweep) -> str:
    plan = asked.plan
    return console.say(
        "sweep.plan_line", plan=plan.title[console.lang],
        method=console.say(f"method.{plan.method}"), factors=len(plan.factors),
        points=len(asked.points), seeds=len(plan.seeds),
    )  # fmt: skip


# --- running ----------------------------------------------------------------------------------


class SweepProgress(Listener):
    """Runs done, rate and time left on stderr: one line every few seconds, rewritten on a tty."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = self._computed = 0
        self._began = self._said = time.monotonic()
        self._tty = sys.stderr.isatty()

    def planned(self, months: int) -> None:
        """Runs of this command."""
        self._total = months

    def advanced(self, months: int) -> None:
        """More runs are stored; several at once were stored before."""
        self._done += months
        self._computed += months == 1
        now = time.monotonic()
        wait = 0.5 if self._tty else NOTE_SECONDS
        if self._computed and now - self._said > wait:
            self._said = now
            self._say(now)

    def _say(self, now: float) -> None:
        rate = self._computed / (now - self._began)
        left = clock((self._total - self._done) / rate)
        words = {"done": self._done, "total": self._total, "rate": f"{rate:.3g}", "left": left}
        text = self._console.say("sweep.progress", **words)
        if self._console.quiet:
            return
        if self._tty:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            self._console.note(text)

    def finish(self) -> None:
        """Leave the line that was rewritten."""
        if self._tty and not self._console.quiet and self._computed:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _run(console: Console, asked: Sweep, executor: Executor) -> None:
    from experiments.executors import ExecutorError

    console.note(_plan_line(console, asked))
    progress = SweepProgress(console)
    asked.listener = progress
    try:
        outcome = asked.run(executor)
    except ExecutorError as fault:
        console.error(console.say("sweep.fault.executor", reason=str(fault)))
        raise typer.Exit(EXIT_FAULT) from None
    except KeyboardInterrupt:
        progress.finish()
        stored = 0
        with suppress(Exception):  # the sweep may have been stopped before it had a folder
            stored = sum(asked.store.counts())
        console.error(console.say("sweep.fault.stopped", done=stored))
        raise
    progress.finish()
    found = _analysis(console, asked) if outcome.complete else None
    _answer(console, asked, outcome, found)


def _analysis(console: Console, asked: Sweep) -> Sensitivity | None:
    """Indices and charts of a complete sweep, written beside the runs."""
    from briefing.sensitivity_report import draw, summary
    from experiments.sensitivity import SensitivityError
    from experiments.store import write_json
    from experiments.sweep_analysis import analyse, document

    try:
        found = analyse(asked.plan, asked.points, asked.values())
    except SensitivityError as fault:
        reason = _reason(console, str(fault))
        console.error(console.say("sweep.fault.analysis", reason=reason))
        return None
    folder = asked.store.folder
    write_json(folder / "sensitivity.json", document(found))
    for lang in LANGUAGES:
        (folder / f"summary.{lang}.md").write_text(summary(found, lang) + "\n", encoding="utf-8")
        footer = f"{asked.plan.title[lang]} · {asked.sweep_id}"
        try:
            draw(found, folder / "charts", lang, footer)
        except Exception as fault:  # the figures are computed and must not be lost for a picture
            reason = " ".join(f"{type(fault).__name__}: {fault}".split())
            console.error(console.say("sweep.fault.charts", reason=reason))
    return found


def _reason(console: Console, fault: str) -> str:
    kind, *numbers = fault.split()
    if kind == "lost":
        return console.say("sweep.fault.lost", lost=numbers[0], total=numbers[1])
    if kind == "not_finite":
        return console.say("sweep.fault.not_finite", count=numbers[0])
    return fault


def _answer(console: Console, asked: Sweep, outcome: Outcome, found: Sensitivity | None) -> None:
    from briefing.sensitivity_report import summary
    from experiments.sweep_analysis import document

    path = asked.store.folder.as_posix()
    answer: dict[str, Any] = {
        "sweep_id": asked.sweep_id, "planned": outcome.planned, "done": outcome.done,
        "failed": outcome.failed, "seconds": outcome.seconds, "path": path,
        "computed": outcome.computed, "complete": outcome.complete,
        "sensitivity": None if found is None else document(found),
    }  # fmt: skip
    console.document(answer)
    lines = [
        console.say("sweep.done", done=outcome.done, planned=outcome.planned,
                    failed=outcome.failed, computed=outcome.computed,
                    seconds=f"{outcome.seconds:.1f}")
    ]  # fmt: skip
    lines += _failed(console, asked) if outcome.failed else []
    lines += [] if outcome.complete else [console.say("sweep.incomplete")]
    lines += ["", summary(found, console.lang), ""] if found is not None else []
    console.result("\n".join([*lines, console.say("sweep.files", path=path)]))


def _failed(console: Console, asked: Sweep) -> list[str]:
    """The first errors, and how many more there are."""
    found = [row for row in asked.store.rows() if row.error]
    lines = [
        console.say("sweep.failed_run", point=row.point, seed=row.seed, error=row.error)
        for row in found[:SHOWN_FAILURES]
    ]
    more = len(found) - len(lines)
    return [*lines, console.say("sweep.more_failed", count=more)] if more else lines


# --- looking back -----------------------------------------------------------------------------


def _verify(console: Console, asked: Sweep) -> None:
    problems = asked.problems()
    count = 0 if problems else sum(asked.store.counts())
    console.document(
        {"sweep_id": asked.sweep_id, "runs": count, "problems": problems,
         "path": asked.store.folder.as_posix()}
    )  # fmt: skip
    if problems:
        console.result("\n".join([console.say("sweep.damaged", count=len(problems)), *problems]))
        raise typer.Exit(EXIT_FAULT)
    console.result(console.say("sweep.verified", count=count))


def _replay(console: Console, asked: Sweep, key: str) -> None:
    row, same = asked.replay(key)
    totals = {name: values.tolist() for name, values in row.totals().items()}
    console.document({"key": row.key, "point": row.point, "seed": row.seed, "same": same,
                      "error": row.error, "totals": totals})  # fmt: skip
    console.result(console.say("sweep.same_bits" if same else "sweep.other_bits", key=row.key))
    if not same:
        raise typer.Exit(EXIT_FAULT)
