"""Simulated panels: the same households with and without the instruments, month by month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.replications.observe import (
    applicants,
    copy_of,
    household_books,
    information_rank,
    where_from,
)  # fmt: skip
from experiments.replications.outcomes import (
    CAR,
    FEN,
    OUTCOME_TABLE,
    PLAIN,
    Seen,
    Terms,
    aggregate,
)  # fmt: skip
from model.agents.household_layout import Columns, Month
from model.dimensions import CATEGORIES, NOT_OWNED
from model.economy import Economy
from model.policy.levers.vouchers import DAYS_IN_MONTH, VoucherLever
from model.scenario import Scenario

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
RECEIPTS: Final = ("issued", "transfers", "pension_rise", "floor_rise", "subsidy")


@dataclass(frozen=True)
class Traits:
    """What households were before the event; every array [household]."""

    place: I64
    residence: I64
    weight: I64
    number: I64
    quintile: I64
    age_group: I64
    stage: I64
    sector: I64
    work_class: I64
    age: F64
    size: F64
    children: F64
    wage_to_floor: F64
    wage_share: F64
    liquid_months: F64
    car_age_months: F64
    monthly_income: F64


@dataclass
class Panel:
    """Outcomes [month, household] with the instruments and without, and who got what.

    `received` [household] by kind of receipt in the event month; `applied` those who applied for
    vouchers in it; `rank` by item is the information rank.
    """

    event: int
    first_calendar: int  # calendar month of the first month of the run, from 0
    traits: Traits
    treated: dict[str, F32]
    baseline: dict[str, F32]
    received: dict[str, F64]
    applied: Flags
    rank: Callable[[int], F64]
    awareness: F64
    terms: Terms
    aggregates: dict[str, F64]  # [month] of the province with the instruments, by outcome
    aggregates_without: dict[str, F64]


def traits_of(economy: Economy, before: Columns) -> Traits:
    """Traits from the columns at the end of a month."""
    place, residence, weight, number = where_from(economy.household_block)
    p = economy.parameters
    floor = p.array("population.minimum_wage")[place]
    wage = before.earnings / (1.0 - p.number("population.wage_wedge"))
    wage = wage / np.maximum(before.earners, 1) / floor
    income = np.maximum(before.income / FEN, 1.0)
    regular = np.maximum(before.earnings + before.pension, 1.0)
    owned = before.durable[CAR] != NOT_OWNED
    car_age = np.where(owned, before.durable[CAR] >> 4, np.nan)
    group = before.group.astype(np.int64)
    return Traits(
        place, residence, weight, number, group // 4 + 1, group % 4,
        before.stage.astype(np.int64), before.sector.astype(np.int64),
        before.work_class.astype(np.int64), before.age.astype(float), before.size.astype(float),
        before.children.astype(float), wage, before.earnings / regular,
        before.liquid / FEN / income, car_age, income,
    )  # fmt: skip


def _terms(economy: Economy, platform_share: float = 1.0) -> Terms:
    """What the voucher levers of a scenario cover."""
    window: dict[int, float] = {}
    threshold, face, participating = 0.0, 1.0, 1.0
    for lever in economy.levers:
        if isinstance(lever, VoucherLever):
            days = min(lever.settings.validity_days / DAYS_IN_MONTH, 1.0)
            face, participating = lever.settings.face_yuan, lever.settings.participating_share
            threshold = max(lever.settings.threshold_yuan, face)
            for name in lever.settings.categories:
                window[CATEGORIES.index(name)] = days * lever.settings.participating_share
    categories = tuple(sorted(window))
    return Terms(categories, window, threshold, face, participating, platform_share)


Watch = Callable[[int, Seen], None]


def _nothing(_: int, __: Seen) -> None:
    """Nobody looks."""


def watch(economy: Economy, books: Callable[[int], bool], terms: Terms, see: Watch) -> None:
    """Run the economy and show every month of every household to `see(month, seen)`."""
    block = economy.household_block
    place, residence, _, _ = where_from(block)
    live = block.live
    kept: dict[str, Any] = {}

    def watched(month: Month) -> I64:
        wanted = books(economy.month)
        kept["books"] = household_books(block, copy_of(block.columns), month) if wanted else None
        kept["month"] = month
        return live(month)

    block.live = watched  # type: ignore[method-assign]
    for number in range(economy.policy_scenario.months):
        economy.step()
        see(
            number,
            Seen(block.columns, kept["books"], kept["month"], economy, place, residence, terms),
        )


Spans = dict[str, tuple[int, int]]  # first and last month of the run in which it is read


def build(
    with_policy: Scenario, without: Scenario, event: int, spans: Spans, series: Sequence[str],
    receipts: bool = True, threads: int = 1, platform_share: float = 1.0, traits_month: int = -1,
) -> Panel:  # fmt: skip
    """Run both sides and keep each outcome for its span, and the aggregate `series` throughout.

    Months outside an outcome's span stay zero and are never read. Without `receipts` nobody asks
    who got what in the event month. Traits are those of `traits_month`, counted from the event.
    """
    economy = Economy(with_policy, lean=True, threads=threads)
    terms = _terms(economy, platform_share)
    found: dict[str, Any] = {"received": {}, "applied": np.zeros(0, dtype=bool)}

    def note(number: int, seen: Seen) -> None:
        if number == max(event + traits_month, 0):
            found["traits"] = traits_of(economy, seen.columns)
        if receipts and number == event:
            found["received"] = {name: OUTCOME_TABLE[name](seen) for name in RECEIPTS}
            batches = economy.surface.batches
            found["applied"] = applicants(
                economy.household_block, seen.columns, seen.month, batches
            )

    asked = event if receipts else None
    treated, sums = _record(economy, spans, series, asked, terms, note)
    other = Economy(without, lean=True, threads=threads)
    baseline, sums_without = _record(other, spans, series, None, terms, _nothing)
    awareness = economy.parameters.array("households.trade_in.awareness")
    block = economy.household_block
    return Panel(
        event, int(with_policy.start[5:7]) - 1, found["traits"], treated, baseline,
        found["received"], found["applied"], lambda item: information_rank(block, item), awareness,
        terms, sums, sums_without,
    )  # fmt: skip


def _record(
    economy: Economy, spans: Spans, series: Sequence[str], event: int | None, terms: Terms,
    also: Watch,
) -> tuple[dict[str, F32], dict[str, F64]]:  # fmt: skip
    months = economy.policy_scenario.months
    kept = {n: np.zeros((months, len(economy.household_block)), np.float32) for n in spans}
    sums = {name: np.zeros(months) for name in series}

    def read(name: str, number: int) -> bool:
        return spans[name][0] <= number <= spans[name][1]

    def books(number: int) -> bool:
        return number == event or any(read(n, number) for n in spans if n not in PLAIN)

    def see(number: int, seen: Seen) -> None:
        also(number, seen)
        for name in spans:
            if read(name, number):
                kept[name][number] = OUTCOME_TABLE[name](seen)
        for name in series:
            sums[name][number] = aggregate(economy, name)

    watch(economy, books, terms, see)
    return kept, sums
