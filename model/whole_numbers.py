"""Compiled arithmetic on amounts in whole fen: sums, rounding, and postings to accounts.

NumPy spends more time on the call than on the few hundred numbers of a month's accounts. Sums of
integers have one result in any order, and every product is rounded once, so these functions equal
their NumPy expressions bit for bit (tests/test_whole_numbers.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Fen = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """A function compiled once and kept on disk; without reassociation of real numbers."""
    return cast(_Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


@compiled
def total(amounts: Fen) -> int:
    """Sum of all elements: `amounts.sum()`."""
    found = 0
    for amount in amounts.flat:
        found += int(amount)
    return found


@compiled
def by_row(amounts: Fen) -> Fen:
    """Sum over everything but the first axis: `amounts.sum(axis=1)`, any number of axes."""
    rows = amounts.shape[0]
    flat = amounts.reshape(rows, -1)
    found = np.zeros(rows, np.int64)
    for k in range(rows):
        for j in range(flat.shape[1]):
            found[k] += flat[k, j]
    return found


@compiled
def by_column(amounts: Fen) -> Fen:
    """Sum over the first axis: `amounts.sum(axis=0)` of a matrix."""
    found = np.zeros(amounts.shape[1], np.int64)
    for k in range(amounts.shape[0]):
        for j in range(amounts.shape[1]):
            found[j] += amounts[k, j]
    return found


@compiled
def anything(amounts: Fen) -> bool:
    """Whether any element is not zero: `amounts.any()`."""
    for amount in amounts.flat:  # noqa: SIM110 (generators are not compiled)
        if amount != 0:
            return True
    return False


@compiled
def scaled(amounts: npt.NDArray[np.floating[Any]], factor: float) -> Fen:
    """Whole fen of `amounts` x `factor`: `np.rint(amounts * factor).astype(np.int64)`."""
    found = np.empty(amounts.shape, np.int64)
    into, out = amounts.ravel(), found.ravel()
    for k in range(into.size):
        out[k] = np.int64(np.rint(into[k] * factor))
    return found


@compiled
def whole(amounts: npt.NDArray[np.floating[Any]]) -> Fen:
    """Round to whole fen: `np.rint(amounts).astype(np.int64)`."""
    return scaled(amounts, 1.0)


@compiled
def add_to(row: Fen, start: int, stop: int, sign: int, amounts: Fen) -> None:
    """Add `sign` x `amounts` to accounts start..stop; a single account takes the sum."""
    if stop - start == amounts.size:
        for k in range(amounts.size):
            row[start + k] += sign * amounts[k]
    else:
        row[start] += sign * total(amounts)


@compiled
def move(
    row: Fen, flow: Fen, payer: int, payer_stop: int, paid: Fen, receiver: int, receiver_stop: int,
    received: Fen,
) -> None:  # fmt: skip
    """Post a payment to the positions `row` and the month's `flow` of its kind."""
    add_to(row, payer, payer_stop, -1, paid)
    add_to(row, receiver, receiver_stop, 1, received)
    add_to(flow, payer, payer_stop, -1, paid)
    add_to(flow, receiver, receiver_stop, 1, received)


@compiled
def move_if_equal(
    row: Fen, flow: Fen, payer: int, payer_stop: int, paid: Fen, receiver: int, receiver_stop: int,
    received: Fen,
) -> bool:  # fmt: skip
    """`move` if as much is paid as received; False, and nothing posted, if not."""
    if total(paid) != total(received):
        return False
    move(row, flow, payer, payer_stop, paid, receiver, receiver_stop, received)
    return True


@compiled
def exchange(
    deposits: Fen, claim: Fen, payer: int, payer_stop: int, receiver: int, receiver_stop: int,
    amounts: Fen,
) -> None:  # fmt: skip
    """Deposits move from payer to receiver, a claim of equal amount the other way: no income."""
    add_to(deposits, payer, payer_stop, -1, amounts)
    add_to(deposits, receiver, receiver_stop, 1, amounts)
    add_to(claim, payer, payer_stop, 1, amounts)
    add_to(claim, receiver, receiver_stop, -1, amounts)


@compiled
def largest_residuals(positions: Fen, before: Fen, flows: Fen) -> tuple[int, int, int]:
    """Largest violation of: instruments sum to zero; flows do; flow = change in claims.

    `positions` [instrument, account], `before` [account] last month's net claims, `flows`
    [kind, account].
    """
    instruments, kinds, changes = 0, 0, 0
    gap = by_column(positions) - before - by_column(flows)
    for k in range(positions.shape[0]):
        instruments = max(instruments, abs(total(positions[k])))
    for k in range(flows.shape[0]):
        kinds = max(kinds, abs(total(flows[k])))
    for account in range(gap.size):
        changes = max(changes, abs(gap[account]))
    return instruments, kinds, changes
