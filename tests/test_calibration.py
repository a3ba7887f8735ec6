"""Targets, free parameters, the simulator and its log: what calibration rests on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from calibration.coordinates import (
    coordinates,
    overrides,
    shipped_point,
    unit_to_values,
    values_to_unit,
)
from calibration.evaluations import Log, Point, design, read_log, run_points
from calibration.simulator import NOT_IN_TABLES, statistics
from calibration.targets import fitted, held_out, moment_values, row_value, targets
from model.dimensions import PATIENCE_TYPES, RESIDENCES
from model.parameters import Parameters, load_parameters
from model.solvers.consumption import problems

ROOT = Path(__file__).resolve().parents[1]
FAKE = """
import sys, time
from pathlib import Path
import numpy as np
from calibration import evaluations
def slow(values, scale, seeds):
    time.sleep(0.05)
    return {"sum": float(sum(seeds)) + scale}
evaluations.mean_statistics = slow
points = [evaluations.Point(np.full(len(evaluations.coordinates()), n / 40), "x", n)
          for n in range(40)]
log = evaluations.Log(Path(sys.argv[1]))
evaluations.run_points(log, points, lambda done, _: print(done, flush=True))
"""


# --- targets ----------------------------------------------------------------------------------


def test_there_are_enough_moments_of_both_roles() -> None:
    assert len(targets()) >= 25
    assert len(fitted()) > len(coordinates())
    assert len(held_out()) >= 10
    assert len({one.name for one in targets()}) == len(targets())


def test_every_moment_has_source_words_and_an_honest_error() -> None:
    least = {"A": 0.01, "B": 0.02, "C": 0.05, "D": 0.10}
    for one in targets():
        assert one.source, one.name
        assert one.zh, one.name
        assert one.en, one.name
        assert one.error >= least[one.grade] * abs(one.value) * (1 - 1e-9), one.name
        assert one.error > 0.0, one.name


def test_weak_rows_are_not_sold_as_strong_ones() -> None:
    assert {one.grade for one in targets() if not one.rows} <= {"C", "D"}


def test_fitted_moments_name_parameters_that_are_free() -> None:
    free = {one.name for one in coordinates()}
    for one in fitted():
        assert one.identifies, one.name
        assert set(one.identifies) <= free, one.name


def test_no_replication_target_is_fitted() -> None:
    assert [one.name for one in targets() if "RT" in one.source] == []


def test_a_row_of_the_data_pack_is_found_and_an_unknown_one_refused() -> None:
    known = "province_macro:辽宁省|就业人员|合计|@2023"
    assert row_value(known) == 2091
    with pytest.raises(KeyError):
        row_value(known.replace("2023", "1923"))


# --- free parameters --------------------------------------------------------------------------


def test_free_parameters_stand_inside_their_ranges() -> None:
    assert len(coordinates()) >= 12
    for one in coordinates():
        assert one.low < one.high, one.name
        assert one.low <= one.shipped <= one.high, one.name


def test_shipped_point_is_the_shipped_parameters() -> None:
    known = load_parameters()
    found = overrides(unit_to_values(shipped_point()))
    for name, value in found.items():
        left, right = (
            np.array(list(v.values()) if isinstance(v, dict) else v, dtype=float)
            for v in (value, known[name])
        )
        np.testing.assert_allclose(left, right, rtol=1e-12, err_msg=name)


def test_shares_stay_shares() -> None:
    changed = overrides({"consumption.patience_shares.0": 0.31})["consumption.patience_shares"]
    assert changed[0] == pytest.approx(0.31)
    assert sum(changed) == pytest.approx(1.0)
    shipped = load_parameters()["consumption.patience_shares"]
    assert changed[1] / changed[2] == pytest.approx(shipped[1] / shipped[2])


def test_unit_cube_and_values_agree() -> None:
    unit = np.linspace(0.1, 0.9, len(coordinates()))
    np.testing.assert_allclose(values_to_unit(unit_to_values(unit)), unit, rtol=1e-12)


def test_corners_of_the_prior_leave_no_parameter_range() -> None:
    known = load_parameters()
    for corner in (0.0, 1.0):
        for name, value in overrides(unit_to_values(np.full(len(coordinates()), corner))).items():
            entry = known.entry(name)
            parts = [v if isinstance(v, dict) else np.atleast_1d(v) for v in (value, entry.low)]
            high = entry.high if isinstance(entry.high, dict) else np.atleast_1d(entry.high)
            keys = parts[0].keys() if isinstance(parts[0], dict) else range(len(parts[0]))
            for key in keys:
                assert parts[1][key] - 1e-9 <= parts[0][key] <= high[key] + 1e-9, (name, key)


# --- simulator --------------------------------------------------------------------------------


class Watched(Parameters):
    """Parameters that remember which names were read."""

    read: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> object:
        self.read.add(name)
        return super().__getitem__(name)


def test_tables_may_be_shared_between_points_that_differ_in_nothing_they_read() -> None:
    watched = Watched({name: load_parameters().entry(name) for name in load_parameters()})
    for residence in range(len(RESIDENCES)):
        for patience in range(len(PATIENCE_TYPES)):
            problems(watched, residence, patience, [1.0])
    assert watched.read
    assert watched.read.isdisjoint(NOT_IN_TABLES)


def test_a_point_gives_every_moment_and_the_same_again() -> None:
    first, second = statistics({}, 8000, 7), statistics({}, 8000, 7)
    assert first == second
    values = moment_values(first, targets())
    assert np.isfinite(values).all()
    known = dict(zip([one.name for one in targets()], values, strict=True))
    assert 0.0 < known["mpc_3"] < known["mpc_12"] < 1.0
    assert 0.4 < known["propensity_urban"] < 0.9


def test_common_seeds_leave_only_the_parameter() -> None:
    base = statistics({}, 8000, 7)
    factor = overrides({"outside.outside_share": 0.7})
    moved = statistics(factor, 8000, 7)
    assert moved["leakage"] / base["leakage"] == pytest.approx(0.7, abs=0.02)
    assert moved["hand_to_mouth"] == base["hand_to_mouth"]
    assert moved["mpc_12"] == pytest.approx(base["mpc_12"], abs=1e-3)


# --- the log ----------------------------------------------------------------------------------


def test_design_can_be_extended() -> None:
    short, long = design(4), design(8)
    assert all(np.array_equal(a.unit, b.unit) for a, b in zip(short, long, strict=False))
    solving = [j for j, one in enumerate(coordinates()) if one.solves]
    groups = {p.group: p.unit[solving].tobytes() for p in long}
    assert all(groups[p.group] == p.unit[solving].tobytes() for p in long)


def test_log_skips_what_it_knows_and_passes_over_a_torn_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fake(values: object, scale: int, seeds: object) -> dict[str, float]:
        calls.append(scale)
        return {"a": 1.0}

    monkeypatch.setattr("calibration.evaluations.mean_statistics", fake)
    path, points = tmp_path / "log.jsonl", design(1)
    run_points(Log(path), points)
    assert len(calls) == len(points)
    path.write_bytes(path.read_bytes()[:-20])
    run_points(Log(path), points)
    assert len(calls) == len(points) + 1
    assert len({one.key for one in read_log(path)}) == len(points)


def test_an_impossible_point_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> dict[str, float]:
        raise ValueError("no solution")

    monkeypatch.setattr("calibration.evaluations.mean_statistics", refuse)
    point, path = Point(shipped_point(), "x", 0), tmp_path / "log.jsonl"
    assert Log(path).evaluate(point) is None
    assert next(iter(read_log(path))).statistics == {}


def test_another_seed_or_value_is_another_point() -> None:
    point = Point(shipped_point(), "x", 0)
    other = Point(shipped_point(), "x", 0, seeds=(1,))
    moved = Point(shipped_point() + 1e-3, "x", 0)
    assert len({point.key, other.key, moved.key}) == 3


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_killed_calibration_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    command = [sys.executable, "-c", FAKE, str(path)]
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    for line in first.stdout:
        if int(line) >= 5:
            break
    time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    known = len(list(read_log(path)))
    assert 5 <= known < 40
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    assert len({line["key"] for line in lines}) == len(lines) == 40
