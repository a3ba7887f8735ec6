"""Runs at 1:1,000: lean and full run, runs a second in a sweep, the command warm and cold."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Sample, round_robin
from benchmarks.subject import POLICY, running_economy

SCALE = 1000
BASELINE, PLAN = "baseline", "full_plan"
PARTS = {
    "calendar": "_read_calendar", "levers": "_set_policies", "markets plan": "_plan_markets",
    "voucher race": "_issue_vouchers", "households": "_live_households",
    "bills": "_bill_policies", "markets settle": "_settle_markets", "record": "_record",
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    """One execution of the program in a process of its own."""

    wall: float
    user: float
    system: float


def run_seconds(rounds: int, scale: int = SCALE) -> dict[str, float]:
    """Median seconds of building and running 36 months: `lean` totals only, `full` all outputs.

    The opening state is kept from the first run, as in a sweep.
    """
    samples = {
        "lean": Sample(lambda _: running_economy(scale).run()),
        "full": Sample(lambda _: running_economy(scale, lean=False).run()),
    }
    return round_robin(samples, rounds)


def plan_ratio(rounds: int, scale: int = SCALE) -> dict[str, float]:
    """Median CPU seconds of lean runs of the baseline and of all measures, in turns; their ratio.

    Keys `seconds_baseline`, `seconds_plan`, `plan_over_baseline`. Openings and tables are kept from
    the first run of each, as in a sweep.
    """
    found = round_robin(
        {
            "seconds_baseline": Sample(lambda _: running_economy(scale, name=BASELINE).run()),
            "seconds_plan": Sample(lambda _: running_economy(scale, name=PLAN).run()),
        },
        rounds,
    )
    return found | {"plan_over_baseline": found["seconds_plan"] / found["seconds_baseline"]}


def run_parts(scale: int = SCALE) -> dict[str, float]:
    """Seconds of a lean run by part of the month, after one run that fills the caches."""
    running_economy(scale).run()
    began = time.perf_counter()
    economy = running_economy(scale)
    spent: Counter[str] = Counter({"build": time.perf_counter() - began})
    for part, name in PARTS.items():
        setattr(economy, name, _timed(getattr(economy, name), spent, part))
    economy.run()
    return dict(spent)


def _timed(function: Callable[..., Any], spent: Counter[str], part: str) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        began = time.perf_counter()
        found = function(*arguments)
        spent[part] += time.perf_counter() - began
        return found

    return timed


def runs_per_second(runs: int, workers: int = 2, scale: int = SCALE) -> float:
    """Lean runs a second of `workers` threads, the opening kept."""
    running_economy(scale).run()
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda _: running_economy(scale).run(), range(runs)))
    return runs / (time.perf_counter() - began)


def command(cache: Path | None = None) -> Command:
    """`tizhen compare POLICY --quick` from process start to its end; `cache` may be empty."""
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    if cache is not None:
        environment["TIZHEN_CACHE"] = str(cache)
    with tempfile.TemporaryDirectory() as results:
        call = [sys.executable, "-m", "app.cli", "compare", POLICY, "--quick", "--quiet", "--json"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run(
            [*call, "--results", results], env=environment, check=True,
            stdout=subprocess.DEVNULL, cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Command(wall, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime)


def warm_command(rounds: int) -> Command:
    """Median of warm executions after one that is not counted."""
    command()
    taken = [command() for _ in range(rounds)]
    return sorted(taken, key=lambda one: one.wall)[len(taken) // 2]


def cold_command() -> Command:
    """One execution with an empty cache: compilation and tables included."""
    with tempfile.TemporaryDirectory() as cache:
        return command(Path(cache))
