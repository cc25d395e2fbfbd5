"""How much of the space of objectives a front dominates, and how that part is divided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fsopt.moo.pareto import FloatArray, nondominated

_BEYOND = 0.1  # of the range of a front, by which the reference point lies beyond its worst values


def hypervolume(Y: FloatArray, reference: FloatArray) -> float:
    """The volume of what is dominated by some point and dominates the reference point.

    Zitzler and Thiele, PPSN V, 1998. Computed exactly, by dimension sweeps for up to four
    objectives and recursively for more (the library moocore).

    Args:
        Y: (n, m) Values to be minimised. Points that are not better than the reference point in
            every objective count for nothing.
        reference: (m,) The reference point.
    """
    import moocore

    return float(moocore.hypervolume(Y, ref=reference)) if len(Y) else 0.0


def reference_point(Y: FloatArray) -> FloatArray:
    """A point a little worse than the front of some values.

    Beyond the worst values of the front by a tenth of its range (Ishibuchi, Imada, Setoguchi,
    Nojima, "How to specify a reference point in hypervolume calculation", Evol. Comput. 26,
    2018), or by a tenth of the range of all values where the front has none.

    Args:
        Y: (n, m) Values to be minimised, n >= 1.

    Returns:
        (m,) Worse than the front in every objective.
    """
    front = Y[nondominated(Y)]
    worst = front.max(axis=0)
    span = worst - front.min(axis=0)
    span = np.where(span > 0, span, Y.max(axis=0) - Y.min(axis=0))
    span = np.where(span > 0, span, np.maximum(np.abs(worst), 1.0))
    beyond: FloatArray = worst + _BEYOND * span
    return beyond


def free_cells(Y: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Boxes that divide all that dominates the reference point and that no point dominates.

    From the local upper bounds of the points, each of which is defined by one point in every
    objective (Klamroth, Lacour, Vanderpooten, "On the representation of the search region in
    multi-objective optimization", EJOR 245, 2015, algorithm 3), one box comes out of each
    (Lacour, Klamroth, Fonseca, "A box decomposition algorithm to compute the hypervolume
    indicator", Computers and OR 79, 2017, eq. 10). Both assume that no two points agree in an
    objective, so they are applied to ranks in which ties are broken.

    Of n points there are n + 1 boxes for two objectives, at most 2 n + 1 for three, and up to
    about n^2 for four and five.

    Args:
        Y: (n, m) Values to be minimised; only their front matters.
        reference: (m,) The reference point.

    Returns:
        (k, m) and (k, m) The lower corners, -inf where a box is unbounded, and the upper ones.
    """
    inside = Y[(reference > Y).all(axis=1)]
    front = np.unique(inside[nondominated(inside)], axis=0)
    order = np.argsort(front, axis=0, kind="stable")
    place = np.argsort(order, axis=0) + 1
    levels = [
        np.concatenate([[-np.inf], front[rows, j], [reference[j]]])
        for j, rows in enumerate(order.T)
    ]
    low, high = _boxes_of_ranks(place, len(front) + 1)
    columns = range(Y.shape[1])
    lower = np.column_stack([levels[j][low[:, j]] for j in columns])
    upper = np.column_stack([levels[j][high[:, j]] for j in columns])
    kept = (lower < upper).all(axis=1)
    return lower[kept], upper[kept]


def _boxes_of_ranks(
    points: NDArray[np.intp], last: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`free_cells` of points (n, m) that are permutations of 1, 2, ..., n in every objective.

    Args:
        points: The points.
        last: n + 1, each coordinate of the reference point; 0 stands for -inf.
    """
    m = points.shape[1]
    bounds = np.full((1, m), last)
    # definers[k, i] is the point that gives bound k its coordinate i; at first a virtual one,
    # which is the reference in that coordinate and the best in all others
    definers = np.where(np.eye(m, dtype=np.bool_), last, 0)[np.newaxis]
    for point in points:
        is_hit = (point < bounds).all(axis=1)
        parts, makers = [bounds[~is_hit]], [definers[~is_hit]]
        hit, by = bounds[is_hit], definers[is_hit]
        for j in range(m):
            others = np.delete(by[:, :, j], j, axis=1)
            is_kept = point[j] > others.max(axis=1, initial=-1)
            bound, maker = hit[is_kept].copy(), by[is_kept].copy()
            bound[:, j] = point[j]
            maker[:, j] = point
            parts.append(bound)
            makers.append(maker)
        bounds, definers = np.concatenate(parts), np.concatenate(makers)
    low = np.zeros_like(bounds)
    for j in range(1, m):
        low[:, j] = definers[:, :j, j].max(axis=1)
    return low, bounds
