from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fsopt.history import FloatArray
from fsopt.search.objective import scalarize

tables = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 20), st.integers(2, 4)), elements=st.integers(0, 4)
)


@given(tables, st.integers(0, 100))
def test_a_dominated_trial_is_never_ranked_before_its_better(Y: FloatArray, seed: int) -> None:
    scalar = scalarize(Y, np.random.default_rng(seed))
    for value, row in zip(scalar, Y, strict=True):
        assert (scalar[(row <= Y).all(axis=1)] >= value).all()
        assert (scalar[(row <= Y).all(axis=1) & (row < Y).any(axis=1)] > value).all()


def test_weights_differ_so_that_every_trade_off_is_looked_for() -> None:
    t = np.linspace(0, 1, 21)
    Y = np.column_stack([t, (1 - t) * 1000])
    best = {int(scalarize(Y, np.random.default_rng(seed)).argmin()) for seed in range(60)}
    assert len(best) > 10
    assert {min(best), max(best)} <= {0, 1, 2, 18, 19, 20}
