"""What every single household did in a month, as a data provider of the study would have seen it.

The model keeps totals only. The same compiled month is run once more on a copy of the households,
one household at a time, so its totals are that household's own books. Nothing in the model
changes, and the panel adds up to the run it watches (tested).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from model.agents import household_layout as layout
from model.agents.household_kernel import month_of_chunk
from model.agents.household_layout import Columns, Month
from model.agents.household_words import mix, philox
from model.agents.households import HouseholdBlock, agree_on_support
from model.agents.kernel_common import ALLOCATING, make_scratch
from model.agents.voucher_batches import largest_basket, race_fields
from model.dimensions import CATEGORIES
from model.parameters import Parameters
from model.policy.instruments import VoucherBatch

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
_NODES: Final = layout.OFFSETS["nodes"]
_READ: Final = (
    "event_spending", "employed", "pensions", "pension_rise", "floor_rise", "subsidised_units",
    "subsidy_instant", "subsidy_claims", "vouchers", "transfers", "medical", "loans",
)  # fmt: skip
# Kept as one number
_SUMMED: Final = ("pensions", "pension_rise", "floor_rise", "subsidised_units")
_LOW32: Final = 0xFFFFFFFF


def _plan() -> tuple[dict[str, tuple[int, int]], I64]:
    """Columns of the books by field, and for every total the column it is added to (-1: none).

    Spending outside the budget is summed over groups, voucher counters over batches.
    """
    columns: dict[str, tuple[int, int]] = {"budget": (0, 1), "node": (1, 2), "position": (2, 3)}
    target = np.full(layout.TOTALS, -1, dtype=np.int64)
    lengths = {"event_spending": len(CATEGORIES), "vouchers": len(layout.VOUCHER_COUNTERS)}
    at = len(columns)
    for name in _READ:
        first, last = layout.OFFSETS[name]
        length = 1 if name in _SUMMED else lengths.get(name, last - first)
        target[first:last] = at + np.arange(last - first) % length
        columns[name] = (at, at + length)
        at += length
    return columns, target


BOOK_COLUMNS, _TARGET = _plan()
_WIDTH = max(last for _, last in BOOK_COLUMNS.values())


@njit(**ALLOCATING)
def _household_books(c, m, s, chunks, target, low, high, unit, total, books):  # type: ignore[no-untyped-def]
    """Live the month household by household; row i of `books` is what household i added up to."""
    part = np.zeros(total, np.int64)
    for at in range(chunks.shape[0]):
        start, stop, place, residence, _, cell_start = chunks[at]
        for i in range(start, stop):
            part[:] = 0
            month_of_chunk(c, m, s, part, i, i + 1, place, residence, cell_start)
            for f in range(total):
                if part[f] != 0 and target[f] >= 0:
                    books[i, target[f]] += part[f]
            whole, above, node = np.int64(0), np.int64(0), np.int64(-1)
            for f in range(low, high):
                if part[f] != 0:
                    whole += part[f]
                    found = (f - low) % unit[1]
                    if node < 0:
                        node = found
                    elif found != node:
                        above = part[f]
            books[i, 0] = whole // unit[0]
            books[i, 1] = max(node, 0)
            books[i, 2] = above * unit[0] // max(whole, 1)


def household_books(block: HouseholdBlock, columns: Columns, month: Month) -> I64:
    """Books [household, BOOK_COLUMNS] of one month in fen and counts; `columns` are changed."""
    books = np.zeros((len(block), _WIDTH), np.int64)
    agree_on_support(columns, block.segments, month, block.threads)
    unit = np.array([layout.NODE_UNIT, layout.NODES], np.int64)

    def note(chunks: I64) -> None:
        _household_books(
            columns, month, make_scratch(), chunks, _TARGET, _NODES[0], _NODES[1], unit,
            layout.TOTALS, books,
        )  # fmt: skip

    if block.threads == 1:
        note(block._chunks)
        return books
    with ThreadPoolExecutor(block.threads) as pool:
        list(pool.map(note, np.array_split(block._chunks, block.threads)))
    return books


def copy_of(columns: Columns) -> Columns:
    """The same households in memory of their own."""
    copies: Any = (column.copy() for column in columns)
    return Columns(*copies)


def where_from(block: HouseholdBlock) -> tuple[I64, I64, I64, I64]:
    """Place, residence, weight and number within its place and residence of every household."""
    length = block.segments[:, 1] - block.segments[:, 0]
    place, residence, weight = (np.repeat(block.segments[:, k], length) for k in (2, 3, 4))
    cell = place * 2 + residence
    change = np.flatnonzero(np.diff(cell, prepend=-1))
    first = np.repeat(change, np.diff(np.append(change, cell.size)))
    return place, residence, weight, np.arange(cell.size) - first


def _race_words(block: HouseholdBlock, month: Month, purpose: int) -> tuple[I64, I64]:
    """The two words a household draws for a batch: application and arrival; its baskets."""
    place, residence, _, number = where_from(block)
    counter: Any = (
        number.astype(np.uint64), (place * 2 + residence).astype(np.uint64),
        np.full(number.size, month.month, np.uint64), np.full(number.size, purpose, np.uint64),
    )  # fmt: skip
    words: Any = philox(counter, (int(month.seed[0]), int(month.seed[1])))
    return words[0].astype(np.int64), words[1].astype(np.int64)


def applicants(
    block: HouseholdBlock, columns: Columns, month: Month, batches: Sequence[VoucherBatch]
) -> npt.NDArray[np.bool_]:
    """Who applied for a voucher of any batch this month, successful or not."""
    _, residence, _, _ = where_from(block)
    found = np.zeros(residence.size, dtype=bool)
    for slot, batch in enumerate(batches):
        rules = race_fields(batch, slot)
        word = _race_words(block, month, int(rules[layout.V_PURPOSE]))[0] >> 16
        reach = np.where(rules[layout.V_DIGITAL], columns.digital.astype(np.int64), 255)
        eligible = (rules[layout.V_GROUPS] >> columns.group.astype(np.int64)) & 1
        eligible &= rules[layout.V_RESIDENCE] >> residence
        found |= (eligible == 1) & (word * 255 < reach * rules[layout.V_APPLY])
    return found


def natural_baskets(
    block: HouseholdBlock, month: Month, batch: VoucherBatch, slot: int, parameters: Parameters,
    spending: F64,
) -> F64:  # fmt: skip
    """Largest basket (yuan) a household would have at participating shops while a voucher of the
    batch is valid, from its month's `spending` (yuan) on the category; 0 without an occasion.
    """
    vouchers = "households.vouchers"
    occasions = float(parameters[f"{vouchers}.occasions"][CATEGORIES[batch.category]])
    deviation = parameters.number(f"{vouchers}.basket_deviation")
    purpose = int(race_fields(batch, slot)[layout.V_PURPOSE])
    word: Any = mix(_race_words(block, month, purpose)[1], 1)  # type: ignore[arg-type]
    table = largest_basket(occasions, batch, deviation).astype(float)
    return np.asarray(table[word >> 20] * spending / occasions)


def information_rank(block: HouseholdBlock, item: int) -> F64:
    """Rank (0 to 1) that decides who hears of a subsidy on an item: those below the share."""
    place, residence, _, number = where_from(block)
    words: Any = (number * 8 + item).astype(np.uint64)
    cells = (place * 2 + residence + 1).astype(np.uint64)
    return np.asarray((_mixed(words, cells) & 0xFFFF) / 65536.0)


def _mixed(words: Any, salts: Any) -> Any:
    """`household.mix` with a salt for each word."""
    found = np.empty(words.size, np.int64)
    for salt in np.unique(salts):
        chosen = salts == salt
        found[chosen] = mix(words[chosen].astype(np.int64), int(salt))
    return found
