"""The calibration from start to end: simulate, emulate, find the best point, draw the posterior.

Every step leaves what it found in `Estimate`; `store` writes it where the documentation and the
other commands read it. The simulations are by far the longest part and are all in the log, so that
an interrupted calibration goes on where it stopped. Nothing here changes a parameter file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration import emulator as emulation
from calibration.coordinates import coordinates, documents, shipped_point
from calibration.emulator import Emulator
from calibration.evaluations import SEEDS, Evaluation, Log, Point, design, run_points
from calibration.inference import (
    Identifiability,
    Problem,
    Recovery,
    identifiability,
    posterior,
    prior_points,
    recover,
    synthetic,
)
from calibration.sampler import Chains, effective_size, split_r_hat
from calibration.targets import fitted, held_out, moment_values, targets

Floats = npt.NDArray[np.float64]
Tell = Callable[[str, int, int], None]
SOLUTIONS: Final = 32
NOISE_SEEDS: Final = tuple(range(201, 225))
CHECK_SEEDS: Final = (301, 302, 303, 304)  # never used for fitting
REFINEMENTS: Final = 5
CHECKED_DRAWS: Final = 4
FRESH: Final = 12  # known truths simulated once more with other seeds
SEED: Final = 20231231
FIRST_REFINED_GROUP: Final = 10_000
PROFILE_POINTS: Final = 11


@dataclass(frozen=True)
class Effort:
    """How long the chains are; the quick version is for a look, not for a result.

    2 ** `power` prior points stand behind every recovered interval, 2 ** `left_out_power` behind
    those of points left out.
    """

    chains: int = 8
    warm_up: int = 10_000
    steps: int = 50_000
    thin: int = 10
    kept: int = 400
    repetitions: int = 200
    power: int = 18
    left_out_power: int = 16


QUICK: Final = Effort(4, 2_000, 4_000, 4, 200, 20, 14, 12)


@dataclass(frozen=True)
class Estimate:
    """Results: `problem` on the fitted moments, `point` [k] and draws [n, k] in the unit cube.

    `noise` [m] variances of chance of all moments; `refined` the simulated points of the search,
    the best last; `checks` what a few posterior draws and the point give with other seeds.
    """

    evaluations: tuple[Evaluation, ...]
    noise_runs: tuple[Evaluation, ...]
    emulator: Emulator
    noise: Floats
    problem: Problem
    point: Evaluation
    chains: Chains
    draws: Floats
    identified: Identifiability
    recovery: Recovery
    left_out: Recovery
    fresh: Recovery
    checks: tuple[Evaluation, ...]

    @property
    def r_hat(self) -> Floats:
        """Split R-hat of every coordinate [k]."""
        return split_r_hat(self.chains.draws)

    @property
    def effective(self) -> Floats:
        """Effective number of draws of every coordinate [k]."""
        return effective_size(self.chains.draws)


def simulated(log: Log, solutions: int, tell: Tell) -> tuple[list[Evaluation], list[Evaluation]]:
    """The design's evaluations, and the shipped point with single seeds."""
    points = design(solutions)
    found = run_points(log, points, lambda done, all_: tell("design", done, all_))
    alone = [Point(shipped_point(), "noise", seed, seeds=(seed,)) for seed in NOISE_SEEDS]
    return found, run_points(log, alone, lambda done, all_: tell("noise", done, all_))


def chance(single: Sequence[Evaluation]) -> Floats:
    """Variance [m] of chance in a mean over the usual seeds, all moments."""
    spread = np.var([moment_values(one.statistics, targets()) for one in single], axis=0, ddof=1)
    return np.asarray(spread / len(SEEDS))


def emulate(evaluations: Sequence[Evaluation]) -> Emulator:
    """Processes for all moments, fitted and held out."""
    return emulation.fit(
        np.array([one.unit for one in evaluations]),
        np.array([moment_values(one.statistics, targets()) for one in evaluations]),
        np.array([one.group for one in evaluations]),
    )


def positions(role: str) -> list[int]:
    """Places of the moments of one role among all."""
    return [i for i, one in enumerate(targets()) if one.role == role]


def problem_of(emulator: Emulator, noise: Floats) -> Problem:
    """The fitted moments' problem."""
    chosen = positions("fitted")
    mine = emulator.moments(chosen)
    wanted = np.array([one.value for one in fitted()])
    stated = np.array([one.error for one in fitted()])
    return Problem(mine, wanted, stated**2 + noise[chosen] + mine.error**2)


def real_distance(one: Evaluation, noise: Floats) -> float:
    """Sum of squared scores of a simulated point: the same, without the emulator's error."""
    return float((real_scores(one, noise) ** 2).sum())


def real_scores(one: Evaluation, noise: Floats, role: str = "fitted") -> Floats:
    """Scores [m] of a simulated point."""
    chosen = fitted() if role == "fitted" else held_out()
    gap = moment_values(one.statistics, chosen) - np.array([t.value for t in chosen])
    stated = np.array([t.error for t in chosen])
    return np.asarray(gap / np.sqrt(stated**2 + noise[positions(role)]))


def refine(
    log: Log, evaluations: list[Evaluation], noise: Floats, tell: Tell
) -> tuple[list[Evaluation], Emulator]:
    """Search on the emulator, simulate where it is best, learn from that, and again."""
    known, found = list(evaluations), emulate(evaluations)
    for number in range(REFINEMENTS):
        unit, _ = problem_of(found, noise).best(SEED + number)
        group = FIRST_REFINED_GROUP + number
        one = log.evaluate(Point(np.round(unit, 6), "refined", group))
        if one is not None:
            known.append(one)
            found = found.extended(one.unit, moment_values(one.statistics, targets()), group)
        tell("refined", number + 1, REFINEMENTS)
    return known, emulate(known)


def best_point(evaluations: Sequence[Evaluation], noise: Floats) -> Evaluation:
    """The simulated point with the least distance."""
    return min(evaluations, key=lambda one: real_distance(one, noise))


def estimate(log: Log, solutions: int, effort: Effort, tell: Tell) -> Estimate:
    """All steps. What is in the log already is not simulated again."""
    first, single = simulated(log, solutions, tell)
    evaluations, emulator = refine(log, first, chance(single), tell)

    def checks(point: Evaluation, draws: Floats) -> tuple[Evaluation, ...]:
        return check(log, point, draws, tell)

    return conclude(evaluations, single, emulator, effort, tell, checks)


def from_points(points: Sequence[Evaluation], effort: Effort, tell: Tell) -> Estimate:
    """The same from simulated points that exist, without simulating anything."""
    known = [one for one in points if one.role in ("shipped", "design", "refined")]
    single = [one for one in points if one.role == "noise"]
    stored = tuple(one for one in points if one.role.startswith("check"))
    tell("emulate", 0, 1)
    return conclude(known, single, emulate(known), effort, tell, lambda *_: stored)


def conclude(
    evaluations: Sequence[Evaluation], single: Sequence[Evaluation], emulator: Emulator,
    effort: Effort, tell: Tell, checks: Callable[[Evaluation, Floats], tuple[Evaluation, ...]],
) -> Estimate:  # fmt: skip
    """Point, posterior, identifiability and recovery from emulated moments."""
    noise = chance(single)
    problem = problem_of(emulator, noise)
    tell("posterior", 0, 1)
    chains = posterior(problem, effort.chains, effort.warm_up, effort.steps, effort.thin, SEED)
    flat = chains.draws.reshape(-1, len(coordinates()))
    picks = np.linspace(0, flat.shape[0] - 1, min(effort.kept, flat.shape[0])).astype(int)
    draws = flat[picks]
    point = best_point(evaluations, noise)
    tell("identified", 0, 1)
    identified = identifiability(problem, flat, point.unit, PROFILE_POINTS)
    tell("recovery", 0, 1)
    recovery, left_out = recoveries(problem, noise, effort)
    checked = checks(point, draws)
    truths = [one for one in checked if one.role == "check_truth"]
    known = prior_points(len(coordinates()), effort.left_out_power, SEED)
    return Estimate(
        tuple(evaluations), tuple(single), emulator, noise, problem, point, chains, draws,
        identified, recovery, left_out, fresh_recovery(problem, truths, known), checked,
    )  # fmt: skip


def recoveries(problem: Problem, noise: Floats, effort: Effort) -> tuple[Recovery, Recovery]:
    """Recovery of truths of the emulator, and of simulated points that the emulator never saw."""
    k = len(coordinates())
    truth, observed = synthetic(problem, effort.repetitions, SEED)
    points = prior_points(k, effort.power, SEED)
    known = problem.emulator.predict_many(points, [problem.emulator.weights])
    first = recover(truth, observed, points, list(known), problem.variance)
    return first, left_out_recovery(problem, noise, prior_points(k, effort.left_out_power, SEED))


def left_out_recovery(problem: Problem, noise: Floats, points: Floats) -> Recovery:
    """Each solution of the design in turn: its points are truths unknown to the emulator used.

    The data are what the model itself gave there, with the targets' errors and chance added.
    """
    emulator, parts = problem.emulator, []
    stated = np.array([one.error for one in fitted()])
    spread = np.sqrt(stated**2 + noise[positions("fitted")])
    generator = np.random.default_rng(SEED + 2)
    for group in designed(emulator):
        rows = np.flatnonzero(emulator.groups == group)
        data = emulator.outputs[rows]
        data = data + generator.standard_normal(data.shape) * spread
        truth = (emulator.inputs[rows] + 1.0) / 2.0
        parts.append(_without(problem, group, points, truth, data))
    return _joined(parts)


def fresh_recovery(problem: Problem, fresh: Sequence[Evaluation], points: Floats) -> Recovery:
    """The same for points simulated once more with seeds that no emulator has seen: no chance
    is added, it is there.
    """
    stated = np.array([one.error for one in fitted()])
    generator, parts = np.random.default_rng(SEED + 3), []
    for one in fresh:
        data = moment_values(one.statistics, fitted())[None]
        data = data + generator.standard_normal(data.shape) * stated
        parts.append(_without(problem, one.group, points, one.unit[None], data))
    return _joined(parts)


def _without(problem: Problem, group: int, points: Floats, truth: Floats, data: Floats) -> Recovery:
    """Recovery by an emulator that never saw one group of points."""
    emulator = problem.emulator
    known = emulator.predict_many(points, [emulator.weights_without(group)])
    return recover(truth, data, points, list(known), problem.variance)


def _joined(parts: Sequence[Recovery]) -> Recovery:
    names = ("truth", "low", "high", "effective")
    return Recovery(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def designed(emulator: Emulator) -> list[int]:
    """Groups of the space-filling design, without the shipped point and the search."""
    groups = np.unique(emulator.groups).tolist()
    return [int(group) for group in groups if 0 <= group < FIRST_REFINED_GROUP]


def check(log: Log, point: Evaluation, draws: Floats, tell: Tell) -> tuple[Evaluation, ...]:
    """The shipped point, the best one, a few draws and a few known truths, with other seeds."""
    picks = np.linspace(0, draws.shape[0] - 1, CHECKED_DRAWS).astype(int)
    units = [shipped_point(), point.unit, *(np.round(draws[i], 6) for i in picks)]
    roles = ["check_shipped", "check_point"] + ["check_draw"] * CHECKED_DRAWS
    points = [
        Point(unit, role, number, seeds=CHECK_SEEDS)
        for number, (unit, role) in enumerate(zip(units, roles, strict=True))
    ]
    firsts = {one.group: one for one in reversed(design(FRESH)) if one.role == "design"}
    points += [
        Point(firsts[group].unit, "check_truth", group, seeds=CHECK_SEEDS) for group in range(FRESH)
    ]
    return tuple(run_points(log, points, lambda done, all_: tell("check", done, all_)))


def inert() -> frozenset[str]:
    """Coordinates that the model does not use; they are no part of the posterior."""
    return frozenset(name for name, node in documents()["free"].items() if node.get("inert"))
