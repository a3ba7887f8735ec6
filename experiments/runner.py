"""Running one scenario, or baseline and policy side by side, for a list of seeds.

Replication k uses seed + k for both sides of the pair, so every draw is shared. Runs may go
through a small pool of threads (the kernels release the interpreter lock); results come back in
the order of the seeds and do not depend on the number of workers.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from model.outcome import Outcome

DEFAULT_REPLICATIONS: Final = 8
POOL_WORKERS: Final = 2


class ScenarioLike(Protocol):
    """The part of `model.scenario.Scenario` that experiments use."""

    @property
    def months(self) -> int:
        """Months to simulate."""

    @property
    def seed(self) -> int:
        """Seed of the first replication."""


class EconomyLike(Protocol):
    """The part of `model.economy.Economy` that experiments use."""

    def run(self, progress: Callable[[int, int], None] | None = None) -> Outcome:
        """Run every month; `progress(done, total)` after each. Raises LedgerError."""


class EconomyFactory(Protocol):
    """How an economy is built."""

    def __call__(
        self,
        scenario: Any,
        seed: int,
        lean: bool = False,
        threads: int = 2,
    ) -> EconomyLike:
        """An economy at the start of its first month."""


class AlternativeLike(Protocol):
    """The part of `experiments.alternatives.Alternative` that the runner uses."""

    @property
    def source(self) -> str:
        """What is drawn."""

    @property
    def baseline(self) -> ScenarioLike | None:
        """The other side of the pair; None for the baseline of the replication."""

    @property
    def policy(self) -> ScenarioLike:
        """The policy with the draw."""


@dataclass(frozen=True)
class Runs:
    """All runs of one seed; `alternatives` are (source, baseline, policy)."""

    seed: int
    baseline: Outcome
    policy: Outcome
    alternatives: tuple[tuple[str, Outcome, Outcome], ...] = ()


class Listener:
    """Hears how far the runs are. The base class is silent."""

    def status(self, words: str) -> None:
        """What is being done now, one short line."""

    def planned(self, months: int) -> None:
        """Months of simulation in all runs together."""

    def advanced(self, months: int) -> None:
        """`months` more are done."""


def _shipped_economy() -> EconomyFactory:
    from model.economy import Economy

    return Economy


def _default_economy() -> EconomyFactory:
    """Looked up at each use, so that tests can put another economy in its place."""
    return _shipped_economy()


@dataclass
class Runner:
    """Builds and runs economies. `economy` is replaced in tests."""

    economy: EconomyFactory = field(default_factory=_default_economy)
    listener: Listener = field(default_factory=Listener)
    _building: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self, scenario: ScenarioLike, seed: int, detail: bool = True, threads: int = 2
    ) -> Outcome:
        """One run. Raises ScenarioError for a scenario that cannot be run, LedgerError."""
        # One at a time: the first economy solves the tables and compiles, the next ones reuse both.
        with self._building:
            self.listener.status("preparing")
            economy = self._build(scenario, seed, not detail, threads)
        self.listener.status("simulating")
        done = 0

        def advance(month: int, _total: int) -> None:
            nonlocal done
            self.listener.advanced(month - done)
            done = month

        return economy.run(advance)

    def _build(self, scenario: ScenarioLike, seed: int, lean: bool, threads: int) -> EconomyLike:
        accepted = inspect.signature(self.economy).parameters
        extra = {"status": self.listener.status} if "status" in accepted else {}
        return self.economy(scenario, seed, lean=lean, threads=threads, **extra)

    def pairs(
        self,
        baseline: ScenarioLike,
        policy: ScenarioLike,
        seeds: Sequence[int],
        detail: bool = True,
        workers: int = POOL_WORKERS,
        alternatives: Sequence[Sequence[AlternativeLike]] = (),
    ) -> Iterator[Runs]:
        """Baseline and policy for every seed, in order; see `run` for errors.

        `alternatives` [seed] are further pairs of the same seed (`experiments.alternatives`).
        """
        more = alternatives or [[] for _ in seeds]
        runs = 2 * len(seeds) + sum(1 + (a.baseline is not None) for row in more for a in row)
        self.listener.planned(runs * int(policy.months))
        threads = 2 if workers < 2 else 1
        with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:

            def submit(position: int) -> list[Future[Outcome]]:
                together = [baseline, policy]
                for one in more[position]:
                    together += [one.policy] if one.baseline is None else [one.policy, one.baseline]
                seed = seeds[position]
                return [pool.submit(self.run, side, seed, detail, threads) for side in together]

            try:
                # One pair ahead keeps both workers busy and memory flat.
                waiting = [submit(0)]
                for position, seed in enumerate(seeds):
                    if position + 1 < len(seeds):
                        waiting.append(submit(position + 1))
                    yield _sorted(seed, [one.result() for one in waiting.pop(0)], more[position])
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _sorted(seed: int, outcomes: list[Outcome], more: Sequence[AlternativeLike]) -> Runs:
    """Outcomes in the order in which they were handed out, as pairs."""
    first, second, *rest = outcomes
    others = []
    for one in more:
        policy = rest.pop(0)
        others.append((one.source, first if one.baseline is None else rest.pop(0), policy))
    return Runs(seed, first, second, tuple(others))


def run_scenario(scenario: ScenarioLike, seed: int | None = None, detail: bool = True) -> Outcome:
    """One run of a scenario, silently; `seed` defaults to the scenario's own."""
    return Runner().run(scenario, scenario.seed if seed is None else seed, detail)


def replication_seeds(first: int, replications: int) -> list[int]:
    """Seeds first .. first + replications - 1. Raises ValueError for fewer than one."""
    if replications < 1:
        raise ValueError(f"replications must be at least 1, not {replications}")
    return [first + number for number in range(replications)]
