"""A comparison in words: one page that a person can read, in Chinese or English.

Every figure carries its unit and 90 % interval; the last section says with which seeds, scale,
scenario and command it was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from briefing.numbers import show
from briefing.text import label
from experiments.comparison import HORIZONS, PAYERS, Comparison, Part
from experiments.intervals import EXACT, SAME_IN_ALL, Estimate
from experiments.paired import OUTCOME_RULES
from model.messages import say

LEVELS_NAMED: Final = {"tax_return": "tax_revenue"}
"""Outcomes whose level is called otherwise than their difference to a baseline."""
NOT_COMPUTED: Final = "–"
SMALLEST_SHARE: Final = 0.005
"""Shares that would print as 0 % or 1 % of nothing are not worth a sentence."""
GAIN_DIMS: Final = ("quintile", "age_group", "residence", "place")
NOT_IN_FIRST_SECTION: Final = ("employment", "price_level")
KIND_OF_UNIT: Final = {
    "yuan": "money",
    "ratio": "ratio",
    "persons": "persons",
    "percent": "percent",
}


@dataclass(frozen=True)
class RunFacts:
    """What a summary says about how the figures were made. Titles by language."""

    policy_title: dict[str, str]
    against_title: dict[str, str]
    command: str
    scenario_hash: str
    against_hash: str
    grades: Counter[str] = field(default_factory=Counter)
    path: str = ""


def figure(estimate: Estimate | None, unit: str, lang: str) -> str:
    """Value and interval, or why there is none."""
    if estimate is None:
        return say("summary.none", lang)
    if estimate.method == EXACT:
        return say("summary.zero", lang)
    kind, signed = KIND_OF_UNIT[unit], unit != "ratio"
    if estimate.method == SAME_IN_ALL:
        return say("summary.certain", lang, value=show(kind, estimate.value, lang, signed=signed))
    bounds = {"low": estimate.low, "high": estimate.high}
    return show(kind, estimate.value, lang, signed=signed, **bounds)


def share_of(part: float, whole: float, lang: str, signed: bool = False) -> str:
    """A share in percent, or a dash if there is no whole."""
    return show("percent", part / whole * 100, lang, signed=signed) if whole else NOT_COMPUTED


def comparison_summary(comparison: Comparison, facts: RunFacts, lang: str = "zh") -> str:
    """The whole page as Markdown. Raises UnknownMessage for a language without texts."""
    sections = (
        ("summary.section_effects", _effects(comparison, lang)),
        ("summary.section_leverage", _leverage(comparison, lang)),
        ("summary.section_payers", _payers(comparison, lang)),
        ("summary.section_jobs", _jobs(comparison, lang)),
        ("summary.section_gains", _gains(comparison, lang)),
        ("summary.section_how", _how(comparison, facts, lang)),
    )
    titles = {"policy": facts.policy_title[lang], "against": facts.against_title[lang]}
    lines = [f"# {say('summary.title', lang, **titles)}"]
    for key, body in sections:
        heading = (
            say(key, lang, months=comparison.horizons[-1]) if "gains" in key else say(key, lang)
        )
        lines += ["", f"## {heading}", "", *body]
    return "\n".join(lines) + "\n"


def lead(comparison: Comparison, lang: str) -> str:
    """The effect on consumption in one sentence whose wording follows the grade of evidence."""
    months = comparison.horizons[-1]
    estimate = comparison.effect("household_consumption", months)
    if estimate.method == EXACT:
        return say("summary.lead.zero", lang, months=months)
    grade = comparison.grade("household_consumption")
    unclear = estimate.low <= 0.0 <= estimate.high
    text = figure(estimate, "yuan", lang)
    key = "summary.lead.unclear" if unclear else f"summary.lead.{grade}"
    return say(key, lang, months=months, figure=text)


def _effects(comparison: Comparison, lang: str) -> Iterator[str]:
    """A sentence, and a table: one outcome a line, one horizon a column."""
    if "household_consumption" in comparison.outcomes():
        yield from (lead(comparison, lang), "")
    horizons = [say("summary.effect_horizon", lang, months=h) for h in comparison.horizons]
    head = [say("summary.effect_outcome", lang), *horizons, say("summary.effect_grade", lang)]
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    effects = comparison.effects()
    for outcome in comparison.outcomes():
        cells = [one for one in effects if one.outcome == outcome]
        if outcome in NOT_IN_FIRST_SECTION:
            continue
        figures = [figure(one.estimate, one.unit, lang) for one in cells]
        yield f"| {' | '.join([label('outcome', outcome, lang), *figures, cells[0].grade])} |"


def _leverage(comparison: Comparison, lang: str) -> Iterator[str]:
    ratios = comparison.leverage()

    def line(key: str, name: str, **fields: Any) -> str:
        return "- " + say(key, lang, figure=figure(ratios[name], "ratio", lang), **fields)

    if ratios["window"] is None:
        yield "- " + say("summary.none", lang)
        return
    first, last = comparison.window
    dates = {"first": comparison.months[first], "last": comparison.months[last - 1]}
    yield line("summary.leverage_window", "window", **dates)
    for months in (h for h in HORIZONS if ratios[f"household_{h}m"] is not None):
        yield line("summary.leverage_horizon", f"household_{months}m", months=months)
    yield from _payback(comparison, lang)
    yield line("summary.leverage_value_added", "local_value_added")
    yield line("summary.leverage_return", "fiscal_return")
    if ratios["headline_sales"] is not None:
        yield line("summary.leverage_headline", "headline_sales")


def _payback(comparison: Comparison, lang: str) -> Iterator[str]:
    """What happens to consumption after the money ends, as a share of the gain before."""
    last, whole = comparison.window[1], len(comparison.months)
    before = comparison.effect("household_consumption", last).value
    if last == whole or before <= 0:
        return
    share = comparison.effect("household_consumption", whole, last).value / before
    if abs(share) < SMALLEST_SHARE:
        return
    key = "summary.payback" if share < 0 else "summary.carryover"
    yield "- " + say(key, lang, share=share_of(abs(share), 1, lang))


def _payers(comparison: Comparison, lang: str) -> Iterator[str]:
    paid = comparison.payers()
    for name in PAYERS:
        words = label("payer", name, lang)
        text = figure(paid[name], "yuan", lang)
        yield "- " + say("summary.payer_line", lang, payer=words, figure=text)


def _jobs(comparison: Comparison, lang: str) -> Iterator[str]:
    lines = (("employment", "summary.jobs_line"), ("price_level", "summary.prices_line"))
    for outcome, key in lines:
        if outcome not in comparison.outcomes():
            continue
        for months in comparison.horizons:
            estimate = comparison.effect(outcome, months)
            text = figure(estimate, OUTCOME_RULES[outcome].unit, lang)
            yield "- " + say(key, lang, figure=text, months=months)


def _gains(comparison: Comparison, lang: str) -> Iterator[str]:
    months = comparison.horizons[-1]
    parts = comparison.decomposition(months)
    total = comparison.effect("household_consumption", months).value
    for dim in GAIN_DIMS:
        inside = [part for part in parts if part.dimension == dim]
        if dim == "place":
            inside.sort(key=lambda part: -part.estimate.value)
        if inside:
            yield from (f"### {say(f'summary.gain_{dim}', lang)}", "")
            head = say("summary.gain_head", lang)
            yield f"| {head} |"
            yield "|" + "---|" * (head.count("|") + 1)
            yield from (f"| {_gain(part, total, lang)} |" for part in inside)
            yield ""


def _gain(part: Part, total: float, lang: str) -> str:
    value, heads = part.estimate.value, part.persons
    fields = {
        "label": label(part.dimension, part.label, lang),
        "value": figure(part.estimate, "yuan", lang),
        "share": share_of(value, total, lang),
        "relative": share_of(value, part.baseline, lang, signed=True),
        "per_head": show("money", value / heads, lang, signed=True) if heads else NOT_COMPUTED,
    }
    return say("summary.gain_line", lang, **fields)


def _how(comparison: Comparison, facts: RunFacts, lang: str) -> Iterator[str]:
    first, seeds = comparison.pairs[0], comparison.seeds
    shown = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}…{seeds[-1]}"
    hashes = {"scenario": facts.scenario_hash[:12], "against": facts.against_hash[:12]}
    grades = {grade.lower(): facts.grades.get(grade, 0) for grade in "ABCD"}
    lines = [
        say("summary.command", lang, command=f"`{facts.command}`"),
        say("summary.seeds", lang, seeds=shown, count=len(seeds)),
        say("summary.scale", lang, households=f"{first.households:,}", scale=f"{first.scale:,}"),
        say("summary.hash", lang, **hashes),
        say("summary.residual", lang, fen=comparison.max_residual_fen),
        say("summary.evidence", lang, **grades),
        say(_warning(comparison), lang),
    ]
    if facts.path:
        lines.append(say("summary.files", lang, path=facts.path))
    yield from (f"- {line}" for line in lines)


def _warning(comparison: Comparison) -> str:
    """What the intervals leave out."""
    if len(comparison.seeds) == 1:
        return "summary.quick_warning"
    return "summary.lever_warning" if comparison.drawn else "summary.evidence_warning"


def run_summary(
    totals: dict[str, float], title: str, months: int, seconds: float, lang: str
) -> str:
    """Totals of one run without a comparison, in words."""
    lines = [say("summary.run.title", lang, policy=title, months=months)]
    for outcome, value in totals.items():
        rule = OUTCOME_RULES[outcome]
        key = "summary.run.total_flow" if rule.kind == "flow" else "summary.run.total_mean"
        shown = _total(value, rule.unit, rule.kind, lang)
        named = label("outcome", LEVELS_NAMED.get(outcome, outcome), lang)
        lines.append(f"- {say(key, lang, outcome=named, value=shown)}")
    return (
        "\n".join([*lines, f"- {say('summary.run.took', lang, seconds=f'{seconds:.1f}')}"]) + "\n"
    )


def _total(value: float, unit: str, kind: str, lang: str) -> str:
    """A level in words; an index has its base at 1."""
    return f"{value:.4f}" if kind == "index" else show(KIND_OF_UNIT[unit], value, lang)
