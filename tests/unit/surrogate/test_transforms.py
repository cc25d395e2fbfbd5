from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fsopt.surrogate.transforms import standardise, warp, yeo_johnson

both = pytest.mark.parametrize("transform", [standardise, warp])
anything = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30).map(
    np.array
)


@both
@given(y=anything)
@settings(deadline=None)
def test_any_finite_values_are_standardised_in_order(transform, y: np.ndarray) -> None:
    found = transform(y)
    assert np.isfinite(found.z).all()
    assert np.isfinite(found.log_slope)
    if found.z.any():
        assert found.z.mean() == pytest.approx(0, abs=1e-9)
        assert found.z.std() == pytest.approx(1, rel=1e-9)
    order = np.argsort(y, kind="stable")
    assert np.all(np.diff(found.z[order]) >= -1e-12)


@both
@pytest.mark.parametrize("value", [0.0, -3.5, 1e300, 5e-324])
@pytest.mark.parametrize("n", [1, 4])
def test_equal_values_become_zero(transform, value: float, n: int) -> None:
    found = transform(np.full(n, value))
    np.testing.assert_array_equal(found.z, np.zeros(n))
    assert found.log_slope == 0.0


@both
@pytest.mark.parametrize(("shift", "factor"), [(5.0, 3.0), (-1e3, 1e-3), (0.0, 1e300)])
def test_units_do_not_matter(transform, shift: float, factor: float) -> None:
    y = np.random.default_rng(0).standard_normal(30) ** 2
    first, other = transform(y), transform(shift + factor * y)
    np.testing.assert_allclose(other.z, first.z, atol=1e-8)
    assert other.log_slope == pytest.approx(first.log_slope, abs=1e-6)


@both
def test_the_slope_is_that_of_finite_differences(transform) -> None:
    y = np.random.default_rng(0).standard_normal(200) ** 2
    z = transform(y).z
    order = np.argsort(y)
    middles = np.log(np.diff(z[order]) / np.diff(y[order]))
    per_value = transform(y).log_slope / len(y)
    # the slope is of values scaled to [0, 1] first, for all transformations alike
    assert middles.mean() == pytest.approx(per_value - np.log(np.ptp(y)), abs=0.1)


@pytest.mark.parametrize("power", [-2.0, 0.0, 0.5, 1.0, 2.0, 3.0])
def test_the_transformation_is_the_one_of_yeo_and_johnson(power: float) -> None:
    z = np.linspace(-3, 3, 31)
    np.testing.assert_allclose(yeo_johnson(z, power), stats.yeojohnson(z, power), rtol=1e-10)


def test_a_skewed_distribution_becomes_more_symmetric() -> None:
    y = np.exp(np.random.default_rng(0).standard_normal(100))
    assert abs(stats.skew(warp(y).z)) < 0.5 < 1 < stats.skew(standardise(y).z)


@both
def test_one_huge_value_does_not_make_the_others_equal(transform) -> None:
    y = np.append(np.random.default_rng(0).random(30), 1e300)
    z = transform(y).z
    assert np.ptp(z[:-1]) > 0.1
    assert z[-1] == z.max()


@both
def test_a_hugely_better_value_is_still_the_best(transform) -> None:
    y = np.append(np.random.default_rng(0).random(30), -1e300)
    assert np.argmin(transform(y).z) == 30
