"""The rules of one household, month by month, in plain Python: what the kernel must equal.

`live_one_month` reads like the month itself and is the readable definition of the model. `h` is
any object with the attributes of `household_layout.Columns` (a view of one row, or a plain Mesa
agent), `m` the month everybody reads (`household_layout.flat`), `book(name, index, amount)`
receives every flow. Money is in fen, permanent income in yuan a month net of trend.
"""

from __future__ import annotations

import math
from typing import Any

from model.agents import household_layout as layout
from model.agents.household_durables import replace_durables
from model.agents.household_family import change_rest, exchange_support, forgo_pay
from model.agents.household_grants import lasting_draw, receive_grants
from model.agents.household_words import (
    Book,
    catch_up,
    fen,
    locate,
    mix,
    philox,
    planned_saving,
    spend,
)
from model.solvers.grids import CASH_GRID, INCOME_GRID
from model.streams import Purpose

_HEALTH = 14


def live_one_month(h: Any, m: Any, book: Book) -> None:
    """One month of one household: work, income, bills, durables, budget, vouchers, balances."""
    key = (int(m.seed[0]), int(m.seed[1]))
    cell = h.place * 2 + h.residence
    words = philox((h.index, cell, m.month, int(Purpose.MONTH)), key)
    item_words = philox((h.index, cell, m.month, int(Purpose.DURABLES)), key)
    change_rest(h, book)
    lift = wage_floor_lift(h, m)
    change_stage(h, m, words[1], lift, book)
    receive_income(h, m, words[0], lift, book)
    forgo_pay(h, m, book)
    exchange_support(h, m, book)
    meet_bills(h, m, words[2], book)
    h.node, h.fraction = locate(INCOME_GRID, h.spendable * (m.real[h.place] * m.trend))
    replace_durables(h, m, item_words, words[3], book)
    h.budget = planned_budget(h, m)
    use_vouchers(h, m, key, book)
    close_month(h, m, book)


def wage_floor_lift(h: Any, m: Any) -> float:
    """New over old wage of an employee when the floor rises (economics: rule L4).

    Informal employees, on whom the floor is not enforced, get a part of what covered ones would.
    """
    floor, base = m.floor[h.place], m.base_floor[h.place]
    if floor <= base or h.work_class not in (1, 2) or h.stage == 2:
        return 1.0
    lift = _covered_lift(h, m, floor, base)
    if h.work_class == 1:
        return lift
    enforced = m.floor_enforced[h.place]
    following = m.informal_following + (1.0 - m.informal_following) * enforced
    return float(1.0 + following * (lift - 1.0))


def _covered_lift(h: Any, m: Any, floor: float, base: float) -> float:
    """New over old wage where the floor is enforced.

    A wage below the new floor is lifted to it (by its proportion if it was below the old floor);
    wages up to `ripple_range` above it rise by a declining part of the floor's rise.
    """
    wage = h.earnings / (1.0 - m.wage_wedge) / h.earners
    rise = m.ripple * m.floor_log_rise[h.place]
    if wage < floor:
        return float(max(min(floor, wage * floor / base), wage * (1.0 + rise)) / wage)
    if wage < floor * (1.0 + m.ripple_range):
        distance = (wage / floor - 1.0) / m.ripple_range
        return float(wage * (1.0 + rise * (1.0 - distance)) / wage)
    return float(wage / wage)


def change_stage(h: Any, m: Any, draw: int, lift: float, book: Book) -> None:
    """Retirement, job loss (more likely where the floor exceeds productivity), job finding."""
    retirement = m.retirement[h.residence]
    if h.stage == 0:
        hazard = retirement + m.separation[h.place, h.sector]
        # Nobody has to pay an informal employee more than the job is worth.
        bound = h.work_class == 1 or m.floor_enforced[h.place] > 0.0
        if bound and lift * (1.0 - h.markdown * m.markdown_unit) > 1.0:
            hazard += m.job_hazard
        if draw < retirement:
            book("separations", h.sector, 1)
            retire(h, m)
        elif draw < hazard:
            book("separations", h.sector, 1)
            h.stage = 1
    elif h.stage == 1:
        if draw < m.find[h.place]:
            book("separations", h.sector, h.earners - 1)
            new = sector_of(mix(draw, 7), m, h.place, h.work_class)
            # A job pays what its sector pays: the household keeps its rank, not its old level.
            levels = m.anchor[h.place * 2 + h.residence, h.work_class]
            if levels[h.sector] > 0.0 and levels[new] > 0.0:
                h.earnings = float(h.earnings * (levels[new] / levels[h.sector]))
            h.sector = new
            book("hires", h.sector, h.earners)
            h.stage = 0
            h.plan_income = h.earnings + h.pension
        elif draw < m.find[h.place] + retirement:
            retire(h, m)
    elif draw < m.generation[h.residence]:
        book("separations", h.sector, h.earners - h.resting)
        h.resting = 0
        renew(h, m, mix(draw, 9))
        book("hires", h.sector, h.earners)


def sector_of(draw: int, m: Any, place: int, work_class: int) -> int:
    """Sector of a new job, from the place's openings for this class of work."""
    sector = 0
    while sector < layout.J - 1 and draw >= m.hire_cdf[place, work_class, sector]:
        sector += 1
    return sector


def retire(h: Any, m: Any) -> None:
    """A working household becomes a pensioner household at the replacement ratio."""
    income = (h.earnings + h.pension) * float(m.retirement_ratio[h.residence])
    covered = h.work_class == 1 or (h.work_class < 4 and h.residence == 1)
    h.scheme = 1 if covered else 2
    h.pension = float(income * m.pension_part[h.scheme])
    h.earnings = income - h.pension
    h.pensioners = 1 if h.size == 1 else 2
    h.earners -= 1
    h.stage, h.age, h.group = 2, m.retired_age, (h.group // 4) * 4 + 3
    h.plan_income = h.earnings + h.pension


def renew(h: Any, m: Any, draw: int) -> None:
    """A pensioner household hands over to a working one, which inherits balances and rank.

    Rank is income relative to what pensioners from the same work get (or, of those who had
    retired before the first month, pensioners of the same scheme).
    """
    cell = h.place * 2 + h.residence
    levels, level = m.anchor[cell], m.pensioner_income[cell, h.scheme]
    if h.work_class > 0:
        level = levels[h.work_class, h.sector] * m.retirement_ratio[h.residence]
    h.earners = min(h.earners + 1, 2)
    h.work_class = 1
    while h.work_class < 4 and (draw >> 16) >= m.renewed_class[cell, h.scheme, h.work_class]:
        h.work_class += 1
    h.sector = sector_of(mix(draw, 11), m, h.place, h.work_class)
    h.earnings = float((h.earnings + h.pension) / level * levels[h.work_class, h.sector])
    h.pension, h.scheme, h.pensioners, h.stage = 0.0, 0, 0, 0
    age_group = 0
    while age_group < 2 and (draw & 0xFFFF) >= m.working_ages[age_group]:
        age_group += 1
    h.age, h.group = int(m.renewed_age[age_group]), (h.group // 4) * 4 + age_group
    h.plan_income = h.earnings


def receive_income(h: Any, m: Any, draw: int, lift: float, book: Book) -> None:
    """Permanent and transitory shocks, pay, pension, property income, saving by plan."""
    own = 1 if h.work_class >= 3 else 0
    points = layout.SHOCK_POINTS
    if h.stage < 2:
        anchor = m.anchor[h.place * 2 + h.residence, h.work_class, h.sector]
        shock = m.shock_permanent[draw >> 22]
        h.earnings = float(h.earnings * (1.0 - m.reversion) * shock + m.reversion * anchor)
    pay = m.pay[h.place, h.sector, own]
    xi = m.shock_transitory[h.residence, (draw >> 12) & (points - 1)]
    factor = (xi * pay, m.unemployed_share * pay, 1.0)[h.stage]
    earnings = h.earnings * lift
    band = 2 if h.age >= m.pension_old_age else (1 if h.age >= m.pension_middle_age else 0)
    rise = h.pension * m.pension_rate[h.place, h.scheme]
    rise += h.pensioners * m.pension_fixed[h.place, h.scheme, band]
    earned = fen(earnings * factor * m.trend)
    book("floor_rise", h.sector, earned - fen(h.earnings * factor * m.trend))
    arrears = h.pension * m.arrears_rate[h.place, h.scheme]
    arrears += h.pensioners * m.arrears_fixed[h.place, h.scheme, band]
    pension = fen((h.pension + rise + arrears) * m.trend)
    regular = earned + fen((h.pension + rise) * m.trend)
    plan = planned_saving(h, m)
    committed = _put_aside(h, m, plan, regular)
    dividends = math.floor(h.committed * m.property_yield[h.place] + 0.5)
    interest = math.floor(h.liquid * m.deposit_rate + 0.5)
    perceived = 1.0 if h.stage == 2 else m.perceived_pay[h.place, h.sector, own]
    permanent = earnings * perceived + h.pension + rise * m.pension_recognised[h.place, h.scheme]
    h.spendable = max(permanent - plan, 0.0) + dividends * (0.01 / m.trend)
    catch_up(h, m, permanent - h.plan_income)
    h.income_now = earned + pension + dividends + interest
    h.cash = h.liquid + h.income_now - committed
    h.committed += committed
    h.events = 0
    if h.stage == 2:
        book("other_income", 0, earned)
        book("retired", 0, 1)
    else:
        book("earnings", h.sector * 2 + own, earned)
        book("unemployed", 0, h.stage)
    book("employed", h.sector, h.earners - (1 if h.stage == 1 else 0))
    book("pensions", h.scheme, pension)
    book("pension_rise", h.scheme, pension - fen(h.pension * m.trend))
    book("property", 0, dividends)
    book("interest", 0, interest)
    book("committed", 0, committed)


def _put_aside(h: Any, m: Any, plan: float, regular: int) -> int:
    """What is saved by plan, fen: nothing without work, and never the minimum of existence."""
    room = regular - math.floor(m.income_floor[h.residence] * m.trend)
    return 0 if h.stage == 1 else max(min(fen(plan * m.trend), room), 0)


def meet_bills(h: Any, m: Any, draw: int, book: Book) -> None:
    """Housing outlays, benefit, living allowance, medical bill, loan service, transfers."""
    housing = math.floor(h.committed * m.housing_share[h.place] + 0.5)
    h.committed -= housing
    book("housing", 0, housing)
    if h.stage == 1 and (h.work_class == 1 or _newly_covered(h, m)):
        _receive(h, int(m.benefit[h.place]), "benefits", book)
    _receive_allowance(h, m, book)
    if draw < m.medical_hazard[h.residence, h.stage]:
        _pay_doctor(h, m, book)
    if h.debt > 0:
        _serve_loan(h, m, book)
    if m.has_transfer or m.claims_open:
        _receive_transfers(h, m, book)
    receive_grants(h, m, book)
    book("group_income", h.group, h.income_now)


def _newly_covered(h: Any, m: Any) -> bool:
    """Whether the wider unemployment insurance covers this household; the same every month."""
    return bool(lasting_draw(h, layout.COVER_SALT) < m.benefit_cover[h.place])


def _receive_allowance(h: Any, m: Any, book: Book) -> None:
    """Income is topped up to the line; what a raised line adds is counted apart."""
    standing = m.income_floor[h.residence] * m.trend
    line = math.floor(standing * m.allowance_ratio[h.place])
    if h.income_now < line:
        book("pensions", 0, line - h.income_now)
        book("allowance_rise", 0, max(line - max(h.income_now, math.floor(standing)), 0))
        h.cash += line - h.income_now
        h.income_now = line


def _pay_doctor(h: Any, m: Any, book: Book) -> None:
    """A medical bill: a part is covered, the rest is paid, at most from half of the cash."""
    bill = fen(m.medical_size * h.spendable * m.trend)
    due = math.floor(bill * m.medical_share[h.place] + 0.5)
    paid = min(due, max(h.cash // 2, 0))
    book("medical", 0, paid)
    book("medical_covered", 0, bill - due)
    spend(h, _HEALTH, paid, book)
    h.cash -= paid


def _receive(h: Any, amount: int, name: str, book: Book) -> None:
    h.cash += amount
    h.income_now += amount
    book(name, 0, amount)


def _serve_loan(h: Any, m: Any, book: Book) -> None:
    """Interest, of which a programme may bear a part, and the rest of the instalment."""
    on_hand = max(h.cash, 0)
    charged = math.floor(h.debt * m.loan_rate + 0.5)
    due = math.floor(charged * m.loan_interest[h.place] + 0.5)
    interest = min(due, on_hand)
    principal = min(max(h.instalment - charged, 0), h.debt, on_hand - interest)
    h.debt -= principal
    h.instalment = 0 if h.debt == 0 else h.instalment
    h.cash -= interest + principal
    book("principal", 0, principal)
    book("loan_interest", 0, interest)
    book("interest_subsidy", 0, charged - due)


def _receive_transfers(h: Any, m: Any, book: Book) -> None:
    """One-off and standing transfers (only the latter are permanent income); reimbursements."""
    cell = h.place * 2 + h.residence
    once, each, standing, standing_each, child, standing_child = (
        int(m.transfer[k, cell, h.group, h.stage]) for k in range(6)
    )
    lasting = standing + h.size * standing_each + h.children * standing_child
    _receive(h, once + h.size * each + h.children * child + lasting, "transfers", book)
    h.spendable += lasting * 0.01 / m.trend
    catch_up(h, m, lasting * 0.01 / m.trend)
    book("eligible_households", h.group * 3 + h.stage, 1)
    book("eligible_persons", h.group * 3 + h.stage, h.size)
    book("eligible_children", h.group * 3 + h.stage, h.children)
    if h.claim > 0 and h.claim_due == (m.month & 255):
        h.cash += h.claim
        book("reimbursed", 0, h.claim)
        h.claim = 0


def planned_budget(h: Any, m: Any) -> int:
    """Non-durable budget (fen): the solved policy at real cash on hand; at most the cash."""
    at, x = locate(CASH_GRID, h.cash * 0.01 * m.real[h.place])
    first = ((h.stage * 4 + h.patience) * CASH_GRID.size + at) * layout.NODES + h.node
    level, share = int(m.fear_level[h.place]), float(m.fear_share[h.place])

    def solved(table: Any) -> float:
        f, above = h.fraction, first + layout.NODES
        low = float(table[first]) * (1.0 - f) + float(table[first + 1]) * f
        high = float(table[above]) * (1.0 - f) + float(table[above + 1]) * f
        return float(low * (1.0 - x) + high * x)

    real = solved(m.policy[level, h.residence])
    real += share * (solved(m.policy[level + 1, h.residence]) - real)
    return int(min(fen(real * (m.nominal[h.place] * m.season[h.residence])), max(h.cash, 0)))


def use_vouchers(h: Any, m: Any, key: tuple[int, int], book: Book) -> None:
    """Every batch of the household's place: hold it or not, then use it on occasions."""
    cell = h.place * 2 + h.residence
    for b in range(m.batch_first[h.place], m.batch_first[h.place + 1]):
        f = [int(value) for value in m.batch[b]]
        words = philox((h.index, cell, m.month, f[layout.V_PURPOSE]), key)
        eligible = (f[layout.V_RESIDENCE] >> h.residence) & (f[layout.V_GROUPS] >> h.group) & 1
        reach = h.digital if f[layout.V_DIGITAL] else 255
        applies = (words[0] >> 16) * 255 < reach * f[layout.V_APPLY]
        if eligible and applies and (words[0] & 0xFFFF) < f[layout.V_CUT]:
            redeem(h, m, b, words[1], book)
            h.budget = planned_budget(h, m)


def redeem(h: Any, m: Any, b: int, draw: int, book: Book) -> None:
    """What a holder does with each voucher of a batch on purchase occasions.

    A natural basket above the threshold is inframarginal. Below it the gap is split into extra
    use e and stock z by least cost e^2 / (2 eta B) + zeta z^2 / (2 B) and taken if the face
    value exceeds loss and hassle; otherwise an outing may be made; otherwise the voucher expires.
    """
    f, rules = [int(value) for value in m.batch[b]], [float(v) for v in m.batch_rule[b]]
    category, face, threshold = f[layout.V_CATEGORY], f[layout.V_FACE], f[layout.V_THRESHOLD]
    eta, zeta = rules[layout.R_EXTRA], rules[layout.R_STORAGE]
    weight = zeta / (1.0 + eta * zeta)
    shares = m.engel[h.residence, :, category]
    share = float(shares[h.node]) * (1.0 - h.fraction) + float(shares[h.node + 1]) * h.fraction
    mean_basket = h.budget * share / rules[layout.R_OCCASIONS]
    counters = f[layout.V_SLOT] * len(layout.VOUCHER_COUNTERS)
    # Without a threshold a voucher is money for all purchases of its validity.
    purse = mean_basket * rules[layout.R_OCCASIONS] * rules[layout.R_WINDOW] / f[layout.V_COUNT]
    extra = stocked = 0

    def count(counter: int, amount: int) -> None:
        book("vouchers", counters + counter, amount)

    for copy in range(f[layout.V_COUNT]):
        word = mix(draw, copy + 1)
        natural = (
            float(m.basket[f[layout.V_SLOT], word >> 20]) * mean_basket if threshold > 0 else purse
        )
        count(layout.C_ISSUED, face)
        use = stock = 0
        if natural >= threshold and (natural > 0.0 or threshold == 0):
            used = min(face, int(natural))
            count(layout.C_INFRAMARGINAL, used)
            count(layout.C_EXPIRED, face - used)
        else:
            gap = max(threshold, face) - natural
            loss = gap * gap / (2.0 * max(natural, 1.0)) * weight + rules[layout.R_HASSLE] * 100.0
            affordable = gap <= h.cash - h.budget - extra - stocked + face
            if affordable and natural > 0.0 and face > loss:
                use = int(gap * eta * weight)
                stock = int(gap) - use
                count(layout.C_TOPPED, use + stock)
            elif affordable and (word & 0xFFFFF) < f[layout.V_OUTING]:
                use = int(gap)
                count(layout.C_OUTINGS, use)
            else:
                count(layout.C_EXPIRED, face)
                continue
            used = face
            moved = (int(rules[layout.R_DISPLACED] * use), int(rules[layout.R_DISPLACED] * stock))
            count(layout.C_DISPLACED, sum(moved))
            extra, stocked = extra + use - moved[0], stocked + stock - moved[1]
        count(layout.C_REDEEMED, used)
        count(layout.C_PLATFORM, int(natural) + use + stock)
        h.cash += used
    count(layout.C_STOCKPILED, stocked)
    spend(h, category, extra + stocked, book)
    h.cash -= extra + stocked
    if stocked > 0:
        h.stock[0] += stocked
        h.stock_category = category
        book("stocked", 0, stocked)


def close_month(h: Any, m: Any, book: Book) -> None:
    """Goods from stock replace purchases; the budget is spent; the rest stays in deposits."""
    if h.stock[0] or h.stock[1]:
        used = min(math.ceil(h.stock[1] * m.stock_release), h.budget)
        moved = math.ceil(h.stock[0] * m.stock_release)
        h.stock = [h.stock[0] - moved, h.stock[1] + moved - used]
        spend(h, h.stock_category, -used, book)
        h.cash += used
        book("released", 0, used)
        book("stock_balance", 0, h.stock[0] + h.stock[1])
    unit = int(h.fraction * layout.NODE_UNIT)
    node = h.group * layout.NODES + h.node
    book("nodes", node, h.budget * (layout.NODE_UNIT - unit))
    book("nodes", node + 1, h.budget * unit)
    h.liquid = h.cash - h.budget
    h.spending, h.income = h.budget + h.events, h.income_now
    book("liquid_balance", 0, h.liquid)
    book("committed_balance", 0, h.committed)
    book("debt_balance", 0, h.debt)
