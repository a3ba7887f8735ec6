"""Shared pieces of the household kernel: compiler settings, random draws, rounding, scratch.

The kernel is spread over the files `kernel_*.py` of this folder. numba's cache looks only at the
file of the function it loads, so the cache folder is named by a hash of all of them
(`model.compilation`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from model.agents import household_layout as layout
from model.solvers.grids import INCOME_GRID
from model.streams import Purpose

# Kernels allocate nothing, so they need no reference counts: counting the arrays of named tuples
# would cost more than the rules do.
JIT: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
ALLOCATING: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
INLINE: dict[str, Any] = {**JIT, "inline": "always"}
# Rows a rule runs over at once: long enough to pay for the call, short enough for the cache.
BLOCK = 512
LOW32 = 0xFFFFFFFF
PURPOSE_MONTH, PURPOSE_DURABLES = int(Purpose.MONTH), int(Purpose.DURABLES)
N_CATEGORIES, N_ITEMS, NODES = layout.N_CATEGORIES, layout.N_ITEMS, layout.NODES
INCOME_LOW = 2.0**INCOME_GRID.lowest
INCOME_HIGH = 2.0**INCOME_GRID.highest * (1.0 - 2.0**-53)
INCOME_SHIFT, INCOME_OFFSET = 52 - INCOME_GRID.bits, INCOME_GRID.offset
INCOME_MASK, INCOME_UNIT = (1 << INCOME_SHIFT) - 1, 2.0**-INCOME_SHIFT

# Offsets of the totals vector, as plain integers that the compiler can freeze
O_NODES = layout.OFFSETS["nodes"][0]
O_GROUP_INCOME = layout.OFFSETS["group_income"][0]
O_EVENT = layout.OFFSETS["event_spending"][0]
O_EARNINGS = layout.OFFSETS["earnings"][0]
O_EMPLOYED = layout.OFFSETS["employed"][0]
O_SEPARATIONS = layout.OFFSETS["separations"][0]
O_HIRES = layout.OFFSETS["hires"][0]
O_PENSIONS = layout.OFFSETS["pensions"][0]
O_PENSION_RISE = layout.OFFSETS["pension_rise"][0]
O_FLOOR_RISE = layout.OFFSETS["floor_rise"][0]
O_ELIGIBLE_HOUSEHOLDS = layout.OFFSETS["eligible_households"][0]
O_ELIGIBLE_PERSONS = layout.OFFSETS["eligible_persons"][0]
O_ELIGIBLE_CHILDREN = layout.OFFSETS["eligible_children"][0]
O_UNITS = layout.OFFSETS["units"][0]
O_SUB_UNITS = layout.OFFSETS["subsidised_units"][0]
O_SUB_SALES = layout.OFFSETS["subsidised_sales"][0]
O_INSTANT = layout.OFFSETS["subsidy_instant"][0]
O_CLAIMS = layout.OFFSETS["subsidy_claims"][0]
O_VOUCHERS = layout.OFFSETS["vouchers"][0]
O_UNEMPLOYED = layout.OFFSETS["unemployed"][0]
O_RETIRED = layout.OFFSETS["retired"][0]
O_OTHER = layout.OFFSETS["other_income"][0]
O_BENEFITS = layout.OFFSETS["benefits"][0]
O_TRANSFERS = layout.OFFSETS["transfers"][0]
O_REIMBURSED = layout.OFFSETS["reimbursed"][0]
O_PROPERTY = layout.OFFSETS["property"][0]
O_INTEREST = layout.OFFSETS["interest"][0]
O_GRANTED = layout.OFFSETS["granted"][0]
O_ALLOWANCE_RISE = layout.OFFSETS["allowance_rise"][0]
O_MEDICAL_COVERED = layout.OFFSETS["medical_covered"][0]
O_INTEREST_SUBSIDY = layout.OFFSETS["interest_subsidy"][0]
O_MEDICAL = layout.OFFSETS["medical"][0]
O_COMMITTED = layout.OFFSETS["committed"][0]
O_HOUSING = layout.OFFSETS["housing"][0]
O_WITHDRAWN = layout.OFFSETS["withdrawn"][0]
O_LOANS = layout.OFFSETS["loans"][0]
O_PRINCIPAL = layout.OFFSETS["principal"][0]
O_LOAN_INTEREST = layout.OFFSETS["loan_interest"][0]
O_LIQUID = layout.OFFSETS["liquid_balance"][0]
O_COMMITTED_BALANCE = layout.OFFSETS["committed_balance"][0]
O_DEBT = layout.OFFSETS["debt_balance"][0]
O_STOCK = layout.OFFSETS["stock_balance"][0]
O_STOCKED = layout.OFFSETS["stocked"][0]
O_RELEASED = layout.OFFSETS["released"][0]
O_SUPPORT_RECEIVED = layout.OFFSETS["support_received"][0]
O_SUPPORT_PAID = layout.OFFSETS["support_paid"][0]


class Scratch(NamedTuple):
    """Working arrays of one block."""

    words: npt.NDArray[np.uint32]  # [8, BLOCK]
    more: npt.NDArray[np.uint32]  # [1, BLOCK] voucher draws
    lift: npt.NDArray[np.float64]  # wage floor factor
    cash: npt.NDArray[np.int64]  # fen
    income: npt.NDArray[np.int64]  # fen
    events: npt.NDArray[np.int64]  # fen spent outside the non-durable budget
    spent: npt.NDArray[np.int64]  # fen, non-durable
    spendable: npt.NDArray[np.float64]  # permanent income less committed share, yuan, detrended
    real_cash: npt.NDArray[np.float64]
    real_cash_bits: npt.NDArray[np.int64]
    real_income: npt.NDArray[np.float64]
    real_income_bits: npt.NDArray[np.int64]
    node: npt.NDArray[np.int64]
    fraction: npt.NDArray[np.float64]
    marks: npt.NDArray[np.uint8]  # who has something to decide, a bit each matter
    marks_by_eight: npt.NDArray[np.int64]  # the same memory
    flags: npt.NDArray[np.int64]  # rows that may need a decision
    queue: npt.NDArray[np.int64]  # rows of the block with something to decide
    wish: npt.NDArray[
        np.int64
    ]  # [2, 8 * BLOCK] (row of block * 8 + item, draw) of purchases wanted


def make_scratch() -> Scratch:
    """Fresh working arrays for one thread."""
    lift, spendable, fraction, cash, income = (np.zeros(BLOCK) for _ in range(5))
    i64 = [np.zeros(BLOCK, np.int64) for _ in range(7)]
    words, more = np.zeros((8, BLOCK), np.uint32), np.zeros((1, BLOCK), np.uint32)
    marks = np.zeros(BLOCK, np.uint8)
    return Scratch(
        words, more, lift, i64[0], i64[1], i64[2], i64[3], spendable,
        cash, cash.view(np.int64), income, income.view(np.int64), i64[4], fraction,
        marks, marks.view(np.int64), i64[5], i64[6],
        np.zeros((3, 8 * BLOCK), np.int64),
    )  # fmt: skip


def _stack_array(element, llvm_element):  # type: ignore[no-untyped-def]
    """Intrinsic: a working array [BLOCK] on the stack of the calling function, not initialised.

    The compiler knows that stores to it change no table and no column, and so turns loops that
    look up tables into vector code.
    """
    kind = types.Array(element, 1, "C")

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
        number = ir.IntType(64)
        array = make_array(kind)(context, builder)  # type: ignore[no-untyped-call]
        words = cgutils.alloca_once(builder, llvm_element, size=BLOCK)  # type: ignore[no-untyped-call]
        populate_array(  # type: ignore[no-untyped-call]
            array, data=words, shape=[number(BLOCK)], strides=[number(8)], itemsize=number(8),
            meminfo=None,
        )  # fmt: skip
        return array._getvalue()

    return lambda typing_context: (kind(), build)  # noqa: ARG005


on_stack: Any = intrinsic(_stack_array(types.int64, ir.IntType(64)))  # type: ignore[no-untyped-call]
reals_on_stack: Any = intrinsic(_stack_array(types.float64, ir.DoubleType()))  # type: ignore[no-untyped-call]


@njit(**INLINE)
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Philox4x32-10: four 32-bit words of a counter and a key."""
    for _ in range(10):
        p0 = (c0 & LOW32) * 0xD2511F53
        p1 = (c2 & LOW32) * 0xCD9E8D57
        c0, c2 = ((p1 >> 32) & LOW32) ^ c1 ^ k0, ((p0 >> 32) & LOW32) ^ c3 ^ k1
        c1, c3 = p1 & LOW32, p0 & LOW32
        k0 = (k0 + 0x9E3779B9) & LOW32
        k1 = (k1 + 0xBB67AE85) & LOW32
    return c0, c1, c2, c3


@njit(**INLINE)
def draw(words, row, n, first, cell, month, purpose, low, high):  # type: ignore[no-untyped-def]
    """Philox words of (household index, cell, month, purpose) into words[row:row+4, :n]."""
    for i in range(n):
        c0, c1, c2, c3 = philox(first + i, cell, month, purpose, low, high)
        words[row, i] = c0
        words[row + 1, i] = c1
        words[row + 2, i] = c2
        words[row + 3, i] = c3


@njit(**INLINE)
def copy(source, target, n):  # type: ignore[no-untyped-def]
    """The first n values. (Assigning slices would make room for a copy between.)"""
    for i in range(n):
        target[i] = source[i]


@njit(**JIT)
def compact(marks, eights, queue, n):  # type: ignore[no-untyped-def]
    """Positions below n with a mark, into `queue`; returns their number.

    Marks are rare: eight of them are dismissed at once (`eights` is the same memory).
    """
    marks[n : (n + 7) & ~7] = 0
    count = 0
    for eight in range((n + 7) >> 3):
        if eights[eight] != 0:
            for i in range(eight * 8, eight * 8 + 8):
                queue[count] = i
                count += 1 if marks[i] != 0 else 0
    return count


@njit(**INLINE)
def mix(word, salt):  # type: ignore[no-untyped-def]
    """A further 32 random bits from a word (murmur3 finaliser of word xor salt)."""
    x = (word ^ (salt * 0x9E3779B9)) & LOW32
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & LOW32
    x ^= x >> 13
    x = (x * 0xC2B2AE35) & LOW32
    return x ^ (x >> 16)


@njit(**INLINE)
def lasting_draw(index, cell, salt):  # type: ignore[no-untyped-def]
    """32 random bits of a household that are the same every month."""
    return mix(mix(index, cell + 1), salt)


@njit(**INLINE)
def fen(yuan):  # type: ignore[no-untyped-def]
    """Yuan to whole fen, half up."""
    return np.int64(np.floor(yuan * 100.0 + 0.5))
