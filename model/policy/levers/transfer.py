"""Cash to eligible households, once or every month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import field
from model.dimensions import PLACES, STAGES
from model.policy.instruments import TRANSFER_KINDS, Instruments
from model.policy.levers.base import I64, Payment, Setting, payments
from model.policy.levers.reach import eligible_mask
from model.policy.settings import Transfer


@dataclass(frozen=True)
class TransferLever:
    """Pays in month `start`, or from then on if permanent (then it is permanent income)."""

    name: str
    settings: Transfer
    start: int

    def _eligible(self) -> npt.NDArray[np.bool_]:
        """Eligible [cell, group, stage]."""
        return eligible_mask(self.settings.eligible)

    def _pays(self, month: int) -> bool:
        return month == self.start or (self.settings.permanent and month > self.start)

    @property
    def begins(self) -> int:
        """Month of the first payment."""
        return self.start

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Add the amount to the transfers of eligible households."""
        if self._pays(setting.month):
            paid = "standing" if self.settings.permanent else "once"
            kind = TRANSFER_KINDS.index(f"{paid}_{self._unit()[0]}")
            surface.transfer[kind] += self._eligible() * self._fen()

    def _unit(self) -> tuple[str, str]:
        """What the amount is paid for, as a kind of transfer and as a count of the eligible."""
        if self.settings.yuan_per_child is not None:
            return "child", "eligible_children"
        if self.settings.yuan_per_person is not None:
            return "person", "eligible_persons"
        return "household", "eligible_households"

    def _fen(self) -> int:
        s = self.settings
        return round((s.yuan_per_household or s.yuan_per_person or s.yuan_per_child or 0.0) * 100)

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """The payer owes the amount for every eligible household, person or child."""
        if not self._pays(setting.month):
            return []
        counted = field(totals, self._unit()[1])
        reached = counted.reshape(-1, self._eligible().shape[1], len(STAGES)) * self._eligible()
        amounts = reached.sum(axis=(1, 2)).reshape(len(PLACES), -1).sum(axis=1) * self._fen()
        return payments(self.name, "households", amounts, {self.settings.payer: 1.0})

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Nothing outside the budgets."""
        return 0, 0
