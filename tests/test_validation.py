"""Validation: forecasts see only their past, statistics are right, page and results agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.commands_validate import PAGES, PICTURES, RESULTS, rounded, write_pages
from briefing.validation_page import page, summary
from calibration import backcast, trade_in_backcast, validate
from calibration import forecasting as fc
from calibration.backcast import Backcast, Observed, Paths, Period
from experiments import robustness
from experiments.validation import COMMAND, FIRST_SEED, QUICK, THOROUGH, as_plain, validation
from model.parameters import load_parameters
from model.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return dict(json.loads((ROOT / RESULTS).read_text(encoding="utf-8")))


# --- forecasts and tests of them ------------------------------------------------------------------


def test_autoregression_finds_the_slope_of_a_noiseless_series() -> None:
    series = [4.0]
    for _ in range(7):
        series.append(1.0 + 0.5 * series[-1])
    assert fc.autoregression(series) == pytest.approx(1.0 + 0.5 * series[-1])
    assert fc.autoregression(series, 2) == pytest.approx(1.5 + 0.25 * series[-1])
    assert fc.best_autoregression(series) == pytest.approx(1.0 + 0.5 * series[-1])


def test_short_or_explosive_series_are_forecast_by_their_mean() -> None:
    assert fc.autoregression([1.0, 2.0, 6.0]) == 3.0
    doubling = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert fc.autoregression(doubling) == pytest.approx(np.mean(doubling))


def test_model_forecast_takes_off_what_the_model_explains() -> None:
    assert fc.with_model([3.0, -7.0, 13.0], [0.0, -10.0, 10.0], -2.0, 3) == pytest.approx(1.0)


def test_diebold_mariano_has_the_small_sample_correction() -> None:
    first, second = np.array([1.0, 2.0, 1.0, 3.0]), np.array([2.0, 2.5, 0.5, 4.0])
    gap = first**2 - second**2
    plain = gap.mean() / np.sqrt(gap.var() / 4)
    found = fc.diebold_mariano(first, second)
    assert found is not None
    assert found.statistic == pytest.approx(plain * np.sqrt((4 + 1 - 2) / 4))
    turned = fc.diebold_mariano(second, first)
    assert turned is not None
    assert turned.statistic == pytest.approx(-found.statistic)
    assert turned.p_value == pytest.approx(found.p_value)
    assert fc.diebold_mariano(first, first) is None


def test_diebold_mariano_rejects_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(5)
    errors = chance.standard_normal((2000, 2, 12))
    found = [fc.diebold_mariano(a, b) for a, b in errors]
    rejected = np.mean([one is not None and one.p_value < 0.1 for one in found])
    assert 0.06 < rejected < 0.14


# --- information sets -----------------------------------------------------------------------------


def invented_runs(known_up_to_2021: float = 1.0) -> Backcast:
    """Retail of 100 a month; conditions known later than 2021 multiply it by a factor."""
    flat = {"retail_sales": np.full((6, 12), 100.0)}
    later = {
        "retail_sales": np.full((6, 12), 100.0) * np.array([[1], [0.9], [1], [0.95], [1], [1]])
    }
    earlier = {"retail_sales": later["retail_sales"].copy()}
    earlier["retail_sales"][3:] = 100.0 * known_up_to_2021
    known = {2019: Paths(flat), 2020: Paths(earlier), 2021: Paths(earlier), 2022: Paths(later),
             2023: Paths(later), 2024: Paths(later)}  # fmt: skip
    return Backcast(Paths(flat), known)


def test_forecasts_do_not_see_what_is_published_after_their_origin(monkeypatch) -> None:
    target = Observed(Period(2022, 1, 12), -2.6, "C")
    before = backcast.forecast(target, 2021, [invented_runs()]).said
    growth = backcast.annual_growth()
    changed = {year: rate + (50.0 if year > 2021 else 0.0) for year, rate in growth.items()}
    monkeypatch.setattr(backcast, "annual_growth", lambda: changed)
    assert backcast.forecast(target, 2021, [invented_runs()]).said == before


def test_only_the_conditional_model_sees_later_conditions() -> None:
    target = Observed(Period(2022, 1, 12), -2.6, "C")
    one = backcast.forecast(target, 2021, [invented_runs()]).said
    runs = invented_runs()
    changed = Backcast(runs.plain, {**runs.known, 2024: runs.plain})
    other = backcast.forecast(target, 2021, [changed]).said
    differ = {name for name in one if one[name] != other[name]}
    assert differ == {"conditional"}


def test_trade_in_forecasts_know_only_announced_programmes() -> None:
    assert trade_in_backcast.known_at(Period(2024, 6, 6)) == 0
    assert trade_in_backcast.known_at(Period(2024, 7, 7)) == 1
    assert trade_in_backcast.known_at(Period(2024, 11, 11)) == 1
    assert trade_in_backcast.known_at(Period(2024, 12, 12)) == 2
    wild = 1.0 + 0.3 * np.arange(24.0)
    calm = np.ones(24)
    start = 2024 * 12
    ours = trade_in_backcast.forecasts(trade_in_backcast.Effect(start, (calm, wild, wild)))
    for one in ours:
        early = (one.origin.year, one.origin.last) < (2024, 7)
        assert (one.said["model"] == one.said["trend"]) is early


def test_published_figures_come_from_the_data_pack() -> None:
    found = {str(one.period): one.growth for one in backcast.published_retail()}
    assert found["2020"] == -7.3
    assert found["2023-03"] == 18.6
    assert found["2023-04"] == pytest.approx(100 * (765.2 / 607.8 - 1))
    assert sorted(backcast.annual_growth()) == list(range(2015, 2025))
    months = sum(p.last - p.first + 1 for p, _ in trade_in_backcast.published())
    assert months == 18


def test_periods_are_read_as_they_are_written() -> None:
    assert Period.parse("2023-01..04") == Period(2023, 1, 4)
    assert [str(Period.parse(t)) for t in ("2023-04", "2023-01..12")] == ["2023-04", "2023"]
    with pytest.raises(ValueError, match="no period"):
        Period.parse("2023")


# --- robustness -----------------------------------------------------------------------------------


def test_choices_change_known_parameters_and_keep_their_shape() -> None:
    known = load_parameters()
    for choice in robustness.choices():
        changed = load_scenario("baseline").changed(parameters=choice.overrides).parameter_set()
        for name in choice.overrides:
            value = changed[name]
            assert type(value) is type(known[name]), name
            assert value != known[name], name
        assert choice.overrides or choice.share_pensions


def test_coverage_of_normal_effects_is_near_nine_tenths() -> None:
    chance = np.random.default_rng(1)
    gains = chance.normal(5.0, 1.0, 400)
    results = {("vouchers", 12): robustness.Result(gains, np.full(400, 10.0))}
    (row,) = robustness.coverage_rows(results, [8], 2000, 3)
    assert 0.87 < row["coverage"] < 0.93


def test_a_change_counts_only_beyond_chance_and_a_tenth() -> None:
    costs = np.full(4, 10.0)
    usual = robustness.Result(np.array([5.0, 6.0, 7.0, 6.0]), costs)
    more = robustness.Result(usual.gains * 1.3, costs)
    a_little = robustness.Result(usual.gains * 1.02, costs)
    luck = robustness.Result(np.array([9.0, 2.0, 12.0, 5.0]), costs)
    rows = [
        robustness._structure_row("x", ("vouchers", 12), one, usual)
        for one in (more, a_little, luck, usual)
    ]
    assert [row["matters"] for row in rows] == [True, False, False, False]


def test_equal_samples_agree_and_distant_ones_do_not() -> None:
    chance = np.random.default_rng(2)
    one = robustness.Result(chance.normal(5.0, 1.0, 30), np.full(30, 10.0))
    other = robustness.Result(chance.normal(9.0, 1.0, 30), np.full(30, 10.0))
    assert robustness.agreement(one, one) == (0.0, pytest.approx(1.0))
    assert robustness.agreement(one, other)[1] < 1e-6


def test_sharing_a_pension_rise_costs_about_the_same() -> None:
    plain = robustness.measure(10_000, [4], policies=["pensions"])
    shared = robustness.measure(10_000, [4], share_pensions=0.3, policies=["pensions"])
    cost, other = (found["pensions", 24].costs[0] for found in (plain, shared))
    assert other == pytest.approx(cost, rel=0.15)
    assert (plain["pensions", 24].gains != shared["pensions", 24].gains).all()


# --- posterior predictive -------------------------------------------------------------------------


class InventedPosterior:
    """Two draws of one parameter."""

    names = ("history.moved",)
    draws = np.array([[0.1], [0.5]])

    def values(self, index: int) -> dict[str, float]:
        return {"history.moved": float(self.draws[index, 0])}


def held_out(name: str, value: float) -> validate.HeldOut:
    measure = validate.growth_of("retail_sales", 2020)
    return validate.HeldOut(name, value, 0.1, "%", "test", "D", measure)


def test_posterior_predictive_tells_likely_figures_from_impossible_ones() -> None:
    asked = [held_out("retail_sales 2020", -50.0), held_out("retail_sales 2020", 50.0)]
    low, high = validate.posterior_predictive(InventedPosterior(), asked, scale=10_000)
    assert (low["inside"], high["inside"]) == (False, False)
    assert (low["tail"], high["tail"]) == (0.0, 0.0)
    assert low["low"] < low["mean"] < low["high"]
    assert low["draws"] == 2


def test_a_figure_in_the_middle_of_its_prediction_is_inside() -> None:
    found = validate._verdict(held_out("retail_sales 2020", 5.0), np.arange(11.0))
    assert (found["inside"], found["low"], found["high"]) == (True, 0.5, 9.5)
    assert found["tail"] == pytest.approx(10 / 11)


def test_an_empty_posterior_is_refused() -> None:
    empty = InventedPosterior()
    empty.draws = np.zeros((0, 1))
    with pytest.raises(ValueError, match="no draws"):
        validate.posterior_predictive(empty, [held_out("retail_sales 2020", 0.0)])


def test_held_out_moments_are_published_figures_of_the_run_up() -> None:
    found = {one.name: one for one in validate.run_up_moments()}
    assert len(found) == 8
    assert found["retail_sales 2022"].value == -2.6
    assert found["consumption 2020"].value == pytest.approx(100 * (20672 / 22203 - 1))
    assert all(one.deviation > 0 for one in found.values())


# --- page and stored results ----------------------------------------------------------------------


@pytest.mark.parametrize("lang", sorted(PAGES))
def test_pages_agree_with_stored_results(stored: dict[str, Any], lang: str) -> None:
    written = (ROOT / PAGES[lang]).read_text(encoding="utf-8")
    assert written == page(stored, lang), f"run `{COMMAND} --pages`"


def test_a_changed_figure_changes_the_page(stored: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(stored))
    changed["backcasts"]["retail"]["one_year"]["scores"][0]["rmse"] += 1.0
    assert page(changed, "en") != page(stored, "en")


def test_stored_results_are_those_of_the_whole_validation(stored: dict[str, Any]) -> None:
    assert stored["command"] == COMMAND
    assert stored["plan"] == rounded(as_plain(THOROUGH))
    assert {row["choice"] for row in stored["structure"]} == {
        "reference",
        *(choice.name for choice in robustness.choices()),
    }


def test_pages_and_charts_are_written_again_without_running(
    stored: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / PICTURES).mkdir(parents=True)
    names = write_pages(stored, tmp_path)
    assert len(names) == 9
    assert (tmp_path / RESULTS).read_bytes() == (ROOT / RESULTS).read_bytes()
    assert all((ROOT / name).is_file() for name in names)


def test_losses_are_in_the_summary(stored: dict[str, Any]) -> None:
    scores = stored["backcasts"]["trade_in"]["ahead_1"]["scores"]
    best = min(row["rmse"] for row in scores if row["method"] != "model")
    lost = scores[0]["rmse"] > best
    line = next(line for line in summary(stored, "en").splitlines() if "trade-in" in line)
    assert ("The model loses." in line) == lost


@pytest.mark.slow
@pytest.mark.parametrize("choice", robustness.choices(), ids=lambda choice: choice.name)
def test_every_choice_can_be_run(choice: robustness.Choice) -> None:
    found = robustness.measure(10_000, [2], choice.overrides, choice.share_pensions)
    assert all(np.isfinite(one.estimate.value) for one in found.values())


@pytest.mark.slow
def test_stored_backcasts_come_out_again(stored: dict[str, Any]) -> None:
    seeds = range(FIRST_SEED, FIRST_SEED + THOROUGH.backcast_seeds)
    found = validate.backcasts(THOROUGH.backcast_scale, seeds, lambda _: None)
    assert json.loads(json.dumps(rounded(found))) == stored["backcasts"]


@pytest.mark.slow
def test_quick_validation_gives_every_section(tmp_path: Path) -> None:
    found = rounded(validation(QUICK))
    (tmp_path / PICTURES).mkdir(parents=True)
    write_pages(found, tmp_path)
    assert "## " in (tmp_path / PAGES["zh"]).read_text(encoding="utf-8")
