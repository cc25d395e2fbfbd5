"""Functional ANOVA beside closed forms and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.figures.chart import FloatArray
from fsopt.figures.fanova import Distribution, fanova, leaves_of
from fsopt.surrogate import Forest, ForestOptions, fit_forest

ONE_TREE = ForestOptions(trees=1, splits="best", max_features=1.0)


def grid(levels: list[int]) -> FloatArray:
    """Every combination of the middles of equal shares."""
    axes = [(np.arange(count) + 0.5) / count for count in levels]
    return np.array(list(itertools.product(*axes)))


def brute_force(values: FloatArray, i: int, j: int | None = None) -> float:
    """The variance that one axis of a full table explains, or two beyond what each does."""
    centred = values - values.mean()

    def of(*kept: int) -> float:
        others = tuple(axis for axis in range(values.ndim) if axis not in kept)
        return float((centred.mean(axis=others) ** 2).mean())

    found = of(i) if j is None else of(i, j) - of(i) - of(j)
    return found / float(values.var())


def grown_on(X: FloatArray, y: FloatArray) -> Forest:
    return fit_forest(X, y, np.random.default_rng(0), ONE_TREE)


@given(st.lists(st.integers(2, 4), min_size=2, max_size=3), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_shares_of_a_tree_that_knows_all_levels_are_those_of_the_table(
    levels: list[int], seed: int
) -> None:
    X = grid(levels)
    y = np.random.default_rng(seed).normal(size=len(X))
    found = fanova(grown_on(X, y), [Distribution(levels=count) for count in levels])
    table = y.reshape(levels)
    expected = [brute_force(table, i) for i in range(len(levels))]
    assert found.single[0] == pytest.approx(expected, abs=1e-6)
    pairs = [brute_force(table, i, j) for i, j in found.pairs.tolist()]
    assert found.together[0] == pytest.approx(pairs, abs=1e-6)


def test_a_sum_has_no_interactions_and_variances_of_its_terms() -> None:
    X = grid([8, 8])
    found = fanova(grown_on(X, 2 * X[:, 0] + X[:, 1]), [Distribution(levels=8)] * 2)
    assert found.single[0] == pytest.approx([0.8, 0.2], abs=1e-6)
    assert found.together[0] == pytest.approx([0.0], abs=1e-6)


def test_of_an_exclusive_or_all_is_interaction() -> None:
    X = grid([2, 2])
    found = fanova(grown_on(X, np.array([0.0, 1.0, 1.0, 0.0])), [Distribution(levels=2)] * 2)
    assert found.single[0] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert found.together[0] == pytest.approx([1.0])


def test_on_a_continuum_shares_are_those_of_random_draws() -> None:
    rng = np.random.default_rng(5)
    X = rng.random((200, 3))
    forest = grown_on(X, np.sin(6 * X[:, 0]) + X[:, 1] * X[:, 2])
    found = fanova(forest, [Distribution()] * 3)
    draws, inner = rng.random((400, 3)), rng.random((500, 3))
    variance = forest.predict(rng.random((100_000, 3))).mean.var()
    for column in range(3):
        fixed = np.repeat(inner[np.newaxis], len(draws), axis=0)
        fixed[:, :, column] = draws[:, column, np.newaxis]
        means = forest.predict(fixed.reshape(-1, 3)).mean.reshape(len(draws), -1).mean(axis=1)
        assert found.single[0, column] == pytest.approx(means.var() / variance, abs=0.06)


def test_being_inactive_is_a_value_with_its_own_probability() -> None:
    X = np.array([[np.nan], [0.25], [0.75]])
    forest = grown_on(X, np.array([1.0, 0.0, 0.0]))
    (leaf,) = (
        leaves
        for leaves in [leaves_of(forest.trees[0], 1)]
        if set(leaves.values.tolist()) == {0.0, 1.0}
    )
    assert len(leaf.low) == 2
    assert fanova(forest, [Distribution(inactive=0.5)]).single[0] == pytest.approx([1.0])
    # never inactive: the tree does not vary where it counts
    assert len(fanova(forest, [Distribution()]).single) == 0


def test_a_distribution_counts_levels_below() -> None:
    at = np.array([-np.inf, -1.0, -0.5, 0.0, 0.24, 0.26, 0.74, 1.0, 2.0])
    plain = Distribution(levels=2).below(at)
    assert plain.tolist() == [0, 0, 0, 0, 0, 0.5, 0.5, 1, 1]
    halves = Distribution(inactive=0.5).below(np.array([-2.0, -1.0, 0.0, 0.5, 1.0]))
    assert halves.tolist() == [0, 0.5, 0.5, 0.75, 1]


def test_a_forest_that_does_not_vary_explains_nothing() -> None:
    X = grid([4])
    assert fanova(grown_on(X, np.ones(4)), [Distribution(levels=4)]).single.shape == (0, 1)
