"""The run store loses nothing, doubles nothing and notices damage; executors do not matter."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.executors import DaskCluster, ExecutorError, LocalPool, Serial
from experiments.results import ResultsError
from experiments.run_jobs import Chunk, chunks_of, packed, unpacked
from experiments.store import RunStore
from experiments.sweep import Sweep
from experiments.sweep_plan import load_plan
from tests.known_functions import FOLDER
from tests.sweeps import sweep_of, sweep_over, write_plan

ROOT = Path(__file__).parents[1]
DRIVER = """
import sys
from pathlib import Path
from experiments.executors import LocalPool
from experiments.runner import Listener
from tests.sweeps import sweep_over
from experiments.sweep_plan import load_plan

class First(Listener):
    said = False
    def advanced(self, months):
        if months == 1 and not self.said:
            print("first", flush=True)
            self.said = True

if __name__ == "__main__":
    plan, results, workers = sys.argv[1:]
    sweep = sweep_over(load_plan(plan), "slow_ishigami", Path(results))
    sweep.listener = First()
    sweep.run(LocalPool(int(workers)))
"""


def table(sweep: Sweep) -> bytes:
    return sweep.store.table.read_bytes()


def test_totals_keep_every_bit() -> None:
    import numpy as np

    given = {"b": np.array([[1.0, -0.0], [np.pi, 5e-324]]), "a": np.array([2.0])}
    found = unpacked(*packed(given))
    assert {name: v.tobytes() for name, v in found.items()} == {
        name: v.tobytes() for name, v in given.items()
    }


def test_a_sweep_is_stored_once_and_done_once(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path)
    first = sweep.run(Serial())
    assert (first.planned, first.done, first.failed, first.computed) == (80, 80, 0, 80)
    assert first.complete
    before = table(sweep)
    again = sweep_of(tmp_path).run(Serial())
    assert (again.done, again.computed) == (80, 0)
    assert table(sweep) == before
    assert [path.name for path in sweep.store.shards()] == []


def test_processes_give_the_same_bytes(tmp_path: Path) -> None:
    serial = sweep_of(tmp_path, seeds=2)
    serial.run(Serial())
    other = sweep_of(tmp_path, results=tmp_path / "two", seeds=2)
    other.run(LocalPool(2))
    assert table(other) == table(serial)


def test_shards_together_are_the_whole(tmp_path: Path) -> None:
    whole = sweep_of(tmp_path, seeds=3)
    whole.run(Serial())
    parts = [sweep_of(tmp_path, results=tmp_path / "p", shard=(i, 3), seeds=3) for i in range(3)]
    done = []
    for part in parts:
        outcome = part.run(Serial())
        done.append(outcome.done)
        assert outcome.complete == (part is parts[-1])
    assert min(done) > 0
    assert sum(done) == whole.planned
    assert table(parts[-1]) == table(whole)


def test_a_failed_point_leaves_the_others_alone(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, "fails_at_three")
    outcome = sweep.run(Serial())
    assert (outcome.done, outcome.failed, outcome.complete) == (78, 2, True)
    errors = {row.point: row.error for row in sweep.store.rows() if row.error}
    assert errors == {
        3: "ZeroDivisionError: no households here",
        4: "NonFiniteOutput: household_consumption.policy",
    }


def test_a_killed_worker_is_replaced_and_its_run_repeated(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    whole = sweep_of(tmp_path, "ishigami", results=tmp_path / "whole")
    whole.run(Serial())
    sweep, pool = sweep_of(tmp_path, "dies_once"), LocalPool(2)
    outcome = sweep.run(pool)
    assert (outcome.done, outcome.failed, pool.restarts) == (80, 0, 1)
    payloads = [[row.payload for row in one.store.rows()] for one in (sweep, whole)]
    assert payloads[0] == payloads[1]


def test_a_run_that_kills_every_worker_is_given_up_and_tried_again(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setattr("experiments.executors.MOST_DEATHS", 2)
    sweep = sweep_of(tmp_path, "dies_always")
    outcome = sweep.run(LocalPool(1))
    assert (outcome.done, outcome.failed, outcome.complete) == (79, 1, False)
    (tmp_path / "repaired").touch()
    again = sweep_of(tmp_path, "dies_always").run(LocalPool(1))
    assert (again.done, again.failed, again.computed, again.complete) == (80, 0, 1, True)


def test_workers_that_cannot_start_end_the_sweep(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("experiments.executors.MOST_IN_A_ROW", 1)
    sweep = sweep_of(tmp_path, "no_such_function")
    with pytest.raises(ExecutorError):
        sweep.run(LocalPool(1))


def test_runs_of_another_plan_are_taken_over(tmp_path: Path) -> None:
    sweep_of(tmp_path, samples=16).run(Serial())
    seeds = sweep_of(tmp_path, samples=16, seeds=2)
    outcome = seeds.run(Serial())
    # Another design seed gives other points: nothing to take over, and nothing is mixed up.
    assert (outcome.planned, outcome.done) == (160, 160)
    copy = Sweep(seeds.plan, tmp_path / "results", (0, 1), seeds.setup)
    copy.__dict__["sweep_id"] = "another-name"
    assert copy.run(Serial()).computed == 0
    assert table(copy) == table(seeds)


def test_a_stored_run_can_be_replayed(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path)
    sweep.run(Serial())
    key = next(sweep.store.rows()).key
    row, same = sweep.replay(key[:12])
    assert (row.key, same) == (key, True)
    with pytest.raises(ResultsError):
        sweep.replay("")


# --- damage -----------------------------------------------------------------------------------


def test_verify_sees_any_flipped_byte_of_the_table(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path)
    sweep.run(Serial())
    assert sweep.problems() == []
    whole = bytearray(table(sweep))
    chance = random.Random(1)
    for at in [0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(20))]:
        damaged = bytearray(whole)
        damaged[at] ^= 1
        sweep.store.table.write_bytes(damaged)
        assert sweep.problems() != []
    sweep.store.table.write_bytes(whole)
    assert sweep.problems() == []


@pytest.mark.parametrize("column", ["payload", "changes", "seed", "status", "scenario", "key"])
def test_verify_sees_a_changed_field_of_a_shard(tmp_path: Path, column: str) -> None:
    sweep = sweep_of(tmp_path, shard=(0, 2))
    sweep.run(Serial())
    assert sweep.problems() == []
    with sqlite3.connect(sweep.store.shards()[0]) as file:
        value = {"payload": b"12345678", "seed": 5, "changes": "{}"}.get(column, "x")
        first = file.execute("SELECT rowid FROM runs LIMIT 1").fetchone()
        file.execute(f"UPDATE runs SET {column} = ? WHERE rowid = ?", (value, *first))
    assert len(sweep.problems()) == 1


def test_verify_sees_a_row_of_other_code(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path)
    sweep.run(Serial())
    assert sweep.store.problems("0" * 64) != []


def test_verify_needs_a_sweep(tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        sweep_of(tmp_path).problems()


# --- kills ------------------------------------------------------------------------------------


def killed_sweep(folder: Path, kills: int, longest: float, workers: int) -> None:
    """Kill -9 the sweep `kills` times, some time after its first run, then let it finish."""
    command = [sys.executable, "-c", DRIVER, str(folder / "plan.yaml"), str(folder / "killed")]
    command.append(str(workers))
    chance = random.Random(7)
    for _ in range(kills):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout as stream:
            assert stream.readline() == b"first\n"
        time.sleep(chance.uniform(0.0, longest))
        assert process.poll() is None  # otherwise it was done and this is no kill
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def check_kills(tmp_path: Path, samples: int, kills: int, longest: float, workers: int) -> None:
    whole = sweep_of(tmp_path, "ishigami", results=tmp_path / "whole", samples=samples)
    whole.run(Serial())
    killed_sweep(tmp_path, kills, longest, workers)
    stored = RunStore(next((tmp_path / "killed").iterdir()))
    rows = list(stored.rows())
    assert len(rows) == len({row.key for row in rows}) == whole.planned
    assert stored.problems() == []
    expected = [row.payload for row in whole.store.rows()]
    assert [row.payload for row in rows] == expected


def test_killed_in_the_middle_and_continued(tmp_path: Path) -> None:
    check_kills(tmp_path, samples=32, kills=1, longest=0.3, workers=1)


@pytest.mark.slow
def test_fifty_kills_lose_double_and_spoil_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, samples=1024, kills=50, longest=0.4, workers=2)


# --- chunks -----------------------------------------------------------------------------------


def test_chunks_share_their_baseline(tmp_path: Path) -> None:
    jobs = list(sweep_of(tmp_path).jobs())
    chunks = list(chunks_of(iter(jobs), 4))
    assert [job for chunk in chunks for job in chunk.jobs] == jobs
    for chunk in chunks:
        assert len({json.dumps(job.changes) for job in chunk.jobs}) == 1
    assert all(isinstance(chunk, Chunk) and len(chunk.jobs) <= 4 for chunk in chunks)


def test_points_that_share_a_baseline_are_one_chunk(tmp_path: Path) -> None:
    text = "policies: {vouchers: {face_yuan: {low: 20, high: 50}, per_person: {low: 1, high: 5}}}"
    keys = {"scenario": "vouchers", "months": 6, "seeds": 2}
    path = write_plan(tmp_path, text, "\n  firms.hiring_gain: {}\n", **keys)
    sweep = Sweep(load_plan(path), tmp_path)
    jobs = list(sweep.jobs())
    assert sorted((job.seed, job.point) for job in jobs) == [
        (seed, point) for seed in sweep.plan.seeds for point in range(len(sweep.points))
    ]
    # The two variations of A that leave the parameter alone go with A, the third with B.
    assert [len(chunk.jobs) for chunk in chunks_of(iter(jobs[:5]), 16)] == [3, 2]


def test_a_chunk_is_a_block_where_blocks_are_small_and_many(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    many, few = sweep_of(tmp_path, samples=64, seeds=2), sweep_of(tmp_path / "few", samples=16)
    block = 5
    sizes = [len({job.point // block for job in chunk.jobs}) for chunk in many.chunks()]
    assert set(sizes) == {1}
    whole = [[job.point for job in chunk.jobs] for chunk in many.chunks()]
    assert max(len(points) for points in whole) == block
    assert all(points[-1] - points[0] < block for points in whole)
    for chunk in few.chunks():  # one machine after the other would wait for the last block
        assert len({json.dumps(job.changes) for job in chunk.jobs}) == 1


# --- the model itself -------------------------------------------------------------------------

REAL = """
policies:
  vouchers:
    face_yuan: {low: 20, high: 50}
outputs: [household_consumption, bottom40_consumption]
"""


def real_plan(folder: Path) -> Path:
    parameters = "\n  firms.hiring_gain: {}\n"
    keys = {
        "scenario": "vouchers", "months": 6, "scale": 8000, "method": "one_at_a_time",
        "samples": 1, "levels": 2,
    }  # fmt: skip
    return write_plan(folder, REAL, parameters, **keys)


def test_stored_totals_are_those_of_two_plain_runs(tmp_path: Path) -> None:
    plan = load_plan(real_plan(tmp_path))
    stored = Sweep(plan, tmp_path / "stored")
    plain = sweep_over(plan, "two_plain_runs", tmp_path / "plain")
    for sweep in (stored, plain):
        sweep.run(Serial())
    pairs = zip(stored.store.rows(), plain.store.rows(), strict=True)
    for one, other in pairs:
        kept, expected = one.totals(), other.totals()
        assert {name: kept[name].tobytes() for name in expected} == {
            name: values.tobytes() for name, values in expected.items()
        }
        assert one.scenario == other.scenario


@pytest.mark.slow
def test_any_number_of_processes_gives_the_same_bits(tmp_path: Path) -> None:
    plan = load_plan(real_plan(tmp_path))
    found = []
    executors = {"serial": Serial()} | {str(n): LocalPool(n) for n in (1, 2, 8)}
    for name, executor in executors.items():
        sweep = Sweep(plan, tmp_path / name)
        sweep.run(executor)
        found.append(table(sweep))
    assert found[1:] == found[:1] * 3


@pytest.mark.slow
def test_dask_gives_the_same_bytes_and_survives_a_killed_worker(tmp_path, monkeypatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    whole = sweep_of(tmp_path, "ishigami", results=tmp_path / "whole")
    whole.run(Serial())
    sweep = sweep_of(tmp_path, "dies_once")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as own:
        outcome = sweep.run(DaskCluster(own.scheduler_address))
    assert (outcome.done, outcome.failed) == (80, 0)
    payloads = [[row.payload for row in one.store.rows()] for one in (sweep, whole)]
    assert payloads[0] == payloads[1]


def test_dask_without_a_scheduler_is_one_line() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ExecutorError):
        DaskCluster("no-address-at-all")
