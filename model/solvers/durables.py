"""When households replace and first buy durables: tables solved by dynamic programming.

One unit of item `i` in a household of income class `k` has an age `a` (months) and a need clock
`d` (0 = works, 1..12 = months since a need arose: breakdown, moving, a child). All money is in
units of the item's price in that class. Each month the household keeps or replaces:

    keep(a, d)  = s0 exp(-decay a) - nu d / 6 + beta E V'(a + 1, d')
    replace     = -price - F + s0 + beta V'(1, 0)
    V(a, d)     = sigma log(exp(keep / sigma) + exp(replace / sigma))
    P(buy)      = 1 / (1 + exp((keep - replace) / sigma))

d' = 1 with hazard h(a) = min(h0 + wear / life (a / life)^3, ceiling) when d = 0, else d + 1 up to
12. Someone without the item thinks of buying in a month with probability first_purchase_rate /
first_purchase_conviction and then compares `u0 + beta N'` with the same `replace`. The fixed
cost F, the weight nu of need and u0 have no scale of their own: they are inverted so that the
purchase rates of a year without policy equal the parameters `discretionary_rate` (working unit
at half its life), `need_rate` (six months in need, at full life) and `first_purchase_rate`. Price
sensitivity is then sigma alone, and a subsidy reaches the tables only through the price.

Calendar: promotions make the price 12-periodic, and with it the solution without policy.

Use in a month, with a uniform 32-bit draw u, p = purchase[row, item, class, age, clock] and
h = need[item, age]:  u < p: bought, next month's state is (1, 0).  Otherwise (age + 1, d'); for
clock 0 the need arises when u < p + (2^32 - p) h / 2^32. `bound[row, item, age]` is never below
that sum for any class (its last entry: the chance of a first purchase), so u >= bound settles every
owner with clock 0 and everybody without the item without reading a table; `waiting` does so for
owners who wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from model.dimensions import ITEMS, RESIDENCES
from model.parameters import Parameters
from model.solvers.durable_problem import (
    AGES,
    CLOCKS,
    YEAR,
    EntrySolution,
    FloatArray,
    ItemSolution,
    WordArray,
    entry_path,
    entry_year,
    item_problem,
    need_hazard,
    owner_path,
    solve_at_price,
    solve_entry,
    solve_item,
    to_words,
    unit_history,
    value_of_buying,
    year_odds,
)
from model.solvers.grids import INCOME_GRID

IntArray = npt.NDArray[np.int64]

NODES_PER_CLASS = 6
CLASSES = (INCOME_GRID.size - 1) // NODES_PER_CLASS + 1


@dataclass(frozen=True)
class SubsidySchedule:
    """A price subsidy for replacing durables, in months relative to the first simulated month.

    It pays from max(start, announced) up to but not including `end` (None: permanent) and is
    known from `announced` on. `share` float64 [8 items, 7 classes] is min(rate * price, cap) /
    price. `instant` is False when buyers are reimbursed later. `first_purchase` bool [8] marks
    items that may be bought without handing in an old one; None takes the rule of the parameter
    `durables.old_unit_required`.
    """

    announced: int
    start: int
    end: int | None
    share: FloatArray
    instant: bool
    first_purchase: npt.NDArray[np.bool_] | None = None

    def pays(self, month: int) -> bool:
        """Whether a purchase made in `month` is subsidised."""
        begins = max(self.start, self.announced)
        return begins <= month and (self.end is None or month < self.end)


@dataclass(frozen=True)
class ReplacementTables:
    """Purchase probabilities as 32-bit words (probability * 2^32, saturating).

    Rows 0..11 are the year without policy by calendar month (0 = January); later rows hold months
    in which a subsidy is paid, expected or remembered. `index` [month] is the row of a month for
    households the subsidy reaches, `baseline` [month] the row of the same month without policy.
    """

    purchase: WordArray  # [row, item 8, class 7, age 240, clock 13]
    first_purchase: WordArray  # [row, item, class]
    bound: WordArray  # [row, item, age; last: not owned]
    waiting: WordArray  # [row, item, clock] largest purchase over classes and ages
    need: WordArray  # [item, age]
    index: IntArray  # [month]
    baseline: IntArray  # [month]
    first_calendar_month: int  # 1..12
    screens: dict[bytes, npt.NDArray[np.uint16]] = field(default_factory=dict, init=False)


@dataclass(frozen=True)
class StationaryAges:
    """Ergodic state of owned units at the start of the first simulated month.

    `probability` float64 [item 8, class 7, age 240, clock 13] sums to one over ages and clocks;
    `replacement_rate` [item, class] is the mean probability a month that an owner replaces.
    """

    probability: FloatArray
    replacement_rate: FloatArray

    def cumulative(self) -> FloatArray:
        """Distribution function over state number age * 13 + clock, [item, class, 3120]."""
        flat = self.probability.reshape(len(ITEMS), CLASSES, AGES * CLOCKS)
        return np.asarray(np.cumsum(flat, axis=2), dtype=np.float64)


@dataclass(frozen=True)
class BaseYear:
    """Solutions without policy: one per item, first purchases per item and class."""

    items: tuple[ItemSolution, ...]
    entries: tuple[tuple[EntrySolution, ...], ...]
    odds: FloatArray  # [item, calendar month, age, clock], the same for every class


@dataclass(frozen=True)
class _Window:
    """A schedule as households see it: `share` [item, class] after pass-through and delay."""

    announced: int
    begins: int
    end: int | None
    share: FloatArray
    first_purchase: npt.NDArray[np.bool_]

    def pays(self, month: int) -> bool:
        return self.begins <= month and (self.end is None or month < self.end)


@dataclass(frozen=True)
class _Horizon:
    """Months `first` to `last` over which the set of known windows stays the same.

    From `settled` on nothing moves but the calendar; rows are needed before `recorded`.
    """

    windows: tuple[_Window, ...]
    first: int
    last: int
    settled: int
    recorded: int


def prices(parameters: Parameters) -> FloatArray:
    """List price in yuan, [item 8, class 7]; it rises with class because quality does."""
    return np.array([parameters.array(f"durables.{item}.price") for item in ITEMS])


def ownership(parameters: Parameters) -> FloatArray:
    """Share of households owning the item, [item 8, residence 2, class 7]."""
    return np.array(
        [[parameters.array(f"durables.{i}.ownership_{r}") for r in RESIDENCES] for i in ITEMS]
    )


_BASE_YEARS: dict[str, BaseYear] = {}


def base_year(parameters: Parameters) -> BaseYear:
    """The solutions without policy, kept in memory by the digest of the parameters."""
    digest = parameters.digest("durables.")
    if digest not in _BASE_YEARS:
        _BASE_YEARS[digest] = _solve_base_year(parameters)
    return _BASE_YEARS[digest]


def _solve_base_year(parameters: Parameters) -> BaseYear:
    items = tuple(solve_item(item_problem(parameters, i)) for i in range(len(ITEMS)))
    conviction = parameters.number("durables.first_purchase_conviction")
    entries, odds = [], np.empty((len(ITEMS), YEAR, AGES, CLOCKS))
    for item, solution in enumerate(items):
        rates = parameters.array(f"durables.{ITEMS[item]}.first_purchase_rate").tolist()
        known = {rate: solve_entry(solution, rate, conviction) for rate in sorted(set(rates))}
        entries.append(tuple(known[rate] for rate in rates))
        odds[item] = _periodic_odds(
            solution, solution.problem.price, solution.value, solution.fresh
        )
    return BaseYear(items, tuple(entries), odds)


def _periodic_odds(
    solution: ItemSolution, price: FloatArray, value: FloatArray, fresh: FloatArray
) -> FloatArray:
    replace = value_of_buying(solution, price, np.roll(fresh, -1))
    return year_odds(solution.problem, value, replace, solution.need_loss)


def _as_windows(
    parameters: Parameters, schedules: Sequence[SubsidySchedule]
) -> tuple[_Window, ...]:
    """Schedules that can change behaviour, as households perceive them."""
    no_old_unit = np.array([not parameters[f"durables.{i}.old_unit_required"] for i in ITEMS])
    delayed = parameters.number("durables.reimbursed_perceived")
    windows = []
    for schedule in schedules:
        share = np.asarray(schedule.share, dtype=np.float64)
        if share.shape != (len(ITEMS), CLASSES) or not ((share >= 0) & (share < 1)).all():
            raise ValueError(f"subsidy share must be [{len(ITEMS)}, {CLASSES}] and in [0, 1)")
        begins = max(schedule.start, schedule.announced)
        empty = schedule.end is not None and schedule.end <= begins
        if empty or not share.any():
            continue
        seen = share * parameters.number("durables.pass_through")
        seen = seen if schedule.instant else seen * delayed
        first = no_old_unit if schedule.first_purchase is None else schedule.first_purchase
        windows.append(_Window(schedule.announced, begins, schedule.end, seen, first))
    return tuple(windows)


def _horizons(windows: tuple[_Window, ...], months: int, memory: int) -> list[_Horizon]:
    """Split the simulated months by what is known in them."""
    cuts = sorted({0, months} | {w.announced for w in windows if 0 < w.announced < months})
    horizons = []
    for first, last in pairwise(cuts):
        known = tuple(w for w in windows if w.announced <= first)
        if not known:
            continue
        settled = max(w.begins if w.end is None else w.end + memory for w in known)
        settled = max(settled, first)
        year = YEAR if any(w.end is None for w in known) else 0
        if min(last, settled + year) > first:
            horizons.append(_Horizon(known, first, last, settled, min(last, settled + year)))
    return horizons


def _share_paths(
    windows: Sequence[_Window], item: int, klass: int, months: range, belief: float, memory: int
) -> tuple[FloatArray, FloatArray]:
    """Subsidy share [month] expected beforehand and found, for one item and class.

    Inside known windows both agree. After the last one a renewal is expected: `belief` times
    the last share, fading linearly over `memory` months; what is found is no subsidy.
    """
    relevant = [w for w in windows if w.share[item, klass] > 0.0]
    expected, actual = np.zeros(len(months)), np.zeros(len(months))
    if not relevant:
        return expected, actual
    ends = [w.end for w in relevant if w.end is not None]
    over = max(ends) if len(ends) == len(relevant) else None
    remembered = max((w.share[item, klass] for w in relevant if w.end == over), default=0.0)
    for position, month in enumerate(months):
        paid = max((w.share[item, klass] for w in relevant if w.pays(month)), default=0.0)
        expected[position] = actual[position] = paid
        if over is not None and over <= month < over + memory:
            fading = 1.0 - (month - over) / memory
            expected[position] = belief * remembered * fading
    return expected, actual


class _Tables:
    """Rows under construction: the calendar of the horizon and the words of each row."""

    def __init__(self, parameters: Parameters, months: int, first_calendar_month: int) -> None:
        self.parameters, self.base = parameters, base_year(parameters)
        self.belief = parameters.number("durables.renewal_belief")
        memory = int(parameters.number("durables.renewal_memory_months"))
        self.memory = memory if self.belief > 0.0 else 0
        self.january = first_calendar_month - 1
        self.baseline = (np.arange(months, dtype=np.int64) + self.january) % YEAR
        self.index = self.baseline.copy()
        self.rows = YEAR
        self.lasting: dict[tuple[int, float], tuple[FloatArray, FloatArray]] = {}

    def number_rows(self, horizons: Sequence[_Horizon]) -> None:
        """Give every month that differs from the year without policy a row."""
        for horizon in horizons:
            for month in range(horizon.first, horizon.recorded):
                self.index[month] = self.rows + month - horizon.first
            for month in range(horizon.recorded, horizon.last):
                if horizon.recorded > horizon.settled:  # permanent: repeat its last year
                    self.index[month] = self.index[month - YEAR]
            self.rows += horizon.recorded - horizon.first
        shape = (self.rows, len(ITEMS), CLASSES)
        self.purchase = np.empty((*shape, AGES, CLOCKS), dtype=np.uint32)
        self.first = np.empty(shape, dtype=np.uint32)

    def fill_base_year(self) -> None:
        """Rows 0..11."""
        for item in range(len(ITEMS)):
            self.purchase[:YEAR, item] = to_words(self.base.odds[item])[:, None]
            for klass in range(CLASSES):
                self.first[:YEAR, item, klass] = to_words(self.base.entries[item][klass].odds)

    def fill(self, horizon: _Horizon) -> None:
        """Rows of one horizon, solving each distinct owner problem once."""
        row = self.index[horizon.first]
        rows = slice(row, row + horizon.recorded - horizon.first)
        same_month = self.baseline[horizon.first : horizon.recorded]
        for item in range(len(ITEMS)):
            solved: dict[tuple[float, ...], tuple[WordArray, FloatArray]] = {}
            for klass in range(CLASSES):
                shares = tuple(float(w.share[item, klass]) for w in horizon.windows)
                if not any(shares):
                    self.purchase[rows, item, klass] = self.purchase[same_month, item, klass]
                    self.first[rows, item, klass] = self.first[same_month, item, klass]
                    continue
                if shares not in solved:
                    odds, fresh = self._owner(horizon, item, klass)
                    solved[shares] = to_words(odds), fresh
                words, fresh = solved[shares]
                self.purchase[rows, item, klass] = words
                self.first[rows, item, klass] = to_words(self._entry(horizon, item, klass, fresh))

    def _prices(
        self, horizon: _Horizon, windows: Sequence[_Window], item: int, klass: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Expected and found prices [month] up to the settled state, and its price [12]."""
        stop = max(horizon.settled, horizon.recorded)
        months = range(horizon.first, stop)
        promotion = self.base.items[item].problem.price
        calendar = (np.arange(horizon.first, stop) + self.january) % YEAR
        expected, actual = _share_paths(windows, item, klass, months, self.belief, self.memory)
        lasting = max((w.share[item, klass] for w in windows if w.end is None), default=0.0)
        return (
            promotion[calendar] * (1.0 - expected),
            promotion[calendar] * (1.0 - actual),
            promotion * (1.0 - lasting),
        )

    def _owner(self, horizon: _Horizon, item: int, klass: int) -> tuple[FloatArray, FloatArray]:
        """Purchase probabilities [recorded month, age, clock] and fresh values [month + 1]."""
        solution = self.base.items[item]
        problem = solution.problem
        expected, actual, lasting = self._prices(horizon, horizon.windows, item, klass)
        value, _ = self._settled(item, lasting)
        recorded = horizon.recorded - horizon.first
        odds, fresh = np.empty((recorded, AGES, CLOCKS)), np.empty(len(expected) + 1)
        terminal = value[(horizon.first + len(expected) + self.january) % YEAR]
        owner_path(
            terminal, expected, actual, recorded, problem.service, problem.need,
            problem.discount, problem.scale, solution.fixed_cost, solution.need_loss, odds, fresh,
        )  # fmt: skip
        return odds, fresh

    def _settled(self, item: int, price: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Stationary values and fresh values at the price [12] that lasts."""
        solution, key = self.base.items[item], (item, float(price[0]))
        if (price == solution.problem.price).all():
            return solution.value, solution.fresh
        if key not in self.lasting:
            self.lasting[key] = solve_at_price(solution, price)
        return self.lasting[key]

    def _entry(self, horizon: _Horizon, item: int, klass: int, fresh: FloatArray) -> FloatArray:
        """First-purchase probabilities [recorded month]."""
        solution, entry = self.base.items[item], self.base.entries[item][klass]
        problem = solution.problem
        eligible = [w for w in horizon.windows if w.first_purchase[item]]
        expected, actual, lasting = self._prices(horizon, eligible, item, klass)
        calendar = int((horizon.first + len(expected) + self.january) % YEAR)
        # A lasting subsidy on replacement raises the value of a unit even to first buyers.
        _, _, owner_price = self._prices(horizon, horizon.windows, item, klass)
        _, fresh_year = self._settled(item, owner_price)
        replace = value_of_buying(solution, lasting, np.roll(fresh_year, -1))
        terminal, _ = entry_year(
            solution, np.roll(replace, -calendar), entry.attention, entry.outside, entry.value
        )
        odds = np.empty(len(expected))
        entry_path(
            terminal,
            value_of_buying(solution, expected, fresh[1:]),
            value_of_buying(solution, actual, fresh[1:]),
            entry.attention, entry.outside, problem.discount, problem.scale, odds,
        )  # fmt: skip
        return odds[: horizon.recorded - horizon.first]


def replacement_tables(
    parameters: Parameters,
    schedules: Sequence[SubsidySchedule],
    months: int,
    first_calendar_month: int,
) -> ReplacementTables:
    """Solve the purchase tables of a run of `months` starting in calendar month 1..12.

    Several schedules may follow each other; where they overlap the larger share holds. Raises
    ValueError for a share of the wrong shape or outside [0, 1), or a calendar month outside 1..12.
    """
    if not 1 <= first_calendar_month <= YEAR or months < 1:
        raise ValueError("durables: calendar month must be 1..12 and months positive")
    tables = _Tables(parameters, months, first_calendar_month)
    windows = _as_windows(parameters, schedules)
    horizons = _horizons(windows, months, tables.memory)
    tables.number_rows(horizons)
    tables.fill_base_year()
    for horizon in horizons:
        tables.fill(horizon)
    need = to_words(np.array([need_hazard(parameters, item) for item in range(len(ITEMS))]))
    return ReplacementTables(
        tables.purchase, tables.first, _bound(tables, need), tables.purchase.max(axis=(2, 3)), need,
        tables.index, tables.baseline, first_calendar_month,
    )  # fmt: skip


def _bound(tables: _Tables, need: WordArray) -> WordArray:
    """Largest over classes of purchase plus need at clock 0, then first purchases; saturating."""
    most = tables.purchase[..., 0].max(axis=2).astype(np.uint64)  # [row, item, age]
    first = tables.first.max(axis=2).astype(np.uint64)
    total = np.concatenate([most + need[None].astype(np.uint64), first[..., None]], axis=2)
    return np.asarray(np.minimum(total, np.uint64(0xFFFFFFFF)), dtype=np.uint32)


def stationary_ages(tables: ReplacementTables, parameters: Parameters) -> StationaryAges:
    """Ergodic ages and clocks of owned units at the start of the run, and replacement rates.

    Computed from the year without policy in `tables`; shapes as in StationaryAges.
    """
    probability = np.empty((len(ITEMS), CLASSES, AGES, CLOCKS))
    rate = np.empty((len(ITEMS), CLASSES))
    odds = base_year(parameters).odds
    for item in range(len(ITEMS)):
        states, flow = unit_history(odds[item], need_hazard(parameters, item))
        probability[item] = states[tables.first_calendar_month - 1]
        rate[item] = flow.mean()
    return StationaryAges(probability, rate)
