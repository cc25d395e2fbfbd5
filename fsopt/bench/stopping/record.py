"""Makes the recorded learning curves: ``python -m fsopt.bench.stopping.record FILE``.

Random configurations of neural networks, linear models and boosted trees are trained for 81 epochs
(or rounds) on the data sets that scikit-learn ships; kept is the loss on data that they were not
fitted to after each. It takes some twenty minutes.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from fsopt.history import FloatArray
from fsopt.space import Categorical, Float, Int, Ordinal, Space, sample
from fsopt.streams import stream

STEPS = 81
"""Epochs of each curve."""
CONFIGURATIONS = 180
"""Curves of each task."""

_DIGITS = 5  # that are kept of each value
_FOLDS = 3
_LEAST = 1e-7  # probability, so that one wrong prediction does not cost infinitely much
Values = Mapping[str, Any]
Predictions = Iterator[NDArray[Any]]
Loss = Callable[[NDArray[Any], NDArray[Any]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Data to fit a model to, and inputs for which it predicts."""

    X: FloatArray
    y: NDArray[Any]
    X_other: FloatArray
    y_other: NDArray[Any]


def _error(truth: NDArray[Any], labels: NDArray[Any]) -> float:
    return float(np.mean(truth != labels))


def _log_loss(truth: NDArray[Any], shares: NDArray[Any]) -> float:
    """Of classes 0, 1, ...; shares (n, classes)."""
    right = shares[np.arange(len(truth)), truth]
    return float(-np.mean(np.log(np.clip(right, _LEAST, 1.0))))


def _squared(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    return float(np.mean((truth - predicted) ** 2))


def _perceptron(p: Values, fold: Fold, loss: Loss) -> Predictions:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    momentum = {"momentum": p["momentum"]} if p["solver"] == "sgd" else {}
    model = (MLPRegressor if loss is _squared else MLPClassifier)(
        hidden_layer_sizes=[p["units"]] * p["layers"],
        activation=p["activation"],
        solver=p["solver"],
        learning_rate_init=p["rate"],
        alpha=p["alpha"],
        batch_size=p["batch"],
        random_state=0,
        **momentum,
    )
    return _epochs(model, fold, loss)


def _linear(p: Values, fold: Fold, loss: Loss) -> Predictions:
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    options = {name: p[name] for name in ("eta0", "l1_ratio") if name in p}
    common = {"penalty": p["penalty"], "alpha": p["alpha"], "learning_rate": p["schedule"]}
    if loss is _squared:
        model = SGDRegressor(random_state=0, **common, **options)
    else:
        model = SGDClassifier(loss=p["loss"], random_state=0, **common, **options)
    return _epochs(model, fold, loss)


def _boosting(p: Values, fold: Fold, loss: Loss) -> Predictions:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    model = (GradientBoostingRegressor if loss is _squared else GradientBoostingClassifier)(
        n_estimators=STEPS,
        learning_rate=p["rate"],
        max_depth=p["depth"],
        min_samples_leaf=p["leaf"],
        subsample=p["subsample"],
        max_features=p["features"],
        random_state=0,
    ).fit(fold.X, fold.y)
    if loss is _log_loss:
        yield from model.staged_predict_proba(fold.X_other)
    else:
        yield from model.staged_predict(fold.X_other)


def _epochs(model: Any, fold: Fold, loss: Loss) -> Predictions:
    """What a model predicts after each epoch; ends when its weights overflow."""
    classes = {} if loss is _squared else {"classes": np.unique(fold.y)}
    predict = "predict_proba" if loss is _log_loss else "predict"
    for _ in range(STEPS):
        try:
            model.partial_fit(fold.X, fold.y, **classes)
            predicted = getattr(model, predict)(fold.X_other)
        except ValueError:
            return
        yield predicted


_PERCEPTRON = Space(
    Int("layers", 1, 3),
    Int("units", 4, 64, log=True),
    Categorical("activation", ["relu", "tanh", "logistic"]),
    Categorical("solver", ["adam", "sgd"]),
    Float("momentum", 0.0, 0.99),
    Float("rate", 1e-4, 1.0, log=True),
    Float("alpha", 1e-6, 1.0, log=True),
    Ordinal("batch", [16, 32, 64, 128]),
    conditions={"momentum": "solver == 'sgd'"},
)
_LINEAR = Space(
    Categorical("loss", ["hinge", "log_loss", "modified_huber", "perceptron"]),
    Categorical("penalty", ["l2", "l1", "elasticnet"]),
    Float("alpha", 1e-7, 1.0, log=True),
    Float("l1_ratio", 0.0, 1.0),
    Categorical("schedule", ["constant", "invscaling", "adaptive"]),
    Float("eta0", 1e-5, 1.0, log=True),
    conditions={"l1_ratio": "penalty == 'elasticnet'"},
)
_BOOSTING = Space(
    Float("rate", 1e-3, 1.0, log=True),
    Int("depth", 1, 6),
    Int("leaf", 1, 50, log=True),
    Float("subsample", 0.2, 1.0),
    Float("features", 0.1, 1.0),
)


@dataclass(frozen=True, slots=True)
class Task:
    """Curves of one kind of model on one data set."""

    data: str
    space: Space
    train: Callable[[Values, Fold, Loss], Predictions]
    loss: Loss
    folds: int = _FOLDS
    """How many of the three folds are validated on."""


TASKS: Mapping[str, Task] = {
    "mlp-digits": Task("digits", _PERCEPTRON, _perceptron, _error, 1),
    "mlp-cancer": Task("breast_cancer", _PERCEPTRON, _perceptron, _log_loss),
    "mlp-wine": Task("wine", _PERCEPTRON, _perceptron, _log_loss),
    "mlp-diabetes": Task("diabetes", _PERCEPTRON, _perceptron, _squared),
    "sgd-digits": Task("digits", _LINEAR, _linear, _error, 1),
    "sgd-cancer": Task("breast_cancer", _LINEAR, _linear, _error),
    "sgd-diabetes": Task("diabetes", _LINEAR, _linear, _squared),
    "boosting-digits": Task("digits", _BOOSTING, _boosting, _log_loss, 1),
    "boosting-cancer": Task("breast_cancer", _BOOSTING, _boosting, _log_loss),
    "boosting-diabetes": Task("diabetes", _BOOSTING, _boosting, _squared),
}
"""What is recorded."""


def _folds(task: Task) -> list[Fold]:
    """The data, standardised, in folds."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{task.data}")(return_X_y=True)
    deviation = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    if task.loss is _squared:
        y = (y - y.mean()) / y.std()
    fold = stream(0, f"folds of {task.data}").permutation(len(X)) % _FOLDS
    return [
        Fold(X=X[fold != k], y=y[fold != k], X_other=X[fold == k], y_other=y[fold == k])
        for k in range(task.folds)
    ]


def curve(task: Task, params: Values, folds: list[Fold]) -> FloatArray:
    """(STEPS,) The mean loss over folds after each epoch; NaN once one of them has overflowed."""
    losses = np.full((len(folds), STEPS), np.nan)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # bad configurations overflow
        for row, fold in zip(losses, folds, strict=True):
            predictions = task.train(params, fold, task.loss)
            for step, predicted in enumerate(islice(predictions, STEPS)):
                row[step] = task.loss(fold.y_other, predicted)
        mean = losses.mean(axis=0)
        is_kept = np.isfinite(mean.astype(np.float32))
    return np.where(is_kept, mean, np.nan)


def rows_of(name: str, count: int = CONFIGURATIONS) -> Iterator[dict[str, Any]]:
    """The curves of one task's random configurations."""
    task = TASKS[name]
    folds = _folds(task)
    units = sample(task.space, count, stream(0, f"curves of {name}"))
    configurations = task.space.from_unit(units)
    for number in range(count):
        params = task.space.from_row(configurations[number])
        values = [float(f"{value:.{_DIGITS}g}") for value in curve(task, params, folds)]
        yield {"task": name, "params": json.dumps(dict(params)), "curve": values}


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def main(path: Path) -> None:
    """Record all tasks into a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for name in TASKS:
        click.echo(name, err=True)
        rows += list(rows_of(name))
    schema = pa.schema(
        {"task": pa.string(), "params": pa.string(), "curve": pa.list_(pa.float32(), STEPS)}
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), path, compression="zstd")


if __name__ == "__main__":
    main()
