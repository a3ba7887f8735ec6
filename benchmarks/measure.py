"""How times are taken: in turns, medians, CPU time where one thread works."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.agents.household_layout import Columns

QUIET = 0.25  # cores that others may use while all cores are measured
ATTEMPTS = 8


@dataclass(frozen=True)
class Sample:
    """Work to be timed; `prepare` (not timed) makes its argument anew each time."""

    work: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None


def once(sample: Sample, clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of one execution: of CPU time unless another clock is given.

    On an idle machine CPU time of one thread is wall time; on a busy one it leaves out the time
    that the scheduler gave to others.
    """
    argument = sample.prepare()
    began = clock()
    sample.work(argument)
    return clock() - began


def round_robin(samples: Mapping[str, Sample], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each, taken in turns so that a busy neighbour slows all alike.

    One execution of each comes first and is not counted: it compiles and fills caches.
    """
    for sample in samples.values():
        once(sample)
    taken: dict[str, list[float]] = {name: [] for name in samples}
    for _ in range(rounds):
        for name, sample in samples.items():
            taken[name].append(once(sample))
    return {name: statistics.median(times) for name, times in taken.items()}


def quiet_medians(
    samples: Mapping[str, Sample], rounds: int, limit: float = QUIET
) -> tuple[dict[str, float], int]:
    """Like `round_robin`, counting only rounds in which others used less than `limit` cores.

    Returns the medians and the number of quiet rounds; if there is none, of all rounds. For
    figures that need every core, in wall time. Tries up to ATTEMPTS times `rounds`.
    """
    for sample in samples.values():
        once(sample)
    quiet: list[dict[str, float]] = []
    everything: list[dict[str, float]] = []
    for _ in range(rounds * ATTEMPTS):
        taken, busiest = {}, 0.0
        for name, sample in samples.items():
            others = Others()
            taken[name] = once(sample, time.perf_counter)
            busiest = max(busiest, others.cores())
        everything.append(taken)
        if busiest < limit:
            quiet.append(taken)
            if len(quiet) == rounds:
                break
    chosen = quiet or everything
    return {name: statistics.median(t[name] for t in chosen) for name in samples}, len(quiet)


class Others:
    """Cores that other processes use, from /proc/stat; 0 where that is unknown."""

    def __init__(self) -> None:
        self._busy, self._own, self._wall = _busy(), time.process_time(), time.perf_counter()

    def cores(self, own: float | None = None) -> float:
        """Cores since the start; `own` is our CPU time if other processes of ours worked too."""
        wall = time.perf_counter() - self._wall
        mine = time.process_time() - self._own if own is None else own
        return (_busy() - self._busy - mine) / wall


def _busy() -> float:
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:9]
    except OSError:
        return 0.0
    ticks = [int(field) for field in fields]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def fresh(columns: Columns) -> Columns:
    """A copy of the state laid out as the model does, so that repetitions live the same month."""
    copies: Any = (column.copy() for column in columns)
    return Columns(*copies)


def load_average() -> str:
    """Load of the last minute, to judge how quiet the machine was ("-" where unknown)."""
    try:
        return Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
    except OSError:
        return "-"
