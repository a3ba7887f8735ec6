from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from experiments.comparison import PAYERS, Comparison, collect, effect_rows
from experiments.grades import typical_grade
from experiments.intervals import (
    BETWEEN_GROUPS,
    BORROWED,
    EXACT,
    UNKNOWN,
    group_jackknife,
    mean_estimate,
    ratio_estimate,
)
from experiments.runner import Listener, Runner, replication_seeds
from tests.fake_economy import (
    GAIN_A_MONTH,
    PAID_A_MONTH,
    FakeEconomy,
    FakeScenario,
    policy,
)


def compared(against: FakeScenario, run: FakeScenario, seeds: int, workers: int = 2) -> Comparison:
    runner = Runner(economy=FakeEconomy)
    return collect(runner.pairs(against, run, replication_seeds(1, seeds), workers=workers))


@pytest.fixture(scope="module")
def known() -> Comparison:
    return compared(FakeScenario(), policy(), 3)


def test_known_leverage(known: Comparison) -> None:
    found = {name: one.value for name, one in known.leverage().items() if one is not None}
    assert found["household_12m"] == pytest.approx(GAIN_A_MONTH / PAID_A_MONTH, rel=1e-3)
    assert found["window"] == pytest.approx(GAIN_A_MONTH / PAID_A_MONTH, rel=1e-3)
    assert found["headline_sales"] == pytest.approx(10)
    assert found["fiscal_return"] == pytest.approx(0.25)
    assert found["local_value_added"] == 0
    assert known.leverage()["household_24m"] is None  # the run has 14 months


def test_window_and_payers(known: Comparison) -> None:
    assert known.window == (2, 6)
    paid = {name: one.value for name, one in known.payers().items()}
    assert tuple(paid) == PAYERS
    assert paid == pytest.approx(
        {"central": 0, "province": 2e6, "cities": 2e6, "funds": 0, "firms": 0, "households": 8e6}
    )


def test_decomposition_adds_up(known: Comparison) -> None:
    total = known.effect("household_consumption", 14).value
    parts = known.decomposition()
    for dim in ("month", "place", "residence", "quintile", "age_group", "category"):
        inside = [part for part in parts if part.dimension == dim]
        assert sum(part.estimate.value for part in inside) == pytest.approx(total, rel=1e-12)
    assert {p.label for p in parts if p.dimension == "place" and p.estimate.value} == {"shenyang"}
    assert next(p.persons for p in parts if p.dimension == "residence") == 15 * 20 * 70


def test_interval_is_the_paired_t(known: Comparison) -> None:
    values = np.array([one.effect("household_consumption", 0, 12) for one in known.pairs])
    low, high = stats.t.interval(0.9, 2, values.mean(), stats.sem(values))
    found = known.effect("household_consumption", 12)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert low < 4 * GAIN_A_MONTH < high


@pytest.mark.parametrize("seeds", [1, 3])
def test_null_policy_is_exactly_zero(seeds: int) -> None:
    null = compared(FakeScenario(), FakeScenario(name="null"), seeds)
    for effect in null.effects():
        one = effect.estimate
        assert (one.value, one.low, one.high, one.method) == (0, 0, 0, EXACT)
    assert all(ratio is None for ratio in null.leverage().values())
    assert all(part.estimate.value == 0 for part in null.decomposition())


def test_dearer_is_not_more() -> None:
    dear = compared(FakeScenario(), FakeScenario(prices=1.1), 2)
    total = dear.effect("household_consumption", 12).value
    assert total == pytest.approx(0, abs=1e-3)
    assert dear.effect("price_level", 12).value == pytest.approx(10)


def test_one_replication_never_claims_certainty() -> None:
    quick = compared(FakeScenario(), policy(), 1)
    for effect in quick.effects():
        one = effect.estimate
        assert one.value == 0 or one.low < one.value < one.high, effect
    assert quick.effect("household_consumption", 12).method == BETWEEN_GROUPS
    assert quick.effect("employment", 12).method == BORROWED


def test_workers_do_not_change_results() -> None:
    one = compared(FakeScenario(), policy(), 3, workers=1)
    four = compared(FakeScenario(), policy(), 3, workers=4)
    assert effect_rows(one.effects()) == effect_rows(four.effects())
    assert one.seeds == four.seeds == [1, 2, 3]


def test_different_months_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="same months"):
        compared(FakeScenario(), policy(months=13), 1)


def test_short_run_reports_its_own_length() -> None:
    short = compared(FakeScenario(months=8), policy(months=8), 1)
    assert short.horizons == (8,)


def test_lean_runs_leave_out_what_they_do_not_know() -> None:
    class Lean(FakeEconomy):
        def run(self, progress=None):
            full = super().run(progress)
            total = full["consumption"].by("month")
            return dataclasses.replace(
                full, series={"consumption": total, "payments": full["payments"]}
            )

    lean = collect(Runner(economy=Lean).pairs(FakeScenario(), policy(), [1, 2]))
    assert lean.outcomes() == ["household_consumption", "fiscal_cost"]
    assert lean.decomposition() == []
    assert lean.leverage()["household_12m"] is not None


def test_failure_in_a_run_comes_through() -> None:
    class Broken(FakeEconomy):
        def run(self, progress=None):
            raise RuntimeError("identity 3 failed")

    with pytest.raises(RuntimeError, match="identity 3"):
        list(Runner(economy=Broken).pairs(FakeScenario(), policy(), [1, 2, 3]))


def test_listener_hears_every_month_and_status() -> None:
    class Counting(Listener):
        total = done = 0

        def planned(self, months: int) -> None:
            self.total += months

        def advanced(self, months: int) -> None:
            self.done += months

    listener = Counting()
    list(
        Runner(economy=FakeEconomy, listener=listener).pairs(
            FakeScenario(), policy(), [1, 2], workers=1
        )
    )
    assert listener.total == listener.done == 2 * 2 * 14


def test_seeds() -> None:
    assert replication_seeds(5, 3) == [5, 6, 7]
    with pytest.raises(ValueError, match="at least 1"):
        replication_seeds(1, 0)


def test_group_jackknife_covers_the_truth() -> None:
    draws = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        base = draws.uniform(50, 150, (10, 20))
        gain = 0.02 * base + draws.normal(0, 1, base.shape)
        found = group_jackknife(gain, base)
        hits += found.low < 0.02 * base.sum() < found.high
    assert 0.85 < hits / 300 < 0.95


def test_estimates_without_information() -> None:
    assert mean_estimate(np.array([5.0])).method == UNKNOWN
    assert ratio_estimate(np.array([5.0]), np.array([0.0])) is None
    assert mean_estimate(np.array([5.0])).low == 0


def test_typical_grade_rounds_to_the_worse() -> None:
    assert typical_grade({"A": 1, "D": 1}) == "D"
    assert typical_grade({"A": 2, "C": 1}) == "A"
    assert typical_grade({}) == "D"
