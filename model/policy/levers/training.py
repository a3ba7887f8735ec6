"""Training: time lost while courses last, then more output and pay per worker, and matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.programme import (
    FEN_IN_YUAN,
    SCHOOLS,
    ProgrammeLever,
    in_sector,
    on,
    spread,
)  # fmt: skip
from model.policy.settings_people import Training


@dataclass
class TrainingLever(ProgrammeLever):
    """Trainees of the sectors named, spread evenly over their workers.

    Who has been trained stays trained; nobody is trained twice.
    """

    settings: Training

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write productivity of the cells and matching of the places."""
        people = float((setting.opening.persons * self.cells()).sum())
        in_course, trained = self._shares(setting, max(people, 1.0))
        number = setting.parameters.number
        gain = number("labour.training_gain") * trained
        lost = number("labour.training_time") * in_course
        surface.markets.productivity *= on(self.cells(), 1.0 + gain - lost)
        matched = number("labour.training_matching") * trained
        surface.markets.matching *= on(self.places(), 1.0 + matched)

    def _shares(self, setting: Setting, people: float) -> tuple[float, float]:
        """Shares of workers in a course now, and trained before."""
        year = setting.parameters.number("numerics.months_per_year")
        months = int(setting.parameters.number("labour.training_months"))
        begun = np.cumsum(self.delivered) * self.settings.trainees_per_year / year / people
        now = float(begun[setting.month])
        ended = float(begun[setting.month - months]) if setting.month >= months else 0.0
        return min(now, 1.0) - min(ended, 1.0), min(ended, 1.0)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Courses are bought from schools where the workers are."""
        s = self.settings
        year = setting.parameters.number("numerics.months_per_year")
        yuan = s.trainees_per_year * s.yuan_per_trainee / year * self.strength(setting)
        people = (setting.opening.persons * self.cells()).sum(axis=1)
        due = in_sector(spread(round(yuan * FEN_IN_YUAN), people), SCHOOLS)
        return payments(self.name, "suppliers", due, s.payers)
