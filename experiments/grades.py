"""How good the evidence under a reported figure is: one letter from the parameters it rests on.

The letter is the median grade of the parameters that feed the outcome, rounded to the worse
side. It grades sources, not accuracy: the interval and the in-silico
replications speak about that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from model.parameters import GRADES, Parameters

RESTS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "household_consumption": ("consumption.", "durables.", "households.", "population."),
    "bottom40_consumption": ("consumption.", "durables.", "households.", "population."),
    "retail_sales": ("consumption.", "durables.", "households.", "spending.", "outside."),
    "local_value_added": ("production.", "firms.", "outside.", "consumption.", "households."),
    "employment": ("firms.", "labour.", "production."),
    "price_level": ("firms.", "labour.", "production."),
    "fiscal_cost": ("government.", "durables."),
    "tax_return": ("government.", "production.", "firms."),
    "income": ("population.", "labour.", "firms."),
}
"""Groups of parameters (files) behind each outcome; the levers' own groups come on top."""
NOT_EVIDENCE: Final = ("numerics.",)
"""Numerical settings change precision and speed, so their grade says nothing about evidence."""


def grade_counts(parameters: Parameters, *groups: str) -> Counter[str]:
    """Number of parameters by grade in these groups (all if none), numerical settings left out."""
    names = (name for name in parameters if not groups or name.startswith(groups))
    entries = (parameters.entry(name) for name in names if not name.startswith(NOT_EVIDENCE))
    return Counter(entry.grade for entry in entries)


def outcome_grade(outcome: str, parameters: Parameters, levers: Iterable[str] = ()) -> str:
    """The letter of one outcome under a policy that uses these levers."""
    groups = (*RESTS_ON.get(outcome, ()), *(f"households.{lever}." for lever in levers))
    return typical_grade(grade_counts(parameters, *groups))


def evidence_grade(measures: Iterable[int]) -> str | None:
    """Typical grade of the mechanisms of these measures; None if there are none.

    A: causal evidence in China, B: causal evidence elsewhere, C: theory or experts, D: assumption.
    """
    from model.policy.catalogue import load_catalogue

    known = load_catalogue()
    counts: Counter[str] = Counter(known[number].evidence.grade for number in measures)
    return typical_grade(counts) if counts else None


def typical_grade(counts: Mapping[str, int]) -> str:
    """Median grade, rounded to the worse side; D (assumption) if there is nothing to count."""
    half, seen = sum(counts.values()) / 2, 0
    for grade in GRADES:
        seen += counts.get(grade, 0)
        if seen > half:
            return grade
    return GRADES[-1]
