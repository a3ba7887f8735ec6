"""Every sentence a person reads, by id, in Chinese and English.

The texts live in `model/messages/`: `zh.yaml` and `en.yaml`, and for each larger part of the
program a pair `<part>.zh.yaml` and `<part>.en.yaml`. Both languages hold the same ids and the
same placeholders; a test compares them.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Final, Literal, cast

from ruamel.yaml import YAML

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


class UnknownMessage(KeyError):
    """Raised for an id, a language or a placeholder that the catalogue does not have."""


def _file_language(name: str) -> str:
    """Language of a catalogue file: `zh.yaml` and `briefing.zh.yaml` are both Chinese."""
    return name.removesuffix(".yaml").rpartition(".")[2]


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(lang: str) -> Mapping[str, str]:
    """All texts of one language by id. Raises UnknownMessage for another language."""
    if lang not in LANGUAGES:
        raise UnknownMessage(lang)
    texts: dict[str, str] = {}
    for path in sorted(
        resources.files("model").joinpath("messages").iterdir(), key=lambda p: p.name
    ):
        if not path.name.endswith(".yaml") or _file_language(path.name) != lang:
            continue
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
        repeated = texts.keys() & loaded.keys()
        if repeated:
            raise UnknownMessage(f"{path.name} repeats {sorted(repeated)}")
        texts.update(cast("dict[str, str]", loaded))
    return texts


def placeholders(text: str) -> frozenset[str]:
    """Names of the fields a text expects."""
    return frozenset(field for _, field, _, _ in string.Formatter().parse(text) if field)


def say(key: str, lang: str = "zh", /, **fields: object) -> str:
    """The text `key` in `lang` with its placeholders filled. Raises UnknownMessage."""
    try:
        text = catalogue(lang)[key]
        return text.format(**fields)
    except KeyError as missing:
        raise UnknownMessage(f"message {key!r} in {lang!r}: no {missing}") from None


def has_message(key: str, lang: str = "zh") -> bool:
    """Whether the catalogue holds `key`."""
    return key in catalogue(lang)
