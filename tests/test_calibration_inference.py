"""Emulator, sampler, recovery, and the stored results with their page."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import build
from briefing.calibration_page import PAGES, page
from calibration import emulator as emulation
from calibration.coordinates import coordinates
from calibration.digests import data_digest
from calibration.estimate import (
    QUICK,
    SOLUTIONS,
    Effort,
    chance,
    inert,
    positions,
    recoveries,
)
from calibration.inference import (
    Problem,
    identifiability,
    importance,
    posterior,
    prior_points,
    recover,
    synthetic,
    weighted_quantiles,
)
from calibration.posterior import load_posterior, read_posterior, write_posterior
from calibration.sampler import effective_size, sample, split_r_hat
from calibration.stored import load_fit, read_points, stored_points, write_points
from calibration.targets import fitted, moment_values
from model.parameters import load_parameters
from model.scenario import scenario_from_mapping

ROOT = Path(__file__).resolve().parents[1]
K = 3


def surface(unit: np.ndarray) -> np.ndarray:
    x, y, z = unit.T
    return np.stack([x + 0.5 * y, np.sin(2.0 * y) + 0.2 * x * z, 100.0 + 3.0 * x - y**2], axis=1)


@pytest.fixture(scope="module")
def toy() -> emulation.Emulator:
    units = prior_points(K, 5, 3)
    return emulation.fit(units, surface(units), np.arange(32) // 2)


@pytest.fixture(scope="module")
def problem(toy: emulation.Emulator) -> Problem:
    wanted = surface(np.array([[0.4, 0.6, 0.5]]))[0]
    return Problem(toy, wanted, np.array([0.1, 0.1, 0.2]) ** 2 + toy.error**2)


# --- emulator ---------------------------------------------------------------------------------


def test_emulator_predicts_points_it_has_not_seen(toy: emulation.Emulator) -> None:
    fresh = np.random.default_rng(1).random((200, K))
    errors = np.sqrt(((toy.predict(fresh) - surface(fresh)) ** 2).mean(axis=0))
    assert (errors < 0.05 * toy.spread).all()
    assert (toy.explained() > 0.9).all()


def test_stated_error_is_the_error_of_points_left_out(toy: emulation.Emulator) -> None:
    squares = np.zeros(3)
    for group in np.unique(toy.groups):
        rows = toy.groups == group
        unit = (toy.inputs[rows] + 1.0) / 2.0
        alone = toy.predict_many(unit, [toy.weights_without(int(group))])[0]
        squares += ((alone - toy.outputs[rows]) ** 2).sum(axis=0)
    np.testing.assert_allclose(np.sqrt(squares / toy.groups.size), toy.error, rtol=1e-5)


def test_one_more_point_is_learnt(toy: emulation.Emulator) -> None:
    unit = np.array([0.9, 0.1, 0.9])
    more = toy.extended(unit, surface(unit[None])[0] + 0.01, 99)
    gap = np.abs(more.predict(unit[None])[0] - surface(unit[None])[0] - 0.01)
    assert (gap < 0.01).all()
    assert more.groups[-1] == 99


def test_predictions_agree(toy: emulation.Emulator) -> None:
    units = np.random.default_rng(2).random((5, K))
    both = toy.predict(units), toy.predict_many(units, [toy.weights])[0]
    np.testing.assert_allclose(*both, rtol=1e-10)
    np.testing.assert_allclose(toy.moments([2]).predict(units)[:, 0], both[0][:, 2])


# --- sampler and posterior --------------------------------------------------------------------


def test_sampler_finds_a_known_distribution() -> None:
    centre, deviation = np.array([0.4, 0.6]), np.array([0.05, 0.08])

    def density(points: np.ndarray) -> np.ndarray:
        return -0.5 * (((points - centre) / deviation) ** 2).sum(axis=1)

    start = np.random.default_rng(1).random((4, 2))
    draws = sample(density, start, 2000, 8000, 2, 7).draws
    flat = draws.reshape(-1, 2)
    assert split_r_hat(draws).max() < 1.02
    assert effective_size(draws).min() > 800
    np.testing.assert_allclose(flat.mean(axis=0), centre, atol=0.006)
    np.testing.assert_allclose(flat.std(axis=0), deviation, rtol=0.06)


def test_sampler_stays_in_the_cube_and_repeats_itself() -> None:
    runs = [sample(lambda p: p.sum(axis=1), np.full((2, 2), 0.5), 500, 500, 1, 3) for _ in "ab"]
    assert np.array_equal(runs[0].draws, runs[1].draws)
    assert runs[0].draws.min() >= 0.0
    assert runs[0].draws.max() <= 1.0


def test_chains_and_weighted_prior_points_agree(problem: Problem) -> None:
    draws = posterior(problem, 4, 2000, 10_000, 2, 5).draws.reshape(-1, K)
    points = prior_points(K, 14, 5)
    weight = importance(problem.emulator.predict(points), problem.wanted, problem.variance)
    levels = (0.05, 0.5, 0.95)
    np.testing.assert_allclose(
        np.quantile(draws, levels, axis=0), weighted_quantiles(points, weight, levels), atol=0.035
    )


def test_identifiability_sees_the_flat_direction(problem: Problem) -> None:
    draws = posterior(problem, 4, 1000, 4000, 4, 5).draws.reshape(-1, K)
    found = identifiability(problem, draws, problem.best(1)[0], 5)
    assert found.width[2] > 0.85
    assert found.width[0] < 0.5
    assert abs(found.directions[2, -1]) > 0.9
    assert (found.profile[2] < 1.0).all()
    assert found.profile[0].max() > 5.0


def test_known_truths_are_recovered(problem: Problem) -> None:
    truth, observed = synthetic(problem, 300, 11)
    points = prior_points(K, 13, 11)
    known = problem.emulator.predict_many(points, [problem.emulator.weights])
    found = recover(truth, observed, points, list(known), problem.variance)
    assert 0.87 <= found.inside.mean() <= 0.93


# --- the stored results -----------------------------------------------------------------------


def real_problem(groups: int) -> tuple[Problem, np.ndarray]:
    """The fitted moments on part of the stored design, and chance in all moments."""
    points = stored_points()
    noise = chance([one for one in points if one.role == "noise"])
    kept = [one for one in points if one.role in ("shipped", "design") and one.group < groups]
    found = emulation.fit(
        np.array([one.unit for one in kept]),
        np.array([moment_values(one.statistics, fitted()) for one in kept]),
        np.array([one.group for one in kept]),
    )
    wanted, stated = (np.array([getattr(t, n) for t in fitted()]) for n in ("value", "error"))
    variance = stated**2 + noise[positions("fitted")] + found.error**2
    return Problem(found, wanted, variance), noise


def test_quick_recovery_on_part_of_the_stored_design() -> None:
    found, left_out = recoveries(*real_problem(12), QUICK)
    for one in (found, left_out):
        assert one.inside.mean() == pytest.approx(0.9, abs=0.08)


@pytest.mark.slow
def test_recovery_of_many_truths() -> None:
    effort = Effort(power=16, left_out_power=14)
    assert effort.repetitions >= 50
    found, left_out = recoveries(*real_problem(SOLUTIONS), effort)
    assert left_out.truth.shape[0] >= 50
    assert 0.85 <= found.inside.mean() <= 0.95
    assert 0.85 <= left_out.inside.mean() <= 0.95


def test_posterior_is_complete_and_inside_the_prior() -> None:
    found = load_posterior()
    free = {one.name: one for one in coordinates() if one.name not in inert()}
    assert set(found.names) == set(free)
    assert len(found.names) >= 12
    assert found.draws.dtype == np.float64
    assert 200 <= len(found) <= 1000
    for name, column in zip(found.names, found.draws.T, strict=True):
        assert (column >= free[name].low - 1e-9).all(), name
        assert (column <= free[name].high + 1e-9).all(), name


def test_posterior_says_where_it_comes_from() -> None:
    about = load_posterior().about
    assert about["data"] == data_digest(), "data or targets changed: run tizhen calibrate --store"
    assert about == load_fit()["about"]
    assert {"code", "simulation", "seed", "command"} <= set(about)
    assert about["r_hat"] < 1.05
    assert about["effective"] > 400


def test_draws_are_values_of_a_scenario() -> None:
    found = load_posterior()
    values = found.values(0)
    assert set(values) <= set(load_parameters())
    document = {"name": "x", "start": "2023-01", "months": 1, "scale": "1:8000", "seed": 1}
    made = scenario_from_mapping(document | {"parameters": values})
    assert made.warnings == ()
    assert len(found.digest) == 64


def test_fewer_draws_are_among_more() -> None:
    found = load_posterior()
    assert set(found.chosen(5)) < set(found.chosen(12))
    assert sorted(found.chosen(len(found))) == list(range(len(found)))
    with pytest.raises(ValueError, match="draws"):
        found.chosen(0)


def test_equal_draws_give_equal_files(tmp_path: Path) -> None:
    found = load_posterior()
    for name in ("a", "b"):
        write_posterior(tmp_path / name, found.names, found.draws, dict(found.about))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    again = read_posterior(tmp_path / "a")
    assert again.digest == found.digest


def test_stored_points_survive_the_file(tmp_path: Path) -> None:
    points = stored_points()[:4]
    write_points(tmp_path / "p.parquet", points)
    again = read_points(tmp_path / "p.parquet")
    assert [one.key for one in again] == [one.key for one in points]
    assert [dict(one.statistics) for one in again] == [dict(one.statistics) for one in points]


def test_distances_are_the_sum_of_the_scores() -> None:
    tables = load_fit()
    for side in ("shipped", "point"):
        for role in ("fitted", "held_out"):
            scores = [row[f"{side}_score"] for row in tables["moments"] if row["role"] == role]
            stored = tables["distance"]["other_seeds"][side][role]
            assert np.square(scores).sum() == pytest.approx(stored, rel=1e-3)


def test_the_fit_is_not_bad() -> None:
    distance = load_fit()["distance"]
    assert distance["other_seeds"]["point"]["fitted"] < distance["moments"]["fitted"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_what_is_stored(lang: str) -> None:
    text = (ROOT / "docs" / PAGES[lang]).read_text(encoding="utf-8")
    assert text == page(load_fit(), lang), "run python -m briefing.calibration_page"


# --- the command ------------------------------------------------------------------------------


def test_command_refuses_contradictions() -> None:
    for words in (["--quick", "--store"], ["--solutions", "1"]):
        found = CliRunner().invoke(build(), ["calibrate", *words])
        assert found.exit_code == 2


@pytest.mark.slow
def test_quick_calibration_runs_from_the_stored_points(tmp_path: Path) -> None:
    words = ["calibrate", "--quick", "--lang", "en", "--results", str(tmp_path)]
    found = CliRunner().invoke(build(), words)
    assert found.exit_code == 0, found.output
    assert (tmp_path / "calibration-quick" / "fit.json").is_file()
    assert "R-hat" in found.output
