"""The ledger: every payment has a payer and a receiver, in integer fen.

Accounts are the sectors of the transaction-flow matrix by place: households (15), firm cells
(15 x 12), cities (15), the province, the pooled social-insurance funds, the centre, the bank and
the outside world. Instruments are the rows of the balance sheet: liquid deposits, committed
deposits, consumer loans, firm loans, government bonds, arrears and claims on the outside.
A position is an asset (+) or a liability (-); each instrument sums to zero over accounts.

Identities hold with `==`, every month of every run, and cannot be switched off.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES, SECTORS
from model.whole_numbers import by_column, exchange, largest_residuals, move, move_if_equal, total

Fen = npt.NDArray[np.int64]

INSTRUMENTS = (
    "deposits", "committed_deposits", "consumer_loans", "firm_loans", "bonds", "arrears",
)  # fmt: skip
N_PLACES, N_SECTORS = len(PLACES), len(SECTORS)

HOUSEHOLDS = slice(0, N_PLACES)
FIRMS = slice(HOUSEHOLDS.stop, HOUSEHOLDS.stop + N_PLACES * N_SECTORS)
CITIES = slice(FIRMS.stop, FIRMS.stop + N_PLACES)
PROVINCE = slice(CITIES.stop, CITIES.stop + 1)
FUNDS = slice(PROVINCE.stop, PROVINCE.stop + 1)
CENTRE = slice(FUNDS.stop, FUNDS.stop + 1)
BANK = slice(CENTRE.stop, CENTRE.stop + 1)
OUTSIDE = slice(BANK.stop, BANK.stop + 1)
N_ACCOUNTS = OUTSIDE.stop
USUAL_KINDS = 24  # rows kept for the kinds of payment of a month; more are made when needed


def account_names() -> list[str]:
    """Readable name of every account, in ledger order."""
    firms = [f"firms:{place}:{sector}" for place in PLACES for sector in SECTORS]
    return [
        *(f"households:{place}" for place in PLACES),
        *firms,
        *(f"city:{place}" for place in PLACES),
        "province", "funds", "centre", "bank", "outside",
    ]  # fmt: skip


class LedgerError(RuntimeError):
    """An accounting identity failed; the message names the account and the amount in fen."""


class Ledger:
    """Positions by instrument and account, and this month's flows by kind.

    `positions[i, k]` is the holding of instrument i by account k (fen). `flows[kind]` is the net
    receipt of every account from payments of that kind this month; each sums to zero.
    """

    def __init__(self) -> None:
        self.positions: Fen = np.zeros((len(INSTRUMENTS), N_ACCOUNTS), dtype=np.int64)
        self.open_month()

    def open_month(self) -> None:
        """Start a month: remember net claims, forget last month's flows."""
        self._net_worth_before: Fen = by_column(self.positions)
        self.flows: dict[str, Fen] = {}
        self._rows: Fen = np.zeros((USUAL_KINDS, N_ACCOUNTS), dtype=np.int64)

    def open_position(self, instrument: str, holder: slice, issuer: slice, amounts: Fen) -> None:
        """Opening balance: `holder` owns, `issuer` (one account) owes. Shapes: holder's."""
        row = self.positions[INSTRUMENTS.index(instrument)]
        row[holder] += amounts
        row[issuer] -= np.sum(amounts)

    def pay(self, kind: str, payer: slice, receiver: slice, amounts: Fen) -> None:
        """Pay `amounts` (fen) element by element in deposits.

        Either side may be a single account: it then pays or receives the sum. Both sides may
        have any common shape once flattened. Raises LedgerError on a shape mismatch.
        """
        flat = _flat(amounts)
        for account in (payer, receiver):
            _check_width(kind, account, flat.size)
        move(
            self.positions[0], self._flow(kind), payer.start, payer.stop, flat,
            receiver.start, receiver.stop, flat,
        )  # fmt: skip

    def pay_pool(self, kind: str, payer: slice, paid: Fen, receiver: slice, received: Fen) -> None:
        """Many payers to many receivers through a clearing pool; totals must be equal."""
        out, into = _flat(paid), _flat(received)
        _check_width(kind, payer, out.size)
        _check_width(kind, receiver, into.size)
        moved = move_if_equal(
            self.positions[0], self._flow(kind), payer.start, payer.stop, out,
            receiver.start, receiver.stop, into,
        )  # fmt: skip
        if not moved:
            raise LedgerError(f"pool {kind}: paid {total(out)} fen, received {total(into)} fen")

    def lend(self, instrument: str, lender: slice, borrower: slice, amounts: Fen) -> None:
        """New lending (negative: repayment): deposits move one way, the claim the other.

        A lender or borrower that is a single account takes the sum.
        """
        self._exchange(instrument, lender, borrower, amounts)

    def owe(self, kind: str, debtor: slice, creditor: slice, amounts: Fen) -> None:
        """A payment that falls due but is not paid: income now, an arrear instead of money."""
        flat, arrears = _flat(amounts), self.positions[INSTRUMENTS.index("arrears")]
        move(
            arrears, self._flow(kind), debtor.start, debtor.stop, flat,
            creditor.start, creditor.stop, flat,
        )  # fmt: skip

    def settle(self, debtor: slice, creditor: slice, amounts: Fen) -> None:
        """Pay arrears: deposits move, the claim disappears; no income."""
        self._exchange("arrears", debtor, creditor, amounts)

    def commit(self, amounts: Fen) -> None:
        """Households move `amounts` (15, fen) from liquid to committed deposits (< 0: back)."""
        self._exchange("committed_deposits", HOUSEHOLDS, BANK, amounts)

    def deposits(self, account: slice) -> Fen:
        """Liquid deposits of an account group (a view, fen)."""
        return self.positions[0, account]

    def position(self, instrument: str, account: slice) -> Fen:
        """Holding of an instrument by an account group (a view, fen)."""
        return self.positions[INSTRUMENTS.index(instrument), account]

    def residuals(self) -> dict[str, int]:
        """Largest violation (fen) of: instruments sum to zero, flows sum to zero, flow = change."""
        names = (
            "instruments_sum_to_zero", "flows_sum_to_zero", "flow_equals_change_in_claims",
        )  # fmt: skip
        largest = largest_residuals(self.positions, self._net_worth_before, self._rows)
        return dict(zip(names, largest, strict=True))

    def kept(self, account: slice) -> int:
        """Net receipts of an account group from payments of every kind this month (fen)."""
        return total(np.ascontiguousarray(self._rows[:, account]))

    def verify(self, further: Iterable[tuple[str, int]] = ()) -> int:
        """Check every identity with `==`; return the largest residual (always 0).

        `further` names additional identities and their residuals in fen. Raises LedgerError
        naming the first identity that fails and, for accounts, which one.
        """
        for name, residual in (*self.residuals().items(), *further):
            if residual != 0:
                raise LedgerError(f"{name}: {residual} fen at {self._worst_account()}")
        return 0

    def _worst_account(self) -> str:
        change = self.positions.sum(axis=0) - self._net_worth_before
        gap = np.abs(change - self._rows.sum(axis=0))
        return account_names()[int(gap.argmax())]

    def _flow(self, kind: str) -> Fen:
        if kind not in self.flows:
            if len(self.flows) == len(self._rows):
                self._make_room()
            self.flows[kind] = self._rows[len(self.flows)]
        return self.flows[kind]

    def _make_room(self) -> None:
        """Twice as many kinds of payment in one month."""
        self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self.flows = {kind: self._rows[at] for at, kind in enumerate(self.flows)}

    def _exchange(self, instrument: str, payer: slice, receiver: slice, amounts: Fen) -> None:
        flat, claim = _flat(amounts), self.positions[INSTRUMENTS.index(instrument)]
        for account in (payer, receiver):
            _check_width(instrument, account, flat.size)
        exchange(
            self.positions[0], claim, payer.start, payer.stop, receiver.start, receiver.stop, flat
        )  # fmt: skip


def _flat(amounts: Fen) -> Fen:
    """One axis, contiguous."""
    return np.asarray(amounts, dtype=np.int64).ravel()


def _check_width(kind: str, account: slice, size: int) -> None:
    width = account.stop - account.start
    if width not in (1, size):
        raise LedgerError(f"{kind}: {size} amounts for {width} accounts")
