"""Float grids: nodes 2**e * (1 + k / K), found from the bits of a float64 without a logarithm.

A table over such a grid is piecewise linear between nodes whose relative spacing lies between
1 / (2 K) and 1 / K. Index and fraction cost a few integer operations, which is what lets the
household kernel look its solved tables up for millions of households a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MANTISSA_BITS = 52
_EXPONENT_BIAS = 1023


@dataclass(frozen=True)
class FloatGrid:
    """Grid from 2**lowest to 2**highest with 2**bits intervals an octave."""

    lowest: int
    highest: int
    bits: int

    @property
    def size(self) -> int:
        """Number of nodes."""
        return ((self.highest - self.lowest) << self.bits) + 1

    @property
    def offset(self) -> int:
        """Shifted-bits value of the first node; subtract it to get an index."""
        return (_EXPONENT_BIAS + self.lowest) << self.bits

    @property
    def nodes(self) -> FloatArray:
        """Node values, shape (size,), in the unit of the variable (yuan)."""
        steps = np.arange(self.size)
        octave, within = steps >> self.bits, steps & ((1 << self.bits) - 1)
        return np.asarray(
            np.ldexp(1.0 + within / (1 << self.bits), self.lowest + octave), dtype=np.float64
        )

    def locate(self, values: FloatArray) -> tuple[IntArray, FloatArray]:
        """Index of the interval and position in it (0..1); values outside are clamped."""
        nodes_last = np.ldexp(1.0, self.highest) * (1.0 - 2.0**-53)
        clipped = np.clip(values, np.ldexp(1.0, self.lowest), nodes_last).astype(np.float64)
        shift = _MANTISSA_BITS - self.bits
        raw = clipped.view(np.int64)
        index = (raw >> shift) - self.offset
        fraction = (raw & ((1 << shift) - 1)) * 2.0**-shift
        return np.asarray(index, dtype=np.int64), np.asarray(fraction, dtype=np.float64)


CASH_GRID = FloatGrid(lowest=6, highest=24, bits=3)
INCOME_GRID = FloatGrid(lowest=8, highest=17, bits=2)
