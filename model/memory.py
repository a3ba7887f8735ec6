"""Arrays that start at chosen places of a memory page.

A processor compares a load with older stores by the last twelve bits of the address first. Large
arrays all start at the same place of a page; a loop that stores to one and loads from another
then waits for a dependence that is not there, at up to four times the cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

PAGE = 4096


def spaced(shape: int | tuple[int, ...], dtype: npt.DTypeLike, offset: int) -> npt.NDArray[Any]:
    """Uninitialised array whose data start `offset` bytes (a multiple of 64) into a page."""
    kind = np.dtype(dtype)
    length = int(np.prod(shape)) * kind.itemsize
    whole = np.empty(length + 2 * PAGE, np.uint8)
    start = (offset - whole.ctypes.data) % PAGE
    return whole[start : start + length].view(kind).reshape(shape)


def spaced_copy(array: npt.NDArray[Any], offset: int) -> npt.NDArray[Any]:
    """Copy of an array that starts `offset` bytes into a page."""
    found = spaced(array.shape, array.dtype, offset)
    found[...] = array
    return found
