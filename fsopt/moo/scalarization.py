"""One value out of several objectives, for a given trade-off between them.

First each objective is scaled, so that the weights mean the same whatever its units; then a
scalarization combines them. What comes out is to be minimised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from fsopt.moo.pareto import FloatArray

AUGMENTATION = 0.05
"""The weight of the sum in the augmented Chebyshev distance: it breaks the ties between points
that differ in a minor objective only."""

_PENALTY = 5.0  # of the distance from the direction, as Zhang and Li have it
_STRETCH = 10.0  # of what lies across the direction


def ranks(values: FloatArray) -> FloatArray:
    """The ranks of values, scaled to [0, 1]; equal values share the average of their ranks.

    Args:
        values: (n,) Any finite values.

    Returns:
        (n,) 0 for the smallest and 1 for the largest; 0.5 for all if all are equal.
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    after = np.cumsum(count)
    average = (after - count + after - 1) / 2
    scaled: FloatArray = average[place] / max(len(values) - 1, 1)
    return scaled if len(after) > 1 else np.full(len(values), 0.5)


def minmax(values: FloatArray) -> FloatArray:
    """Values (n,) shifted and scaled to [0, 1]; zeros if all are equal."""
    low = float(values.min())
    half = float(values.max()) / 2 - low / 2  # halves do not overflow
    return (values / 2 - low / 2) / half if half > 0 else np.zeros_like(values)


def logarithmic(values: FloatArray) -> FloatArray:
    """``ln(1 + y - min y)`` of values (n,), scaled to [0, 1]: the best are told apart most."""
    with np.errstate(over="ignore"):
        above = np.minimum(values - float(values.min()), np.finfo(np.float64).max)
    return minmax(np.log1p(above))


SCALINGS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "quantile": ranks,
    "minmax": minmax,
    "log": logarithmic,
}
"""By name. Quantiles are the uniform normalisation of Egele et al., arXiv:2309.14936: of no
objective the outliers count more than those of another."""


def linear(Z: FloatArray, weights: FloatArray) -> FloatArray:
    """``sum_j w_j z_j``. Finds only the convex parts of a front."""
    return Z @ weights


def chebyshev(Z: FloatArray, weights: FloatArray) -> FloatArray:
    """``max_j w_j z_j``."""
    largest: FloatArray = (Z * weights).max(axis=1)
    return largest


def augmented_chebyshev(Z: FloatArray, weights: FloatArray) -> FloatArray:
    """``max_j w_j z_j + 0.05 sum_j w_j z_j`` (Knowles, "ParEGO", 2006, eq. 2)."""
    return chebyshev(Z, weights) + AUGMENTATION * linear(Z, weights)


def boundary_intersection(Z: FloatArray, weights: FloatArray) -> FloatArray:
    """Penalty-based boundary intersection: ``d1 + 5 d2``.

    ``d1`` is how far a point is along the direction ``w``, and ``d2`` how far it is from that line
    (Zhang and Li, "MOEA/D", IEEE Trans. Evol. Comput. 11, 2007, section II.C), both measured as by
    DeepHyper, ``d1 = w.z / |w|^2`` and ``d2 = |z - d1 w|_1``.
    """
    along = linear(Z, weights) / float(weights @ weights)
    across = np.abs(Z - along[:, None] * weights).sum(axis=1)
    total: FloatArray = along + _PENALTY * across
    return total


def quadratic(Z: FloatArray, weights: FloatArray) -> FloatArray:
    """``z' Q z``, where Q stretches tenfold what lies across the direction ``w``.

    With ``u = w / |w|``, that is ``(u.z)^2 + 10 (|z|^2 - (u.z)^2)``, for
    ``Q = U diag(1, 10, ..., 10) U'`` of an orthonormal U whose first column is u.
    """
    along = linear(Z, weights) ** 2 / float(weights @ weights)
    total: FloatArray = along + _STRETCH * ((Z * Z).sum(axis=1) - along)
    return total


SCALARIZATIONS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "augmented_chebyshev": augmented_chebyshev,
    "chebyshev": chebyshev,
    "linear": linear,
    "pbi": boundary_intersection,
    "quadratic": quadratic,
}
"""By name; each maps scaled values (n, m), which are not negative, and weights (m,) to (n,)."""


def random_weights(m: int, rng: np.random.Generator) -> FloatArray:
    """(m,) Weights that are uniformly distributed on the simplex: positive, with the sum 1."""
    return rng.dirichlet(np.ones(m))
