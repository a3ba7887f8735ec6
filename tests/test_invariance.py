"""What must not matter: threads, chunks, processes, the order of rows, names of places, scale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.agents import households
from model.agents.household_layout import Columns
from model.dimensions import PLACES
from model.economy import Economy
from model.outcome import Outcome
from model.parameters import Parameters, load_parameters
from model.scenario import Scenario
from tests.economies import (
    F64,
    I64,
    Policies,
    certain_sign,
    copy_of,
    digest,
    outcome,
    say,
    scenario,
    unequal,
)

ROOT = Path(__file__).resolve().parents[1]
RULE = {"rate": 0.15, "cap_yuan": 2000}
EVERYTHING: Policies = {
    "floor": {"lever": "minimum_wage", "start": "2025-11", "increase_percent": 15},
    "pensions": {
        "lever": "pensions", "start": "2025-12", "employee_percent": 2, "retroactive_months": 6,
    },
    "trade_in": {
        "lever": "trade_in", "start": "2025-11", "end": "2026-02", "budget_yi_yuan": 3,
        "items": {"appliances": RULE, "digital": RULE, "cars": RULE},
        "payers": {"central": 0.85, "province": 0.1, "cities": 0.05},
    },
    "vouchers": {
        "lever": "vouchers", "rounds": ["2025-12", "2026-02"], "face_yuan": 30,
        "threshold_yuan": 100, "categories": {"catering": 0.5, "fuel": 0.5}, "per_person": 2,
        "validity_days": 30, "allocation": "rush", "participating_share": 0.5,
        "funding": {"mode": "cities_decide", "match_ratio": 1, "provincial_quota_yi_yuan": 1},
    },
    "cash": {
        "lever": "transfer", "month": "2026-01", "yuan_per_person": 200, "payer": "province",
    },
}  # fmt: skip


def small_tasks(monkeypatch: pytest.MonkeyPatch, rows: int = 300, chunk: int = 64) -> None:
    """Make small populations worth threads, in many tasks."""
    monkeypatch.setattr(households, "SERIAL_BELOW", 0)
    monkeypatch.setattr(households, "TASK_ROWS", rows)
    monkeypatch.setattr(households, "CHUNK", chunk)


def lived(threads: int = 1, months: int = 6) -> tuple[str, Columns]:
    """Hash of all series of a run with every lever, and the households at its end."""
    economy = Economy(scenario(EVERYTHING, months=months), threads=threads)
    return digest(economy.run()), economy.household_block.columns


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, alone = lived()
    small_tasks(monkeypatch)
    economy = Economy(scenario(EVERYTHING, months=6), threads=threads)
    assert len(economy.household_block._tasks()) > 3
    assert digest(economy.run()) == expected
    assert unequal(economy.household_block.columns, alone) == []


@pytest.mark.parametrize("chunk", [1, 100, 257, 10**6])
def test_size_of_chunks_changes_no_bit(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, alone = lived()
    small_tasks(monkeypatch, chunk=chunk)
    found, columns = lived(threads=2)
    assert found == expected
    assert unequal(columns, alone) == []


def test_another_process_gives_the_same_bits() -> None:
    """A fresh interpreter with another hash seed and one thread."""
    document = json.dumps(scenario(EVERYTHING, months=6).resolved())
    code = (
        "import json, sys\n"
        "from model.economy import Economy\n"
        "from model.scenario import scenario_from_mapping\n"
        "from tests.economies import digest\n"
        "run = Economy(scenario_from_mapping(json.loads(sys.argv[1])), threads=1).run()\n"
        "print(digest(run))\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, document]
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == lived(threads=2)[0]


def test_what_ran_before_changes_no_bit() -> None:
    """Openings and tables kept in memory are not touched by the runs that use them."""
    expected = lived()[0]
    Economy(scenario(months=3, seed=9)).run()
    Economy(scenario(EVERYTHING, months=9)).run()
    assert lived()[0] == expected


def test_lean_and_full_runs_agree() -> None:
    lean = Economy(scenario(EVERYTHING, months=6), lean=True).run()
    full = Economy(scenario(EVERYTHING, months=6)).run()
    for name in ("payments", "employment", "value_added", "deposits", "voucher_counters"):
        assert np.array_equal(lean[name].values, full[name].values), name
    by = ("month", "place", "residence")
    income = full["income"].by(*by).values
    assert lean["income"].by(*by).values == pytest.approx(income, rel=1e-12)
    wanted = full["consumption"].by(*by, "category").values
    assert lean["consumption"].values == pytest.approx(wanted, rel=1e-9, abs=1.0)


def test_another_seed_changes_bits() -> None:
    """Equality above is about something."""
    assert digest(outcome(seed=1)) != digest(outcome(seed=2))


# -- within sampling error ---------------------------------------------------------------------


AGGREGATES = (
    "consumption", "income", "employment", "unemployed", "liquid_wealth", "retail_sales",
    "value_added", "leakage", "revenue",
)  # fmt: skip


def aggregates(result: Outcome) -> F64:
    """Provincial totals of a run."""
    return np.array([result[name].values.sum() for name in AGGREGATES])


def shuffled(economy: Economy, seed: int) -> Economy:
    """Households of every place, residence and weight change rows: other draws meet them."""
    block = economy.household_block
    order = np.arange(len(block))
    for start, stop in block.segments[:, :2]:
        key = (np.arange(stop - start) * 2654435761 + seed * 40503) % (2**32)
        order[start:stop] = start + np.argsort(key)
    before = copy_of(block.columns)
    for name, column in block.columns._asdict().items():
        column[...] = getattr(before, name)[..., order]
    return economy


def noise() -> F64:
    """Standard deviation of each aggregate over seeds, relative to its mean."""
    found = np.array([aggregates(outcome(seed=seed)) for seed in range(1, 7)])
    return np.asarray(found.std(axis=0, ddof=1) / found.mean(axis=0))


def test_the_order_of_households_does_not_matter() -> None:
    """Same households in other rows: within four standard deviations of a change of seed."""
    base = aggregates(outcome())
    for seed in (1, 2):
        other = aggregates(shuffled(Economy(scenario()), seed).run())
        assert (other != base).any()
        assert (np.abs(other / base - 1.0) < 4.0 * noise()).all()


def exchanged(parameters: Parameters, first: str, second: str) -> Parameters:
    """The parameters with everything that is known of two places exchanged."""
    a, b = PLACES.index(first), PLACES.index(second)
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping) and set(value) == set(PLACES):
            found[name] = {**value, first: value[second], second: value[first]}
        elif isinstance(value, list) and len(value) == len(PLACES):
            found[name] = [value[{a: b, b: a}.get(k, k)] for k in range(len(PLACES))]
    assert len(found) >= 14
    return parameters.with_values(found)


PLACE_SERIES = ("consumption", "income", "employment", "value_added", "retail_sales", "deposits")


def of_places(result: Outcome) -> F64:
    """Sums over the run of series by place [series, place]."""
    found = []
    for name in PLACE_SERIES:
        series = result[name]
        budget = "payer" in series.dims
        by = series.by("payer" if budget else "place").values
        found.append(by[2:] if budget else by)
    return np.array(found)


@pytest.mark.parametrize("pair", [("shenyang", "dalian"), ("fushun", "chaoyang")])
def test_places_are_their_data(pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanging the data of two places exchanges their results, within noise over seeds."""
    a, b = (PLACES.index(place) for place in pair)
    plain = np.array([of_places(outcome(seed=seed)) for seed in range(1, 7)])
    swapped = exchanged(load_parameters(), *pair)
    monkeypatch.setattr(Scenario, "parameter_set", lambda self: swapped)
    other = np.array([of_places(Economy(scenario(seed=seed)).run()) for seed in range(1, 4)])
    other[:, :, [a, b]] = other[:, :, [b, a]]
    error = plain.std(axis=0, ddof=1) * np.sqrt(1 / len(plain) + 1 / len(other))
    away = np.abs(other.mean(axis=0) - plain.mean(axis=0)) / error
    # Six seeds give the noise (t with 5 degrees of freedom), 90 numbers are compared.
    assert away.max() < 9.0, (PLACE_SERIES[int(away.max(axis=1).argmax())], away.max())
    differ = np.abs(plain.mean(axis=0)[:, a] - plain.mean(axis=0)[:, b]) / error[:, a]
    assert differ.max() > 20.0, "the two places are too alike for the comparison to mean much"


def gap_in_errors(name: str, fine: int, coarse: int) -> tuple[float, float]:
    """Difference of a provincial total between two scales, relative, and in standard errors."""
    found = np.array(
        [
            [outcome(seed=seed, scale=scale)[name].values.sum() for scale in (fine, coarse)]
            for seed in range(1, 11)
        ]
    )
    error = np.sqrt(found.var(axis=0, ddof=1).sum() / len(found))
    gap = found[:, 1].mean() - found[:, 0].mean()
    return float(gap / found[:, 0].mean()), float(gap / error)


@pytest.mark.slow
@pytest.mark.parametrize("name", AGGREGATES)
def test_scale_does_not_matter_beyond_sampling_error(name: str) -> None:
    """Means over ten seeds at 1:1000 and 1:8000 differ by less than four standard errors."""
    share, errors = gap_in_errors(name, 1000, 8000)
    say(f"1:8000 against 1:1000, {name}: {100 * share:+.2f} %, {errors:+.1f} standard errors")
    assert abs(errors) < 4.0


@pytest.mark.slow
def test_effects_do_not_depend_on_scale() -> None:
    """The consumption effect of a transfer, per household, at two scales over eight seeds."""
    cash: Policies = {
        "cash": {
            "lever": "transfer", "month": "2025-10", "yuan_per_household": 2000, "payer": "central",
        }
    }  # fmt: skip

    def effect(scale: int, seed: int) -> float:
        with_cash, base = (outcome(p, scale=scale, seed=seed, months=6) for p in (cash, None))
        paid = with_cash["payments"].values.sum()
        change = with_cash["consumption"].values.sum() - base["consumption"].values.sum()
        return float(change / paid)

    seeds = range(1, 9)
    found: dict[int, list[float]] = {
        scale: [effect(scale, seed) for seed in seeds] for scale in (1000, 8000)
    }
    say("six-month MPC by scale:", {scale: np.round(values, 3) for scale, values in found.items()})
    assert abs(certain_sign(np.subtract(found[8000], found[1000]).tolist())) < 4.0


def test_the_copy_of_this_file_keeps_households_apart() -> None:
    """Shuffling one economy leaves the kept opening alone."""
    first: I64 = Economy(scenario()).household_block.columns.liquid.copy()
    shuffled(Economy(scenario()), 3)
    assert np.array_equal(Economy(scenario()).household_block.columns.liquid, first)
