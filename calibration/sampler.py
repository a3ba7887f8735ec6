"""Adaptive random-walk Metropolis in the unit cube, many chains at once, and its diagnostics.

Haario, Saksman and Tamminen (2001, Bernoulli 7): proposals take their covariance from the past of
the chains; the adaptation ends with the warm-up, so that what is kept is a plain Markov chain.
Chains of one family share a covariance; families may have different densities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Density = Callable[[Floats], Floats]  # log density [family, chain] at points [family, chain, k]
BEST_SCALE: Final = 2.38
ADAPT_EVERY: Final = 100
WANTED: Final = 0.25  # accepted share
JITTER: Final = 1e-8
CHAINS_MADE_OF: Final = 2  # halves of a chain, for split R-hat


@dataclass(frozen=True)
class Chains:
    """`draws` [step, family, chain, k] after the warm-up; `accepted` share by family."""

    draws: Floats
    accepted: Floats

    def family(self, number: int) -> Floats:
        """Draws [step, chain, k] of one family."""
        return np.asarray(self.draws[:, number])


def sample(
    density: Density, start: Floats, warm_up: int, steps: int, thin: int, seed: int
) -> Chains:
    """`steps` kept steps, one in `thin`, from `start` [family, chain, k] inside the unit cube."""
    generator = np.random.default_rng(seed)
    state, value = start.copy(), density(start)
    families, chains, k = start.shape
    factor = np.stack([np.eye(k) * 0.1] * families)
    scale, taken = np.ones(families), np.zeros(families)
    past: list[Floats] = []
    kept, total = [], warm_up + steps
    counted = np.zeros(families)
    for step in range(total):
        move = np.einsum("fij,fcj->fci", factor, generator.standard_normal(state.shape))
        proposal = state + scale[:, None, None] * move
        inside = ((proposal >= 0.0) & (proposal <= 1.0)).all(axis=2)
        offered = density(np.clip(proposal, 0.0, 1.0))
        yes = inside & (np.log(generator.random((families, chains))) < offered - value)
        state = np.where(yes[:, :, None], proposal, state)
        value = np.where(yes, offered, value)
        taken += yes.mean(axis=1)
        if step < warm_up:
            past.append(state)
            if (step + 1) % ADAPT_EVERY == 0:
                scale *= np.exp(taken / ADAPT_EVERY - WANTED)
                taken[:] = 0.0
                factor = _factor(np.array(past[len(past) // 2 :]))
        else:
            counted += yes.mean(axis=1)
            if (step - warm_up) % thin == 0:
                kept.append(state.copy())
    return Chains(np.array(kept), counted / steps)


def _factor(past: Floats) -> Floats:
    """Cholesky factors [family, k, k] of the covariance of the past [step, family, chain, k]."""
    steps, families, chains, k = past.shape
    flat = past.transpose(1, 0, 2, 3).reshape(families, steps * chains, k)
    centred = flat - flat.mean(axis=1, keepdims=True)
    covariance = np.matmul(centred.transpose(0, 2, 1), centred) / (steps * chains)
    covariance += JITTER * np.eye(k)
    return np.asarray(np.linalg.cholesky(covariance) * BEST_SCALE / np.sqrt(k))


def split_r_hat(draws: Floats) -> Floats:
    """R-hat [k] of draws [step, chain, k], each chain cut in two (Gelman and others 2013)."""
    half = draws.shape[0] // CHAINS_MADE_OF
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
