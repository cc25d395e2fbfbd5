from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.search.choice import forest_fits_better
from tests.unit.search.test_gaussian import bowl, history_of, points


def jagged(X: FloatArray) -> FloatArray:
    """Cells of random height, which have next to nothing in common with their neighbours."""
    heights = np.random.default_rng(5).random((3, 3))
    column, row = (np.minimum((X * 3).astype(int), 2)).T
    return heights[column, row]


def chosen(X: FloatArray, y: FloatArray, seed: int = 0) -> bool:
    return forest_fits_better(history_of(X, y), y, seed)


@pytest.mark.parametrize("n", [45, 90, 170])
def test_smooth_objectives_are_for_the_gaussian_process(n: int) -> None:
    X = points(n)
    assert not chosen(X, bowl(X))


def test_jumps_are_for_the_forest_once_there_is_enough_data() -> None:
    X = points(170)
    y = jagged(X)
    assert chosen(X, y)
    assert not chosen(X[:39], y[:39])


def test_later_trials_change_nothing_until_there_are_twice_as_many() -> None:
    X = points(159)
    y = jagged(X)
    y[80:] = bowl(X[80:])
    assert chosen(X, y) == chosen(X[:80], y[:80])
