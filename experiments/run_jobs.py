"""One stored run: what identifies it, how it is computed, and the bytes that are kept of it.

A job is one scenario with some values changed, one seed, and the same seed without the policies:
the pair shares every draw. Its key is the SHA-256 of everything that decides the result (both
resolved scenarios, the changes, seed, parameters, code and data), so equal jobs of different plans
have equal keys. Kept are the monthly totals of `paired.OUTCOME_RULES` of both sides, yuan at the
baseline's prices, and on request the same by place.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from calibration.digests import code_digest, digest_of, digest_of_files
from experiments import paired
from experiments.paired import at_baseline_prices
from experiments.results import data_digest

if TYPE_CHECKING:
    from model.outcome import Outcome
    from model.scenario import Scenario

Floats = npt.NDArray[np.float64]
Changes = Mapping[str, Any]
Totals = dict[str, Floats]
SIMULATE: Final = "experiments.run_jobs:simulate"
PLACE_SERIES: Final[Mapping[str, tuple[str, bool]]] = {
    "household_consumption": ("consumption", True),
    "retail_sales": ("retail_sales", False),
    "local_value_added": ("value_added", True),
    "employment": ("employment", False),
    "income": ("income", True),
}
"""Outcomes that are recorded by place: series, and whether it is valued at baseline prices."""
BY_PLACE: Final = ".by_place"
KEPT_BASELINES: Final = 8
ABREAST: Final = 16
SCALE_EACH: Final = 60
"""Scale from which on one more run abreast is allowed: memory stays that of one run at 1:60."""
Found = TypeVar("Found")
Steps = Generator[None, None, Found]
"""Something that rests now and then, so that others can take turns with it."""


@dataclass(frozen=True)
class Setup:
    """What all jobs of a sweep share. `scenario` and `against` are resolved scenarios as JSON.

    `places` names the outcomes kept by place; `detail` records households by income and age, which
    the consumption of the lower 40 % needs; `evaluate` is the function that computes a job.
    """

    scenario: str
    against: str | None
    places: tuple[str, ...] = ()
    detail: bool = False
    evaluate: str = SIMULATE

    def identity(self) -> dict[str, Any]:
        """Everything that decides a result besides changes and seed."""
        from model.parameters import load_parameters

        return {
            "scenario": _untitled(self.scenario),
            "against": None if self.against is None else _untitled(self.against),
            "places": sorted(self.places),
            "detail": self.detail,
            "evaluate": self.evaluate,
            "parameters": load_parameters().digest(),
            "code": code_digest(),
            "rules": rules_digest(),
            "data": data_digest(),
        }

    @property
    def bare(self) -> bool:
        """Whether the runs are compared with runs without any policy."""
        against = json.loads(self.against or "{}")
        return not (against.get("policies") or against.get("measures"))

    @property
    def digest(self) -> str:
        """SHA-256 of the identity. Hashes source files: ask once."""
        return digest_of(self.identity())


@dataclass(frozen=True)
class Job:
    """One run to be done. `point` is its row in the design."""

    key: str
    point: int
    seed: int
    changes: Changes


@dataclass(frozen=True)
class Chunk:
    """Jobs that one worker does in a row, because they share a baseline or an opening."""

    number: int
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Result:
    """What came of a job: totals, or the error that stopped it.

    `killed` says that the worker died, not the run: such a job is tried again by the next command.
    """

    job: Job
    totals: Totals = field(default_factory=dict)
    scenario_digest: str = ""
    error: str = ""
    killed: bool = False
    seconds: float = 0.0


def _untitled(document: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(document)
    return {k: v for k, v in plain.items() if k not in ("name", "title", "description")}


def rules_digest() -> str:
    """SHA-256 of the source that turns a run into totals."""
    files = [Path(paired.__file__), Path(__file__)]
    return digest_of_files(files, Path(__file__).parent)


def job_key(setup_digest: str, changes: Changes, seed: int) -> str:
    """Identity of one run."""
    text = json.dumps([setup_digest, changes, seed], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def setup_for(
    scenario: Scenario,
    against: Scenario | None,
    places: Sequence[str] = (),
    detail: bool = False,
) -> Setup:
    """The setup of a sweep over these scenarios."""
    plain = [None if one is None else json.dumps(one.resolved()) for one in (scenario, against)]
    return Setup(str(plain[0]), plain[1], tuple(sorted(places)), detail)


# --- changing a scenario ----------------------------------------------------------------------


def changed_document(document: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """A resolved scenario with other parameters, levers of measures and settings of policies.

    `changes` has the keys "parameters" {name: value}, "measures" {number: {lever: value}} and
    "policies" {name: {dotted setting: value}}; all may be missing.
    """
    found = json.loads(json.dumps(document))
    found["parameters"] = found.get("parameters", {}) | dict(changes.get("parameters", {}))
    for number, levers in changes.get("measures", {}).items():
        found["measures"][number]["levers"] |= dict(levers)
    for name, settings in changes.get("policies", {}).items():
        for path, value in settings.items():
            _set(found["policies"][name], path, value)
    return dict(found)


def _set(node: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for key in above:
        node = node[key]
    node[last] = value


def baseline_changes(changes: Changes, bare: bool = True) -> dict[str, Any]:
    """The part of the changes that the run without the policies feels: parameters.

    If that run has no policies at all (`bare`), parameters that only policies use are left out.
    """
    from model.policy.idle import is_idle

    values = changes.get("parameters", {})
    return {"parameters": {n: v for n, v in values.items() if not (bare and is_idle(n))}}


# --- computing a job --------------------------------------------------------------------------


class Bench:
    """One process's copy of the setup, with the baselines it computed last."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._scenario = json.loads(setup.scenario)
        self._against = json.loads(setup.against) if setup.against is not None else None
        self._bare = setup.bare
        self._baselines: OrderedDict[str, Outcome] = OrderedDict()
        self._under_way: set[str] = set()
        module, _, name = setup.evaluate.partition(":")
        self._evaluate: Evaluate = getattr(importlib.import_module(module), name)
        self._abreast = abreast(self._evaluate, self._scenario)

    def do(self, job: Job) -> Result:
        """Compute one job; whatever goes wrong inside the run becomes its error."""
        return next(self.do_all([job]))

    def do_all(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """Compute jobs, several abreast if they can rest; results in the order of the jobs."""
        for first in range(0, len(jobs), self._abreast):
            tasks = [_Task(job, self._steps(job)) for job in jobs[first : first + self._abreast]]
            left = tasks
            while left:
                left = [task for task in left if task.advance()]
            yield from (task.result for task in tasks)

    def _steps(self, job: Job) -> Steps[tuple[Totals, str]]:
        found = self._evaluate(self, job)
        return (yield from found) if isinstance(found, Generator) else found

    def scenario(self, changes: Changes) -> Scenario:
        """The policy scenario with these changes. Raises ScenarioError."""
        from model.scenario import scenario_from_mapping

        return scenario_from_mapping(changed_document(self._scenario, changes), "en")

    def baseline(self, changes: Changes, seed: int) -> Outcome | None:
        """The run without the policies, kept for the next jobs; None if nothing is compared."""
        return at_once(self.baseline_steps(changes, seed))

    def baseline_steps(self, changes: Changes, seed: int) -> Steps[Outcome | None]:
        """`baseline` with rests. Who needs a run that another is computing waits for it."""
        if self._against is None:
            return None
        own = baseline_changes(changes, self._bare)
        key = job_key("", own, seed)
        while key in self._under_way:
            yield
        found = self._baselines.get(key)
        if found is None:
            self._under_way.add(key)
            try:
                found = yield from self._baseline_run(own, seed)
            finally:
                self._under_way.discard(key)
        self._keep(key, found)
        return found

    def _baseline_run(self, own: Changes, seed: int) -> Steps[Outcome]:
        from model.scenario import scenario_from_mapping

        document = changed_document(self._against or {}, own)
        return (yield from self.run_steps(scenario_from_mapping(document, "en"), seed))

    def _keep(self, key: str, run: Outcome) -> None:
        self._baselines[key] = run
        self._baselines.move_to_end(key)
        while len(self._baselines) > KEPT_BASELINES:
            self._baselines.popitem(last=False)

    def run(self, scenario: Scenario, seed: int) -> Outcome:
        """One run on one thread: cores are used by running several at once."""
        return at_once(self.run_steps(scenario, seed))

    def run_steps(self, scenario: Scenario, seed: int) -> Steps[Outcome]:
        """`run` with rests: twice a month, before and after households."""
        from model.economy import Economy

        economy = Economy(scenario, seed, lean=not self.setup.detail, threads=1)
        for _ in range(scenario.months):
            yield from economy.stages()
        return economy.outcome()


Evaluate = Callable[[Bench, Job], "tuple[Totals, str] | Steps[tuple[Totals, str]]"]


class _Task:
    """A job under way, alone or abreast with others. `result` is there once it has ended."""

    def __init__(self, job: Job, steps: Steps[tuple[Totals, str]]) -> None:
        self._job, self._steps, self._seconds = job, steps, 0.0

    def advance(self) -> bool:
        """Go on to the next rest; False if there was none."""
        began = time.perf_counter()
        try:
            next(self._steps)
        except StopIteration as end:
            totals, digest = end.value
            problem = _not_finite(totals)
        except Exception as fault:  # one bad point must not end the sweep
            totals, digest = {}, ""
            problem = " ".join(f"{type(fault).__name__}: {fault}".split())
        else:
            self._seconds += time.perf_counter() - began
            return True
        seconds = self._seconds + time.perf_counter() - began
        kept = {} if problem else totals
        self.result = Result(self._job, kept, digest, problem, False, seconds)
        return False


def abreast(evaluate: Evaluate, scenario: Mapping[str, Any]) -> int:
    """Jobs that take turns: the same code runs for one after the other while it is in the cache.

    One if the job does not rest, or if the households of several would take much memory.
    """
    if not inspect.isgeneratorfunction(evaluate):
        return 1
    return max(1, min(ABREAST, int(scenario["scale"]) // SCALE_EACH))


def at_once(steps: Steps[Found]) -> Found:
    """What comes of steps taken without rest."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Found = end.value
            return found


def simulate(bench: Bench, job: Job) -> Steps[tuple[Totals, str]]:
    """Both sides of the pair; returns totals by name and the digest of the resolved scenario."""
    scenario = bench.scenario(job.changes)
    baseline = yield from bench.baseline_steps(job.changes, job.seed)
    policy = yield from bench.run_steps(scenario, job.seed)
    sides = [("policy", policy)] if baseline is None else [("policy", policy), ("base", baseline)]
    against = policy if baseline is None else baseline
    totals: Totals = {}
    for name, (base, monthly) in paired.monthly_outcomes(against, policy).items():
        totals[f"{name}.policy"] = monthly
        if baseline is not None:
            totals[f"{name}.base"] = base
    for name in bench.setup.places:
        for side, run in sides:
            totals[f"{name}.{side}{BY_PLACE}"] = by_place(name, against, run)
    return totals, scenario.digest


def by_place(outcome: str, baseline: Outcome, run: Outcome) -> Floats:
    """One outcome by [month, place], valued as `OUTCOME_RULES` values it."""
    series, real = PLACE_SERIES[outcome]
    found = at_baseline_prices(baseline, run, series) if real else run[series]
    return np.asarray(found.by("month", "place").values, dtype=float)


def _not_finite(totals: Totals) -> str:
    """Names of totals with infinite or missing numbers, as an error; empty if all is well."""
    bad = [name for name, values in sorted(totals.items()) if not np.isfinite(values).all()]
    return f"NonFiniteOutput: {', '.join(bad)}" if bad else ""


# --- bytes ------------------------------------------------------------------------------------


def packed(totals: Totals) -> tuple[str, bytes]:
    """Layout (JSON list of name and shape, sorted) and little-endian float64 bytes of totals."""
    names = sorted(totals)
    layout = json.dumps([[name, list(totals[name].shape)] for name in names])
    flat = [np.ascontiguousarray(totals[name], dtype="<f8").tobytes() for name in names]
    return layout, b"".join(flat)


def unpacked(layout: str, payload: bytes) -> Totals:
    """Inverse of `packed`. Raises ValueError if the sizes do not fit."""
    values = np.frombuffer(payload, dtype="<f8").astype(float)
    found, at = {}, 0
    for name, shape in json.loads(layout):
        size = math.prod(shape)
        found[name] = values[at : at + size].reshape(shape)
        at += size
    if at != values.size:
        raise ValueError(f"payload holds {values.size} numbers, its layout {at}")
    return found


# --- chunks -----------------------------------------------------------------------------------

Label = Callable[[Job], object]


def by_baseline(job: Job) -> str:
    """Label of the jobs that are compared with the same run."""
    return job_key("", baseline_changes(job.changes), job.seed)


def chunks_of(jobs: Iterator[Job], size: int, label: Label = by_baseline) -> Iterator[Chunk]:
    """Consecutive jobs with the same label together, at most `size`."""
    number, group, shared = 0, list[Job](), object()
    for job in jobs:
        own = label(job)
        if group and (own != shared or len(group) >= size):
            yield Chunk(number, tuple(group))
            number, group = number + 1, []
        group.append(job)
        shared = own
    if group:
        yield Chunk(number, tuple(group))


def without(chunk: Chunk, done: set[str]) -> Chunk:
    """The chunk less the jobs whose keys are in `done`."""
    return replace(chunk, jobs=tuple(job for job in chunk.jobs if job.key not in done))
