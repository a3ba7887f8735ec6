"""Running a plan: what is missing is computed, what is there is kept, and all of it is analysed.

The same command continues an interrupted sweep, adds the shards of other machines, and does
nothing but analyse once every run is stored. A sweep's folder is named by the hash of everything
that decides its runs, so a changed plan, parameter or line of the model starts another one; runs
that an earlier sweep of the same scenarios has stored are taken from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.digests import digest_of
from experiments.executors import Executor, LocalPool
from experiments.results import ResultsError, package_versions, run_id
from experiments.run_jobs import (
    Chunk,
    Job,
    Label,
    Result,
    Setup,
    by_baseline,
    chunks_of,
    setup_for,
    without,
)
from experiments.runner import Listener
from experiments.store import SWEEP_FILE, Row, RunStore, Shard, read_json, row_of, signed
from experiments.sweep_design import block_size, design, jobs_of
from experiments.sweep_plan import Plan

Floats = npt.NDArray[np.float64]
CHUNK: Final = 16
CHUNKS_EACH: Final = 6
COMMIT_ROWS: Final = 64
COMMIT_SECONDS: Final = 0.5
LOOK_AHEAD: Final = 256


@dataclass(frozen=True)
class Outcome:
    """What a command did: runs planned for it, done and failed in store, seconds spent."""

    planned: int
    done: int
    failed: int
    computed: int
    seconds: float
    complete: bool


@dataclass
class Sweep:
    """A plan with its place on the disk. `shard` (i, n) does every n-th chunk from the i-th."""

    plan: Plan
    results: Path
    shard: tuple[int, int] = (0, 1)
    setup: Setup | None = None
    listener: Listener = field(default_factory=Listener)

    def __post_init__(self) -> None:
        if not 0 <= self.shard[0] < self.shard[1]:
            raise ValueError(f"shard {self.shard[0]}/{self.shard[1]} must have 0 <= i < n")

    @cached_property
    def shared(self) -> Setup:
        """The setup that all jobs share."""
        plan = self.plan
        return self.setup or setup_for(plan.scenario, plan.against, plan.places, plan.detail)

    @cached_property
    def setup_digest(self) -> str:
        """Identity of the setup."""
        return self.shared.digest

    @cached_property
    def points(self) -> Floats:
        """The design, [point, factor] in the unit cube."""
        return design(self.plan)

    @cached_property
    def sweep_id(self) -> str:
        """Name of the folder: hash of setup and design, and the plan's name."""
        decides = {"setup": self.setup_digest, "design": self.plan.design_identity()}
        return run_id(decides, self.plan.name)

    @cached_property
    def store(self) -> RunStore:
        """Where the runs are kept."""
        return RunStore(self.results / self.sweep_id)

    def jobs(self) -> Iterator[Job]:
        """Every job of the plan; points that are alike give the same key."""
        return jobs_of(self.plan, self.points, self.setup_digest)

    def chunks(self) -> Iterator[Chunk]:
        """The chunks of this shard, each key once."""
        seen: set[bytes] = set()
        part, of = self.shard
        for chunk in chunks_of(self.jobs(), self._chunk_size(), self._label()):
            if chunk.number % of != part:
                continue
            fresh = []
            for job in chunk.jobs:
                short = bytes.fromhex(job.key)[:16]
                if short not in seen:
                    seen.add(short)
                    fresh.append(job)
            yield replace(chunk, jobs=tuple(fresh))

    def _label(self) -> Label:
        """Points of a block differ in one number: one worker opens the province for all of them."""
        size = block_size(self.plan)
        if 1 < size <= self._chunk_size():
            return lambda job: (job.seed, job.point // size)
        return by_baseline

    def _chunk_size(self) -> int:
        """Small enough that shards and workers finish at about the same time."""
        jobs = len(self.points) * len(self.plan.seeds)
        return max(1, min(CHUNK, jobs // (CHUNKS_EACH * max(self.shard[1], CHUNKS_EACH))))

    @cached_property
    def planned(self) -> int:
        """Runs of this shard."""
        return sum(len(chunk.jobs) for chunk in self.chunks())

    def facts(self) -> dict[str, Any]:
        """What `sweep.json` says."""
        plan = self.plan
        return {
            "sweep_id": self.sweep_id, "plan": plan.name, "setup": self.setup_digest,
            "identity": self.shared.identity(), "design": plan.design_identity(),
            "design_digest": digest_of(self.points.tolist()), "packages": package_versions(),
        }  # fmt: skip

    # -- running -------------------------------------------------------------------------------

    def run(self, executor: Executor) -> Outcome:
        """Compute what is missing. Raises ResultsError, ExecutorError, KeyboardInterrupt."""
        began = time.perf_counter()
        self.listener.planned(self.planned)
        store = self.store
        store.begin(self.facts())
        computed = 0
        if not store.is_compacted:
            with Shard(store.shard_path(*self.shard)) as shard:
                self._borrow(shard)
                writer = _Writer(shard, self.listener)
                with store.lookup() as stored:
                    executor.run(self.shared, self._missing(stored), writer.accept)
                    writer.flush()
                computed = writer.computed
        complete = self.is_complete()
        if complete:
            store.compact()
        done, failed = self._counts()
        seconds = time.perf_counter() - began
        return Outcome(self.planned, done, failed, computed, seconds, complete)

    def _missing(self, stored: Any) -> Iterator[Chunk]:
        """Chunks less what is stored; the store is asked for many keys at a time."""
        for batch in _batches(self.chunks(), LOOK_AHEAD):
            there = stored([job.key for chunk in batch for job in chunk.jobs])
            self.listener.advanced(len(there))
            for chunk in batch:
                rest = without(chunk, there)
                if rest.jobs:
                    yield rest

    def _borrow(self, shard: Shard) -> None:
        """Copy runs with our keys from other sweeps of the same setup."""
        others = [other for other in self._siblings() if other.folder != self.store.folder]
        if not others:
            return
        point_of = {job.key: job.point for job in self.jobs()}
        for other in others:
            shard.copy(
                signed(replace(row, point=point_of[row.key]))
                for row in other.rows()
                if row.key in point_of and row.digest == row.right_digest()
            )

    def _siblings(self) -> Iterator[RunStore]:
        for path in sorted(self.results.glob(f"*/{SWEEP_FILE}")):
            try:
                same = read_json(path).get("setup") == self.setup_digest
            except ResultsError:
                continue
            if same:
                yield RunStore(path.parent)

    def is_complete(self) -> bool:
        """Whether every run of every shard is stored."""
        if self.store.is_compacted:
            return True
        whole = Sweep(self.plan, self.results, (0, 1), self.setup)
        whole.__dict__.update({"points": self.points, "setup_digest": self.setup_digest})
        with self.store.lookup() as stored:
            for batch in _batches(whole.chunks(), LOOK_AHEAD):
                keys = [job.key for chunk in batch for job in chunk.jobs]
                if len(stored(keys)) < len(keys):
                    return False
        return True

    def _counts(self) -> tuple[int, int]:
        """Runs of this shard that are done and that failed (workers' deaths included)."""
        if self.shard == (0, 1):
            done, failed = self.store.counts()
            return done, failed + self.store.deaths()
        mine = {job.key for chunk in self.chunks() for job in chunk.jobs}
        statuses = [row.status for row in self.store.rows() if row.key in mine]
        return statuses.count("done"), len(mine) - statuses.count("done")

    # -- looking back --------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Everything in the store that differs from what was computed; see RunStore.problems."""
        if not self.store.folder.is_dir():
            raise ResultsError(f"{self.store.folder}: there is no such sweep")
        return self.store.problems(self.setup_digest)

    def replay(self, key: str) -> tuple[Row, bool]:
        """Compute a stored run again; whether every bit is the same. Raises ResultsError."""
        row = self.store.row(key)
        job = Job(row.key, row.point, row.seed, json.loads(row.changes))
        again: list[Result] = []
        LocalPool(1).run(self.shared, iter([Chunk(0, (job,))]), again.append)
        return row, row_of(again[0]).digest == row.digest

    def values(self) -> Floats:
        """Outputs [point, seed, column]; missing and failed runs are NaN. See `columns`."""
        from experiments.sweep_outputs import Columns

        columns = Columns(self.plan)
        found = np.full((len(self.points), len(self.plan.seeds), len(columns.names)), np.nan)
        places: dict[str, list[tuple[int, int]]] = {}
        for job in self.jobs():
            seed = self.plan.seeds.index(job.seed)
            places.setdefault(job.key, []).append((job.point, seed))
        for row in self.store.rows():
            if row.status != "done" or row.key not in places:
                continue
            values = columns.of(row.totals())
            for point, seed in places[row.key]:
                found[point, seed] = values
        return found


class _Writer:
    """Takes results as they come and stores them a few at a time."""

    def __init__(self, shard: Shard, listener: Listener) -> None:
        self._shard, self._listener = shard, listener
        self._waiting: list[Result] = []
        self._last = time.monotonic()
        self.computed = 0

    def accept(self, result: Result) -> None:
        self._waiting.append(result)
        self.computed += 1
        self._listener.advanced(1)
        late = time.monotonic() - self._last > COMMIT_SECONDS
        if late or len(self._waiting) >= COMMIT_ROWS:
            self.flush()

    def flush(self) -> None:
        self._shard.add(self._waiting)
        self._waiting = []
        self._last = time.monotonic()


def _batches(chunks: Iterator[Chunk], size: int) -> Iterator[list[Chunk]]:
    """Lists of chunks with about `size` jobs together."""
    batch: list[Chunk] = []
    for chunk in chunks:
        batch.append(chunk)
        if sum(len(one.jobs) for one in batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
