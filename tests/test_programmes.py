"""Programmes for firms, jobs and visitors in the assembled economy, and their delivery."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from app.commands_run import register
from model.dimensions import PLACES
from model.economy import Economy
from model.outcome import Outcome
from model.parameters import load_parameters
from model.policy.delivery import Delivery
from model.policy.levers.base import F64
from model.scenario import ScenarioError, load_scenario
from model.shortfall import BudgetError
from tests.economies import Policies, outcome, scenario
from tests.supply_programmes import NAMED, NULL, programme

BY_LEVER = ("payments", "direct_costs")  # have an axis of policies
MONTHS = 12
CENTRE = {"payers": {"central": 1.0}}


def different(left: Outcome, right: Outcome) -> list[str]:
    """Series that differ in any bit."""
    assert set(left) == set(right)
    names = [name for name in left if name not in BY_LEVER]
    return [name for name in names if not np.array_equal(left[name].values, right[name].values)]


def run(lever: str, **settings: Any) -> Outcome:
    return outcome(programme(lever, **settings), months=MONTHS)


# -- nothing for nothing --------------------------------------------------------------------------


@pytest.mark.parametrize("lever", NULL)
def test_a_programme_of_no_size_changes_no_bit(lever: str) -> None:
    null = run(lever, **NULL[lever])
    assert different(outcome(months=MONTHS), null) == []
    assert not null["payments"].values.any()
    assert not null["direct_costs"].values.any()


@pytest.mark.parametrize(
    ("lever", "settings"),
    [
        ("coordination", {"lag_percent": -50, "capacity_percent": 200}),
        ("local_offer", {"sectors": NAMED, "appeal_percent": 20, "diverted_share": 1}),
        ("visitors", {"persons_per_year": 10**6, "yuan_per_person": 10**4, "additional_share": 0}),
        ("visitors", {"extra_percent": 50, "additional_share": 0}),
    ],
)  # fmt: skip
def test_what_moves_nothing_changes_no_bit(lever: str, settings: dict[str, Any]) -> None:
    assert different(outcome(months=MONTHS), run(lever, **settings)) == []


def test_statistics_change_only_the_measured_series() -> None:
    counted = run("statistics", service_coverage_points=15, by_buyer_location=1)
    assert different(outcome(months=MONTHS), counted) == ["retail_sales_measured"]


def test_the_comparison_can_fail() -> None:
    assert "value_added" in different(outcome(months=MONTHS), run("visitors", extra_percent=1))


# -- more from more -------------------------------------------------------------------------------

# Lever, settings of three sizes, series, direction of its sum over the run.
MONOTONE: list[tuple[str, list[dict[str, Any]], str, int]] = [
    ("visitors", [{"extra_percent": p} for p in (0, 5, 20)], "value_added", 1),
    ("visitors", [{"extra_percent": 20, "additional_share": p} for p in (0, 0.5, 1)],
     "value_added", 1),
    ("local_offer", [{"sectors": NAMED, "appeal_percent": p} for p in (0, 3, 10)], "leakage", -1),
    ("local_offer", [{"sectors": ["farm"], "export_percent": p} for p in (0, 3, 10)],
     "value_added", 1),
    ("service_supply", [{"sectors": NAMED, "quality_percent": p} for p in (0, 3, 10)],
     "leakage", -1),
    ("service_supply", [{"sectors": NAMED, "operating_yi_yuan_per_year": p, **CENTRE}
                        for p in (0, 5, 20)], "price_level", -1),
    ("public_works", [{"yi_yuan_per_year": p, **CENTRE} for p in (0, 20, 100)], "value_added", 1),
    ("public_works", [{"yi_yuan_per_year": 50, "wage_share": p, **CENTRE} for p in (0, 0.3, 0.8)],
     "income", 1),
    ("firm_support", [{"sectors": NAMED, "investment_yi_yuan_per_year": p, **CENTRE}
                      for p in (0, 20, 100)], "value_added", 1),
    ("firm_support", [{"sectors": NAMED, "interest_subsidy_points": p, **CENTRE}
                      for p in (0, 1, 3)], "price_level", -1),
    ("firm_support", [{"sectors": NAMED, "guarantees_yi_yuan": p} for p in (0, 10, 100)],
     "value_added", 1),
    ("start_ups", [{"loans_yi_yuan": p} for p in (0, 10, 100)], "value_added", 1),
    ("start_ups", [{"entry_percent": p} for p in (0, 10, 50)], "leakage", -1),
    ("dividends", [{"payout_percent": p} for p in (0, 10, 30)], "consumption", 1),
    ("housing", [{"price_cut_percent": p} for p in (0, 2, 10)], "revenue", -1),
    ("jobs", [{"separation_percent": p} for p in (0, -30, -80)], "unemployed", -1),
    ("jobs", [{"matching_percent": p} for p in (0, 10, 40)], "unemployed", -1),
    ("jobs", [{"placements_per_year": p} for p in (0, 10**5, 5 * 10**5)], "unemployed", -1),
    ("training", [{"trainees_per_year": p, "yuan_per_trainee": 1000, **CENTRE}
                  for p in (0, 10**5, 10**6)], "payments", 1),
    ("arrears_clearing", [{"clearance_percent_per_year": p} for p in (0, 20, 60)], "deposits", -1),
    ("leisure", [{"days_per_worker": p} for p in (0, 1, 5)], "direct_costs", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lever", "sizes", "series", "sign"), MONOTONE, ids=[f"{m[0]}-{m[2]}" for m in MONOTONE]
)
def test_more_of_a_programme_does_more(
    lever: str, sizes: list[dict[str, Any]], series: str, sign: int
) -> None:
    found = [run(lever, **size).total(series) for size in sizes]
    assert all(sign * (after - before) > 0 for before, after in pairwise(found)), found


def test_city_budgets_bear_the_price_cut() -> None:
    base, cut = outcome(months=MONTHS), run("housing", price_cut_percent=5)
    gap = cut["revenue"].values[2] - base["revenue"].values[2]
    assert (gap[2:] < 0).all()
    assert (gap[:2] >= 0).all()


def test_dividends_are_only_moved() -> None:
    """Moved from month to month within a year: a year's dividends are about the same."""
    chosen = {"payout_percent": 0, "calendar_months": [1], "moved_share": 0.3}
    base = outcome(months=12, start="2026-01")
    moved = outcome(programme("dividends", start="2026-01", **chosen), months=12, start="2026-01")
    gap = (moved["income"].values - base["income"].values).reshape(12, -1).sum(axis=1)
    assert gap[0] > 0
    assert (gap[1:] < 0.1 * gap[0]).all()
    assert abs(gap.sum()) < 0.25 * gap[0]


def test_old_bills_are_paid_once() -> None:
    stock = load_parameters().number("government.arrears_stock")
    full = outcome(programme("arrears_clearing", clearance_percent_per_year=100), months=24)
    assert full.total("payments") + full["arrears"].values[-1].sum() == pytest.approx(stock * 1e8)


def test_firms_and_outsiders_bear_costs_outside_the_budgets() -> None:
    for payer, borne in (("firms", 1.0), ("outside", 0.0)):
        found = run("public_works", yi_yuan_per_year=12, payers={payer: 1.0})
        assert found.total("payments") == 0
        assert found.total("direct_costs") == pytest.approx(borne * 11 * 1e8)


# -- delivery -------------------------------------------------------------------------------------


def delivered(policies: Policies, months: int = 24, capacity: float = 50.0) -> dict[str, F64]:
    parameters = load_parameters({"government.administrative_capacity": capacity})
    return Delivery(scenario(policies, months=months), parameters).delivered


def several(count: int, **settings: Any) -> dict[str, dict[str, Any]]:
    one = programme("visitors", extra_percent=1, **settings)["visitors"]
    return {f"p{n}": one for n in range(count)}


def test_without_lag_and_ramp_delivery_is_full_from_the_first_month() -> None:
    found = delivered(several(40, end="2026-03"), capacity=1.0)
    expected = [0.0] + [1.0] * 5 + [0.0] * 18
    assert all(values.tolist() == expected for values in found.values())


def test_lag_then_ramp() -> None:
    found = delivered(several(1, lag_months=2, ramp_months=4))["p0"]
    assert found[:9].tolist() == [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1]


@pytest.mark.parametrize("lag", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("ramp", [0.0, 2.0, 6.0])
def test_more_programmes_at_once_take_longer(lag: float, ramp: float) -> None:
    dates = {"lag_months": lag, "ramp_months": ramp}
    reached = [
        delivered(several(count, **dates), capacity=4.0)["p0"].sum() for count in (1, 4, 8, 16)
    ]
    assert reached[0] == reached[1]
    assert reached[1] >= reached[2] >= reached[3]
    assert (reached[1] > reached[3]) == (lag + ramp > 0)


def test_programmes_that_do_nothing_keep_no_office_busy() -> None:
    dates = {"lag_months": 2, "ramp_months": 2}
    idle = {f"idle{n}": programme("jobs", **dates)["jobs"] for n in range(40)}
    alone, among = (
        delivered(several(1, **dates) | rest, capacity=1.0)["p0"] for rest in ({}, idle)
    )
    assert np.array_equal(alone, among)


def test_parts_of_one_programme_keep_offices_as_busy_as_the_whole() -> None:
    dates = {"lag_months": 2, "ramp_months": 4}
    other = {"other": programme("jobs", separation_percent=-5, **dates)["jobs"]}
    parts = {
        f"part_{place}": one | {"cities": [place], "part_of": {"programme": "trips"}}
        for place in PLACES
        for one in several(1, **dates).values()
    }
    whole = delivered(several(1, **dates) | other, capacity=1.0)
    found = delivered(parts | other, capacity=1.0)
    assert np.array_equal(found["other"], whole["other"])
    assert all(np.array_equal(found[name], whole["p0"]) for name in parts)
    apart = {name: {k: v for k, v in one.items() if k != "part_of"} for name, one in parts.items()}
    assert delivered(apart | other, capacity=1.0)["other"].sum() < whole["other"].sum()


@pytest.mark.parametrize(
    ("lever", "words"),
    [("jobs", "cannot be split"), ("visitors", "not among the places")],
)
def test_parts_that_cannot_be(lever: str, words: str) -> None:
    size = {"jobs": {"separation_percent": -5}, "visitors": {"extra_percent": 5}}[lever]
    whole = {"programme": "trips", "cities": ["dalian"]}
    cities = ["dalian"] if lever == "jobs" else ["dalian", "anshan"]
    one = programme(lever, part_of=whole, **size)[lever] | {"cities": cities}
    with pytest.raises(ScenarioError) as refused:
        scenario({"part": one})
    assert any(words in line for line in refused.value.in_language("en").lines)


def test_coordination_speeds_up_others_and_delivers_nothing_itself() -> None:
    dates = {"lag_months": 4, "ramp_months": 4}
    reached = []
    for settings in (None, {"lag_percent": -50}, {"lag_percent": -50, "capacity_percent": 100}):
        helped = {} if settings is None else programme("coordination", **settings)
        found = delivered(several(8, **dates) | helped, capacity=4.0)
        reached.append(found["p0"])
        assert (np.diff(found["p0"]) >= 0).all()
    assert reached[0].sum() < reached[1].sum() < reached[2].sum()


def test_what_was_delivered_stays_when_coordination_ends() -> None:
    helped = programme("coordination", lag_percent=-90, end="2026-01")
    found = delivered(several(1, lag_months=6, ramp_months=3) | helped)["p0"]
    assert (np.diff(found) >= 0).all()


# -- budgets that cannot pay ----------------------------------------------------------------------

BEYOND: Policies = programme("public_works", yi_yuan_per_year=9000, payers={"cities": 1.0})


def failing(policies: Policies, rule: str = "fail") -> Economy:
    return Economy(scenario(policies, months=3).changed(shortfall=rule))


def test_a_budget_that_cannot_pay_stops_the_run_if_asked() -> None:
    """In the first month in which the same policy would otherwise cause arrears."""
    patient = failing(BEYOND, "arrears").run()
    owed = patient["arrears"].values.sum(axis=1)
    with pytest.raises(BudgetError) as caught:
        failing(BEYOND).run()
    assert caught.value.month == patient.months[int((owed > 0).argmax())]
    assert caught.value.month in str(caught.value)
    assert caught.value.fen > 0
    assert "财政" in caught.value.line("zh")


def test_arrears_are_the_default() -> None:
    assert failing(BEYOND, "arrears").run()["arrears"].values[-1].sum() > 0
    assert outcome(BEYOND, months=3)["arrears"].values[-1].sum() > 0


def test_budgets_that_can_pay_run_on() -> None:
    works = programme("public_works", yi_yuan_per_year=1, payers={"cities": 1.0})
    assert different(failing(works).run(), outcome(works, months=3)) == []


def test_the_command_says_which_budget_in_one_line(tmp_path: Path) -> None:
    text = (
        "start: 2025-10\nmonths: 3\nscale: 8000\nseed: 3\nshortfall: fail\npolicies:\n"
        "  works: {lever: public_works, start: 2025-11, yi_yuan_per_year: 9000, "
        "payers: {cities: 1}}\n"
    )
    file, results = tmp_path / "poor.yaml", tmp_path / "results"
    file.write_text(text, encoding="utf-8")
    program = typer.Typer()
    register(program)
    done = CliRunner().invoke(
        program, ["run", str(file), "--results", str(results), "--lang", "en", "--quiet"]
    )
    assert done.exit_code == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("2025-12: the budget of ")
    assert not results.exists() or not list(results.iterdir())


# -- what was bought earlier is missing later ------------------------------------------------------


def test_subsidised_investment_is_partly_brought_forward() -> None:
    """After the programme firms invest less than without it, but not by all they invested."""
    share = load_parameters().number("firms.brought_forward")
    policy = programme(
        "firm_support", sectors=NAMED, investment_yi_yuan_per_year=12, end="2025-11", **CENTRE
    )
    economy, extra = Economy(scenario(policy, months=30, scale=8000)), []
    for _ in range(30):
        economy.step()
        extra.append(int(economy.surface.markets.investment.sum()))
    assert extra[0] == 0 < extra[1]
    assert all(month < 0 for month in extra[2:26])
    assert extra[26:] == [0] * 4
    assert sum(extra[2:]) == pytest.approx(-share * extra[1], rel=1e-6)


def test_works_raise_pay_at_one_rate_however_few_builders_are_simulated() -> None:
    """A place without a simulated builder must not turn wages into a fortune for the next one."""
    works = load_scenario("baseline").changed(scale=5000, months=12).with_measures([1])
    for seed in (20251014, 20251015):
        economy = Economy(works, seed, lean=True, threads=1)
        economy.run()
        assert economy.markets.pay.max() < 2.0


def test_another_voucher_policy_changes_nobodys_luck() -> None:
    def batches(names: list[str]) -> dict[tuple[str, int], int | None]:
        usual = load_scenario("vouchers").changed(scale=10000, months=12)
        own = next(iter(usual.policies.values()))
        economy = Economy(replace(usual, policies=dict.fromkeys(names, own)), 1, lean=True)
        found: dict[tuple[str, int], int | None] = {}
        while economy.month < 12:
            economy.step()
            found |= {(one.lever, one.category): one.luck for one in economy.surface.batches}
        return found

    alone, after = batches(["late"]), batches(["early", "late"])
    assert alone
    assert {key: after[key] for key in alone} == alone
    assert len(set(after.values())) == len(after)
