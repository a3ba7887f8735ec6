"""The run store: every run of a sweep kept once, whatever happens to the program in between.

    results/<sweep-id>/
        sweep.json             identity of the sweep, design and digests
        shard-000-of-001.sqlite    runs as they arrive; one file for each shard
        runs.parquet, runs.json    all of them once the sweep is complete, and its SHA-256

A row is written when its run is finished and never changed. A row's key says what was run; its
digest covers every field of it. SQLite in WAL mode survives a kill at any moment (the last rows may
be missing and are computed again). Shards of several machines share a folder, each its own file.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.results import ResultsError
from experiments.run_jobs import Result, Totals, job_key, packed, unpacked

DONE: Final = "done"
FAILED: Final = "failed"
KILLED: Final = "killed"
ROW_GROUP: Final = 256
BUSY_SECONDS: Final = 60.0
SWEEP_FILE: Final = "sweep.json"
TABLE_FILE: Final = "runs.parquet"
TABLE_FACTS: Final = "runs.json"
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY, point INTEGER NOT NULL, seed INTEGER NOT NULL, changes TEXT NOT NULL,
    status TEXT NOT NULL, error TEXT NOT NULL, scenario TEXT NOT NULL, layout TEXT NOT NULL,
    payload BLOB NOT NULL, digest TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS in_order ON runs (point, seed);
CREATE TABLE IF NOT EXISTS layouts (digest TEXT PRIMARY KEY, layout TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deaths (key TEXT NOT NULL, error TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seconds (key TEXT PRIMARY KEY, seconds REAL NOT NULL);
"""
Lookup = Callable[[Sequence[str]], set[str]]
FIELDS: Final = (
    "key", "point", "seed", "changes", "status", "error", "scenario", "layout", "payload", "digest",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One stored run. `layout` describes `payload` (see `run_jobs.packed`)."""

    key: str
    point: int
    seed: int
    changes: str
    status: str
    error: str
    scenario: str
    layout: str
    payload: bytes
    digest: str

    def totals(self) -> Totals:
        """The stored numbers by name."""
        return unpacked(self.layout, self.payload)

    def right_digest(self) -> str:
        """SHA-256 of every other field."""
        head = [self.key, self.point, self.seed, self.changes, self.status, self.error]
        text = json.dumps([*head, self.scenario, self.layout], ensure_ascii=False)
        return hashlib.sha256(text.encode() + b"\0" + self.payload).hexdigest()


def row_of(result: Result) -> Row:
    """A finished run as it is stored."""
    layout, payload = packed(result.totals)
    job = result.job
    changes = json.dumps(job.changes, sort_keys=True, ensure_ascii=False)
    status = FAILED if result.error else DONE
    return signed(Row(
        job.key, job.point, job.seed, changes, status, result.error, result.scenario_digest,
        layout, payload, "",
    ))  # fmt: skip


def signed(row: Row) -> Row:
    """The row with the digest of its fields."""
    return replace(row, digest=row.right_digest())


class Shard:
    """One SQLite file. Rows are added by one program at a time and read by any number."""

    def __init__(self, path: Path, write: bool = True) -> None:
        self.path = path
        mode = "rwc" if write else "rw"
        try:
            self._file = sqlite3.connect(
                f"file:{_quoted(path)}?mode={mode}", uri=True, timeout=BUSY_SECONDS
            )
            if write:
                self._file.execute("PRAGMA journal_mode=WAL")
                self._file.execute("PRAGMA synchronous=NORMAL")
                self._file.executescript(SCHEMA)
        except sqlite3.Error as fault:
            raise ResultsError(f"{path}: {fault}") from fault
        self._layouts: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was added is on the disk."""
        self._file.close()

    def add(self, results: Iterable[Result]) -> None:
        """Store finished runs in one transaction; a run that is there already stays as it is."""
        try:
            with self._file:
                for result in results:
                    self._add(result)
        except sqlite3.Error as fault:
            raise ResultsError(f"{self.path}: {fault}") from fault

    def _add(self, result: Result) -> None:
        if result.killed:
            death = (result.job.key, result.error)
            self._file.execute("INSERT INTO deaths VALUES (?, ?)", death)
            return
        self._insert(row_of(result))
        spent = (result.job.key, result.seconds)
        self._file.execute("INSERT OR IGNORE INTO seconds VALUES (?, ?)", spent)

    def copy(self, rows: Iterable[Row]) -> None:
        """Store rows of another sweep that ran the same scenarios."""
        with self._file:
            for row in rows:
                self._insert(row)

    def _insert(self, row: Row) -> None:
        layout = hashlib.sha256(row.layout.encode()).hexdigest()
        if layout not in self._layouts:
            kept = (layout, row.layout)
            self._file.execute("INSERT OR IGNORE INTO layouts VALUES (?, ?)", kept)
            self._layouts.add(layout)
        values = [getattr(row, name) for name in FIELDS]
        values[FIELDS.index("layout")] = layout
        marks = ", ".join("?" * len(FIELDS))
        self._file.execute(f"INSERT OR IGNORE INTO runs VALUES ({marks})", values)

    def has(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that are stored."""
        marks = ", ".join("?" * len(keys))
        query = f"SELECT key FROM runs WHERE key IN ({marks})"
        return {key for (key,) in self._file.execute(query, list(keys))}

    def deaths(self) -> list[tuple[str, str]]:
        """Key and reason of runs whose workers died and that are not stored since."""
        query = "SELECT DISTINCT key, error FROM deaths WHERE key NOT IN (SELECT key FROM runs)"
        return list(self._file.execute(query))

    def count(self, status: str) -> int:
        """Number of rows with this status."""
        query = "SELECT count(*) FROM runs WHERE status = ?"
        return int(self._file.execute(query, (status,)).fetchone()[0])

    def rows(self) -> Iterator[Row]:
        """Every row by point and seed, one at a time."""
        columns = ", ".join(f"runs.{name}" for name in FIELDS).replace(
            "runs.layout", "layouts.layout"
        )
        query = (
            f"SELECT {columns} FROM runs LEFT JOIN layouts ON layouts.digest = runs.layout "
            "ORDER BY point, seed, key"
        )
        for values in self._file.execute(query):
            yield Row(*values)

    def problems(self) -> list[str]:
        """What SQLite itself finds wrong with the file."""
        try:
            said = [str(line) for (line,) in self._file.execute("PRAGMA integrity_check")]
        except sqlite3.Error as fault:
            said = [str(fault)]
        return [] if said == ["ok"] else [f"{self.path.name}: {line}" for line in said]


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(path.absolute().as_posix())


class RunStore:
    """All runs of one sweep: the shards beside each other, or the table they became."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def table(self) -> Path:
        """The Parquet file of a complete sweep."""
        return self.folder / TABLE_FILE

    @property
    def is_compacted(self) -> bool:
        """Whether the sweep is complete and kept as one table."""
        return (self.folder / TABLE_FACTS).is_file() and self.table.is_file()

    def shard_path(self, shard: int, of: int) -> Path:
        """File of one shard."""
        return self.folder / f"shard-{shard:03d}-of-{of:03d}.sqlite"

    def shards(self) -> list[Path]:
        """Files of all shards that have begun, in order."""
        return sorted(self.folder.glob("shard-*-of-*.sqlite"))

    def begin(self, facts: dict[str, Any]) -> None:
        """Create the folder with the sweep's own facts. Raises ResultsError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / SWEEP_FILE).is_file():
                write_json(self.folder / SWEEP_FILE, facts)
        except OSError as fault:
            reason = fault.strerror or fault
            raise ResultsError(f"{self.folder}: results cannot be written ({reason})") from fault

    def facts(self) -> dict[str, Any]:
        """What `begin` wrote. Raises ResultsError if it is not there or damaged."""
        return read_json(self.folder / SWEEP_FILE)

    @contextlib.contextmanager
    def lookup(self) -> Iterator[Lookup]:
        """A function from keys to those of them that are stored now, for as long as it is open."""
        if self.is_compacted:
            keys = set(pq.read_table(self.table, columns=["key"])["key"].to_pylist())
            yield lambda asked: keys & set(asked)
            return
        with contextlib.ExitStack() as open_files:
            shards = [open_files.enter_context(Shard(p, write=False)) for p in self.shards()]
            yield lambda asked: set[str]().union(*(shard.has(asked) for shard in shards))

    def deaths(self) -> int:
        """Runs whose workers died and that nobody has computed since."""
        if self.is_compacted:
            return 0
        with self.lookup() as stored:
            dead: set[str] = set()
            for path in self.shards():
                with Shard(path, write=False) as shard:
                    dead |= {key for key, _ in shard.deaths()}
            return len(dead - stored(sorted(dead))) if dead else 0

    def rows(self) -> Iterator[Row]:
        """Every stored run once, by point and seed, in bounded memory."""
        if self.is_compacted:
            yield from _table_rows(self.table)
            return
        last = ""
        with contextlib.ExitStack() as open_files:
            shards = [open_files.enter_context(Shard(p, write=False)) for p in self.shards()]
            merged = heapq.merge(
                *(one.rows() for one in shards), key=lambda row: (row.point, row.seed, row.key)
            )
            for row in merged:
                if row.key != last:
                    yield row
                last = row.key

    def row(self, key: str) -> Row:
        """The run whose key begins with `key`. Raises ResultsError if none or several do."""
        found = [row for row in self.rows() if row.key.startswith(key)]
        if len(found) != 1:
            raise ResultsError(f"{self.folder}: {len(found)} runs begin with {key!r}")
        return found[0]

    def counts(self) -> tuple[int, int]:
        """Runs done and failed."""
        if self.is_compacted:
            facts = read_json(self.folder / TABLE_FACTS)
            return int(facts[DONE]), int(facts[FAILED])
        if len(self.shards()) == 1:
            with Shard(self.shards()[0], write=False) as shard:
                return shard.count(DONE), shard.count(FAILED)
        statuses = [row.status for row in self.rows()]
        return statuses.count(DONE), statuses.count(FAILED)

    def compact(self) -> None:
        """Turn the shards of a complete sweep into one Parquet file and remove them.

        The same runs give the same bytes, whoever computed them in which order.
        """
        if not self.is_compacted:
            part = self.folder / f"{TABLE_FILE}.part-{os.getpid()}"
            counted = _write_rows(self.rows(), part)
            digest = file_digest(part)
            _flush(part)
            part.replace(self.table)
            write_json(self.folder / TABLE_FACTS, {"sha256": digest, **counted})
        for path in self.shards():
            for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                file.unlink(missing_ok=True)

    def problems(self, setup_digest: str | None = None) -> list[str]:
        """Everything that is not as it was written: files, rows, and keys of another setup."""
        found = []
        if self.is_compacted:
            facts = read_json(self.folder / TABLE_FACTS)
            if facts.get("sha256") != file_digest(self.table):
                found.append(f"{TABLE_FILE}: SHA-256 differs from {TABLE_FACTS}")
        for path in self.shards():
            try:
                with Shard(path, write=False) as shard:
                    found += shard.problems()
            except (ResultsError, sqlite3.Error) as fault:
                found.append(f"{path.name}: {fault}")
        try:
            for row in self.rows():
                found += _row_problems(row, setup_digest)
        except (sqlite3.Error, pa.ArrowException, OSError, TypeError, ValueError) as fault:
            found.append(f"rows cannot be read: {fault}")
        return found


def _row_problems(row: Row, setup_digest: str | None) -> list[str]:
    if row.digest != row.right_digest():
        return [f"{row.key}: digest of point {row.point}, seed {row.seed} differs"]
    if setup_digest is None or job_key(setup_digest, json.loads(row.changes), row.seed) == row.key:
        return []
    return [f"{row.key}: key does not follow from scenario, changes, seed, code and data"]


# --- the table --------------------------------------------------------------------------------

_TYPES: Final = pa.schema(
    [
        ("key", pa.string()), ("point", pa.int64()), ("seed", pa.int64()),
        ("changes", pa.string()), ("status", pa.string()), ("error", pa.string()),
        ("scenario", pa.string()), ("layout", pa.string()), ("payload", pa.binary()),
        ("digest", pa.string()),
    ]
)  # fmt: skip


def _write_rows(rows: Iterator[Row], path: Path) -> dict[str, int]:
    """Write rows in groups; returns how many there are by status."""
    counted = {DONE: 0, FAILED: 0}
    with pq.ParquetWriter(path, _TYPES, compression="zstd") as writer:
        for group in _groups(rows):
            for row in group:
                counted[row.status] += 1
            columns = {name: [getattr(row, name) for row in group] for name in FIELDS}
            writer.write_table(pa.table(columns, schema=_TYPES))
    return counted


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == ROW_GROUP:
            yield group
            group = []
    if group:
        yield group


def _table_rows(path: Path) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROW_GROUP):
            for plain in batch.to_pylist():
                yield Row(**plain)


# --- files ------------------------------------------------------------------------------------


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write by rename, so that nobody reads half a file."""
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    part.write_text(text + "\n", encoding="utf-8")
    _flush(part)
    part.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Inverse of `write_json`. Raises ResultsError."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ResultsError(f"{path}: not readable ({fault})") from fault
    return found


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
