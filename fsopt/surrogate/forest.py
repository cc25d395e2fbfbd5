"""A forest of extremely randomised trees that tells lack of data from noise.

Each tree splits at random thresholds (Geurts, Ernst, Wehenkel, "Extremely randomized trees",
Machine Learning 63, 2006), so that averaging many of them gives a mean that is nearly smooth, and
the trees disagree most where there is no data. Trees take jumps, flat regions and unordered
choices as they come, and the time to fit grows only with ``n log n``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.history import FloatArray
from fsopt.surrogate.base import Prediction

_INACTIVE = -1.0  # outside of [0, 1], so that one split separates inactive from active


@dataclass(frozen=True, slots=True)
class ForestOptions:
    """How a forest is grown."""

    trees: int = 64
    """The number of trees; more make the mean smoother and the fit slower."""
    max_features: float = 1.0
    """The share of the parameters that each split is chosen from."""
    min_samples_leaf: int = 1
    """Leaves hold at least so many points; 1 makes every tree pass through the data."""


@dataclass(frozen=True, slots=True)
class Forest:
    """A fitted forest. Made by `fit_forest`."""

    trees: tuple[Any, ...]
    """scikit-learn's low-level trees, which lack the cost of its checks of each call."""

    def predict(self, X: FloatArray) -> Prediction:
        """Predict by the law of total variance over the trees.

        With the mean ``m_t`` and variance ``v_t`` of the training values in the leaf of tree ``t``
        that a configuration falls into (Hutter, Xu, Hoos, Leyton-Brown, "Algorithm runtime
        prediction: methods and evaluation", arXiv:1211.0906, section 4.3.2)::

            mean        = average of m_t
            epistemic^2 = average of (m_t - mean)^2
            aleatoric^2 = average of v_t

        Args:
            X: (k, d) Unit rows, NaN where inactive.
        """
        points = encode(X)
        means = np.empty((len(self.trees), len(points)))
        variances = np.empty_like(means)
        for tree, tree_means, tree_variances in zip(self.trees, means, variances, strict=True):
            leaves = tree.apply(points)
            tree_means[:] = tree.value[leaves, 0, 0]
            tree_variances[:] = tree.impurity[leaves]
        return Prediction(
            mean=means.mean(axis=0),
            epistemic=means.std(axis=0),
            # rounding makes the variance of equal values slightly negative
            aleatoric=np.sqrt(np.maximum(variances, 0.0).mean(axis=0)),
        )


def fit_forest(
    X: FloatArray,
    y: FloatArray,
    rng: np.random.Generator,
    options: ForestOptions | None = None,
) -> Forest:
    """Grow a forest; every tree sees all the data.

    Args:
        X: (n, d) Unit rows, NaN where inactive; n >= 1.
        y: (n,) Their values, finite.
        rng: Source of the random splits.
        options: How it is grown.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    options = options or ForestOptions()
    forest = ExtraTreesRegressor(
        n_estimators=options.trees,
        criterion="squared_error",  # makes the impurity of a leaf the variance in it
        max_features=options.max_features,
        min_samples_leaf=options.min_samples_leaf,
        bootstrap=False,
        n_jobs=1,
        random_state=int(rng.integers(2**32)),
    )
    forest.fit(encode(X), y)
    return Forest(tuple(estimator.tree_ for estimator in forest.estimators_))


def encode(X: FloatArray) -> NDArray[np.float32]:
    """The numbers that trees split on: unit rows with -1 for inactive parameters."""
    return np.where(np.isnan(X), _INACTIVE, X).astype(np.float32)
