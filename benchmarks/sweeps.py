"""Sweeps: runs a second through the store beside the bare loop, a second worker, memory, indices.

    python -m benchmarks.sweeps [ROUNDS]        writes benchmarks/SWEEPS.md

All variants do the same runs (vouchers, 1:1,000, 36 months; the run without policies is shared).
Start-up cancels: every figure is the slope between a short and a long list of runs. Variants take
turns. CPU time of all processes counts, because wall time on a busy machine is the neighbours';
wall time is shown with the cores that others used meanwhile.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measure import Others, load_average
from experiments.executors import LocalPool, library_threads
from experiments.run_jobs import Bench, Job, Setup, Totals
from experiments.sensitivity import sobol
from experiments.sweep import Sweep
from experiments.sweep_plan import load_plan

ROUNDS, WORKERS = 3, 2
SHORT, LONG = 4, 28  # levels of each of two factors: 2 n + 1 points
MEMORY_RUNS = (1_000, 16_000)
MEMORY_CHILD = "from benchmarks.sweeps import peak_mib; print(peak_mib({runs}))"
BASE_POINTS, FACTORS, OUTPUTS, RESAMPLES = 1024, 12, 8, 1000
PLAN = """
scenario: vouchers
months: {months}
method: {method}
samples: {samples}
levels: {levels}
seeds: 1
policies:
  vouchers:
    face_yuan: {{low: 20, high: 50}}
    participating_share: {{low: 0.3, high: 0.8}}
"""


@dataclass(frozen=True)
class Spent:
    """Wall and CPU seconds of a list of runs, and cores that other programs used meanwhile."""

    runs: int
    wall: float
    cpu: float
    others: float = 0.0

    def per_run(self, short: Spent) -> Spent:
        """Seconds of one further run."""
        more = self.runs - short.runs
        wall, cpu = (self.wall - short.wall) / more, (self.cpu - short.cpu) / more
        return Spent(1, wall, cpu, max(self.others, short.others))


def sweep_of(folder: Path, **keys: object) -> Sweep:
    """A sweep of the vouchers' two settings."""
    usual = {"months": 36, "method": "one_at_a_time", "samples": 1, "levels": 4}
    path = folder / "plan.yaml"
    path.write_text(PLAN.format(**usual | keys), encoding="utf-8")
    return Sweep(load_plan(path), folder / "results")


def _cpu() -> float:
    """CPU seconds of this process and of all its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def spent(levels: int, work: Callable[[Sweep], None]) -> Spent:
    """What `work` on a new sweep takes."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_of(Path(folder), levels=levels)
        runs, others = sweep.planned, Others()
        wall, cpu = time.perf_counter(), _cpu()
        work(sweep)
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
        return Spent(runs, wall, cpu, others.cores(cpu))


def through_store(workers: int) -> Callable[[Sweep], None]:
    """Everything that `tizhen sweep` does before the analysis."""

    def work(sweep: Sweep) -> None:
        outcome = sweep.run(LocalPool(workers))
        assert outcome.done == outcome.planned

    return work


def _loop(setup: Setup, jobs: list[Job]) -> None:
    bench = Bench(setup)
    for job in jobs:
        assert not bench.do(job).error


def bare(workers: int) -> Callable[[Sweep], None]:
    """The same runs in processes that keep nothing, dealt out beforehand."""

    def work(sweep: Sweep) -> None:
        jobs = [job for chunk in sweep.chunks() for job in chunk.jobs]
        context = multiprocessing.get_context("spawn")
        with library_threads():
            own = [
                context.Process(target=_loop, args=(sweep.shared, jobs[n::workers]))
                for n in range(workers)
            ]
            for process in own:
                process.start()
        for process in own:
            process.join()

    return work


def rates(rounds: int) -> dict[str, list[Spent]]:
    """Seconds of one run in each variant and round."""
    variants = {
        "store_2": through_store(WORKERS), "bare_2": bare(WORKERS),
        "store_1": through_store(1), "bare_1": bare(1),
    }  # fmt: skip
    found: dict[str, list[Spent]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, work in variants.items():
            short = spent(SHORT, work)
            found[name].append(spent(LONG, work).per_run(short))
    return found


# --- memory and indices -----------------------------------------------------------------------


def nothing(bench: Bench, job: Job) -> tuple[Totals, str]:
    """A run that takes no time, with as many numbers as a real one."""
    rows = np.full((10, 36), float(job.point + len(bench.setup.places)))
    return {f"outcome_{n}.{side}": row for n, row in enumerate(rows) for side in "ab"}, "nothing"


def peak_mib(runs: int) -> float:
    """Largest memory of this process after a sweep of `runs` runs that take no time."""
    with tempfile.TemporaryDirectory() as folder:
        plan = sweep_of(Path(folder), method="pawn", samples=runs)
        setup = replace(plan.shared, evaluate=f"{__name__}:nothing")
        Sweep(plan.plan, plan.results, (0, 1), setup).run(LocalPool(1))
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in who) / 1024


def memory() -> dict[int, float]:
    """Peak MiB by number of runs, each in a process of its own."""
    found = {}
    for runs in MEMORY_RUNS:
        call = [sys.executable, "-c", MEMORY_CHILD.format(runs=runs)]
        said = subprocess.run(call, check=True, capture_output=True, text=True).stdout
        found[runs] = float(said.splitlines()[-1])
    return found


def store_ms() -> float:
    """CPU milliseconds that the store itself takes for one run: runs that take no time."""
    with tempfile.TemporaryDirectory() as folder:
        plan = sweep_of(Path(folder), method="pawn", samples=MEMORY_RUNS[0] * 2)
        setup = replace(plan.shared, evaluate=f"{__name__}:nothing")
        began = time.process_time()
        from experiments.executors import Serial

        runs = Sweep(plan.plan, plan.results, (0, 1), setup).run(Serial()).done
        return (time.process_time() - began) * 1000 / runs


def indices_seconds() -> float:
    """CPU seconds of S1 and ST of 8 outputs over 12 factors with 1,000 resamples, median of 5."""
    chance = np.random.default_rng(1)
    outputs = chance.random((BASE_POINTS * (FACTORS + 2), OUTPUTS))
    taken = []
    for _ in range(5):
        began = time.process_time()
        sobol(outputs, FACTORS, False, RESAMPLES, 1)
        taken.append(time.process_time() - began)
    return median(taken)


# --- report -----------------------------------------------------------------------------------


def figures(found: dict[str, list[Spent]]) -> dict[str, float]:
    """Medians over rounds and ratios of variants of the same round."""

    def ratio(over: str, under: str, kind: str) -> float:
        pairs = zip(found[over], found[under], strict=True)
        return median(getattr(a, kind) / getattr(b, kind) for a, b in pairs)

    shown = {f"cpu_ms_{n}": 1000 * median(s.cpu for s in runs) for n, runs in found.items()}
    shown |= {f"wall_runs_per_s_{n}": 1 / median(s.wall for s in r) for n, r in found.items()}
    return shown | {
        "store_over_bare_cpu_2": ratio("bare_2", "store_2", "cpu"),
        "store_over_bare_wall_2": ratio("bare_2", "store_2", "wall"),
        "store_over_bare_cpu_1": ratio("bare_1", "store_1", "cpu"),
        "efficiency_cpu": ratio("store_1", "store_2", "cpu"),
        "efficiency_wall": ratio("store_1", "store_2", "wall") / WORKERS,
        "bare_efficiency_wall": ratio("bare_1", "bare_2", "wall") / WORKERS,
        "runs_per_s_if_cores_were_free": WORKERS / median(s.cpu for s in found["store_2"]),
        "cores_of_others": median(s.others for runs in found.values() for s in runs),
    }


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found = figures(rates(rounds))
    found |= {f"peak_mib_{runs}_runs": mib for runs, mib in memory().items()}
    found |= {"store_cpu_ms_per_run": store_ms(), "indices_cpu_seconds": indices_seconds()}
    lines = [f"| {name} | {value:.4g} |" for name, value in found.items()]
    head = f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {load_average()}."
    text = "\n".join([f"# Sweeps\n\n{head}\n\n| figure | value |\n|---|---:|", *lines, ""])
    (Path(__file__).parent / "SWEEPS.md").write_text(text, encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
