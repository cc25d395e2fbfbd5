"""Ensembles as estimators of scikit-learn; the one module here that needs it when imported."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from fsopt.ensemble.aggregators import Aggregate, FloatArray
from fsopt.ensemble.losses import CrossEntropy, NormalNLL
from fsopt.ensemble.predictors import EnsemblePredictor, Predictor, SklearnPredictor
from fsopt.ensemble.selection import Greedy, Selector
from fsopt.errors import PredictionError
from fsopt.predictions import Array, Prediction

PREFIT = "prefit"

_LEAST_DEVIATION = 1e-6
"""Relative to the greatest true value: that of a model without residuals."""


class _Ensemble(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What classifiers and regressors have in common."""

    _is_classifier: bool

    def __init__(
        self,
        estimators: Sequence[Any] | None = None,
        *,
        selector: Selector | None = None,
        cv: Any = 5,
        executor: Executor | None = None,
    ) -> None:
        self.estimators = estimators
        self.selector = selector
        self.cv = cv
        self.executor = executor

    def predict_uncertainty(self, X: Any) -> Aggregate:
        """The prediction for X (n, p), with its aleatoric and its epistemic part."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, skip_check_array=_is_frame(X))
        members = EnsemblePredictor(self.members_, self.weights_, executor=self.executor)
        return members.predict(rows)

    def _check(self, X: Any, y: Any) -> tuple[Any, Array]:
        """The inputs, and the true values (n,), if they can be used."""
        if not self.estimators:
            raise PredictionError("estimators must be a list of models; it is empty")
        if not _is_frame(X):
            rows, targets = validate_data(self, X, y)
            return rows, column_or_1d(targets, warn=True)
        # Its columns may be of any type; the models know what to do with them.
        validate_data(self, X, y, skip_check_array=True)
        check_consistent_length(X, y)
        return X, column_or_1d(y, warn=True)

    def _left_out(self, X: Any, y: Array) -> list[Prediction]:
        """What each model predicts for rows that it was not fitted to."""
        models = list(self.estimators or ())
        if isinstance(self.cv, str) and self.cv == PREFIT:
            return [self._predictor(model).predict(X) for model in models]
        parts = list(check_cv(self.cv, y, classifier=self._is_classifier).split(X, y))
        found = []
        for model in models:
            made = [
                self._predictor(
                    clone(model).fit(_safe_indexing(X, train), _safe_indexing(y, train))
                ).predict(_safe_indexing(X, test))
                for train, test in parts
            ]
            rows = np.concatenate([test for _, test in parts])
            array = np.concatenate([one.array for one in made])
            found.append(Prediction(made[0].kind, array, rows).check())
        return found

    def _select(
        self, y: Array, candidates: Sequence[Prediction], default: Selector
    ) -> tuple[int, ...]:
        """Choose; returns positions among the estimators."""
        self.selection_ = (self.selector or default).select(y, candidates)
        self.weights_ = np.array(self.selection_.weights)
        return self.selection_.members

    def _fitted(self, numbers: Sequence[int], X: Any, y: Array) -> list[Any]:
        """The chosen models, fitted to all rows unless they are fitted already."""
        chosen = [list(self.estimators or ())[number] for number in numbers]
        if isinstance(self.cv, str) and self.cv == PREFIT:
            return chosen
        return [clone(model).fit(X, y) for model in chosen]

    def _predictor(self, model: Any) -> Predictor:
        raise NotImplementedError


class EnsembleClassifier(ClassifierMixin, _Ensemble):  # type: ignore[misc]
    """Classifies by the weighted mean of the probabilities of some of many models.

    Which ones, and their weights, is selected by what they predict for rows that they were not
    fitted to; then those are fitted to all rows.

    Args:
        estimators: Classifiers, fitted or not; those without ``predict_proba`` are certain.
        selector: How to choose; `Greedy` by the cross-entropy unless given.
        cv: As in scikit-learn, but that parts may leave rows out; ``"prefit"`` takes the
            estimators as they are, and what `fit` is given to select by.
        executor: Asks members at the same time; see `EnsemblePredictor`.

    Attributes:
        selection_: What was selected, as positions among the estimators.
        estimators_: The members.
        weights_: (k,) Their weights.
        classes_: (c,) The classes.
    """

    _is_classifier = True

    def fit(self, X: Any, y: Any) -> Self:
        """Select among the estimators, and fit those selected.

        Args:
            X: (n, p) Inputs.
            y: (n,) Classes.
        """
        X, targets = self._check(X, y)
        check_classification_targets(targets)
        self.classes_ = np.unique(targets)
        positions = np.searchsorted(self.classes_, targets)
        candidates = self._left_out(X, targets)
        numbers = self._select(positions, candidates, Greedy(CrossEntropy()))
        self.estimators_ = self._fitted(numbers, X, targets)
        self.members_ = [self._predictor(model) for model in self.estimators_]
        return self

    def predict_proba(self, X: Any) -> FloatArray:
        """(n, c) The probabilities of the classes for X (n, p)."""
        return self.predict_uncertainty(X).prediction

    def predict(self, X: Any) -> Array:
        """(n,) The most probable classes for X (n, p)."""
        positions = self.predict_proba(X).argmax(axis=1)
        most: Array = self.classes_[positions]
        return most

    def _predictor(self, model: Any) -> Predictor:
        return _ClassMember(model, self.classes_)


class EnsembleRegressor(RegressorMixin, _Ensemble):  # type: ignore[misc]
    """Predicts by a weighted mixture of normal distributions, each by one of many models.

    A model whose ``predict`` takes ``return_std`` tells deviations itself. For others it is the
    root mean square of what it was wrong by in rows that it was not fitted to, the same for all
    inputs.

    Args:
        estimators: Regressors, fitted or not.
        selector: How to choose; `Greedy` by the negative logarithm of the density unless given.
        cv: As in scikit-learn, but that parts may leave rows out; ``"prefit"`` takes the
            estimators as they are, and what `fit` is given to select by.
        executor: Asks members at the same time; see `EnsemblePredictor`.

    Attributes:
        selection_: What was selected, as positions among the estimators.
        estimators_: The members.
        weights_: (k,) Their weights.
        deviations_: (k,) The deviations of those that tell none; NaN for others.
    """

    _is_classifier = False

    def fit(self, X: Any, y: Any) -> Self:
        """Select among the estimators, and fit those selected.

        Args:
            X: (n, p) Inputs.
            y: (n,) Numbers.
        """
        X, targets = self._check(X, y)
        targets = targets.astype(np.float64)
        left_out = self._left_out(X, targets)
        deviations = [_deviation(one, targets) for one in left_out]
        candidates = [_normal(*pair) for pair in zip(left_out, deviations, strict=True)]
        numbers = self._select(targets, candidates, Greedy(NormalNLL()))
        self.estimators_ = self._fitted(numbers, X, targets)
        self.deviations_ = np.array([deviations[number] for number in numbers])
        self.members_ = [
            _NormalMember(model, deviation)
            for model, deviation in zip(self.estimators_, self.deviations_.tolist(), strict=True)
        ]
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The means (n,) for X (n, p), and if asked for the standard deviations (n,)."""
        found = self.predict_uncertainty(X)
        return (found.prediction, found.std) if return_std else found.prediction

    def _predictor(self, model: Any) -> Predictor:
        return SklearnPredictor(model)


@dataclass(frozen=True, slots=True)
class _ClassMember:
    """A classifier that may know other classes, or tell no probabilities."""

    model: Any
    classes: Array

    def predict(self, X: Any) -> Prediction:
        known = self.model.classes_
        columns = np.searchsorted(self.classes, known)
        if not np.isin(known, self.classes).all():
            raise PredictionError(f"{self.model!r} knows classes that y does not have")
        probabilities = np.zeros((len(X), len(self.classes)))
        if hasattr(self.model, "predict_proba"):
            probabilities[:, columns] = self.model.predict_proba(X)
        else:
            most = np.searchsorted(self.classes, self.model.predict(X))
            probabilities[np.arange(len(most)), most] = 1
        return Prediction("probabilities", probabilities).check()


@dataclass(frozen=True, slots=True)
class _NormalMember:
    """A regressor with a deviation, NaN if it tells deviations itself."""

    model: Any
    deviation: float

    def predict(self, X: Any) -> Prediction:
        return _normal(SklearnPredictor(self.model).predict(X), self.deviation)


def _is_frame(X: Any) -> bool:
    return hasattr(X, "iloc")


def _deviation(prediction: Prediction, y: Array) -> float:
    """The root mean square of errors, for predictions without deviations."""
    if prediction.kind == "normal":
        return np.nan
    known = y if prediction.index is None else y[prediction.index]
    error = np.sqrt(np.mean(np.square(prediction.array - known)))
    return float(max(error, _LEAST_DEVIATION * max(1.0, np.abs(y).max())))


def _normal(prediction: Prediction, deviation: float) -> Prediction:
    if prediction.kind == "normal":
        return prediction
    means = prediction.array.astype(np.float64)
    columns = np.column_stack([means, np.full(len(means), deviation)])
    return Prediction("normal", columns, prediction.index)
