"""Random and null programmes that act on firms, jobs, visitors and delivery."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from model.dimensions import PLACES, SECTORS
from model.policy.programme_settings import BEARERS

MONTHS = ["2025-10", "2025-11", "2026-01", "2026-04"]
BASE: dict[str, st.SearchStrategy[Any]] = {
    "start": st.sampled_from(MONTHS[:3]),
    "lag_months": st.sampled_from([0, 0.5, 2]),
    "ramp_months": st.sampled_from([0, 1, 4]),
    "cities": st.one_of(
        st.just("all"), st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True)
    ),
}
ENDS = {"end": st.sampled_from(["2026-01", "2026-04"])}
SECTOR_LIST = st.lists(st.sampled_from(SECTORS), min_size=1, max_size=3, unique=True)
YI_YUAN = st.sampled_from([0, 0.1, 20, 5000])
PERCENT = st.sampled_from([-90, -5, 0, 5, 500])
PAYERS = st.one_of(
    st.sampled_from([{name: 1.0} for name in BEARERS]),
    st.just({"province": 0.3, "cities": 0.3, "firms": 0.2, "outside": 0.2}),
)
CALENDAR = st.lists(st.integers(1, 12), min_size=1, max_size=12, unique=True)


def _programme(lever: str, **settings: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"lever": st.just(lever), **BASE, **settings}, optional=ENDS
    )  # fmt: skip


PROGRAMMES = {
    "jobs": _programme(
        "jobs", separation_percent=PERCENT, vacancy_percent=PERCENT, matching_percent=PERCENT,
        placements_per_year=st.sampled_from([0, 1e5, 2e7]), refund_yi_yuan_per_year=YI_YUAN,
        payers=PAYERS,
    ),
    "training": _programme(
        "training", trainees_per_year=st.sampled_from([0, 1e5, 2e7]),
        yuan_per_trainee=st.sampled_from([0, 1500]), payers=PAYERS,
    ),
    "dividends": _programme(
        "dividends", payout_percent=PERCENT, calendar_months=CALENDAR,
        moved_share=st.sampled_from([0, 0.3, 1]),
    ),
    "housing": _programme(
        "housing", price_cut_percent=st.sampled_from([0, 2, 20]), stock_yi_yuan_per_year=YI_YUAN,
        payers=PAYERS,
    ),
    "service_supply": _programme(
        "service_supply", sectors=SECTOR_LIST, capacity_percent=PERCENT,
        construction_months=st.sampled_from([0, 3]), quality_percent=PERCENT,
        operating_yi_yuan_per_year=YI_YUAN, capital_yi_yuan_per_year=YI_YUAN, payers=PAYERS,
    ),
    "visitors": _programme(
        "visitors", extra_percent=PERCENT, persons_per_year=st.sampled_from([0, 1e6]),
        yuan_per_person=st.sampled_from([0, 2000]), additional_share=st.sampled_from([0, 0.4, 1]),
        calendar_months=CALENDAR, cost_yi_yuan_per_year=YI_YUAN, payers=PAYERS,
    ),
    "public_works": _programme(
        "public_works", yi_yuan_per_year=YI_YUAN, wage_share=st.sampled_from([0, 0.3, 1]),
        sectors=SECTOR_LIST, capacity_percent=PERCENT, construction_months=st.just(2),
        payers=PAYERS,
    ),
    "firm_support": _programme(
        "firm_support", sectors=SECTOR_LIST, grants_yi_yuan_per_year=YI_YUAN,
        investment_yi_yuan_per_year=YI_YUAN, interest_subsidy_points=st.sampled_from([0, 1, 20]),
        guarantees_yi_yuan=YI_YUAN, payers=PAYERS,
    ),
    "arrears_clearing": _programme(
        "arrears_clearing", clearance_percent_per_year=st.sampled_from([0, 30, 100]),
        payers=PAYERS,
    ),
    "start_ups": _programme(
        "start_ups", entry_percent=PERCENT, grants_yi_yuan_per_year=YI_YUAN,
        loans_yi_yuan=YI_YUAN, payers=PAYERS,
    ),
    "local_offer": _programme(
        "local_offer", sectors=SECTOR_LIST, appeal_percent=PERCENT, export_percent=PERCENT,
        diverted_share=st.sampled_from([0, 0.5, 1]), cost_yi_yuan_per_year=YI_YUAN, payers=PAYERS,
    ),
    "leisure": _programme(
        "leisure", days_per_worker=st.sampled_from([0, 1, 30]),
        staggered_points=st.sampled_from([0, 10]),
    ),
    "coordination": _programme(
        "coordination", lag_percent=st.sampled_from([-90, 0]), capacity_percent=PERCENT
    ),
    "statistics": _programme(
        "statistics", service_coverage_points=st.sampled_from([0, 15]),
        by_buyer_location=st.sampled_from([0, 1]),
    ),
}  # fmt: skip

NAMED = ["catering_and_lodging"]
NULL: dict[str, dict[str, Any]] = {
    "jobs": {},
    "training": {"trainees_per_year": 0, "yuan_per_trainee": 1500},
    "dividends": {"payout_percent": 0},
    "housing": {},
    "service_supply": {"sectors": NAMED, "construction_months": 3},
    "visitors": {"yuan_per_person": 2000},
    "public_works": {"yi_yuan_per_year": 0, "wage_share": 0.3},
    "firm_support": {"sectors": NAMED},
    "arrears_clearing": {"clearance_percent_per_year": 0},
    "start_ups": {},
    "local_offer": {"sectors": NAMED, "diverted_share": 0.5},
    "leisure": {"days_per_worker": 0},
    "coordination": {},
    "statistics": {},
}


def programme(lever: str, start: str = "2025-11", **settings: Any) -> dict[str, dict[str, Any]]:
    """One policy of that lever, named after it."""
    return {lever: {"lever": lever, "start": start, **settings}}
