"""Carries out a study: assignment on the panel, the study's estimator, the exact effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from experiments.replications import estimators as est
from experiments.replications.estimators import Estimate
from experiments.replications.panel import F32, Panel, Traits
from experiments.replications.specification import (
    AGGREGATE,
    RECEIVED,
    Assignment,
    Finding,
    Sample,
    Specification,
)  # fmt: skip
from model.dimensions import AGE_GROUPS, ITEMS, PLACES, RESIDENCES, SECTORS, STAGES
from model.streams import Purpose, uniforms

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
FEWEST_PLACES = 3
RANGES = (
    "age", "size", "children", "wage_to_floor", "wage_share", "liquid_months", "car_age_months",
    "monthly_income",
)  # fmt: skip
MEMBERS = {
    "places": ("place", PLACES), "residence": ("residence", RESIDENCES),
    "age_groups": ("age_group", AGE_GROUPS), "stage": ("stage", STAGES),
    "sectors": ("sector", SECTORS),
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One finding: the estimate, the exact effect on the same households, how many they are."""

    estimate: Estimate
    exact: float | None
    treated: int
    controls: int


def members(traits: Traits, sample: Sample) -> Flags:
    """Households of a sample."""
    found = np.ones(traits.place.size, dtype=bool)
    for name, (trait, known) in MEMBERS.items():
        wanted = getattr(sample, name)
        if wanted is not None:
            found &= np.isin(getattr(traits, trait), [known.index(w) for w in wanted])
    for name, trait in (("quintiles", "quintile"), ("work_class", "work_class")):
        wanted = getattr(sample, name)
        if wanted is not None:
            found &= np.isin(getattr(traits, trait), wanted)
    for name in RANGES:
        limits = getattr(sample, name)
        if limits is not None:
            values = getattr(traits, name)
            found &= (values >= limits[0]) & (values < limits[1])
    return found


def assigned(panel: Panel, rule: Assignment, sample: Flags) -> tuple[F64, Flags]:
    """Treatment (0 or 1) and who takes part, among a sample."""
    if rule.kind == "receipt":
        got = panel.received[str(rule.of)] > 0.0
        pool = panel.applied | got if rule.among == "applicants" else np.ones_like(got)
        return got.astype(float), sample & pool
    if rule.kind == "places":
        chosen = [PLACES.index(place) for place in rule.places or ()]
        return np.isin(panel.traits.place, chosen).astype(float), sample
    if rule.kind in ("people", "area"):
        assert rule.treated is not None
        return members(panel.traits, rule.treated).astype(float), sample
    if rule.kind == "informed":
        item = ITEMS.index(rule.item)
        return (panel.rank(item) < panel.awareness[item]).astype(float), sample
    return np.ones(sample.size), sample


def cells_of(traits: Traits) -> I64:
    """Place and residence of every household as one number."""
    return np.asarray(traits.place.astype(np.int64) * len(RESIDENCES) + traits.residence)


def within_cells(weight: F64, treated: F64, traits: Traits) -> F64:
    """Weights under which controls live where the treated live, town and country apart.

    Every city runs a rush of its own, so that chances differ between cities, and so do seasons; the
    studies compare winners and losers of one city. Cells without treated or controls are left out.
    """
    cell = cells_of(traits)
    counts = len(PLACES) * len(RESIDENCES)
    inside = np.bincount(cell, weight * treated, counts)
    outside = np.bincount(cell, weight * (1.0 - treated), counts)
    both = (inside > 0.0) & (outside > 0.0)
    ratio = np.where(both, inside / np.where(both, outside, 1.0), 0.0)
    return np.asarray(weight * np.where(treated > 0.0, both[cell], ratio[cell]))


def groups_of(panel: Panel, rule: Assignment, seed: int) -> I64:
    """Groups of the jackknife: places where several are treated, else random groups."""
    if rule.kind == "places" and len(rule.places or ()) >= FEWEST_PLACES:
        return panel.traits.place
    ids = np.arange(panel.traits.place.size)
    drawn = uniforms(seed, int(Purpose.SAMPLING), ids)[3]
    return np.asarray((drawn * est.GROUPS).astype(np.int64))


@dataclass(frozen=True)
class Study:
    """A panel with the study's treatment on it: what the estimators read."""

    panel: Panel
    one: Finding
    treated: F64
    weight: F64
    groups: I64
    rule: Assignment

    def span(self, months: tuple[int, int]) -> slice:
        """Months relative to the event as a slice of the run."""
        return slice(self.panel.event + months[0], self.panel.event + months[1] + 1)

    @property
    def after(self) -> slice:
        """Months of the outcome."""
        return self.span(self.one.after)

    @property
    def before(self) -> slice:
        """Months of comparison."""
        return self.span(self.one.before)

    @property
    def outcome(self) -> F32:
        """Outcome [month, household] with the instruments."""
        return self.panel.treated[self.one.outcome]

    def changes(self, name: str, after: tuple[int, int]) -> F64:
        """Change of every household."""
        return est.change(self.panel.treated[name], self.before, self.span(after))

    def effects(self, name: str, after: tuple[int, int]) -> F64:
        """Exact effect on every household: with the instruments less without."""
        span = self.span(after)
        difference = self.panel.treated[name][span].sum(axis=0, dtype=float)
        return np.asarray(difference - self.panel.baseline[name][span].sum(axis=0, dtype=float))


def carry_out(spec: Specification, panel: Panel) -> list[Found]:
    """Every finding of a study. Raises ValueError where a sample is empty."""
    results = []
    for one in spec.findings:
        sample = members(panel.traits, spec.sample) & members(panel.traits, one.sample)
        treated, pool = assigned(panel, spec.assignment, sample)
        weight = (panel.traits.weight * pool).astype(float)
        if spec.assignment.kind == "receipt":
            weight = within_cells(weight, treated, panel.traits)
        groups = groups_of(panel, spec.assignment, spec.run.seed)
        study = Study(panel, one, treated, weight, groups, spec.assignment)
        found = ESTIMATORS[one.estimator](study)
        exact = _exact(study)
        kept = replace(found, value=_shown(one, found.value),
                       error=found.error * abs(_slope(one)))  # fmt: skip
        count = int((pool & (treated > 0)).sum()), int((pool & (treated == 0)).sum())
        results.append(Found(kept, None if exact is None else _shown(one, exact), *count))
    return results


def _slope(one: Finding) -> float:
    """Derivative of the shown number with respect to the estimated one."""
    scale = 1.0 if one.instrument_percent is None else 1.0 / one.instrument_percent
    return scale * one.sign * (-1.0 if one.one_minus else 1.0)


def _shown(one: Finding, value: float) -> float:
    scaled = _slope(one) * value
    return 1.0 + scaled if one.one_minus else scaled


# --- estimators on a study ----------------------------------------------------------------------


def _effect_on(study: Study, name: str, after: tuple[int, int]) -> est.Statistic:
    """The study's difference for one outcome as a function of weights."""
    if study.one.estimator != "relative_differences" or name in RECEIVED:
        changes = study.changes(name, after)
        return lambda w: est.difference_in_differences(changes, study.treated, w)
    span = study.span(after)
    values = study.panel.treated[name]
    months = (span.stop - span.start) / (study.before.stop - study.before.start)
    before = values[study.before].sum(axis=0, dtype=float) * months
    level = values[span].sum(axis=0, dtype=float)
    return lambda w: est.relative_difference(level, before, study.treated, w)


def _difference(study: Study) -> Estimate:
    """Difference in differences: per unit of `per`, or in percent of the counterfactual."""
    effect, per = _effect_on(study, study.one.outcome, study.one.after), _denominator(study)
    return est.jackknife(lambda w: effect(w) / per(w), study.weight, study.groups)


def _denominator(study: Study) -> est.Statistic:
    """What the effect is divided by: the effect on `per`, the treated's counterfactual level, 1."""
    one = study.one
    if one.per is not None:
        return _effect_on(study, one.per, one.per_after or one.after)
    if one.unit in ("percent", "elasticity"):
        level = study.outcome[study.after].sum(axis=0, dtype=float)
        effect = _effect_on(study, one.outcome, one.after)
        return lambda w: (est.mean(level, w * study.treated) - effect(w)) / 100.0
    if one.unit == "points":
        income = study.panel.treated["income"][study.after].sum(axis=0, dtype=float)
        return lambda w: est.mean(income, w * study.treated) / 100.0
    return lambda _: 1.0


def _discontinuity(study: Study) -> Estimate:
    """Jump at the cutoff of the running variable; fuzzy if there is a `per`."""
    one, traits = study.one, study.panel.traits
    if one.running == "informed":
        item = ITEMS.index(study.rule.item)
        # Eligible are those below the share: reversed, so that the treated lie above the cutoff.
        running, cutoff = -study.panel.rank(item), -float(study.panel.awareness[item])
    else:
        running, cutoff = traits.age, one.cutoff
    changes = study.changes(one.outcome, one.after)
    per = None if one.per is None else study.changes(one.per, one.per_after or one.after)

    def statistic(weight: F64) -> float:
        jump = est.local_linear_jump(changes, running, cutoff, one.bandwidth, weight)
        if per is None:
            return jump
        return jump / est.local_linear_jump(per, running, cutoff, one.bandwidth, weight)

    return est.jackknife(statistic, study.weight, study.groups)


def _bunching(study: Study) -> Estimate:
    """Extra spending at the threshold per yuan redeemed, from the density of holders' baskets."""
    baskets = study.outcome[study.after].max(axis=0).astype(float)
    redeemed = study.panel.treated["redeemed"][study.after].sum(axis=0, dtype=float)
    threshold, region = study.panel.terms.threshold, study.one.region

    def statistic(weight: F64) -> float:
        holders = weight * study.treated
        others = weight * (1.0 - study.treated) if study.one.against == "controls" else None
        extra = est.bunching(baskets, holders, threshold, region, others)
        return extra / est.mean(redeemed, holders)

    return est.jackknife(statistic, study.weight, study.groups)


def _area_slope(study: Study, weight: F64) -> Callable[[F64], float]:
    """Slope of areas' mean of household values on the share of treated households."""
    traits = study.panel.traits
    area = cells_of(traits) * 10_000_000 + traits.number // study.rule.area_households
    _, index = np.unique(area, return_inverse=True)
    size = np.bincount(index, weight)
    used = size > 0
    exposure = np.bincount(index, weight * study.treated)[used] / size[used]
    centred = exposure - est.mean(exposure, size[used].astype(float))
    spread = (size[used] * centred**2).sum()

    def slope(values: F64) -> float:
        rate = np.bincount(index, weight * values)[used] / size[used]
        return float((size[used] * centred * rate).sum() / spread)

    return slope


def _area_path(study: Study, weight: F64) -> F64:
    """Monthly effect of exposure: the slope of the outcome less its mean before."""
    slope = _area_slope(study, weight)
    start = slope(study.outcome[study.before].mean(axis=0, dtype=float))
    return np.array([slope(row.astype(float)) - start for row in study.outcome[study.after]])


def _path(study: Study) -> Callable[[F64], F64]:
    if study.rule.kind == "area":
        return lambda w: _area_path(study, w)
    return lambda w: est.path(study.outcome, study.before, study.after, study.treated, w)


def _exposure(study: Study) -> Estimate:
    """Cumulative effect of exposure."""
    return est.jackknife(lambda w: float(_area_path(study, w).sum()), study.weight, study.groups)


def _payback(study: Study) -> Estimate:
    path, first = _path(study), study.one.after[0]
    return est.jackknife(lambda w: est.payback_month(path(w), first), study.weight, study.groups)


def _window(one: Finding) -> int:
    """Number of months after the event in which the programme ran."""
    assert one.programme is not None
    return one.programme[1] - one.after[0] + 1


def _reversal(study: Study) -> Estimate:
    path, window = _path(study), _window(study.one)
    share = study.one.reversed_share
    return est.jackknife(
        lambda w: est.reversal_month(path(w), window, share), study.weight, study.groups
    )


def _counterfactual(study: Study) -> Estimate:
    """Effect against the path before continued: per yuan of `per`, or in percent.

    The path before is that of the last `history` months. The error is that of the path about its
    own trend and season.
    """
    one, panel = study.one, study.panel
    first = 0 if one.history is None else max(panel.event - one.history, 0)
    series, span = panel.aggregates[one.outcome][first:], study.after
    after = slice(span.start - first, span.stop - first)
    effect, expected, error = est.counterfactual(series, panel.event - first, after)
    scale = expected / 100.0
    if one.per is not None:
        scale = float(panel.aggregates[one.per][study.span(one.per_after or one.after)].sum())
    return Estimate(effect / scale, error / scale)


def _growth(study: Study) -> Estimate:
    """Growth on the same months a year before; the error is its spread before the event."""
    series = study.panel.aggregates[study.one.outcome]
    return est.year_on_year(series, study.after, study.panel.event)


def _mean(study: Study) -> Estimate:
    """Mean of the treated over the months after; relative to `per` if there is one."""
    one = study.one
    values = study.outcome[study.after].sum(axis=0, dtype=float)
    per = np.ones(values.size)
    if one.per is not None:
        per = study.panel.treated[one.per][study.span(one.per_after or one.after)]
        per = per.sum(axis=0, dtype=float)

    def statistic(weight: F64) -> float:
        return est.mean(values, weight) / est.mean(per, weight)

    return est.jackknife(statistic, study.weight * study.treated, study.groups)


def _paired(study: Study) -> Estimate:
    """The treated with the instruments against the same households without them."""
    statistic = _paired_statistic(study, study.one.outcome, study.one.per)
    return est.jackknife(statistic, study.weight * study.treated, study.groups)


def _narrative(study: Study) -> Estimate:
    """Regression of aggregate consumption on the benefit changes named in `shocks`."""
    panel, one, span = study.panel, study.one, study.after
    shock, *controls = [panel.aggregates[name][span] for name in one.shocks]
    calendar = (np.arange(span.start, span.stop) + panel.first_calendar) % 12 + 1
    outcome = panel.aggregates[one.outcome][span]
    return est.narrative(outcome, shock, np.array(controls), calendar, one.lags)


ESTIMATORS = {
    "difference_in_differences": _difference,
    "relative_differences": _difference,
    "regression_discontinuity": _discontinuity,
    "bunching": _bunching,
    "exposure": _exposure,
    "counterfactual": _counterfactual,
    "narrative": _narrative,
    "growth": _growth,
    "mean": _mean,
    "paired": _paired,
    "payback_month": _payback,
    "reversal_month": _reversal,
}


def _exact(study: Study) -> float | None:
    """The same number from the paired difference of the treated; None where there is no such."""
    one, weight = study.one, study.weight * study.treated
    if one.estimator in ("mean", "growth", "paired"):
        return None
    if one.estimator in AGGREGATE:
        return _exact_of_province(study)
    if one.estimator in ("payback_month", "reversal_month"):
        return _exact_month(study, weight)
    bunched = one.estimator == "bunching"
    if bunched and "platform" not in study.panel.treated:
        return None
    names = ("platform", "redeemed") if bunched else (one.outcome, one.per)
    return _number(_paired_statistic(study, *names)(weight))


def _exact_month(study: Study, weight: F64) -> float | None:
    """Month of payback or reversal on the path without noise: of the treated, or by exposure."""
    one, panel = study.one, study.panel
    difference = panel.treated[one.outcome][study.after] - panel.baseline[one.outcome][study.after]
    by_exposure = study.rule.kind == "area"
    of_month = _area_slope(study, study.weight) if by_exposure else partial(est.mean, weight=weight)
    effects = np.array([of_month(row.astype(float)) for row in difference])
    if one.estimator == "payback_month":
        return _number(est.payback_month(effects, one.after[0]))
    window = _window(one)
    return _number(est.reversal_month(effects, window, one.reversed_share))


def _paired_statistic(study: Study, name: str, per: str | None) -> est.Statistic:
    """Effect on the same households: in units of `per`, in percent, in points of income, or plain.

    With the instruments less without, as a function of weights.
    """
    one = study.one
    effects = study.effects(name, one.after)
    if per is not None:
        received = study.effects(per, one.per_after or one.after)
        return lambda w: est.mean(effects, w) / est.mean(received, w)
    if one.unit not in ("percent", "elasticity", "points"):
        return lambda w: est.mean(effects, w)
    scale = "income" if one.unit == "points" else name
    level = study.panel.baseline[scale][study.after].sum(axis=0, dtype=float)
    return lambda w: 100.0 * est.mean(effects, w) / est.mean(level, w)


def _exact_of_province(study: Study) -> float | None:
    """Paired difference of aggregates; for a regression, its own on the effect without noise."""
    one, panel, span = study.one, study.panel, study.after
    effects = panel.aggregates[one.outcome] - panel.aggregates_without[one.outcome]
    if one.estimator == "narrative":
        shock, *controls = [panel.aggregates[name][span] for name in one.shocks]
        calendar = (np.arange(span.start, span.stop) + panel.first_calendar) % 12 + 1
        level = panel.aggregates[one.outcome][span]
        found = est.narrative(effects[span], shock, np.array(controls), calendar, one.lags, level)
        return _number(found.value)
    scale = panel.aggregates_without[one.outcome][span].sum() / 100.0
    if one.per is not None:
        scale = panel.aggregates[one.per][study.span(one.per_after or one.after)].sum()
    return _number(effects[span].sum() / scale)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
