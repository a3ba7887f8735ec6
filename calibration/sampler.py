"""Adaptive random-walk Metropolis in the unit cube, several chains at once, and its diagnostics.

Haario, Saksman and Tamminen (2001, Bernoulli 7): proposals take their covariance from the past of
all chains; the adaptation ends with the warm-up, so that what is kept are plain Markov chains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Density = Callable[[Floats], Floats]  # log density [chain] at points [chain, k]
BEST_SCALE: Final = 2.38
FIRST_STEP: Final = 0.1
ADAPT_EVERY: Final = 100
WANTED: Final = 0.25  # accepted share
JITTER: Final = 1e-8


@dataclass(frozen=True)
class Chains:
    """`draws` [step, chain, k] after the warm-up; `accepted` share of the kept steps."""

    draws: Floats
    accepted: float


def sample(
    density: Density, start: Floats, warm_up: int, steps: int, thin: int, seed: int
) -> Chains:
    """`steps` steps after `warm_up`, one in `thin` kept, from `start` [chain, k] in the cube."""
    generator = np.random.default_rng(seed)
    state, value = start.copy(), density(start)
    factor, scale = FIRST_STEP * np.eye(start.shape[1]), 1.0
    past, kept, taken, counted = list[Floats](), list[Floats](), 0.0, 0.0
    for step in range(warm_up + steps):
        proposal = state + scale * generator.standard_normal(state.shape) @ factor.T
        inside = ((proposal >= 0.0) & (proposal <= 1.0)).all(axis=1)
        offered = density(np.clip(proposal, 0.0, 1.0))
        yes = inside & (np.log(generator.random(value.size)) < offered - value)
        state = np.where(yes[:, None], proposal, state)
        value = np.where(yes, offered, value)
        if step >= warm_up:
            counted += float(yes.mean())
            if (step - warm_up) % thin == 0:
                kept.append(state)
            continue
        past.append(state)
        taken += float(yes.mean())
        if (step + 1) % ADAPT_EVERY == 0:
            scale *= float(np.exp(taken / ADAPT_EVERY - WANTED))
            taken = 0.0
            factor = _factor(np.array(past[len(past) // 2 :]))
    return Chains(np.array(kept), counted / steps)


def _factor(past: Floats) -> Floats:
    """Cholesky factor [k, k] of the covariance of the past [step, chain, k]."""
    flat = past.reshape(-1, past.shape[2])
    covariance = np.cov(flat, rowvar=False) + JITTER * np.eye(flat.shape[1])
    return np.asarray(np.linalg.cholesky(covariance) * BEST_SCALE / np.sqrt(flat.shape[1]))


def split_r_hat(draws: Floats) -> Floats:
    """R-hat [k] of draws [step, chain, k], each chain cut in two (Gelman and others 2013)."""
    half = draws.shape[0] // 2
    parts = np.concatenate([draws[:half], draws[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = parts.mean(axis=0).var(axis=0, ddof=1)
    return np.asarray(np.sqrt((half - 1) / half + between / within))


def effective_size(draws: Floats) -> Floats:
    """Effective number of draws [k] of [step, chain, k], by Geyer's initial positive sequence."""
    steps, chains, k = draws.shape
    centred = draws - draws.mean(axis=(0, 1))
    transformed = np.fft.rfft(centred, n=2 * steps, axis=0)
    covariance = np.fft.irfft(np.abs(transformed) ** 2, axis=0)[:steps].mean(axis=1)
    correlation = covariance / covariance[0]
    found = np.empty(k)
    for j in range(k):
        pairs = correlation[0 : steps - 1 : 2, j] + correlation[1:steps:2, j]
        negative = np.flatnonzero(pairs < 0.0)
        last = int(negative[0]) if negative.size else pairs.size
        found[j] = steps * chains / max(2.0 * pairs[:last].sum() - 1.0, 1.0 / (steps * chains))
    return found
