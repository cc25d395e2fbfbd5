"""Which points are best in some trade-off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def nondominated(Y: FloatArray) -> NDArray[np.bool_]:
    """Which points no other point dominates.

    A point dominates another if it is at least as good in every objective and better in one.
    Equal points do not dominate each other, so all of them are in the front.

    Args:
        Y: (n, m) Values to be minimised, finite.

    Returns:
        (n,) True for the points of the Pareto front.
    """
    import moocore

    front: NDArray[np.bool_] = moocore.is_nondominated(Y, keep_weakly=True)
    return front


def fronts(Y: FloatArray) -> NDArray[np.int64]:
    """How many fronts lie before each point.

    The first front are the points that no other dominates, the second those that only points of
    the first dominate, and so on (Deb, Pratap, Agarwal, Meyarivan, IEEE Trans. Evol. Comput. 6,
    2002, section III.A).

    Args:
        Y: (n, m) Values to be minimised, finite.

    Returns:
        (n,) 0 for the first front, 1 for the second, ...
    """
    import moocore

    return np.asarray(moocore.pareto_rank(Y), dtype=np.int64)


def crowding(Y: FloatArray) -> FloatArray:
    """How far apart the neighbours of each point of one front are.

    The crowding distance of Deb et al. (above, section III.B): the sum over the objectives of the
    difference between the next worse and the next better value, divided by the whole range.

    Args:
        Y: (n, m) Values of one front.

    Returns:
        (n,) Infinite for points that have the smallest or the largest value of an objective.
    """
    distance = np.zeros(len(Y))
    for column in Y.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        span = ordered[-1] - ordered[0] if len(ordered) else 0.0
        distance[order[[0, -1]] if len(order) else order] = np.inf
        if span > 0:
            distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / span
    return distance
