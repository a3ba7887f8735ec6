"""Leisure: paid leave really taken is time for trips, and hours that employers lose."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.agents.household_layout import field as total_of
from model.dimensions import CATEGORIES, PLACES, SECTORS
from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Setting
from model.policy.levers.programme import PERCENT, ProgrammeLever, on
from model.policy.settings_supply import Leisure


@dataclass
class LeisureLever(ProgrammeLever):
    """Moves spending towards trips, some of them outside; pay goes on while less is produced."""

    settings: Leisure
    _lost: float = field(default=0.0, init=False)  # share of working time this month

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write effective prices of trips, the pull of the outside, and lost hours."""
        cheaper = self._cheaper(setting)
        surface.effective_price *= 1.0 - cheaper
        number, place = setting.parameters.number, setting.parameters.array("outside.outside_share")
        away = number("outside.leisure_trip_share") / place - 1.0
        surface.markets.outside_pull *= 1.0 + np.maximum(away, 0.0) * cheaper
        year = number("labour.working_days")
        made_up = number("labour.leave_made_up")
        days = self.settings.days_per_worker * self.strength(setting)
        self._lost = days / year * (1.0 - made_up)
        self._lose(setting, surface)

    def _cheaper(self, setting: Setting) -> F64:
        """Fall of the effective price [category] for the population of the places."""
        prices: dict[str, float] = setting.parameters["outside.leisure_day"]
        by_day = np.array([prices.get(name, 0.0) for name in CATEGORIES])
        off_peak = setting.parameters.number("outside.off_peak_discount") * (by_day > 0)
        homes = setting.households
        reached = float((homes * self.places()).sum() / homes.sum()) * self.strength(setting)
        s = self.settings
        moved = off_peak * s.staggered_points / PERCENT
        return np.asarray((by_day * s.days_per_worker + moved) * reached)

    def _lose(self, setting: Setting, surface: Instruments) -> None:
        """Less output per worker at the same pay: dearer labour."""
        opening, kept = setting.opening, 1.0 - self._lost
        share = opening.labour_cost / np.maximum(opening.output, 1.0)
        places = self.places()[:, None]
        surface.markets.productivity *= on(places, kept)
        surface.markets.pay *= on(places, 1.0 / kept)
        surface.markets.unit_cost *= 1.0 + share * places * (1.0 / kept - 1.0)

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Employers pay for days without work."""
        earned = total_of(totals, "earnings").reshape(len(PLACES), 2, len(SECTORS), 2)
        by_place = earned[..., 0].sum(axis=(1, 2))
        return round(float((by_place * self.places()).sum()) * self._lost), 0
