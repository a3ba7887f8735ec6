"""The tables a comparison leaves in its run folder.

tables/effects.parquet        outcome, horizon, value, interval, grade
tables/leverage.parquet       the seven ratios; payers.parquet: who pays
tables/decomposition.parquet  the consumption effect split six ways
tables/monthly.parquet        every outcome by month, mean difference with interval
tables/replications.parquet   every outcome by seed and month: baseline, policy (baseline prices)
baseline/, policy/            every series, mean over replications
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.comparison import Comparison, Part, describe, effect_rows
from experiments.intervals import Estimate
from experiments.paired import OUTCOME_RULES
from experiments.results import rows_table, write_outcome, write_table

Row = dict[str, Any]


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write every table into `folder`. Raises OSError."""
    write_outcome(comparison.baseline, _made(folder / "baseline"))
    write_outcome(comparison.policy, _made(folder / "policy"))
    tables = {
        "effects": effect_rows([*comparison.effects()]),
        "window": effect_rows([*comparison.window_effects()]),
        "leverage": _named(comparison.leverage()),
        "payers": _named(dict(comparison.payers())),
        "decomposition": [part_row(part) for part in comparison.decomposition()],
        "monthly": list(monthly_rows(comparison)),
        "replications": list(replication_rows(comparison)),
    }
    for name, rows in tables.items():
        if rows:
            write_table(rows_table(rows), folder / "tables" / f"{name}.parquet")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _named(estimates: dict[str, Estimate | None]) -> list[Row]:
    empty = {"value": None, "low": None, "high": None, "method": None}
    return [
        {"name": name, **(empty if one is None else describe(one))}
        for name, one in estimates.items()
    ]


def part_row(part: Part) -> Row:
    """One line of the decomposition table."""
    return {
        "dimension": part.dimension,
        "label": part.label,
        **describe(part.estimate),
        "baseline": part.baseline,
        "persons": part.persons,
    }


def monthly_rows(comparison: Comparison) -> Iterator[Row]:
    """Mean difference of every outcome in every month."""
    for name in comparison.outcomes():
        for position, month in enumerate(comparison.months):
            one = comparison.effect(name, position + 1, position)
            facts = {"outcome": name, "month": month, "unit": OUTCOME_RULES[name].unit}
            yield {**facts, **describe(one)}


def replication_rows(comparison: Comparison) -> Iterator[Row]:
    """Both sides of every pair, by seed, outcome and month."""
    for one in comparison.pairs:
        for name in comparison.outcomes():
            sides = zip(comparison.months, one.baseline[name], one.policy[name], strict=True)
            for month, base, run in sides:
                facts = {"seed": one.seed, "outcome": name, "month": month}
                yield {**facts, "baseline": float(base), "policy": float(run)}
