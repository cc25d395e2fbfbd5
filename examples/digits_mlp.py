"""Tune a neural network on handwritten digits, from four terminals at once if you like.

    fsopt run examples/digits_mlp.py --study runs/digits --trials 40 --workers 2

The data are scikit-learn's 1,797 digits of 8 x 8 pixels. The objective is the mean accuracy in a
threefold cross-validation within the first two thirds; it is reported after every epoch. A trial
that is interrupted goes on from its last checkpoint.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import fsopt
from fsopt import Categorical, Float, Int, Ordinal, Space

EPOCHS = 15

space = Space(
    Float("learning_rate", 1e-4, 1.0, log=True),
    Ordinal("batch_size", [16, 32, 64, 128]),
    Int("units", 8, 128, log=True),
    Int("layers", 1, 3),
    Categorical("activation", ["relu", "tanh", "logistic"]),
    Categorical("solver", ["adam", "sgd"]),
    Float("momentum", 0.0, 0.99),
    Float("l2", 1e-6, 1.0, log=True),
    conditions={"momentum": "solver == 'sgd'"},
    constraints=["units * layers <= 256"],
)

config = fsopt.StudyConfig(space=space, objectives={"accuracy": "maximize"})


def network(params: dict, fold: int) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=(params["units"],) * params["layers"],
        activation=params["activation"],
        solver=params["solver"],
        momentum=params.get("momentum", 0.9),
        learning_rate_init=params["learning_rate"],
        batch_size=params["batch_size"],
        alpha=params["l2"],
        random_state=fold,
    )


def objective(trial: fsopt.Trial) -> float:
    X, y = load_digits(return_X_y=True)
    X, y = X[:1200] / 16.0, y[:1200]
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    networks = [network(trial.params, fold) for fold in range(len(folds))]
    accuracy = 0.0
    # The matrices are small: one thread each is fastest, and leaves the cores to other trials.
    with threadpool_limits(1):
        for epoch in range(1, EPOCHS + 1):
            for model, (train, _) in zip(networks, folds, strict=True):
                model.partial_fit(X[train], y[train], classes=np.arange(10))
            scores = [m.score(X[t], y[t]) for m, (_, t) in zip(networks, folds, strict=True)]
            accuracy = float(np.mean(scores))
            trial.report(accuracy, step=epoch)
            if trial.should_stop():
                break
    return accuracy
