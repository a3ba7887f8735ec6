"""Plans of known functions, and sweeps of them in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.run_jobs import setup_for
from experiments.sweep import Sweep
from experiments.sweep_plan import Plan, load_plan
from model.scenario import ScenarioError

PI = 3.141592653589793
RANGE = f"{{low: -{PI}, high: {PI}}}"
ISHIGAMI = f"""
  firms.expectation_gain: {RANGE}
  firms.hiring_gain: {RANGE}
  firms.layoff_speed: {RANGE}
"""
UNIT = """
  firms.expectation_gain: {low: 0, high: 1}
  firms.hiring_gain: {low: 0, high: 1}
  firms.layoff_speed: {low: 0, high: 1}
  firms.employment_response: {low: 0, high: 1}
"""


def write_plan(folder: Path, text: str = "", parameters: str = ISHIGAMI, **keys: object) -> Path:
    """A plan file of a function without months; `keys` replace the usual ones."""
    usual: dict[str, object] = {
        "scenario": "baseline", "months": 1, "method": "sobol", "samples": 16, "seeds": 1,
    }  # fmt: skip
    lines = [f"{key}: {value}" for key, value in (usual | keys).items()]
    path = folder / "plan.yaml"
    path.write_text("\n".join([*lines, f"parameters:{parameters}", text]) + "\n", encoding="utf-8")
    return path


def sweep_of(
    folder: Path, function: str = "ishigami", results: Path | None = None,
    shard: tuple[int, int] = (0, 1), **plan: object,
) -> Sweep:  # fmt: skip
    """A sweep over one of `known_functions`."""
    loaded = load_plan(write_plan(folder, **plan))  # type: ignore[arg-type]
    return sweep_over(loaded, function, results or folder / "results", shard)


def sweep_over(plan: Plan, function: str, results: Path, shard: tuple[int, int] = (0, 1)) -> Sweep:
    """A sweep of a plan in which a known function stands in for the model."""
    setup = setup_for(plan.scenario, plan.against)
    return Sweep(plan, results, shard, replace(setup, evaluate=f"tests.known_functions:{function}"))


def refusal(path: Path, lang: str = "en") -> list[str]:
    """What is said of a plan that is wrong."""
    with pytest.raises(ScenarioError) as refused:
        load_plan(path, lang)
    return refused.value.lines
