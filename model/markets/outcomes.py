"""What markets return: the plan households face and the outcome of a month."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES, SECTORS
from model.ledger import Fen
from model.markets.goods import Production, Shopping

Array = npt.NDArray[np.float64]
SHAPE = (len(PLACES), len(SECTORS))


@dataclass(frozen=True)
class Plan:
    """What households face this month. Indices are relative to base and trend."""

    pay_index: Array  # (15, 12, 2) employees, own account: actual pay this month
    perceived_pay: Array  # (15, 12, 2) pay that households take as lasting
    separation: Array  # (15, 12) monthly probability
    find: Array  # (15,) monthly probability
    openings: Array  # (15, 12) jobs offered a month per base job
    fear: Array  # (15,) perceived job loss relative to base
    prices: Array  # (15, 16) consumer prices
    consumer_price: Array  # (15,)
    unemployment_benefit: Array  # (15,) yuan a month, nominal
    property_yield: Array  # (15,) dividends per yuan of committed deposits, a month
    deposit_rate: float  # a month
    loan_rate: float  # a month


@dataclass(frozen=True)
class MarketOutcome:
    """One month's result; money int64 fen. `[17]` is central, province, 15 places."""

    local_sales: Fen  # (15, 12) cells' sales to households
    output: Fen  # (15, 12)
    value_added: Fen  # (15, 12)
    retail_sales: Fen  # (15,) trade and catering, by today's definition
    retail_sales_measured: Fen  # (15,) by the definition in force
    leakage: Fen  # (15,) household spending paid outside, by residence
    imports: int  # all purchases outside the province by firms and investors
    exports: Fen  # (15, 12)
    visitors: Fen  # (15, 12)
    revenue: Fen  # (17) taxes, fees, land
    spending: Fen  # (17) without policy levers
    policy_paid: dict[str, Fen]  # lever -> (18) cash: [17] and the social funds
    deposits: Fen  # (17)
    debt: Fen  # (17)
    arrears: Fen  # (17)
    employment_target: Array  # (15, 12) persons wanted
    producer_prices: Array  # (15, 12)
    profit: Fen  # (15, 12) after tax
    wages: Fen  # (15, 12) net pay and mixed income
    contributions: int  # to the social funds
    rationed: int  # household spending that local capacity could not serve
    residual_fen: int  # always 0


@dataclass
class MarketMonth:
    """Working arrays of one month's goods market."""

    spending: Fen
    shopping: Shopping
    sold_out: Fen
    guests: Fen
    rationed: int = 0
    land: Fen = field(init=False)
    housing: Fen = field(init=False)
    firm_investment: Fen = field(init=False)
    builders: Fen = field(init=False)
    public: Fen = field(init=False)
    fund_care: Fen = field(init=False)
    final: Fen = field(init=False)
    made: Production = field(init=False)
    use: Array = field(init=False)
    sales: Array = field(init=False)
    value_added: Fen = field(init=False)
