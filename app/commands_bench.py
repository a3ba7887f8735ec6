"""`tizhen bench`: the speed of this machine, measured; the measuring is in `benchmarks/`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.console import EXIT_FAULT, HELP, Console, JsonOption, LangOption, QuietOption, console_for
from model.messages import say

QuickOption = Annotated[bool, typer.Option("--quick", help=say("bench.option.quick", HELP))]
FullScaleOption = Annotated[
    bool, typer.Option("--full-scale", help=say("bench.option.full_scale", HELP))
]
# Scale, rounds, households that live as Mesa objects, runs of the sweep.
THOROUGH, QUICK = (175, 9, 1500, 24), (700, 3, 300, 8)


def bench(
    context: typer.Context,
    quick: QuickOption = False,
    full_scale: FullScaleOption = False,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure the speed of this machine."""
    console = console_for(context, lang, json_output, quiet)
    _find_benchmarks(console)
    from model.compilation import use_content_addressed_cache

    use_content_addressed_cache()
    console.note(console.say("bench.full_scale" if full_scale else "bench.measuring"))
    document = _full_scale() if full_scale else _figures(quick)
    console.document(document)
    console.result(_words(console, document))


def _find_benchmarks(console: Console) -> None:
    """The measuring code and its plain Mesa twin belong to the source folder, not the package."""
    root = Path(__file__).resolve().parents[1]
    if (root / "benchmarks").is_dir() and str(root) not in sys.path:
        sys.path.insert(0, str(root))
    if importlib.util.find_spec("benchmarks") is None:
        console.error(console.say("bench.no_source"))
        raise typer.Exit(EXIT_FAULT)


def _figures(quick: bool) -> dict[str, Any]:
    kernel = importlib.import_module("benchmarks.kernel")
    runs = importlib.import_module("benchmarks.runs")
    scale, rounds, sample, sweep = QUICK if quick else THOROUGH
    found = kernel.measure_kernel(scale, rounds, sample)
    seconds = runs.run_seconds(rounds)
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": kernel.THREADS,
        "households": found.households,
        "ns_per_household_month_1t": found.ns_1t,
        "ns_per_household_month_2t": found.ns_2t,
        "quiet_rounds": found.quiet_rounds,
        "speedup_vs_mesa_objects": found.speedup_vs_mesa_objects,
        "step_speedup_vs_mesa_objects": found.step_speedup,
        "seconds_per_run_1_1000": seconds["lean"],
        "seconds_per_run_1_1000_all_outputs": seconds["full"],
        "runs_per_second_sweep": runs.runs_per_second(sweep),
        "primitive_fraction": found.primitive_fraction,
        "bandwidth_fraction": found.bandwidth_fraction,
        "bytes_per_household": found.bytes_per_household,
    }


def _full_scale() -> dict[str, Any]:
    measured = importlib.import_module("benchmarks.full_scale").measure_full_scale()
    return dict(measured.as_json())


def _words(console: Console, document: dict[str, Any]) -> str:
    """One line a figure, in the reader's language."""
    lines = []
    for name, value in document.items():
        shown = f"{value:,.4g}" if isinstance(value, float) else value
        if isinstance(value, dict):
            shown = ", ".join(f"{part} {took:.3g}" for part, took in value.items())
        lines.append(f"{console.say(f'bench.figure.{name}')}: {shown}")
    return "\n".join(lines)
