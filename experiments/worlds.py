"""The worlds in which the parts of a package are compared, and estimates over them.

A world is a seed, either with everything at its given value or with one joint draw of what nobody
knows (`alternatives.joint_draws`). All parts run in the same worlds, so whatever adds up in every
world adds up in the mean. The estimate is the mean over worlds at given values; its interval is
chance between seeds, widened by what the draw does to the same seed (`intervals.widened`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.alternatives import CHANCE, LEVERS, SOURCES, Draw, joint_draws
from experiments.intervals import Estimate, mean_estimate, widened

if TYPE_CHECKING:
    from experiments.paired import Floats
    from model.scenario import Scenario

GIVEN: Final = Draw()


@dataclass(frozen=True)
class World:
    """One seed and what is drawn in it."""

    seed: int
    draw: Draw = GIVEN

    @property
    def drawn(self) -> bool:
        """Whether anything is drawn."""
        return bool(self.draw)

    def changes(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """A part of the package (`package_jobs.part`) as it is run in this world."""
        found = dict(part)
        kept = part["keep"]["measures"]
        levers = {str(n): dict(own) for n, own in self.draw.levers.items() if str(n) in kept}
        if levers:
            found["measures"] = levers
        if self.draw.parameters:
            found["parameters"] = dict(self.draw.parameters)
        return found


@dataclass(frozen=True)
class Worlds:
    """`given` and `drawn` worlds, one of each for every seed; `drawn` is empty for chance only.

    `sources` names what is drawn.
    """

    given: tuple[World, ...]
    drawn: tuple[World, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[World, ...]:
        """Every world, given values first."""
        return self.given + self.drawn

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the replications."""
        return tuple(one.seed for one in self.given)

    @property
    def covers(self) -> tuple[str, ...]:
        """What intervals over these worlds are about."""
        return (CHANCE, *self.sources)

    def values(self, figure: Callable[[World], float]) -> tuple[Floats, Floats]:
        """A figure [replication] at given values, and what drawing does to it (or nothing)."""
        values = np.array([figure(one) for one in self.given], dtype=float)
        drawn = np.array([figure(one) for one in self.drawn], dtype=float)
        return values, drawn - values[: len(drawn)]

    def estimate(self, figure: Callable[[World], float]) -> Estimate:
        """Mean at given values with the widened interval."""
        return self.estimate_of(*self.values(figure))

    def estimate_of(self, values: Floats, shifts: Floats) -> Estimate:
        """The same from what `values` gives."""
        known = {"+".join(self.sources): shifts} if self.sources else {}
        return widened(mean_estimate(values), known)


def worlds_of(scenario: Scenario, seeds: int, sources: tuple[str, ...] = SOURCES) -> Worlds:
    """Worlds of `seeds` replications, in which `sources` are drawn; fewer than two draw nothing."""
    chosen = [scenario.seed + number for number in range(seeds)]
    given = tuple(World(seed) for seed in chosen)
    draws = joint_draws(scenario, seeds, sources)
    if not draws:
        return Worlds(given)
    anything = any(one.levers for one in draws)
    named = tuple(name for name in SOURCES if name in sources and (name != LEVERS or anything))
    drawn = tuple(World(seed, draw) for seed, draw in zip(chosen, draws, strict=True))
    return Worlds(given, drawn, named)
