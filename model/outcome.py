"""What one run leaves behind: monthly series with named dimensions, and nothing else.

A `Series` is an array whose axes have names; an `Outcome` is a set of series that share the same
months. The labels along each axis are fixed here (places, quintiles, ...) except for the months,
which belong to the run, and the policy levers, which belong to the scenario and travel in
`meta["labels"]`.

=====================  ==================================================  =======================
series                 dims                                                unit
=====================  ==================================================  =======================
consumption            month, place, residence, quintile, age_group,       yuan, gross of subsidy
                       category
income                 month, place, residence, quintile, age_group        yuan, disposable
households, persons    place, residence, quintile, age_group               count
payments               month, lever, source                                yuan paid by a budget
employment             month, place, sector                                persons
unemployed             month, place                                        persons
consumer_prices        month, category                                     index, 1 = base
price_level            month                                               index, 1 = base
retail_sales           month, place                                        yuan, today's definition
retail_sales_measured  month, place                                        yuan, as then measured
value_added            month, place, sector                                yuan
local_sales            month, place, sector                                yuan
revenue, spending      month, payer                                        yuan
deposits, debt         month, payer                                        yuan
arrears                month, payer                                        yuan
voucher_counters       month, place, counter                               yuan
durable_units          month, item, quintile                               units
subsidised_units       month, item                                         units
subsidised_sales       month, item                                         yuan
leakage                month                                               yuan spent outside
residual_fen           month                                               fen, must be 0
liquid_wealth          month, place                                        yuan
direct_costs           month, lever, bearer (optional)                     yuan
household_consumption  household (optional)                                yuan, cumulative
=====================  ==================================================  =======================

`revenue` holds taxes and social contributions of a budget, not transfers between budgets.
`direct_costs` is what a lever makes firms and households pay outside any budget (the raise a
wage floor forces, a merchant's share of a discount).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.dimensions import AGE_GROUPS, CATEGORIES, ITEMS, PLACES, QUINTILES, RESIDENCES, SECTORS

BUDGETS: Final = ("central", "province", *PLACES)
VOUCHER_COUNTERS: Final = (
    "issued", "redeemed", "expired", "platform_sales", "inframarginal", "topped_up", "outings",
    "stockpiled", "displaced",
)  # fmt: skip
SOURCES: Final = (*BUDGETS, "funds")  # who pays for a lever: budgets and the pooled social funds
BEARERS: Final = ("firms", "households")
FIXED_LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "place": PLACES,
    "residence": RESIDENCES,
    "quintile": tuple(f"q{number}" for number in range(1, QUINTILES + 1)),
    "age_group": AGE_GROUPS,
    "category": CATEGORIES,
    "sector": SECTORS,
    "item": ITEMS,
    "payer": BUDGETS,
    "source": SOURCES,
    "counter": VOUCHER_COUNTERS,
    "bearer": BEARERS,
}


class MissingSeriesError(KeyError):
    """Raised for a series this run did not record; the message suggests the nearest name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1)
        self.name, self.suggestion = name, near[0] if near else None
        super().__init__(f"no series {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))


@dataclass(frozen=True)
class Series:
    """An array with one named dimension per axis and one unit for all of it."""

    values: npt.NDArray[Any]
    dims: tuple[str, ...]
    unit: str

    def __post_init__(self) -> None:
        if self.values.ndim != len(self.dims) or len(set(self.dims)) != len(self.dims):
            raise ValueError(f"{self.values.ndim} axes cannot carry the dims {self.dims}")

    def axis(self, dim: str) -> int:
        """Position of `dim`. Raises ValueError if the series lacks it."""
        if dim not in self.dims:
            raise ValueError(f"series has dims {self.dims}, not {dim!r}")
        return self.dims.index(dim)

    def sum(self, *dims: str) -> Series:
        """Sum over the named dims, or over all of them if none is named."""
        axes = tuple(self.axis(dim) for dim in dims or self.dims)
        kept = tuple(dim for position, dim in enumerate(self.dims) if position not in axes)
        return replace(self, values=np.asarray(self.values.sum(axis=axes)), dims=kept)

    def by(self, *dims: str) -> Series:
        """Sum over every dim except these; axes come out in the order asked for."""
        for dim in dims:
            self.axis(dim)
        others = [dim for dim in self.dims if dim not in dims]
        summed = self.sum(*others) if others else self
        order = [summed.axis(dim) for dim in dims]
        return replace(summed, values=summed.values.transpose(order), dims=tuple(dims))

    def take(self, dim: str, positions: Sequence[int]) -> Series:
        """The slices of `dim` at these positions; the dim stays."""
        return replace(self, values=self.values.take(list(positions), axis=self.axis(dim)))


@dataclass(frozen=True)
class Outcome:
    """One run: the months it covers ("YYYY-MM"), its series by name, and facts about the run.

    `meta` must hold JSON values only. Known keys: `seed`, `scale`, `households` (simulated),
    `seconds`, `labels` (labels of dims that the scenario decides, at least "lever"),
    `lever_kinds` (name of a policy -> lever it uses).
    """

    months: list[str]
    series: dict[str, Series]
    meta: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Series:
        try:
            return self.series[name]
        except KeyError:
            raise MissingSeriesError(name, list(self.series)) from None

    def __contains__(self, name: object) -> bool:
        return name in self.series

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def labels(self, dim: str) -> tuple[str, ...]:
        """Labels along `dim`. Raises ValueError if neither this run nor the model names them."""
        if dim == "month":
            return tuple(self.months)
        named: Mapping[str, Sequence[str]] = self.meta.get("labels", {})
        if dim in named:
            return tuple(named[dim])
        if dim in FIXED_LABELS:
            return FIXED_LABELS[dim]
        raise ValueError(f"dimension {dim!r} has no labels in this run")

    def labels_of(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Labels of every axis of one series; an unnamed axis is numbered from 0."""
        series = self[name]
        return tuple(
            self.labels(dim) if self._is_named(dim) else tuple(str(i) for i in range(length))
            for dim, length in zip(series.dims, series.values.shape, strict=True)
        )

    def _is_named(self, dim: str) -> bool:
        return dim == "month" or dim in FIXED_LABELS or dim in self.meta.get("labels", {})

    def select(self, name: str, **chosen: str | Sequence[str]) -> Series:
        """Part of a series by label, e.g. `select("consumption", place="dalian")`.

        A single label drops its dim, a list of labels keeps it. Raises ValueError for a label
        that does not exist.
        """
        series = self[name]
        for dim, wanted in chosen.items():
            labels = self.labels(dim)
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            unknown = [label for label in names if label not in labels]
            if unknown:
                raise ValueError(f"{dim} has no label {unknown[0]!r}; it has {', '.join(labels)}")
            series = series.take(dim, [labels.index(label) for label in names])
            series = series.sum(dim) if isinstance(wanted, str) else series
        return series

    def total(self, name: str, months: int | None = None) -> float:
        """Sum of a series over everything, to the end of the first `months` months."""
        series = self[name]
        if months is not None and "month" in series.dims:
            series = series.take("month", range(min(months, len(self.months))))
        return float(series.values.sum())

    def check(self) -> None:
        """Raise ValueError if an axis is longer or shorter than its labels."""
        for name, series in self.series.items():
            expected = tuple(len(labels) for labels in self.labels_of(name))
            if series.values.shape != expected:
                raise ValueError(f"{name}: shape {series.values.shape}, labels say {expected}")

    @property
    def max_residual_fen(self) -> int:
        """Largest accounting residual of any month, in fen."""
        if "residual_fen" not in self.series:
            return int(self.meta.get("max_residual_fen", 0))
        return int(np.abs(self["residual_fen"].values).max(initial=0))
