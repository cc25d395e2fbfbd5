"""Any regressor of scikit-learn as a surrogate, named as ``"module:class"``."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import StudyError
from fsopt.history import FloatArray
from fsopt.surrogate.base import Prediction
from fsopt.surrogate.forest import encode

_NAME = re.compile(r"sklearn(\.[A-Za-z]\w*)+:[A-Za-z]\w*")  # no other package, nothing private
_MEMBERS = 10


def is_regressor_name(name: object) -> bool:
    """Whether this is the form of ``"sklearn.neighbors:KNeighborsRegressor"``.

    Only modules of scikit-learn are allowed: the name may come from a study that others wrote, and
    to import a module is to run it.
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Regressors:
    """Fitted regressors. Made by `fit_regressor`."""

    members: tuple[Any, ...]
    """One that predicts standard deviations, or several that may differ."""
    name: str
    """Of their class, for messages."""

    def predict(self, X: FloatArray) -> Prediction:
        """Predict; noise is not told from lack of data, all deviation counts as the latter.

        Args:
            X: (k, d) Unit rows, NaN where inactive.

        Raises:
            StudyError: If scikit-learn can't.
        """
        points = encode(X)
        try:
            if len(self.members) == 1:
                mean, deviation = self.members[0].predict(points, return_std=True)
            else:
                each = np.array([member.predict(points) for member in self.members])
                mean, deviation = each.mean(axis=0), each.std(axis=0)
        except ValueError as error:
            raise _unusable(self.name, error) from error
        return Prediction(mean=mean, epistemic=deviation, aleatoric=np.zeros(len(points)))


def fit_regressor(X: FloatArray, y: FloatArray, rng: np.random.Generator, name: str) -> Regressors:
    """Fit a regressor with its default options.

    A class that predicts standard deviations (``predict(X, return_std=True)``) is fitted once. Of
    any other, ten are fitted to samples of the data, drawn with replacement (Efron, "Bootstrap
    methods", Annals of Statistics 7, 1979); that they differ is the uncertainty.

    Args:
        X: (n, d) Unit rows, NaN where inactive; n >= 1.
        y: (n,) Their values, finite.
        rng: Source of the samples, and of the regressor's own randomness.
        name: Such as ``"sklearn.neighbors:KNeighborsRegressor"``.

    Raises:
        StudyError: If there is no such regressor, or it can't be fitted.
    """
    kind = _class_of(name)
    points = encode(X)
    if "return_std" in signature(kind.predict).parameters:
        return Regressors((_fitted(kind, name, points, y, rng),), name)
    members = []
    for _ in range(_MEMBERS):
        rows = rng.integers(len(y), size=len(y))
        members.append(_fitted(kind, name, points[rows], y[rows], rng))
    return Regressors(tuple(members), name)


def _class_of(name: str) -> type[Any]:
    """The class of this name; nothing is made of it before it is known to be a regressor."""
    from sklearn.base import BaseEstimator, RegressorMixin

    if not is_regressor_name(name):
        raise StudyError(
            f"{name!r} does not name a regressor, as sklearn.neighbors:KNeighborsRegressor does"
        )
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError as error:
        raise StudyError(f"{name}: {error}; correct the name of the surrogate") from error
    is_regressor = isinstance(found, type) and issubclass(found, RegressorMixin)
    if not isinstance(found, type) or not is_regressor or not issubclass(found, BaseEstimator):
        raise StudyError(
            f"{name} is not a regressor of scikit-learn; correct the surrogate's name"
        )
    return found


def _fitted(
    kind: type[Any], name: str, X: NDArray[np.float32], y: FloatArray, rng: np.random.Generator
) -> Any:
    from sklearn.exceptions import ConvergenceWarning

    try:
        regressor = kind()
        if "random_state" in regressor.get_params():
            regressor.set_params(random_state=int(rng.integers(2**32)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # nobody could act upon it
            return regressor.fit(X, y)
    except (TypeError, ValueError) as error:
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception) -> StudyError:
    return StudyError(
        f"{name} can't be used as it is: {error}. Choose another surrogate, or more initial_trials"
    )
