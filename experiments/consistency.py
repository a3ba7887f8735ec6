"""Do the measures of a package pull the same way? (政策取向一致性评估)

For every pair the interaction is the effect of both together less the two effects alone, in the
same worlds everywhere (`experiments.worlds`). Its 90 % interval is Student's t over seeds, widened
by what drawing parameters, levers and surroundings does to it. Among many pairs some differ from
zero by luck, so classes hold the false discovery rate: a pair is a synergy or a conflict if the
p-value of that interval (`experiments.evidence`) survives Benjamini and Hochberg (1995) at
`FALSE_DISCOVERIES` among all pairs of that outcome, else it is neutral. The class that chance alone
would give stands beside it. Why a pair interacts is read from the runs (`experiments.causes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from statistics import fmean
from typing import Any, Final

import numpy as np

from experiments.alternatives import SOURCES
from experiments.attribution import Player, players_of
from experiments.causes import Cause, cause_of
from experiments.evidence import Evidence, benjamini_hochberg, evidence
from experiments.intervals import Estimate, mean_estimate
from experiments.package_jobs import part
from experiments.package_runs import (
    PackageRuns,
    RunFailedError,
    effect,
    in_unit,
    point,
)
from experiments.paired import OUTCOME_RULES
from experiments.run_jobs import Totals
from experiments.worlds import World, Worlds, worlds_of
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
    sizes of both single effects, `same_sign` the share of worlds in which the interaction has the
    sign of the estimate. `chance` and `chance_kind` are interval and class with chance
    alone; `needed` replications would make a class of chance hold in the wider interval, None if
    there is none or more of them would not help.
    """

    estimate: Estimate
    chance: Estimate
    evidence: Evidence
    p_value: float
    relative: float = 0.0
    same_sign: float = 1.0
    adjusted: float = 1.0
    kind: str = NEUTRAL
    chance_kind: str = NEUTRAL
    needed: int | None = None


@dataclass(frozen=True)
class PairFound:
    """Two players, their interaction by outcome, and what causes it.

    `agreement` is the share of all worlds that, each by itself, name the same cause.
    """

    a: Player
    b: Player
    interactions: Mapping[str, Interaction]
    cause: Cause
    agreement: float

    @property
    def departments(self) -> tuple[str, ...]:
        """Everybody who is responsible for one of both, in the document's order."""
        known = load_catalogue()
        numbers = (*self.a.measures, *self.b.measures)
        return tuple(dict.fromkeys(name for n in numbers for name in known[n].departments))


@dataclass(frozen=True)
class Consistency:
    """All pairs, largest interaction in `outcome` first; `failed` pairs could not be run.

    `covers` names what the intervals are about.
    """

    outcome: str
    months: int
    seeds: tuple[int, ...]
    covers: tuple[str, ...]
    players: tuple[Player, ...]
    singles: Mapping[int | str, Mapping[str, Estimate]]
    pairs: tuple[PairFound, ...]
    failed: tuple[str, ...] = ()

    def outcomes(self) -> tuple[str, ...]:
        """The outcome asked for, then the assessed ones."""
        return tuple(dict.fromkeys((self.outcome, *ASSESSED)))

    def counts(self, outcome: str, chance: bool = False) -> dict[str, int]:
        """Pairs by class; with `chance`, by the class that chance alone would give."""
        known = [pair.interactions[outcome] for pair in self.pairs]
        kinds = [one.chance_kind if chance else one.kind for one in known]
        return {kind: kinds.count(kind) for kind in (SYNERGY, NEUTRAL, CONFLICT)}


def unit_of(outcome: str) -> str:
    """Unit of an assessed outcome."""
    return POINTS if outcome == BOTTOM_SHARE else OUTCOME_RULES[outcome].unit


def assess(
    runs: PackageRuns, outcome: str, seeds: int = DEFAULT_SEEDS, months: int | None = None,
    only: Sequence[int | str] | None = None, sources: tuple[str, ...] = SOURCES,
) -> Consistency:  # fmt: skip
    """Every pair of players of `runs.scenario` (or of those named in `only`).

    `sources` are drawn anew for each seed (`experiments.alternatives`). Raises ValueError with
    fewer than two players or seeds, ResultsError, ExecutorError.
    """
    players = [
        one for one in players_of(runs.scenario, "measures") if only is None or one.id in only
    ]
    if len(players) < 2 or seeds < 2:
        raise ValueError("a consistency assessment needs two measures and two seeds")
    worlds = worlds_of(runs.scenario, seeds, sources)
    return _Assessment(runs, outcome, months or runs.scenario.months, worlds, players).result()


Sides = tuple[Totals, Totals, Totals]
"""Totals of both together, of the first and of the second, in one world."""


@dataclass
class _Assessment:
    runs: PackageRuns
    outcome: str
    months: int
    worlds: Worlds
    players: Sequence[Player]
    failed: list[str] = field(default_factory=list)

    def result(self) -> Consistency:
        """Run what is missing and compare."""
        pairs = list(combinations(self.players, 2))
        wanted = [_changes(one) for one in self.players] + [_changes(a, b) for a, b in pairs]
        self.runs.ensure(
            point(world.changes(changes), world.seed)
            for world in self.worlds.all
            for changes in wanted
        )
        found = [one for one in (self._pair(a, b) for a, b in pairs) if one is not None]
        singles = {one.id: self._single(one) for one in self.players}
        ranked = sorted(_classified(found, self.outcomes()), key=self._rank)
        return Consistency(
            self.outcome, self.months, self.worlds.seeds, self.worlds.covers, tuple(self.players),
            singles, tuple(ranked), tuple(self.failed),
        )  # fmt: skip

    def outcomes(self) -> list[str]:
        """The outcome asked for and the assessed ones."""
        return list(dict.fromkeys((self.outcome, *ASSESSED)))

    def _rank(self, pair: PairFound) -> tuple[bool, float, str]:
        own = pair.interactions[self.outcome]
        return own.kind == NEUTRAL, -abs(own.estimate.value), f"{pair.a.id} {pair.b.id}"

    def _totals(self, world: World, *players: Player) -> Totals:
        return self.runs.totals(world.changes(_changes(*players)), world.seed)

    def _single(self, player: Player) -> dict[str, Estimate]:
        totals = {world: self._totals(world, player) for world in self.worlds.all}
        return {name: self.worlds.estimate(self._figure(totals, name)) for name in self.outcomes()}

    def _figure(self, totals: Mapping[World, Totals], outcome: str) -> Callable[[World], float]:
        return lambda world: self._value(totals[world], outcome)

    def _value(self, totals: Totals, outcome: str) -> float:
        if outcome == BOTTOM_SHARE:
            return bottom_share(totals, self.months)
        return in_unit(effect(totals, outcome, self.months), outcome)

    def _pair(self, a: Player, b: Player) -> PairFound | None:
        try:
            sides = {
                world: (
                    self._totals(world, a, b), self._totals(world, a), self._totals(world, b),
                )
                for world in self.worlds.all
            }  # fmt: skip
        except RunFailedError as fault:
            self.failed.append(f"{a.id} + {b.id}: {fault}")
            return None
        found = {name: self._interaction(sides, name) for name in self.outcomes()}
        cause = cause_of([sides[world] for world in self.worlds.given], self.months)
        named = [cause_of([one], self.months).name for one in sides.values()]
        return PairFound(a, b, found, cause, named.count(cause.name) / len(named))

    def _interaction(self, sides: Mapping[World, Sides], outcome: str) -> Interaction:
        values, shifts = self.worlds.values(lambda world: self._together(sides[world], outcome))
        alone = sum(
            abs(fmean(self._value(sides[world][who], outcome) for world in self.worlds.given))
            for who in (1, 2)
        )
        estimate, known = self.worlds.estimate_of(values, shifts), evidence(values, shifts)
        relative = estimate.value / alone if alone else 0.0
        signs = np.sign(np.concatenate([values, values[: len(shifts)] + shifts]))
        same = float((signs == np.sign(estimate.value)).mean())
        return Interaction(estimate, mean_estimate(values), known, known.p_value(), relative, same)

    def _together(self, sides: Sides, outcome: str) -> float:
        """In whole quanta as long as possible, so that nothing plus nothing is exactly nothing."""
        if outcome == BOTTOM_SHARE:
            both, a, b = (bottom_share(one, self.months) for one in sides)
            return both - a - b
        ab, first, second = (effect(one, outcome, self.months) for one in sides)
        return in_unit(ab - first - second, outcome)


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


def _classified(pairs: Sequence[PairFound], outcomes: Sequence[str]) -> list[PairFound]:
    found: list[dict[str, Interaction]] = [{} for _ in pairs]
    for name in outcomes:
        judged = _judged([pair.interactions[name] for pair in pairs], name)
        for own, one in zip(found, judged, strict=True):
            own[name] = one
    return [replace(pair, interactions=own) for pair, own in zip(pairs, found, strict=True)]


def _judged(many: Sequence[Interaction], outcome: str) -> list[Interaction]:
    """Interactions of all pairs in one outcome with their classes."""
    adjusted = benjamini_hochberg([one.p_value for one in many])
    by_chance = benjamini_hochberg([replace(one.evidence, shift=0.0).p_value() for one in many])
    kinds = [_kind(one.estimate.value, p, outcome) for one, p in zip(many, adjusted, strict=True)]
    usual = [_kind(one.estimate.value, p, outcome) for one, p in zip(many, by_chance, strict=True)]
    # What the largest p-value among as many findings as chance alone has may be.
    limit = FALSE_DISCOVERIES * sum(kind != NEUTRAL for kind in usual) / max(len(many), 1)
    return [
        replace(
            one, adjusted=p, kind=kind, chance_kind=before,
            needed=None if before == NEUTRAL else one.evidence.needed(limit),
        )
        for one, p, kind, before in zip(many, adjusted, kinds, usual, strict=True)
    ]  # fmt: skip


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
        "covers": list(found.covers),
        "false_discovery_rate": FALSE_DISCOVERIES,
        "classes": found.counts(found.outcome),
        "classes_by_chance": found.counts(found.outcome, chance=True),
        "classes_by_outcome": {
            name: found.counts(name) | {"by_chance": found.counts(name, chance=True)}
            for name in found.outcomes()
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
        "chance": {"low": own.chance.low, "high": own.chance.high, "class": own.chance_kind},
        "replications_needed": own.needed,
        "same_sign": own.same_sign,
        "chance_in_draws": own.evidence.chance_in_draws,
        "cause": pair.cause.name if own.kind != NEUTRAL else "none",
        "cause_agreement": pair.agreement,
        "channels": dict(pair.cause.amounts),
        "departments": list(pair.departments),
        "outcomes": {name: _figures(one) for name, one in pair.interactions.items()},
    }


def _figures(one: Interaction) -> dict[str, Any]:
    bounds = {"interaction": one.estimate.value, "low": one.estimate.low, "high": one.estimate.high}
    classes = {"class": one.kind, "class_by_chance": one.chance_kind}
    return {**bounds, **classes, "same_sign": one.same_sign, "adjusted_p": one.adjusted}
