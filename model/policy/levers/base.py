"""What every lever is: it writes the policy surface, then says who pays for what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import field
from model.dimensions import PLACES
from model.markets.payments import PolicyPayment
from model.parameters import Parameters
from model.policy.instruments import Instruments
from model.whole_numbers import anything, compiled

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


Payment = PolicyPayment


class Cities(Protocol):
    """The decision of cities that levers may ask for."""

    def co_finance(
        self, match_ratio: F64 | float, quota: F64, households: F64, trend: float
    ) -> tuple[F64, F64]:
        """Own and provincial programme money [place], yuan a month."""


@dataclass(frozen=True)
class Opening:
    """The average month at the opening, as statistics publish it: [place, sector], fen at trend 1.

    `persons` work in a cell, `unemployed` [place] look for work.
    """

    output: F64
    labour_cost: F64
    employees: F64  # net pay of employees
    visitors: F64
    loans: F64
    purchases: F64  # bought by budgets
    dividends: F64
    persons: F64
    unemployed: F64


@dataclass(frozen=True)
class Setting:
    """What a lever may know when it acts: never an agent, never another lever."""

    parameters: Parameters
    month: int
    trend: float
    households: I64  # [place] real households
    cities: Cities
    calendar_month: int
    opening: Opening

    @cached_property
    def year(self) -> float:
        """Months of a year."""
        return self.parameters.number("numerics.months_per_year")

    @cached_property
    def normal_sales(self) -> F64:
        """Normal sales of the month [place, sector], fen."""
        return np.maximum(self.opening.output * self.trend, 1.0)


class Lever(Protocol):
    """One policy of a scenario at work."""

    @property
    def name(self) -> str:
        """Name of the policy in the scenario."""

    @property
    def begins(self) -> int:
        """Month of the run before which it neither writes nor bills anything."""

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write this month's part of the policy surface."""

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Who pays for what households did; `totals` [cell, TOTALS], weighted."""

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """What firms and households bear outside any budget this month, fen."""


def by_place(totals: I64, name: str) -> I64:
    """A field of the totals summed over residence: [place, ...]."""
    part = field(totals, name)
    pairs = part.reshape(len(PLACES), 2, -1)
    return np.asarray(pairs[:, 0] + pairs[:, 1])


def split(amounts: I64, shares: Mapping[str, float]) -> list[tuple[str, I64]]:
    """Amounts divided over payers; each rounded once, the last payer takes the rest."""
    names = [name for name, share in shares.items() if share > 0.0]
    amounts = left = np.ascontiguousarray(amounts)
    parts: list[tuple[str, I64]] = []
    for name in names[:-1]:
        part, left = _taken(left, amounts, shares[name])
        parts.append((name, part))
    return [*parts, (names[-1], left)] if names else []


@compiled
def _taken(left: I64, amounts: I64, share: float) -> tuple[I64, I64]:
    """A share of `amounts`, at most what is `left`; and what is left then."""
    part, rest = np.empty_like(left), np.empty_like(left)
    whole, before, taken, after = amounts.ravel(), left.ravel(), part.ravel(), rest.ravel()
    for k in range(whole.size):
        taken[k] = min(np.int64(np.rint(whole[k] * share)), before[k])
        after[k] = before[k] - taken[k]
    return part, rest


def payments(lever: str, receiver: str, amounts: I64, shares: Mapping[str, float]) -> list[Payment]:
    """One payment a payer, none of zero."""
    divided = split(amounts, shares)
    return [Payment(lever, payer, receiver, part) for payer, part in divided if anything(part)]


def place_mask(cities: tuple[str, ...]) -> I64:
    """0/1 by place."""
    return _place_mask(cities).copy()


@lru_cache(maxsize=256)
def _place_mask(cities: tuple[str, ...]) -> I64:
    return np.array([int(place in cities) for place in PLACES], dtype=np.int64)


def group_mask(
    quintiles: tuple[int, ...] | None, age_groups: tuple[int, ...] | None
) -> npt.NDArray[np.bool_]:
    """Which of the groups (quintile x age group) are meant; None means all."""
    mask = np.ones((5, 4), dtype=bool)
    if quintiles is not None:
        mask &= np.isin(np.arange(1, 6), quintiles)[:, None]
    if age_groups is not None:
        mask &= np.isin(np.arange(4), age_groups)[None, :]
    return mask.ravel()
