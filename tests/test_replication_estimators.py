"""The studies' estimators find effects that were put into synthetic panels, and no others."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from experiments.replications import estimators as est
from experiments.replications.carry_out import within_cells

UNITS, GROUPS, WITHIN = 8_000, 40, 1.645


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20261123)


def units(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Treatment, weight and jackknife groups of UNITS units."""
    treated = (random.random(UNITS) < 0.4).astype(float)
    return treated, random.choice([1.0, 2.0], UNITS), random.integers(0, GROUPS, UNITS)


def test_differences_find_the_effect_not_level_or_trend(random: np.random.Generator) -> None:
    treated, weight, groups = units(random)
    level = 50.0 + 30.0 * treated + random.normal(0, 20, UNITS)
    months = np.arange(12)[:, None]
    panel = level + 2.0 * months + random.normal(0, 5, (12, UNITS))
    panel[6:] += 3.0 * treated
    changes = est.change(panel, slice(0, 6), slice(6, 12))
    found = est.jackknife(
        lambda w: est.difference_in_differences(changes, treated, w), weight, groups
    )
    assert abs(found.value - 18.0) < 3.0 * found.error
    assert 0.3 < found.error < 1.5


def test_error_of_the_jackknife_is_that_of_a_mean(random: np.random.Generator) -> None:
    values, groups = random.normal(1.0, 4.0, UNITS), np.arange(UNITS) % GROUPS
    found = est.jackknife(lambda w: est.mean(values, w), np.ones(UNITS), groups)
    assert found.error == pytest.approx(4.0 / np.sqrt(UNITS), rel=0.35)


def test_intervals_hold_the_truth_as_often_as_they_say(random: np.random.Generator) -> None:
    held = []
    for _ in range(150):
        treated = (random.random(800) < 0.5).astype(float)
        changes = 2.0 * treated + random.normal(0, 6, 800)
        found = est.jackknife(
            lambda w, c=changes, t=treated: est.difference_in_differences(c, t, w),
            np.ones(800), np.arange(800) % GROUPS,
        )  # fmt: skip
        held.append(found.low <= 2.0 <= found.high)
    assert 0.82 <= np.mean(held) <= 0.97


def test_relative_differences_are_not_moved_by_a_common_season(random: np.random.Generator) -> None:
    treated, weight, _ = units(random)
    before = np.where(treated > 0, 200.0, 100.0) + random.normal(0, 1, UNITS)
    after = before * 1.5 + 7.0 * treated
    found = est.relative_difference(after, before, treated, weight)
    assert found == pytest.approx(7.0, abs=0.5)
    plain = est.difference_in_differences(after - before, treated, weight)
    assert plain == pytest.approx(57.0, abs=0.5)  # what a season would be taken for


def test_jump_at_a_cutoff_apart_from_slopes(random: np.random.Generator) -> None:
    running = random.uniform(50, 70, UNITS)
    values = 3.0 * (running - 60) + 5.0 * (running >= 60) + random.normal(0, 1, UNITS)
    found = est.local_linear_jump(values, running, 60.0, 6.0, np.ones(UNITS))
    assert found == pytest.approx(5.0, abs=0.3)


def test_bunching_finds_what_was_added(random: np.random.Generator) -> None:
    natural = np.exp(random.normal(np.log(70.0), 0.5, 40_000))
    holders = random.random(40_000) < 0.5
    moved = holders & (natural > 60) & (natural < 100) & (random.random(40_000) < 0.5)
    baskets = np.where(moved, 100.0, natural)
    added = (baskets - natural)[holders].sum() / holders.sum()
    found = est.bunching(
        baskets, holders.astype(float), 100.0, (0.35, 1.1), (~holders).astype(float)
    )
    assert found == pytest.approx(added, rel=0.1)


def test_months_of_payback_and_reversal() -> None:
    assert est.payback_month(np.array([0.0, -1.0, -2.0, -1.0, 0.5]), 1) == pytest.approx(3.0)
    assert np.isnan(est.payback_month(np.array([0.0, 1.0]), 1))
    effects = np.array([5.0, 5.0, -2.0, -2.0, -2.0, -2.0])
    assert est.reversal_month(effects, 2, 0.8) == pytest.approx(4.0)
    assert est.reversal_month(effects, 2, 0.5) == pytest.approx(2.5)
    assert est.reversal_month(np.array([5.0, 0.0, 0.0]), 1, 0.8) == 3.0  # never: last and one
    assert np.isnan(est.reversal_month(-effects, 2, 0.8))


def test_counterfactual_continues_trend_and_season(random: np.random.Generator) -> None:
    months = np.arange(60)
    season = 1.0 + 0.2 * np.sin(months * np.pi / 6)
    path = 100.0 * 1.004**months * season * (1.0 + random.normal(0, 0.002, 60))
    path[36:39] += 10.0
    effect, expected, error = est.counterfactual(path, 36, slice(36, 39))
    assert abs(effect - 30.0) < 4.0 * error
    assert expected == pytest.approx((path[36:39] - 10.0).sum(), rel=0.01)
    assert 0.0 < error < 3.0
    with pytest.raises(ValueError, match="twelve months"):
        est.counterfactual(path, 8, slice(8, 10))


def test_interval_of_the_counterfactual_covers_its_trend(random: np.random.Generator) -> None:
    months, held = np.arange(76), []
    for _ in range(200):
        path = 100.0 * 1.003**months * (1.0 + random.normal(0, 0.01, 76))
        effect, _, error = est.counterfactual(path, 48, slice(48, 76))
        held.append(abs(effect) <= est.Z90 * error)
    assert 0.83 <= np.mean(held) <= 0.96


def test_narrative_finds_lasting_and_passing_responses(random: np.random.Generator) -> None:
    months = np.arange(160)
    permanent, once = np.zeros(160), np.zeros(160)
    for at, size in ((20, 10.0), (50, 6.0), (90, 8.0), (130, 12.0)):
        permanent[at:] += size
    once[[35, 70, 110]] = 15.0
    outcome = 1000.0 + 0.9 * permanent + 0.1 * once + random.normal(0, 0.3, 160)
    calendar = months % 12 + 1
    lasting = est.narrative(outcome, permanent, np.array([once]), calendar, 4)
    passing = est.narrative(outcome, once, np.array([permanent]), calendar, 2)
    assert abs(lasting.value - 0.9) < 3.0 * lasting.error
    assert abs(passing.value - 0.1) < 3.0 * passing.error
    assert lasting.error < 0.2


def test_narrative_is_not_misled_by_a_common_trend() -> None:
    """Consumption and benefits grow together; only rises say what benefits do."""
    months = np.arange(200)
    trend = 1.003**months
    permanent, once = np.zeros(200), np.zeros(200)
    for at in (20, 50, 90, 130, 170):
        permanent[at:] += 10.0
    once[[35, 110, 150]] = 15.0
    outcome = (1000.0 + 0.7 * permanent) * trend
    found = est.narrative(outcome, permanent * trend, np.array([once]), months % 12 + 1, 4)
    assert found.value == pytest.approx(0.7, abs=0.02)
    part = est.narrative(
        0.7 * permanent * trend, permanent * trend, np.array([once]), months % 12 + 1, 4, outcome
    )
    assert part.value == pytest.approx(0.7, abs=0.02)


def test_growth_on_the_year_before() -> None:
    path = np.concatenate([np.full(24, 100.0), np.full(12, 130.0)])
    assert est.year_on_year(path, slice(26, 30), 24).value == pytest.approx(30.0)


def test_a_sample_without_controls_is_an_error() -> None:
    values = np.ones(10)
    with pytest.raises(ValueError, match="no treated or no control"):
        est.jackknife(
            lambda w: est.difference_in_differences(values, np.ones(10), w),
            np.ones(10), np.arange(10),
        )  # fmt: skip


def test_controls_of_a_rush_live_where_winners_live(random: np.random.Generator) -> None:
    """Seasons that differ between cities do not move the estimate, however chances differ."""
    place, residence = random.integers(0, 3, 600), random.integers(0, 2, 600)
    treated = (random.random(600) < np.array([0.2, 0.5, 0.8])[place]).astype(float)
    treated[place == 2] = 1.0  # nobody there goes without: such a city says nothing
    traits: Any = SimpleNamespace(place=place, residence=residence)
    weight = within_cells(np.ones(600), treated, traits)
    season = 10.0 * place + 3.0 * residence
    assert abs(est.difference_in_differences(season, treated, np.ones(600))) > 1.0
    assert est.difference_in_differences(season + treated, treated, weight) == pytest.approx(1.0)
    assert (weight[place == 2] == 0.0).all()
    assert (weight[(place < 2) & (treated > 0.0)] == 1.0).all()
