"""Whom a programme reaches: kind of household, conditions and places, by cell and group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.dimensions import AGE_GROUPS, GROUPS, PLACES, QUINTILES, RESIDENCES, STAGES
from model.parameters import Parameters
from model.policy.levers.base import F64, I64, group_mask, place_mask
from model.policy.setting_types import Eligible
from model.policy.settings_people import MARKS

ODDS = 2.0**32
EVERYONE = MARKS[0]


def eligible_mask(who: Eligible) -> npt.NDArray[np.bool_]:
    """Who meets the conditions [cell, group, stage]."""
    named = who.age_groups
    ages = None if named is None else tuple(AGE_GROUPS.index(age) for age in named)
    places = np.isin(PLACES, who.places or PLACES)
    residences = np.isin(RESIDENCES, who.residence or RESIDENCES)
    stages = np.isin(STAGES, who.stage or STAGES)
    cells = (places[:, None] & residences[None, :]).ravel()
    groups = group_mask(who.quintiles, ages)
    return cells[:, None, None] & groups[None, :, None] & stages[None, None, :]


def mark_share(parameters: Parameters, who: str) -> F64:
    """Share of households of a kind [cell, group, stage], from `households.marks`."""
    share = np.ones((len(RESIDENCES), QUINTILES, len(AGE_GROUPS)))
    if who != EVERYONE:
        by_income = parameters["households.marks_by_quintile"].get(who, [1.0] * QUINTILES)
        by_age = parameters.array(f"households.marks.{who}")
        share = np.minimum(by_age[:, None, :] * np.array(by_income)[None, :, None], 1.0)
    cells = np.tile(share.reshape(len(RESIDENCES), GROUPS), (len(PLACES), 1))
    return np.repeat(cells[:, :, None], len(STAGES), axis=2)


def target(parameters: Parameters, who: str, eligible: Eligible, cities: tuple[str, ...]) -> F64:
    """Share of households that are of a kind, meet the conditions and live in the cities.

    [cell, group, stage].
    """
    places = np.repeat(place_mask(cities), len(RESIDENCES))[:, None, None]
    return np.asarray(mark_share(parameters, who) * eligible_mask(eligible) * places)


def reach(targeted: F64, share: float) -> I64:
    """A share of the target [cell, group, stage], of 2**32 households."""
    return np.asarray(np.floor(targeted * (share * ODDS)), dtype=np.int64)
