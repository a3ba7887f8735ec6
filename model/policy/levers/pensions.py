"""Higher pensions: a permanent rise from the first payment, arrears as one lump sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.dimensions import SCHEMES
from model.policy.instruments import AGE_BANDS, Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, by_place, payments, place_mask
from model.policy.settings import Pensions

EMPLOYEE, RESIDENT = SCHEMES.index("employee_pension"), SCHEMES.index("resident_pension")
BAND_AGES = (60, 75, 85)  # an age inside each band of the policy surface


@dataclass(frozen=True)
class PensionLever:
    """Raises both schemes in its cities from month `start`; nothing is spent on the news alone."""

    name: str
    settings: Pensions
    start: int

    @property
    def begins(self) -> int:
        """Month of the first payment."""
        return self.start

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write the rise, what of it households already count on, and the arrears month."""
        since = setting.month - self.start
        if since < 0:
            return
        rate, fixed = self._rise()
        cities = place_mask(self.settings.cities) > 0
        surface.pension_rate[cities] += rate
        surface.pension_fixed[cities] += fixed
        at_once = setting.parameters.number("households.pensions.recognised_at_once")
        gain = setting.parameters.number("households.pensions.recognition_gain")
        recognised = 1.0 - (1.0 - at_once) * (1.0 - gain) ** since
        known = surface.pension_recognised[cities]
        surface.pension_recognised[cities] = np.minimum(known, recognised)
        if since == 0:
            surface.arrears_rate[cities] += rate * self.settings.retroactive_months
            surface.arrears_fixed[cities] += fixed * self.settings.retroactive_months

    def _rise(self) -> tuple[F64, F64]:
        """Rise as a share [scheme] and in yuan a recipient [scheme, age band]."""
        s, rate = self.settings, np.zeros(len(SCHEMES))
        fixed = np.zeros((len(SCHEMES), AGE_BANDS))
        rate[EMPLOYEE] = s.employee_percent / 100.0
        fixed[EMPLOYEE] = [s.employee_fixed_yuan + s.tilt_at(age) for age in BAND_AGES]
        fixed[RESIDENT] = s.resident_fixed_yuan
        return rate, fixed

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """The funds pay pensions; here, what budgets give the funds for the rise."""
        if setting.month < self.start:
            return []
        rise = by_place(totals, "pension_rise")
        due = payments(self.name, "funds", rise[:, EMPLOYEE], self.settings.payers.employee)
        resident = self.settings.payers.resident
        if resident is not None:
            due += payments(self.name, "funds", rise[:, RESIDENT], resident)
        return due

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Nothing outside the budgets."""
        return 0, 0
