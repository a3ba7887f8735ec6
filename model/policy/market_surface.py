"""The part of the policy surface that firms, jobs, visitors and budgets read, as arrays with units.

All is neutral without policy. Several programmes on the same array are combined by rule: ratios
multiply, money and persons add.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from model.dimensions import CATEGORIES, PLACES, SECTORS

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
SHAPE = (len(PLACES), len(SECTORS))
Surface = TypeVar("Surface")


def _ones(*shape: int) -> F64:
    return np.ones(shape)


def _zeros(*shape: int) -> F64:
    return np.zeros(shape)


@dataclass
class MarketSurface:
    """One month. [cell] is [place, sector]; ratios relative to no policy; money int64 fen.

    appeal [cell] attraction of local offers (quality, hours, trust) against those elsewhere;
    visitor_appeal [place] ratio on visitors from outside the province; visitor_money [cell] fen
    they spend beyond; capacity [cell] part of normal output added this month; entry_ease [cell]
    ratio on entry of small firms; export_demand [cell] ratio on sales outside; separation [cell],
    vacancies [cell], matching [place] ratios; placements [place] persons placed this month beyond
    the market; productivity [cell] ratio on output and pay per worker; pay [cell] ratio on pay
    alone; unit_cost [cell] ratio on firms' unit cost; payout ratio on dividends to households;
    payout_moved share of dividends paid this month less those of other months, of a normal month;
    investment [cell] fen that firms invest beyond their rule (negative: less); liquidity [cell] fen
    of credit lines that count as cash when firms judge whether they are short; land_cut [place]
    share of housing outlays by which cities' land and deed revenue falls; outside_pull [category]
    ratio on the attraction of sellers outside the province; service_coverage share of service sales
    that retail statistics newly capture; buyer_location whether online purchases count where
    buyers live.
    """

    appeal: F64 = field(default_factory=lambda: _ones(*SHAPE))
    visitor_appeal: F64 = field(default_factory=lambda: _ones(SHAPE[0]))
    visitor_money: I64 = field(default_factory=lambda: np.zeros(SHAPE, np.int64))
    capacity: F64 = field(default_factory=lambda: _zeros(*SHAPE))
    entry_ease: F64 = field(default_factory=lambda: _ones(*SHAPE))
    export_demand: F64 = field(default_factory=lambda: _ones(*SHAPE))
    separation: F64 = field(default_factory=lambda: _ones(*SHAPE))
    vacancies: F64 = field(default_factory=lambda: _ones(*SHAPE))
    matching: F64 = field(default_factory=lambda: _ones(SHAPE[0]))
    placements: F64 = field(default_factory=lambda: _zeros(SHAPE[0]))
    productivity: F64 = field(default_factory=lambda: _ones(*SHAPE))
    pay: F64 = field(default_factory=lambda: _ones(*SHAPE))
    unit_cost: F64 = field(default_factory=lambda: _ones(*SHAPE))
    payout: float = 1.0
    payout_moved: float = 0.0
    investment: I64 = field(default_factory=lambda: np.zeros(SHAPE, np.int64))
    liquidity: I64 = field(default_factory=lambda: np.zeros(SHAPE, np.int64))
    land_cut: F64 = field(default_factory=lambda: _zeros(SHAPE[0]))
    outside_pull: F64 = field(default_factory=lambda: _ones(len(CATEGORIES)))
    service_coverage: float = 0.0
    buyer_location: bool = False


def copied(surface: Surface) -> Surface:
    """A surface with arrays and lists of its own: faster than making them anew."""
    found: Surface = object.__new__(type(surface))
    kinds = (np.ndarray, list)
    own = {n: v.copy() if isinstance(v, kinds) else v for n, v in vars(surface).items()}
    vars(found).update(own)
    return found
