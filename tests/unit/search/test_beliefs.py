from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.search import beliefs
from fsopt.search.beliefs import Beliefs, values_of
from fsopt.space import Categorical, Constant, Float, Int, Space, sample
from tests.unit.search.test_gaussian import MIXED, bowl, history_of, points


def beliefs_of(X: FloatArray, pending: FloatArray | None = None) -> Beliefs:
    return Beliefs.of(history_of(X, bowl(X), pending=pending), bowl(X))


def test_the_best_is_the_smallest_mean_of_what_has_a_value() -> None:
    X = points(12)
    known = beliefs_of(X, pending=np.array([[0.6, 0.6]]))
    assert known.best == pytest.approx(known.process.predict(X).mean.min(), abs=1e-6)
    assert known.process.predict(np.array([[0.6, 0.6]])).mean[0] < known.best
    np.testing.assert_array_equal(known.incumbents, X[np.argsort(bowl(X))[:5]])


def test_what_is_far_is_nearly_as_far_as_the_space_has_room_for() -> None:
    known = beliefs_of(points(50))
    rng = np.random.default_rng(0)
    drawn = np.array([known.far(rng) for _ in range(400)])
    assert 0.015 <= drawn.min() < 0.02
    assert 0.045 < drawn.max() <= 0.05
    room = known.distance(np.random.default_rng(1).random((500, 2))) > drawn.max()
    assert room.mean() > 0.5


def test_distances_are_those_in_the_parameter_that_differs_most() -> None:
    known = beliefs_of(np.array([[0.5, 0.5], [0.9, 0.1]]))
    query = np.array([[0.5, 0.6], [0.45, 0.4], [0.9, 0.1]])
    np.testing.assert_allclose(known.distance(query), [0.1, 0.1, 0.0], atol=1e-12)


def test_without_its_depth_the_best_basin_is_as_good_as_some_others() -> None:
    X = points(40)
    known = beliefs_of(X, pending=np.array([[0.6, 0.6]]))
    levelled = known.levelled(np.random.default_rng(0))
    z, raised = known.process.values(), levelled.process.values()
    np.testing.assert_allclose(raised, np.maximum(z, raised.min()), atol=1e-9)
    assert 3 <= np.count_nonzero(raised < raised.min() + 1e-9) <= 14
    assert levelled.best > known.best


def two_basins(X: FloatArray) -> FloatArray:
    first, second = (((X - centre) ** 2).sum(axis=1) for centre in (0.2, 0.8))
    return np.minimum(first, second + 0.01)


def test_parts_lie_around_the_best_and_around_the_best_of_other_basins() -> None:
    X = np.concatenate([points(60), 0.2 + 0.05 * points(20, 1), 0.8 + 0.05 * points(20, 2)])
    y = two_basins(X)
    history = history_of(X, y)
    whole = Beliefs.of(history, y)
    centres = []
    for seed in range(40):
        part = whole.of_part(history, y, np.random.default_rng(seed))
        assert len(part.model.process.alpha) == 33
        assert np.all(part.box.high - part.box.low < 0.6)
        inside = (part.box.low <= X) & (part.box.high >= X)
        centres.append(part.box.nearest(X[[y.argmin()]]))
        assert 5 < np.count_nonzero(inside.all(axis=1)) < 60
    at_best = [bool(np.allclose(centre, X[y.argmin()])) for centre in centres]
    assert 15 <= sum(at_best) < 40


def test_a_box_holds_all_categories_and_all_values_of_what_is_inactive_in_its_centre() -> None:
    X = sample(MIXED, 60, np.random.default_rng(0))
    centre = X[np.isnan(X[:, 3])][0]
    near = X[np.abs(X[:, 1] - centre[1]) < 0.2]
    box = beliefs.around(centre, near, beliefs.categorical_columns(MIXED))
    assert box.low[0] == box.low[3] == 0.0
    assert box.high[0] == box.high[3] == 1.0
    assert centre[1] - 0.1 <= box.low[1] < centre[1] < box.high[1] <= centre[1] + 0.1


def test_what_runs_and_what_failed_is_believed_in_every_part() -> None:
    X = points(60)
    y = bowl(X)
    history = history_of(X[:50], y[:50], failed=X[50:55], pending=X[55:])
    whole = Beliefs.of(history, y[:50])
    part = whole.of_part(history, y[:50], np.random.default_rng(0))
    for known in (whole, part):
        assert np.all(known.distance(X[50:]) < 1e-9)
        assert known.process.predict(X[50:]).epistemic.max() < 0.01
    assert part.success is whole.success is not None


def test_next_to_nothing_is_not_worthwhile_and_a_likely_improvement_is() -> None:
    X = np.concatenate([points(30), 0.6 + 1e-3 * (points(12, 1) - 0.5)])
    polished = beliefs_of(X)
    assert not polished.is_worthwhile(np.array([0.6, 0.6]))
    assert beliefs_of(points(30)).is_worthwhile(np.array([0.6, 0.6]))


def test_one_objective_is_taken_as_it_is_and_several_are_weighed_anew_for_each_trial() -> None:
    X = points(20)
    Y = np.column_stack([X[:, 0], 1 - X[:, 0]])
    np.testing.assert_array_equal(values_of(history_of(X, bowl(X)), 0, 1), bowl(X))
    one, same, other = (values_of(history_of(X, Y), 0, number) for number in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_parts_exist_in_spaces_of_categories_only() -> None:
    space = Space(Categorical("a", list("abcd")), Categorical("b", list("xyz")), Int("n", 1, 9))
    X = np.unique(sample(space, 60, np.random.default_rng(0)), axis=0)
    y = np.random.default_rng(1).random(len(X))
    history = history_of(X, y, space=space)
    part = Beliefs.of(history, y).of_part(history, y, np.random.default_rng(0))
    assert np.all(part.box.low <= part.box.high)


def test_constants_are_not_looked_at() -> None:
    space = Space(Float("x", 0.0, 1.0), Constant("n", 3))
    X = sample(space, 9, np.random.default_rng(0))
    known = Beliefs.of(history_of(X, bowl(X), space=space), bowl(X))
    np.testing.assert_array_equal(known.columns, [True, False])
