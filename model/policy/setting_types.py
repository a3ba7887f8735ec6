"""What all lever settings share: checks of conditions, and claims on objects and months."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict


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
