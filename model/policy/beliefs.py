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
from model.whole_numbers import compiled

Table = npt.NDArray[np.float32]
_KEPT: dict[tuple[str, ...], Table] = {}
_KEPT_LIMIT = 16


class Beliefs:
    """Tables of the reference reforms that the levers of a scenario use."""

    def __init__(self, parameters: Parameters, levers: Sequence[Lever]) -> None:
        used = [name for name, wanted in zip(PROTECTIONS, _used(levers), strict=True) if wanted]
        self._changes = _changes(parameters, used)
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
        found = np.empty_like(base)
        _blend(base.ravel(), self._changes, weights.astype(np.float32), found.ravel())
        return found


@compiled
def _blend(base: Table, changes: Table, weights: Table, found: Table) -> None:
    """`base` plus the weighted changes [reform, entry], added in order; nothing below zero.

    All reforms are added in one pass: the tables do not fit into the nearest caches.
    """
    medical, jobless, old_age = changes[0], changes[1], changes[2]
    by_medical, by_jobless, by_old_age = weights[0], weights[1], weights[2]
    for at in range(base.size):
        moved = base[at] + by_medical * medical[at] + by_jobless * jobless[at]
        found[at] = max(moved + by_old_age * old_age[at], np.float32(0.0))


def _changes(parameters: Parameters, reforms: Sequence[str]) -> Table:
    """What each reference reform changes in the tables [PROTECTIONS, entry]; kept for a sweep.

    Zero for other reforms.
    """
    if not reforms:
        return np.zeros((0, 0), np.float32)
    key = parameters.digest("consumption.", "households.protection."), *reforms
    if key not in _KEPT:
        today = consumption_tables(parameters).values
        found = np.zeros((len(PROTECTIONS), today.size), np.float32)
        for one in reforms:
            changed = consumption_tables(reformed(parameters, one)).values - today
            found[PROTECTIONS.index(one)] = changed.ravel()
        if len(_KEPT) >= _KEPT_LIMIT:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[key] = found
    return _KEPT[key]


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
