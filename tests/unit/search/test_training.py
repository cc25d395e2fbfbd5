from __future__ import annotations

from functools import partial

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.search.training import MAX_ROWS, TrainingSet, fit_believing
from fsopt.space import Float, Space
from fsopt.surrogate import ForestOptions, fit_forest

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


def test_rows_are_ordered_from_the_best_to_the_failures() -> None:
    history = history_of(np.array([0.1, 0.2, 0.3]), np.array([9.0, 1.0, 5.0]), np.array([0.4]))
    data = TrainingSet.of(history, np.random.default_rng(0))
    np.testing.assert_array_equal(data.X[:, 0], [0.2, 0.3, 0.1, 0.4])
    np.testing.assert_array_equal(data.y, [0.0, 0.5, 1.0, 1.0])


def test_a_failure_is_worse_than_the_only_value() -> None:
    history = history_of(np.array([0.1]), np.array([9.0]), np.array([0.4, 0.5]))
    data = TrainingSet.of(history, np.random.default_rng(0))
    assert data.y[0] < data.y[1]


def test_the_best_of_a_long_history_are_kept() -> None:
    y = np.random.default_rng(0).permutation(5 * MAX_ROWS).astype(np.float64)
    history = history_of(y / len(y), y, np.empty(0))
    data = TrainingSet.of(history, np.random.default_rng(1)).thinned(np.random.default_rng(2))
    assert data.X.shape == (MAX_ROWS, 1)
    assert len(np.unique(data.X)) == MAX_ROWS
    good = MAX_ROWS // 3
    np.testing.assert_allclose(data.X[:good, 0], np.arange(good) / len(y))
    assert data.X[good:].mean() > 0.5
    assert (np.diff(data.y) > 0).all()


def test_a_short_history_is_kept_whole() -> None:
    data = TrainingSet(np.zeros((MAX_ROWS, 1)), np.zeros(MAX_ROWS))
    assert data.thinned(np.random.default_rng(0)) is data


def test_no_uncertainty_is_left_where_trials_are_pending() -> None:
    X = np.array([0.0, 0.1, 0.9, 1.0])[:, None]
    data = TrainingSet(X, X[:, 0])
    pending = np.array([[0.5], [0.6]])
    fit = partial(fit_forest, options=ForestOptions(trees=100))
    ignored, believed = (
        fit_believing(data, given, fit, fit, np.random.default_rng(0)).predict(pending)
        for given in (pending[:0], pending)
    )
    assert ignored.epistemic.min() > 0.2
    np.testing.assert_allclose(believed.epistemic, 0, atol=1e-12)
    np.testing.assert_allclose(believed.mean, ignored.mean, atol=0.15)


def test_very_many_pending_trials_are_thinned() -> None:
    X = np.array([[0.0], [1.0]])
    pending = np.linspace(0.1, 0.9, MAX_ROWS + 500)[:, None]
    sizes: list[int] = []

    def fit(X: FloatArray, y: FloatArray, rng: np.random.Generator) -> object:
        sizes.append(len(X))
        return fit_forest(X, y, rng, ForestOptions(trees=1))

    fit_believing(TrainingSet(X, X[:, 0]), pending, fit, fit, np.random.default_rng(0))  # type: ignore[arg-type]
    assert sizes == [2, MAX_ROWS + 2]
