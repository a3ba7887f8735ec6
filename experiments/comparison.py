"""What a policy changes: paired differences, leverage, who pays, who gains.

Definitions (D is policy minus baseline with the same seed, S the extra payments of all budgets):

- effect at horizon h: D of a flow summed over the first h months of the run, D of employment and
  prices averaged over them. The run starts when the policy becomes known, so waiting before the
  first payment and payback after the last one are both inside.
- window: from the first to the last month with extra payments.
- headline_sales: extra platform and subsidised sales / payments of the levers tied to a purchase.
  It counts purchases that would have been made anyway; it is reported because press releases do.
- window (leverage): D household consumption in the window / S.
- household_12m, _24m, _36m: D household consumption to h / S to h (all channels, payback in).
- local_value_added, fiscal_return: D value added, D taxes and contributions / S, whole run.

A ratio without a positive cost (nothing was paid) is None, never infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.intervals import (
    Estimate,
    group_jackknife,
    mean_estimate,
    ratio_estimate,
    widened,
)
from experiments.paired import BOTTOM_QUINTILES, GROUP_DIMS, OUTCOME_RULES, Pair, pair
from model.outcome import FIXED_LABELS, Outcome, Series

Floats = npt.NDArray[np.float64]
HORIZONS: Final = (12, 24, 36)
PAYERS: Final = ("central", "province", "cities", "funds", "firms", "households")
SHARED_FACTS: Final = ("households", "scale", "labels", "lever_kinds")
"""What an outcome's `meta` says of every replication alike."""
DECOMPOSITION_DIMS: Final = ("month", *GROUP_DIMS, "category")


@dataclass(frozen=True)
class Effect:
    """One outcome to one horizon (months), with its interval and evidence grade."""

    outcome: str
    unit: str
    horizon_months: int
    estimate: Estimate
    grade: str


@dataclass(frozen=True)
class Part:
    """Share of the consumption effect that falls on one label of one dimension.

    `baseline` is the baseline's consumption of the same cell (yuan); `persons` is the head count,
    None where heads make no sense (months, categories).
    """

    dimension: str
    label: str
    estimate: Estimate
    baseline: float
    persons: float | None


@dataclass
class MeanOutcome:
    """Running mean over replications of every series that means the same in all of them."""

    months: list[str] = field(default_factory=list)
    series: dict[str, Series] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def add(self, run: Outcome) -> None:
        """Take one more replication in."""
        self.count += 1
        if not self.months:
            self.months = run.months
            self.meta = {key: run.meta[key] for key in SHARED_FACTS if key in run.meta}
        for name, series in run.series.items():
            if "household" in series.dims:
                continue  # another seed, other households
            values = np.asarray(series.values, dtype=float)
            if name in self.series:
                before = self.series[name].values
                values = before + (values - before) / self.count
            self.series[name] = Series(values, series.dims, series.unit)

    def outcome(self) -> Outcome:
        """The means as an outcome."""
        return Outcome(self.months, self.series, self.meta)


@dataclass(frozen=True)
class Comparison:
    """All pairs of one policy and one baseline; every figure is computed from `pairs`.

    `baseline` and `policy` are means over replications. `drawn` are pairs of the same seeds with
    the levers of measures drawn from their ranges; empty if the scenario has none.
    """

    pairs: tuple[Pair, ...]
    baseline: Outcome
    policy: Outcome
    grade: Callable[[str], str] = lambda _: "D"
    drawn: tuple[Pair, ...] = ()

    @property
    def months(self) -> list[str]:
        """Months of the run, "YYYY-MM"."""
        return self.policy.months

    @property
    def seeds(self) -> list[int]:
        """Seeds of the replications."""
        return [one.seed for one in self.pairs]

    @property
    def max_residual_fen(self) -> int:
        """Largest accounting residual of any month of any run."""
        return max(one.max_residual_fen for one in self.pairs)

    @property
    def horizons(self) -> tuple[int, ...]:
        """12, 24, 36 months as far as the run goes; its whole length if it is shorter."""
        reached = tuple(h for h in HORIZONS if h <= len(self.months))
        return reached or (len(self.months),)

    @property
    def window(self) -> tuple[int, int]:
        """First month with extra payments and the month after the last; all months if none."""
        paid = np.zeros(len(self.months), dtype=bool)
        for one in self.pairs:
            for monthly in one.payer_cost.values():
                paid |= monthly != 0
        months = np.flatnonzero(paid)
        return (int(months[0]), int(months[-1]) + 1) if len(months) else (0, len(self.months))

    def outcomes(self) -> list[str]:
        """Outcomes that every run recorded."""
        return [name for name in OUTCOME_RULES if all(name in one.policy for one in self.pairs)]

    def effect(self, outcome: str, months: int, first: int = 0) -> Estimate:
        """Effect over months first..months-1, in the outcome's unit (see the module)."""
        quick = self._inside_run(outcome, first, months)
        return self._mean(lambda one: one.effect(outcome, first, months), quick)

    def _mean(self, figure: Callable[[Pair], float], quick: Estimate | None) -> Estimate:
        """Mean of one figure over the pairs, its interval widened by the ranges of levers."""
        values = np.array([figure(one) for one in self.pairs])
        shifts = np.array([figure(one) for one in self.drawn]) - values[: len(self.drawn)]
        return widened(mean_estimate(values, quick), shifts)

    def _ratio(
        self, gain: Callable[[Pair], float], cost: Callable[[Pair], float], quick: Estimate | None
    ) -> Estimate | None:
        """Mean gain over mean cost, likewise."""
        gains, costs = (np.array([f(one) for one in self.pairs]) for f in (gain, cost))
        found = ratio_estimate(gains, costs, quick)
        usual = [g / c for g, c in zip(gains, costs, strict=True) if c > 0]
        drawn = [gain(one) / cost(one) for one in self.drawn if cost(one) > 0]
        if found is None or len(drawn) != len(self.drawn) or len(usual) != len(gains):
            return found
        return widened(found, np.array(drawn) - np.array(usual[: len(drawn)]))

    def effects(self) -> list[Effect]:
        """Every recorded outcome at every horizon."""
        return [
            Effect(name, OUTCOME_RULES[name].unit, h, self.effect(name, h), self.grade(name))
            for name in self.outcomes()
            for h in self.horizons
        ]

    def window_effects(self) -> list[Effect]:
        """Every recorded outcome inside the payment window."""
        first, last = self.window
        return [
            Effect(
                name,
                OUTCOME_RULES[name].unit,
                last - first,
                self.effect(name, last, first),
                self.grade(name),
            )
            for name in self.outcomes()
        ]

    def monthly(self, outcome: str) -> tuple[Floats, Floats, Floats]:
        """Value, low and high of the monthly difference, each of shape [month]."""
        months = len(self.months)
        found = [self.effect(outcome, month + 1, month) for month in range(months)]
        rows = np.array([(one.value, one.low, one.high) for one in found]).reshape(months, 3)
        return rows[:, 0], rows[:, 1], rows[:, 2]

    def leverage(self) -> dict[str, Estimate | None]:
        """The seven ratios of the module's docstring; None where nothing was paid."""
        whole, (first, last) = len(self.months), self.window
        ratios = {
            "headline_sales": self._ratio(
                lambda one: float(one.tied_sales.sum()),
                lambda one: float(one.tied_cost.sum()),
                self._inside_run("", 0, whole),
            ),
            "window": self.per_cost("household_consumption", first, last),
        }
        for h in HORIZONS:
            reached = self.per_cost("household_consumption", 0, h) if h <= whole else None
            ratios[f"household_{h}m"] = reached
        ratios["local_value_added"] = self.per_cost("local_value_added", 0, whole)
        ratios["fiscal_return"] = self.per_cost("tax_return", 0, whole)
        return ratios

    def payers(self) -> dict[str, Estimate]:
        """Extra yuan over the whole run by payer: three budgets, social funds, firms, households.

        Budgets: what they pay for the levers. Firms and households: what the levers make them
        pay outside any budget (forced raises; own money added to reach a voucher's threshold).
        """
        quick = self._inside_run("", 0, len(self.months))
        return {name: self._mean(_total_of("payer_cost", name), quick) for name in PAYERS}

    def payer_returns(self) -> dict[str, Estimate]:
        """Extra taxes and contributions over the whole run by budget, yuan."""
        quick = self._inside_run("", 0, len(self.months))
        return {
            name: self._mean(_total_of("payer_return", name), quick)
            for name in self.pairs[0].payer_return
        }

    def residence_by_quintile(self, months: int) -> tuple[Floats, Floats, Floats] | None:
        """Gain per head to a horizon, yuan: value, low, high of shape [residence, quintile]."""
        gains = [one.group_gain[:months] for one in self.pairs if one.group_gain is not None]
        if len(gains) < len(self.pairs) or "persons" not in self.policy:
            return None
        heads = np.asarray(self.policy["persons"].by("residence", "quintile").values, dtype=float)
        cells = np.array([gain.sum(axis=(0, 1, 4)) for gain in gains])
        whole = self._inside_run("household_consumption", 0, months)
        rows = [mean_estimate(values, whole) for values in cells.reshape(len(cells), -1).T]
        bounds = np.array([(one.value, one.low, one.high) for one in rows]).T
        value, low, high = (row.reshape(heads.shape) / heads for row in bounds)
        return value, low, high

    def decomposition(self, months: int | None = None) -> list[Part]:
        """The consumption effect to a horizon (default: whole run), split six ways.

        Within each dimension the parts add up to the total.
        """
        last = len(self.months) if months is None else months
        return [part for dim in DECOMPOSITION_DIMS for part in self._parts(dim, last)]

    def per_cost(self, outcome: str, first: int, last: int) -> Estimate | None:
        """Effect of an outcome over payments of all budgets, months first..last-1."""
        if outcome not in self.outcomes() or "fiscal_cost" not in self.outcomes():
            return None
        cost = self.pairs[0].effect("fiscal_cost", first, last)
        quick = self._inside_run(outcome, first, last)
        if quick is not None and cost > 0:
            quick = quick.scaled(1 / cost)
        return self._ratio(
            lambda one: one.effect(outcome, first, last),
            lambda one: one.effect("fiscal_cost", first, last),
            quick,
        )

    def _inside_run(self, outcome: str, first: int, last: int) -> Estimate | None:
        """Spread between groups of households: the stand-in for seeds if there is only one."""
        gain, base = self.pairs[0].group_gain, self.pairs[0].group_base
        if len(self.pairs) > 1 or gain is None or base is None:
            return None
        bottom = slice(BOTTOM_QUINTILES if outcome == "bottom40_consumption" else None)
        return _jackknife(gain[first:last, :, :, bottom], base[first:last, :, :, bottom])

    def _parts(self, dim: str, last: int) -> list[Part]:
        split = [_along(one, dim, last) for one in self.pairs]
        known = [both for both in split if both is not None]
        if len(known) < len(self.pairs):
            return []
        labels = self.months[:last] if dim == "month" else FIXED_LABELS[dim]
        heads = self._heads(dim)
        gains = np.array([gain for gain, _ in known])
        shifts = self._drawn_parts(dim, last, gains)
        return [
            Part(
                dim,
                label,
                widened(
                    mean_estimate(gains[:, position], self._part_quick(dim, position, last)),
                    shifts[:, position],
                ),
                float(np.mean([base[position] for _, base in known])),
                None if heads is None else float(heads[position]),
            )
            for position, label in enumerate(labels)
        ]

    def _drawn_parts(self, dim: str, last: int, gains: Floats) -> Floats:
        """What drawing the levers does to each part [draw, part]; no rows without draws."""
        drawn = [both[0] for one in self.drawn if (both := _along(one, dim, last)) is not None]
        if len(drawn) < len(self.drawn) or not drawn:
            return np.zeros((0, gains.shape[1]))
        return np.array(drawn) - gains[: len(drawn)]

    def _part_quick(self, dim: str, position: int, last: int) -> Estimate | None:
        gain, base = self.pairs[0].group_gain, self.pairs[0].group_base
        if len(self.pairs) > 1 or gain is None or base is None:
            return None
        if dim not in GROUP_DIMS:
            return self._inside_run("household_consumption", 0, last)
        axis = GROUP_DIMS.index(dim) + 1
        return _jackknife(
            gain[:last].take([position], axis=axis), base[:last].take([position], axis=axis)
        )

    def _heads(self, dim: str) -> Floats | None:
        if dim not in GROUP_DIMS or "persons" not in self.policy:
            return None
        return np.asarray(self.policy["persons"].by(dim).values, dtype=float)


def _total_of(account: str, name: str) -> Callable[[Pair], float]:
    """Sum over all months of one entry of a pair's payments or tax returns."""
    return lambda one: float(getattr(one, account)[name].sum())


def _jackknife(gain: Floats, base: Floats) -> Estimate:
    """Monthly cells [month, place, residence, quintile, age] to strata and groups."""
    places, residences = gain.shape[1:3]
    shape = (places * residences, -1)
    return group_jackknife(gain.sum(axis=0).reshape(shape), base.sum(axis=0).reshape(shape))


def _along(one: Pair, dim: str, last: int) -> tuple[Floats, Floats] | None:
    """Gain and baseline of one pair along a dimension, summed to a horizon."""
    if dim == "category":
        gain, base = one.category_gain, one.category_base
        return None if gain is None or base is None else (gain[:last].sum(0), base[:last].sum(0))
    gain, base = one.group_gain, one.group_base
    if gain is None or base is None:
        return None
    if dim == "month":
        return gain[:last].sum((1, 2, 3, 4)), base[:last].sum((1, 2, 3, 4))
    others = tuple(axis for axis in range(5) if axis != GROUP_DIMS.index(dim) + 1)
    return gain[:last].sum(others), base[:last].sum(others)


def collect(
    runs: Iterable[tuple[int, Outcome, Outcome, *tuple[Outcome, ...]]],
    grade: Callable[[str], str] = lambda _: "D",
) -> Comparison:
    """A comparison from (seed, baseline, policy[, policy with levers drawn]) runs.

    Raises ValueError if there are none.
    """
    baseline, policy, pairs, drawn = MeanOutcome(), MeanOutcome(), [], []
    for seed, base_run, policy_run, *drawn_runs in runs:
        pairs.append(pair(seed, base_run, policy_run))
        drawn += [pair(seed, base_run, one) for one in drawn_runs]
        baseline.add(base_run)
        policy.add(policy_run)
    if not pairs:
        raise ValueError("a comparison needs at least one replication")
    return Comparison(tuple(pairs), baseline.outcome(), policy.outcome(), grade, tuple(drawn))


def as_numbers(estimates: dict[str, Estimate | None]) -> dict[str, float | None]:
    """Point values for scripts."""
    return {name: None if one is None else one.value for name, one in estimates.items()}


def as_intervals(estimates: dict[str, Estimate | None]) -> dict[str, dict[str, Any] | None]:
    """Values with intervals and their method."""
    return {name: None if one is None else describe(one) for name, one in estimates.items()}


def describe(estimate: Estimate) -> dict[str, Any]:
    """JSON form of an estimate."""
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "method": estimate.method,
    }


def effect_rows(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """JSON form of effects, as the machine-readable contract has it."""
    return [
        {
            "outcome": one.outcome,
            "unit": one.unit,
            "horizon_months": one.horizon_months,
            **describe(one.estimate),
            "grade": one.grade,
            "prices": OUTCOME_RULES[one.outcome].prices,
        }
        for one in effects
    ]


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The figures of a comparison for scripts: plain values, and beside them the intervals."""
    leverage, payers = comparison.leverage(), dict(comparison.payers())
    first, last = comparison.window
    return {
        "max_residual_fen": comparison.max_residual_fen,
        "effects": effect_rows(comparison.effects()),
        "window": {"first": comparison.months[first], "last": comparison.months[last - 1]},
        "window_effects": effect_rows(comparison.window_effects()),
        "leverage": as_numbers(leverage),
        "leverage_intervals": as_intervals(leverage),
        "payers": {name: one.value for name, one in payers.items()},
        "payers_intervals": as_intervals(dict(payers)),
        "seeds": comparison.seeds,
    }
