"""What a sweep will cost before it starts: runs, time, memory and disk, from a few runs of it."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from experiments.run_jobs import Bench, baseline_changes, job_key, packed
from experiments.sweep import Sweep

PROBES: Final = 4
PROBE_SECONDS: Final = 30.0
ROW_OVERHEAD: Final = 1200
"""Bytes of a stored row besides its payload: keys, digests, changes, index."""


@dataclass(frozen=True)
class Estimate:
    """What lies ahead. `runs` are stored; `baselines` are simulated besides."""

    sweep_id: str
    method: str
    factors: int
    points: int
    seeds: int
    runs: int
    stored: int
    baselines: int
    table_solutions: int
    workers: int
    seconds_per_run: float
    seconds: float
    memory_gib: float
    disk_mib: float

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def estimate(sweep: Sweep, workers: int) -> Estimate:
    """Count the runs of a plan and time a few of them, in plan order from the middle."""
    keys, baselines, tables = set[str](), set[str](), set[str]()
    solving = [name for factor in sweep.plan.factors for name in factor.solving]
    bare = sweep.shared.bare
    for job in sweep.jobs():
        keys.add(job.key)
        baselines.add(job_key("", baseline_changes(job.changes, bare), job.seed))
        tables.add(json.dumps([job.changes["parameters"][name] for name in solving]))
    stored = 0
    if sweep.store.folder.is_dir():
        with sweep.store.lookup() as lookup:
            ordered = sorted(keys)
            parts = (ordered[at : at + 500] for at in range(0, len(ordered), 500))
            stored = sum(len(lookup(part)) for part in parts)
    seconds, size = _probe(sweep, len(keys))
    left = len(keys) - stored
    return Estimate(
        sweep.sweep_id, sweep.plan.method, len(sweep.plan.factors), len(sweep.points),
        len(sweep.plan.seeds), len(keys), stored,
        0 if sweep.plan.against is None else len(baselines), len(tables) if solving else 0,
        workers, seconds, seconds * left / workers,
        _peak_bytes() * (workers + 1) / 2**30, (size + ROW_OVERHEAD) * len(keys) / 2**20,
    )  # fmt: skip


def _probe(sweep: Sweep, total: int) -> tuple[float, int]:
    """Seconds of one run once everything is compiled, and bytes of its totals."""
    bench, size, spent = Bench(sweep.shared), 0, list[float]()
    first = max(min(total // 2, total - PROBES - 1), 0)
    began = time.perf_counter()
    for number, job in enumerate(sweep.jobs()):
        if number < first:
            continue
        result = bench.do(job)
        size = max(size, len(packed(result.totals)[1]))
        spent.append(result.seconds)
        if len(spent) > PROBES or time.perf_counter() - began > PROBE_SECONDS:
            break
    warm = spent[1:] or spent
    return sum(warm) / len(warm), size


def _peak_bytes() -> int:
    """Largest memory this process has had so far."""
    try:
        import resource
    except ImportError:  # Windows
        return 500 * 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
