"""What every single household did in a month, as a data provider of the study would have seen it.

The model keeps totals only. The same compiled month is run once more on a copy of the households,
one household at a time, so its totals are that household's own books. Nothing in the model
changes, and the panel adds up to the run it watches (tested).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from model.agents import household_layout as layout
from model.agents.household_kernel import month_of_chunk
from model.agents.household_layout import Columns, Month
from model.agents.households import HouseholdBlock
from model.agents.kernel_common import ALLOCATING, make_scratch
from model.dimensions import CATEGORIES, ITEMS

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
_NODES = layout.OFFSETS["nodes"]
_WIDTHS: Final = {"event_spending": len(CATEGORIES), "units": len(ITEMS), "vouchers": 0}
_COUNTERS = len(layout.VOUCHER_COUNTERS)


def _plan() -> tuple[dict[str, tuple[int, int]], I64]:
    """Columns of the books by field, and for every total the column it is added to (-1: none).

    Spending outside the budget is summed over groups, units over quintiles, voucher counters over
    batches; `nodes` is handled apart.
    """
    columns: dict[str, tuple[int, int]] = {"budget": (0, 1), "node": (1, 2), "position": (2, 3)}
    target = np.full(layout.TOTALS, -1, dtype=np.int64)
    at = 3
    for name, (first, last) in layout.OFFSETS.items():
        if name in ("nodes", "group_income"):
            continue
        offsets = np.arange(last - first)
        if name == "event_spending":
            offsets = offsets % len(CATEGORIES)
        elif name == "units":
            offsets = offsets // (offsets.size // len(ITEMS))
        elif name == "vouchers":
            offsets = offsets % _COUNTERS
        target[first:last] = at + offsets
        columns[name] = (at, at + int(offsets.max()) + 1)
        at = columns[name][1]
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
            nodes = books.shape[1] * 0 + unit[1]
            for f in range(low, high):
                if part[f] != 0:
                    whole += part[f]
                    found = (f - low) % nodes
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
    unit = np.array([layout.NODE_UNIT, layout.NODES], np.int64)
    _household_books(
        columns, month, make_scratch(), block._chunks, _TARGET, _NODES[0], _NODES[1], unit,
        layout.TOTALS, books,
    )  # fmt: skip
    return books
