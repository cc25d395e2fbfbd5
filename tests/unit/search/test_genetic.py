from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from fsopt.history import BoolArray, FloatArray, row_hashes
from fsopt.search.distinct import is_valid
from fsopt.search.genetic import (
    POPULATION,
    binary_crossover,
    children_of,
    evolve,
    polynomial_mutation,
)
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space, sample, unique_rows

SPACES = {
    "numbers": Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(6)]),
    "mixed": Space(
        Categorical("c", list("abcdefgh")),
        Categorical("many", list(range(100))),
        Int("n", 1, 1000),
        Ordinal("o", [1, 2, 4, 8]),
        Float("x", 0.0, 1.0),
        Float("y", 0.0, 1.0),
        Constant("k", 3),
    ),
    "conditional": Space(
        Categorical("c", ["a", "b"]),
        Float("x", 0.0, 1.0),
        Float("y", 0.0, 1.0),
        Float("z", 0.0, 1.0),
        conditions={"x": "c == 'a'", "y": "c == 'b'"},
        constraints=["z < 0.9"],
    ),
}
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())


def closeness(units: FloatArray) -> FloatArray:
    """Largest where all active positions are 0.37."""
    return -np.nansum(np.abs(units - 0.37), axis=1)


def anything(units: FloatArray) -> BoolArray:
    return np.ones(len(units), dtype=np.bool_)


def run(space: Space, seed: int = 0, is_free=anything, score=closeness):
    pool = sample(space, 200, np.random.default_rng(seed))
    pool = pool[unique_rows(pool)]
    pool = pool[is_free(pool)]
    return pool, evolve(score, is_free, space, pool, score(pool), np.random.default_rng(seed))


@spaces
def test_it_finds_better_ones_than_as_many_random_draws(space: Space) -> None:
    found, drawn = [], []
    for seed in range(5):
        _, units = run(space, seed)
        found.append(closeness(units).max())
        drawn.append(closeness(sample(space, 1000, np.random.default_rng(100 + seed))).max())
    assert np.mean(found) > np.mean(drawn)


@spaces
def test_what_it_looks_at_is_valid_distinct_new_and_bounded(space: Space) -> None:
    def is_free(units: FloatArray) -> BoolArray:
        return row_hashes(units) % np.uint64(3) > 0

    pool, units = run(space, is_free=is_free)
    assert 0 < len(units) <= 1000
    np.testing.assert_array_equal(space.snap(units), units)
    assert is_valid(space, units).all()
    assert is_free(units).all()
    both = np.concatenate([pool, units])
    assert len(unique_rows(both)) == len(both)


def test_it_gives_up_where_nothing_is_better() -> None:
    space = SPACES["numbers"]
    _, units = run(space, score=lambda units: np.zeros(len(units)))
    assert len(units) <= 6 * POPULATION


@pytest.mark.parametrize("size", [0, 1])
def test_it_needs_two_to_begin_with(size: int) -> None:
    space = SPACES["numbers"]
    pool = sample(space, size, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    assert evolve(closeness, anything, space, pool, closeness(pool), rng).shape == (0, 6)


def test_every_level_of_every_choice_is_reached() -> None:
    space = Space(Categorical("c", list("abcdef")), Ordinal("o", [1, 2, 3, 4]), Int("n", 1, 9**9))
    pool = space.to_unit(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]]))
    rng = np.random.default_rng(0)
    flat = evolve(lambda u: u[:, 2], anything, space, pool, pool[:, 2], rng)
    rows = space.from_unit(flat)
    assert set(rows[:, 0]) == set(range(6))
    assert set(rows[:, 1]) == set(range(4))


WITH_CHOICE = Space(Categorical("c", list(range(50))), *[Float(f"x{i}", 0, 1) for i in range(10)])


def choices_of_children(alive: list[int]) -> FloatArray:
    """The categories of many children, of parents with these, best first; a tenth mutates."""
    rng = np.random.default_rng(0)
    rows = WITH_CHOICE.from_unit(rng.random((len(alive), 11)))
    rows[:, 0] = alive
    units = [
        children_of(WITH_CHOICE, WITH_CHOICE.to_unit(rows), POPULATION, rng) for _ in range(40)
    ]
    return WITH_CHOICE.from_unit(np.concatenate(units))[:, 0]


def test_the_better_of_two_is_a_parent() -> None:
    # the least of two of 50 places is 16.2 on average, and a mutation is anywhere
    expected = 10 / 11 * 16.17 + 1 / 11 * 24.5
    assert choices_of_children(list(range(50))).mean() == pytest.approx(expected, abs=1.0)


def test_choices_are_taken_from_one_parent() -> None:
    found = choices_of_children([10, 40])
    assert np.isin(found, [10, 40]).mean() > 0.88


def test_crossover_keeps_the_centre_and_has_the_published_spread() -> None:
    rng = np.random.default_rng(0)
    first, second = np.full(4000, 0.3), np.full(4000, 0.5)
    low, high = binary_crossover(first, second, rng)
    np.testing.assert_allclose(low + high, 0.8)
    beta = (high - low) / 0.2

    def distribution(b: FloatArray) -> FloatArray:
        """Of beta, whose density is (eta + 1) / 2 b^eta below 1 and b^-(eta + 2) above."""
        return np.where(b < 1, 0.5 * b**16, 1 - 0.5 * b**-16.0)

    assert kstest(beta, distribution).pvalue > 0.01


@pytest.mark.parametrize("position", [0.0, 0.2, 1.0])
def test_mutation_moves_down_and_up_by_the_published_steps(position: float) -> None:
    moved = polynomial_mutation(np.full(4000, position), np.random.default_rng(0))
    assert moved.min() >= 0
    assert moved.max() <= 1
    down, up = moved[moved < position], moved[moved > position]
    if position > 0:
        assert len(down) == pytest.approx(2000, rel=0.1)
        assert kstest((down / position) ** 21, "uniform").pvalue > 0.01
    if position < 1:
        assert len(up) == pytest.approx(2000, rel=0.1)
        assert kstest(((1 - up) / (1 - position)) ** 21, "uniform").pvalue > 0.01
