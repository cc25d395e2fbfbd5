"""What was given out is found again, whatever became of it and however many there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt import history
from fsopt.history import FloatArray, History, TakenSet, _Given, row_hashes
from fsopt.space import Categorical, Float, Int, Space, enumerate_all, same_rows

NAN = float("nan")

positions = st.sampled_from([0.0, -0.0, 0.25, 1 / 3, 1.0, NAN])
unit_rows = st.lists(st.tuples(positions, positions), max_size=40).map(
    lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 2)
)


def small_history(X: FloatArray, X_failed: FloatArray, X_pending: FloatArray) -> History:
    return History(
        space=Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)),
        X=X,
        Y=np.zeros((len(X), 1)),
        numbers=np.arange(len(X)),
        X_failed=X_failed,
        X_pending=X_pending,
    )


@settings(deadline=None)
@given(unit_rows, unit_rows, unit_rows, unit_rows)
def test_taken_is_what_equals_a_row_that_was_given_out(
    X: FloatArray, X_failed: FloatArray, X_pending: FloatArray, asked: FloatArray
) -> None:
    found = small_history(X, X_failed, X_pending).is_taken(asked)
    taken = np.concatenate([X, X_failed, X_pending])
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, same_rows(asked, taken))


def test_trials_that_ended_are_those_with_values_and_those_that_failed() -> None:
    rows = np.linspace(0, 1, 12).reshape(6, 2)
    assert small_history(rows[:3], rows[3:5], rows[5:]).ended == 5
    assert History.empty(Space(Float("x", 0.0, 1.0))).ended == 0


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), max_size=12), max_size=12), st.integers(0, 3))
def test_a_set_that_grows_in_any_portions_holds_all_of_them(
    portions: list[list[int]], newest: int
) -> None:
    every = np.arange(61)[:, None] / 64
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_NEWEST", newest)
        taken, added = TakenSet(), set()
        for portion in portions:
            taken.add(every[portion].reshape(-1, 1))
            added.update(portion)
            assert np.flatnonzero(taken.holds(every)).tolist() == sorted(added)


def test_each_row_is_kept_once() -> None:
    taken, rows = TakenSet(), np.linspace(0, 1, 5000)[:, None]
    taken.add(rows[:5])
    for _ in range(3):
        taken.add(rows)
    assert len(taken._sorted) == 5000
    assert not taken._newest


def test_hashes_are_equal_to_twelve_decimals() -> None:
    rows = np.array([[0.5, NAN], [0.5 + 1e-14, NAN], [0.5 + 1e-11, NAN], [NAN, 0.5], [0.0, NAN]])
    one, same, *others = row_hashes(rows).tolist()
    assert one == same
    assert len({one, *others}) == 4
    np.testing.assert_array_equal(row_hashes(np.array([[0.0]])), row_hashes(np.array([[-0.0]])))


def test_different_configurations_of_a_large_grid_have_different_hashes() -> None:
    space = Space(Int("a", 1, 64), Int("b", 1, 64), Categorical("c", list(range(64))))
    every = enumerate_all(space, 64**3)
    assert every is not None
    assert len(np.unique(row_hashes(every))) == 64**3


def test_a_checksum_tells_histories_apart() -> None:
    space = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))
    rows = np.array([[0.1, 0.2], [0.3, np.nan], [0.5, 0.6]])
    none = np.empty((0, 2))

    def checksum(order: Sequence[int], numbers: Sequence[int], pending: bool = False) -> object:
        X = rows[list(order)]
        return History(
            space=space,
            X=X,
            Y=X[:, :1],
            numbers=np.array(numbers),
            X_failed=none if pending else rows[:1],
            X_pending=rows[:1] if pending else none,
        ).checksum()

    base = checksum([0, 1, 2], [0, 1, 2])
    assert base == checksum([0, 1, 2], [0, 1, 2])
    others = {checksum([0, 2, 1], [0, 1, 2]), checksum([0, 1, 2], [0, 1, 3])}
    others |= {checksum([0, 1], [0, 1]), checksum([0, 1, 2], [0, 1, 2], pending=True)}
    assert len(others | {base}) == 5
    rows[1, 1] = -np.nan
    assert checksum([0, 1, 2], [0, 1, 2]) == base, "there are several ways to spell NaN"


def test_there_is_no_checksum_of_what_nobody_has_read() -> None:
    whole = History.empty(Space(Float("x", 0.0, 1.0)))
    history = History.of(whole.space, _Given(whole._loaded()))
    assert history.ended == 0
    assert not history.is_taken(np.zeros((1, 1)))[0]
    assert history.checksum() is None
    assert len(history.X) == 0
    assert history.checksum() == whole.checksum()
