"""The consumption tables: against an independent solver, theory, and the cache's promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration import consumption_moments as calibration
from model.dimensions import PATIENCE_TYPES, RESIDENCES, STAGES
from model.parameters import Parameters, load_parameters
from model.solvers import cache
from model.solvers.consumption import (
    EMPLOYED,
    RETIRED,
    ConsumptionTables,
    Policy,
    Problem,
    asset_grid,
    committed_rule,
    consumption_tables,
    hermite_lognormal,
    moment_weights,
    on_cash_grid,
    problems,
    solve,
    stage_transition,
)
from model.solvers.consumption_panel import (
    initial_panel,
    panel_rules,
    simulate,
    stationary_panel,
    stationary_stages,
)
from model.solvers.grids import CASH_GRID, INCOME_GRID, FloatArray

URBAN = RESIDENCES.index("urban")
PATIENT = PATIENCE_TYPES.index("patient")


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return load_parameters()


@pytest.fixture(scope="module")
def feared(parameters: Parameters) -> list[tuple[Problem, Policy]]:
    """One type (urban, impatient) at all three fear levels."""
    assets = asset_grid(CASH_GRID.nodes[-1])
    fears = parameters.array("consumption.fear_factors")
    return [(p, solve(p, assets)) for p in problems(parameters, URBAN, 0, fears)]


@pytest.fixture(scope="module")
def tables(parameters: Parameters) -> ConsumptionTables:
    return consumption_tables(parameters)


def standard_problem(discount: float = 0.98, interest: float = 1.005) -> Problem:
    """Two-state employment risk, constant incomes, constant relative risk aversion 2."""
    transition = np.array([[0.97, 0.03], [0.25, 0.75]])
    income = np.array([[[1000.0]], [[400.0]]])
    return Problem(transition, income, np.ones((2, 1)), discount * interest, interest, 2.0, 0.0)


def read(policy: Policy, stage: int, income: int, cash: FloatArray) -> FloatArray:
    """Consumption at `cash`, straight from the endogenous points."""
    knots, spent = policy.cash[stage, income], policy.consumption[stage, income]
    return np.where(cash <= knots[0], cash, np.interp(cash, knots, spent))


def test_agrees_with_an_independent_solver() -> None:
    hh_sim = pytest.importorskip("sequence_jacobian.hetblocks.hh_sim")
    problem = standard_problem()
    fine = np.concatenate([[0.0], np.geomspace(1.0, 4e5, 1500)])
    policy = solve(problem, fine, tolerance=1e-10)
    incomes, net_rate = problem.net_income[:, 0, 0], problem.interest - 1.0
    theirs = hh_sim.hh.steady_state(
        {
            "a_grid": fine, "y": incomes, "r": net_rate, "eis": 0.5,
            "beta": problem.discount / problem.interest, "Pi": problem.transition,
        },
        backward_tol=1e-11,
    )  # fmt: skip
    expected = theirs.internals["hh"]["c"]
    within = fine < 5e4
    for stage, income in enumerate(incomes):
        ours = read(policy, stage, 0, (1.0 + net_rate) * fine + income)
        error = np.abs(ours / expected[stage] - 1.0)[within]
        assert error.max() < 1e-3
        assert np.median(error) < 2e-5


def test_euler_residuals_between_nodes(feared: list[tuple[Problem, Policy]]) -> None:
    """Unit-free Euler error |c*/c - 1| at assets halfway between nodes (not used in solving)."""
    problem, policy = feared[1]
    middle = np.sqrt(policy.assets[1:-30] * policy.assets[2:-29])
    stages, incomes = policy.cash.shape[:2]
    marginal = np.zeros((stages, incomes, middle.size))
    for s in range(stages):
        for j in range(incomes):
            for k, chance in enumerate(problem.probability[s]):
                c = read(policy, s, j, problem.interest * middle + problem.net_income[s, j, k])
                marginal[s, j] += chance * (c - problem.subsistence) ** -problem.risk_aversion
    expected = problem.discount * (problem.transition @ marginal.reshape(stages * incomes, -1))
    implied = problem.subsistence + expected ** (-1.0 / problem.risk_aversion)
    worst, typical = [], []
    for row in range(stages * incomes):
        s, j = divmod(row, incomes)
        spent = np.interp(middle, policy.assets, policy.consumption[s, j])
        error = np.abs(implied[row] / spent - 1.0)
        worst.append(error.max())
        typical.append(error.mean())
    assert max(worst) < 1e-2
    assert np.mean(typical) < 5e-4


def test_converged_to_the_stated_tolerance(feared: list[tuple[Problem, Policy]]) -> None:
    problem, policy = feared[1]
    again = solve(problem, policy.assets, policy, tolerance=1e-9)
    change = np.abs(again.consumption / policy.consumption - 1.0)
    assert change.max() < 1e-4
    assert np.abs(solve(standard_problem(), asset_grid(4e5)).consumption).min() > 0.0


def test_unmet_tolerance_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.solvers.endogenous_grid.MAX_ITERATIONS", 3)
    with pytest.raises(RuntimeError, match="not solved"):
        solve(standard_problem(), asset_grid(4e5))


def test_policy_is_monotone_and_affordable(feared: list[tuple[Problem, Policy]]) -> None:
    for _, policy in feared:
        table = on_cash_grid(policy, CASH_GRID.nodes)
        assert np.all(table <= CASH_GRID.nodes[:, None])
        assert np.all(table > 0.0)
        assert np.all(np.diff(table, axis=1) > 0.0)
        assert np.all(np.diff(table, axis=2) >= -1e-9 * table[:, :, 1:])


def test_all_cash_is_spent_at_the_constraint(feared: list[tuple[Problem, Policy]]) -> None:
    _, policy = feared[1]
    table = on_cash_grid(policy, CASH_GRID.nodes)
    income = int(INCOME_GRID.locate(np.array([6_000.0]))[0][0])
    poor = CASH_GRID.nodes < policy.cash[EMPLOYED, income, 0]
    assert poor.sum() > 10
    assert np.array_equal(table[EMPLOYED, poor, income], CASH_GRID.nodes[poor])
    assert np.all(table[EMPLOYED, ~poor, income][1:] < CASH_GRID.nodes[~poor][1:])


def test_more_fear_less_consumption(feared: list[tuple[Problem, Policy]]) -> None:
    """Where the job is worth more than the benefit; strictly for the working with some cash."""
    calm, usual, afraid = (on_cash_grid(policy, CASH_GRID.nodes) for _, policy in feared)
    rich_enough = INCOME_GRID.nodes > 3_000.0
    assert np.all((usual <= calm * (1.0 + 1e-5))[:, :, rich_enough])
    assert np.all((afraid <= usual * (1.0 + 1e-5))[:, :, rich_enough])
    income = int(INCOME_GRID.locate(np.array([6_000.0]))[0][0])
    cash = int(CASH_GRID.locate(np.array([20_000.0]))[0][0])
    assert afraid[EMPLOYED, cash, income] < 0.999 * calm[EMPLOYED, cash, income]


@pytest.mark.slow
def test_more_fear_less_consumption_for_every_type(tables: ConsumptionTables) -> None:
    """Also for the patient, who mind the risk of a trade more than the loss of a wage."""
    rich_enough = INCOME_GRID.nodes > 3_000.0
    values = tables.values[..., rich_enough]
    assert np.all(values[1] <= values[0] * (1.0 + 2e-5))
    assert np.all(values[2] <= values[1] * (1.0 + 2e-5))


def test_lasting_income_moves_spending_more_than_cash(
    feared: list[tuple[Problem, Policy]],
) -> None:
    """An extra yuan a month for ever against one yuan now, at the same cash on hand."""
    table = on_cash_grid(feared[1][1], CASH_GRID.nodes)
    income = int(INCOME_GRID.locate(np.array([6_000.0]))[0][0])
    cash = int(CASH_GRID.locate(np.array([40_000.0]))[0][0])
    here = table[EMPLOYED, cash, income]
    by_cash = (table[EMPLOYED, cash + 1, income] - here) / np.diff(CASH_GRID.nodes)[cash]
    by_income = (table[EMPLOYED, cash, income + 1] - here) / np.diff(INCOME_GRID.nodes)[income]
    assert by_income > 3.0 * by_cash > 0.0


def test_moment_weights_keep_mean_and_variance() -> None:
    nodes = INCOME_GRID.nodes
    inner = nodes[1:-1]
    mean, variance = inner * 1.01, (0.04 * inner) ** 2
    weights = moment_weights(nodes, mean, variance)
    assert weights.min() >= 0.0
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(weights @ nodes, mean, rtol=1e-12)
    spread = ((nodes - mean[:, None]) ** 2 * weights).sum(axis=1)
    np.testing.assert_allclose(spread, variance, rtol=0.6)
    exact = np.isclose(spread, variance, rtol=1e-9)
    assert exact.mean() > 0.4
    still = moment_weights(nodes, inner, (0.04 * inner) ** 2)
    kept = ((nodes - inner[:, None]) ** 2 * still).sum(axis=1)
    np.testing.assert_allclose(kept, (0.04 * inner) ** 2, rtol=1e-9)


def test_transitory_shock_has_mean_one() -> None:
    values, weights = hermite_lognormal(0.3)
    assert weights @ values == pytest.approx(1.0, rel=1e-14)
    assert weights @ np.log(values) ** 2 == pytest.approx(0.09 + 0.09**2 / 4, rel=1e-2)


def test_problem_rows_are_probabilities(parameters: Parameters) -> None:
    for residence in range(len(RESIDENCES)):
        for problem in problems(parameters, residence, PATIENT, [0.5, 2.0]):
            assert problem.transition.min() >= 0.0
            np.testing.assert_allclose(problem.transition.sum(axis=1), 1.0, rtol=1e-12)
            np.testing.assert_allclose(problem.probability.sum(axis=1), 1.0, rtol=1e-12)
            assert problem.net_income.min() > problem.subsistence


def test_committed_rule_inverts(parameters: Parameters) -> None:
    rule = committed_rule(parameters)
    for stage in range(len(STAGES)):
        there = rule.permanent(INCOME_GRID.nodes, URBAN, stage)
        np.testing.assert_allclose(
            rule.spendable(there, URBAN, stage), INCOME_GRID.nodes, rtol=1e-6
        )
    assert rule.share(np.array([5e3]), URBAN, RETIRED) < rule.share(
        np.array([5e3]), URBAN, EMPLOYED
    )


def test_impossible_committed_rule_is_refused(parameters: Parameters) -> None:
    steep = parameters.with_values(
        {"consumption.committed.slope": 0.02, "consumption.committed.maximum": [0.6, 0.6]}
    )
    with pytest.raises(ValueError, match="spendable income falls"):
        committed_rule(steep).permanent(INCOME_GRID.nodes, URBAN, EMPLOYED)


# ---------------------------------------------------------------- cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIZHEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Builder:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"a": np.linspace(0.0, 1.0, 7, dtype=np.float32), "b": np.arange(4).reshape(2, 2)}


def test_cache_returns_equal_bytes(folder: Path) -> None:
    build = Builder()
    first, second = cache.cached("x", "d1", build), cache.cached("x", "d1", build)
    assert build.calls == 1
    assert first.keys() == second.keys()
    for key in first:
        assert first[key].tobytes() == second[key].tobytes()
        assert (first[key].dtype, first[key].shape) == (second[key].dtype, second[key].shape)
    cache.cached("x", "d2", build)
    assert build.calls == 2
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text"])
def test_damaged_cache_is_built_again(folder: Path, damage: str) -> None:
    build = Builder()
    good = cache.cached("x", "d", build)
    path = cache.cache_path("x", "d")
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[content.index(b"\x93NUMPY") + 130] ^= 0xFF
    pieces = {
        "truncated": bytes(content[: len(content) // 2]),
        "empty": b"",
        "text": b"not a table",
    }
    path.write_bytes(pieces.get(damage, bytes(content)))
    again = cache.cached("x", "d", build)
    assert build.calls == 2
    assert all(again[key].tobytes() == good[key].tobytes() for key in good)
    cache.cached("x", "d", build)
    assert build.calls == 2


def test_unwritable_cache_only_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("TIZHEN_CACHE", str(blocked))
    with pytest.warns(UserWarning, match="not kept"):
        assert cache.cached("x", "d", Builder())["b"].sum() == 6


# ---------------------------------------------------------------- whole tables and the panel


def test_stage_shares(parameters: Parameters) -> None:
    shares = stationary_stages(parameters, URBAN)
    assert shares @ stage_transition(parameters, URBAN, 1.0) == pytest.approx(shares, rel=1e-10)


def test_panel_does_not_depend_on_order_or_split(parameters: Parameters) -> None:
    """A draw depends on household and month only: 24 months at once equal 12 and 12."""
    values = np.full((3, 2, 3, 4, CASH_GRID.size, INCOME_GRID.size), 500.0, dtype=np.float32)
    rules = panel_rules(ConsumptionTables(values, np.zeros((3, 2, 4), np.int64)), parameters)
    whole, parts = initial_panel(parameters, 50), initial_panel(parameters, 50)
    simulate(rules, whole, 1, 24)
    simulate(rules, parts, 1, 12)
    simulate(rules, parts, 13, 12)
    assert np.array_equal(whole.liquid, parts.liquid)
    assert np.array_equal(whole.stage, parts.stage)


@pytest.mark.slow
def test_tables_layout(tables: ConsumptionTables) -> None:
    shape = (3, len(RESIDENCES), len(STAGES), len(PATIENCE_TYPES), CASH_GRID.size, INCOME_GRID.size)
    assert tables.values.shape == shape
    assert tables.values.dtype == np.float32
    assert tables.values.flags.c_contiguous
    assert np.all(np.isfinite(tables.values))
    assert np.all(tables.values <= CASH_GRID.nodes[:, None])
    assert np.all(np.diff(tables.values, axis=-2) > 0.0)
    assert np.all(np.diff(tables.values, axis=-1) >= 0.0)


@pytest.mark.slow
def test_patience_lowers_spending_of_the_wealthy(tables: ConsumptionTables) -> None:
    income = int(INCOME_GRID.locate(np.array([6_000.0]))[0][0])
    cash = int(CASH_GRID.locate(np.array([60_000.0]))[0][0])
    by_type = tables.values[1, :, EMPLOYED, :, cash, income]
    assert np.all(np.diff(by_type, axis=1) < 0.0)


@pytest.mark.slow
def test_stationary_panel(tables: ConsumptionTables, parameters: Parameters) -> None:
    wealth = stationary_panel(tables, parameters)
    quantiles = wealth.liquid_wealth_quantiles
    assert quantiles.shape == (2, 3, 4, 7, 65)
    assert np.all(np.isfinite(quantiles))
    assert quantiles.min() >= 0.0
    assert np.all(np.diff(quantiles, axis=-1) >= 0.0)
    assert np.array_equal(quantiles, stationary_panel(tables, parameters).liquid_wealth_quantiles)
    means = (quantiles[..., 1:] + quantiles[..., :-1]).mean(axis=-1) / 2.0
    assert means[URBAN, EMPLOYED, 3, 3] > 5.0 * means[URBAN, EMPLOYED, 0, 3]


@pytest.mark.slow
def test_panel_moments_that_the_model_stands_on(
    tables: ConsumptionTables, parameters: Parameters
) -> None:
    found = {m.name: m for m in calibration.moments(parameters, tables, 12_000)}
    for name in (
        "MPC 3 months, one-off", "MPC 12 months, one-off", "hand-to-mouth share", "saving rate",
        "permanent MPC year 1, poorest fifth", "mean income a month, urban",
    ):  # fmt: skip
        assert found[name].met, found[name]
    gradient = [found[f"MPC 3 months, liquid fifth {k}"].value for k in range(1, 6)]
    assert gradient[0] > gradient[2] > gradient[4]
    rates = [found[f"saving rate, fifth {k}"].value for k in range(1, 6)]
    assert rates == sorted(rates)
