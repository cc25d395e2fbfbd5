from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.history import History
from fsopt.search.candidates import candidates, surroundings
from fsopt.space import (
    Categorical,
    Constant,
    Float,
    Int,
    Ordinal,
    Space,
    enumerate_all,
    same_rows,
    sample,
    unique_rows,
)

MIXED = Space(
    Categorical("c", ["a", "b", "c"]),
    Int("n", 1, 1000, log=True),
    Int("m", 0, 10**9),
    Ordinal("o", [1, 2, 4]),
    Float("s", 0.0, 1.0, step=0.25),
    Float("x", 0.0, 1.0),
    Constant("k", 3),
)
CONDITIONAL = Space(
    Categorical("c", ["a", "b"]),
    Float("x", 0.0, 1.0),
    Float("y", 0.0, 1.0),
    conditions={"x": "c == 'a'", "y": "c == 'b'"},
)


@given(st.integers(0, 2**32), st.sampled_from([MIXED, CONDITIONAL]))
@settings(max_examples=25, deadline=None)
def test_candidates_are_valid_distinct_and_new(seed: int, space: Space) -> None:
    rng = np.random.default_rng(seed)
    X = sample(space, 10, rng)
    X = X[unique_rows(X)]
    history = History(
        space=space,
        X=X,
        Y=np.zeros((len(X), 1)),
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=X[:0],
        X_pending=X[:0],
    )
    pool = candidates(history, X[:5], 200, rng)
    assert len(pool) > 100
    np.testing.assert_array_equal(space.snap(pool), pool)
    assert space.satisfies(space.from_unit(pool)).all()
    assert len(unique_rows(pool)) == len(pool)
    assert not same_rows(pool, X).any()


def test_of_a_small_space_everything_that_is_left_is_a_candidate() -> None:
    space = Space(Int("n", 1, 9), Categorical("c", ["a", "b"]), constraints=["n != 4"])
    every = enumerate_all(space, 100)
    assert every is not None
    history = History.empty(space)
    pool = candidates(history, every[:0], 2, np.random.default_rng(0))
    assert len(pool) == 16
    assert same_rows(every, pool).all()


def test_every_variation_of_one_incumbent_moves_something() -> None:
    incumbent = sample(MIXED, 1, np.random.default_rng(0))
    around = surroundings(MIXED, incumbent, 500, np.random.default_rng(1))
    assert len(around) == 500
    moved = around != incumbent
    # a step beyond the edge of a continuous parameter may end on the edge where it began
    assert moved[:, :-1].any(axis=1).mean() > 0.99
    assert not moved[:, -1].any()
    assert moved[:, :-1].any(axis=0).all()


@pytest.mark.parametrize("parameter", MIXED.parameters[:5], ids=lambda parameter: parameter.name)
def test_steps_of_a_discrete_parameter_reach_its_next_levels(parameter: Int) -> None:
    space = Space(parameter, Constant("k", 1))
    levels = [parameter.levels // 2, 0, parameter.levels - 1]
    for level in levels:
        number = parameter.at_levels(np.array([float(level)]))
        incumbent = np.column_stack([parameter.to_unit(number), [0.5]])
        around = surroundings(space, incumbent, 400, np.random.default_rng(1))
        assert not same_rows(around, incumbent).any()
        numbers = set(space.from_unit(around)[:, 0])
        beside = [x for x in (level - 1, level + 1) if 0 <= x < parameter.levels]
        if parameter.levels < 10**6:
            assert {float(parameter.at_levels(np.array(float(x)))) for x in beside} <= numbers


def test_steps_are_near_and_far() -> None:
    space = Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(6)])
    incumbent = np.full((1, 6), 0.5)
    around = surroundings(space, incumbent, 1000, np.random.default_rng(0))
    distance = np.abs(around - 0.5).max(axis=1)
    assert (distance < 1e-3).mean() > 0.1
    assert (distance > 1e-1).mean() > 0.1
    changed = (around != 0.5).sum(axis=1)
    assert (changed == 1).mean() > 0.2
    assert (changed == 6).mean() > 0.2


def test_some_candidates_recombine_the_incumbents() -> None:
    space = Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(6)])
    incumbents = np.random.default_rng(0).random((5, 6))
    around = surroundings(space, incumbents, 400, np.random.default_rng(1))
    from_a_parent = (np.abs(around[:, None, :] - incumbents) < 1e-9).any(axis=1).all(axis=1)
    assert 80 <= from_a_parent.sum() <= 100


def test_a_parameter_that_becomes_active_gets_any_value() -> None:
    incumbent = CONDITIONAL.to_unit(CONDITIONAL.to_row({"c": "a", "x": 0.5})[None])
    around = surroundings(CONDITIONAL, incumbent, 500, np.random.default_rng(0))
    y = around[~np.isnan(around[:, 2]), 2]
    assert len(y) > 50
    np.testing.assert_allclose(np.quantile(y, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.15)
