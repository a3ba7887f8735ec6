"""The policy surface: everything a government can touch this month, as arrays with units.

Levers write it at the start of a month, agents read it; nobody else does either. `neutral` is the
surface of a month without policy: every array at its no-policy value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from model.agents.household_layout import GRANT_ACTIONS, GRANT_SLOTS
from model.dimensions import (
    AGE_GROUPS,
    CATEGORIES,
    GROUPS,
    ITEMS,
    PLACES,
    RESIDENCES,
    SCHEMES,
    STAGES,
)
from model.policy.market_surface import MarketSurface, copied

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
ALL_GROUPS = (1 << GROUPS) - 1
ALL_RESIDENCES = (1 << len(RESIDENCES)) - 1
TRANSFER_KINDS = (
    "once_household", "once_person", "standing_household", "standing_person", "once_child",
    "standing_child",
)  # fmt: skip
PROTECTIONS = ("medical", "jobless", "old_age")
AGE_BANDS = 3  # of pensioners: below 70, 70-79, 80 and over


@dataclass(frozen=True)
class VoucherBatch:
    """Vouchers of one category issued in one month; `money` int64 fen by place bounds the issue.

    `face` and `threshold` in fen (0: no threshold); `validity` in months (at most one);
    `groups` and `residences` are bit masks of who may apply; `own_money` is the part of `money`
    that the city bears, the rest is the province's. `luck` numbers the draws of who applies, so
    that another policy's batches change nobody's luck (None: the batch's position in the month).
    """

    lever: str
    category: int
    face: int
    threshold: int
    per_household: int
    validity: float
    participating: float
    application: float
    digital_required: bool
    groups: int
    residences: int
    money: I64
    own_money: I64
    luck: int | None = None


@dataclass(frozen=True)
class Grant:
    """Money or goods that one programme moves to or from marked households this month.

    `mark` is the number of a fixed kind of household (`reach.MARKS`): two programmes with the same
    mark meet the same households. `reach` [cell, group, stage] is the share of all households that
    belong to the kind and are reached, of 2**32; a larger reach contains a smaller one. `amount`
    fen a household. `action`: "money" is received, "commit" moves cash into committed deposits,
    "contribute" pays cash to the funds, "goods" gives goods of `category`, of which `displaced`
    (share) replace own purchases. `regular` fen a month counts as permanent income (negative for
    what is given up), paid this month or not. `redrawn` picks other households every month.
    """

    lever: str
    mark: int
    reach: I64
    amount: int
    action: str
    category: int = 0
    displaced: float = 0.0
    regular: int = 0
    redrawn: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for an unknown action."""
        if self.action not in GRANT_ACTIONS:
            raise ValueError(f"unknown action {self.action!r} of a grant")


@dataclass
class Instruments:
    """One month's policy surface.

    wage_floor [place] yuan a month, gross; floor_enforced [place] 1 where informal employees get
    all of its rise; pension_rate [place, scheme] share; pension_fixed [place, scheme, age band]
    yuan a recipient; pension_recognised [place, scheme] share of the rise households count on;
    arrears_rate [place, scheme] and arrears_fixed [place, scheme, age band] the lump sum for past
    months, as a share of the pension and in yuan a recipient; transfer [kind, cell, group, stage]
    fen;
    subsidy_rate [item], subsidy_cap [item] and price_ceiling [item] yuan; subsidy_places [place]
    0/1; subsidy_gate share of claims that the remaining money covers; purchase_row [place] row of
    the replacement tables of those who know of the programmes, unaware_row of the others.

    Ratios of households' rules: medical_share [place] on bills they pay themselves;
    benefit_ratio [place] on the unemployment benefit and benefit_cover [place] share of those
    without it who get it; allowance_ratio [place] on the living allowance line; loan_to_value
    [place, item] and loan_term [place, item] (months) added to the terms of loans, instalment_cap
    [place] added to the largest instalment; loan_interest [place] ratio of loan interest that
    households pay; awareness ratio on those who know of subsidies; housing_ratio [place] on housing
    outlays; effective_price [residence, category] ratio of non-durable categories; protection
    [medical, jobless, old age] distance from beliefs of today (0) to those of the reference reform
    (1); promised [place, age group, PROTECTIONS] fall of the share of bills and rise of the income
    shares without work and in old age that households count on. `grants` (at most GRANT_SLOTS, see
    `add_grant`) and `markets` hold the rest.
    """

    wage_floor: F64
    base_wage_floor: F64
    pension_rate: F64
    pension_fixed: F64
    pension_recognised: F64
    arrears_rate: F64
    arrears_fixed: F64
    transfer: I64
    subsidy_rate: F64
    subsidy_cap: F64
    price_ceiling: F64
    subsidy_places: I64
    subsidy_gate: float = 1.0
    subsidy_instant: bool = True
    reimbursement_lag: int = 0
    claims_open: bool = False
    unaware_row: I64 = field(default_factory=lambda: np.zeros(len(PLACES), np.int64))
    purchase_row: I64 = field(default_factory=lambda: np.zeros(len(PLACES), np.int64))
    batches: list[VoucherBatch] = field(default_factory=list)
    medical_share: F64 = field(default_factory=lambda: np.ones(len(PLACES)))
    benefit_ratio: F64 = field(default_factory=lambda: np.ones(len(PLACES)))
    benefit_cover: F64 = field(default_factory=lambda: np.zeros(len(PLACES)))
    allowance_ratio: F64 = field(default_factory=lambda: np.ones(len(PLACES)))
    loan_to_value: F64 = field(default_factory=lambda: np.zeros((len(PLACES), len(ITEMS))))
    loan_term: F64 = field(default_factory=lambda: np.zeros((len(PLACES), len(ITEMS))))
    instalment_cap: F64 = field(default_factory=lambda: np.zeros(len(PLACES)))
    loan_interest: F64 = field(default_factory=lambda: np.ones(len(PLACES)))
    awareness: float = 1.0
    housing_ratio: F64 = field(default_factory=lambda: np.ones(len(PLACES)))
    effective_price: F64 = field(
        default_factory=lambda: np.ones((len(RESIDENCES), len(CATEGORIES)))
    )
    protection: F64 = field(default_factory=lambda: np.zeros(len(PROTECTIONS)))
    promised: F64 = field(
        default_factory=lambda: np.zeros((len(PLACES), len(AGE_GROUPS), len(PROTECTIONS)))
    )
    grants: list[Grant] = field(default_factory=list)
    markets: MarketSurface = field(default_factory=MarketSurface)
    floor_enforced: F64 = field(default_factory=lambda: np.zeros(len(PLACES)))

    @classmethod
    def neutral(cls, wage_floor: F64) -> Instruments:
        """The surface without policy; `wage_floor` [place] is the floor in force."""
        found = copied(_neutral())
        found.wage_floor, found.base_wage_floor = wage_floor.copy(), wage_floor.copy()
        found.markets = copied(found.markets)
        return found

    @property
    def has_transfer(self) -> bool:
        """Whether any household receives a transfer this month."""
        return bool(self.transfer.any())

    def add_grant(self, grant: Grant) -> int:
        """Put a grant on the surface. Returns its slot; raises ValueError if none is free."""
        if len(self.grants) >= GRANT_SLOTS:
            raise ValueError(f"more than {GRANT_SLOTS} grants in one month")
        self.grants.append(grant)
        return len(self.grants) - 1


@lru_cache(maxsize=1)
def _neutral() -> Instruments:
    """The neutral surface that every month's is copied from."""
    cells, n = len(PLACES) * len(RESIDENCES), len(ITEMS)
    schemes = len(PLACES), len(SCHEMES)
    return Instruments(
        wage_floor=np.zeros(len(PLACES)),
        base_wage_floor=np.zeros(len(PLACES)),
        pension_rate=np.zeros(schemes),
        pension_fixed=np.zeros((*schemes, AGE_BANDS)),
        pension_recognised=np.ones(schemes),
        arrears_rate=np.zeros(schemes),
        arrears_fixed=np.zeros((*schemes, AGE_BANDS)),
        transfer=np.zeros((len(TRANSFER_KINDS), cells, GROUPS, len(STAGES)), np.int64),
        subsidy_rate=np.zeros(n),
        subsidy_cap=np.zeros(n),
        price_ceiling=np.full(n, np.inf),
        subsidy_places=np.zeros(len(PLACES), np.int64),
    )
