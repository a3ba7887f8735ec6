"""Runs of parts of a package, kept in a run store so that nothing is computed twice.

All parts of one scenario (months, scale, code and data included) share a folder: a coalition that
attribution has run is there for the consistency assessment and for optimisation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.executors import Executor, LocalPool
from experiments.package_jobs import PackageSetup, package_setup
from experiments.paired import OUTCOME_RULES
from experiments.results import package_versions, run_id
from experiments.run_jobs import Chunk, Job, Result, Totals, job_key
from experiments.runner import Listener
from experiments.store import RunStore, Shard
from model.scenario import Scenario

CHUNK: Final = 8
"""Runs that are worth opening a world for in one more worker."""
WORLDS_A_WORKER: Final = 2
"""Worlds, or pieces of them, that there should be for each worker, so that none stands idle."""
COMMIT_ROWS: Final = 32
LOOK_UP: Final = 500
QUANTA: Final = {"yuan": 1e-2, "persons": 1e-6, "percent": 1e-9}
"""Effects are whole numbers of these, so that shares can add up exactly: money in fen."""


PLAUSIBLE: Final = 2.0
"""A run in which any month's consumption is this many times the baseline's, or its inverse, is
pointed out: no measure of the document can do that, so the model may have run away."""


class RunFailedError(Exception):
    """A part of the package could not be run; the message is one line a person can act on."""


@dataclass(frozen=True)
class Point:
    """Changes (canonical JSON, see `package_jobs.part`) and a seed."""

    changes: str
    seed: int


def point(changes: dict[str, Any], seed: int) -> Point:
    """A point; equal changes give equal points."""
    return Point(json.dumps(changes, sort_keys=True, ensure_ascii=False), seed)


def effect(totals: Totals, outcome: str, months: int, first: int = 0) -> int:
    """Policy minus baseline over months first..months-1, in quanta of the outcome's unit.

    Sums of flows, means of the rest, as `paired.Pair.effect` has it.
    """
    base, run = totals[f"{outcome}.base"], totals[f"{outcome}.policy"]
    rule = OUTCOME_RULES[outcome]
    change = (run - base) / base * 100 if rule.kind == "index" else run - base
    window = change[first:months]
    return round(float(window.sum() if rule.kind == "flow" else window.mean()) / quantum(outcome))


def quantum(outcome: str) -> float:
    """The size of one quantum in the outcome's unit."""
    return QUANTA[OUTCOME_RULES[outcome].unit]


def in_unit(quanta: float, outcome: str) -> float:
    """Quanta as a figure in the outcome's unit; division gives the nearest float."""
    return quanta / round(1 / quantum(outcome))


@dataclass
class PackageRuns:
    """Everything that was run of parts of one scenario."""

    scenario: Scenario
    results: Path
    executor: Executor = field(default_factory=lambda: LocalPool(1))
    listener: Listener = field(default_factory=Listener)
    setup: PackageSetup | None = None
    computed: int = 0
    _planned: int = 0
    suspects: dict[str, dict[str, Any]] = field(default_factory=dict)
    _totals: dict[str, Totals] = field(default_factory=dict)
    _errors: dict[str, str] = field(default_factory=dict)

    @cached_property
    def shared(self) -> PackageSetup:
        """The setup that all runs share."""
        return self.setup or package_setup(self.scenario)

    @cached_property
    def digest(self) -> str:
        """Identity of the setup."""
        return self.shared.digest

    @cached_property
    def store(self) -> RunStore:
        """Where the runs are kept."""
        identity = {"package": self.digest}
        return RunStore(self.results / run_id(identity, f"package-{self.scenario.name}"))

    def key(self, at: Point) -> str:
        """Key of a run in the store."""
        return job_key(self.digest, json.loads(at.changes), at.seed)

    def ensure(self, points: Iterable[Point]) -> None:
        """Compute what is not stored and read the rest. Raises ResultsError, ExecutorError."""
        wanted = {self.key(at): at for at in points}
        fresh = {k: at for k, at in wanted.items() if not self._known(k)}
        if not fresh:
            return
        self._planned += len(fresh)
        self.listener.planned(self._planned)
        facts: dict[str, Any] = {"package": self.scenario.name, "setup": self.digest}
        facts |= {"identity": self.shared.identity(), "packages": package_versions()}
        self.store.begin(facts)
        with Shard(self.store.shard_path(0, 1)) as shard:
            stored = _stored(shard, list(fresh))
            if stored:
                self.listener.advanced(len(stored))
            missing = [at for k, at in fresh.items() if k not in stored]
            self._compute(missing, shard)
        self._read(set(fresh))

    def totals(self, changes: dict[str, Any], seed: int) -> Totals:
        """The numbers of a run that `ensure` has seen. Raises RunFailedError if it failed."""
        key = self.key(point(changes, seed))
        if key not in self._totals:
            reason = self._errors.get(key, "not computed")
            raise RunFailedError(f"{json.dumps(changes.get('keep'))}, seed {seed}: {reason}")
        return self._totals[key]

    def _known(self, key: str) -> bool:
        return key in self._totals or key in self._errors

    def _compute(self, missing: Sequence[Point], shard: Shard) -> None:
        waiting: list[Result] = []

        def accept(result: Result) -> None:
            self.computed += 1
            self.listener.advanced(1)
            if result.error:  # not stored, so that the next command tries again
                self._errors[result.job.key] = result.error
            else:
                waiting.append(result)
            if len(waiting) >= COMMIT_ROWS:
                shard.add(waiting)
                waiting.clear()

        try:
            self.executor.run(self.shared, self._chunks(missing), accept)
        finally:
            shard.add(waiting)

    def _chunks(self, missing: Sequence[Point]) -> Iterator[Chunk]:
        """Runs of one world (seed and parameters) together: they share opening and baseline.

        A world goes to one worker if there are worlds enough for all, else in pieces of which
        the first of every world come first: nobody solves what another is solving.
        """
        worlds: dict[tuple[int, str], list[Job]] = {}
        for at in sorted(missing, key=lambda at: at.seed):
            job = Job(self.key(at), 0, at.seed, json.loads(at.changes))
            worlds.setdefault((at.seed, _parameters(job)), []).append(job)
        pieces = math.ceil(WORLDS_A_WORKER * workers_of(self.executor) / max(len(worlds), 1))
        split = [_pieces(jobs, pieces) for jobs in worlds.values()]
        rounds = (piece for turn in zip_longest(*split, fillvalue=[]) for piece in turn if piece)
        for number, piece in enumerate(rounds):
            yield Chunk(number, tuple(piece))

    def _read(self, keys: set[str]) -> None:
        for row in self.store.rows():
            if row.key in keys:
                totals = self._totals[row.key] = row.totals()
                worst = _worst_ratio(totals)
                if not 1 / PLAUSIBLE <= worst <= PLAUSIBLE:
                    changes = json.loads(row.changes)
                    found = {"run": changes.get("keep", {}), "seed": row.seed, "ratio": worst}
                    self.suspects[row.key] = found | {"drawn": "parameters" in changes}


def _worst_ratio(totals: Totals) -> float:
    """Monthly consumption over the baseline's, of the month in which it is farthest from 1."""
    base, run = (totals[f"household_consumption.{side}"] for side in ("base", "policy"))
    ratio = run / base
    return float(ratio[np.argmax(np.abs(np.log(np.maximum(ratio, 1e-9))))])


def _parameters(job: Job) -> str:
    return json.dumps(job.changes.get("parameters", {}), sort_keys=True)


def _pieces(jobs: Sequence[Job], pieces: int) -> list[Sequence[Job]]:
    """At most `pieces` parts of a world, none needlessly smaller than `CHUNK` runs."""
    size = max(CHUNK, math.ceil(len(jobs) / pieces))
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def workers_of(executor: Executor) -> int:
    """Processes that an executor keeps at work; 1 if it does not say."""
    return int(getattr(executor, "workers", 1))


def _stored(shard: Shard, keys: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(keys), LOOK_UP):
        found |= shard.has(keys[start : start + LOOK_UP])
    return found


def mean_of(values: Sequence[float]) -> float:
    """Mean without the rounding of repeated addition."""
    return float(np.mean(np.asarray(values, dtype=float)))
