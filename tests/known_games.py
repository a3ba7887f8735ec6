"""Cooperative games with known answers that stand in for the model.

The coalition is read from the measures that a run keeps; a value is the effect on household
consumption in the only month, yuan.
"""

from __future__ import annotations

import json
import zlib

import numpy as np

from experiments.paired import OUTCOME_RULES
from experiments.run_jobs import Bench, Job, Totals
from model.dimensions import PLACES
from model.policy.catalogue import load_catalogue
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


TILT = "outside.export_elasticity"
"""A parameter that `joint_draws` draws with the surroundings."""


def tilt(job: Job) -> float:
    """How far the surroundings are drawn from their given value; 0 where nothing is drawn."""
    from model.parameters import load_parameters

    one = load_parameters().entry(TILT)
    value = job.changes.get("parameters", {}).get(TILT, one.value)
    return float((value - one.value) / (one.high - one.low))


def swaying(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Every measure brings ten yuan and as much more as the surroundings and its levers say."""
    inside = coalition(job)
    levers = job.changes.get("measures", {})
    strength = sum(len(own) * 0.013 * sum(own.values()) % 1 for own in levers.values())
    worth = len(inside) ** 2 / 3 * (1 + tilt(job)) + strength + 0.07 * (job.seed % 5)
    return wide_totals(10 * worth, len(inside)), "swaying"


def fickle(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Measures 1 and 2 help each other hardly by chance; how much is not known for 3 and 4.

    What 5 and 6 lose together is not known either, but it is a lot.
    """
    inside, luck, away = coalition(job), 0.5 * (job.seed % 5 - 2), 40 * tilt(job)
    sizes = {(1, 2): 4.0, (3, 4): 4.0 + away, (5, 6): -80.0 + away}
    worth = 10.0 * len(inside) + luck
    worth += sum(x + 0.1 * luck for pair, x in sizes.items() if inside >= set(pair))
    return wide_totals(worth - luck, len(inside)), "fickle"


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


SLOPES = {18: 40.0, 19: 30.0, 20: 24.0, 23: 12.0}
BENDS = {18: 15.0, 19: 10.0, 20: 4.0, 23: 5.0}
PRICES = {18: 6.0, 19: 5.0, 20: 4.0, 23: 2.0}
YI = 1e8


def intensities(job: Job) -> dict[int, float]:
    """The intensity of every measure, read back from its first lever that scales."""
    found = {}
    for number, levers in job.changes.get("measures", {}).items():
        measure = load_catalogue()[int(number)]
        name = next(n for n, one in measure.levers.items() if one.role == "dose" and one.low > 0)
        one, value = measure.levers[name], levers[name]
        if value <= one.default:
            found[int(number)] = (value - one.no_policy) / (one.default - one.no_policy)
        else:
            found[int(number)] = 1 + (value - one.default) / (one.high - one.default)
    return found


def concave(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Each measure's gain is a parabola in its intensity, its cost a line; the province pays."""
    return paying_totals(job, 0.0), "concave"


def helping(bench: Bench, job: Job) -> tuple[Totals, str]:
    """As `concave`, and measures 19 and 20 help each other."""
    x = intensities(job)
    return paying_totals(job, 9.0 * x.get(19, 0.0) * x.get(20, 0.0)), "helping"


def paying_totals(job: Job, more: float) -> Totals:
    x = intensities(job)
    luck = 1 + 0.02 * (job.seed % 5 - 2)
    gain = sum(SLOPES[n] * v - BENDS[n] * v * v / 2 for n, v in x.items()) + more
    found = wide_totals(YI * gain * luck)
    poor = sum(v * (n == 23) for n, v in x.items())
    base = found["bottom40_consumption.base"]
    found["bottom40_consumption.policy"] = base + YI * (poor + 0.01 * gain) / MONTHS
    found["channel.paid"][1] = YI * sum(PRICES[n] * v for n, v in x.items())
    return found


PLACE_COUNT = len(PLACES)
CITY_SLOPES = {p: 2.0 + 0.3 * ((7 * at) % 5) for at, p in enumerate(PLACES)}
CITY_BENDS = {p: 0.6 + 0.2 * ((3 * at) % 4) for at, p in enumerate(PLACES)}
CITY_PRICES = {p: 0.8 + 0.1 * ((2 * at) % 7) for at, p in enumerate(PLACES)}
CITY_PART = 0.4
"""Part of the cost that the city itself pays; the province pays the rest."""


def city_doses(job: Job) -> dict[tuple[int, str], dict[str, float]]:
    """Intensity by place of every part of a run."""
    found = {}
    for number, doses in job.changes.get("doses", {}).items():
        for group, x in doses.items():
            cities = job.changes["groups"][number][group]
            found[int(number), group] = dict.fromkeys(cities, x)
    for number, x in intensities(job).items():
        found[number, "all"] = dict.fromkeys(PLACES, x)
    return found


def by_city(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Every city has a parabola of its own; the city and the province pay."""
    return city_totals(job, CITY_SLOPES, CITY_BENDS, CITY_PRICES), "by city"


def alike(bench: Bench, job: Job) -> tuple[Totals, str]:
    """All cities are the same, but in every run each has luck of its own."""
    same = {p: dict.fromkeys(PLACES, value) for p, value in (("s", 2.0), ("b", 0.7), ("p", 1.0))}
    found = city_totals(job, same["s"], same["b"], same["p"])
    text = json.dumps(job.changes, sort_keys=True)
    luck = np.random.default_rng([job.seed, zlib.crc32(text.encode())]).normal(size=PLACE_COUNT)
    gains = found["channel.by_place.household_consumption"]
    gains += 0.3 * YI * luck / MONTHS
    found["household_consumption.policy"] = found["household_consumption.base"] + gains.sum(axis=1)
    return found, "alike"


def city_totals(
    job: Job, slopes: dict[str, float], bends: dict[str, float], prices: dict[str, float]
) -> Totals:
    doses = city_doses(job)
    gain, parts = np.zeros(PLACE_COUNT), []
    for key in sorted(doses):
        row = np.zeros(PLACE_COUNT + 3)
        for place, x in doses[key].items():
            at = PLACES.index(place)
            gain[at] += YI * (slopes[place] * x - bends[place] * x * x / 2)
            row[2 + at] = YI * CITY_PART * prices[place] * x
            row[1] += YI * (1 - CITY_PART) * prices[place] * x
        parts.append(row)
    found = wide_totals(float(gain.sum()))
    found["channel.parts"] = np.array(parts)
    found["channel.paid"] = np.array(parts).sum(axis=0)
    found["channel.homes"] = np.arange(1.0, PLACE_COUNT + 1)
    for goal in ("household_consumption", "bottom40_consumption", "employment"):
        moved = goal == "household_consumption"
        found[f"channel.by_place.{goal}"] = np.tile(gain * moved / MONTHS, (MONTHS, 1))
    return found
