"""How strongly a measure is applied: one number for all its levers.

Intensity 0 is without the measure, 1 as the scenario has it, 2 the end of every lever's range at
which it is strongest; in between every lever moves in a straight line. Structural levers stay.
"""

from __future__ import annotations

from model.scenario_measures import MeasureUse


def levers_at(use: MeasureUse, intensity: float) -> dict[str, float]:
    """Lever values of a measure at an intensity above 0 and up to 2."""
    found = {}
    for name, value in use.levers.items():
        lever = use.measure.levers[name]
        if lever.role == "structural":
            found[name] = float(value)
            continue
        if intensity <= 1:
            moved = lever.no_policy + intensity * (value - lever.no_policy)
        else:
            moved = value + (intensity - 1) * (lever.at("high") - value)
        found[name] = float(round(moved)) if lever.whole else float(moved)
    return found
