"""Counter-based random numbers: a draw is a pure function of who asks, for what and when.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) turns a 128-bit counter and a 64-bit key into four
32-bit words. The key is the seed; the counter is (household id, month and block, purpose). There
is no state, so a draw depends neither on the order of rows nor on threads or chunks, and the same
household draws the same shock in two scenarios.

`philox` and `words` are for kernels; `word_columns` and `uniforms` do the same in NumPy.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numba import njit

WordArray = npt.NDArray[np.uint32]
FloatArray = npt.NDArray[np.float64]
Words = tuple[np.uint64, np.uint64, np.uint64, np.uint64]

ROUNDS = 10
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
MONTH_BITS = np.uint64(16)
WORD_UNIT = 2.0**-32


class Purpose(IntEnum):
    """What a stream is for; each has its own counter space. Never renumber, only append."""

    SYNTHESIS = 1
    SYNTHESIS_SHIFT = 2
    MONTH = 3  # a household's income, work and bills of a month
    DURABLES = 6
    SAMPLING = 9
    VOUCHERS = 16  # and the numbers above it: one for each batch of a month


@njit(cache=True, nogil=True, error_model="numpy")
def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> Words:
    """Philox4x32-10 of a counter of four and a key of two 32-bit words, all held as uint64."""
    for _ in range(ROUNDS):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0 = (product_1 >> _HALF) ^ c1 ^ k0
        c2 = (product_0 >> _HALF) ^ c3 ^ k1
        c1 = product_1 & _MASK
        c3 = product_0 & _MASK
        k0 = (k0 + _WEYL_0) & _MASK
        k1 = (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@njit(cache=True, nogil=True, error_model="numpy")
def words(
    low: np.uint64,
    high: np.uint64,
    purpose: np.uint64,
    household: np.uint64,
    month: np.uint64,
    block: np.uint64,
) -> Words:
    """Four 32-bit words (as uint64) for one household, purpose, month and block.

    Every argument is uint64; `low` and `high` are the halves of the seed (see `split_seed`).
    """
    when = (month | (block << MONTH_BITS)) & _MASK
    return philox(household & _MASK, household >> _HALF, when, purpose & _MASK, low, high)


def split_seed(seed: int) -> npt.NDArray[np.uint64]:
    """Low and high 32 bits of a seed, uint64 [2]. Raises ValueError outside 0..2**64 - 1."""
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must lie in 0..2**64-1, got {seed}")
    return np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint64)


def word_columns(
    seed: int, purpose: int, households: npt.ArrayLike, month: int = 0, block: int = 0
) -> WordArray:
    """The words of `words` for many households at once, uint32 [4, n]."""
    low, high = split_seed(seed)
    identity = np.asarray(households, dtype=np.uint64)
    when = np.uint64((month | (block << int(MONTH_BITS))) & 0xFFFFFFFF)
    state = [
        identity & _MASK,
        identity >> _HALF,
        np.full_like(identity, when),
        np.full_like(identity, np.uint64(purpose)),
    ]
    for _ in range(ROUNDS):
        product_0, product_1 = _MULTIPLIER_0 * state[0], _MULTIPLIER_1 * state[2]
        state = [
            (product_1 >> _HALF) ^ state[1] ^ low,
            product_1 & _MASK,
            (product_0 >> _HALF) ^ state[3] ^ high,
            product_0 & _MASK,
        ]
        low, high = (low + _WEYL_0) & _MASK, (high + _WEYL_1) & _MASK
    return np.stack(state).astype(np.uint32)


def uniforms(
    seed: int, purpose: int, households: npt.ArrayLike, month: int = 0, block: int = 0
) -> FloatArray:
    """Four uniform draws in (0, 1) for each household, float64 [4, n], multiples of 2**-33."""
    drawn = word_columns(seed, purpose, households, month, block).astype(np.float64)
    return np.asarray((drawn + 0.5) * WORD_UNIT)
