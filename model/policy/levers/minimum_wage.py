"""A higher minimum wage: the floor that covered workers' pay may not fall below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.agents.household_layout import field
from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, place_mask
from model.policy.settings import MinimumWage


@dataclass(frozen=True)
class MinimumWageLever:
    """Raises `wage_floor` from `start` to `end` (months of the run; None: open).

    It is enforced for covered employees or, if the settings say so, for informal ones as well.
    Employers pay: the rise reaches households as wages, firms as cost, never a budget.
    """

    name: str
    settings: MinimumWage
    start: int
    end: int | None

    def floor(self, base: F64) -> F64:
        """New floor [place] yuan a month; a tier amount never lowers the floor in force."""
        if self.settings.increase_percent is not None:
            raised = base * (1.0 + self.settings.increase_percent / 100.0)
        else:
            tiers = np.array(self.settings.tiers_yuan)
            standing = np.unique(base)[::-1]
            raised = tiers[np.minimum(np.searchsorted(-standing, -base), tiers.size - 1)]
        return np.where(place_mask(self.settings.cities) > 0, np.maximum(raised, base), base)

    @property
    def begins(self) -> int:
        """Month of the first rise."""
        return self.start

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the floor while the rise is in force."""
        if self.start <= setting.month and (self.end is None or setting.month <= self.end):
            surface.wage_floor = np.maximum(surface.wage_floor, self.floor(surface.base_wage_floor))
            if self.settings.coverage == "all_employees":
                held = place_mask(self.settings.cities).astype(np.float64)
                surface.floor_enforced = np.maximum(surface.floor_enforced, held)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """No budget pays."""
        return []

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Employers pay the rise in net wages; contributions on it come on top in the accounts."""
        return int(field(totals, "floor_rise").sum()), 0
