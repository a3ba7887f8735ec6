"""The assembled economy as a Mesa user meets it; the population command."""

from __future__ import annotations

import gc
import json
import weakref

import mesa
import pytest
from typer.testing import CliRunner

from app.cli import build
from model.agents.views import City, FirmCell, Household
from model.dimensions import PLACES, SECTORS
from model.economy import Economy
from model.scenario import load_scenario


@pytest.fixture(scope="module")
def economy() -> Economy:
    return Economy(load_scenario("baseline").changed(scale=10000, months=3), seed=1)


def test_economy_is_a_mesa_model(economy: Economy) -> None:
    assert isinstance(economy, mesa.Model)
    assert len(economy.agents_by_type[FirmCell]) == len(PLACES) * len(SECTORS)
    assert len(economy.agents_by_type[City]) == len(PLACES)
    assert len(economy.households) == len(economy.household_block)


def test_households_answer_like_an_agent_set(economy: Economy) -> None:
    poor = economy.households.select(lambda h: h.liquid < 100_000)
    assert 0 < len(poor) < len(economy.households)
    one = next(iter(poor))
    assert isinstance(one, Household)
    assert isinstance(one, mesa.Agent)
    assert one.liquid < 100_000
    counted = economy.households.agg("weight", sum)
    assert counted == 17_467_111


def test_data_collector_watches_firms_and_households(economy: Economy) -> None:
    collector = mesa.DataCollector(
        model_reporters={"wealth": lambda m: int(m.flows.liquid.sum())},
        agenttype_reporters={FirmCell: {"price": "price"}, Household: {"liquid": "liquid"}},
    )
    for _ in range(2):
        economy.step()
        collector.collect(economy)
    assert len(collector.get_model_vars_dataframe()) == 2
    assert len(collector.get_agenttype_vars_dataframe(FirmCell)) == 2 * len(PLACES) * len(SECTORS)
    assert len(collector.get_agenttype_vars_dataframe(Household)) >= 200


def test_a_finished_economy_is_let_go() -> None:
    """A sweep of thousands of runs must not keep them all."""
    scenario = load_scenario("baseline").changed(scale=10000, months=1)
    one, other = Economy(scenario, seed=1), Economy(scenario, seed=1)
    numbers = [[agent.unique_id for agent in economy.agents] for economy in (one, other)]
    assert numbers[0] == numbers[1] == list(range(1, len(numbers[0]) + 1))
    one.run()
    kept = weakref.ref(one)
    del one
    gc.collect()
    assert kept() is None


def test_population_command_prints_margins_with_targets() -> None:
    done = CliRunner().invoke(build(), ["population", "--json"])
    assert done.exit_code == 0, done.output
    rows = {row["name"]: row for row in json.loads(done.stdout)["margins"]}
    assert rows["households"]["relative_error"] == 0
    assert {"value", "target", "unit", "grade"} <= set(rows["persons"])
    assert CliRunner().invoke(build(), ["population", "nowhere"]).exit_code == 2
