"""Where compiled kernels are kept: one cache folder per content of the compiled sources.

numba decides whether a cached kernel is fresh by looking at one file only. A kernel that inlines
a helper of another file would silently keep the old helper, so the folder's name carries a hash
of every source file of this package.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

_CONSTANTS = ("household_layout.py", "dimensions.py", "grids.py")


def cache_root() -> Path:
    """Folder for everything that may be rebuilt: TIZHEN_CACHE, else the user's cache folder."""
    chosen = os.environ.get("TIZHEN_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "tizhen"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/tizhen"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tizhen"


def source_hash() -> str:
    """Hash of the sources that hold compiled code or constants frozen into it."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        text = path.read_bytes()
        if b"njit" in text or path.name in _CONSTANTS:
            digest.update(path.name.encode() + text.replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def use_content_addressed_cache() -> None:
    """Point numba at the folder of this source content; must run before numba is imported."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_root() / f"kernels-{source_hash()}"))
