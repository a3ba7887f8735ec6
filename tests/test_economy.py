"""Accounts of the assembled economy: every fen, person, voucher and loan, under any policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.agents.household_layout import (
    C_EXPIRED,
    C_ISSUED,
    C_REDEEMED,
    VOUCHER_COUNTERS,
    Columns,
    field,
)  # fmt: skip
from model.dimensions import DURABLE_CATEGORIES, NONDURABLE_CATEGORIES, PAYERS, PLACES, STAGES
from model.economy import Economy
from model.ledger import CITIES, HOUSEHOLDS, PROVINCE, Fen, Ledger, LedgerError, account_names
from model.policy.levers.base import by_place as by_place_of
from model.scenario import load_scenario
from model.scenario_problems import ScenarioError
from tests.economies import (
    Policies,
    by_job,
    by_place,
    copy_of,
    employed,
    outcome,
    rows,
    scenario,
    steps,
)  # fmt: skip
from tests.supply_programmes import PROGRAMMES

BUDGETS = slice(CITIES.start, PROVINCE.stop)
MONTHS = ["2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]
FEN_IN_YI_YUAN = 10**10


# -- what must hold after every month ---------------------------------------------------------


def check_books(economy: Economy, before: Columns) -> None:
    """Everything below, for the month just lived."""
    check_ledger(economy)
    check_households(economy, before)
    check_people(economy, before)
    check_vouchers(economy)


def check_ledger(economy: Economy) -> None:
    ledger, governments = economy.ledger, economy.markets.governments
    assert economy.market.residual_fen == 0
    assert (ledger.positions.sum(axis=1) == 0).all()
    assert all(int(flow.sum()) == 0 for flow in ledger.flows.values())
    assert ledger.deposits(BUDGETS).min() >= 0
    debt = -ledger.position("bonds", BUDGETS)
    assert (debt <= governments.debt_limit(economy.trend)).all()


def check_households(economy: Economy, before: Columns) -> None:
    """Columns x weights are the ledger's positions, and change by the flows of the month."""
    block, flows, totals = economy.household_block, economy.flows, economy.totals
    now = block.columns
    held = {
        "deposits": now.liquid, "committed_deposits": now.committed, "consumer_loans": -now.debt,
    }  # fmt: skip
    for instrument, column in held.items():
        position = economy.ledger.position(instrument, HOUSEHOLDS)
        assert np.array_equal(by_place(block, column), position), instrument
    saved = flows.committed - flows.committed_withdrawals - flows.housing_investment
    assert np.array_equal(by_place(block, now.committed - before.committed), saved)
    lent = flows.loans_granted - flows.loan_principal
    assert np.array_equal(by_place(block, now.debt - before.debt), lent)
    stock = now.stock.sum(axis=0, dtype=np.int64) - before.stock.sum(axis=0, dtype=np.int64)
    moved = by_place_of(totals, "stocked") - by_place_of(totals, "released")
    assert np.array_equal(by_place(block, stock), moved[:, 0])
    assert now.committed.min() >= 0
    assert now.debt.min() >= 0
    assert now.stock.min() >= 0


def check_people(economy: Economy, before: Columns) -> None:
    """Jobs change by hires less separations in every place and sector; so do the unemployed."""
    block, flows = economy.household_block, economy.flows
    now = block.columns
    jobs = by_job(block, employed(now), now.sector)
    assert np.array_equal(jobs, flows.employed_persons)
    change = jobs - by_job(block, employed(before), before.sector)
    assert np.array_equal(change, flows.hires - flows.separations)
    was, stage = before.stage, now.stage
    found, renewed = (was == 1) & (stage == 0), (was == 2) & (stage == 0)
    left = ((was == 0) & (stage > 0)) + found * (before.earners - 1) + renewed * employed(before)
    rest = ((was == 2) & (stage == 2)) * (now.resting.astype(np.int64) - before.resting)
    left += np.maximum(rest, 0)
    assert np.array_equal(by_job(block, left, before.sector), flows.separations)
    taken = (found | renewed) * now.earners + np.maximum(-rest, 0)
    assert np.array_equal(by_job(block, taken, now.sector), flows.hires)
    lost, ended = (was == 0) & (stage == 1), (was == 1) & (stage != 1)
    flow = lost.astype(np.int64) - ended
    assert np.array_equal(by_place(block, stage == 1), flows.unemployed_persons)
    assert np.array_equal(by_place(block, flow), by_place(block, (stage == 1) * 1 - (was == 1)))


def check_vouchers(economy: Economy) -> None:
    """Every voucher is used or expires, and issue never exceeds the money of its batch."""
    counters = by_place_of(economy.totals, "vouchers").reshape(
        len(PLACES), -1, len(VOUCHER_COUNTERS)
    )
    for slot, batch in enumerate(economy.surface.batches):
        issued, redeemed = counters[:, slot, C_ISSUED], counters[:, slot, C_REDEEMED]
        assert (issued <= batch.money).all()
        if batch.threshold >= batch.face:
            assert np.array_equal(issued, redeemed + counters[:, slot, C_EXPIRED])
        else:  # what a basket below the face value leaves of it is neither used nor expires
            assert (issued >= redeemed + counters[:, slot, C_EXPIRED]).all()
    bills = sum(
        int(p.amounts.sum())
        for p in economy.payments
        if p.lever in economy.policy_scenario.using("vouchers")
    )
    assert bills == int(counters[:, :, C_REDEEMED].sum())


# -- any policy -------------------------------------------------------------------------------


def _shares(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, float]]:
    chosen = st.dictionaries(st.sampled_from(names), st.integers(1, 5), min_size=1, max_size=3)
    return chosen.map(_normalised)


def _normalised(parts: dict[str, int]) -> dict[str, float]:
    shares = {name: round(part / sum(parts.values()), 3) for name, part in parts.items()}
    first = next(iter(shares))
    return shares | {first: round(shares[first] + 1.0 - sum(shares.values()), 6)}


CITIES_CHOSEN = st.one_of(
    st.just("all"), st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True)
)
MONTH = st.sampled_from(MONTHS)
MINIMUM_WAGE = st.fixed_dictionaries(
    {
        "lever": st.just("minimum_wage"), "start": MONTH, "cities": CITIES_CHOSEN,
        "increase_percent": st.sampled_from([0, 3, 10, 50]),
    }
)  # fmt: skip
PENSIONS = st.fixed_dictionaries(
    {
        "lever": st.just("pensions"), "start": MONTH,
        "employee_percent": st.sampled_from([0, 2, 20]),
        "employee_fixed_yuan": st.sampled_from([0, 47.7, 1000]),
        "employee_age_tilt": st.sampled_from([{}, {70: 20, 80: 40}]),
        "resident_fixed_yuan": st.sampled_from([0, 20, 500]),
        "retroactive_months": st.sampled_from([0, 6, 12]),
        "payers": st.fixed_dictionaries(
            {"employee": _shares(("funds", *PAYERS)), "resident": _shares(PAYERS)}
        ),
    }
)  # fmt: skip
ITEM = st.fixed_dictionaries(
    {"rate": st.sampled_from([0.0, 0.15, 0.9]), "cap_yuan": st.sampled_from([0, 500, 20_000])}
)


@st.composite
def _trade_in(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(st.integers(0, len(MONTHS) - 1))
    reimbursed = draw(st.booleans())
    found = {
        "lever": "trade_in", "start": MONTHS[first],
        "end": MONTHS[draw(st.integers(first, len(MONTHS) - 1))],
        "items": draw(st.dictionaries(st.sampled_from(DURABLE_CATEGORIES), ITEM, min_size=1)),
        "budget_yi_yuan": draw(st.sampled_from([0, 0.01, 1, 50, 1000])),
        "payers": draw(_shares(PAYERS)), "cities": draw(CITIES_CHOSEN),
        "payment": "reimbursed" if reimbursed else "instant",
    }  # fmt: skip
    return found | ({"reimbursement_lag_months": draw(st.integers(0, 12))} if reimbursed else {})


@st.composite
def _vouchers(draw: st.DrawFn) -> dict[str, Any]:
    face, targeted = draw(st.sampled_from([1, 30, 500])), draw(st.booleans())
    fixed = {
        "mode": "fixed", "budget_yi_yuan": draw(st.sampled_from([0, 0.1, 5, 500])),
        "match_ratio": draw(st.sampled_from([0, 1, 4])),
    }  # fmt: skip
    decided = {
        "mode": "cities_decide", "match_ratio": draw(st.sampled_from([0, 1, 4])),
        "provincial_quota_yi_yuan": draw(st.sampled_from([0, 1, 50])),
    }  # fmt: skip
    found = {
        "lever": "vouchers", "rounds": draw(st.lists(MONTH, min_size=1, max_size=2, unique=True)),
        "categories": draw(_shares(NONDURABLE_CATEGORIES)), "face_yuan": face,
        "threshold_yuan": draw(st.sampled_from([0, 2 * face, 20 * face])),
        "per_person": draw(st.integers(1, 10)), "validity_days": draw(st.sampled_from([7, 30, 60])),
        "allocation": "targeted" if targeted else draw(st.sampled_from(["rush", "lottery"])),
        "digital_required": draw(st.booleans()), "cities": draw(CITIES_CHOSEN),
        "participating_share": draw(st.sampled_from([0.01, 0.5, 1])),
        "funding": draw(st.sampled_from([fixed, decided])),
    }  # fmt: skip
    return found | ({"target": {"quintiles": [1, 2]}} if targeted else {})


TRANSFER = st.fixed_dictionaries(
    {
        "lever": st.just("transfer"), "month": MONTH, "payer": st.sampled_from(PAYERS),
        "permanent": st.booleans(), "yuan_per_person": st.sampled_from([0, 100, 5000]),
        "eligible": st.sampled_from([{}, *({"stage": [stage]} for stage in STAGES)]),
    }
)  # fmt: skip
ANY_POLICY = st.fixed_dictionaries(
    {},
    optional={
        "floor": MINIMUM_WAGE, "pensions": PENSIONS, "trade_in": _trade_in(),
        "vouchers": _vouchers(), "transfer": TRANSFER, **PROGRAMMES,
    },
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies=ANY_POLICY, seed=st.integers(1, 3))
def test_books_close_under_any_policy(policies: Policies, seed: int) -> None:
    economy = Economy(scenario(policies, months=len(MONTHS), seed=seed))
    for before in steps(economy):
        check_books(economy, before)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies=ANY_POLICY, seed=st.integers(1, 3))
def test_books_close_under_many_policies(policies: Policies, seed: int) -> None:
    economy = Economy(scenario(policies, months=len(MONTHS), seed=seed))
    for before in steps(economy):
        check_books(economy, before)


@pytest.mark.parametrize("name", ["baseline", "headline_package"])
def test_books_of_shipped_scenarios_close(name: str) -> None:
    economy = Economy(load_scenario(name).changed(scale="1:8000", months=24))
    for before in steps(economy):
        check_books(economy, before)
    assert (economy.outcome()["residual_fen"].values == 0).all()


# -- the money of programmes ------------------------------------------------------------------


def _trade(budget: float, **changed: Any) -> Policies:
    rule = {"rate": 0.2, "cap_yuan": 3000}
    plain = {
        "lever": "trade_in", "start": "2025-11", "end": "2026-09", "budget_yi_yuan": budget,
        "items": {"appliances": rule, "digital": rule}, "cities": "all",
        "payers": {"central": 0.8, "province": 0.15, "cities": 0.05},
    }  # fmt: skip
    return {"trade": plain | changed}


@pytest.mark.parametrize("budget", [0.5, 3.0, 1000.0])
def test_trade_in_stays_within_its_money(budget: float) -> None:
    """Centre and province never pay beyond their share; cities owe the last month's excess."""
    economy, money = Economy(scenario(_trade(budget))), budget * 1e8
    due = [sum(int(p.amounts.sum()) for p in economy.payments) / 100 for _ in steps(economy)]
    result = economy.outcome()
    central, province, *cities = result["payments"].values.sum(axis=(0, 1))
    assert central <= 0.8 * money + 1
    assert province <= 0.15 * money + 1
    owed = result["arrears"].values[-1].sum()
    assert central + province + sum(cities) + owed >= sum(due) - 1e-3
    assert central + province + sum(cities) <= sum(due) + 1e-3
    spent = np.cumsum(due)
    within = int((spent < money).sum())  # months until the money is gone
    assert (within == len(due)) == (budget == 1000.0)
    assert spent[min(within, len(due) - 1)] == spent[-1], "nothing after the month it is gone"


@pytest.mark.parametrize("payment", ["instant", "reimbursed"])
def test_payers_bear_their_shares(payment: str) -> None:
    result = outcome(_trade(1000.0, payment=payment))
    central, province, *cities = result["payments"].values.sum(axis=(0, 1))
    total = central + province + sum(cities)
    assert total > 1e8
    assert [central / total, province / total] == pytest.approx([0.8, 0.15], abs=1e-6)


def test_reimbursed_trade_in_stays_within_its_money() -> None:
    result = outcome(_trade(0.5, payment="reimbursed"))
    central = result["payments"].values.sum(axis=(0, 1))[0]
    assert central <= 0.8 * 0.5e8 + 1


@pytest.mark.parametrize("lag", [1, 3, 12])
def test_claims_of_several_months_are_reimbursed(lag: int) -> None:
    """Everything claimed is paid out once, to households, at the latest `lag` after the last."""
    policy = _trade(1000.0, payment="reimbursed", reimbursement_lag_months=lag, end="2026-01")
    economy = Economy(scenario(policy, months=16, scale=4000))
    claimed = reimbursed = 0
    for before in steps(economy):
        check_books(economy, before)
        claimed += int(field(economy.totals, "subsidy_claims").sum())
        reimbursed += int(field(economy.totals, "reimbursed").sum())
    assert claimed == reimbursed > 0
    assert not economy.household_block.columns.claim.any()
    assert economy.outcome()["payments"].values.sum() == pytest.approx(claimed / 100)


def test_programmes_that_cannot_be_told_apart_are_refused() -> None:
    """A purchase does not say which programme subsidised it: neither later nor elsewhere."""
    rule = {"rate": 0.2, "cap_yuan": 3000}
    later = _trade(1000.0, payment="reimbursed", reimbursement_lag_months=1)["trade"]
    here = {**_trade(1000.0)["trade"], "cities": ["dalian"]}
    there = {**_trade(1000.0)["trade"], "cities": ["anshan"]}
    for one, other in ((later, later), (here, there)):
        policies = {
            "first": {**one, "items": {"appliances": rule}},
            "second": {**other, "items": {"digital": rule}},
        }
        with pytest.raises(ScenarioError, match="second"):
            scenario(policies)


def _voucher(**changed: Any) -> Policies:
    plain = {
        "lever": "vouchers", "rounds": ["2025-11", "2026-02"], "face_yuan": 30,
        "categories": {"catering": 0.5, "daily_goods": 0.5}, "threshold_yuan": 100,
        "per_person": 2, "validity_days": 30, "allocation": "rush", "participating_share": 0.5,
        "funding": {"mode": "fixed", "budget_yi_yuan": 4, "match_ratio": 1},
    }  # fmt: skip
    return {"vouchers": plain | changed}


def test_voucher_money_is_split_between_city_and_province() -> None:
    result = outcome(_voucher(funding={"mode": "fixed", "budget_yi_yuan": 4, "match_ratio": 3}))
    _, province, *cities = result["payments"].values.sum(axis=(0, 1))
    assert province / (province + sum(cities)) == pytest.approx(0.75, abs=1e-3)
    redeemed = result.select("voucher_counters", counter="redeemed").values.sum()
    assert province + sum(cities) == pytest.approx(redeemed, abs=1)
    assert redeemed <= 2 * 4e8


def test_vouchers_without_threshold_expire_in_part() -> None:
    """A basket smaller than the face value leaves a rest that nobody redeems."""
    result = outcome(_voucher(threshold_yuan=0, face_yuan=500))
    issued, redeemed, expired = (
        result.select("voucher_counters", counter=name).values.sum()
        for name in ("issued", "redeemed", "expired")
    )
    assert issued > 0
    assert redeemed + expired == pytest.approx(issued)


def test_too_many_voucher_batches_are_refused_before_the_run() -> None:
    five = {"catering": 0.2, "fuel": 0.2, "apparel": 0.2, "daily_goods": 0.2, "food": 0.2}
    with pytest.raises(ScenarioError):
        scenario(_voucher(rounds=["2025-11", "2025-12"], categories=five, validity_days=60))


# -- corrupted books --------------------------------------------------------------------------


@pytest.mark.parametrize("account", [0, 20, CITIES.start + 3, PROVINCE.start, -1])
def test_a_corrupted_payment_names_the_account(
    account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fen that appears from nowhere on one account stops the run."""
    economy, pay = Economy(scenario()), Ledger.pay
    economy.step()

    def corrupt(ledger: Ledger, kind: str, payer: slice, receiver: slice, amounts: Fen) -> None:
        pay(ledger, kind, payer, receiver, amounts)
        if kind == "interest":
            ledger.positions[0, account] += 1

    monkeypatch.setattr(Ledger, "pay", corrupt)
    with pytest.raises(LedgerError) as caught:
        economy.step()
    assert account_names()[account] in str(caught.value)


@pytest.mark.parametrize("column", ["liquid", "committed", "debt"])
@pytest.mark.parametrize("fen", [7, -7])
def test_a_household_with_a_fen_too_many_is_found(column: str, fen: int) -> None:
    economy = Economy(scenario())
    economy.step()
    block = economy.household_block
    row = int(np.flatnonzero(getattr(block.columns, column) > 10_000)[-1])
    getattr(block.columns, column)[row] += fen
    place, _, weight = rows(block)
    with pytest.raises(LedgerError, match=f"households:{PLACES[place[row]]}.*") as caught:
        economy.step()
    amount = int(str(caught.value).split()[-2])
    assert amount == (fen if column == "debt" else -fen) * weight[row]


def test_the_checks_of_this_file_can_fail() -> None:
    economy = Economy(scenario(_voucher()))
    before = copy_of(economy.household_block.columns)
    economy.step()
    economy.step()
    with pytest.raises(AssertionError):  # two months, one month's flows
        check_people(economy, before)
    economy.totals[:, slice(None)] += field(economy.totals, "vouchers").max() + 1
    with pytest.raises(AssertionError):
        check_vouchers(economy)
