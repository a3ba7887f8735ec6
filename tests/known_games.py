"""Cooperative games with known answers that stand in for the model.

The coalition is read from the measures that a run keeps; a value is the effect on household
consumption in the only month, yuan.
"""

from __future__ import annotations

from experiments.run_jobs import Bench, Job, Totals
from tests.known_functions import totals

LEFT = {1, 2}
RUNWAYS = {1: 8.0, 2: 11.0, 3: 13.0, 4: 18.0}
WORTH = {n: 0.01 * n**3 for n in range(1, 36)}


def coalition(job: Job) -> set[int]:
    return {int(number) for number in job.changes["keep"]["measures"]}


def glove(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Measures 1 and 2 hold a left glove, 3 a right one; a pair is worth a yuan."""
    inside = coalition(job)
    return totals(float(bool(inside & LEFT) and 3 in inside)), "glove"


def airport(bench: Bench, job: Job) -> tuple[Totals, str]:
    """A runway costs what the largest plane on it needs."""
    return totals(max((RUNWAYS[n] for n in coalition(job)), default=0.0)), "airport"


def additive(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Nobody helps anybody; luck shifts everybody alike."""
    return totals(sum(WORTH[n] + 0.001 * (job.seed % 3) for n in coalition(job))), "additive"


def crowded(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Thirds of a yuan, which no fen divides: what is shared grows with the square of the number."""
    return totals(len(coalition(job)) ** 2 / 3 + 0.017 * (job.seed % 3)), "crowded"
