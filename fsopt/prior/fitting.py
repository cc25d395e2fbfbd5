"""Fitting a mixture to the good configurations of a study."""

from __future__ import annotations

import math
import warnings

import numpy as np

from fsopt.prior.mixture import FloatArray, Mixture
from fsopt.space import Categorical, Space

LEAST_DEVIATION = 0.05
"""Of a component, in each parameter: another study's optimum lies elsewhere by as much."""

_MOST_COMPONENTS = 5
_ROWS_PER_COMPONENT = 4  # at least
_CATEGORY_SCALE = math.sqrt(0.5)  # two different categories are at distance 1
_PSEUDO = 1.0  # configurations' worth of a uniform distribution, in each table


def fit_mixture(units: FloatArray, space: Space, rng: np.random.Generator) -> Mixture:
    """Fit a mixture whose number of components has the least BIC (Schwarz, 1978).

    Which configurations belong together is found by expectation maximisation with diagonal
    covariances, of positions and indicators of categories. The components' factors are then those
    of the configurations that belong to each, to the degree that they do.

    Args:
        units: (n, d) Unit rows with n >= 1, NaN where a parameter is inactive or unknown.
        space: Where they lie.
        rng: Fills in what is missing while configurations are grouped, and begins the search.
    """
    shares = _shares(_features(units, space, rng), rng)
    sizes = shares.sum(axis=0)
    told = ~np.isnan(units)
    shape = (len(sizes), units.shape[1])
    means, deviations = np.full(shape, np.nan), np.full(shape, np.nan)
    tables = {}
    for column, parameter in enumerate(space.parameters):
        rows, known = units[told[:, column], column], shares[told[:, column]]
        if isinstance(parameter, Categorical):
            tables[column] = _table(rows, known, parameter.levels)
        elif len(rows) and parameter.levels != 1:
            weights = (known + 1e-12) / (known + 1e-12).sum(axis=0)
            means[:, column] = rows @ weights
            spread = ((rows[:, np.newaxis] - means[:, column]) ** 2 * weights).sum(axis=0)
            deviations[:, column] = np.sqrt(spread + LEAST_DEVIATION**2)
    return Mixture(sizes / sizes.sum(), means, deviations, tables)


def _features(units: FloatArray, space: Space, rng: np.random.Generator) -> FloatArray:
    """(n, f) What configurations are grouped by; what is missing is drawn from the others."""
    columns = []
    for column, parameter in enumerate(space.parameters):
        positions = units[:, column]
        known = positions[~np.isnan(positions)]
        if not len(known) or parameter.levels == 1:
            continue
        filled = np.where(np.isnan(positions), rng.choice(known, len(positions)), positions)
        if isinstance(parameter, Categorical):
            levels = np.minimum(filled * parameter.levels, parameter.levels - 1).astype(np.intp)
            columns += list(_CATEGORY_SCALE * np.eye(parameter.levels)[:, levels])
        else:
            columns.append(filled)
    return np.column_stack(columns) if columns else np.zeros((len(units), 1))


def _shares(features: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(n, k) To what degree each row belongs to each of the k components."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    most = min(_MOST_COMPONENTS, len(features) // _ROWS_PER_COMPONENT)
    if most < 2:
        return np.ones((len(features), 1))
    begin = int(rng.integers(2**32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than components
        fits = [
            GaussianMixture(
                count, covariance_type="diag", reg_covar=LEAST_DEVIATION**2, random_state=begin
            ).fit(features)
            for count in range(1, most + 1)
        ]
    best = min(fits, key=lambda fit: fit.bic(features))
    shares: FloatArray = best.predict_proba(features)
    kept = shares.sum(axis=0) > 0.5  # a component of nothing tells nothing
    shares = shares[:, kept]
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _table(positions: FloatArray, shares: FloatArray, levels: int) -> FloatArray:
    """(k, levels) Probabilities of categories, none of which is 0."""
    indices = np.minimum(positions * levels, levels - 1).astype(np.intp)
    counts = shares.T @ np.eye(levels)[indices] + _PSEUDO / levels
    table: FloatArray = counts / counts.sum(axis=1, keepdims=True)
    return table
