"""Reading simple values of a YAML tree, with a problem for each that is wrong."""

from __future__ import annotations

from pathlib import Path

from model.messages import LANGUAGES
from model.policy.quantities import kind
from model.scenario_problems import Mark, Phrase, Problem, phrase, suggestion
from model.scenario_reader import Node


class ValueReader:
    """Collects problems; a wrong value is replaced by one that lets the reading go on."""

    def __init__(self, tree: Node, path: Path) -> None:
        self.tree, self.path = tree, path
        self.problems: list[Problem] = []

    def report(self, mark: Mark, key: str, /, **fields: object) -> None:
        """Note one problem."""
        self.problems.append(Problem(mark, Phrase(key, fields)))

    def _mark(self, key: str) -> Mark:
        entry = self.tree.entries().get(key)
        return self.tree.mark if entry is None else entry.node.mark

    def _known_keys(self, node: Node, known: tuple[str, ...], path: str) -> None:
        for key, entry in node.entries().items():
            if key not in known:
                shown = path or phrase("check.top")
                hint = suggestion(key, known)
                self.report(entry.mark, "check.unknown_key", path=shown, key=key, hint=hint)

    def _choice(
        self, node: Node, key: str, allowed: tuple[str, ...], default: str | None, path: str = ""
    ) -> str | None:
        entry = node.entries().get(key)
        if entry is None:
            if default is None and node is self.tree:
                top = phrase("check.top")
                self.report(node.mark, "check.missing_key", path=top, key=key)
            return default
        value = entry.node.value
        if not isinstance(value, str) or value not in allowed:
            hint = suggestion(value, allowed) if isinstance(value, str) else ""
            where = f"{path}.{key}" if path else key
            self.report(
                entry.node.mark, "check.not_choice", path=where, value=str(entry.node.plain()),
                hint=hint, allowed=allowed,
            )  # fmt: skip
            return default
        return value

    def _whole(
        self, node: Node, key: str, low: int, high: int, default: int | None, path: str = ""
    ) -> int:
        entry = node.entries().get(key)
        where = f"{path}.{key}" if path else key
        if entry is None:
            if default is None:
                self.report(node.mark, "check.missing_key", path=phrase("check.top"), key=key)
            return low if default is None else default
        value = entry.node.value
        if isinstance(value, bool) or not isinstance(value, int):
            actual = kind(entry.node.plain())
            self.report(
                entry.node.mark, "check.expected_whole", path=where, unit=phrase("unit.count"),
                actual=actual,
            )  # fmt: skip
            return low
        if not low <= value <= high:
            self.report(
                entry.node.mark, "check.out_of_range", path=where, low=low, high=high,
                unit=phrase("unit.count"), actual=value, hint="",
            )  # fmt: skip
            return low
        return value

    def _number(self, node: Node, key: str, path: str) -> float | None:
        entry = node.entries().get(key)
        if entry is None:
            return None
        value = entry.node.value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not abs(float(value)) < float("inf"):  # type: ignore[arg-type]
            self.report(
                entry.node.mark, "check.expected_number", path=f"{path}.{key}",
                unit=phrase("unit.count"), actual=kind(entry.node.plain()),
            )  # fmt: skip
            return None
        return float(value)  # type: ignore[arg-type]

    def _flag(self, key: str, node: Node | None = None) -> bool:
        entry = (node or self.tree).entries().get(key)
        if entry is None or isinstance(entry.node.value, bool):
            return bool(entry and entry.node.value)
        self.report(
            entry.node.mark, "check.expected_bool", path=key, actual=kind(entry.node.plain())
        )
        return False

    def _title(self, node: Node, default: str) -> dict[str, str]:
        """Words in both languages from `title: {zh: ..., en: ...}`; `default` where missing."""
        entry = node.entries().get("title")
        found = {} if entry is None else entry.node.entries()
        return {
            lang: str(found[lang].node.value) if lang in found else default for lang in LANGUAGES
        }
