from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from fsopt.history import FloatArray, History
from fsopt.search import NSGA2, BayesianOptimizer, RegularizedEvolution, SobolSearch
from fsopt.search.feasibility import Feasibility
from fsopt.search.front_beliefs import FrontBeliefs
from fsopt.search.nsga2 import survivors
from fsopt.search.objective import violations, worth
from fsopt.space import Float, Space

BOX = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))
ORDERED = np.zeros(2, dtype=np.bool_)


def points(count: int) -> FloatArray:
    return SobolSearch().suggest(History.empty(BOX), range(count), 1)


def history_of(X: FloatArray, Y: FloatArray, excess: FloatArray) -> History:
    none = X[:0]
    return History(
        space=BOX,
        X=X,
        Y=Y,
        numbers=np.arange(len(X)),
        X_failed=none,
        X_pending=none,
        excess=excess,
    )


def bowl(X: FloatArray) -> FloatArray:
    """Whose minimum is forbidden by the excess below."""
    return ((X - 0.2) ** 2).sum(axis=1, keepdims=True)


def too_far_left(X: FloatArray) -> FloatArray:
    return 0.5 - X[:, :1]


def feasibility(count: int = 25) -> Feasibility:
    X = points(count)
    excess = np.column_stack([too_far_left(X), 10 * (X[:, 1] - 0.8)])
    return Feasibility.of(X, excess, ORDERED, np.arange(count))


def test_the_chance_is_that_of_independent_normal_outcomes() -> None:
    found, at = feasibility(), np.array([[0.51, 0.79], [0.3, 0.1]])
    expected = [
        norm.logcdf(limit, one.mean, one.epistemic)
        for limit, one in zip(
            found.limits, (process.predict(at) for process in found.processes), strict=True
        )
    ]
    np.testing.assert_allclose(found.log_chance(at), np.sum(expected, axis=0), rtol=1e-9)


def test_the_chance_is_large_within_the_limits_and_small_beyond() -> None:
    log_chance = feasibility().log_chance(np.array([[0.7, 0.5], [0.3, 0.5], [0.7, 0.95]]))
    assert log_chance[0] > np.log(0.95)
    assert (log_chance[1:] < np.log(0.05)).all()


@pytest.mark.parametrize("at", [[0.52, 0.79], [0.1, 0.95]])
def test_the_slope_of_the_chance_is_its_derivative(at: list[float]) -> None:
    found, point, step = feasibility(8), np.array([at]), 1e-6
    value, slope = found.log_chance_and_slope(point)
    assert value == pytest.approx(found.log_chance(point)[0], rel=1e-9)
    moves = step * np.eye(2)
    numeric = (found.log_chance(point + moves) - found.log_chance(point - moves)) / (2 * step)
    np.testing.assert_allclose(slope, numeric, rtol=1e-3, atol=1e-4)


def test_one_objective_is_minimised_along_its_limit() -> None:
    X = points(12)
    optimizer = BayesianOptimizer(candidates=200)
    for number in range(12, 24):
        history = history_of(X, bowl(X), too_far_left(X))
        X = np.vstack([X, optimizer.suggest(history, [number], 3)])
    allowed = too_far_left(X)[:, 0] <= 0
    assert bowl(X[allowed]).min() == pytest.approx(0.09, abs=0.01)


def test_while_nothing_is_allowed_what_may_be_is_looked_for() -> None:
    X = points(40)
    X = X[X[:, 0] < 0.45]
    history = history_of(X, bowl(X), too_far_left(X))
    assert not history.is_allowed.any()
    number = len(X)
    (proposed,) = BayesianOptimizer(candidates=200).suggest(history, [number], 3)
    assert proposed[0] > 0.5
    told = BayesianOptimizer(candidates=200).explain(history, number, 3, proposed)
    assert told is not None
    assert told.acquisition == "feasibility"


def test_improvements_are_on_what_is_allowed() -> None:
    X = points(12)
    beliefs = FrontBeliefs.of(history_of(X, bowl(X), too_far_left(X)))
    allowed = too_far_left(X)[:, 0] <= 0
    np.testing.assert_allclose(beliefs.to_improve(), beliefs.values()[allowed])
    incumbents = beliefs.incumbents(
        history_of(X, bowl(X), too_far_left(X)), np.random.default_rng(0)
    )
    assert (too_far_left(incumbents) <= 0).all()


def test_what_violates_limits_is_worse_than_all_else() -> None:
    Y = np.array([[3.0], [1.0], [2.0], [0.0]])
    excess = np.array([[-1.0, 0.0], [5.0, -1.0], [0.0, 0.0], [1.0, -1.0]])
    value = worth(Y, excess, np.random.default_rng(0))
    assert np.argsort(value).tolist() == [2, 0, 3, 1]
    assert worth(Y, excess[:, :0], np.random.default_rng(0)).tolist() == [3.0, 1.0, 2.0, 0.0]
    all_beyond = worth(Y, np.abs(excess) + 1, np.random.default_rng(0))
    assert np.argmax(all_beyond) == 1


def test_every_violation_counts_however_small() -> None:
    found = violations(np.array([[1e-9], [2.0], [-3.0], [0.0]]))
    assert found[1] > found[0] > 0
    assert found[2:].tolist() == [0.0, 0.0]
    assert violations(np.array([[1.0]])) > 0


def test_violations_are_dominated_in_a_genetic_algorithm() -> None:
    Y = np.array([[0.0, 0.0], [5.0, 5.0], [6.0, 6.0], [1.0, 1.0]])
    excess = np.array([[1.0], [-1.0], [0.0], [9.0]])
    assert survivors(Y, excess, 4).tolist() == [1, 2, 0, 3]
    assert survivors(Y, np.abs(excess) + 1, 1).tolist() == [2]


@pytest.mark.parametrize(
    "optimizer",
    [
        NSGA2(population=10),
        RegularizedEvolution(population=30, sample=10),
        BayesianOptimizer(surrogate="forest", candidates=500),
    ],
)
def test_others_leave_what_is_not_allowed(
    optimizer: NSGA2 | RegularizedEvolution | BayesianOptimizer,
) -> None:
    X = points(40)
    units = optimizer.suggest(history_of(X, bowl(X), too_far_left(X)), range(40, 60), 3)
    assert (units[:, 0] > 0.45).mean() > 0.6


def test_limits_belong_to_what_a_proposal_depends_on() -> None:
    X = points(12)
    sums = []
    for excess in (too_far_left(X), too_far_left(X) + 0.1, np.empty((12, 0))):
        history = history_of(X, bowl(X), excess)
        assert len(history.Y) == 12
        sums.append(history.checksum())
    assert len(set(sums)) == 3
