"""Estimates car replacement on studies of a two-month scrappage subsidy and on the cycle.

Least squares over the moments of `car_replacement.yaml`, with the range of each parameter as a
prior: normal in logs (in levels where the range begins at zero), one standard deviation to either
end, cut there. Owners only, who can always pay. Run as `python -m calibration.car_replacement`; the
rounded estimate is what model/parameters/durables.yaml holds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from scipy.optimize import least_squares

from model.dimensions import ITEMS
from model.parameters import Parameters, load_parameters
from model.solvers.durable_problem import FloatArray, unit_history
from model.solvers.durables import CLASSES, SubsidySchedule, base_year, replacement_tables

CAR = ITEMS.index("car")
WORD = 4294967296.0
YEAR = 12


@dataclass(frozen=True)
class Estimation:
    """What is estimated on what: the content of `car_replacement.yaml`."""

    programme: dict[str, Any]
    parameters: list[str]
    moments: dict[str, dict[str, Any]]


def load_estimation() -> Estimation:
    """The shipped moments."""
    text = resources.files("calibration").joinpath("car_replacement.yaml").read_text("utf-8")
    return Estimation(**YAML(typ="safe").load(text))


def _path(
    states: FloatArray, odds: FloatArray, need: FloatArray, months: int
) -> FloatArray:  # fmt: skip
    """Cars bought [month] by owners [age, clock] under `odds` [month, age, clock]."""
    bought = np.empty(months)
    for month in range(months):
        sold = states * odds[month]
        kept = states - sold
        bought[month] = sold.sum()
        moved = np.zeros_like(kept)
        moved[:, 0], moved[:, 1] = kept[:, 0] * (1.0 - need), kept[:, 0] * need
        moved[:, 2:] = kept[:, 1:-1]
        moved[:, -1] += kept[:, -1]
        states = np.zeros_like(moved)
        states[1:] = moved[:-1]
        states[-1] += moved[-1]
        states[1, 0] += bought[month]
    return bought


def simulated(parameters: Parameters, estimation: Estimation) -> dict[str, float]:
    """The moments as the model has them, before households short of money are allowed for."""
    plan = estimation.programme
    start, length = int(plan["start"]), int(plan["months"])
    last = start + length + max(int(m.get("months", 0)) for m in estimation.moments.values())
    share = np.zeros((len(ITEMS), CLASSES))
    share[CAR] = plan["share"]
    window = SubsidySchedule(start, start, start + length, share, True)
    tables = replacement_tables(parameters, [window], last, int(plan["january"]))
    problem = base_year(parameters).items[CAR].problem
    states, flow = unit_history(base_year(parameters).odds[CAR], problem.need)
    month = int(tables.baseline[start])
    rows = tables.index[start:], tables.baseline[start:]
    found = {"cycle": float(1.0 / flow.mean() / YEAR)}
    for name, first in (("all", 0), ("old", int(plan["old_months"]))):
        owners = states[month].copy()
        owners[:first] = 0.0
        treated, without = (
            _path(owners, tables.purchase[r, CAR, 0] / WORD, problem.need, last - start)
            for r in rows
        )
        extra = treated - without
        if name == "all":
            found["inframarginal"] = float(without[:length].sum() / treated[:length].sum())
        until = length + int(estimation.moments[f"reversed_{name}"]["months"])
        found[f"reversed_{name}"] = float(-extra[length:until].sum() / extra[:length].sum())
    return found


class _Scale:
    """Parameters on the scale of their priors: centre and standard deviation of each."""

    def __init__(self, parameters: Parameters, names: list[str]) -> None:
        self.names = [f"durables.{name}.cars" for name in names]
        ends = [(parameters.entry(name).low, parameters.entry(name).high) for name in self.names]
        self.low, self.high = (np.array([end[k] for end in ends], dtype=float) for k in (0, 1))
        self.level = self.low <= 0.0
        self.centre = (self.to(self.low) + self.to(self.high)) / 2.0
        self.deviation = (self.to(self.high) - self.to(self.low)) / 2.0

    def to(self, values: FloatArray) -> FloatArray:
        logs = np.log(np.where(self.level, 1.0, values))
        return np.where(self.level, values, logs)

    def values(self, point: FloatArray) -> dict[str, float]:
        found = np.where(self.level, point, np.exp(np.where(self.level, 0.0, point)))
        return dict(zip(self.names, found.tolist(), strict=True))


def misfit(parameters: Parameters, estimation: Estimation) -> FloatArray:
    """Each moment's distance from its target and each parameter's from its prior, in errors."""
    found = simulated(parameters, estimation)
    moments = [
        (found[name] + one["short_of_money"] - one["target"]) / one["error"]
        for name, one in estimation.moments.items()
    ]
    scale = _Scale(parameters, estimation.parameters)
    values = np.array([parameters.number(name) for name in scale.names])
    return np.concatenate([moments, (scale.to(values) - scale.centre) / scale.deviation])


def estimate(parameters: Parameters, estimation: Estimation) -> dict[str, float]:
    """Values of the car parameters that fit best, by name; starts at the centre of the priors."""
    scale = _Scale(parameters, estimation.parameters)

    def residual(point: FloatArray) -> FloatArray:
        return misfit(parameters.with_values(scale.values(point)), estimation)

    ends = scale.to(scale.low), scale.to(scale.high)
    found = least_squares(residual, scale.centre, bounds=ends, diff_step=1e-3, xtol=1e-6)
    return scale.values(found.x)


def report(parameters: Parameters) -> str:
    """Estimates and moments in plain text."""
    estimation = load_estimation()
    best = estimate(parameters, estimation)
    found = simulated(parameters.with_values(best), estimation)
    lines = [f"{name:38s} {value:.4g}" for name, value in best.items()]
    lines += [
        f"{name:38s} {found[name] + one['short_of_money']:.3f}  target {one['target']}"
        for name, one in estimation.moments.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report(load_parameters()) + "\n")
