from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from app.commands_run import register
from experiments.results import read_manifest, read_outcome
from experiments.runner import EconomyFactory
from tests.fake_economy import GAIN_A_MONTH, PAID_A_MONTH, FakeEconomy, FakeScenario

POLICY = """
title: {zh: 试点, en: Trial}
start: 2026-01
months: 14
scale: 1000
seed: 3
policies:
  trial:
    lever: vouchers
    rounds: {first: 2026-03, last: 2026-05, every_months: 1}
    categories: {catering: 100%}
    face_yuan: 30
    threshold_yuan: 100
    per_person: 1
    validity_days: 30
    allocation: rush
    digital_required: true
    participating_share: 50%
    funding: {mode: cities_decide, match_ratio: 1, provincial_quota_yi_yuan: 0.5}
    cities: all
"""
OUTCOMES = {
    "household_consumption",
    "retail_sales",
    "local_value_added",
    "employment",
    "price_level",
    "fiscal_cost",
    "bottom40_consumption",
}


def fake_economy(scenario: Any, seed: int, lean: bool = False, threads: int = 2) -> FakeEconomy:
    """Gains and payments as soon as the real scenario has any policy."""
    works = bool(scenario.policies)
    paid, gain = (PAID_A_MONTH, GAIN_A_MONTH) if works else (0.0, 0.0)
    known = FakeScenario(months=scenario.months, scale=scenario.scale, paid=paid, gain=gain)
    return FakeEconomy(known, seed)


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("briefing.comparison_charts.draw_comparison", lambda *_: [])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def factory() -> EconomyFactory:
        return fake_economy

    monkeypatch.setattr("experiments.runner._shipped_economy", factory)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trial.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "nothing.yaml").write_text(POLICY.split("policies:")[0], encoding="utf-8")
    return tmp_path


def call(*arguments: str) -> Any:
    program = typer.Typer()
    register(program)
    return CliRunner().invoke(program, list(arguments), env={"COLUMNS": "200"})


def test_run_gives_one_document_and_a_complete_folder(files: Path) -> None:
    done = call("run", "trial.yaml", "--json", "--seed", "9", "--scale", "2000")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    for key in ("run_id", "scenario", "seed", "households", "scale", "months", "seconds"):
        assert key in found
    assert (found["seed"], found["scale"], found["months"]) == (9, 2000, 14)
    assert set(found["totals"]) >= OUTCOMES
    folder = files / found["path"]
    assert read_manifest(folder)["run_id"] == found["run_id"] == folder.name
    assert read_outcome(folder / "series").months[0] == "2026-01"
    assert "seconds" not in read_outcome(folder / "series").meta


def test_the_same_run_finds_its_folder(files: Path) -> None:
    first, second = (json.loads(call("run", "trial.yaml", "--json").stdout) for _ in range(2))
    assert first["run_id"] == second["run_id"]
    assert len(list((files / "results").iterdir())) == 1


@pytest.mark.usefixtures("no_charts")
def test_compare_follows_the_contract(files: Path) -> None:
    done = call("compare", "trial.yaml", "--replications", "3", "--json", "--lang", "en")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert {effect["outcome"] for effect in found["effects"]} >= OUTCOMES
    for effect in found["effects"]:
        assert {"unit", "horizon_months", "value", "low", "high", "grade"} <= set(effect)
        assert effect["low"] <= effect["value"] <= effect["high"]
        assert effect["grade"] in "ABCD"
    assert found["leverage"]["household_12m"] == pytest.approx(3, rel=1e-3)
    payers = {"central", "province", "cities", "funds", "firms", "households"}
    assert set(found["payers"]) == payers
    assert (found["replications"], found["quick"], found["against"]) == (3, False, "no_policies")
    assert "--seed 3 --scale 1000" in found["command"]
    folder = files / found["path"]
    for name in ("effects", "leverage", "payers", "decomposition", "monthly", "replications"):
        assert pq.read_table(folder / "tables" / f"{name}.parquet").num_rows
    assert found["command"] in (folder / "summary.zh.md").read_text(encoding="utf-8")


def test_compare_draws_charts(files: Path) -> None:
    done = call("compare", "trial.yaml", "--quick", "--quiet", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    charts = files / json.loads(done.stdout)["path"] / "charts"
    for name in ("monthly_path", "by_category", "by_city", "by_quintile", "leverage_ladder"):
        assert (charts / f"{name}.zh.png").stat().st_size > 1000
        assert (charts / f"{name}.zh.svg").exists()
    assert not list(charts.glob("*.en.*")), "a quick look draws one language"


@pytest.mark.usefixtures("no_charts")
def test_null_policy_compares_to_exactly_zero(files: Path) -> None:
    done = call("compare", "nothing.yaml", "--against", "nothing.yaml", "--quick", "--json")
    found = json.loads(done.stdout)
    assert all(
        effect["value"] == effect["low"] == effect["high"] == 0 for effect in found["effects"]
    )
    assert set(found["leverage"].values()) == {None}


@pytest.mark.usefixtures("no_charts")
def test_summary_for_people_is_the_default(files: Path) -> None:
    done = call("compare", "trial.yaml", "--quick")
    assert "试点" in done.stdout
    assert "居民消费" in done.stdout
    assert "28/28" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "trial.yaml", "--replications", "0"),
        ("run", "trial.yaml", "--scale", "0"),
        ("run", "trial.yaml", "--scale", "99999999"),
        ("run", "trial.yaml", "--seed", "-1"),
        ("run", "trial.yaml", "--results", "trial.yaml"),
        ("run", "absent.yaml"),
        ("compare", "trial.yaml", "--against", "absent.yaml"),
        ("compare", "trial.yaml", "--against", "baseline"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(files: Path, arguments: tuple[str, ...]) -> None:
    done = call(*arguments, "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (files / "results").exists()


@pytest.mark.usefixtures("no_charts")
def test_failing_chart_costs_a_line_not_the_run(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("no font")

    monkeypatch.setattr("briefing.comparison_charts.draw_comparison", broken)
    done = call("compare", "trial.yaml", "--quick", "--quiet", "--json")
    assert done.exit_code == 0
    assert "no font" in done.stderr
    assert (files / json.loads(done.stdout)["path"] / "tables").is_dir()


def test_interrupted_run_leaves_nothing(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.comparison_files.write_comparison", interrupted)
    done = call("compare", "trial.yaml", "--quick", "--quiet")
    assert done.exit_code == 130
    assert not (files / "results").exists()


def test_full_disk_is_a_fault_in_one_line(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("experiments.results.write_table", full)
    done = call("run", "trial.yaml", "--quiet")
    assert done.exit_code == 1
    assert "No space left" in done.stderr
    assert not (files / "results").exists()
