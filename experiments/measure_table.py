"""All measures side by side: what each does by itself, with intervals and grades.

For every measure: paired differences over several seeds at default levers, widened by what
drawing its levers from their ranges does to the same seeds (`experiments.lever_draws`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments.comparison import Comparison, collect
from experiments.intervals import Estimate
from experiments.lever_draws import drawn_scenarios
from experiments.runner import Runner, replication_seeds
from model.outcome import Outcome
from model.policy.catalogue import load_catalogue
from model.scenario import Scenario

YI_YUAN = 1e8


@dataclass(frozen=True)
class Row:
    """One measure: effects to a horizon (months) in yi yuan and persons, cost, and their ratio.

    `per_yuan` is None where no budget pays.
    """

    number: int
    grade: str
    horizon: int
    consumption: Estimate
    value_added: Estimate
    employment: Estimate
    cost: Estimate
    per_yuan: Estimate | None

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        found: dict[str, Any] = {
            "number": self.number,
            "grade": self.grade,
            "horizon_months": self.horizon,
        }
        for name in ("consumption", "value_added", "employment", "cost", "per_yuan"):
            one: Estimate | None = getattr(self, name)
            found[name] = one and {"value": one.value, "low": one.low, "high": one.high}
        return found


def measure_rows(
    baseline: Scenario, replications: int, advance: Callable[[int], None] = lambda _: None
) -> list[Row]:
    """A row a measure; `advance(number)` after each. Raises ScenarioError."""
    seeds = replication_seeds(baseline.seed, replications)
    runner = Runner()
    base = [runner.run(baseline, seed, threads=2) for seed in seeds]
    rows = []
    for number in load_catalogue():
        rows.append(_row(number, baseline, seeds, base, runner))
        advance(number)
    return rows


def _row(
    number: int, baseline: Scenario, seeds: list[int], base: list[Outcome], runner: Runner
) -> Row:
    policy = baseline.with_measures([number])
    drawn = drawn_scenarios(policy, len(seeds)) if len(seeds) > 1 else []
    sides = [[policy] * len(seeds), drawn] if drawn else [[policy] * len(seeds)]
    runs = [
        (seed, first, *(runner.run(side[k], seed, threads=2) for side in sides))
        for k, (seed, first) in enumerate(zip(seeds, base, strict=True))
    ]
    return _figures(number, collect(runs), baseline)  # type: ignore[arg-type]


def _figures(number: int, compared: Comparison, baseline: Scenario) -> Row:
    measure = load_catalogue()[number]
    horizon = min(baseline.months, baseline.month_offset(measure.start) + 24)
    effect = compared.effect
    return Row(
        number,
        measure.evidence.grade,
        horizon,
        effect("household_consumption", horizon).scaled(1 / YI_YUAN),
        effect("local_value_added", horizon).scaled(1 / YI_YUAN),
        effect("employment", horizon),
        effect("fiscal_cost", horizon).scaled(1 / YI_YUAN),
        compared.per_cost("household_consumption", 0, horizon),
    )
