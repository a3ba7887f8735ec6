"""Words for people: one catalogue of ids for charts, briefs and names, in Chinese and English.

The briefing's own texts are `briefing/text/zh.yaml` and `en.yaml`; names the model itself needs in
its messages (places, categories, levers, units) come from `model.messages` and are not repeated.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import cast

from ruamel.yaml import YAML

from model.messages import LANGUAGES, UnknownMessage, catalogue, placeholders

__all__ = ["LANGUAGES", "UnknownMessage", "has_text", "label", "own_texts", "t"]


@lru_cache(maxsize=len(LANGUAGES))
def own_texts(lang: str) -> Mapping[str, str]:
    """The briefing's own texts of one language by id. Raises UnknownMessage for others."""
    if lang not in LANGUAGES:
        raise UnknownMessage(lang)
    path = resources.files("briefing").joinpath("text", f"{lang}.yaml")
    loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return cast("dict[str, str]", loaded)


def _find(key: str, lang: str) -> str:
    for texts in (own_texts(lang), catalogue(lang)):
        if key in texts:
            return texts[key]
    near = difflib.get_close_matches(key, [*own_texts(lang), *catalogue(lang)], n=1)
    raise UnknownMessage(f"no text {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))


def has_text(key: str, lang: str = "zh") -> bool:
    """Whether there is a text `key` in `lang`."""
    return key in own_texts(lang) or key in catalogue(lang)


def t(key: str, lang: str = "zh", /, **fields: object) -> str:
    """The text `key` in `lang` with its placeholders filled.

    Raises UnknownMessage for an unknown id and for a field too many or too few: a sentence with a
    hole must not reach a reader.
    """
    text = _find(key, lang)
    wanted = placeholders(text)
    if wanted != fields.keys():
        raise UnknownMessage(f"text {key!r} takes {sorted(wanted)}, was given {sorted(fields)}")
    return text.format(**fields)


def label(kind: str, name: str, lang: str = "zh") -> str:
    """Name of one label (`label("place", "dalian")`) as it starts a line: English capitalised."""
    text = t(f"{kind}.{name}", lang)
    return text[:1].upper() + text[1:]
