"""What is measured: a running economy under the full package, stopped in a month of its own.

Inputs are those the kernel gets in that month, not made up: every rule is on (durables with a
trade-in subsidy, vouchers in every city, a raised wage floor, transfers).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.measure import fresh
from model.agents.household_layout import Columns, Month
from model.agents.households import HouseholdBlock
from model.economy import Economy
from model.scenario import Scenario, load_scenario

POLICY = "headline_package"


@dataclass(frozen=True)
class Subject:
    """State of all households at the start of a month, and what they read in it."""

    block: HouseholdBlock
    columns: Columns
    month: Month
    chunks: Any
    economy: Economy

    def __len__(self) -> int:
        return len(self.block)


def running_economy(scale: int, months: int = 36, lean: bool = True, name: str = POLICY) -> Economy:
    """A scenario (the package) at a scale, at its first month."""
    return Economy(package(scale, months, name), lean=lean, threads=1)


@lru_cache(maxsize=8)
def package(scale: int, months: int = 36, name: str = POLICY) -> Scenario:
    """The scenario, read once: a sweep does not read it again for every run either."""
    found = load_scenario(name)
    header = found.header.model_copy(update={"scale": scale, "months": months})
    return replace(found, header=header)


def subject(scale: int, limit: int = 24) -> Subject:
    """Run until the first month in which every rule is on, and keep that month.

    Raises RuntimeError if no month up to `limit` has vouchers, trade-in and a raised floor.
    """
    economy, kept = running_economy(scale), {}
    block = economy.household_block
    live = block.live

    def watch(month: Month) -> Any:
        kept["columns"], kept["month"] = fresh(block.columns), month
        return live(month)

    block.live = watch  # type: ignore[method-assign]
    for _ in range(limit):
        economy.step()
        if every_rule_on(kept["month"]):
            block.live = live  # type: ignore[method-assign]
            return Subject(block, kept["columns"], kept["month"], block._chunks, economy)
    raise RuntimeError("no month with every rule on")


def every_rule_on(month: Month) -> bool:
    """Whether vouchers, trade-in subsidies and a raised wage floor are all in force."""
    covered = np.diff(month.batches.batch_first) > 0
    raised = (month.work.floor > month.work.base_floor).mean() > 0.9
    return bool(covered.all() and month.goods.subsidy.any() and raised)
