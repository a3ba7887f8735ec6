"""Ten years without policy: what a steady baseline must keep, and how far it drifts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from model.economy import Economy
from model.parameters import load_parameters
from tests.economies import F64, by_place, say, scenario

pytestmark = pytest.mark.slow
YEARS, SCALE, SEEDS = 10, 2000, range(1, 5)
LIMIT = 0.03  # of the level of year 2, for aggregates relative to trend


def _figures(economy: Economy) -> dict[str, float]:
    """One month's provincial aggregates; money relative to trend."""
    flows, market, block = economy.flows, economy.market, economy.household_block
    found = {
        "consumption": by_place(block, block.columns.spending).sum(),
        "income": by_place(block, block.columns.income).sum(),
        "value added": market.value_added.sum(),
        "retail sales": market.retail_sales.sum(),
        "liquid wealth": flows.liquid.sum(),
        "committed": flows.committed_balance.sum(),
    }
    columns, weight = block.columns, flows.consumption.sum(axis=(1, 2))
    working = columns.stage < 2
    homes, workers = by_place(block, columns.stage >= 0).sum(), by_place(block, working).sum()
    return {name: float(value / economy.trend) for name, value in found.items()} | {
        "employment": float(flows.employed_persons.sum()),
        "unemployment": float(flows.unemployed_persons.sum()),
        "prices": float((economy.plan.consumer_price * weight).sum() / weight.sum()),
        "pensioner households": by_place(block, ~working).sum() / homes,
        "covered workers": by_place(block, working & (columns.work_class == 1)).sum() / workers,
        "farmers": by_place(block, working & (columns.work_class == 4)).sum() / workers,
        "firm cells short of cash": float((economy.markets.firms.short_of_cash > 0).mean()),
    }


@cache
def yearly_means() -> dict[str, F64]:
    """Mean over seeds and months of every figure by year."""
    runs: list[list[dict[str, float]]] = []
    for seed in SEEDS:
        economy = Economy(scenario(months=12 * YEARS, scale=SCALE, seed=seed), lean=True)
        months = []
        for _ in range(12 * YEARS):
            economy.step()
            months.append(_figures(economy))
        runs.append(months)
    return {
        name: np.array([[m[name] for m in months] for months in runs])
        .reshape(len(runs), YEARS, 12)
        .mean(axis=(0, 2))
        for name in runs[0][0]
    }


def _drift(name: str) -> float:
    years = yearly_means()[name]
    drift = float(years[-1] / years[1] - 1.0)
    say(f"{name}: year 10 over year 2 {100 * drift:+.1f} %, by year", (years / years[1]).round(3))
    return drift


LIQUID_DRIFT = pytest.mark.xfail(
    strict=True, reason="known fault: liquid wealth rises by 3.5 % from year 2 to year 10"
)


@pytest.mark.parametrize(
    "name",
    [
        "consumption", "income", "value added", "retail sales", "committed", "employment", "prices",
        pytest.param("liquid wealth", marks=LIQUID_DRIFT), "unemployment",
        "pensioner households", "farmers",
        "covered workers",
    ],
)  # fmt: skip
def test_baseline_stays_on_trend(name: str) -> None:
    assert abs(_drift(name)) < LIMIT


def test_firms_do_not_run_out_of_cash_in_the_baseline() -> None:
    share = yearly_means()["firm cells short of cash"]
    say("share of firm cells short of cash by year:", share.round(3))
    assert share[-1] < 2.0 * share[0] + 0.01


def test_nominal_growth_is_the_trend() -> None:
    """Twelve-month growth of income is the trend's, within a percentage point every year."""
    growth = load_parameters().number("consumption.growth")
    income = yearly_means()["income"] * (1.0 + growth) ** np.arange(YEARS)
    assert (np.abs(income[1:] / income[:-1] - 1.0 - growth) < 0.01).all()
