from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import truncnorm

from fsopt.prior import Mixture
from fsopt.prior.fitting import LEAST_DEVIATION, fit_mixture
from fsopt.space import Categorical, Float, Int, Normal, Ordinal, Space
from fsopt.streams import stream

MIXED = Space(Float("x", 0.0, 1.0), Categorical("c", ["a", "b", "c"]), Float("y", 1.0, 9.0))


def two_components() -> Mixture:
    return Mixture(
        weights=np.array([0.3, 0.7]),
        means=np.array([[0.1, np.nan, 0.9], [0.6, np.nan, np.nan]]),
        deviations=np.array([[0.2, np.nan, 0.3], [0.1, np.nan, np.nan]]),
        tables={1: np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])},
    )


def by_hand(x: float, level: int, y: float) -> float:
    def normal(at: float, mean: float, deviation: float) -> float:
        low, high = -mean / deviation, (1 - mean) / deviation
        return float(truncnorm.pdf(at, low, high, mean, deviation))

    table = [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]
    first = normal(x, 0.1, 0.2) * 3 * table[0][level] * normal(y, 0.9, 0.3)
    return 0.3 * first + 0.7 * normal(x, 0.6, 0.1) * 3 * table[1][level]


def test_the_density_is_that_of_truncated_normals_and_tables() -> None:
    points = [(0.2, 0, 0.5), (0.99, 2, 0.0), (0.0, 1, 1.0)]
    units = np.array([[x, (level + 0.5) / 3, y] for x, level, y in points])
    expected = [math.log(by_hand(*point)) for point in points]
    assert two_components().log_density(units) == pytest.approx(expected)


def test_what_is_inactive_is_integrated_out() -> None:
    mixture = two_components()
    whole, _ = quad(lambda y: by_hand(0.3, 1, y), 0, 1)
    found = mixture.log_density(np.array([[0.3, 0.5, np.nan]]))
    assert found == pytest.approx([math.log(whole)])


def test_the_uniform_mixture_has_the_density_one_everywhere() -> None:
    units = stream(0, "test").random((20, 3))
    assert Mixture.uniform(MIXED).log_density(units) == pytest.approx(np.zeros(20))


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.integers(0, 2))
def test_the_slope_is_the_derivative(x: float, y: float, level: int) -> None:
    mixture, step = two_components(), 1e-6
    unit = np.array([x, (level + 0.5) / 3, y])
    slope = mixture.slope(unit)
    assert slope[1] == 0
    for column in (0, 2):
        beside = np.tile(unit, (2, 1))
        beside[:, column] += [-step, step]
        low, high = mixture.log_density(beside)
        assert slope[column] == pytest.approx((high - low) / (2 * step), rel=1e-4, abs=1e-4)


def test_draws_have_the_density() -> None:
    mixture = two_components()
    drawn = mixture.sample(40_000, stream(1, "test"))
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    edges = np.linspace(0, 1, 6)
    for level in range(3):
        rows = drawn[np.abs(drawn[:, 1] - (level + 0.5) / 3) < 1e-9]
        counts = np.histogram2d(rows[:, 0], rows[:, 2], [edges, edges])[0] / len(drawn)
        for i, j in np.ndindex(counts.shape):
            area = _integral(level, edges[i : i + 2], edges[j : j + 2])
            assert counts[i, j] == pytest.approx(area, abs=5 * math.sqrt(area / 40_000) + 1e-4)


def _integral(level: int, xs: np.ndarray, ys: np.ndarray) -> float:
    def inner(x: float) -> float:
        return quad(lambda y: by_hand(x, level, y), *ys)[0]

    return float(
        np.mean([inner(x) for x in np.linspace(*xs, 41)]) * (xs[1] - xs[0]) * (ys[1] - ys[0])
    ) / (3 * (ys[1] - ys[0]))


def test_mixtures_of_mixtures_weigh_their_densities() -> None:
    units = stream(2, "test").random((9, 3))
    parts = two_components(), Mixture.uniform(MIXED)
    joined = Mixture.of([(0.4, parts[0]), (0.6, parts[1])])
    densities = [np.exp(part.log_density(units)) for part in parts]
    expected = 0.4 * densities[0] + 0.6 * densities[1]
    assert np.exp(joined.log_density(units)) == pytest.approx(expected)


def test_what_a_user_believes_is_a_normal_distribution_on_the_scale_of_the_parameter() -> None:
    space = Space(
        Float("rate", 1e-4, 1.0, log=True, prior=Normal(1e-2, 0.5)),
        Int("n", 0, 9, prior=Normal(4, 2)),
        Float("free", 0.0, 1.0),
    )
    believed = Mixture.believed(space)
    assert believed is not None
    assert believed.means[0, :2] == pytest.approx([0.5, 0.45])
    assert believed.deviations[0, :2] == pytest.approx([0.125, 2 / 9])
    assert np.isnan(believed.means[0, 2])
    assert Mixture.believed(MIXED) is None


def clusters(rng: np.random.Generator) -> np.ndarray:
    first = np.column_stack([rng.normal(0.2, 0.03, 40), np.full(40, 1 / 6), rng.random(40)])
    second = np.column_stack([rng.normal(0.8, 0.03, 20), np.full(20, 5 / 6), rng.random(20)])
    return np.concatenate([first, second])


def test_two_clusters_become_two_components() -> None:
    mixture = fit_mixture(clusters(stream(3, "test")), MIXED, stream(0, "fit"))
    assert len(mixture.weights) == 2
    order = np.argsort(mixture.means[:, 0])
    assert mixture.weights[order] == pytest.approx([2 / 3, 1 / 3])
    assert mixture.means[order, 0] == pytest.approx([0.2, 0.8], abs=0.02)
    assert mixture.tables[1][order].argmax(axis=1).tolist() == [0, 2]


def test_no_configuration_is_excluded() -> None:
    units = np.tile([0.5, 0.5, 0.5], (10, 1))
    mixture = fit_mixture(units, MIXED, stream(0, "fit"))
    assert mixture.deviations[0, [0, 2]] == pytest.approx([LEAST_DEVIATION] * 2)
    assert mixture.tables[1].min() > 0


def test_what_is_missing_does_not_move_a_component() -> None:
    units = np.array([[0.1, np.nan, np.nan], [0.3, np.nan, 0.7], [0.2, np.nan, np.nan]])
    mixture = fit_mixture(units, MIXED, stream(0, "fit"))
    assert mixture.means[0, 0] == pytest.approx(0.2)
    assert mixture.means[0, 2] == pytest.approx(0.7)
    assert mixture.tables[1][0] == pytest.approx([1 / 3] * 3)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(0, 1000))
def test_any_rows_give_a_proper_mixture(count: int, seed: int) -> None:
    space = Space(Float("x", 0, 1), Ordinal("o", [1, 2, 4]), Categorical("c", [1, 2]))
    rng = stream(seed, "rows")
    units = space.snap(rng.random((count, 3)))
    units[rng.random(units.shape) < 0.3] = np.nan
    mixture = fit_mixture(units, space, rng)
    assert mixture.weights.sum() == pytest.approx(1)
    assert np.isfinite(mixture.log_density(space.snap(rng.random((9, 3))))).all()
    drawn = mixture.sample(9, rng)
    assert ((drawn >= 0) & (drawn <= 1)).all()
