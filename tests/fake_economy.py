"""An economy whose effects are known, for tests of everything that comes after a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model.outcome import FIXED_LABELS, Outcome, Series

SIZES = {dim: len(labels) for dim, labels in FIXED_LABELS.items()}
GAIN_A_MONTH = 3e6
PAID_A_MONTH = 1e6
WINDOW = slice(2, 6)


@dataclass(frozen=True)
class FakeScenario:
    """Effects are in the scenario: gain in the window, price change, whether money is paid."""

    name: str = "vouchers"
    months: int = 14
    seed: int = 1
    scale: int = 1000
    start: str = "2026-01"
    policies: dict[str, Any] = field(default_factory=dict)
    title: dict[str, str] = field(default_factory=lambda: {"zh": "消费券", "en": "Vouchers"})
    gain: float = 0.0
    paid: float = 0.0
    prices: float = 1.0
    noise: float = 0.02


def policy(**changes: Any) -> FakeScenario:
    return FakeScenario(gain=GAIN_A_MONTH, paid=PAID_A_MONTH, **changes)


def _months(scenario: FakeScenario) -> list[str]:
    return [f"{2026 + m // 12}-{m % 12 + 1:02d}" for m in range(scenario.months)]


def _series(months: int, dims: tuple[str, ...], unit: str, value: float = 0.0) -> Series:
    shape = tuple(months if d == "month" else SIZES.get(d, 1) for d in dims)
    return Series(np.full(shape, value), dims, unit)


class FakeEconomy:
    def __init__(
        self, scenario: FakeScenario, seed: int, lean: bool = False, threads: int = 2
    ) -> None:
        self.scenario, self.seed = scenario, seed

    def run(self, progress: Callable[[int, int], None] | None = None) -> Outcome:
        months = self.scenario.months
        for month in range(months):
            if progress:
                progress(month + 1, months)
        meta: dict[str, Any] = {
            "seed": self.seed,
            "households": 17_000,
            "scale": self.scenario.scale,
        }
        meta |= {"labels": {"lever": ["vouchers"]}, "seconds": 0.5}
        return Outcome(_months(self.scenario), self._all_series(), meta)

    def _all_series(self) -> dict[str, Series]:
        months = self.scenario.months
        group = ("month", "place", "residence", "quintile", "age_group")
        found = {
            "consumption": self._consumption(),
            "income": _series(months, group, "yuan", 200.0),
            "persons": _series(months, group[1:], "persons", 70.0),
            "payments": _series(months, ("month", "lever", "source"), "yuan"),
            "employment": _series(months, ("month", "place", "sector"), "persons", 1000.0),
            "consumer_prices": _series(
                months, ("month", "category"), "index", self.scenario.prices
            ),
            "price_level": _series(months, ("month",), "index", self.scenario.prices),
            "retail_sales": _series(months, ("month", "place"), "yuan", 1e6),
            "value_added": _series(months, ("month", "place", "sector"), "yuan", 1e5),
            "revenue": _series(months, ("month", "payer"), "yuan", 1e4),
            "voucher_counters": _series(months, ("month", "place", "counter"), "yuan"),
            "residual_fen": Series(np.zeros(months, dtype=np.int64), ("month",), "fen"),
        }
        self._add_policy(found)
        return found

    def _consumption(self) -> Series:
        dims = ("month", "place", "residence", "quintile", "age_group", "category")
        base = _series(self.scenario.months, dims, "yuan", 100.0).values
        draws = np.random.default_rng(self.seed).random(base.shape[1:])
        base *= (0.5 + draws) * self.scenario.prices
        if self.scenario.gain:
            share = 1 + self.scenario.noise * (
                np.random.default_rng(self.seed + 99).random(base.shape[1:]) - 0.5
            )
            share[1:] = 0  # all of it in the first place
            base[WINDOW] += self.scenario.gain * share / (share.size / SIZES["place"])
        return Series(base, dims, "yuan")

    def _add_policy(self, found: dict[str, Series]) -> None:
        paid = found["payments"].values
        paid[WINDOW, 0, 1] = self.scenario.paid * 0.5
        paid[WINDOW, 0, 2] = self.scenario.paid * 0.5
        if self.scenario.gain:
            found["voucher_counters"].values[WINDOW, 0, 3] = 10 * self.scenario.paid
            found["voucher_counters"].values[WINDOW, 0, 5] = 2 * self.scenario.paid
            found["employment"].values[WINDOW] += 1.0
            found["revenue"].values[WINDOW, 1] += 0.25 * self.scenario.paid


class DyingEconomy(FakeEconomy):
    """Ends the whole program in the middle of a run, as an impatient user would."""

    def run(self, progress: Callable[[int, int], None] | None = None) -> Outcome:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError
