"""Settlement: one month's payments posted to the ledger, each with payer and receiver, in fen.

Everything the month decided arrives as integer arrays; nothing is decided here except who carries
the rounding. Many-to-many payments go through a clearing pool whose two sides are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.agents.governments import N_CITIES, PROVINCE_ROW, BudgetPlan, Governments
from model.dimensions import PLACES, SECTORS
from model.flows import HouseholdFlows
from model.ledger import (
    BANK,
    CENTRE,
    CITIES,
    FIRMS,
    FUNDS,
    HOUSEHOLDS,
    OUTSIDE,
    PROVINCE,
    Fen,
    Ledger,
    LedgerError,
)
from model.markets.goods import TO_SECTOR, Production, Shopping, split_rows
from model.markets.payments import BUDGETS as BUDGETS_PAY
from model.markets.payments import ITSELF, TO_FIRMS, Gathered, PolicyPayment, gather
from model.markets.taxes import Taxes
from model.opening import EconomyState
from model.whole_numbers import anything, by_column, by_row, total

SHAPE = (len(PLACES), len(SECTORS))
N_CELLS = FIRMS.stop - FIRMS.start
BUDGETS = slice(CITIES.start, PROVINCE.stop)
PUBLIC = slice(CITIES.start, CENTRE.stop)  # cities, province, funds, centre
SELLERS = slice(FIRMS.start, OUTSIDE.stop)  # firms ... outside: who can receive purchases
BUYERS = slice(0, PROVINCE.stop)  # households, firms, cities, province


@dataclass(frozen=True)
class Bills:
    """Programme bills of the sixteen budgets and the centre, by kind, int64 fen."""

    mandatory: Fen  # (16) to households, must be paid now
    programmes: Fen  # (16) to firms and others, may become arrears
    sellers: Fen  # (15, 12) paid to shops for customers
    suppliers: Fen  # (15, 12) output bought by whoever pays
    households: Fen  # (15)
    tied: Fen  # (15, 16) sales that only local shops could make
    counted: Fen  # (16) cost that arises in the budget's own accounts and is only counted


def collect_bills(payments: Sequence[Gathered]) -> Bills:
    """Add up this month's policy payments by payer and by who gets them."""
    mandatory = np.zeros(N_CITIES + 1, dtype=np.int64)
    programmes, counted = np.zeros_like(mandatory), np.zeros_like(mandatory)
    sellers, households = np.zeros(SHAPE, dtype=np.int64), np.zeros(SHAPE[0], dtype=np.int64)
    suppliers = np.zeros(SHAPE, dtype=np.int64)
    tied = np.zeros((SHAPE[0], len(TO_SECTOR)), dtype=np.int64)
    for group in payments:
        if group.bearer == ITSELF:
            counted += group.budgets
        elif group.bearer == BUDGETS_PAY:
            due = programmes if group.receiver in TO_FIRMS else mandatory
            due += group.budgets
        if group.receiver == "sellers":
            sellers += group.amounts
            for part in group.parts:
                tied += part.amounts if part.amounts.shape == tied.shape else 0
        elif group.receiver == "suppliers":
            suppliers += group.amounts
        elif group.receiver == "households":
            households += group.amounts
    return Bills(mandatory, programmes, sellers, suppliers, households, tied, counted)


def post_policies(
    ledger: Ledger, governments: Governments, payments: Sequence[Gathered], plan: BudgetPlan,
    wage_share: npt.NDArray[np.float64],
) -> dict[str, Fen]:  # fmt: skip
    """Pay the levers; what a budget cannot pay becomes an arrear. Returns cash paid by lever (18:
    central, province, places, social funds). `wage_share` (15, 12) spreads what firms of a place
    pay over its cells.
    """
    spent: dict[str, Fen] = {}
    short = bool(plan.programme_ratio.min() < 1.0)
    for group in payments:
        if group.receiver not in _RECEIVERS:
            raise LedgerError(f"policy {group.levers}: unknown receiver {group.receiver!r}")
        if short and group.bearer == BUDGETS_PAY and group.receiver in TO_FIRMS:
            for part in group.parts:
                _count(spent, part, _pay_a_part(ledger, governments, part, plan.programme_ratio))
            continue
        for part in group.parts:
            _count(spent, part, part.cost)
        if group.bearer == BUDGETS_PAY:
            _post_budgets(ledger, group.receiver, group.budgets, group.amounts)
        elif group.bearer == "firms":
            _levy(ledger, group, wage_share)
        elif group.bearer != ITSELF:
            _post_single(ledger, group)
    return spent


_RECEIVERS = {"households": HOUSEHOLDS, "sellers": FIRMS, "firms": FIRMS, "suppliers": FIRMS,
              "cities": CITIES, "funds": FUNDS, "bank": BANK, "outside": OUTSIDE}  # fmt: skip
_SINGLE = {"central": CENTRE, "funds": FUNDS, "outside": OUTSIDE, "households": HOUSEHOLDS}


def _count(spent: dict[str, Fen], payment: PolicyPayment, cost: Fen) -> None:
    """Add a payment's cost to that of its lever; the cost itself is left as it is."""
    before = spent.get(payment.lever)
    spent[payment.lever] = cost if before is None else before + cost


def _post_single(ledger: Ledger, group: Gathered) -> None:
    """One account pays, or households their contributions."""
    if group.bearer == "households" and group.receiver != "funds":
        raise LedgerError(f"policy {group.levers}: households pay only into the funds")
    kind = f"policy_{group.receiver}"
    ledger.pay(kind, _SINGLE[group.bearer], _RECEIVERS[group.receiver], group.amounts)


def _levy(ledger: Ledger, group: Gathered, wage_share: npt.NDArray[np.float64]) -> None:
    """Firms of each place pay, through the bank, so that no cell's receipts hide its payments.

    Every payment is divided over the cells, and rounded, on its own.
    """
    due = np.zeros(SHAPE, dtype=np.int64)
    for part in group.parts:
        due += split_rows(by_row(part.received), wage_share)
    ledger.pay("policy_levy", FIRMS, BANK, due)
    receiver = _RECEIVERS[group.receiver]
    if receiver is not BANK:
        ledger.pay(f"policy_{group.receiver}", BANK, receiver, group.amounts)


def _pay_a_part(
    ledger: Ledger, governments: Governments, payment: PolicyPayment,
    ratio: npt.NDArray[np.float64],
) -> Fen:  # fmt: skip
    """Pay firms what the budgets have, owe them the rest. Returns the cost (18)."""
    amounts = payment.received
    share = _payer_rows(payment.payer, len(amounts))
    paid = np.floor(amounts * ratio[share].reshape(-1, 1)).astype(np.int64)
    _owe(ledger, governments, f"policy_{payment.receiver}", share, amounts - paid)
    found = gather([PolicyPayment(payment.lever, payment.payer, payment.receiver, paid)])[0]
    _post_budgets(ledger, found.receiver, found.budgets, paid)
    return found.cost


def _post_budgets(ledger: Ledger, receiver: str, budgets: Fen, paid: Fen) -> None:
    """Cities and the province (16) pay a receiver."""
    if not anything(paid):
        return
    account, kind = _RECEIVERS[receiver], f"policy_{receiver}"
    width = account.stop - account.start
    if width not in (1, paid.size):
        raise LedgerError(f"{kind}: {paid.size} amounts for {width} accounts")
    ledger.pay_pool(kind, BUDGETS, budgets, account, paid)


def _payer_rows(payer: str | int, n: int) -> Fen:
    """Budget row that pays each element of the first axis."""
    if payer == "cities":
        return np.arange(n)
    row = PROVINCE_ROW if payer == "province" else int(payer)
    return np.full(n, row)


def _owe(ledger: Ledger, governments: Governments, kind: str, rows: Fen, unpaid: Fen) -> None:
    owed = np.zeros((N_CITIES + 1, *SHAPE), dtype=np.int64)
    np.add.at(owed, (rows, np.arange(SHAPE[0])), unpaid)
    record_arrears(ledger, governments, kind, owed.reshape(N_CITIES + 1, N_CELLS))


def record_arrears(ledger: Ledger, governments: Governments, kind: str, owed: Fen) -> None:
    """Bills (16, 180) that fall due without being paid: a claim of firms on the budget."""
    governments.arrears += owed
    for row in np.flatnonzero(by_row(owed)):
        ledger.owe(kind, slice(BUDGETS.start + row, BUDGETS.start + row + 1), FIRMS, owed[row])


def post_households(ledger: Ledger, flows: HouseholdFlows) -> None:
    """Committed saving and consumer loans: households and the bank."""
    ledger.commit(flows.committed - flows.committed_withdrawals - flows.housing_investment)
    ledger.lend("consumer_loans", BANK, HOUSEHOLDS, flows.loans_granted - flows.loan_principal)


def post_interest(ledger: Ledger, flows: HouseholdFlows, firms: Fen, plan: BudgetPlan) -> None:
    """Interest to the bank: households (less interest on deposits), firms, budgets."""
    households = flows.loan_interest - flows.deposit_interest
    paid = np.concatenate([households, firms.ravel(), plan.interest])
    ledger.pay("interest", BUYERS, BANK, paid)


def post_benefits(ledger: Ledger, flows: HouseholdFlows) -> None:
    """Standing transfers by cities; pensions and unemployment benefit by the pooled funds."""
    benefits = by_row(flows.pensions) + flows.unemployment_benefits
    paid = np.zeros(FUNDS.stop - CITIES.start, dtype=np.int64)
    paid[:N_CITIES] = flows.pensions[:, 0]
    paid[-1] = total(benefits) - total(paid)
    ledger.pay_pool("social_benefits", slice(CITIES.start, FUNDS.stop), paid, HOUSEHOLDS, benefits)


def post_family(ledger: Ledger, flows: HouseholdFlows) -> None:
    """Support between generations: households pay households."""
    if anything(flows.support_paid):
        ledger.pay_pool(
            "family_support", HOUSEHOLDS, flows.support_paid, HOUSEHOLDS, flows.support_received
        )


def post_transfers(ledger: Ledger, plan: BudgetPlan, fund_support: int) -> None:
    """Centre to province, province to cities, budgets and centre to the social funds."""
    paid = np.zeros(PUBLIC.stop - PUBLIC.start, dtype=np.int64)
    received = np.zeros_like(paid)
    paid[: N_CITIES + 1] = plan.pension_subsidy
    paid[PROVINCE_ROW] += total(plan.transfer_in[:N_CITIES])
    paid[-1] = total(plan.rescue) + plan.transfer_in[PROVINCE_ROW] + fund_support
    received[: N_CITIES + 1] = plan.transfer_in + plan.rescue
    received[-2] = total(plan.pension_subsidy) + fund_support
    ledger.pay_pool("transfers", PUBLIC, paid, PUBLIC, received)


def post_consumption(ledger: Ledger, spending: Fen, shopping: Shopping, medical: Fen, care: int,
                     bills: Bills) -> None:  # fmt: skip
    """Households pay shops at home, elsewhere and outside, net of what budgets pay for them."""
    received = np.zeros(SELLERS.stop - SELLERS.start, dtype=np.int64)
    at_home = shopping.by_cell - bills.sellers
    at_home[:, care] += medical
    received[:N_CELLS] = at_home.ravel()
    received[-1] = total(shopping.outside)
    paid = by_row(spending) + medical - by_row(bills.sellers)
    ledger.pay_pool("consumption", HOUSEHOLDS, paid, SELLERS, received)


def post_purchases(ledger: Ledger, governments: Governments, plan: BudgetPlan, fund_care: Fen,
                   care: int) -> None:  # fmt: skip
    """Purchases of the sixteen budgets and of the medical fund; unpaid bills become arrears."""
    received = by_column(plan.purchases_paid)
    received.reshape(SHAPE)[:, care] += fund_care
    paid = np.append(by_row(plan.purchases_paid), total(fund_care))
    ledger.pay_pool("government_purchases", slice(CITIES.start, FUNDS.stop), paid, FIRMS, received)
    if plan.purchases_paid is not plan.purchases:
        record_arrears(
            ledger, governments, "government_purchases", plan.purchases - plan.purchases_paid
        )
    if anything(plan.arrears_paid):
        settled = plan.arrears_paid
        governments.arrears -= settled
        for row in np.flatnonzero(by_row(settled)):
            ledger.settle(slice(BUDGETS.start + row, BUDGETS.start + row + 1), FIRMS, settled[row])


def post_investment(
    ledger: Ledger, housing: Fen, firms: Fen, budgets: Fen, local: Fen, industry: int
) -> None:
    """Builders' receipts (15) from households, firms and budgets; the rest is bought outside."""
    paid = np.concatenate([housing, firms.ravel(), budgets])
    received = np.zeros(SELLERS.stop - SELLERS.start, dtype=np.int64)
    received[industry : N_CELLS : SHAPE[1]] = local
    received[-1] = total(paid) - total(local)
    ledger.pay_pool("investment", BUYERS, paid, SELLERS, received)


def post_production(ledger: Ledger, made: Production) -> None:
    """Inputs between cells through a pool; inputs from outside."""
    ledger.pay_pool("inputs", FIRMS, made.inputs, FIRMS, made.sold_as_input)
    ledger.pay("outside_inputs", FIRMS, OUTSIDE, made.outside_inputs)


def post_taxes(ledger: Ledger, taxes: Taxes) -> None:
    """Cells pay taxes and contributions to cities, province, funds and the centre."""
    received = np.empty(PUBLIC.stop - PUBLIC.start, dtype=np.int64)
    received[:N_CITIES] = taxes.by_payer[2:]
    received[N_CITIES:] = taxes.by_payer[1], taxes.contributions, taxes.by_payer[0]
    ledger.pay_pool("taxes_and_contributions", FIRMS, taxes.total, PUBLIC, received)


def labour_bill(state: EconomyState, flows: HouseholdFlows) -> Fen:
    """Net pay of employees, mixed income and members' work by cell (15, 12).

    Members' work (`other_income`) follows base pay of the place; where no one works, output.
    """
    bill: Fen = flows.net_earnings[:, :, 0] + flows.net_earnings[:, :, 1]
    if anything(flows.other_income):
        bill = bill + split_rows(flows.other_income, state.other_work)
    return bill
