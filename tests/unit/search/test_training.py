from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.history import FloatArray, History
from fsopt.search.training import MAX_ROWS, TrainingSet, max_rows, stagnations
from fsopt.space import Float, Space

LINE = Space(Float("x", 0.0, 1.0))


def history_of(X: FloatArray, y: FloatArray, failed: FloatArray) -> History:
    return History(
        space=LINE,
        X=X[:, None],
        Y=y[:, None],
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=failed[:, None],
        X_pending=np.empty((0, 1)),
    )


def data_of(history: History, seed: int = 0, patience: int | None = None) -> TrainingSet:
    return TrainingSet.of(history, np.random.default_rng(seed), patience)


def test_rows_are_ordered_from_the_best_to_the_failures() -> None:
    history = history_of(np.array([0.1, 0.2, 0.3]), np.array([9.0, 1.0, 5.0]), np.array([0.4]))
    data = data_of(history)
    np.testing.assert_array_equal(data.X[:, 0], [0.2, 0.3, 0.1, 0.4])
    np.testing.assert_array_equal(data.y, [0.0, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(data.succeeded, [1.0, 1.0, 1.0, 0.0])


def test_a_failure_is_worse_than_the_only_value() -> None:
    data = data_of(history_of(np.array([0.1]), np.array([9.0]), np.array([0.4, 0.5])))
    assert data.y[0] < data.y[1]


def test_the_best_of_a_long_history_are_kept() -> None:
    y = np.random.default_rng(0).permutation(5 * MAX_ROWS).astype(np.float64)
    failed = 2 + np.arange(MAX_ROWS) / MAX_ROWS
    data = data_of(history_of(y / len(y), y, failed), 1)
    assert data.X.shape == (MAX_ROWS, 1)
    assert len(np.unique(data.X)) == MAX_ROWS
    good = MAX_ROWS // 3
    np.testing.assert_allclose(data.X[:good, 0], np.arange(good) / len(y))
    valued = MAX_ROWS - data.failures
    assert (data.X[:valued] < 1).all()
    assert (data.X[valued:] >= 2).all()
    share = MAX_ROWS / (6 * MAX_ROWS - good)  # of failures, among those that are not the best
    assert data.failures == pytest.approx(share * (MAX_ROWS - good), rel=0.2)
    np.testing.assert_allclose(data.y[:valued], np.arange(valued) / (valued - 1))
    other = data_of(history_of(y / len(y), y, failed), 2)
    assert not np.array_equal(other.X, data.X)


def test_all_of_a_few_values_are_kept_beside_many_failures() -> None:
    failed = 2 + np.arange(5 * MAX_ROWS) / MAX_ROWS
    data = data_of(history_of(np.array([0.1, 0.2]), np.array([2.0, 1.0]), failed))
    np.testing.assert_array_equal(data.X[:3, 0] < 1, [True, True, False])
    assert len(data.X) == MAX_ROWS


def test_a_short_history_is_kept_whole() -> None:
    X = np.arange(MAX_ROWS) / MAX_ROWS
    data = data_of(history_of(X, -X, X[:0]))
    np.testing.assert_array_equal(data.X[:, 0], X[::-1])


@pytest.mark.parametrize(("parameters", "rows"), [(1, 1500), (10, 1500), (20, 800), (10**6, 1)])
def test_fewer_rows_are_fitted_to_many_parameters(parameters: int, rows: int) -> None:
    assert max_rows(parameters) == rows


def slowly(values: list[float], patience: int) -> int:
    """Stagnations, by going through the trials one after the other."""
    best, idle, found = values[0], 0, 0
    for value in values[1:]:
        idle = 0 if value < best else idle + 1
        best = min(best, value)
        if idle == patience:
            idle, found = 0, found + 1
    return found


@given(st.lists(st.integers(0, 30).map(float), min_size=1), st.integers(1, 5))
def test_stagnations_are_runs_of_trials_without_improvement(
    values: list[float], patience: int
) -> None:
    assert stagnations(np.array(values), patience) == slowly(values, patience)


def test_stagnations_follow_the_order_of_the_trials() -> None:
    X = np.arange(22) / 22
    rising = history_of(X, X, X[:0])
    falling = history_of(X, -X, X[:0])
    assert data_of(rising, patience=10).stagnations == 2
    assert data_of(falling, patience=10).stagnations == 0
    assert data_of(rising, patience=None).stagnations == 0
    assert stagnations(np.empty(0), 10) == 0
