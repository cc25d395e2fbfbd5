"""Ensembles of models, and of what they predict, with uncertainty taken apart.

Arrays first: `Prediction` is what one model says; selectors (`TopK`, `Greedy`, `Online`) choose
among many by a loss; aggregators (`Mean`, `Mode`, `MixtureOfNormals`, `MixtureOfCategoricals`)
make one of those chosen; `EnsemblePredictor` asks models. Of a study, `predictions` and `truth`
read what trials have saved, `build` selects and records, `latest` and `combine` use it. For
scikit-learn there are `EnsembleClassifier` and `EnsembleRegressor`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from fsopt.ensemble.aggregators import (
    AGGREGATORS,
    Aggregate,
    Aggregator,
    Mean,
    MixtureOfCategoricals,
    MixtureOfNormals,
    Mode,
)
from fsopt.ensemble.losses import (
    LOSSES,
    AbsoluteError,
    CalibrationError,
    CrossEntropy,
    Loss,
    NormalNLL,
    QuantileError,
    SquaredError,
    ZeroOne,
    loss_of,
    losses_of,
)
from fsopt.ensemble.online import Online
from fsopt.ensemble.pool import Source
from fsopt.ensemble.predictors import (
    EnsemblePredictor,
    FunctionPredictor,
    LoadedPredictor,
    Predictor,
    SklearnPredictor,
    TorchPredictor,
    as_predictor,
)
from fsopt.ensemble.scores import Score, cross_scores
from fsopt.ensemble.selection import Greedy, Selection, Selector, TopK
from fsopt.predictions import Prediction

if TYPE_CHECKING:
    from fsopt.ensemble.estimators import EnsembleClassifier, EnsembleRegressor
    from fsopt.ensemble.trials import build, combine, latest, predictions, truth

_LATER = {
    **dict.fromkeys(("EnsembleClassifier", "EnsembleRegressor"), "fsopt.ensemble.estimators"),
    **dict.fromkeys(
        ("build", "combine", "latest", "predictions", "truth"), "fsopt.ensemble.trials"
    ),
}
"""What needs scikit-learn, or a study, is imported when it is first used."""

__all__ = [
    "AGGREGATORS",
    "LOSSES",
    "AbsoluteError",
    "Aggregate",
    "Aggregator",
    "CalibrationError",
    "CrossEntropy",
    "EnsembleClassifier",
    "EnsemblePredictor",
    "EnsembleRegressor",
    "FunctionPredictor",
    "Greedy",
    "LoadedPredictor",
    "Loss",
    "Mean",
    "MixtureOfCategoricals",
    "MixtureOfNormals",
    "Mode",
    "NormalNLL",
    "Online",
    "Prediction",
    "Predictor",
    "QuantileError",
    "Score",
    "Selection",
    "Selector",
    "SklearnPredictor",
    "Source",
    "SquaredError",
    "TopK",
    "TorchPredictor",
    "ZeroOne",
    "as_predictor",
    "build",
    "combine",
    "cross_scores",
    "latest",
    "loss_of",
    "losses_of",
    "predictions",
    "truth",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module 'fsopt.ensemble' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = value
    return value
