"""Runs a second through the store beside the bare loop, and what a second worker gains.

All variants do the same runs (vouchers, 1:1,000, 36 months). Start-up and compilation cancel: every
figure is the slope between a short and a long list of runs. Variants take turns, medians count.

    python -m benchmarks.sweeps [RUNS]
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from statistics import median

from experiments.executors import LocalPool, _environment
from experiments.run_jobs import Bench, Job, Setup
from experiments.sweep import Sweep
from experiments.sweep_plan import load_plan

SHORT, ROUNDS, WORKERS = 8, 3, 2
PLAN = """
scenario: vouchers
method: pawn
samples: {samples}
seeds: 1
policies:
  vouchers:
    face_yuan: {{low: 20, high: 50}}
    participating_share: {{low: 0.3, high: 0.8}}
"""


def sweep_of(folder: Path, runs: int) -> Sweep:
    """A sweep of at least 100 runs; the benchmark takes the first `runs`."""
    path = folder / "plan.yaml"
    path.write_text(PLAN.format(samples=max(runs, 100)), encoding="utf-8")
    return Sweep(load_plan(path), folder / "results")


class First(LocalPool):
    """A pool that does the first runs only."""

    def __init__(self, workers: int, runs: int) -> None:
        super().__init__(workers)
        self.left = runs

    def run(self, setup, chunks, accept) -> None:  # type: ignore[no-untyped-def]
        def some():  # type: ignore[no-untyped-def]
            for chunk in chunks:
                jobs = chunk.jobs[: self.left]
                self.left -= len(jobs)
                yield type(chunk)(chunk.number, jobs)
                if not self.left:
                    return

        super().run(setup, some(), accept)


def through_store(runs: int, workers: int) -> float:
    """Seconds of a sweep of `runs` runs, start to end."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_of(Path(folder), runs)
        began = time.perf_counter()
        sweep.run(First(workers, runs))
        return time.perf_counter() - began


def _bare(setup: Setup, jobs: list[Job]) -> None:
    bench = Bench(setup)
    for job in jobs:
        assert not bench.do(job).error


def bare_processes(runs: int, workers: int) -> float:
    """Seconds of the same runs in processes that keep nothing."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_of(Path(folder), runs)
        jobs = list(islice(sweep.jobs(), runs))
        context = multiprocessing.get_context("spawn")
        began = time.perf_counter()
        with _environment():
            own = [
                context.Process(target=_bare, args=(sweep.shared, jobs[n::workers]))
                for n in range(workers)
            ]
            for process in own:
                process.start()
        for process in own:
            process.join()
        return time.perf_counter() - began


def bare_threads(runs: int, workers: int) -> float:
    """The same in threads of this process."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = sweep_of(Path(folder), runs)
        jobs = list(islice(sweep.jobs(), runs))
        _bare(sweep.shared, jobs[:1])
        began = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda n: _bare(sweep.shared, jobs[n::workers]), range(workers)))
        return time.perf_counter() - began


def rate(timed: Callable[[int, int], float], runs: int, workers: int) -> float:
    """Runs a second between the short and the long list."""
    short = timed(SHORT, workers)
    return (runs - SHORT) / (timed(runs, workers) - short)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 72
    variants: dict[str, Callable[[], float]] = {
        "store_2": lambda: rate(through_store, runs, WORKERS),
        "bare_processes_2": lambda: rate(bare_processes, runs, WORKERS),
        "bare_threads_2": lambda: rate(bare_threads, runs, WORKERS),
        "store_1": lambda: rate(through_store, runs, 1),
    }
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, measure in variants.items():
            found[name].append(measure())
    middle = {name: round(median(values), 2) for name, values in found.items()}
    pairs = zip(found["store_2"], found["bare_processes_2"], strict=True)
    middle["store_over_bare"] = round(median(a / b for a, b in pairs), 3)
    both = zip(found["store_2"], found["store_1"], strict=True)
    middle["parallel_efficiency"] = round(median(a / b / WORKERS for a, b in both), 3)
    print(json.dumps(middle), json.dumps(found))


if __name__ == "__main__":
    main()
