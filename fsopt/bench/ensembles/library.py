"""Many models of all kinds on one split, as the trials of a random search would have them."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsopt.bench.ensembles.tasks import Split
from fsopt.ensemble import SklearnPredictor
from fsopt.predictions import Array, Prediction
from fsopt.space import Categorical, Float, Int, Space, sample
from fsopt.streams import stream
from fsopt.values import Params

SIZE = 60
"""How many models."""

_DECIMALS = 6  # of predictions, to tell whether others have the same


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """What many models predict for the rows to select by, and for those to score by."""

    split: Split
    valid: list[Prediction]
    test: list[Prediction]

    @property
    def checksum(self) -> str:
        """Tells whether two libraries are the same, but for the last digits."""
        value = 0
        for one in (*self.valid, *self.test):
            value = zlib.crc32((one.array.round(_DECIMALS) + 0.0).tobytes(), value)
        return f"{value:08x}"


def library(split: Split) -> Library:
    """Fit models of random configurations."""
    kinds = _CLASSIFIERS if split.task.is_classification else _REGRESSORS
    space = _space(tuple(kinds))
    random = stream(split.number, f"library-{split.task.name}")
    drawn = space.from_unit(sample(space, SIZE, random))
    valid, test = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that few iterations have not converged
        for row in drawn:
            params = space.from_row(row)
            model = kinds[str(params["kind"])](params)
            model.fit(split.X[0], split.y[0])
            made = [SklearnPredictor(model).predict(X) for X in split.X[1:]]
            if not split.task.is_classification:
                made = _with_deviations(made, split.y[1])
            valid.append(made[0])
            test.append(made[1])
    return Library(split, valid, test)


def residual_deviation(means: Array, y: Array) -> float:
    """The root mean square of errors."""
    return float(np.sqrt(np.mean(np.square(means - y))))


def with_deviation(means: Array, deviation: float) -> Prediction:
    """Normal distributions with the same deviation."""
    return Prediction("normal", np.column_stack([means, np.full(len(means), deviation)]))


def _with_deviations(made: list[Prediction], y: Array) -> list[Prediction]:
    """Where a model tells no deviation, it is that of its errors in the rows to select by."""
    if made[0].kind == "normal":
        return made
    deviation = residual_deviation(made[0].array, y)
    return [with_deviation(one.array, deviation) for one in made]


def _space(kinds: tuple[str, ...]) -> Space:
    return Space(
        Categorical("kind", list(kinds)),
        Float("strength", 1e-3, 1e3, log=True),
        Int("leaf", 1, 10, log=True),
        Float("features", 0.2, 1.0),
        Int("neighbours", 1, 30, log=True),
        Categorical("weights", ["uniform", "distance"]),
        Int("units", 5, 60, log=True),
        Int("rounds", 10, 80, log=True),
    )


def _forest(name: str) -> Callable[[Params], Any]:
    def make(p: Params) -> Any:
        from sklearn import ensemble

        return getattr(ensemble, name)(
            n_estimators=p["rounds"],
            min_samples_leaf=p["leaf"],
            max_features=p["features"],
            random_state=0,
        )

    return make


def _boosting(name: str) -> Callable[[Params], Any]:
    def make(p: Params) -> Any:
        from sklearn import ensemble

        return getattr(ensemble, name)(
            n_estimators=p["rounds"], max_depth=2, max_features=p["features"], random_state=0
        )

    return make


def _neighbours(name: str) -> Callable[[Params], Any]:
    def make(p: Params) -> Any:
        from sklearn import neighbors

        return getattr(neighbors, name)(p["neighbours"], weights=p["weights"])

    return make


def _network(name: str) -> Callable[[Params], Any]:
    def make(p: Params) -> Any:
        from sklearn import neural_network

        return getattr(neural_network, name)(
            hidden_layer_sizes=(p["units"],),
            alpha=p["strength"],
            learning_rate_init=0.01,
            max_iter=60,
            random_state=0,
        )

    return make


def _logistic(p: Params) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=p["strength"])


def _bayes(p: Params) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=float(p["strength"]) * 1e-3)  # type: ignore[arg-type]


def _ridge(p: Params) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=p["strength"])


def _process(p: Params) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, WhiteKernel

    length = 1 + float(p["neighbours"])  # type: ignore[arg-type]
    kernel = RBF(length) + WhiteKernel(0.5)
    return GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True)


_CLASSIFIERS: Mapping[str, Callable[[Params], Any]] = {
    "logistic": _logistic,
    "bayes": _bayes,
    "forest": _forest("RandomForestClassifier"),
    "extra": _forest("ExtraTreesClassifier"),
    "boosting": _boosting("GradientBoostingClassifier"),
    "neighbours": _neighbours("KNeighborsClassifier"),
    "network": _network("MLPClassifier"),
}

_REGRESSORS: Mapping[str, Callable[[Params], Any]] = {
    "ridge": _ridge,
    "process": _process,
    "forest": _forest("RandomForestRegressor"),
    "extra": _forest("ExtraTreesRegressor"),
    "boosting": _boosting("GradientBoostingRegressor"),
    "neighbours": _neighbours("KNeighborsRegressor"),
    "network": _network("MLPRegressor"),
}
