from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata

from fsopt.history import FloatArray
from fsopt.search.objective import ranks, scalarize

values = hnp.arrays(
    np.float64, st.integers(2, 30), elements=st.sampled_from([-1e300, -1, 0, 2, 5])
)
tables = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 20), st.integers(2, 4)), elements=st.integers(0, 4)
)


@given(values)
def test_ranks_are_averaged_over_ties_and_scaled(column: FloatArray) -> None:
    expected = (rankdata(column) - 1) / (len(column) - 1)
    np.testing.assert_allclose(ranks(column), expected, rtol=1e-12)


@given(values)
def test_ranks_do_not_depend_on_the_scale(column: FloatArray) -> None:
    np.testing.assert_array_equal(ranks(column), ranks(np.arctan(column)))


@pytest.mark.parametrize("n", [1, 4])
def test_equal_values_are_in_the_middle(n: int) -> None:
    np.testing.assert_array_equal(ranks(np.full(n, 9.0)), np.full(n, 0.5))


@given(tables, st.integers(0, 100))
def test_a_dominated_trial_is_never_ranked_before_its_better(Y: FloatArray, seed: int) -> None:
    scalar = scalarize(Y, np.random.default_rng(seed))
    for value, row in zip(scalar, Y, strict=True):
        assert (scalar[(row <= Y).all(axis=1)] >= value).all()
        assert (scalar[(row <= Y).all(axis=1) & (row < Y).any(axis=1)] > value).all()


def test_weights_differ_so_that_every_trade_off_is_looked_for() -> None:
    t = np.linspace(0, 1, 21)
    Y = np.column_stack([t, (1 - t) * 1000])
    best = {int(scalarize(Y, np.random.default_rng(seed)).argmin()) for seed in range(60)}
    assert len(best) > 10
    assert {min(best), max(best)} <= {0, 1, 2, 18, 19, 20}
