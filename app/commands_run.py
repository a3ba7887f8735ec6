"""`tizhen run` and `tizhen compare`: read, check, run, write, report. No economics here.

The result goes to stdout, everything else to stderr. Exit 0 fine, 1 a fault of the program or the
disk, 2 bad input; whenever it is not 0, nothing has been written.
"""

from __future__ import annotations

import json
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from model.messages import LANGUAGES, say

if TYPE_CHECKING:
    from briefing.summary import RunFacts
    from experiments.comparison import Comparison
    from model.outcome import Outcome
    from model.scenario import Scenario

FAULT, BAD_INPUT, STOPPED = 1, 2, 130
DEFAULT_RESULTS: Final = Path("results")

ScenarioArgument = Annotated[
    str, typer.Argument(help="情景文件或内置情景名 / scenario file or name")
]
SeedOption = Annotated[int | None, typer.Option(help="随机种子 / seed of the first run")]
ScaleOption = Annotated[
    int | None,
    typer.Option(help="一个模拟家庭代表多少户 / households one simulated one stands for"),
]
ResultsOption = Annotated[Path, typer.Option(help="结果目录 / where runs are written")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="标准输出只给一个 JSON / one JSON document")
]
LangOption = Annotated[str, typer.Option(help="zh | en")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="不显示进度 / no progress")]


@dataclass(frozen=True)
class Request:
    """What both commands are asked; checked by `check`."""

    scenario: str
    seed: int | None
    scale: int | None
    results: Path
    as_json: bool
    lang: str
    quiet: bool
    replications: int = 1

    def problem(self) -> str | None:
        """First thing wrong with the options, in one line, or None."""
        from model.scenario import LARGEST_SCALE, LARGEST_SEED

        if self.lang not in LANGUAGES:
            return say("summary.fault.lang", "zh", value=self.lang)
        if self.scale is not None and not 1 <= self.scale <= LARGEST_SCALE:
            limits = {"low": 1, "high": LARGEST_SCALE}
            return say("summary.fault.scale", self.lang, value=self.scale, **limits)
        if self.seed is not None and not 0 <= self.seed <= LARGEST_SEED:
            return say("summary.fault.seed", self.lang, value=self.seed)
        if self.replications < 1:
            return say("summary.fault.replications", self.lang, value=self.replications)
        return None

    def applied(self, scenario: Scenario) -> Scenario:
        """The scenario with the seed and scale of the command line."""
        changes = {"seed": self.seed, "scale": self.scale}
        update = {key: value for key, value in changes.items() if value is not None}
        return replace(scenario, header=scenario.header.model_copy(update=update))


class _BadInputError(Exception):
    """Lines to show before leaving with exit code 2."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def _complain(*lines: str) -> None:
    for line in lines:
        typer.echo(line, err=True)


@contextmanager
def _faults(lang: str) -> Iterator[None]:
    """Turn every exception into lines on stderr and an exit code; never a traceback."""
    from model.scenario import ScenarioError

    shown = lang if lang in LANGUAGES else "zh"
    before = _stop_like_interrupt()
    try:
        yield
    except _BadInputError as bad:
        _complain(*bad.lines)
        raise typer.Exit(BAD_INPUT) from None
    except ScenarioError as bad:
        _complain(*bad.in_language(shown).lines)
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        _complain(say("summary.fault.stopped", shown))
        raise typer.Exit(STOPPED) from None
    except typer.Exit:
        raise
    except Exception as fault:  # whatever it is, the user gets one line
        _report_fault(fault, shown)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _report_fault(fault: BaseException, lang: str) -> None:
    reason = " ".join(f"{type(fault).__name__}: {fault}".split())
    _complain(say("summary.fault.run", lang, reason=reason))
    raise typer.Exit(FAULT) from None


def _stop_like_interrupt() -> Any:
    """A polite request to end is treated like Ctrl-C, so that temporary folders are removed."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread, as in some tests and services
        return None


def _checked(request: Request) -> Scenario:
    """The scenario to run, after everything that can be checked before computing."""
    from experiments.results import ResultsError, check_destination
    from model.scenario import load_scenario

    problem = request.problem()
    if problem:
        raise _BadInputError(problem)
    scenario = request.applied(load_scenario(request.scenario, request.lang))
    try:
        check_destination(request.results)
    except ResultsError as refused:
        raise _BadInputError(str(refused)) from None
    return scenario


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
            raise _BadInputError(f"{against}:1:1: {say('summary.fault.start', lang, **starts)}")
        return found.changed(**same)
    if len(policy.files) < 2:
        bare = policy.header.model_copy(update={"name": "no_policies", "title": None})
        return replace(policy, header=bare, policies={})
    root = load_scenario(policy.files[0], lang)
    parameters = dict(policy.parameters)
    return root.changed(**same, start=policy.start, parameters=parameters)


def _command(name: str, request: Request, scenario: Scenario, *more: str) -> str:
    """The command that repeats this result, with nothing left to defaults that may change."""
    options = ["--seed", str(scenario.seed), "--scale", str(scenario.scale)]
    return shlex.join(["tizhen", name, request.scenario, *more, *options])


def totals_of(outcome: Outcome) -> dict[str, float]:
    """Every reported outcome over the whole run: sums of flows, means of the rest."""
    from experiments.paired import OUTCOME_RULES

    totals = {}
    for name, rule in OUTCOME_RULES.items():
        try:
            monthly = rule.monthly(outcome, outcome)
        except (KeyError, ValueError):
            continue
        totals[name] = float(monthly.sum() if rule.kind == "flow" else monthly.mean())
    return totals


def run(
    scenario: ScenarioArgument,
    seed: SeedOption = None,
    scale: ScaleOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    json: JsonOption = False,
    lang: LangOption = "zh",
    quiet: QuietOption = False,
) -> None:
    """运行一个情景 / run one scenario."""
    request = Request(scenario, seed, scale, results, json, lang, quiet)
    with _faults(lang):
        _run(request)


def _run(request: Request) -> None:
    from app.progress import progress_for
    from briefing.summary import run_summary
    from experiments.results import identity, manifest_of, run_id, write_outcome, write_run
    from experiments.runner import Runner

    scenario = _checked(request)
    began = time.perf_counter()
    with progress_for(request.lang, request.quiet) as progress:
        progress.planned(scenario.months)
        outcome = Runner(listener=progress).run(scenario, scenario.seed)
    seconds = time.perf_counter() - began
    of = identity("run", {"scenario": scenario}, seed=scenario.seed, scale=scenario.scale)
    totals = totals_of(outcome)
    facts = {"title": _titles(scenario), "totals": totals}
    manifest = manifest_of(
        of,
        _command("run", request, scenario),
        **facts,
        months=outcome.months,
        max_residual_fen=outcome.max_residual_fen,
    )
    text = run_summary(totals, scenario.title(request.lang), scenario.months, seconds, request.lang)

    def fill(folder: Path) -> None:
        (folder / "series").mkdir()
        write_outcome(_repeatable(outcome), folder / "series")

    path = write_run(request.results, run_id(of, scenario.name), fill, manifest)
    document = {
        "run_id": path.name,
        "scenario": scenario.name,
        "seed": scenario.seed,
        "households": int(outcome.meta.get("households", 0)),
        "scale": scenario.scale,
        "months": scenario.months,
        "seconds": seconds,
        "max_residual_fen": outcome.max_residual_fen,
        "totals": totals,
        "path": path.as_posix(),
    }
    _answer(request, document, text + f"\n{path.as_posix()}")


def _repeatable(outcome: Outcome) -> Outcome:
    """Without the wall time, so that the same run gives the same files."""
    meta = {key: value for key, value in outcome.meta.items() if key != "seconds"}
    return replace(outcome, meta=meta)


def _titles(scenario: Scenario) -> dict[str, str]:
    return {lang: scenario.title(lang) for lang in LANGUAGES}


def _answer(request: Request, document: dict[str, Any], text: str) -> None:
    """The one result on stdout."""
    if request.as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        typer.echo(text)


def compare(
    scenario: ScenarioArgument,
    against: Annotated[str | None, typer.Option(help="基线 / what to compare with")] = None,
    replications: Annotated[
        int | None, typer.Option(help="重复次数 / pairs of runs with different seeds")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="只运行一次 / one replication")] = False,
    seed: SeedOption = None,
    scale: ScaleOption = None,
    results: ResultsOption = DEFAULT_RESULTS,
    json: JsonOption = False,
    lang: LangOption = "zh",
    quiet: QuietOption = False,
) -> None:
    """比较政策与基线 / compare a policy with its baseline."""
    from experiments.runner import DEFAULT_REPLICATIONS

    count = replications if replications is not None else 1 if quick else DEFAULT_REPLICATIONS
    request = Request(scenario, seed, scale, results, json, lang, quiet, count)
    with _faults(lang):
        _compare(request, against, quick)


def _compare(request: Request, against: str | None, quick: bool) -> None:
    from app.progress import progress_for
    from experiments.comparison import collect
    from experiments.grades import outcome_grade
    from experiments.results import identity
    from experiments.runner import Runner, replication_seeds

    policy = _checked(request)
    baseline = baseline_of(policy, against, request.lang)
    parameters = policy.parameter_set()
    levers = {settings.lever for settings in policy.policies.values()}
    seeds = replication_seeds(policy.seed, request.replications)
    with progress_for(request.lang, request.quiet) as progress:
        pairs = Runner(listener=progress).pairs(baseline, policy, seeds)
        comparison = collect(pairs, lambda outcome: outcome_grade(outcome, parameters, levers))
    scenarios = {"scenario": policy, "against": baseline}
    of = identity("compare", scenarios, seeds=seeds, scale=policy.scale)
    more = ["--replications", str(request.replications), *(["--quick"] if quick else [])]
    more = [*(["--against", against] if against else []), *more]
    command = _command("compare", request, policy, *more)
    _report(request, comparison, _facts(policy, baseline, command), of, quick)


def _facts(policy: Scenario, baseline: Scenario, command: str) -> RunFacts:
    from briefing.summary import RunFacts
    from experiments.grades import grade_counts

    return RunFacts(
        _titles(policy),
        _titles(baseline),
        command,
        policy.digest,
        baseline.digest,
        grade_counts(policy.parameter_set()),
    )


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The figures of a comparison as the machine-readable contract has them."""
    from experiments.comparison import as_intervals, as_numbers, effect_rows

    leverage, payers = comparison.leverage(), dict(comparison.payers())
    first, last = comparison.window
    return {
        "max_residual_fen": comparison.max_residual_fen,
        "effects": effect_rows(comparison.effects()),
        "window": {"first": comparison.months[first], "last": comparison.months[last - 1]},
        "window_effects": effect_rows(comparison.window_effects()),
        "leverage": as_numbers(leverage),
        "leverage_intervals": as_intervals(leverage),
        "payers": {name: one.value for name, one in payers.items()},
        "payers_intervals": as_intervals(dict(payers)),
        "seeds": comparison.seeds,
    }


def _report(
    request: Request, comparison: Comparison, facts: RunFacts, of: dict[str, Any], quick: bool
) -> None:
    from briefing.summary import comparison_summary
    from experiments.comparison_files import write_comparison
    from experiments.results import manifest_of, run_id, write_run

    name = str(of["scenario"]["name"])
    document = {
        "scenario": name,
        "against": str(of["against"]["name"]),
        "replications": request.replications,
        "quick": quick,
        **comparison_document(comparison),
        "command": facts.command,
    }
    manifest = manifest_of(of, facts.command, title=facts.policy_title, months=comparison.months)

    def fill(folder: Path) -> None:
        write_comparison(comparison, folder)
        for lang in LANGUAGES:
            text = comparison_summary(comparison, facts, lang)
            (folder / f"summary.{lang}.md").write_text(text, encoding="utf-8")
        (folder / "comparison.json").write_text(
            json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
            encoding="utf-8",
        )
        _draw(request, comparison, facts, folder)

    path = write_run(request.results, run_id(of, name), fill, manifest)
    summary = comparison_summary(comparison, replace(facts, path=path.as_posix()), request.lang)
    _answer(request, {"run_id": path.name, **document, "path": path.as_posix()}, summary)


def _draw(request: Request, comparison: Comparison, facts: RunFacts, folder: Path) -> None:
    """Charts beside the tables. A chart that fails costs a line on stderr, never the run."""
    try:
        from briefing.comparison_charts import draw_comparison
    except ImportError:
        return
    try:
        draw_comparison(comparison, facts, folder / "charts")
    except (ValueError, RuntimeError, LookupError, TypeError, OSError) as fault:
        reason = " ".join(str(fault).split())
        _complain(say("summary.fault.charts", request.lang, reason=reason))


def register(app: typer.Typer) -> None:
    """Add `run` and `compare` to the program."""
    app.command("run")(run)
    app.command("compare")(compare)
