"""What is expected of noisy configurations is near their true values, in the objective's units."""

from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray, History
from fsopt.search.estimate import posterior, restored
from fsopt.space import Categorical, Constant, Float, Space

PLANE = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))


def history(space: Space, X: FloatArray, Y: FloatArray) -> History:
    none = np.empty((0, len(space)))
    numbers = np.arange(len(X))
    return History(space=space, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)


def truth(X: FloatArray) -> FloatArray:
    return 200 + 40 * ((X - 0.4) ** 2).sum(axis=1)


@pytest.mark.parametrize("count", [200, 400])
def test_the_luckiest_value_is_not_taken_for_the_best(count: int) -> None:
    found, errors = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.random((count, 2))
        y = truth(X) + 3 * rng.standard_normal(count)
        expected = posterior(history(PLANE, X, y[:, None]))
        errors.append(np.abs(expected.mean - truth(X)).mean())
        found.append((truth(X)[y.argmin()], truth(X)[expected.mean.argmin()]))
    by_value, by_model = np.mean(found, axis=0)
    assert by_model < by_value - 0.5
    assert np.median(errors) < 1.5, "of single values it is 2.4"


def test_without_noise_expected_values_are_those_observed() -> None:
    X = np.random.default_rng(0).random((60, 2))
    expected = posterior(history(PLANE, X, truth(X)[:, None]))
    np.testing.assert_allclose(expected.mean, truth(X), atol=0.05)
    assert (expected.epistemic < 0.05).all()


@pytest.mark.parametrize("skewed", [False, True])
def test_most_true_values_are_within_two_deviations(skewed: bool) -> None:
    rng = np.random.default_rng(1)
    X = np.repeat(rng.random((40, 2)), 3, axis=0)
    scale = (lambda y: np.exp(y / 8)) if skewed else (lambda y: y)
    y = scale(truth(X) - 200 + 2 * rng.standard_normal(len(X)))
    expected = posterior(history(PLANE, X, y[:, None]))
    wrong = np.abs(expected.mean - scale(truth(X) - 200))
    assert (wrong < 2 * expected.epistemic + 0.01 * np.ptp(y)).mean() > 0.8


@pytest.mark.parametrize("count", [12, 400])
def test_evaluations_of_one_configuration_count_together(count: int) -> None:
    space = Space(Categorical("c", ["a", "b", "c"]))
    X = space.to_unit(np.arange(count)[:, None] % 3.0)
    y = np.array([5.0, 3.0, 4.0])[np.arange(count) % 3]
    y += np.where(np.arange(count) // 3 % 2 == 0, 0.9, -0.9)
    y[0] = 0.0  # the best value, of the worst choice
    expected = posterior(history(space, X, y[:, None]))
    for choice in range(3):
        assert len(set(expected.mean[choice::3].tolist())) == 1
    assert int(expected.mean.argmin()) % 3 == 1


def test_each_objective_has_expectations_of_its_own() -> None:
    X = np.random.default_rng(0).random((40, 2))
    both = history(PLANE, X, np.column_stack([truth(X), -X[:, 0]]))
    np.testing.assert_allclose(posterior(both, 0).mean, truth(X), atol=0.1)
    np.testing.assert_allclose(posterior(both, 1).mean, -X[:, 0], atol=0.01)


@pytest.mark.parametrize(
    "space", [PLANE, Space(Constant("one", 1))], ids=["varying", "nothing varies"]
)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_and_equal_values_are_expected_as_they_are(space: Space, count: int) -> None:
    X = np.random.default_rng(0).random((count, len(space)))
    X = space.snap(X)
    expected = posterior(history(space, X, np.full((count, 1), -7.0)))
    np.testing.assert_allclose(expected.mean, -7.0)
    np.testing.assert_allclose(expected.epistemic, 0.0)


def test_an_expectation_is_a_function_of_the_history() -> None:
    X = np.random.default_rng(0).random((400, 2))
    once, again = (posterior(history(PLANE, X, truth(X)[:, None])) for _ in range(2))
    np.testing.assert_array_equal(once.mean, again.mean)
    np.testing.assert_array_equal(once.epistemic, again.epistemic)


def test_scaled_values_are_mapped_back_along_the_pairs_and_beyond() -> None:
    z = np.array([0.0, 2.0, 1.0, 3.0, 4.0])
    y = np.array([0.0, 20.0, 10.0, 40.0, 60.0])
    scaled = np.array([-1.0, 0.0, 0.5, 2.5, 4.0, 5.0])
    np.testing.assert_allclose(restored(scaled, z, y), [-10.0, 0.0, 5.0, 30.0, 60.0, 80.0])
