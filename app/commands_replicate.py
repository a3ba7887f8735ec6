"""`tizhen replicate`: published studies rebuilt inside the model. No economics here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.console import (
    HELP,
    Console,
    JsonOption,
    LangOption,
    QuietOption,
    console_for,
)
from app.run_request import BadInputError, failures
from model.messages import say

if TYPE_CHECKING:
    from experiments.replications import store
    from experiments.replications.replicate import Replication, Row
    from experiments.replications.specification import Specification

THREADS = 2
QUICK = 10
StudiesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help=say("cli.argument.study", HELP))
]
SpecOption = Annotated[
    Path | None,
    typer.Option("--spec", metavar="FILE", help=say("cli.option.spec", HELP), show_default=False),
]
ScaleOption = Annotated[
    int | None,
    typer.Option(
        "--scale", min=1, max=100_000, help=say("cli.option.study_scale", HELP), show_default=False
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", min=0, help=say("cli.option.study_seed", HELP), show_default=False),
]
QuickOption = Annotated[bool, typer.Option("--quick", help=say("cli.option.study_quick", HELP))]
WriteOption = Annotated[
    Path | None,
    typer.Option(
        "--write", metavar="FILE", help=say("cli.option.study_write", HELP), show_default=False
    ),
]
FreshOption = Annotated[bool, typer.Option("--fresh", help=say("cli.option.fresh", HELP))]


def replicate(
    context: typer.Context,
    studies: StudiesArgument = None,
    spec: SpecOption = None,
    quick: QuickOption = False,
    scale: ScaleOption = None,
    seed: SeedOption = None,
    write: WriteOption = None,
    fresh: FreshOption = False,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Replicate the studies named, all, or the one of a file."""
    from experiments.replications import store
    from experiments.replications.replicate import replicate as carry_out

    console = console_for(context, lang, json_output, quiet)

    def status(names: str) -> None:
        console.note(console.say("cli.replicate.running", names=names))

    with failures(console):
        chosen = _chosen(console, studies or [], spec)
        if quick:
            console.note(console.say("cli.replicate.quick"))
            chosen = [_coarser(one) for one in chosen]
        if seed is not None:
            chosen = [_with_run(one, seed=seed) for one in chosen]
        found = carry_out(chosen, scale=scale, fresh=fresh, status=status, threads=THREADS)
        if write is not None:
            command = _command(scale, quick, seed)
            _write(console, write, store.table_of(chosen, found, command, scale))
    console.document([one.plain() for one in found])
    for study, one in zip(chosen, found, strict=True):
        _show(console, study, one)
    inside = sum(one.in_band for one in found)
    console.result(console.say("cli.replicate.total", inside=inside, all=len(found)))


def _coarser(study: Specification) -> Specification:
    """The same study with a tenth of the households."""
    from model.scenario_header import LARGEST_SCALE

    scale = min(study.run.scale * QUICK, LARGEST_SCALE)
    return _with_run(study, scale=scale)


def _with_run(study: Specification, **changes: int) -> Specification:
    return study.model_copy(update={"run": study.run.model_copy(update=changes)})


def _command(scale: int | None, quick: bool, seed: int | None) -> str:
    words = ["tizhen", "replicate", *(["--quick"] if quick else [])]
    words += [] if scale is None else ["--scale", str(scale)]
    return " ".join(words + ([] if seed is None else ["--seed", str(seed)]))


def _write(console: Console, path: Path, table: store.Table) -> None:
    from experiments.replications import store

    try:
        store.save(table, path)
    except OSError as refused:
        raise BadInputError(f"{path}: {refused.strerror}") from None
    console.note(console.say("cli.replicate.written", path=path))


def _chosen(console: Console, studies: list[str], spec: Path | None) -> list[Specification]:
    """The studies asked for. Raises BadInputError, ScenarioError."""
    from experiments.replications.specification import load_specification, shipped

    if spec is not None:
        if studies:
            raise BadInputError(console.say("cli.replicate.spec_and_id"))
        return [load_specification(spec)]
    known = shipped()
    for name in studies:
        if name not in known:
            fields: dict[str, object] = {"name": name, "known": ", ".join(known)}
            raise BadInputError(console.say("cli.replicate.unknown", **fields))
    return [known[name] for name in studies or known]


def _show(console: Console, study: Specification, found: Replication) -> None:
    title = getattr(study.title, console.lang)
    console.result(console.say("cli.replicate.head", id=study.id, title=title))
    if found.fault:
        console.result(console.say("cli.replicate.fault", reason=found.fault))
        return
    for row in found.rows:
        console.result(console.say("cli.replicate.row", **_fields(console, row)))


def _fields(console: Console, row: Row) -> dict[str, object]:
    from experiments.replications.replicate import shown

    def number(value: float | None) -> str:
        return console.say("cli.replicate.none") if value is None else shown(value)

    return {
        "verdict": console.say(f"cli.replicate.{row.verdict}"), "name": row.name[console.lang],
        "estimate": number(row.estimate), "low": number(row.estimate_low),
        "high": number(row.estimate_high), "target": number(row.target),
        "band_low": number(row.low), "band_high": number(row.high), "exact": number(row.exact),
    }  # fmt: skip
