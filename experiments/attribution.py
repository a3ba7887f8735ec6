"""Which measure of a package did it: shares of its effect that do not depend on any order.

Players are the measures of a scenario and the policies that no measure brought, or the sections of
the document. The value of a coalition is the effect of its players alone, with the same seeds for
all coalitions. See `experiments.shapley` for the shares. Beside them stands what a player adds in
the order of the document, and in the reverse order: a stacked table as it is usually shown.
Intervals are 90 % and about chance (and sampled orders) only: every seed gives its own shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from experiments.intervals import Estimate, mean_estimate
from experiments.package_jobs import part
from experiments.package_runs import PackageRuns, effect, in_unit, point
from experiments.paired import OUTCOME_RULES
from experiments.shapley import (
    MOST_EXACT,
    antithetic_orders,
    apportioned,
    everybody,
    exact_shares,
    marginals,
    mean_shares,
    prefixes,
    sampled_shares,
)
from model.policy.catalogue import Words, load_catalogue
from model.scenario import Scenario

DEFAULT_SEEDS: Final = 4
DEFAULT_PAIRS: Final = 4
GROUPINGS: Final = ("measures", "sections")


@dataclass(frozen=True)
class Player:
    """Measures and policies that are switched on together. `id` is a number or a policy's name."""

    id: int | str
    name: Words
    measures: tuple[int, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True)
class Share:
    """A player's share in quanta (see `package_runs.QUANTA`), and its additions in other orders.

    `alone` is its effect by itself, `stacked` what it adds in the order of the document, `reverse`
    in the reverse order. Estimates are in the outcome's unit.
    """

    player: Player
    quanta: int
    estimate: Estimate
    alone: Estimate
    stacked: Estimate
    reverse: Estimate


@dataclass(frozen=True)
class Attribution:
    """Shares of the effect of a package on `outcome` over `months` months."""

    outcome: str
    months: int
    by: str
    method: str
    total_quanta: int
    total: Estimate
    shares: tuple[Share, ...]
    seeds: tuple[int, ...]
    coalitions: int


def own_policies(scenario: Scenario) -> list[str]:
    """Policies that no measure brought."""
    brought = {name for use in scenario.measures.values() for name in use.policies()}
    return [name for name in scenario.policies if name not in brought]


def players_of(scenario: Scenario, by: str) -> list[Player]:
    """Players in the order of the document; policies of the scenario itself come last."""
    catalogue = load_catalogue()
    if by == "measures":
        found = [Player(n, catalogue[n].title, (n,), ()) for n in sorted(scenario.measures)]
    else:
        sections: dict[Words, list[int]] = {}
        for number in sorted(scenario.measures):
            sections.setdefault(catalogue[number].section, []).append(number)
        found = [
            Player(int(words.en.partition(".")[0]), words, tuple(numbers), ())
            for words, numbers in sections.items()
        ]
    for name in own_policies(scenario):
        found.append(Player(name, _policy_words(scenario, name), (), (name,)))
    return found


def _policy_words(scenario: Scenario, name: str) -> Words:
    from model.messages import say

    lever = scenario.policies[name].lever
    named = {lang: say(f"lever.{lever}", lang) for lang in ("zh", "en")}
    other = sum(policy.lever == lever for policy in scenario.policies.values()) > 1
    return Words(**{lang: f"{text} ({name})" if other else text for lang, text in named.items()})


def usual_grouping(scenario: Scenario) -> str:
    """By measures as long as that can be exact, else by sections."""
    few = len(players_of(scenario, "measures")) <= MOST_EXACT
    return "measures" if few else "sections"


def attribute(
    runs: PackageRuns, outcome: str, by: str | None = None, seeds: int = DEFAULT_SEEDS,
    months: int | None = None, pairs: int = DEFAULT_PAIRS,
) -> Attribution:  # fmt: skip
    """Shares of the effect of `runs.scenario`; `pairs` are sampled orders and reverses a seed.

    Raises ValueError for a scenario without policies, RunFailedError if a coalition fails.
    """
    scenario = runs.scenario
    grouping = by or usual_grouping(scenario)
    players = players_of(scenario, grouping)
    if not players:
        raise ValueError("the scenario has no measures and no policies")
    game = _Game(runs, players, outcome, months or scenario.months)
    chosen = tuple(scenario.seed + number for number in range(seeds))
    found, method = game.shares(chosen, pairs)
    return game.attribution(grouping, method, chosen, found)


class _Game:
    """The values of coalitions, asked from the runs."""

    def __init__(
        self, runs: PackageRuns, players: Sequence[Player], outcome: str, months: int
    ) -> None:
        self.runs, self.players = runs, players
        self.outcome, self.months = outcome, months
        self._values: dict[int, dict[int, int]] = {}

    def changes(self, coalition: int) -> dict[str, Any]:
        """The part of the package that a coalition is."""
        inside = [one for i, one in enumerate(self.players) if coalition >> i & 1]
        return part(
            [n for one in inside for n in one.measures], [p for one in inside for p in one.policies]
        )

    def evaluate(self, wanted: dict[int, set[int]]) -> None:
        """Value coalitions by seed."""
        self.runs.ensure(
            point(self.changes(one), seed) for seed, many in wanted.items() for one in sorted(many)
        )
        for seed, many in wanted.items():
            known = self._values.setdefault(seed, {})
            for one in many - known.keys():
                totals = self.runs.totals(self.changes(one), seed)
                known[one] = effect(totals, self.outcome, self.months)

    def orders(self) -> list[list[int]]:
        """The order of the document and its reverse."""
        forward = list(range(len(self.players)))
        return [forward, forward[::-1]]

    def shares(self, seeds: Iterable[int], pairs: int) -> tuple[list[list[Fraction]], str]:
        """Shares of every player by seed, and how they were found."""
        count = len(self.players)
        always = prefixes(self.orders()) | {1 << player for player in range(count)}
        if count <= MOST_EXACT:
            every = set(range(1, 1 << count))
            self.evaluate(dict.fromkeys(seeds, every))
            return [exact_shares(self._values[seed], count) for seed in seeds], "exact"
        sampled = {seed: antithetic_orders(count, pairs, seed) for seed in seeds}
        self.evaluate({seed: always | prefixes(orders) for seed, orders in sampled.items()})
        found = [sampled_shares(self._values[seed], orders) for seed, orders in sampled.items()]
        return found, "permutations"

    def attribution(
        self, by: str, method: str, seeds: tuple[int, ...], found: list[list[Fraction]]
    ) -> Attribution:
        """The shares with everything that stands beside them."""
        whole = everybody(len(self.players))
        totals = [self._values[seed][whole] for seed in seeds]
        total = round(Fraction(sum(totals), len(totals)))
        quanta = apportioned(mean_shares(found), total)
        stacked = [
            [marginals(self._values[seed], order) for seed in seeds] for order in self.orders()
        ]
        shares = tuple(
            Share(
                player, quanta[i], self._estimate(by_seed[i] for by_seed in found),
                self._estimate(self._values[seed][1 << i] for seed in seeds),
                *(self._estimate(added[i] for added in order) for order in stacked),
            )
            for i, player in enumerate(self.players)
        )  # fmt: skip
        coalitions = len(set().union(*(self._values[seed] for seed in seeds)))
        return Attribution(
            self.outcome, self.months, by, method, total, self._estimate(totals), shares, seeds,
            coalitions,
        )  # fmt: skip

    def _estimate(self, by_seed: Iterable[Fraction | int]) -> Estimate:
        return mean_estimate(np.array([in_unit(float(x), self.outcome) for x in by_seed]))


# --- for scripts ------------------------------------------------------------------------------


def attribution_document(found: Attribution) -> dict[str, Any]:
    """The figures for scripts. Values of shares add up to the total, to the fen."""
    return {
        "outcome": found.outcome,
        "unit": OUTCOME_RULES[found.outcome].unit,
        "horizon_months": found.months,
        "by": found.by,
        "method": found.method,
        "seeds": list(found.seeds),
        "coalitions": found.coalitions,
        "total": in_unit(found.total_quanta, found.outcome),
        "total_interval": {"low": found.total.low, "high": found.total.high},
        "shares": [
            {
                "measure": one.player.id,
                "name": one.player.name.model_dump(),
                "value": in_unit(one.quanta, found.outcome),
                "low": one.estimate.low,
                "high": one.estimate.high,
                "alone": _plain(one.alone),
                "stacked": _plain(one.stacked),
                "stacked_reverse": _plain(one.reverse),
            }
            for one in found.shares
        ],
    }


def _plain(one: Estimate) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}
