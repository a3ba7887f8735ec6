"""What one month of household decisions adds up to: the only thing markets see of households.

All amounts are int64 fen of the whole province (already multiplied by household weights), all
head counts int64 persons or households. Shapes: 15 places, 2 residences, 12 sectors, 16 categories,
8 durable items, 20 groups (quintile x age group), 3 pension schemes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, GROUPS, ITEMS, PLACES, RESIDENCES, SCHEMES, SECTORS

Fen = npt.NDArray[np.int64]
_K, _R, _J, _Q = len(PLACES), len(RESIDENCES), len(SECTORS), len(CATEGORIES)


def _zeros(*shape: int) -> Fen:
    return np.zeros(shape, dtype=np.int64)


@dataclass
class HouseholdFlows:
    """One month's totals of all households."""

    # Receipts
    net_earnings: Fen = field(default_factory=lambda: _zeros(_K, _J, 2))  # employees, own account
    floor_rise: Fen = field(default_factory=lambda: _zeros(_K, _J))  # part that a wage floor adds
    other_income: Fen = field(default_factory=lambda: _zeros(_K))  # regular income of retired homes
    pensions: Fen = field(default_factory=lambda: _zeros(_K, len(SCHEMES)))
    unemployment_benefits: Fen = field(default_factory=lambda: _zeros(_K))
    transfers: Fen = field(default_factory=lambda: _zeros(_K))  # one-off transfers by policy
    property_income: Fen = field(
        default_factory=lambda: _zeros(_K)
    )  # dividends on committed wealth
    deposit_interest: Fen = field(default_factory=lambda: _zeros(_K))
    support_received: Fen = field(default_factory=lambda: _zeros(_K))  # from relatives
    # Uses
    support_paid: Fen = field(default_factory=lambda: _zeros(_K))  # to relatives
    medical_shock: Fen = field(default_factory=lambda: _zeros(_K))  # out-of-pocket, category health
    consumption: Fen = field(
        default_factory=lambda: _zeros(_K, _R, _Q)
    )  # paid to sellers, gross of subsidy
    committed: Fen = field(default_factory=lambda: _zeros(_K))  # liquid -> committed deposits
    housing_investment: Fen = field(
        default_factory=lambda: _zeros(_K)
    )  # paid from committed deposits
    committed_withdrawals: Fen = field(default_factory=lambda: _zeros(_K))  # committed -> liquid
    loans_granted: Fen = field(default_factory=lambda: _zeros(_K))
    loan_principal: Fen = field(default_factory=lambda: _zeros(_K))
    loan_interest: Fen = field(default_factory=lambda: _zeros(_K))
    # Subsidies that reach households or sellers on their behalf
    voucher_redeemed: Fen = field(default_factory=lambda: _zeros(_K, _Q))
    trade_in_instant: Fen = field(default_factory=lambda: _zeros(_K, len(ITEMS)))
    trade_in_claims: Fen = field(default_factory=lambda: _zeros(_K, len(ITEMS)))  # to be reimbursed
    # People
    employed_persons: Fen = field(
        default_factory=lambda: _zeros(_K, _J)
    )  # employees and own account
    unemployed_persons: Fen = field(default_factory=lambda: _zeros(_K))
    separations: Fen = field(default_factory=lambda: _zeros(_K, _J))
    hires: Fen = field(default_factory=lambda: _zeros(_K, _J))
    # Balances at the end of the month
    liquid: Fen = field(default_factory=lambda: _zeros(_K))
    committed_balance: Fen = field(default_factory=lambda: _zeros(_K))
    debt: Fen = field(default_factory=lambda: _zeros(_K))
    # Detail for reports
    group_income: Fen = field(default_factory=lambda: _zeros(_K, _R, GROUPS))
