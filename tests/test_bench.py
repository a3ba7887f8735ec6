"""The benchmarks measure what they say: same work, honest counts, targets read the right way.

No test here looks at a clock; speed is compared inside `benchmarks/`, side by side in one run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import measure, primitives, targets
from model.agents.households import HouseholdBlock
from model.policy.instruments import ALL_GROUPS, ALL_RESIDENCES, VoucherBatch
from tests import month_inputs

HOUSEHOLDS = 3_000
SEED = np.array([5, 6])


def block(threads: int = 1) -> HouseholdBlock:
    columns = month_inputs.columns(HOUSEHOLDS)
    return HouseholdBlock(columns, month_inputs.segments(HOUSEHOLDS, places=3), threads)


def batch(money: Any) -> VoucherBatch:
    return VoucherBatch(
        lever="v", category=1, face=3_000, threshold=0, per_household=2, validity=1.0,
        participating=0.5, application=0.6, digital_required=True, groups=ALL_GROUPS,
        residences=ALL_RESIDENCES, money=money, own_money=money,
    )  # fmt: skip


def issued(cut: int, place: int) -> int:
    """Fen issued at a place below an arrival key, counted household by household in NumPy."""
    from model.agents.voucher_batches import race_fields

    found, total = block(), 0
    fields = race_fields(batch(np.zeros(15, np.int64)), 0)
    for start, stop, where, residence, weight, first in found._chunks.tolist():
        if where == place:
            one = np.array([[start, stop, where, residence, weight, first]])
            total += _applicants(found, fields, one, cut)
    return total * 2 * 3_000


def _applicants(found: HouseholdBlock, fields: Any, chunk: Any, cut: int) -> int:
    from model.agents.household_layout import V_APPLY, V_PURPOSE
    from model.agents.kernel_common import BLOCK, draw

    start, stop, place, residence, weight, first = chunk[0].tolist()
    words, count = np.zeros((4, BLOCK), np.uint32), 0
    for low in range(start, stop, BLOCK):
        n = min(BLOCK, stop - low)
        draw.py_func(
            words, 0, n, low - first, place * 2 + residence, 4, int(fields[V_PURPOSE]), 5, 6
        )
        word = words[0, :n].astype(np.int64)
        reach = found.columns.digital[low : low + n].astype(np.int64)
        applied = (word >> 16) * 255 < reach * fields[V_APPLY]
        count += int((applied & ((word & 0xFFFF) < cut)).sum())
    return count * weight


@pytest.mark.parametrize("money", [0, 6_000, 500_000, 10**12])
def test_race_stops_at_the_money(money: int) -> None:
    budget = np.zeros(15, np.int64)
    budget[0] = money
    cuts = block().race([batch(budget)], 4, SEED)
    assert not cuts[0, 1:].any()
    cut = int(cuts[0, 0])
    assert issued(cut, 0) <= money
    assert cut == 1 << 16 or money == 0 or issued(cut + 1, 0) > money


def test_race_is_open_to_all_if_money_abounds() -> None:
    budget = np.full(15, 10**15)
    assert (block().race([batch(budget)], 4, SEED)[0, :3] == 1 << 16).all()


def test_threads_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.agents.households.SERIAL_BELOW", 1)
    monkeypatch.setattr("model.agents.households.CHUNK", 100)
    month = month_inputs.month(2, month_inputs.Policy(voucher_batches=2, subsidy_share=0.2))
    one, two = block(1), block(2)
    monkeypatch.setattr("model.agents.households.TASK_ROWS", 100)
    assert len(two._tasks()) > 2
    assert np.array_equal(one.live(month), two.live(month))
    assert all(np.array_equal(a, b) for a, b in zip(one.columns, two.columns, strict=True))


@pytest.mark.slow
def test_rules_timed_one_by_one_are_the_month() -> None:
    """The driver that stops at a rule does what the kernel does if it never stops."""
    from benchmarks.stages import RULES, run_rules
    from model.agents.household_layout import TOTALS
    from model.agents.households import agree_on_support
    from model.agents.kernel_common import make_scratch

    month = month_inputs.month(2, month_inputs.Policy(voucher_batches=2, subsidy_share=0.2))
    whole, timed = block(), block()
    whole.live(month)
    part = np.zeros(TOTALS, np.int64)
    agree_on_support(timed.columns, timed.segments, month)
    run_rules(timed.columns, month, make_scratch(), part, timed._chunks, len(RULES))
    assert all(np.array_equal(a, b) for a, b in zip(whole.columns, timed.columns, strict=True))


def test_copy_is_equal_and_apart() -> None:
    first = block()
    second = first.copy()
    assert all(np.array_equal(a, b) for a, b in zip(first.columns, second.columns, strict=True))
    pairs = zip(first.columns, second.columns, strict=True)
    assert not any(np.shares_memory(a, b) for a, b in pairs)


def test_counts_name_every_primitive_once() -> None:
    counts = primitives.per_household(batches=3.0, decisions=0.5, holders=0.2, copies=3.0)
    assert set(counts) == set(primitives.PRIMITIVES)
    assert all(times > 0 for times in counts.values())
    more = primitives.per_household(batches=4.0, decisions=0.5, holders=0.2, copies=3.0)
    assert more["random_words"] - counts["random_words"] == 1.0


def test_targets_know_their_direction() -> None:
    most, least = targets.Target("a", "", "", 5.0), targets.Target("b", "", "", 5.0, most=False)
    assert (most.met(4.0), most.met(6.0)) == (True, False)
    assert (least.met(4.0), least.met(6.0)) == (False, True)
    assert [met for _, _, met in targets.table({"ns_2t": 1e9})] == [False]
    assert len({target.figure for target in targets.TARGETS}) == len(targets.TARGETS)


def test_round_robin_prepares_anew_each_time() -> None:
    made: list[int] = []
    sample = measure.Sample(lambda made: made.append(1), lambda: made)
    measure.round_robin({"a": sample, "b": sample}, 3)
    assert len(made) == 2 * (1 + 3)  # the first of each is not counted


def test_another_month_is_another_race() -> None:
    budget = np.full(15, 500_000)
    cuts = [block().race([batch(budget)], month, SEED)[0, 0] for month in (4, 5)]
    assert cuts[0] != cuts[1]


@pytest.mark.slow
def test_kernel_is_compiled_ahead_for_the_types_of_real_runs() -> None:
    """Otherwise the second process would work for nothing, silently."""
    from benchmarks.subject import running_economy
    from model.agents.household_kernel import month_of_chunks, race
    from model.compile_ahead import compile_kernel

    running_economy(10_000, months=6).run()
    known = list(month_of_chunks.signatures), list(race.signatures)
    compile_kernel()
    assert (list(month_of_chunks.signatures), list(race.signatures)) == known
    assert len(known[1]) == 1


def test_nothing_is_compiled_ahead_without_a_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    from model import compile_ahead

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(compile_ahead, "_started", [])
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process was started"))
    compile_ahead.start_compiling()
    compile_ahead.wait_for_kernel()
