"""Where scenario files are found, and how a scenario is laid over those it extends.

Mappings merge key by key, a later file winning; lists and the mappings named in REPLACED_WHOLE
are taken whole from the later file; a policy or item group set to null is removed. Names and
titles are never inherited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from model.scenario_problems import Mark, Phrase, Problem, ScenarioError, phrase, suggestion
from model.scenario_reader import Entry, Node, read_file

MAX_FILES: Final = 50
MAX_CHAIN: Final = 10
SHIPPED_NAME: Final = re.compile(r"((measures|sections)/)?[A-Za-z0-9_-]{1,64}")
NOT_INHERITED: Final = ("name", "title", "description", "extends")
# Shares and conditions only make sense together: merging them would give sums above one.
REPLACED_WHOLE: Final = frozenset(
    ("categories", "employee", "resident", "payers", "rounds", "target", "eligible", "city_quota",
     "city_terms", "part_of", "employee_age_tilt")
)  # fmt: skip
REMOVED_BY_NULL: Final = frozenset(("policies", "parameters", "items", "measures"))


@dataclass(frozen=True)
class Source:
    """A merged scenario before validation: its tree, default name and files, the main one last."""

    tree: Node
    name: str
    shown: str
    files: tuple[Path, ...]


def scenario_folder() -> Path:
    """Folder of the shipped scenarios."""
    return Path(str(resources.files("scenarios")))


def shipped_names() -> tuple[str, ...]:
    """Names of the shipped scenarios, sorted."""
    return tuple(sorted(path.stem for path in scenario_folder().glob("*.yaml")))


def read_source(reference: str | Path) -> Source:
    """The scenario named or stored at `reference` with all it extends. Raises ScenarioError."""
    path, shown = _find(reference)
    chain = _Chain(path.parent)
    tree = chain.load(path, shown, ())
    return Source(tree, path.stem, shown, tuple(chain.files))


def shown_path(path: Path) -> str:
    """`path` relative to the working folder where possible."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _find(reference: str | Path) -> tuple[Path, str]:
    text = str(reference)
    if SHIPPED_NAME.fullmatch(text):
        path = scenario_folder() / f"{text}.yaml"
        if path.is_file():
            return path, shown_path(path)
    path = Path(reference)
    try:
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists:
        hint = suggestion(path.stem, shipped_names())
        raise ScenarioError([Problem(Mark(text), phrase("read.missing", name=text, hint=hint))])
    return path, text


@dataclass
class _Chain:
    """Files being merged: keeps the count and refuses circles and paths that lead outside."""

    folder: Path
    files: list[Path] = field(default_factory=list)

    def load(self, path: Path, shown: str, above: tuple[Path, ...]) -> Node:
        tree = read_file(path, shown)
        self.files.insert(0, path)
        entry = tree.entries().get("extends")
        bases: list[Node] = []
        problems: list[Problem] = []
        for node in _references(entry):
            try:
                bases.append(self._base(node, path, (*above, path.resolve())))
            except ScenarioError as error:
                problems.extend(error.problems)
        if problems:
            raise ScenarioError(problems)
        merged = Node(Mark(shown), {})
        for base in bases:
            merged = merge(merged, base)
        return merge(merged, tree)

    def _base(self, node: Node, child: Path, chain: tuple[Path, ...]) -> Node:
        path = self._resolve(node, child)
        if path.resolve() in chain:
            names = " -> ".join(p.name for p in (*chain, path))
            raise _stop(node, phrase("extends.cycle", chain=names))
        if len(chain) >= MAX_CHAIN:
            raise _stop(node, phrase("extends.too_deep", limit=MAX_CHAIN))
        if len(self.files) >= MAX_FILES:
            raise _stop(node, phrase("extends.too_many", limit=MAX_FILES))
        tree = self.load(path, shown_path(path), chain)
        kept = {k: e for k, e in tree.entries().items() if k not in NOT_INHERITED}
        return Node(tree.mark, kept)

    def _resolve(self, node: Node, child: Path) -> Path:
        name = node.value
        if not isinstance(name, str) or not name.strip():
            raise _stop(node, phrase("extends.type"))
        if SHIPPED_NAME.fullmatch(name):
            path = scenario_folder() / f"{name}.yaml"
        else:
            path = self._inside(node, name, child)
        if not path.is_file():
            hint = suggestion(PurePosixPath(name).stem, shipped_names())
            raise _stop(node, phrase("read.missing", name=name, hint=hint))
        return path

    def _inside(self, node: Node, name: str, child: Path) -> Path:
        """A relative path that stays, links followed, in the folder of the first file."""
        outside = _stop(node, phrase("extends.outside", name=name))
        if "\\" in name or PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive:
            raise outside
        path = child.parent / name
        try:
            if ".." in path.parts and ".." in PurePosixPath(name).parts:
                raise outside
            allowed = (self.folder.resolve(), scenario_folder().resolve())
            if not any(path.resolve().is_relative_to(folder) for folder in allowed):
                raise outside
        except (OSError, ValueError, RuntimeError):
            raise outside from None
        return path


def _stop(node: Node, text: Phrase) -> ScenarioError:
    return ScenarioError([Problem(node.mark, text)])


def _references(entry: Entry | None) -> Iterator[Node]:
    if entry is not None:
        value = entry.node.value
        yield from value if isinstance(value, list) else (entry.node,)


def merge(base: Node, over: Node, path: tuple[str, ...] = ()) -> Node:
    """`over` laid over `base`; every value keeps the position of the file it came from."""
    if _taken_whole(base, over, path):
        return over
    entries = dict(base.entries())
    for key, entry in over.entries().items():
        below = (*path, key)
        if entry.node.value is None and path and path[-1] in REMOVED_BY_NULL:
            entries.pop(key, None)
        elif key in entries:
            entries[key] = Entry(entry.mark, merge(entries[key].node, entry.node, below))
        else:
            entries[key] = Entry(entry.mark, _without_nulls(entry.node, below))
    return Node(over.mark, entries)


def _without_nulls(node: Node, path: tuple[str, ...]) -> Node:
    """A new mapping as if laid over an empty one, so that removals leave nothing behind."""
    empty = Node(node.mark, {})
    return node if _taken_whole(empty, node, path) else merge(empty, node, path)


def _taken_whole(base: Node, over: Node, path: tuple[str, ...]) -> bool:
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return True
    if path and path[-1] in REPLACED_WHOLE:
        return True
    # A number with unit never mixes with a dated series, nor settings of one lever with another's.
    if base.value and ("value" in base.value) != ("value" in over.value):
        return True
    return len(path) > 1 and path[-2] == "policies" and _levers_differ(base, over)


def _levers_differ(base: Node, over: Node) -> bool:
    first, second = base.entries().get("lever"), over.entries().get("lever")
    return bool(first and second and first.node.value != second.node.value)
