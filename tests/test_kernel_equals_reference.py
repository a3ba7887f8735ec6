"""The compiled household kernel gives, bit for bit, what plain Mesa agents do on the same draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.agents.household_kernel import month_of_chunks
from model.agents.household_layout import OFFSETS, TOTALS, VOUCHER_COUNTERS, Columns, field
from model.agents.households import agree_on_support
from model.agents.kernel_common import make_scratch
from tests import month_inputs
from tests.month_inputs import CELLS, Policy
from tests.reference.plain_mesa import PlainMesaModel

HOUSEHOLDS, MONTHS = 600, 8
TRADE_IN = Policy(subsidy_share=0.15)
VOUCHERS = Policy(voucher_batches=2)
POLICIES = {
    "none": Policy(),
    "wage_floor": Policy(floor=1.6),
    "vouchers_with_threshold": VOUCHERS,
    "vouchers_without_threshold": replace(VOUCHERS, threshold=0, needs_phone=0),
    "subsidy_instant": TRADE_IN,
    "subsidy_reimbursed": replace(TRADE_IN, instant=0, claim_lag=1),
    "transfers": Policy(
        transfer_once=60_000, transfer_person=10_000, transfer_standing=20_000,
        transfer_standing_person=3_000, transfer_child=7_000, transfer_standing_child=1_000,
    ),
    "pensions": Policy(pension_rise=0.05),
    "grants": Policy(grants=9),
    "protection": Policy(
        medical_share=0.6, benefit_cover=0.5, allowance_ratio=1.4, loan_interest=0.3,
        loan_to_value=0.3, housing_ratio=1.5, committed_ratio=0.7,
    ),
    "everything": Policy(
        grants=32, medical_share=0.9, benefit_cover=0.1, allowance_ratio=1.05, loan_interest=0.9,
        loan_to_value=-0.2, housing_ratio=0.8, floor=1.3, voucher_batches=3, threshold=6_000,
        subsidy_share=0.2, instant=0, claim_lag=2, transfer_once=50_000, transfer_standing=10_000,
        pension_rise=0.03, displaced=0.2, committed_ratio=0.95,
    ),
}  # fmt: skip
# Flows that must not be zero, so that an equality is about something.
WITNESSES = {
    "none": (
        "separations",
        "hires",
        "units",
        "loans",
        "medical",
        "released",
        "benefits",
        "support_received",
        "support_paid",
    ),
    "vouchers_with_threshold": ("vouchers", "stocked"),
    "vouchers_without_threshold": ("vouchers",),
    "subsidy_instant": ("subsidy_instant", "subsidised_units"),
    "subsidy_reimbursed": ("subsidy_claims", "reimbursed"),
    "transfers": ("transfers",),
    "grants": ("granted", "stocked", "released"),
    "protection": ("allowance_rise", "medical_covered", "interest_subsidy"),
    "everything": ("vouchers", "subsidy_claims", "reimbursed", "transfers"),
}


def kernel_month(
    columns: Columns, month: month_inputs.Month, chunks: month_inputs.I64
) -> month_inputs.I64:
    agree_on_support(columns, month_inputs.whole_segments(chunks), month)
    totals = np.zeros((CELLS, TOTALS), np.int64)
    month_of_chunks(columns, month, make_scratch(), totals, chunks)
    return totals


def differing_totals(kernel: month_inputs.I64, plain: month_inputs.I64) -> list[str]:
    return [name for name in OFFSETS if not np.array_equal(field(kernel, name), field(plain, name))]


def differing_columns(columns: Columns, plain: PlainMesaModel) -> list[str]:
    return [
        name
        for name, values in columns._asdict().items()
        if not np.array_equal(values, plain.column(name))
    ]


@pytest.mark.parametrize("name", POLICIES)
def test_every_number_is_equal(name: str) -> None:
    policy = POLICIES[name]
    columns, parts = month_inputs.columns(HOUSEHOLDS), month_inputs.segments(HOUSEHOLDS, places=2)
    plain, work = PlainMesaModel(columns, parts), month_inputs.chunks(parts, 50)
    seen = np.zeros((CELLS, TOTALS), np.int64)
    for number in range(MONTHS):
        month = month_inputs.month(number, policy)
        totals = kernel_month(columns, month, work)
        assert differing_totals(totals, plain.live(month)) == [], f"month {number}"
        assert differing_columns(columns, plain) == [], f"month {number}"
        seen += np.abs(totals)
    silent = [flow for flow in WITNESSES.get(name, ()) if not field(seen, flow).any()]
    assert silent == []


def test_every_outcome_of_a_voucher_occurs() -> None:
    columns, parts = month_inputs.columns(2000), month_inputs.segments(2000)
    month = month_inputs.month(0, VOUCHERS)
    totals = kernel_month(columns, month, month_inputs.chunks(parts, 4096))
    counters = field(totals, "vouchers").sum(axis=0)[: len(VOUCHER_COUNTERS)]
    assert dict(zip(VOUCHER_COUNTERS, counters > 0, strict=True)) == dict.fromkeys(
        VOUCHER_COUNTERS, True
    )


@pytest.mark.parametrize(
    "policy", [Policy(floor=1.6), Policy(pension_rise=0.05)], ids=["wage_floor", "pensions"]
)
def test_policies_without_a_counter_change_incomes(policy: Policy) -> None:
    parts = month_inputs.segments(HOUSEHOLDS)
    work = month_inputs.chunks(parts, 4096)
    base, raised = month_inputs.columns(HOUSEHOLDS), month_inputs.columns(HOUSEHOLDS)
    kernel_month(base, month_inputs.month(0, Policy()), work)
    kernel_month(raised, month_inputs.month(0, policy), work)
    assert raised.income.sum() > base.income.sum()


def test_order_of_plain_agents_does_not_matter() -> None:
    columns, parts = month_inputs.columns(120), month_inputs.segments(120)
    ordered, shuffled = PlainMesaModel(columns, parts), PlainMesaModel(columns, parts)
    for number in range(2):
        month = month_inputs.month(number, POLICIES["everything"])
        assert np.array_equal(ordered.live(month), shuffled.live(month, shuffled=True))


@pytest.mark.parametrize("size", [1, 7, 255, 256, 257, 4096])
def test_chunking_does_not_matter(size: int) -> None:
    parts = month_inputs.segments(1200, places=1)
    month = month_inputs.month(3, POLICIES["everything"])
    whole, cut = month_inputs.columns(1200), month_inputs.columns(1200)
    expected = kernel_month(whole, month, month_inputs.chunks(parts, 1200))
    assert np.array_equal(kernel_month(cut, month, month_inputs.chunks(parts, size)), expected)
    assert all(np.array_equal(a, b) for a, b in zip(whole, cut, strict=True))


def test_another_seed_is_not_equal() -> None:
    """The comparison notices a difference in the draws."""
    columns, parts = month_inputs.columns(120), month_inputs.segments(120)
    plain = PlainMesaModel(columns, parts)
    totals = kernel_month(columns, month_inputs.month(0, Policy()), month_inputs.chunks(parts, 50))
    other = plain.live(month_inputs.month(0, Policy(), seed=(2, 0)))
    assert "units" in differing_totals(totals, other)
    assert "earnings" in differing_columns(columns, plain)


POLICY = st.builds(
    Policy,
    floor=st.sampled_from([1.0, 1.05, 1.4, 2.5]),
    voucher_batches=st.integers(0, 4),
    threshold=st.sampled_from([0, 1, 3_000, 50_000, 2_000_000]),
    face=st.sampled_from([1, 3_000, 80_000]),
    vouchers_each=st.integers(1, 4),
    needs_phone=st.integers(0, 1),
    displaced=st.floats(0.0, 1.0),
    subsidy_share=st.sampled_from([0.0, 0.15, 0.6]),
    instant=st.integers(0, 1),
    claim_lag=st.integers(1, 3),
    transfer_once=st.integers(0, 500_000),
    transfer_person=st.integers(0, 50_000),
    transfer_standing=st.integers(0, 50_000),
    transfer_standing_person=st.integers(0, 20_000),
    transfer_child=st.integers(0, 50_000),
    transfer_standing_child=st.integers(0, 20_000),
    pension_rise=st.floats(0.0, 0.3),
    grants=st.sampled_from([0, 0, 1, 4, 32]),
    grant_amount=st.sampled_from([1, 30_000, 5_000_000]),
    grant_reach=st.floats(0.0, 1.0),
    medical_share=st.floats(0.0, 1.0),
    benefit_cover=st.floats(0.0, 1.0),
    allowance_ratio=st.sampled_from([0.5, 1.0, 1.1, 4.0]),
    loan_interest=st.floats(0.0, 1.0),
    loan_to_value=st.sampled_from([-0.6, 0.0, 0.4]),
    housing_ratio=st.floats(0.0, 5.0),
    committed_ratio=st.floats(0.0, 1.0),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    policy=POLICY,
    count=st.integers(1, 60),
    places=st.integers(1, 15),
    seed=st.integers(0, 2**32 - 1),
    start=st.sampled_from([0, 11, 254]),
)
def test_equal_for_any_policy(
    policy: Policy, count: int, places: int, seed: int, start: int
) -> None:
    columns, parts = month_inputs.columns(count, seed), month_inputs.segments(count, places)
    plain, work = PlainMesaModel(columns, parts), month_inputs.chunks(parts, 16)
    for number in range(start, start + 3):
        month = month_inputs.month(number, policy, seed=(seed, 7))
        totals = kernel_month(columns, month, work)
        assert differing_totals(totals, plain.live(month)) == []
        assert differing_columns(columns, plain) == []
