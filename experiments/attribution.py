"""Which measure of a package did it: shares of its effect that do not depend on any order.

Players are the measures of a scenario and the policies that no measure brought, or the sections of
the document. The value of a coalition is the effect of its players alone, in the same worlds for
all coalitions (`experiments.worlds`). See `experiments.shapley` for the shares. Beside them stands
what a player adds in the order of the document, and in the reverse order: a stacked table as it is
usually shown. Every world gives its own shares, which add up to its effect of the package; 90 %
intervals are about chance, sampled orders, and what is drawn in the worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from experiments.alternatives import SOURCES
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
from experiments.worlds import World, Worlds, worlds_of
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
    in the reverse order; `chance` is the share with an interval about seeds (and orders) only.
    Estimates are in the outcome's unit.
    """

    player: Player
    quanta: int
    estimate: Estimate
    chance: Estimate
    alone: Estimate
    stacked: Estimate
    reverse: Estimate


@dataclass(frozen=True)
class Replication:
    """The package's effect in one world, and the shares of its players, which add up to it: quanta.

    `drawn` says whether parameters, levers or surroundings are drawn in it.
    """

    seed: int
    drawn: bool
    total: int
    shares: tuple[int, ...]


@dataclass(frozen=True)
class Attribution:
    """Shares of the effect of a package on `outcome` over `months` months.

    `covers` names what the intervals are about; `chance` is the total with chance alone.
    """

    outcome: str
    months: int
    by: str
    method: str
    total_quanta: int
    total: Estimate
    chance: Estimate
    shares: tuple[Share, ...]
    seeds: tuple[int, ...]
    coalitions: int
    covers: tuple[str, ...]
    replications: tuple[Replication, ...]


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
    months: int | None = None, pairs: int = DEFAULT_PAIRS, sources: tuple[str, ...] = SOURCES,
) -> Attribution:  # fmt: skip
    """Shares of the effect of `runs.scenario`; `pairs` are sampled orders and reverses a seed.

    `sources` are drawn anew for each of two or more seeds (`experiments.alternatives`). Raises
    ValueError for a scenario without policies, RunFailedError if a coalition fails.
    """
    scenario = runs.scenario
    grouping = by or usual_grouping(scenario)
    players = players_of(scenario, grouping)
    if not players:
        raise ValueError("the scenario has no measures and no policies")
    worlds = worlds_of(scenario, seeds, sources)
    game = _Game(runs, players, outcome, months or scenario.months, worlds)
    found, method = game.shares(pairs)
    return game.attribution(grouping, method, found)


Shares = dict[World, list[Fraction]]


class _Game:
    """The values of coalitions, asked from the runs."""

    def __init__(
        self, runs: PackageRuns, players: Sequence[Player], outcome: str, months: int,
        worlds: Worlds,
    ) -> None:  # fmt: skip
        self.runs, self.players, self.worlds = runs, players, worlds
        self.outcome, self.months = outcome, months
        self._values: dict[World, dict[int, int]] = {}

    def changes(self, coalition: int, world: World) -> dict[str, Any]:
        """The part of the package that a coalition is, as it is run in a world."""
        inside = [one for i, one in enumerate(self.players) if coalition >> i & 1]
        measures = [n for one in inside for n in one.measures]
        return world.changes(part(measures, [p for one in inside for p in one.policies]))

    def evaluate(self, wanted: dict[World, set[int]]) -> None:
        """Value coalitions by world."""
        self.runs.ensure(
            point(self.changes(one, world), world.seed)
            for world, many in wanted.items()
            for one in sorted(many)
        )
        for world, many in wanted.items():
            known = self._values.setdefault(world, {})
            for one in many - known.keys():
                totals = self.runs.totals(self.changes(one, world), world.seed)
                known[one] = effect(totals, self.outcome, self.months)

    def orders(self) -> list[list[int]]:
        """The order of the document and its reverse."""
        forward = list(range(len(self.players)))
        return [forward, forward[::-1]]

    def shares(self, pairs: int) -> tuple[Shares, str]:
        """Shares of every player by world, and how they were found; orders are those of a seed."""
        count, worlds = len(self.players), self.worlds.all
        always = prefixes(self.orders()) | {1 << player for player in range(count)}
        if count <= MOST_EXACT:
            every = set(range(1, 1 << count))
            self.evaluate(dict.fromkeys(worlds, every))
            return {one: exact_shares(self._values[one], count) for one in worlds}, "exact"
        sampled = {one: antithetic_orders(count, pairs, one.seed) for one in worlds}
        self.evaluate({one: always | prefixes(orders) for one, orders in sampled.items()})
        found = {one: sampled_shares(self._values[one], orders) for one, orders in sampled.items()}
        return found, "permutations"

    def attribution(self, by: str, method: str, found: Shares) -> Attribution:
        """The shares with everything that stands beside them."""
        whole, given = everybody(len(self.players)), self.worlds.given
        total = round(Fraction(sum(self._values[one][whole] for one in given), len(given)))
        quanta = apportioned(mean_shares([found[one] for one in given]), total)
        both = self._estimates(lambda world: self._values[world][whole])
        coalitions = len(set().union(*self._values.values()))
        return Attribution(
            self.outcome, self.months, by, method, total, *both,
            tuple(self._share(i, quanta[i], found) for i in range(len(self.players))),
            self.worlds.seeds, coalitions, self.worlds.covers,
            tuple(self._replication(one, found[one]) for one in self.worlds.all),
        )  # fmt: skip

    def _replication(self, world: World, shares: Sequence[Fraction]) -> Replication:
        total = self._values[world][everybody(len(self.players))]
        return Replication(world.seed, world.drawn, total, tuple(apportioned(shares, total)))

    def _share(self, player: int, quanta: int, found: Shares) -> Share:
        stacked = [
            {one: marginals(self._values[one], order)[player] for one in self.worlds.all}
            for order in self.orders()
        ]
        return Share(
            self.players[player], quanta, *self._estimates(lambda world: found[world][player]),
            self._estimates(lambda world: self._values[world][1 << player])[0],
            *(self._estimates(added.__getitem__)[0] for added in stacked),
        )  # fmt: skip

    def _estimates(self, figure: Callable[[World], Fraction | int]) -> tuple[Estimate, Estimate]:
        """A figure in quanta as an estimate in the outcome's unit, and with chance alone."""
        values, shifts = self.worlds.values(
            lambda world: in_unit(float(figure(world)), self.outcome)
        )
        return self.worlds.estimate_of(values, shifts), mean_estimate(values)


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
        "total_interval": _bounds(found.total),
        "total_chance": _bounds(found.chance),
        "covers": list(found.covers),
        "shares": [
            {
                "measure": one.player.id,
                "name": one.player.name.model_dump(),
                "value": in_unit(one.quanta, found.outcome),
                "low": one.estimate.low,
                "high": one.estimate.high,
                "chance": _bounds(one.chance),
                "alone": _plain(one.alone),
                "stacked": _plain(one.stacked),
                "stacked_reverse": _plain(one.reverse),
            }
            for one in found.shares
        ],
        "replications": [
            {
                "seed": one.seed,
                "drawn": one.drawn,
                "total": in_unit(one.total, found.outcome),
                "shares": [in_unit(share, found.outcome) for share in one.shares],
            }
            for one in found.replications
        ],
    }


def _bounds(one: Estimate) -> dict[str, float]:
    return {"low": one.low, "high": one.high}


def _plain(one: Estimate) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}
