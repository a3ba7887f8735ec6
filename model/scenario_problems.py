"""What can be wrong with a scenario, where it stands, and how it is said in two languages."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from model.messages import catalogue, say

SHOWN_CHARACTERS: Final = 60
# Chinese names are two or three characters long: one wrong character is already half the word.
SUGGESTION_CUTOFF: Final = 0.6
SUGGESTION_CUTOFF_CHINESE: Final = 0.5
FULL_WIDTH: Final[Mapping[str, str]] = {
    "：": ":", "，": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "（": "(", "）": ")",
    "【": "[", "】": "]", "｛": "{", "｝": "}", "－": "-", "—": "-", "　": " ", "％": "%",
    "．": ".",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file: name as shown to the user, line and column from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Phrase:
    """A text of the catalogue whose language is chosen later; fields may be phrases too."""

    key: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def render(self, lang: str) -> str:
        """The text in `lang`, on one line."""
        return say(self.key, lang, **{k: _shown(v, lang) for k, v in self.fields.items()})


NOTHING: Final = ""


def phrase(key: str, /, **fields: object) -> Phrase:
    """Shorthand for a Phrase."""
    return Phrase(key, fields)


@dataclass(frozen=True)
class Problem:
    """One error or note at one place."""

    mark: Mark
    phrase: Phrase

    def line(self, lang: str) -> str:
        """`FILE:LINE:COL: message`."""
        return f"{self.mark}: {self.phrase.render(lang)}"


class ScenarioError(Exception):
    """A scenario that cannot be used. `lines` holds every error, sorted, one line each."""

    def __init__(self, problems: Iterable[Problem], lang: str = "zh") -> None:
        self.problems = tuple(problems)
        self.lines = problem_lines(self.problems, lang)
        super().__init__("\n".join(self.lines))

    def in_language(self, lang: str) -> ScenarioError:
        """The same errors said in another language."""
        return ScenarioError(self.problems, lang)


def problem_lines(problems: Iterable[Problem], lang: str) -> list[str]:
    """Distinct lines in the order of file, line and column."""
    ordered = sorted({(p.mark, p.line(lang)) for p in problems})
    return [line for _, line in ordered]


def printable(text: str) -> str:
    """Text fit for one line of a terminal: no control characters, no more than 60 characters."""
    shown = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
    return "".join(_visible(character) for character in shown)


def _visible(character: str) -> str:
    harmless = character == " " or unicodedata.category(character)[0] not in "CZ"
    return character if harmless or character == "\u3000" else f"U+{ord(character):04X}"


def _shown(value: object, lang: str) -> str:
    if isinstance(value, Phrase):
        return value.render(lang)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**SHOWN_CHARACTERS else "…"
    if isinstance(value, tuple | list):
        return ", ".join(_shown(v, lang) for v in value)
    return printable(value) if isinstance(value, str) and value else str(value)


def near(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None."""
    cutoff = SUGGESTION_CUTOFF if word.isascii() else SUGGESTION_CUTOFF_CHINESE
    found = difflib.get_close_matches(word[:SHOWN_CHARACTERS], list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def suggestion(word: str, known: Iterable[str], prefix: str = "") -> Phrase | str:
    """Hint ", did you mean ...?" for a word not in `known`, or nothing.

    `prefix` names a family of texts ("category.") whose Chinese and English names are understood.
    """
    names = list(known)
    by_text = {n: n for n in names}
    if prefix:
        by_text |= {catalogue(lang)[prefix + n]: n for lang in ("en", "zh") for n in names}
    found = near(word, by_text)
    if found:
        return Phrase("check.did_you_mean", {"near": by_text[found]})
    return full_width_hint(word)


def full_width_hint(text: str) -> Phrase | str:
    """Hint about the first full-width punctuation mark in `text`, or nothing."""
    for character in text:
        if character in FULL_WIDTH:
            fields = {"character": character, "plain": FULL_WIDTH[character]}
            return Phrase("read.fullwidth_hint", fields)
    return NOTHING
