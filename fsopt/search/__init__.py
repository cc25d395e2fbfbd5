"""Optimizers: pure functions from the history of a study to the next configurations."""

from fsopt.search.base import Optimizer
from fsopt.search.bayesian import BayesianOptimizer
from fsopt.search.explanation import Explainer, Explanation
from fsopt.search.quasirandom import SobolSearch
from fsopt.search.random import RandomSearch

__all__ = [
    "BayesianOptimizer",
    "Explainer",
    "Explanation",
    "Optimizer",
    "RandomSearch",
    "SobolSearch",
]
