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
        self.flows: dict[str, Fen] = {}
        self._net_worth_before: Fen = np.zeros(N_ACCOUNTS, dtype=np.int64)

    def open_month(self) -> None:
        """Start a month: remember net claims, forget last month's flows."""
        self._net_worth_before = self.positions.sum(axis=0)
        self.flows = {}

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
        flat = np.asarray(amounts, dtype=np.int64).ravel()
        self._post(kind, payer, -flat)
        self._post(kind, receiver, flat)
        self._check_pair(kind, payer, receiver, flat.size)

    def pay_pool(self, kind: str, payer: slice, paid: Fen, receiver: slice, received: Fen) -> None:
        """Many payers to many receivers through a clearing pool; totals must be equal."""
        if int(paid.sum()) != int(received.sum()):
            raise LedgerError(f"pool {kind}: paid {paid.sum()} fen, received {received.sum()} fen")
        self._post(kind, payer, -np.asarray(paid, dtype=np.int64).ravel())
        self._post(kind, receiver, np.asarray(received, dtype=np.int64).ravel())

    def lend(self, instrument: str, lender: slice, borrower: slice, amounts: Fen) -> None:
        """New lending (negative: repayment): deposits move one way, the claim the other.

        A lender or borrower that is a single account takes the sum.
        """
        flat = np.asarray(amounts, dtype=np.int64).ravel()
        deposits, claim = self.positions[0], self.positions[INSTRUMENTS.index(instrument)]
        for account, sign in ((borrower, 1), (lender, -1)):
            share = flat if account.stop - account.start == flat.size else flat.sum()
            deposits[account] += sign * share
            claim[account] -= sign * share

    def owe(self, kind: str, debtor: slice, creditor: slice, amounts: Fen) -> None:
        """A payment that falls due but is not paid: income now, an arrear instead of money."""
        flat = np.asarray(amounts, dtype=np.int64).ravel()
        arrears = self.positions[INSTRUMENTS.index("arrears")]
        for account, sign in ((debtor, -1), (creditor, 1)):
            share = flat if account.stop - account.start == flat.size else flat.sum()
            arrears[account] += sign * share
            self._flow(kind)[account] += sign * share

    def settle(self, debtor: slice, creditor: slice, amounts: Fen) -> None:
        """Pay arrears: deposits move, the claim disappears; no income."""
        flat = np.asarray(amounts, dtype=np.int64).ravel()
        deposits, arrears = self.positions[0], self.positions[INSTRUMENTS.index("arrears")]
        for account, sign in ((debtor, -1), (creditor, 1)):
            share = flat if account.stop - account.start == flat.size else flat.sum()
            deposits[account] += sign * share
            arrears[account] -= sign * share

    def commit(self, amounts: Fen) -> None:
        """Households move `amounts` (15, fen) from liquid to committed deposits (< 0: back)."""
        self.positions[0, HOUSEHOLDS] -= amounts
        self.positions[0, BANK] += amounts.sum()
        self.positions[1, HOUSEHOLDS] += amounts
        self.positions[1, BANK] -= amounts.sum()

    def deposits(self, account: slice) -> Fen:
        """Liquid deposits of an account group (a view, fen)."""
        return self.positions[0, account]

    def position(self, instrument: str, account: slice) -> Fen:
        """Holding of an instrument by an account group (a view, fen)."""
        return self.positions[INSTRUMENTS.index(instrument), account]

    def residuals(self) -> dict[str, int]:
        """Largest violation (fen) of: instruments sum to zero, flows sum to zero, flow = change."""
        change = self.positions.sum(axis=0) - self._net_worth_before
        total = np.sum(list(self.flows.values()), axis=0) if self.flows else np.zeros_like(change)
        return {
            "instruments_sum_to_zero": int(np.abs(self.positions.sum(axis=1)).max()),
            "flows_sum_to_zero": max((abs(int(f.sum())) for f in self.flows.values()), default=0),
            "flow_equals_change_in_claims": int(np.abs(change - total).max()),
        }

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
        total = np.sum(list(self.flows.values()), axis=0) if self.flows else 0
        gap = np.abs(change - total)
        return account_names()[int(gap.argmax())]

    def _flow(self, kind: str) -> Fen:
        if kind not in self.flows:
            self.flows[kind] = np.zeros(N_ACCOUNTS, dtype=np.int64)
        return self.flows[kind]

    def _post(self, kind: str, account: slice, signed: Fen) -> None:
        share = signed if account.stop - account.start == signed.size else signed.sum()
        self.positions[0, account] += share
        self._flow(kind)[account] += share

    def _check_pair(self, kind: str, payer: slice, receiver: slice, size: int) -> None:
        for account in (payer, receiver):
            if account.stop - account.start not in (1, size):
                raise LedgerError(
                    f"{kind}: {size} amounts for {account.stop - account.start} accounts"
                )
