"""Rolling-origin backcast of Liaoning's retail sales, 2020-2024.

At origin T (end of a year) a forecast may use published growth up to T and

- `conditional`: the model run with restrictions, visitors and outside demand of the target period
  as inputs. This is no forecast anybody could have made; it asks whether the reactions are right.
- `unconditional`: the same inputs up to T only; afterwards they fade.

Parameters, population and levels of the model are those of 2023-24 in both, so no version is free
of later information. What the model adds is the deviation from its own undisturbed growth, from a
pair of runs with one seed; underlying growth comes from data up to T (`forecasting.with_model`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from calibration import forecasting as fc
from model.economy import Economy
from model.outcome import Outcome
from model.parameters import load_parameters
from model.scenario import Scenario, load_scenario
from model.scenario_sources import scenario_folder

Floats = npt.NDArray[np.float64]
FIRST, LAST = 2019, 2024
RETAIL: Final = "社会消费品零售总额"
REGION: Final = "辽宁省"
PERIOD: Final = re.compile(r"(\d{4})-(\d\d)(?:\.\.(\d\d))?")
MODELS: Final = ("conditional", "unconditional")
BENCHMARKS: Final = ("no_change", "same_growth", "trend", "ar1", "ar_p")
METHODS: Final = (*MODELS, *BENCHMARKS)
SERIES: Final = ("retail_sales", "consumption", "income")


@lru_cache(maxsize=1)
def settings() -> dict[str, Any]:
    """The entries of validation_data.yaml by name."""
    text = resources.files("calibration").joinpath("validation_data.yaml").read_text("utf-8")
    return dict(YAML(typ="safe", pure=True).load(text))


def values(name: str) -> Any:
    """Values of one entry of validation_data.yaml."""
    return settings()[name]["values"]


# --- published figures ----------------------------------------------------------------------------


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files("calibration").joinpath("data", file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@dataclass(frozen=True)
class Period:
    """Months `first`..`last` (1..12) of a year."""

    year: int
    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """From "2023-01..04" or "2023-04". Raises ValueError for anything else."""
        found = PERIOD.fullmatch(text)
        if found is None:
            raise ValueError(f"no period: {text!r}")
        first = int(found[2])
        return cls(int(found[1]), first, int(found[3] or first))

    @property
    def whole_year(self) -> bool:
        """Whether it is January to December."""
        return (self.first, self.last) == (1, 12)

    def __str__(self) -> str:
        if self.whole_year:
            return str(self.year)
        months = f"{self.first:02d}" + ("" if self.first == self.last else f"..{self.last:02d}")
        return f"{self.year}-{months}"


@dataclass(frozen=True)
class Observed:
    """Published growth over the same period a year earlier, per cent."""

    period: Period
    growth: float
    grade: str


def published_retail() -> list[Observed]:
    """Growth of Liaoning's retail sales by period: rates as published, else from two levels."""
    rows = [
        r for r in _rows("retail_monthly.csv") if (r["region"], r["category"]) == (REGION, RETAIL)
    ]
    found = {
        r["period"]: Observed(Period.parse(r["period"]), float(r["value"]), r["grade"])
        for r in rows if r["measure"] == "yoy"
    }  # fmt: skip
    levels = {r["period"]: (float(r["value"]), r["grade"]) for r in rows if r["measure"] == "level"}
    for text, (level, grade) in levels.items():
        period = Period.parse(text)
        before = levels.get(text.replace(str(period.year), str(period.year - 1), 1))
        if text not in found and before is not None:
            worse = max(grade, before[1])
            found[text] = Observed(period, 100.0 * (level / before[0] - 1.0), worse)
    return sorted(found.values(), key=lambda one: (one.period.year, one.period.last))


def published_series(indicator: str) -> dict[int, float]:
    """Yearly level of one row of province_macro.csv for the whole province."""
    return {
        int(row["year"]): float(row["value"])
        for row in _rows("province_macro.csv")
        if (row["region"], row["indicator"], row["breakdown"]) == (REGION, indicator, "全体")
        and row["value"]
    }


# --- runs of the model ----------------------------------------------------------------------------


def run_up(known_to: int, scale: int, strength: float = 1.0) -> Scenario:
    """The run-up that knows conditions up to YYYYMM (0: none at all).

    `strength` multiplies the restrictions (for the sensitivity of what is found to them).
    """
    base = load_scenario(scenario_folder() / "history" / "run_up_2019.yaml")
    changed: dict[str, Any] = {"history.known_to": known_to}
    if strength != 1.0:
        closure = load_parameters()["history.closure"]
        changed["history.closure"] = {
            year: [min(1.0, strength * share) for share in shares]
            for year, shares in closure.items()
        }
    return base.changed(scale=scale, parameters=changed)


@dataclass(frozen=True)
class Paths:
    """Monthly totals of one run [year, 12] by series, yuan."""

    monthly: Mapping[str, Floats]

    def of(self, series: str, period: Period) -> float:
        """Total of a period."""
        months = self.monthly[series][period.year - FIRST]
        return float(months[period.first - 1 : period.last].sum())


def paths_of(outcome: Outcome) -> Paths:
    """The series of a run that starts in January of FIRST."""
    return Paths(
        {
            name: np.asarray(outcome[name].by("month").values, float).reshape(-1, 12)
            for name in SERIES
        }
    )


@dataclass(frozen=True)
class Backcast:
    """Runs of one seed: undisturbed, and by the year up to which conditions are known."""

    plain: Paths
    known: Mapping[int, Paths]

    def ratio(self, series: str, period: Period, known: int) -> float:
        """Disturbed over undisturbed."""
        return self.known[known].of(series, period) / self.plain.of(series, period)

    def deviation(self, series: str, period: Period, known: int) -> float:
        """Growth over a year earlier beyond undisturbed growth, per cent; 0 in the first year."""
        if period.year <= FIRST:
            return 0.0
        before = Period(period.year - 1, period.first, period.last)
        now, then = self.ratio(series, period, known), self.ratio(series, before, known)
        return 100.0 * (now / then - 1.0)


def run_seed(scale: int, seed: int) -> Backcast:
    """All runs that one seed needs: none, and conditions known up to December of 2019..2024."""

    def run(known_to: int) -> Paths:
        return paths_of(Economy(run_up(known_to, scale), seed, lean=True, threads=1).run())

    known = {year: run(year * 100 + 12) for year in range(FIRST + 1, LAST + 1)}
    plain = run(0)
    return Backcast(plain, {FIRST: plain, **known})


# --- forecasts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forecast:
    """One target at one origin: what happened and what each method said, per cent."""

    period: Period
    origin: int
    actual: float
    grade: str
    said: Mapping[str, float]

    def error(self, method: str) -> float:
        """Actual less forecast."""
        return self.actual - self.said[method]


def year_of(year: int) -> Period:
    """A whole year."""
    return Period(year, 1, 12)


def annual_growth() -> dict[int, float]:
    """Published growth by year, before 2019 on the basis of the time."""
    earlier = {int(year): float(rate) for year, rate in values("retail_growth_before").items()}
    return earlier | {o.period.year: o.growth for o in published_retail() if o.period.whole_year}


def forecast(target: Observed, origin: int, runs: Sequence[Backcast]) -> Forecast:
    """Every method's forecast of one target from data up to December of `origin`."""
    window = int(values("windows")["annual"])
    years = [year for year in sorted(annual_growth()) if year <= origin]
    past = [annual_growth()[year] for year in years]
    horizon = target.period.year - origin
    said = {name: rule(past, horizon) for name, rule in fc.BENCHMARKS.items()}
    said["trend"] = fc.mean_growth(past, window)
    for method, known in (("conditional", LAST), ("unconditional", origin)):
        model_past = [_mean_deviation(runs, year_of(year), known) for year in years]
        ahead = _mean_deviation(runs, target.period, known)
        said[method] = fc.with_model(past, model_past, ahead, window)
    return Forecast(target.period, origin, target.growth, target.grade, said)


def _mean_deviation(runs: Sequence[Backcast], period: Period, known: int) -> float:
    return float(np.mean([run.deviation("retail_sales", period, known) for run in runs]))


def forecasts(
    runs: Sequence[Backcast], horizon: int = 1, whole_years: bool = True
) -> list[Forecast]:
    """All targets whose origin lies `horizon` years before; parts of years if not `whole_years`."""
    targets = [o for o in published_retail() if o.period.whole_year == whole_years]
    return [
        forecast(target, target.period.year - horizon, runs)
        for target in targets
        if target.period.year - horizon >= FIRST
    ]


def score(found: Sequence[Forecast], horizon: int = 1) -> list[dict[str, Any]]:
    """Errors of every method, and each model version against each benchmark."""
    errors = {m: np.array([one.error(m) for one in found]) for m in METHODS}
    return fc.scores(errors, MODELS, BENCHMARKS, horizon)


def strength_rows(scale: int, seeds: Sequence[int]) -> list[dict[str, float]]:
    """Error of conditional forecasts of whole years if restrictions were stronger or weaker."""
    found = []
    for strength in values("strengths"):
        runs = []
        for seed in seeds:
            plain, known = (
                paths_of(Economy(run_up(to, scale, strength), seed, lean=True, threads=1).run())
                for to in (0, LAST * 100 + 12)
            )
            runs.append(Backcast(plain, dict.fromkeys(range(FIRST, LAST + 1), known)))
        errors = np.array([one.error("conditional") for one in forecasts(runs)])
        found.append({"strength": float(strength), "rmse": fc.root_mean_square(errors),
                      "bias": float(errors.mean())})  # fmt: skip
    return found


def run_up_fit(runs: Sequence[Backcast]) -> list[dict[str, Any]]:
    """Growth by year, model with all conditions and published: retail, consumption, income a head.

    Undisturbed growth of the model is `consumption.growth`, not fitted to these years; a head is a
    constant number of persons in the model.
    """
    published = {
        "retail_sales": annual_growth(),
        "consumption": growth(published_series("人均消费支出")),
        "income": growth(published_series("人均可支配收入")),
    }
    rows = []
    for series, actual in published.items():
        for year in range(FIRST + 1, LAST + 1):
            ratios = [
                r.known[LAST].of(series, year_of(year))
                / r.known[LAST].of(series, year_of(year - 1))
                for r in runs
            ]
            model = 100.0 * (float(np.mean(ratios)) - 1.0)
            rows.append(
                {"series": series, "year": year, "model": model, "actual": actual.get(year)}
            )
    return rows


def growth(levels: Mapping[int, float]) -> dict[int, float]:
    """Growth by year, per cent."""
    return {
        year: 100.0 * (level / levels[year - 1] - 1.0)
        for year, level in levels.items() if year - 1 in levels
    }  # fmt: skip


def scaled_levels(runs: Sequence[Backcast]) -> list[dict[str, Any]]:
    """Retail sales by year, yi yuan: published, and the model's scaled to the published 2019."""
    rows = _rows("retail_monthly.csv")
    level = {
        int(r["year"]): float(r["value"])
        for r in rows
        if (r["region"], r["category"], r["measure"]) == (REGION, RETAIL, "level")
        and Period.parse(r["period"]).whole_year
    }
    path = {
        year: float(np.mean([r.known[LAST].of("retail_sales", year_of(year)) for r in runs]))
        for year in range(FIRST, LAST + 1)
    }
    factor = level[FIRST] / path[FIRST]
    return [{"year": y, "actual": level.get(y), "model": path[y] * factor} for y in path]
