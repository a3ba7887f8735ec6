"""What a figure would be if something that nobody knows for certain were otherwise.

For every replication, beside baseline and policy at their given values, further pairs with the
same seed, in each of which one kind of knowledge is replaced by a draw:

- levers: how the measures will be carried out (`experiments.lever_draws`);
- parameters: how households and firms behave, a draw from the posterior of the calibration;
- scenario: budgets and the outside world (`SCENARIO_PREFIXES`), drawn from the ranges of the
  parameter files, a triangular distribution with its mode at the given value.

Baseline and policy of such a pair share the draw, except for levers, which only the policy has.
What a scenario file sets itself is not drawn: its author knows better. Differences to the pair at
given values, same seed, are what that kind of ignorance may change (`intervals.widened`).

A package is run in hundreds of parts, too many for a pair of each kind. There everything that is
not known is drawn at once (`joint_draws`), with the same draws as here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from calibration.posterior import load_posterior
from experiments.lever_draws import drawn_scenarios, drawn_values, latin_hypercube, triangular

if TYPE_CHECKING:
    from model.parameters import Parameters
    from model.scenario import Scenario

CHANCE: Final = "chance"
LEVERS: Final = "levers"
PARAMETERS: Final = "parameters"
SCENARIO: Final = "scenario"
SOURCES: Final = (PARAMETERS, LEVERS, SCENARIO)
SCENARIO_PREFIXES: Final = ("outside.", "government.")
HYPERCUBE: Final = 8
"""Draws that a joint hypercube has: as many as a comparison usually has replications."""
STREAM: Final = 0x5CE7A210  # keeps these draws apart from every other use of the seed

T = TypeVar("T")


@dataclass(frozen=True)
class Alternative:
    """One more pair of a replication; `baseline` None means that of the replication itself."""

    source: str
    baseline: Scenario | None
    policy: Scenario


@dataclass(frozen=True, eq=False)
class Draw:
    """Values of one joint draw: `parameters` hold for both sides, `levers` by measure for policy.

    Draws are equal if they are the same object: what they hold follows from scenario and number.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    levers: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.parameters or self.levers)


def alternatives(
    baseline: Scenario, policy: Scenario, count: int, sources: tuple[str, ...] = SOURCES
) -> list[list[Alternative]]:
    """The alternatives of `count` replications; fewer than two show no spread and get none.

    Raises ScenarioError if a draw cannot stand in a scenario.
    """
    if count < 2:
        return [[] for _ in range(count)]
    columns: list[list[Alternative]] = []
    if PARAMETERS in sources:
        columns.append(_shared(PARAMETERS, baseline, policy, _posterior_draws(count)))
    if LEVERS in sources:
        columns.append([Alternative(LEVERS, None, one) for one in drawn_scenarios(policy, count)])
    if SCENARIO in sources:
        columns.append(_shared(SCENARIO, baseline, policy, environment_draws(policy, count)))
    return [list(row) for row in zip(*filter(None, columns), strict=True)] or [[]] * count


def joint_draws(policy: Scenario, count: int, sources: tuple[str, ...] = SOURCES) -> list[Draw]:
    """For each of `count` replications a draw of all `sources` at once.

    The first `HYPERCUBE` are those of `alternatives` for as many replications; fewer are always
    the first of more, so that more replications continue what is stored. Fewer than two show no
    spread and get none. Both sides of a pair are to set the same parameters.
    """
    if count < 2:
        return []
    values: list[dict[str, Any]] = [{} for _ in range(count)]
    if SCENARIO in sources:
        values = _in_hypercubes(environment_draws, policy, count)
    if PARAMETERS in sources:
        posterior = _posterior_draws(count)
        values = [one | own for one, own in zip(values, posterior, strict=True)]
    levers = _in_hypercubes(drawn_values, policy, count) if LEVERS in sources else []
    found = [
        Draw({k: v for k, v in one.items() if k not in policy.parameters}, own)
        for one, own in zip(values, levers or [{}] * count, strict=True)
    ]
    return found if all(found) else []


def _in_hypercubes(
    drawn: Callable[[Scenario, int], list[T]], policy: Scenario, count: int
) -> list[T]:
    """The first `count` of hypercubes of `HYPERCUBE` draws, each with a stream of its own."""
    starts = range(policy.seed, policy.seed + count, HYPERCUBE)
    return [one for seed in starts for one in drawn(policy.changed(seed=seed), HYPERCUBE)][:count]


def _shared(
    source: str, baseline: Scenario, policy: Scenario, draws: list[dict[str, Any]]
) -> list[Alternative]:
    """Pairs whose two sides take the same draws, for parameters that neither side sets itself."""
    given = set(baseline.parameters) | set(policy.parameters)
    found = []
    for draw in draws:
        values = {name: value for name, value in draw.items() if name not in given}
        sides = (_with(one, values) for one in (baseline, policy))
        found.append(Alternative(source, *sides))
    return found


def _with(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    return scenario.changed(parameters={**scenario.parameters, **values})


def _posterior_draws(count: int) -> list[dict[str, Any]]:
    """`count` draws of the posterior; fewer are always among more, so that runs share tables."""
    posterior = load_posterior()
    chosen = posterior.chosen(min(count, len(posterior)))
    return [posterior.values(chosen[k % len(chosen)]) for k in range(count)]


def environment_draws(policy: Scenario, count: int) -> list[dict[str, Any]]:
    """Values of budgets and the outside world, a Latin hypercube over their ranges."""
    parameters = policy.parameter_set()
    names = [name for name in parameters if name.startswith(SCENARIO_PREFIXES)]
    names = [name for name in names if _has_range(parameters, name)]
    ranks = latin_hypercube(np.random.default_rng([STREAM, policy.seed]), count, len(names))
    return [
        {
            name: _quantile(parameters, name, float(rank))
            for name, rank in zip(names, row, strict=True)
        }
        for row in ranks
    ]


def _has_range(parameters: Parameters, name: str) -> bool:
    """Whether the parameter is one number inside a range."""
    one = parameters.entry(name)
    if not all(isinstance(number, int | float) for number in (one.value, one.low, one.high)):
        return False
    return bool(one.low <= one.value <= one.high and one.low < one.high)


def _quantile(parameters: Parameters, name: str, rank: float) -> float:
    one = parameters.entry(name)
    return triangular(rank, float(one.low), float(one.value), float(one.high))
