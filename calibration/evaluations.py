"""Which points are simulated, and the log that remembers them.

The log is a text file that is only appended to, one evaluation a line under the digest of all
that decides it (values, scale, seeds, code). A program that is killed loses at most the line it was
writing; the next one skips every point it finds. Each consumption problem costs far more than what
follows it, so that several draws of the cheap coordinates share one draw of those that it contains.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

from calibration.coordinates import coordinates, overrides, shipped_point, unit_to_values
from calibration.digests import digest_of, simulation_digest
from calibration.simulator import mean_statistics

Floats = npt.NDArray[np.float64]
SCALE: Final = 4000
SEEDS: Final = (101, 102, 103, 104)
DRAWS_PER_SOLUTION: Final = 3
DESIGN_SEED: Final = 20231231


@dataclass(frozen=True)
class Point:
    """One parameter point to simulate: `unit` [k] in the unit cube, `role` and number in it."""

    unit: Floats
    role: str
    group: int
    seeds: tuple[int, ...] = SEEDS
    scale: int = SCALE

    @property
    def values(self) -> dict[str, float]:
        """Values by coordinate name, rounded so that a log line repeats them exactly."""
        return {name: float(f"{value:.8g}") for name, value in unit_to_values(self.unit).items()}

    @property
    def key(self) -> str:
        """Digest of everything that decides the statistics."""
        known = [self.values, self.scale, list(self.seeds), simulation_digest()]
        return digest_of(known)


@dataclass(frozen=True)
class Evaluation:
    """What a point gave: statistics by name (mean over the seeds)."""

    key: str
    unit: Floats
    role: str
    group: int
    seeds: tuple[int, ...]
    statistics: Mapping[str, float]


def design(solutions: int) -> list[Point]:
    """The shipped point, then `solutions` x DRAWS_PER_SOLUTION space-filling points.

    Every beginning of the list fills the space evenly (Sobol), so a design may be extended.
    """
    solving = np.array([one.solves for one in coordinates()])
    outer = qmc.Sobol(int(solving.sum()), rng=np.random.default_rng(DESIGN_SEED))
    inner = qmc.Sobol(int((~solving).sum()), rng=np.random.default_rng(DESIGN_SEED + 1))
    points = [Point(shipped_point(), "shipped", -1)]
    for group in range(solutions):
        costly = outer.random(1)[0]
        for _ in range(DRAWS_PER_SOLUTION):
            unit = np.empty(solving.size)
            unit[solving], unit[~solving] = costly, inner.random(1)[0]
            points.append(Point(unit, "design", group))
    return points


class Log:
    """The evaluations that exist, by key, and the file that they are appended to."""

    def __init__(self, path: Path, known: Sequence[Evaluation] = ()) -> None:
        self.path = path
        self.found: dict[str, Evaluation] = {one.key: one for one in (*known, *read_log(path))}

    def evaluate(self, point: Point) -> Evaluation | None:
        """The evaluation of a point, from the log or simulated now; None if it cannot be run."""
        known = self.found.get(point.key)
        if known is None:
            known = self._simulate(point)
            self._append(known)
            self.found[point.key] = known
        return known if known.statistics else None

    def _simulate(self, point: Point) -> Evaluation:
        try:
            found = mean_statistics(overrides(point.values), point.scale, point.seeds)
        except (ValueError, FloatingPointError, np.linalg.LinAlgError):
            found = {}  # no solution there: the point is remembered as impossible
        return Evaluation(point.key, point.unit, point.role, point.group, point.seeds, found)

    def _append(self, one: Evaluation) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(_plain(one), allow_nan=False, ensure_ascii=False)
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            # A line torn by a killed program ends here, so that the next one starts afresh.
            file.write(line + "\n" if _ends_clean(self.path) else "\n" + line + "\n")
            file.flush()
            os.fsync(file.fileno())


def _ends_clean(path: Path) -> bool:
    size = path.stat().st_size
    if size == 0:
        return True
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def _plain(one: Evaluation) -> dict[str, Any]:
    return {
        "key": one.key, "role": one.role, "group": one.group, "seeds": list(one.seeds),
        "unit": one.unit.tolist(), "statistics": dict(one.statistics),
    }  # fmt: skip


def read_log(path: Path) -> Iterator[Evaluation]:
    """Complete lines of a log; what a killed program left half written is passed over."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            node = json.loads(line)
            yield Evaluation(
                node["key"], np.array(node["unit"]), node["role"], node["group"],
                tuple(node["seeds"]), node["statistics"],
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            continue


def run_points(
    log: Log, points: Sequence[Point], tell: Callable[[int, int], None] = lambda *_: None
) -> list[Evaluation]:
    """Evaluate all points in order; those that cannot be run are left out."""
    found = []
    for done, point in enumerate(points, start=1):
        one = log.evaluate(point)
        if one is not None:
            found.append(one)
        tell(done, len(points))
    return found
