"""What the settings of all programmes share: dates, delivery, places, and who pays.

A programme is any lever that takes time to reach people. Its effect is `delivered(month)` between
0 and 1: nothing during `lag_months`, then a straight rise over `ramp_months`, stretched when cities
run more programmes at once than their administrations can start (`policy.delivery`).
Programmes that act on the same object are combined by rule: ratios multiply, money adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

from model.dimensions import PAYERS, PLACES, SECTORS
from model.policy.quantities import Choice, Choices, Cities, Month, Quantity, Shares
from model.policy.setting_types import (
    LARGEST_YI_YUAN,
    Issue,
    LeverSettings,
    Settings,
    Window,
    ends,
    issue,
    outside,
)
from model.scenario_header import Name
from model.scenario_problems import phrase

BEARERS: Final = (*PAYERS, "funds", "firms", "outside")
"""Who can bear a programme: three levels of government, the pooled funds, local firms, others."""

Percent = Annotated[float, Quantity("%", -90, 500)]
Points = Annotated[float, Quantity("%", -100, 100)]  # percentage points
Share = Annotated[float, Quantity("share", 0, 1)]
YiYuanPerYear = Annotated[float, Quantity("yi_yuan", 0, LARGEST_YI_YUAN)]
YuanAmount = Annotated[float, Quantity("yuan", 0, 1_000_000)]
Months = Annotated[int, Quantity("months", 0, 120, whole=True)]
MonthCount = Annotated[float, Quantity("months", 0, 120)]
CalendarMonths = Annotated[tuple[int, ...], Choices(Choice(tuple(range(1, 13))))]
Sectors = Annotated[tuple[str, ...], Choices(Choice(SECTORS, "sector."))]
Payers = Annotated[dict[str, float], Shares(BEARERS, "payer.")]
Persons = Annotated[float, Quantity("count", 0, 20_000_000)]


class PartOf(Settings):
    """A programme that is stronger in some cities than in others is written in several parts.

    Offices set the parts up as one programme, and amounts of money and persons are those of all
    `cities`: each part gets what the programme would give its own ones.
    """

    programme: Name
    cities: Cities = PLACES


class Programme(LeverSettings):
    """Dates, delivery and places of a programme; `end` None means that it goes on.

    `sizes` names the settings that are all zero if the programme does nothing but spend;
    `divisible` says that what it does in one city can differ from what it does in another.
    """

    sizes: ClassVar[tuple[str, ...]] = ()
    divisible: ClassVar[bool] = False
    start: Month
    end: Month | None = None
    lag_months: MonthCount = 0.0
    ramp_months: MonthCount = 0.0
    cities: Cities = PLACES
    part_of: PartOf | None = None

    def issues(self, window: Window | None) -> Iterator[Issue]:
        """Dates in order; payers are named when money is spent."""
        yield from outside(("start",), self.start, window)
        yield from ends(("end",), self.start, self.end)
        yield from self._payer_issues()
        yield from self._part_issues()

    def spends(self) -> float:
        """Money that needs a payer (any unit); zero if the programme spends nothing."""
        return 0.0

    def plain(self) -> dict[str, Any]:
        """As for any lever; payers that are not needed are not written."""
        written = super().plain()
        return {key: value for key, value in written.items() if key != "payers" or value}

    def _part_issues(self) -> Iterator[Issue]:
        """Only divisible programmes have parts, and only of their own cities."""
        if self.part_of is None:
            return
        if not self.divisible:
            yield issue(("part_of",), "check.not_divisible", lever=phrase(f"lever.{self.lever}"))
        for city in self.cities:
            if city not in self.part_of.cities:
                where = ("part_of", "cities")
                yield issue(where, "check.city_not_included", city=phrase(f"place.{city}"))

    def _payer_issues(self) -> Iterator[Issue]:
        if self.spends() > 0 and not getattr(self, "payers", None):
            yield issue((), "check.missing_key", key="payers")
