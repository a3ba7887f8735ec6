"""Payments of policies: what one lever owes, and what all owe together by payer and receiver.

A lever whose amounts stand still hands in the same payment every month, so what follows from its
amounts is worked out once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.agents.governments import N_CITIES
from model.dimensions import PLACES, SECTORS
from model.ledger import Fen
from model.markets.goods import in_sectors
from model.whole_numbers import by_row, compiled, total

SHAPE = (len(PLACES), len(SECTORS))
SOURCES = 2 + N_CITIES + 1  # central, province, places, social funds: who pays for a lever
PROVINCE, FIRST_PLACE = 1, 2
BY_PLACE, UNCOUNTED = -1, -2
_BUDGETS = np.append(np.arange(FIRST_PLACE, FIRST_PLACE + N_CITIES), PROVINCE)
ACCOUNTS = ("central", "funds", "firms", "households", "outside")
BUDGETS, ITSELF = "budgets", "itself"  # bearers: cities, the province or one city; nobody
# Where the cash of a payer is counted.
_COLUMN = {"central": 0, "province": PROVINCE, "cities": BY_PLACE, "funds": SOURCES - 1,
           "firms": UNCOUNTED, "households": UNCOUNTED, "outside": UNCOUNTED}  # fmt: skip
TO_FIRMS = ("sellers", "firms", "suppliers")


@dataclass(eq=False)
class PolicyPayment:
    """Money a policy lever moves this month.

    `payer`: 'central', 'province', 'cities' (amounts are by place), 'funds', a place's index,
    'firms' (cells of each place in proportion to their wages), 'outside', or 'households', which
    only contribute to the funds. `receiver`: 'households' (15), 'sellers' (15 x 12 or 15 x 16: paid
    to shops on behalf of customers, who then pay that much less), 'firms' (15 x 12: grants),
    'suppliers' (15 x 12: output bought from them), 'cities' (15: matching money), 'funds' (15:
    money for higher pensions), 'bank' or 'outside'. `amounts` int64 fen, not to be changed. An
    account that pays itself moves nothing: the cost is counted, and paid where it arises.
    """

    lever: str
    payer: str | int
    receiver: str
    amounts: Fen

    @property
    def bearer(self) -> str:
        """Who pays, as far as posting goes: an account, `BUDGETS`, or `ITSELF` (nothing moves)."""
        if self.payer == self.receiver and self.payer in ("cities", "funds", "outside"):
            return ITSELF
        return str(self.payer) if self.payer in ACCOUNTS else BUDGETS

    @property
    def received(self) -> Fen:
        """Amounts as the receiver takes them: firms by cell (15, 12), others as given."""
        by_category = self.receiver in TO_FIRMS and self.amounts.shape != SHAPE
        return in_sectors(self.amounts) if by_category else self.amounts

    @property
    def total(self) -> int:
        """All of it, fen."""
        return total(self.amounts)

    @cached_property
    def cost(self) -> Fen:
        """Cash of central, province, places and social funds (18) if budgets pay all of it."""
        if isinstance(self.payer, str):
            return _counted(np.ascontiguousarray(self.amounts), _COLUMN[self.payer])
        return _counted(np.ascontiguousarray(self.amounts), FIRST_PLACE + int(self.payer))


@compiled
def _counted(amounts: Fen, column: int) -> Fen:
    """Cash by who pays (18): all of it in one column, or by place, or none that is counted."""
    found = np.zeros(SOURCES, np.int64)
    if column == BY_PLACE:
        found[FIRST_PLACE : FIRST_PLACE + N_CITIES] = by_row(amounts)
    elif column != UNCOUNTED:
        found[column] = total(amounts)
    return found


@dataclass
class Gathered:
    """Payments with the same bearer and receiver, and what they come to.

    `amounts` as the receiver takes them, `cost` (18) as that of a payment.
    """

    bearer: str
    receiver: str
    parts: list[PolicyPayment]
    amounts: Fen
    cost: Fen

    @property
    def budgets(self) -> Fen:
        """What each of the sixteen budgets pays (16)."""
        return np.asarray(self.cost[_BUDGETS])

    @property
    def levers(self) -> str:
        """Names of the levers."""
        return " + ".join(part.lever for part in self.parts)


def gather(payments: Sequence[PolicyPayment]) -> list[Gathered]:
    """The payments of a month by bearer and receiver."""
    groups: dict[tuple[str, str], list[PolicyPayment]] = {}
    for payment in payments:
        groups.setdefault((payment.bearer, payment.receiver), []).append(payment)
    return [Gathered(*who, parts, *_added(parts)) for who, parts in groups.items()]


def _added(parts: list[PolicyPayment]) -> tuple[Fen, Fen]:
    """Sums of amounts and of costs."""
    if len(parts) == 1:
        return parts[0].received, parts[0].cost
    amounts, cost = parts[0].received.copy(), parts[0].cost.copy()
    for part in parts[1:]:
        amounts += part.received
        cost += part.cost
    return amounts, cost
