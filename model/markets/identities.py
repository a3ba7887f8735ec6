"""Accounting identities of a month beyond the ledger's own, each as (name, residual in fen)."""

from __future__ import annotations

import numpy as np

from model.agents.governments import Governments
from model.ledger import CITIES, FIRMS, PROVINCE, Fen, Ledger
from model.markets.outcomes import MarketMonth
from model.markets.taxes import Taxes
from model.whole_numbers import total

BUDGETS = slice(CITIES.start, PROVINCE.stop)
FINAL_KINDS = (
    "consumption", "government_purchases", "investment", "sales_outside", "policy_sellers",
    "policy_suppliers",
)  # fmt: skip


def identities(
    ledger: Ledger, governments: Governments, market: MarketMonth, taxes: Taxes, wages: Fen,
    interest: Fen, debt_limit: Fen,
) -> list[tuple[str, int]]:  # fmt: skip
    """Household spending, production = expenditure = income, budgets, arrears; all must be 0."""
    made, shopping, flows = market.made, market.shopping, ledger.flows
    added = total(market.value_added)
    final = total(market.final)
    paid = total(wages) + total(taxes.total) + total(interest)
    claims = total(ledger.position("arrears", FIRMS))
    cash, debt = ledger.deposits(BUDGETS), -ledger.position("bonds", BUDGETS)
    sold = total(shopping.by_cell) + total(shopping.outside)
    return [
        ("household spending is sales", total(market.spending) - sold),
        ("inputs bought are inputs sold", total(made.inputs) - total(made.sold_as_input)),
        ("production is expenditure", added - final + total(made.outside_inputs)),
        (
            "taxes of cells are shared or funds'",
            total(taxes.total) - taxes.shared - taxes.contributions,
        ),
        ("production is income", added - paid - _firm_profit(ledger, market)),
        ("final sales are money received", final - _final_receipts(flows, market)),
        ("taxes paid are taxes received", taxes.shared - total(taxes.by_payer)),
        ("arrears are claims of firms", total(governments.arrears) - claims),
        ("cash of budgets is not negative", int(min(cash.min(), 0))),
        ("debt is within its limit", int(np.maximum(debt - debt_limit, 0).max())),
    ]


def _final_receipts(flows: dict[str, Fen], market: MarketMonth) -> int:
    """What firms received for final goods; their own investment is netted in the ledger."""
    received = sum(total(flows[kind][FIRMS]) for kind in FINAL_KINDS if kind in flows)
    return received + total(market.firm_investment)


def _firm_profit(ledger: Ledger, market: MarketMonth) -> int:
    """Profit from the ledger: everything firms kept, plus what they invested and paid out."""
    flows = ledger.flows
    kept = ledger.kept(FIRMS)
    out = sum(total(flows[k][FIRMS]) for k in ("dividends", "profit_to_outside_owners"))
    gifts = sum(total(flows[k][FIRMS]) for k in ("policy_firms", "policy_levy") if k in flows)
    return kept - out - gifts + total(market.firm_investment)
