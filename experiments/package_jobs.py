"""One run of a part of a package: some of its measures and policies, at some intensity, one seed.

`play` computes such a run beside the same seed without any policy. Kept are the monthly totals of
`paired.OUTCOME_RULES` and a few sums (`CHANNELS`) that tell why two measures help or hinder each
other. Values are differences from the run without policies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calibration.digests import digest_of_files
from experiments import paired
from experiments.run_jobs import Bench, Changes, Floats, Job, Setup, Totals, changed_document
from model.outcome import Outcome

if TYPE_CHECKING:
    from model.scenario import Scenario

PLAY: Final = "experiments.package_jobs:play"
KEEP: Final = "keep"
CHANNEL: Final = "channel."
CELLS: Final = ("quintile", "age_group", "category")


@dataclass(frozen=True)
class PackageSetup(Setup):
    """A setup whose identity includes the rules of this file."""

    def identity(self) -> dict[str, Any]:
        """See `Setup.identity`."""
        own = Path(__file__)
        return super().identity() | {"package_rules": digest_of_files([own], own.parent)}


def package_setup(scenario: Scenario, evaluate: str = PLAY) -> PackageSetup:
    """The setup of all runs of parts of a scenario, compared with the scenario without policies."""
    bare = replace(scenario, policies={}, measures={})
    plain = [json.dumps(one.resolved()) for one in (scenario, bare)]
    return PackageSetup(plain[0], plain[1], (), True, evaluate)


def part(
    measures: Iterable[int], policies: Iterable[str] = (),
    levers: Mapping[int, Mapping[str, float]] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The changes that keep these measures and policies only, with some levers set by hand."""
    kept = {str(number) for number in measures}
    found: dict[str, Any] = {
        KEEP: {"measures": sorted(kept, key=int), "policies": sorted(set(policies))}
    }
    if levers:
        found["measures"] = {str(n): dict(own) for n, own in levers.items() if str(n) in kept}
    if parameters:
        found["parameters"] = dict(parameters)
    return found


def part_document(document: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """A resolved scenario reduced to what `changes` keeps, then changed."""
    keep = changes[KEEP]
    reduced = dict(document)
    for kind in ("measures", "policies"):
        reduced[kind] = {name: document[kind][name] for name in keep[kind]}
    return changed_document(reduced, {k: v for k, v in changes.items() if k != KEEP})


def play(bench: Bench, job: Job) -> tuple[Totals, str]:
    """Totals by name and the digest of the part's scenario. Raises ScenarioError, LedgerError."""
    from model.scenario import scenario_from_mapping

    document = part_document(json.loads(bench.setup.scenario), job.changes)
    scenario = scenario_from_mapping(document, "en")
    baseline = bench.baseline(job.changes, job.seed)
    if baseline is None:
        raise ValueError("a package is always compared with no policies")
    policy = bench.run(scenario, job.seed)
    return totals_of(job.seed, baseline, policy, scenario), scenario.digest


def totals_of(seed: int, baseline: Outcome, policy: Outcome, scenario: Scenario) -> Totals:
    """What is kept of both sides of a run."""
    found = paired.pair(seed, baseline, policy)
    totals: Totals = {f"{name}.policy": monthly for name, monthly in found.policy.items()}
    totals |= {f"{name}.base": monthly for name, monthly in found.baseline.items()}
    totals |= {CHANNEL + name: x for name, x in _channels(baseline, policy, scenario).items()}
    return totals


def _channels(baseline: Outcome, policy: Outcome, scenario: Scenario) -> dict[str, Floats]:
    """What tells causes apart.

    `paid` yuan by source, `public` other spending and `arrears` (mean) yuan by budget, `cells`
    extra consumption by (fifth, age group, category) in yuan at the baseline's prices, `price_gap`
    monthly yuan that consumption costs more than at the baseline's prices, `issued` yuan of
    vouchers, `delivered` programme-months that offices brought to people.
    """
    real = paired.at_baseline_prices(baseline, policy, "consumption")
    base, run = baseline["consumption"], policy["consumption"]
    return {
        "paid": _sum(policy, "payments", "source") - _sum(baseline, "payments", "source"),
        "public": _sum(policy, "spending", "payer") - _sum(baseline, "spending", "payer"),
        "arrears": (policy["arrears"].values - baseline["arrears"].values).mean(axis=0),
        "cells": real.by(*CELLS).values - base.by(*CELLS).values,
        "price_gap": run.by("month").values - real.by("month").values,
        "issued": _issued(policy) - _issued(baseline),
        "delivered": _delivered(scenario),
    }


def _sum(run: Outcome, name: str, dim: str) -> Floats:
    return np.asarray(run[name].by(dim).values, dtype=float)


def _issued(run: Outcome) -> Floats:
    return np.atleast_1d(run.select("voucher_counters", counter="issued").values.sum())


def _delivered(scenario: Scenario) -> Floats:
    from model.policy.delivery import Delivery

    reached = Delivery(scenario, scenario.parameter_set()).delivered
    return np.atleast_1d(sum((x.sum() for x in reached.values()), start=np.float64(0.0)))
