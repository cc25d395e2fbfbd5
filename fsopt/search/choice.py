"""Which surrogate fits a study best, by what each would have predicted."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.search.beliefs import categorical_columns, modelled_columns
from fsopt.streams import stream
from fsopt.surrogate import MAX_ROWS, ForestOptions, fit_forest, fit_gaussian, subset

_FIRST = 40  # trials, before which there is too little data to tell
_GROWTH = 2  # from one comparison to the next
_MUCH_BETTER = 0.7  # of the Gaussian process's error: by chance it would be less than that rarely
_UNBEATEN = 0.1  # of the variance, below which no forest of so few trials comes
_FOLDS = 4
_FOREST = ForestOptions(trees=24, max_features=0.5)


def forest_fits_better(history: History, values: FloatArray, seed: int) -> bool:
    """Whether a forest predicts the values of trials much better than a Gaussian process does.

    Compared are mean squared errors of the scaled values: of the Gaussian process leaving one
    trial out, of the forest leaving out a quarter. That is done for the first 40 trials, then for
    the first 80, 160, ..., so that it hardly costs time; what comes out depends on the trials
    alone. Jumps and jagged objectives are easier for the forest, smooth ones for the other. Where
    the Gaussian process leaves next to nothing unexplained no forest is fitted, which would take
    a second for the import alone.

    Args:
        history: The study so far.
        values: (n,) What its trials are worth, to be minimised.
        seed: The study's seed.
    """
    count = _FIRST
    if len(values) < count:
        return False
    while count * _GROWTH <= len(values):
        count *= _GROWTH
    columns = modelled_columns(history.space)
    X = np.ascontiguousarray(history.X[:count, columns])
    categorical = tuple(categorical_columns(history.space)[columns].tolist())
    y = np.ascontiguousarray(values[:count])
    return _compare(X.tobytes(), y.tobytes(), categorical, seed, bool(history.noisy))


@lru_cache(maxsize=16)
def _compare(
    points: bytes, values: bytes, categorical: tuple[bool, ...], seed: int, noisy: bool
) -> bool:
    y = np.frombuffer(values)
    X = np.frombuffer(points).reshape(len(y), -1)
    process = fit_gaussian(X, y, np.array(categorical), noisy=noisy).process
    errors, _ = process.leave_one_out()
    X, z = X[subset(X, y, MAX_ROWS)], process.values()
    error = float((errors**2).mean())
    if error < _UNBEATEN * z.var():
        return False
    rng = stream(seed, "folds", len(y))
    fold = rng.permutation(len(z)) % _FOLDS
    forest = np.empty(len(z))
    for left_out in (fold == number for number in range(_FOLDS)):
        fitted = fit_forest(X[~left_out], z[~left_out], rng, _FOREST)
        forest[left_out] = fitted.predict(X[left_out]).mean - z[left_out]
    return bool((forest**2).mean() < _MUCH_BETTER * error)
