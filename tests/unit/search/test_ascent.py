from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.history import BoolArray, FloatArray, History
from fsopt.search.ascent import (
    Box,
    best_proposal,
    neighbours,
    smooth_columns,
    starting_points,
)
from fsopt.space import (
    Categorical,
    Constant,
    Float,
    Int,
    Ordinal,
    Space,
    same_rows,
    sample,
    unique_rows,
)

CUBE = Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(3)])
MIXED = Space(
    Categorical("c", ["a", "b", "c"]),
    Int("n", 1, 1000),
    Ordinal("o", [1, 2, 4, 8]),
    Float("x", 0.0, 1.0),
    Constant("k", 3),
)
CONDITIONAL = Space(
    Categorical("c", ["a", "b"]),
    Float("x", 0.0, 1.0),
    Float("y", 0.0, 1.0),
    conditions={"x": "c == 'a'", "y": "c == 'b'"},
)


@dataclass
class Bowl:
    """The negative squared distance to a target, in which inactive is far away."""

    target: FloatArray

    def values(self, X: FloatArray) -> FloatArray:
        return -((np.where(np.isnan(X), 2.0, X) - self.target) ** 2).sum(axis=1)

    def value_and_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
        slope = np.where(np.isnan(x), 0.0, -2 * (x - self.target))
        return float(self.values(x[np.newaxis])[0]), slope


def anything(units: FloatArray) -> BoolArray:
    return np.ones(len(units), dtype=np.bool_)


def climb(space: Space, target: list[float], pool: FloatArray, **options) -> FloatArray | None:
    options = {"is_free": anything, "box": Box.whole(len(space))} | options
    rng = np.random.default_rng(0)
    return best_proposal(Bowl(np.array(target)), space, pool, rng=rng, **options)


def drawn(space: Space, count: int, seed: int = 0) -> FloatArray:
    return sample(space, count, np.random.default_rng(seed))


def test_numbers_climb_to_the_top() -> None:
    found = climb(CUBE, [0.2, 0.7, 1.0], drawn(CUBE, 5))
    np.testing.assert_allclose(found, [0.2, 0.7, 1.0], atol=1e-5)


def test_a_top_outside_of_the_box_is_approached_to_its_wall() -> None:
    box = Box(np.full(3, 0.1), np.full(3, 0.9))
    found = climb(CUBE, [0.2, 0.7, 1.0], drawn(CUBE, 5), box=box)
    np.testing.assert_allclose(found, [0.2, 0.7, 0.9], atol=1e-5)


def test_other_parameters_change_to_the_best_level() -> None:
    start = MIXED.to_unit(np.array([[0, 900, 0, 0.9, 0.0]]))
    best = MIXED.to_unit(np.array([[2, 123, 3, 0.25, 0.0]]))[0]
    found = climb(MIXED, best.tolist(), start)
    assert found is not None
    np.testing.assert_allclose(
        MIXED.from_unit(found[np.newaxis])[0], [2, 123, 3, 0.25, 0.0], atol=1e-5
    )


def test_a_better_branch_of_a_conditional_space_is_found() -> None:
    pool = drawn(CONDITIONAL, 40)
    pool = pool[~np.isnan(pool[:, 1])]  # all of branch a, whose x is in the second column
    found = climb(CONDITIONAL, [0.75, 2.0, 0.4], pool)
    assert found is not None
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(0.4, abs=1e-5)


def test_a_climb_that_leaves_the_constraints_ends_on_the_way() -> None:
    space = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), constraints=["x + y <= 1"])
    start = np.array([[0.1, 0.1]])
    found = climb(space, [0.9, 0.9], start)
    assert found is not None
    assert 0.4 < found.sum() <= 1.0


def test_what_is_taken_is_never_found() -> None:
    pool = drawn(CUBE, 20)
    target = [0.2, 0.7, 0.5]
    taken = np.array([target])

    def is_free(units: FloatArray) -> BoolArray:
        return ~same_rows(np.round(units, 3), taken)

    found = climb(CUBE, target, pool, is_free=is_free)
    assert found is not None
    assert is_free(found[np.newaxis]).all()


class Hills:
    """A low hill around 0.2 and a higher but steeper one around 0.8, of one number."""

    def values(self, X: FloatArray) -> FloatArray:
        return np.maximum(1 - (X[:, 0] - 0.2) ** 2, 2 - 100 * (X[:, 0] - 0.8) ** 2)

    def value_and_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
        steep = 2 - 100 * (x - 0.8) ** 2 > 1 - (x - 0.2) ** 2
        slope = np.where(steep, -200 * (x - 0.8), -2 * (x - 0.2))
        return float(self.values(x[np.newaxis])[0]), slope


def test_not_all_climbs_begin_at_the_same_hill() -> None:
    line = Space(Float("x", 0.0, 1.0))
    pool = np.append(np.linspace(0.19, 0.21, 20), 0.69)[:, np.newaxis]
    assert Hills().values(pool).argmin() == 20
    rng = np.random.default_rng(0)
    found = best_proposal(Hills(), line, pool, anything, rng, Box.whole(1))
    assert found == pytest.approx(0.8, abs=1e-4)


def test_nothing_free_nothing_found() -> None:
    assert climb(CUBE, [0, 0, 0], drawn(CUBE, 9), is_free=lambda units: ~anything(units)) is None
    assert climb(CUBE, [0, 0, 0], drawn(CUBE, 0)) is None


@given(st.integers(0, 2**32), st.sampled_from([MIXED, CONDITIONAL]))
@settings(max_examples=25, deadline=None)
def test_neighbours_are_different_in_one_chosen_parameter(seed: int, space: Space) -> None:
    (row,) = drawn(space, 1, seed)
    found = neighbours(space, row, np.random.default_rng(0))
    assert not np.isnan(found).any()
    active = ~np.isnan(row)
    changed = (found != row) & active
    assert np.all(changed.sum(axis=1) == 1)
    levels = np.array([parameter.levels or 0 for parameter in space.parameters])
    assert np.all(levels[changed.argmax(axis=1)] > 1)
    assert not same_rows(space.snap(found), row[np.newaxis]).any()
    expected = levels[(levels > 1) & (levels <= 12) & active] - 1
    copies = 1 if active.all() else 4
    few = (levels <= 12)[changed.argmax(axis=1)]
    assert few.sum() == copies * expected.sum()


def test_many_levels_are_reached_by_doubling_steps_and_many_categories_by_chance() -> None:
    space = Space(Int("n", 0, 999), Categorical("c", list(range(500))))
    row = space.to_unit(np.array([[100.0, 7.0]]))[0]
    found = space.from_unit(neighbours(space, row, np.random.default_rng(0)))
    steps = found[found[:, 1] == 7.0, 0] - 100
    below = [-1, -2, -4, -8, -16, -32, -64]
    assert sorted(steps) == sorted([*below, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    choices = found[found[:, 0] == 100.0, 1]
    assert len(set(choices.tolist())) == len(choices) == 64


def test_only_numbers_of_many_levels_move_smoothly() -> None:
    np.testing.assert_array_equal(smooth_columns(MIXED), [False, True, False, True, False])
    few = Space(Int("n", 1, 12), Float("x", 0.0, 1.0, step=0.25), Int("m", 1, 13))
    np.testing.assert_array_equal(smooth_columns(few), [False, False, True])


@given(st.integers(0, 2**32), st.sampled_from([CUBE, MIXED, CONDITIONAL]))
@settings(max_examples=25, deadline=None)
def test_starting_points_are_valid_distinct_and_new(seed: int, space: Space) -> None:
    X = drawn(space, 10, seed)
    X = X[unique_rows(X)]
    history = history_of(space, X)
    found = starting_points(
        history, X[:3], 100, np.random.default_rng(seed), Box.whole(len(space))
    )
    assert 50 <= len(found) <= 100
    np.testing.assert_array_equal(space.snap(found), found)
    assert len(unique_rows(found)) == len(found)
    assert not history.is_taken(found).any()


def test_half_of_the_starting_points_are_spread_evenly() -> None:
    X = np.full((1, 3), 0.5)
    found = starting_points(history_of(CUBE, X), X, 256, np.random.default_rng(0), Box.whole(3))
    spread = found[-128:]
    for column in spread.T:
        counts, _ = np.histogram(column, bins=16, range=(0, 1))
        assert counts.max() - counts.min() <= 2
    assert np.linalg.norm(found[:128] - 0.5, axis=1).mean() < 0.25


def test_few_valid_points_are_sampled() -> None:
    space = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), constraints=["abs(x - y) < 0.0005"])
    none, rng = np.empty((0, 2)), np.random.default_rng(0)
    found = starting_points(History.empty(space), none, 64, rng, Box.whole(2))
    assert len(found) > 32


def test_a_small_space_is_looked_at_completely() -> None:
    space = Space(Categorical("c", ["a", "b", "c"]), Int("n", 1, 4))
    X = drawn(space, 1)
    found = starting_points(
        history_of(space, X), X, 12, np.random.default_rng(0), Box.whole(len(space))
    )
    assert len(found) == 11
    assert not same_rows(found, X).any()


def history_of(space: Space, X: FloatArray) -> History:
    return History(
        space=space,
        X=X,
        Y=np.zeros((len(X), 1)),
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=X[:0],
        X_pending=X[:0],
    )


def test_starting_points_are_in_the_box() -> None:
    box = Box(np.array([0.2, 0.0, 0.5]), np.array([0.3, 1.0, 0.5]))
    X = drawn(CUBE, 5)
    found = starting_points(history_of(CUBE, X), X, 200, np.random.default_rng(0), box)
    assert len(found) > 150
    assert np.all((box.low <= found) & (found <= box.high))
    assert np.ptp(found[:, 1]) > 0.9
