"""Settings of programmes that act on firms, supply, visitors, access, delivery and statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from model.dimensions import NONDURABLE_CATEGORIES, PLACES
from model.policy.programme_settings import (
    CalendarMonths,
    Months,
    Payers,
    Percent,
    Persons,
    Points,
    Programme,
    Sectors,
    Share,
    YiYuanPerYear,
    YuanAmount,
)
from model.policy.quantities import Choice, Quantity, month_number
from model.policy.setting_types import FOREVER, Claim, Residences, Window


class ServiceSupply(Programme):
    """Places, quality and operating money of services (care, nurseries, hotels, culture).

    `capacity_percent` more places after `construction_months`; `quality_percent` makes local
    offers more attractive than those elsewhere (it moves spending, it creates none); the operating
    subsidy lowers unit cost, of which prices take what firms pass on; capital money buys
    construction.
    """

    lever: Literal["service_supply"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("capacity_percent", "quality_percent")
    sectors: Sectors
    capacity_percent: Percent = 0.0
    construction_months: Months = 0
    quality_percent: Percent = 0.0
    operating_yi_yuan_per_year: YiYuanPerYear = 0.0
    capital_yi_yuan_per_year: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year."""
        return self.operating_yi_yuan_per_year + self.capital_yi_yuan_per_year


class Visitors(Programme):
    """Visitors from outside the province, in some months and cities, and what they spend.

    Either `extra_percent` of usual visitor spending or persons times yuan; only `additional_share`
    of them would not have come anyway or gone elsewhere in the province. Events cost money
    whether or not anybody comes.
    """

    lever: Literal["visitors"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("extra_percent", "persons_per_year")
    extra_percent: Percent = 0.0
    persons_per_year: Persons = 0.0
    yuan_per_person: YuanAmount = 0.0
    additional_share: Share = 1.0
    calendar_months: CalendarMonths | None = None
    cost_yi_yuan_per_year: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year."""
        return self.cost_yi_yuan_per_year


class PublicWorks(Programme):
    """Works bought from builders; a part is paid as local wages; capacity comes later."""

    lever: Literal["public_works"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("capacity_percent",)
    yi_yuan_per_year: YiYuanPerYear
    wage_share: Share = 0.0
    sectors: Sectors | None = None
    capacity_percent: Percent = 0.0
    construction_months: Months = 0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year."""
        return self.yi_yuan_per_year


class FirmSupport(Programme):
    """Money for firms: grants, investment subsidies, interest subsidies, guarantees.

    Of grants, firms invest `firms.grant_invested` and keep the rest as cash; `investment` money
    buys machines and buildings, `firms.subsidised_investment` per yuan, of which
    `firms.brought_forward` would have been bought later; interest subsidies lower cost;
    guarantees are liquidity, not income, of which `firms.guarantee_invested` is spent.
    """

    lever: Literal["firm_support"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("guarantees_yi_yuan",)
    sectors: Sectors
    grants_yi_yuan_per_year: YiYuanPerYear = 0.0
    investment_yi_yuan_per_year: YiYuanPerYear = 0.0
    interest_subsidy_points: Annotated[float, Quantity("%", 0, 20)] = 0.0
    covered_share: Share = 1.0
    guarantees_yi_yuan: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year and points of interest."""
        money = self.grants_yi_yuan_per_year + self.investment_yi_yuan_per_year
        return money + self.interest_subsidy_points


class ArrearsClearing(Programme):
    """Public debtors pay old bills: `clearance_percent_per_year` more of the stock each year."""

    lever: Literal["arrears_clearing"]
    sizes: ClassVar[tuple[str, ...]] = ("clearance_percent_per_year",)
    clearance_percent_per_year: Annotated[float, Quantity("%", 0, 100)]
    payers: Payers = Field(default_factory=lambda: {"cities": 1.0})


class StartUps(Programme):
    """Cheaper entry of small firms, grants and guaranteed loans for founders."""

    lever: Literal["start_ups"]
    sizes: ClassVar[tuple[str, ...]] = ("entry_percent", "loans_yi_yuan")
    sectors: Sectors | None = None
    entry_percent: Percent = 0.0
    grants_yi_yuan_per_year: YiYuanPerYear = 0.0
    loans_yi_yuan: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year."""
        return self.grants_yi_yuan_per_year


class LocalOffer(Programme):
    """Local goods and shops become more attractive at home (`appeal`), or sell more outside.

    `diverted_share` of the gain at home is taken from other local sellers of the same kind and so
    is no gain; `export_percent` raises sales outside the province.
    """

    lever: Literal["local_offer"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("appeal_percent", "export_percent")
    sectors: Sectors
    appeal_percent: Percent = 0.0
    diverted_share: Share = 0.0
    export_percent: Percent = 0.0
    cost_yi_yuan_per_year: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year."""
        return self.cost_yi_yuan_per_year


class Access(Programme):
    """Less time, search and mistrust for buyers: a lower effective price of some categories.

    The effective price moves budget shares (`spending.category_substitution`), never the total.
    """

    lever: Literal["access"]
    sizes: ClassVar[tuple[str, ...]] = ("wedge_percent",)
    wedge_percent: Annotated[
        dict[Annotated[str, Choice(NONDURABLE_CATEGORIES, "category.")], Percent],
        Field(min_length=1),
    ]
    residence: Residences | None = None
    cost_yi_yuan_per_year: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year."""
        return self.cost_yi_yuan_per_year


class Leisure(Programme):
    """Paid leave really taken: time for trips, and hours that employers lose."""

    lever: Literal["leisure"]
    sizes: ClassVar[tuple[str, ...]] = ("days_per_worker", "staggered_points")
    days_per_worker: Annotated[float, Quantity("days", 0, 30)]
    staggered_points: Points = 0.0


class Coordination(Programme):
    """Departments act together: less delay, more programmes at once. It sells nothing itself."""

    lever: Literal["coordination"]
    lag_percent: Annotated[float, Quantity("%", -90, 0)] = 0.0
    capacity_percent: Percent = 0.0


class Statistics(Programme):
    """What is measured: coverage of services and where online buyers live. Changes no behaviour."""

    lever: Literal["statistics"]
    service_coverage_points: Points = 0.0
    by_buyer_location: Annotated[int, Quantity("count", 0, 1, whole=True)] = 0

    def claims(self, window: Window) -> Iterator[Claim]:
        """One definition of the statistics at a time."""
        del window
        last = FOREVER if self.end is None else month_number(self.end)
        yield Claim("statistics", month_number(self.start), last, frozenset(PLACES), "lever.")
