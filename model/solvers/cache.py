"""Solved tables kept on disk under the hash of everything that determines them.

A table is named by what it is and by the digest of the parameters and code that produced it, so
a changed parameter never meets an old table. Files are written to a temporary name and renamed,
so that two runs that start together cannot read half a file; a damaged file is built again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model.compilation import cache_root

Arrays = dict[str, npt.NDArray[Any]]
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def cache_directory() -> Path:
    """Folder of the cache: environment variable TIZHEN_CACHE, else the user's cache folder."""
    return cache_root()


def source_digest(*files: str) -> str:
    """SHA-256 of the text of source files (pass `__file__`): code is part of a table's identity.

    Line ends are normalised, so that a checkout on another system finds the same table.
    """
    joined = hashlib.sha256()
    for file in files:
        joined.update(Path(file).read_bytes().replace(b"\r\n", b"\n"))
    return joined.hexdigest()


def combined_digest(*parts: str) -> str:
    """SHA-256 of several digests or labels, in order."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def cache_path(name: str, digest: str) -> Path:
    """File that holds table `name` for `digest`."""
    return cache_directory() / f"{name}-{digest[:40]}.npz"


def cached(name: str, digest: str, build: Callable[[], Mapping[str, npt.NDArray[Any]]]) -> Arrays:
    """Arrays stored under (name, digest), or those of `build()`, which are then stored.

    A missing or damaged file means `build` is called; a cache folder that cannot be written only
    warns, because the tables themselves are right. Exceptions of `build` pass through.
    """
    path = cache_path(name, digest)
    stored = _read(path)
    if stored is not None:
        return stored
    arrays = {key: np.ascontiguousarray(value) for key, value in build().items()}
    try:
        _write(path, arrays)
    except OSError as problem:
        warnings.warn(f"solved tables were not kept in {path.parent}: {problem}", stacklevel=2)
    return arrays


def _read(path: Path) -> Arrays | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except _DAMAGE:
        return None
    return arrays or None


def _write(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
