from __future__ import annotations

import numpy as np
import pytest

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History
from fsopt.moo.hypervolume import hypervolume
from fsopt.search import NSGA2, RandomSearch
from fsopt.search.nsga2 import survivors
from fsopt.space import Float, Space, sample

BOX = Space(*(Float(f"x{i}", 0.0, 1.0) for i in range(4)))
REFERENCE = np.array([1.0, 1.0])


def bowls(X: FloatArray) -> FloatArray:
    return np.column_stack([((X - center) ** 2).sum(axis=1) for center in (0.2, 0.7)])


def history_of(X: FloatArray, Y: FloatArray) -> History:
    none = X[:0]
    numbers = np.arange(len(X), dtype=np.int64)
    return History(space=BOX, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)


def test_survivors_are_the_best_fronts_and_of_the_last_the_least_crowded() -> None:
    Y = np.array([[0, 9], [5, 5], [5.2, 4.8], [9, 0], [1, 10], [6, 6], [10, 10]], dtype=float)
    assert set(survivors(Y, Y[:, :0], 3).tolist()) == {0, 3, 1}
    assert set(survivors(Y, Y[:, :0], 4).tolist()) == {0, 1, 2, 3}
    assert set(survivors(Y, Y[:, :0], 6).tolist()) == {0, 1, 2, 3, 4, 5}
    assert len(survivors(Y, Y[:, :0], 100)) == len(Y)


def test_it_is_random_search_until_there_is_a_population() -> None:
    X = sample(BOX, 10, np.random.default_rng(3))
    few, enough = history_of(X[:9], bowls(X[:9])), history_of(X, bowls(X))
    optimizer = NSGA2(population=10)
    random = RandomSearch().suggest(few, [10], 7)
    np.testing.assert_array_equal(optimizer.suggest(few, [10], 7), random)
    assert not np.array_equal(optimizer.suggest(enough, [10], 7), random)


def test_fronts_move_towards_the_best() -> None:
    def after(optimizer: NSGA2 | RandomSearch) -> float:
        X = np.empty((0, 4))
        for number in range(0, 150, 5):
            history = history_of(X, bowls(X))
            X = np.vstack([X, optimizer.suggest(history, range(number, number + 5), 1)])
        return hypervolume(bowls(X), REFERENCE)

    assert after(NSGA2(population=20)) > after(RandomSearch())


def test_no_child_comes_from_a_dominated_corner() -> None:
    rng = np.random.default_rng(0)
    good, bad = 0.4 + 0.1 * rng.random((20, 4)), 0.9 + 0.1 * rng.random((60, 4))
    X = np.concatenate([good, bad])
    units = NSGA2(population=10).suggest(history_of(X, bowls(X)), range(80, 120), 5)
    assert (np.median(units, axis=0) < 0.6).all()


def test_a_population_of_one_has_no_pairs() -> None:
    with pytest.raises(StudyError, match="population must be an integer of 2 or more, not 1"):
        NSGA2(population=1)
