"""Registered agents, the household panel and DataCollector, on either version of Mesa."""

from __future__ import annotations

import gc
import time
import tracemalloc
from types import SimpleNamespace
from typing import Any

import mesa
import numpy as np
import pytest

from model.agents.array_agents import ArrayAgentSet
from model.agents.firms import FirmState
from model.agents.views import (
    Bank,
    City,
    FirmCell,
    Household,
    Outside,
    Province,
    household_set,
    register_agents,
    register_panel,
)
from model.dimensions import PLACES, SECTORS
from model.ledger import BANK, CITIES, FIRMS, OUTSIDE, PROVINCE, Ledger
from model.markets.labour import LabourState
from tests import month_inputs

COUNT = 1000
SHAPE = (len(PLACES), len(SECTORS))


class Toy(mesa.Model):
    """A model with array households and object firms, as the real one has."""

    def __init__(self, count: int = COUNT, panel: int = 200) -> None:
        super().__init__(rng=1)
        self.markets = markets()
        register_agents(self, self.markets)
        columns, parts = month_inputs.columns(count), month_inputs.segments(count)
        self.households = household_set(self, columns, parts, seed=5)
        register_panel(self, self.households, panel)
        self.datacollector = mesa.DataCollector(
            model_reporters={"liquid": lambda m: m.households.agg("liquid", sum, weighted=True)},
            agenttype_reporters={
                FirmCell: {"price": "price", "deposits": "deposits"},
                Household: {"liquid": "liquid", "rich": lambda h: h.liquid > 1_000_000},
            },
        )

    def step(self) -> None:
        self.households.liquid = self.households.liquid + 100
        self.markets.firms.price = self.markets.firms.price * 2
        self.datacollector.collect(self)


def markets() -> Any:
    """Arrays in which every cell has a number of its own."""
    grid = np.arange(SHAPE[0] * SHAPE[1], dtype=float).reshape(SHAPE)
    places = np.arange(SHAPE[0])
    firms = FirmState(*(grid + 1000 * k for k in range(6)), places, grid.astype(np.int64))
    labour = LabourState(*(places + 0.5 * k for k in range(3)), grid, places)
    ledger = Ledger()
    ledger.positions[:] = np.arange(ledger.positions.size).reshape(ledger.positions.shape)
    arrears = np.arange(16 * 180).reshape(16, 180)
    return SimpleNamespace(
        firms=firms, labour=labour, ledger=ledger, governments=SimpleNamespace(arrears=arrears)
    )


def test_ids_are_stable_unique_and_apart_from_objects() -> None:
    toy = Toy()
    ids = toy.households.get("unique_id")
    assert len(np.unique(ids)) == COUNT
    assert ids[5] == toy.households[5].unique_id
    assert ids.min() > max(agent.unique_id for agent in toy.agents)
    parts = month_inputs.segments(COUNT)
    place, residence, start = parts[-1, 2], parts[-1, 3], parts[-2, 0]
    assert ids[-1] == 1 << 44 | place << 40 | residence << 36 | (COUNT - 1 - start)


def test_households_are_not_kept_as_objects() -> None:
    toy = Toy(count=20_000)
    gc.collect()
    tracemalloc.start()
    everybody = ArrayAgentSet(toy.households._store)
    held = tracemalloc.get_traced_memory()[0]
    assert sum(h.liquid for h in everybody) == everybody.agg("liquid", sum)
    everybody.do(lambda h: setattr(h, "note", h.liquid))
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 2_000
    assert after - held < 5 * len(toy.households), "objects would take hundreds of bytes each"
    gc.collect()
    assert not [kept for kept in gc.get_objects() if type(kept) is Household]
    assert len(toy.agents) == 180 + 15 + 3


def test_data_collector_and_model() -> None:
    toy = Toy()
    before = toy.households.agg("liquid", sum, weighted=True)
    people = toy.households.count(weighted=True)
    toy.step()
    toy.step()
    assert toy.steps == 2
    model_frame = toy.datacollector.get_model_vars_dataframe()
    assert model_frame["liquid"].tolist() == [before + 100 * people, before + 200 * people]
    households = toy.datacollector.get_agenttype_vars_dataframe(Household)
    assert len(households) == 2 * 200
    panel = toy.agents_by_type[Household]
    last = households.xs(2, level="Step")
    assert last["liquid"].tolist() == panel.get("liquid").tolist()
    assert last.index.tolist() == panel.get("unique_id").tolist()
    assert last["rich"].tolist() == [liquid > 1_000_000 for liquid in panel.liquid.tolist()]
    firms = toy.datacollector.get_agenttype_vars_dataframe(FirmCell)
    assert len(firms) == 2 * 180
    assert (firms.xs(2, level="Step")["price"] == toy.markets.firms.price.ravel()).all()
    assert Household in toy.agent_types
    assert len(toy.agents_by_type[City]) == 15


def test_objects_read_their_own_cell_and_account() -> None:
    toy = Toy(count=100)
    state, positions = toy.markets, toy.markets.ledger.positions
    cells = list(toy.agents_by_type[FirmCell])
    assert [(c.place, c.sector) for c in cells] == list(np.ndindex(SHAPE))
    names = {"price": "price", "expected_sales": "expected", "capacity": "capacity",
             "employment": "employment", "wage_cost": "wage_cost", "variety": "variety",
             "months_short_of_cash": "short_of_cash"}  # fmt: skip
    for ours, theirs in names.items():
        assert [getattr(c, ours) for c in cells] == getattr(state.firms, theirs).ravel().tolist()
    assert [c.deposits for c in cells] == positions[0, FIRMS].tolist()
    assert [c.loans for c in cells] == (-positions[3, FIRMS]).tolist()
    assert [c.arrears for c in cells] == positions[5, FIRMS].tolist()
    with pytest.raises(AttributeError):
        cells[0].price = 2.0
    cities = list(toy.agents_by_type[City])
    assert [c.debt for c in cities] == (-positions[4, CITIES]).tolist()
    assert [c.unpaid_bills for c in cities] == state.governments.arrears[:15].sum(axis=1).tolist()
    assert [c.wage for c in cities] == state.labour.wage.tolist()
    assert [c.unemployment for c in cities] == state.labour.unemployment.tolist()
    assert [(f.place, f.sector) for f in cities[4].firms] == [(4, s) for s in range(12)]
    accounts = {Province: PROVINCE, Bank: BANK, Outside: OUTSIDE}
    for kind, account in accounts.items():
        (single,) = toy.agents_by_type[kind]
        assert single.deposits == positions[0, account][0]
        assert single.net_worth == positions[:, account].sum()
    (bank,) = toy.agents_by_type[Bank]
    assert [bank.consumer_loans, bank.firm_loans] == positions[[2, 3], BANK.start].tolist()
    (province,) = toy.agents_by_type[Province]
    assert province.unpaid_bills == state.governments.arrears[15].sum()


def test_objects_are_built_quickly() -> None:
    def build() -> float:
        model = mesa.Model(rng=1)
        state, start = markets(), time.perf_counter()
        register_agents(model, state)
        return time.perf_counter() - start

    assert min(build() for _ in range(10)) < 0.005
