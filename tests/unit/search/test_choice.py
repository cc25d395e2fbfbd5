from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.search import choice
from fsopt.search.choice import forest_fits_better
from tests.unit.search.test_gaussian import bowl, history_of, points


def at_all_scales(n: int) -> FloatArray:
    """Points whose first coordinate has any order of magnitude."""
    return 10 ** -np.random.default_rng(0).uniform(0, 6, (n, 2))


def jagged(X: FloatArray) -> FloatArray:
    """Whether the order of magnitude is even: no length fits all of it."""
    return np.floor(-np.log10(X[:, 0])) % 2


def chosen(X: FloatArray, y: FloatArray, seed: int = 0) -> bool:
    return forest_fits_better(history_of(X, y), y, seed)


@pytest.mark.parametrize("n", [45, 90, 170])
def test_smooth_objectives_are_for_the_gaussian_process(n: int) -> None:
    X = points(n)
    assert not chosen(X, bowl(X))


def test_no_forest_is_fitted_where_little_is_left_unexplained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a forest was fitted")

    monkeypatch.setattr(choice, "fit_forest", fail)
    X = points(50)
    assert not chosen(X, bowl(X), seed=1)
    with pytest.raises(AssertionError, match="a forest"):
        chosen(X, jagged(X), seed=1)


def test_jumps_at_all_scales_are_for_the_forest_once_there_is_enough_data() -> None:
    X = at_all_scales(160)
    y = jagged(X)
    assert chosen(X, y)
    assert not chosen(X[:39], y[:39])


def test_later_trials_change_nothing_until_there_are_twice_as_many() -> None:
    X = at_all_scales(160)
    later = np.concatenate([X, points(159)])
    assert chosen(later, np.concatenate([jagged(X), bowl(points(159))]))
