"""Functions that Mesa code hands to `agg`, applied to a column instead of a list of values.

`sum`, `min`, `max`, `len`, `any`, `all` become their NumPy forms. Other functions of the standard
library get a list, because some of them mishandle NumPy numbers (`statistics.mean` rounds int64).
Everything else gets the array. Weighted forms count every row as `weight` agents.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Function = Callable[..., Any]

_NUMPY_FORM: dict[Function, Function] = {
    sum: np.sum, min: np.min, max: np.max, len: len, any: np.any, all: np.all,
}  # fmt: skip


def plain(value: Any) -> Any:
    """A NumPy number as the Python number it stands for; anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def apply(function: Function, values: Array) -> Any:
    """`function` of a column [n]. Sums of floats are pairwise: equal to `sum` up to rounding."""
    if function in _NUMPY_FORM:
        return plain(_NUMPY_FORM[function](values))
    home = getattr(function, "__module__", None) or ""
    if home.split(".")[0] in sys.stdlib_module_names:
        return function(values.tolist())
    return plain(function(values))


def apply_weighted(function: Function, values: Array, weights: Array) -> Any:
    """`function` of a column [n] in which row i stands for `weights[i]` agents.

    Known: sum, mean, len, min, max, median (the lower one). Any other function is called with
    a `weights` keyword, as `numpy.average` takes it. Raises ValueError if it has none.
    """
    if function in _WEIGHTED_FORM:
        return plain(_WEIGHTED_FORM[function](values, weights))
    try:
        return plain(function(values, weights=weights))
    except TypeError as error:
        name = getattr(function, "__name__", str(function))
        raise ValueError(f"{name} has no weighted form") from error


def _total(values: Array, weights: Array) -> Any:
    return np.sum(values * weights)


def _mean(values: Array, weights: Array) -> Any:
    return _total(values, weights) / np.sum(weights)


def _median(values: Array, weights: Array) -> Any:
    """Smallest value at or below which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return values[order[np.searchsorted(reached * 2, reached[-1])]]


def _unweighted(function: Function) -> Function:
    return lambda values, _: function(values)


_WEIGHTED_FORM: dict[Function, Function] = {
    sum: _total, np.sum: _total,
    np.mean: _mean, statistics.mean: _mean, statistics.fmean: _mean,
    len: lambda _, weights: np.sum(weights),
    min: _unweighted(np.min), np.min: _unweighted(np.min),
    max: _unweighted(np.max), np.max: _unweighted(np.max),
    np.median: _median,
}  # fmt: skip
