"""Every number the model uses: value, unit, range, source, date and evidence grade.

Each YAML file of this folder is one group; the dotted name of a parameter is the file's stem and
the keys down to the mapping that holds `value`. Code asks for parameters by name and contains
no number of its own.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from model.compilation import cache_root

GRADES = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Parameter:
    """One number (or table of numbers) with its home.

    `value` is a number, text, list or mapping of numbers in `unit`; `low` and `high` bound the
    plausible range; `grade` is A (retrieved), B (proxy), C (medium) or D (assumption).
    """

    name: str
    value: Any
    unit: str
    low: Any
    high: Any
    source: str
    date: str
    grade: str
    zh: str
    en: str


class UnknownParameter(KeyError):
    """Raised for a name that no parameter file holds; the message suggests the nearest."""

    def __init__(self, name: str, known: list[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1)
        self.name, self.suggestion = name, near[0] if near else None
        super().__init__(
            f"unknown parameter {name!r}" + (f", did you mean {near[0]!r}?" if near else "")
        )


class Parameters(Mapping[str, Any]):
    """Read-only mapping from dotted name to value, with metadata and content hashes."""

    def __init__(self, entries: Mapping[str, Parameter]) -> None:
        self._entries = dict(entries)
        self._digests: dict[tuple[str, ...], str] = {}
        self._arrays: dict[str, npt.NDArray[np.float64]] = {}

    def entry(self, name: str) -> Parameter:
        """Metadata and value of one parameter. Raises UnknownParameter."""
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownParameter(name, list(self._entries)) from None

    def __getitem__(self, name: str) -> Any:
        return self.entry(name).value

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def number(self, name: str) -> float:
        """Value of a scalar parameter as float."""
        return float(self[name])

    def array(self, name: str) -> npt.NDArray[np.float64]:
        """Value of a list or mapping parameter as a float64 array, in file order."""
        value = self[name]
        if name not in self._arrays:
            plain = list(value.values()) if isinstance(value, Mapping) else value
            self._arrays[name] = np.array(plain, dtype=float)
        return self._arrays[name].copy()

    def with_values(self, overrides: Mapping[str, Any]) -> Parameters:
        """A copy with other values. Raises UnknownParameter for a name that does not exist."""
        entries = dict(self._entries)
        for name, value in overrides.items():
            entries[name] = replace(self.entry(name), value=value)
        return Parameters(entries)

    def digest(self, *prefixes: str) -> str:
        """SHA-256 of the values whose names start with one of `prefixes` (all if none)."""
        if prefixes not in self._digests:
            chosen = {
                n: e.value
                for n, e in self._entries.items()
                if not prefixes or n.startswith(prefixes)
            }
            text = json.dumps(chosen, sort_keys=True, default=str, ensure_ascii=False)
            self._digests[prefixes] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[prefixes]


def _plain(node: Any) -> Any:
    """Strip ruamel's wrapper types so that values hash and print the same everywhere."""
    if isinstance(node, Mapping):
        return {str(k): _plain(v) for k, v in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(v) for v in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def _collect(prefix: str, node: Mapping[str, Any], found: dict[str, Parameter]) -> None:
    if "value" not in node:
        for key, child in node.items():
            _collect(f"{prefix}.{key}", child, found)
        return
    found[prefix] = Parameter(
        prefix,
        node["value"],
        str(node["unit"]),
        node.get("low"),
        node.get("high"),
        str(node["source"]),
        str(node["date"]),
        str(node["grade"]),
        str(node["zh"]),
        str(node["en"]),
    )


@lru_cache(maxsize=1)
def _shipped() -> Parameters:
    files = (path for path in resources.files(__name__).iterdir() if path.name.endswith(".yaml"))
    texts = {path.name[:-5]: path.read_text(encoding="utf-8") for path in files}
    found: dict[str, Parameter] = {}
    for stem, document in sorted(yaml_documents("parameters", texts).items()):
        for key, node in document.items():
            _collect(f"{stem}.{key}", node, found)
    return Parameters(found)


def yaml_documents(kind: str, texts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Parsed files of one kind by stem, kept on disk by content: reading YAML takes a second."""
    joined = json.dumps(texts, sort_keys=True, ensure_ascii=False)
    kept = cache_root() / f"{kind}-{hashlib.sha256(joined.encode()).hexdigest()[:24]}.json"
    try:
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        pass
    reader = YAML(typ="safe", pure=True)
    parsed = {stem: _plain(reader.load(text) or {}) for stem, text in texts.items()}
    _keep(kept, json.dumps(parsed, ensure_ascii=False))
    return parsed


def _keep(path: Path, text: str) -> None:
    """Write by rename, so that no reader meets half a file; without a cache folder, do without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
        ) as part:
            part.write(text)
        Path(part.name).replace(path)
    except OSError:
        return


def load_parameters(overrides: Mapping[str, Any] | None = None) -> Parameters:
    """The shipped parameters, with `overrides` by name. Raises UnknownParameter."""
    return _shipped().with_values(overrides) if overrides else _shipped()
