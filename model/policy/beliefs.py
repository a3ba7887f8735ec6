"""What households believe about protection: consumption tables between today's and a reform's.

Saving against illness, job loss and old age is solved once for today's protection and once for a
reference reform of each kind that a scenario uses. A month's table lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import F64
from model.agents.household_month import HouseholdWorld
from model.parameters import Parameters
from model.policy.instruments import PROTECTIONS
from model.policy.levers.base import Lever
from model.policy.levers.social_protection import SocialProtectionLever
from model.solvers.consumption import consumption_tables

Table = npt.NDArray[np.float32]


class Beliefs:
    """Tables of the reference reforms that the levers of a scenario use."""

    def __init__(self, parameters: Parameters, levers: Sequence[Lever]) -> None:
        used = _used(levers)
        self._changes = {
            at: consumption_tables(reformed(parameters, name)).values
            - consumption_tables(parameters).values
            for at, name in enumerate(PROTECTIONS)
            if used[at]
        }
        self._last: tuple[bytes, HouseholdWorld] | None = None

    def world(self, today: HouseholdWorld, weights: F64) -> HouseholdWorld:
        """What households read when beliefs have moved by `weights` [PROTECTIONS] to the reforms.

        Today's world itself, if they have not moved. Beyond the reference the tables go on
        straight; spending is never negative and the rules keep it within the cash.
        """
        if not weights.any():
            return today
        key = weights.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = key, today.with_policy(self._between(today.fixed["policy"], weights))
        return self._last[1]

    def _between(self, base: Table, weights: F64) -> Table:
        found = base.copy()
        for at, change in self._changes.items():
            found += np.float32(weights[at]) * change.reshape(base.shape)
        return np.maximum(found, np.float32(0.0), out=found)


def _used(levers: Sequence[Lever]) -> npt.NDArray[np.bool_]:
    used = np.zeros(len(PROTECTIONS), dtype=bool)
    for lever in levers:
        if isinstance(lever, SocialProtectionLever):
            s = lever.settings
            jobless = s.benefit_percent or s.benefit_cover_points
            used |= np.array([s.out_of_pocket_points, jobless, s.old_age_points]) != 0.0
    return used


def reformed(parameters: Parameters, protection: str) -> Parameters:
    """Parameters of the consumption problem under the reference reform of one kind."""
    at = PROTECTIONS.index(protection)
    size = float(parameters.array("households.protection.reference")[at])
    name, change = {
        "medical": ("consumption.out_of_pocket", -size),
        "jobless": ("consumption.unemployment_income_share", size),
        "old_age": ("consumption.replacement", size),
    }[protection]
    value = parameters[name]
    moved = [v + change for v in value] if isinstance(value, list) else value + change
    return parameters.with_values({name: moved})
