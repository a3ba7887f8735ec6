from __future__ import annotations

import numpy as np
import pytest

from model.outcome import MissingSeriesError, Outcome, Series
from tests.fake_economy import FakeEconomy, FakeScenario


def small() -> Outcome:
    values = np.arange(2 * 15, dtype=float).reshape(2, 15)
    return Outcome(
        ["2026-01", "2026-02"], {"retail_sales": Series(values, ("month", "place"), "yuan")}
    )


def test_fake_follows_the_format() -> None:
    FakeEconomy(FakeScenario(), 1).run().check()


def test_wrong_number_of_axes_is_refused() -> None:
    with pytest.raises(ValueError, match="axes"):
        Series(np.zeros((2, 2)), ("month",), "yuan")


def test_by_keeps_the_asked_order() -> None:
    turned = small()["retail_sales"].by("place", "month")
    assert turned.values.shape == (15, 2)
    assert turned.values[3, 1] == 18


def test_select_one_label_drops_its_dim_and_many_keep_it() -> None:
    run = small()
    assert run.select("retail_sales", place="dalian").values.tolist() == [1, 16]
    both = run.select("retail_sales", place=["dalian", "shenyang"], month="2026-01")
    assert both.dims == ("place",)
    assert both.values.tolist() == [1, 0]


def test_unknown_label_and_series_name_what_exists() -> None:
    with pytest.raises(ValueError, match="dalian"):
        small().select("retail_sales", place="paris")
    with pytest.raises(MissingSeriesError, match="retail_sales"):
        small()["retail_sale"]


def test_total_to_a_horizon() -> None:
    assert small().total("retail_sales", 1) == sum(range(15))


def test_check_finds_a_short_axis() -> None:
    run = Outcome(["2026-01"], {"x": Series(np.zeros((1, 14)), ("month", "place"), "yuan")})
    with pytest.raises(ValueError, match="labels say"):
        run.check()
