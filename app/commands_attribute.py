"""`tizhen attribute` and `tizhen consistency`: which measure did it, and do they pull together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from app.commands_compare import UncertaintyOption, sources_of
from app.commands_sweep import SweepProgress
from app.console import (
    EXIT_FAULT,
    HELP,
    Console,
    JsonOption,
    LangOption,
    QuietOption,
    ScenarioArgument,
    console_for,
)
from app.run_request import (
    DEFAULT_RESULTS,
    BadInputError,
    Request,
    ResultsOption,
    ScaleOption,
    SeedOption,
    failures,
)
from experiments.paired import OUTCOME_RULES
from model.messages import LANGUAGES, say

if TYPE_CHECKING:
    from experiments.package_runs import PackageRuns
    from model.scenario import Scenario

DEFAULT_OUTCOME: Final = "household_consumption"
DEFAULT_SEEDS: Final = {"attribute": 4, "consistency": 5}
LEAST_SEEDS: Final = {"attribute": 1, "consistency": 2}
DEFAULT_PAIRS: Final = 4
SCOPE_LETTERS: Final = 40
"""Letters of a file's name that say which measures were assessed."""

OutcomeOption = Annotated[
    str,
    typer.Option(
        "--outcome", help=say("package.option.outcome", HELP, names=", ".join(OUTCOME_RULES))
    ),
]
ByOption = Annotated[
    str | None, typer.Option("--by", help=say("package.option.by", HELP), show_default=False)
]
MonthsOption = Annotated[
    int | None,
    typer.Option("--months", help=say("package.option.months", HELP), show_default=False),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", help=say("package.option.workers", HELP), show_default=False),
]
PairsOption = Annotated[
    int, typer.Option("--pairs", help=say("package.option.pairs", HELP, count=DEFAULT_PAIRS))
]
QuickOption = Annotated[bool, typer.Option("--quick", help=say("package.option.quick", HELP))]
WriteOption = Annotated[
    Path | None,
    typer.Option(
        "--write", metavar="FILE", help=say("package.option.write", HELP), show_default=False
    ),
]
OnlyOption = Annotated[
    str | None, typer.Option("--only", help=say("package.option.only", HELP), show_default=False)
]


def _seeds(name: str) -> Any:
    words = say("package.option.replications", HELP, count=DEFAULT_SEEDS[name])
    return typer.Option("--replications", help=words, show_default=False)


def attribute(
    context: typer.Context,
    scenario: ScenarioArgument,
    outcome: OutcomeOption = DEFAULT_OUTCOME,
    by: ByOption = None,
    months: MonthsOption = None,
    replications: Annotated[int | None, _seeds("attribute")] = None,
    quick: QuickOption = False,
    uncertainty: UncertaintyOption = None,
    pairs: PairsOption = DEFAULT_PAIRS,
    write: WriteOption = None,
    workers: WorkersOption = None,
    seed: SeedOption = None,
    scale: ScaleOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Share a package's effect among its measures."""
    console = console_for(context, lang, json_output, quiet)
    request = Request(console, scenario, seed, scale, results)
    with failures(console):
        if by not in (None, "measures", "sections"):
            raise BadInputError(console.say("package.fault.by", value=by))
        if pairs < 1:
            raise BadInputError(console.say("package.fault.pairs", value=pairs))
        asked = _Asked("attribute", request, outcome, months,
                       Certainty(console, "attribute", replications, quick, uncertainty),
                       workers, write)  # fmt: skip
        more = ["--by", by] if by else []
        _attribute(asked, by, pairs, [*more, "--pairs", str(pairs)])


def consistency(
    context: typer.Context,
    scenario: ScenarioArgument,
    outcome: OutcomeOption = DEFAULT_OUTCOME,
    only: OnlyOption = None,
    months: MonthsOption = None,
    replications: Annotated[int | None, _seeds("consistency")] = None,
    quick: QuickOption = False,
    uncertainty: UncertaintyOption = None,
    write: WriteOption = None,
    workers: WorkersOption = None,
    seed: SeedOption = None,
    scale: ScaleOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Assess how the measures of a package interact."""
    console = console_for(context, lang, json_output, quiet)
    request = Request(console, scenario, seed, scale, results)
    with failures(console):
        asked = _Asked("consistency", request, outcome, months,
                       Certainty(console, "consistency", replications, quick, uncertainty),
                       workers, write)  # fmt: skip
        _consistency(asked, only)


def workers_asked(console: Console, workers: int | None) -> int:
    """Processes to use: those asked for, or one for each processor. Raises BadInputError."""
    import os

    if workers is not None and workers < 1:
        raise BadInputError(console.say("sweep.bad_workers", value=workers))
    return workers or os.cpu_count() or 1


def point_out_suspects(console: Console, runs: PackageRuns) -> list[dict[str, Any]]:
    """Say on stderr that some runs are implausible; returns them for the document."""
    found = list(runs.suspects.values())
    if found:
        first = found[0]
        names = "+".join([*first["run"].get("measures", []), *first["run"].get("policies", [])])
        words = {"count": len(found), "names": names, "seed": first["seed"]}
        ratio = f"{first['ratio']:.3g}"
        console.error(console.say("package.suspect", ratio=ratio, **words))
    return found


class Certainty:
    """How sure a command is to be: `seeds`, the `sources` drawn in each, whether it is `quick`.

    Raises BadInputError for an unknown source.
    """

    def __init__(
        self, console: Console, name: str, replications: int | None, quick: bool,
        uncertainty: str | None,
    ) -> None:  # fmt: skip
        usual = LEAST_SEEDS[name] if quick else DEFAULT_SEEDS[name]
        self.seeds = usual if replications is None else replications
        self.quick = quick
        self.sources = () if quick and uncertainty is None else sources_of(console, uncertainty)

    def options(self) -> list[str]:
        """The options that repeat this."""
        from experiments.alternatives import CHANCE, SOURCES

        options = ["--replications", str(self.seeds), *(["--quick"] if self.quick else [])]
        if self.sources != SOURCES:
            options += ["--uncertainty", ",".join(self.sources) or CHANCE]
        return options


class _Asked:
    """A checked request with its runs. Raises BadInputError, ScenarioError."""

    def __init__(
        self, name: str, request: Request, outcome: str, months: int | None, certainty: Certainty,
        workers: int | None, write: Path | None,
    ) -> None:  # fmt: skip
        self.name, self.request, self.console = name, request, request.console
        self.outcome, self.certainty, self.write = outcome, certainty, write
        self.seeds = certainty.seeds
        self._check_options()
        self.scenario: Scenario = request.checked_scenario()
        last = self.scenario.months
        if months is not None and not 1 <= months <= last:
            raise BadInputError(self.console.say("package.fault.months", last=last, value=months))
        self.months = months or last
        self.progress = SweepProgress(self.console)
        self.runs = self._runs(workers)

    def _check_options(self) -> None:
        from model.scenario_problems import phrase, suggestion

        lang = self.console.lang
        if self.outcome not in OUTCOME_RULES:
            fields = {"value": self.outcome, "hint": suggestion(self.outcome, OUTCOME_RULES)}
            fault = phrase("package.fault.outcome", allowed=tuple(OUTCOME_RULES), **fields)
            raise BadInputError(fault.render(lang))
        least = LEAST_SEEDS[self.name]
        if self.seeds < least:
            words = say("package.fault.replications", lang, least=least, value=self.seeds)
            raise BadInputError(words)

    def _runs(self, workers: int | None) -> PackageRuns:
        from experiments.executors import LocalPool
        from experiments.package_runs import PackageRuns

        pool = LocalPool(workers_asked(self.console, workers))
        return PackageRuns(self.scenario, self.request.results, pool, self.progress)

    def compute(self, work: Callable[[], Any], players: int) -> Any:
        """Do the work; a run or executor that fails ends with exit code 1."""
        from experiments.executors import ExecutorError
        from experiments.package_runs import RunFailedError

        title = self.scenario.title(self.console.lang)
        fields = {"title": title, "players": players, "seeds": self.seeds}
        self.console.note(self.console.say("package.computing", **fields))
        if self.certainty.quick:
            self.console.note(self.console.say("package.quick", seeds=self.seeds))
        try:
            return work()
        except (RunFailedError, ExecutorError) as fault:
            self.console.error(self.console.say("package.fault.run", reason=str(fault)))
            raise typer.Exit(EXIT_FAULT) from None
        finally:
            self.progress.finish()

    def command(self, *more: str) -> str:
        """The command that repeats this."""
        options = ["--outcome", self.outcome, *more, *self.certainty.options()]
        if self.months != self.scenario.months:
            options += ["--months", str(self.months)]
        return self.request.command(self.name, self.scenario, *options)

    def document(self, figures: dict[str, Any], command: str) -> dict[str, Any]:
        """The figures with what they belong to."""
        head = {"scenario": self.scenario.name, "scale": self.scenario.scale}
        return {**head, "quick": self.certainty.quick, **figures, "command": command}

    def footer(self, lang: str, command: str) -> str:
        """What every chart says below."""
        return say(
            "package.footer", lang, title=self.scenario.title(lang), seeds=self.seeds,
            seed=self.scenario.seed, scale=self.scenario.scale, command=command,
        )  # fmt: skip

    def keep(
        self, stem: str, document: dict[str, Any], text: Callable[[str], str],
        draw: Callable[[Path, str, str], object], command: str,
    ) -> Path:  # fmt: skip
        """Figures, words and charts beside the runs; a chart that fails costs a line."""
        from experiments.store import write_json

        folder = self.runs.store.folder
        if self.write is not None:
            self._store(self.write, document)
        write_json(folder / f"{stem}.json", document)
        for lang in LANGUAGES:
            (folder / f"{stem}.{lang}.md").write_text(text(lang) + "\n", encoding="utf-8")
            try:
                draw(folder / "charts", lang, self.footer(lang, command))
            except Exception as fault:  # the figures are computed and must not be lost
                reason = " ".join(f"{type(fault).__name__}: {fault}".split())
                self.console.error(self.console.say("sweep.fault.charts", reason=reason))
        return folder

    def _store(self, path: Path, document: dict[str, Any]) -> None:
        """Figures with date and digests: what the documentation is written from."""
        from experiments.package_results import save

        try:
            save(document, path)
        except OSError as refused:
            raise BadInputError(f"{path}: {refused.strerror}") from None
        self.console.note(self.console.say("package.written", path=path))


def _attribute(asked: _Asked, by: str | None, pairs: int, more: list[str]) -> None:
    from briefing.package_report import attribution_text, draw_attribution
    from experiments.attribution import (
        attribute as share,
    )
    from experiments.attribution import (
        attribution_document,
        players_of,
        usual_grouping,
    )

    grouping = by or usual_grouping(asked.scenario)
    players = len(players_of(asked.scenario, grouping))
    if not players:
        raise BadInputError(asked.console.say("package.fault.empty"))
    found = asked.compute(
        lambda: share(
            asked.runs, asked.outcome, grouping, asked.seeds, asked.months, pairs,
            asked.certainty.sources,
        ),
        players,
    )  # fmt: skip
    command = asked.command(*more)
    document = asked.document(attribution_document(found), command)
    path = asked.keep(
        f"attribution_{asked.outcome}_{grouping}", document,
        lambda lang: attribution_text(found, pairs, lang),
        lambda folder, lang, footer: draw_attribution(found, folder, lang, footer), command,
    )  # fmt: skip
    _answer(asked, document, attribution_text(found, pairs, asked.console.lang), path)


def _consistency(asked: _Asked, only: str | None) -> None:
    from briefing.package_report import consistency_text, draw_consistency
    from experiments.attribution import players_of
    from experiments.consistency import assess, consistency_document

    known = {str(one.id): one.id for one in players_of(asked.scenario, "measures")}
    wanted = [part.strip() for part in only.split(",")] if only else list(known)
    for part in wanted:
        if part not in known:
            fields = {"value": part, "allowed": ", ".join(known)}
            raise BadInputError(asked.console.say("package.fault.only", **fields))
    if len(set(wanted)) < LEAST_SEEDS["consistency"]:
        raise BadInputError(asked.console.say("package.fault.two"))
    chosen = [known[part] for part in wanted]
    found = asked.compute(
        lambda: assess(
            asked.runs, asked.outcome, asked.seeds, asked.months, chosen, asked.certainty.sources
        ),
        len(chosen),
    )
    command = asked.command(*(["--only", only] if only else []))
    document = asked.document(consistency_document(found), command)
    scope = "_" + "-".join(str(one) for one in chosen) if only else ""
    path = asked.keep(
        f"consistency_{asked.outcome}{scope[:SCOPE_LETTERS]}", document,
        lambda lang: consistency_text(found, lang),
        lambda folder, lang, footer: draw_consistency(found, folder, lang, footer, scope), command,
    )  # fmt: skip
    _answer(asked, document, consistency_text(found, asked.console.lang), path)


def _answer(asked: _Asked, document: dict[str, Any], text: str, path: Path) -> None:
    suspects = point_out_suspects(asked.console, asked.runs)
    more = {"suspect_runs": suspects, "path": path.as_posix()}
    asked.console.document({**document, **more})
    files = asked.console.say("package.files", path=path.as_posix())
    asked.console.result(f"{text}\n{files}")
