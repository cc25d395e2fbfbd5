from __future__ import annotations

import numpy as np
import pytest

from fsopt.errors import StudyError
from fsopt.history import FloatArray
from fsopt.surrogate import FORESTS, Forest, ForestOptions, Prediction, fit_forest
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
@pytest.mark.parametrize("splits", ["random", "best"])
def test_moments_obey_the_law_of_total_variance(splits: str, leaf: int) -> None:
    X, y = data(60)
    query = np.random.default_rng(1).random((40, 3))
    options = ForestOptions(trees=7, splits=splits, min_samples_leaf=leaf)
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


@pytest.mark.parametrize("name", FORESTS)
def test_every_forest_learns(name: str) -> None:
    X, y = data(200)
    query, truth = data(100, seed=1)
    found = fit_forest(X, y, np.random.default_rng(0), FORESTS[name]).predict(query)
    assert np.mean((found.mean - truth) ** 2) < 0.3 * np.var(truth)


def test_a_bootstrap_grows_each_tree_on_a_sample() -> None:
    X, y = data(100)
    options = ForestOptions(trees=30, bootstrap=0.5)
    forest = fit_forest(X, y, np.random.default_rng(0), options)
    leaves = [tree.n_leaves for tree in forest.trees]
    # of 100 rows, 50 draws find 100 (1 - 0.99^50) different ones
    assert np.mean(leaves) == pytest.approx(100 * (1 - 0.99**50), rel=0.05)
    assert forest.predict(X).epistemic.min() > 0


def test_best_splits_need_no_luck_where_one_threshold_is_right() -> None:
    X = np.linspace(0, 1, 50)[:, None]
    y = (X[:, 0] > 0.5).astype(np.float64)
    best, random = (
        fit_forest(X, y, np.random.default_rng(0), ForestOptions(splits=splits))
        for splits in ("best", "random")
    )
    assert {tree.node_count for tree in best.trees} == {3}
    assert np.mean([tree.node_count for tree in random.trees]) > 3


def test_small_decreases_of_impurity_are_left_to_noise() -> None:
    X, y = data(100)
    options = ForestOptions(trees=10, min_impurity_decrease=0.05)
    forest = fit_forest(X, y, np.random.default_rng(0), options)
    assert max(tree.node_count for tree in forest.trees) < 50
    assert forest.predict(X).aleatoric.min() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trees": 0}, "trees must be an integer of 1 or more, not 0"),
        ({"trees": "9"}, "trees must be an integer"),
        ({"min_samples_leaf": True}, "min_samples_leaf must be an integer"),
        ({"patience": 0}, "patience must be an integer"),
        ({"splits": "worst"}, "splits must be one of random, best, not 'worst'"),
        ({"max_features": 0.0}, "max_features must be above 0 and up to 1"),
        ({"max_features": "log2"}, "max_features must be above 0 and up to 1"),
        ({"max_features": 2}, "max_features must be above 0 and up to 1"),
        ({"bootstrap": 1.5}, "bootstrap must be from 0 to 1, not 1.5"),
        ({"min_impurity_decrease": float("nan")}, "min_impurity_decrease must be from 0 to 1"),
    ],
)
def test_nonsense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        ForestOptions(**options)  # type: ignore[arg-type]
