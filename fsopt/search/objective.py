"""What the surrogate learns instead of the raw values of the objectives."""

from __future__ import annotations

import numpy as np

from fsopt.history import FloatArray

WORST = 1.0
"""The target of a failed trial: no trial with a value has a larger one."""

_AUGMENTATION = 0.05  # breaks the ties between points that differ in a minor objective only


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


def scalarize(Y: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One value for each trial out of several objectives, under random weights.

    The augmented Chebyshev distance from the ideal point (Knowles, "ParEGO", IEEE Trans. Evol.
    Comput. 10, 2006, eq. 2) of the objectives' ranks, which have one scale whatever the units
    (as in Egele et al., arXiv:2309.14936)::

        max_j w_j r_j + 0.05 sum_j w_j r_j,   w uniform on the simplex

    Each proposal has weights of its own, so together they cover the whole trade-off.

    Args:
        Y: (n, m) Values to be minimised.
        rng: Source of the weights.

    Returns:
        (n,) Values to be minimised.
    """
    weights = rng.dirichlet(np.ones(Y.shape[1]))
    terms = weights * np.column_stack([ranks(column) for column in Y.T])
    value: FloatArray = terms.max(axis=1) + _AUGMENTATION * terms.sum(axis=1)
    return value
