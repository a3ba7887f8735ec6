"""Social protection: lower bills and wider benefits now, less fear of the future slowly."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.dimensions import AGE_GROUPS, PLACES, SECTORS
from model.policy.instruments import PROTECTIONS, Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, by_place, payments
from model.policy.levers.programme import PERCENT, ProgrammeLever, in_sector, on, percent, scale
from model.policy.settings_people import SocialProtection

CARE = SECTORS.index("care_services")
OLD_AGE = PROTECTIONS.index("old_age")
COVERED = 1  # work class of those insured against unemployment


@dataclass
class SocialProtectionLever(ProgrammeLever):
    """Writes shares of bills, benefits and the distance of beliefs from those of today.

    Beliefs move by `households.protection.recognition` a month towards what is delivered.
    """

    settings: SocialProtection
    _mine: F64 = field(default_factory=lambda: np.zeros(len(PLACES)), init=False)
    _surface: Instruments | None = field(default=None, init=False)

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write bills, benefits and beliefs."""
        s, strength, places = self.settings, self.strength(setting), self.places
        if s.out_of_pocket_points:
            before = surface.medical_share
            paid = setting.parameters.number("consumption.out_of_pocket")
            own = max(1.0 - s.out_of_pocket_points / PERCENT / paid * strength, 0.0)
            surface.medical_share = before * on(places, own)
            self._mine, self._surface = before - surface.medical_share, surface
        scale(surface.benefit_ratio, places, percent(s.benefit_percent, strength))
        if s.benefit_cover_points:
            cover = s.benefit_cover_points / PERCENT * strength * places
            surface.benefit_cover = np.minimum(surface.benefit_cover + cover, 1.0)
        reform = self.kept("reform", lambda: self.reform(setting))
        if reform.any():
            seen = self._recognised(setting)
            surface.protection += reform * (self.home_share(setting) * seen)
            surface.promised += self.kept("promise", lambda: self.promise(setting)) * seen

    def reform(self, setting: Setting) -> F64:
        """Size of the reform relative to the reference reform [PROTECTIONS].

        Consumption is solved without ages: a promise to some ages counts as a smaller one to all.
        """
        size = self._size(setting)
        size[OLD_AGE] *= self._workers(setting)
        return np.asarray(size / setting.parameters.array("households.protection.reference"))

    def promise(self, setting: Setting) -> F64:
        """Size of the reform by place and age [place, age group, PROTECTIONS]."""
        ages = np.ones((len(AGE_GROUPS), len(PROTECTIONS)))
        ages[:, OLD_AGE] = self._ages()
        return np.asarray(self.places[:, None, None] * ages * self._size(setting))

    def _size(self, setting: Setting) -> F64:
        s = self.settings
        size = np.array([s.out_of_pocket_points / PERCENT, 0.0, s.old_age_points / PERCENT])
        size[PROTECTIONS.index("jobless")] = self._jobless(setting)
        return size

    def _ages(self) -> F64:
        """1 for the ages that more is promised for old age, else 0."""
        named = self.settings.old_age_groups
        return np.array([float(named is None or age in named) for age in AGE_GROUPS])

    def _workers(self, setting: Setting) -> float:
        """Share of working households whose ages are meant."""
        if self.settings.old_age_groups is None:
            return 1.0
        shares = setting.parameters.array("households.beliefs.working_age_shares")
        return float(self._ages()[: shares.size] @ shares / shares.sum())

    def _jobless(self, setting: Setting) -> float:
        """Rise of the income share of the unemployed, mean of both residences by households."""
        s, p = self.settings, setting.parameters
        homes = np.array([p.array(f"population.households.{r}").sum() for r in ("rural", "urban")])
        full = float(np.average(p.array("labour.unemployment_benefit"), weights=setting.households))
        classes = [p.array(f"population.work_class_shares.{r}") for r in ("rural", "urban")]
        uncovered = np.array([1.0 - shares[COVERED] for shares in classes])
        gain = s.benefit_percent * p.array("consumption.unemployment_benefit")
        gain += s.benefit_cover_points * uncovered * full
        share = gain / PERCENT / p.array("consumption.anchor_income")
        return float(np.average(share, weights=homes))

    def _recognised(self, setting: Setting) -> float:
        """Part of what is delivered that households count on by now."""
        gain = setting.parameters.number("households.protection.recognition")
        seen = self.delivered[: setting.month + 1]
        return float((gain * (1.0 - gain) ** np.arange(len(seen))[::-1]) @ seen)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """The payers buy the care that households no longer pay; benefits are the funds'."""
        if self._surface is None:
            return []
        all_covered = 1.0 - self._surface.medical_share
        due = part_of(by_place(totals, "medical_covered")[:, 0], self._mine, all_covered)
        return payments(self.name, "suppliers", in_sector(due, CARE), self.settings.payers)


def part_of(amounts: I64, mine: F64, whole: F64) -> I64:
    """The part `mine` of `whole` [place] of amounts, whole fen; nothing where `whole` is 0."""
    share = np.divide(mine, whole, out=np.zeros(len(PLACES)), where=whole > 0.0)
    return np.rint(amounts * share).astype(np.int64)
