"""Delivery: how much of each programme reaches people in each month, between 0 and 1.

A programme needs `lag_months` of preparation before anybody notices it and `ramp_months` until all
are reached. Offices set up only so many programmes at once: beyond
`government.administrative_capacity` each advances more slowly. Parts of one programme in several
cities count as one. Coordination raises that number and shortens lags; it delivers nothing of its
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.parameters import Parameters
from model.policy.programme_settings import Programme
from model.policy.settings_supply import Coordination, Statistics
from model.scenario import Scenario

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
PERCENT = 100.0
WHOLE_MONTH = 1.0  # the model's unit of time: what starts, starts for a month


@dataclass(frozen=True)
class Span:
    """Dates of a programme as months of the run; `last` is the last month in force."""

    start: int
    last: int
    lag: float
    ramp: float

    @property
    def work(self) -> float:
        """Months of preparation and roll-out if offices do nothing else."""
        return self.lag + self.ramp


class Delivery:
    """`delivered[name]` [month] of every programme of a scenario, solved once before the run."""

    def __init__(self, scenario: Scenario, parameters: Parameters) -> None:
        self.months = scenario.months
        found = {n: s for n, s in scenario.policies.items() if isinstance(s, Programme)}
        self.spans = {name: _span(scenario, settings) for name, settings in found.items()}
        enabling = {n: s for n, s in found.items() if isinstance(s, Coordination)}
        self.delivered = {
            name: self._reached(self.spans[name], np.ones(self.months), np.ones(self.months))
            for name, settings in found.items()
            if isinstance(settings, Coordination | Statistics)
        }
        self.lag_ratio = self._ratio({n: s.lag_percent for n, s in enabling.items()})
        offices = parameters.number("government.administrative_capacity")
        self.capacity = offices * self._ratio({n: s.capacity_percent for n, s in enabling.items()})
        busy = {n: s for n, s in found.items() if n not in self.delivered and not idle(s)}
        self._advance(list(busy), programme_numbers(busy))
        for name in found.keys() - self.delivered.keys():
            self.delivered[name] = np.zeros(self.months)

    def _ratio(self, percents: Mapping[str, float]) -> F64:
        """Product over coordination programmes of their ratio by month."""
        result = np.ones(self.months)
        for name, percent in percents.items():
            result = result * (1.0 + percent / PERCENT * self.delivered[name])
        return result

    def _advance(self, names: list[str], programmes: I64) -> None:
        """Months of progress of each policy, slower while offices are overloaded.

        `programmes` [policy] numbers the programmes that the policies are parts of.
        """
        start, last = (np.array([getattr(self.spans[n], end) for n in names], dtype=int)
                       for end in ("start", "last"))  # fmt: skip
        work = np.array([self.spans[name].work for name in names])
        done, pace = np.zeros(len(names)), np.zeros((self.months, len(names)))
        for month in range(self.months):
            running = (start <= month) & (month <= last)
            load = running & (done < work)
            share = min(1.0, float(self.capacity[month]) / max(len(set(programmes[load])), 1))
            pace[month] = np.where(load, share, WHOLE_MONTH) * running
            done += pace[month]
        for at, name in enumerate(names):
            self.delivered[name] = self._reached(self.spans[name], pace[:, at], self.lag_ratio)

    def _reached(self, span: Span, pace: F64, lag_ratio: F64) -> F64:
        """Share reached [month]; a ramp below one month is a start within a month."""
        month = np.arange(self.months)
        running = (month >= span.start) & (month <= span.last)
        if span.work == 0.0:
            return running.astype(float)
        progress = np.cumsum(np.where(running, pace, 0.0))
        ramp = max(span.ramp, WHOLE_MONTH)
        reached = np.clip((progress - span.lag * lag_ratio) / ramp, 0.0, 1.0)
        return np.asarray(np.where(running, np.maximum.accumulate(reached * running), 0.0))


def programme_numbers(policies: Mapping[str, Programme]) -> I64:
    """[policy] equal numbers for parts of one programme."""
    numbers: dict[tuple[str, bool], int] = {}
    found = []
    for name, settings in policies.items():
        part_of = settings.part_of
        label = (name, False) if part_of is None else (part_of.programme, True)
        found.append(numbers.setdefault(label, len(numbers)))
    return np.array(found, dtype=np.int64)


def _span(scenario: Scenario, settings: Programme) -> Span:
    at = scenario.month_offset
    last = scenario.months - 1 if settings.end is None else at(settings.end)
    return Span(at(settings.start), last, settings.lag_months, settings.ramp_months)


def idle(settings: Programme) -> bool:
    """Whether a programme changes nothing, so that no office works on it."""
    sizes = [settings.spends(), *(_size(settings, name) for name in settings.sizes)]
    return not any(sizes)


def _size(settings: Programme, name: str) -> float:
    value = getattr(settings, name)
    parts = value.values() if isinstance(value, Mapping) else (value,)
    return float(sum(abs(part) for part in parts))
