"""Every household of the province: 36 months at scale 1 in one process, seconds by part, peak."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.runs import PARTS, _timed
from benchmarks.subject import package
from model.economy import Economy


@dataclass(frozen=True)
class FullScale:
    """Seconds of wall time; `preparation` by step (tables, population, warm-up, accounts)."""

    households: int
    months: int
    preparation: dict[str, float]
    simulation: dict[str, float]
    outputs: float
    peak_gib: float
    cpu_seconds: float  # of all threads, from the start of the process

    @property
    def seconds_synthesis(self) -> float:
        return sum(self.preparation.values())

    @property
    def seconds_simulation(self) -> float:
        return sum(self.simulation.values()) + self.outputs

    def as_json(self) -> dict[str, Any]:
        """Keys of the command's answer."""
        return {
            "households": self.households, "months": self.months,
            "seconds_synthesis": self.seconds_synthesis,
            "seconds_simulation": self.seconds_simulation, "peak_gib": self.peak_gib,
            "cpu_seconds": self.cpu_seconds,
            "preparation": self.preparation, "simulation": self.simulation,
            "outputs": self.outputs,
        }  # fmt: skip


def measure_full_scale(scale: int = 1, months: int = 36, threads: int = 2) -> FullScale:
    """Run the package with all outputs."""
    marks: list[tuple[str, float]] = []
    economy = Economy(
        package(scale, months), threads=threads,
        status=lambda words: marks.append((words, time.perf_counter())),
    )  # fmt: skip
    marks.append(("", time.perf_counter()))
    preparation: Counter[str] = Counter()
    for (words, began), (_, ended) in pairwise(marks):
        preparation[words] += ended - began
    spent: Counter[str] = Counter()
    for part, name in PARTS.items():
        setattr(economy, name, _timed(getattr(economy, name), spent, part))
    for _ in range(months):
        economy.step()
    began = time.perf_counter()
    economy.outcome()
    outputs = time.perf_counter() - began
    return FullScale(
        len(economy.household_block),
        months,
        dict(preparation),
        dict(spent),
        outputs,
        peak_gib(),
        time.process_time(),
    )


def peak_gib() -> float:
    """Largest resident memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


if __name__ == "__main__":
    print(json.dumps(measure_full_scale(*(int(word) for word in sys.argv[1:])).as_json()))
