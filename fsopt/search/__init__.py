"""Optimizers: pure functions from the history of a study to the next configurations."""

from fsopt.search.base import Optimizer
from fsopt.search.bayesian import BayesianOptimizer
from fsopt.search.evolution import RegularizedEvolution
from fsopt.search.exploration import Exploration
from fsopt.search.grid import GridSearch
from fsopt.search.latin import LatinHypercubeSearch
from fsopt.search.quasirandom import HaltonSearch, SobolSearch
from fsopt.search.random import RandomSearch
from fsopt.surrogate import ForestOptions

__all__ = [
    "BayesianOptimizer",
    "Exploration",
    "ForestOptions",
    "GridSearch",
    "HaltonSearch",
    "LatinHypercubeSearch",
    "Optimizer",
    "RandomSearch",
    "RegularizedEvolution",
    "SobolSearch",
]
