"""Which points are best in some trade-off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nondominated(Y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points no other point dominates.

    A point dominates another if it is at least as good in every objective and better in one.
    Equal points do not dominate each other, so all of them are in the front.

    Args:
        Y: (n, m) Values to be minimised, finite.

    Returns:
        (n,) True for the points of the Pareto front.
    """
    order = np.lexsort(Y.T[::-1])
    front = np.zeros(len(Y), dtype=np.bool_)
    # In lexicographic order nothing is dominated by what comes after it.
    kept = np.empty((0, Y.shape[1]))
    for index in order:
        better = (kept <= Y[index]).all(axis=1) & (kept < Y[index]).any(axis=1)
        if not better.any():
            front[index] = True
            kept = np.vstack([kept, Y[index]])
    return front
