"""Programmes that households read: nothing for nothing, nested reach, bills equal to what moved."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from model.agents import household_layout as layout
from model.agents.household_grants import receive_grants
from model.agents.household_kernel import month_of_chunks
from model.agents.household_layout import TOTALS, field
from model.agents.household_month import pack_grants
from model.agents.kernel_common import make_scratch
from model.dimensions import CATEGORIES, PLACES, RESIDENCES, SECTORS
from model.economy import Economy
from model.parameters import load_parameters
from model.policy.beliefs import Beliefs, reformed
from model.policy.instruments import PROTECTIONS, Grant, Instruments
from model.policy.levers.base import Setting, by_place
from model.policy.levers.grants import GrantsLever
from model.policy.levers.reach import mark_share, reach, target
from model.policy.levers.social_protection import part_of
from model.policy.setting_types import Eligible
from model.policy.settings_people import GRANT_SLOTS, MARKS, Grants
from model.scenario import ScenarioError
from model.solvers.consumption import consumption_tables
from model.spending import at_effective_prices, engel_shares
from tests import month_inputs
from tests.economies import Policies, household_spending, scenario, unequal
from tests.month_inputs import Policy

START = {"start": "2025-10"}
CENTRE = {"payers": {"central": 1.0}}
NOTHING: Policies = {
    "grants": {"lever": "grants", **START, "who": "student", "yuan": 0},
    "yearly": {"lever": "grants", **START, "yuan": 500, "reach": 0, "payment": "yearly"},
    "saving": {"lever": "saving_scheme", **START, "points": 0, "yuan_per_year": 12_000},
    "funds": {"lever": "saving_scheme", **START, "points": 9, "yuan_per_year": 0, "into": "funds"},
    "gifts": {"lever": "gifts", **START, "category": "food", "month": 11, "yuan": 0,
              "displaced": 0.5},
    "protection": {"lever": "social_protection", **START},
    "allowance": {"lever": "living_allowance", **START, "line_percent": 0},
    "credit": {"lever": "credit", **START, "categories": ["cars"]},
    "access": {"lever": "access", **START, "wedge_percent": {"culture": 0}},
}  # fmt: skip
EVERYTHING: Policies = {
    "child": {"lever": "grants", **START, "who": "child_under_3", "yuan": 300, "ramp_months": 3,
              "payers": {"central": 0.5, "province": 0.3, "cities": 0.2}},
    "student": {"lever": "grants", **START, "who": "student", "yuan": 1000, "payment": "yearly",
                "payers": {"province": 1.0}},
    "lottery": {"lever": "grants", **START, "reach": 0.01, "yuan": 100, "redrawn": True, **CENTRE},
    "deposit": {"lever": "saving_scheme", **START, "points": 5, "yuan_per_year": 12_000},
    "funds": {"lever": "saving_scheme", **START, "who": "flexible_worker", "points": 20,
              "yuan_per_year": 6000, "into": "funds"},
    "gift": {"lever": "gifts", **START, "category": "food", "month": 11, "yuan": 300,
             "displaced": 0.5, "payers": {"firms": 1.0}},
    "medical": {"lever": "social_protection", **START, "out_of_pocket_points": 5,
                "benefit_percent": 20, "benefit_cover_points": 30, "old_age_points": 5,
                "payers": {"province": 1.0}},
    "more": {"lever": "social_protection", **START, "out_of_pocket_points": 2,
             "cities": ["shenyang", "dalian"], "payers": {"cities": 1.0}},
    "allowance": {"lever": "living_allowance", **START, "line_percent": 20,
                  "payers": {"province": 1.0}},
    "credit": {"lever": "credit", **START, "categories": ["cars"], "loan_to_value_points": 10,
               "term_months": 12, "instalment_cap_points": 10, "interest_subsidy_points": 1,
               **CENTRE},
    "access": {"lever": "access", **START, "wedge_percent": {"culture": -20},
               "cost_yi_yuan_per_year": 1, "payers": {"cities": 1.0}},
}  # fmt: skip
PARAMETERS = load_parameters()
BY_LEVER = ("payments", "direct_costs")  # have an axis of policies


def one(policy: dict[str, Any]) -> Policies:
    return {"programme": {**START, **policy}}


# -- nothing for nothing ------------------------------------------------------------------------


def test_programmes_of_no_size_change_no_bit() -> None:
    base, null = Economy(scenario(None, months=4)), Economy(scenario(NOTHING, months=4))
    for _ in range(4):
        base.step()
        null.step()
        assert unequal(base.household_block.columns, null.household_block.columns) == []
        assert np.array_equal(base.totals, null.totals)
        assert null.payments == []
        assert null.surface.grants == []
    one_run, other = base.outcome(), null.outcome()
    shared = [name for name in one_run if name not in BY_LEVER]
    assert [n for n in shared if (one_run[n].values != other[n].values).any()] == []
    assert not any(other[name].values.any() for name in BY_LEVER)


# -- money --------------------------------------------------------------------------------------


def paid(economy: Economy, *levers: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What the levers pay this month by place, fen."""
    due = [p.amounts.reshape(len(PLACES), -1) for p in economy.payments if p.lever in levers]
    return sum((amounts.sum(axis=1) for amounts in due), np.zeros(len(PLACES), np.int64))


def test_bills_are_what_moved() -> None:
    """The books close every month (the ledger checks them), and no bill is invented."""
    economy = Economy(scenario(EVERYTHING, months=3))
    for _ in range(3):
        economy.step()
        moved = by_place(economy.totals, "granted")
        for slot, grant in enumerate(economy.surface.grants):
            if grant.lever != "deposit":
                assert np.array_equal(paid(economy, grant.lever), moved[:, slot]), grant.lever
        covered = by_place(economy.totals, "medical_covered")[:, 0]
        assert (np.abs(paid(economy, "medical", "more") - covered) <= 1).all()
        assert covered.sum() > 0
        for lever, total in (("allowance", "allowance_rise"), ("credit", "interest_subsidy")):
            assert np.array_equal(paid(economy, lever), by_place(economy.totals, total)[:, 0])
            assert paid(economy, lever).sum() > 0
    assert economy.outcome()["direct_costs"].values.sum() > 0


def test_parts_of_a_ratio_add_up() -> None:
    due, mine = np.array([1000] * 15), np.linspace(0.0, 0.2, 15)
    assert np.array_equal(part_of(due, mine, mine), np.where(mine > 0, 1000, 0))
    assert (part_of(due, mine, mine * 2)[1:] == 500).all()


# -- who is reached -----------------------------------------------------------------------------


def incomes(policy: Policy, number: int = 0) -> np.ndarray[Any, np.dtype[np.int64]]:
    columns, parts = month_inputs.columns(3000), month_inputs.segments(3000)
    totals = np.zeros((month_inputs.CELLS, TOTALS), np.int64)
    work = month_inputs.chunks(parts, 4096)
    month_of_chunks(columns, month_inputs.month(number, policy), make_scratch(), totals, work)
    return columns.income


def test_a_larger_reach_contains_the_smaller() -> None:
    base = incomes(Policy())
    reached = [incomes(Policy(grants=1, grant_reach=share)) > base for share in (0.1, 0.3, 0.9)]
    assert 0 < reached[0].sum() < reached[1].sum() < reached[2].sum()
    for small, large in ((0, 1), (1, 2)):
        assert not (reached[small] & ~reached[large]).any()


def test_the_same_households_every_month() -> None:
    """Except those whose group or stage moves them out of reach."""
    first, second = (
        incomes(Policy(grants=1, grant_reach=0.3), number) > incomes(Policy(), number)
        for number in (0, 1)
    )
    assert (first & second).sum() > 0.9 * first.sum()


def draws_below(grant: Grant) -> set[int]:
    """Index of the households of Shenyang's country that a grant reaches in two months."""
    packed, found = pack_grants([grant]), set()
    for month in (0, 1):
        m = SimpleNamespace(**packed, trend=1.0, month=month, plan_gain=0.1)
        for index in range(500):
            h = SimpleNamespace(
                index=index, place=0, residence=0, group=0, stage=0, cash=0, income_now=0,
                spendable=1.0, plan_income=1.0,
            )  # fmt: skip
            receive_grants(h, m, lambda *_: None)
            found |= {index + 1000 * month} if h.cash else set()
    return found


def test_programmes_for_one_kind_meet_the_same_households() -> None:
    half = np.full((30, 20, 3), 2**31)
    first, same = Grant("a", 3, half, 5, "money"), Grant("b", 3, half, 9, "money")
    other, drawn = Grant("c", 4, half, 5, "money"), Grant("d", 3, half, 5, "money", redrawn=True)
    months = [{i % 1000 for i in draws_below(g) if i // 1000 == k} for g in (first, drawn)
              for k in (0, 1)]  # fmt: skip
    assert draws_below(first) == draws_below(same) != draws_below(other)
    assert months[0] == months[1]
    assert months[2] != months[3]


@pytest.mark.parametrize("who", MARKS)
def test_kinds_have_the_share_of_the_parameters(who: str) -> None:
    """Within five standard errors of a draw of all households of the sample."""
    grant = one({"lever": "grants", "who": who, "yuan": 1, **CENTRE})
    economy = Economy(scenario(grant, months=1, scale=2000))
    economy.step()
    homes = field(economy.totals, "granted")[:, 0].sum() / 100
    groups, stages = economy.household_block.columns.group, economy.household_block.columns.stage
    expected = simulated = 0.0
    share = mark_share(PARAMETERS, who)
    for start, stop, place, residence, weight in economy.household_block.segments.tolist():
        each = share[place * 2 + residence, groups[start:stop], stages[start:stop]]
        expected += weight * each.sum()
        simulated += weight**2 * (each * (1.0 - each)).sum()
    assert abs(homes - expected) <= 5.0 * np.sqrt(simulated)
    assert expected > 0


def test_the_allowance_kind_is_poor_and_conditions_hold() -> None:
    found = mark_share(PARAMETERS, "low_income").reshape(30, 5, 4, 3)
    assert (found[:, 1:] == 0).all()
    assert (found[:, 0] > 0).all()
    old = Eligible(age_groups=("60_and_over",), residence=("rural",), places=("dalian",))
    reached = reach(target(PARAMETERS, "everyone", old, ("dalian", "anshan")), 0.5)
    assert (reached.reshape(30, 5, 4, 3)[2, :, 3] == 2**31).all()
    assert np.count_nonzero(reached) == 5 * 3


# -- when money comes ---------------------------------------------------------------------------


@cache
def _economy() -> Economy:
    economy = Economy(scenario(None, months=1))
    economy.step()
    return economy


def grants_by_month(delivered: list[float], **changed: Any) -> list[Grant | None]:
    economy, months = _economy(), len(delivered)
    settings = Grants(lever="grants", start="2025-10", yuan=1200, **changed)
    lever, found = GrantsLever("g", settings, np.array(delivered)), []
    for month in range(months):
        setting = Setting(PARAMETERS, month, 1.0, economy.residents, economy, 1, economy.opening)
        surface = Instruments.neutral(PARAMETERS.array("population.minimum_wage"))
        lever.act(setting, surface)
        found.append(surface.grants[0] if surface.grants else None)
    return found


def test_monthly_money_widens_with_delivery() -> None:
    found = grants_by_month([0.0, 0.5, 1.0])
    assert found[0] is None
    assert found[1] is not None
    assert found[2] is not None
    assert (found[1].reach * 2 == found[2].reach).all()
    assert found[1].amount == found[1].regular == 120_000


def test_yearly_money_comes_when_delivery_is_complete_and_counts_every_month() -> None:
    found = grants_by_month([0.0, 0.5, *[1.0] * 14], payment="yearly")
    paid_in = [month for month, grant in enumerate(found) if grant is not None and grant.amount]
    assert paid_in == [2, 14]
    assert [g.regular for g in found[2:] if g is not None] == [10_000] * 14
    assert found[:2] == [None, None]


def test_single_money_comes_once_and_never_lasts() -> None:
    found = grants_by_month([0.5, 1.0, 1.0, 1.0], payment="once")
    assert [g.amount if g else None for g in found] == [None, 120_000, None, None]
    assert found[1] is not None
    assert found[1].regular == 0


def test_redrawn_money_is_nobodys_permanent_income() -> None:
    found = grants_by_month([1.0], redrawn=True)
    assert found[0] is not None
    assert found[0].redrawn
    assert found[0].regular == 0


# -- what households do -------------------------------------------------------------------------


def spending(policies: Policies | None, months: int = 3) -> float:
    return float(household_spending(Economy(scenario(policies, months=months))).sum())


@pytest.mark.parametrize("into", ["committed_deposits", "funds"])
def test_locking_money_away_lowers_consumption_now(into: str) -> None:
    plan = {"lever": "saving_scheme", "points": 50, "yuan_per_year": 6000, "into": into}
    assert spending(one(plan)) < spending(None)


def test_lasting_money_is_spent_faster_than_a_windfall() -> None:
    gift = {"lever": "grants", "yuan": 500, **CENTRE}
    lasting, windfall = spending(one(gift)), spending(one({**gift, "lasting": False}))
    assert lasting > windfall > spending(None)


def test_gifts_are_consumed_and_partly_replace_purchases_later() -> None:
    gift = {"lever": "gifts", "who": "everyone", "category": "food", "month": 10, "yuan": 1000,
            "displaced": 1.0, **CENTRE}  # fmt: skip
    runs = [Economy(scenario(p, months=8)) for p in (None, one(gift))]
    food, found = CATEGORIES.index("food"), []
    for _ in range(8):
        for economy in runs:
            economy.step()
        base, given = (economy.flows.consumption[:, :, food].sum() for economy in runs)
        found.append(float(given - base))
    assert found[0] > 0.9 * 1000 * 100 * runs[1].household_block.households.sum()
    assert min(found[3:6]) < 0.0


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_protection_raises_planned_consumption(protection: str) -> None:
    """At every fear, residence, stage and patience, to the precision of the solution."""
    base = consumption_tables(PARAMETERS).values
    better = consumption_tables(reformed(PARAMETERS, protection)).values
    change = (better - base).mean(axis=(-2, -1)) / base.mean(axis=(-2, -1))
    assert change.min() > -1e-6
    assert change.max() > 1e-3


def test_beliefs_raise_spending_slowly() -> None:
    plan = one({"lever": "social_protection", "old_age_points": 10})
    runs = [Economy(scenario(p, months=10)) for p in (None, plan)]
    gains, weights = [], []
    for _ in range(10):
        for economy in runs:
            economy.step()
        gains.append(_spent(runs[1]) - _spent(runs[0]))
        weights.append(float(runs[1].surface.protection[PROTECTIONS.index("old_age")]))
    assert all(later > sooner for sooner, later in pairwise(weights))
    assert 0.0 < weights[0] < weights[-1] < 1.0
    assert sum(gains) > 0.0


def _spent(economy: Economy) -> int:
    return int(economy.flows.consumption.sum())


def test_todays_beliefs_are_todays_tables() -> None:
    world = _economy().world
    beliefs = Beliefs(PARAMETERS, [])
    assert beliefs.world(world, np.zeros(3)) is world


def test_covered_bills_and_benefits_reach_households() -> None:
    plan = one({"lever": "social_protection", "out_of_pocket_points": 10, "benefit_percent": 20,
                "benefit_cover_points": 50, "payers": {"province": 1.0}})  # fmt: skip
    base, better = Economy(scenario(None, months=1)), Economy(scenario(plan, months=1))
    base.step()
    better.step()
    sums = [{n: int(field(e.totals, n).sum()) for n in ("medical", "medical_covered", "benefits")}
            for e in (base, better)]  # fmt: skip
    assert sums[1]["medical"] < sums[0]["medical"]
    assert sums[1]["benefits"] > 1.2 * sums[0]["benefits"]
    care = SECTORS.index("care_services")
    bought = [p for p in better.payments if p.receiver == "suppliers"]
    assert sum(int(p.amounts[:, care].sum()) for p in bought) == sums[1]["medical_covered"]


def test_easier_credit_means_more_loans() -> None:
    plan = {"lever": "credit", "categories": ["cars", "appliances", "digital"],
            "loan_to_value_points": 30, "term_months": 24, "instalment_cap_points": 30}  # fmt: skip
    loans = []
    for policies in (None, one(plan)):
        economy = Economy(scenario(policies, months=2, scale=2000))
        for _ in range(2):
            economy.step()
        loans.append(int(economy.flows.debt.sum()))
    assert loans[1] > loans[0]


# -- effective prices ---------------------------------------------------------------------------


def test_effective_prices_move_shares_never_the_total() -> None:
    shares, prices = engel_shares(PARAMETERS), np.ones((len(RESIDENCES), len(CATEGORIES)))
    assert at_effective_prices(shares, prices, 1.2) is shares
    culture = CATEGORIES.index("culture")
    prices[1, culture] = 0.8
    moved = at_effective_prices(shares, prices, 1.2)
    assert np.abs(moved.sum(axis=2) - shares.sum(axis=2)).max() < 1e-15
    assert (moved[1, :, culture] > shares[1, :, culture]).all()
    assert np.allclose(moved[0], shares[0], rtol=0, atol=1e-16)
    assert np.abs(at_effective_prices(shares, prices, 1.0) - shares).max() < 1e-15


def test_access_moves_spending_between_categories_only() -> None:
    plan = one({"lever": "access", "wedge_percent": {"culture": -30}})
    base, easier = Economy(scenario(None, months=1)), Economy(scenario(plan, months=1))
    base.step()
    easier.step()
    by_category = [e.flows.consumption.sum(axis=(0, 1)) for e in (base, easier)]
    culture = CATEGORIES.index("culture")
    assert by_category[1].sum() == by_category[0].sum()
    assert by_category[1][culture] > by_category[0][culture]
    assert unequal(base.household_block.columns, easier.household_block.columns) == []


# -- limits -------------------------------------------------------------------------------------


def many(count: int, **changed: Any) -> Policies:
    return {f"g{k}": {"lever": "grants", **START, "yuan": 1, **CENTRE, **changed}
            for k in range(count)}  # fmt: skip


def test_as_many_grants_as_there_are_slots() -> None:
    assert GRANT_SLOTS == layout.GRANT_SLOTS
    Economy(scenario(many(GRANT_SLOTS), months=1)).step()
    with pytest.raises(ScenarioError) as error:
        scenario(many(GRANT_SLOTS + 1), months=1)
    assert [p.phrase.key for p in error.value.problems] == ["check.too_many_grants"]
    surface = Instruments.neutral(np.ones(len(PLACES)))
    surface.grants = [Grant("g", 0, np.zeros((30, 20, 3), np.int64), 1, "money")] * GRANT_SLOTS
    with pytest.raises(ValueError, match="more than"):
        surface.add_grant(surface.grants[0])


def test_unknown_actions_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown action"):
        Grant("g", 0, np.zeros((30, 20, 3), np.int64), 1, "burn")
