"""The model's agents for Mesa: households as views of rows, firm cells and governments as objects.

Firm cells, cities, province, bank and outside are few and registered with the model like any
Mesa agent; their attributes are read from the arrays of `Markets` and its ledger, where the rules
keep them. They are read-only: rules replace whole arrays each month.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import count
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import mesa
import numpy as np
import numpy.typing as npt

from model.agents.array_agents import ArrayAgent, ArrayAgentSet, ArrayStore, Column, Computed
from model.agents.array_store import Compute
from model.agents.firms import FirmState
from model.agents.governments import PROVINCE_ROW, Governments
from model.agents.household import live_one_month
from model.agents.household_layout import Columns
from model.agents.household_words import Book
from model.dimensions import PLACES, RESIDENCES, SECTORS
from model.ledger import BANK, CITIES, FIRMS, OUTSIDE, PROVINCE, Ledger
from model.markets.labour import LabourState

I64 = npt.NDArray[np.int64]
Small = npt.NDArray[Any]
# Above every place << 40 | residence << 36 | index, and above the ids Mesa gives to objects.
_FIRST_HOUSEHOLD_ID = 1 << 44


class Household(ArrayAgent):
    """One row of `household_layout.Columns`, standing for `weight` family households.

    Money in fen, `earnings` and `pension` in yuan a month net of trend.
    """

    stage: Column[int] = Column()
    patience: Column[int] = Column()
    sector: Column[int] = Column()
    work_class: Column[int] = Column()
    earners: Column[int] = Column()
    scheme: Column[int] = Column()
    pensioners: Column[int] = Column()
    size: Column[int] = Column()
    children: Column[int] = Column()
    age: Column[int] = Column()
    group: Column[int] = Column()
    digital: Column[int] = Column()
    markdown: Column[int] = Column()
    thrift: Column[int] = Column()
    earnings: Column[float] = Column()
    pension: Column[float] = Column()
    plan_income: Column[float] = Column()
    liquid: Column[int] = Column()
    committed: Column[int] = Column()
    debt: Column[int] = Column()
    instalment: Column[int] = Column()
    durable: Column[Small] = Column()
    stock: Column[Small] = Column()
    stock_category: Column[int] = Column()
    claim: Column[int] = Column()
    claim_due: Column[int] = Column()
    spending: Column[int] = Column()
    income: Column[int] = Column()
    support: Column[int] = Column()
    resting: Column[int] = Column()
    place: Computed[int] = Computed()
    residence: Computed[int] = Computed()
    weight: Computed[int] = Computed()
    index: Computed[int] = Computed()

    @property
    def quintile(self) -> int:
        """Income quintile, 0..4."""
        return self.group // 4

    @property
    def age_group(self) -> int:
        """Age group of the head, 0..3."""
        return self.group % 4

    def live_one_month(self, month: Any, book: Book) -> None:
        """The rules of one household, in plain Python; the compiled kernel gives the same.

        `month` is `household_layout.flat` of the month's inputs.
        """
        live_one_month(self, month, book)


def household_set(
    model: Any,
    columns: Columns,
    segments: I64,
    seed: int = 0,
    whole: dict[str, Any] | None = None,
) -> ArrayAgentSet:
    """All households of a model as an agent set; keep it as `model.households`.

    `segments` int64 [k, 5] are the population's (start, stop, place, residence, weight): they give
    place, weight, index in the cell and `unique_id` without storing them. `whole` names compiled
    forms of methods, such as {"live_one_month": ...}.
    """
    computed = segment_attributes(segments)
    store = ArrayStore(model, Household, columns._asdict(), computed, whole or {}, seed)
    return ArrayAgentSet(store)


def segment_attributes(segments: I64) -> dict[str, Compute]:
    """Functions of row numbers that give place, residence, weight, index and unique_id."""
    starts = np.ascontiguousarray(segments[:, 0])
    cells = segments[:, 2] * len(RESIDENCES) + segments[:, 3]
    cell_start = np.array([starts[cells == cell].min() for cell in cells], dtype=np.int64)
    first_id = _FIRST_HOUSEHOLD_ID | (segments[:, 2] << 40) | (segments[:, 3] << 36)

    def segment_of(rows: Any) -> Any:
        return np.searchsorted(starts, rows, side="right") - 1

    def index(rows: Any) -> Any:
        return rows - cell_start[segment_of(rows)]

    return {
        "place": lambda rows: segments[segment_of(rows), 2],
        "residence": lambda rows: segments[segment_of(rows), 3],
        "weight": lambda rows: segments[segment_of(rows), 4],
        "index": index,
        "unique_id": lambda rows: first_id[segment_of(rows)] + index(rows),
    }


class MarketState(Protocol):
    """What the agents below read: `markets.month.Markets` and nothing more of it."""

    firms: FirmState
    labour: LabourState
    governments: Governments
    ledger: Ledger


class _Counters(WeakKeyDictionary[Any, Iterator[int]]):
    """Numbers for the agents of each model, from 1."""

    def __getitem__(self, model: Any) -> Iterator[int]:
        return self.setdefault(model, count(1))


class GridAgent(mesa.Agent):  # type: ignore[misc]
    """A registered Mesa agent that owns one account of the ledger and a place in the arrays."""

    # Mesa 3.3 counts in a dictionary that never lets go of a model: a sweep would keep every run.
    _ids = _Counters()

    def __init__(self, model: Any, markets: MarketState, account: int) -> None:
        super().__init__(model)
        self.markets = markets
        self.account = account

    @property
    def deposits(self) -> int:
        """Liquid deposits, fen."""
        return self._position("deposits")

    @property
    def arrears(self) -> int:
        """Bills unpaid: by others (+) or by this account (-), fen."""
        return self._position("arrears")

    @property
    def net_worth(self) -> int:
        """Financial claims less obligations, fen."""
        return int(self.markets.ledger.positions[:, self.account].sum())

    def _position(self, instrument: str) -> int:
        account = slice(self.account, self.account + 1)
        return int(self.markets.ledger.position(instrument, account)[0])


class _OfFirms:
    """Attribute of a firm cell: the entry (place, sector) of an array of `FirmState`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, cell: FirmCell | None, owner: type) -> Any:
        if cell is None:
            return self
        return getattr(cell.markets.firms, self.name)[cell.place, cell.sector].item()

    def __set__(self, cell: FirmCell, value: Any) -> None:
        raise AttributeError(f"{self.name} of {cell!r} follows from the rules of firms")


class FirmCell(GridAgent):
    """The firms of one sector in one place. Ratios are to base and trend."""

    price = _OfFirms("price")
    expected_sales = _OfFirms("expected")
    employment = _OfFirms("employment")
    capacity = _OfFirms("capacity")
    wage_cost = _OfFirms("wage_cost")
    variety = _OfFirms("variety")
    months_short_of_cash = _OfFirms("short_of_cash")

    def __init__(self, model: Any, markets: MarketState, place: int, sector: int) -> None:
        super().__init__(model, markets, FIRMS.start + place * len(SECTORS) + sector)
        self.place, self.sector = place, sector

    @property
    def loans(self) -> int:
        """Debt to the bank, fen."""
        return -self._position("firm_loans")


class Budget(GridAgent):
    """A government with a budget; `row` is its row among the sixteen budgets."""

    def __init__(self, model: Any, markets: MarketState, account: int, row: int) -> None:
        super().__init__(model, markets, account)
        self.row = row

    @property
    def debt(self) -> int:
        """Bonds outstanding, fen."""
        return -self._position("bonds")

    @property
    def unpaid_bills(self) -> int:
        """Bills to firms that the budget has not paid, fen."""
        return int(self.markets.governments.arrears[self.row].sum())


class City(Budget):
    """The government of one of the fifteen places, and the place's labour market."""

    def __init__(self, model: Any, markets: MarketState, place: int) -> None:
        super().__init__(model, markets, CITIES.start + place, place)
        self.place = place

    @property
    def wage(self) -> float:
        """Wage level relative to trend."""
        return float(self.markets.labour.wage[self.place])

    @property
    def unemployment(self) -> float:
        """Unemployed relative to base."""
        return float(self.markets.labour.unemployment[self.place])

    @cached_property
    def firms(self) -> list[FirmCell]:
        """The place's firm cells, by sector."""
        cells = self.model.agents_by_type[FirmCell]
        return [cell for cell in cells if cell.place == self.place]


class Province(Budget):
    """The provincial government."""

    def __init__(self, model: Any, markets: MarketState) -> None:
        super().__init__(model, markets, PROVINCE.start, PROVINCE_ROW)


class Bank(GridAgent):
    """The banking sector: deposits of everybody else are its liabilities."""

    def __init__(self, model: Any, markets: MarketState) -> None:
        super().__init__(model, markets, BANK.start)

    @property
    def consumer_loans(self) -> int:
        """Lent to households, fen."""
        return self._position("consumer_loans")

    @property
    def firm_loans(self) -> int:
        """Lent to firms, fen."""
        return self._position("firm_loans")


class Outside(GridAgent):
    """The rest of the country and the world."""

    def __init__(self, model: Any, markets: MarketState) -> None:
        super().__init__(model, markets, OUTSIDE.start)


def register_agents(model: Any, markets: MarketState) -> None:
    """Create the agents that are objects: 180 firm cells, 15 cities, province, bank, outside."""
    for place in range(len(PLACES)):
        for sector in range(len(SECTORS)):
            FirmCell(model, markets, place, sector)
    for place in range(len(PLACES)):
        City(model, markets, place)
    for single in (Province, Bank, Outside):
        single(model, markets)


def register_panel(model: Any, households: ArrayAgentSet, size: int) -> ArrayAgentSet:
    """Let Mesa find a fixed sample of households as `model.agents_by_type[Household]`.

    `mesa.DataCollector` then collects `agenttype_reporters` from the panel, not from millions.
    """
    panel = households.sample(size)
    model.agents_by_type[Household] = panel
    return panel
