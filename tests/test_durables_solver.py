"""The durable solver: Bellman equations against a slow reference, and signs from theory."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from calibration.durable_moments import path, simulate, spending_moments, uniform
from model.dimensions import ITEMS
from model.parameters import load_parameters
from model.solvers.durable_problem import (
    AGES,
    YEAR,
    ItemProblem,
    owner_path,
    solve_at_price,
    solve_item,
    unit_history,
    value_of_buying,
    year_odds,
)
from model.solvers.durables import (
    CLASSES,
    SubsidySchedule,
    base_year,
    ownership,
    prices,
    replacement_tables,
    stationary_ages,
)

WORD = 2.0**32
START = 6


@pytest.fixture(scope="module")
def parameters():
    return load_parameters()


@pytest.fixture(scope="module")
def baseline(parameters):
    return path(parameters, [], 48)


@pytest.fixture(scope="module")
def year_window(parameters):
    return path(parameters, [uniform(0.16, START, START, START + 12)], 48)


def small_problem(ages: int = 24) -> ItemProblem:
    price = np.ones(YEAR)
    price[5], price[10] = 0.95, 0.93
    age = np.arange(ages)
    return ItemProblem(
        service=0.2 * np.exp(-0.03 * age), need=np.minimum(0.01 + 0.0004 * age**1.5, 0.1),
        price=price, discount=0.9, scale=0.12, anchor_age=8, need_anchor_age=16,
        discretionary_rate=0.003, need_rate=0.25,
    )  # fmt: skip


def reference_month(problem, solution, after, price):
    """One Bellman step, written down as the equations read."""
    ages = len(problem.service)
    replace = -price - solution.fixed_cost + problem.service[0] + problem.discount * after[1][0]
    value, odds = [], []
    for age in range(ages):
        older = min(age + 1, ages - 1)
        row, chances = [], []
        for clock in range(13):
            if clock == 0:
                h = problem.need[age]
                ahead = (1 - h) * after[older][0] + h * after[older][1]
            else:
                ahead = after[older][min(clock + 1, 12)]
            keep = problem.service[age] - solution.need_loss * clock / 6 + problem.discount * ahead
            top = max(keep, replace)
            row.append(
                top
                + problem.scale
                * math.log(
                    math.exp((keep - top) / problem.scale)
                    + math.exp((replace - top) / problem.scale)
                )
            )
            chances.append(1 / (1 + math.exp((keep - replace) / problem.scale)))
        value.append(row)
        odds.append(chances)
    return value, odds


def test_stationary_values_equal_plain_value_iteration():
    problem = small_problem()
    solution = solve_item(problem)
    value = [[0.0] * 13 for _ in range(24)]
    found = {}
    for month in range(40 * YEAR - 1, -1, -1):
        value, _ = reference_month(problem, solution, value, problem.price[month % YEAR])
        found[month % YEAR] = value
    for month in range(YEAR):
        np.testing.assert_allclose(solution.value[month], found[month], rtol=0, atol=1e-12)


def test_window_values_and_odds_equal_reference():
    problem = small_problem()
    solution = solve_item(problem)
    expected = problem.price.copy()
    expected[3:8] *= 0.85
    actual = expected.copy()
    actual[9] = 0.8  # a price nobody expected changes the choice, not the values before it
    odds, fresh = np.empty((YEAR, 24, 13)), np.empty(YEAR + 1)
    owner_path(
        solution.value[0], expected, actual, YEAR, problem.service, problem.need,
        problem.discount, problem.scale, solution.fixed_cost, solution.need_loss, odds, fresh,
    )  # fmt: skip
    after = solution.value[0].tolist()
    for month in range(YEAR - 1, -1, -1):
        _, chances = reference_month(problem, solution, after, actual[month])
        after, _ = reference_month(problem, solution, after, expected[month])
        np.testing.assert_allclose(odds[month], chances, rtol=0, atol=1e-12)
        assert abs(fresh[month] - after[1][0]) < 1e-12


def test_bellman_residual_of_every_item(parameters):
    for solution in base_year(parameters).items:
        problem, month = solution.problem, 4
        after = solution.value[month + 1]
        wanted, _ = reference_month(problem, solution, after.tolist(), problem.price[month])
        np.testing.assert_allclose(solution.value[month], wanted, rtol=0, atol=1e-12)


def test_anchors_are_met(parameters):
    for item, solution in enumerate(base_year(parameters).items):
        problem, odds = solution.problem, base_year(parameters).odds[item]
        assert odds[:, problem.anchor_age, 0].mean() == pytest.approx(problem.discretionary_rate)
        assert odds[:, problem.need_anchor_age, 6].mean() == pytest.approx(problem.need_rate)
        rates = parameters.array(f"durables.{ITEMS[item]}.first_purchase_rate")
        entries = [entry.odds.mean() for entry in base_year(parameters).entries[item]]
        np.testing.assert_allclose(entries, rates, rtol=1e-9)


def test_lasting_price_solution_is_stationary():
    solution = solve_item(small_problem())
    price = solution.problem.price * 0.8
    value, fresh = solve_at_price(solution, price)
    wanted, _ = reference_month(solution.problem, solution, value[1].tolist(), price[0])
    np.testing.assert_allclose(value[0], wanted, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(fresh.shape, (YEAR,))


def test_shapes_and_words(parameters):
    tables = replacement_tables(parameters, [uniform(0.2, 2, 4, 9)], 30, 3)
    assert tables.purchase.shape == (len(tables.purchase), len(ITEMS), CLASSES, AGES, 13)
    assert tables.purchase.dtype == tables.need.dtype == tables.bound.dtype == np.uint32
    assert tables.index.shape == tables.baseline.shape == (30,)
    assert tables.index.max() < len(tables.purchase)
    np.testing.assert_array_equal(tables.index[:2], [2, 3])  # March, April; nobody knows yet
    assert (tables.index[2:9] >= YEAR).all()
    summed = tables.purchase[..., 0] / WORD + (tables.need / WORD)[None, :, None]
    assert (summed.max(axis=2) <= (tables.bound[..., :-1] + 1.0) / WORD).all()
    assert (tables.first_purchase.max(axis=2) <= tables.bound[..., -1]).all()
    assert tables.purchase.min() > 0
    assert tables.purchase.max() < 0.98 * WORD


def test_without_schedule_months_repeat_a_year(parameters):
    tables = replacement_tables(parameters, [], 40, 11)
    assert len(tables.purchase) == YEAR
    np.testing.assert_array_equal(tables.index, (np.arange(40) + 10) % 12)


def test_ergodic_start_keeps_sales_and_ages(parameters, baseline):
    """Owners' replacements repeat from year to year: only first purchases drift."""
    tables = replacement_tables(parameters, [], 24, 1)
    ages = stationary_ages(tables, parameters)
    np.testing.assert_allclose(ages.probability.sum(axis=(2, 3)), 1.0, atol=1e-12)
    none = parameters.with_values(
        {f"durables.{i}.first_purchase_rate": [0.0] * CLASSES for i in ITEMS}
    )
    replaced = simulate(replacement_tables(none, [], 24, 1), none, 24).replaced.sum(axis=2)
    np.testing.assert_allclose(replaced[12:], replaced[:12], rtol=2e-6)


def test_unit_history_matches_brute_force():
    problem = small_problem()
    solution = solve_item(problem)
    replace = value_of_buying(solution, problem.price, np.roll(solution.fresh, -1))
    odds = year_odds(problem, solution.value, replace, solution.need_loss)
    states, flow = unit_history(odds, problem.need)
    mass = np.zeros((24, 13))
    mass[1, 0] = 1.0
    for month in range(600 * YEAR):
        sold = mass * odds[month % YEAR]
        kept = mass - sold
        mass = np.zeros_like(mass)
        for age in range(24):
            older = min(age + 1, 23)
            mass[older, 0] += kept[age, 0] * (1 - problem.need[age])
            mass[older, 1] += kept[age, 0] * problem.need[age]
            mass[older, 2:] += kept[age, 1:-1]
            mass[older, 12] += kept[age, 12]
        mass[1, 0] += sold.sum()
    np.testing.assert_allclose(states[0], mass, atol=1e-10)
    assert flow[0] == pytest.approx((mass * odds[0]).sum(), rel=1e-9)


@pytest.mark.parametrize("end", [12, None])
def test_zero_subsidy_changes_nothing(parameters, end):
    none = replacement_tables(parameters, [], 24, 1)
    zero = replacement_tables(parameters, [uniform(0.0, 2, 3, end)], 24, 1)
    for name in ("purchase", "first_purchase", "bound", "index"):
        np.testing.assert_array_equal(getattr(none, name), getattr(zero, name))


def test_items_and_classes_outside_the_subsidy_are_untouched(parameters):
    share = np.zeros((len(ITEMS), CLASSES))
    share[7, 3] = 0.15
    tables = replacement_tables(parameters, [SubsidySchedule(1, 2, 8, share, True)], 24, 1)
    for month in range(24):
        row, base = tables.purchase[tables.index[month]], tables.purchase[tables.baseline[month]]
        same = (row == base).all(axis=(2, 3))
        assert same[:7].all()
        assert same[7, [0, 1, 2, 4, 5, 6]].all()
    assert (tables.purchase[tables.index[3], 7, 3] > tables.purchase[3, 7, 3]).all()


def test_one_month_surprise_moves_log_odds_by_the_price_alone(parameters):
    quiet = parameters.with_values({"durables.renewal_belief": 0.0})
    tables = replacement_tables(quiet, [uniform(0.16, 3, 3, 4)], 12, 1)
    before, after = tables.purchase[3] / WORD, tables.purchase[tables.index[3]] / WORD
    for item, solution in enumerate(base_year(quiet).items):
        cut = 0.16 * quiet.number("durables.pass_through") * solution.problem.price[3]
        odds = [np.log(p[item, 2, 100] / (1 - p[item, 2, 100])) for p in (before, after)]
        np.testing.assert_allclose(odds[1] - odds[0], cut / solution.problem.scale, rtol=1e-4)
    np.testing.assert_array_equal(tables.index[4:], np.arange(4, 12))


def test_monotone_in_the_subsidy(parameters):
    sales = [
        path(parameters, [uniform(s, START, START, START + 12)], 18)[START:].sum(axis=0)
        for s in (0.0, 0.05, 0.1, 0.2, 0.3)
    ]
    assert (np.diff(sales, axis=0) > 0).all()


def test_announcement_makes_buyers_wait(parameters, baseline):
    known = path(parameters, [uniform(0.16, START - 3, START, START + 12)], 18)
    assert (known[START - 3 : START] < 0.95 * baseline[START - 3 : START]).all()
    np.testing.assert_array_equal(known[: START - 3], baseline[: START - 3])
    assert (known[START] > baseline[START]).all()


def test_deadline_rush_and_payback(baseline, year_window):
    ratio = year_window / baseline
    assert (ratio[START : START + 12] > 1.0).all()
    last, middle = ratio[START + 11], ratio[START + 4 : START + 8].mean(axis=0)
    assert (last > middle + 0.1).all()
    assert (ratio[START + 12 : START + 18] < 0.97).all()


def test_permanent_subsidy_has_no_spike(parameters, baseline):
    """What is left in the first month is the adjustment of the stock, not timing."""
    lasting = path(parameters, [uniform(0.16, START, START, None)], 48) / baseline
    short = path(parameters, [uniform(0.16, START, START, START + 2)], 48) / baseline
    assert (lasting[START] < 1.3).all()
    assert (lasting[START] - 1.0 < 0.4 * (short[START] - 1.0)).all()
    # Promotions are a share of the lower price, so their months gain a little less.
    assert (np.abs(np.diff(lasting[START:], axis=0)) < 0.1).all()
    assert (lasting[START : START + 24].mean(axis=0) > 1.0).all()


def test_longer_window_lowers_the_early_spike(parameters, baseline, year_window):
    short = path(parameters, [uniform(0.16, START, START, START + 2)], 18)
    assert (short[START] > 1.1 * year_window[START]).all()


def test_renewal_belief_deepens_the_dip(parameters, baseline):
    dips = []
    for belief in (0.0, 0.5, 0.9):
        changed = parameters.with_values({"durables.renewal_belief": belief})
        dips.append(path(changed, [uniform(0.16, START, START, START + 6)], 18)[12:15].sum(axis=0))
    assert (np.diff(dips, axis=0) < 0).all()


def test_expecting_the_next_tranche_delays_purchases(parameters):
    first, second = uniform(0.16, 2, 2, 8), uniform(0.16, 5, 11, 16)
    alone = path(parameters, [first], 20)
    both = path(parameters, [first, second], 20)
    np.testing.assert_array_equal(both[:5], alone[:5])  # not yet announced
    assert (both[8:11] < alone[8:11]).all()
    assert (both[11:16].sum(axis=0) > alone[11:16].sum(axis=0)).all()


def test_reimbursement_is_worth_less(parameters):
    paid = uniform(0.16, START, START, START + 6)
    late = SubsidySchedule(START, START, START + 6, paid.share, False)
    instant, delayed = path(parameters, [paid], 12), path(parameters, [late], 12)
    assert (delayed[START:] < instant[START:]).all()


def test_first_cars_get_no_trade_in(parameters):
    quiet = parameters.with_values({"durables.renewal_belief": 0.0})
    tables = replacement_tables(quiet, [uniform(0.16, 3, 3, 4)], 12, 1)
    row = tables.first_purchase[tables.index[3]] / WORD
    base = tables.first_purchase[3] / WORD
    assert (row[:7] > 1.05 * base[:7]).all()
    np.testing.assert_allclose(row[7], base[7], rtol=1e-6)
    free = SubsidySchedule(
        3, 3, 4, np.full((8, 7), 0.16), True, first_purchase=np.ones(8, dtype=bool)
    )
    open_to_all = replacement_tables(quiet, [free], 12, 1)
    assert (open_to_all.first_purchase[open_to_all.index[3], 7] / WORD > 1.05 * base[7]).all()


def test_schedule_that_began_before_the_run_equals_the_tail_of_a_longer_run(parameters):
    early = replacement_tables(parameters, [uniform(0.16, 2, 4, 12)], 24, 1)
    late = replacement_tables(parameters, [uniform(0.16, -4, -2, 6)], 18, 7)
    for month in range(18):
        np.testing.assert_array_equal(
            late.purchase[late.index[month]], early.purchase[early.index[month + 6]]
        )


def test_bad_input_is_refused(parameters):
    for share in (np.full((8, 6), 0.1), np.full((8, 7), 1.0), np.full((8, 7), np.nan)):
        with pytest.raises(ValueError, match="share"):
            replacement_tables(parameters, [SubsidySchedule(0, 0, 3, share, True)], 12, 1)
    with pytest.raises(ValueError, match="calendar"):
        replacement_tables(parameters, [], 12, 13)


def test_parameter_lists_cover_items_and_classes(parameters):
    assert prices(parameters).shape == (8, CLASSES)
    assert (np.diff(prices(parameters), axis=1) > 0).all()
    owned = ownership(parameters)
    assert owned.shape == (8, 2, CLASSES)
    assert ((owned > 0) & (owned < 1)).all()
    for place in ("urban", "rural"):
        assert parameters.array(f"durables.class_share.{place}").sum() == pytest.approx(1.0)


def test_levels_lie_in_their_bands(parameters):
    outside = [(m.name, m.value) for m in spending_moments(parameters) if not m.inside]
    assert outside == []


@pytest.mark.slow
def test_speed(parameters):
    replacement_tables(parameters, [uniform(0.1, 1, 2, 3)], 6, 1)
    fresh = parameters.with_values({"durables.discount_per_year": 0.951})
    begin = time.perf_counter()
    replacement_tables(fresh, [], 36, 1)
    middle = time.perf_counter()
    share = np.linspace(0.1, 0.2, 56).reshape(8, 7)
    replacement_tables(fresh, [SubsidySchedule(2, 3, 15, share, True)], 36, 1)
    assert middle - begin < 4.0
    assert time.perf_counter() - middle < 2.0


@pytest.mark.slow
def test_solves_across_the_stated_ranges(parameters):
    generator = np.random.default_rng(5)
    names = [
        n for n in parameters
        if n.startswith("durables.")
        and isinstance(parameters[n], float)
        and parameters.entry(n).low is not None
    ]  # fmt: skip
    for _ in range(6):
        entries = [parameters.entry(n) for n in names]
        drawn = parameters.with_values(
            {e.name: float(generator.uniform(e.low, e.high)) for e in entries}
        )
        tables = replacement_tables(drawn, [uniform(0.3, 2, 3, None)], 24, 1)
        assert (tables.purchase[tables.index[3]] > tables.purchase[3]).mean() > 0.99
