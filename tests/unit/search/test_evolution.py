from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History
from fsopt.search import RandomSearch, RegularizedEvolution
from fsopt.search.evolution import mutate
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space, sample
from fsopt.streams import stream

MIXED = Space(
    Categorical("solver", ["adam", "sgd", None]),
    Int("units", 1, 2000, log=True),
    Ordinal("batch", [16, 32]),
    Float("x", 0.0, 1.0),
    Constant("epochs", 3),
)
BOX = Space(*(Float(f"x{i}", 0.0, 1.0) for i in range(4)))


def history_of(space: Space, X: FloatArray, Y: FloatArray) -> History:
    none = X[:0]
    numbers = np.arange(len(X), dtype=np.int64)
    return History(space=space, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)


def parents_of(units: FloatArray, X: FloatArray) -> list[int]:
    """For each row, the only row of X that differs from it in just one column."""
    return [int(np.flatnonzero((row != X).sum(axis=1) == 1)[0]) for row in units]


def test_a_mutation_changes_exactly_one_parameter() -> None:
    rng = np.random.default_rng(3)
    changed = np.zeros(len(MIXED))
    for row in sample(MIXED, 400, rng):
        child = MIXED.snap(mutate(MIXED, row, rng)[None])[0]
        assert (child != row).sum() == 1
        changed += child != row
    assert changed[-1] == 0
    assert changed[:-1].min() > 60


def test_numbers_take_small_steps_and_are_drawn_anew_inside_of_the_range() -> None:
    space = Space(Float("x", 0.0, 1.0))
    rng = np.random.default_rng(3)
    moved = np.array([mutate(space, np.array([1.0]), rng)[0] for _ in range(1000)])
    assert ((moved >= 0) & (moved < 1)).all()
    assert 0.5 < (moved > 0.8).mean() < 0.65  # 95 % of the steps and a fifth of the draws


def test_parents_are_the_best_of_the_newest() -> None:
    X = sample(BOX, 30, np.random.default_rng(3))
    Y = np.arange(30.0)[:, None]  # the oldest are the best
    optimizer = RegularizedEvolution(population=10, sample=10)
    units = optimizer.suggest(history_of(BOX, X, Y), range(30, 40), 7)
    assert parents_of(units, X) == [20] * 10


def test_a_smaller_sample_has_more_parents_and_prefers_the_better_half() -> None:
    X = sample(BOX, 20, np.random.default_rng(3))
    Y = np.arange(20.0)[:, None]
    optimizer = RegularizedEvolution(population=20, sample=2)
    parents = parents_of(optimizer.suggest(history_of(BOX, X, Y), range(20, 420), 7), X)
    assert len(set(parents)) > 10
    assert 0.7 < np.mean(np.array(parents) < 10) < 0.82  # 1 - P(both in the worse half)


def test_it_is_random_search_until_enough_have_completed() -> None:
    X = sample(BOX, 10, np.random.default_rng(3))
    few = replace_failed(history_of(BOX, X[:9], np.ones((9, 1))), X[9:])
    optimizer = RegularizedEvolution(population=10, sample=3)
    random = RandomSearch().suggest(few, [10], 7)
    np.testing.assert_array_equal(optimizer.suggest(few, [10], 7), random)
    enough = history_of(BOX, X, np.ones((10, 1)))
    assert not np.array_equal(optimizer.suggest(enough, [10], 7), random)


def replace_failed(history: History, X_failed: FloatArray) -> History:
    return History(
        space=history.space,
        X=history.X,
        Y=history.Y,
        numbers=history.numbers,
        X_failed=X_failed,
        X_pending=history.X_pending,
    )


def test_several_objectives_have_parents_along_the_whole_front() -> None:
    X = sample(BOX, 20, np.random.default_rng(3))
    first = np.linspace(0.0, 1.0, 20)
    optimizer = RegularizedEvolution(population=20, sample=20)
    units = optimizer.suggest(
        history_of(BOX, X, np.column_stack([first, 1 - first])), range(60), 7
    )
    parents = parents_of(units, X)
    assert len(set(parents)) > 8
    assert min(parents) < 5 < 15 < max(parents)


def test_a_newly_active_parameter_is_drawn_at_random() -> None:
    space = Space(Categorical("c", ["a", "b"]), Float("x", 0.0, 1.0), conditions={"x": "c == 'b'"})
    row = np.array([0.25, np.nan])
    drawn = [mutate(space, row, stream(1, "test", number)) for number in range(200)]
    assert {child[0] for child in drawn} == {0.75}
    assert np.ptp([child[1] for child in drawn]) > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 0}, "population must be an integer of 1 or more, not 0"),
        ({"sample": True}, "sample must be an integer"),
        ({"population": 5}, "sample, 10, can't be larger than population, 5"),
    ],
)
def test_wrong_options_are_named(options: dict[str, int], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        replace(RegularizedEvolution(), **options)
