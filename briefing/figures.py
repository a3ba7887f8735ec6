"""What the charts are drawn from: small frozen tables of numbers, already computed elsewhere.

Money is in yuan, percent in percent (1.5 means 1.5 %). Arrays of `value`, `low` and `high` have
equal shapes; `low` and `high` bound the interval named in the footer (90 % unless said otherwise).
NaN marks a figure that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
UNITS: Final = ("money", "yuan_per_person", "yuan_per_household", "percent", "points", "persons")


class FigureDataError(ValueError):
    """Raised when the numbers given to a chart do not fit together."""


def _check(shape: tuple[int, ...], unit: str | None, *tables: Floats) -> None:
    for table in tables:
        if np.shape(table) != shape:
            raise FigureDataError(f"expected shape {shape}, got {np.shape(table)}")
    if unit is not None and unit not in UNITS:
        raise FigureDataError(f"unknown unit {unit!r}; one of {UNITS}")


@dataclass(frozen=True)
class PathBand:
    """Monthly difference from no policy, yuan a month.

    `months` are "YYYY-MM" in order; `window` the first and last month with extra payments.
    """

    months: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats
    window: tuple[str, str]

    def __post_init__(self) -> None:
        _check((len(self.months),), None, self.value, self.low, self.high)
        for month in self.window:
            if month not in self.months:
                raise FigureDataError(f"the window's month {month} is not on the path")


@dataclass(frozen=True)
class Bars:
    """One figure per label, e.g. `kind` "category" with the ids of consumption categories."""

    kind: str
    labels: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats
    unit: str = "money"

    def __post_init__(self) -> None:
        _check((len(self.labels),), self.unit, self.value, self.low, self.high)


@dataclass(frozen=True)
class Tiles:
    """One figure per place; places not listed stay blank."""

    places: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats
    unit: str = "money"

    def __post_init__(self) -> None:
        _check((len(self.places),), self.unit, self.value, self.low, self.high)


@dataclass(frozen=True)
class QuintileSplit:
    """Figures by residence (rows: rural, urban) and income fifth (columns, lowest first)."""

    value: Floats
    low: Floats
    high: Floats
    unit: str = "yuan_per_person"

    def __post_init__(self) -> None:
        _check((2, 5), self.unit, self.value, self.low, self.high)


@dataclass(frozen=True)
class FiscalFlow:
    """What each payer pays and what comes back to it as taxes, yuan; "total" may be a payer."""

    payers: tuple[str, ...]
    paid: Floats
    paid_low: Floats
    paid_high: Floats
    returned: Floats
    returned_low: Floats
    returned_high: Floats

    def __post_init__(self) -> None:
        shape = (len(self.payers),)
        _check(shape, None, self.paid, self.paid_low, self.paid_high)
        _check(shape, None, self.returned, self.returned_low, self.returned_high)


@dataclass(frozen=True)
class Ladder:
    """Leverage by definition (`leverage.*` ids), yuan per yuan of public money."""

    rungs: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        _check((len(self.rungs),), None, self.value, self.low, self.high)
