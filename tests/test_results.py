from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calibration.digests import code_digest, digest_of_files
from experiments import results
from experiments.results import (
    ResultsError,
    check_destination,
    read_outcome,
    write_outcome,
    write_run,
)
from tests.fake_economy import FakeEconomy, policy


def write_numbers(value: float):
    def fill(folder: Path) -> None:
        results.write_table(results.rows_table([{"value": value}]), folder / "tables" / "x.parquet")

    return fill


def test_outcome_comes_back_exactly(tmp_path: Path) -> None:
    run = FakeEconomy(policy(months=3), 7).run()
    write_outcome(run, tmp_path)
    back = read_outcome(tmp_path)
    assert back.months == run.months
    assert back.meta == run.meta
    assert set(back.series) == set(run.series)
    for name, series in run.series.items():
        assert back[name].dims == series.dims
        assert back[name].unit == series.unit
        assert back[name].values.dtype == series.values.dtype
        assert np.array_equal(back[name].values, series.values)


def test_tables_are_long_with_labels(tmp_path: Path) -> None:
    table = results.series_table(FakeEconomy(policy(months=3), 7).run(), "retail_sales")
    assert table.column_names == ["month", "place", "value"]
    assert table.to_pylist()[16] == {"month": "2026-02", "place": "dalian", "value": 1e6}


def test_complete_run_has_manifest_and_digests(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "new" / "results", "abc-test", write_numbers(1.0), {"seed": 1})
    manifest = results.read_manifest(folder)
    assert manifest["run_id"] == folder.name == "abc-test"
    assert list(manifest["tables"]) == ["tables/x.parquet"]
    assert [path.name for path in folder.parent.iterdir()] == ["abc-test"]


def test_same_run_again_is_found_not_written(tmp_path: Path) -> None:
    first = write_run(tmp_path, "abc", write_numbers(1.0), {})
    before = (first / "manifest.json").stat().st_mtime_ns
    assert write_run(tmp_path, "abc", write_numbers(1.0), {"created": "later"}) == first
    assert (first / "manifest.json").stat().st_mtime_ns == before
    assert len(list(tmp_path.iterdir())) == 1


def test_other_content_never_overwrites(tmp_path: Path) -> None:
    first = write_run(tmp_path, "abc", write_numbers(1.0), {})
    second = write_run(tmp_path, "abc", write_numbers(2.0), {})
    assert (first.name, second.name) == ("abc", "abc-2")
    assert results.read_manifest(second)["run_id"] == "abc-2"


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        write_numbers(1.0)(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path / "a" / "b", "abc", fill, {})
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from experiments.results import write_run
from tests.test_results import write_numbers
def fill(folder):
    write_numbers(1.0)(folder)
    os.kill(os.getpid(), signal.SIGKILL)
write_run(Path(sys.argv[1]), "abc", fill, {})
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_killed_program_leaves_no_run_and_the_next_cleans_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -9, done.stderr
    assert not (tmp_path / "abc").exists()
    write_run(tmp_path, "abc", write_numbers(1.0), {})
    assert [path.name for path in tmp_path.iterdir()] == ["abc"]


def test_destination_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("x")
    with pytest.raises(ResultsError) as fault:
        check_destination(taken / "results")
    assert "\n" not in str(fault.value)
    check_destination(tmp_path / "not" / "yet")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_identity_changes_with_what_decides_the_result() -> None:
    one = results.run_id({"seed": 1}, "Dalian vouchers 消费券")
    other = results.run_id({"seed": 2}, "Dalian vouchers 消费券")
    assert one.endswith("-dalian-vouchers")
    assert one != other


def test_damaged_run_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_text(json.dumps({"months": []}))
    with pytest.raises(ResultsError):
        read_outcome(tmp_path)


def test_digests_ignore_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\ny\n")
    unix = digest_of_files([tmp_path / "a.csv"], tmp_path)
    (tmp_path / "a.csv").write_bytes(b"x\r\ny\r\n")
    assert digest_of_files([tmp_path / "a.csv"], tmp_path) == unix
    assert len(code_digest()) == len(results.data_digest()) == 64
