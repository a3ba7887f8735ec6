"""Settings of the policy levers: what an analyst may write under `policies:` of a scenario.

Units are in the names or annotations; limits are those of the form, not of plausibility. What a
setting means, in Chinese and English, is the text `setting.<lever>.<name>` of the catalogue. Each
lever checks its own dates and conditions (`issues`) and says which place and object it acts on
when (`claims`), so that two policies with the same lever cannot collide unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, StrictBool, Tag
from pydantic_core import core_schema

from model.dimensions import (
    AGE_GROUPS,
    DURABLE_CATEGORIES,
    NONDURABLE_CATEGORIES,
    PAYERS,
    PLACES,
    QUINTILES,
    RESIDENCES,
    STAGES,
)
from model.policy.quantities import (
    MONTH_PATTERN,
    Choice,
    Cities,
    Dated,
    DatedQuantity,
    Month,
    Quantity,
    Shares,
    fault,
    month_number,
    month_text,
    parse_place,
)
from model.policy.setting_types import (
    FOREVER,
    LARGEST_YI_YUAN,
    LARGEST_YUAN,
    AgeGroups,
    Claim,
    Eligible,
    Issue,
    LeverSettings,
    Quintiles,
    Residences,
    Settings,
    Window,
    YiYuan,
    Yuan,
    YuanPerMonth,
    announced,
    ends,
    issue,
    outside,
)
from model.policy.settings_people import (
    Credit,
    Dividends,
    Gifts,
    Grants,
    Housing,
    Jobs,
    LivingAllowance,
    SavingScheme,
    SocialProtection,
    Training,
)
from model.policy.settings_supply import (
    Access,
    ArrearsClearing,
    Coordination,
    FirmSupport,
    Leisure,
    LocalOffer,
    PublicWorks,
    ServiceSupply,
    StartUps,
    Statistics,
    Visitors,
)
from model.scenario_problems import phrase

DAYS_IN_ROUND_MONTH: Final = 30
MAX_ROUNDS: Final = 240
VOUCHER_SLOTS: Final = 8  # kinds of vouchers that may be valid in one month


class MinimumWage(LeverSettings):
    """A higher wage floor from `start` to `end` (open if absent), from the floor in force."""

    lever: Literal["minimum_wage"]
    start: Month
    announce: Month | None = None
    end: Month | None = None
    increase_percent: Annotated[float, Quantity("%", 0, 50)] | None = None
    tiers_yuan: Annotated[tuple[YuanPerMonth, ...], Field(min_length=3, max_length=3)] | None = None
    coverage: Literal["covered", "all_employees"] = "covered"
    cities: Cities = PLACES

    def issues(self, window: Window | None) -> Iterator[Issue]:
        """Dates in order, one way to give the floor, tiers from high to low."""
        yield from outside(("start",), self.start, window)
        yield from announced(self.announce, self.start)
        yield from ends(("end",), self.start, self.end)
        if (self.increase_percent is None) == (self.tiers_yuan is None):
            yield issue((), "check.one_of", keys=("increase_percent", "tiers_yuan"))
        tiers = self.tiers_yuan
        if tiers is not None and list(tiers) != sorted(tiers, reverse=True):
            yield issue(("tiers_yuan",), "check.tiers_order", values=tiers)

    def claims(self, window: Window) -> Iterator[Claim]:
        """The wage floor of the places while it is in force."""
        del window
        last = FOREVER if self.end is None else month_number(self.end)
        yield Claim(
            "minimum_wage", month_number(self.start), last, frozenset(self.cities), "lever."
        )


class PensionPayers(Settings):
    """Who bears the rise of each scheme; `funds` is the pooled pension fund."""

    employee: Annotated[dict[str, float], Shares(("funds", *PAYERS))] = Field(
        default_factory=lambda: {"funds": 1.0}
    )
    resident: Annotated[dict[str, float], Shares(PAYERS)] | None = None


class Pensions(LeverSettings):
    """A permanent rise of pensions from `start`, with arrears paid as one lump sum that month."""

    lever: Literal["pensions"]
    start: Month
    announce: Month | None = None
    employee_percent: Annotated[float, Quantity("%", 0, 20)] = 0.0
    employee_fixed_yuan: YuanPerMonth = 0.0
    employee_age_tilt: dict[
        Annotated[int, Quantity("count", 50, 110, whole=True)], YuanPerMonth
    ] = Field(default_factory=dict)
    resident_fixed_yuan: YuanPerMonth = 0.0
    retroactive_months: Annotated[int, Quantity("months", 0, 12, whole=True)] = 0
    payers: PensionPayers = PensionPayers()
    cities: Cities = PLACES

    def issues(self, window: Window | None) -> Iterator[Issue]:
        """Dates in order; the payers of the resident scheme are named when it rises."""
        yield from outside(("start",), self.start, window)
        yield from announced(self.announce, self.start)
        if self.resident_fixed_yuan > 0 and self.payers.resident is None:
            reason = phrase("reason.resident")
            yield issue((), "check.needs", reason=reason, key="payers.resident")

    def claims(self, window: Window) -> Iterator[Claim]:
        """Rises of different years add up, so only the months paid at `start` are claimed."""
        del window
        last = month_number(self.start)
        first = last - self.retroactive_months
        if self.employee_percent or self.employee_fixed_yuan or self.employee_age_tilt:
            yield Claim("employee", first, last, frozenset(self.cities), "scheme.")
        if self.resident_fixed_yuan:
            yield Claim("resident", first, last, frozenset(self.cities), "scheme.")

    def tilt_at(self, age: int) -> float:
        """Extra yuan per month for a pensioner of `age`: the step of the highest age reached."""
        reached = [threshold for threshold in self.employee_age_tilt if threshold <= age]
        return self.employee_age_tilt[max(reached)] if reached else 0.0


class ItemRule(Settings):
    """Subsidy on one group of durable goods: a share of the price up to a cap."""

    rate: Annotated[Dated, DatedQuantity(Quantity("share", 0, 1))]
    cap_yuan: Annotated[Dated, DatedQuantity(Quantity("yuan", 0, LARGEST_YUAN))]
    price_ceiling_yuan: Yuan | None = None


class TradeIn(LeverSettings):
    """Subsidy for replacing durable goods until the end or until the budget is spent."""

    lever: Literal["trade_in"]
    start: Month
    end: Month
    announce: Month | None = None
    items: Annotated[
        dict[Annotated[str, Choice(DURABLE_CATEGORIES, "category.")], ItemRule], Field(min_length=1)
    ]
    budget_yi_yuan: YiYuan
    payers: Annotated[dict[str, float], Shares(PAYERS)]
    payment: Annotated[str, Choice(("instant", "reimbursed"))] = "instant"
    reimbursement_lag_months: Annotated[int, Quantity("months", 0, 12, whole=True)] = 0
    cities: Cities = PLACES

    def issues(self, window: Window | None) -> Iterator[Issue]:
        """Dates in order; a lag belongs to payment after the purchase."""
        yield from outside(("start",), self.start, window)
        yield from announced(self.announce, self.start)
        yield from ends(("end",), self.start, self.end)
        if self.reimbursement_lag_months and self.payment != "reimbursed":
            where = ("reimbursement_lag_months",)
            reason = phrase("reason.reimbursed")
            yield issue(where, "check.only_with", reason=reason, key="reimbursement_lag_months")

    def claims(self, window: Window) -> Iterator[Claim]:
        """Each item group in the places from start to end."""
        del window
        months = month_number(self.start), month_number(self.end)
        for group in self.items:
            yield Claim(group, *months, frozenset(self.cities), "category.")


ValidityDays = Annotated[int, Quantity("days", 1, 180, whole=True)]


class VoucherRound(Settings):
    """One issue of vouchers in a month, with its own validity if that differs."""

    month: Month
    validity_days: ValidityDays | None = None


class RoundSeries(Settings):
    """Issues at equal intervals from `first` to at most `last`."""

    first: Month
    last: Month
    every_months: Annotated[int, Quantity("months", 1, 120, whole=True)] = 1


def _rounds_form(value: Any) -> str:
    return "<series>" if isinstance(value, dict | RoundSeries) else "<list>"


def _round(value: Any) -> Any:
    """A bare month is a round of that month."""
    return {"month": value} if isinstance(value, str) else value


class _ShortRound:
    """Annotation that lets a round be written as its month alone."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_before_validator_function(_round, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": MONTH_PATTERN}, handler(schema)]}


Rounds = Annotated[
    Annotated[
        tuple[Annotated[VoucherRound, _ShortRound()], ...],
        Field(min_length=1, max_length=MAX_ROUNDS),
        Tag("<list>"),
    ]
    | Annotated[RoundSeries, Tag("<series>")],
    Discriminator(_rounds_form),
]


class Target(Settings):
    """Who gets targeted vouchers; an absent list means everybody."""

    quintiles: Quintiles | None = None
    age_groups: AgeGroups | None = None
    residence: Residences | None = None


class QuotaByCity:
    """Annotation of yi yuan by place."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        key = core_schema.no_info_plain_validator_function(parse_place)
        value = core_schema.no_info_plain_validator_function(_QUOTA.parse)
        return core_schema.dict_schema(key, value)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": _QUOTA.json_schema()}


_QUOTA: Final = Quantity("yi_yuan", 0, LARGEST_YI_YUAN)


class CityTerms(Settings):
    """Match and quota that hold for one city; of the quota it gets its part by households."""

    match_ratio: Annotated[float, Quantity("ratio", 0, 10)]
    provincial_quota_yi_yuan: YiYuan


class VoucherFunding(Settings):
    """Money per round: a fixed budget, or what each city decides given match and quota."""

    mode: Annotated[str, Choice(("cities_decide", "fixed"))]
    budget_yi_yuan: YiYuan | None = None
    match_ratio: Annotated[float, Quantity("ratio", 0, 10)]
    provincial_quota_yi_yuan: YiYuan | None = None
    city_quota: Annotated[dict[str, float], QuotaByCity()] | None = None
    city_terms: dict[Annotated[str, Choice(PLACES, "place.")], CityTerms] | None = None

    def issues(self, cities: tuple[str, ...]) -> Iterator[Issue]:
        """A fixed budget or a quota, not both; quotas of the cities within the provincial one."""
        fixed = self.mode == "fixed"
        wanted, foreign = ("budget_yi_yuan", "provincial_quota_yi_yuan")[:: 1 if fixed else -1]
        reason = phrase(f"reason.{self.mode}")
        other = phrase("reason.cities_decide" if fixed else "reason.fixed")
        if getattr(self, wanted) is None:
            yield issue(("funding",), "check.needs", reason=reason, key=wanted)
        own = ("city_quota", "city_terms")
        for name in (foreign, *own) if fixed else (foreign,):
            if getattr(self, name) is not None:
                yield issue(("funding", name), "check.only_with", reason=other, key=name)
        yield from self._quota_issues(cities)

    def _quota_issues(self, cities: tuple[str, ...]) -> Iterator[Issue]:
        quotas, terms = self.city_quota or {}, self.city_terms or {}
        if quotas and terms:
            keys = ("city_quota", "city_terms")
            yield issue(("funding", "city_terms"), "check.one_of", keys=keys)
        listed = [("city_quota", city) for city in quotas] + [("city_terms", c) for c in terms]
        for name, city in listed:
            if city not in cities:
                where = ("funding", name)
                yield issue(where, "check.city_not_included", city=phrase(f"place.{city}"))
        total, limit = sum(quotas.values()), self.provincial_quota_yi_yuan
        if limit is not None and round(total - limit, 9) > 0:
            where = ("funding", "city_quota")
            yield issue(where, "check.quota_sum", total=total, quota=limit)


def _refuse_durables(name: Any) -> None:
    if name in DURABLE_CATEGORIES:
        raise fault("check.durable_category", category=phrase(f"category.{name}"))


class Vouchers(LeverSettings):
    """Vouchers "spend `threshold_yuan`, save `face_yuan`" issued in rounds."""

    lever: Literal["vouchers"]
    rounds: Rounds
    categories: Annotated[
        dict[str, float], Shares(NONDURABLE_CATEGORIES, "category.", _refuse_durables)
    ]
    face_yuan: Yuan
    threshold_yuan: Yuan
    per_person: Annotated[int, Quantity("count", 1, 10, whole=True)] = 1
    validity_days: ValidityDays
    allocation: Annotated[str, Choice(("rush", "lottery", "targeted"))]
    target: Target | None = None
    digital_required: StrictBool = True
    participating_share: Annotated[float, Quantity("share", 0.001, 1)]
    funding: VoucherFunding
    cities: Cities = PLACES

    def issues(self, window: Window | None) -> Iterator[Issue]:
        """Rounds inside the window and distinct; threshold above face; target only if targeted."""
        yield from self._round_issues(window)
        if 0 < self.threshold_yuan <= self.face_yuan:
            amounts = {"threshold": self.threshold_yuan, "face": self.face_yuan}
            yield issue(("threshold_yuan",), "check.threshold", **amounts)
        reason = phrase("reason.targeted")
        if self.allocation == "targeted" and self.target is None:
            yield issue(("allocation",), "check.needs", reason=reason, key="target")
        if self.allocation != "targeted" and self.target is not None:
            yield issue(("target",), "check.only_with", reason=reason, key="target")
        yield from self.funding.issues(self.cities)

    def _round_issues(self, window: Window | None) -> Iterator[Issue]:
        if isinstance(self.rounds, RoundSeries):
            yield from outside(("rounds", "first"), self.rounds.first, window)
            yield from ends(("rounds", "last"), self.rounds.first, self.rounds.last)
            if window is not None and month_number(self.rounds.last) > window.last:
                fields: dict[str, object] = {"last": month_text(window.last)}
                yield Issue(("rounds", "last"), "warn.rounds_cut", fields, is_warning=True)
            return
        months = [r.month for r in self.rounds]
        for place, month in enumerate(months):
            yield from outside(("rounds", place), month, window)
            if month in months[:place]:
                yield issue(("rounds", place), "check.repeated", value=month)

    def round_list(self, last: str | None = None) -> tuple[tuple[str, int], ...]:
        """(month, validity in days) of every round, in order, none after the month `last`."""
        until = FOREVER if last is None else month_number(last)
        if isinstance(self.rounds, RoundSeries):
            until = min(until, month_number(self.rounds.last))
            numbers = range(month_number(self.rounds.first), until + 1, self.rounds.every_months)
            return tuple((month_text(n), self.validity_days) for n in numbers)
        ordered = sorted(self.rounds, key=lambda r: r.month)
        listed = [(r.month, r.validity_days or self.validity_days) for r in ordered]
        return tuple((m, days) for m, days in listed if month_number(m) <= until)

    def claims(self, window: Window) -> Iterator[Claim]:
        """Each category in the places while vouchers of a round are valid."""
        target = self.target or Target()
        people = _people(target.quintiles, target.age_groups, target.residence)
        for month, days in self.round_list(month_text(window.last)):
            first = month_number(month)
            last = first + (days - 1) // DAYS_IN_ROUND_MONTH
            for category in self.categories:
                yield Claim(category, first, last, frozenset(self.cities), "category.", people)


class Transfer(LeverSettings):
    """Cash to households in one month, or in every month from then on if `permanent`."""

    lever: Literal["transfer"]
    month: Month
    announce: Month | None = None
    yuan_per_household: Yuan | None = None
    yuan_per_person: Yuan | None = None
    yuan_per_child: Yuan | None = None
    permanent: StrictBool = False
    eligible: Eligible = Eligible()
    payer: Annotated[str, Choice(PAYERS)]

    def issues(self, window: Window | None) -> Iterator[Issue]:
        """The month is simulated; the amount is per household, per person or per child."""
        yield from outside(("month",), self.month, window)
        yield from announced(self.announce, self.month)
        units = ("yuan_per_household", "yuan_per_person", "yuan_per_child")
        if sum(getattr(self, unit) is not None for unit in units) != 1:
            yield issue((), "check.one_of", keys=units)

    def claims(self, window: Window) -> Iterator[Claim]:
        """The first payment: later payments of a standing transfer add to other transfers."""
        del window
        who = self.eligible
        people = (
            *_people(who.quintiles, who.age_groups, who.residence),
            frozenset(who.stage or STAGES),
        )
        month = month_number(self.month)
        yield Claim("transfer", month, month, frozenset(who.places or PLACES), "lever.", people)


def _people(
    quintiles: tuple[int, ...] | None,
    age_groups: tuple[str, ...] | None,
    residences: tuple[str, ...] | None,
) -> tuple[frozenset[Any], ...]:
    return (
        frozenset(quintiles or range(1, QUINTILES + 1)),
        frozenset(age_groups or AGE_GROUPS),
        frozenset(residences or RESIDENCES),
    )


__all__ = [
    "LEVERS",
    "Claim",
    "Issue",
    "LeverSettings",
    "MinimumWage",
    "Pensions",
    "Settings",
    "TradeIn",
    "Transfer",
    "Vouchers",
    "Window",
]

LEVERS: Final[dict[str, type[LeverSettings]]] = {
    "minimum_wage": MinimumWage,
    "pensions": Pensions,
    "trade_in": TradeIn,
    "vouchers": Vouchers,
    "transfer": Transfer,
    "grants": Grants,
    "saving_scheme": SavingScheme,
    "gifts": Gifts,
    "jobs": Jobs,
    "training": Training,
    "social_protection": SocialProtection,
    "living_allowance": LivingAllowance,
    "dividends": Dividends,
    "credit": Credit,
    "housing": Housing,
    "service_supply": ServiceSupply,
    "visitors": Visitors,
    "public_works": PublicWorks,
    "firm_support": FirmSupport,
    "arrears_clearing": ArrearsClearing,
    "start_ups": StartUps,
    "local_offer": LocalOffer,
    "access": Access,
    "leisure": Leisure,
    "coordination": Coordination,
    "statistics": Statistics,
}
