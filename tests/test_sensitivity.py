"""Known answers through the whole path: plan, design, store, analysis, charts; and the traps."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from briefing.sensitivity_report import draw, summary
from experiments import sensitivity
from experiments.executors import Serial
from experiments.sensitivity import SensitivityError
from experiments.sweep_analysis import Sensitivity, analyse, document, responses, seed_noise
from experiments.sweep_design import design, sampling_seed
from experiments.sweep_plan import load_plan
from tests.known_functions import G_COEFFICIENTS
from tests.sweeps import UNIT, sweep_of, write_plan

A, B = 7.0, 0.1
VARIANCE = 0.5 + A**2 / 8 + B * math.pi**4 / 5 + B**2 * math.pi**8 / 18
FIRST = np.array([0.5 * (1 + B * math.pi**4 / 5) ** 2, A**2 / 8, 0.0]) / VARIANCE
TOGETHER = B**2 * math.pi**8 * (1 / 18 - 1 / 50) / VARIANCE  # first with third
TOTAL = FIRST + np.array([TOGETHER, 0.0, TOGETHER])


def analysed(tmp_path: Path, function: str = "ishigami", **plan: object) -> Sensitivity:
    sweep = sweep_of(tmp_path, function, **plan)
    sweep.run(Serial())
    return analyse(sweep.plan, sweep.points, sweep.values())


def covers(index: sensitivity.Index, truth: np.ndarray, slack: float = 0.0) -> np.ndarray:
    low, high = index.low[..., 0] - slack, index.high[..., 0] + slack
    return (low <= truth) & (truth <= high)


def test_sobol_recovers_ishigami(tmp_path: Path) -> None:
    found = analysed(tmp_path, samples=1024, second_order="true")
    s1, st, s2 = (found.indices[name] for name in ("S1", "ST", "S2"))
    assert np.abs(s1.value[:, 0] - FIRST).max() < 0.03
    assert np.abs(st.value[:, 0] - TOTAL).max() < 0.03
    assert abs(s2.value[0, 2, 0] - TOGETHER) < 0.05
    assert covers(s1, FIRST).all()
    assert covers(st, TOTAL).all()
    assert [rows for rows, _ in found.convergence] == [1024, 2048, 4096]


def test_sobol_recovers_the_g_function(tmp_path: Path) -> None:
    found = analysed(tmp_path, "g_function", parameters=UNIT, samples=1024)
    parts = np.array([1 / (3 * (1 + a) ** 2) for a in G_COEFFICIENTS])
    whole = np.prod(1 + parts) - 1
    total = parts * np.prod(1 + parts) / (1 + parts) / whole
    assert np.abs(found.indices["S1"].value[:, 0] - parts / whole).max() < 0.02
    assert np.abs(found.indices["ST"].value[:, 0] - total).max() < 0.02


def test_groups_share_one_index(tmp_path: Path) -> None:
    groups = "groups: {both: [firms.expectation_gain, firms.layoff_speed]}"
    found = analysed(tmp_path, text=groups, samples=512)
    assert found.units == ("both", "firms.hiring_gain")
    truth = np.array([1 - FIRST[1], FIRST[1]])
    assert np.abs(found.indices["ST"].value[:, 0] - truth).max() < 0.05


def test_rbd_fast_and_pawn_rank_ishigami(tmp_path: Path) -> None:
    first = analysed(tmp_path, method="rbd_fast", samples=2000).indices["S1"]
    assert np.abs(first.value[:, 0] - FIRST).max() < 0.03
    median = analysed(tmp_path, method="pawn", samples=300).indices["median"]
    assert median.value[:, 0].argmax() == 1
    assert (median.low <= median.value).all()
    assert (median.value <= median.high).all()


def test_morris_of_a_linear_function_is_exact(tmp_path: Path) -> None:
    unit = UNIT.rsplit("\n", 2)[0]
    found = analysed(tmp_path, "noisy", parameters=unit, method="morris", samples=10, seeds=3)
    assert found.indices["mu_star"].value[:, 0] == pytest.approx([3.0, 1.0, 0.0], abs=0.15)
    assert found.noise[0] < 0.01
    assert "noisy" not in found.cautions


def test_own_estimators_equal_those_of_salib() -> None:
    from SALib.analyze import morris, sobol
    from SALib.sample import morris as walks
    from SALib.sample import sobol as saltelli

    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[0.0, 1.0]] * 3}

    def function(x: np.ndarray) -> np.ndarray:
        return np.exp(x[:, 0]) * x[:, 1] + x[:, 2] ** 2

    points = saltelli.sample(problem, 64, calc_second_order=True, seed=3)
    theirs = sobol.analyze(problem, function(points), calc_second_order=True, seed=3)
    ours = sensitivity.sobol(function(points)[:, None], 3, True, 100, 3)
    for name in ("S1", "ST", "S2"):
        assert ours[name].value[..., 0] == pytest.approx(theirs[name], abs=1e-12, nan_ok=True)
    for groups in (None, ["g", "h", "g"]):
        asked = problem | ({"groups": groups} if groups else {})
        points = walks.sample(asked, 12, num_levels=4, seed=3)
        theirs = morris.analyze(asked, points, function(points), num_levels=4, seed=3)
        mine = sensitivity.morris(points, function(points)[:, None], groups or "abc", 100, 3)
        expected = np.asarray(theirs["mu_star"], dtype=float)
        assert mine["mu_star"].value[:, 0] == pytest.approx(expected, rel=1e-12)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    from SALib.sample import sobol as saltelli
    from SALib.test_functions import Ishigami

    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[-math.pi, math.pi]] * 3}
    hits = []
    for seed in range(1, 41):
        points = saltelli.sample(problem, 256, calc_second_order=False, seed=seed)
        found = sensitivity.sobol(Ishigami.evaluate(points)[:, None], 3, False, 300, seed)
        hits += [covers(found["S1"], FIRST), covers(found["ST"], TOTAL)]
    # Quasi-random points scatter less than independent ones: intervals err on the wide side.
    assert np.mean(hits) >= 0.88


def test_intervals_of_few_trajectories_are_wide_enough() -> None:
    walks, truth = np.random.default_rng(3), 1.128379  # mean size of the difference of two normals
    hits = []
    for seed in range(300):
        steps = np.abs(walks.normal(size=(8, 1)) * math.sqrt(2))
        points = np.tile([[0.0], [1.0]], (8, 1))
        outputs = np.column_stack([np.zeros(8), steps]).reshape(-1, 1)
        found = sensitivity.morris(points, outputs, "a", 200, seed)["mu_star"]
        hits.append(found.low[0, 0] <= truth <= found.high[0, 0])
    assert np.mean(hits) >= 0.86  # 0.84 without the correction


# --- traps ------------------------------------------------------------------------------------


def test_missing_numbers_are_refused_not_turned_into_zero() -> None:
    outputs = np.ones((64, 1))
    outputs[3] = np.nan
    with pytest.raises(SensitivityError):
        sensitivity.sobol(outputs, 2, False, 10, 1)


def test_an_output_that_does_not_vary_has_no_index() -> None:
    outputs = np.random.default_rng(1).random((64, 2))
    outputs[:, 1] = 5.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sensitivity.sobol(outputs, 2, False, 100, 1)
    assert np.isfinite(found["S1"].value[:, 0]).all()
    assert np.isnan(found["S1"].value[:, 1]).all()


def test_failed_points_are_left_out_with_their_block(tmp_path: Path) -> None:
    found = analysed(tmp_path, "fails_at_three", samples=64)
    assert (found.used, found.dropped) == (63 * 5, 5)
    assert "dropped" in found.cautions


def test_too_many_failures_give_no_indices(tmp_path: Path) -> None:
    with pytest.raises(SensitivityError):
        analysed(tmp_path, "fails_at_three", samples=16)


def test_the_design_has_a_seed_that_is_never_zero(tmp_path: Path) -> None:
    plan = load_plan(write_plan(tmp_path))
    assert sampling_seed(plan) > 0
    assert design(plan).tobytes() == design(plan).tobytes()


def test_few_samples_are_called_few(tmp_path: Path) -> None:
    assert "wide" in analysed(tmp_path, samples=16).cautions


def test_a_shift_by_the_seed_is_no_noise() -> None:
    values = np.random.default_rng(1).random((20, 1, 1)) + np.arange(4.0)[None, :, None]
    assert seed_noise(values) == pytest.approx([0.0], abs=1e-25)
    assert np.isnan(seed_noise(values[:, :1])).all()


def test_chance_that_drowns_the_effect_is_said(tmp_path: Path) -> None:
    low = "\n  firms.hiring_gain: {low: 0.3, high: 0.31}"
    narrow = f"{low}\n  firms.layoff_speed: {{low: 0, high: 0.01}}"
    found = analysed(tmp_path, "noisy", parameters=narrow, method="morris", samples=10, seeds=3)
    assert found.noise[0] > 0.2
    assert "noisy" in found.cautions


# --- one at a time, words and charts ----------------------------------------------------------


def test_one_at_a_time_starts_from_the_scenario(tmp_path: Path) -> None:
    unit = UNIT.rsplit("\n", 2)[0]
    found = analysed(tmp_path, "noisy", parameters=unit, method="one_at_a_time", samples=1, seeds=2)
    # The scenario's own values are 0.35 and 0.25, so the ends are that far away.
    assert found.indices["low_end"].value[0, 0] == pytest.approx(-3 * 0.35, abs=0.2)
    assert found.indices["high_end"].value[1, 0] == pytest.approx(0.75, abs=0.2)
    value, low, high = responses(found, 0)
    assert value.shape == (3, 5)
    assert (low <= high).all()


def test_curves_of_a_sobol_design_use_points_that_share_no_value(tmp_path: Path) -> None:
    found = analysed(tmp_path, samples=64)
    value, low, high = responses(found, 0, bins=1)
    alone = found.values[[row for row in range(320) if row % 5 in (0, 4)], 0, 0]
    assert value == pytest.approx(np.full((3, 1), alone.mean()))
    assert (high - low > 2 * 1.6 * alone.std() / math.sqrt(128)).all()


def test_every_method_has_words_and_charts(tmp_path: Path) -> None:
    cases = {
        "sobol": {"samples": 64, "second_order": "true"},
        "morris": {"samples": 10, "seeds": 2},
        "one_at_a_time": {"samples": 1, "seeds": 2},
        "pawn": {"samples": 130},
        "rbd_fast": {"samples": 130},
    }
    for method, plan in cases.items():
        found = analysed(tmp_path, method=method, **plan)
        assert document(found)["method"] == method
        for lang in ("zh", "en"):
            assert summary(found, lang)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a missing character is a warning
            drawn = draw(found, tmp_path / method, "zh" if method == "sobol" else "en")
        assert all(path.stat().st_size > 10_000 for path in drawn)
        assert drawn
