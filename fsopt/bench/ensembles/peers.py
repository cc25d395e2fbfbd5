"""Ensembles by other packages, of the same predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from fsopt.bench.ensembles.library import Library, residual_deviation, with_deviation
from fsopt.predictions import Array, Prediction


def voting(one: Library) -> Prediction:
    """The mean of all models, by scikit-learn's voting estimators."""
    from sklearn.ensemble import VotingClassifier, VotingRegressor

    if one.split.task.is_classification:
        return _sklearn(one, VotingClassifier(_stored(one), voting="soft"))
    return _sklearn(one, VotingRegressor(_stored(one)))


def stacking(one: Library) -> Prediction:
    """A linear model of all models' predictions, by scikit-learn's stacking estimators."""
    from sklearn.ensemble import StackingClassifier, StackingRegressor

    kind = StackingClassifier if one.split.task.is_classification else StackingRegressor
    return _sklearn(one, kind(_stored(one), cv="prefit"))


def deephyper_topk(one: Library) -> Prediction:
    """DeepHyper's TopKSelector, with its k of 5."""
    from deephyper.ensemble.selector import TopKSelector

    loss, _ = _deephyper_parts(one)
    return _deephyper(one, TopKSelector(loss))


def deephyper_greedy(one: Library) -> Prediction:
    """DeepHyper's GreedySelector as it is when nothing is named."""
    from deephyper.ensemble.selector import GreedySelector

    return _deephyper(one, GreedySelector(*_deephyper_parts(one), random_state=0))


def deephyper_greedy_25(one: Library) -> Prediction:
    """DeepHyper's GreedySelector from one model on, up to 25."""
    from deephyper.ensemble.selector import GreedySelector

    parts = _deephyper_parts(one)
    return _deephyper(one, GreedySelector(*parts, k=25, k_init=1, max_it=25, random_state=0))


def _deephyper_parts(one: Library) -> tuple[Any, Any]:
    from deephyper.ensemble.aggregator import MixedCategoricalAggregator, MixedNormalAggregator
    from deephyper.ensemble.loss import CategoricalCrossEntropy, NormalNegLogLikelihood

    if one.split.task.is_classification:
        return CategoricalCrossEntropy(), MixedCategoricalAggregator()
    return NormalNegLogLikelihood(), MixedNormalAggregator()


def _deephyper(one: Library, selector: Any) -> Prediction:
    _, aggregator = _deephyper_parts(one)
    numbers, weights = selector.select(one.split.y[1], [_theirs(p) for p in one.valid])
    made = aggregator.aggregate([_theirs(one.test[number]) for number in numbers], weights)
    if one.split.task.is_classification:
        return Prediction("probabilities", made["loc"])
    return Prediction("normal", np.column_stack([made["loc"], made["scale"]]))


def _theirs(prediction: Prediction) -> Any:
    """A prediction in DeepHyper's form."""
    if prediction.kind == "probabilities":
        return prediction.array
    return {"loc": prediction.array[:, 0], "scale": prediction.array[:, 1]}


def _sklearn(one: Library, ensemble: Any) -> Prediction:
    """Fit an ensemble to the rows to select by; X holds the numbers of rows."""
    count = len(one.split.y[1])
    rows = np.arange(count + len(one.split.y[2]))[:, None]
    ensemble.fit(rows[:count], one.split.y[1])
    if one.split.task.is_classification:
        return Prediction("probabilities", ensemble.predict_proba(rows[count:]))
    deviation = residual_deviation(ensemble.predict(rows[:count]), one.split.y[1])
    return with_deviation(ensemble.predict(rows[count:]), deviation)


def _stored(one: Library) -> list[tuple[str, Any]]:
    """Models that look up what the library's models have predicted."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Stored(BaseEstimator):  # type: ignore[misc]
        def __init__(self, table: Array | None = None) -> None:
            self.table = table

        def fit(self, _rows: Array, y: Array) -> Any:
            self.classes_ = np.arange(self.table.shape[1])  # type: ignore[union-attr]
            return self

    class StoredClassifier(ClassifierMixin, Stored):  # type: ignore[misc]
        def predict_proba(self, rows: Array) -> Any:
            return self.table[rows[:, 0]]  # type: ignore[index]

    class StoredRegressor(RegressorMixin, Stored):  # type: ignore[misc]
        def predict(self, rows: Array) -> Any:
            return self.table[rows[:, 0], 0]  # type: ignore[index]

    kind = StoredClassifier if one.split.task.is_classification else StoredRegressor
    tables = [
        np.concatenate([valid.array, test.array])
        for valid, test in zip(one.valid, one.test, strict=True)
    ]
    return [(f"m{i}", kind(table).fit(table, table)) for i, table in enumerate(tables)]
