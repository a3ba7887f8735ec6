"""Functions with known answers that stand in for the model in a sweep, and ways to fail.

They are computed by worker processes, so they are named by module and function.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from pathlib import Path

import numpy as np

from experiments.run_jobs import Bench, Job, Totals

FOLDER = "TIZHEN_TEST_FOLDER"
G_COEFFICIENTS = (0.0, 1.0, 4.5, 9.0)


def values_of(job: Job) -> list[float]:
    """Values of the factors in the order of the plan."""
    return [float(value) for value in job.changes["parameters"].values()]


def totals(value: float) -> Totals:
    """A policy run that differs from its baseline by `value` in its only month."""
    base = np.array([100.0])
    return {"household_consumption.base": base, "household_consumption.policy": base + value}


def ishigami(bench: Bench, job: Job) -> tuple[Totals, str]:
    a, b, c = values_of(job)
    return totals(math.sin(a) + 7 * math.sin(b) ** 2 + 0.1 * c**4 * math.sin(a)), "ishigami"


def sum_of_parameters(bench: Bench, job: Job) -> tuple[Totals, str]:
    return totals(float(np.dot(range(1, len(values_of(job)) + 1), values_of(job)))), "sum"


def g_function(bench: Bench, job: Job) -> tuple[Totals, str]:
    pairs = zip(values_of(job), G_COEFFICIENTS, strict=True)
    return totals(math.prod((abs(4 * x - 2) + a) / (1 + a) for x, a in pairs)), "g"


def noisy(bench: Bench, job: Job) -> tuple[Totals, str]:
    """A linear function, a shift by the seed, and an interaction of seed and point."""
    x = values_of(job)
    chance = np.random.default_rng([job.seed, job.point]).normal()
    return totals(3 * x[0] + x[1] + 100 * (job.seed % 7) + 0.05 * chance), "noisy"


def slow_ishigami(bench: Bench, job: Job) -> tuple[Totals, str]:
    time.sleep(0.006)
    return ishigami(bench, job)


def _marker(job: Job) -> Path:
    return Path(os.environ[FOLDER]) / f"{job.point}-{job.seed}"


def dies_once(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Point 5 kills its worker the first time it is computed."""
    if job.point == 5 and not _marker(job).exists():
        _marker(job).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return ishigami(bench, job)


def dies_always(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Point 5 kills every worker until somebody repairs it."""
    if job.point == 5 and not (Path(os.environ[FOLDER]) / "repaired").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return ishigami(bench, job)


def fails_at_three(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Point 3 raises, point 4 is not a number."""
    if job.point == 3:
        raise ZeroDivisionError("no households\nhere")
    if job.point == 4:
        return totals(math.nan), "nan"
    return ishigami(bench, job)


def two_plain_runs(bench: Bench, job: Job) -> tuple[Totals, str]:
    """A pair as anybody would compute it without a sweep."""
    from experiments.paired import pair
    from model.economy import Economy
    from model.scenario import scenario_from_mapping

    document = json.loads(bench.setup.scenario)
    document["parameters"] |= job.changes["parameters"]
    document["policies"]["vouchers"] |= job.changes["policies"]["vouchers"]
    policy = scenario_from_mapping(document)
    baseline = scenario_from_mapping(document | {"policies": {}})
    found = pair(job.seed, *(Economy(side, job.seed).run() for side in (baseline, policy)))
    names = ("household_consumption", "bottom40_consumption", "employment", "fiscal_cost")
    kept = {f"{name}.policy": found.policy[name] for name in names}
    return kept | {f"{name}.base": found.baseline[name] for name in names}, policy.digest
