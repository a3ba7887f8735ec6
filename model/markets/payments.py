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
    def pays_itself(self) -> bool:
        """Whether payer and receiver are the same account."""
        return self.payer == self.receiver and self.payer in ("cities", "funds", "outside")

    @cached_property
    def received(self) -> Fen:
        """Amounts as the receiver takes them: firms by cell (15, 12), others as given."""
        by_category = self.receiver in TO_FIRMS and self.amounts.shape != SHAPE
        return in_sectors(self.amounts) if by_category else self.amounts

    @property
    def rows(self) -> Fen:
        """Amounts by their first axis."""
        return by_row(np.ascontiguousarray(self.amounts))

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

    @property
    def budgets(self) -> Fen:
        """What each of the sixteen budgets pays (16), money to itself included."""
        return np.append(self.cost[FIRST_PLACE : FIRST_PLACE + N_CITIES], self.cost[PROVINCE])


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
    """Payments with the same payer and receiver, and their sum as one payment."""

    whole: PolicyPayment
    parts: list[PolicyPayment]


def gather(payments: Sequence[PolicyPayment]) -> list[Gathered]:
    """The payments of a month by payer and receiver."""
    groups: dict[tuple[str | int, str, tuple[int, ...]], list[PolicyPayment]] = {}
    for payment in payments:
        key = payment.payer, payment.receiver, payment.amounts.shape
        groups.setdefault(key, []).append(payment)
    return [Gathered(_added(parts), parts) for parts in groups.values()]


def _added(parts: list[PolicyPayment]) -> PolicyPayment:
    if len(parts) == 1:
        return parts[0]
    amounts = parts[0].amounts.copy()
    for part in parts[1:]:
        amounts += part.amounts
    levers = " + ".join(part.lever for part in parts)
    return PolicyPayment(levers, parts[0].payer, parts[0].receiver, amounts)
