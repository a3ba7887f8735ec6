"""Layout of what the household kernel reads and adds up: columns, month inputs, totals.

Named tuples of arrays, because numba takes them as they are; offsets into one flat vector of
totals, because integers added in any order give the same bits on any number of threads.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from model.dimensions import (
    CATEGORIES,
    GROUPS,
    ITEMS,
    QUINTILES,
    SCHEMES,
    SECTORS,
)  # fmt: skip
from model.solvers.grids import INCOME_GRID

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

INCOME_CLASSES = (INCOME_GRID.size - 1) // 6 + 1
SHOCK_POINTS = 1024
BASKET_POINTS = 4096


# Bounds of a decision about a durable: one from each of these ages (months) on, one for those who
# do not own it, two for those who wait (clock 0, and a rise with each month waited).
SCREEN_AGES = (0, 12, 24, 36, 48, 60, 84, 120)
SCREEN_FIELDS = len(SCREEN_AGES) + 3


class Columns(NamedTuple):
    """State of all households: one array per attribute, row i is household i."""

    stage: U8
    patience: U8
    sector: U8
    work_class: U8
    earners: U8
    scheme: U8
    pensioners: U8
    size: U8
    children: U8  # as at the opening
    age: U8
    group: U8  # quintile * 4 + age group
    digital: U8
    markdown: U8
    thrift: U8  # own over usual committed share, of THRIFT_UNIT
    earnings: F64  # yuan a month, detrended
    pension: F64  # yuan a month, detrended
    plan_income: F64  # yuan a month, detrended: the income that saving is planned on
    liquid: I64  # fen
    committed: I64  # fen
    debt: I64  # fen
    instalment: I64  # fen a month
    durable: npt.NDArray[np.uint16]  # [item, row] age * 16 + need clock
    stock: npt.NDArray[np.int32]  # [2, row] fen of goods bought ahead
    stock_category: U8
    claim: npt.NDArray[np.int32]  # fen of trade-in money still to be reimbursed
    claim_due: U8  # month index modulo 256
    spending: I64  # fen, this month's consumption
    income: I64  # fen, this month's disposable income
    support: I64  # fen, this month's money from (below 0: to) relatives
    resting: U8  # 1: an elder stays home who would work; 2: means to from this month on


class Work(NamedTuple):
    """What decides work: hazards, matching, retirement, the wage floor."""

    separation: I64  # [place, sector] of 2**32
    find: I64  # [place] of 2**32
    hire_cdf: I64  # [place, work class, sector] of 2**32
    retirement: I64  # [residence] of 2**32
    generation: I64  # [residence] of 2**32
    renewed_class: I64  # [cell, scheme, 5] cdf of 2**16: work of the next generation
    working_ages: I64  # [3] cdf of 2**16: age groups of new working households
    retired_age: int  # years, of a household that retires
    renewed_age: I64  # [3] years, by age group of new working households
    retirement_ratio: F64  # [residence]
    pensioner_income: F64  # [cell, SCHEMES] yuan: mean of those retired at the start
    pension_part: F64  # [SCHEMES] share of a new pensioner's income that is the pension
    floor: F64  # [place] gross monthly minimum wage, yuan
    base_floor: F64  # [place]
    floor_log_rise: F64  # [place]
    wage_wedge: float  # employee contributions and income tax, share of gross
    ripple: float
    ripple_range: float
    informal_following: float  # part of a covered worker's rise that informal employees get
    floor_enforced: F64  # [place] share of the rest that enforcement adds
    job_hazard: int  # of 2**32
    markdown_unit: float


class Income(NamedTuple):
    """What decides income, committed saving and bills."""

    shock_permanent: F64  # [SHOCK_POINTS]
    shock_transitory: F64  # [2, SHOCK_POINTS] by residence
    reversion: float
    anchor: F64  # [cell, work class, sector] yuan
    pay: F64  # [place, sector, 2] actual pay index
    perceived_pay: F64  # [place, sector, 2]
    unemployed_share: float
    pension_rate: F64  # [place, scheme] rise as a share
    pension_fixed: F64  # [place, scheme, age band] rise in yuan a recipient
    pension_middle_age: int  # years at which the second and third age band begin
    pension_old_age: int
    pension_recognised: F64  # [place, scheme] share of the rise that households count on
    arrears_rate: F64  # [place, scheme] lump sum of past months as a share of the monthly pension
    arrears_fixed: F64  # [place, scheme, age band] lump sum of past months, yuan a recipient
    usual_share: F64  # [residence, working or retired, NODES] committed share
    committed_factor: F64  # [cell, working or retired x age group] on committed shares
    plan_gain: float  # part of the way that plans catch up with income in a month
    property_yield: F64  # [place] a month on committed deposits
    deposit_rate: float
    benefit: I64  # [place] fen
    has_transfer: int
    benefit_cover: I64  # [place] of 2**32: share of those without the benefit who get it
    transfer: I64  # [TRANSFER_KINDS, cell, group, stage] fen
    claims_open: int  # 1 while any household may be waiting for a reimbursement
    loan_rate: float
    loan_interest: F64  # [place] part of loan interest that households pay
    housing_share: F64  # [place] of committed deposits spent on housing a month
    medical_hazard: I64  # [residence, stage] of 2**32
    medical_size: float
    medical_share: F64  # [place] part of their bills that households pay
    income_floor: I64  # [residence] fen a month: minimum living allowance
    allowance_ratio: F64  # [place] raised over standing allowance


class Family(NamedTuple):
    """What decides how children support elders."""

    altruism: float  # weight of parents' well-being in that of their children
    children_income: F64  # [residence, SHOCK_POINTS] children's income over a mean household's
    elder_age: int  # years from which a head that still works is an elder too
    income_effect: float  # earnings given up per yuan of other income
    elder_worker: I64  # [residence] of 2**32: working members of retired households who are elders
    work_share: F64  # [residence] part of such households' earnings that is their members' pay


class Goods(NamedTuple):
    """What decides durable purchases: solved tables, prices, subsidies, credit."""

    durable_row: I64  # [place] tables of those who know of the programmes in force
    unaware_row: I64  # [place] tables without any programme
    purchase: npt.NDArray[np.uint32]  # [row, item, class, age, clock]
    first_purchase: npt.NDArray[np.uint32]  # [row, item, class]
    need: npt.NDArray[np.uint32]  # [item, age]
    screen: npt.NDArray[np.uint16]  # [place, item, SCREEN_FIELDS] of 2**16, never below the chance
    item_price: I64  # [place, item, class] fen
    subsidy: I64  # [place, item, class] fen
    awareness: I64  # [item] of 2**16: share of households that know of a subsidy
    old_required: I64  # [item] 1: the subsidy asks for an old unit
    gate: int  # of 2**16: part of the claims that the remaining money covers
    instant: int
    claim_lag: int  # months from purchase to reimbursement
    loan_to_value: F64  # [place, item]
    loan_term: F64  # [place, item] months
    instalment_cap: F64  # [place]
    cash_buffer: float
    committed_first: I64  # [item] 1: committed deposits pay before cash
    cheaper_if_short: I64  # [item] 1: who needs one and is short of money buys a cheaper class


class Budget(NamedTuple):
    """What decides the non-durable budget and its division."""

    real: F64  # [place] 1 / (trend * consumer price)
    nominal: F64  # [place] season excluded: trend * consumer price
    season: F64  # [residence]
    policy: npt.NDArray[np.float32]  # [job fear, residence, stage x patience x cash x income]
    fear_level: I64  # [place] solved level of job fear below the perceived one
    fear_share: F64  # [place] position between that level and the next
    engel: F64  # [residence, income node, category] this month's shares
    stock_release: float


class Batches(NamedTuple):
    """Voucher batches of the month."""

    batch_first: I64  # [place + 1]
    batch: I64  # [batch, BATCH_FIELDS]
    batch_rule: F64  # [batch, BATCH_RULES]
    basket: npt.NDArray[np.float32]  # [slot, BASKET_POINTS] largest basket / mean basket


class Grants(NamedTuple):
    """Money and goods for marked households, one row a programme; a slot is its row."""

    grant_count: int
    grant: I64  # [slot, GRANT_FIELDS]
    grant_displaced: F64  # [slot] share of goods that replaces own purchases
    grant_reach: I64  # [slot, cell, group, stage] of 2**32
    grant_most: I64  # [slot, cell] largest reach


class Month(NamedTuple):
    """Everything a household reads this month, in parts. Cell = place * 2 + residence.

    Parts, because the compiler takes named tuples apart at every call: a rule receives the part
    it reads, which keeps compilation short.
    """

    seed: I64  # [2] low and high word
    month: int
    trend: float
    work: Work
    income: Income
    goods: Goods
    budget: Budget
    batches: Batches
    grants: Grants
    family: Family


def month_of(values: dict[str, Any]) -> Month:
    """A `Month` from all fields by name. Raises KeyError for a missing field."""
    parts: dict[str, Any] = {
        "work": Work, "income": Income, "goods": Goods, "budget": Budget, "batches": Batches,
        "grants": Grants, "family": Family,
    }  # fmt: skip
    nested = {
        name: part._make(map(values.__getitem__, part._fields)) for name, part in parts.items()
    }
    return Month(values["seed"], values["month"], values["trend"], **nested)


def flat(month: Month) -> SimpleNamespace:
    """All fields of a month in one namespace: what the readable rules take as `m`."""
    found = {"seed": month.seed, "month": month.month, "trend": month.trend}
    for part in month[3:]:
        found |= part._asdict()
    return SimpleNamespace(**found)


# Integer fields of a voucher batch
BATCH_FIELDS = 12
(
    V_CATEGORY, V_FACE, V_THRESHOLD, V_COUNT, V_CUT, V_APPLY, V_DIGITAL, V_GROUPS, V_RESIDENCE,
    V_OUTING, V_PURPOSE, V_SLOT,
) = range(BATCH_FIELDS)  # fmt: skip
# Real fields: occasions a month, extra-use elasticity, storage cost, hassle (yuan), displacement,
# share of the month's spending that falls in the validity at participating shops
BATCH_RULES = 6
R_OCCASIONS, R_EXTRA, R_STORAGE, R_HASSLE, R_DISPLACED, R_WINDOW = range(BATCH_RULES)
VOUCHER_SLOTS = 8  # the scenario check knows the same limit (`policy.settings`)
VOUCHER_COUNTERS = (
    "issued", "redeemed", "expired", "platform_sales", "inframarginal", "topped_up", "outings",
    "stockpiled", "displaced",
)  # fmt: skip
(
    C_ISSUED, C_REDEEMED, C_EXPIRED, C_PLATFORM, C_INFRAMARGINAL, C_TOPPED, C_OUTINGS,
    C_STOCKPILED, C_DISPLACED,
) = range(len(VOUCHER_COUNTERS))  # fmt: skip

# Integer fields of a grant
GRANT_FIELDS = 6
G_SALT, G_REDRAWN, G_ACTION, G_AMOUNT, G_REGULAR, G_CATEGORY = range(GRANT_FIELDS)
GRANT_SLOTS = 32  # grants in one month
GRANT_ACTIONS = ("money", "commit", "contribute", "goods")
A_MONEY, A_COMMIT, A_CONTRIBUTE, A_GOODS = range(len(GRANT_ACTIONS))
# Salts of the draws that last (`household_grants.lasting_draw`)
COVER_SALT, FAMILY_SALT, REST_SALT, MARK_SALT, MONTH_SALT = 21, 22, 23, 32, 1024

NODE_UNIT = 4096  # fixed-point unit of the position between two income nodes
NODES = INCOME_GRID.size
J, N_CATEGORIES, N_ITEMS = len(SECTORS), len(CATEGORIES), len(ITEMS)

_names_and_lengths = (
    ("nodes", GROUPS * NODES),
    ("group_income", GROUPS),
    ("event_spending", GROUPS * N_CATEGORIES),
    ("earnings", J * 2),
    ("employed", J),
    ("separations", J),
    ("hires", J),
    ("pensions", len(SCHEMES)),
    ("pension_rise", len(SCHEMES)),
    ("floor_rise", J),
    ("eligible_households", GROUPS * 3),
    ("eligible_persons", GROUPS * 3),
    ("eligible_children", GROUPS * 3),
    ("units", N_ITEMS * QUINTILES),
    ("subsidised_units", N_ITEMS),
    ("subsidised_sales", N_ITEMS),
    ("subsidy_instant", N_ITEMS),
    ("subsidy_claims", N_ITEMS),
    ("vouchers", VOUCHER_SLOTS * len(VOUCHER_COUNTERS)),
    ("granted", GRANT_SLOTS),
    ("unemployed", 1),
    ("retired", 1),
    ("other_income", 1),
    ("benefits", 1),
    ("transfers", 1),
    ("allowance_rise", 1),
    ("reimbursed", 1),
    ("property", 1),
    ("interest", 1),
    ("medical", 1),
    ("medical_covered", 1),
    ("committed", 1),
    ("housing", 1),
    ("withdrawn", 1),
    ("loans", 1),
    ("principal", 1),
    ("loan_interest", 1),
    ("interest_subsidy", 1),
    ("liquid_balance", 1),
    ("committed_balance", 1),
    ("debt_balance", 1),
    ("stock_balance", 1),
    ("stocked", 1),
    ("released", 1),
    ("support_received", 1),
    ("support_paid", 1),
)
OFFSETS: dict[str, tuple[int, int]] = {}
TOTALS = 0
for _name, _length in _names_and_lengths:
    OFFSETS[_name] = (TOTALS, TOTALS + _length)
    TOTALS += _length


def field(totals: I64, name: str) -> I64:
    """View of one field of a totals array [..., TOTALS]; the last axis is the field's own."""
    first, last = OFFSETS[name]
    return totals[..., first:last]
