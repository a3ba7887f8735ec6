"""Settings of programmes that act on households: money, jobs, protection, credit, housing."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StrictBool

from model.dimensions import DURABLE_CATEGORIES, NONDURABLE_CATEGORIES
from model.policy.programme_settings import (
    CalendarMonths,
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
from model.policy.quantities import Choice, Choices, Quantity
from model.policy.setting_types import AgeGroups, Claim, Eligible, Window

MARKS: Final = (
    "everyone",
    "child_under_3",
    "student",
    "vocational_student",
    "graduate_student",
    "low_income",
    "disabled_elder",
    "landowner",
    "flexible_worker",
    "listed_firm_employee",
    "union_member",
    "relief_worker",
)
"""Kinds of households that programmes single out; shares in `households.marks`."""

GRANT_SLOTS: Final = 32  # such programmes in one month; the layout of households has as many
Who = Annotated[str, Choice(MARKS, "who.")]


class Grants(Programme):
    """Money to households of one kind: `yuan` each month, year or once.

    `reach` is the share of these households that get it, the same ones every month unless
    `redrawn`. What is `lasting` counts as permanent income, the rest as a windfall.
    """

    lever: Literal["grants"]
    divisible: ClassVar[bool] = True
    who: Who = "everyone"
    eligible: Eligible = Eligible()
    reach: Share = 1.0
    yuan: YuanAmount
    payment: Annotated[str, Choice(("monthly", "yearly", "once"))] = "monthly"
    lasting: StrictBool = True
    redrawn: StrictBool = False
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yuan per household."""
        return self.yuan * self.reach


class SavingScheme(Programme):
    """Households lock money away: less cash today. `points` more of those of one kind take part.

    Into committed deposits (personal pension, employee shares) or as contributions to the funds.
    """

    lever: Literal["saving_scheme"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("points",)
    who: Who = "everyone"
    eligible: Eligible = Eligible()
    points: Annotated[float, Quantity("%", 0, 100)]
    yuan_per_year: YuanAmount
    into: Annotated[str, Choice(("committed_deposits", "funds"))] = "committed_deposits"


class Gifts(Programme):
    """Goods in kind once a year; `displaced` of their value replaces the receiver's purchases."""

    lever: Literal["gifts"]
    divisible: ClassVar[bool] = True
    who: Who = "union_member"
    category: Annotated[str, Choice(NONDURABLE_CATEGORIES, "category.")]
    month: Annotated[int, Quantity("count", 1, 12, whole=True)]
    reach: Share = 1.0
    yuan: YuanAmount
    displaced: Share
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yuan per household."""
        return self.yuan * self.reach


class Jobs(Programme):
    """Fewer separations, more vacancies, better matching, and placements of the unemployed.

    `placements_per_year` persons find work beyond the market; part of them at the cost of others
    who would have got the job (`labour.placement_displacement`).
    """

    lever: Literal["jobs"]
    sizes: ClassVar[tuple[str, ...]] = (
        "separation_percent",
        "vacancy_percent",
        "matching_percent",
        "placements_per_year",
    )
    sectors: Sectors | None = None
    separation_percent: Percent = 0.0
    vacancy_percent: Percent = 0.0
    matching_percent: Percent = 0.0
    placements_per_year: Persons = 0.0
    refund_yi_yuan_per_year: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year to firms that keep staff."""
        return self.refund_yi_yuan_per_year


class Training(Programme):
    """Courses for workers and the unemployed: time lost first, then pay and matching.

    Trained workers produce and earn `labour.training_gain` more; at given demand fewer are needed.
    """

    lever: Literal["training"]
    sizes: ClassVar[tuple[str, ...]] = ("trainees_per_year",)
    trainees_per_year: Persons
    yuan_per_trainee: YuanAmount
    sectors: Sectors | None = None
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yuan a year."""
        return self.trainees_per_year * self.yuan_per_trainee


class SocialProtection(Programme):
    """Lower risk: medical bills, income without work, income in old age.

    `out_of_pocket_points` less of medical bills stay with households; the unemployment benefit
    changes by `benefit_percent`, and `benefit_cover_points` more of those without it get it;
    `old_age_points` is the rise of replacement incomes that workers come to expect, those of
    `old_age_groups` if named. Households learn slowly (`households.protection.recognition`) and
    then save less: of cash, and of what they commit (`households.target_saving`).
    """

    lever: Literal["social_protection"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = (
        "out_of_pocket_points",
        "benefit_percent",
        "benefit_cover_points",
        "old_age_points",
    )
    out_of_pocket_points: Annotated[float, Quantity("%", 0, 50)] = 0.0
    benefit_percent: Percent = 0.0
    benefit_cover_points: Annotated[float, Quantity("%", 0, 100)] = 0.0
    old_age_points: Annotated[float, Quantity("%", 0, 50)] = 0.0
    old_age_groups: AgeGroups | None = None
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Points of medical bills that a budget takes over; benefits are the funds'."""
        return self.out_of_pocket_points


class LivingAllowance(Programme):
    """A higher minimum living allowance (dibao line); cities pay, `payers` refund their part."""

    lever: Literal["living_allowance"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("line_percent",)
    line_percent: Percent
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Percent of the line."""
        return self.line_percent


class Dividends(Programme):
    """A larger part of profits is paid to households that own firms, in `calendar_months`."""

    lever: Literal["dividends"]
    sizes: ClassVar[tuple[str, ...]] = ("payout_percent", "moved_share")
    payout_percent: Percent
    calendar_months: CalendarMonths | None = None
    moved_share: Share = 0.0


class Credit(Programme):
    """Terms of loans for durable goods; the interest subsidy is paid to the bank."""

    lever: Literal["credit"]
    divisible: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = (
        "loan_to_value_points",
        "term_months",
        "instalment_cap_points",
    )
    categories: Annotated[tuple[str, ...], Choices(Choice(DURABLE_CATEGORIES, "category."))]
    loan_to_value_points: Points = 0.0
    term_months: Annotated[float, Quantity("months", -60, 120)] = 0.0
    instalment_cap_points: Points = 0.0
    interest_subsidy_points: Annotated[float, Quantity("%", 0, 20)] = 0.0
    covered_share: Share = 1.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Points of interest."""
        return self.interest_subsidy_points * self.covered_share


class Housing(Programme):
    """Housing purchases out of committed deposits (provident fund), taxes on them, stock purchase.

    `release_percent` more of committed deposits goes into homes; `price_cut_percent` lower
    purchase costs borne by cities' land and deed revenue; `stock_yi_yuan_per_year` buys unsold
    homes from developers: money for firms, no construction.
    """

    lever: Literal["housing"]
    sizes: ClassVar[tuple[str, ...]] = ("release_percent", "price_cut_percent")
    release_percent: Percent = 0.0
    price_cut_percent: Annotated[float, Quantity("%", 0, 20)] = 0.0
    stock_yi_yuan_per_year: YiYuanPerYear = 0.0
    payers: Payers = Field(default_factory=dict)

    def spends(self) -> float:
        """Yi yuan a year for unsold homes."""
        return self.stock_yi_yuan_per_year

    def claims(self, window: Window) -> tuple[Claim, ...]:  # type: ignore[override]
        """None: several housing programmes add up."""
        del window
        return ()
