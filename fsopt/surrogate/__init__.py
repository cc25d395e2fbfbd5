"""Models of the objective: what they expect of a configuration, and how sure they are."""

from fsopt.surrogate.base import Fit, Prediction, Surrogate
from fsopt.surrogate.forest import Forest, ForestOptions, fit_forest

__all__ = ["Fit", "Forest", "ForestOptions", "Prediction", "Surrogate", "fit_forest"]
