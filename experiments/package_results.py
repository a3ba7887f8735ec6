"""Figures of a package in one file: what the documentation is written from."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from calibration.digests import code_digest
from model.parameters import load_parameters

DIGITS: Final = 6
LISTED: Final = 12
"""Pairs that are kept besides those that some class calls more than neutral."""
LEFT_OUT: Final = ("channels", "adjusted_p", "relative")
EXACT: Final = ("value", "total", "shares")
"""Figures that add up to the fen and are not rounded."""


def save(document: Mapping[str, Any], path: Path) -> None:
    """Write the figures of `attribute` or `consistency` with date and digests. Raises OSError.

    Of a consistency assessment the pairs that are told from zero in some outcome are kept, and the
    largest of the others.
    """
    kept: dict[str, Any] = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "digests": {"code": code_digest(), "parameters": load_parameters().digest()},
    }
    kept |= {name: _rounded(one, name) for name, one in document.items()}
    if "pairs" in kept:
        kept["pairs_assessed"] = len(kept["pairs"])
        kept["pairs"] = _worth_keeping(kept["pairs"])
    text = json.dumps(kept, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def load(path: Path) -> dict[str, Any]:
    """The inverse of `save`. Raises OSError."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _worth_keeping(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The order of the document stays: told from zero first, then by size."""
    neutral = [one for one in pairs if not _tells(one)]
    largest = sorted(neutral, key=lambda one: -abs(one["interaction"]))[:LISTED]
    names = {(one["a"], one["b"]) for one in largest}
    kept = [one for one in pairs if _tells(one) or (one["a"], one["b"]) in names]
    return [{k: v for k, v in one.items() if k not in LEFT_OUT} for one in kept]


def _tells(pair: Mapping[str, Any]) -> bool:
    classes = [
        own[key] for own in pair["outcomes"].values() for key in ("class", "class_by_chance")
    ]
    return any(one != "neutral" for one in classes)


def _rounded(value: Any, name: str = "") -> Any:
    """Floats of six significant digits, but for figures that add up."""
    if isinstance(value, dict):
        return {str(key): _rounded(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one, name) for one in value]
    exact = not isinstance(value, float) or name in EXACT
    return value if exact else float(f"{value:.{DIGITS}g}")
