"""Target saving: how committed saving answers to what households expect of protection (rule H2).

A household's own committed share is that of today's beliefs, taken from the data. Part of it is a
contract (housing fund, mortgage principal); the rest is saved for targets, the sum of which is z*:
income in old age, medical bills, children, and what the well-off leave behind. When people come to
expect more protection z* falls, and the target part falls in the same ratio. Beliefs themselves
move slowly (`households.protection.recognition`), so the share needs no lag of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.agents.household_layout import F64
from model.dimensions import AGE_GROUPS, RESIDENCES, STAGES
from model.parameters import Parameters

PREFIX = "households.target_saving."
RETIRED = STAGES.index("retired")


@dataclass(frozen=True)
class SavingTargets:
    """What committed saving is for, in years of own permanent income.

    `medical`, `kept` (targets that protection does not touch) and `contract` (share of committed
    saving that is no target) are [residence, working or retired, age group]; `retirement`
    [residence, working or retired, 1] is the length in years of the old age still saved for;
    `gap` [residence, 1, 1] the wanted less the expected replacement ratio; `out_of_pocket` the
    share of bills that households expect to pay.
    """

    medical: F64
    kept: F64
    contract: F64
    retirement: F64
    gap: F64
    out_of_pocket: float

    @classmethod
    def of(cls, p: Parameters) -> SavingTargets:
        """Read from a parameter set."""
        shape = len(RESIDENCES), 2, len(AGE_GROUPS)
        in_old_age = _years_in_old_age(p)
        kept = p.array(f"{PREFIX}children") + p.number(f"{PREFIX}other")
        contract = np.zeros(shape)
        contract[:, 0] = p.array(f"{PREFIX}contract_share")[:, None]
        wanted = p.number(f"{PREFIX}wanted_replacement")
        return cls(
            _medical(p, in_old_age),
            np.broadcast_to(kept, shape),
            contract,
            np.stack([in_old_age, np.zeros_like(in_old_age)], axis=1)[..., None],
            (wanted - p.array(f"{PREFIX}expected_replacement"))[:, None, None],
            p.number("consumption.out_of_pocket"),
        )

    def total(self, relief: F64, replacement: F64) -> F64:
        """z* when bills are `relief` less and old-age income `replacement` more than today.

        Both broadcast with [residence, working or retired, age group]; no target is negative.
        """
        paid = np.maximum(self.out_of_pocket - relief, 0.0) / self.out_of_pocket
        old_age = self.retirement * np.maximum(self.gap - replacement, 0.0)
        return np.asarray(old_age + self.medical * paid + self.kept)

    def factors(self, promised: F64) -> F64:
        """Factor on committed shares [cell, working or retired x age group].

        `promised` [place, age group, PROTECTIONS] as on the policy surface. Exactly neutral where
        nothing is promised; never negative, never larger for a larger promise.
        """
        relief = promised[:, None, None, :, 0]
        replacement = promised[:, None, None, :, 2]
        left = self.total(relief, replacement) / self.total(np.zeros(1), np.zeros(1))
        share = self.contract + (1.0 - self.contract) * left
        return np.asarray(share.reshape(len(promised) * len(RESIDENCES), -1))


def _years_in_old_age(p: Parameters) -> F64:
    """Mean years in retirement [residence]."""
    return np.asarray(1.0 / (p.array("consumption.succession") * _months(p)))


def _medical(p: Parameters, in_old_age: F64) -> F64:
    """Expected bills of the rest of life, years of own income [residence, working.., age group].

    Bills are a share of income of their time; those of old age count by the replacement ratio as
    long as the household works.
    """
    chance = p.array("consumption.medical_probability")
    bill = p.number("consumption.medical_size") * p.number("consumption.out_of_pocket")
    late = chance[:, RETIRED] * in_old_age
    ahead = p.number("households.beliefs.retired_age") - p.array("households.beliefs.working_ages")
    ahead = np.append(ahead, np.zeros(len(AGE_GROUPS) - ahead.size))
    working = chance[:, :1] * ahead + (late * p.array("consumption.replacement"))[:, None]
    retired = np.broadcast_to(late[:, None], working.shape)
    bills = np.stack([working, retired], axis=1) * bill
    return np.asarray(bills * p.number(f"{PREFIX}medical_cover"))


def _months(p: Parameters) -> float:
    return p.number("numerics.months_per_year")
