"""An optimum in words and charts, for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from briefing import optimise_charts as charts
from briefing.canvas import Measure
from briefing.city_report import city_lines, draw_cities
from briefing.figures import Floats
from briefing.numbers import digits, show
from briefing.style import save
from briefing.text import has_text, t
from experiments.allocation import CAUTIOUS, EXPECTED, aim_of
from experiments.intervals import mean_estimate
from experiments.optimise import BINDING
from experiments.optimise_plan import TOTAL, YI
from experiments.paired import OUTCOME_RULES
from model.policy.catalogue import load_catalogue

if TYPE_CHECKING:
    from experiments.allocation import InfeasibleError
    from experiments.optimise_plan import OptimisePlan
    from experiments.optimum import Marginal, Optimum, Run

UNITS: Final = {"yuan": "money", "persons": "persons"}
MISSED: Final = 0.05
"""A surface that misses by more than this part is pointed out."""


def unit_of(goal: str) -> str:
    """Unit of a goal as charts know it."""
    return UNITS[OUTCOME_RULES[goal].unit]


def measure_name(number: int, lang: str) -> str:
    """Number and title."""
    return f"{number} {getattr(load_catalogue()[number].title, lang)}"


def budget_name(name: str, lang: str) -> str:
    """A level of government, a city, a department or the count of measures."""
    for key in (f"optimise.payer.{name}", f"place.{name}"):
        if has_text(key, lang):
            return t(key, lang)
    return name


def _amount(goal: str, values: Floats, lang: str, signed: bool = True) -> str:
    one = mean_estimate(values)
    return show(unit_of(goal), one.value, lang, low=one.low, high=one.high, signed=signed)


def optimum_text(found: Optimum, lang: str) -> str:
    """The allocation, who pays, what binds, the frontier, and how good the surface was."""
    plan, best, careful = found.plan, found.chosen[EXPECTED], found.chosen[CAUTIOUS]
    goal = t(f"outcome.{plan.goal}", lang)
    value = _amount(plan.goal, best.fresh.goals[plan.goal], lang)
    worlds = len(plan.seeds)
    lines = [
        t("optimise.head", lang, goal=goal, value=value, months=plan.horizon, worlds=worlds),
        t("optimise.columns", lang),
    ]
    both = [intensities(found, one.answer.x) for one in (best, careful)]
    for number, x, y, one in zip(plan.measures, *both, found.marginal, strict=True):
        lines.append(
            t("optimise.row", lang, name=measure_name(number, lang), expected=digits(float(x), 2),
              cautious=digits(float(y), 2), ratio=_ratio(one, plan, lang))
        )  # fmt: skip
    lines += ["", *(city_lines(found, found.cities, lang) if found.cities else [])]
    lines += [_careful(found, lang), "", *_budgets(found, lang), *_binding(found, lang), ""]
    lines += _frontier(found, lang) if found.frontier else []
    error = best.surface_error(plan.goal)
    sign = t("optimise.over" if error > 0 else "optimise.under", lang)
    proven = t("optimise.proven" if best.answer.proven else "optimise.unproven", lang)
    percent = digits(100 * abs(error), 1)
    lines.append(t("optimise.error", lang, sign=sign, percent=percent, proven=proven))
    lines += [t("optimise.surface_missed", lang)] if abs(error) > MISSED else []
    note = "optimise.scale_cities" if found.cities else "optimise.scale"
    return "\n".join([*lines, t(note, lang)])


def intensities(found: Optimum, x: Floats) -> Sequence[float]:
    """Intensities by measure; means over households where they differ by city."""
    own: list[float] = x.tolist() if found.cities is None else found.cities.by_measure(x)
    return own


def _ratio(one: Marginal, plan: OptimisePlan, lang: str) -> str:
    if one.ratio is None:
        return t("optimise.free", lang)
    figures = (one.ratio.value, one.ratio.low, one.ratio.high)
    scale = Measure(1.0, "", 2)
    if unit_of(plan.goal) == "persons":  # jobs for each yi yuan
        figures, scale = (figures[0] * YI, figures[1] * YI, figures[2] * YI), Measure(1.0, "", 0)
    words = scale.full(figures, lang, signed=False)
    ends = {"low": digits(one.low, 2), "high": digits(one.high, 2)}
    return t("optimise.ratio", lang, value=words, **ends)


def _careful(found: Optimum, lang: str) -> str:
    plan, worst = found.plan, found.plan.cautious
    mine, other = (found.chosen[aim].fresh.goals[plan.goal] for aim in (CAUTIOUS, EXPECTED))
    unit = unit_of(plan.goal)
    return t(
        "optimise.careful", lang, share=digits(100 * worst, 0),
        value=show(unit, float(mine.mean()), lang, signed=True),
        worst=show(unit, aim_of(mine, CAUTIOUS, worst), lang, signed=True),
        other=show(unit, aim_of(other, CAUTIOUS, worst), lang, signed=True),
    )  # fmt: skip


def _budgets(found: Optimum, lang: str) -> list[str]:
    return [
        t("optimise.budget_line", lang, name=budget_name(name, lang),
          limit=show("money", most, lang), used=show("money", used, lang))
        for name, (most, used) in found.budgets.items()
    ]  # fmt: skip


def _binding(found: Optimum, lang: str) -> list[str]:
    goal, lines = found.plan.goal, []
    for one in found.binding:
        worth = show(unit_of(goal), one.worth, lang)
        words = {"name": budget_name(one.name, lang), "worth": worth}
        words["goal"] = t(f"outcome.{goal}", lang)
        money = one.name in found.budgets
        more = {} if money else {"most": digits(one.most, 0)}
        kind = "count" if not money else "money" if one.used >= BINDING * one.most else "near"
        lines.append(t(f"optimise.binding_{kind}", lang, **words, **more))
    return lines or [t("optimise.nothing_binding", lang)]


def _frontier(found: Optimum, lang: str) -> list[str]:
    plan, other = found.plan, str(found.plan.frontier_goal)
    names = {"goal": t(f"outcome.{plan.goal}", lang), "other": t(f"outcome.{other}", lang)}
    lines = [t("optimise.frontier_head", lang, **names)]
    for one in found.frontier:
        lines.append(
            t("optimise.frontier_row", lang, first=_amount(plan.goal, one.goals[plan.goal], lang),
              second=_amount(other, one.goals[other], lang), allocation=_allocation(found, one),
              paid=show("money", float(one.paid[TOTAL].mean()), lang))
        )  # fmt: skip
    return [*lines, ""]


def _allocation(found: Optimum, run: Run) -> str:
    used = zip(found.plan.measures, intensities(found, run.x), strict=True)
    return ", ".join(f"{number}: {digits(float(x), 2)}" for number, x in used if x > 0)


def infeasible_text(plan: OptimisePlan, fault: InfeasibleError, lang: str) -> str:
    """Which limits cannot be kept, in one line."""
    parts = [
        t("optimise.excess", lang, name=budget_name(name, lang),
          by=show("money", by, lang) if name in plan.budgets else digits(by, 0))
        for name, by in fault.excess.items()
    ]  # fmt: skip
    return t("optimise.infeasible", lang, plan=plan.title[lang], excess="; ".join(parts) or "—")


def draw_optimum(found: Optimum, folder: Path, lang: str, footer: str) -> list[Path]:
    """Every chart; returns the PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = found.plan
    names = [measure_name(number, lang) for number in plan.measures]
    look = {"lang": lang, "footer": footer}
    x = {
        aim: np.array(intensities(found, found.chosen[aim].answer.x))
        for aim in (EXPECTED, CAUTIOUS)
    }
    title = t("chart.allocation.title", lang, plan=plan.title[lang])
    goal = t(f"outcome.{plan.goal}", lang)
    jobs = unit_of(plan.goal) == "persons"
    unit = t("optimise.jobs_per_yi" if jobs else "axis.ratio", lang)
    ratios = np.array([
        [np.nan] * 3 if one.ratio is None else [one.ratio.value, one.ratio.low, one.ratio.high]
        for one in found.marginal
    ]).T * (YI if jobs else 1.0)  # fmt: skip
    drawn = {
        "allocation": charts.allocation(names, x, title, **look),
        "marginal": charts.marginal(
            names, (ratios[0], ratios[1], ratios[2]), unit,
            t("chart.marginal.title", lang, goal=goal), **look,
        ),
    }  # fmt: skip
    if found.cities:
        drawn["cities"] = draw_cities(found, found.cities, lang, footer)
    if found.frontier:
        other = str(plan.frontier_goal)
        across, up = (_figures(found, name) for name in (other, plan.goal))
        words = (t(f"outcome.{other}", lang), goal)
        title = t("chart.frontier.title", lang, goal=goal, other=words[0])
        units = (unit_of(other), unit_of(plan.goal))
        drawn["frontier"] = charts.frontier(across, up, units, words, title, **look)
    stem = f"{plan.name}.{lang}"
    return [save(figure, folder / f"{name}_{stem}")[0] for name, figure in drawn.items()]


def _figures(found: Optimum, goal: str) -> charts.Figures:
    rows = [mean_estimate(one.goals[goal]) for one in found.frontier]
    table = np.array([(one.value, one.low, one.high) for one in rows]).T
    return table[0], table[1], table[2]
