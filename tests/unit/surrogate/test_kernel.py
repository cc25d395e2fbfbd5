from __future__ import annotations

import math

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.surrogate.kernel import (
    Hyperparameters,
    PairKernel,
    Points,
    covariance,
)

MIXED = np.array([False, False, True, False])
HYPER = Hyperparameters(
    mean=0.3,
    noise=0.01,
    scale=1.4,
    curvature=0.6,
    lengths=np.array([0.5, 1.5, 2.0, 0.7]),
    weights=np.array([0.2, 0.1, 0.5, 0.3]),
    widths=np.array([0.3, 0.2, 1.0, 0.6]),
)


def mixed_rows(n: int, seed: int = 0) -> FloatArray:
    """Two numbers, a category of three, and a number, all of which may be inactive."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, 4))
    X[:, 2] = (rng.integers(3, size=n) + 0.5) / 3
    X[rng.random((n, 4)) < 0.2] = np.nan
    return X


def distance2(a: float, b: float, *, categorical: bool) -> float:
    """The squared distance in one parameter, as the documentation of the kernel has it."""
    if categorical:
        return float(not (a == b or (math.isnan(a) and math.isnan(b))))
    points = [(0.5, math.sqrt(0.75)) if math.isnan(x) else (x, 0.0) for x in (a, b)]
    return (points[0][0] - points[1][0]) ** 2 + (points[0][1] - points[1][1]) ** 2


def product(a: float, b: float, *, categorical: bool) -> float:
    """The inner product in one parameter times its factor, as documented."""
    if categorical:
        return float(a == b or (math.isnan(a) and math.isnan(b)))
    points = [(0.0, math.sqrt(0.75)) if math.isnan(x) else (x - 0.5, 0.0) for x in (a, b)]
    return 12 * (points[0][0] * points[1][0] + points[0][1] * points[1][1])


def matern(r: float) -> float:
    return (1 + math.sqrt(5) * r + 5 * r * r / 3) * math.exp(-math.sqrt(5) * r)


def covariance_of(x: FloatArray, other: FloatArray) -> float:
    squares = [
        distance2(a, b, categorical=c) for a, b, c in zip(x, other, MIXED.tolist(), strict=True)
    ]
    r2 = sum(d2 / length**2 for d2, length in zip(squares, HYPER.lengths, strict=True))
    terms = zip(squares, HYPER.weights, HYPER.widths, strict=True)
    additive = sum(a * matern(math.sqrt(d2) / w) for d2, a, w in terms)
    products = [product(a, b, categorical=c) for a, b, c in zip(x, other, MIXED, strict=True)]
    quadratic = (1 + sum(products) / 4) ** 2 / 4
    return HYPER.scale * matern(math.sqrt(r2)) + additive + HYPER.curvature * quadratic


def test_the_covariance_is_the_documented_sum() -> None:
    X, others = mixed_rows(9), mixed_rows(7, seed=1)
    found = covariance(Points.of(X, MIXED).pairs(Points.of(others, MIXED)), HYPER)
    expected = [[covariance_of(x, other) for other in others] for x in X]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_inactive_number_is_as_far_from_both_ends_as_these_from_each_other() -> None:
    X = np.array([[0.0], [0.5], [1.0], [np.nan]])
    points = Points.of(X, np.array([False]))
    np.testing.assert_allclose(points.pairs(points).squares[0, 3], [1.0, 0.75, 1.0, 0.0])


def test_the_names_of_categories_do_not_matter() -> None:
    X = np.array([[1 / 6], [3 / 6], [5 / 6], [np.nan]])
    points = Points.of(X, np.array([True]))
    np.testing.assert_array_equal(points.pairs(points).squares[0], 1 - np.eye(4))


@pytest.mark.parametrize("seed", range(5))
def test_covariance_matrices_are_positive_semidefinite_in_mixed_conditional_spaces(
    seed: int,
) -> None:
    points = Points.of(mixed_rows(60, seed), MIXED)
    K = covariance(points.pairs(points), HYPER)
    assert np.linalg.eigvalsh(K).min() > -1e-12 * 60


def test_slopes_are_those_of_finite_differences_and_zero_where_nothing_can_move() -> None:
    X, others = mixed_rows(8), Points.of(mixed_rows(7, seed=1), MIXED)

    def at(X: FloatArray) -> FloatArray:
        return covariance(Points.of(X, MIXED).pairs(others), HYPER)

    value, slopes = Points.of(X, MIXED).slopes(HYPER, others)
    np.testing.assert_allclose(value, at(X), rtol=1e-12)
    for column in (0, 1, 3):
        step = np.zeros(4)
        step[column] = 1e-6
        numeric = (at(X + step) - at(X - step)) / 2e-6
        np.testing.assert_allclose(slopes[column], numeric, atol=1e-8)
    assert not slopes[2].any()
    assert not slopes[np.isnan(X).T].any()


def test_variances_are_the_covariances_with_themselves_and_have_their_slopes() -> None:
    X = mixed_rows(20)
    points = Points.of(X, MIXED)
    expected = np.diag(covariance(points.pairs(points), HYPER))
    np.testing.assert_allclose(points.variances(HYPER), expected, rtol=1e-12)
    numeric = np.zeros((20, 4))
    for column in (0, 1, 3):
        step = np.zeros(4)
        step[column] = 1e-6
        up, down = (Points.of(X + sign * step, MIXED).variances(HYPER) for sign in (1, -1))
        numeric[:, column] = (up - down) / 2e-6
    numeric[np.isnan(X)] = 0.0
    np.testing.assert_allclose(points.variance_slopes(HYPER), numeric, atol=1e-8)


def test_the_quadratic_part_is_1_on_average_over_the_cube() -> None:
    grid = (np.arange(1000) + 0.5) / 1000
    points = Points.of(grid[:, None], np.array([False]))
    products = points.pairs(points).products
    np.testing.assert_allclose(np.diag(products).mean(), 1.0, rtol=1e-5)
    np.testing.assert_allclose(points.quadratic(), (1 + np.diag(products)) ** 2 / 4)


def test_pairs_have_the_same_covariance_and_the_slopes_of_finite_differences() -> None:
    points = Points.of(mixed_rows(10), MIXED)
    pairs = points.pairs(points)
    by_value = np.random.default_rng(0).standard_normal(100)
    kernel = PairKernel.of(pairs.squares.reshape(4, -1), pairs.products.ravel())
    value, parts = kernel.value(HYPER)
    np.testing.assert_allclose(value, covariance(pairs, HYPER).ravel(), rtol=1e-12)
    found = kernel.pull_back(HYPER, parts, by_value)
    vector = HYPER.to_vector()
    steps = 1e-6 * np.eye(len(vector))
    numeric = [
        float(
            by_value
            @ (
                covariance(pairs, Hyperparameters.from_vector(vector + step))
                - covariance(pairs, Hyperparameters.from_vector(vector - step))
            ).ravel()
        )
        / 2e-6
        for step in steps[2:]
    ]
    np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-7)


def test_hyperparameters_survive_the_way_to_a_vector_and_back() -> None:
    back = Hyperparameters.from_vector(HYPER.to_vector())
    assert back.mean == HYPER.mean
    assert back.stationary == pytest.approx(1.4 + 1.1)
    for name in ("noise", "scale", "lengths", "weights", "widths"):
        np.testing.assert_allclose(getattr(back, name), getattr(HYPER, name), rtol=1e-14)
