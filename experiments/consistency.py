"""Do the measures of a package pull the same way? (政策取向一致性评估)

For every pair the interaction is the effect of both together less the two effects alone, same
seeds everywhere. Its 90 % interval is Student's t over seeds. Among many pairs some differ from
zero by luck, so classes hold the false discovery rate: a pair is a synergy or a conflict if its
p-value survives Benjamini and Hochberg (1995) at `FALSE_DISCOVERIES` among all pairs of that
outcome, else it is neutral. Why a pair interacts is read from the runs (`experiments.causes`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Final

import numpy as np

from experiments.attribution import Player, players_of
from experiments.causes import Cause, cause_of
from experiments.intervals import Estimate, mean_estimate
from experiments.package_jobs import part
from experiments.package_runs import (
    PackageRuns,
    RunFailedError,
    effect,
    in_unit,
    point,
)
from experiments.paired import OUTCOME_RULES, Floats
from experiments.run_jobs import Totals
from model.policy.catalogue import load_catalogue

DEFAULT_SEEDS: Final = 5
FALSE_DISCOVERIES: Final = 0.10
BOTTOM_SHARE: Final = "bottom40_share"
ASSESSED: Final[Mapping[str, int]] = {
    "household_consumption": 1,
    "employment": 1,
    "fiscal_cost": -1,
    "price_level": -1,
    BOTTOM_SHARE: 1,
}
"""Outcomes with the sign that helps; more cost or higher prices than the sum are a conflict."""
SYNERGY, NEUTRAL, CONFLICT = "synergy", "neutral", "conflict"
POINTS: Final = "points"


@dataclass(frozen=True)
class Interaction:
    """Both together less each alone, in the outcome's unit.

    `adjusted` is the p-value after Benjamini and Hochberg, `relative` the interaction beside the
    sizes of both single effects.
    """

    estimate: Estimate
    p_value: float
    adjusted: float = 1.0
    relative: float = 0.0
    kind: str = NEUTRAL


@dataclass(frozen=True)
class PairFound:
    """Two players, their interaction by outcome, and what causes it."""

    a: Player
    b: Player
    interactions: Mapping[str, Interaction]
    cause: Cause

    @property
    def departments(self) -> tuple[str, ...]:
        """Everybody who is responsible for one of both, in the document's order."""
        known = load_catalogue()
        numbers = (*self.a.measures, *self.b.measures)
        return tuple(dict.fromkeys(name for n in numbers for name in known[n].departments))


@dataclass(frozen=True)
class Consistency:
    """All pairs, largest interaction in `outcome` first; `failed` pairs could not be run."""

    outcome: str
    months: int
    seeds: tuple[int, ...]
    players: tuple[Player, ...]
    singles: Mapping[int | str, Mapping[str, Estimate]]
    pairs: tuple[PairFound, ...]
    failed: tuple[str, ...] = ()


def unit_of(outcome: str) -> str:
    """Unit of an assessed outcome."""
    return POINTS if outcome == BOTTOM_SHARE else OUTCOME_RULES[outcome].unit


def assess(
    runs: PackageRuns, outcome: str, seeds: int = DEFAULT_SEEDS, months: int | None = None,
    only: Sequence[int | str] | None = None,
) -> Consistency:  # fmt: skip
    """Every pair of players of `runs.scenario` (or of those named in `only`).

    Raises ValueError with fewer than two players or seeds, ResultsError, ExecutorError.
    """
    players = [
        one for one in players_of(runs.scenario, "measures") if only is None or one.id in only
    ]
    if len(players) < 2 or seeds < 2:
        raise ValueError("a consistency assessment needs two measures and two seeds")
    chosen = tuple(runs.scenario.seed + number for number in range(seeds))
    return _Assessment(runs, outcome, months or runs.scenario.months, chosen, players).result()


@dataclass
class _Assessment:
    runs: PackageRuns
    outcome: str
    months: int
    seeds: tuple[int, ...]
    players: Sequence[Player]
    failed: list[str] = field(default_factory=list)

    def result(self) -> Consistency:
        """Run what is missing and compare."""
        pairs = list(combinations(self.players, 2))
        wanted = [_changes(one) for one in self.players] + [_changes(a, b) for a, b in pairs]
        self.runs.ensure(point(changes, seed) for seed in self.seeds for changes in wanted)
        found = [one for one in (self._pair(a, b) for a, b in pairs) if one is not None]
        singles = {one.id: self._single(one) for one in self.players}
        ranked = sorted(_classified(found, self.outcomes()), key=self._rank)
        return Consistency(
            self.outcome, self.months, self.seeds, tuple(self.players), singles, tuple(ranked),
            tuple(self.failed),
        )  # fmt: skip

    def outcomes(self) -> list[str]:
        """The outcome asked for and the assessed ones."""
        return list(dict.fromkeys((self.outcome, *ASSESSED)))

    def _rank(self, pair: PairFound) -> tuple[bool, float, str]:
        own = pair.interactions[self.outcome]
        return own.kind == NEUTRAL, -abs(own.estimate.value), f"{pair.a.id} {pair.b.id}"

    def _single(self, player: Player) -> dict[str, Estimate]:
        totals = [self.runs.totals(_changes(player), seed) for seed in self.seeds]
        return {
            name: mean_estimate(np.array([self._value(one, name) for one in totals]))
            for name in self.outcomes()
        }

    def _value(self, totals: Totals, outcome: str) -> float:
        if outcome == BOTTOM_SHARE:
            return bottom_share(totals, self.months)
        return in_unit(effect(totals, outcome, self.months), outcome)

    def _pair(self, a: Player, b: Player) -> PairFound | None:
        try:
            sides = [
                tuple(self.runs.totals(_changes(*who), seed) for who in ((a, b), (a,), (b,)))
                for seed in self.seeds
            ]
        except RunFailedError as fault:
            self.failed.append(f"{a.id} + {b.id}: {fault}")
            return None
        found = {name: self._interaction(sides, name) for name in self.outcomes()}
        return PairFound(a, b, found, cause_of(sides, self.months))

    def _interaction(self, sides: Sequence[tuple[Totals, ...]], outcome: str) -> Interaction:
        """In whole quanta as long as possible, so that nothing plus nothing is exactly nothing."""
        if outcome == BOTTOM_SHARE:
            values = np.array([[bottom_share(one, self.months) for one in seed] for seed in sides])
            together = values[:, 0] - values[:, 1] - values[:, 2]
        else:
            whole = [[effect(one, outcome, self.months) for one in seed] for seed in sides]
            values = np.array([[in_unit(x, outcome) for x in seed] for seed in whole])
            together = np.array([in_unit(ab - a - b, outcome) for ab, a, b in whole])
        alone = float(np.abs(values[:, 1:].mean(axis=0)).sum())
        relative = float(together.mean()) / alone if alone else 0.0
        return Interaction(mean_estimate(together), p_value(together), relative=relative)


def _changes(*players: Player) -> dict[str, Any]:
    return part(
        [n for one in players for n in one.measures], [p for one in players for p in one.policies]
    )


def bottom_share(totals: Totals, months: int) -> float:
    """Change in the share of the lower 40 % in household consumption, percentage points."""
    share = [
        totals[f"bottom40_consumption.{side}"][:months].sum()
        / totals[f"household_consumption.{side}"][:months].sum()
        for side in ("policy", "base")
    ]
    return float(100 * (share[0] - share[1]))


# --- classes ----------------------------------------------------------------------------------


def p_value(differences: Floats) -> float:
    """Two-sided p-value of Student's t; 1 if all are zero, 0 if all are the same otherwise."""
    from scipy.special import stdtr

    count, mean = len(differences), float(differences.mean())
    if not differences.any():
        return 1.0
    error = float(differences.std(ddof=1)) / math.sqrt(count)
    return 2 * float(stdtr(count - 1, -abs(mean) / error)) if error > 0 else 0.0


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: the smallest false discovery rate at which each would be reported."""
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values, method="bh")] if p_values else []


def _classified(pairs: Sequence[PairFound], outcomes: Sequence[str]) -> list[PairFound]:
    found: list[dict[str, Interaction]] = [{} for _ in pairs]
    for name in outcomes:
        adjusted = benjamini_hochberg([pair.interactions[name].p_value for pair in pairs])
        for own, pair, p in zip(found, pairs, adjusted, strict=True):
            one = pair.interactions[name]
            own[name] = replace(one, adjusted=p, kind=_kind(one.estimate.value, p, name))
    return [replace(pair, interactions=own) for pair, own in zip(pairs, found, strict=True)]


def _kind(value: float, adjusted: float, outcome: str) -> str:
    if adjusted > FALSE_DISCOVERIES or value == 0:
        return NEUTRAL
    good = ASSESSED.get(outcome, -1 if outcome == "fiscal_cost" else 1)
    return SYNERGY if value * good > 0 else CONFLICT


# --- for scripts ------------------------------------------------------------------------------


def consistency_document(found: Consistency) -> dict[str, Any]:
    """The figures for scripts."""
    return {
        "outcome": found.outcome,
        "unit": unit_of(found.outcome),
        "horizon_months": found.months,
        "seeds": list(found.seeds),
        "false_discovery_rate": FALSE_DISCOVERIES,
        "classes": {
            kind: sum(pair.interactions[found.outcome].kind == kind for pair in found.pairs)
            for kind in (SYNERGY, NEUTRAL, CONFLICT)
        },
        "pairs": [_pair_document(pair, found.outcome) for pair in found.pairs],
        "failed": list(found.failed),
    }


def _pair_document(pair: PairFound, outcome: str) -> dict[str, Any]:
    own = pair.interactions[outcome]
    return {
        "a": pair.a.id,
        "b": pair.b.id,
        "interaction": own.estimate.value,
        "low": own.estimate.low,
        "high": own.estimate.high,
        "relative": own.relative,
        "adjusted_p": own.adjusted,
        "class": own.kind,
        "cause": pair.cause.name if own.kind != NEUTRAL else "none",
        "channels": dict(pair.cause.amounts),
        "departments": list(pair.departments),
        "outcomes": {name: _figures(one) for name, one in pair.interactions.items()},
    }


def _figures(one: Interaction) -> dict[str, Any]:
    bounds = {"interaction": one.estimate.value, "low": one.estimate.low, "high": one.estimate.high}
    return {**bounds, "class": one.kind, "adjusted_p": one.adjusted}
