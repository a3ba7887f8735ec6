"""The estimation of car replacement: the shipped parameters are what it finds."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.car_replacement import estimate, load_estimation, misfit, simulated
from model.parameters import load_parameters


@pytest.fixture(scope="module")
def parameters():
    return load_parameters()


def test_shipped_parameters_fit_every_moment(parameters):
    estimation = load_estimation()
    assert (np.abs(misfit(parameters, estimation)[: len(estimation.moments)]) < 1.0).all()


def test_a_flatter_price_response_raises_the_inframarginal_share(parameters):
    flat = parameters.with_values({"durables.choice_scale.cars": 0.2})
    found = [simulated(p, load_estimation())["inframarginal"] for p in (parameters, flat)]
    assert found[1] > found[0] + 0.05


@pytest.mark.slow
def test_estimate_is_what_the_parameters_hold(parameters):
    """Rounding apart, and whatever values one starts from."""
    away = parameters.with_values({"durables.need_rate.cars": 0.3})
    for name, value in estimate(away, load_estimation()).items():
        assert parameters.number(name) == pytest.approx(value, rel=0.05)
