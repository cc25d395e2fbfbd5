from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from fsopt.history import History
from fsopt.search import RandomSearch
from fsopt.space import Float, Int, Space

BOX = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))


def test_draws_are_uniform() -> None:
    units = RandomSearch().suggest(History.empty(BOX), range(1000), 3)
    for column in units.T:
        assert kstest(column, "uniform").pvalue > 0.01


def test_a_trial_is_the_same_in_any_batch() -> None:
    together = RandomSearch().suggest(History.empty(BOX), range(6), 3)
    alone = [RandomSearch().suggest(History.empty(BOX), [number], 3) for number in range(6)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_the_last_configurations_of_a_space_are_equally_likely() -> None:
    space = Space(Int("n", 1, 4000))
    every = space.to_unit(np.arange(1.0, 4001.0)[:, None])
    left = [17, 1999, 3999]
    history = History(
        space=space,
        X=np.delete(every, left, axis=0),
        Y=np.zeros((3997, 1)),
        numbers=np.arange(3997, dtype=np.int64),
        X_failed=every[:0],
        X_pending=every[:0],
    )
    drawn = [RandomSearch().suggest(history, [number], 3)[0, 0] for number in range(60)]
    values, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_array_equal(values, every[left, 0])
    assert counts.min() >= 10
