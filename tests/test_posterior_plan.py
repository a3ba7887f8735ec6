"""The posterior of the calibration in plans: all together, one by one, refused where senseless."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from briefing.sensitivity_report import draw
from experiments.executors import Serial
from experiments.sweep_analysis import analyse
from experiments.sweep_factors import changes_at
from experiments.sweep_plan import load_plan
from tests.sweeps import refusal, sweep_over, write_plan

CALIBRATED = ("firms.hiring_gain", "firms.layoff_speed")


@pytest.fixture
def posterior(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Fifty draws of two parameters that stands in for the calibration's."""
    low = np.linspace(0.1, 0.3, 50)
    draws = np.column_stack([low, 0.5 - low])

    def values(number: int) -> dict[str, float]:
        return {name: float(x) for name, x in zip(CALIBRATED, draws[number], strict=True)}

    module = ModuleType("calibration.posterior")
    found = SimpleNamespace(names=CALIBRATED, draws=draws, values=values)
    module.load_posterior = lambda: found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "calibration.posterior", module)
    return draws


def test_the_posterior_is_one_factor_that_keeps_its_draws(tmp_path, posterior) -> None:
    own = "\n  firms.expectation_gain: {}\n"
    plan = load_plan(write_plan(tmp_path, "posterior: {draws: 10}\n", own))
    assert plan.units == ("posterior", "firms.expectation_gain")
    for position in (0.0, 0.3, 0.999, 1.0):
        changed = changes_at(plan.factors, [position, 0.5])["parameters"]
        assert changed["firms.hiring_gain"] + changed["firms.layoff_speed"] == pytest.approx(0.5)
        assert changed["firms.hiring_gain"] in posterior[::5, 0]
    found = plan.factors[0].plain()
    other = load_plan(write_plan(tmp_path, "posterior: {draws: 11}\n", own)).factors[0].plain()
    assert found["draws"] != other["draws"]


def test_a_posterior_sweep_ends_with_charts(tmp_path, posterior, monkeypatch) -> None:
    text = "posterior: {}\n"
    path = write_plan(tmp_path, text, "\n  firms.expectation_gain: {low: 0, high: 1}\n", samples=64)
    sweep = sweep_over(load_plan(path), "sum_of_parameters", tmp_path / "results")
    sweep.run(Serial())
    found = analyse(sweep.plan, sweep.points, sweep.values())
    first = found.indices["S1"].value[:, 0]
    assert first.sum() == pytest.approx(1.0, abs=0.1)
    monkeypatch.setattr("briefing.sensitivity_report.save", lambda _, stem: [stem])
    assert len(draw(found, tmp_path / "charts", "zh")) == 3


def test_one_calibrated_parameter_alone(tmp_path, posterior) -> None:
    text = "\n  firms.hiring_gain: {distribution: posterior}\n"
    (factor,) = load_plan(write_plan(tmp_path, parameters=text, method="morris")).factors
    assert factor.value(0.0) == posterior[0, 0]
    assert factor.value(0.5) == pytest.approx(0.2)
    assert factor.value(1.0) == posterior[-1, 0]


@pytest.mark.parametrize(
    ("text", "parameters", "word", "keys"),
    [
        ("posterior: {}\n", "\n  firms.hiring_gain: {}\n", "besides", {}),
        ("posterior: {}\n", "\n  firms.expectation_gain: {}\n", "morris", {"method": "morris"}),
        ("posterior: {drws: 5}\n", "\n  firms.expectation_gain: {}\n", "draws", {}),
        ("posterior: {draws: 51}\n", "\n  firms.expectation_gain: {}\n", "50", {}),
        ("", "\n  firms.expectation_gain: {distribution: posterior}\n", "calibrated", {}),
    ],
)
def test_what_the_posterior_cannot_do(tmp_path, posterior, text, parameters, word, keys) -> None:
    lines = refusal(write_plan(tmp_path, text, parameters, **keys))
    assert any(word in line and "plan.yaml:" in line for line in lines)


def test_without_a_posterior_it_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "calibration.posterior", None)
    lines = refusal(write_plan(tmp_path, "posterior: {}\n"))
    assert any("no posterior" in line for line in lines)
