"""What all lever settings share: checks of conditions, and claims on objects and months."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict

from model.dimensions import AGE_GROUPS, QUINTILES, RESIDENCES, STAGES
from model.policy.quantities import Choice, Choices, Cities, Quantity, month_number, month_text

FOREVER: Final = month_number("9999-12")
LARGEST_YUAN: Final = 1_000_000
LARGEST_YI_YUAN: Final = 10_000


@dataclass(frozen=True)
class Window:
    """First and last simulated month, as month numbers."""

    first: int
    last: int


@dataclass(frozen=True)
class Issue:
    """A broken condition: where (keys below the policy), which text, with which fields."""

    location: tuple[str | int, ...]
    key: str
    fields: dict[str, object]
    is_warning: bool = False


def issue(location: tuple[str | int, ...], key: str, /, **fields: object) -> Issue:
    """Shorthand for an Issue that is an error."""
    return Issue(location, key, fields)


@dataclass(frozen=True)
class Claim:
    """One object of a lever (item group, category, scheme) in months, places and people."""

    what: str
    first: int
    last: int
    places: frozenset[str]
    prefix: str = ""
    people: tuple[frozenset[Any], ...] = ()

    def meets(self, other: Claim) -> bool:
        """Whether both act on the same object, place and people in the same month."""
        return (
            self.what == other.what
            and max(self.first, other.first) <= min(self.last, other.last)
            and bool(self.places & other.places)
            and all(a & b for a, b in zip(self.people, other.people, strict=True))
        )


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LeverSettings(Settings):
    """Settings of one use of a lever."""

    lever: str

    def issues(self, window: Window | None) -> Iterator[Issue]:
        """Broken conditions between settings; dates are compared with `window` if it is known."""
        del window
        yield from ()

    def claims(self, window: Window) -> Iterator[Claim]:
        """Objects, places and months this policy acts on; none need begin after the window."""
        del window
        yield from ()

    def plain(self) -> dict[str, Any]:
        """The settings as they could stand in a file, without empty ones."""
        return self.model_dump(mode="json", exclude_none=True, warnings=False)


def outside(location: tuple[str | int, ...], month: str, window: Window | None) -> Iterator[Issue]:
    """A month that is not simulated."""
    if window is not None and not window.first <= month_number(month) <= window.last:
        first, last = month_text(window.first), month_text(window.last)
        yield issue(location, "check.outside_window", month=month, first=first, last=last)


def announced(announce: str | None, start: str) -> Iterator[Issue]:
    """An announcement after the start."""
    if announce is not None and announce > start:
        yield issue(("announce",), "check.announce_after_start", announce=announce, start=start)


def ends(location: tuple[str | int, ...], start: str, end: str | None) -> Iterator[Issue]:
    """An end before the start."""
    if end is not None and end < start:
        yield issue(location, "check.end_before_start", start=start, end=end)


Yuan = Annotated[float, Quantity("yuan", 0, LARGEST_YUAN)]
YuanPerMonth = Annotated[float, Quantity("yuan/month", 0, LARGEST_YUAN)]
YiYuan = Annotated[float, Quantity("yi_yuan", 0, LARGEST_YI_YUAN)]
AgeGroups = Annotated[tuple[str, ...], Choices(Choice(AGE_GROUPS))]
Quintiles = Annotated[tuple[int, ...], Choices(Choice(tuple(range(1, QUINTILES + 1))))]
Residences = Annotated[tuple[str, ...], Choices(Choice(RESIDENCES))]


class Eligible(Settings):
    """Who gets a transfer; an absent list means everybody."""

    quintiles: Quintiles | None = None
    age_groups: AgeGroups | None = None
    residence: Residences | None = None
    places: Cities | None = None
    stage: Annotated[tuple[str, ...], Choices(Choice(STAGES))] | None = None
