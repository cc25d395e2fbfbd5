from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fsopt.history import BoolArray, FloatArray
from fsopt.moo.pareto import crowding, fronts, nondominated

tables = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 25), st.integers(1, 5)), elements=st.integers(-2, 3)
)


def dominated(Y: FloatArray) -> BoolArray:
    """(n,) Which points another one dominates, by comparing all pairs."""
    no_worse = (Y[:, None] <= Y).all(axis=2)
    better = (Y[:, None] < Y).any(axis=2)
    return (no_worse & better).any(axis=0)


@settings(deadline=None)
@given(tables)
def test_the_front_is_what_no_point_dominates(Y: FloatArray) -> None:
    np.testing.assert_array_equal(nondominated(Y), ~dominated(Y))


@settings(deadline=None)
@given(tables)
def test_fronts_are_peeled_one_after_the_other(Y: FloatArray) -> None:
    found = fronts(Y)
    left = np.ones(len(Y), dtype=np.bool_)
    for number in range(found.max(initial=-1) + 1):
        best = np.flatnonzero(left)[~dominated(Y[left])]
        np.testing.assert_array_equal(np.flatnonzero(found == number), best)
        left[best] = False
    assert not left.any()


def test_large_and_small_values_are_told_apart() -> None:
    Y = np.array([[1e300, -1e300], [-1e300, 1e300], [1e300, -1e300 * (1 - 1e-15)], [5e-324, 0.0]])
    np.testing.assert_array_equal(nondominated(Y), [True, True, False, True])


def test_crowded_points_have_near_neighbours() -> None:
    Y = np.array([[0.0, 10.0], [4.0, 0.0], [1.0, 4.0], [2.0, 2.0]])
    np.testing.assert_allclose(crowding(Y), [np.inf, np.inf, 2 / 4 + 8 / 10, 3 / 4 + 4 / 10])


def test_an_objective_in_which_all_agree_crowds_nobody() -> None:
    Y = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 4.0]])
    assert crowding(Y[:, 1:])[1:3].tolist() == crowding(Y)[1:3].tolist() == [0.5, 0.75]
    assert crowding(Y[:0]).tolist() == []
