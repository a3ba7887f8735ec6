"""What `tizhen optimise` finds, and its figures for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.allocation import CAUTIOUS, EXPECTED, Answer, aim_of
from experiments.city_findings import CityFindings, allocation_by_city, cities_document
from experiments.intervals import Estimate, mean_estimate
from experiments.optimise_plan import TOTAL, OptimisePlan
from experiments.paired import Floats


@dataclass(frozen=True)
class Run:
    """Intensities run on the model: goal and payments by budget, each [world]."""

    x: Floats
    goals: Mapping[str, Floats]
    paid: Mapping[str, Floats]


@dataclass(frozen=True)
class Chosen:
    """An answer with what the model says of it, in the worlds it was chosen for and in new ones."""

    aim: str
    answer: Answer
    same: Run
    fresh: Run

    def surface_error(self, goal: str) -> float:
        """Surface over model in the same worlds, as a part of the model's figure."""
        real = float(self.same.goals[goal].mean())
        return float(self.answer.goal.mean()) / real - 1.0 if real else float("nan")


@dataclass(frozen=True)
class Marginal:
    """What the last or next yi yuan of a measure does: goal per yuan; None if it costs nothing."""

    measure: int
    low: float
    high: float
    gain: Estimate
    cost: Estimate
    ratio: Estimate | None


@dataclass(frozen=True)
class Binding:
    """A limit that is reached, and what one unit more of it would add to the goal."""

    name: str
    most: float
    used: float
    worth: float


@dataclass(frozen=True)
class Optimum:
    """Everything `tizhen optimise` finds; `cities` only where intensities differ by city."""

    plan: OptimisePlan
    chosen: Mapping[str, Chosen]
    budgets: Mapping[str, tuple[float, float]]
    binding: tuple[Binding, ...]
    marginal: tuple[Marginal, ...]
    frontier: tuple[Run, ...]
    cities: CityFindings | None = None


def undominated(runs: Sequence[Run], goals: Sequence[str]) -> list[Run]:
    """Runs that no other run beats in every goal (means over worlds), by the first goal."""
    means = {id(one): [float(one.goals[g].mean()) for g in goals] for one in runs}

    def beaten(one: Run) -> bool:
        own = means[id(one)]
        others = (means[id(other)] for other in runs if other is not one)
        return any(
            all(a >= b for a, b in zip(other, own, strict=True)) and other != own
            for other in others
        )

    kept = [one for one in runs if not beaten(one)]
    return sorted(kept, key=lambda one: means[id(one)], reverse=True)


# --- for scripts ------------------------------------------------------------------------------


def optimum_document(found: Optimum) -> dict[str, Any]:
    """The figures for scripts: the answer for the mean first, the cautious one beside it."""
    plan, best = found.plan, found.chosen[EXPECTED]
    return {
        "plan": plan.name,
        "goal": plan.goal,
        "horizon_months": plan.horizon,
        "seeds": list(plan.seeds),
        "allocation": _allocation(found, best.same),
        "objective": _objective(found, best),
        "cautious": {
            "worst_share": plan.cautious,
            "allocation": _allocation(found, found.chosen[CAUTIOUS].same),
            "objective": _objective(found, found.chosen[CAUTIOUS]),
        },
        "budgets": {n: {"limit": most, "used": used} for n, (most, used) in found.budgets.items()},
        "binding": [vars(one) for one in found.binding],
        "marginal": [_marginal_document(one) for one in found.marginal],
        "frontier": [
            {**{goal: float(v.mean()) for goal, v in one.goals.items()},
             "paid": float(one.paid[TOTAL].mean()), "allocation": _allocation(found, one)}
            for one in found.frontier
        ],
        **_by_city(found),
    }  # fmt: skip


def _allocation(found: Optimum, run: Run) -> list[dict[str, Any]]:
    if found.cities is not None:
        return allocation_by_city(found.cities, run.x)
    return [
        {"measure": n, "intensity": float(x)}
        for n, x in zip(found.plan.measures, run.x, strict=True)
    ]


def _by_city(found: Optimum) -> dict[str, Any]:
    """What is added where intensities differ by city."""
    if found.cities is None:
        return {}
    limits = {name: most for name, (most, _) in found.budgets.items()}
    equal = _objective(found, found.cities.equal)
    return {"cities": cities_document(found.cities, limits, equal)}


def _objective(found: Optimum, chosen: Chosen) -> dict[str, Any]:
    goal, worst = found.plan.goal, found.plan.cautious
    fresh = chosen.fresh.goals[goal]
    estimate = mean_estimate(fresh)
    return {
        "outcome": goal, "value": estimate.value, "low": estimate.low, "high": estimate.high,
        "worst_mean": aim_of(fresh, CAUTIOUS, worst),
        "quantile": float(np.quantile(fresh, worst)),
        "paid": float(chosen.fresh.paid[TOTAL].mean()),
        "surface": float(chosen.answer.goal.mean()),
        "same_worlds": float(chosen.same.goals[goal].mean()),
        "surface_error": chosen.surface_error(goal), "proven": chosen.answer.proven,
    }  # fmt: skip


def _marginal_document(one: Marginal) -> dict[str, Any]:
    ratio = one.ratio
    bounds = None if ratio is None else {"low": ratio.low, "high": ratio.high}
    return {
        "measure": one.measure, "from": one.low, "to": one.high, "gain": one.gain.value,
        "cost": one.cost.value, "ratio": None if ratio is None else ratio.value,
        "interval": bounds,
    }  # fmt: skip
