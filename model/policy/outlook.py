"""What households believe about durable prices: tables under the announced programmes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.agents.household_layout import F64, I64
from model.dimensions import PLACES
from model.parameters import Parameters
from model.policy.levers.base import Lever, place_mask
from model.policy.levers.trade_in import TradeInLever
from model.solvers.durables import ReplacementTables, SubsidySchedule, replacement_tables

_KEPT: dict[tuple[object, ...], ReplacementTables] = {}
_KEPT_LIMIT = 16


class Outlook:
    """Tables in force each month, and which row of them each place reads.

    Households believe the announced end. When the money ends first, they learn it that month and
    the tables are solved again with the true end.
    """

    def __init__(
        self,
        parameters: Parameters,
        levers: Sequence[Lever],
        months: int,
        first_calendar_month: int,
        prices: F64,
    ) -> None:
        self._parameters, self._months, self._first = parameters, months, first_calendar_month
        self._programmes = [lever for lever in levers if isinstance(lever, TradeInLever)]
        self._believed = [lever.schedule(prices) for lever in self._programmes]
        self.tables = self._solve()

    def _solve(self) -> ReplacementTables:
        key = (
            self._parameters.digest("durables."), self._months, self._first,
            *(_identity(schedule) for schedule in self._believed),
        )  # fmt: skip
        if key not in _KEPT:
            if len(_KEPT) >= _KEPT_LIMIT:
                _KEPT.pop(next(iter(_KEPT)))
            _KEPT[key] = replacement_tables(
                self._parameters, self._believed, self._months, self._first
            )
        return _KEPT[key]

    def rows(self, month: int) -> I64:
        """Row of the tables for each place; places no programme reaches keep the baseline."""
        covered = np.zeros(len(PLACES), dtype=np.int64)
        for programme in self._programmes:
            covered |= place_mask(programme.settings.cities)
        rows = np.where(covered > 0, self.tables.index[month], self.tables.baseline[month])
        return np.asarray(rows, dtype=np.int64)

    def unaware_rows(self, month: int) -> I64:
        """Row of the tables without any programme, for each place."""
        return np.full(len(PLACES), self.tables.baseline[month], dtype=np.int64)

    def learn(self, month: int) -> None:
        """After month `month`: a programme that ran out of money is known to have ended."""
        changed = False
        for at, programme in enumerate(self._programmes):
            end = self._believed[at].end
            if programme.exhausted and end is not None and end > month + 1:
                self._believed[at] = replace(self._believed[at], end=month + 1)
                changed = True
        if changed:
            self.tables = self._solve()


def _identity(schedule: SubsidySchedule) -> tuple[object, ...]:
    return (
        schedule.announced, schedule.start, schedule.end, schedule.instant, schedule.share.tobytes()
    )  # fmt: skip
