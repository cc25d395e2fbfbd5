from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.moo.hypervolume import hypervolume
from fsopt.search.acquisition import LogExpectedImprovement
from fsopt.search.front_acquisition import (
    FrontAcquisition,
    LogHypervolumeImprovement,
    TradeoffBound,
)

M = (1, 2, 3, 4)


def front_of(m: int) -> FloatArray:
    return np.random.default_rng(m).random((15, m))


def improvement(m: int) -> LogHypervolumeImprovement:
    return LogHypervolumeImprovement.beyond(front_of(m), np.full(m, 1.1))


def points_of(m: int, count: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(7 + m)
    return rng.uniform(-0.2, 1.0, (count, m)), rng.uniform(0.05, 0.5, (count, m))


@pytest.mark.parametrize("m", M)
def test_the_expected_growth_is_the_average_growth(m: int) -> None:
    front, reference = front_of(m), np.full(m, 1.1)
    (mean,), (deviation,) = points_of(m, 1)
    drawn = mean + deviation * np.random.default_rng(0).standard_normal((20_000, m))
    before = hypervolume(front, reference)
    growth = [hypervolume(np.vstack([front, y]), reference) - before for y in drawn]
    error = np.std(growth) / np.sqrt(len(growth))
    found = np.exp(improvement(m).value(mean[None], deviation[None])[0])
    assert found == pytest.approx(np.mean(growth), abs=4 * error)


def test_the_growth_of_one_objective_is_the_improvement() -> None:
    mean, deviation = points_of(1, 20)
    front = front_of(1)
    expected = LogExpectedImprovement(float(front.min())).value(mean[:, 0], deviation[:, 0])
    np.testing.assert_allclose(improvement(1).value(mean, deviation), expected, rtol=1e-9)


def test_the_expected_growth_can_be_in_other_units() -> None:
    # between the levels of the front the square is replaced by straight lines
    front, reference = np.array([[0.2, 0.8], [0.5, 0.5], [0.8, 0.2]]), np.full(2, 1.1)
    levels = np.array([-1.0, 0.2, 0.5, 0.8, 1.1])

    def squared(values: FloatArray) -> FloatArray:
        return np.interp(values, levels, levels * np.abs(levels))

    mean, deviation = np.array([0.45, 0.6]), np.array([0.05, 0.1])
    drawn = mean + deviation * np.random.default_rng(0).standard_normal((20_000, 2))
    before = hypervolume(squared(front), squared(reference))
    growth = [
        hypervolume(squared(np.vstack([front, y])), squared(reference)) - before for y in drawn
    ]
    wanted = LogHypervolumeImprovement.beyond(front, reference, (squared, squared))
    other = np.array([0.3, 0.7])
    found = np.exp(np.diff(wanted.value(np.array([other, mean]), np.tile(deviation, (2, 1)))))
    drawn += other - mean
    expected = np.mean(growth) / np.mean(
        [hypervolume(squared(np.vstack([front, y])), squared(reference)) - before for y in drawn]
    )
    assert found[0] == pytest.approx(expected, rel=0.03)
    check_slopes(wanted, mean[None], deviation[None])


@pytest.mark.parametrize("m", M)
def test_both_formulas_agree_where_they_meet(m: int) -> None:
    # along the way from a sure growth to a hopeless one there is neither a jump nor a plateau
    mean = np.linspace(0.0, 4.0, 4001)[:, None] + np.zeros(m)
    values = improvement(m).value(mean, np.full_like(mean, 0.1))
    steps = np.diff(values)
    assert (steps < 0).all()
    assert np.abs(np.diff(steps)).max() < 5e-3


@pytest.mark.parametrize("m", M)
@pytest.mark.parametrize("far", [0.0, 3.0, 30.0])
def test_the_slopes_of_the_growth_are_its_derivatives(m: int, far: float) -> None:
    mean, deviation = points_of(m, 3)
    check_slopes(improvement(m), mean + far, deviation)


@pytest.mark.parametrize("m", [2, 5])
def test_the_slopes_of_the_bound_are_its_derivatives(m: int) -> None:
    rng = np.random.default_rng(m)
    bound = TradeoffBound(rng.random(m), rng.random(m), 1.7)
    check_slopes(bound, *points_of(m, 5))


def check_slopes(wanted: FrontAcquisition, means: FloatArray, deviations: FloatArray) -> None:
    step = 1e-6
    for mean, deviation in zip(means, deviations, strict=True):
        by_mean, by_deviation = wanted.slopes(mean, deviation)
        moves = step * np.eye(len(mean))
        up, down = (
            wanted.value(mean + by, np.tile(deviation, (len(by), 1))) for by in (moves, -moves)
        )
        np.testing.assert_allclose(by_mean, (up - down) / (2 * step), rtol=1e-4, atol=1e-5)
        up, down = (
            wanted.value(np.tile(mean, (len(by), 1)), deviation + by) for by in (moves, -moves)
        )
        np.testing.assert_allclose(by_deviation, (up - down) / (2 * step), rtol=1e-4, atol=1e-5)


def test_what_is_certain_to_be_dominated_is_ordered_by_how_far_it_is() -> None:
    mean = np.array([[5.0, 5.0], [6.0, 6.0], [500.0, 500.0]])
    values = improvement(2).value(mean, np.full_like(mean, 1e-3))
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()


def test_the_bound_is_the_distance_of_optimistic_values() -> None:
    bound = TradeoffBound(np.array([2.0, 1.0]), np.array([0.0, 1.0]), 0.5)
    value = bound.value(np.array([[1.0, 4.0]]), np.array([[0.4, 2.0]]))
    first, second = 2 * (1 - 0.2), 4 - 1 - 1
    assert value == pytest.approx(-(second + 0.05 * (first + second)))
