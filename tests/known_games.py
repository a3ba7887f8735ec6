"""Cooperative games with known answers that stand in for the model.

The coalition is read from the measures that a run keeps; a value is the effect on household
consumption in the only month, yuan.
"""

from __future__ import annotations

import numpy as np

from experiments.paired import OUTCOME_RULES
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
    """The square of the number, in thirds of a yuan, which no fen divides."""
    return totals(len(coalition(job)) ** 2 / 3 + 0.017 * (job.seed % 3)), "crowded"


MONTHS = 4
TOGETHER = {(1, 2): -5.0, (3, 4): 4.0}
"""What two measures add or lose together, yuan; all other pairs: nothing."""


def meeting(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Ten yuan a measure, known interactions, and luck of a seed that every measure shares."""
    inside = coalition(job)
    luck = 0.5 * (job.seed % 5 - 2)
    worth = sum(10.0 + luck for _ in inside)
    worth += sum(x * (1 + 0.1 * luck) for pair, x in TOGETHER.items() if inside >= set(pair))
    return wide_totals(worth, len(inside)), "meeting"


def lottery(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Nothing but luck of its own for every coalition."""
    chance = np.random.default_rng([job.seed, *sorted(coalition(job))]).normal()
    return wide_totals(10.0 * len(coalition(job)) + chance, len(coalition(job))), "lottery"


def wide_totals(gain: float, size: int = 1) -> Totals:
    """Totals of a run of four months whose consumption gains `gain`; nothing else moves."""
    flat = np.full(MONTHS, 1000.0)
    found: Totals = {
        f"{name}.{side}": flat for name in OUTCOME_RULES for side in ("base", "policy")
    }
    found["household_consumption.policy"] = flat + gain / MONTHS
    found["bottom40_consumption.base"] = found["bottom40_consumption.policy"] = 0.2 * flat
    sizes = {"paid": 18, "public": 17, "arrears": 17, "price_gap": MONTHS, "issued": 1}
    found |= {f"channel.{name}": np.zeros(length) for name, length in sizes.items()}
    found["channel.delivered"] = np.array([12.0 * size])
    found["channel.cells"] = np.full((5, 4, 16), gain / 320)
    return found
