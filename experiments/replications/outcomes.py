"""Outcomes: what a study observes of a household in a month, or of the province."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.replications.observe import BOOK_COLUMNS, natural_baskets
from model.agents.household_layout import NODE_UNIT, VOUCHER_COUNTERS, Columns, Month
from model.agents.household_layout import field as field_of
from model.agents.households import consumption_by_category, nondurable_budget
from model.dimensions import CATEGORIES, CATEGORY_SECTOR_INDEX, ITEM_CATEGORY, ITEMS, SECTORS
from model.economy import Economy

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
FEN: Final = 100.0
SEMI_DURABLES: Final = ("apparel", "daily_goods")
DURABLES: Final = ("appliances", "cars", "digital")
CAR: Final = ITEMS.index("car")
INCOME_CLASS_NODES: Final = 6
PLAIN: Final = frozenset(  # known without books
    {"consumption", "income", "saving", "support", "liquid", "units.appliances", "units.digital"}
    | {f"units.{item}" for item in ITEMS} | {f"price.{name}" for name in CATEGORIES}
    | {f"shop_price.{name}" for name in CATEGORIES}
)  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """What the vouchers of a study cover.

    `window` is the part of a month's purchases of a category made at participating shops while a
    voucher is valid; `threshold` and `face` in yuan; `participating` is the share of sales at
    shops that take vouchers, `platform_share` that paid on the platform of the study anyway.
    """

    categories: tuple[int, ...] = ()
    window: dict[int, float] = field(default_factory=dict)
    threshold: float = 0.0
    face: float = 1.0
    participating: float = 1.0
    platform_share: float = 1.0


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
            return np.asarray(self.books[:, first + position].astype(float))
        return np.asarray(self.books[:, first:last].sum(axis=1).astype(float))

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
    """Purchases at participating shops that the platform sees.

    Its share of what is bought anyway; all of a bill a voucher is used on, because the voucher
    works on the platform only; and what vouchers add, gross.
    """
    anyway = sum((seen.natural(at) for at in seen.terms.categories), np.zeros(len(seen.place)))
    added, share = seen.counter("topped_up") + seen.counter("outings"), seen.terms.platform_share
    bills = seen.counter("platform_sales") - added
    return np.asarray(share * anyway + (1.0 - share) * bills + added)


def _online(seen: Seen) -> F64:
    """Purchases online or outside the province of the vouchers' categories.

    What vouchers add is bought at participating shops. What they move comes from sellers that do
    not take part; of those, the category's outside share of all sales is online.
    """
    share, terms = seen.economy.parameters["outside.outside_share"], seen.terms
    moved, found, from_online = seen.counter("displaced"), np.zeros(len(seen.place)), 0.0
    net = seen.counter("topped_up") + seen.counter("outings") - moved
    for at in terms.categories:
        outside = float(share[CATEGORIES[at]])
        found += outside * (seen.category(at) - net / len(terms.categories))
        others = max(1.0 - terms.participating, outside)
        from_online += outside / others / len(terms.categories)
    return np.asarray(found - from_online * moved)


def _payments(seen: Seen) -> F64:
    """Number of payments on the platform in the vouchers' categories.

    Its share of natural occasions, those on which a voucher brought the payment to the platform,
    and outings less the occasions they replace.
    """
    occasions = seen.economy.parameters["households.vouchers.occasions"]
    natural = sum(float(occasions[CATEGORIES[at]]) for at in seen.terms.categories)
    outings, topped = seen.counter("outings"), seen.counter("topped_up")
    share, bill = seen.terms.platform_share, max(seen.terms.threshold, 1.0)
    replaced = share * outings * seen.counter("displaced") / np.maximum(outings + topped, 1.0)
    brought = seen.counter("redeemed") / max(seen.terms.face, 1.0) - outings / bill
    return np.asarray(share * natural + (1.0 - share) * brought + (outings - replaced) / bill)


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


def _shop_price(category: str) -> Callable[[Seen], F64]:
    """What sellers of the own place ask, next to `_price` of what its residents buy anywhere."""
    sector = CATEGORY_SECTOR_INDEX[CATEGORIES.index(category)]
    return lambda seen: np.asarray(seen.economy.markets.firms.price[seen.place, sector])


def _scalar(name: str, unit: float = FEN) -> Callable[[Seen], F64]:
    return lambda seen: seen.book(name) / unit


def _buyer_gain(seen: Seen) -> F64:
    """Car subsidy less what buyers pay above the list price of the class they buy, yuan.

    That is the dearest class, not above their own, whose list price they pay.
    """
    classes = seen.book("node").astype(np.int64) // INCOME_CLASS_NODES
    paid = seen.book("event_spending", CATEGORIES.index("cars")) / FEN
    listed = seen.month.goods.item_price[seen.place, CAR] / FEN
    open_ = (np.arange(listed.shape[1]) <= classes[:, None]) & (listed <= paid[:, None])
    above = paid - np.where(open_, listed, 0.0).max(axis=1)
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
        "support": lambda seen: np.maximum(seen.columns.support, 0) / FEN,
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
        found[f"shop_price.{category}"] = _shop_price(category)
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
