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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measure import Others, load_average
from benchmarks.targets import Target, markdown
from experiments.executors import Accept, LocalPool, Serial, library_threads
from experiments.run_jobs import Bench, Chunk, Job, Result, Setup, Totals
from experiments.sensitivity import sobol
from experiments.sweep import Sweep
from experiments.sweep_design import block_size
from experiments.sweep_plan import load_plan

WORDS = (
    "Written by `python -m benchmarks.sweeps`. One run is one economy, 1:1,000, 36 months. CPU "
    "time of all processes; `cores_of_others` is what other programs used meanwhile (median): with "
    "them on the machine wall figures say nothing, and CPU time of a run itself is longer, because "
    "caches and execution units are shared. Ratios are of variants of the same round. Runs of the "
    "long list go five abreast; those of a long sweep go sixteen abreast and take less."
)
ROUNDS, WORKERS = 3, 2
SHORT, LONG = 4, 100  # levels of each of two factors: 2 n + 1 points
MEMORY_RUNS = (1_000, 16_000)
MEMORY_CHILD = "from benchmarks.sweeps import peak_mib; print(peak_mib({runs}))"
SLICE_BLOCKS = 3
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
    inside: float = 0.0  # wall seconds inside runs, all workers together

    def per_run(self, short: Spent) -> Spent:
        """Seconds of one further run."""
        more = self.runs - short.runs
        wall, cpu = (self.wall - short.wall) / more, (self.cpu - short.cpu) / more
        inside = (self.inside - short.inside) / more
        return Spent(1, wall, cpu, max(self.others, short.others), inside)


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


def spent(levels: int, work: Callable[[Sweep], float]) -> Spent:
    """What `work` on a new sweep takes."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_of(Path(folder), levels=levels)
        runs, others = sweep.planned, Others()
        wall, cpu = time.perf_counter(), _cpu()
        inside = work(sweep)
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
        return Spent(runs, wall, cpu, others.cores(cpu), inside)


class Watched(LocalPool):
    """A pool that adds up the wall time that its workers spend inside runs."""

    inside = 0.0

    def run(self, setup: Setup, chunks: Iterator[Chunk], accept: Accept) -> None:
        def hear(result: Result) -> None:
            self.inside += result.seconds
            accept(result)

        super().run(setup, chunks, hear)


def through_store(workers: int) -> Callable[[Sweep], float]:
    """Everything that `tizhen sweep` does before the analysis; returns seconds inside runs."""

    def work(sweep: Sweep) -> float:
        pool = Watched(workers)
        outcome = sweep.run(pool)
        assert outcome.done == outcome.planned
        return pool.inside

    return work


def _loop(setup: Setup, chunks: list[Chunk]) -> None:
    bench = Bench(setup)
    for chunk in chunks:
        assert not any(result.error for result in bench.do_all(chunk.jobs))


def bare(workers: int) -> Callable[[Sweep], float]:
    """The same runs in processes that keep nothing, dealt out beforehand."""

    def work(sweep: Sweep) -> float:
        chunks = list(sweep.chunks())
        context = multiprocessing.get_context("spawn")
        with library_threads():
            own = [
                context.Process(target=_loop, args=(sweep.shared, chunks[n::workers]))
                for n in range(workers)
            ]
            for process in own:
                process.start()
        for process in own:
            process.join()
        return 0.0

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


def sobol_minutes() -> float:
    """Minutes on all cores for the plan of twelve numbers, from the CPU time of a few blocks."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(load_plan("headline_sobol"), Path(folder))
        bench, block = Bench(sweep.shared), block_size(sweep.plan)
        jobs = list(islice(sweep.jobs(), (SLICE_BLOCKS + 1) * block))
        blocks = [jobs[at : at + block] for at in range(0, len(jobs), block)]
        list(bench.do_all(blocks[0]))
        began = time.process_time()
        for each in blocks[1:]:
            assert not any(result.error for result in bench.do_all(each))
        one = (time.process_time() - began) / (SLICE_BLOCKS * block)
        return one * sweep.planned / (os.cpu_count() or 1) / 60


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
        "busy_share_2": median(s.inside / s.wall / WORKERS for s in found["store_2"]),
        "efficiency_cpu": ratio("store_1", "store_2", "cpu"),
        "efficiency_wall": ratio("store_1", "store_2", "wall") / WORKERS,
        "bare_efficiency_wall": ratio("bare_1", "bare_2", "wall") / WORKERS,
        "runs_per_s_if_cores_were_free": WORKERS / median(s.cpu for s in found["store_2"]),
        "cores_of_others": median(s.others for runs in found.values() for s in runs),
    }


TARGETS = (
    Target("runs_per_s_if_cores_were_free", "runs a second through the store", "", 30, most=False),
    Target("store_over_bare_cpu_2", "bare loop over store, CPU, 2 workers", "", 0.9, most=False),
    Target("efficiency_cpu", "efficiency of the second worker, CPU", "", 0.9, most=False),
    Target("busy_share_2", "share of time that two workers are inside runs", "", 0.9, most=False),
    Target("memory_growth", "peak memory, 16,000 over 1,000 runs", "x", 1.1),
    Target("sobol_minutes", "Sobol, 12 numbers, N = 1,024, extrapolated", "min", 10),
    Target("indices_cpu_seconds", "indices, 8 outputs, 1,000 resamples", "s", 1),
)


def page(found: dict[str, float]) -> str:
    """The report in Markdown."""
    head = f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {load_average()}. {WORDS}"
    return "\n".join(["# Sweeps", "", head, "", *markdown(found, TARGETS), ""])


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found = figures(rates(rounds))
    sizes = memory()
    found |= {f"peak_mib_{runs}_runs": mib for runs, mib in sizes.items()}
    found["memory_growth"] = sizes[MEMORY_RUNS[1]] / sizes[MEMORY_RUNS[0]]
    found |= {"store_cpu_ms_per_run": store_ms(), "indices_cpu_seconds": indices_seconds()}
    found["sobol_minutes"] = sobol_minutes()
    (Path(__file__).parent / "SWEEPS.md").write_text(page(found), encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
