"""Results kept for the parameters they were built from, and known again by what the build read.

A sweep changes a few numbers from run to run, and most of a run's preparation reads none of them.
Which numbers a result depends on is not written down anywhere, so that nothing can be forgotten:
the build is given parameters that note what is read, and a kept result is used again only where
each of these has the very same value.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from model.parameters import Parameter, Parameters

Value = TypeVar("Value")


class Watched(Parameters):
    """The same parameters; `read` are the names asked for, directly or through a digest."""

    def __init__(self, of: Parameters) -> None:
        super().__init__(of._entries)
        self._of = of
        self.read: set[str] = set()

    def entry(self, name: str) -> Parameter:
        """See Parameters."""
        self.read.add(name)
        return self._of.entry(name)

    def with_values(self, overrides: dict[str, Any]) -> Parameters:  # type: ignore[override]
        """See Parameters. What is read of the copy is not seen: it counts as reading everything."""
        self._read_all()
        return self._of.with_values(overrides)

    def digest(self, *prefixes: str) -> str:
        """See Parameters."""
        self._read_all(*prefixes)
        return self._of.digest(*prefixes)

    def _read_all(self, *prefixes: str) -> None:
        for name in self._entries:
            if not prefixes or name.startswith(prefixes):
                self.entry(name)


@dataclass(frozen=True)
class _Kept(Generic[Value]):
    result: Value
    entries: dict[str, Parameter]

    def holds_for(self, parameters: Parameters) -> bool:
        """Whether everything that was read has the same value."""
        return all(_same(entry, parameters.entry(name)) for name, entry in self.entries.items())


def _same(one: Parameter, other: Parameter) -> bool:
    """The same value to the last bit and kind: 1 is not 1.0."""
    if one is other or one.value is other.value:
        return True
    return one.value == other.value and _text(one.value) == _text(other.value)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


class Memory(Generic[Value]):
    """The last results of a build. What is kept belongs to everybody: nobody changes it.

    Together they are at most `limit` by their `size` (by default each counts one), or a single one.
    `ignored` tells of a parameter's name that it cannot change the result though it is read.
    """

    def __init__(
        self, limit: int, ignored: Callable[[str], bool] = lambda _: False,
        size: Callable[[Value], int] = lambda _: 1,
    ) -> None:  # fmt: skip
        self._limit, self._ignored, self._size = limit, ignored, size
        self._kept: OrderedDict[int, tuple[Hashable, _Kept[Value]]] = OrderedDict()
        self._made = 0

    def get(
        self, parameters: Parameters, key: Hashable, build: Callable[[Parameters], Value]
    ) -> Value:
        """The kept result for `key` and these parameters, or that of `build`, which is kept.

        `key` is everything else that decides the result. `build` may read parameters only from
        what it is given. Exceptions of `build` pass through and nothing is kept.
        """
        for number in reversed(self._kept):
            its_key, kept = self._kept[number]
            if its_key == key and kept.holds_for(parameters):
                self._kept.move_to_end(number)
                return kept.result
        return self._build(parameters, key, build)

    def _build(
        self, parameters: Parameters, key: Hashable, build: Callable[[Parameters], Value]
    ) -> Value:
        watched = Watched(parameters)
        result = build(watched)
        names = (name for name in sorted(watched.read) if not self._ignored(name))
        self._made += 1
        self._kept[self._made] = key, _Kept(result, {n: parameters.entry(n) for n in names})
        while len(self._kept) > 1 and self._room() > self._limit:
            self._kept.popitem(last=False)
        return result

    def _room(self) -> int:
        return sum(self._size(kept.result) for _, kept in self._kept.values())

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
