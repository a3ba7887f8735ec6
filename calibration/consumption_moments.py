"""Moments of the consumption block in its stand-alone panel, against their targets.

`python -m calibration.consumption_moments` solves the tables of the shipped parameters, simulates
the panel of `model.solvers.consumption_panel` to its stationary state, gives every household first
1,000 yuan once and then one per cent more permanent income for ever (same shocks), and prints what
it finds. Nothing printed here is an input of the model. Consumption includes medical bills and
durables unless a line says otherwise; income is gross regular income without interest.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from model.dimensions import PATIENCE_TYPES, QUINTILES, RESIDENCES
from model.parameters import Parameters, load_parameters
from model.solvers.consumption import MONTHS, RETIRED, ConsumptionTables, consumption_tables
from model.solvers.consumption_panel import (
    BURN_IN,
    HOUSEHOLDS,
    Panel,
    Rules,
    initial_panel,
    panel_rules,
    simulate,
)
from model.solvers.grids import FloatArray

URBAN = RESIDENCES.index("urban")
URBAN_HOUSEHOLDS = 0.75  # of all households: 0.73 of persons, 2.25 against 2.45 a household
GIFT = 1_000.0  # yuan
RAISE = 1.01
QUARTER = 3
YEARS = 3

Paths = dict[str, FloatArray]


@dataclass(frozen=True)
class Moment:
    """A simulated value with the band it should lie in (None: reported only)."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def met(self) -> bool:
        """Whether the value lies in its band."""
        return (self.low is None or self.value >= self.low) and (
            self.high is None or self.value <= self.high
        )


@dataclass(frozen=True)
class Experiment:
    """Paths of the same households with and without a change, and what they started with."""

    start: Panel
    base: Paths
    gift: Paths
    raised: Paths
    followed: Paths
    weight: FloatArray

    @property
    def annual_income(self) -> FloatArray:
        """Gross regular income of the first year, yuan [household]."""
        return np.asarray(self.base["income"][:MONTHS].sum(axis=0), dtype=np.float64)


def run_experiment(
    parameters: Parameters,
    tables: ConsumptionTables,
    households: int = HOUSEHOLDS,
    burn_in: int = BURN_IN,
) -> Experiment:
    """Burn the panel in, then run the base, the gift and the raise on the same shocks."""
    rules, panel = panel_rules(tables, parameters), initial_panel(parameters, households)
    simulate(rules, panel, 1, burn_in, recorded=False)
    months = YEARS * MONTHS

    def run(gift: float = 0.0, raised: float = 1.0, follow: bool = False) -> Paths:
        return _run(rules, panel.copy(), burn_in + 1, months, gift, raised, follow)

    weight = np.where(panel.residence == URBAN, URBAN_HOUSEHOLDS, 1.0 - URBAN_HOUSEHOLDS)
    return Experiment(
        panel, run(), run(gift=GIFT), run(raised=RAISE), run(raised=RAISE, follow=True), weight
    )


def _run(
    rules: Rules, panel: Panel, first: int, months: int, gift: float, raised: float, follow: bool
) -> Paths:
    return simulate(rules, panel, first, months, gift=gift, raised=raised, follow=follow)


def spending(paths: Paths, first: int = 0, last: int = MONTHS) -> FloatArray:
    """All consumption of months first..last-1, yuan [household]."""
    names = ("consumption", "medical", "durables")
    total = sum(paths[name][first:last].sum(axis=0) for name in names)
    return np.asarray(total, dtype=np.float64)


def fifths(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted fifth (0..4) of every household."""
    order = np.argsort(values, kind="stable")
    rank = np.empty(values.size)
    rank[order] = np.cumsum(weight[order]) / weight.sum()
    return np.minimum((rank * QUINTILES).astype(np.int64), QUINTILES - 1).astype(np.float64)


def weighted_median(values: FloatArray, weight: FloatArray) -> float:
    """Value below which half of the weight lies."""
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][np.searchsorted(reached, 0.5)])


def _ratio(top: FloatArray, bottom: FloatArray, weight: FloatArray) -> float:
    return float((top * weight).sum() / (bottom * weight).sum())


def gift_response(run: Experiment, first: int, last: int, chosen: FloatArray) -> float:
    """Extra non-durable spending in months first..last-1 per yuan given once."""
    extra = (run.gift["consumption"] - run.base["consumption"])[first:last].sum(axis=0)
    return _ratio(extra, np.full(extra.size, GIFT), run.weight * chosen)


def raise_response(
    run: Experiment, treated: Paths, year: int, chosen: FloatArray, durables: bool
) -> float:
    """Extra spending in a year (1, 2, 3) per yuan of lasting extra gross income in that year."""
    window = slice((year - 1) * MONTHS, year * MONTHS)
    names = ("consumption", "medical", *(("durables",) if durables else ()))
    extra = sum((treated[n] - run.base[n])[window].sum(axis=0) for n in names)
    income = (treated["income"] - run.base["income"])[window].sum(axis=0)
    return _ratio(np.asarray(extra), income, run.weight * chosen)


# ---------------------------------------------------------------- groups of moments


def spending_moments(run: Experiment) -> list[Moment]:
    """Responses to the one-off gift."""
    everyone = np.ones(run.weight.size)
    by_liquid = fifths(run.start.liquid, run.weight)
    found = [
        Moment("MPC 3 months, one-off", gift_response(run, 0, QUARTER, everyone), 0.15, 0.35),
        Moment("MPC 12 months, one-off", gift_response(run, 0, MONTHS, everyone), 0.40, 0.55),
        Moment("MPC year 2", gift_response(run, MONTHS, 2 * MONTHS, everyone), 0.10, 0.18),
    ]
    for fifth in range(QUINTILES):
        band = {0: (0.5, None), QUINTILES - 1: (None, 0.05)}.get(fifth, (None, None))
        value = gift_response(run, 0, QUARTER, (by_liquid == fifth).astype(float))
        found.append(Moment(f"MPC 3 months, liquid fifth {fifth + 1}", value, *band))
    return found


def permanent_moments(run: Experiment) -> list[Moment]:
    """Responses to one per cent more income for ever, committed share unchanged."""
    everyone = np.ones(run.weight.size)
    poor = (fifths(run.annual_income, run.weight) == 0).astype(float)
    retired = (run.start.stage == RETIRED).astype(float)
    found = []
    for durables, suffix in ((True, ""), (False, ", without durables")):
        for name, chosen, low, high in (
            ("mean", everyone, 0.6, 0.9), ("retired", retired, 0.7, 1.0),
            ("poorest fifth", poor, 0.7, 1.0),
        ):  # fmt: skip
            value = raise_response(run, run.raised, 1, chosen, durables)
            band = (low, high) if durables else (None, None)
            found.append(Moment(f"permanent MPC year 1, {name}{suffix}", value, *band))
    year_3 = raise_response(run, run.raised, YEARS, everyone, True)
    following = raise_response(run, run.followed, 1, everyone, True)
    found.append(Moment("permanent MPC year 3, mean", year_3))
    found.append(Moment("permanent MPC year 1, mean, committed share follows", following))
    return found


def saving_moments(run: Experiment) -> list[Moment]:
    """Saving rates: of all, by fifth of annual income, of the retired; spending over income."""
    spent, income = spending(run.base), run.annual_income
    group = fifths(income, run.weight)

    def rate(chosen: FloatArray) -> float:
        return 1.0 - _ratio(spent, income, run.weight * chosen)

    found = [Moment("saving rate", rate(np.ones(spent.size)), 0.25, 0.37)]
    for fifth, target in enumerate((0.05, 0.17, 0.23, 0.29, 0.40)):
        value = rate((group == fifth).astype(float))
        found.append(Moment(f"saving rate, fifth {fifth + 1}", value, target - 0.06, target + 0.06))
    retired = (run.start.stage == RETIRED).astype(float)
    found.append(Moment("saving rate, retired", rate(retired), 0.15, 0.25))
    for residence, low, high in ((URBAN, 0.61, 0.66), (1 - URBAN, 0.70, 0.76)):
        here = (run.start.residence == residence).astype(float)
        name = f"consumption over income, {RESIDENCES[residence]}"
        found.append(Moment(name, 1.0 - rate(here), low, high))
    return found


def wealth_moments(run: Experiment) -> list[Moment]:
    """Liquid wealth against income, the hand-to-mouth, mean incomes, unemployment."""
    annual = run.start.income * MONTHS
    liquid, weight = run.start.liquid, run.weight
    ratio = liquid / annual
    order = np.argsort(-liquid)
    top = order[np.cumsum(weight[order]) <= 0.1 * weight.sum()]
    hand = float((weight * (ratio < 0.5 / MONTHS)).sum() / weight.sum())
    found = [
        Moment("hand-to-mouth share", hand, 0.30, 0.43),
        Moment("median liquid over annual income", weighted_median(ratio, weight), 0.2, 0.4),
        Moment("mean liquid over mean annual income", _ratio(liquid, annual, weight), 1.0, 1.3),
        Moment(
            "top tenth's share of liquid wealth",
            float((liquid * weight)[top].sum() / (liquid * weight).sum()), 0.50, 0.60,
        ),
    ]  # fmt: skip
    targets = {URBAN: 45_900 * 2.25 / MONTHS, 1 - URBAN: 21_500 * 2.45 / MONTHS}
    for residence, target in targets.items():
        here = run.start.residence == residence
        mean = float(run.base["income"][:MONTHS, here].mean())
        found.append(
            Moment(
                f"mean income a month, {RESIDENCES[residence]}", mean, target * 0.95, target * 1.05
            )
        )
        share = _ratio(liquid[here], annual[here], weight[here])
        found.append(Moment(f"liquid over annual income, {RESIDENCES[residence]}", share))
    at_work = run.start.stage != RETIRED
    jobless = float((run.start.stage[at_work] == 1).mean())
    found.append(Moment("unemployed share of working stages", jobless, 0.045, 0.065))
    for patience, name in enumerate(PATIENCE_TYPES):
        chosen = (run.start.patience == patience).astype(float)
        found.append(
            Moment(f"liquid over annual income, {name}", _ratio(liquid, annual, weight * chosen))
        )
    return found


def moments(
    parameters: Parameters, tables: ConsumptionTables, households: int = HOUSEHOLDS
) -> list[Moment]:
    """All moments of a parameter set with its solved tables."""
    run = run_experiment(parameters, tables, households)
    return [
        *spending_moments(run), *permanent_moments(run), *saving_moments(run), *wealth_moments(run)
    ]  # fmt: skip


def format_table(found: list[Moment]) -> str:
    """Plain table: value, band and whether it is met."""
    lines = [f"{'moment':<56}{'value':>10}   {'band':<16}met"]
    for moment in found:
        digits = 0 if abs(moment.value) > 100 else 3
        ends = ["" if x is None else f"{x:.{min(digits, 2)}f}" for x in (moment.low, moment.high)]
        band = " - ".join(ends) if any(ends) else ""
        mark = "" if not band else ("yes" if moment.met else "NO")
        lines.append(f"{moment.name:<56}{moment.value:>10.{digits}f}   {band:<16}{mark}")
    return "\n".join(lines)


def main() -> int:
    """Print the table for the shipped parameters; returns the number of moments missed."""
    parameters = load_parameters()
    found = moments(parameters, consumption_tables(parameters))
    sys.stdout.write(format_table(found) + "\n")
    missed = [m.name for m in found if not m.met]
    sys.stdout.write(
        f"missed {len(missed)} of {sum(m.low is not None or m.high is not None for m in found)}\n"
    )
    return len(missed)


if __name__ == "__main__":
    main()
