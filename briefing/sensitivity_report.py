"""The figures of one sensitivity analysis in words and charts, for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from briefing import sensitivity_charts as charts
from briefing.canvas import Measure, measure
from briefing.figures import Floats
from briefing.numbers import digits
from briefing.style import save
from briefing.text import has_text, t
from experiments.sweep_factors import LEVER, PARAMETER, POSTERIOR, Factor
from experiments.sweep_outputs import Column

if TYPE_CHECKING:
    from experiments.sensitivity import Index
    from experiments.sweep_analysis import Sensitivity

UNITS: Final = {"yuan": "money", "persons": "persons", "percent": "percent", "ratio": "ratio"}
SHARES: Final = ("S1", "ST", "S2", "median")
SHOWN: Final = {
    "morris": ("mu_star",), "sobol": ("S1", "ST"), "pawn": ("median",), "rbd_fast": ("S1",),
    "one_at_a_time": ("low_end", "high_end"),
}  # fmt: skip
AXES: Final = {"morris": "effect", "pawn": "distance", "one_at_a_time": "change"}
SHORTEST: Final = 8


def factor_name(factor: Factor, lang: str, levers: Mapping[str, str]) -> str:
    """What a factor is called: the words of its parameter, lever or setting, or its name.

    `levers` names the lever of each policy of the scenario.
    """
    if factor.kind == POSTERIOR:
        return t("sweep.posterior", lang)
    if factor.kind == PARAMETER:
        from model.parameters import load_parameters

        return str(getattr(load_parameters().entry(factor.path[0]), lang))
    if factor.kind == LEVER:
        from model.policy.catalogue import load_catalogue

        lever = load_catalogue()[int(factor.path[0])].levers[factor.path[1]]
        return f"{factor.path[0]} {getattr(lever, lang)}"
    key = f"setting.{levers.get(factor.path[0])}.{factor.path[1]}"
    return re.split("[;；（(]", t(key, lang))[0].strip() if has_text(key, lang) else factor.name


def _factor_names(found: Sensitivity, lang: str) -> list[str]:
    levers = {name: policy.lever for name, policy in found.plan.scenario.policies.items()}
    return [factor_name(factor, lang, levers) for factor in found.plan.factors]


def unit_names(found: Sensitivity, lang: str) -> list[str]:
    """Names of groups, as the plan writes them, and of factors."""
    ids = (factor.name for factor in found.plan.factors)
    named = dict(zip(ids, _factor_names(found, lang), strict=True))
    named |= {name: titles[lang] for name, titles in found.plan.group_titles.items()}
    return [named.get(unit, unit) for unit in found.units]


def output_name(column: Column, lang: str) -> str:
    """An outcome in words, with its months."""
    words = t(f"outcome.{column.output.outcome}", lang)
    months = f"{column.output.from_month}–{column.output.to_month}"
    return f"{words}, months {months}" if lang == "en" else f"第 {months} 月{words}"


def chart_unit(column: Column, kind: str) -> str:
    """Unit of an index: shares have none, effects that of the output."""
    return "" if kind in SHARES else UNITS[column.unit]


def summary(found: Sensitivity, lang: str) -> str:
    """The main indices of every whole output, largest first."""
    lines = []
    for number, column in enumerate(found.columns.columns):
        if column.label is None:
            for kind in SHOWN[found.plan.method]:
                lines += [*_table(found, number, column, kind, lang), ""]
    lines += [t(f"sweep.caution.{key}", lang) for key in found.cautions]
    return "\n".join(lines).rstrip()


def _table(found: Sensitivity, number: int, column: Column, kind: str, lang: str) -> list[str]:
    tables = _column(found.indices[kind], number)
    unit = chart_unit(column, kind)
    scale = _measure(unit, tables, lang)
    words = {"output": output_name(column, lang), "unit": scale.unit or "0–1",
             "index": t(f"index.{kind}", lang)}  # fmt: skip
    lines = [t("sweep.table", lang, **words)]
    names = unit_names(found, lang)
    for row in np.argsort(-np.nan_to_num(np.abs(tables[0]), nan=-1.0), kind="stable"):
        value, low, high = (scale.show(float(x[row]), signed=False) for x in tables)
        lines.append("  " + t("sweep.row", lang, unit=names[row], value=value, low=low, high=high))
    return [*lines, "  " + _noise(found, number, lang, "sweep.noise")]


def _measure(unit: str, tables: charts.Figures, lang: str) -> Measure:
    if not unit:
        return Measure(1.0, "", 3)
    return measure(unit, lang, *(table[np.isfinite(table)] for table in tables))


def _noise(found: Sensitivity, number: int, lang: str, key: str) -> str:
    share = found.noise[number]
    if not np.isfinite(share):
        return t("chart.sensitivity.noise_unknown", lang)
    return t(key, lang, share=f"{digits(100 * float(share), 1)}%")


def _column(index: Index, number: int) -> charts.Figures:
    return (index.value[..., number], index.low[..., number], index.high[..., number])


def draw(found: Sensitivity, folder: Path, lang: str, footer: str = "") -> list[Path]:
    """Every chart of every whole output; returns the PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, column in enumerate(found.columns.columns):
        if column.label is None:
            for name, figure in _figures(found, number, column, lang, footer):
                stem = folder / f"{name}_{number + 1}_{column.output.outcome}.{lang}"
                written.append(save(figure, stem)[0])
    return written


def _figures(
    found: Sensitivity, number: int, column: Column, lang: str, footer: str
) -> list[tuple[str, Any]]:
    names, method = unit_names(found, lang), found.plan.method
    output = output_name(column, lang)
    kinds = {kind: _column(found.indices[kind], number) for kind in SHOWN[method]}
    unit = chart_unit(column, next(iter(kinds)))
    axis = t(f"chart.sensitivity.{AXES.get(method, 'share')}", lang)
    noise = _noise(found, number, lang, "chart.sensitivity.noise")
    style = {"lang": lang, "footer": footer}
    drawn: list[tuple[str, Any]] = []
    if not all(np.isfinite(tables[0]).any() for tables in kinds.values()):
        return drawn
    if method == "one_at_a_time":
        title = t("chart.tornado.title", lang, output=output)
        drawn.append(("tornado", charts.tornado(names, kinds, unit, title, **style)))
    else:
        words = {"output": output, "method": t(f"method.{method}", lang)}
        title = t("chart.sensitivity.title", lang, **words)
        bars = charts.index_bars(names, kinds, unit, axis, title, noise, **style)
        drawn.append(("bars", bars))
    if "S2" in found.indices and len(names) > 1:
        title = t("chart.interactions.title", lang, output=output)
        tables = _column(found.indices["S2"], number)
        drawn.append(("interactions", charts.interaction_map(names, tables, title, **style)))
    if method != "morris" and not all(factor.draws for factor in found.plan.factors):
        drawn.append(("responses", _curves(found, number, column, style)))
    if found.convergence:
        drawn.append(("convergence", _convergence(found, number, unit, axis, output, style)))
    return drawn


def _curves(found: Sensitivity, number: int, column: Column, style: dict[str, str]) -> Any:
    from experiments.sweep_analysis import responses

    lang = style["lang"]
    ordered = [k for k, factor in enumerate(found.plan.factors) if not factor.draws]
    tables = responses(found, number)
    bins = tables[0].shape[1]
    usual = found.plan.method == "one_at_a_time"
    position: Floats = np.linspace(0, 1, bins) if usual else (np.arange(bins) + 0.5) / bins
    names = [_factor_names(found, lang)[k] for k in ordered]
    tables = (tables[0][ordered], tables[1][ordered], tables[2][ordered])
    title = t("chart.responses.title", lang, output=output_name(column, lang))
    unit = UNITS[column.unit]
    return charts.response_curves(names, position, tables, unit, title, **style)


def _convergence(
    found: Sensitivity, number: int, unit: str, axis: str, output: str, style: dict[str, str]
) -> Any:
    kind = SHOWN[found.plan.method][-1]
    parts = [(rows, _column(part[kind], number)) for rows, part in found.convergence]
    parts.append((found.used, _column(found.indices[kind], number)))
    tables = tuple(np.array([part[side] for _, part in parts]) for side in range(3))
    lang = style["lang"]
    title = t("chart.convergence.title", lang, output=output)
    return charts.convergence(
        unit_names(found, lang), [rows for rows, _ in parts], tables, unit,  # type: ignore[arg-type]
        axis, title, **style,
    )  # fmt: skip
