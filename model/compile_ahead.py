"""Compiles the household kernel in a process of its own while the tables are being solved.

On the first run after an installation the kernel must be compiled. numba compiles one function at
a time per process, so a second process is what lets another core help. Without it, or if it
fails, the kernel is compiled when it is first needed; results never depend on it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.agents import household_kernel
from model.agents.household_layout import BATCH_FIELDS, F64
from model.agents.household_month import HouseholdWorld, month_inputs
from model.agents.households import _run, agree_on_support, columns_of
from model.agents.voucher_batches import pack_batches
from model.dimensions import (
    AGE_LIMIT_MONTHS,
    ITEMS,
    NEED_CLOCK_LIMIT,
    PATIENCE_TYPES,
    PLACES,
    RESIDENCES,
    SECTORS,
    STAGES,
    WORK_CLASSES,
)  # fmt: skip
from model.parameters import Parameters, load_parameters
from model.policy.instruments import Instruments
from model.population import Population
from model.population_fit import allocate
from model.solvers.durables import ReplacementTables, prices
from model.solvers.grids import CASH_GRID, INCOME_GRID
from model.spending import engel_shares

KERNEL = "household_kernel.month_of_chunks-*.nbi"


_started: list[subprocess.Popen[bytes] | None] = []


def start_compiling() -> None:
    """Start the second process if there is something to compile; once per process."""
    if not _started:
        _started.append(_start())


def wait_for_kernel() -> None:
    """Return when the second process has ended; at once if there is none."""
    for process in _started:
        if process is not None:
            process.wait()


def _start() -> subprocess.Popen[bytes] | None:
    folder = os.environ.get("NUMBA_CACHE_DIR")
    if not folder or (os.cpu_count() or 1) < 2 or any(Path(folder).rglob(KERNEL)):
        return None
    root = str(Path(__file__).resolve().parents[1])
    known = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, known] if known else [root])}
    quiet = subprocess.DEVNULL
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "model.compile_ahead"], env=environment,
            stdin=quiet, stdout=quiet, stderr=quiet,
        )  # fmt: skip
    except OSError:
        return None


def compile_kernel() -> None:
    """Compile month and race for the types of real inputs, by calling them on no households."""
    from model.warm_up import neutral_market  # imports this module

    p, empty = load_parameters(), np.zeros((0, 6), np.int64)
    nobody = Population(
        1, 0, np.array([[0, 1, 0, 0, 1]]), _anchor(), *allocate(1), np.zeros((2, 1), np.int32)
    )  # fmt: skip
    item_price = prices(p)
    world = HouseholdWorld.build(p, _policy(p), nobody.levels, 0, item_price, 0.0)
    surface = Instruments.neutral(p.array("population.minimum_wage"))
    market = neutral_market(p, 0.0)
    batches = pack_batches(surface, p, np.zeros((0, len(PLACES)), np.int64))
    tables = _tables(item_price.shape[1])
    month = month_inputs(
        world, 0, 1.0, np.ones(2), engel_shares(p), market, surface, tables, batches
    )
    columns = columns_of(nobody)
    _run(columns, month, empty)
    agree_on_support(columns, nobody.segments, month)
    nothing = np.zeros((1, len(PLACES)), np.int64)
    household_kernel.race(
        columns.group, columns.digital, np.zeros((1, BATCH_FIELDS), np.int64),
        np.zeros(1, np.int64), nothing, empty, np.zeros(len(PLACES) + 1, np.int64), 0, 0, 0,
        world.seed, nothing,
    )  # fmt: skip


def _anchor() -> F64:
    shape = (len(PLACES), len(RESIDENCES), len(WORK_CLASSES), len(SECTORS))
    return np.ones(shape)


def _policy(p: Parameters) -> npt.NDArray[np.float32]:
    levels = p.array("consumption.fear_factors").size
    grids = (CASH_GRID.size, INCOME_GRID.size)
    return np.zeros((levels, len(RESIDENCES), len(STAGES), len(PATIENCE_TYPES), *grids), np.float32)


def _tables(classes: int) -> ReplacementTables:
    items, months = len(ITEMS), np.zeros(12, np.int64)
    return ReplacementTables(
        np.zeros((1, items, classes, AGE_LIMIT_MONTHS + 1, NEED_CLOCK_LIMIT + 1), np.uint32),
        np.zeros((1, items, classes), np.uint32),
        np.zeros((1, items, AGE_LIMIT_MONTHS + 2), np.uint32),
        np.zeros((1, items, NEED_CLOCK_LIMIT + 1), np.uint32),
        np.zeros((items, AGE_LIMIT_MONTHS + 1), np.uint32), months, months, 1,
    )  # fmt: skip


if __name__ == "__main__":
    compile_kernel()
