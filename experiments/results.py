"""Results on disk: one folder per run, complete or absent, never overwritten.

    results/<run-id>/
        manifest.json        what was run, with what, and the SHA-256 of every table
        series/*.parquet     one long table per series: label columns and `value`

A run's id is the first letters of the SHA-256 of everything that decides the result, and a
readable name; the same command on the same code finds its folder again. Tables are Parquet with
zstd, rows in array order, dims and unit in the schema's metadata, so reading back is exact.

A folder is filled under a temporary name, flushed to the disk and renamed: whoever kills the
program finds the whole folder or none. A temporary folder left by a killed program is removed by
the next one that writes to the same place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import calibration
import model
from calibration.digests import code_digest, digest_of, digest_of_files
from model.outcome import Outcome, Series
from model.parameters import load_parameters
from model.scenario import Scenario

ID_LETTERS: Final = 10
TEMPORARY: Final = ".writing-"
MANIFEST: Final = "manifest.json"
PACKAGES: Final = ("mesa", "numpy", "scipy", "numba", "pyarrow", "pydantic")


class ResultsError(Exception):
    """The results cannot be written or read; the message is one line a person can act on."""


# --- identity ---------------------------------------------------------------------------------


def data_digest() -> str:
    """SHA-256 of the calibration data and the measure files."""
    data, measures = Path(calibration.__path__[0]), Path(model.__path__[0]) / "policy"
    parts = (
        digest_of_files(list(data.rglob("*.csv")), data),
        digest_of_files(list(measures.rglob("*.yaml")), measures),
    )
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def package_versions() -> dict[str, str]:
    """Versions of the packages that can change a number."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def identity(kind: str, scenarios: Mapping[str, Scenario], **settings: object) -> dict[str, Any]:
    """Everything that decides a result: scenarios without titles, digests, settings."""
    return {
        "kind": kind,
        **{role: json.loads(scenario.canonical_json()) for role, scenario in scenarios.items()},
        "digests": {
            **{role: scenario.digest for role, scenario in scenarios.items()},
            "parameters": load_parameters().digest(),
            "code": code_digest(),
            "data": data_digest(),
        },
        **settings,
    }


def run_id(of: Mapping[str, Any], name: str) -> str:
    """Folder name: letters of the identity's hash, then a readable name."""
    readable = re.sub(r"[^0-9a-z]+", "-", name.lower()).strip("-")[:40] or "scenario"
    return f"{digest_of(of)[:ID_LETTERS]}-{readable}"


def manifest_of(of: Mapping[str, Any], command: str, **facts: object) -> dict[str, Any]:
    """The identity with what else a reader wants: versions, platform, command, time."""
    return {
        **of,
        "command": command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": package_versions(),
        **facts,
    }


# --- tables -----------------------------------------------------------------------------------


def series_table(outcome: Outcome, name: str) -> pa.Table:
    """One series as a long table: a label column per dim, then `value`."""
    series, labels = outcome[name], outcome.labels_of(name)
    columns = {}
    for dim, names, position in zip(
        series.dims, labels, np.indices(series.values.shape, dtype=np.int32), strict=True
    ):
        columns[dim] = pa.DictionaryArray.from_arrays(position.ravel(), pa.array(names))
    columns["value"] = pa.array(np.ascontiguousarray(series.values).ravel())
    facts = {
        "series": name,
        "unit": series.unit,
        "dims": list(series.dims),
        "labels": {dim: list(names) for dim, names in zip(series.dims, labels, strict=True)},
    }
    return pa.table(columns).replace_schema_metadata({"tizhen": json.dumps(facts)})


def rows_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """A table from equal rows. Raises ValueError without rows."""
    if not rows:
        raise ValueError("a table needs at least one row")
    return pa.Table.from_pylist([dict(row) for row in rows])


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file (zstd)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """One file per series in `folder`, and the run's months and facts beside them."""
    for name in outcome.series:
        write_table(series_table(outcome, name), folder / f"{name}.parquet")
    facts = {"months": outcome.months, "meta": outcome.meta}
    text = json.dumps(facts, ensure_ascii=False, indent=1, default=str)
    (folder / "outcome.json").write_text(text + "\n", encoding="utf-8")


def read_outcome(folder: Path) -> Outcome:
    """Read back what `write_outcome` wrote. Raises ResultsError if it is not there or damaged."""
    try:
        facts = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
        series = {path.stem: _read_series(path) for path in sorted(folder.glob("*.parquet"))}
        return Outcome(facts["months"], series, facts["meta"])
    except (OSError, ValueError, KeyError, pa.ArrowException) as fault:
        raise ResultsError(f"{folder}: not a readable run ({fault})") from fault


def _read_series(path: Path) -> Series:
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[b"tizhen"])
    shape = [len(facts["labels"][dim]) for dim in facts["dims"]]
    values = table["value"].to_numpy().reshape(shape)
    return Series(values, tuple(facts["dims"]), facts["unit"])


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder. Raises ResultsError if there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ResultsError(f"{folder}: no readable {MANIFEST}") from fault
    return found


# --- folders ----------------------------------------------------------------------------------


def check_destination(directory: Path) -> None:
    """Raise ResultsError, before anything is computed, if results could not be written there."""
    nearest = directory.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise ResultsError(f"{nearest}: not a folder, results cannot be written there")
    try:
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=nearest):
            pass
    except OSError as fault:
        reason = fault.strerror or fault
        raise ResultsError(f"{directory}: results cannot be written ({reason})") from fault


def write_run(
    directory: Path, name: str, fill: Callable[[Path], None], manifest: Mapping[str, Any]
) -> Path:
    """Create `directory/name` with what `fill(folder)` writes and the manifest, or nothing.

    A folder that already holds the same tables is left alone and returned; one that holds others
    is kept too and the new one gets the next free number. Raises ResultsError if the disk says no;
    what `fill` raises comes through after everything half-written is gone.
    """
    created = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _sweep(directory)
        with _temporary(directory) as folder:
            fill(folder)
            complete = {**manifest, "tables": _table_digests(folder)}
            return _publish(folder, directory, name, complete)
    except BaseException as fault:
        for path in created:
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(fault, OSError):
            reason = fault.strerror or fault
            raise ResultsError(f"{directory}: results cannot be written ({reason})") from fault
        raise


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


@contextlib.contextmanager
def _temporary(directory: Path) -> Iterator[Path]:
    prefix = f"{TEMPORARY}{_machine()}-{os.getpid()}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=directory))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    if os.name == "nt":  # signal 0 would end the process there; leave its folder alone
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sweep(directory: Path) -> None:
    """Remove what programs killed on this machine left half-written."""
    for folder in directory.glob(f"{TEMPORARY}{_machine()}-*-*"):
        process = folder.name.removeprefix(f"{TEMPORARY}{_machine()}-").split("-")[0]
        if process.isdigit() and not _alive(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _table_digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    text = json.dumps(manifest, ensure_ascii=False, indent=1, default=str)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _publish(folder: Path, directory: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """Give the folder its name, or find the one that holds the same tables already."""
    folder.chmod(0o755)
    number = 1
    while True:
        target = directory / (name if number == 1 else f"{name}-{number}")
        if _same_tables(target, manifest["tables"]):
            return target
        if target.exists():
            number += 1
            continue
        _write_manifest(folder, {"run_id": target.name, **manifest})
        for path in (*folder.rglob("*"), folder):
            _flush(path)
        if _renamed(folder, target):
            _flush(directory)
            return target


def _same_tables(target: Path, tables: Mapping[str, str]) -> bool:
    try:
        return bool(read_manifest(target).get("tables") == dict(tables))
    except ResultsError:
        return False


def _renamed(folder: Path, target: Path) -> bool:
    """False if another program took the name first; the caller then looks at what it wrote."""
    try:
        folder.rename(target)
    except OSError:
        if target.exists():
            return False
        raise
    return True


def _flush(path: Path) -> None:
    """Ask the disk to keep a file or folder; folders cannot be flushed on Windows."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
