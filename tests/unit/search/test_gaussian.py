from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray, History
from fsopt.search import gaussian
from fsopt.search.acquisition import ConfidenceBound, LogExpectedImprovement
from fsopt.search.gaussian import suggest_gaussian
from fsopt.space import Categorical, Constant, Float, Int, Space, sample
from fsopt.streams import stream

PLANE = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))
MIXED = Space(
    Categorical("c", ["a", "b", "c"]),
    Float("x", 0.0, 1.0),
    Int("n", 1, 30),
    Float("y", 0.0, 1.0),
    Constant("k", 1),
    conditions={"y": "c != 'a'"},
)


def bowl(X: FloatArray) -> FloatArray:
    return ((X - 0.6) ** 2).sum(axis=1)


def history_of(
    X: FloatArray,
    Y: FloatArray,
    space: Space = PLANE,
    failed: FloatArray | None = None,
    pending: FloatArray | None = None,
) -> History:
    return History(
        space=space,
        X=X,
        Y=Y.reshape(len(X), -1),
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=X[:0] if failed is None else failed,
        X_pending=X[:0] if pending is None else pending,
    )


def points(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((n, 2))


def test_the_minimum_of_a_smooth_function_is_proposed() -> None:
    X = points(25)
    (found,) = suggest_gaussian(history_of(X, bowl(X)), [25], 0, 500)
    np.testing.assert_allclose(found, 0.6, atol=0.03)


def test_what_runs_is_not_proposed_again() -> None:
    X = points(25)
    alone = suggest_gaussian(history_of(X, bowl(X)), [26], 0, 500)
    for seed in range(5):
        history = history_of(X, bowl(X), pending=alone)
        (found,) = suggest_gaussian(history, [26], seed, 500)
        assert np.abs(found - alone[0]).max() > 1e-4


def test_a_batch_is_spread_out() -> None:
    X = points(12)
    found = suggest_gaussian(history_of(X, bowl(X)), range(12, 20), 0, 500)
    distance = np.linalg.norm(found[:, None] - found, axis=2) + np.eye(8)
    assert distance.min() > 1e-4


def test_where_trials_fail_none_is_proposed() -> None:
    X = points(80)
    fails = X[:, 0] > 0.5
    y = bowl(X)
    history = history_of(X[~fails], y[~fails], failed=X[fails])
    ignorant = history_of(X[~fails], y[~fails])
    warned, unwarned = (
        np.array([suggest_gaussian(h, [80], seed, 500)[0, 0] for seed in range(5)])
        for h in (history, ignorant)
    )
    assert warned.max() < 0.56
    assert unwarned.max() > 0.56


def test_parallel_proposals_are_by_both_acquisitions_and_single_ones_by_improvement() -> None:
    X = points(12)
    beliefs = gaussian._Beliefs.of(history_of(X, bowl(X)), 0, 12)

    def kinds(*, alone: bool, blind: bool) -> set[type]:
        return {
            type(beliefs.acquisition(np.random.default_rng(i), alone=alone, blind=blind))
            for i in range(30)
        }

    assert kinds(alone=True, blind=False) == {LogExpectedImprovement}
    assert kinds(alone=False, blind=False) == {LogExpectedImprovement, ConfidenceBound}
    assert kinds(alone=False, blind=True) == {ConfidenceBound}


def test_the_best_is_the_smallest_mean_of_what_has_a_value() -> None:
    X = points(12)
    y = bowl(X)
    beliefs = gaussian._Beliefs.of(history_of(X, y, pending=np.array([[0.6, 0.6]])), 0, 13)
    assert beliefs.best == pytest.approx(beliefs.process.predict(X).mean.min(), abs=1e-6)
    assert beliefs.process.predict(np.array([[0.6, 0.6]])).mean[0] < beliefs.best
    np.testing.assert_array_equal(beliefs.incumbents, X[np.argsort(y)[:5]])


def test_scores_have_the_slopes_of_finite_differences_in_mixed_spaces() -> None:
    X = sample(MIXED, 60, np.random.default_rng(0))
    y = np.random.default_rng(2).standard_normal(60)
    history = history_of(X[:40], y[:40], space=MIXED, failed=X[40:])
    beliefs = gaussian._Beliefs.of(history, 0, 60)
    for wanted in (LogExpectedImprovement(beliefs.best), ConfidenceBound(1.0)):
        score = gaussian._Score(beliefs, wanted)
        for row in sample(MIXED, 10, np.random.default_rng(1)):
            value, slope = score.value_and_slope(row)
            assert value == pytest.approx(score.values(row[np.newaxis])[0], rel=1e-8)
            for column in (1, 2, 3):
                step = np.zeros(5)
                step[column] = 1e-6
                up, down = score.values(np.array([row + step, row - step]))
                numeric = 0.0 if np.isnan(row[column]) else (up - down) / 2e-6
                assert slope[column] == pytest.approx(numeric, rel=1e-3, abs=1e-4)
            assert slope[0] == slope[4] == 0.0


def test_margins_are_of_numbers_without_levels_only() -> None:
    box = gaussian._random_box(MIXED, stream(0, "gaussian", 3))
    np.testing.assert_array_equal(box.low > 0, [False, True, False, True, False])
    np.testing.assert_array_equal(box.high < 1, [False, True, False, True, False])
    assert box.low.max() < 0.06
    assert box.high.min() > 0.94


def test_several_objectives_are_weighed_anew_for_each_trial() -> None:
    X = points(30)
    Y = np.column_stack([X[:, 0], 1 - X[:, 0]])
    found = [suggest_gaussian(history_of(X, Y), [30], seed, 300)[0, 0] for seed in range(8)]
    assert np.ptp(found) > 0.3


def test_proposals_keep_apart_now_and_then_farther_but_there_is_always_room() -> None:
    X = points(50)
    beliefs = gaussian._Beliefs.of(history_of(X, bowl(X)), 0, 50)
    rng = np.random.default_rng(0)
    drawn = np.array([beliefs.least(rng) for _ in range(400)])
    usual = drawn == 1e-4
    assert 0.6 < usual.mean() < 0.8
    assert drawn.min() == 1e-4
    assert 0.04 < drawn.max() <= 0.05
    room = beliefs.distance(np.random.default_rng(1).random((500, 2))) > drawn.max()
    assert room.mean() > 0.5


def test_distances_are_those_in_the_parameter_that_differs_most() -> None:
    X = np.array([[0.5, 0.5], [0.9, 0.1]])
    beliefs = gaussian._Beliefs.of(history_of(X, bowl(X)), 0, 2)
    query = np.array([[0.5, 0.6], [0.45, 0.4], [0.9, 0.1]])
    np.testing.assert_allclose(beliefs.distance(query), [0.1, 0.1, 0.0], atol=1e-12)


def test_of_a_finite_space_a_part_is_left_to_processes_that_are_not_heard_of() -> None:
    space = Space(Int("n", 1, 20), Int("m", 1, 20))
    X = sample(space, 8, np.random.default_rng(0))
    history = history_of(X, bowl(X), space=space)
    known = {tuple(suggest_gaussian(history, [8], s, 300)[0]) for s in range(6)}
    hidden = {tuple(suggest_gaussian(history, [n], 0, 300)[0]) for n in range(28, 40)}
    assert len(known) <= 3
    assert len(hidden) >= 10
