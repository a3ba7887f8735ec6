"""Plans: ranges come from where they are kept, a typo is refused with its line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import app.cli
from experiments.executors import Serial
from experiments.sweep_factors import Factor, changes_at, position_of_default
from experiments.sweep_outputs import Columns
from experiments.sweep_plan import load_plan, plan_folder
from model.parameters import load_parameters
from model.policy.catalogue import load_catalogue
from tests.sweeps import refusal, write_plan

SHIPPED = sorted(path.stem for path in plan_folder().glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_plans_are_valid(name: str) -> None:
    plan = load_plan(name)
    assert len(plan.factors) > 1
    assert all(plan.title[lang] != name for lang in ("zh", "en"))


def test_ranges_come_from_parameter_files_and_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(
        "scenario: sections/5_quality\nmethod: morris\nsamples: 4\n"
        "parameters: {firms.hiring_gain: {}}\nmeasures: {23: [voucher_face, vouchers_per_person]}\n"
    )
    plan = load_plan(path)
    hiring, face, count = plan.factors
    known = load_parameters().entry("firms.hiring_gain")
    assert (hiring.low, hiring.high, hiring.default) == (known.low, known.high, known.value)
    lever = load_catalogue()[23].levers["voucher_face"]
    assert (face.low, face.high, face.default) == (lever.low, lever.high, lever.default)
    assert count.whole == load_catalogue()[23].levers["vouchers_per_person"].whole
    changes = changes_at(plan.factors, [0.5, 1.0, 0.0])
    assert changes["measures"] == {"23": {"voucher_face": 50.0, "vouchers_per_person": 1}}


def test_a_measure_stands_for_all_its_levers(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(
        "scenario: sections/7_restrictions\nmethod: morris\nsamples: 4\n"
        "measures: {30: all, 31: all}\n"
        "groups: {events: {title: {zh: 活动, en: Events}, factors: [30]}}\n"
    )
    plan = load_plan(path)
    levers = {n: load_catalogue()[n].levers for n in (30, 31)}
    assert len(plan.factors) == sum(len(one) for one in levers.values())
    assert plan.groups == {"events": tuple(f"30.{name}" for name in levers[30])}
    assert plan.group_titles == {"events": {"zh": "活动", "en": "Events"}}
    assert plan.units == ("events", *(f"31.{name}" for name in levers[31]))


TYPOS = {
    "scenaro: baseline\nmethod: morris\nsamples: 4\n": (1, "scenaro"),
    "scenario: baselin\nmethod: morris\nsamples: 4\n": (1, "baseline"),
    "scenario: baseline\nmethod: moris\nsamples: 4\n": (2, "morris"),
    "scenario: baseline\nmethod: sobol\nsamples: 100\n": (3, "power of two"),
    "scenario: baseline\nmethod: sobol\nsamples: many\n": (3, "whole number"),
    "scenario: baseline\nmethod: sobol\nsamples: 4\n": (3, "16"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters:\n  firms.hirng_gain: {}\n":
        (5, "firms.hiring_gain"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters:\n  firms.hiring_gain: {lo: 1}\n":
        (5, "low"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters:\n"
    "  firms.hiring_gain: {low: 3, high: 1}\n": (5, "less than"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nmeasures:\n  23: [voucher_face]\n": (5, "23"),
    "scenario: vouchers\nmethod: morris\nsamples: 4\npolicies:\n  vouchers:\n    face_yuan: {}\n":
        (6, "low and high"),
    "scenario: vouchers\nmethod: morris\nsamples: 4\npolicies:\n  vouchers:\n    face: {}\n":
        (6, "face_yuan"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters: {firms.hiring_gain: {}}\n"
    "outputs: [employmnt]\n": (5, "employment"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters: {firms.hiring_gain: {}}\n"
    "outputs: [{outcome: fiscal_cost, by: place}]\n": (5, "place"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters: {firms.hiring_gain: {}}\n"
    "groups: {all: [firms.hiring]}\n": (5, "firms.hiring_gain"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters: {firms.hiring_gain: {}}\n"
    "groups: {all: {factor: [firms.hiring_gain]}}\n": (5, "factors"),
    "scenario: baseline\nmethod: morris\nsamples: 4\nparameters: {firms.hiring_gain: {}}\n"
    "second_order: true\n": (5, "sobol"),
}  # fmt: skip


@pytest.mark.parametrize("text", TYPOS)
def test_a_typo_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    line, word = TYPOS[text]
    found = [one for one in refusal(path) if f"p.yaml:{line}:" in one]
    assert found
    assert any(word in one for one in found)
    assert refusal(path, "zh") != refusal(path, "en")


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    path = write_plan(tmp_path, "outputs: [wrong]", method="moris", samples="x")
    assert len(refusal(path)) >= 3


def test_a_table_moves_between_its_bounds(tmp_path: Path) -> None:
    path = write_plan(tmp_path, parameters="\n  firms.pay_limits: {}\n")
    (factor,) = load_plan(path).factors
    known = load_parameters().entry("firms.pay_limits")
    assert factor.written(0.0) == known.low
    assert factor.written(0.5) == known.value
    assert factor.written(1.0) == known.high


def test_parameters_that_solve_tables_take_few_values(tmp_path: Path) -> None:
    name = next(
        name for name in load_parameters()
        if name.startswith("consumption.") and isinstance(load_parameters()[name], float)
    )  # fmt: skip
    path = write_plan(tmp_path, parameters=f"\n  {name}: {{low: 0.1, high: 0.9}}\n")
    (factor,) = load_plan(path).factors
    assert len({factor.value(u) for u in np.linspace(0, 1, 1001)}) == 8


def factor(distribution: str, **more: object) -> Factor:
    usual = {"low": 1.0, "high": 9.0, "default": 3.0}
    return Factor("x", "parameters", ("x",), unit="", distribution=distribution, **usual | more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["uniform", "log_uniform", "triangular", "normal"])
def test_distributions_stay_in_range_and_rise(kind: str) -> None:
    values = [factor(kind).value(u) for u in np.linspace(0, 1, 101)]
    assert values[0] == pytest.approx(1.0)
    assert values[-1] == pytest.approx(9.0)
    assert np.all(np.diff(values) > 0)


def test_distributions_have_their_centre() -> None:
    assert factor("log_uniform").value(0.5) == pytest.approx(3.0)
    assert factor("triangular").value(0.25) == pytest.approx(3.0)
    assert factor("normal", mode=5.0, spread=1.0).value(0.5) == pytest.approx(5.0)
    assert position_of_default(factor("uniform")) == pytest.approx(0.25)


def test_columns_split_by_month_and_place(tmp_path: Path) -> None:
    text = (
        "outputs:\n- employment\n- {outcome: household_consumption, by: month, to_month: 2}\n"
        "- {outcome: retail_sales, by: place}\n- leverage\n"
    )
    plan = load_plan(write_plan(tmp_path, text, months=3))
    assert plan.places == ("retail_sales",)
    names = Columns(plan).names
    assert len(names) == 1 + 2 + 15 + 1
    assert names[1] == "household_consumption[1-2].2025-10"
    assert names[5].startswith("retail_sales[1-3].")


# --- the commands -----------------------------------------------------------------------------


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["tizhen", *arguments])
    with pytest.raises(SystemExit) as ended:
        app.cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(
        "scenario: vouchers\nmonths: 6\nscale: 8000\nmethod: morris\nsamples: 4\nseeds: 1\n"
        "policies: {vouchers: {face_yuan: {low: 20, high: 50}}}\n"
        "outputs: [household_consumption]\n"
    )
    return path


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands compute in this process: starting others is tested with the executors."""
    for module in ("executors", "sweep"):
        monkeypatch.setattr(f"experiments.{module}.LocalPool", lambda _: Serial())


@pytest.mark.usefixtures("in_process")
def test_commands_from_estimate_to_verify(monkeypatch, capsys, plan: Path) -> None:
    where = ("--results", str(plan.parent / "r"), "--json", "--quiet")

    def said(*options: str, code: int = 0) -> dict:
        assert call(monkeypatch, options[0], str(plan), *options[1:], *where) == code
        return json.loads(capsys.readouterr().out)

    guess = said("estimate")
    assert guess["runs"] > guess["stored"] == 0
    assert min(guess["seconds"], guess["memory_gib"], guess["disk_mib"]) > 0
    assert said("sweep", "--shard", "0/2", "--workers", "1")["sensitivity"] is None
    done = said("sweep", "--workers", "1")
    assert {"sweep_id", "planned", "done", "failed", "seconds", "path"} <= done.keys()
    assert (done["planned"], done["done"], done["failed"]) == (guess["runs"], guess["runs"], 0)
    assert done["sensitivity"]["indices"]
    folder = Path(done["path"])
    assert (folder / "sensitivity.json").is_file()
    assert list(folder.glob("charts/bars_*.zh.png"))
    assert said("sweep", "--verify")["problems"] == []
    key = pq.read_table(folder / "runs.parquet", columns=["key"])["key"][0].as_py()
    assert said("sweep", "--replay", key[:12])["same"]
    raw = bytearray((folder / "runs.parquet").read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / "runs.parquet").write_bytes(raw)
    assert said("sweep", "--verify", code=1)["problems"]


@pytest.mark.parametrize(
    "options", [("--shard", "3/3"), ("--shard", "x"), ("--workers", "0"),
                ("--workers", "2", "--dask", "tcp://x:1")],
)  # fmt: skip
def test_bad_options_end_with_two_and_write_nothing(monkeypatch, capsys, plan, options) -> None:
    results = plan.parent / "r"
    assert call(monkeypatch, "sweep", str(plan), "--results", str(results), *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert not results.exists()


def test_a_bad_plan_ends_with_two(monkeypatch, capsys, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("samples: 4", "samples: x"))
    assert call(monkeypatch, "sweep", str(plan), "--lang", "en") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{plan.name}:5:" in err
