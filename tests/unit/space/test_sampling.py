from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from fsopt.errors import InfeasibleSpaceError, SpaceError
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
from tests.strategies import spaces


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def cube(dimension: int, **options: list[str]) -> Space:
    return Space(*(Float(f"x{i}", 0, 1) for i in range(dimension)), **options)


MIXED = Space(
    Float("lr", 1e-4, 1e-1, log=True),
    Float("momentum", 0.0, 0.99),
    Int("layers", 1, 3),
    Ordinal("batch_size", [16, 32, 64, 128]),
    Categorical("solver", ["adam", "sgd"]),
    conditions={"momentum": "solver == 'sgd'"},
    constraints=["layers * batch_size <= 256"],
)
CHAIN = Space(
    Categorical("a", ["x", "y"]),
    Int("b", 1, 10),
    Float("c", 0.0, 1.0),
    Float("d", 0.1, 10.0, log=True),
    conditions={"b": "a == 'y'", "c": "b > 5", "d": "c < 0.5"},
    constraints=["d < 1", "b * c < 6", "a == 'x' or b != 7"],
)
THOUSANDTH = cube(4, constraints=["x0 < 0.1 and x1 < 0.1 and x2 < 0.1"])
RARE = cube(3, constraints=["x0 + x1 + x2 < 0.05"])  # 2e-5 of the cube


@pytest.mark.parametrize(
    "space",
    [MIXED, CHAIN, THOUSANDTH, RARE],
    ids=["mixed", "chain", "thousandth", "rare"],
)
def test_a_hundred_thousand_draws_are_all_valid(space):
    U = sample(space, 100_000, generator())
    assert U.shape == (100_000, len(space))
    assert np.array_equal(space.snap(U), U, equal_nan=True)
    assert space.satisfies(space.from_unit(U)).all()


@settings(max_examples=30)
@given(spaces(constrained=True), st.integers(0, 50), st.integers(0, 2**32))
def test_any_space_gives_as_many_valid_rows_as_wanted(space, n, seed):
    try:
        U = sample(space, n, generator(seed))
    except InfeasibleSpaceError:
        assume(False)
    assert U.shape == (n, len(space))
    assert np.array_equal(space.snap(U), U, equal_nan=True)
    assert space.satisfies(space.from_unit(U)).all()


def test_the_same_generator_gives_the_same_rows():
    for space in (MIXED, RARE):
        one, other, third = (sample(space, 50, generator(seed)) for seed in (1, 1, 2))
        assert np.array_equal(one, other, equal_nan=True)
        assert not np.array_equal(one, third, equal_nan=True)


def test_draws_follow_the_distribution_of_the_space():
    space = Space(Float("x", 0, 1), Int("n", 0, 4), Categorical("c", ["a", "b", "c"]))
    U = sample(space, 5000, generator())
    assert stats.kstest(U[:, 0], stats.uniform.cdf).pvalue > 0.001
    for column in (1, 2):
        _, counts = np.unique(U[:, column], return_counts=True)
        assert stats.chisquare(counts).pvalue > 0.001


def test_draws_are_uniform_on_the_valid_set():
    rows = sample(cube(2, constraints=["x0 + x1 < 1"]), 5000, generator())
    # the smaller coordinate's share of a uniform triangle: P(x0 < t) = 1 - (1 - t)**2
    assert stats.kstest(rows[:, 0], stats.beta(1, 2).cdf).pvalue > 0.001


def test_walks_forget_where_they_started():
    # the few rows that rejection finds can't show the distribution: the walks have to
    total = sample(RARE, 5000, generator()).sum(axis=1) / 0.05
    assert len(np.unique(total)) > 4900
    # in the corner of a cube, P(sum < t) = t**3
    assert stats.kstest(total, stats.beta(3, 1).cdf).pvalue > 0.001


def test_walks_draw_parameters_that_become_active_like_all_others():
    space = Space(
        Float("a", 0, 1),
        Int("switch", 0, 1),
        Float("b", 0, 1),
        Float("c", 0, 1),
        conditions={"b": "switch == 1"},
        constraints=["a < 0.00003", "c < 0.3"],
    )
    U = sample(space, 4000, generator())
    active = ~np.isnan(U[:, 2])
    assert abs(active.mean() - 0.5) < 0.05
    assert stats.kstest(U[active, 2], stats.uniform.cdf).pvalue > 0.001


def test_a_single_valid_combination_among_many_is_found():
    only = " and ".join(f"n{i} == {i}" for i in range(6))
    space = Space(*(Int(f"n{i}", 0, 9) for i in range(6)), constraints=[only])
    U = sample(space, 3, generator())
    assert [space.from_row(row) for row in space.from_unit(U)] == [
        {f"n{i}": i for i in range(6)}
    ] * 3


def test_an_impossible_constraint_is_named():
    for space, tried in [
        (cube(2, constraints=["x0 < 0.25", "x1 > 2"]), "random draws"),
        (Space(Int("x0", 0, 3), Int("x1", 0, 1), constraints=["x0 < 1", "x1 > 2"]), "all 8 comb"),
    ]:
        with pytest.raises(InfeasibleSpaceError, match=r"'x1 > 2' held in 0\.00%") as caught:
            sample(space, 1, generator())
        assert tried in str(caught.value)
        assert "'x0 < " in str(caught.value)


def test_functions_as_constraints_are_sampled_too():
    space = Space(Int("a", 0, 99), Float("b", 0, 1), constraints=[lambda p: p["a"] % 50 == 7])
    rows = space.from_unit(sample(space, 20, generator()))
    assert set(rows[:, 0]) == {7, 57}


def test_a_space_without_its_functions_can_not_be_sampled():
    space = Space(Int("a", 0, 99), constraints=[lambda p: p["a"] == 7])
    with pytest.raises(SpaceError, match="lives only in the study script"):
        sample(Space.from_json(space.to_json()), 1, generator())


def test_a_negative_number_of_rows_is_refused():
    with pytest.raises(SpaceError, match="can't be negative"):
        sample(MIXED, -1, generator())


# --- enumeration -------------------------------------------------------------------------------

GRID = Space(
    Int("n", 1, 4),
    Categorical("c", ["a", "b", "c"]),
    Float("x", 0, 1, step=0.5),
    Constant("k", 1),
    conditions={"x": "c == 'b'"},
    constraints=["n + x < 4.5", "n != 2"],
)


def test_all_configurations_are_enumerated_once_in_order():
    U = enumerate_all(GRID, 36)
    assert U is not None
    found = [tuple(GRID.from_row(row).items()) for row in GRID.from_unit(U)]
    expected = []
    for n, c, x in itertools.product([1, 3, 4], "abc", [0.0, 0.5, 1.0]):
        own = {"n": n, "c": c} | ({"x": x} if c == "b" else {}) | {"k": 1}
        if (c != "b" or n + x < 4.5) and tuple(own.items()) not in expected:
            expected.append(tuple(own.items()))
    assert found == expected


def test_a_space_beyond_the_limit_is_not_enumerated():
    assert enumerate_all(GRID, 35) is None
    assert enumerate_all(cube(1), 10**9) is None


def test_enumeration_of_several_batches_is_complete():
    space = Space(*(Int(f"n{i}", 0, 1) for i in range(18)), constraints=["n0 == 1 or n17 == 0"])
    U = enumerate_all(space, 2**18)
    assert U is not None
    assert len(U) == 3 * 2**16
    assert len(unique_rows(U)) == len(U)


def test_an_impossible_space_has_no_configurations():
    U = enumerate_all(Space(Int("n", 1, 4), constraints=["n > 4"]), 10)
    assert U is not None
    assert U.shape == (0, 1)


@given(spaces(constrained=True), st.integers(0, 2**32))
def test_whatever_is_drawn_from_a_small_space_is_among_all_its_configurations(space, seed):
    everything = enumerate_all(space, 500)
    assume(everything is not None and len(everything))
    assert same_rows(sample(space, 30, generator(seed)), everything).all()


# --- sameness ----------------------------------------------------------------------------------

cells = st.sampled_from([0.0, -0.0, 1e-14, 0.25, 0.25 + 1e-14, 0.5, 1.0, np.nan])
tables = st.integers(1, 3).flatmap(
    lambda d: st.tuples(*[st.lists(st.lists(cells, min_size=d, max_size=d), max_size=8)] * 2).map(
        lambda pair: tuple(np.array(rows, dtype=float).reshape(-1, d) for rows in pair)
    )
)


def is_same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=0, atol=1e-13, equal_nan=True)


@given(tables)
def test_rows_are_the_same_if_they_agree_to_twelve_decimals_and_in_what_is_inactive(pair):
    A, B = pair
    assert same_rows(A, B).tolist() == [any(is_same(a, b) for b in B) for a in A]


@given(tables)
def test_the_first_of_each_kind_of_row_is_kept_in_order(pair):
    A, _ = pair
    expected = [i for i, a in enumerate(A) if not any(is_same(a, b) for b in A[:i])]
    assert unique_rows(A).tolist() == expected
