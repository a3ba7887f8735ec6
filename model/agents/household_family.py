"""Rules of support between generations: in plain Python, what `kernel_family.py` must equal.

Children who care about their parents with weight a give T = (a Y - y) / (1 + a) if that is
positive (log utilities; Becker 1974, Cox 1987): Y is the children's income, y the elders' own.
Children live in the same place and residence and share the cost in proportion to earnings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from model.agents import household_layout as layout
from model.agents.household_grants import lasting_draw
from model.agents.household_words import Book, catch_up, fen, mix


def exchange_support(h: Any, m: Any, book: Book) -> None:
    """Money from or to relatives: income of the month, and income to count on."""
    h.cash += h.support
    h.income_now += h.support
    h.spendable = max(h.spendable + h.support * 0.01 / m.trend, 0.0)
    book("support_received", 0, max(h.support, 0))
    book("support_paid", 0, max(-h.support, 0))


def agree_on_support(cell: Sequence[Any], m: Any) -> None:
    """Set `support` of all households of one place and residence; weighted, it sums to 0.

    Households come in their order, those of the first weight before those of the second.
    """
    workers = [h for h in cell if not is_elder(h, m) and h.stage == 0]
    pay = sum(h.weight * fen(h.earnings) for h in workers)
    mean = pay * 0.01 / max(sum(h.weight for h in workers), 1)
    for h in cell:
        h.support, wish = 0, False
        if is_elder(h, m):
            family = children_income(h, m, mean)
            own = own_income(h, m)
            h.support = fen(altruists_give(m, family, own) * m.trend)
            wish = wants_rest(h, m, family, own)
        h.resting = (h.resting & 1) + 2 * wish
    _keep_within(cell, m.altruism / (1.0 + m.altruism) * (pay * m.trend))
    wanted = sum(h.weight * h.support for h in cell)
    if wanted > 0:
        _share_cost(workers, wanted, pay)
    _carry_rounding(cell, sum(h.weight * h.support for h in cell))


def is_elder(h: Any, m: Any) -> bool:
    """Retired, or of the age at which others are."""
    return bool(h.stage == 2 or h.age >= m.elder_age)


def children_income(h: Any, m: Any, mean: float) -> float:
    """Income of an elder household's children, yuan, if a mean household earns `mean`."""
    point = lasting_draw(h, layout.FAMILY_SALT) >> 22
    return float(mean * m.children_income[h.residence, point])


def altruists_give(m: Any, family: float, own: float) -> float:
    """Children's best gift, yuan: none if elders' own income is high enough."""
    return float(max(m.altruism * family - own, 0.0) / (1.0 + m.altruism))


def wants_rest(h: Any, m: Any, family: float, own: float) -> bool:
    """Whether an elder member gives up work because policies raise other income.

    Other income is pensions and standing transfers less the support that children withdraw.
    """
    before = h.earnings + h.pension
    if h.stage != 2 or h.earners == 0 or own <= before:
        return False
    rise = own - before - (altruists_give(m, family, before) - altruists_give(m, family, own))
    given_up = m.income_effect * rise
    word = lasting_draw(h, layout.REST_SALT)
    rank = mix(word, 1) * 2.0**-32
    elder = word < m.elder_worker[h.residence]
    return bool(elder and rank * (members_pay(h, m) + given_up) < given_up)


def members_pay(h: Any, m: Any) -> float:
    """Pay of one working member of a retired household, yuan a month."""
    return float(h.earnings * m.work_share[h.residence] / h.earners)


def change_rest(h: Any, book: Book) -> None:
    """An elder leaves work or comes back."""
    wish, now = h.resting >> 1, h.resting & 1
    book("separations", h.sector, max(wish - now, 0))
    book("hires", h.sector, max(now - wish, 0))
    h.resting = wish


def forgo_pay(h: Any, m: Any, book: Book) -> None:
    """Who stays home is not paid; employers keep the money. What cannot be saved is taken back."""
    if not h.resting:
        return
    yuan = members_pay(h, m)
    pay = fen(yuan * m.trend)
    unsaved = max(pay - h.cash, 0)
    h.cash += unsaved - pay
    h.committed -= unsaved
    h.income_now -= pay
    h.spendable = max(h.spendable - yuan, 0.0)
    catch_up(h, m, -yuan)
    book("other_income", 0, -pay)
    book("committed", 0, -unsaved)
    book("employed", h.sector, -1)


def own_income(h: Any, m: Any) -> float:
    """Regular income without support, yuan a month: standing rises and transfers, no one-off."""
    band = 2 if h.age >= m.pension_old_age else (1 if h.age >= m.pension_middle_age else 0)
    rise = h.pension * m.pension_rate[h.place, h.scheme]
    rise += h.pensioners * m.pension_fixed[h.place, h.scheme, band]
    income = h.earnings + h.pension + rise * m.pension_recognised[h.place, h.scheme]
    if m.has_transfer:
        cell = h.place * 2 + h.residence
        standing = int(m.transfer[2, cell, h.group, h.stage])
        standing += h.size * int(m.transfer[3, cell, h.group, h.stage])
        income += standing * 0.01 / m.trend
    return float(income)


def _keep_within(cell: Sequence[Any], most: float) -> None:
    """Children give at most what they would give to parents who have nothing."""
    wanted = sum(h.weight * h.support for h in cell)
    if wanted > most:
        part = most / wanted
        for h in cell:
            h.support = math.floor(h.support * part)


def _share_cost(workers: Sequence[Any], wanted: int, pay: int) -> None:
    """Workers pay in proportion to earnings; what one's whole fen leave open goes to the next."""
    rate = wanted / pay
    for weight in dict.fromkeys(h.weight for h in workers):
        reached = before = 0
        for h in workers:
            if h.weight == weight:
                reached += fen(h.earnings)
                h.support = before - math.floor(reached * rate)
                before = math.floor(reached * rate)


def _carry_rounding(cell: Sequence[Any], left: int) -> None:
    """The first household of each weight carries the last fen: weights differ by one."""
    if left == 0:
        return
    first = cell[0]
    other = next((h for h in cell if h.weight != first.weight), None)
    if other is None:
        first.support -= left // first.weight
    else:
        first.support -= left * (first.weight - other.weight)
        other.support += left * (first.weight - other.weight)
