from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fsopt.history import FloatArray
from fsopt.moo.hypervolume import free_cells, hypervolume, reference_point
from fsopt.moo.pareto import nondominated

grids = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 8), st.integers(1, 4)), elements=st.integers(0, 5)
)


def counted(Y: FloatArray, side: int) -> int:
    """Of the cube [0, side]^m, how many unit cells are dominated by points of integers."""
    cells = np.array(list(itertools.product(range(side), repeat=Y.shape[1])))
    return int((Y[:, None] <= cells).all(axis=2).any(axis=0).sum())


@settings(deadline=None)
@given(grids)
def test_the_hypervolume_of_integers_is_a_count_of_cells(Y: FloatArray) -> None:
    assert hypervolume(Y, np.full(Y.shape[1], 4.0)) == counted(Y, 4)


def test_the_hypervolume_of_five_objectives_is_that_of_inclusion_and_exclusion() -> None:
    Y = np.random.default_rng(0).random((7, 5))
    expected = sum(
        (-1) ** (count + 1) * float(np.prod(1 - np.max(some, axis=0)))
        for count in range(1, 8)
        for some in itertools.combinations(Y, count)
    )
    assert hypervolume(Y, np.ones(5)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_ten_thousand_points_on_a_sphere_dominate_what_the_ball_leaves(m: int) -> None:
    normal = np.random.default_rng(m).standard_normal((10_000, m))
    Y = 1 - np.abs(normal) / np.linalg.norm(normal, axis=1, keepdims=True)
    ball = {2: np.pi / 4, 3: np.pi / 6, 4: np.pi**2 / 32}[m]
    assert nondominated(Y).all()
    assert 0.9 * ball < hypervolume(Y, np.ones(m)) < ball


@settings(deadline=None)
@given(grids)
def test_cells_divide_what_no_point_dominates(Y: FloatArray) -> None:
    m = Y.shape[1]
    low, high = free_cells(Y, np.full(m, 4.0))
    corners = np.array(list(itertools.product(range(-1, 4), repeat=m)))
    inside = (low <= corners[:, None]) & (corners[:, None] < high)
    free = ~(Y[:, None] <= corners).all(axis=2).any(axis=0)
    np.testing.assert_array_equal(inside.all(axis=2).sum(axis=1), free)


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_cells_and_what_is_dominated_make_up_the_whole(m: int) -> None:
    Y = np.random.default_rng(m).random((25, m))
    low, high = free_cells(Y, np.ones(m))
    free = float(np.prod(high - np.maximum(low, 0.0), axis=1).sum())
    assert free + hypervolume(Y, np.ones(m)) == pytest.approx(1.0)


@pytest.mark.parametrize(("m", "cells"), [(1, 1), (2, 31), (3, 61)])
def test_there_are_few_cells(m: int, cells: int) -> None:
    direction = np.random.default_rng(m).random((30, m))
    Y = 1 - direction / np.linalg.norm(direction, axis=1, keepdims=True)
    assert len(free_cells(Y, np.ones(m))[0]) <= cells


def test_the_reference_point_lies_a_tenth_beyond_the_front() -> None:
    Y = np.array([[0.0, 30.0], [10.0, 10.0], [11.0, 90.0]])
    np.testing.assert_allclose(reference_point(Y), [11.0, 32.0])


def test_a_front_of_one_point_has_a_reference_point_too() -> None:
    Y = np.array([[0.0, 1.0], [4.0, 21.0]])
    np.testing.assert_allclose(reference_point(Y), [0.4, 3.0])
    assert (reference_point(Y[:1]) > Y[0]).all()
