"""Rows of arrays as Mesa agents: the store, the column descriptors and the view of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload

import mesa
import numpy as np
import numpy.typing as npt

from model.agents.array_statistics import plain

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]
Value = TypeVar("Value")
Compute = Callable[[Any], Any]


@dataclass(eq=False)
class ArrayStore:
    """State of all agents of one type.

    `columns`: name -> array whose last axis is the row. `computed`: name -> function of a row
    number or an array of rows, for attributes that need no storage; `unique_id` is the row if it
    is not among them. `whole`: method name -> function of the full set that does for all rows what
    the method does for one (the compiled form). `seed` drives `shuffle` and `sample`.
    """

    model: Any
    agent_type: type[ArrayAgent]
    columns: Mapping[str, Array]
    computed: Mapping[str, Compute] = field(default_factory=dict)
    whole: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        lengths = {name: array.shape[-1] for name, array in self.columns.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"columns must have one length, got {lengths}")
        self.length: int = next(iter(lengths.values()))

    def identity(self, rows: Any) -> Any:
        """`unique_id` of a row or of an array of rows."""
        return self.computed["unique_id"](rows) if "unique_id" in self.computed else rows


class Column(Generic[Value]):
    """Attribute of a view, stored in the array of the same name.

    A number reads as a Python number. A row of a two-dimensional column reads as a small array
    over the same memory, so that `household.durable[0] = 3` changes the column.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, view: None, owner: type) -> Column[Value]: ...
    @overload
    def __get__(self, view: ArrayAgent, owner: type) -> Value: ...
    def __get__(self, view: ArrayAgent | None, owner: type) -> Any:
        if view is None:
            return self
        array = view.store.columns[self.name]
        return array[view.row].item() if array.ndim == 1 else array[..., view.row]

    def __set__(self, view: ArrayAgent, value: Value) -> None:
        view.store.columns[self.name][..., view.row] = value


class Computed(Generic[Value]):
    """Read-only attribute of a view that the store works out from the row number."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, view: None, owner: type) -> Computed[Value]: ...
    @overload
    def __get__(self, view: ArrayAgent, owner: type) -> Value: ...
    def __get__(self, view: ArrayAgent | None, owner: type) -> Any:
        return self if view is None else plain(view.store.computed[self.name](view.row))

    def __set__(self, view: ArrayAgent, value: Value) -> None:
        raise AttributeError(f"{self.name} is computed from the row and cannot be set")


class ArrayAgent(mesa.Agent):  # type: ignore[misc]
    """A Mesa agent that is a view of one row. Subclasses declare `Column`s.

    It is not registered with the model: `model.agents` holds only agents that exist as objects.
    Two views of one row are equal. Attributes that are not columns live as long as the view.
    """

    def __init__(self, store: ArrayStore, row: int) -> None:  # registers nothing, by intent
        self.store = store
        self.row = row
        self.model = store.model
        self.unique_id = int(store.identity(row))
        self.pos = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayAgent) and other.store is self.store and other.row == self.row

    def __hash__(self) -> int:
        return hash((id(self.store), self.row))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(unique_id={self.unique_id}, row={self.row})"

    def remove(self) -> None:
        """Rows are never removed. Raises TypeError."""
        raise TypeError("an array agent is a row of arrays and cannot be removed")
