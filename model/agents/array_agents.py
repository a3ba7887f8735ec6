"""Mesa agents whose state lives in arrays: views of rows, and a set with Mesa's verbs.

A Mesa agent is one Python object of about half a kilobyte, which 17 million households cannot
afford. Here a household is row i of a few arrays; `ArrayAgent` is a `mesa.Agent` made when somebody
asks for it and forgotten afterwards, and `ArrayAgentSet` answers Mesa's verbs from whole columns.
`docs/mesa.md` says what is the same as in Mesa and what is not.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, overload

import numpy as np

from model.agents import array_statistics as statistics
from model.agents.array_store import Array, ArrayAgent, ArrayStore, Column, Compute, Computed, Rows
from model.streams import Purpose, uniforms, word_columns

# Mesa 3.5 has an abstract set to build on; 3.3 (the last for Python 3.11) only the concrete one.
_AGENT_SETS = importlib.import_module(
    "mesa.agentset" if importlib.util.find_spec("mesa.agentset") else "mesa.agent"
)
_BaseSet: Any = getattr(_AGENT_SETS, "AbstractAgentSet", _AGENT_SETS.AgentSet)
_BaseGroups: Any = _AGENT_SETS.GroupBy

__all__ = ["ArrayAgent", "ArrayAgentSet", "ArrayGroups", "ArrayStore", "Column", "Computed"]
Function = Callable[..., Any]
_SPOTS = 4
_KEY_BLOCK = 1 << 18


class ArrayAgentSet(_BaseSet):  # type: ignore[misc]
    """Mesa's AgentSet over rows of an `ArrayStore`.

    Attributes are whole, read-only columns, small integers widened to int64: `households.liquid`.
    `select`, `sort`, `groupby`, `map` and `count` hand a callable this set first, so that
    `select(lambda h: h.liquid < 1000)` costs a few array operations. If that raises, returns
    anything but one value a row, or disagrees with single agents at four spots, they call it
    agent by agent. Such callables must have no effects. `do` never tries: see `do`.
    """

    def __init__(self, store: ArrayStore, rows: Rows | None = None, frozen: bool = False) -> None:
        put = object.__setattr__
        put(self, "_store", store)
        put(self, "_rows", rows)
        put(self, "_frozen", frozen)

    # -- container -----------------------------------------------------------------------

    @property
    def model(self) -> Any:
        """The model of the agents."""
        return self._store.model

    @property
    def random(self) -> Any:
        """The model's generator, as in Mesa. Nothing here draws from it."""
        return self.model.random

    @property
    def rows(self) -> Rows:
        """Row numbers, int64 [n], in the order of the set."""
        return np.arange(self._store.length) if self._rows is None else self._rows

    def __len__(self) -> int:
        return int(self._store.length if self._rows is None else self._rows.size)

    def __iter__(self) -> Iterator[Any]:
        store = self._store
        rows: Iterable[int] = range(store.length) if self._rows is None else self._rows
        return (store.agent_type(store, int(row)) for row in rows)

    def __contains__(self, agent: object) -> bool:
        if not isinstance(agent, ArrayAgent) or agent.store is not self._store:
            return False
        return self._rows is None or bool(np.any(self._rows == agent.row))

    @overload
    def __getitem__(self, item: int) -> Any: ...
    @overload
    def __getitem__(self, item: slice) -> list[Any]: ...
    def __getitem__(self, item: int | slice) -> Any:
        """An agent, or for a slice a list of agents (as in Mesa)."""
        places: Any = range(len(self)) if self._rows is None else self._rows
        if isinstance(item, slice):
            return [self._store.agent_type(self._store, int(row)) for row in places[item]]
        return self._store.agent_type(self._store, int(places[item]))

    def to_list(self) -> list[Any]:
        """All agents as a list of views; use with care on large sets."""
        return list(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArrayAgentSet) or other._store is not self._store:
            return False
        return len(self) == len(other) and np.array_equal(np.sort(self.rows), np.sort(other.rows))

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: ArrayAgentSet) -> ArrayAgentSet:
        return self._kept(np.isin(self.rows, other.rows))

    def __sub__(self, other: ArrayAgentSet) -> ArrayAgentSet:
        return self._kept(~np.isin(self.rows, other.rows))

    def __or__(self, other: ArrayAgentSet) -> ArrayAgentSet:
        return self._over(np.concatenate([self.rows, (other - self).rows]))

    def __copy__(self) -> ArrayAgentSet:
        return self._over(self._rows)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} {self._store.agent_type.__name__}>"

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def add(self, agent: Any) -> None:
        """Rows are fixed. Raises TypeError."""
        raise TypeError(f"{agent!r}: rows of {self!r} are fixed; select or | make another set")

    discard = remove = add

    def _update(self, agents: Iterable[Any]) -> ArrayAgentSet:
        rows = np.fromiter((agent.row for agent in agents), dtype=np.int64)
        return self._become(rows, inplace=True)

    def _over(self, rows: Rows | None) -> ArrayAgentSet:
        return type(self)(self._store, rows)

    def _become(self, rows: Rows | None, inplace: bool) -> ArrayAgentSet:
        if not inplace:
            return self._over(rows)
        object.__setattr__(self, "_rows", rows)
        return self

    def _kept(self, mask: Array) -> ArrayAgentSet:
        chosen = np.flatnonzero(mask)
        return self._over(chosen if self._rows is None else self._rows[chosen])

    # -- columns -------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._column(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def _column(self, name: str) -> Any:
        """Column `name` of these rows, last axis the row; a constant of the class as it is."""
        store = self._store
        if name in store.columns:
            array = store.columns[name]
            return _readable(array if self._rows is None else array[..., self._rows])
        if name == "unique_id":
            return _readable(np.asarray(store.identity(self.rows)))
        if name in store.computed:
            return _readable(np.asarray(store.computed[name](self.rows)))
        found = getattr(store.agent_type, name)
        if isinstance(found, property) and found.fget is not None:
            return np.asarray(self._each(found.fget))
        if callable(found):
            raise AttributeError(f"{name} is a method of single agents")
        return found

    def _each(self, function: Compute) -> Any:
        """`function` of every agent: an array [n] if it works on columns, else a list."""
        found = self._at_once(function) if len(self) > 1 else None
        return [function(agent) for agent in self] if found is None else found

    def _at_once(self, function: Compute) -> Array | None:
        try:
            with np.errstate(divide="raise", invalid="raise", over="raise"):
                found = function(type(self)(self._store, self._rows, frozen=True))
        except Exception:  # whatever it is, the agents one by one decide
            return None
        if not isinstance(found, np.ndarray) or found.shape != (len(self),):
            return None
        return found if self._agrees(function, found) else None

    def _agrees(self, function: Compute, found: Array) -> bool:
        for spot in np.linspace(0, len(self) - 1, _SPOTS).astype(int).tolist():
            try:
                single = function(self[spot])
            except Exception:  # written for columns only, such as h.liquid.mean()
                continue
            if not np.all(single == found[spot]):
                return False
        return True

    def _mask(self, condition: Compute | Array) -> Array:
        """Boolean [n] from a mask of that length or a condition. ValueError for another shape."""
        found = self._each(condition) if callable(condition) else np.asarray(condition)
        mask = np.asarray(found).astype(bool)
        if mask.shape != (len(self),):
            raise ValueError(f"a mask of shape {mask.shape} for {len(self)} agents")
        return mask

    # -- Mesa's verbs ----------------------------------------------------------------------

    def select(
        self,
        filter_func: Compute | Array | None = None,
        at_most: float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
    ) -> ArrayAgentSet:
        """Agents that meet a condition (callable or boolean mask [n]), the first `at_most`.

        A float `at_most` up to 1.0 is a share of this set, rounded down.
        """
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(len(self) * at_most)
        if agent_type is not None and not issubclass(self._store.agent_type, agent_type):
            at_most = 0
        rows = self._rows if filter_func is None else self._kept(self._mask(filter_func)).rows
        if at_most < (len(self) if rows is None else rows.size):
            rows = (self.rows if rows is None else rows)[: max(int(at_most), 0)]
        return self._become(rows, inplace)

    def agg(
        self,
        attribute: str,
        func: Function | Iterable[Function],
        weighted: bool = False,
    ) -> Any:
        """`func` (one or several) of an attribute's column.

        `weighted` counts a row as `weight` agents, for sums over the population it stands for.
        """
        if not callable(func):
            return [self.agg(attribute, each, weighted) for each in func]
        values = self.get(attribute)
        if weighted:
            return statistics.apply_weighted(func, values, self.get("weight"))
        return statistics.apply(func, values)

    def get(
        self,
        attr_names: str | list[str],
        handle_missing: Literal["error", "default"] = "error",
        default_value: Any = None,
    ) -> Any:
        """Values of an attribute, one an agent, as an array; for several names, a list of rows.

        Raises AttributeError for an unknown name unless `handle_missing` is "default".
        """
        if handle_missing not in ("error", "default"):
            raise ValueError(f"handle_missing must be 'error' or 'default', not {handle_missing!r}")
        if not isinstance(attr_names, str):
            columns = [self.get(name, handle_missing, default_value) for name in attr_names]
            return [list(row) for row in zip(*(c.tolist() for c in columns), strict=True)]
        try:
            found = self._column(attr_names)
        except AttributeError:
            if handle_missing == "error":
                raise
            found = default_value
        if isinstance(found, np.ndarray) and found.ndim and found.shape[-1] == len(self):
            return np.moveaxis(found, -1, 0)
        return np.full(len(self), found)

    def set(self, attr_name: str, value: Any) -> ArrayAgentSet:
        """Write an attribute: one value for all, or an array whose last axis is the row.

        Raises AttributeError if there is no such column, OverflowError if a value does not fit.
        """
        if self._frozen:
            raise TypeError("a condition must not change agents")
        if attr_name not in self._store.columns:
            raise AttributeError(f"{attr_name} is not a column of {self!r}")
        column = self._store.columns[attr_name]
        values = np.asarray(value)
        _check_fit(attr_name, values, column.dtype)
        if column.ndim > 1 and values.shape == column.shape[:-1]:
            values = values[..., None]
        where = slice(None) if self._rows is None else self._rows
        column[..., where] = values.astype(column.dtype)
        return self

    def do(self, method: str | Function, *args: Any, **kwargs: Any) -> ArrayAgentSet:
        """Call a method or function on every agent, in order, exactly as Mesa does.

        A method in the store's `whole` runs as one call on the full set instead. Functions are
        not tried on columns first: one that fails halfway would already have changed agents.
        """
        if isinstance(method, str) and self._rows is None and method in self._store.whole:
            self._store.whole[method](self, *args, **kwargs)
            return self
        for agent in self:
            if isinstance(method, str):
                getattr(agent, method)(*args, **kwargs)
            else:
                method(agent, *args, **kwargs)
        return self

    def shuffle_do(self, method: str | Function, *args: Any, **kwargs: Any) -> ArrayAgentSet:
        """`shuffle().do(...)`; a method that has a form for the full set needs no order."""
        whole = isinstance(method, str) and self._rows is None and method in self._store.whole
        (self if whole else self.shuffle()).do(method, *args, **kwargs)
        return self

    def map(self, method: str | Compute, *args: Any, **kwargs: Any) -> list[Any]:
        """Results of a method (agent by agent) or of a function without effects."""
        if isinstance(method, str):
            return [getattr(agent, method)(*args, **kwargs) for agent in self]
        found = self._each(lambda agent: method(agent, *args, **kwargs))
        return found.tolist() if isinstance(found, np.ndarray) else list(found)

    def groupby(self, by: str | Compute, result_type: str = "agentset") -> ArrayGroups:
        """Groups by an attribute or function, in order of first appearance."""
        keys = self.get(by) if isinstance(by, str) else self._each(by)
        groups: dict[Any, Any] = {
            key: self._over(self.rows[positions]) for key, positions in _positions(keys)
        }
        if result_type != "agentset":
            groups = {key: group.to_list() for key, group in groups.items()}
        return ArrayGroups(groups)

    def sort(
        self, key: str | Compute, ascending: bool = False, inplace: bool = False
    ) -> ArrayAgentSet:
        """In the order of an attribute or function, largest first unless `ascending`; stable."""
        keys = self.get(key) if isinstance(key, str) else self._each(key)
        if isinstance(keys, np.ndarray):
            backwards = keys if ascending else keys[::-1]
            order = np.argsort(backwards, kind="stable")
            order = order if ascending else (len(self) - 1 - order)[::-1]
        else:
            order = np.array(sorted(range(len(self)), key=keys.__getitem__, reverse=not ascending))
        return self._become(self.rows[order.astype(np.int64)], inplace)

    def shuffle(self, inplace: bool = False) -> ArrayAgentSet:
        """A random order that depends on the seed, the month and the agents' ids only.

        Households do not see one another within a month, so an order changes no result; it
        matters for `select(at_most=...)`, which takes the first.
        """
        identity, keys = self.get("unique_id"), np.empty(len(self), dtype=np.uint64)
        month = int(getattr(self.model, "steps", 0))
        for low in range(0, len(self), _KEY_BLOCK):
            part = slice(low, low + _KEY_BLOCK)
            words = word_columns(self._store.seed, Purpose.SAMPLING, identity[part], month)
            keys[part] = (words[0].astype(np.uint64) << np.uint64(32)) | words[1]
        return self._become(self.rows[np.argsort(keys, kind="stable")], inplace)

    # -- beyond Mesa -------------------------------------------------------------------------

    def count(self, condition: Compute | Array | None = None, weighted: bool = False) -> int:
        """Number of agents, or of those that meet a condition, or (`weighted`) they stand for."""
        chosen = self if condition is None else self._kept(self._mask(condition))
        return int(chosen.agg("weight", np.sum)) if weighted else len(chosen)

    def sample(self, size: int) -> ArrayAgentSet:
        """A fixed panel of `size` agents (all if fewer): evenly spaced rows from a drawn start.

        Rows are ordered by place and residence, so the panel has every place in proportion.
        """
        size = min(size, len(self))
        start = float(uniforms(self._store.seed, Purpose.SAMPLING, [0], block=1)[0, 0])
        positions = ((np.arange(size) + start) * (len(self) / max(size, 1))).astype(np.int64)
        return self._over(self.rows[positions])


class ArrayGroups(_BaseGroups):  # type: ignore[misc]
    """Mesa's GroupBy over array sets: `agg` and `count` can be weighted."""

    def agg(self, attr_name: str, func: Function, weighted: bool = False) -> dict[Any, Any]:
        """`func` of an attribute in every group."""
        return {
            key: group.agg(attr_name, func, weighted)
            if isinstance(group, ArrayAgentSet)
            else func([getattr(agent, attr_name) for agent in group])
            for key, group in self.groups.items()
        }

    def count(self, weighted: bool = False) -> dict[Any, int]:
        """Agents in every group."""
        if not weighted:
            return {key: len(group) for key, group in self.groups.items()}
        return {key: group.count(weighted=True) for key, group in self.groups.items()}


def _readable(array: Array) -> Array:
    """A read-only column, small integers widened: 200 + 100 must be 300 as with Python numbers."""
    small = array.dtype.kind in "iu" and array.dtype.itemsize < np.dtype(np.int64).itemsize
    found = array.astype(np.int64) if small else array.view()
    found.flags.writeable = False
    return found


def _check_fit(name: str, values: Array, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "iu" or values.size == 0:
        return
    limits = np.iinfo(dtype)
    inside = np.all((values >= limits.min) & (values <= limits.max))  # false for NaN
    if not inside:
        raise OverflowError(f"{name}: values must lie in {limits.min}..{limits.max}")


def _positions(keys: Any) -> Iterator[tuple[Any, Rows]]:
    """Distinct keys in order of first appearance, each with its positions in order."""
    if not isinstance(keys, np.ndarray) or keys.ndim != 1:
        found: dict[Any, list[int]] = {}
        for position, key in enumerate(keys):
            found.setdefault(key, []).append(position)
        for key, positions in found.items():
            yield key, np.array(positions, dtype=np.int64)
        return
    values, first, which = np.unique(keys, return_index=True, return_inverse=True)
    members = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
    for group in np.argsort(first, kind="stable").tolist():
        yield values[group].item(), members[group]
