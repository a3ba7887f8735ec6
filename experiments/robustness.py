"""How far headline results depend on scale, seeds and choices of structure.

Headline result: household consumption to month 12 and 24 of the run, policy minus baseline with one
seed at baseline prices, per yuan that budgets, social funds and firms pay for the policy. Firms are
counted because the minimum wage costs no budget anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from experiments.intervals import Estimate, ratio_estimate, t_quantile
from experiments.paired import Pair, pair
from model.economy import Economy
from model.parameters import load_parameters
from model.scenario import Scenario, load_scenario

Floats = npt.NDArray[np.float64]
HEADLINES: Final = ("vouchers", "minimum_wage", "pensions", "trade_in")
HORIZONS: Final = (12, 24)
PAYERS: Final = ("central", "province", "cities", "funds", "firms")
PENSION_AMOUNTS: Final = ("employee_percent", "employee_fixed_yuan", "resident_fixed_yuan")
MATTERS: Final = 0.1  # a change of a tenth of the reference, beyond chance, is called a dependence


@dataclass(frozen=True)
class Result:
    """Gain and cost [seed] of one policy to one horizon, yuan."""

    gains: Floats
    costs: Floats

    @property
    def estimate(self) -> Estimate:
        """Gain per yuan with its 90 % interval."""
        found = ratio_estimate(self.gains, self.costs)
        if found is None:
            raise ValueError("nothing was paid")
        return found

    @property
    def parts(self) -> Floats:
        """Contribution of every seed to the ratio, linearised; their mean is the ratio."""
        ratio = float(self.gains.mean() / self.costs.mean())
        return np.asarray(ratio + (self.gains - ratio * self.costs) / self.costs.mean())


Results = dict[tuple[str, int], Result]


def _figures(one: Pair, horizon: int) -> tuple[float, float]:
    cost = sum(float(one.payer_cost[name][:horizon].sum()) for name in PAYERS)
    return one.effect("household_consumption", 0, horizon), cost


def measure(
    scale: int, seeds: Sequence[int], overrides: Mapping[str, Any] | None = None,
    share_pensions: float = 0.0, policies: Sequence[str] = HEADLINES,
) -> Results:  # fmt: skip
    """Every headline policy against the baseline for every seed, one run after the other."""
    changed: dict[str, Any] = {"scale": scale, "months": max(HORIZONS),
                               "parameters": dict(overrides or {})}  # fmt: skip
    base = load_scenario("baseline").changed(**changed)
    sides = {name: _policy(name, share_pensions).changed(**changed) for name in policies}
    found: dict[tuple[str, int], list[tuple[float, float]]] = {
        (name, horizon): [] for name in policies for horizon in HORIZONS
    }
    for seed in seeds:
        plain = Economy(base, seed, threads=1).run()
        for name, scenario in sides.items():
            one = pair(seed, plain, Economy(scenario, seed, threads=1).run())
            for horizon in HORIZONS:
                found[name, horizon].append(_figures(one, horizon))
    return {key: Result(*np.array(rows).T) for key, rows in found.items()}


def _policy(name: str, share_pensions: float) -> Scenario:
    scenario = load_scenario(name)
    return _shared(scenario, share_pensions) if name == "pensions" and share_pensions else scenario


def _shared(scenario: Scenario, share: float) -> Scenario:
    """Part of the pension rise paid to households of working age instead, at the same cost."""
    document = scenario.resolved()
    rise = dict(document["policies"]["pensions"])
    month = scenario.month_offset(rise["start"])
    run = Economy(scenario.changed(months=month + 2, scale=10_000), threads=1).run()
    homes = np.asarray(run["households"].by("age_group").values, float)
    monthly = float(run["payments"].by("month").values[-1]) * share
    groups = run.labels("age_group")
    rise |= {name: rise[name] * (1.0 - share) for name in PENSION_AMOUNTS if rise.get(name)}
    transfer = {
        "lever": "transfer", "month": rise["start"], "announce": rise["announce"],
        "permanent": True, "payer": "central", "eligible": {"age_groups": [groups[1]]},
        "yuan_per_household": monthly / float(homes[1]),
    }  # fmt: skip
    document["policies"] = {"pensions": rise, "shared": transfer}
    return scenario.changed(policies=document["policies"])


# --- scale ----------------------------------------------------------------------------------------


def by_scale(
    plan: Mapping[int, int], first: int, tell: Callable[[str], None]
) -> dict[int, Results]:
    """Results by scale; `plan` gives the number of seeds of each."""
    found = {}
    for scale, count in plan.items():
        tell(f"1:{scale:,}")
        found[scale] = measure(scale, range(first, first + count))
    return found


def agreement(one: Result, other: Result) -> tuple[float, float]:
    """Difference of two ratios from different seeds or scales, and Welch's p value."""
    from scipy.special import stdtr

    gap = float(one.parts.mean() - other.parts.mean())
    spread = [float(r.parts.var(ddof=1)) / len(r.parts) for r in (one, other)]
    total = sum(spread)
    if total == 0.0:
        return gap, 1.0 if gap == 0.0 else 0.0
    freedom = total**2 / sum(
        s**2 / (len(r.parts) - 1) for s, r in zip(spread, (one, other), strict=True)
    )
    return gap, float(2.0 * stdtr(freedom, -abs(gap) / math.sqrt(total)))


def scale_rows(found: Mapping[int, Results]) -> list[dict[str, Any]]:
    """A row a policy, horizon and scale: estimate, and difference from the finest scale."""
    finest = min(found)
    rows = []
    for policy, horizon in found[finest]:
        for scale, results in found.items():
            one = results[policy, horizon]
            gap, p_value = agreement(one, found[finest][policy, horizon])
            rows.append({
                "policy": policy, "horizon": horizon, "scale": scale, "seeds": len(one.gains),
                **plain(one.estimate), "gap": gap, "p": None if scale == finest else p_value,
            })  # fmt: skip
    return rows


def plain(one: Estimate) -> dict[str, float]:
    """Value and bounds for JSON."""
    return {"value": one.value, "low": one.low, "high": one.high}


# --- structure ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """One other structure; see structural_choices.yaml."""

    name: str
    title: Mapping[str, str]
    overrides: Mapping[str, Any]
    share_pensions: float


def choices() -> list[Choice]:
    """All choices of the file, with numbers spread over the entries of their parameters."""
    text = resources.files("experiments").joinpath("structural_choices.yaml").read_text("utf-8")
    document = YAML(typ="safe", pure=True).load(text)
    known = load_parameters()
    return [
        Choice(
            name,
            {lang: entry[lang] for lang in ("zh", "en")},
            {key: _filled(known[key], value) for key, value in entry["parameters"].items()},
            float(entry.get("share_pensions", 0.0)),
        )
        for name, entry in document.items()
    ]


def _filled(pattern: Any, value: Any) -> Any:
    if isinstance(pattern, Mapping):
        return dict.fromkeys(pattern, value)
    if isinstance(pattern, list) and not isinstance(value, list):
        return [value] * len(pattern)
    return value


def structure_rows(
    scale: int, seeds: Sequence[int], tell: Callable[[str], None],
    chosen: Sequence[str] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """A row a choice, policy and horizon, beginning with the reference."""
    reference = measure(scale, seeds)
    rows = [_structure_row("reference", key, one, one) for key, one in reference.items()]
    for choice in choices():
        if chosen is not None and choice.name not in chosen:
            continue
        tell(choice.name)
        found = measure(scale, seeds, choice.overrides, choice.share_pensions)
        rows += [
            _structure_row(choice.name, key, one, reference[key]) for key, one in found.items()
        ]
    return rows


def _structure_row(name: str, key: tuple[str, int], one: Result, usual: Result) -> dict[str, Any]:
    """The ratio, its change from the reference with the same seeds, and whether that matters."""
    change = one.parts - usual.parts
    half = t_quantile(len(change) - 1) * float(change.std(ddof=1)) / math.sqrt(len(change))
    mean, base = float(change.mean()), usual.estimate.value
    return {
        "choice": name, "policy": key[0], "horizon": key[1], **plain(one.estimate),
        "change": mean, "change_low": mean - half, "change_high": mean + half,
        "matters": abs(mean) > half and abs(mean) > MATTERS * abs(base),
    }  # fmt: skip


# --- coverage -------------------------------------------------------------------------------------


def coverage_rows(
    results: Results, sizes: Sequence[int], draws: int, seed: int
) -> list[dict[str, Any]]:
    """How often the 90 % interval of a few seeds covers the mean of all of them.

    `draws` samples with replacement of each size from the seeds of `results`; with replacement,
    because the seeds stand for the infinitely many that could have been run.
    """
    chance = np.random.default_rng(seed)
    rows = []
    for (policy, horizon), one in results.items():
        truth = one.estimate.value
        for size in sizes:
            picked = chance.integers(0, len(one.gains), (draws, size))
            covered = [_covers(one.gains[row], one.costs[row], truth) for row in picked]
            rows.append({
                "policy": policy, "horizon": horizon, "seeds": size, "of": len(one.gains),
                "coverage": float(np.mean(covered)), "draws": draws,
            })  # fmt: skip
    return rows


def _covers(gains: Floats, costs: Floats, truth: float) -> bool:
    found = ratio_estimate(gains, costs)
    return found is not None and found.low <= truth <= found.high
