"""Real models on the data sets that scikit-learn ships: the loss of a cross-validation.

An evaluation takes some hundredths of a second, and is the same each time. The smallest loss is
not known.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.bench.functions.base import Problem, Values
from fsopt.space import Categorical, Float, Int, Ordinal, Space

Data = tuple[NDArray[np.float64], NDArray[Any]]

_G = "models"
_FOLDS = 3


@lru_cache(maxsize=8)
def _data(name: str, rows: int) -> Data:
    """Some rows of a data set, (n, p) and (n,), in an order of their own."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    chosen = np.random.Generator(np.random.PCG64(0)).permutation(len(X))[:rows]
    if name == "diabetes":
        y = (y - y.mean()) / y.std()
    return np.asarray(X[chosen], dtype=np.float64), y[chosen]


def _loss(model: Any, data: Data, scoring: str) -> float:
    """The mean loss of a model on the parts of the data that it was not fitted to."""
    from sklearn.model_selection import cross_val_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that few iterations have not converged
        scores = cross_val_score(model, *data, cv=_FOLDS, scoring=scoring, error_score="raise")
    return 1 - float(np.mean(scores))


def _scaled(scaler: str, model: Any) -> Any:
    """A model behind a scaler of its inputs."""
    from sklearn import preprocessing
    from sklearn.pipeline import make_pipeline

    scalers = {
        "none": "passthrough",
        "standard": preprocessing.StandardScaler(),
        "minmax": preprocessing.MinMaxScaler(),
        "quantile": preprocessing.QuantileTransformer(n_quantiles=50),
    }
    return make_pipeline(scalers[scaler], model)


def _svc_cancer(p: Values) -> float:
    from sklearn.svm import SVC

    gamma = p.get("gamma", "scale")
    # without a limit, the worst configurations take a second
    machine = SVC(
        C=p["C"], kernel=p["kernel"], gamma=gamma, degree=p.get("degree", 3), max_iter=2000
    )
    return _loss(_scaled(p["scaler"], machine), _data("breast_cancer", 400), "accuracy")


def _boosting_diabetes(p: Values) -> float:
    from sklearn.ensemble import GradientBoostingRegressor

    model = GradientBoostingRegressor(
        n_estimators=p["rounds"],
        learning_rate=p["rate"],
        max_depth=p["depth"],
        min_samples_leaf=p["leaf"],
        subsample=p["subsample"],
        max_features=p["features"],
        random_state=0,
    )
    return _loss(model, _data("diabetes", 200), "r2")


def _trees_wine(p: Values) -> float:
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    kind = RandomForestClassifier if p["kind"] == "forest" else ExtraTreesClassifier
    model = kind(
        n_estimators=5,
        criterion=p["criterion"],
        max_depth=p["depth"],
        min_samples_leaf=p["leaf"],
        max_features=p["features"],
        random_state=0,
    )
    return _loss(model, _data("wine", 178), "neg_log_loss") - 1  # of which the best score is 0


def _sgd_digits(p: Values) -> float:
    from sklearn.linear_model import SGDClassifier

    rate = {"eta0": p["eta0"]} if "eta0" in p else {}
    mixing = {"l1_ratio": p["l1_ratio"]} if "l1_ratio" in p else {}
    model = SGDClassifier(
        loss=p["loss"],
        penalty=p["penalty"],
        alpha=p["alpha"],
        learning_rate=p["schedule"],
        max_iter=p["epochs"],
        tol=None,
        random_state=0,
        **rate,
        **mixing,
    )
    return _loss(_scaled(p["scaler"], model), _data("digits", 200), "accuracy")


def _neighbours_wine(p: Values) -> float:
    from sklearn.neighbors import KNeighborsClassifier

    power = {"p": p["power"]} if "power" in p else {}
    model = KNeighborsClassifier(
        n_neighbors=p["count"], weights=p["weights"], metric=p["metric"], **power
    )
    return _loss(_scaled(p["scaler"], model), _data("wine", 178), "accuracy")


def _elastic_net_diabetes(p: Values) -> float:
    from sklearn.linear_model import ElasticNet
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    model = ElasticNet(alpha=p["alpha"], l1_ratio=p["l1_ratio"], max_iter=200)
    expanded = make_pipeline(PolynomialFeatures(p["degree"], include_bias=False), model)
    return _loss(_scaled(p["scaler"], expanded), _data("diabetes", 300), "r2")


def _perceptron_digits(p: Values) -> float:
    from sklearn.neural_network import MLPClassifier

    solver: dict[str, Any] = {"momentum": p["momentum"]} if p["solver"] == "sgd" else {}
    model = MLPClassifier(
        hidden_layer_sizes=[p[f"units{i}"] for i in range(1, p["layers"] + 1)],
        activation=p["activation"],
        solver=p["solver"],
        learning_rate_init=p["rate"],
        alpha=p["alpha"],
        batch_size=p["batch"],
        max_iter=8,
        random_state=0,
        **solver,
    )
    X, y = _data("digits", 200)
    return _loss(model, (X / 16, y), "accuracy")


def digits_network(p: Values) -> float:
    """The error of a perceptron of one to three layers on digits."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        hidden_layer_sizes=[p[f"units{i}"] for i in range(1, p["layers"] + 1)],
        activation=p["activation"],
        learning_rate_init=p["rate"],
        alpha=p["alpha"],
        batch_size=p["batch"],
        max_iter=8,
        random_state=0,
    )
    X, y = _data("digits", 200)
    return _loss(model, (X / 16, y), "accuracy")


def _model(name: str, objective: Callable[[Values], float], space: Space) -> Problem:
    return Problem(name=name, group=_G, space=space, objective=objective)


_SCALERS = Categorical("scaler", ["none", "standard", "minmax", "quantile"])

MODELS: tuple[Problem, ...] = (
    _model(
        "svc-cancer",
        _svc_cancer,
        Space(
            _SCALERS,
            Float("C", 1e-3, 1e3, log=True),
            Categorical("kernel", ["linear", "rbf", "poly", "sigmoid"]),
            Float("gamma", 1e-5, 10.0, log=True),
            Int("degree", 2, 5),
            conditions={"gamma": "kernel != 'linear'", "degree": "kernel == 'poly'"},
        ),
    ),
    _model(
        "boosting-diabetes",
        _boosting_diabetes,
        Space(
            Int("rounds", 2, 40, log=True),
            Float("rate", 1e-2, 1.0, log=True),
            Int("depth", 1, 6),
            Int("leaf", 1, 50, log=True),
            Float("subsample", 0.2, 1.0),
            Float("features", 0.1, 1.0),
        ),
    ),
    _model(
        "trees-wine",
        _trees_wine,
        Space(
            Categorical("kind", ["forest", "extra"]),
            Categorical("criterion", ["gini", "entropy"]),
            Int("depth", 1, 12),
            Int("leaf", 1, 20, log=True),
            Float("features", 0.05, 1.0),
        ),
    ),
    _model(
        "sgd-digits",
        _sgd_digits,
        Space(
            _SCALERS,
            Categorical("loss", ["hinge", "log_loss", "modified_huber", "perceptron"]),
            Categorical("penalty", ["l2", "l1", "elasticnet"]),
            Float("alpha", 1e-7, 1.0, log=True),
            Float("l1_ratio", 0.0, 1.0),
            Categorical("schedule", ["optimal", "constant", "invscaling"]),
            Float("eta0", 1e-4, 10.0, log=True),
            Int("epochs", 1, 10),
            conditions={"l1_ratio": "penalty == 'elasticnet'", "eta0": "schedule != 'optimal'"},
        ),
    ),
    _model(
        "neighbours-wine",
        _neighbours_wine,
        Space(
            _SCALERS,
            Int("count", 1, 60, log=True),
            Categorical("weights", ["uniform", "distance"]),
            Categorical("metric", ["minkowski", "chebyshev", "canberra", "cosine"]),
            Float("power", 1.0, 5.0),
            conditions={"power": "metric == 'minkowski'"},
        ),
    ),
    _model(
        "elastic-net-diabetes",
        _elastic_net_diabetes,
        Space(
            _SCALERS,
            Ordinal("degree", [1, 2]),
            Float("alpha", 1e-4, 10.0, log=True),
            Float("l1_ratio", 0.0, 1.0),
        ),
    ),
    _model(
        "perceptron-digits",
        _perceptron_digits,
        Space(
            Int("layers", 1, 3),
            *[Int(f"units{i}", 4, 64, log=True) for i in range(1, 4)],
            Categorical("activation", ["relu", "tanh", "logistic"]),
            Categorical("solver", ["adam", "sgd"]),
            Float("momentum", 0.0, 0.99),
            Float("rate", 1e-4, 1.0, log=True),
            Float("alpha", 1e-6, 1.0, log=True),
            Ordinal("batch", [16, 32, 64, 128]),
            conditions={
                **{f"units{i}": f"layers >= {i}" for i in (2, 3)},
                "momentum": "solver == 'sgd'",
            },
        ),
    ),
)
"""The problems of this module."""
