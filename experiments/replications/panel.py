"""Simulated panels: the same households with and without the instruments, month by month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.replications.observe import (
    BOOK_COLUMNS,
    applicants,
    copy_of,
    household_books,
    information_rank,
    natural_baskets,
    where_from,
)  # fmt: skip
from model.agents.household_layout import NODE_UNIT, VOUCHER_COUNTERS, Columns, Month
from model.agents.household_layout import field as field_of
from model.agents.households import consumption_by_category, nondurable_budget
from model.dimensions import CATEGORIES, ITEM_CATEGORY, ITEMS, NOT_OWNED, SECTORS
from model.economy import Economy
from model.policy.levers.vouchers import DAYS_IN_MONTH, VoucherLever
from model.scenario import Scenario

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
FEN: Final = 100.0
SEMI_DURABLES: Final = ("apparel", "daily_goods")
DURABLES: Final = ("appliances", "cars", "digital")
CAR: Final = ITEMS.index("car")
INCOME_CLASS_NODES: Final = 6
PLAIN: Final = frozenset(  # known without books
    {"consumption", "income", "saving", "liquid", "units.appliances", "units.digital"}
    | {f"units.{item}" for item in ITEMS} | {f"price.{name}" for name in CATEGORIES}
)  # fmt: skip
RECEIPTS: Final = ("issued", "transfers", "pension_rise", "floor_rise", "subsidy")


@dataclass(frozen=True)
class Terms:
    """What the vouchers of a study cover.

    `window` is the part of a month's purchases of a category made at participating shops while a
    voucher is valid; `threshold` in yuan.
    """

    categories: tuple[int, ...] = ()
    window: dict[int, float] = field(default_factory=dict)
    threshold: float = 0.0


@dataclass
class Seen:
    """One month of every household, in yuan and counts: what outcomes are computed from."""

    columns: Columns
    books: I64 | None
    month: Month
    economy: Economy
    place: I64
    residence: I64
    terms: Terms

    def book(self, name: str, position: int | None = None) -> F64:
        """One field of the books (summed, or one position of it)."""
        if self.books is None:
            raise ValueError(f"{name} needs the books of households")
        first, last = BOOK_COLUMNS[name]
        if position is not None:
            return self.books[:, first + position].astype(float)
        return self.books[:, first:last].sum(axis=1).astype(float)

    def category(self, at: int) -> F64:
        """Spending on one category: its share of the budget, and what is bought outside it."""
        node = self.book("node").astype(np.int64)
        between = self.book("position") / NODE_UNIT
        shares = self.month.budget.engel[:, :, at]
        share = shares[self.residence, node] * (1.0 - between)
        share += shares[self.residence, np.minimum(node + 1, shares.shape[1] - 1)] * between
        return (self.book("budget") * share + self.book("event_spending", at)) / FEN

    def bought(self, item: int) -> F64:
        """Units of an item bought this month: what has just been bought is of age 0."""
        return np.asarray((self.columns.durable[item] == 0).astype(float))

    def natural(self, at: int) -> F64:
        """What is bought of a category at participating shops while vouchers are valid."""
        bought = self.category(at) - self.book("event_spending", at) / FEN
        return bought * self.terms.window.get(at, 0.0)

    def counter(self, name: str) -> F64:
        """A voucher counter of every household, yuan."""
        return self.book("vouchers", VOUCHER_COUNTERS.index(name)) / FEN


def _sum_of(names: Sequence[str]) -> Callable[[Seen], F64]:
    return lambda seen: np.asarray(sum(seen.category(CATEGORIES.index(n)) for n in names))


def _platform(seen: Seen) -> F64:
    """Purchases at participating shops: what is bought anyway and what vouchers add, gross."""
    anyway = sum((seen.natural(at) for at in seen.terms.categories), np.zeros(len(seen.place)))
    return np.asarray(anyway + seen.counter("topped_up") + seen.counter("outings"))


def _online(seen: Seen) -> F64:
    """Purchases online or outside the province of the vouchers' categories.

    What vouchers add is bought at local shops. The model does not say where displaced purchases
    would have been made; here a category's outside share of them was online.
    """
    share = seen.economy.parameters["outside.outside_share"]
    found, mean = np.zeros(len(seen.place)), 0.0
    for at in seen.terms.categories:
        found += float(share[CATEGORIES[at]]) * seen.category(at)
        mean += float(share[CATEGORIES[at]]) / len(seen.terms.categories)
    return np.asarray(found - mean * (seen.counter("topped_up") + seen.counter("outings")))


def _payments(seen: Seen) -> F64:
    """Number of payments in the vouchers' categories: natural occasions and net outings."""
    occasions = seen.economy.parameters["households.vouchers.occasions"]
    natural = sum(float(occasions[CATEGORIES[at]]) for at in seen.terms.categories)
    outings, topped = seen.counter("outings"), seen.counter("topped_up")
    net = outings * (1.0 - seen.counter("displaced") / np.maximum(outings + topped, 1.0))
    return np.asarray(natural + net / max(seen.terms.threshold, 1.0))


def _basket(seen: Seen) -> F64:
    """Basket a household shows the platform: the redeemed one, else its largest natural one."""
    found = np.zeros(len(seen.place))
    block, parameters = seen.economy.household_block, seen.economy.parameters
    for slot, batch in enumerate(seen.economy.surface.batches):
        spending = seen.category(batch.category)
        spending = spending - seen.book("event_spending", batch.category) / FEN
        natural = natural_baskets(block, seen.month, batch, slot, parameters, spending)
        found = np.maximum(found, natural)
    sold = seen.counter("platform_sales")
    return np.where(seen.counter("redeemed") > 0.0, sold, found)


def _units(items: Sequence[str]) -> Callable[[Seen], F64]:
    return lambda seen: np.asarray(sum(seen.bought(ITEMS.index(i)) for i in items))


def _price(category: str) -> Callable[[Seen], F64]:
    at = CATEGORIES.index(category)
    return lambda seen: np.asarray(seen.economy.plan.prices[seen.place, at])


def _scalar(name: str, unit: float = FEN) -> Callable[[Seen], F64]:
    return lambda seen: seen.book(name) / unit


def _buyer_gain(seen: Seen) -> F64:
    """Car subsidy less what buyers pay above the list price of their class, yuan."""
    classes = seen.book("node").astype(np.int64) // INCOME_CLASS_NODES
    listed = seen.month.goods.item_price[seen.place, CAR, classes] / FEN
    paid = seen.book("event_spending", CATEGORIES.index("cars")) / FEN
    above = paid - seen.book("units", CAR) * listed
    subsidy = seen.book("subsidy_instant", CAR) + seen.book("subsidy_claims", CAR)
    return np.asarray(np.where(subsidy > 0.0, subsidy / FEN - above, 0.0))


def outcome_table() -> dict[str, Callable[[Seen], F64]]:
    """How every outcome is computed."""
    found: dict[str, Callable[[Seen], F64]] = {
        "consumption": lambda seen: seen.columns.spending / FEN,
        "consumption_without_vehicles": lambda seen: (
            seen.columns.spending / FEN - seen.category(CATEGORIES.index("cars"))
        ),
        "ordinary_consumption": lambda seen: (
            seen.columns.spending / FEN - _sum_of(DURABLES)(seen) - seen.book("medical") / FEN
        ),
        "durables": _sum_of(DURABLES),
        "semi_durables": _sum_of(SEMI_DURABLES),
        "nondurables": lambda seen: (
            seen.columns.spending / FEN - _sum_of((*DURABLES, *SEMI_DURABLES))(seen)
        ),
        "voucher_categories": lambda seen: np.asarray(
            sum(seen.category(at) for at in seen.terms.categories)
        ),
        "non_health": lambda seen: (
            seen.columns.spending / FEN - seen.category(CATEGORIES.index("health"))
        ),
        "saving": lambda seen: (seen.columns.income - seen.columns.spending) / FEN,
        "income": lambda seen: seen.columns.income / FEN,
        "income_without_pension": lambda seen: (
            (seen.columns.income - seen.book("pensions") - seen.book("transfers")) / FEN
        ),
        "liquid": lambda seen: seen.columns.liquid / FEN,
        "platform": _platform,
        "online": _online,
        "payments": _payments,
        "basket": _basket,
        "employed": _scalar("employed", 1.0),
        "subsidy": lambda seen: (seen.book("subsidy_instant") + seen.book("subsidy_claims")) / FEN,
        "subsidised_units": _scalar("subsidised_units", 1.0),
        "buyer_gain": _buyer_gain,
        "units.appliances": _units([i for i in ITEMS if ITEM_CATEGORY[i] == "appliances"]),
        "units.digital": _units([i for i in ITEMS if ITEM_CATEGORY[i] == "digital"]),
        "benefit": lambda seen: (seen.book("pensions") + seen.book("transfers")) / FEN,
    }
    for name in ("pensions", "transfers", "pension_rise", "floor_rise", "loans"):
        found[name] = _scalar(name)
    for name in ("issued", "redeemed", "platform_sales"):
        found[name] = lambda seen, name=name: seen.counter(name)  # type: ignore[misc]
    for category in CATEGORIES:
        found[f"consumption.{category}"] = _sum_of((category,))
        found[f"price.{category}"] = _price(category)
    for item in ITEMS:
        found[f"units.{item}"] = _units((item,))
    for number, sector in enumerate(SECTORS):
        found[f"employed.{sector}"] = lambda seen, at=number: seen.book("employed", at)  # type: ignore[misc]
    return found


OUTCOME_TABLE: Final = outcome_table()


def aggregate(economy: Economy, name: str) -> float:
    """One month of the whole province, yuan: what official statistics would show."""
    totals = economy.totals
    if name == "consumption":
        return float(consumption_by_category(totals, economy.engel).sum()) / FEN
    if name == "consumption_adjusted":
        budget = nondurable_budget(totals)
        whole = float(consumption_by_category(totals, economy.engel).sum())
        season = np.resize(economy.season_total, budget.size)
        return float(whole - budget.sum() + (budget / season).sum()) / FEN
    if name == "subsidy":
        paid = field_of(totals, "subsidy_instant").sum() + field_of(totals, "subsidy_claims").sum()
        return float(paid) / FEN
    if name == "durables" or name.startswith("consumption."):
        wanted = DURABLES if name == "durables" else (name.partition(".")[2],)
        by_category = consumption_by_category(totals, economy.engel).sum(axis=(0, 1))
        return float(by_category[[CATEGORIES.index(c) for c in wanted]].sum()) / FEN
    if name in ("pension_rise", "transfers"):
        return float(field_of(totals, name).sum()) / FEN
    raise ValueError(f"no aggregate series of {name}")


@dataclass(frozen=True)
class Traits:
    """What households were in the month before the event; every array [household]."""

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
        wage, before.earnings / regular, before.liquid / FEN / income, car_age, income,
    )  # fmt: skip


def _terms(economy: Economy) -> Terms:
    """What the voucher levers of a scenario cover."""
    window: dict[int, float] = {}
    threshold = 0.0
    for lever in economy.levers:
        if isinstance(lever, VoucherLever):
            days = min(lever.settings.validity_days / DAYS_IN_MONTH, 1.0)
            threshold = max(lever.settings.threshold_yuan, lever.settings.face_yuan)
            for name in lever.settings.categories:
                window[CATEGORIES.index(name)] = days * lever.settings.participating_share
    return Terms(tuple(sorted(window)), window, threshold)


Watch = Callable[[int, Seen], None]


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
        see(number, Seen(block.columns, kept["books"], kept["month"], economy, place, residence, terms))


Spans = dict[str, tuple[int, int]]  # first and last month of the run in which it is read


def build(
    with_policy: Scenario, without: Scenario, event: int, spans: Spans, series: Sequence[str],
    receipts: bool = True, threads: int = 1,
) -> Panel:  # fmt: skip
    """Run both sides and keep each outcome for its span, and the aggregate `series` throughout.

    Months outside an outcome's span stay zero and are never read. Without `receipts` nobody asks
    who got what in the event month.
    """
    economy = Economy(with_policy, lean=True, threads=threads)
    terms = _terms(economy)
    found: dict[str, Any] = {"received": {}, "applied": np.zeros(0, dtype=bool)}

    def note(number: int, seen: Seen) -> None:
        if number == max(event - 1, 0):
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
    baseline, sums_without = _record(other, spans, series, None, terms, lambda number, seen: None)
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
