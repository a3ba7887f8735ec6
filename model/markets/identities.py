"""Accounting identities of a month beyond the ledger's own, each as (name, residual in fen)."""

from __future__ import annotations

import numpy as np

from model.agents.governments import Governments
from model.ledger import CITIES, FIRMS, PROVINCE, Fen, Ledger
from model.markets.outcomes import MarketMonth
from model.markets.taxes import Taxes

BUDGETS = slice(CITIES.start, PROVINCE.stop)
FINAL_KINDS = (
    "consumption", "government_purchases", "investment", "sales_outside", "policy_sellers",
)  # fmt: skip


def identities(
    ledger: Ledger, governments: Governments, market: MarketMonth, taxes: Taxes, wages: Fen,
    interest: Fen, debt_limit: Fen,
) -> list[tuple[str, int]]:  # fmt: skip
    """Household spending, production = expenditure = income, budgets, arrears; all must be 0."""
    made, shopping, flows = market.made, market.shopping, ledger.flows
    added = int(market.value_added.sum())
    final = int(market.final.sum())
    paid = int((wages + taxes.total + interest).sum())
    claims = ledger.position("arrears", FIRMS).sum()
    cash, debt = ledger.deposits(BUDGETS), -ledger.position("bonds", BUDGETS)
    sold = int(shopping.by_cell.sum() + shopping.outside.sum())
    return [
        ("household spending is sales", int(market.spending.sum()) - sold),
        ("inputs bought are inputs sold", int(made.inputs.sum() - made.sold_as_input.sum())),
        ("production is expenditure", added - final + int(made.outside_inputs.sum())),
        (
            "taxes of cells are shared or funds'",
            int(taxes.total.sum()) - taxes.shared - taxes.contributions,
        ),
        ("production is income", added - paid - _firm_profit(flows, market)),
        ("final sales are money received", final - _final_receipts(flows, market)),
        ("taxes paid are taxes received", taxes.shared - int(taxes.by_payer.sum())),
        ("arrears are claims of firms", int(governments.arrears.sum() - claims)),
        ("cash of budgets is not negative", int(min(cash.min(), 0))),
        ("debt is within its limit", int(np.maximum(debt - debt_limit, 0).max())),
    ]


def _final_receipts(flows: dict[str, Fen], market: MarketMonth) -> int:
    """What firms received for final goods; their own investment is netted in the ledger."""
    received = sum(int(flows[kind][FIRMS].sum()) for kind in FINAL_KINDS if kind in flows)
    return received + int(market.firm_investment.sum())


def _firm_profit(flows: dict[str, Fen], market: MarketMonth) -> int:
    """Profit from the ledger: everything firms kept, plus what they invested and paid out."""
    kept = int(np.array(list(flows.values()))[:, FIRMS].sum())
    out = sum(int(flows[k][FIRMS].sum()) for k in ("dividends", "profit_to_outside_owners"))
    grants = int(flows["policy_firms"][FIRMS].sum()) if "policy_firms" in flows else 0
    return kept - out - grants + int(market.firm_investment.sum())
