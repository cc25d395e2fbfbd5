"""Models of the objective: what they expect of a configuration, and how sure they are."""

from fsopt.surrogate.base import Fit, Prediction, Surrogate
from fsopt.surrogate.forest import FORESTS, Forest, ForestOptions, fit_forest
from fsopt.surrogate.gaussian import GaussianProcess, Moments
from fsopt.surrogate.kernel import Points
from fsopt.surrogate.regressor import Regressors, fit_regressor, is_regressor_name
from fsopt.surrogate.tuning import (
    MAX_ROWS,
    Model,
    fit_gaussian,
    fit_labels,
    fit_part,
    subset,
)

__all__ = [
    "FORESTS",
    "MAX_ROWS",
    "Fit",
    "Forest",
    "ForestOptions",
    "GaussianProcess",
    "Model",
    "Moments",
    "Points",
    "Prediction",
    "Regressors",
    "Surrogate",
    "fit_forest",
    "fit_gaussian",
    "fit_labels",
    "fit_part",
    "fit_regressor",
    "is_regressor_name",
    "subset",
]
