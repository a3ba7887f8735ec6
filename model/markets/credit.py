"""Firm finance (C1, F6): overdrafts, loans that follow the trend, payout to outside owners."""

from __future__ import annotations

import numpy as np

from model.ledger import BANK, FIRMS, OUTSIDE, Fen, Ledger


def close_firms(
    ledger: Ledger, loan_target: Fen, cash_target: Fen, overdraft: Fen
) -> tuple[Fen, Fen]:
    """End of the month for 180 cells (fen): borrow, keep the target cash, pay out the rest.

    Loans move to `loan_target` plus an overdraft that keeps deposits at or above zero. Cash beyond
    `cash_target` goes to outside owners. Returns (new overdraft, payout).
    """
    loans = -ledger.position("firm_loans", FIRMS)
    cash = ledger.deposits(FIRMS) + (loan_target - (loans - overdraft)) - overdraft
    payout = np.maximum(cash - cash_target, 0)
    new_overdraft = np.maximum(-cash, 0)
    ledger.lend("firm_loans", BANK, FIRMS, loan_target + new_overdraft - loans)
    ledger.pay("profit_to_outside_owners", FIRMS, OUTSIDE, payout)
    return new_overdraft, payout
