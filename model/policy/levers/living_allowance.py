"""A higher line of the minimum living allowance, paid by cities and refunded by the payers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.dimensions import PLACES
from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, by_place, payments
from model.policy.levers.programme import ProgrammeLever, on, percent
from model.policy.levers.social_protection import part_of
from model.policy.settings_people import LivingAllowance


@dataclass
class LivingAllowanceLever(ProgrammeLever):
    """Tops incomes up to a higher line."""

    settings: LivingAllowance
    _mine: F64 = field(default_factory=lambda: np.zeros(len(PLACES)), init=False)
    _surface: Instruments | None = field(default=None, init=False)

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the ratio of the line."""
        before = surface.allowance_ratio
        ratio = percent(self.settings.line_percent, self.strength(setting))
        surface.allowance_ratio = before * on(self.places(), ratio)
        self._mine, self._surface = surface.allowance_ratio - before, surface

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Cities pay allowances; here, what they get back for the rise."""
        if self._surface is None:
            return []
        rise = by_place(totals, "allowance_rise")[:, 0]
        due = part_of(rise, self._mine, self._surface.allowance_ratio - 1.0)
        return payments(self.name, "cities", due, self.settings.payers)
