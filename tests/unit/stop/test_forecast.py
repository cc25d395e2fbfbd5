"""The extrapolation of curves, against brute force and on curves whose future is known."""

import numpy as np
import pytest

from fsopt.errors import StudyError
from fsopt.history import FloatArray
from fsopt.stop import Curves, Decision, LearningCurveExtrapolation
from fsopt.stop.families import FAMILIES, shapes
from fsopt.stop.forecast import Forecast, forecast

ALL = tuple(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("last", [1.5, 9.0, 81.0, 10_000.0])
def test_shapes_fall_from_one_to_zero(family: str, last: float) -> None:
    steps = np.geomspace(1.0, last, 30)
    found = shapes(family, steps, last)
    assert len(found) >= 1
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, 0], 1.0)
    np.testing.assert_allclose(found[:, -1], 0.0, atol=1e-9)
    assert (np.diff(found, axis=1) <= 1e-9).all()


@pytest.mark.parametrize(
    ("family", "curve"),
    [
        ("pow3", lambda z: 0.2 + 0.7 * z**-0.6),
        ("pow4", lambda z: 0.2 + 2.0 * (z + 5) ** -0.9),
        ("exp4", lambda z: 0.2 + 0.7 * np.exp(-((z / 12) ** 0.8))),
        ("mmf4", lambda z: (0.9 * 20 + 0.1 * z**1.4) / (20 + z**1.4)),
        ("ilog2", lambda z: 0.1 + 0.5 / np.log(z + 1)),
        ("lin2", lambda z: 0.9 - 0.01 * z),
        ("vapor3", lambda z: 0.5 + 0.3 / z - 0.05 * np.log(z)),
        ("logloglin2", lambda z: -np.log(0.5 * np.log(z) + 1.2)),
        ("arctan3", lambda z: 0.9 - np.arctan(0.1 * np.pi * z / 2 - 1) * 2 / np.pi),
    ],
)
def test_each_family_extrapolates_its_own_curves(family: str, curve: object) -> None:
    assert callable(curve)
    steps = np.arange(1, 28)
    future = forecast(steps, curve(steps), 81, (family,))
    assert future.mean == pytest.approx(float(curve(81.0)), abs=0.09)


def gaussian_density(x: FloatArray, covariance: FloatArray) -> float:
    return float(
        np.exp(-x @ np.linalg.solve(covariance, x) / 2)
        / np.sqrt(np.linalg.det(2 * np.pi * covariance))
    )


def test_the_posterior_is_that_of_a_joint_gaussian() -> None:
    """Each shape, noise and memory conditioned as one matrix, and weighted by its density."""
    from fsopt.stop import forecast as module

    steps = np.array([1, 2, 4, 5])
    values = np.array([1.0, 0.7, 0.55, 0.5])
    unit, last = 0.5, 20
    y = (values - values[-1]) / unit
    z = np.append(steps, last).astype(float)
    weights, means, variances = [], [], []
    for family in ("pow3", "ilog2"):
        drawn = shapes(family, z, last)
        for memory in module._MEMORIES:
            correlation = memory ** np.abs(z[:, None] - z[None, :])
            for shape in drawn:
                basis = np.column_stack([np.ones(5), shape])
                for noise in module._NOISES:
                    joint = basis @ np.diag(module._PRIOR**2) @ basis.T + noise**2 * correlation
                    seen, cross = joint[:4, :4], joint[4, :4]
                    weights.append(gaussian_density(y, seen) / len(drawn))
                    gain = np.linalg.solve(seen, cross)
                    means.append(gain @ y)
                    variances.append(joint[4, 4] - gain @ cross)
    share = np.array(weights) / np.sum(weights)
    mean = share @ np.array(means)
    second = share @ (np.array(variances) + np.array(means) ** 2)
    found = forecast(steps, values, last, ("pow3", "ilog2"), unit)
    assert found.mean == pytest.approx(mean * unit + values[-1], rel=1e-6)
    departure = 2 * (0.3**2 + 0.2**2) / 2  # in two doublings, as from 1 to 2 and from 2 to 5
    assert found.weights @ (
        found.deviations**2 + (found.means - found.mean) ** 2
    ) == pytest.approx((second - mean**2) * unit**2 + departure, rel=1e-5)


def test_a_forecast_moves_and_stretches_with_its_curve() -> None:
    steps = np.arange(1, 11)
    values = 0.3 + 0.5 * steps**-0.5 + 0.01 * np.cos(steps)
    one = forecast(steps, values, 81, ALL, 0.2)
    other = forecast(steps, 1000 * values - 7, 81, ALL, 200.0)
    assert other.mean == pytest.approx(1000 * one.mean - 7)
    assert other.below(1000 * 0.4 - 7) == pytest.approx(one.below(0.4))
    later = forecast(5 * steps, values, 405, ALL, 0.2)
    assert later.mean == pytest.approx(one.mean)


def test_probabilities_are_those_of_the_mixture() -> None:
    future = Forecast(np.array([0.0, 4.0]), np.array([1.0, 2.0]), np.array([0.25, 0.75]))
    assert future.mean == 3.0
    draws = np.random.default_rng(0).normal(size=100_000)
    for value in (-1.0, 0.5, 4.0):
        share = 0.25 * (draws < value).mean() + 0.75 * (4 + 2 * draws < value).mean()
        assert future.below(value) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("seen", [4, 9, 27])
def test_intervals_hold_what_they_promise_on_drawn_curves(seen: int) -> None:
    """Curves drawn from another mechanism than the prior's: the rank of the truth is even."""
    rng = np.random.default_rng(seen)
    steps = np.arange(1, 82)
    ranks = []
    for _ in range(150):
        start, last = rng.normal(0, 1, 2)
        rate = rng.uniform(0.2, 1.5)
        kind = rng.integers(2)
        shape = steps**-rate if kind else np.exp(-steps * rate / 10)
        curve = last + (abs(start) + 0.2) * shape + rng.normal(0, 0.03, 81)
        future = forecast(steps[:seen], curve[:seen], 81, ALL, 1.0)
        ranks.append(future.below(float(curve[-1])))
    inside = np.mean((np.array(ranks) > 0.05) & (np.array(ranks) < 0.95))
    assert 0.8 <= inside <= 1.0


def test_a_constant_curve_stays() -> None:
    future = forecast(np.arange(1, 11), np.full(10, 3.0), 81, ALL)
    assert future.mean == pytest.approx(3.0, abs=0.01)
    assert future.below(2.9) < 0.05


def test_one_report_is_enough_for_a_wide_forecast() -> None:
    future = forecast(np.array([1]), np.array([0.5]), 81, ALL, 0.1)
    assert 0.01 < future.below(0.4) < 0.99


def test_of_long_curves_the_last_points_count_most() -> None:
    steps = np.arange(1, 5001)
    values = 1 + steps**-0.3
    future = forecast(steps, values, 10_000, ALL)
    assert future.mean == pytest.approx(1 + 10_000**-0.3, abs=0.01)


def study_with(best: float) -> Curves:
    curves = Curves()
    for step in (1, 3, 9, 27, 81):
        curves.report(0, step, best + 0.4 * step**-0.5)
    curves.end(0)
    return curves


def test_only_a_trial_that_can_hardly_become_the_best_is_stopped() -> None:
    stopper = LearningCurveExtrapolation(max_steps=81)
    for last, decision in ((0.8, Decision.STOP), (0.1, Decision.CONTINUE)):
        curves = study_with(best=0.3)
        for step in range(1, 11):
            curves.report(1, step, last + 0.2 * step**-1.0)
        assert stopper.decide(curves, 1, 0) is decision


def test_a_trial_as_good_as_the_best_goes_on_although_it_gets_worse() -> None:
    stopper = LearningCurveExtrapolation(max_steps=81)
    for last in (0.3, 0.4):
        curves = study_with(best=0.3)
        for step in range(1, 11):
            curves.report(1, step, last - 0.02 * (10 - step))
        is_as_good = last <= 0.3 + 0.4 * 81**-0.5
        assert (stopper.decide(curves, 1, 0) is Decision.CONTINUE) == is_as_good


def test_nobody_is_stopped_before_a_trial_is_complete() -> None:
    curves = Curves()
    for step in range(1, 11):
        for trial in range(5):
            curves.report(trial, step, float(trial))
    stopper = LearningCurveExtrapolation(max_steps=81)
    assert stopper.decide(curves, 4, 0) is Decision.CONTINUE


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(StudyError, match="no 'pow99'"):
        LearningCurveExtrapolation(max_steps=9, families=("pow3", "pow99"))
    with pytest.raises(StudyError, match="known are pow3"):
        LearningCurveExtrapolation(max_steps=9, families=())
