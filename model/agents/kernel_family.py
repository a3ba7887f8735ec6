"""Household kernel: support between generations. Compiled twin of `household_family.py`.

Who gives how much is agreed before the month, because a cell's receipts and payments must be equal
to the fen; in the month itself each household only looks its amount up.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.household_layout import FAMILY_SALT, REST_SALT
from model.agents.kernel_common import ALLOCATING, INLINE, JIT, fen, lasting_draw, mix
from model.agents.kernel_saving import catch_up


@njit(**JIT)
def exchange_support(c, s, part, start, n, trend):  # type: ignore[no-untyped-def]
    """Money from or to relatives: income of the month, and income to count on."""
    support, cash, income, spendable = c.support[start : start + n], s.cash, s.income, s.spendable
    received = paid = np.int64(0)
    for i in range(n):
        cash[i] += support[i]
        income[i] += support[i]
        spendable[i] = max(spendable[i] + support[i] * 0.01 / trend, 0.0)
        received += max(support[i], 0)
        paid += max(-support[i], 0)
    part[k.O_SUPPORT_RECEIVED] += received
    part[k.O_SUPPORT_PAID] += paid


@njit(**ALLOCATING)
def agree(c, segments, m, income, trend):  # type: ignore[no-untyped-def]
    """Set `support` of one place and residence, its `segments` [k, 5] of at most two weights."""
    pay, workers = _earned(c, segments, m.elder_age)
    wanted = _want(c, segments, m, income, trend, pay, workers)
    most = m.altruism / (1.0 + m.altruism) * (pay * trend)
    if wanted > most:
        wanted = _keep_within(c.support, segments, most / wanted)
    if wanted > 0:
        _carry_rounding(c.support, segments, wanted - _share_cost(c, segments, m, wanted, pay))


@njit(**INLINE)
def _is_elder(stage, age, elder_age):  # type: ignore[no-untyped-def]
    """Retired, or of the age at which others are."""
    return (stage == 2) | (age >= elder_age)


@njit(**JIT)
def _earned(c, segments, elder_age):  # type: ignore[no-untyped-def]
    """Weighted earnings (fen) and number of households at work that may support others."""
    pay = workers = np.int64(0)
    for part in range(segments.shape[0]):
        start, stop, weight = segments[part, 0], segments[part, 1], segments[part, 4]
        stage, age, earnings = c.stage[start:stop], c.age[start:stop], c.earnings[start:stop]
        sums = count = np.int64(0)
        for i in range(stop - start):
            works = (stage[i] == 0) & (age[i] < elder_age)
            sums += fen(earnings[i]) if works else 0
            count += works
        pay += weight * sums
        workers += weight * count
    return pay, workers


@njit(**JIT)
def _want(c, segments, m, income, trend, pay, workers):  # type: ignore[no-untyped-def]
    """What children give to each elder household, 0 to others; returns the weighted sum (fen)."""
    cell_start, wanted, mean = segments[0, 0], np.int64(0), pay * 0.01 / max(workers, 1)
    place, residence = segments[0, 2], segments[0, 3]
    children, cell = m.children_income[residence], place * 2 + residence
    support, stage, age, resting = c.support, c.stage, c.age, c.resting
    for part in range(segments.shape[0]):
        sums = np.int64(0)
        for row in range(segments[part, 0], segments[part, 1]):
            support[row] = 0
            resting[row] &= 1
            if _is_elder(stage[row], age[row], m.elder_age):
                point = lasting_draw(row - cell_start, cell, FAMILY_SALT) >> 22
                family = mean * children[point]
                own = _own(c, income, row, cell, trend)
                support[row] = fen(_altruists_give(m.altruism, family, own) * trend)
                sums += support[row]
                before = c.earnings[row] + c.pension[row]
                if (
                    own > before and stage[row] == 2 and c.earners[row] > 0
                    and _wants_rest(c, m, row, row - cell_start, cell, family, own, before)
                ):  # fmt: skip
                    resting[row] += 2
        wanted += segments[part, 4] * sums
    return wanted


@njit(**INLINE)
def _altruists_give(altruism, family, own):  # type: ignore[no-untyped-def]
    """Children's best gift, yuan: none if elders' own income is high enough."""
    return max(altruism * family - own, 0.0) / (1.0 + altruism)


@njit(**JIT)
def _wants_rest(c, m, row, index, cell, family, own, before):  # type: ignore[no-untyped-def]
    """Whether an elder member gives up work because policies raise other income."""
    withdrawn = _altruists_give(m.altruism, family, before)
    withdrawn -= _altruists_give(m.altruism, family, own)
    given_up = m.income_effect * (own - before - withdrawn)
    word = lasting_draw(index, cell, REST_SALT)
    rank = mix(word, 1) * 2.0**-32
    pay = c.earnings[row] * m.work_share[cell & 1] / c.earners[row]
    return (word < m.elder_worker[cell & 1]) and (rank * (pay + given_up) < given_up)


@njit(**JIT)
def change_rest(c, part, start, n):  # type: ignore[no-untyped-def]
    """Elders leave work or come back."""
    resting, sector = c.resting[start : start + n], c.sector[start : start + n]
    for i in range(n):
        if resting[i] != 0:
            wish, now = np.int64(resting[i]) >> 1, np.int64(resting[i]) & 1
            part[k.O_SEPARATIONS + np.int64(sector[i])] += max(wish - now, 0)
            part[k.O_HIRES + np.int64(sector[i])] += max(now - wish, 0)
            resting[i] = wish


@njit(**JIT)
def forgo_pay(c, m, gain, s, part, start, n, residence, trend):  # type: ignore[no-untyped-def]
    """Who stays home is not paid; employers keep the money. What cannot be saved is taken back."""
    resting = c.resting[start : start + n]
    for i in range(n):
        if resting[i] != 0:
            row = start + i
            yuan = c.earnings[row] * m.work_share[residence] / c.earners[row]
            pay = fen(yuan * trend)
            unsaved = max(pay - s.cash[i], 0)
            s.cash[i] += unsaved - pay
            c.committed[row] -= unsaved
            s.income[i] -= pay
            s.spendable[i] = max(s.spendable[i] - yuan, 0.0)
            catch_up(c.plan_income, c.stage, gain, row, -yuan)
            part[k.O_OTHER] -= pay
            part[k.O_COMMITTED] -= unsaved
            part[k.O_EMPLOYED + np.int64(c.sector[row])] -= 1


@njit(**INLINE)
def _own(c, m, row, cell, trend):  # type: ignore[no-untyped-def]
    """Regular income without support, yuan a month: standing rises and transfers, no one-off."""
    scheme, age, place = np.int64(c.scheme[row]), np.int64(c.age[row]), cell >> 1
    band = 2 if age >= m.pension_old_age else (1 if age >= m.pension_middle_age else 0)
    rise = c.pension[row] * m.pension_rate[place, scheme]
    rise += c.pensioners[row] * m.pension_fixed[place, scheme, band]
    found = c.earnings[row] + c.pension[row] + rise * m.pension_recognised[place, scheme]
    if m.has_transfer:
        group, stage = np.int64(c.group[row]), np.int64(c.stage[row])
        standing = m.transfer[2, cell, group, stage]
        standing += np.int64(c.size[row]) * m.transfer[3, cell, group, stage]
        found += standing * 0.01 / trend
    return found


@njit(**JIT)
def _keep_within(support, segments, share):  # type: ignore[no-untyped-def]
    """Scale support down; returns the weighted sum (fen)."""
    wanted = np.int64(0)
    for part in range(segments.shape[0]):
        for row in range(segments[part, 0], segments[part, 1]):
            support[row] = np.int64(np.floor(support[row] * share))
            wanted += segments[part, 4] * support[row]
    return wanted


@njit(**JIT)
def _share_cost(c, segments, m, wanted, pay):  # type: ignore[no-untyped-def]
    """Workers pay in proportion to earnings, whole fen; returns the weighted sum paid."""
    rate, elder_age, paid = wanted / pay, m.elder_age, np.int64(0)
    for part in range(segments.shape[0]):
        start, stop, weight = segments[part, 0], segments[part, 1], segments[part, 4]
        stage, age, earnings = c.stage[start:stop], c.age[start:stop], c.earnings[start:stop]
        support, reached, before = c.support[start:stop], np.int64(0), np.int64(0)
        for i in range(stop - start):
            works = (stage[i] == 0) & (age[i] < elder_age)
            reached += fen(earnings[i]) if works else 0
            now = np.int64(np.floor(reached * rate))
            support[i] -= now - before
            before = now
        paid += weight * before
    return paid


@njit(**JIT)
def _carry_rounding(support, segments, left):  # type: ignore[no-untyped-def]
    """The first household of each weight carries the last fen: weights differ by one."""
    first = segments[0, 0]
    if segments.shape[0] == 1:
        support[first] -= left // segments[0, 4]
    else:
        change = left * (segments[0, 4] - segments[1, 4])
        support[first] -= change
        support[segments[1, 0]] += change
