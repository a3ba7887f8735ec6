"""The synthetic population: exact counts, published margins, independence of order and threads."""

import csv

import numpy as np
import pytest

from calibration import distil_population
from model import population as population_module
from model.dimensions import ITEMS, NOT_OWNED, PLACES, THRIFT_UNIT
from model.parameters import load_parameters
from model.population import segments_at, synthesise
from model.population_fit import _FITS, Rows
from model.population_margins import margins
from model.population_tables import committed_rule
from model.solvers.grids import INCOME_GRID

TOTAL = 17_467_111


@pytest.fixture(scope="module")
def parameters():
    return load_parameters()


@pytest.fixture(scope="module")
def people(parameters):
    return synthesise(parameters, 1000, 1)


@pytest.fixture(scope="module")
def found(people, parameters):
    return {m.name: m for m in margins(people, parameters)}


def columns(population):
    return {name: getattr(population, name) for name in Rows._fields}


def households_of(parameters):
    names = [f"population.households.{r}" for r in ("rural", "urban")]
    return np.stack([parameters.array(n) for n in names], axis=1).astype(np.int64)


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left.rows, right.rows, strict=True))


@pytest.mark.parametrize("scale", [10_000, 1000, 100, 7, 1])
def test_segments_add_up_to_the_census(parameters, scale):
    counts = households_of(parameters)
    assert counts.sum() == TOTAL
    segments = segments_at(counts, scale)
    assert np.array_equal(segments[1:, 0], segments[:-1, 1])
    assert segments[0, 0] == 0
    totals = np.zeros_like(counts)
    np.add.at(
        totals, (segments[:, 2], segments[:, 3]), (segments[:, 1] - segments[:, 0]) * segments[:, 4]
    )
    assert np.array_equal(totals, counts)
    if scale == 1:
        assert segments[-1, 1] == TOTAL


@pytest.mark.parametrize("scale", [10_000, 1000, 100])
def test_weights_of_rows_match_counts(parameters, scale):
    drawn = synthesise(parameters, scale, 5)
    totals = np.zeros_like(households_of(parameters))
    np.add.at(totals, (drawn.place, drawn.urban), drawn.weight)
    assert np.array_equal(totals, households_of(parameters))
    for start, stop, place, residence, weight in drawn.segments.tolist():
        assert set(drawn.place[start:stop]) == {place}
        assert set(drawn.urban[start:stop]) == {residence}
        assert set(drawn.weight[start:stop].tolist()) == {weight}


def test_scale_below_one(parameters):
    with pytest.raises(ValueError, match="scale"):
        synthesise(parameters, 0, 1)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("households", 0.0),
        ("persons", 0.005),
        ("urban_share", 0.005),
        ("retired_heads", 0.01),
        ("elderly_share", 0.015),
        ("child_share", 0.03),
        ("employed", 0.01),
        ("unemployment", 0.03),
        ("employee_pensioners", 0.02),
        ("resident_pensioners", 0.03),
        ("employee_pension", 0.02),
        ("resident_pension", 0.02),
        ("income.urban", 0.01),
        ("income.rural", 0.015),
        ("income.all", 0.01),
        ("committed", 0.05),
    ],
)
def test_margin_at_one_in_a_thousand(found, name, tolerance):
    assert abs(found[name].relative_error) <= tolerance, found[name]


def test_income_by_city_and_fifth(found):
    for place in PLACES[:-1]:
        assert abs(found[f"income_place.{place}"].relative_error) < 0.05, place
    for name, margin in found.items():
        if name.startswith("quintile."):
            assert abs(margin.relative_error) < 0.05, margin


def test_finer_populations_are_closer(parameters):
    fine = {m.name: m for m in margins(synthesise(parameters, 100, 3), parameters)}
    for name in ("income.urban", "income.rural", "income.all", "employed"):
        assert abs(fine[name].relative_error) < 0.006, fine[name]


def test_threads_and_chunks_do_not_matter(parameters, people, monkeypatch):
    assert same(people, synthesise(parameters, 1000, 1, workers=1))
    monkeypatch.setattr(population_module, "CHUNK", 101)
    chopped = synthesise(parameters, 1000, 1, workers=4)
    assert same(people, chopped)
    assert np.array_equal(people.anchor, chopped.anchor)


def test_bytes_survive_a_new_fit(parameters, people, monkeypatch, tmp_path):
    monkeypatch.setenv("TIZHEN_CACHE", str(tmp_path))
    _FITS.clear()
    assert same(people, synthesise(parameters, 1000, 1))


def test_seed_changes_nearly_every_household(parameters, people):
    other = synthesise(parameters, 1000, 2)
    assert (people.earnings != other.earnings).mean() > 0.9
    assert np.array_equal(people.weight, other.weight)


def test_a_household_keeps_its_attributes_at_another_scale(parameters, people):
    finer = synthesise(parameters, 500, 1)
    assert len(np.unique(finer.id)) == len(finer)
    _, mine, theirs = np.intersect1d(people.id, finer.id, return_indices=True)
    assert len(mine) == len(people)
    for name, column in columns(people).items():
        if name != "weight":
            other = getattr(finer, name)
            assert np.array_equal(column[..., mine], other[..., theirs]), name


def test_identifier_holds_place_and_residence(people):
    assert np.array_equal(people.id >> np.uint64(40), people.place)
    assert np.array_equal((people.id >> np.uint64(36)) & np.uint64(15), people.urban)


def test_households_are_coherent(people):
    working = people.stage < 2
    assert (people.children < people.size).all()
    assert (people.pensioners <= people.size - people.children).all()
    assert np.array_equal(people.scheme == 0, people.pensioners == 0)
    assert (people.earners[working] >= 1).all()
    assert people.earners.max() == 2
    assert (people.earners <= people.size).all()
    assert (people.pensioners[~working] >= 1).all()
    assert np.array_equal(people.age_group, np.digitize(people.age, [35, 50, 60]))
    assert np.array_equal(people.group, people.quintile * 4 + people.age_group)
    assert np.array_equal(people.work_class == 0, ~working)
    assert (people.sector[people.work_class == 4] == 0).all()
    assert people.sector.max() == 11
    assert (people.earnings[working] > 0).all()
    assert np.isfinite(people.earnings).all()
    assert (people.liquid >= 0).all()
    assert people.liquid.max() > 0
    assert (people.debt >= people.instalment).all()
    assert people.size.min() == 1
    assert people.size.max() == 6
    assert (people.digital[people.durable[5] == NOT_OWNED] == 0).all()


def test_farmers_live_in_the_countryside_mainly(people):
    farmers = people.work_class == 4
    rural = people.weight[farmers & (people.urban == 0)].sum()
    assert rural / people.weight[farmers].sum() > 0.7


def test_covered_pay_piles_up_at_the_minimum_wage(people, parameters):
    net = 1 - parameters.number("population.wage_wedge")
    floor = parameters.array("population.minimum_wage")[people.place] * net
    wage = people.earnings / np.maximum(people.earners, 1)
    covered = people.work_class == 1
    assert (wage[covered] >= floor[covered] * (1 - 1e-12)).all()
    at_floor = (np.abs(wage - floor) < 1e-6)[covered].mean()
    assert 0.02 < at_floor < 0.15
    just_above = ((wage > floor * 1.0001) & (wage < floor * 1.02))[covered].mean()
    assert at_floor > 3 * just_above
    assert (wage < floor)[people.work_class == 2].mean() > 0.05


def test_pay_differs_by_sector(people):
    mean = {
        s: np.average(people.earnings[m], weights=people.weight[m])
        for s in (6, 8, 10, 11)
        if (m := (people.work_class == 1) & (people.urban == 1) & (people.sector == s)).any()
    }
    assert mean[6] < mean[10] < mean[11]
    assert mean[8] < mean[10]


def test_anchor_preserves_mean_earnings(people):
    anchor = people.anchor[people.place, people.urban, people.work_class, people.sector]
    assert people.anchor.shape == (15, 2, 5, 12)
    assert (people.anchor[:, :, 1:] > 0).all()
    for place in (0, 7):
        for klass in (0, 1, 2, 3):
            mine = (people.place == place) & (people.urban == 1) & (people.work_class == klass)
            expected = (anchor * people.weight)[mine].sum()
            assert (people.earnings * people.weight)[mine].sum() == pytest.approx(
                expected, rel=1e-4
            )


def test_patience_shares_and_order(people, parameters):
    shares = np.bincount(people.patience, people.weight) / people.weight.sum()
    name = "consumption.patience_shares"
    wanted = parameters.array(name if name in parameters else "population.patience_shares")
    assert np.abs(shares - wanted).max() < 0.01
    income = people.earnings + people.pension
    means = [np.average(income[people.patience == k]) for k in range(4)]
    assert means == sorted(means)
    assert means[3] > 1.3 * means[0]


def test_ownership_rises_with_income(parameters):
    drawn = synthesise(parameters, 200, 4)
    index, _ = INCOME_GRID.locate(drawn.earnings + drawn.pension)
    klass = index // 6
    for item, name in enumerate(ITEMS):
        owned = drawn.durable[item] != NOT_OWNED
        for residence in (0, 1):
            rates = [
                owned[m].mean()
                for k in range(6)
                if (m := (klass == k) & (drawn.urban == residence)).sum() > 400
            ]
            assert (np.diff(rates) > -0.03).all(), (name, residence, rates)
    ages, clocks = drawn.durable >> 4, drawn.durable & 15
    owned = drawn.durable != NOT_OWNED
    assert ages[owned].max() < 240
    assert clocks[owned].max() <= 12


def test_solved_tables_are_used(parameters):
    wealth = np.full((2, 3, 4, 7, 9), 1234.5)
    states = np.zeros((8, 7, 240, 13))
    states[:, :, 37, 2] = 1.0
    states[:, :, 100, 0] = 3.0
    drawn = synthesise(parameters, 2000, 1, wealth, states)
    assert (drawn.liquid == 123_450).all()
    owned = drawn.durable[drawn.durable != NOT_OWNED]
    assert set(owned.tolist()) == {37 * 16 + 2, 100 * 16}
    assert (owned == 100 * 16).mean() == pytest.approx(0.75, abs=0.01)
    wealth[:] = np.arange(7.0)[:, None]
    drawn = synthesise(parameters, 2000, 1, wealth)
    income, usual = drawn.earnings + drawn.pension, committed_rule(parameters)[0]
    node, position = INCOME_GRID.locate(income)
    shares = usual[drawn.urban, (drawn.stage == 2).astype(int)]
    rows = np.arange(income.size)
    share = shares[rows, node] * (1 - position) + shares[rows, node + 1] * position
    index, _ = INCOME_GRID.locate(income * (1 - share * drawn.thrift * THRIFT_UNIT))
    assert (drawn.liquid == index // 6 * 100).mean() > 0.99
    with pytest.raises(ValueError, match="wealth_quantiles"):
        synthesise(parameters, 2000, 1, wealth[:, :2])


def test_parameters_move_the_population(parameters):
    less = parameters.with_values({"population.retired_share": 0.30})
    found = {m.name: m for m in margins(synthesise(less, 1000, 1), less)}
    assert found["retired_heads"].value == pytest.approx(0.30, rel=0.02)
    assert abs(found["income.all"].relative_error) < 0.015


def test_committed_parameters_equal_the_distillation():
    text = distil_population.TARGET.read_text(encoding="utf-8")
    assert text == distil_population.as_text(distil_population.distil())


def test_distilled_incomes_keep_the_published_rank_order(parameters):
    persons = households_of(parameters) * np.stack(
        [parameters.array(f"population.household_size.{r}") for r in ("rural", "urban")], axis=1
    )
    income = np.stack(
        [parameters.array(f"population.income.{r}") for r in ("rural", "urban")], axis=1
    )
    means = (persons * income).sum(axis=1) / persons.sum(axis=1)
    with (distil_population.HERE / "data" / "city.csv").open(encoding="utf-8") as file:
        ranks = {
            r["city"]: float(r["value"])
            for r in csv.DictReader(file)
            if r["indicator"] == "人均可支配收入全省排名"
        }
    ordered = sorted(ranks, key=lambda city: ranks[city])
    values = [means[distil_population.CITY_NAMES.index(city)] for city in ordered]
    # Fushun and Liaoyang, ranks 7 and 8, lie within 2% and rest on different kinds of evidence.
    assert len(values) == 10
    assert (np.diff(values) < 0).all()
    total = (persons * income).sum() / persons.sum()
    assert total == pytest.approx(37_992, rel=1e-3)
