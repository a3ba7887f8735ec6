"""The results of a calibration as files: posterior, simulated points, the tables of the page.

`fit.json` holds everything that `docs/calibration.md` says; figures in it are rounded once, here,
so that the page and the file cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from calibration.coordinates import coordinates
from calibration.digests import code_digest, data_digest, digest_of, simulation_digest
from calibration.estimate import (
    CHECK_SEEDS,
    FIRST_REFINED_GROUP,
    SEED,
    Estimate,
    inert,
    positions,
    real_scores,
)
from calibration.evaluations import SCALE, SEEDS, Evaluation, Point
from calibration.inference import Recovery
from calibration.posterior import FILE as POSTERIOR_FILE
from calibration.posterior import write_posterior
from calibration.targets import moment_values, targets

Floats = npt.NDArray[np.float64]
FIT_FILE: Final = "fit.json"
POINTS_FILE: Final = "evaluations.parquet"
LEVELS: Final = (0.05, 0.50, 0.95)
DIGITS: Final = 5  # significant, of every stored figure
SHOWN_PARTS: Final = 3  # coordinates named for a flat direction


def load_fit() -> dict[str, Any]:
    """The stored tables. Raises FileNotFoundError without them."""
    text = resources.files("calibration").joinpath(FIT_FILE).read_text(encoding="utf-8")
    return dict(json.loads(text))


def store(found: Estimate, folder: Path, command: str) -> dict[str, Any]:
    """Write all files of a result into `folder`; returns the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [j for j, one in enumerate(coordinates()) if one.name not in inert()]
    names = [coordinates()[j].name for j in kept]
    tables = fit_tables(found, command)
    values = from_unit(found.draws)[:, kept]
    write_posterior(folder / POSTERIOR_FILE, names, values, tables["about"])
    write_points(folder / POINTS_FILE, (*found.evaluations, *found.noise_runs, *found.checks))
    text = json.dumps(tables, ensure_ascii=False, indent=1)
    (folder / FIT_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")
    return tables


def from_unit(draws: Floats) -> Floats:
    """Draws [n, k] of the unit cube in the parameters' units."""
    low = np.array([one.low for one in coordinates()])
    high = np.array([one.high for one in coordinates()])
    return np.asarray(low + (high - low) * draws)


def write_points(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Simulated points: position in the unit cube, role, group, seeds, and all statistics."""
    units = np.array([one.unit for one in evaluations])
    columns: dict[str, Any] = {
        "role": [one.role for one in evaluations],
        "group": [one.group for one in evaluations],
        "seeds": [" ".join(map(str, one.seeds)) for one in evaluations],
    }
    columns |= {f"unit:{one.name}": units[:, j] for j, one in enumerate(coordinates())}
    names = list(evaluations[0].statistics)
    columns |= {name: [one.statistics[name] for one in evaluations] for name in names}
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_points(path: Path) -> list[Evaluation]:
    """The evaluations of a file, with the keys that they would have under today's code."""
    rows = pq.read_table(path).to_pylist()
    found = []
    for row in rows:
        unit = np.array([row.pop(f"unit:{one.name}") for one in coordinates()])
        role, group = str(row.pop("role")), int(row.pop("group"))
        seeds = tuple(int(seed) for seed in str(row.pop("seeds")).split())
        key = Point(unit, role, group, seeds).key
        found.append(Evaluation(key, unit, role, group, seeds, row))
    return found


def stored_points() -> list[Evaluation]:
    """The evaluations that ship with this version; none if there are none."""
    with resources.as_file(resources.files("calibration").joinpath(POINTS_FILE)) as path:
        return read_points(path) if path.is_file() else []


def reusable_points() -> list[Evaluation]:
    """Those of them that the present code would repeat: all or none."""
    points = stored_points()
    return points if points and load_fit()["about"]["simulation"] == simulation_digest() else []


# ---------------------------------------------------------------- tables


def fit_tables(found: Estimate, command: str) -> dict[str, Any]:
    """Everything the page says, as plain data with rounded figures."""
    tables = {
        "about": _about(found, command),
        "moments": _moments(found),
        "parameters": _parameters(found),
        "directions": _directions(found),
        "profile": _profile(found),
        "recovery": {
            "emulator": _recovery(found.recovery), "left_out": _recovery(found.left_out),
            "fresh": _recovery(found.fresh),
        },
        "distance": _distances(found),
    }  # fmt: skip
    return dict(rounded(tables))


def rounded(node: Any) -> Any:
    """The same data with every real number at DIGITS significant digits."""
    if isinstance(node, Mapping):
        return {key: rounded(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [rounded(value) for value in node]
    if isinstance(node, float):
        return float(f"{node:.{DIGITS}g}")
    return node


def _about(found: Estimate, command: str) -> dict[str, Any]:
    design = [one for one in found.evaluations if one.group < FIRST_REFINED_GROUP]
    return {
        "command": command, "seed": SEED, "scale": SCALE, "seeds": list(SEEDS),
        "check_seeds": list(CHECK_SEEDS), "points": len(design),
        "solutions": len({one.group for one in design if one.group >= 0}),
        "refined": len(found.evaluations) - len(design),
        "data": data_digest(), "code": code_digest(), "simulation": simulation_digest(),
        "evaluations": digest_of([[one.unit.tolist(), dict(one.statistics)]
                                  for one in found.evaluations]),
        "draws": int(found.draws.shape[0]), "accepted": found.chains.accepted,
        "chains": int(found.chains.draws.shape[1]), "r_hat": float(found.r_hat.max()),
        "effective": float(found.effective.min()),
    }  # fmt: skip


def _by_role(checks: Sequence[Evaluation], role: str) -> list[Evaluation]:
    return [one for one in checks if one.role == role]


def _moments(found: Estimate) -> list[dict[str, Any]]:
    shipped, point = (_by_role(found.checks, f"check_{n}")[0] for n in ("shipped", "point"))
    draws = _by_role(found.checks, "check_draw")
    at = [moment_values(one.statistics, targets()) for one in (shipped, point)]
    simulated = np.array([moment_values(one.statistics, targets()) for one in draws])
    emulated = found.emulator.predict(found.draws)
    chance = emulated.std(axis=0) ** 2 + found.emulator.error**2 + found.noise
    explained = found.emulator.explained()
    rows = []
    for i, one in enumerate(targets()):
        deviation = float(np.sqrt(one.error**2 + found.noise[i]))
        predicted = float(emulated[:, i].mean())
        rows.append(
            {
                "name": one.name, "role": one.role, "unit": one.unit, "grade": one.grade,
                "target": one.value, "error": one.error, "identifies": list(one.identifies),
                "shipped": float(at[0][i]), "point": float(at[1][i]),
                "shipped_score": float(at[0][i] - one.value) / deviation,
                "point_score": float(at[1][i] - one.value) / deviation,
                "posterior": predicted, "posterior_deviation": float(np.sqrt(chance[i])),
                "posterior_score": (predicted - one.value)
                / float(np.sqrt(one.error**2 + chance[i])),
                "simulated_low": float(simulated[:, i].min()),
                "simulated_high": float(simulated[:, i].max()),
                "noise": float(np.sqrt(found.noise[i])),
                "emulator_error": float(found.emulator.error[i]),
                "explained": float(explained[i]),
                "moved": float(found.emulator.spread[i] / one.error),
            }
        )  # fmt: skip
    return rows


def _parameters(found: Estimate) -> list[dict[str, Any]]:
    values, best = from_unit(found.draws), from_unit(found.point.unit[None])[0]
    quantiles = np.quantile(values, LEVELS, axis=0)
    rows = []
    for j, one in enumerate(coordinates()):
        low, middle, high = (float(x) for x in quantiles[:, j])
        rows.append(
            {
                "name": one.name, "parameter": one.parameter, "kind": one.kind, "index": one.index,
                "zh": one.zh, "en": one.en, "low": one.low, "high": one.high,
                "shipped": one.shipped, "point": float(best[j]), "mean": float(values[:, j].mean()),
                "deviation": float(values[:, j].std()), "q05": low, "q50": middle, "q95": high,
                "width": float(found.identified.width[j]), "inert": one.name in inert(),
                "shipped_inside": bool(low <= one.shipped <= high),
                "r_hat": float(found.r_hat[j]), "effective": float(found.effective[j]),
            }
        )  # fmt: skip
    return rows


def _directions(found: Estimate) -> list[dict[str, Any]]:
    """Directions of the information matrix, best known first, with their largest parts."""
    rows = []
    for j, value in enumerate(found.identified.eigenvalues):
        parts = found.identified.directions[:, j]
        largest = np.argsort(-np.abs(parts))[:SHOWN_PARTS]
        rows.append(
            {
                "information": max(float(value), 0.0),
                "parts": [[coordinates()[i].name, float(parts[i])] for i in largest],
            }
        )
    return rows


def _profile(found: Estimate) -> dict[str, Any]:
    least = float(found.identified.profile.min())
    return {
        "grid": found.identified.grid.tolist(),
        "rise": {
            one.name: (found.identified.profile[j] - least).tolist()
            for j, one in enumerate(coordinates())
        },
    }


def _recovery(found: Recovery) -> dict[str, Any]:
    shown = [j for j, one in enumerate(coordinates()) if one.name not in inert()]
    return {
        "repetitions": int(found.truth.shape[0]),
        "effective": float(np.median(found.effective)),
        "mean": float(found.coverage[shown].mean()),
        "by_parameter": {coordinates()[j].name: float(found.coverage[j]) for j in shown},
    }  # fmt: skip


def _distances(found: Estimate) -> dict[str, Any]:
    """Sums of squared scores with the seeds of the fit and with others."""
    own = {
        "shipped": next(one for one in found.evaluations if one.role == "shipped"),
        "point": found.point,
    }
    fresh = {
        "shipped": _by_role(found.checks, "check_shipped")[0],
        "point": _by_role(found.checks, "check_point")[0],
    }
    result: dict[str, Any] = {"moments": {r: len(positions(r)) for r in ("fitted", "held_out")}}
    for label, pair in (("fitting_seeds", own), ("other_seeds", fresh)):
        result[label] = {
            name: {r: float((real_scores(one, found.noise, r) ** 2).sum())
                   for r in ("fitted", "held_out")}
            for name, one in pair.items()
        }  # fmt: skip
    return result


__all__: Sequence[str] = (
    "fit_tables", "from_unit", "load_fit", "read_points", "reusable_points", "rounded",
    "store", "stored_points",    "write_points",
)  # fmt: skip
