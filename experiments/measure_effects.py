"""What each measure does by itself: effect, sign, band and dose, over several paired seeds.

Used by the generated tests and by the table of the 35 effects. Differences are policy minus
baseline with the same seed over the first 24 months of the measure (the whole run if shorter).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from experiments.intervals import Estimate, around, mean_estimate, t_quantile
from experiments.paired import OUTCOME_RULES, Pair, pair
from model.economy import Economy
from model.outcome import Outcome
from model.policy.catalogue import DeclaredOutcome, load_catalogue
from model.scenario import Scenario, load_scenario

HORIZON = 24
CERTAIN = 0.99
UNITS = {"yuan": 1e8}  # yuan to yi yuan; persons and percent stay
DOSES = ("low", "default", "high")


@dataclass(frozen=True)
class MeasuredEffect:
    """One declared outcome and what the model finds, in the unit of the declaration."""

    number: int
    declared: DeclaredOutcome
    estimate: Estimate
    certain: Estimate

    @property
    def as_declared(self) -> bool:
        """The declared sign beyond paired noise, or an interval that covers zero if declared "0".

        Signs ask for 90 %, "no detectable effect" for a 99 % interval (`certain`) that covers zero:
        of a hundred such declarations ten would else be refuted by chance.
        """
        if self.declared.sign == "0":
            return self.certain.low <= 0.0 <= self.certain.high
        return self.estimate.low > 0.0 if self.declared.sign == "+" else self.estimate.high < 0.0

    @property
    def in_band(self) -> bool:
        """Whether the figure lies in the band that was declared before any run."""
        return self.declared.low <= self.estimate.value <= self.declared.high

    def __str__(self) -> str:
        one = self.estimate
        return (
            f"{self.number} {self.declared.outcome}: {one.value:.4g} ({one.low:.4g} to "
            f"{one.high:.4g}), declared {self.declared.sign} {self.declared.low:g} to "
            f"{self.declared.high:g}"
        )


@lru_cache(maxsize=64)
def _baseline(scale: int, months: int, seed: int) -> Outcome:
    return Economy(_scenario(scale, months), seed).run()


@lru_cache(maxsize=4)
def _scenario(scale: int, months: int) -> Scenario:
    return load_scenario("baseline").changed(scale=scale, months=months)


@lru_cache(maxsize=1024)
def _pair(number: int, level: str, scale: int, months: int, seed: int) -> Pair:
    base = _baseline(scale, months, seed)
    if level == "none":
        return pair(seed, base, base)
    policy = _scenario(scale, months).with_measures([number], level)
    return pair(seed, base, Economy(policy, seed).run())


def _figures(
    number: int, level: str, outcome: str, scale: int, months: int, seeds: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The effect of one measure for each seed, in declared units."""
    first = _scenario(scale, months).seed
    last = min(months, _first_month(number, scale, months) + HORIZON)
    unit = UNITS.get(OUTCOME_RULES[outcome].unit, 1.0)
    found = [
        _pair(number, level, scale, months, first + k).effect(outcome, 0, last) / unit
        for k in range(seeds)
    ]
    return np.array(found)


def _first_month(number: int, scale: int, months: int) -> int:
    return max(_scenario(scale, months).month_offset(load_catalogue()[number].start), 0)


def effects_of(number: int, scale: int, months: int, seeds: int) -> list[MeasuredEffect]:
    """Every declared outcome of one measure at default levers."""
    found = []
    for declared in load_catalogue()[number].outcomes:
        values = _figures(number, "default", declared.outcome, scale, months, seeds)
        usual = mean_estimate(values)
        certain = around(usual.value, usual.half_width * _ratio_of_quantiles(seeds), usual.method)
        found.append(MeasuredEffect(number, declared, usual, certain))
    return found


def _ratio_of_quantiles(seeds: int) -> float:
    """Width of a 99 % interval over that of a 90 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(seeds - 1, 1.0 - (1.0 - CERTAIN) / 2.0) / t_quantile(seeds - 1))


def dose_response(
    number: int, scale: int, months: int, seeds: int
) -> Iterator[tuple[str, Sequence[float], float]]:
    """Outcome, its effect at low, default, high in the declared direction, paired noise."""
    for declared in load_catalogue()[number].outcomes:
        if declared.sign == "0":
            continue
        way = 1.0 if declared.sign == "+" else -1.0
        levels = [
            way * _figures(number, level, declared.outcome, scale, months, seeds) for level in DOSES
        ]
        steps = [mean_estimate(b - a) for a, b in pairwise(levels)]
        yield (
            declared.outcome,
            [float(one.mean()) for one in levels],
            max(step.half_width for step in steps),
        )
