"""Labour market: separation and find probabilities that households face this month (L1-L3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.parameters import Parameters

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabourRules:
    """Parameters of labour.yaml (units there)."""

    separation: Array
    find: float
    matching_power: Array
    find_limit: float
    wage_response: float
    wage_gain: float
    perceived_pay_gain: float
    fear_gain: float
    unemployment_benefit: Array
    placement_displacement: float

    @classmethod
    def read(cls, parameters: Parameters) -> LabourRules:
        """Read every field from the parameter of the same name under `labour.`."""
        values = {}
        for name, kind in cls.__annotations__.items():
            key = f"labour.{name}"
            values[name] = parameters.number(key) if kind == "float" else parameters.array(key)
        return cls(**values)  # type: ignore[arg-type]


@dataclass
class LabourState:
    """Memory of the labour market."""

    unemployment: Array  # (15,) unemployed relative to base
    unemployment_gap: Array  # (15,) unemployment rate less base
    wage: Array  # (15,) wage level relative to trend
    perceived_pay: Array  # (15, 12, 2) smoothed pay index
    fear: Array  # (15,) perceived job-loss probability relative to base


def find_probability(rules: LabourRules, base: Array, vacancies: Array, unemployed: Array) -> Array:
    """L1: matches over unemployed; both sides relative to base. M = A U^a V^b, find = M / U.

    `base` (15,) is the probability that keeps base employment steady.
    """
    power_u, power_v = rules.matching_power
    ratio = vacancies**power_v * np.maximum(unemployed, 0.05) ** (power_u - 1.0)
    result: Array = np.minimum(base * ratio, rules.find_limit)
    return result


def hire_distribution(openings: Array, mix: Array) -> Array:
    """Cumulative distribution over sectors (15, 5, 12) of new jobs by class of work.

    `openings` (15, 12) per base job, `mix` (15, 5, 12) the part of them a class of work gets.
    People find work of their own class (segmented labour markets); a class without any opening
    goes where it usually works. The last column is exactly 1.
    """
    offered = openings[:, None, :] * mix
    offered = np.where(offered.sum(axis=2, keepdims=True) > 0.0, offered, mix)
    cumulated: Array = np.cumsum(offered / offered.sum(axis=2, keepdims=True), axis=2)
    cumulated[:, :, -1] = 1.0
    return cumulated


def next_wage(rules: LabourRules, wage: Array, unemployment_gap: Array) -> Array:
    """L3: wages move slowly to 1 - response x (u - u0)."""
    return wage + rules.wage_gain * (1.0 - rules.wage_response * unemployment_gap - wage)


def next_fear(
    rules: LabourRules, fear: Array, separation: Array, base: Array, people: Array
) -> Array:
    """Perceived job loss relative to base: gain on the posted separation rate of the place."""
    expected = (base * people).sum(axis=1)
    posted = np.divide((separation * people).sum(axis=1), expected,
                       out=np.ones(len(fear)), where=expected > 0)  # fmt: skip
    result: Array = fear + rules.fear_gain * (posted - fear)
    return result
