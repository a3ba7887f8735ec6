"""Instruments in the words of a study, turned into policies of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from experiments.replications.faults import MONTH
from model.dimensions import AGE_GROUPS, PLACES, RESIDENCES, STAGES

Month = Annotated[str, Field(pattern=MONTH)]
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Who(_Form):
    """Who is eligible; what is absent does not matter."""

    quintiles: tuple[Annotated[int, Field(ge=1, le=5)], ...] | None = None
    age_groups: tuple[Literal[AGE_GROUPS], ...] | None = None  # type: ignore[valid-type]
    residence: tuple[Literal[RESIDENCES], ...] | None = None  # type: ignore[valid-type]
    stage: tuple[Literal[STAGES], ...] | None = None  # type: ignore[valid-type]
    cities: tuple[Literal[PLACES], ...] | None = None  # type: ignore[valid-type]

    def plain(self, *names: str) -> dict[str, Any]:
        """The conditions that are given, of those named (all if none is)."""
        found = self.model_dump(mode="json", exclude_none=True)
        return {k: v for k, v in found.items() if not names or k in names}


class Voucher(_Form):
    """A voucher of `amount_yuan` for bills above `threshold_yuan` (0: like money).

    `decay_monthly` is the share of its value lost each month of a validity beyond one month.
    """

    kind: Literal["voucher"]
    amount_yuan: Amount
    threshold_yuan: Amount = 0.0
    validity_days: Annotated[int, Field(ge=1, le=180)]
    decay_monthly: Share = 0.0
    per_person: Annotated[int, Field(ge=1, le=10)] = 1
    categories: dict[str, float | str]
    participating_share: Share = 0.5
    allocation: Literal["rush", "lottery", "targeted"] = "rush"
    digital_required: bool = True
    budget_yi_yuan: Amount
    start: Month
    eligible: Who = Who()

    def policies(self) -> dict[str, dict[str, Any]]:
        """One policy, or one a month if the value decays."""
        months = max(1, round(self.validity_days / 30)) if self.decay_monthly else 1
        found = {}
        for number in range(months):
            kept = (1.0 - self.decay_monthly) ** number
            days = self.validity_days if months == 1 else min(self.validity_days, 30)
            one: dict[str, Any] = {
                "lever": "vouchers",
                "rounds": [later(self.start, number)],
                "categories": self.categories,
                "face_yuan": self.amount_yuan * kept,
                "threshold_yuan": self.threshold_yuan,
                "per_person": self.per_person,
                "validity_days": days,
                "allocation": self.allocation,
                "digital_required": self.digital_required,
                "participating_share": self.participating_share,
                "funding": {
                    "mode": "fixed",
                    "budget_yi_yuan": self.budget_yi_yuan * kept / months,
                    "match_ratio": 0,
                },
            }
            if self.eligible.cities:
                one["cities"] = list(self.eligible.cities)
            target = self.eligible.plain("quintiles", "age_groups", "residence")
            if target or self.allocation == "targeted":
                one |= {"allocation": "targeted", "target": target}
            found[f"voucher{number}"] = one
        return found


class Cash(_Form):
    """Money in one month, or every month from then on if `standing`.

    `promised_yuan` is a standing benefit known from `announce` and paid from `promised_from`.
    """

    kind: Literal["cash"]
    amount_yuan: Amount
    each: Literal["household", "person", "child"] = "household"
    standing: bool = False
    start: Month
    announce: Month | None = None
    promised_yuan: Amount = 0.0
    promised_from: Month | None = None
    eligible: Who = Who()

    def policies(self) -> dict[str, dict[str, Any]]:
        """The payment, and the promised one."""
        found = {"cash": self._one(self.amount_yuan, self.start, self.standing)}
        if self.promised_yuan and self.promised_from:
            found["promised"] = self._one(self.promised_yuan, self.promised_from, True)
        return found

    def _one(self, yuan: float, month: str, standing: bool) -> dict[str, Any]:
        who = self.eligible.plain()
        if "cities" in who:
            who["places"] = who.pop("cities")
        one: dict[str, Any] = {
            "lever": "transfer",
            "month": month,
            f"yuan_per_{self.each}": yuan,
            "permanent": standing,
            "eligible": who,
            "payer": "province",
        }
        return one | ({"announce": self.announce} if self.announce else {})


class PensionRise(_Form):
    """A permanent rise of pensions in some places or all, with arrears as one lump sum."""

    kind: Literal["pension"]
    employee_percent: Amount = 0.0
    employee_yuan: Amount = 0.0
    resident_yuan: Amount = 0.0
    retroactive_months: Annotated[int, Field(ge=0, le=12)] = 0
    start: Month
    announce: Month | None = None
    cities: tuple[Literal[PLACES], ...] | None = None  # type: ignore[valid-type]

    def policies(self) -> dict[str, dict[str, Any]]:
        """One policy."""
        one: dict[str, Any] = {
            "lever": "pensions",
            "start": self.start,
            "employee_percent": self.employee_percent,
            "employee_fixed_yuan": self.employee_yuan,
            "resident_fixed_yuan": self.resident_yuan,
            "retroactive_months": self.retroactive_months,
            "payers": {"employee": {"funds": 1.0}, "resident": {"province": 1.0}},
        }
        one |= {"announce": self.announce} if self.announce else {}
        return {"pension": one | ({"cities": list(self.cities)} if self.cities else {})}


class SubsidyRule(_Form):
    """Subsidy on a group of durables: a share of the price up to a cap."""

    rate: Share
    cap_yuan: Amount
    price_ceiling_yuan: Amount | None = None


class Subsidy(_Form):
    """A temporary price cut on durable goods, taken at the till or claimed back later."""

    kind: Literal["subsidy"]
    items: dict[str, SubsidyRule]
    start: Month
    end: Month
    announce: Month | None = None
    payment: Literal["instant", "reimbursed"] = "instant"
    reimbursement_lag_months: Annotated[int, Field(ge=0, le=12)] = 0
    budget_yi_yuan: Amount = 10_000.0
    cities: tuple[Literal[PLACES], ...] | None = None  # type: ignore[valid-type]

    def policies(self) -> dict[str, dict[str, Any]]:
        """One policy."""
        one: dict[str, Any] = {
            "lever": "trade_in",
            "start": self.start,
            "end": self.end,
            "items": {k: v.model_dump(exclude_none=True) for k, v in self.items.items()},
            "budget_yi_yuan": self.budget_yi_yuan,
            "payers": {"central": 1.0},
            "payment": self.payment,
            "reimbursement_lag_months": self.reimbursement_lag_months,
        }
        one |= {"announce": self.announce} if self.announce else {}
        return {"subsidy": one | ({"cities": list(self.cities)} if self.cities else {})}


class WageFloor(_Form):
    """A higher minimum wage, enforced for covered employees or for all of them."""

    kind: Literal["wage_floor"]
    percent: Annotated[float, Field(gt=0, le=50)]
    coverage: Literal["covered", "all_employees"] = "covered"
    start: Month
    end: Month | None = None
    announce: Month | None = None
    cities: tuple[Literal[PLACES], ...] | None = None  # type: ignore[valid-type]

    def policies(self) -> dict[str, dict[str, Any]]:
        """One policy."""
        one: dict[str, Any] = {
            "lever": "minimum_wage",
            "start": self.start,
            "increase_percent": self.percent,
            "coverage": self.coverage,
        }
        for name in ("end", "announce"):
            if getattr(self, name):
                one[name] = getattr(self, name)
        return {"wage_floor": one | ({"cities": list(self.cities)} if self.cities else {})}


class Levers(_Form):
    """Any policies in the form of a scenario file."""

    kind: Literal["levers"]
    policies_as_in_a_scenario: Annotated[dict[str, dict[str, Any]], Field(alias="policies")]

    def policies(self) -> dict[str, dict[str, Any]]:
        """The policies as they stand."""
        return dict(self.policies_as_in_a_scenario)


Instrument = Annotated[
    Voucher | Cash | PensionRise | Subsidy | WageFloor | Levers, Field(discriminator="kind")
]


def later(month: str, number: int) -> str:
    """The month `number` months after `month`, "YYYY-MM"."""
    at = int(month[:4]) * 12 + int(month[5:7]) - 1 + number
    return f"{at // 12:04d}-{at % 12 + 1:02d}"


def policies(instruments: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Policies of a scenario, named by instrument and number."""
    found: dict[str, dict[str, Any]] = {}
    for number, instrument in enumerate(instruments, start=1):
        found |= {f"{name}_{number}": one for name, one in instrument.policies().items()}
    return found
