"""What the model is held against without having been fitted to it, as plain data.

`backcasts` compares forecasts with published figures; `posterior_predictive` asks whether held-out
figures look like draws of the fitted model. Robustness of effects: `experiments/robustness.py`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from calibration import backcast, trade_in_backcast
from calibration.backcast import FIRST, LAST, Paths, year_of
from model.economy import Economy

Floats = npt.NDArray[np.float64]
Tell = Callable[[str], None]
TAILS: Final = (0.05, 0.95)
HORIZONS: Final = (1, 3, 6)


# --- backcasts ------------------------------------------------------------------------------------


def backcasts(scale: int, seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Run-up fit, retail forecasts by horizon, and the trade-in path."""
    runs = []
    for seed in seeds:
        tell(f"run_up {seed}")
        runs.append(backcast.run_seed(scale, seed))
    tell("trade_in")
    return {
        "scale": scale,
        "seeds": list(seeds),
        "run_up": backcast.run_up_fit(runs),
        "levels": backcast.scaled_levels(runs),
        "retail": {
            "one_year": _retail(runs, 1, True),
            "two_years": _retail(runs, 2, True),
            "parts_of_years": _retail(runs, 1, False),
            "strength": backcast.strength_rows(scale, seeds[: len(seeds) // 2 or 1]),
        },
        "trade_in": _trade_in(scale, seeds),
    }


def _retail(runs: Sequence[backcast.Backcast], horizon: int, whole: bool) -> dict[str, Any]:
    found = backcast.forecasts(runs, horizon, whole)
    rows = [
        {"period": str(one.period), "origin": str(one.origin), "actual": one.actual,
         "grade": one.grade, "said": dict(one.said)}
        for one in found
    ]  # fmt: skip
    return {"forecasts": rows, "scores": backcast.score(found, horizon)}


def _trade_in(scale: int, seeds: Sequence[int]) -> dict[str, Any]:
    effect = trade_in_backcast.measure(scale, seeds)
    result: dict[str, Any] = {
        "effect": [
            {"period": str(period), "actual": rate,
             "model": effect.growth(period, len(trade_in_backcast.PROGRAMMES))}
            for period, rate in trade_in_backcast.published()
        ]
    }  # fmt: skip
    result["phases"] = trade_in_backcast.phases(effect)
    for horizon in HORIZONS:
        found = trade_in_backcast.forecasts(effect, horizon)
        result[f"ahead_{horizon}"] = {
            "forecasts": [
                {"period": str(one.period), "origin": str(one.origin), "actual": one.actual,
                 "said": dict(one.said)}
                for one in found
            ],
            "scores": trade_in_backcast.score(found, horizon),
        }  # fmt: skip
    return result


# --- posterior predictive -------------------------------------------------------------------------


class Posterior(Protocol):
    """What `calibration.posterior.load_posterior` returns."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the parameters."""

    @property
    def draws(self) -> Floats:
        """Equally likely draws [draw, parameter]."""

    def values(self, index: int) -> dict[str, Any]:
        """One draw as the `parameters:` of a scenario."""


@dataclass(frozen=True)
class HeldOut:
    """A published figure no parameter was fitted to.

    `measure` reads it from the run-up with all conditions known; `deviation` is the standard error
    of the published figure in its own unit.
    """

    name: str
    value: float
    deviation: float
    unit: str
    source: str
    grade: str
    measure: Callable[[Paths], float]


def available_posterior() -> Posterior | None:
    """The committed posterior, or None if this version has none."""
    if importlib.util.find_spec("calibration.posterior") is None:
        return None
    try:
        loaded: Posterior = importlib.import_module("calibration.posterior").load_posterior()
    except FileNotFoundError:
        return None
    return loaded


def growth_of(series: str, year: int) -> Callable[[Paths], float]:
    """Growth of a series in a year, per cent."""

    def measured(paths: Paths) -> float:
        now, then = paths.of(series, year_of(year)), paths.of(series, year_of(year - 1))
        return 100.0 * (now / then - 1.0)

    return measured


def run_up_moments() -> list[HeldOut]:
    """Growth of retail sales, 2020-24, and of consumption a head, 2020-22.

    Standard errors by grade (`validation_data.yaml`): a rate recalled or derived is less certain.
    """
    errors = backcast.values("error_by_grade")
    retail = [o for o in backcast.published_retail() if o.period.whole_year]
    found = [
        HeldOut(f"retail_sales {o.period}", o.growth, float(errors[o.grade]), "%",
                "calibration/data/retail_monthly.csv", o.grade,
                growth_of("retail_sales", o.period.year))
        for o in retail if o.period.year > FIRST
    ]  # fmt: skip
    spent = backcast.growth(backcast.published_series("人均消费支出"))
    return found + [
        HeldOut(f"consumption {year}", rate, float(errors["B"]), "%",
                "calibration/data/province_macro.csv", "B", growth_of("consumption", year))
        for year, rate in spent.items() if FIRST < year <= LAST
    ]  # fmt: skip


def posterior_predictive(
    posterior: Posterior, held_out: Sequence[HeldOut], draws: int = 40, scale: int = 4000,
    first_seed: int = 1, tell: Tell = lambda _: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Where each held-out figure lies in the predictions of the posterior.

    `draws` evenly spaced draws, each with a seed of its own (parameters and chance together), plus
    the published figure's error. `tail` is the two-sided posterior predictive p value; `inside`
    whether the figure lies in the 90 % predictive interval. Raises ValueError without draws.
    """
    count = len(posterior.draws)
    if count == 0:
        raise ValueError("the posterior has no draws")
    chosen = np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))
    predicted = np.empty((len(chosen), len(held_out)))
    for row, index in enumerate(chosen.tolist()):
        tell(f"draw {row + 1}/{len(chosen)}")
        paths = _run(posterior.values(index), scale, first_seed + row)
        predicted[row] = [one.measure(paths) for one in held_out]
    noise = np.random.default_rng(first_seed).standard_normal(predicted.shape)
    predicted += noise * np.array([one.deviation for one in held_out])
    return [_verdict(one, predicted[:, at]) for at, one in enumerate(held_out)]


def _run(parameters: Mapping[str, Any], scale: int, seed: int) -> Paths:
    scenario = backcast.run_up(LAST * 100 + 12, scale)
    changed = scenario.changed(parameters={**scenario.parameters, **parameters})
    return backcast.paths_of(Economy(changed, seed, lean=True, threads=1).run())


def _verdict(one: HeldOut, predicted: Floats) -> dict[str, Any]:
    low, high = (float(np.quantile(predicted, share)) for share in TAILS)
    below = float((predicted < one.value).mean())
    return {
        "name": one.name, "actual": one.value, "unit": one.unit, "grade": one.grade,
        "mean": float(predicted.mean()), "low": low, "high": high,
        "inside": low <= one.value <= high, "tail": 2.0 * min(below, 1.0 - below),
        "draws": len(predicted),
    }  # fmt: skip
