"""What the levers of programmes share: the strength of the month, and money by place and sector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.dimensions import PLACES, SECTORS
from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, place_mask
from model.policy.programme_settings import Programme

FEN_IN_YI_YUAN = 10**10
FEN_IN_YUAN = 100
PERCENT = 100.0
SHAPE = (len(PLACES), len(SECTORS))
CONSTRUCTION = SECTORS.index("industry_and_construction")
SCHOOLS = SECTORS.index("housing_utilities_transport_education")
CULTURE = SECTORS.index("culture_and_tourism")
BUSINESS_SERVICES = SECTORS.index("public_finance_business")


@dataclass
class ProgrammeLever:
    """A lever whose effect is `delivered` [month], 0 before and after the programme."""

    name: str
    settings: Programme
    delivered: F64

    def strength(self, setting: Setting) -> float:
        """Share of the programme that reaches people this month."""
        return float(self.delivered[setting.month])

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write this month's part of the policy surface."""

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Nothing to pay."""
        return []

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Nothing outside the accounts: what firms pay for a programme is billed to them."""
        return 0, 0

    def places(self) -> F64:
        """0/1 by place."""
        return place_mask(self.settings.cities).astype(float)

    def cells(self) -> F64:
        """0/1 by place and sector: the sectors named, or all."""
        chosen: Sequence[str] | None = getattr(self.settings, "sectors", None)
        sectors = np.array([float(chosen is None or sector in chosen) for sector in SECTORS])
        return np.outer(self.places(), sectors)

    def month_fen(self, setting: Setting, yi_yuan_per_year: float) -> int:
        """Part of a yearly amount that falls in this month, fen."""
        year = setting.parameters.number("numerics.months_per_year")
        return round(yi_yuan_per_year * FEN_IN_YI_YUAN / year * self.strength(setting))

    def added_capacity(self, setting: Setting, construction_months: int) -> float:
        """Share of the programme that is completed this month; what is built stays built."""
        built = np.maximum.accumulate(self.delivered)
        now = setting.month - construction_months
        before = float(built[now - 1]) if now > 0 else 0.0
        return float(built[now]) - before if now >= 0 else 0.0


def percent(value: float, strength: float) -> float:
    """Ratio of a change in per cent at the strength of the month."""
    return 1.0 + value / PERCENT * strength


def on(mask: F64, ratio: float) -> F64:
    """`ratio` where the mask is 1, else 1."""
    return np.where(mask > 0, ratio, 1.0)


def spread(total: int, weights: F64) -> I64:
    """Whole fen in proportion to `weights`; the heaviest takes the rounding. Zero weights: none."""
    parts = np.zeros(weights.shape, np.int64)
    if total == 0 or not weights.any():
        return parts
    parts[:] = np.floor(total * (weights / weights.sum()))
    parts.reshape(-1)[int(weights.argmax())] += total - int(parts.sum())
    return parts


def in_sector(by_place: I64, sector: int) -> I64:
    """Money by place as [place, sector], all in one sector."""
    cells = np.zeros(SHAPE, np.int64)
    cells[:, sector] = by_place
    return cells


def over_sales(money: I64, setting: Setting) -> F64:
    """Money as a share of normal sales of the month [place, sector]."""
    return np.asarray(money / np.maximum(setting.opening.output * setting.trend, 1.0))
