"""Scenario files as trees with positions, read so that no file can do harm.

YAML 1.2 (core schema) from ruamel's event stream; the tree is built here with an explicit stack,
so depth, size, repeated keys, tags and references are checked before anything is built from
them. The only exception that leaves this module is ScenarioError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from model.scenario_problems import (
    FULL_WIDTH,
    NOTHING,
    Mark,
    Phrase,
    Problem,
    ScenarioError,
    phrase,
)

MAX_BYTES: Final = 1_000_000
MAX_LINE: Final = 10_000
MAX_DEPTH: Final = 24
MAX_NODES: Final = 20_000
MAX_KEY: Final = 200

Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. `value` is a scalar, a list of nodes, or a dict of entries."""

    mark: Mark
    value: Scalar | list[Node] | dict[str, Entry]
    size: int = 1
    height: int = 0

    def plain(self) -> Any:
        """The value without positions: numbers, texts, lists and dicts."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def entries(self) -> dict[str, Entry]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping with the position of the key."""

    mark: Mark
    node: Node


def read_file(path: Path, shown: str) -> Node:
    """Tree of the scenario file `path`; `shown` is its name in messages. Raises ScenarioError."""
    start = Mark(shown)
    try:
        if path.is_dir():
            raise _stop(start, "read.directory")
        if not path.exists():
            raise _stop(start, "read.missing", name=path.name, hint=NOTHING)
        if not path.is_file():
            raise _stop(start, "read.not_a_file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _stop(start, "read.too_large", size=size, limit=MAX_BYTES)
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as reason:
        text = getattr(reason, "strerror", None) or str(reason)
        raise _stop(start, "read.unreadable", reason=text) from None
    return read_bytes(raw, shown)


def read_bytes(raw: bytes, shown: str) -> Node:
    """Tree of the bytes of a scenario file. Raises ScenarioError."""
    if len(raw) > MAX_BYTES:
        raise _stop(Mark(shown), "read.too_large", size=len(raw), limit=MAX_BYTES)
    text = _decode(raw, shown)
    _check_characters(text, shown)
    root = _Builder(text, shown).build()
    if not isinstance(root.value, dict):
        raise _full_width_colon(text, shown) or _stop(root.mark, "read.not_mapping")
    return root


def _stop(mark: Mark, key: str, /, **fields: object) -> ScenarioError:
    return ScenarioError([Problem(mark, phrase(key, **fields))])


def _decode(raw: bytes, shown: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        tail = before.rpartition(b"\n")[2].decode("utf-8", errors="replace").lstrip("\ufeff")
        hint = _encoding_hint(raw)
        mark = Mark(shown, line, len(tail) + 1)
        raise _stop(mark, "read.not_utf8", byte=error.start + 1, hint=hint) from None


def _encoding_hint(raw: bytes) -> object:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return phrase("read.utf16_hint")
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return NOTHING
    return phrase("read.gbk_hint")


_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


def _check_characters(text: str, shown: str) -> None:
    if not text.strip():
        raise _stop(Mark(shown), "read.empty")
    problems = []
    for number, line in enumerate(text.split("\n"), start=1):
        bad = _CONTROL.search(line)
        if bad:
            code = f"{ord(bad.group()):04X}"
            mark = Mark(shown, number, bad.start() + 1)
            problems.append(Problem(mark, phrase("read.control", code=code)))
        if len(line) > MAX_LINE:
            fields = {"length": len(line), "limit": MAX_LINE}
            problems.append(Problem(Mark(shown, number), phrase("read.line_too_long", **fields)))
    if problems:
        raise ScenarioError(problems[:MAX_DEPTH])


# What the parser says most often, as a part of its English words and the text that explains it.
_PARSER_WORDS: Final = (
    ("mapping values are not allowed", "yaml.colon"),
    ("could not find expected ':'", "yaml.no_colon"),
    ("expected ',' or", "yaml.open_bracket"),
    ("expected <block end>", "yaml.indent"),
    ("cannot start any token", "yaml.character"),
    ("unexpected end of stream", "yaml.open_quote"),
    ("but found '<stream end>'", "yaml.unfinished"),
)


def _in_words(problem: str) -> Phrase | str:
    known = [key for part, key in _PARSER_WORDS if part in problem]
    return phrase(known[0]) if known else problem


@dataclass
class _Frame:
    """A mapping or list that is still open."""

    mark: Mark
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Node | None = None
    size: int = 1
    height: int = 0


class _Builder:
    """Builds the tree of one document from the event stream, without recursion."""

    def __init__(self, text: str, shown: str) -> None:
        self.text, self.shown = text, shown
        self.frames: list[_Frame] = []
        self.anchors: dict[str, Node] = {}
        self.problems: list[Problem] = []
        self.nodes = self.expanded = self.documents = 0
        self.root: Node | None = None

    def build(self) -> Node:
        for event in self._events():
            self._take(event)
        if self.problems:
            raise ScenarioError(self.problems)
        if self.root is None:
            raise _stop(Mark(self.shown), "read.empty")
        return self.root

    def _events(self) -> Iterator[Any]:
        stream = YAML(typ="safe", pure=True).parse(self.text)
        while True:
            try:
                event = next(stream, None)
            except MarkedYAMLError as error:
                raise self._syntax_error(error) from None
            # The parser meets bytes nobody vouched for; whatever it trips over is a bad file.
            except Exception as error:
                problem = type(error).__name__
                raise _stop(Mark(self.shown), "read.syntax", problem=problem) from None
            if event is None:
                return
            yield event

    def _syntax_error(self, error: MarkedYAMLError) -> ScenarioError:
        place = error.problem_mark or error.context_mark
        mark = self._mark(place) if place else Mark(self.shown)
        lines = self.text.split("\n")
        line = lines[mark.line - 1] if mark.line <= len(lines) else ""
        if "\t" in line[: max(mark.column, 1)]:
            return _stop(Mark(self.shown, mark.line, line.index("\t") + 1), "read.tab")
        full_width = _full_width_colon(self.text, self.shown)
        return full_width or _stop(mark, "read.syntax", problem=_in_words(str(error.problem)))

    def _mark(self, position: Any) -> Mark:
        return Mark(self.shown, position.line + 1, position.column + 1)

    def _take(self, event: Event) -> None:
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._fatal(event, "read.several_documents")
        elif isinstance(event, AliasEvent):
            self._add(self._alias(event), None)
        elif isinstance(event, ScalarEvent):
            self._count(event)
            value = _resolve(event) if event.implicit[0] else event.value
            self._add(Node(self._mark(event.start_mark), value), event.anchor)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._open(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close()

    def _fatal(self, event: Event, key: str, /, **fields: object) -> ScenarioError:
        problem = Problem(self._mark(event.start_mark), phrase(key, **fields))
        return ScenarioError([*self.problems, problem])

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._fatal(event, "read.too_many_nodes", limit=MAX_NODES)
        if event.tag is not None:
            self._report(event, "read.tag", tag=str(event.tag))
        if isinstance(event, ScalarEvent) and any("\ud800" <= c <= "\udfff" for c in event.value):
            raise self._fatal(event, "read.surrogate")

    def _report(self, event: Any, key: str, /, **fields: object) -> None:
        self.problems.append(Problem(self._mark(event.start_mark), phrase(key, **fields)))

    def _alias(self, event: Any) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            raise self._fatal(event, "read.unknown_anchor", name=event.anchor)
        self.expanded += node.size
        if self.expanded > MAX_NODES:
            raise self._fatal(event, "read.expansion", limit=MAX_NODES)
        if len(self.frames) + node.height > MAX_DEPTH:
            raise self._fatal(event, "read.too_deep", limit=MAX_DEPTH)
        return node

    def _open(self, event: Any) -> None:
        self._count(event)
        if len(self.frames) >= MAX_DEPTH:
            raise self._fatal(event, "read.too_deep", limit=MAX_DEPTH)
        is_mapping = isinstance(event, MappingStartEvent)
        self.frames.append(_Frame(self._mark(event.start_mark), event.anchor, is_mapping))

    def _close(self) -> None:
        frame = self.frames.pop()
        value = frame.entries if frame.is_mapping else frame.items
        self._add(Node(frame.mark, value, frame.size, frame.height), frame.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        frame.size += node.size
        frame.height = max(frame.height, node.height + 1)
        if not frame.is_mapping:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            self._enter(frame, frame.key, node)
            frame.key = None

    def _enter(self, frame: _Frame, key: Node, node: Node) -> None:
        """Put one entry into an open mapping, or say why not."""
        # Ages and years are natural keys; they are kept as text.
        whole = isinstance(key.value, int) and not isinstance(key.value, bool)
        name = str(key.value) if whole else key.value
        if not isinstance(name, str):
            problem = phrase("read.key_not_text")
        elif len(name) > MAX_KEY:
            problem = phrase("read.key_too_long", length=len(name), limit=MAX_KEY)
        elif name == "<<":
            problem = phrase("read.merge_key")
        elif name in frame.entries:
            first = frame.entries[name].mark.line
            problem = phrase("read.duplicate_key", key=name, line=first)
        else:
            frame.entries[name] = Entry(key.mark, node)
            return
        self.problems.append(Problem(key.mark, problem))


_NULL: Final = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE: Final = frozenset(("true", "True", "TRUE"))
_FALSE: Final = frozenset(("false", "False", "FALSE"))
_INTEGER: Final = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z", re.ASCII)
_INFINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)\Z")
# Longer integers exceed every limit of a scenario; as floats they fail the same range checks.
_INTEGER_DIGITS: Final = 18


def _resolve(event: Any) -> Scalar:
    """Value of a plain scalar under the core schema of YAML 1.2."""
    text: str = event.value
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.match(text) and len(text) <= _INTEGER_DIGITS:
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    if _INFINITE.match(text):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text in (".nan", ".NaN", ".NAN") else text


_KEY_THEN_COLON: Final = re.compile(r"\s*(?:- )?[\w.%-]+\s*(：)")


def _full_width_colon(text: str, shown: str) -> ScenarioError | None:
    """The error for the first line whose key is followed by a full-width colon, if any."""
    for number, line in enumerate(text.split("\n"), start=1):
        found = _KEY_THEN_COLON.match(line)
        if found:
            mark = Mark(shown, number, found.start(1) + 1)
            return _stop(mark, "read.fullwidth", character="：", plain=FULL_WIDTH["："])
    return None
