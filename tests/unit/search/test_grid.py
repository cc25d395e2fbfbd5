from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.errors import InfeasibleSpaceError, SpaceError
from fsopt.history import FloatArray, History
from fsopt.search import GridSearch
from fsopt.search.lattice import Lattice, axis_of
from fsopt.search.permutation import Permutation
from fsopt.space import Categorical, Float, Int, Ordinal, Space, same_rows, unique_rows
from tests.strategies import spaces

CONDITIONAL = Space(
    Categorical("model", ["svm", "net", "tree"]),
    Float("gamma", 1e-3, 1e3, log=True),
    Int("layers", 1, 4),
    Float("dropout", 0.0, 0.9),
    Int("depth", 1, 1000, log=True),
    conditions={
        "gamma": "model == 'svm'",
        "layers": "model == 'net'",
        "dropout": "layers > 2",
        "depth": "model == 'tree'",
    },
)


def brute_force(space: Space, levels: int) -> FloatArray:
    """Every combination of the axes, and each configuration once."""
    axes = [axis_of(parameter, levels).tolist() for parameter in space.parameters]
    units = space.snap(np.array(list(itertools.product(*axes))))
    return units[unique_rows(units)]


@pytest.mark.parametrize("size", [1, 2, 3, 16, 17, 255, 1000])
def test_a_permutation_meets_every_place_once(size: int) -> None:
    images = [Permutation(size, b"key")(place) for place in range(size)]
    assert sorted(images) == list(range(size))


def test_a_permutation_mixes_and_depends_on_its_key() -> None:
    size = 10**40
    first, other = (Permutation(size, key) for key in (b"a", b"b"))
    images = [first(place) for place in range(400)]
    assert len(set(images)) == 400
    assert all(0 <= image < size for image in images)
    assert 0.4 < np.mean([image / size for image in images]) < 0.6
    assert (
        abs(np.corrcoef([i / size for i in images[:-1]], [i / size for i in images[1:]])[0, 1])
        < 0.2
    )
    assert images != [other(place) for place in range(400)]


def test_an_axis_is_evenly_spaced_and_reaches_both_ends() -> None:
    rate = Float("rate", 1e-4, 1.0, log=True)
    np.testing.assert_allclose(rate.from_unit(axis_of(rate, 5)), [1e-4, 1e-3, 1e-2, 0.1, 1.0])
    many = Int("many", 1, 101)
    np.testing.assert_array_equal(many.from_unit(axis_of(many, 3)), [1, 51, 101])
    few = Ordinal("few", [10, 20, 40])
    np.testing.assert_array_equal(few.from_unit(axis_of(few, 5)), [0, 1, 2])
    choices = Categorical("choices", list("abcdefg"))
    assert len(axis_of(choices, 2)) == 7


def test_small_logarithmic_integers_occur_once_each() -> None:
    units = Int("units", 1, 2000, log=True)
    numbers = units.from_unit(axis_of(units, 40))
    assert len(np.unique(numbers)) == len(numbers)
    assert numbers[0] == 1
    assert numbers[-1] == 2000


def test_every_configuration_of_a_conditional_grid_has_one_number() -> None:
    lattice = Lattice(CONDITIONAL, 3)
    expected = brute_force(CONDITIONAL, 3)
    units = lattice.units(range(lattice.size))
    assert lattice.size == len(expected) == 3 + (1 + 2 * 3) + 3
    assert same_rows(expected, units).all()


@settings(max_examples=60, deadline=None)
@given(spaces(), st.integers(2, 3))
def test_the_numbers_of_any_grid_are_those_of_brute_force(space: Space, levels: int) -> None:
    lattice = Lattice(space, levels)
    units = lattice.units(range(lattice.size))
    expected = brute_force(space, levels)
    assert len(units) == len(expected)
    assert same_rows(expected, units).all()


def test_a_grid_too_large_for_int64_is_searched() -> None:
    space = Space(*(Float(f"x{i}", 0.0, 1.0) for i in range(60)))
    units = GridSearch().suggest(History.empty(space), range(200), 3)
    assert len(unique_rows(units)) == 200
    assert set(np.unique(units)) == {0.0, 0.25, 0.5, 0.75, 1.0}
    counts = np.array([(units == value).sum() for value in (0.0, 0.25, 0.5, 0.75, 1.0)])
    assert counts.min() > 0.9 * units.size / 5


def test_trials_are_the_same_in_any_batch() -> None:
    history = History.empty(CONDITIONAL)
    together = GridSearch().suggest(history, range(10), 3)
    alone = [GridSearch().suggest(history, [number], 3) for number in range(10)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_half_of_a_grid_is_spread_over_all_of_it() -> None:
    space = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))
    units = GridSearch(levels=20).suggest(History.empty(space), range(200), 3)
    quarters = (units[:, 0] > 0.5) * 2 + (units[:, 1] > 0.5)
    assert np.bincount(quarters.astype(int)).min() > 30


def test_an_exhausted_grid_says_what_to_do() -> None:
    space = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), constraints=["x + y <= 1"])
    units = GridSearch(levels=3).suggest(History.empty(space), range(6), 3)
    assert len(unique_rows(units)) == 6
    with pytest.raises(
        InfeasibleSpaceError, match=r"all 6 configurations of the grid .* more lev"
    ):
        GridSearch(levels=3).suggest(History.empty(space), range(7), 3)


def test_a_grid_without_valid_points_says_so() -> None:
    space = Space(Float("x", 0.0, 1.0), constraints=["x > 0.3", "x < 0.4"])
    with pytest.raises(InfeasibleSpaceError, match="none of 5 points of the grid satisfies"):
        GridSearch().suggest(History.empty(space), [0], 3)


def test_a_large_grid_in_which_nothing_is_valid_does_not_search_for_ever() -> None:
    columns = [Float(f"x{i}", 0.0, 1.0) for i in range(20)]
    space = Space(*columns, constraints=["x0 > 0.3", "x0 < 0.4"])
    with pytest.raises(InfeasibleSpaceError, match="none of 16,392 points"):
        GridSearch().suggest(History.empty(space), [0], 3)


def test_conditions_on_too_many_parameters_are_refused() -> None:
    columns = [Float(f"x{i}", 0.0, 1.0) for i in range(10)]
    space = Space(*columns, conditions={"x9": lambda p: p["x0"] > 0.5})
    with pytest.raises(SpaceError, match="9,765,625 combinations"):
        GridSearch().suggest(History.empty(space), [0], 3)
