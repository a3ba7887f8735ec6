"""Measure everything and write benchmarks/RESULTS.md: python -m benchmarks.report [--skip-slow]

Every number in the report comes from this execution. The 1:1 run and the cold command run in
processes of their own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from model.compilation import use_content_addressed_cache

use_content_addressed_cache()  # before numba is imported

from benchmarks import kernel, runs, solvers, targets  # noqa: E402
from benchmarks.measure import load_average  # noqa: E402

ROOT = Path(__file__).parent.parent
_PREFACE = (
    "Written by `python -m benchmarks.report`; every number comes from one execution, figures "
    "that are compared were taken in turns. Medians."
)
KERNEL_SCALE, SAMPLE, ROUNDS = 175, 1500, 9


def full_scale() -> dict[str, Any]:
    """The 1:1 run in a process of its own, so that its peak memory is its own."""
    call = [sys.executable, "-m", "benchmarks.full_scale"]
    found = subprocess.run(call, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(found.stdout.splitlines()[-1]))


def measure(slow: bool) -> tuple[dict[str, float], list[str]]:
    """Figures by name, and further sections of the report."""
    sections, figures = [], {}
    k = kernel.measure_kernel(KERNEL_SCALE, ROUNDS, SAMPLE)
    for name in (
        "households", "ns_1t", "ns_1t_paired", "ns_2t", "quiet_rounds", "thread_gain",
        "ns_mesa_objects", "speedup_vs_mesa_objects", "ns_step", "step_speedup", "ns_primitives",
        "primitive_fraction", "bytes_moved", "copy_bytes_per_ns", "bandwidth_fraction",
        "bytes_per_household",
    ):  # fmt: skip
        figures[name] = float(getattr(k, name))
    sections.append(_table("Rules of the kernel, ns", k.rules))
    sections.append(_primitives(k))
    seconds = runs.run_seconds(ROUNDS)
    figures["seconds_lean"], figures["seconds_full"] = seconds["lean"], seconds["full"]
    figures |= runs.plan_ratio(ROUNDS)
    figures["runs_per_second"] = runs.runs_per_second(24)
    parts = {part: took * 1000.0 for part, took in runs.run_parts().items()}
    sections.append(_table("Lean run at 1:1,000, ms by part", parts))
    warm = runs.warm_command(3)
    figures["seconds_command"], figures["seconds_command_cpu"] = warm.wall, warm.user + warm.system
    if slow:
        cold = runs.cold_command()
        figures["seconds_cold"], figures["seconds_cold_cpu"] = cold.wall, cold.user + cold.system
        solved = solvers.solve_in_fresh_cache()
        figures |= {f"seconds_{name}": took for name, took in solved.items()}
        whole = full_scale()
        figures["seconds_full_scale"] = whole["seconds_synthesis"] + whole["seconds_simulation"]
        figures["seconds_full_scale_cpu"] = whole["cpu_seconds"]
        figures["peak_gib"] = whole["peak_gib"]
        parts = whole["preparation"] | whole["simulation"] | {"outputs": whole["outputs"]}
        sections.append(_table(f"1:1, {whole['households']:,} households, seconds by part", parts))
    return figures, sections


def _table(title: str, rows: dict[str, float]) -> str:
    lines = [f"| {name} | {value:.3g} |" for name, value in rows.items()]
    return "\n".join([f"## {title}", "", "| part | value |", "|---|---:|", *lines, ""])


def _primitives(k: kernel.KernelFigures) -> str:
    lines = [
        f"| {name} | {each:.3f} | {times:.2f} | {each * times:.2f} |"
        for name, (each, times) in k.primitives.items()
    ]
    head = ["## Primitives", "", "| primitive | ns | times | ns a household month |"]
    return "\n".join([*head, "|---|---:|---:|---:|", *lines, ""])


def _circumstances(quiet_rounds: int) -> str:
    return (
        f"{time.strftime('%Y-%m-%d')}, {platform.system()} {platform.machine()}, {os.cpu_count()} "
        f"cores, Python {platform.python_version()}, load of the last minute {load_average()}. "
        f"Two threads were compared with one in {quiet_rounds} rounds without other busy "
        "processes (0: on a busy machine, so the gain of the second thread is not known)."
    )


def report(figures: dict[str, float], sections: list[str]) -> str:
    """The report as Markdown."""
    lines = [
        "# Speed", "",
        _PREFACE, "",
        _circumstances(int(figures["quiet_rounds"])),
        "", *targets.markdown(figures),
    ]  # fmt: skip
    return "\n".join([*lines, "", *sections])


def main() -> None:
    figures, sections = measure(slow="--skip-slow" not in sys.argv)
    text = report(figures, sections)
    (ROOT / "benchmarks" / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
