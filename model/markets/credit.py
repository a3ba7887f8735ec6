"""Firm finance (C1, F6): overdrafts, loans that follow the trend, payout to outside owners."""

from __future__ import annotations

import numpy as np

from model.ledger import BANK, FIRMS, OUTSIDE, Fen, Ledger


def close_firms(
    ledger: Ledger,
    loan_target: Fen,
    cash_target: Fen,
    usual_payout: Fen,
    gain: float,
    overdraft: Fen,
) -> tuple[Fen, Fen]:
    """End of the month for 180 cells (fen): borrow, pay owners, keep the rest.

    Loans move to `loan_target` plus an overdraft that keeps deposits at or above zero. Outside
    owners get `usual_payout` plus `gain` (a month) of what cash then exceeds `cash_target`; a
    negative payout is money they put in. Both sides of the target are treated alike: who keeps
    losses but pays out every surplus runs dry by chance alone. Returns (new overdraft, payout).
    """
    loans = -ledger.position("firm_loans", FIRMS)
    cash = ledger.deposits(FIRMS) + (loan_target - (loans - overdraft)) - overdraft
    beyond = cash - usual_payout - cash_target
    payout = usual_payout + np.rint(gain * beyond).astype(np.int64)
    new_overdraft = np.maximum(payout - cash, 0)
    ledger.lend("firm_loans", BANK, FIRMS, loan_target + new_overdraft - loans)
    ledger.pay("profit_to_outside_owners", FIRMS, OUTSIDE, payout)
    return new_overdraft, payout
