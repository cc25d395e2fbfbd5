from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from fsopt.search.acquisition import (
    Acquisition,
    ConfidenceBound,
    ExpectedImprovement,
    LogExpectedImprovement,
    ProbabilityOfImprovement,
    log_h,
)


def quadrature(u: float) -> float:
    """The expected improvement for deviation 1, less its Gaussian factor, by integration.

    ``h(u) = integral over t > 0 of t phi(t - u)``, of which ``phi(u)`` is taken out.
    """
    value, _ = integrate.quad(lambda t: t * np.exp(t * u - 0.5 * t * t), 0, np.inf, epsabs=0)
    return float(value)


@pytest.mark.parametrize("u", [6.0, 1.0, 0.0, -0.5, -0.999, -1.001, -3.0, -20.0, -100.0])
def test_the_logarithm_of_the_improvement_is_that_of_the_integral(u: float) -> None:
    expected = np.log(quadrature(u)) - 0.5 * u * u - 0.5 * np.log(2 * np.pi)
    assert log_h(np.array([u]))[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("border", [-1.0, -300.0])
def test_the_formulas_of_the_improvement_meet(border: float) -> None:
    below, above = log_h(np.array([border * (1 + 1e-9), border * (1 - 1e-9)]))
    slope = -border  # of the Gaussian factor
    assert above - below == pytest.approx(slope * 2e-9 * -border, rel=1e-2, abs=1e-8)


def test_far_away_the_improvement_falls_without_end() -> None:
    u = -(10.0 ** np.arange(0, 150, 5))
    found = log_h(u)
    assert np.isfinite(found).all()
    assert np.all(np.diff(found) < 0)


def test_certain_improvement_is_the_difference() -> None:
    found = LogExpectedImprovement(3.0).value(np.array([1.0]), np.array([1e-9]))
    assert np.exp(found[0]) == pytest.approx(2.0, rel=1e-12)


CASES: dict[str, Acquisition] = {
    "logei": LogExpectedImprovement(0.3),
    "ei": ExpectedImprovement(0.3, 0.1),
    "pi": ProbabilityOfImprovement(0.3, 0.1),
    "ucb": ConfidenceBound(0.7),
}


@pytest.mark.parametrize("acquisition", CASES.values(), ids=CASES.keys())
def test_slopes_of_acquisitions_are_those_of_finite_differences(acquisition: Acquisition) -> None:
    rng = np.random.default_rng(0)
    mean, deviation = rng.normal(size=200), 10.0 ** rng.uniform(-2, 1, 200)
    by_mean, by_deviation = acquisition.slopes(mean, deviation)
    step = 1e-6 * deviation
    for found, (m, s) in zip(
        (by_mean, by_deviation), ((step, 0 * step), (0 * step, step)), strict=True
    ):
        up, down = (acquisition.value(mean + k * m, deviation + k * s) for k in (1, -1))
        np.testing.assert_allclose(found, (up - down) / (2 * step), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("mean", "deviation"), [(0.1, 0.5), (0.9, 0.2), (-2.0, 1.0)])
def test_improvements_are_the_integrals_that_they_stand_for(mean: float, deviation: float) -> None:
    def density(y: float) -> float:
        return float(stats.norm.pdf(y, mean, deviation))

    wanted = 0.3 - 0.1  # the best value, less what is asked for
    low = mean - 12 * deviation
    probability, _ = integrate.quad(density, low, wanted)
    improvement, _ = integrate.quad(lambda y: (wanted - y) * density(y), low, wanted)
    at = np.array([mean]), np.array([deviation])
    assert CASES["pi"].value(*at)[0] == pytest.approx(probability, abs=1e-7)
    assert CASES["ei"].value(*at)[0] == pytest.approx(improvement, abs=1e-7)


def test_the_logarithm_of_the_improvement_is_what_it_says() -> None:
    rng = np.random.default_rng(0)
    mean, deviation = rng.normal(size=50), rng.uniform(0.1, 1.0, 50)
    plain = ExpectedImprovement(0.3).value(mean, deviation)
    np.testing.assert_allclose(np.exp(CASES["logei"].value(mean, deviation)), plain, rtol=1e-9)


def test_slopes_are_finite_far_in_the_tail() -> None:
    mean = 10.0 ** np.arange(0, 8)
    by_mean, by_deviation = LogExpectedImprovement(0.0).slopes(mean, np.ones(8))
    np.testing.assert_allclose(by_mean[3:], -mean[3:], rtol=1e-5)
    np.testing.assert_allclose(by_deviation[3:], mean[3:] ** 2, rtol=1e-4)


def test_the_bound_is_the_weighted_uncertainty_less_the_mean() -> None:
    mean, sigma = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    np.testing.assert_array_equal(ConfidenceBound(2.0).value(mean, sigma), [0.0, 4.0])
