"""What the synthetic population adds up to, beside the published figures it was fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from model.dimensions import ITEMS, NOT_OWNED, PLACES, RESIDENCES
from model.parameters import Parameters
from model.population import Population
from model.population_family import family_support
from model.population_fit import (
    elders,
    kept_share,
    quintile_means,
    regular_income,
    working_members,
)
from model.population_kernel import COVERED, RETIRED, UNEMPLOYED
from model.population_tables import by_cell

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LABELS = {
    "households": ("家庭户数", "households"),
    "persons": ("家庭户人口", "persons"),
    "urban_share": ("城镇人口占比（收入调查口径）", "urban share of persons (income survey)"),
    "retired_heads": ("户主退休的家庭占比", "households with a retired head"),
    "elderly_share": ("60岁及以上人口占比", "persons of 60 and over"),
    "child_share": ("0-15岁人口占比", "persons of 0 to 15"),
    "employed": ("就业人员", "employed persons"),
    "unemployment": ("失业率（户主）", "unemployment rate of heads"),
    "unemployment_persons": ("失业户主占劳动力", "unemployed heads over the labour force"),
    "employee_pensioners": ("职工养老金领取人数", "employee-scheme pensioners"),
    "resident_pensioners": ("居民养老金领取人数", "resident-scheme pensioners"),
    "employee_pension": ("职工养老金月人均", "mean employee pension"),
    "resident_pension": ("居民养老金月人均", "mean resident pension"),
    "income": ("人均可支配收入", "disposable income a head"),
    "income_place": ("人均可支配收入", "income a head"),
    "quintile": ("五等份收入份额", "share of income fifth"),
    "durables": ("每百户拥有量", "per 100 households"),
    "liquid": ("流动资产/年收入", "liquid wealth over annual income"),
    "committed": ("承诺性存款/年常规收入", "committed deposits over annual regular income"),
    "at_floor": ("参保雇员按最低工资领薪占比", "covered employees at the minimum wage"),
}  # fmt: skip


@dataclass(frozen=True)
class Margin:
    """One figure of the population; `target` and `relative_error` are nan where none is known."""

    name: str
    value: float
    target: float
    unit: str
    grade: str
    relative_error: float
    zh: str
    en: str


class _Sums:
    """Weighted sums over the population."""

    def __init__(self, population: Population, parameters: Parameters) -> None:
        self.rows, self.parameters = population.rows, parameters
        self.weight = population.weight.astype(np.float64)
        benefit = parameters.array("population.unemployment_benefit")
        regular = regular_income(self.rows, benefit, kept_share(parameters))
        cell = self.rows.place.astype(np.int64) * len(RESIDENCES) + self.rows.urban
        regular = regular + family_support(self.rows, cell, self.weight, parameters)
        share = parameters.number("population.property_income_share")
        self.income: FloatArray = regular * (12.0 / (1.0 - share))
        self.found: list[Margin] = []

    def total(self, values: npt.ArrayLike, where: BoolArray | None = None) -> float:
        product = np.asarray(values) * self.weight
        return float(product.sum() if where is None else product[where].sum())

    def ratio(
        self, above: npt.ArrayLike, below: npt.ArrayLike, where: BoolArray | None = None
    ) -> float:
        return self.total(above, where) / self.total(below, where)

    def add(
        self, name: str, value: float, target: float, unit: str, grade: str, suffix: str = ""
    ) -> None:
        error = nan if isnan(target) else value / target - 1.0
        zh, en = (f"{label} {suffix}".strip() for label in LABELS[name])
        full = f"{name}.{suffix}" if suffix else name
        self.found.append(Margin(full, value, target, unit, grade, error, zh, en))


def _people(sums: _Sums) -> None:
    rows, parameters = sums.rows, sums.parameters
    households = by_cell(parameters, "households")
    persons = float((households * by_cell(parameters, "household_size")).sum())
    target = "population.target."
    sums.add("households", sums.weight.sum(), households.sum(), "households", "A")
    sums.add("persons", sums.total(rows.size), persons, "persons", "A")
    urban = sums.total(rows.size, rows.urban == 1) / sums.total(rows.size)
    sums.add("urban_share", urban, parameters.number(target + "urban_weight"), "share", "C")
    retired = sums.total(rows.stage == RETIRED) / sums.weight.sum()
    goal = parameters.number("population.retired_share")
    sums.add("retired_heads", retired, goal, "share", "D")
    for name, members in (("elderly_share", elders(rows)), ("child_share", rows.children)):
        sums.add(
            name, sums.ratio(members, rows.size), parameters.number(target + name), "share", "A"
        )


def _work(sums: _Sums) -> None:
    rows, parameters = sums.rows, sums.parameters
    employed = sums.total(working_members(rows))
    goal = parameters.number("population.target.employed")
    sums.add("employed", employed, goal, "persons", "A")
    jobless = sums.total(rows.stage == UNEMPLOYED)
    goal = parameters.number("population.unemployment_rate")
    heads = sums.total(rows.stage != RETIRED)
    sums.add("unemployment", jobless / heads, goal, "share", "C")
    sums.add("unemployment_persons", jobless / (jobless + employed), nan, "share", "")
    covered = (rows.work_class == COVERED) & (rows.stage != RETIRED)
    floors = parameters.array("population.minimum_wage")
    floors = floors * (1.0 - parameters.number("population.wage_wedge"))
    wage = rows.earnings / np.maximum(rows.earners, 1)
    at_floor = covered & (wage <= floors[rows.place] * (1.0 + 1e-9))
    sums.add("at_floor", sums.total(at_floor) / sums.total(covered), nan, "share", "")


def _pensions(sums: _Sums) -> None:
    rows, parameters = sums.rows, sums.parameters
    counts = parameters.array("population.target.pensioners")
    for scheme, name in enumerate(("employee", "resident"), start=1):
        mine = rows.scheme == scheme
        members = sums.total(rows.pensioners, mine)
        sums.add(f"{name}_pensioners", members, float(counts[scheme - 1]), "persons", "B")
        goal = parameters.number(f"population.{name}_pension")
        mean = sums.total(rows.pension, mine) / members
        sums.add(f"{name}_pension", mean, goal, "yuan/month", "D")


def _incomes(sums: _Sums) -> None:
    rows, parameters = sums.rows, sums.parameters
    goals = parameters.array("population.target.income")
    for residence, name in enumerate(RESIDENCES):
        mine = rows.urban == residence
        mean = sums.ratio(sums.income, rows.size, mine)
        sums.add("income", mean, float(goals[residence]), "yuan/year", "B", name)
    mean = sums.ratio(sums.income, rows.size)
    sums.add("income", mean, float(goals[2]), "yuan/year", "B", "all")
    persons = by_cell(parameters, "households") * by_cell(parameters, "household_size")
    income = (persons * by_cell(parameters, "income")).reshape(-1, 2).sum(axis=1)
    income /= persons.reshape(-1, 2).sum(axis=1)
    for place, name in enumerate(PLACES):
        mean = sums.ratio(sums.income, rows.size, rows.place == place)
        sums.add("income_place", mean, float(income[place]), "yuan/year", "D", name)


def _distribution(sums: _Sums) -> None:
    rows, parameters = sums.rows, sums.parameters
    for residence, name in enumerate(RESIDENCES):
        mine = rows.urban == residence
        head = sums.income[mine] / rows.size[mine]
        means, _ = quintile_means(head, rows.size[mine], sums.weight[mine])
        goal = parameters.array(f"population.target.quintiles.{name}")
        for group, (value, wanted) in enumerate(
            zip(means / means.sum(), goal / goal.sum(), strict=True), start=1
        ):
            sums.add("quintile", float(value), float(wanted), "share", "B", f"{name} {group}")


def _balances(sums: _Sums) -> None:
    rows, parameters = sums.rows, sums.parameters
    for item, name in enumerate(ITEMS):
        owned = sums.total(rows.durable[item] != NOT_OWNED) / sums.weight.sum()
        sums.add("durables", 100.0 * owned, nan, "units", "D", name)
    sums.add("liquid", sums.ratio(rows.liquid / 100.0, sums.income), nan, "years", "D")
    regular = 12.0 * (rows.earnings + rows.pension)
    goal = parameters.number("population.committed_income_ratio")
    sums.add("committed", sums.ratio(rows.committed / 100.0, regular), goal, "years", "D")


def margins(population: Population, parameters: Parameters) -> list[Margin]:
    """Totals, shares and means of the population beside their targets.

    Income includes the property income that the model pays on balances, at the assumed share.
    Income fifths are five equal groups of households ordered by income a head; their shares are
    those of the group means. Errors: none beyond missing parameters.
    """
    sums = _Sums(population, parameters)
    for part in (_people, _work, _pensions, _incomes, _distribution, _balances):
        part(sums)
    return sums.found


def _number(value: float) -> str:
    if isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def print_margins(found: list[Margin], lang: str = "zh", console: Console | None = None) -> None:
    """Print the margins as a table, `lang` zh or en."""
    headings = {
        "zh": ("指标", "模型", "目标", "单位", "误差", "等级"),
        "en": ("margin", "model", "target", "unit", "error", "grade"),
    }[lang]
    table = Table(*headings)
    for margin in found:
        error = "-" if isnan(margin.relative_error) else f"{100 * margin.relative_error:+.2f}%"
        label = margin.zh if lang == "zh" else margin.en
        table.add_row(
            label, _number(margin.value), _number(margin.target), margin.unit, error, margin.grade
        )
    (console or Console()).print(table)
