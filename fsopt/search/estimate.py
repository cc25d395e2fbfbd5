"""What a configuration's value is expected to be, given all evaluations, however noisy."""

from __future__ import annotations

import numpy as np

from fsopt.history import FloatArray, History, row_hashes
from fsopt.search.objective import ranks
from fsopt.space import Categorical
from fsopt.streams import stream
from fsopt.surrogate import MAX_ROWS, ForestOptions, Prediction, fit_forest, fit_gaussian

_LEAF = 5  # values that a tree averages at least, or else it would repeat each one's noise


def posterior(history: History, objective: int = 0) -> Prediction:
    """What is expected of each configuration that has a value.

    A Gaussian process of the values or, of more than 300 or where no parameter varies, a forest of
    their ranks. Evaluations of one configuration count together: what is expected of it is the
    same in each of its rows.

    Models see values on a scale of their own, which increases with the values. What they expect is
    mapped back by the line through the values seen, so it is a median rather than a mean where
    that scale is not linear. Deviations are half the distance between what is one deviation above
    and one below.

    Args:
        history: The study, in which at least one trial has a value.
        objective: Which column of the values.

    Returns:
        Of the n trials that have values, in their order and units, to be minimised. `epistemic` is
        how well the expected value is known, `aleatoric` by how much evaluations differ from it.
    """
    y = history.Y[:, objective]
    varying = np.array([p.levels != 1 for p in history.space.parameters], dtype=np.bool_)
    _, first, place = np.unique(row_hashes(history.X), return_index=True, return_inverse=True)
    X = history.X[:, varying]
    if len(X) <= MAX_ROWS and varying.any():
        categorical = np.array([isinstance(p, Categorical) for p in history.space.parameters])
        process = fit_gaussian(X, y, categorical[varying], noisy=bool(history.noisy)).process
        z, found = process.values(), process.predict(X[first])
    else:
        z, options = ranks(y), ForestOptions(min_samples_leaf=min(_LEAF, len(y)), max_features=1.0)
        forest = fit_forest(history.X, z, stream(0, "posterior", objective), options)
        found = forest.predict(history.X[first])
    return Prediction(
        mean=restored(found.mean, z, y)[place],
        epistemic=restored_deviation(found.mean, found.epistemic, z, y)[place],
        aleatoric=restored_deviation(found.mean, found.aleatoric, z, y)[place],
    )


def restored(scaled: FloatArray, z: FloatArray, y: FloatArray) -> FloatArray:
    """Values (k,) that belong to scaled ones, by pairs of both.

    Between the pairs on straight lines; beyond them on the line from the last to the median.

    Args:
        scaled: (k,) What is mapped back.
        z: (n,) Scaled values, which increase with the values.
        y: (n,) The values.
    """
    levels, values, middle = np.sort(z), np.sort(y), len(z) // 2
    restored: FloatArray = np.interp(scaled, levels, values)
    for end, beyond in (
        (0, np.minimum(scaled - levels[0], 0.0)),
        (-1, np.maximum(scaled - levels[-1], 0.0)),
    ):
        span = levels[middle] - levels[end]
        if span != 0:
            restored += beyond * ((values[middle] - values[end]) / span)
    return restored


def restored_deviation(
    mean: FloatArray, deviation: FloatArray, z: FloatArray, y: FloatArray
) -> FloatArray:
    """Half the distance between what belongs to one deviation above the mean and one below.

    Args:
        mean: (k,) Scaled means.
        deviation: (k,) Scaled standard deviations.
        z: (n,) As for `restored`.
        y: (n,) As for `restored`.
    """
    upper, lower = restored(mean + deviation, z, y), restored(mean - deviation, z, y)
    half: FloatArray = (upper - lower) / 2
    return half
