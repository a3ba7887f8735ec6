"""`tizhen compare`: a policy against its baseline, over several seeds. No economics here."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.console import HELP, JsonOption, LangOption, QuietOption, ScenarioArgument, console_for
from app.run_request import (
    DEFAULT_RESULTS,
    BadInputError,
    Request,
    ResultsOption,
    ScaleOption,
    SeedOption,
    failures,
    titles,
)
from model.messages import LANGUAGES, say

if TYPE_CHECKING:
    from briefing.summary import RunFacts
    from experiments.comparison import Comparison
    from model.scenario import Scenario

AgainstOption = Annotated[
    str | None,
    typer.Option("--against", help=say("summary.option.against", HELP), show_default=False),
]
ReplicationsOption = Annotated[
    int | None,
    typer.Option(
        "--replications", help=say("summary.option.replications", HELP), show_default=False
    ),
]
QuickOption = Annotated[bool, typer.Option("--quick", help=say("summary.option.quick", HELP))]


def compare(
    context: typer.Context,
    scenario: ScenarioArgument,
    against: AgainstOption = None,
    replications: ReplicationsOption = None,
    quick: QuickOption = False,
    seed: SeedOption = None,
    scale: ScaleOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare a policy with its baseline."""
    from experiments.runner import DEFAULT_REPLICATIONS

    console = console_for(context, lang, json_output, quiet)
    count = replications if replications is not None else 1 if quick else DEFAULT_REPLICATIONS
    request = Request(console, scenario, seed, scale, results, count)
    with failures(console):
        _compare(request, against, quick)


def baseline_of(policy: Scenario, against: str | None, lang: str) -> Scenario:
    """What `policy` is compared with, over the same months, scale and seed.

    Without `against`: the first file the scenario extends (its baseline), with the policy
    scenario's own parameters, so that only policies differ; or, if it extends nothing, the same
    scenario without policies. With `against`: that scenario with its own parameters; it must
    start in the same month. Raises ScenarioError.
    """
    from model.scenario import load_scenario

    same = {"months": policy.months, "scale": policy.scale, "seed": policy.seed}
    if against is not None:
        found = load_scenario(against, lang)
        if found.start != policy.start:
            starts = {"a": policy.start, "b": found.start}
            raise BadInputError(f"{against}:1:1: {say('summary.fault.start', lang, **starts)}")
        return found.changed(**same)
    if len(policy.files) < 2:
        bare = policy.header.model_copy(update={"name": "no_policies", "title": None})
        return replace(policy, header=bare, policies={}, measures={})
    root = load_scenario(policy.files[0], lang)
    return root.changed(**same, start=policy.start, parameters=dict(policy.parameters))


@dataclass(frozen=True)
class _Done:
    """A finished comparison on its way to the disk and to the reader."""

    request: Request
    comparison: Comparison
    facts: RunFacts
    document: dict[str, Any]


def _compare(request: Request, against: str | None, quick: bool) -> None:
    policy = request.checked_scenario()
    baseline = baseline_of(policy, against, request.console.lang)
    more = ["--quick"] if quick else []
    more += ["--against", against] if against else []
    more += ["--replications", str(request.replications)]
    facts = _facts(policy, baseline, request.command("compare", policy, *more))
    _load_charts_meanwhile()
    comparison = _compute(request, policy, baseline)
    document = {
        "scenario": policy.name,
        "against": baseline.name,
        "replications": request.replications,
        "quick": quick,
        **_figures(comparison),
        "command": facts.command,
    }
    done = _Done(request, comparison, facts, document)
    _answer(done, _write(done, policy, baseline))


def _load_charts_meanwhile() -> None:
    """Import the drawing library while one core prepares the runs and the other would wait."""

    def load() -> None:
        with suppress(Exception):  # whoever draws meets the fault again and reports it
            import_module("briefing.comparison_charts")

    Thread(target=load, daemon=True).start()


def _figures(comparison: Comparison) -> dict[str, Any]:
    from experiments.comparison import comparison_document

    return comparison_document(comparison)


def _compute(request: Request, policy: Scenario, baseline: Scenario) -> Comparison:
    from app.progress import progress_for
    from experiments.comparison import collect
    from experiments.grades import evidence_grade, outcome_grade
    from experiments.lever_draws import drawn_scenarios
    from experiments.runner import Runner, replication_seeds

    parameters = policy.parameter_set()
    levers = {settings.lever for settings in policy.policies.values()}
    known = evidence_grade(policy.measures) if policy.measures else None
    seeds = replication_seeds(policy.seed, request.replications)
    # One run says nothing of what another lever value would do: `--quick` leaves the draws out.
    drawn = drawn_scenarios(policy, len(seeds)) if len(seeds) > 1 else []
    with progress_for(request.console.lang, request.console.quiet) as progress:
        pairs = Runner(listener=progress).pairs(baseline, policy, seeds, drawn=drawn)
        return collect(pairs, lambda name: known or outcome_grade(name, parameters, levers))


def _facts(policy: Scenario, baseline: Scenario, command: str) -> RunFacts:
    from briefing.summary import RunFacts
    from experiments.grades import grade_counts

    grades = grade_counts(policy.parameter_set())
    hashes = policy.digest, baseline.digest
    return RunFacts(titles(policy), titles(baseline), command, *hashes, grades)


def _write(done: _Done, policy: Scenario, baseline: Scenario) -> Path:
    from briefing.summary import comparison_summary
    from experiments.comparison_files import write_comparison
    from experiments.results import identity, manifest_of, run_id, write_run

    scenarios = {"scenario": policy, "against": baseline}
    comparison, facts = done.comparison, done.facts
    of = identity("compare", scenarios, seeds=comparison.seeds, scale=policy.scale)
    more = {"title": facts.policy_title, "max_residual_fen": comparison.max_residual_fen}
    manifest = manifest_of(of, facts.command, **more)

    def fill(folder: Path) -> None:
        write_comparison(comparison, folder)
        for lang in LANGUAGES:
            text = comparison_summary(comparison, facts, lang)
            (folder / f"summary.{lang}.md").write_text(text, encoding="utf-8")
        figures = json.dumps(done.document, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / "comparison.json").write_text(figures + "\n", encoding="utf-8")
        _draw(done, folder / "charts")

    return write_run(done.request.results, run_id(of, policy.name), fill, manifest)


def _draw(done: _Done, folder: Path) -> None:
    """Charts beside the tables. A chart that fails costs a line on stderr, never the run."""
    from briefing.comparison_charts import draw_comparison

    console = done.request.console
    try:
        # A quick look draws for its reader only; a full comparison is kept for everybody.
        languages = (console.lang,) if done.document["quick"] else LANGUAGES
        draw_comparison(done.comparison, done.facts, folder, languages)
    except Exception as fault:  # the figures are computed and must not be lost for a picture
        reason = " ".join(f"{type(fault).__name__}: {fault}".split())
        console.error(console.say("summary.fault.charts", reason=reason))


def _answer(done: _Done, path: Path) -> None:
    from briefing.summary import comparison_summary

    console = done.request.console
    facts = replace(done.facts, path=path.as_posix())
    console.document({"run_id": path.name, **done.document, "path": path.as_posix()})
    console.result(comparison_summary(done.comparison, facts, console.lang))
