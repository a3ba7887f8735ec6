"""The run-up 2019-2024: nothing without `history.known_to`, conditions as stated with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.dimensions import CATEGORIES
from model.economy import Economy
from model.history import NORMAL, Conditions, History
from model.outcome import Outcome
from model.parameters import load_parameters
from model.policy.market_surface import MarketSurface
from model.scenario import Scenario, load_scenario
from model.scenario_sources import scenario_folder
from model.solvers.durables import replacement_tables

COARSE, MONTHS = 10_000, 16


def run_up(known_to: int, **changed: Any) -> Scenario:
    base = load_scenario(scenario_folder() / "history" / "run_up_2019.yaml")
    header = {"scale": COARSE, "months": MONTHS, "parameters": {"history.known_to": known_to}}
    return base.changed(**(header | changed))


def history(known_to: int) -> History:
    return History(load_parameters({"history.known_to": known_to}))


def same(one: Outcome, other: Outcome) -> bool:
    return list(one) == list(other) and all(
        np.array_equal(one[name].values, other[name].values) for name in one
    )


@pytest.fixture(scope="module")
def plain() -> Outcome:
    return Economy(run_up(0), 3, threads=1).run()


def test_shipped_scenarios_have_no_history() -> None:
    assert load_parameters().number("history.known_to") == 0
    assert history(0).at("2020-02") is NORMAL


def test_normal_conditions_return_the_very_same_objects() -> None:
    found, surface = history(0), MarketSurface()
    total, engel = np.ones(2), np.full((2, 37, len(CATEGORIES)), 1.0 / len(CATEGORIES))
    tables = replacement_tables(load_parameters(), [], 1, 1)
    before = surface.visitor_appeal, surface.export_demand
    assert found.budget(NORMAL, total, engel)[0] is total
    assert found.budget(NORMAL, total, engel)[1] is engel
    assert found.tables(NORMAL, tables) is tables
    found.outside(NORMAL, surface)
    assert (surface.visitor_appeal, surface.export_demand) == before


def test_a_history_that_ends_before_anything_happened_changes_no_bit(plain: Outcome) -> None:
    assert same(plain, Economy(run_up(201912), 3, threads=1).run())


def test_conditions_are_those_of_the_file_and_fade_after_the_last_known_month() -> None:
    p, found = load_parameters(), history(202203)
    february = Conditions(
        p["history.closure"]["2020"][1], p["history.visitors"]["2020"][1],
        p["history.outside_demand"]["2020"][1],
    )  # fmt: skip
    now = found.at("2020-02")
    assert now.closure == february.closure
    assert now.visitors == pytest.approx(february.visitors)
    assert now.outside_demand == pytest.approx(february.outside_demand)
    fade, last = p.number("history.fade"), found.at("2022-03")
    assert found.at("2022-05").closure == pytest.approx(last.closure * fade**2)
    assert found.at("2022-05").visitors - 1 == pytest.approx((last.visitors - 1) * fade**2)
    assert found.at("2019-06") == NORMAL


def test_closed_shops_move_or_leave_the_money_and_never_add_any() -> None:
    found = history(202412)
    engel = np.full((2, 37, len(CATEGORIES)), 1.0 / len(CATEGORIES))
    total, shares = found.budget(Conditions(closure=0.5), np.ones(2), engel)
    assert shares.sum(axis=2) == pytest.approx(engel.sum(axis=2))
    catering, food = CATEGORIES.index("catering"), CATEGORIES.index("food")
    assert (shares[..., catering] / shares[..., food] == pytest.approx(0.5)) is True
    assert ((total > 0.5) & (total < 1.0)).all()


def test_fewer_durables_are_bought_when_shops_are_closed() -> None:
    tables = replacement_tables(load_parameters(), [], 1, 1)
    fewer = history(202412).tables(Conditions(closure=1.0), tables)
    assert (fewer.purchase <= tables.purchase).all()
    assert fewer.purchase.sum() < tables.purchase.sum()
    assert (fewer.first_purchase <= tables.first_purchase).all()


def test_households_react_to_2020_and_the_books_balance(plain: Outcome) -> None:
    hit = Economy(run_up(202412), 3, threads=1).run()
    before, after = (run["retail_sales"].by("month").values for run in (plain, hit))
    assert np.array_equal(before[:12], after[:12])
    assert (after[13:] < 0.95 * before[13:]).all()
    assert hit["liquid_wealth"].values[14].sum() > plain["liquid_wealth"].values[14].sum()
    assert hit.max_residual_fen == 0


def test_policies_may_run_in_the_run_up() -> None:
    policies = {"cash": {"lever": "transfer", "month": "2020-02", "yuan_per_person": 100,
                         "payer": "central"}}  # fmt: skip
    run = Economy(run_up(202412, policies=policies), 3, threads=1, lean=True).run()
    assert run["payments"].values.sum() > 0
    assert run.max_residual_fen == 0
