from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.surrogate import Forest, ForestOptions, Prediction, fit_forest
from fsopt.surrogate.forest import encode


def data(n: int, d: int = 3, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, np.sin(5 * X).sum(axis=1) + 0.1 * rng.standard_normal(n)


def brute_force(forest: Forest, X: FloatArray, y: FloatArray, query: FloatArray) -> Prediction:
    """The moments from the training values that share a leaf with each query, one by one."""
    means, variances = [], []
    for tree in forest.trees:
        home = tree.apply(encode(X))
        for leaf in tree.apply(encode(query)):
            members = y[home == leaf]
            means.append(members.mean())
            variances.append(((members - members.mean()) ** 2).mean())
    m = np.reshape(means, (len(forest.trees), -1))
    v = np.reshape(variances, m.shape)
    return Prediction(m.mean(0), np.sqrt(((m - m.mean(0)) ** 2).mean(0)), np.sqrt(v.mean(0)))


@pytest.mark.parametrize("leaf", [1, 3, 10])
def test_moments_obey_the_law_of_total_variance(leaf: int) -> None:
    X, y = data(60)
    query = np.random.default_rng(1).random((40, 3))
    options = ForestOptions(trees=7, min_samples_leaf=leaf)
    forest = fit_forest(X, y, np.random.default_rng(2), options)
    found, expected = forest.predict(query), brute_force(forest, X, y, query)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.epistemic, expected.epistemic, rtol=1e-9, atol=1e-12)
    # scikit-learn computes the impurity as a difference of squares
    np.testing.assert_allclose(found.aleatoric, expected.aleatoric, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.total**2, found.epistemic**2 + found.aleatoric**2, rtol=1e-12)


def test_fully_grown_trees_are_certain_at_the_data() -> None:
    X, y = data(80)
    found = fit_forest(X, y, np.random.default_rng(0)).predict(X)
    np.testing.assert_allclose(found.mean, y, rtol=1e-12)
    np.testing.assert_allclose(found.epistemic, 0, atol=1e-12)
    np.testing.assert_allclose(found.aleatoric, 0, atol=1e-7)


def test_repeated_points_that_disagree_are_noise() -> None:
    X = np.repeat([[0.2], [0.8]], 4, axis=0)
    y = np.array([1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 7.0, 7.0])
    found = fit_forest(X, y, np.random.default_rng(0)).predict(np.array([[0.2], [0.8]]))
    np.testing.assert_allclose(found.mean, [2.5, 7])
    np.testing.assert_allclose(found.epistemic, 0, atol=1e-12)
    np.testing.assert_allclose(found.aleatoric, [np.std([1, 2, 3, 4]), 0], atol=1e-7)


def test_a_gap_in_the_data_is_uncertain() -> None:
    X = np.concatenate([np.linspace(0, 0.3, 30), np.linspace(0.7, 1, 30)])[:, None]
    forest = fit_forest(X, X[:, 0] ** 2, np.random.default_rng(0))
    gap = forest.predict(np.linspace(0.4, 0.6, 20)[:, None]).epistemic
    covered = forest.predict(np.linspace(0.05, 0.25, 20)[:, None]).epistemic
    assert gap.min() > 3 * covered.max()


def test_inactive_is_a_level_of_its_own() -> None:
    X = np.array([[np.nan], [0.0], [0.01], [1.0]])
    y = np.array([5.0, 1.0, 1.0, 1.0])
    found = fit_forest(X, y, np.random.default_rng(0)).predict(X)
    np.testing.assert_allclose(found.mean, y)


def test_the_generator_decides_the_splits() -> None:
    X, y = data(30)
    first, same, other = (
        fit_forest(X, y, np.random.default_rng(seed), ForestOptions(trees=4)).predict(X + 0.01)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.mean, same.mean)
    assert not np.array_equal(first.mean, other.mean)


@pytest.mark.parametrize("n", [1, 5])
def test_equal_values_are_predicted_everywhere(n: int) -> None:
    X, _ = data(n)
    found = fit_forest(X, np.full(n, 0.3), np.random.default_rng(0)).predict(1 - X)
    np.testing.assert_allclose(found.mean, 0.3, rtol=1e-12)
    np.testing.assert_allclose(found.total, 0.0, atol=1e-7)
