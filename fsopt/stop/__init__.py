"""Stoppers: pure decisions, from learning curves, which trials are worth more steps."""

from fsopt.stop.base import Decision, Stopper
from fsopt.stop.combined import AllOf, AnyOf
from fsopt.stop.constant import ConstantStop
from fsopt.stop.curves import Curves
from fsopt.stop.extrapolation import LearningCurveExtrapolation
from fsopt.stop.halving import SuccessiveHalving
from fsopt.stop.hyperband import Hyperband
from fsopt.stop.percentile import MedianStop, PercentileStop
from fsopt.stop.simple import Patience, Threshold

__all__ = [
    "AllOf",
    "AnyOf",
    "ConstantStop",
    "Curves",
    "Decision",
    "Hyperband",
    "LearningCurveExtrapolation",
    "MedianStop",
    "Patience",
    "PercentileStop",
    "Stopper",
    "SuccessiveHalving",
    "Threshold",
]
