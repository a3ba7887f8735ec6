"""Who computes the jobs of a sweep: processes of this machine, or a Dask cluster.

All executors take chunks of jobs and hand back results as they come, in any order. A result does
not depend on who computed it or on what the worker did before: every worker builds the scenario
from the setup and runs on one thread, linear algebra included, whose last bits depend on it.
Several processes are used, not threads: a run holds the interpreter lock for part of its time, and
a killed process can be replaced.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Protocol

from experiments.run_jobs import Bench, Chunk, Job, Result, Setup
from model import MATRIX_THREADS

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

Accept = Callable[[Result], None]
MOST_DEATHS: Final = 3
"""Workers that may die of one job before it is given up."""
MOST_IN_A_ROW: Final = 5
"""Deaths for each worker without a single result in between: then none can work here."""
AHEAD: Final = 2
"""Jobs that a worker has in hand before it is given more: it never waits for its next one."""
WORKER_DIED: Final = "WorkerDied"
DASK_WINDOW: Final = 2
DASK_RETRIES: Final = 3
ONE_THREAD: Final = (*MATRIX_THREADS, "NUMBA_NUM_THREADS")


class ExecutorError(Exception):
    """The executor itself cannot work; the message is one line a person can act on."""


class Executor(Protocol):
    """Something that computes jobs."""

    def run(self, setup: Setup, chunks: Iterator[Chunk], accept: Accept) -> None:
        """Compute every job once and give each result to `accept`, in the calling thread."""


class Serial:
    """In this process, one after the other: for tests and the debugger."""

    def run(self, setup: Setup, chunks: Iterator[Chunk], accept: Accept) -> None:
        """See Executor."""
        bench = Bench(setup)
        for chunk in chunks:
            for result in bench.do_all(chunk.jobs):
                accept(result)


# --- processes of this machine ----------------------------------------------------------------


@dataclass
class _Worker:
    """A process, our end of its pipe, and what it still owes."""

    process: BaseProcess
    pipe: Connection
    owes: deque[Job] = field(default_factory=deque)


class LocalPool:
    """`workers` spawned processes. One that dies is replaced and its run repeated."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._count = workers
        self._deaths: dict[str, int] = {}
        self._again: deque[Chunk] = deque()
        self._in_a_row = 0
        self.restarts = 0

    @property
    def workers(self) -> int:
        """Number of processes."""
        return self._count

    def run(self, setup: Setup, chunks: Iterator[Chunk], accept: Accept) -> None:
        """See Executor. A job that kills `MOST_DEATHS` workers is reported as killed."""
        workers: list[_Worker] = []
        try:
            self._feed(setup, chunks, accept, workers)
        finally:
            for worker in workers:
                _end(worker)

    def _feed(
        self, setup: Setup, chunks: Iterator[Chunk], accept: Accept, workers: list[_Worker]
    ) -> None:
        while True:
            self._hand_out(setup, chunks, accept, workers)
            busy = [worker for worker in workers if worker.owes]
            if not busy:
                return
            for pipe in wait([worker.pipe for worker in busy]):
                worker = next(one for one in busy if one.pipe is pipe)
                if not self._hear(worker, accept):
                    workers.remove(worker)
                    self._bury(worker, accept)

    def _hand_out(
        self, setup: Setup, chunks: Iterator[Chunk], accept: Accept, workers: list[_Worker]
    ) -> None:
        """Keep every worker in work, starting workers as long as there is work for them."""
        while True:
            free = min(workers, key=lambda worker: len(worker.owes), default=None)
            room = len(workers) < self._count
            if free is not None and len(free.owes) >= AHEAD and not room:
                return
            chunk = self._next(chunks)
            if chunk is None:
                return
            if free is None or (free.owes and room):
                free = _start(setup)
                workers.append(free)
            free.owes.extend(chunk.jobs)
            try:
                free.pipe.send(chunk)
            except OSError:  # it died meanwhile
                workers.remove(free)
                self._bury(free, accept)

    def _next(self, chunks: Iterator[Chunk]) -> Chunk | None:
        if self._again:
            return self._again.popleft()
        return next((chunk for chunk in chunks if chunk.jobs), None)

    def _hear(self, worker: _Worker, accept: Accept) -> bool:
        """Take one message; False if the worker is gone."""
        try:
            result: Result = worker.pipe.recv()
        except (EOFError, OSError):
            return False
        worker.owes.popleft()
        self._in_a_row = 0
        accept(result)
        return True

    def _bury(self, worker: _Worker, accept: Accept) -> None:
        """Queue what a dead worker owes; the job it died of first, alone, or given up."""
        _end(worker)
        self.restarts += 1
        self._in_a_row += 1
        if self._in_a_row > MOST_IN_A_ROW * self._count:
            raise ExecutorError(f"workers die at once (exit code {worker.process.exitcode})")
        if not worker.owes:
            return
        job, *rest = worker.owes
        self._deaths[job.key] = self._deaths.get(job.key, 0) + 1
        if rest:
            self._again.append(Chunk(-1, tuple(rest)))
        if self._deaths[job.key] < MOST_DEATHS:
            self._again.appendleft(Chunk(-1, (job,)))
        else:
            code = worker.process.exitcode
            accept(Result(job, error=f"{WORKER_DIED}: exit code {code}", killed=True))


def _start(setup: Setup) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(setup, theirs), daemon=True)
    with library_threads():
        process.start()
    theirs.close()  # so that its end is heard when the worker dies
    return _Worker(process, ours)


@contextlib.contextmanager
def library_threads() -> Iterator[None]:
    """One thread in each library of a new process: cores are shared by processes."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    if worker.process.is_alive():
        worker.process.terminate()
    worker.process.join()


def _work(setup: Setup, pipe: Connection) -> None:
    """Life of a worker: chunks in, results out, until the other end is closed."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    chunks: SimpleQueue[Chunk | None] = SimpleQueue()
    Thread(target=_listen, args=(pipe, chunks), daemon=True).start()
    bench = Bench(setup)
    with contextlib.suppress(OSError):
        while (chunk := chunks.get()) is not None:
            for result in bench.do_all(chunk.jobs):
                pipe.send(result)


def _listen(pipe: Connection, chunks: SimpleQueue[Chunk | None]) -> None:
    """Take chunks as they come, so that nobody waits to send while the other does too."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            chunks.put(pipe.recv())
    chunks.put(None)


# --- Dask -------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _bench(setup: Setup) -> Bench:
    """A Dask worker keeps the setup between chunks."""
    return Bench(setup)


def do_chunk(setup: Setup, chunk: Chunk) -> list[Result]:
    """What a Dask worker is asked for."""
    return list(_bench(setup).do_all(chunk.jobs))


class DaskCluster:
    """The workers of a Dask scheduler at `address` ("tcp://host:8786"), or a given client.

    Chunks of a worker that dies are repeated by Dask; a chunk that keeps killing workers comes back
    job by job, and the job that does it is reported as killed.
    """

    def __init__(self, address: Any) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ExecutorError("--dask needs the package distributed: tizhen[dask]") from None
        try:
            own = isinstance(address, str)
            self._client: Any = Client(address, timeout="10s") if own else address
        except (OSError, ValueError) as fault:
            raise ExecutorError(f"{address}: {' '.join(str(fault).split())}") from None
        self._own = own

    def run(self, setup: Setup, chunks: Iterator[Chunk], accept: Accept) -> None:
        """See Executor."""
        from distributed import as_completed

        try:
            waiting = as_completed()
            owed: dict[Any, Chunk] = {}
            again: deque[Chunk] = deque()
            while True:
                self._fill(setup, chunks, again, waiting, owed)
                if not owed:
                    return
                future = next(waiting)
                chunk = owed.pop(future)
                if future.status == "finished":
                    for result in future.result():
                        accept(result)
                else:
                    _split(chunk, future, again, accept)
        finally:
            if self._own:
                self._client.close()

    def _fill(
        self, setup: Setup, chunks: Iterator[Chunk], again: deque[Chunk], waiting: Any,
        owed: dict[Any, Chunk],
    ) -> None:  # fmt: skip
        """Keep a bounded number of chunks in flight, so that memory stays flat."""
        cores = sum(self._client.nthreads().values()) or 1
        while len(owed) < DASK_WINDOW * cores:
            chunk = again.popleft() if again else next((c for c in chunks if c.jobs), None)
            if chunk is None:
                return
            future = self._client.submit(do_chunk, setup, chunk, pure=False, retries=DASK_RETRIES)
            owed[future] = chunk
            waiting.add(future)


def _split(chunk: Chunk, future: Any, again: deque[Chunk], accept: Accept) -> None:
    if len(chunk.jobs) > 1:
        again.extend(replace(chunk, jobs=(job,)) for job in chunk.jobs)
        return
    reason = " ".join(str(future.exception()).split())
    accept(Result(chunk.jobs[0], error=f"{WORKER_DIED}: {reason}", killed=True))
