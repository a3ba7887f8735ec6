"""Points of a sweep in the unit cube, drawn by SALib, and the jobs they become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.digests import digest_of
from experiments.run_jobs import Job, job_key
from experiments.sweep_factors import (
    PARAMETER,
    POSTERIOR,
    Factor,
    changes_at,
    position_of_default,
)
from experiments.sweep_plan import Plan
from model.policy.idle import is_idle

Floats = npt.NDArray[np.float64]
SEED_RANGE: Final = 2**31 - 2


def problem_of(plan: Plan) -> dict[str, Any]:
    """The plan as SALib wants it; new lists each time, because some methods change them."""
    found: dict[str, Any] = {
        "num_vars": len(plan.factors),
        "names": [factor.name for factor in plan.factors],
        "bounds": [[0.0, 1.0] for _ in plan.factors],
    }
    if plan.groups:
        found["groups"] = [plan.unit_of(factor.name) for factor in plan.factors]
    return found


def sampling_seed(plan: Plan) -> int:
    """Seed of the design from its own identity; never zero, which SALib takes for no seed."""
    return 1 + int(digest_of(plan.design_identity()), 16) % SEED_RANGE


def unit_names(plan: Plan) -> list[str]:
    """Names of groups and single factors in the order in which SALib reports them."""
    return list(dict.fromkeys(plan.unit_of(factor.name) for factor in plan.factors))


def design(plan: Plan) -> Floats:
    """Points [point, factor], in the order that the analysis of the method needs."""
    if plan.method == "one_at_a_time":
        return _one_at_a_time(plan)
    from SALib.sample import latin, morris, sobol

    problem, seed = problem_of(plan), sampling_seed(plan)
    if plan.method == "morris":
        points = morris.sample(problem, plan.samples, num_levels=plan.levels, seed=seed)
    elif plan.method == "sobol":
        points = sobol.sample(problem, plan.samples, calc_second_order=plan.second_order, seed=seed)
    else:
        points = latin.sample(problem, plan.samples, seed=seed)
    return np.ascontiguousarray(points, dtype=float)


def _one_at_a_time(plan: Plan) -> Floats:
    """The scenario itself, then each factor at evenly spaced quantiles, the others unchanged."""
    usual = np.array([position_of_default(factor) for factor in plan.factors])
    rows = [usual]
    for column in range(len(plan.factors)):
        for position in np.linspace(0.0, 1.0, plan.levels):
            rows.append(usual.copy())
            rows[-1][column] = position
    return np.array(rows)


def block_size(plan: Plan) -> int:
    """Points that are only of use together: a trajectory, or a base point and its variations."""
    units = len(unit_names(plan))
    if plan.method == "morris":
        return units + 1
    if plan.method == "sobol":
        return (2 * units if plan.second_order else units) + 2
    return 1


def _acts_without_policy(factor: Factor) -> bool:
    """Whether the run that a point is compared with changes with this factor."""
    return factor.kind == POSTERIOR or (factor.kind == PARAMETER and not is_idle(factor.path[0]))


def _baselines_together(plan: Plan, points: Floats) -> list[int]:
    """Points in the order of computing: those of a block that share parameters in a row.

    They are compared with the same run, which is then computed once.
    """
    shared = [k for k, one in enumerate(plan.factors) if _acts_without_policy(one)]
    size, found = block_size(plan), list[int]()
    for first in range(0, len(points), size):
        groups: dict[bytes, list[int]] = {}
        for row in range(first, min(first + size, len(points))):
            groups.setdefault(points[row, shared].tobytes(), []).append(row)
        found += [row for rows in groups.values() for row in rows]
    return found


def jobs_of(plan: Plan, points: Floats, setup_digest: str) -> Iterator[Job]:
    """One job for every point and seed, one seed after the other; built as they are asked for."""
    order = _baselines_together(plan, points)
    for seed in plan.seeds:
        for point in order:
            changes = changes_at(plan.factors, points[point])
            yield Job(job_key(setup_digest, changes, seed), point, seed, changes)
