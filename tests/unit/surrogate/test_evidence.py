from __future__ import annotations

import math

import numpy as np
import pytest

from fsopt.surrogate.evidence import Evidence, Prior, stable_cholesky
from fsopt.surrogate.kernel import Hyperparameters, Points, covariance
from tests.unit.surrogate.test_kernel import MIXED, mixed_rows


def vectors(count: int, dimension: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    prior = Prior.of(dimension)
    return [prior.start + 0.5 * rng.standard_normal(len(prior.start)) for _ in range(count)]


@pytest.mark.parametrize("n", [1, 2, 15])
def test_the_loss_is_the_negative_log_density_of_data_and_prior(n: int) -> None:
    X = mixed_rows(n)
    z = np.random.default_rng(1).standard_normal(n)
    points = Points.of(X, MIXED)
    prior = Prior.of(4)
    for vector in vectors(3):
        hyper = Hyperparameters.from_vector(vector)
        K = covariance(points.pairs(points), hyper) + hyper.noise * np.eye(n)
        rest = z - hyper.mean
        density = -0.5 * (rest @ np.linalg.inv(K) @ rest + np.linalg.slogdet(2 * math.pi * K)[1])
        deviation = np.where(vector < prior.center, prior.below, prior.above)
        surprise = (((vector - prior.center) / deviation) ** 2).sum() / 2
        loss, _ = Evidence(X, z, MIXED).loss(vector)
        assert loss == pytest.approx(surprise - density, rel=1e-9)


def test_the_gradient_is_that_of_finite_differences() -> None:
    X = mixed_rows(20)
    z = np.random.default_rng(1).standard_normal(20)
    X[7], z[7] = X[3], z[3]
    evidence = Evidence(X, z, MIXED)
    for vector in vectors(4):
        _, gradient = evidence.loss(vector)
        steps = 1e-5 * np.eye(len(vector))
        numeric = [
            (evidence.loss(vector + step)[0] - evidence.loss(vector - step)[0]) / 2e-5
            for step in steps
        ]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-6)


def test_the_prior_has_the_gradient_of_finite_differences_and_its_top_at_the_center() -> None:
    prior = Prior.of(3)
    for seed in range(3):
        vector = prior.center + np.random.default_rng(seed).standard_normal(13)
        _, gradient = prior.surprise(vector)
        steps = 1e-6 * np.eye(13)
        numeric = [
            (prior.surprise(vector + step)[0] - prior.surprise(vector - step)[0]) / 2e-6
            for step in steps
        ]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)
    value, gradient = prior.surprise(prior.center)
    assert value == 0.0
    assert not gradient.any()


def test_parameters_that_do_not_matter_are_believed_to_do_so() -> None:
    X = np.random.default_rng(0).random((60, 8))
    z = np.sin(5 * X[:, 0])
    z = (z - z.mean()) / z.std()
    found = Evidence(X, z, np.zeros(8, dtype=np.bool_)).minimise(Prior.of(8).starts(2), 60)
    weights = Hyperparameters.from_vector(found.vector).weights
    assert weights[1:].max() < 1e-4 * weights[0]


def test_minimising_finds_what_no_random_vector_beats() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((30, 3))
    z = np.sin(6 * X[:, 0]) + 0.1 * rng.standard_normal(30)
    evidence = Evidence(X, z, np.zeros(3, dtype=np.bool_))
    prior = Prior.of(3)
    found = evidence.minimise(prior.starts(2), 60)
    assert found.loss == evidence.loss(found.vector)[0]
    assert np.all((prior.low <= found.vector) & (found.vector <= prior.high))
    near = found.vector + 0.1 * rng.standard_normal((200, 13))
    near = np.clip(near, prior.low, prior.high)
    assert min(evidence.loss(vector)[0] for vector in near) > found.loss - 1e-3
    hyper = Hyperparameters.from_vector(found.vector)
    assert hyper.lengths[0] < hyper.lengths[1:].min() or hyper.weights.argmax() == 0


def test_each_start_is_inside_of_the_bounds_and_different() -> None:
    for dimension in (1, 3, 30):
        prior = Prior.of(dimension)
        starts = prior.starts(3)
        for start in starts:
            assert np.all((prior.low <= start) & (start <= prior.high))
        assert len(np.unique(starts, axis=0)) == 3


def test_a_singular_matrix_is_factorised_nearly() -> None:
    K = np.ones((5, 5))
    factor = stable_cholesky(K)
    np.testing.assert_allclose(factor @ factor.T, K, atol=2e-4)
    np.testing.assert_array_equal(factor, np.tril(factor))


def test_a_definite_matrix_is_factorised_exactly() -> None:
    K = np.array([[4.0, 2.0], [2.0, 3.0]])
    np.testing.assert_allclose(stable_cholesky(K), np.linalg.cholesky(K), rtol=0, atol=0)


@pytest.mark.parametrize("K", [-np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]])])
def test_what_is_no_covariance_is_refused(K: np.ndarray) -> None:
    with pytest.raises(np.linalg.LinAlgError, match="2 x 2 matrix of covariances"):
        stable_cholesky(K)
