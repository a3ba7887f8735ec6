"""Household kernel: changes of stage, incomes, seldom events, income position.

Compiled twin of the income rules in `household.py`. Arrays are taken out of the named tuples
once a block, because handing whole tuples to a function for every row costs more than the rule.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.household_layout import COVER_SALT, SHOCK_POINTS
from model.agents.household_layout import J as _SECTORS
from model.agents.kernel_common import (
    INLINE,
    JIT,
    compact,
    copy,
    fen,
    lasting_draw,
    mix,
    on_stack,
    reals_on_stack,
)
from model.agents.kernel_saving import catch_up, planned_saving
from model.agents.kernel_wage_floor import add_floor_rise

_SHOCK_SHIFT = 22
_SHOCK_MASK = SHOCK_POINTS - 1
_HEALTH = 14


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
    stage, draws, marks = c.stage[start : start + n], s.words[1], s.marks
    for i in range(n):
        limit = working if stage[i] == 0 else (seeking if stage[i] == 1 else retired)
        marks[i] = np.int64(draws[i]) < limit
    count = compact(s.marks, s.marks_by_eight, s.queue, n)
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
            bound = c.work_class[row] == 1 or m.floor_enforced[place] > 0.0
            if bound and lift[i] * (1.0 - markdown[row] * m.markdown_unit) > 1.0:
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
            if old_level > 0.0 and new_level > 0.0:
                c.earnings[row] *= new_level / old_level
            c.plan_income[row] = c.earnings[row] + c.pension[row]
            stage[row] = 0
            sector[row] = new
        elif u < m.find[place] + retirement:
            s.flags[q] = 1


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
            income = (c.earnings[row] + c.pension[row]) * m.retirement_ratio[cell & 1]
            at_work = c.work_class[row]
            scheme = 1 if at_work == 1 or (at_work < 4 and (cell & 1) == 1) else 2
            c.pension[row] = income * m.pension_part[scheme]
            c.earnings[row] = income - c.pension[row]
            c.scheme[row] = scheme
            c.pensioners[row] = 1 if c.size[row] == 1 else 2
            c.earners[row] -= 1
            c.stage[row] = 2
            c.age[row] = m.retired_age
            c.group[row] = (c.group[row] // 4) * 4 + 3
            c.plan_income[row] = c.earnings[row] + c.pension[row]
        elif s.flags[q] == 2:
            word = mix(np.int64(s.words[1, s.queue[q]]), 9)
            at_work = np.int64(c.work_class[row])
            level = m.pensioner_income[cell, np.int64(c.scheme[row])]
            if at_work > 0:
                level = (
                    anchor[cell, at_work, np.int64(c.sector[row])] * m.retirement_ratio[cell & 1]
                )
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
            leaving = np.int64(c.earners[row]) - np.int64(c.resting[row])
            part[k.O_SEPARATIONS + np.int64(c.sector[row])] += leaving
            c.resting[row] = 0
            c.earners[row] = min(c.earners[row] + 1, 2)
            c.work_class[row] = work_class
            c.sector[row] = job
            rank = (c.earnings[row] + c.pension[row]) / level
            c.earnings[row] = rank * anchor[cell, work_class, job]
            c.pension[row] = 0.0
            c.plan_income[row] = c.earnings[row]
            c.scheme[row] = 0
            c.pensioners[row] = 0
            c.stage[row] = 0
            c.age[row] = m.renewed_age[age_group]
            c.group[row] = (c.group[row] // 4) * 4 + age_group
            part[k.O_HIRES + job] += c.earners[row]


@njit(**JIT)
def incomes(c, m, s, part, start, n, place, residence, trend):  # type: ignore[no-untyped-def]
    """Permanent income, this month's income, committed saving and cash on hand of a block."""
    regular, earned, paid, standing = reals_on_stack(), on_stack(), on_stack(), on_stack()
    rises = on_stack()
    _earn(c, m, s, start, n, place, residence, trend, regular, earned, rises)
    _add_earnings(c, part, start, n, earned)
    add_floor_rise(c, part, start, n, rises)
    _pensions(c, m, part, start, n, place, trend, regular, paid, standing)
    plans, factor = reals_on_stack(), m.committed_factor[place * 2 + residence]
    planned_saving(c, m, s, residence, factor, start, n, plans)
    _save(c, m, s, part, start, n, place, residence, trend, regular, earned, paid, standing, plans)


@njit(**INLINE)
def _earn(c, m, s, start, n, place, residence, trend, regular, earned, rises):  # type: ignore[no-untyped-def]
    """Shocks to earnings; `earned` (fen) this month, `regular` (yuan) as the household sees it;
    `rises` (fen) is the part of `earned` that a higher wage floor adds.
    """
    stop, keep, reversion = start + n, 1.0 - m.reversion, m.reversion
    stages_, sectors = c.stage[start:stop], c.sector[start:stop]
    classes, before = c.work_class[start:stop], c.earnings[start:stop]
    draws, lift, level = s.words[0], s.lift, reals_on_stack()
    anchor, pay, perceived = m.anchor[place * 2 + residence], m.pay[place], m.perceived_pay[place]
    permanent, transitory = m.shock_permanent, m.shock_transitory[residence]
    unemployed_share = m.unemployed_share
    for i in range(n):
        stage, sector, work_class = stages_[i], sectors[i], classes[i]
        own = 1 if work_class >= 3 else 0
        word = np.int64(draws[i])
        earnings = before[i]
        drifted = (
            earnings * keep * permanent[word >> _SHOCK_SHIFT]
            + reversion * anchor[work_class, sector]
        )
        earnings = drifted if stage < 2 else earnings
        level[i] = earnings
        lifted, paid = earnings * lift[i], pay[sector, own]
        share = transitory[(word >> 12) & _SHOCK_MASK] if stage == 0 else unemployed_share
        factor = share * paid if stage < 2 else 1.0
        earned[i] = fen(lifted * factor * trend)
        rises[i] = earned[i] - fen(earnings * factor * trend)
        regular[i] = lifted * (1.0 if stage == 2 else perceived[sector, own])
    copy(level, before, n)


@njit(**INLINE)
def _add_earnings(c, part, start, n, earned):  # type: ignore[no-untyped-def]
    """Sums of earnings and persons employed by sector and kind of work."""
    stop, sums = start + n, on_stack()
    stages_, sectors = c.stage[start:stop], c.sector[start:stop]
    classes, earners = c.work_class[start:stop], c.earners[start:stop]
    other, retired, unemployed = np.int64(0), 0, 0
    for key in range(4 * _SECTORS):
        sums[key] = 0
    for i in range(n):
        stage = np.int64(stages_[i])
        retired += stage == 2
        unemployed += stage == 1
        other += earned[i] * (stage == 2)
    for i in range(n):
        stage = np.int64(stages_[i])
        at = np.int64(sectors[i]) * 4 + (2 if classes[i] >= 3 else 0)
        sums[at] += earned[i] * (stage != 2)
        sums[at + 1] += np.int64(earners[i]) - (1 if stage == 1 else 0)
    for sector in range(_SECTORS):
        part[k.O_EARNINGS + sector * 2] += sums[sector * 4]
        part[k.O_EARNINGS + sector * 2 + 1] += sums[sector * 4 + 2]
        part[k.O_EMPLOYED + sector] += sums[sector * 4 + 1] + sums[sector * 4 + 3]
    part[k.O_OTHER] += other
    part[k.O_RETIRED] += retired
    part[k.O_UNEMPLOYED] += unemployed


@njit(**INLINE)
def _three(values):  # type: ignore[no-untyped-def]
    """The three values of a small table as numbers, read once for a block."""
    return values[0], values[1], values[2]


@njit(**INLINE)
def _one_of(values, at):  # type: ignore[no-untyped-def]
    """values[at] of three, chosen without a look-up."""
    return values[0] if at == 0 else (values[1] if at == 1 else values[2])


@njit(**INLINE)
def _pensions(c, m, part, start, n, place, trend, regular, paid, standing):  # type: ignore[no-untyped-def]
    """Pensions with rise and arrears in fen, `standing` without arrears; adds to `regular`."""
    stop = start + n
    scheme_of, ages = c.scheme[start:stop], c.age[start:stop]
    pensions, pensioners = c.pension[start:stop], c.pensioners[start:stop]
    middle, old = m.pension_middle_age, m.pension_old_age
    rate, recognised = _three(m.pension_rate[place]), _three(m.pension_recognised[place])
    late = _three(m.arrears_rate[place])
    fixed_at, lump_at = m.pension_fixed[place], m.arrears_fixed[place]
    fixed_0, fixed_1, fixed_2 = _three(fixed_at[0]), _three(fixed_at[1]), _three(fixed_at[2])
    lump_0, lump_1, lump_2 = _three(lump_at[0]), _three(lump_at[1]), _three(lump_at[2])
    paid_1 = paid_2 = paid_all = rise_1 = rise_2 = rise_all = np.int64(0)
    for i in range(n):
        scheme, age, pension = np.int64(scheme_of[i]), np.int64(ages[i]), pensions[i]
        band = 2 if age >= old else (1 if age >= middle else 0)
        fixed = (_one_of(fixed_0, band), _one_of(fixed_1, band), _one_of(fixed_2, band))
        rise = pension * _one_of(rate, scheme)
        rise += pensioners[i] * _one_of(fixed, scheme)
        lump = (_one_of(lump_0, band), _one_of(lump_1, band), _one_of(lump_2, band))
        arrears = pension * _one_of(late, scheme)
        arrears += pensioners[i] * _one_of(lump, scheme)
        now = fen((pension + rise + arrears) * trend)
        more = now - fen(pension * trend)
        paid[i] = now
        standing[i] = fen((pension + rise) * trend)
        regular[i] = regular[i] + pension + rise * _one_of(recognised, scheme)
        paid_all += now
        paid_1 += now * (scheme == 1)
        paid_2 += now * (scheme == 2)
        rise_all += more
        rise_1 += more * (scheme == 1)
        rise_2 += more * (scheme == 2)
    part[k.O_PENSIONS] += paid_all - paid_1 - paid_2
    part[k.O_PENSIONS + 1] += paid_1
    part[k.O_PENSIONS + 2] += paid_2
    part[k.O_PENSION_RISE] += rise_all - rise_1 - rise_2
    part[k.O_PENSION_RISE + 1] += rise_1
    part[k.O_PENSION_RISE + 2] += rise_2


@njit(**INLINE)
def _save(c, m, s, part, start, n, place, residence, trend, regular, earned, paid, standing, plans):  # type: ignore[no-untyped-def]
    """Property income, saving by plan, cash on hand; plans catch up with lasting income."""
    stop, saved, spendable = start + n, on_stack(), reals_on_stack()
    income, cash = on_stack(), on_stack()
    liquid, committed = c.liquid[start:stop], c.committed[start:stop]
    stage, plan_income, gain = c.stage[start:stop], c.plan_income[start:stop], m.plan_gain
    least = np.int64(np.floor(m.income_floor[residence] * trend))
    yields, rate, fen_to_real = m.property_yield[place], m.deposit_rate, 0.01 / trend
    all_dividends = all_interest = all_saved = np.int64(0)
    for i in range(n):
        room = earned[i] + standing[i] - least
        saving = max(min(fen(plans[i] * trend), room), 0) if stage[i] != 1 else np.int64(0)
        dividends = np.int64(np.floor(committed[i] * yields + 0.5))
        interest = np.int64(np.floor(liquid[i] * rate + 0.5))
        # Property income is regular, but not part of what savings plans are made of.
        spendable[i] = max(regular[i] - plans[i], 0.0) + dividends * fen_to_real
        income[i] = earned[i] + paid[i] + dividends + interest
        cash[i] = liquid[i] + income[i] - saving
        saved[i] = saving
        all_dividends += dividends
        all_interest += interest
        all_saved += saving
    for i in range(n):
        committed[i] += saved[i]
        catch_up(plan_income, stage, gain, i, regular[i] - plan_income[i])
    copy(spendable, s.spendable, n)
    copy(income, s.income, n)
    copy(cash, s.cash, n)
    part[k.O_PROPERTY] += all_dividends
    part[k.O_INTEREST] += all_interest
    part[k.O_COMMITTED] += all_saved


@njit(**JIT)
def seldom(c, m, s, part, start, n, first, place, residence, trend, month):  # type: ignore[no-untyped-def]
    """Housing outlays, unemployment benefit, medical bills, loan service, transfers."""
    cell, stop = place * 2 + residence, start + n
    allowance = np.int64(np.floor(m.income_floor[residence] * trend * m.allowance_ratio[place]))
    part[k.O_HOUSING] += _pay_housing(c.committed[start:stop], m.housing_share[place], s.events, n)
    _mark_seldom(
        c.stage[start:stop], c.debt[start:stop], s.words[2], s.income, s.marks,
        m.medical_hazard[residence], allowance, n,
    )  # fmt: skip
    count = compact(s.marks, s.marks_by_eight, s.queue, n)
    if count > 0:
        _meet_bills(c, m, s, part, start, count, first, place, residence, trend, allowance)
    if m.has_transfer or m.claims_open:
        _transfers(c, m, s, part, start, n, cell, trend, month)
    group, income = c.group[start:stop], s.income
    for i in range(n):
        part[k.O_GROUP_INCOME + np.int64(group[i])] += income[i]


@njit(**JIT)
def _pay_housing(committed, share, events, n):  # type: ignore[no-untyped-def]
    """Housing outlays from committed deposits: their sum."""
    total = np.int64(0)
    for i in range(n):
        housing = np.int64(np.floor(committed[i] * share + 0.5))
        committed[i] -= housing
        total += housing
    events[:n] = 0
    return total


@njit(**JIT)
def _mark_seldom(stage, debt, draws, income, marks, hazard, allowance, n):  # type: ignore[no-untyped-def]
    """Mark who is unemployed, poor, ill or in debt."""
    hazards = _three(hazard)
    for i in range(n):
        ill = np.int64(draws[i]) < _one_of(hazards, stage[i])
        marks[i] = (stage[i] == 1) | (income[i] < allowance) | ill | (debt[i] > 0)


@njit(**JIT)
def _meet_bills(c, m, s, part, start, count, first, place, residence, trend, allowance):  # type: ignore[no-untyped-def]
    """Benefit, living allowance, medical bill and loan service of the queued rows."""
    stage, work_class, debt, group = c.stage, c.work_class, c.debt, c.group
    words, cash, income, queue = s.words, s.cash, s.income, s.queue
    cover, own_medical, own_interest = (
        m.benefit_cover[place], m.medical_share[place], m.loan_interest[place],
    )  # fmt: skip
    standing = np.int64(np.floor(m.income_floor[residence] * trend))
    rise = covered = subsidy = np.int64(0)
    for q in range(count):
        i = queue[q]
        row = start + i
        at = np.int64(stage[row])
        if at == 1 and (
            work_class[row] == 1
            or (cover > 0 and lasting_draw(first + i, place * 2 + residence, COVER_SALT) < cover)
        ):
            income[i] += m.benefit[place]
            cash[i] += m.benefit[place]
            part[k.O_BENEFITS] += m.benefit[place]
        if income[i] < allowance:
            part[k.O_PENSIONS] += allowance - income[i]
            rise += max(allowance - max(income[i], standing), 0)
            cash[i] += allowance - income[i]
            income[i] = allowance
        if np.int64(words[2, i]) < m.medical_hazard[residence, at]:
            whole = fen(m.medical_size * s.spendable[i] * trend)
            due = np.int64(np.floor(whole * own_medical + 0.5))
            bill = min(due, max(cash[i] // 2, 0))
            covered += whole - due
            part[k.O_EVENT + np.int64(group[row]) * k.N_CATEGORIES + _HEALTH] += bill
            s.events[i] += bill
            cash[i] -= bill
            part[k.O_MEDICAL] += bill
        if debt[row] > 0:
            on_hand = max(cash[i], 0)
            charged = np.int64(np.floor(debt[row] * m.loan_rate + 0.5))
            owed = np.int64(np.floor(charged * own_interest + 0.5))
            interest = min(owed, on_hand)
            principal = min(max(c.instalment[row] - charged, 0), debt[row], on_hand - interest)
            subsidy += charged - owed
            debt[row] -= principal
            if debt[row] == 0:
                c.instalment[row] = 0
            cash[i] -= interest + principal
            part[k.O_PRINCIPAL] += principal
            part[k.O_LOAN_INTEREST] += interest
    part[k.O_ALLOWANCE_RISE] += rise
    part[k.O_MEDICAL_COVERED] += covered
    part[k.O_INTEREST_SUBSIDY] += subsidy


@njit(**JIT)
def _transfers(c, m, s, part, start, n, cell, trend, month):  # type: ignore[no-untyped-def]
    """Transfers of the month (the standing part enters permanent income) and reimbursements."""
    for i in range(n):
        row = start + i
        group, stage = np.int64(c.group[row]), np.int64(c.stage[row])
        size, children = np.int64(c.size[row]), np.int64(c.children[row])
        standing = m.transfer[2, cell, group, stage] + size * m.transfer[3, cell, group, stage]
        once = m.transfer[0, cell, group, stage] + size * m.transfer[1, cell, group, stage]
        once += children * m.transfer[4, cell, group, stage]
        standing += children * m.transfer[5, cell, group, stage]
        s.cash[i] += once + standing
        s.income[i] += once + standing
        s.spendable[i] += standing * 0.01 / trend
        catch_up(c.plan_income, c.stage, m.plan_gain, row, standing * 0.01 / trend)
        part[k.O_TRANSFERS] += once + standing
        part[k.O_ELIGIBLE_HOUSEHOLDS + group * 3 + stage] += 1
        part[k.O_ELIGIBLE_PERSONS + group * 3 + stage] += size
        part[k.O_ELIGIBLE_CHILDREN + group * 3 + stage] += children
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
