"""Every clause of the document traced: clause, lever, mechanism, test.

The tests of the measures are generated from the same list (`lever_cases`), so a lever that is
here has its test, and a clause without a lever, mechanism or test is named as missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.policy.catalogue import Measure, load_catalogue

TESTS = Path("tests") / "test_measures.py"
LEVER_TEST = "test_each_lever_acts"


@dataclass(frozen=True)
class Covered:
    """One clause: the levers that carry it, the mechanisms they reach, the tests that run them."""

    measure: int
    clause: str
    levers: tuple[str, ...]
    mechanisms: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing on the way is missing."""
        return bool(self.levers and self.mechanisms and self.tests)

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "measure": self.measure,
            "clause": self.clause,
            "levers": list(self.levers),
            "mechanisms": list(self.mechanisms),
            "tests": list(self.tests),
        }


def case_name(measure: Measure, lever: str) -> str:
    """Name of the generated test of a lever."""
    return f"{measure.number:02d}.{lever}"


def lever_cases() -> Iterator[tuple[int, str]]:
    """Measure and lever of every generated test: each lever has one."""
    for number, measure in load_catalogue().items():
        for lever in measure.levers:
            yield number, lever


def coverage(root: Path | None = None) -> list[Covered]:
    """All clauses in the order of the document; tests count only if their file is there.

    `root` is the project's folder; None for an installed program, which has no tests beside it.
    """
    tested = root is None or _has_tests(root)
    cases = set(lever_cases()) if tested else set()
    return [row for measure in load_catalogue().values() for row in _rows(measure, cases)]


def _has_tests(root: Path) -> bool:
    path = root / TESTS
    return path.is_file() and f"def {LEVER_TEST}(" in path.read_text(encoding="utf-8")


def _rows(measure: Measure, cases: set[tuple[int, str]]) -> Iterator[Covered]:
    reached = measure.lever_policies()
    for clause, levers in measure.clause_levers().items():
        policies = dict.fromkeys(name for lever in levers for name in reached[lever])
        kinds = dict.fromkeys(str(measure.policies[name]["lever"]) for name in policies)
        tests = [
            f"{TESTS.as_posix()}::{LEVER_TEST}[{case_name(measure, lever)}]"
            for lever in levers
            if (measure.number, lever) in cases
        ]
        yield Covered(measure.number, clause, tuple(levers), tuple(kinds), tuple(tests))
