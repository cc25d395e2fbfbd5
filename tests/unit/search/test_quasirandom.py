from __future__ import annotations

import numpy as np
import pytest
from scipy.stats.qmc import Sobol

from fsopt.history import History
from fsopt.search import SobolSearch
from fsopt.search.quasirandom import sobol_points
from fsopt.space import Float, Int, Space
from fsopt.streams import stream

BOX = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), Float("z", 0.0, 1.0))


@pytest.mark.parametrize("seed", [0, 1, 2**53 - 1])
def test_each_coordinate_is_stratified_whatever_the_seed(seed: int) -> None:
    points = sobol_points(5, range(64), seed)
    assert ((points >= 0) & (points < 1)).all()
    np.testing.assert_array_equal(np.sort(np.floor(points * 64), axis=0)[:, 0], np.arange(64))
    for column in points.T:
        assert len(np.unique(np.floor(column * 64))) == 64


@pytest.mark.parametrize("scramble", [0, 3])
def test_points_are_those_of_the_sequence_one_after_the_other(scramble: int) -> None:
    engine = Sobol(7, scramble=True, seed=stream(11, "sobol", scramble))
    expected = engine.random(2**12)
    np.testing.assert_array_equal(sobol_points(7, range(2**12), 11, scramble), expected)
    some = [3, 1000, 4095]
    np.testing.assert_array_equal(sobol_points(7, some, 11, scramble), expected[some])


def test_workers_without_contact_draw_one_sequence() -> None:
    alone = SobolSearch().suggest(History.empty(BOX), range(12), 3)
    split = np.empty_like(alone)
    for worker in range(3):
        for number in range(worker, 12, 3):
            split[number] = SobolSearch().suggest(History.empty(BOX), [number], 3)[0]
    np.testing.assert_array_equal(split, alone)


def test_points_come_in_the_order_asked_for() -> None:
    forward = sobol_points(2, [0, 5, 5, 1_000_000], 3)
    backward = sobol_points(2, [1_000_000, 5, 0], 3)
    np.testing.assert_array_equal(forward[[3, 1, 0]], backward)
    np.testing.assert_array_equal(forward[1], forward[2])


def test_trial_numbers_beyond_the_end_of_the_sequence_are_served() -> None:
    history = History.empty(BOX)
    first = SobolSearch().suggest(history, [0], 3)
    wrapped = History(
        space=BOX,
        X=first,
        Y=np.zeros((1, 1)),
        numbers=np.zeros(1, dtype=np.int64),
        X_failed=history.X_failed,
        X_pending=history.X_pending,
    )
    again = SobolSearch().suggest(wrapped, [2**30], 3)
    assert not np.array_equal(first, again)


@pytest.mark.parametrize("seed", range(4))
def test_the_feasible_part_is_covered_evenly(seed: int) -> None:
    space = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), constraints=["x + y < 0.3"])
    x, y = SobolSearch().suggest(History.empty(space), range(300), seed).T
    # the triangle consists of four of equal size: three at its corners and one in the middle
    corners = [(x > 0.15).sum(), (y > 0.15).sum(), (x + y < 0.15).sum()]
    counts = [*corners, 300 - sum(corners)]
    assert 55 < min(counts) <= max(counts) < 95


def test_repeated_configurations_give_way_to_new_ones() -> None:
    space = Space(Int("n", 1, 64))
    history = History.empty(space)
    units = SobolSearch().suggest(history, range(64), 3)
    assert len(np.unique(units)) == 64
