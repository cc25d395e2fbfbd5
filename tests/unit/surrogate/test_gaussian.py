from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.surrogate.gaussian import GaussianProcess, condition
from fsopt.surrogate.kernel import Points, covariance
from tests.unit.surrogate.test_kernel import HYPER, MIXED, mixed_rows


def data(n: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    return mixed_rows(n, seed), np.random.default_rng(seed + 9).standard_normal(n)


def kernel(A: FloatArray, B: FloatArray) -> FloatArray:
    return covariance(Points.of(A, MIXED).pairs(Points.of(B, MIXED)), HYPER)


def brute_force(X: FloatArray, z: FloatArray, query: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The posterior mean and covariance by inverting the matrix."""
    inverse = np.linalg.inv(kernel(X, X) + HYPER.noise * np.eye(len(X)))
    cross = kernel(query, X)
    mean = HYPER.mean + cross @ inverse @ (z - HYPER.mean)
    return mean, kernel(query, query) - cross @ inverse @ cross.T


def process(n: int, seed: int = 0) -> GaussianProcess:
    X, z = data(n, seed)
    return condition(X, z, MIXED, HYPER)


@pytest.mark.parametrize("n", [1, 2, 40])
def test_predictions_are_those_of_the_closed_form(n: int) -> None:
    X, z = data(n)
    query = mixed_rows(1000, seed=5)  # more than one batch
    found = condition(X, z, MIXED, HYPER).predict(query)
    mean, cov = brute_force(X, z, query)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(found.epistemic, np.sqrt(np.diag(cov)), rtol=1e-8)
    np.testing.assert_allclose(found.aleatoric, 0.1)


def test_moments_agree_with_predictions_and_with_finite_differences() -> None:
    found = process(30)
    query = mixed_rows(12, seed=5)
    moments, expected = found.moments(query), found.predict(query)
    np.testing.assert_allclose(moments.mean, expected.mean, rtol=1e-10)
    np.testing.assert_allclose(moments.deviation, expected.epistemic, rtol=1e-10)
    numeric = np.zeros((2, *query.shape))
    for column in (0, 1, 3):
        step = np.zeros(4)
        step[column] = 1e-6
        up, down = found.predict(query + step), found.predict(query - step)
        active = ~np.isnan(query[:, column])
        numeric[0, active, column] = (up.mean - down.mean)[active] / 2e-6
        numeric[1, active, column] = (up.epistemic - down.epistemic)[active] / 2e-6
    np.testing.assert_allclose(moments.mean_slope, numeric[0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(moments.deviation_slope, numeric[1], rtol=1e-5, atol=1e-7)


def test_the_order_of_the_data_does_not_matter() -> None:
    X, z = data(25)
    order = np.random.default_rng(0).permutation(25)
    query = mixed_rows(10, seed=5)
    first = condition(X, z, MIXED, HYPER).predict(query)
    other = condition(X[order], z[order], MIXED, HYPER).predict(query)
    np.testing.assert_allclose(first.mean, other.mean, rtol=1e-9)
    np.testing.assert_allclose(first.epistemic, other.epistemic, rtol=1e-9)


def test_leaving_one_out_is_conditioning_on_the_others() -> None:
    X, z = data(12)
    X[5] = X[2]
    errors, deviations = condition(X, z, MIXED, HYPER).leave_one_out()
    for i in range(12):
        rest = np.arange(12) != i
        found = condition(X[rest], z[rest], MIXED, HYPER).predict(X[[i]])
        assert errors[i] == pytest.approx(found.mean[0] - z[i], rel=1e-7, abs=1e-9)
        assert deviations[i] == pytest.approx(found.total[0], rel=1e-7)


@pytest.mark.parametrize("q", [1, 6])
def test_extending_is_conditioning_on_everything(q: int) -> None:
    X, z = data(20)
    query = mixed_rows(10, seed=5)
    whole = condition(X, z, MIXED, HYPER)
    grown = condition(X[:-q], z[:-q], MIXED, HYPER).extended(X[-q:], z[-q:])
    np.testing.assert_allclose(grown.factor, whole.factor, atol=1e-10)
    np.testing.assert_allclose(grown.alpha, whole.alpha, rtol=1e-7)
    np.testing.assert_allclose(grown.predict(query).mean, whole.predict(query).mean, rtol=1e-8)
    np.testing.assert_allclose(grown.seen(), whole.seen(), rtol=1e-8)


def test_believing_keeps_the_mean_and_takes_uncertainty_away() -> None:
    before = process(20)
    pending = mixed_rows(5, seed=6)
    query = np.concatenate([mixed_rows(10, seed=5), pending])
    after = before.believing(pending)
    np.testing.assert_allclose(after.predict(query).mean, before.predict(query).mean, rtol=1e-8)
    assert np.all(after.predict(query).epistemic <= before.predict(query).epistemic + 1e-12)
    assert np.all(after.predict(pending).epistemic < 0.11)
    assert before.believing(pending[:0]) is before


def test_what_was_seen_has_the_predicted_mean() -> None:
    X, z = data(15)
    found = condition(X, z, MIXED, HYPER)
    np.testing.assert_allclose(found.seen(), found.predict(X).mean, rtol=1e-8)


def test_samples_have_the_moments_of_the_posterior() -> None:
    X, z = data(15)
    query = mixed_rows(4, seed=5)
    drawn = condition(X, z, MIXED, HYPER).sample(query, 20_000, np.random.default_rng(0))
    mean, cov = brute_force(X, z, query)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), cov, atol=0.05)


def test_samples_at_the_same_place_are_the_same() -> None:
    query = np.repeat(mixed_rows(1, seed=5), 3, axis=0)
    drawn = process(15).sample(query, 4, np.random.default_rng(0))
    np.testing.assert_allclose(drawn, drawn[:, :1] * np.ones(3), atol=1e-4)


def test_repeated_configurations_are_averaged() -> None:
    X = np.repeat(mixed_rows(1), 200, axis=0)
    z = np.tile([0.0, 1.0], 100)
    found = condition(X, z, MIXED, HYPER).predict(X[:1])
    assert found.mean[0] == pytest.approx(0.5, abs=0.01)
    assert found.epistemic[0] == pytest.approx(0.1 / np.sqrt(200), rel=0.01)
