"""Training: time lost while courses last, then more output and pay per worker, and matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.policy.instruments import Instruments
from model.policy.levers.base import I64, Payment, Setting
from model.policy.levers.programme import FEN_IN_YUAN, SCHOOLS, ProgrammeLever, Weights, scale
from model.policy.settings_people import Training


@dataclass
class TrainingLever(ProgrammeLever):
    """Trainees of the sectors named, spread evenly over their workers.

    Who has been trained stays trained; nobody is trained twice.
    """

    settings: Training

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write productivity of the cells and matching of the places."""
        persons = setting.opening.persons
        people = self.kept("people", lambda: float((persons * self.cells).sum()))
        in_course, trained = self._shares(setting, max(people, 1.0))
        number = setting.parameters.number
        gain = number("labour.training_gain") * trained
        lost = number("labour.training_time") * in_course
        scale(surface.markets.productivity, self.cells, 1.0 + gain - lost)
        matched = number("labour.training_matching") * trained
        scale(surface.markets.matching, self.places, 1.0 + matched)

    def _shares(self, setting: Setting, people: float) -> tuple[float, float]:
        """Shares of workers in a course now, and trained before."""
        months = int(setting.parameters.number("labour.training_months"))
        trainees = self.settings.trainees_per_year
        begun = np.cumsum(self.delivered) * trainees / setting.year / people
        now = float(begun[setting.month])
        ended = float(begun[setting.month - months]) if setting.month >= months else 0.0
        return min(now, 1.0) - min(ended, 1.0), min(ended, 1.0)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Courses are bought from schools where the workers are."""
        s = self.settings
        yuan = s.trainees_per_year * s.yuan_per_trainee / setting.year * self.strength(setting)
        return self.due("suppliers", round(yuan * FEN_IN_YUAN), self._workers(setting), SCHOOLS)

    def _workers(self, setting: Setting) -> Weights:
        """Places in proportion to workers of the sectors named."""
        persons = setting.opening.persons
        return self.kept("workers", lambda: Weights.of((persons * self.cells).sum(axis=1)))
