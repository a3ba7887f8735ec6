"""Co-financing of programmes by cities: the first-order condition and its consequences."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model.agents.governments import co_financing

HOUSEHOLDS = np.array([4.0e6, 1.0e6, 0.6e6])
SPACE = np.array([4.0e7, 3.0e6, 0.6e6])  # rich, middle, poor


def solve(match: float, quota: float, space: np.ndarray = SPACE) -> tuple[np.ndarray, np.ndarray]:
    return co_financing(match, quota * HOUSEHOLDS, space, HOUSEHOLDS, 1.5, 5.0)


def objective(x: float, match: float, quota: float, space: float, households: float) -> float:
    s = 5.0 * households
    total = x + min(match * x, quota)
    return float(1.5 * s * np.log1p(total / s) - x * (1 + (x / space) ** 2))


@settings(max_examples=60, deadline=None)
@given(match=st.floats(0, 4), quota=st.floats(0, 10), space=st.floats(1e5, 1e8))
def test_no_other_amount_is_better(match: float, quota: float, space: float) -> None:
    households = 1e6
    own, _ = co_financing(match, quota * households, np.array([space]), np.array([households]),
                          1.5, 5.0)  # fmt: skip
    best = objective(own[0], match, quota * households, space, households)
    grid = np.linspace(0, min(space, 3e7), 400)
    values = [objective(x, match, quota * households, space, households) for x in grid]
    assert best >= max(values) - 1e-6 * abs(best) - 1e-3


def test_more_match_raises_total_money_until_the_quota_binds() -> None:
    results = [solve(match, 2.0) for match in np.linspace(0, 4, 41)]
    totals = np.array([own + matched for own, matched in results])
    open_quota = np.array([matched < 2.0 * HOUSEHOLDS - 1 for _, matched in results])
    rising = np.diff(totals, axis=0) >= -1.0
    assert rising[open_quota[1:]].all()
    assert (totals >= totals[0] - 1.0).all()


def test_more_quota_never_lowers_total_money() -> None:
    totals = [np.sum(solve(1.0, quota), axis=0) for quota in np.linspace(0, 10, 41)]
    assert (np.diff(totals, axis=0) >= -1.0).all()


def test_own_money_falls_once_the_quota_binds() -> None:
    binding = [solve(match, 2.0) for match in (1.0, 2.0, 4.0)]
    for own, matched in binding:
        assert matched[0] == 2.0 * HOUSEHOLDS[0]
        assert own[0] > 0
    own_money = [own[0] for own, _ in binding]
    assert own_money[0] > own_money[1] >= own_money[2]


def test_poor_city_absorbs_less_of_its_quota() -> None:
    matched = solve(1.0, 2.0)[1] / (2.0 * HOUSEHOLDS)
    assert matched[0] == 1.0
    assert matched[2] < matched[1] <= matched[0]


def test_own_money_stays_within_fiscal_space() -> None:
    own, _ = solve(3.0, 100.0, SPACE / 50)
    assert (own <= SPACE / 50 + 1e-6).all()
    assert (own > 0).all()


def test_floor_on_own_money_binds() -> None:
    own, _ = co_financing(4.0, 2.0 * HOUSEHOLDS, SPACE, HOUSEHOLDS, 1.5, 5.0, floor=HOUSEHOLDS)
    assert (own >= np.minimum(HOUSEHOLDS, SPACE) - 1e-6).all()
