"""Rolling-origin backcast of national appliance sales through the trade-in of 2024-25.

The model's households (of Liaoning) meet the national rules; the extra sales of appliances by
month, from pairs of runs with one seed, are added to the underlying growth of the published series.
A forecast knows the programmes announced by its origin. Published are sales of larger retailers,
the only ones where the subsidy is paid, so the published rise also holds what they took from
smaller ones; the model's is of all sales.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration import forecasting as fc
from calibration.backcast import Period, values
from model.dimensions import CATEGORIES
from model.economy import Economy
from model.policy.quantities import month_number
from model.scenario import Scenario, load_scenario
from model.scenario_sources import scenario_folder

Floats = npt.NDArray[np.float64]
PROGRAMMES: Final = ("trade_in_2024", "trade_in_2025")
BENCHMARKS: Final = ("no_change", "same_growth", "trend", "ar1", "ar_p")
METHODS: Final = ("model", *BENCHMARKS)
LATEST: Final = 10**6  # after every month
FEWEST: Final = 4  # observations before the first origin


def scenario(scale: int) -> Scenario:
    """The rules of 2024 and 2025 over 24 months from 2024-01."""
    return load_scenario(scenario_folder() / "history" / "trade_in_2024.yaml").changed(scale=scale)


@dataclass(frozen=True)
class Effect:
    """Appliance sales with the programmes over sales without, by month of the run.

    `by_known` [number of programmes known] each float64 [month], ratio.
    """

    start: int
    by_known: tuple[Floats, ...]

    def ratio(self, period: Period, known: int) -> float:
        """Mean over the months of a period; 1 before the run starts."""
        first = period.year * 12 + period.first - 1 - self.start
        rows = [first + month for month in range(period.last - period.first + 1)]
        series = self.by_known[known]
        return float(np.mean([series[row] if row >= 0 else 1.0 for row in rows]))

    def growth(self, period: Period, known: int) -> float:
        """Growth over a year earlier beyond undisturbed growth, per cent."""
        before = Period(period.year - 1, period.first, period.last)
        return 100.0 * (self.ratio(period, known) / self.ratio(before, known) - 1.0)


def measure(scale: int, seeds: Sequence[int]) -> Effect:
    """Effect from the summed sales of all seeds; two or three runs a seed."""
    base, column = scenario(scale), CATEGORIES.index("appliances")
    total = np.zeros((len(PROGRAMMES) + 1, base.months))
    for seed in seeds:
        for known in range(len(PROGRAMMES) + 1):
            run = Economy(base.with_policies(PROGRAMMES[:known]), seed, threads=1).run()
            total[known] += run["consumption"].by("month", "category").values[:, column]
    return Effect(month_number(base.start), tuple(total / total[0]))


def published() -> list[tuple[Period, float]]:
    """Growth of national appliance sales, per cent, in order of time."""
    found = [(Period.parse(text), float(rate)) for text, rate in values("appliance_growth").items()]
    return sorted(found, key=lambda one: (one[0].year, one[0].last))


def phases(effect: Effect) -> list[dict[str, Any]]:
    """Mean growth, per cent, beyond that before the announcement: published and model, by phase.

    Phases: announced but not paid, first programme, second programme, all of them. Months that are
    published together count as many as they are.
    """
    announced = month_number(values("announcements")[PROGRAMMES[0]])
    policies = scenario(1).policies
    starts = [month_number(policies[name].plain()["start"]) for name in PROGRAMMES]
    bounds = {"waiting": (announced + 1, starts[0]), "first": (starts[0], starts[1]),
              "second": (starts[1], LATEST), "together": (announced + 1, LATEST)}  # fmt: skip
    before = _means(effect, 0, announced + 1)
    rows = []
    for name, (first, last) in bounds.items():
        found = _means(effect, first, last) - before
        rows.append({"phase": name, "published": float(found[0]), "model": float(found[1])})
    return rows


def _means(effect: Effect, first: int, last: int) -> Floats:
    """Published growth and the model's over months first..last-1."""
    known = len(PROGRAMMES)
    rows = [
        (rate, effect.growth(period, known))
        for period, rate in published()
        for month in range(period.first, period.last + 1)
        if first <= period.year * 12 + month - 1 < last
    ]
    return np.asarray(np.mean(rows, axis=0))


def known_at(period: Period) -> int:
    """Programmes announced by the last month of a period."""
    last = period.year * 12 + period.last - 1
    announced = values("announcements")
    return sum(month_number(announced[name]) <= last for name in PROGRAMMES)


@dataclass(frozen=True)
class Forecast:
    """One target at one origin, per cent."""

    period: Period
    origin: Period
    actual: float
    said: Mapping[str, float]

    def error(self, method: str) -> float:
        """Actual less forecast."""
        return self.actual - self.said[method]


def forecasts(effect: Effect, horizon: int = 1) -> list[Forecast]:
    """Every target that has at least FEWEST observations up to its origin."""
    series = published()
    return [
        _forecast(effect, series[: at - horizon + 1], series[at], horizon)
        for at in range(FEWEST + horizon - 1, len(series))
    ]


def _forecast(
    effect: Effect, past: Sequence[tuple[Period, float]], target: tuple[Period, float], horizon: int
) -> Forecast:
    window = int(values("windows")["monthly"])
    rates, origin = [rate for _, rate in past], past[-1][0]
    said = {name: rule(rates, horizon) for name, rule in fc.BENCHMARKS.items()}
    said["trend"] = fc.mean_growth(rates, window)
    known = known_at(origin)
    explained = [effect.growth(period, known) for period, _ in past]
    ahead = effect.growth(target[0], known)
    said["model"] = fc.with_model(rates, explained, ahead, window)
    return Forecast(target[0], origin, target[1], said)


def score(found: Sequence[Forecast], horizon: int) -> list[dict[str, Any]]:
    """Errors of every method; the model against each benchmark."""
    errors = {m: np.array([one.error(m) for one in found]) for m in METHODS}
    return fc.scores(errors, ("model",), BENCHMARKS, horizon)
