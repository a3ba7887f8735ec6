"""Tables of the synthesis kernel, from parameters: distributions by place, residence and class."""

from __future__ import annotations

from math import isqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from model.dimensions import ITEMS, PLACES, RESIDENCES, SECTORS, STAGES
from model.dimensions import WORK_CLASSES as CLASSES_OF_WORK
from model.parameters import Parameters
from model.population_kernel import (
    AGES,
    CLOCKS,
    DIMENSIONS,
    MAX_SIZE,
    Tables,
    alias_table,
)
from model.solvers.grids import INCOME_GRID
from model.streams import Purpose, split_seed, word_columns

FloatArray = npt.NDArray[np.float64]

CELLS = len(PLACES) * len(RESIDENCES)
NODES_PER_CLASS = 6
INCOME_CLASSES = (INCOME_GRID.size - 1) // NODES_PER_CLASS + 1
QUANTILES = 257
RANKS = 65
TAIL = 1.0 / 1024.0
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
WORK_SOURCES = ("rural", "urban")
SECTOR_SOURCES = ("covered_employee", "informal_employee", "self_employed")
BRANCH_OF_SECTOR = (0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 2)  # primary, secondary, tertiary


def by_cell(parameters: Parameters, name: str) -> FloatArray:
    """Values of `population.<name>.rural` and `.urban` as [cell], cell = place * 2 + residence."""
    columns = [parameters.array(f"population.{name}.{r}") for r in RESIDENCES]
    return np.stack(columns, axis=1).ravel()


def lognormal_quantiles(deviation: float, nodes: int = QUANTILES) -> FloatArray:
    """Quantiles at equally spaced ranks of a mean-one lognormal with its tails cut."""
    ranks = np.clip(np.linspace(0.0, 1.0, nodes), TAIL, 1.0 - TAIL)
    normal = NormalDist()
    values = np.exp(deviation * np.array([normal.inv_cdf(float(r)) for r in ranks]))
    return np.asarray(values / ((values[1:] + values[:-1]).mean() / 2.0))


def normal_factors(deviation: float) -> FloatArray:
    """Quantiles of a mean-one normal factor with its tails cut."""
    ranks = np.clip(np.linspace(0.0, 1.0, QUANTILES), TAIL, 1.0 - TAIL)
    normal = NormalDist()
    return 1.0 + deviation * np.array([normal.inv_cdf(float(r)) for r in ranks])


def kronecker_steps() -> npt.NDArray[np.uint64]:
    """Steps of the additive sequence of Richtmyer: fractions of the roots of primes, 2**-64."""
    roots = [isqrt(prime << 128) for prime in PRIMES]
    return np.array([root & (2**64 - 1) for root in roots], dtype=np.uint64)


def shifts(seed: int) -> npt.NDArray[np.uint64]:
    """Random shift of each cell and dimension, uint64 [cell, DIMENSIONS]."""
    identity = np.arange(CELLS * DIMENSIONS)
    drawn = word_columns(seed, Purpose.SYNTHESIS_SHIFT, identity).astype(np.uint64)
    joined = (drawn[0] << np.uint64(32)) | drawn[1]
    return np.asarray(joined.reshape(CELLS, DIMENSIONS))


def with_seed(tables: Tables, seed: int) -> Tables:
    """The same tables for another seed."""
    low, high = split_seed(seed)
    return tables._replace(low=low, high=high, shift=shifts(seed))


def tilted_sizes(parameters: Parameters, retired: FloatArray) -> FloatArray:
    """Distribution of sizes 1..6, [cell, working or retired, 6], at each cell's mean size."""
    base = [parameters.array(f"population.sizes_{g}") for g in ("working", "retired")]
    goal, sizes = by_cell(parameters, "household_size"), np.arange(1, MAX_SIZE + 1)
    shares = np.empty((CELLS, 2, MAX_SIZE))
    for cell in range(CELLS):
        low, high = 0.2, 5.0
        for _ in range(60):
            middle = (low + high) / 2.0
            weights = [b * middle**sizes for b in base]
            shares[cell] = [w / w.sum() for w in weights]
            working, late = shares[cell] @ sizes
            mean = (1.0 - retired[cell]) * working + retired[cell] * late
            low, high = (middle, high) if mean < goal[cell] else (low, middle)
    return shares


def retired_shares(parameters: Parameters, households: FloatArray) -> FloatArray:
    """Share of retired heads by cell: follows the 60+ share, provincial mean kept."""
    ratio = np.tile(parameters.array("population.retired_residence_ratio"), len(PLACES))
    old = by_cell(parameters, "elderly_share")
    old_residence = np.repeat(
        [[np.average(old[r::2], weights=households[r::2]) for r in (0, 1)]], len(PLACES), axis=0
    ).ravel()
    shares = ratio * old / old_residence
    mean = parameters.number("population.retired_share")
    return np.asarray(shares * (mean / np.average(shares, weights=households)))


def class_shares(parameters: Parameters) -> FloatArray:
    """Work classes of working heads [cell, 5]; farmers follow the place's primary industry."""
    shares = np.empty((len(PLACES), len(RESIDENCES), len(CLASSES_OF_WORK)))
    tilt = branch_tilts(parameters)[:, 0]
    for residence, name in enumerate(WORK_SOURCES):
        shares[:, residence] = parameters.array(f"population.work_class_shares.{name}")
        farmers = np.minimum(shares[:, residence, -1] * tilt, 0.85)
        rest = shares[:, residence, :-1]
        shares[:, residence, :-1] = rest * ((1 - farmers) / rest.sum(axis=1))[:, None]
        shares[:, residence, -1] = farmers
    return shares.reshape(CELLS, -1)


def branch_tilts(parameters: Parameters) -> FloatArray:
    """Employment weight of primary, secondary, tertiary industry by place, provincial mean 1."""
    structure = parameters.array("population.structure")
    people = by_cell(parameters, "households").reshape(-1, 2).sum(axis=1)
    mean = np.average(structure, axis=0, weights=people)
    return (structure / mean) ** parameters.number("population.structure_elasticity")


def sector_shares(parameters: Parameters) -> FloatArray:
    """Sectors by cell and work class, [cell, 5, 12]; farmers work in sector 0."""
    shares = np.zeros((CELLS, len(CLASSES_OF_WORK), len(SECTORS)))
    tilt = branch_tilts(parameters)[:, BRANCH_OF_SECTOR]
    for klass, name in enumerate(SECTOR_SOURCES, start=1):
        weights = tilt * parameters.array(f"population.sector_shares.{name}")
        shares[:, klass] = np.repeat(weights / weights.sum(axis=1, keepdims=True), 2, axis=0)
    shares[:, -1, 0] = 1.0
    shares[:, 0] = shares[:, 2]
    return shares


def relative_pay(parameters: Parameters) -> FloatArray:
    """Pay by class, sector and age group relative to the cell's level, [5, 12, 4]."""
    classes = parameters.array("population.class_pay")
    sectors = parameters.array("population.sector_pay")
    ages = parameters.array("population.age_pay")
    pay = classes[:, None, None] * sectors[None, :, None] * ages
    # A farmer's relative income is the class's own: the sector does not lower it again.
    pay[-1] = (classes[-1] * ages)[None, :]
    return np.asarray(pay)


def child_chances(parameters: Parameters) -> FloatArray:
    """Chance of a child, and of a second given one, [2, size, age group]."""
    ages = parameters.array("population.child_age_factor")
    first = parameters.array("population.child_chance")[:, None] * ages
    second = np.repeat(parameters.array("population.second_child_chance")[:, None], len(ages), 1)
    return np.stack([np.minimum(first, 0.95), second])


def committed_rule(parameters: Parameters) -> tuple[FloatArray, float]:
    """Committed share [residence, working or retired, income node], and its spread."""
    name = "consumption.committed."
    if name + "maximum" in parameters:
        maximum = parameters.array(name + "maximum")
        centre, slope, late, spread = (
            parameters.number(name + key) for key in ("centre", "slope", "retired_factor", "spread")
        )
    else:
        values = parameters.array("population.committed_rule")
        maximum, (centre, slope, late, spread) = values[:2], values[2:]
    logistic = 1.0 / (1.0 + np.exp(-np.log(INCOME_GRID.nodes / centre) / slope))
    return maximum[:, None, None] * np.array([1.0, late])[:, None] * logistic, spread


def fallback_wealth(parameters: Parameters) -> FloatArray:
    """Liquid wealth quantiles in yuan where no solved table is given, [2, 3, 4, 7, 65]."""
    years = parameters.array("population.liquid_years")
    deviations = parameters.array("population.liquid_deviation")
    middle = np.minimum(np.arange(INCOME_CLASSES) * NODES_PER_CLASS + 3, INCOME_GRID.size - 1)
    income = INCOME_GRID.nodes[middle] * 12.0
    shape = np.stack([lognormal_quantiles(float(d), RANKS) for d in deviations])
    table = (years[:, None] * income)[:, :, None] * shape[:, None, :]
    return np.ascontiguousarray(
        np.broadcast_to(table, (len(RESIDENCES), len(STAGES), *table.shape)), dtype=np.float64
    )


def ownership_rates(parameters: Parameters) -> FloatArray:
    """Share of households owning each item, [item, residence, income class]."""
    rates = []
    for item in ITEMS:
        names = [f"durables.{item}.ownership_{r}" for r in RESIDENCES]
        if all(name in parameters for name in names):
            rates.append(np.stack([parameters.array(name) for name in names]))
        else:
            rates.append(parameters.array(f"population.durable_ownership.{item}"))
    return np.stack(rates)


def fallback_states(parameters: Parameters) -> FloatArray:
    """Uniform ages up to the item's life, nobody in need, [item, class, age, clock]."""
    states = np.zeros((len(ITEMS), INCOME_CLASSES, AGES, CLOCKS))
    for item, life in enumerate(parameters.array("population.durable_life")):
        states[item, :, : int(life), 0] = 1.0 / int(life)
    return states


def alias_tables(
    states: npt.NDArray[np.floating],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint16]]:
    """Alias tables of ages and clocks, [item, class, age * 13 + clock]."""
    shape = (len(ITEMS), INCOME_CLASSES, AGES * CLOCKS)
    share, other = np.empty(shape, np.float32), np.empty(shape, np.uint16)
    flat = np.asarray(states, dtype=np.float64).reshape(shape)
    for item in range(len(ITEMS)):
        for klass in range(INCOME_CLASSES):
            alias_table(flat[item, klass], share[item, klass], other[item, klass])
    return share, other


def loan_values(parameters: Parameters) -> FloatArray:
    """Amount of a new car loan by income class, yuan."""
    known = "durables.car.price" in parameters
    price = parameters.array("durables.car.price" if known else "population.car_loan_price")
    return price * parameters.number("population.car_loan_value")


def stacked(parameters: Parameters, name: str) -> FloatArray:
    """`population.<name>.rural` and `.urban`, [residence, ...]."""
    return np.stack([parameters.array(f"population.{name}.{r}") for r in RESIDENCES])


def start_tables(parameters: Parameters) -> Tables:
    """Tables before the fit of model/population_fit.py (levels at the targets, factors at 1)."""
    households = by_cell(parameters, "households")
    retired = retired_shares(parameters, households)
    income = by_cell(parameters, "income") / 12.0
    regular = 1.0 - parameters.number("population.property_income_share")
    target = parameters.array("population.target.income")[:2] * regular / 12.0
    relative = (income.reshape(-1, 2) / (target / regular)).ravel()
    deviation = parameters.array("population.pension_deviation")
    pension = np.zeros((CELLS, 3))
    elasticity = parameters.number("population.pension_place_elasticity")
    pension[:, 1] = parameters.number("population.employee_pension") * relative**elasticity
    pension[:, 2] = parameters.number("population.resident_pension")
    shock = [np.ones(QUANTILES), *(lognormal_quantiles(float(d)) for d in deviation)]
    known = "consumption.patience_shares" in parameters
    patience = parameters.array(
        "consumption.patience_shares" if known else "population.patience_shares"
    )
    middle = np.cumsum(patience) - patience / 2.0
    committed, spread = committed_rule(parameters)
    share, other = alias_tables(fallback_states(parameters))
    net = 1.0 - parameters.number("population.wage_wedge")
    low, high = split_seed(0)
    return Tables(
        low=low,
        high=high,
        step=kronecker_steps(),
        shift=shifts(0),
        retired_share=retired,
        unemployed_share=parameters.number("population.unemployment_rate"),
        early_share=parameters.array("population.early_retired"),
        older_share=parameters.array("population.older_worker"),
        ages=np.stack(
            [
                parameters.array(f"population.ages_{kind}")
                for kind in ("working", "older_worker", "early_retired", "retired")
            ]
        ),
        size_cdf=np.cumsum(tilted_sizes(parameters, retired), axis=2),
        child_chance=child_chances(parameters),
        elder_chance=np.tile(parameters.array("population.elder_chance"), (CELLS, 1)),
        second_elder=parameters.number("population.second_elder_chance"),
        couple_chance=parameters.array("population.couple_chance"),
        second_earner=parameters.array("population.second_earner_chance"),
        retired_earner=parameters.array("population.retired_earner_chance"),
        scheme_share=parameters.array("population.employee_scheme_share"),
        class_cdf=np.cumsum(class_shares(parameters), axis=1),
        sector_cdf=np.cumsum(sector_shares(parameters), axis=2),
        pay=income[:, None, None, None] * relative_pay(parameters),
        size_pay=parameters.array("population.size_pay"),
        pay_shock=np.stack(
            [lognormal_quantiles(float(d)) for d in parameters.array("population.pay_deviation")]
        ),
        retired_work_ratio=parameters.array("population.retired_work_ratio"),
        retired_other=np.tile(parameters.array("population.retired_other_income"), len(PLACES))
        * relative,
        pension=pension,
        pension_shock=np.stack(shock),
        reference=target,
        shape_at=np.tile(np.array([0.3, 0.6, 0.9, 1.25, 2.2]), (2, 1)),
        shape=np.ones((2, 5)),
        floor=np.repeat(parameters.array("population.minimum_wage") * net, 2),
        income_nodes=INCOME_GRID.nodes,
        nodes_per_class=NODES_PER_CLASS,
        quintile_bounds=np.zeros(4),
        rank_income=np.tile(np.linspace(0.0, 1e5, RANKS), (2, 2, 1)),
        patience_share=patience,
        patience_tilt=parameters.number("population.patience_income_slope") * (2.0 * middle - 1.0),
        wealth=fallback_wealth(parameters),
        committed_share=committed,
        committed_spread=normal_factors(spread),
        committed_ratio=np.ones(INCOME_GRID.size),
        committed_age=parameters.array("population.committed_age_factor"),
        committed_shock=lognormal_quantiles(parameters.number("population.committed_deviation")),
        ownership=ownership_rates(parameters),
        state_share=share,
        state_alias=other,
        digital_none=stacked(parameters, "digital_none"),
        digital_mean=stacked(parameters, "digital_mean"),
        loan_share=parameters.number("population.car_loan_share"),
        loan_term=int(parameters.number("population.car_loan_term")),
        loan_value=loan_values(parameters),
    )
