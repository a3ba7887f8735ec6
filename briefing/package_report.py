"""Attribution and consistency of a package in words and charts, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Final

import numpy as np

from briefing import package_charts as charts
from briefing.canvas import Measure, measure
from briefing.numbers import digits
from briefing.style import save
from briefing.text import t
from experiments.consistency import (
    ASSESSED,
    CONFLICT,
    FALSE_DISCOVERIES,
    NEUTRAL,
    SYNERGY,
    unit_of,
)
from experiments.evidence import TRIED
from experiments.package_runs import in_unit
from experiments.paired import OUTCOME_RULES

if TYPE_CHECKING:
    from experiments.attribution import Attribution, Player
    from experiments.consistency import Consistency, Interaction, PairFound
    from experiments.intervals import Estimate

UNITS: Final = {"yuan": "money", "persons": "persons", "percent": "percent", "points": "points"}
ROWS: Final = 20
MOSTLY: Final = 0.5
"""Part of what draws do from which on it is called mostly luck."""
LEAST_ROWS: Final = 8
"""Pairs listed even if none of them differs from zero."""
RATE: Final = round(100 * FALSE_DISCOVERIES)


def player_name(player: Player, lang: str) -> str:
    """Number and title of a measure; sections carry their number in their name."""
    words = str(getattr(player.name, lang))
    return f"{player.id} {words}" if player.measures and len(player.measures) == 1 else words


def _tables(estimates: Sequence[Estimate]) -> charts.Figures:
    rows = np.array([(one.value, one.low, one.high) for one in estimates], dtype=float)
    return rows[:, 0], rows[:, 1], rows[:, 2]


def _full(scale: Measure, one: Estimate, lang: str) -> str:
    return scale.full((one.value, one.low, one.high), lang)


def _with_unit(words: str, scale: Measure, lang: str) -> str:
    return f"{words}{'' if lang == 'zh' else ' '}{scale.unit}"


# --- attribution ------------------------------------------------------------------------------


def attribution_text(found: Attribution, pairs: int, lang: str) -> str:
    """The table of shares beside the stacked tables, and what to know of it."""
    unit = UNITS[OUTCOME_RULES[found.outcome].unit]
    scale = measure(unit, lang, *_tables([found.total, *(one.estimate for one in found.shares)]))
    total = _with_unit(_full(scale, found.total, lang), scale, lang)
    words = {"outcome": t(f"outcome.{found.outcome}", lang), "total": total}
    lines = [
        t("package.attribute.head", lang, count=len(found.shares), months=found.months, **words),
        t("package.attribute.columns", lang),
    ]
    for one in found.shares:
        lines.append(
            t("package.attribute.row", lang, name=player_name(one.player, lang),
              share=_full(scale, one.estimate, lang), alone=scale.show(one.alone.value),
              stacked=scale.show(one.stacked.value), reverse=scale.show(one.reverse.value))
        )  # fmt: skip
    sums = {
        kind: scale.show(sum(getattr(one, kind).value for one in found.shares))
        for kind in ("alone", "stacked", "reverse")
    }
    lines += [t("package.attribute.sum", lang, share=scale.show(found.total.value), **sums), ""]
    fields = {"coalitions": found.coalitions} | (
        {} if found.method == "exact" else {"pairs": pairs}
    )
    lines.append(t(f"package.attribute.{found.method}", lang, **fields))
    widest = max(found.shares, key=lambda one: abs(one.stacked.value - one.reverse.value))
    if widest.stacked.value != widest.reverse.value:
        lines.append(
            t("package.attribute.order", lang, name=player_name(widest.player, lang),
              stacked=_with_unit(scale.show(widest.stacked.value), scale, lang),
              reverse=_with_unit(scale.show(widest.reverse.value), scale, lang))
        )  # fmt: skip
    return "\n".join([*lines, *_attribution_intervals(found, scale, lang)])


def _attribution_intervals(found: Attribution, scale: Measure, lang: str) -> Iterator[str]:
    """What the intervals are about, and how wide chance alone would make them."""
    yield intervals_text(found.covers, len(found.seeds), lang)
    if len(found.covers) < 2:
        return
    widest = max(found.shares, key=lambda one: one.estimate.half_width)
    yield t(
        "package.attribute.by_chance", lang, interval=_span(scale, found.chance, lang),
        name=player_name(widest.player, lang), share=_span(scale, widest.chance, lang),
        wide=_with_unit(_span(scale, widest.estimate, lang), scale, lang),
    )  # fmt: skip
    totals = [in_unit(one.total, found.outcome) for one in found.replications if one.drawn]
    yield t(
        "package.attribute.drawn", lang, total=scale.show(found.total.value),
        interval=scale.span(min(totals), max(totals), lang),
        mean=_with_unit(scale.show(fmean(totals)), scale, lang),
    )  # fmt: skip


def _span(scale: Measure, one: Estimate, lang: str) -> str:
    return scale.span(one.low, one.high, lang)


def intervals_text(covers: Sequence[str], seeds: int, lang: str) -> str:
    """One sentence: what 90 % intervals are about."""
    if seeds < 2:
        return t("package.intervals.single", lang)
    if len(covers) < 2:
        return t("package.intervals.chance", lang)
    names = [t(f"package.covers.{name}", lang) for name in covers]
    return t("package.intervals", lang, covers=t("summary.comma", lang).join(names))


def draw_attribution(found: Attribution, folder: Path, lang: str, footer: str) -> list[Path]:
    """Waterfall and orders; returns the PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    unit = UNITS[OUTCOME_RULES[found.outcome].unit]
    names = [player_name(one.player, lang) for one in found.shares]
    outcome = t(f"outcome.{found.outcome}", lang)
    shares = _tables([one.estimate for one in found.shares])
    total = (found.total.value, found.total.low, found.total.high)
    stem = f"{found.outcome}_{found.by}.{lang}"
    first = charts.waterfall(
        names, shares, total, unit, t("chart.waterfall.title", lang, outcome=outcome),
        t(f"chart.waterfall.{found.method}", lang), lang=lang, footer=footer,
    )  # fmt: skip
    values = {"share": shares[0]} | {
        kind: np.array([getattr(one, kind).value for one in found.shares])
        for kind in ("alone", "stacked", "reverse")
    }
    title = t("chart.orders.title", lang, outcome=outcome)
    second = charts.orders(names, values, unit, title, lang=lang, footer=footer)
    return [
        save(first, folder / f"attribution_{stem}")[0],
        save(second, folder / f"attribution_orders_{stem}")[0],
    ]


# --- consistency ------------------------------------------------------------------------------


def consistency_text(found: Consistency, lang: str, rows: int = ROWS) -> str:
    """The ranked table of pairs that interact, other outcomes in a line each, and the rules."""
    words = {"outcome": t(f"outcome.{found.outcome}", lang), **found.counts(found.outcome)}
    lines = [
        t("package.consistency.head", lang, count=len(found.pairs), months=found.months,
          seeds=len(found.seeds), **words)
    ]  # fmt: skip
    known = [one for one in found.pairs if one.interactions[found.outcome].kind != NEUTRAL]
    shown = [*known, *found.pairs[len(known) :][: max(0, LEAST_ROWS - len(known))]]
    if shown:
        lines.append(t("package.consistency.columns", lang))
        estimates = [one.interactions[found.outcome].estimate for one in shown]
        scale = measure(UNITS[unit_of(found.outcome)], lang, *_tables(estimates))
        lines += [_row(one, found.outcome, scale, lang) for one in shown[:rows]]
    if len(shown) > rows:
        more = {"count": len(shown) - rows, "outcome": found.outcome}
        lines.append(t("package.consistency.more", lang, **more))
    lines.append("")
    for name in ASSESSED:
        if name != found.outcome:
            counts = found.counts(name)
            lines.append(
                t("package.consistency.other", lang, outcome=t(f"outcome.{name}", lang),
                  synergy=counts[SYNERGY], conflict=counts[CONFLICT])
            )  # fmt: skip
    lines.append(t("package.consistency.rule", lang, count=len(found.pairs), rate=RATE))
    lines += _consistency_intervals(found, lang)
    lines.append(t("package.consistency.cause", lang))
    if found.failed:
        failed = {"count": len(found.failed), "first": found.failed[0]}
        lines.append(t("package.consistency.failed", lang, **failed))
    return "\n".join(lines)


def _consistency_intervals(found: Consistency, lang: str) -> Iterator[str]:
    """What the intervals are about, what chance alone would report, and what more runs would do."""
    yield intervals_text(found.covers, len(found.seeds), lang)
    if len(found.covers) < 2:
        return
    known = [pair.interactions[found.outcome] for pair in found.pairs]
    lost = [one for one in known if one.kind == NEUTRAL != one.chance_kind]
    counts = found.counts(found.outcome, chance=True)
    words = {"synergy": counts[SYNERGY], "conflict": counts[CONFLICT], "lost": len(lost)}
    yield t("package.consistency.by_chance", lang, **words)
    if lost:
        returning = sum(one.needed is not None for one in lost)
        yield t(
            "package.consistency.needed", lang, returning=returning, never=len(lost) - returning,
            most=TRIED[-1],
        )  # fmt: skip
        firm = sum(one.same_sign == 1.0 for one in lost)
        if firm:
            yield t("package.consistency.firm", lang, count=firm)
        lucky = sum(one.evidence.chance_in_draws > MOSTLY for one in lost)
        if lucky:
            yield t("package.consistency.lucky", lang, count=lucky)


def _row(pair: PairFound, outcome: str, scale: Measure, lang: str) -> str:
    own = pair.interactions[outcome]
    return t(
        "package.consistency.row", lang, a=player_name(pair.a, lang), b=player_name(pair.b, lang),
        value=_with_unit(_full(scale, own.estimate, lang), scale, lang),
        relative=f"{digits(100 * own.relative, 1, signed=True)}%",
        kind=_class(own, lang), cause=_cause(pair, own.kind, lang),
        departments="、".join(pair.departments) or "—",
    )  # fmt: skip


def _class(own: Interaction, lang: str) -> str:
    """The class and in how many worlds the sign is this; nothing in every world needs no test."""
    if own.estimate.low == own.estimate.high == 0.0:
        return t("class.zero", lang)
    kind, share = t(f"class.{own.kind}", lang), digits(100 * own.same_sign, 0)
    return t("package.consistency.named", lang, cause=kind, share=share)


def _cause(pair: PairFound, kind: str, lang: str) -> str:
    if kind == NEUTRAL:
        return t("cause.none", lang)
    cause = t(f"cause.{pair.cause.name}", lang)
    share = digits(100 * pair.agreement, 0)
    return t("package.consistency.named", lang, cause=cause, share=share)


def draw_consistency(
    found: Consistency, folder: Path, lang: str, footer: str, scope: str = ""
) -> list[Path]:
    """A heat map for every assessed outcome; `scope` ends their names. Returns the PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    at = {one.id: number for number, one in enumerate(found.players)}
    names = [player_name(one, lang) for one in found.players]
    short = [str(one.id) for one in found.players]
    written = []
    for outcome in dict.fromkeys((found.outcome, *ASSESSED)):
        value = np.full((len(at), len(at)), np.nan)
        sure = np.zeros(value.shape, dtype=bool)
        for pair in found.pairs:
            cell = at[pair.b.id], at[pair.a.id]
            value[cell] = pair.interactions[outcome].estimate.value
            sure[cell] = pair.interactions[outcome].kind != NEUTRAL
        title = t("chart.pairs.title", lang, outcome=t(f"outcome.{outcome}", lang))
        unit = UNITS[unit_of(outcome)]
        helps = ASSESSED.get(outcome, 1) > 0
        figure = charts.pair_map(
            names, short, value, sure, unit, title, RATE, helps, lang=lang, footer=footer
        )
        written.append(save(figure, folder / f"consistency_{outcome}{scope[:40]}.{lang}")[0])
    return written
