"""The moments: what they should be, how sure that is, and what each is meant to say.

Values come from rows of `calibration/data/*.csv` (named by their identifying columns) wherever the
data pack has them; responses to windfalls come from studies, cited by their evidence id. Weak data
carry wide standard errors: a grade sets the least relative error (`grades` in `targets.yaml`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.coordinates import documents
from model.dimensions import QUINTILES
from model.parameters import load_parameters

Floats = npt.NDArray[np.float64]

ROLES: Final = ("fitted", "held_out")
FIFTHS: Final = (
    "低收入组(20%)", "中间偏下(20%)", "中间(20%)", "中间偏上(20%)", "高收入组(20%)",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One moment. `error` is the standard error of `value`, never below the grade's least."""

    name: str
    role: str
    value: float
    error: float
    unit: str
    grade: str
    identifies: tuple[str, ...]
    source: str
    rows: tuple[str, ...]
    zh: str
    en: str


@lru_cache(maxsize=1)
def targets() -> tuple[Target, ...]:
    """All moments in the order of the file. Raises KeyError for a row that does not exist."""
    document = documents()
    least = {grade: float(value) for grade, value in document["grades"].items()}
    return tuple(_target(name, node, least) for name, node in document["moments"].items())


def fitted() -> tuple[Target, ...]:
    """The moments that the parameters are fitted to."""
    return tuple(one for one in targets() if one.role == "fitted")


def held_out() -> tuple[Target, ...]:
    """The moments that are only compared afterwards."""
    return tuple(one for one in targets() if one.role == "held_out")


def _target(name: str, node: Mapping[str, Any], least: Mapping[str, float]) -> Target:
    value, between, rows = _value(node)
    grade, role = str(node["grade"]), str(node["role"])
    if role not in ROLES:
        raise ValueError(f"{name}: unknown role {role!r}")
    stated = between if node["error"] == "between" else float(node["error"])
    return Target(
        name, role, value, max(stated, abs(value) * least[grade]), str(node["unit"]), grade,
        tuple(node.get("identifies", ())), str(node["source"]), rows, str(node["zh"]),
        str(node["en"]),
    )  # fmt: skip


def _value(node: Mapping[str, Any]) -> tuple[float, float, tuple[str, ...]]:
    """Value, spread between the sources that it averages, and the rows read."""
    if "value" in node:
        return float(node["value"]), 0.0, ()
    if "fifth" in node:
        return _propensity_ratio(int(node["fifth"]), node["proxies"])
    rows, over = list(node["rows"]), list(node.get("over", ()))
    read = np.array([row_value(row) for row in rows])
    below = sum(row_value(row) for row in over) if over else 1.0
    factor = float(node.get("times", 1.0)) / below
    between = float(read.std(ddof=1) * factor) if read.size > 1 else 0.0
    total = read.sum() if node.get("add", False) else read.mean()
    return float(total * factor), between, tuple(rows + over)


def _propensity_ratio(
    fifth: int, proxies: Sequence[Mapping[str, str]]
) -> tuple[float, float, tuple[str, ...]]:
    """Spending over income of a fifth relative to the mean, averaged over provinces."""
    found, used = [], []
    for proxy in proxies:
        names = [[proxy[part].format(group=group) for group in FIFTHS] for part in ("spent", "got")]
        spent, got = (np.array([row_value(name) for name in part]) for part in names)
        found.append(spent[fifth - 1] / got[fifth - 1] / (spent.sum() / got.sum()))
        used += [names[0][fifth - 1], names[1][fifth - 1]]
    if len(got) != QUINTILES:
        raise ValueError("a distribution needs five groups")
    half_range = (max(found) - min(found)) / 2.0
    return float(np.mean(found)), float(half_range), tuple(used)


@lru_cache(maxsize=1)
def _data() -> dict[str, set[float]]:
    """Values of the rows of the data pack by `file:columns before the value@year`."""
    found: dict[str, set[float]] = {}
    folder = resources.files("calibration").joinpath("data")
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not path.name.endswith(".csv"):
            continue
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            if row.get("value"):
                names = list(row)[: list(row).index("value")]
                key = f"{path.name[:-4]}:{'|'.join(row[n] for n in names)}@{row.get('year', '')}"
                found.setdefault(key, set()).add(float(row["value"]))
    return found


def row_value(row: str) -> float:
    """Value of a row such as `city:沈阳市|社会消费品零售总额|@2024`.

    Raises KeyError for a row that does not exist, ValueError if two such rows disagree.
    """
    values = _data()[row]
    if len(values) != 1:
        raise ValueError(f"{row}: {len(values)} values")
    return next(iter(values))


# ---------------------------------------------------------------- statistics as moments

CYCLES: Final = {
    "cycle_appliances": ("refrigerator", "washing_machine", "air_conditioner", "television"),
    "cycle_phones": ("phone_first", "phone_second"),
    "cycle_car": ("car",),
}


def moment_values(statistics: Mapping[str, float], chosen: Sequence[Target]) -> Floats:
    """The moments [m] that a simulated point gives."""
    known = {**statistics, **_cycles(statistics)}
    return np.array([known[one.name] for one in chosen])


def _cycles(statistics: Mapping[str, float]) -> dict[str, float]:
    """Years between purchases: units owned over units bought a year."""
    households = load_parameters().array("population.households.urban").sum()
    rural = load_parameters().array("population.households.rural").sum()
    urban = float(households / (households + rural))
    found = {}
    for name, items in CYCLES.items():
        bought = sum(statistics[f"units_{item}"] for item in items)
        owned = sum(
            urban * statistics[f"owned_{item}_urban"]
            + (1.0 - urban) * statistics[f"owned_{item}_rural"]
            for item in items
        )
        found[name] = owned / bought
    return found
