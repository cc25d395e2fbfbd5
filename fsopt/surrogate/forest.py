"""Forests of regression trees that tell lack of data from noise.

Trees take jumps, flat regions and unordered choices as they come, and the time to fit grows only
with ``n log n``. By itself each tree splits at random thresholds (Geurts, Ernst, Wehenkel,
"Extremely randomized trees", Machine Learning 63, 2006), so that averaging many of them gives a
mean that is nearly smooth, and the trees disagree most where there is no data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import StudyError
from fsopt.history import FloatArray
from fsopt.surrogate.base import Prediction

_INACTIVE = -1.0  # outside of [0, 1], so that one split separates inactive from active
_SPLITS = ("random", "best")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestOptions:
    """How a forest is grown.

    Raises:
        StudyError: If an option is out of range.
    """

    trees: int = 64
    """The number of trees; more make the mean smoother and the fit slower."""
    splits: str = "random"
    """``"random"`` takes the best of thresholds drawn one for each parameter, ``"best"`` the best
    of all thresholds."""
    max_features: float | str = 0.5
    """The share of the parameters that each split is chosen from, or ``"sqrt"``: the square root
    of their number. Less than 1 has all of them split, so that minor ones are explored as well."""
    bootstrap: float = 0.0
    """Each tree is grown on that share of the data, drawn with replacement; on all of it if 0."""
    min_samples_leaf: int = 1
    """Leaves hold at least so many points; 1 makes every tree pass through the data."""
    min_impurity_decrease: float = 0.0
    """A split must decrease the variance by so much, weighted by its share of the data; the values
    are scaled to [0, 1]. More than 0 leaves differences in a leaf to noise."""
    patience: int | None = 10
    """While that many trials bring no better value, the minimum above shrinks to a fifth; None
    keeps it. See `fsopt.search.training.stagnations`."""

    kind: ClassVar[str] = "forest"

    def __post_init__(self) -> None:
        for name in ("trees", "min_samples_leaf", "patience"):
            count = getattr(self, name)
            if not (name == "patience" and count is None) and (
                type(count) is not int or count < 1
            ):
                raise StudyError(f"{name} must be an integer of 1 or more, not {count!r}")
        if self.splits not in _SPLITS:
            raise StudyError(f"splits must be one of {', '.join(_SPLITS)}, not {self.splits!r}")
        if self.max_features != "sqrt" and not (
            _is_share(self.max_features) and self.max_features
        ):
            raise StudyError(
                f'max_features must be above 0 and up to 1, or "sqrt", not {self.max_features!r}'
            )
        for name in ("bootstrap", "min_impurity_decrease"):
            if not _is_share(getattr(self, name)):
                raise StudyError(f"{name} must be from 0 to 1, not {getattr(self, name)!r}")


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and 0 <= value <= 1


FORESTS: Mapping[str, ForestOptions] = {
    "forest": ForestOptions(),
    "extra_trees": ForestOptions(),
    "random_forest": ForestOptions(trees=48, splits="best", max_features="sqrt", bootstrap=0.8),
    "tree_bagging": ForestOptions(trees=16, splits="best", max_features=1.0, bootstrap=0.8),
    "random_subspace": ForestOptions(trees=48, splits="best", max_features="sqrt"),
}
"""Forests by name, of so many trees that they are fitted in about the same time. The random forest
is that of Breiman, Machine Learning 45, 2001, and tree bagging of Breiman, Machine Learning 24,
1996."""


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
    """Grow a forest.

    Args:
        X: (n, d) Unit rows, NaN where inactive; n >= 1.
        y: (n,) Their values, finite.
        rng: Source of the random splits and samples.
        options: How it is grown.
    """
    from sklearn.tree import DecisionTreeRegressor

    options = options or ForestOptions()
    points = encode(X)
    tree = DecisionTreeRegressor(
        criterion="squared_error",  # makes the impurity of a leaf the variance in it
        splitter=options.splits,
        max_features=options.max_features,
        min_samples_leaf=options.min_samples_leaf,
        min_impurity_decrease=options.min_impurity_decrease,
    )
    drawn = math.ceil(options.bootstrap * len(y))
    grown = []
    for seed in rng.integers(2**32, size=options.trees).tolist():
        tree.random_state = seed
        rows = rng.integers(len(y), size=drawn) if drawn else slice(None)
        tree.fit(points[rows], y[rows], check_input=False)
        grown.append(tree.tree_)
    return Forest(tuple(grown))


def encode(X: FloatArray) -> NDArray[np.float32]:
    """The numbers that trees split on: unit rows with -1 for inactive parameters."""
    return np.where(np.isnan(X), _INACTIVE, X).astype(np.float32)
