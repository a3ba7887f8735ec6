"""All households of the province: columns, one compiled month, and what it adds up to."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from model.agents import household_kernel, kernel_family
from model.agents.household_layout import (
    F64,
    I64,
    NODE_UNIT,
    NODES,
    OFFSETS,
    TOTALS,
    Columns,
    Month,
    field,
)  # fmt: skip
from model.agents.kernel_common import make_scratch
from model.agents.voucher_batches import race_fields
from model.dimensions import CATEGORIES, GROUPS, ITEMS, PLACES, RESIDENCES, SCHEMES, SECTORS
from model.flows import HouseholdFlows
from model.policy.instruments import VoucherBatch
from model.population import Population
from model.whole_numbers import compiled

CELLS = len(PLACES) * len(RESIDENCES)
CHUNK = 4096
TASK_ROWS = 1 << 16  # most rows a thread takes at a time
TASKS_A_THREAD = 1  # at least; a task costs a tenth of a millisecond to hand over
SERIAL_BELOW = 1 << 16  # smaller populations are not worth a second thread
_PER_THREAD = threading.local()  # working arrays of the kernel, kept from month to month
HEALTH = CATEGORIES.index("health")


def columns_of(population: Population) -> Columns:
    """The kernel's columns: those of the population and the ones that start at zero.

    Savings plans start from today's income.
    """
    given = {f.name for f in fields(population)}
    n = len(population)
    zeros = {
        "stock_category": np.uint8, "claim": np.int32, "claim_due": np.uint8,
        "spending": np.int64, "income": np.int64, "support": np.int64,
        "resting": np.uint8,
    }  # fmt: skip
    known: dict[str, Any] = {
        name: getattr(population, name) if name in given else np.zeros(n, zeros[name])
        for name in Columns._fields
        if name != "plan_income"
    }
    return Columns(**known, plan_income=population.earnings + population.pension)


@dataclass
class HouseholdBlock:
    """Columns of every simulated household and where each place and residence stands."""

    columns: Columns
    segments: I64  # (start, stop, place, residence, weight)
    threads: int = 1

    def __post_init__(self) -> None:
        self._chunks = _chunks(self.segments)
        # Rural before urban: each reads tables of its own, and half of them fit the cache better.
        self._by_residence = self._chunks[np.argsort(self._chunks[:, 3], kind="stable")]
        self.households = _per_cell(self.segments)

    def __len__(self) -> int:
        return int(self.segments[-1, 1])

    def copy(self) -> HouseholdBlock:
        """The same households in memory of their own."""
        copies: Any = (column.copy() for column in self.columns)
        columns = Columns(*copies)
        return HouseholdBlock(columns, self.segments, self.threads)

    def live(self, month: Month) -> I64:
        """One month of every household. Returns weighted totals [cell, TOTALS]."""
        agree_on_support(self.columns, self.segments, month, self.threads)
        if self.threads == 1 or len(self) < SERIAL_BELOW:
            return _run(self.columns, month, self._by_residence)
        tasks = deque(self._tasks())
        # The calling thread works too: waking one helper costs less than waking two.
        helpers = _helpers(self.threads - 1)
        parts = [helpers.submit(_work, self.columns, month, tasks) for _ in range(self.threads - 1)]
        mine = _work(self.columns, month, tasks)
        return np.asarray(np.sum([mine, *(part.result() for part in parts)], axis=0))

    def _tasks(self) -> list[I64]:
        chunks = self._by_residence
        rows = np.cumsum(chunks[:, 1] - chunks[:, 0])
        each = max(CHUNK, min(TASK_ROWS, rows[-1] // (TASKS_A_THREAD * self.threads)))
        cuts = np.searchsorted(rows, np.arange(each, rows[-1], each))
        return [part for part in np.split(chunks, cuts) if len(part)]

    def race(self, batches: Sequence[VoucherBatch], month: int, seed: I64) -> I64:
        """Arrival key [batch, place] of 2**16 below which applicants hold vouchers.

        Applicants arrive in the order of their key; issue stops before the place's money would
        be exceeded if every voucher were redeemed.
        """
        cuts = np.zeros((len(batches), len(PLACES)), dtype=np.int64)
        if not batches:
            return cuts
        rules = np.stack([race_fields(batch, slot) for slot, batch in enumerate(batches)])
        prices = np.array([batch.per_household * batch.face for batch in batches])
        money = np.stack([batch.money for batch in batches])
        first = np.searchsorted(self._chunks[:, 2], np.arange(len(PLACES) + 1))

        def places(low: int, high: int) -> None:
            household_kernel.race(
                self.columns.group, self.columns.digital, rules, prices, money, self._chunks,
                first, low, high, month, seed, cuts,
            )  # fmt: skip

        if self.threads == 1 or len(self) < SERIAL_BELOW:
            places(0, len(PLACES))
            return cuts
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda place: places(place, place + 1), range(len(PLACES))))
        return cuts


def agree_on_support(columns: Columns, segments: I64, month: Month, threads: int = 1) -> None:
    """What children give to elders this month, into `columns.support`; sums to 0 in every cell."""
    cells = segments[:, 2] * len(RESIDENCES) + segments[:, 3]
    groups = np.split(segments, np.flatnonzero(np.diff(cells)) + 1)

    def agree(group: I64) -> None:
        kernel_family.agree(columns, group, month.family, month.income, month.trend)

    if threads == 1 or int(segments[-1, 1]) < SERIAL_BELOW:
        for group in groups:
            agree(group)
        return
    helpers = _helpers(threads - 1)
    list(helpers.map(agree, groups))


@lru_cache
def _helpers(count: int) -> ThreadPoolExecutor:
    """Threads kept from month to month; starting them anew would cost as much as a month."""
    return ThreadPoolExecutor(count, thread_name_prefix="households")


def _run(columns: Columns, month: Month, chunks: I64) -> I64:
    return _work(columns, month, deque([chunks]))


def _work(columns: Columns, month: Month, tasks: deque[I64]) -> I64:
    """Totals of the tasks this thread gets hold of."""
    totals = np.zeros((CELLS, TOTALS), dtype=np.int64)
    scratch = getattr(_PER_THREAD, "scratch", None) or make_scratch()
    _PER_THREAD.scratch = scratch
    with suppress(IndexError):
        while True:
            household_kernel.month_of_chunks(columns, month, scratch, totals, tasks.popleft())
    return totals


def _chunks(segments: I64) -> I64:
    """Chunks (start, stop, place, residence, weight, first row of the cell)."""
    found, first, last = [], 0, (-1, -1)
    for start, stop, place, residence, weight in segments.tolist():
        if (place, residence) != last:
            first, last = start, (place, residence)
        for low in range(start, stop, CHUNK):
            found.append((low, min(low + CHUNK, stop), place, residence, weight, first))
    return np.array(found, dtype=np.int64)


def _per_cell(segments: I64) -> I64:
    """Real households by cell."""
    counted = np.zeros(CELLS, dtype=np.int64)
    np.add.at(
        counted,
        segments[:, 2] * 2 + segments[:, 3],
        (segments[:, 1] - segments[:, 0]) * segments[:, 4],
    )
    return counted


def nondurable_budget(totals: I64) -> I64:
    """Non-durable spending by cell, fen."""
    return np.asarray(field(totals, "nodes").sum(axis=1) // NODE_UNIT)


def consumption_by_category(totals: I64, engel: F64) -> I64:
    """Household spending [place, residence, category] in fen, gross of subsidies, no medical bills.

    Each cell's non-durable budget is divided by the Engel shares at the income nodes it was
    spent at; every category is rounded once and the largest takes the rest.
    """
    events, medical = field(totals, "event_spending"), field(totals, "medical")[:, 0]
    wanted = _divided(field(totals, "nodes"), events, medical, engel)
    return wanted.reshape(len(PLACES), len(RESIDENCES), len(CATEGORIES))


@compiled
def _divided(nodes: I64, events: I64, medical: I64, engel: F64) -> I64:
    """Spending [cell, category], see `consumption_by_category`."""
    found = np.empty((CELLS, len(CATEGORIES)), np.int64)
    for cell in range(CELLS):
        shares, wanted = engel[cell % len(RESIDENCES)], np.zeros(len(CATEGORIES))
        budget = 0
        for node in range(NODES):
            spent = 0
            for group in range(GROUPS):
                spent += nodes[cell, group * NODES + node]
            budget += spent
            for category in range(len(CATEGORIES)):
                wanted[category] += spent / NODE_UNIT * shares[node, category]
        left, largest = budget // NODE_UNIT, 0
        for category in range(len(CATEGORIES)):
            found[cell, category] = np.int64(np.rint(wanted[category]))
            left -= found[cell, category]
            largest = category if found[cell, category] > found[cell, largest] else largest
        found[cell, largest] += left
        for group in range(GROUPS):
            for category in range(len(CATEGORIES)):
                found[cell, category] += events[cell, group * len(CATEGORIES) + category]
        found[cell, HEALTH] -= medical[cell]
    return found


def consumption_by_group(totals: I64, engel: F64) -> F64:
    """Spending in yuan [place, residence, group, category], medical bills included."""
    nodes = field(totals, "nodes").reshape(CELLS, GROUPS, NODES) / (NODE_UNIT * 100.0)
    shares = engel[np.arange(CELLS) % len(RESIDENCES)]
    events = field(totals, "event_spending").reshape(CELLS, GROUPS, len(CATEGORIES)) / 100.0
    found = np.matmul(nodes, shares) + events
    return np.asarray(found.reshape(len(PLACES), len(RESIDENCES), GROUPS, len(CATEGORIES)))


def household_flows(totals: I64, engel: F64) -> HouseholdFlows:
    """What markets see of a month: totals by place and residence as named flows."""
    pairs = totals.reshape(len(PLACES), len(RESIDENCES), TOTALS)
    places = pairs[:, 0] + pairs[:, 1]

    def one(name: str) -> I64:
        found: I64 = places[:, OFFSETS[name][0]].copy()
        return found

    def shaped(name: str, *shape: int) -> I64:
        return field(places, name).reshape(len(PLACES), *shape).copy()

    return HouseholdFlows(
        net_earnings=shaped("earnings", len(SECTORS), 2),
        floor_rise=shaped("floor_rise", len(SECTORS)), other_income=one("other_income"),
        pensions=shaped("pensions", len(SCHEMES)), unemployment_benefits=one("benefits"),
        transfers=one("transfers"), property_income=one("property"),
        deposit_interest=one("interest"), medical_shock=one("medical"),
        consumption=consumption_by_category(totals, engel), committed=one("committed"),
        housing_investment=one("housing"), committed_withdrawals=one("withdrawn"),
        loans_granted=one("loans"), loan_principal=one("principal"),
        loan_interest=one("loan_interest"),
        trade_in_instant=shaped("subsidy_instant", len(ITEMS)),
        trade_in_claims=shaped("subsidy_claims", len(ITEMS)),
        employed_persons=shaped("employed", len(SECTORS)), unemployed_persons=one("unemployed"),
        separations=shaped("separations", len(SECTORS)), hires=shaped("hires", len(SECTORS)),
        liquid=one("liquid_balance"), committed_balance=one("committed_balance"),
        debt=one("debt_balance"),
        support_received=one("support_received"), support_paid=one("support_paid"),
        group_income=field(totals, "group_income").reshape(len(PLACES), len(RESIDENCES), GROUPS),
    )  # fmt: skip
