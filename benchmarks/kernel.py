"""The household kernel with every rule on: threads, plain Mesa objects, primitives, bandwidth."""

from __future__ import annotations

import gc
import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from benchmarks.measure import Sample, fresh, once, quiet_medians, round_robin
from benchmarks.primitives import per_household, time_primitives
from benchmarks.stages import time_rules
from benchmarks.subject import Subject, every_rule_on, running_economy, subject
from model.agents.household_layout import (
    C_ISSUED,
    V_COUNT,
    V_FACE,
    VOUCHER_COUNTERS,
    VOUCHER_SLOTS,
    Columns,
    Month,
    field,
)  # fmt: skip
from model.agents.households import HouseholdBlock, _chunks, _run
from model.agents.kernel_common import ALLOCATING, PURPOSE_DURABLES
from model.agents.kernel_durables import age_pair
from model.dimensions import ITEMS
from model.economy import Economy

THREADS = 2
PAIR_FACTOR = 5  # threads are compared on so many times more households
COPY_BYTES = 1 << 28


@dataclass(frozen=True)
class KernelFigures:
    """ns are per household and month."""

    households: int
    ns_1t: float
    ns_1t_paired: float  # beside ns_2t, in the same rounds
    ns_2t: float
    quiet_rounds: int  # rounds of the two in which no other process was busy
    ns_mesa_objects: float
    ns_step: float
    ns_primitives: float
    bytes_moved: float
    copy_bytes_per_ns: float
    bytes_per_household: float
    rules: dict[str, float]
    primitives: dict[str, tuple[float, float]]  # ns each, times a household month

    @property
    def speedup_vs_mesa_objects(self) -> float:
        return self.ns_mesa_objects / self.ns_1t

    @property
    def step_speedup(self) -> float:
        return self.ns_mesa_objects / self.ns_step

    @property
    def thread_gain(self) -> float:
        return self.ns_1t_paired / self.ns_2t

    @property
    def primitive_fraction(self) -> float:
        """Sum of the primitives over the kernel: 1 means that nothing gets lost between them."""
        return self.ns_primitives / self.ns_1t

    @property
    def bandwidth_fraction(self) -> float:
        return self.bytes_moved / self.ns_1t / self.copy_bytes_per_ns


@njit(**ALLOCATING)
def copy(source, target):  # type: ignore[no-untyped-def]
    """STREAM-like copy."""
    for i in range(source.size):
        target[i] = source[i]


def measure_kernel(scale: int, rounds: int, sample: int) -> KernelFigures:
    """All figures from one process, taken in turns; `sample` households live as Mesa objects."""
    found = subject(scale)
    n, month = len(found), found.month
    one = HouseholdBlock(found.columns, found.block.segments, 1)
    source, target = np.zeros(COPY_BYTES // 8), np.ones(COPY_BYTES // 8)

    plain = mesa_objects(found, sample)
    seconds = round_robin(
        {
            "one": living(one, month), "copy": Sample(lambda _: copy(source, target)),
            "plain": plain, "memory": touching(found),
        },
        rounds,
    )  # fmt: skip
    large = subject(scale // PAIR_FACTOR or 1) if scale > PAIR_FACTOR else found
    pair, quiet = quiet_medians(
        {
            str(threads): living(
                HouseholdBlock(large.columns, large.block.segments, threads), large.month
            )
            for threads in (1, THREADS)
        },
        rounds,
    )  # fmt: skip
    each = time_primitives(rounds) | {"memory": seconds["memory"] / n * 1e9}
    counts = per_household(*_rare(found)) | {"memory": 1.0}
    rules = time_rules(found.columns, month, found.chunks, rounds)
    return KernelFigures(
        households=n,
        ns_1t=seconds["one"] / n * 1e9,
        ns_1t_paired=pair["1"] / len(large) * 1e9,
        ns_2t=pair[str(THREADS)] / len(large) * 1e9,
        quiet_rounds=quiet,
        ns_mesa_objects=seconds["plain"] / sample_size(found, sample) * 1e9,
        ns_step=step_seconds(scale, rounds) / n * 1e9,
        ns_primitives=sum(each[name] * times for name, times in counts.items()),
        bytes_moved=bytes_moved(found),
        copy_bytes_per_ns=2 * COPY_BYTES / (seconds["copy"] * 1e9),
        bytes_per_household=sum(c.nbytes for c in found.columns) / n,
        rules={rule: took / n * 1e9 for rule, took in rules.items()},
        primitives={name: (each[name], counts[name]) for name in counts},
    )


def living(block: HouseholdBlock, month: Month) -> Sample:
    """A month of a block, on a copy made before the clock starts."""
    return Sample(lambda copied: copied.live(month), block.copy)


# -- plain Mesa objects --------------------------------------------------------------------


def part_of(found: Subject, sample: int) -> tuple[Columns, Any]:
    """The first households of every segment, in proportion: columns and their own segments."""
    share = sample / len(found)
    rows, segments, at = [], [], 0
    for start, stop, place, residence, weight in found.block.segments.tolist():
        take = max(1, round((stop - start) * share))
        rows.append(np.arange(start, start + take))
        segments.append((at, at + take, place, residence, weight))
        at += take
    chosen = np.concatenate(rows)
    columns = Columns(*(np.ascontiguousarray(c[..., chosen]) for c in found.columns))
    return columns, np.array(segments, dtype=np.int64)


def sample_size(found: Subject, sample: int) -> int:
    """Households that really live as objects."""
    return int(part_of(found, sample)[1][-1, 1])


def mesa_objects(found: Subject, sample: int) -> Sample:
    """The same month of the same rules by plain Mesa objects; must agree with the kernel.

    Raises AssertionError if a total differs: then the two would not be doing the same work.
    """
    from tests.reference.plain_mesa import PlainMesaModel

    columns, segments = part_of(found, sample)
    expected = _run(fresh(columns), found.month, _chunks(segments))
    if not np.array_equal(expected, PlainMesaModel(columns, segments).live(found.month)):
        raise AssertionError("kernel and Mesa objects differ")

    def prepare() -> Any:
        gc.collect()
        return PlainMesaModel(columns, segments)

    return Sample(lambda model: model.live(found.month), prepare)


def step_seconds(scale: int, repetitions: int) -> float:
    """Median seconds of a whole `step()` with every rule on, one thread."""
    taken: list[float] = []
    while len(taken) < repetitions:
        taken += _steps(running_economy(scale))
    return statistics.median(taken)


def _steps(economy: Economy) -> list[float]:
    """Seconds of each step of a year or so in which every rule was on."""
    block, kept, taken = economy.household_block, {}, []
    live = block.live

    def watch(month: Any) -> Any:
        kept["month"] = month
        return live(month)

    block.live = watch  # type: ignore[method-assign]
    for _ in range(15):
        took = once(Sample(lambda _: economy.step()))
        if every_rule_on(kept["month"]):
            taken.append(took)
    return taken


# -- counts --------------------------------------------------------------------------------


def _rare(found: Subject) -> tuple[float, float, float, float]:
    """Means per household: voucher batches, decisions about durables, holders; vouchers of each."""
    month, segments, n = found.month, found.block.segments, len(found)
    per_place = np.diff(month.batches.batch_first)
    rows = segments[:, 1] - segments[:, 0]
    batches = float((per_place[segments[:, 2]] * rows).sum() / n)
    copies = float(month.batches.batch[:, V_COUNT].mean())
    return batches, _decisions(found), _holders(found), copies


def _holders(found: Subject) -> float:
    """Voucher holders a household, summed over batches."""
    block = HouseholdBlock(fresh(found.columns), found.block.segments, 1)
    totals = block.live(found.month).sum(axis=0)
    issued = field(totals, "vouchers").reshape(VOUCHER_SLOTS, len(VOUCHER_COUNTERS))[:, C_ISSUED]
    batch = found.month.batches.batch[0]
    real = (block.segments[:, 1] - block.segments[:, 0]) @ block.segments[:, 4]
    return float(issued.sum() / (batch[V_FACE] * batch[V_COUNT]) / real)


def _decisions(found: Subject) -> float:
    """Durables a household that get past the coarse bounds."""
    from model.streams import word_columns

    screen, durable, total = found.month.goods.screen, found.columns.durable.copy(), 0
    for start, stop, place, _, _ in found.block.segments.tolist():
        words = word_columns(1, PURPOSE_DURABLES, np.arange(stop - start))
        marks = np.zeros(stop - start, np.uint8)
        for item in range(0, len(ITEMS), 2):
            one, two = durable[item, start:stop], durable[item + 1, start:stop]
            draws = words[item >> 1].astype(np.uint32)
            age_pair(one, two, draws, marks, stop - start, screen[place], item)
        total += int(np.unpackbits(marks).sum())
    return total / len(found)


def touching(found: Subject) -> Sample:
    """Every column read once, and written once if the month changes it: what no kernel avoids."""
    changed = changed_columns(found)

    def work(columns: Columns) -> None:
        for name, column in columns._asdict().items():
            touch(column.reshape(-1), name in changed)

    return Sample(work, lambda: fresh(found.columns))


@njit(**ALLOCATING)
def touch(values, write):  # type: ignore[no-untyped-def]
    """Sum of the values; with `write` each is replaced by another."""
    total = 0
    if write:
        for i in range(values.size):
            total += np.int64(values[i])
            values[i] += 1
    else:
        for i in range(values.size):
            total += np.int64(values[i])
    return total


def changed_columns(found: Subject) -> set[str]:
    """Names of the columns that the month changes."""
    block = HouseholdBlock(fresh(found.columns), found.block.segments, 1)
    block.live(found.month)
    pairs = found.columns._asdict().items()
    return {name for name, old in pairs if not np.array_equal(old, getattr(block.columns, name))}


def bytes_moved(found: Subject) -> float:
    """Bytes a household: every column read once, and written once if the month changes it."""
    written = sum(getattr(found.columns, name).nbytes for name in changed_columns(found))
    return (sum(column.nbytes for column in found.columns) + written) / len(found)
