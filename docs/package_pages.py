"""Worked examples of docs/packages.md, written from stored figures. Used by `docs/generate.py`.

Each figure is renewed by the command that its file names (`--write FILE`), then
`python docs/generate.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np

from briefing import package_charts, style
from briefing.canvas import Measure, measure
from briefing.numbers import digits
from briefing.package_report import MOSTLY, UNITS, intervals_text
from briefing.text import t
from docs.replication_pages import mark_of, sign
from experiments.consistency import ASSESSED, CONFLICT, NEUTRAL, SYNERGY, unit_of
from experiments.evidence import TRIED
from experiments.package_results import load
from model.messages import LANGUAGES
from model.policy.catalogue import load_catalogue

DOCS: Final = Path(__file__).resolve().parent
SECTIONS: Final = DOCS / "package_sections.json"
MEASURES: Final = DOCS / "package_measures.json"
PAIRS: Final = DOCS / "package_pairs.json"
STORED: Final = (SECTIONS, MEASURES, PAIRS)
CONSUMPTION: Final = "household_consumption"
COST: Final = "fiscal_cost"
ROWS: Final = 12
Document = Mapping[str, Any]


def _word(key: str, lang: str, /, **fields: object) -> str:
    return t(f"package.page.{key}", lang, **fields)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], lang: str) -> str:
    head = [_word(name, lang) for name in columns]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(columns))
    return "\n".join(lines)


def _facts(stored: Document, lang: str) -> str:
    """What the figures are: seeds, intervals, command, date, code."""
    seeds, months = len(stored["seeds"]), stored["horizon_months"]
    about = intervals_text(stored["covers"], seeds, lang)
    return _word(
        "facts", lang, seeds=seeds, months=months, about=about,
        command=stored["command"], date=stored["date"], code=stored["digests"]["code"][:12],
    )  # fmt: skip


def _scale(outcome: str, lang: str, rows: Sequence[Sequence[float]]) -> Measure:
    return measure(UNITS[unit_of(outcome)], lang, np.array(rows, dtype=float))


def _span(scale: Measure, bounds: Mapping[str, float], lang: str) -> str:
    return scale.span(bounds["low"], bounds["high"], lang)


def _figures(one: Document, value: str = "value") -> tuple[float, float, float]:
    return one[value], one["low"], one["high"]


# --- attribution ------------------------------------------------------------------------------


def _total(stored: Document) -> dict[str, Any]:
    bounds = stored["total_interval"]
    return {"value": stored["total"], **bounds, "chance": stored["total_chance"]}


def sections(lang: str) -> str:
    """Shares of the sections, with chance alone, and in stacked tables."""
    stored = load(SECTIONS)
    shares, total = stored["shares"], _total(stored)
    scale = _scale(stored["outcome"], lang, [_figures(one) for one in (*shares, total)])
    runs = stored["coalitions"] * len(stored["replications"])
    counts = _word("runs", lang, coalitions=stored["coalitions"], runs=runs)
    facts = ("" if lang == "zh" else " ").join([_facts(stored, lang), counts])
    table = _in_unit(scale, _section_table(stored, scale, lang), lang)
    return "\n\n".join([facts, table, _word("mean", lang), _order(shares, scale, lang)]) + "\n"


def _section_table(stored: Document, scale: Measure, lang: str) -> str:
    shares, total = stored["shares"], _total(stored)
    drawn, drawn_total = _drawn(stored)
    others = ("alone", "stacked", "stacked_reverse")
    rows = [
        (one["name"][lang], scale.full(_figures(one), lang), scale.show(mean),
         _span(scale, one["chance"], lang), *(scale.show(one[kind]["value"]) for kind in others))
        for one, mean in zip(shares, drawn, strict=True)
    ]  # fmt: skip
    sums = (scale.show(sum(one[kind]["value"] for one in shares)) for kind in others)
    whole = f"**{scale.full(_figures(total), lang)}**"
    last = (whole, scale.show(drawn_total), _span(scale, total["chance"], lang), *sums)
    rows.append((f"**{_word('package', lang)}**", *last))
    columns = ("section", "share", "drawn_mean", "by_chance", "alone", "stacked", "reverse")
    return _table(columns, rows, lang)


def _drawn(stored: Document) -> tuple[list[float], float]:
    """Mean of the shares and of the effect over the worlds in which something is drawn."""
    worlds = [one for one in stored["replications"] if one["drawn"]]
    shares = np.mean([one["shares"] for one in worlds], axis=0).tolist()
    return shares, fmean(one["total"] for one in worlds)


def _order(shares: Sequence[Document], scale: Measure, lang: str) -> str:
    """The share that an order changes most."""

    def gap(one: Document) -> float:
        return abs(one["stacked"]["value"] - one["stacked_reverse"]["value"])

    most = max(shares, key=gap)
    first, last = (scale.show(most[kind]["value"]) for kind in ("stacked", "stacked_reverse"))
    return _word("order", lang, name=most["name"][lang], stacked=first, reverse=last)


def measures(lang: str) -> str:
    """Measures whose share is told from zero, largest first, and what the others add up to."""
    stored = load(MEASURES)
    total = _total(stored)
    clear = [one for one in stored["shares"] if one["low"] > 0 or one["high"] < 0]
    clear.sort(key=lambda one: -abs(one["value"]))
    scale = _scale(stored["outcome"], lang, [_figures(one) for one in (*clear, total)])
    rows = [
        (f"{one['measure']} {one['name'][lang]}", scale.full(_figures(one), lang),
         _span(scale, one["chance"], lang))
        for one in clear
    ]  # fmt: skip
    left = stored["total"] - sum(one["value"] for one in clear)
    others = _word("others", lang, count=len(stored["shares"]) - len(clear))
    rows.append((others, scale.show(left), ""))
    whole = scale.full(_figures(total), lang)
    rows.append((f"**{_word('package', lang)}**", f"**{whole}**",
                 _span(scale, total["chance"], lang)))  # fmt: skip
    table = _table(("measure", "share", "by_chance"), rows, lang)
    return f"{_facts(stored, lang)}\n\n{_in_unit(scale, table, lang)}\n"


# --- consistency ------------------------------------------------------------------------------


def pairs(lang: str) -> str:
    """Classes by outcome, pairs told from zero, and the largest that are not."""
    stored = load(PAIRS)
    known = stored["pairs"]
    told = [one for one in known if one["class"] != NEUTRAL]
    lost, others = _lost(known)
    parts = [_facts(stored, lang), _classes(stored, lang)]
    neutral = stored["classes"][NEUTRAL] - len(lost)
    for title, some, count in (
        ("told", told, len(told)), ("lost", lost, len(lost)), ("hidden", others, neutral)
    ):  # fmt: skip
        if some:
            shown = some[:ROWS]
            head = _word(title, lang, count=count, shown=len(shown))
            parts += [head, _ranked(shown, lang)]
        if title == "lost":
            parts.append(_what_would_help(lost, lang))
    parts += list(_cost(known, lang))
    return "\n\n".join(filter(None, parts)) + "\n"


def _classes(stored: Document, lang: str) -> str:
    rows = []
    for name in ASSESSED:
        one = stored["classes_by_outcome"][name]
        by_chance = [str(one["by_chance"][kind]) for kind in (SYNERGY, CONFLICT)]
        own = [str(one[kind]) for kind in (SYNERGY, CONFLICT, NEUTRAL)]
        rows.append((t(f"outcome.{name}", lang), *own, *by_chance))
    columns = (
        "outcome",
        "synergies",
        "conflicts",
        "untold",
        "chance_synergies",
        "chance_conflicts",
    )
    return _table(columns, rows, lang)


def _lost(known: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Pairs not told from zero, by size: those that chance alone would report, and the others."""
    neutral = [one for one in known if one["class"] == NEUTRAL and one["interaction"]]
    neutral.sort(key=lambda one: -abs(one["interaction"]))
    lost = [one for one in neutral if one["chance"]["class"] != NEUTRAL]
    return lost, [one for one in neutral if one["chance"]["class"] == NEUTRAL]


def _what_would_help(lost: Sequence[Document], lang: str) -> str:
    """Whether direction or size is in doubt, and what more seeds or households would do."""
    if not lost:
        return ""
    needed = [one["replications_needed"] for one in lost if one["replications_needed"]]
    never = len(lost) - len(needed)
    firm = sum(one["same_sign"] == 1.0 for one in lost)
    lucky = sum(one["chance_in_draws"] > MOSTLY for one in lost)
    words = []
    if firm:
        words.append(_word("firm", lang, count=firm))
    if needed:
        words.append(_word("returning", lang, count=len(needed), most=max(needed)))
    if never:
        words.append(_word("never", lang, count=never, most=TRIED[-1]))
    if lucky:
        words.append(_word("lucky", lang, count=lucky))
    return ("" if lang == "zh" else " ").join(words)


def _ranked(some: Sequence[Document], lang: str) -> str:
    rows = [
        (_names(one, lang), _own_unit(_figures(one, "interaction"), CONSUMPTION, lang),
         _own_unit((one["chance"]["low"], one["chance"]["high"]), CONSUMPTION, lang),
         f"{100 * one['same_sign']:.0f} %", _kind(one, lang), "、".join(one["departments"]))
        for one in some
    ]  # fmt: skip
    columns = ["both", "together", "by_chance", "same_sign", "kind", "departments"]
    if all(one["class"] == NEUTRAL for one in some):
        columns, rows = columns[:4], [row[:4] for row in rows]
    return _table(columns, rows, lang)


def _own_unit(figures: tuple[float, ...], outcome: str, lang: str) -> str:
    """Value and bounds, or bounds alone, with the unit that suits them: sizes differ too much."""
    scale = _scale(outcome, lang, [figures])
    if len(figures) == len(("low", "high")):
        words = scale.span(figures[0], figures[1], lang)
    else:
        words = scale.full((figures[0], figures[1], figures[2]), lang)
    return f"{words}{'' if lang == 'zh' else ' '}{scale.unit}"


def _in_unit(scale: Measure, table: str, lang: str) -> str:
    return f"{_word('unit', lang, unit=scale.unit)}\n\n{table}"


def _names(pair: Document, lang: str) -> str:
    known = load_catalogue()
    return " + ".join(f"{n} {getattr(known[n].title, lang)}" for n in (pair["a"], pair["b"]))


def _kind(pair: Document, lang: str) -> str:
    words = t(f"class.{pair['class']}", lang)
    cause = t(f"cause.{pair['cause']}", lang)
    share = digits(100 * pair["cause_agreement"], 0)
    named = t("package.consistency.named", lang, cause=cause, share=share)
    return _word("because", lang, kind=words, cause=named)


def _cost(known: Sequence[Document], lang: str) -> Iterator[str]:
    """The largest interactions in the cost to the budgets that chance alone would report."""

    def figures(pair: Document) -> Document:
        found: Document = pair["outcomes"][COST]
        return found

    some = [
        one for one in known
        if {figures(one)["class"], figures(one)["class_by_chance"]} != {NEUTRAL}
    ]  # fmt: skip
    if not some:
        return
    some.sort(key=lambda one: -abs(figures(one)["interaction"]))
    rows = [
        (_names(one, lang), _own_unit(_figures(figures(one), "interaction"), COST, lang),
         f"{100 * figures(one)['same_sign']:.0f} %", t(f"class.{figures(one)['class']}", lang))
        for one in some[:ROWS]
    ]  # fmt: skip
    yield _word("cost", lang, count=len(some), shown=len(rows))
    yield _table(("both", "together", "same_sign", "kind"), rows, lang)


# --- the picture ------------------------------------------------------------------------------


def fingerprint() -> str:
    """Digest of the stored shares of sections."""
    return hashlib.sha256(SECTIONS.read_bytes()).hexdigest()


def picture(lang: str) -> Path:
    """File of the waterfall in a language."""
    return DOCS / "pictures" / f"attribution_sections.{lang}.png"


def draw() -> None:
    """Draw the waterfalls unless they show the stored shares already."""
    stored = load(SECTIONS)
    for lang in LANGUAGES:
        if mark_of(picture(lang)) == fingerprint():
            continue
        outcome = t(f"outcome.{stored['outcome']}", lang)
        figure = package_charts.waterfall(
            [one["name"][lang] for one in stored["shares"]],
            _columns([_figures(one) for one in stored["shares"]]), _figures(_total(stored)),
            UNITS[stored["unit"]], t("chart.waterfall.title", lang, outcome=outcome),
            t(f"chart.waterfall.{stored['method']}", lang), lang=lang,
            footer=_word("footer", lang, command=stored["command"], date=stored["date"]),
        )  # fmt: skip
        style.save(figure, picture(lang).with_suffix(""))[1].unlink()
        sign(picture(lang), fingerprint())


def _columns(rows: Sequence[tuple[float, float, float]]) -> package_charts.Figures:
    table = np.array(rows, dtype=float)
    return table[:, 0], table[:, 1], table[:, 2]
