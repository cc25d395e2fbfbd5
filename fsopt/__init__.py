"""Hyperparameter optimization that needs nothing but a directory on a shared filesystem.

Everything that users need is here. Each name is imported when it is first used, so that importing
the package costs nothing on a cluster where thousands of processes do it at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsopt.config import StudyConfig
    from fsopt.errors import FsoptError
    from fsopt.objectives import Failure
    from fsopt.prior import GaussianMixturePrior
    from fsopt.run.command import Command
    from fsopt.run.conditions import Cluster, Conditions
    from fsopt.search import (
        NSGA2,
        BayesianOptimizer,
        Exploration,
        ForestOptions,
        GridSearch,
        HaltonSearch,
        LatinHypercubeSearch,
        RandomSearch,
        RegularizedEvolution,
        SobolSearch,
        Tradeoff,
    )
    from fsopt.space import Categorical, Constant, Float, Int, Normal, Ordinal, Space
    from fsopt.stop import (
        AllOf,
        AnyOf,
        ConstantStop,
        Hyperband,
        LearningCurveExtrapolation,
        MedianStop,
        Patience,
        PercentileStop,
        SuccessiveHalving,
        Threshold,
    )
    from fsopt.study import Study, create_study, open_study
    from fsopt.transfer import import_trials
    from fsopt.trial import FinishedTrial, Trial

__version__ = "0.1.0"

_HOMES = {
    "StudyConfig": "fsopt.config",
    "FsoptError": "fsopt.errors",
    "Failure": "fsopt.objectives",
    "GaussianMixturePrior": "fsopt.prior",
    "Command": "fsopt.run.command",
    "Conditions": "fsopt.run.conditions",
    "Cluster": "fsopt.run.conditions",
    "BayesianOptimizer": "fsopt.search",
    "Exploration": "fsopt.search",
    "ForestOptions": "fsopt.search",
    "GridSearch": "fsopt.search",
    "HaltonSearch": "fsopt.search",
    "LatinHypercubeSearch": "fsopt.search",
    "NSGA2": "fsopt.search",
    "RandomSearch": "fsopt.search",
    "RegularizedEvolution": "fsopt.search",
    "SobolSearch": "fsopt.search",
    "Tradeoff": "fsopt.search",
    "Categorical": "fsopt.space",
    "Constant": "fsopt.space",
    "Float": "fsopt.space",
    "Int": "fsopt.space",
    "Normal": "fsopt.space",
    "Ordinal": "fsopt.space",
    "Space": "fsopt.space",
    "AllOf": "fsopt.stop",
    "AnyOf": "fsopt.stop",
    "ConstantStop": "fsopt.stop",
    "Hyperband": "fsopt.stop",
    "LearningCurveExtrapolation": "fsopt.stop",
    "MedianStop": "fsopt.stop",
    "Patience": "fsopt.stop",
    "PercentileStop": "fsopt.stop",
    "SuccessiveHalving": "fsopt.stop",
    "Threshold": "fsopt.stop",
    "Study": "fsopt.study",
    "create_study": "fsopt.study",
    "open_study": "fsopt.study",
    "import_trials": "fsopt.transfer",
    "FinishedTrial": "fsopt.trial",
    "Trial": "fsopt.trial",
}

__all__ = [
    "NSGA2",
    "AllOf",
    "AnyOf",
    "BayesianOptimizer",
    "Categorical",
    "Cluster",
    "Command",
    "Conditions",
    "Constant",
    "ConstantStop",
    "Exploration",
    "Failure",
    "FinishedTrial",
    "Float",
    "ForestOptions",
    "FsoptError",
    "GaussianMixturePrior",
    "GridSearch",
    "HaltonSearch",
    "Hyperband",
    "Int",
    "LatinHypercubeSearch",
    "LearningCurveExtrapolation",
    "MedianStop",
    "Normal",
    "Ordinal",
    "Patience",
    "PercentileStop",
    "RandomSearch",
    "RegularizedEvolution",
    "SobolSearch",
    "Space",
    "Study",
    "StudyConfig",
    "SuccessiveHalving",
    "Threshold",
    "Tradeoff",
    "Trial",
    "__version__",
    "create_study",
    "import_trials",
    "open_study",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fsopt' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
