from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.search.acquisition import lower_confidence_bound, periodic_decay

weights = st.floats(1e-3, 1e3)
periods = st.integers(1, 50)


@given(st.integers(-100, 10_000), weights, weights, periods)
def test_decay_follows_its_closed_form(
    number: int, kappa: float, kappa_final: float, period: int
) -> None:
    phase = (number % period) / period
    expected = kappa ** (1 - phase) * kappa_final**phase
    assert periodic_decay(number, kappa, kappa_final, period) == pytest.approx(expected, rel=1e-9)


def test_decay_has_the_published_values() -> None:
    found = [periodic_decay(i, 1.96, 0.01, 10) for i in (0, 1, 9, 10)]
    assert found == pytest.approx([1.96, 1.156, 0.01695, 1.96], rel=1e-3)


def test_the_bound_is_the_mean_less_the_weighted_uncertainty() -> None:
    mean, sigma = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    np.testing.assert_array_equal(lower_confidence_bound(mean, sigma, 2.0), [0.0, -4.0])
