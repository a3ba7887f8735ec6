"""Consumption vouchers: rounds of "spend M, save v", funded by cities with a provincial match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zlib import crc32

import numpy as np

from model.agents.household_layout import (
    C_REDEEMED,
    VOUCHER_COUNTERS,
    VOUCHER_SLOTS,
)  # fmt: skip
from model.dimensions import AGE_GROUPS, CATEGORIES, PLACES, RESIDENCES
from model.policy.instruments import ALL_RESIDENCES, Instruments, VoucherBatch
from model.policy.levers.base import (
    F64,
    I64,
    Payment,
    Setting,
    by_place,
    group_mask,
    place_mask,
)  # fmt: skip
from model.policy.settings import CityTerms, Vouchers

DAYS_IN_MONTH = 30.0
FEN_IN_YI_YUAN = 10**10


@dataclass
class VoucherLever:
    """Issues each round in its month; a validity beyond a month is issued in monthly parts.

    `rounds` maps a month of the run to the validity in days of the round that starts then.
    """

    name: str
    settings: Vouchers
    rounds: dict[int, int]
    _issued: list[tuple[int, VoucherBatch]] = field(default_factory=list)

    @property
    def begins(self) -> int:
        """Month of the first round."""
        return min(self.rounds, default=0)

    def act(self, setting: Setting, surface: Instruments) -> None:
        """Decide the money of a round that starts, then put this month's batches on the surface."""
        self._issued = []
        for number, (start, days) in enumerate(self.rounds.items()):
            parts = max(1, round(days / DAYS_IN_MONTH))
            if start <= setting.month < start + parts:
                self._issue(setting, surface, number, days)

    def _issue(self, setting: Setting, surface: Instruments, number: int, days: int) -> None:
        validity, parts = min(days / DAYS_IN_MONTH, 1.0), max(1, round(days / DAYS_IN_MONTH))
        own, matched = self._money(setting)
        for name, share in self.settings.categories.items():
            slot = len(surface.batches)
            if slot >= VOUCHER_SLOTS:
                raise ValueError(f"more than {VOUCHER_SLOTS} voucher batches in one month")
            money = np.floor((own + matched) * share / parts).astype(np.int64)
            city = np.floor(own * share / parts).astype(np.int64)
            batch = self._batch(CATEGORIES.index(name), validity, money, city, setting)
            batch = replace(batch, luck=_luck(self.name, number, name))
            self._issued.append((slot, batch))
            surface.batches.append(batch)

    def _batch(
        self, category: int, validity: float, money: I64, own: I64, setting: Setting
    ) -> VoucherBatch:
        s, target = self.settings, self.settings.target
        ages = target.age_groups if target else None
        named = None if ages is None else tuple(AGE_GROUPS.index(a) for a in ages)
        groups = group_mask(target.quintiles if target else None, named)
        homes = target.residence if target and target.residence else RESIDENCES
        rate = setting.parameters["households.vouchers.application"][s.allocation]
        return VoucherBatch(
            self.name, category, round(s.face_yuan * 100), round(s.threshold_yuan * 100),
            s.per_person, validity, s.participating_share, float(rate), s.digital_required,
            int(sum(1 << int(g) for g in np.flatnonzero(groups))),
            sum(1 << RESIDENCES.index(home) for home in homes) & ALL_RESIDENCES, money, own,
        )  # fmt: skip

    def _money(self, setting: Setting) -> tuple[F64, F64]:
        """Own and provincial money of a round [place], fen."""
        fund, mask = self.settings.funding, place_mask(self.settings.cities)
        homes = setting.households * mask
        weight = homes / homes.sum()
        if fund.mode == "fixed":
            money = (fund.budget_yi_yuan or 0.0) * FEN_IN_YI_YUAN * weight
            own = money / (1.0 + fund.match_ratio)
            return own, money - own
        if fund.city_terms:
            return self._by_city(fund.city_terms, setting, weight)
        if fund.city_quota:
            quota = np.array([fund.city_quota.get(place, 0.0) for place in PLACES])
        else:
            quota = (fund.provincial_quota_yi_yuan or 0.0) * weight
        quota = quota * FEN_IN_YI_YUAN / 100.0
        own, matched = setting.cities.co_finance(
            fund.match_ratio, quota, setting.households.astype(float), setting.trend
        )
        return own * mask * 100.0, matched * mask * 100.0

    def _by_city(
        self, terms: Mapping[str, CityTerms], setting: Setting, weight: F64
    ) -> tuple[F64, F64]:
        """As `_money` with terms of their own; cities without terms issue nothing."""
        listed = [terms.get(place) for place in PLACES]
        match = np.array([0.0 if one is None else one.match_ratio for one in listed])
        quota = np.array([0.0 if t is None else t.provincial_quota_yi_yuan for t in listed])
        own, matched = setting.cities.co_finance(
            match, quota * weight * FEN_IN_YI_YUAN / 100.0, setting.households.astype(float),
            setting.trend,
        )  # fmt: skip
        taking_part = np.array([float(one is not None) for one in listed])
        return own * taking_part * 100.0, matched * taking_part * 100.0

    def bill(self, setting: Setting, totals: I64) -> list[Payment]:
        """Redeemed vouchers, borne by city and province in the proportion of their money."""
        shape = (len(PLACES), len(CATEGORIES))
        city, province = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        counters = by_place(totals, "vouchers").reshape(len(PLACES), -1, len(VOUCHER_COUNTERS))
        for slot, batch in self._issued:
            redeemed = counters[:, slot, C_REDEEMED]
            share = batch.own_money / np.maximum(batch.money, 1)
            part = np.rint(redeemed * share).astype(np.int64)
            city[:, batch.category] += part
            province[:, batch.category] += redeemed - part
        named = (("cities", city), ("province", province))
        return [Payment(self.name, payer, "sellers", due) for payer, due in named if due.any()]

    def direct_costs(self, totals: I64) -> tuple[int, int]:
        """Nothing outside the budgets."""
        return 0, 0


def _luck(policy: str, number: int, category: str) -> int:
    """A number below 2**31 for the draws of a round's category; other policies do not change it."""
    return crc32(f"{policy}/{number}/{category}".encode()) >> 1
