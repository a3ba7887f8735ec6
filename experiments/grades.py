"""How good the evidence under a reported figure is: one letter from the parameters it rests on.

The letter is the median grade of the parameters that feed the outcome, rounded to the worse
side; what budgets pay rests mostly on the policy's own settings and volumes, what households do
on the behavioural parameters. It grades sources, not accuracy: the interval and the in-silico
replications speak about that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from model.parameters import GRADES, Parameters

NOT_EVIDENCE: Final = ("numerics.",)
"""Numerical settings change precision and speed, so their grade says nothing about evidence."""


def grade_counts(parameters: Parameters) -> Counter[str]:
    """Number of parameters by grade, numerical settings left out."""
    entries = (parameters.entry(name) for name in parameters if not name.startswith(NOT_EVIDENCE))
    return Counter(entry.grade for entry in entries)


def typical_grade(counts: Mapping[str, int]) -> str:
    """Median grade, rounded to the worse side; D (assumption) if there is nothing to count."""
    half, seen = sum(counts.values()) / 2, 0
    for grade in GRADES:
        seen += counts.get(grade, 0)
        if seen > half:
            return grade
    return GRADES[-1]
