"""Household kernel: wage floor, changes of stage, incomes, seldom events, income position.

Compiled twin of the income rules in `household.py`. Arrays are taken out of the named tuples
once a block, because handing whole tuples to a function for every row costs more than the rule.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.household_layout import SHOCK_POINTS
from model.agents.kernel_common import INLINE, JIT, fen, mix

_SHOCK_SHIFT = 22
_SHOCK_MASK = SHOCK_POINTS - 1
_HEALTH = 14
_SHARE_UNIT = 1.0 / 256.0
_MARGIN = 1.0 + 1e-9  # the exact condition is tested again for those within reach


@njit(**JIT)
def wage_floor(c, m, s, start, n, place):  # type: ignore[no-untyped-def]
    """Factor on a covered household's earnings when the floor is above the base floor."""
    floor, base, lift = m.floor[place], m.base_floor[place], s.lift
    lift[:n] = 1.0
    if floor <= base:
        return
    # Most households earn far above the floor: a comparison settles them without a division.
    reach = floor * (1.0 + m.ripple_range) * (1.0 - m.wage_wedge) * _MARGIN
    work_class, stage, earners, earnings, queue = (
        c.work_class,
        c.stage,
        c.earners,
        c.earnings,
        s.queue,
    )
    count = 0
    for i in range(n):
        row = start + i
        near = earnings[row] < reach * earners[row] and work_class[row] == 1 and stage[row] != 2
        queue[count] = i
        count += 1 if near else 0
    rise = m.ripple * m.floor_log_rise[place]
    for q in range(count):
        row = start + queue[q]
        wage = earnings[row] / (1.0 - m.wage_wedge) / earners[row]
        new = wage
        if wage < floor:
            new = max(min(floor, wage * floor / base), wage * (1.0 + rise))
        elif wage < floor * (1.0 + m.ripple_range):
            new = wage * (1.0 + rise * (1.0 - (wage / floor - 1.0) / m.ripple_range))
        lift[queue[q]] = new / wage


@njit(**JIT)
def stages(c, m, anchor, s, part, start, n, place, cell):  # type: ignore[no-untyped-def]
    """Find the rows whose draw can change their stage, then handle those."""
    residence = cell & 1
    most = m.retirement[residence] + m.job_hazard
    top = np.int64(0)
    for j in range(12):
        top = max(top, m.separation[place, j])
    working, seeking, retired = (
        most + top,
        m.find[place] + m.retirement[residence],
        m.generation[residence],
    )
    stage, words, queue = c.stage, s.words, s.queue
    count = 0
    for i in range(n):
        at = stage[start + i]
        limit = working if at == 0 else (seeking if at == 1 else retired)
        queue[count] = i
        count += 1 if np.int64(words[1, i]) < limit else 0
    if count > 0:
        _lose_find_or_leave(c, m, anchor, s, part, start, count, place, cell)
        _hand_over(c, m, anchor, s, part, start, count, place, cell)


@njit(**JIT)
def _lose_find_or_leave(c, m, anchor, s, part, start, count, place, cell):  # type: ignore[no-untyped-def]
    """Job loss and job finding of the queued rows; those who retire are marked in `flags`."""
    stage, sector, earners, words = c.stage, c.sector, c.earners, s.words
    markdown, lift = c.markdown, s.lift
    retirement, generation = m.retirement[cell & 1], m.generation[cell & 1]
    for q in range(count):
        i = s.queue[q]
        row = start + i
        u, at, job = np.int64(words[1, i]), stage[row], np.int64(sector[row])
        s.flags[q] = 0
        if at == 2:
            s.flags[q] = 2 if u < generation else 0
        elif at == 0:
            hazard = retirement + m.separation[place, job]
            if lift[i] * (1.0 - markdown[row] * m.markdown_unit) > 1.0:
                hazard += m.job_hazard
            if u < retirement:
                s.flags[q] = 1
                part[k.O_SEPARATIONS + job] += 1
            elif u < hazard:
                stage[row] = 1
                part[k.O_SEPARATIONS + job] += 1
        elif u < m.find[place]:
            at_work = np.int64(c.work_class[row])
            new = _sector_of(mix(u, 7), m.hire_cdf, place, at_work)
            part[k.O_SEPARATIONS + job] += earners[row] - 1
            part[k.O_HIRES + new] += earners[row]
            # A job pays what its sector pays: the household keeps its rank, not its old level.
            old_level, new_level = anchor[cell, at_work, job], anchor[cell, at_work, new]
            usual = _usual_share(c, m, row, cell & 1, 0)
            if old_level > 0.0 and new_level > 0.0:
                c.earnings[row] *= new_level / old_level
            _agree_anew(c, row, _usual_share(c, m, row, cell & 1, 0) / usual)
            stage[row] = 0
            sector[row] = new
        elif u < m.find[place] + retirement:
            s.flags[q] = 1


@njit(**JIT)
def _usual_share(c, m, row, residence, late):  # type: ignore[no-untyped-def]
    """Committed share that is usual at the household's income, linear between nodes."""
    income, node, nodes = c.earnings[row] + c.pension[row], 0, m.income_nodes
    while node < nodes.size - 2 and income >= nodes[node + 1]:
        node += 1
    position = min(max((income - nodes[node]) / (nodes[node + 1] - nodes[node]), 0.0), 1.0)
    shares = m.usual_share[residence, late]
    return shares[node] + position * (shares[node + 1] - shares[node])


@njit(**INLINE)
def _agree_anew(c, row, change):  # type: ignore[no-untyped-def]
    """Committed saving is agreed anew with a new income: the own factor stays."""
    c.committed_share[row] = min(np.int64(c.committed_share[row] * change + 0.5), 255)


@njit(**INLINE)
def _sector_of(word, cdf, place, work_class):  # type: ignore[no-untyped-def]
    """Sector of a new job: first whose cumulative share exceeds the draw."""
    new = 0
    while new < 11 and word >= cdf[place, work_class, new]:
        new += 1
    return new


@njit(**JIT)
def _hand_over(c, m, anchor, s, part, start, count, place, cell):  # type: ignore[no-untyped-def]
    """Retirement (flag 1) and the passing of a pensioner household to a working one (flag 2)."""
    for q in range(count):
        row = start + s.queue[q]
        if s.flags[q] == 1:
            usual = _usual_share(c, m, row, cell & 1, 0)
            income = (c.earnings[row] + c.pension[row]) * m.retirement_ratio[cell & 1]
            at_work = c.work_class[row]
            scheme = 1 if at_work == 1 or (at_work < 4 and (cell & 1) == 1) else 2
            c.pension[row] = income * m.pension_part[scheme]
            c.earnings[row] = income - c.pension[row]
            c.scheme[row] = scheme
            c.pensioners[row] = 1 if c.size[row] == 1 else 2
            c.earners[row] -= 1
            c.stage[row] = 2
            c.age[row] = 60
            c.group[row] = (c.group[row] // 4) * 4 + 3
            _agree_anew(c, row, _usual_share(c, m, row, cell & 1, 1) / usual)
        elif s.flags[q] == 2:
            word = mix(np.int64(s.words[1, s.queue[q]]), 9)
            at_work = np.int64(c.work_class[row])
            level = m.pensioner_income[cell, np.int64(c.scheme[row])]
            if at_work > 0:
                level = (
                    anchor[cell, at_work, np.int64(c.sector[row])] * m.retirement_ratio[cell & 1]
                )
            usual = _usual_share(c, m, row, cell & 1, 1)
            work_class = 1
            while (
                work_class < 4
                and (word >> 16) >= m.renewed_class[cell, np.int64(c.scheme[row]), work_class]
            ):
                work_class += 1
            job = _sector_of(mix(word, 11), m.hire_cdf, place, work_class)
            age_group = 0
            while age_group < 2 and (word & 0xFFFF) >= m.working_ages[age_group]:
                age_group += 1
            part[k.O_SEPARATIONS + np.int64(c.sector[row])] += c.earners[row]
            c.earners[row] = min(c.earners[row] + 1, 2)
            c.work_class[row] = work_class
            c.sector[row] = job
            rank = (c.earnings[row] + c.pension[row]) / level
            c.earnings[row] = rank * anchor[cell, work_class, job]
            c.pension[row] = 0.0
            _agree_anew(c, row, _usual_share(c, m, row, cell & 1, 0) / usual)
            c.scheme[row] = 0
            c.pensioners[row] = 0
            c.stage[row] = 0
            c.age[row] = 30 if age_group == 0 else (42 if age_group == 1 else 54)
            c.group[row] = (c.group[row] // 4) * 4 + age_group
            part[k.O_HIRES + job] += c.earners[row]


@njit(**JIT)
def incomes(c, m, s, part, start, n, place, residence, trend):  # type: ignore[no-untyped-def]
    """Permanent income, this month's income, committed saving and cash on hand of a block."""
    cell = place * 2 + residence
    keep = 1.0 - m.reversion
    fen_to_real = 0.01 / trend
    property_yield = m.property_yield[place]
    for i in range(n):
        row = start + i
        stage, sector = c.stage[row], np.int64(c.sector[row])
        work_class = np.int64(c.work_class[row])
        own = 1 if work_class >= 3 else 0
        word = np.int64(s.words[0, i])
        earnings = c.earnings[row]
        drifted = (
            earnings * keep * m.shock_permanent[word >> _SHOCK_SHIFT]
            + m.reversion * m.anchor[cell, work_class, sector]
        )
        earnings = drifted if stage < 2 else earnings
        c.earnings[row] = earnings
        lifted = earnings * s.lift[i]
        xi = m.shock_transitory[residence, (word >> 12) & _SHOCK_MASK]
        pay = m.pay[place, sector, own]
        factor = xi * pay if stage == 0 else (m.unemployed_share * pay if stage == 1 else 1.0)
        scheme = np.int64(c.scheme[row])
        band = 2 if c.age[row] >= 80 else (1 if c.age[row] >= 70 else 0)
        rise = c.pension[row] * m.pension_rate[scheme]
        rise += c.pensioners[row] * m.pension_fixed[scheme, band]
        earned = fen(lifted * factor * trend)
        part[k.O_FLOOR_RISE] += earned - fen(earnings * factor * trend)
        arrears = c.pension[row] * m.arrears_rate[scheme]
        arrears += c.pensioners[row] * m.arrears_fixed[scheme, band]
        paid_pension = fen((c.pension[row] + rise + arrears) * trend)
        standing = fen((c.pension[row] + rise) * trend)
        committed = ((earned + standing) * np.int64(c.committed_share[row])) >> 8
        dividends = np.int64(np.floor(c.committed[row] * property_yield + 0.5))
        interest = np.int64(np.floor(c.liquid[row] * m.deposit_rate + 0.5))
        perceived = 1.0 if stage == 2 else m.perceived_pay[place, sector, own]
        permanent = lifted * perceived + c.pension[row] + rise * m.pension_recognised[scheme]
        # Property income is regular, but not part of what savings plans are made of.
        s.spendable[i] = (
            permanent * (1.0 - c.committed_share[row] * _SHARE_UNIT) + dividends * fen_to_real
        )
        income = earned + paid_pension + dividends + interest
        s.income[i] = income
        s.cash[i] = c.liquid[row] + income - committed
        c.committed[row] += committed
        home = 1 if stage == 2 else 0
        part[k.O_OTHER] += earned * home
        part[k.O_RETIRED] += home
        part[k.O_EARNINGS + sector * 2 + own] += earned * (1 - home)
        part[k.O_EMPLOYED + sector] += c.earners[row] - (1 if stage == 1 else 0)
        part[k.O_UNEMPLOYED] += stage * (1 - home)
        part[k.O_PENSIONS + scheme] += paid_pension
        part[k.O_PENSION_RISE + scheme] += paid_pension - fen(c.pension[row] * trend)
        part[k.O_PROPERTY] += dividends
        part[k.O_INTEREST] += interest
        part[k.O_COMMITTED] += committed


@njit(**JIT)
def seldom(c, m, s, part, start, n, place, residence, trend, month):  # type: ignore[no-untyped-def]
    """Housing outlays, unemployment benefit, medical bills, loan service, transfers."""
    cell = place * 2 + residence
    committed, stage, work_class, debt = c.committed, c.stage, c.work_class, c.debt
    group, words, cash, income = c.group, s.words, s.cash, s.income
    allowance = np.int64(np.floor(m.income_floor[residence] * trend))
    for i in range(n):
        row = start + i
        s.events[i] = 0
        housing = np.int64(np.floor(committed[row] * m.housing_share + 0.5))
        committed[row] -= housing
        part[k.O_HOUSING] += housing
        at = np.int64(stage[row])
        if at == 1 and work_class[row] == 1:
            income[i] += m.benefit[place]
            cash[i] += m.benefit[place]
            part[k.O_BENEFITS] += m.benefit[place]
        if income[i] < allowance:
            part[k.O_PENSIONS] += allowance - income[i]
            cash[i] += allowance - income[i]
            income[i] = allowance
        if np.int64(words[2, i]) < m.medical_hazard[residence, at]:
            bill = min(fen(m.medical_size * s.spendable[i] * trend), max(cash[i] // 2, 0))
            part[k.O_EVENT + np.int64(group[row]) * k.N_CATEGORIES + _HEALTH] += bill
            s.events[i] += bill
            cash[i] -= bill
            part[k.O_MEDICAL] += bill
        if debt[row] > 0:
            on_hand = max(cash[i], 0)
            interest = min(np.int64(np.floor(debt[row] * m.loan_rate + 0.5)), on_hand)
            principal = min(max(c.instalment[row] - interest, 0), debt[row], on_hand - interest)
            debt[row] -= principal
            if debt[row] == 0:
                c.instalment[row] = 0
            cash[i] -= interest + principal
            part[k.O_PRINCIPAL] += principal
            part[k.O_LOAN_INTEREST] += interest
    if m.has_transfer or m.claims_open:
        _transfers(c, m, s, part, start, n, cell, trend, month)
    for i in range(n):
        part[k.O_GROUP_INCOME + np.int64(group[start + i])] += income[i]


@njit(**JIT)
def _transfers(c, m, s, part, start, n, cell, trend, month):  # type: ignore[no-untyped-def]
    """Transfers of the month (the standing part enters permanent income) and reimbursements."""
    for i in range(n):
        row = start + i
        group, stage = np.int64(c.group[row]), np.int64(c.stage[row])
        size = np.int64(c.size[row])
        standing = m.transfer[2, cell, group, stage] + size * m.transfer[3, cell, group, stage]
        once = m.transfer[0, cell, group, stage] + size * m.transfer[1, cell, group, stage]
        s.cash[i] += once + standing
        s.income[i] += once + standing
        s.spendable[i] += standing * 0.01 / trend
        part[k.O_TRANSFERS] += once + standing
        part[k.O_ELIGIBLE_HOUSEHOLDS + group * 3 + stage] += 1
        part[k.O_ELIGIBLE_PERSONS + group * 3 + stage] += size
        if c.claim[row] > 0 and c.claim_due[row] == (month & 255):
            s.cash[i] += c.claim[row]
            part[k.O_REIMBURSED] += c.claim[row]
            c.claim[row] = 0


@njit(**JIT)
def locate(m, s, n, place, trend):  # type: ignore[no-untyped-def]
    """Real permanent income and its interval on the income grid."""
    scale = m.real[place] * trend
    for i in range(n):
        s.real_income[i] = min(max(s.spendable[i] * scale, k.INCOME_LOW), k.INCOME_HIGH)
    for i in range(n):
        bits = s.real_income_bits[i]
        s.node[i] = (bits >> k.INCOME_SHIFT) - k.INCOME_OFFSET
        s.fraction[i] = (bits & k.INCOME_MASK) * k.INCOME_UNIT
