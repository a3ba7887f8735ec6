"""Budget shares, season and the retail bridge: identities, signs and agreement with the data."""

import numpy as np
import pytest
from ruamel.yaml import YAML

from calibration import distil_spending
from calibration import spending_derivation as distil
from model.dimensions import CATEGORIES, DURABLE_CATEGORIES, NONDURABLE_INDEX, SURVEY_GROUPS
from model.parameters import load_parameters
from model.solvers.grids import INCOME_GRID
from model.spending import (
    budget_levels,
    engel_shares,
    holiday_months,
    levels,
    medical_events,
    retail_share,
    retail_uplift,
    season,
    shares_at,
    shares_in_month,
)

PARAMETERS = load_parameters()
ENGEL = engel_shares(PARAMETERS)
SEASON = season(PARAMETERS)
HEALTH = CATEGORIES.index("health")
DURABLES = [CATEGORIES.index(name) for name in DURABLE_CATEGORIES]


def column(name: str) -> np.ndarray:
    return ENGEL[:, :, CATEGORIES.index(name)]


def test_rows_sum_to_one_without_durables() -> None:
    assert ENGEL.shape == (2, INCOME_GRID.size, len(CATEGORIES))
    assert ENGEL.dtype == np.float64
    np.testing.assert_allclose(ENGEL.sum(axis=2), 1.0, rtol=0, atol=1e-12)
    assert (ENGEL[:, :, DURABLES] == 0.0).all()
    assert (ENGEL[:, :, list(NONDURABLE_INDEX)] > 0.0).all()


@pytest.mark.parametrize("name", ["food", "education"])
def test_necessities_fall_with_income(name: str) -> None:
    assert (np.diff(column(name), axis=1) < 0).all()


@pytest.mark.parametrize(
    "name", ["catering", "culture", "lodging_tourism", "household_services", "daily_goods", "fuel"]
)
def test_luxuries_rise_with_income(name: str) -> None:
    assert (np.diff(column(name), axis=1) > 0).all()


def test_shares_are_smooth_between_nodes() -> None:
    steps = np.diff(ENGEL, axis=1)
    assert np.abs(steps).max() < 0.025
    assert np.abs(np.diff(steps, axis=1)).max() < 0.01


def test_group_levels_at_mean_incomes() -> None:
    mean = PARAMETERS.array("spending.reference_income")
    shares = np.stack([shares_at(PARAMETERS, mean[[r]])[r, 0] for r in (0, 1)])
    events = medical_events(PARAMETERS)
    spent = shares * (1.0 - events)[:, None]  # the budget, with large bills outside it = 1
    spent[:, HEALTH] += events
    for g, names in enumerate(SURVEY_GROUPS.values()):
        total = spent[:, [CATEGORIES.index(name) for name in names]].sum(axis=1)
        np.testing.assert_allclose(total, distil.nondurable_groups()[:, g], rtol=0.01)


def test_quintile_shape_of_food_follows_the_surveys() -> None:
    """Over the tables' spending range (ratio 2.8) food's share falls by 4-9 points."""
    reach = PARAMETERS.number("spending.income_reach")
    assert reach > np.log(2.8) / 2  # gradients hold at least over the tables' range
    urban = shares_at(PARAMETERS, 5000.0 * np.array([2.8**-0.5, 2.8**0.5]))[1]
    food = urban[:, CATEGORIES.index("food")] + urban[:, CATEGORIES.index("catering")]
    assert 0.04 < food[0] - food[1] < 0.09


def test_heavy_medical_bills_never_empty_the_health_budget() -> None:
    heavy = PARAMETERS.with_values({"consumption.medical_size": 20.0})
    floor = PARAMETERS.number("spending.health_floor")
    shares = budget_levels(heavy)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (shares[:, HEALTH] >= floor * levels(PARAMETERS)[:, HEALTH]).all()
    assert (shares[:, HEALTH] < budget_levels(PARAMETERS)[:, HEALTH]).all()


def test_season_means_are_one() -> None:
    np.testing.assert_allclose(SEASON.category.mean(axis=0), 1.0, atol=1e-12)
    np.testing.assert_allclose(SEASON.residence.mean(axis=0), 1.0, atol=1e-12)
    np.testing.assert_allclose(SEASON.category_by_year.mean(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(SEASON.residence_by_year.mean(axis=1), 1.0, atol=1e-12)
    assert SEASON.category.shape == (12, len(CATEGORIES))
    assert (SEASON.category[:, DURABLES] == 1.0).all()
    assert SEASON.category_by_year.min() > 0.4


def test_spring_festival_moves_with_the_lunar_date() -> None:
    food = CATEGORIES.index("food")
    late, early = 2026, 2031  # 17 February, 23 January
    assert SEASON.factors(2, late)[food] > SEASON.factors(2, early)[food] + 0.1
    assert SEASON.factors(1, early)[food] > SEASON.factors(1, late)[food] + 0.1
    rural, urban = SEASON.total(2, late)
    assert rural > urban > 1.0
    assert set(range(2025, 2036)) <= set(SEASON.years)


def test_holiday_days_add_up_and_stay_in_the_year() -> None:
    months = holiday_months(2031, "01-10", 20, 10)
    assert months.sum() == pytest.approx(1.0)
    assert months[0] == 1.0
    assert holiday_months(2026, "02-17", 20, 10)[:2].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "high", "low"),
    [("lodging_tourism", 8, 3), ("housing", 1, 7), ("apparel", 11, 7), ("daily_goods", 6, 4),
     ("catering", 10, 4), ("lodging_tourism", 5, 3)],
)  # fmt: skip
def test_known_seasons(name: str, high: int, low: int) -> None:
    q = CATEGORIES.index(name)
    assert SEASON.factors(high)[q] > SEASON.factors(low)[q] * 1.1


def test_unknown_years_use_the_average_and_bad_months_fail() -> None:
    np.testing.assert_array_equal(SEASON.factors(3, 1999), SEASON.category[2])
    for bad in (0, 13):
        with pytest.raises(ValueError, match=r"1\.\.12"):
            SEASON.total(bad)


def test_month_shares_sum_to_one_and_average_to_the_year() -> None:
    reference = budget_levels(PARAMETERS)
    months = np.stack([shares_in_month(ENGEL, SEASON, 2026, month) for month in range(1, 13)])
    np.testing.assert_allclose(months.sum(axis=3), 1.0, rtol=0, atol=1e-12)
    assert (months[:, :, :, DURABLES] == 0.0).all()
    level = np.stack(
        [shares_in_month(reference[:, None, :], SEASON, 2026, m)[:, 0] for m in range(1, 13)]
    )
    total = np.stack([SEASON.total(month, 2026) for month in range(1, 13)])
    spent = (level * total[:, :, None]).mean(axis=0)
    np.testing.assert_allclose(spent, reference, rtol=0, atol=0.003)


def test_retail_season_follows_the_nation() -> None:
    observed = distil.national_retail_season().mean(axis=0)
    table = SEASON.category_by_year[[SEASON.years.index(year) for year in (2019, 2023, 2024)]]
    monthly = (table @ distil.retail_weights()).mean(axis=0)
    np.testing.assert_allclose(monthly[2:], observed[1:], atol=0.002)
    assert monthly[:2].mean() == pytest.approx(observed[0], abs=0.002)


def test_national_months_add_up_to_the_published_years() -> None:
    found = {
        (row["year"], row["period"]): float(row["value"])  # the data pack repeats one row
        for row in distil._rows("retail_monthly")
        if row["region"] == "全国"
        and row["category"] == "社会消费品零售总额"
        and row["measure"] == "level"
    }
    for year, published in (("2019", 411649), ("2023", 471495), ("2024", 487895)):
        total = sum(value for (when, _), value in found.items() if when == year)
        assert total == pytest.approx(published, abs=5)


def test_retail_bridge_reaches_total_retail_sales() -> None:
    share, uplift = retail_share(PARAMETERS), retail_uplift(PARAMETERS)
    people = distil.persons()
    spent = people * distil.spending_per_person()
    durable = 36089 * people.sum() * 0.083
    rest = (spent / spent.sum() * (spent.sum() - durable)) @ levels(PARAMETERS) @ share
    assert (durable + rest) * uplift == pytest.approx(952.62e9, rel=0.001)
    assert (share >= 0).all()
    assert (share <= 1).all()
    assert (share[DURABLES] == 1.0).all()
    entry = PARAMETERS.entry("spending.retail_uplift")
    assert 1.0 < entry.low < entry.value < entry.high


def test_catering_lies_between_its_two_sources() -> None:
    rural, urban = distil.catering_parts()
    assert 0.08 < rural < urban
    assert 0.14 < urban < 0.24  # Fujian 2007: 14%; Shanxi 2013: 17%; retail statistics: 22%


def test_parameter_file_equals_its_derivation() -> None:
    assert distil_spending.TARGET.read_text(encoding="utf-8") == distil_spending.render()
    loaded = YAML(typ="safe", pure=True).load(distil_spending.render())
    assert list(loaded["gradient"]["value"]) == list(CATEGORIES)
    for name in ("rural", "urban"):
        assert sum(loaded["level"][name]["value"].values()) == pytest.approx(1.0, abs=1e-12)
