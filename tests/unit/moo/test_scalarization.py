from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata

from fsopt.history import FloatArray
from fsopt.moo.scalarization import (
    SCALARIZATIONS,
    SCALINGS,
    logarithmic,
    minmax,
    random_weights,
    ranks,
)

values = hnp.arrays(
    np.float64, st.integers(2, 30), elements=st.sampled_from([-1e300, -1, 0, 2, 5])
)
WEIGHTS = np.array([0.2, 0.3, 0.5])
Z = np.array([[0.0, 0.0, 0.0], [1.0, 0.5, 0.2], [0.2, 0.3, 0.5], [0.0, 1.0, 1.0]])


@given(values)
def test_ranks_are_averaged_over_ties_and_scaled(column: FloatArray) -> None:
    expected = (rankdata(column) - 1) / (len(column) - 1)
    if len(np.unique(column)) == 1:
        expected = np.full(len(column), 0.5)
    np.testing.assert_allclose(ranks(column), expected, rtol=1e-12)


@given(values)
def test_ranks_do_not_depend_on_the_scale(column: FloatArray) -> None:
    np.testing.assert_array_equal(ranks(column), ranks(np.arctan(column)))


@pytest.mark.parametrize("n", [1, 4])
def test_equal_values_are_in_the_middle(n: int) -> None:
    np.testing.assert_array_equal(ranks(np.full(n, 9.0)), np.full(n, 0.5))


@pytest.mark.parametrize("scaling", SCALINGS)
@given(column=values)
def test_scaled_values_keep_their_order_within_the_unit_interval(
    scaling: str, column: FloatArray
) -> None:
    scaled = SCALINGS[scaling](column)
    assert ((scaled >= 0) & (scaled <= 1)).all()
    assert (np.diff(scaled[np.argsort(column, kind="stable")]) >= 0).all()


def test_minmax_is_linear_and_log_stretches_the_best() -> None:
    column = np.array([7.0, 3.0, 5.0])
    np.testing.assert_allclose(minmax(column), [1.0, 0.0, 0.5])
    np.testing.assert_allclose(logarithmic(column), np.log([5.0, 1.0, 3.0]) / np.log(5))


def test_scalarizations_are_their_formulas() -> None:
    along = Z @ WEIGHTS / 0.38
    U, _, _ = np.linalg.svd(WEIGHTS[:, None])
    Q = U @ np.diag([1.0, 10.0, 10.0]) @ U.T
    expected = {
        "linear": Z @ WEIGHTS,
        "chebyshev": [0.0, 0.2, 0.25, 0.5],
        "augmented_chebyshev": np.array([0.0, 0.2, 0.25, 0.5]) + 0.05 * Z @ WEIGHTS,
        "pbi": along + 5 * np.abs(Z - along[:, None] * WEIGHTS).sum(axis=1),
        "quadratic": np.einsum("ni,ij,nj->n", Z, Q, Z),
    }
    assert expected.keys() == SCALARIZATIONS.keys()
    for name, wanted in expected.items():
        np.testing.assert_allclose(SCALARIZATIONS[name](Z, WEIGHTS), wanted, atol=1e-14)


def test_a_point_in_the_direction_of_the_weights_is_not_penalised() -> None:
    assert SCALARIZATIONS["pbi"](Z, WEIGHTS)[2] == pytest.approx(1.0)
    assert SCALARIZATIONS["quadratic"](Z, WEIGHTS)[2] == pytest.approx(0.38)


def test_weights_are_uniform_on_the_simplex() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([random_weights(3, rng) for _ in range(4000)])
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0)
    # of a triangle of side 1, the part beyond half a side has a quarter of the area
    np.testing.assert_allclose((drawn > 0.5).mean(axis=0), 0.25, atol=0.03)
