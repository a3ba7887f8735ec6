"""Lever values drawn from their ranges, so that intervals show what is not known about levers.

Each lever of each measure follows a triangular distribution from low to high with its mode at the
value of the scenario; draws are a Latin hypercube over all levers, so that few draws cover each
range. Levers that the scenario sets outside their range, or to their no-policy value, stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from model.scenario import Scenario

STREAM: Final = 0x1E7E25  # keeps these draws apart from every other use of the seed


def drawn_scenarios(scenario: Scenario, count: int) -> list[Scenario]:
    """`count` copies of the scenario with the levers of its measures drawn; none without measures.

    Raises ScenarioError if a draw cannot stand in a scenario.
    """
    return [scenario.with_levers(values) for values in drawn_values(scenario, count)]


def drawn_values(scenario: Scenario, count: int) -> list[dict[int, dict[str, float]]]:
    """`count` draws of lever values by measure and lever; none without uncertain levers."""
    ranges = _ranges(scenario)
    if not ranges:
        return []
    generator = np.random.default_rng([STREAM, scenario.seed])
    ranks = latin_hypercube(generator, count, len(ranges))
    found = []
    for row in ranks:
        values: dict[int, dict[str, float]] = {}
        for rank, (number, lever, *limits) in zip(row, ranges, strict=True):
            value = triangular(float(rank), *limits)
            whole = scenario.measures[number].measure.levers[lever].whole
            values.setdefault(number, {})[lever] = float(round(value)) if whole else value
        found.append(values)
    return found


def _ranges(scenario: Scenario) -> list[tuple[int, str, float, float, float]]:
    """Measure, lever, low, mode, high of every lever that is uncertain."""
    found = []
    for number, use in scenario.measures.items():
        for name, value in use.levers.items():
            lever = use.measure.levers[name]
            inside = lever.low <= value <= lever.high and lever.low < lever.high
            if inside and (value != lever.no_policy or lever.role == "structural"):
                found.append((number, name, lever.low, value, lever.high))
    return found


def latin_hypercube(
    generator: np.random.Generator, count: int, width: int
) -> npt.NDArray[np.float64]:
    """[draw, lever] in (0, 1): every lever has one draw in each of `count` equal parts."""
    parts = np.stack([generator.permutation(count) for _ in range(width)], axis=1)
    return np.asarray((parts + generator.random((count, width))) / count)


def triangular(rank: float, low: float, mode: float, high: float) -> float:
    """Quantile `rank` of the triangular distribution."""
    width, rise = high - low, mode - low
    if rank * width < rise:
        return float(low + np.sqrt(rank * width * rise))
    return float(high - np.sqrt((1.0 - rank) * width * (high - mode)))
