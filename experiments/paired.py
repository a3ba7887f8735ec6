"""Policy minus baseline for one seed: the pair that every effect is made of.

Both runs share population, streams and shocks, so a difference is the policy's doing. Flows of
the policy run are valued at the *baseline's prices of the same month* (each consumption category
by its own price, everything else by the price level), so that a policy that only raises prices
shows no extra consumption, and money stays comparable with the nominal cost. Retail sales,
payments and tax revenue stay in current prices: that is how they are published and booked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES
from model.outcome import BEARERS, BUDGETS, SOURCES, Outcome, Series

Floats = npt.NDArray[np.float64]
GROUP_DIMS: Final = ("place", "residence", "quintile", "age_group")
BOTTOM_QUINTILES: Final = 2
TIED_LEVERS: Final = ("vouchers", "trade_in")


@dataclass(frozen=True)
class OutcomeRule:
    """How one reported outcome is read from a run.

    `kind` is "flow" (summed over the horizon), "stock" (averaged over the horizon) or "index"
    (averaged, as percent of the baseline).
    """

    unit: str
    kind: str
    prices: str | None
    monthly: Callable[[Outcome, Outcome], Floats]


def _price_ratio(baseline: Outcome, run: Outcome, series: Series) -> Floats:
    """Baseline price over the run's price, shaped to multiply `series` (month first)."""
    own = "category" in series.dims and "consumer_prices" in run
    name = "consumer_prices" if own else "price_level"
    if name not in run or name not in baseline:
        return np.ones((series.values.shape[0],) + (1,) * (series.values.ndim - 1))
    ratio = np.asarray(baseline[name].values / run[name].values, dtype=float)
    shape = [1] * series.values.ndim
    shape[0] = ratio.shape[0]
    if own:
        shape[series.axis("category")] = ratio.shape[1]
    return ratio.reshape(shape)


def at_baseline_prices(baseline: Outcome, run: Outcome, name: str) -> Series:
    """One series of `run`, yuan at the baseline's prices of the same month."""
    series = run[name]
    if series.axis("month") != 0:
        raise ValueError(f"{name}: the month must be the first dimension")
    return Series(series.values * _price_ratio(baseline, run, series), series.dims, series.unit)


def _real(name: str) -> Callable[[Outcome, Outcome], Floats]:
    return lambda baseline, run: _float(at_baseline_prices(baseline, run, name).by("month"))


def _current(name: str) -> Callable[[Outcome, Outcome], Floats]:
    return lambda _, run: _float(run[name].by("month"))


def _float(series: Series) -> Floats:
    return np.asarray(series.values, dtype=float)


def _bottom(baseline: Outcome, run: Outcome) -> Floats:
    real = at_baseline_prices(baseline, run, "consumption")
    return _float(real.take("quintile", range(BOTTOM_QUINTILES)).by("month"))


OUTCOME_RULES: Final[Mapping[str, OutcomeRule]] = {
    "household_consumption": OutcomeRule("yuan", "flow", "baseline", _real("consumption")),
    "bottom40_consumption": OutcomeRule("yuan", "flow", "baseline", _bottom),
    "retail_sales": OutcomeRule("yuan", "flow", "current", _current("retail_sales")),
    "local_value_added": OutcomeRule("yuan", "flow", "baseline", _real("value_added")),
    "employment": OutcomeRule("persons", "stock", None, _current("employment")),
    "price_level": OutcomeRule("percent", "index", None, _current("price_level")),
    "fiscal_cost": OutcomeRule("yuan", "flow", "current", _current("payments")),
    "tax_return": OutcomeRule("yuan", "flow", "current", _current("revenue")),
    "income": OutcomeRule("yuan", "flow", "baseline", _real("income")),
}


@dataclass(frozen=True)
class Pair:
    """What one seed says. All arrays are monthly; yuan, persons or index points.

    `baseline` and `policy` hold [month] by outcome. `group_gain` and `group_base` are
    consumption by [month, place, residence, quintile, age_group], `category_gain` and
    `category_base` by [month, category]; None if the run did not record them. `payer_cost` is
    [month] by payer, `payer_return` extra taxes by budget; `tied_sales`, `tied_cost` are [month].
    """

    seed: int
    baseline: dict[str, Floats]
    policy: dict[str, Floats]
    group_gain: Floats | None
    group_base: Floats | None
    category_gain: Floats | None
    category_base: Floats | None
    payer_cost: dict[str, Floats]
    payer_return: dict[str, Floats]
    tied_sales: Floats
    tied_cost: Floats
    max_residual_fen: int
    households: int
    scale: int

    def monthly(self, outcome: str) -> Floats:
        """Policy minus baseline by month, in the outcome's unit."""
        base, run = self.baseline[outcome], self.policy[outcome]
        if OUTCOME_RULES[outcome].kind == "index":
            return np.asarray((run - base) / base * 100)
        return np.asarray(run - base)

    def effect(self, outcome: str, first: int, last: int) -> float:
        """Effect over the months first..last-1: the sum of a flow, the mean of anything else."""
        window = self.monthly(outcome)[first:last]
        flow = OUTCOME_RULES[outcome].kind == "flow"
        return float(window.sum() if flow else window.mean())


def monthly_outcomes(baseline: Outcome, policy: Outcome) -> dict[str, tuple[Floats, Floats]]:
    """Baseline and policy [month] of every outcome that both recorded, by name. Raises ValueError
    if their months differ.
    """
    if baseline.months != policy.months:
        raise ValueError("baseline and policy must cover the same months")
    outcomes = {name: _both(rule, baseline, policy) for name, rule in OUTCOME_RULES.items()}
    return {name: both for name, both in outcomes.items() if both is not None}


def pair(seed: int, baseline: Outcome, policy: Outcome) -> Pair:
    """Difference of two runs of one seed. Raises ValueError if their months differ."""
    recorded = monthly_outcomes(baseline, policy)
    group_gain, group_base = _split(baseline, policy, GROUP_DIMS)
    category_gain, category_base = _split(baseline, policy, ("category",))
    return Pair(
        seed=seed,
        baseline={name: both[0] for name, both in recorded.items()},
        policy={name: both[1] for name, both in recorded.items()},
        group_gain=group_gain,
        group_base=group_base,
        category_gain=category_gain,
        category_base=category_base,
        payer_cost=_payer_costs(baseline, policy),
        payer_return=_by_budget(_budget(policy, "revenue") - _budget(baseline, "revenue")),
        tied_sales=_tied_sales(policy) - _tied_sales(baseline),
        tied_cost=_tied_cost(policy) - _tied_cost(baseline),
        max_residual_fen=max(baseline.max_residual_fen, policy.max_residual_fen),
        households=int(policy.meta.get("households", 0)),
        scale=int(policy.meta.get("scale", 0)),
    )


def _both(rule: OutcomeRule, baseline: Outcome, policy: Outcome) -> tuple[Floats, Floats] | None:
    """The outcome in both runs, or None if lean runs left its series or dims out."""
    try:
        return rule.monthly(baseline, baseline), rule.monthly(baseline, policy)
    except (KeyError, ValueError):
        return None


def _split(
    baseline: Outcome, policy: Outcome, dims: tuple[str, ...]
) -> tuple[Floats | None, Floats | None]:
    """Consumption gain and baseline by month and `dims`, if recorded."""
    if "consumption" not in policy or not set(dims) <= set(policy["consumption"].dims):
        return None, None
    base = _float(baseline["consumption"].by("month", *dims))
    run = _float(at_baseline_prices(baseline, policy, "consumption").by("month", *dims))
    return run - base, base


def _budget(run: Outcome, name: str) -> Floats:
    """A series by [month, budget]; zero if the run has no such series."""
    if name not in run or "payer" not in run[name].dims:
        return np.zeros((len(run.months), len(BUDGETS)))
    return _float(run[name].by("month", "payer"))


def _sources(run: Outcome) -> Floats:
    """What levers cost by [month, source]; zero if the run has no payments."""
    if "payments" not in run or "source" not in run["payments"].dims:
        return np.zeros((len(run.months), len(SOURCES)))
    return _float(run["payments"].by("month", "source"))


def _by_budget(amounts: Floats) -> dict[str, Floats]:
    """[month, budget] as three levels of government."""
    cities = [BUDGETS.index(place) for place in PLACES]
    return {
        "central": amounts[:, BUDGETS.index("central")],
        "province": amounts[:, BUDGETS.index("province")],
        "cities": amounts[:, cities].sum(axis=1),
    }


def _bearer_costs(run: Outcome, bearer: str) -> Floats:
    """What firms or households pay outside any budget, by month."""
    paid = np.zeros(len(run.months))
    if "direct_costs" in run:
        paid = paid + _float(run.select("direct_costs", bearer=bearer).by("month"))
    if bearer == "households" and "voucher_counters" in run:
        paid = paid + _float(run.select("voucher_counters", counter="topped_up").by("month"))
    return paid


def _payer_costs(baseline: Outcome, policy: Outcome) -> dict[str, Floats]:
    extra = _sources(policy) - _sources(baseline)
    costs = _by_budget(extra) | {"funds": extra[:, SOURCES.index("funds")]}
    for bearer in BEARERS:
        costs[bearer] = _bearer_costs(policy, bearer) - _bearer_costs(baseline, bearer)
    return costs


def _tied_sales(run: Outcome) -> Floats:
    """Sales a press release counts as driven: on the voucher platform, or subsidised. By month."""
    sales = np.zeros(len(run.months))
    if "voucher_counters" in run:
        sales = sales + _float(run.select("voucher_counters", counter="platform_sales").by("month"))
    if "subsidised_sales" in run:
        sales = sales + _float(run["subsidised_sales"].by("month"))
    return sales


def _tied_cost(run: Outcome) -> Floats:
    """Payments of the levers whose money is tied to a purchase, by month."""
    if "payments" not in run or "lever" not in run["payments"].dims:
        return np.zeros(len(run.months))
    kinds: Mapping[str, Any] = run.meta.get("lever_kinds", {})
    names = run.labels_of("payments")[run["payments"].axis("lever")]
    tied = [i for i, name in enumerate(names) if kinds.get(name, name) in TIED_LEVERS]
    return _float(run["payments"].take("lever", tied).by("month"))


def totals(run: Outcome) -> dict[str, float]:
    """Every reported outcome of one run over all its months: sums of flows, means of the rest."""
    found = {}
    for name, rule in OUTCOME_RULES.items():
        both = _both(rule, run, run)
        if both is not None:
            found[name] = float(both[0].sum() if rule.kind == "flow" else both[0].mean())
    return found
