"""Calibrated parameters in a plan: draws of the posterior, all together or one by one.

`posterior: {}` makes one uncertain quantity of the whole posterior: each of its values is a draw of
all calibrated parameters, so what they have in common is kept. `distribution: posterior` takes the
posterior of one parameter alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from experiments.sweep_factors import POSTERIOR, Factor

QUANTILES: Final = 201
MODULE: Final = "calibration.posterior"


class Posterior(Protocol):
    """What the calibration found: `draws` [draw, name] and the parameters of draw number i."""

    names: tuple[str, ...]
    draws: npt.NDArray[np.float64]

    def values(self, number: int) -> dict[str, Any]:
        """Values by parameter name, as `parameters:` of a scenario takes them."""


def posterior() -> Posterior | None:
    """The shipped posterior; None if there is none."""
    try:
        found: Posterior = import_module(MODULE).load_posterior()
    except (ModuleNotFoundError, FileNotFoundError):
        return None
    return found


def together(found: Posterior, count: int) -> Factor:
    """One quantity whose values are `count` draws, evenly spread over those that there are."""
    rows = [k * len(found.draws) // count for k in range(count)]
    draws = tuple(found.values(row) for row in rows)
    return Factor(POSTERIOR, POSTERIOR, (POSTERIOR,), 0.0, float(count), 0.0, "count", draws=draws)


def marginal(found: Posterior, name: str) -> tuple[float, ...]:
    """Evenly spaced quantiles of one parameter, from 0 to 1."""
    column = found.draws[:, list(found.names).index(name)]
    return tuple(float(x) for x in np.quantile(column, np.linspace(0.0, 1.0, QUANTILES)))
