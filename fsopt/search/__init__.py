"""Optimizers: pure functions from the history of a study to the next configurations."""

from fsopt.search.base import Optimizer
from fsopt.search.bayesian import BayesianOptimizer
from fsopt.search.evolution import RegularizedEvolution
from fsopt.search.explanation import Explainer, Explanation
from fsopt.search.exploration import Exploration
from fsopt.search.grid import GridSearch
from fsopt.search.latin import LatinHypercubeSearch
from fsopt.search.nsga2 import NSGA2
from fsopt.search.objective import Tradeoff
from fsopt.search.quasirandom import HaltonSearch, SobolSearch
from fsopt.search.random import RandomSearch
from fsopt.surrogate import ForestOptions

__all__ = [
    "NSGA2",
    "BayesianOptimizer",
    "Explainer",
    "Explanation",
    "Exploration",
    "ForestOptions",
    "GridSearch",
    "HaltonSearch",
    "LatinHypercubeSearch",
    "Optimizer",
    "RandomSearch",
    "RegularizedEvolution",
    "SobolSearch",
    "Tradeoff",
]
