"""The form of a study file: instrument, sample, assignment, outcome, horizon, estimator, target.

Files are read with positions, so that every fault is one line `FILE:LINE:COL: message`.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from experiments.replications.faults import MONTH, fault, mark, problems
from experiments.replications.instruments import Instrument, policies
from model.dimensions import (
    AGE_GROUPS,
    CATEGORIES,
    ITEMS,
    PLACES,
    RESIDENCES,
    SECTORS,
    STAGES,
)
from model.scenario import Scenario, scenario_from_mapping
from model.scenario_problems import Problem, ScenarioError, phrase
from model.scenario_reader import Node, read_file

FOLDER: Final = "specs"


def _platforms() -> dict[str, float]:
    """What the platforms of `platforms.yaml` see of purchases anyway, by name."""
    file = resources.files("experiments.replications").joinpath("platforms.yaml")
    with resources.as_file(file) as path:
        found = read_file(Path(path), "platforms.yaml").plain()
    return {name: float(one["value"]) for name, one in found.items()}


PLATFORMS: Final = _platforms()
Span = Annotated[tuple[int, int], Field(description="first and last month from the event")]
OUTCOMES: Final = (
    "consumption", "ordinary_consumption", "consumption_without_vehicles", "consumption_adjusted",
    "durables", "semi_durables", "nondurables", "voucher_categories", "non_health", "saving",
    "income", "income_without_pension", "support", "pensions", "liquid", "platform", "online",
    "payments", "issued", "redeemed", "platform_sales", "basket", "transfers", "pension_rise",
    "floor_rise", "subsidy", "subsidised_units", "buyer_gain", "employed", "loans", "benefit",
    *(f"consumption.{c}" for c in CATEGORIES), *(f"units.{i}" for i in ITEMS),
    "units.appliances", "units.digital", *(f"price.{c}" for c in CATEGORIES),
    *(f"shop_price.{c}" for c in CATEGORIES),
    *(f"employed.{s}" for s in SECTORS),
)  # fmt: skip
BEFORE_MATTERS: Final = (
    "difference_in_differences", "relative_differences", "regression_discontinuity", "exposure",
    "payback_month", "reversal_month",
)  # fmt: skip
RECEIVED: Final = (  # nothing of it before the event
    "issued", "redeemed", "platform_sales", "transfers", "pension_rise", "floor_rise", "subsidy",
    "subsidised_units",
)  # fmt: skip
AGGREGATE: Final = ("counterfactual", "narrative", "growth")  # read the province, not households
ESTIMATORS: Final = (
    "difference_in_differences", "relative_differences", "regression_discontinuity", "bunching",
    "exposure", "counterfactual", "narrative", "growth", "mean", "payback_month", "reversal_month",
    "paired",
)  # fmt: skip


NEEDED: Final = {  # what an estimator cannot do without
    "regression_discontinuity": ("running",), "reversal_month": ("programme",),
    "narrative": ("shocks",),
}  # fmt: skip


class Form(BaseModel):
    """Strict: an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Form):
    """A text in both languages."""

    zh: str
    en: str


class Run(Form):
    """The simulated province the study is carried out in."""

    start: Annotated[str, Field(pattern=MONTH)] = "2025-10"
    months: Annotated[int, Field(ge=2, le=240)]
    scale: Annotated[int, Field(ge=1, le=100_000)] = 200
    seed: Annotated[int, Field(ge=0)] = 20251001


class Sample(Form):
    """Households the study looks at, by what they were in the month before the event.

    Ranges are [low, high): `age` years; `size` persons; `children` up to 15; `wage_to_floor` the
    wage over the minimum wage in force; `wage_share` earnings over all income; `liquid_months`
    deposits in months of income; `car_age_months`; `monthly_income` yuan.
    """

    places: tuple[Literal[PLACES], ...] | None = None  # type: ignore[valid-type]
    residence: tuple[Literal[RESIDENCES], ...] | None = None  # type: ignore[valid-type]
    age_groups: tuple[Literal[AGE_GROUPS], ...] | None = None  # type: ignore[valid-type]
    stage: tuple[Literal[STAGES], ...] | None = None  # type: ignore[valid-type]
    sectors: tuple[Literal[SECTORS], ...] | None = None  # type: ignore[valid-type]
    quintiles: tuple[Annotated[int, Field(ge=1, le=5)], ...] | None = None
    work_class: tuple[Annotated[int, Field(ge=0, le=4)], ...] | None = None
    age: tuple[float, float] | None = None
    size: tuple[float, float] | None = None
    children: tuple[float, float] | None = None
    wage_to_floor: tuple[float, float] | None = None
    wage_share: tuple[float, float] | None = None
    liquid_months: tuple[float, float] | None = None
    car_age_months: tuple[float, float] | None = None
    monthly_income: tuple[float, float] | None = None


class Assignment(Form):
    """Who is treated.

    receipt: those who got `of` in the event month; with `among: applicants` against unsuccessful
    applicants for vouchers of the same month, else against everybody else of the sample.
    places: households of `places` against those of other places. people: those who are `treated`
    against the rest of the sample. informed: by the rank that decides who hears of a subsidy on
    `item` (a sharp eligibility cutoff). area: areas of `area_households` neighbours by their share
    of households that are `treated`. everybody: no control group; time only.
    """

    kind: Literal["receipt", "places", "people", "informed", "area", "everybody"]
    of: Literal["issued", "transfers", "pension_rise", "floor_rise", "subsidy"] | None = None
    among: Literal["applicants", "sample"] = "sample"
    places: tuple[Literal[PLACES], ...] | None = None  # type: ignore[valid-type]
    treated: Sample | None = None
    item: Literal[ITEMS] | None = None  # type: ignore[valid-type]
    area_households: Annotated[int, Field(ge=20)] = 500

    @model_validator(mode="after")
    def _complete(self) -> Assignment:
        needs = {"receipt": "of", "places": "places", "people": "treated", "informed": "item",
                 "area": "treated"}  # fmt: skip
        wanted = needs.get(self.kind)
        if wanted and getattr(self, wanted) is None:
            raise fault("needs", kind=self.kind, key=wanted)
        return self


class Finding(Form):
    """One number of the study: how it is estimated and what it should be."""

    name: Words
    target: float
    low: float
    high: float
    unit: Literal["ratio", "percent", "months", "share", "elasticity", "points"] = "ratio"
    outcome: Literal[OUTCOMES]  # type: ignore[valid-type]
    estimator: Literal[ESTIMATORS] = "difference_in_differences"  # type: ignore[valid-type]
    per: Literal[OUTCOMES] | None = None  # type: ignore[valid-type]
    before: Span = (-3, -1)
    after: Span
    per_after: Span | None = None
    one_minus: bool = False
    sign: Literal[-1, 1] = 1
    instrument_percent: float | None = None
    running: Literal["age", "informed"] | None = None
    cutoff: float = 0.0
    bandwidth: Annotated[float, Field(gt=0)] = 5.0
    programme: Span | None = None
    region: tuple[float, float] = (0.3, 1.1)
    against: Literal["controls", "polynomial"] = "controls"
    reversed_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    shocks: tuple[Literal["pension_rise", "transfers"], ...] = ()
    lags: Annotated[int, Field(ge=0, le=24)] = 5
    history: Annotated[int, Field(ge=12)] | None = None  # months whose trend is continued
    sample: Sample = Sample()

    @model_validator(mode="after")
    def _ordered(self) -> Finding:
        if not self.low <= self.target <= self.high:
            raise fault("band", target=self.target, low=self.low, high=self.high)
        for name in ("before", "after", "per_after"):
            span = getattr(self, name)
            if span is not None and span[0] > span[1]:
                raise fault("span", key=name)
        for name in NEEDED.get(self.estimator, ()):
            if not getattr(self, name):
                raise fault("needs", kind=self.estimator, key=name)
        return self


class Specification(Form):
    """A study and how it is carried out in the model."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    title: Words
    study: str
    evidence: tuple[str, ...] = ()
    grade: Literal["A", "B", "C", "D"]
    design: Words
    limits: Words | None = None
    run: Run
    event: Annotated[str, Field(pattern=MONTH)]
    platform_share: Annotated[float, Field(gt=0, le=1)] = 1.0  # of purchases, seen by the study
    platform: Literal[tuple(PLATFORMS)] | None = None  # type: ignore[valid-type]  # or by its name
    traits_month: Annotated[int, Field(le=-1)] = -1  # from the event: when households are sorted
    instruments: Annotated[tuple[Instrument, ...], Field(min_length=1)]
    sample: Sample = Sample()
    assignment: Assignment
    findings: Annotated[tuple[Finding, ...], Field(min_length=1)]

    def scenario(self, with_policy: bool, scale: int | None = None) -> Scenario:
        """The province with or without the instruments. Raises ScenarioError."""
        document = {
            "name": f"replication_{self.id.lower()}", "start": self.run.start,
            "months": self.run.months, "scale": scale or self.run.scale, "seed": self.run.seed,
            "policies": policies(self.instruments) if with_policy else {},
        }  # fmt: skip
        return scenario_from_mapping(document)

    @property
    def seen_share(self) -> float:
        """Share of purchases that the platform of the study sees anyway."""
        return self.platform_share if self.platform is None else PLATFORMS[self.platform]

    @property
    def event_month(self) -> int:
        """The event as a month of the run."""
        return _months(self.event) - _months(self.run.start)


def _months(label: str) -> int:
    return int(label[:4]) * 12 + int(label[5:7]) - 1


def load_specification(path: Path) -> Specification:
    """The study of a file. Raises ScenarioError with one problem for each fault."""
    tree = read_file(path, path.name)
    try:
        found = Specification.model_validate(tree.plain())
    except ValidationError as error:
        raise ScenarioError(list(problems(tree, error, Specification))) from None
    _check_months(found, tree)
    try:
        found.scenario(with_policy=True)
    except ScenarioError as error:
        at = mark(tree, ("instruments",))
        raise ScenarioError([Problem(at, p.phrase) for p in error.problems]) from None
    return found


def shipped() -> dict[str, Specification]:
    """All studies of this folder by id, in order."""
    folder = resources.files("experiments.replications").joinpath(FOLDER)
    with resources.as_file(folder) as path:
        found = [load_specification(one) for one in sorted(Path(path).glob("*.yaml"))]
    return {one.id: one for one in found}


def _check_months(found: Specification, tree: Node) -> None:
    event, last = found.event_month, found.run.months - 1
    problems = []
    for number, one in enumerate(found.findings):
        for name in ("before", "after", "per_after"):
            span = getattr(one, name)
            used = name != "before" or one.estimator in BEFORE_MATTERS
            if span and used and not (event + span[0] >= 0 and event + span[1] <= last):
                at = mark(tree, ("findings", number, name))
                limits = {"first": -event, "last": last - event}
                problems.append(Problem(at, phrase("replicate.fault.months", **limits)))
    if problems:
        raise ScenarioError(problems)
