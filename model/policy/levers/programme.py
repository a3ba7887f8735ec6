"""What the levers of programmes share: the strength of the month, and money by place and sector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from model.dimensions import PLACES, SECTORS
from model.policy.instruments import Instruments
from model.policy.levers.base import F64, I64, Payment, Setting, payments, place_mask
from model.policy.programme_settings import Programme
from model.whole_numbers import compiled

T = TypeVar("T")

FEN_IN_YI_YUAN = 10**10
FEN_IN_YUAN = 100
PERCENT = 100.0
NOWHERE = -1
SHAPE = (len(PLACES), len(SECTORS))
CONSTRUCTION = SECTORS.index("industry_and_construction")
SCHOOLS = SECTORS.index("housing_utilities_transport_education")
CULTURE = SECTORS.index("culture_and_tourism")
BUSINESS_SERVICES = SECTORS.index("public_finance_business")


@dataclass(frozen=True)
class Weights:
    """How money is spread: `shares` of any shape add up to 1; `heaviest` takes the rounding.

    `part` of the money is spread: less than 1 for the part of a programme in some of its cities.
    """

    shares: F64
    heaviest: int
    part: float = 1.0

    @classmethod
    def of(cls, weights: F64, everyone: F64 | None = None) -> Weights:
        """In proportion to `weights`; if all are zero nothing can be spread.

        `everyone` holds the weights of all who share the money, if there are others.
        """
        if not weights.any():
            return cls(np.zeros(weights.shape), NOWHERE)
        part = 1.0 if everyone is None else float(weights.sum() / everyone.sum())
        return cls(np.ascontiguousarray(weights / weights.sum()), int(weights.argmax()), part)

    def amount(self, total: int) -> int:
        """What is spread of `total`."""
        return total if self.part == 1.0 else round(total * self.part)


@dataclass
class ProgrammeLever:
    """A lever whose effect is `delivered` [month], 0 before and after the programme.

    What stands still from month to month is not worked out again, see `kept`.
    """

    name: str
    settings: Programme
    delivered: F64
    _results: dict[str, tuple[tuple[object, ...], Any]] = field(
        default_factory=dict, init=False, repr=False
    )

    def strength(self, setting: Setting) -> float:
        """Share of the programme that reaches people this month."""
        return float(self.delivered[setting.month])

    def kept(self, name: str, work: Callable[[], T], *inputs: object) -> T:
        """Result of `work`, done again only if one of `inputs` changes; not to be written to.

        `inputs` are all that the result depends on besides the settings and the opening.
        """
        found = self._results.get(name)
        if found is None or found[0] != inputs:
            found = self._results[name] = inputs, work()
        return cast(T, found[1])

    @cached_property
    def begins(self) -> int:
        """First month in which anything is delivered; the end of the run if never."""
        begun = self.delivered > 0.0
        return int(begun.argmax()) if begun.any() else len(begun)

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Write this month's part of the policy surface."""

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Nothing to pay."""
        return []

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Nothing outside the accounts: what firms pay for a programme is billed to them."""
        return 0, 0

    @cached_property
    def places(self) -> F64:
        """0/1 by place."""
        return place_mask(self.settings.cities).astype(float)

    def weights(self, each: F64) -> Weights:
        """The places in proportion to `each` [place, ...], as a part of all that share money."""
        shape, part_of = (-1,) + (1,) * (each.ndim - 1), self.settings.part_of
        mine = each * self.places.reshape(shape)
        if part_of is None:
            return Weights.of(mine)
        return Weights.of(mine, each * place_mask(part_of.cities).reshape(shape))

    @cached_property
    def cells(self) -> F64:
        """0/1 by place and sector: the sectors named, or all."""
        return np.outer(self.places, self._sectors)

    @cached_property
    def _sectors(self) -> F64:
        chosen: Sequence[str] | None = getattr(self.settings, "sectors", None)
        return np.array([float(chosen is None or sector in chosen) for sector in SECTORS])

    def home_share(self, setting: Setting) -> float:
        """Share of households that live in the places."""
        homes = setting.households
        return self.kept("home_share", lambda: float((homes * self.places).sum() / homes.sum()))

    def homes(self, setting: Setting) -> Weights:
        """Places in proportion to households."""
        return self.kept("homes", lambda: self.weights(setting.households.astype(float)))

    def sales(self, setting: Setting) -> Weights:
        """Cells in proportion to their normal sales."""
        output = setting.opening.output
        return self.kept("sales", lambda: self.weights(output * self._sectors))

    def place_sales(self, setting: Setting) -> Weights:
        """Places in proportion to normal sales of their cells."""
        output = setting.opening.output
        return self.kept("place_sales", lambda: self.weights((output * self._sectors).sum(axis=1)))

    def month_fen(self, setting: Setting, yi_yuan_per_year: float) -> int:
        """Part of a yearly amount that falls in this month, fen."""
        return round(yi_yuan_per_year * FEN_IN_YI_YUAN / setting.year * self.strength(setting))

    def money(self, name: str, total: int, weights: Weights) -> I64:
        """`total` fen spread by `weights`; not to be written to."""
        return self.kept(name, lambda: spread(total, weights), total)

    def due(
        self, receiver: str, total: int, weights: Weights, sector: int | None = None
    ) -> list[Payment]:
        """Payments of `total` fen by the programme's payers, spread by `weights`.

        With `sector` the weights are those of places and all money goes to that sector.
        """
        if total == 0:
            return []
        return self.kept(receiver, lambda: self._pay(receiver, total, weights, sector), total)

    def _pay(
        self, receiver: str, total: int, weights: Weights, sector: int | None
    ) -> list[Payment]:
        money = spread(total, weights)
        amounts = money if sector is None else in_sector(money, sector)
        payers: dict[str, float] = getattr(self.settings, "payers")  # noqa: B009 (not of all)
        return payments(self.name, receiver, amounts, payers)

    def build(
        self, setting: Setting, surface: Instruments, capacity_percent: float, months: int
    ) -> None:
        """Write the capacity that is completed this month, `months` after work on it."""
        added = self.added_capacity(setting, months)
        if added and capacity_percent:
            headroom = setting.parameters.number("firms.capacity_headroom")
            room = headroom * capacity_percent / PERCENT
            surface.markets.capacity += room * added * self.cells

    def added_capacity(self, setting: Setting, construction_months: int) -> float:
        """Share of the programme that is completed this month; what is built stays built."""
        built = self.kept("built", lambda: np.maximum.accumulate(self.delivered).tolist())
        now = setting.month - construction_months
        before = float(built[now - 1]) if now > 0 else 0.0
        return float(built[now]) - before if now >= 0 else 0.0


def percent(value: float, strength: float) -> float:
    """Ratio of a change in per cent at the strength of the month."""
    return 1.0 + value / PERCENT * strength


def on(mask: F64, ratio: float) -> F64:
    """`ratio` where the mask is 1, else 1."""
    return np.where(mask > 0, ratio, 1.0)


def scale(target: F64, mask: F64, ratio: float) -> None:
    """Multiply `target` by `ratio` where the mask of the same shape is 1."""
    if ratio != 1.0:
        _scale(target, mask, ratio)


@compiled
def _scale(target: F64, mask: F64, ratio: float) -> None:
    where, into = mask.reshape(-1), target.reshape(-1)  # views, or no compilation
    for at in range(where.size):
        if where[at] > 0:
            into[at] *= ratio


@compiled
def _spread(total: int, shares: F64, heaviest: int) -> I64:
    parts, left = np.empty(shares.shape, np.int64), total
    into, wanted = parts.ravel(), shares.ravel()
    for k in range(wanted.size):
        into[k] = np.int64(np.floor(total * wanted[k]))
        left -= into[k]
    if heaviest != NOWHERE:
        into[heaviest] += left
    return parts


def spread(total: int, weights: Weights) -> I64:
    """Whole fen in proportion to `weights`; the heaviest takes the rounding. Zero weights: none."""
    return _spread(weights.amount(total), weights.shares, weights.heaviest)


def in_sector(by_place: I64, sector: int) -> I64:
    """Money by place as [place, sector], all in one sector."""
    cells = np.zeros(SHAPE, np.int64)
    cells[:, sector] = by_place
    return cells


def over_sales(money: I64, setting: Setting) -> F64:
    """Money as a share of normal sales of the month [place, sector]."""
    return np.asarray(money / setting.normal_sales)
