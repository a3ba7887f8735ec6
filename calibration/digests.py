"""Digests that say which numbers and which code a stored result came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import calibration
import model
from model.parameters import load_parameters

SIMULATING: Final = ("coordinates.py", "simulator.py")
_KNOWN: dict[str, str] = {}


def digest_of(content: object) -> str:
    """SHA-256 of JSON-able content, independent of key order."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_files(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over names (relative to `root`) and contents, line ends made equal."""
    total = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def _model() -> Path:
    return Path(str(model.__path__[0]))


def _here() -> Path:
    return Path(str(calibration.__path__[0]))


def code_digest() -> str:
    """Of the model's source files."""
    return _kept("code", lambda: digest_of_files(list(_model().rglob("*.py")), _model()))


def data_digest() -> str:
    """Of the targets and the files of the data pack that they are read from."""
    from calibration.targets import targets

    names = {row.partition(":")[0] for one in targets() for row in one.rows}
    files = [_here() / "targets.yaml", *(_here() / "data" / f"{name}.csv" for name in names)]
    return _kept("data", lambda: digest_of_files(files, _here()))


def simulation_digest() -> str:
    """Of everything that decides what a point gives: model, parameter values, simulator."""

    def build() -> str:
        mine = digest_of_files([_here() / name for name in SIMULATING], _here())
        joined = "\n".join((code_digest(), mine, load_parameters().digest()))
        return hashlib.sha256(joined.encode()).hexdigest()

    return _kept("simulation", build)


def _kept(name: str, build: Callable[[], str]) -> str:
    if name not in _KNOWN:
        _KNOWN[name] = build()
    return _KNOWN[name]
