"""How a proposal for several objectives weighs what each of their models expects."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

import numpy as np

from fsopt.history import FloatArray, IntArray
from fsopt.moo.hypervolume import free_cells
from fsopt.search.acquisition import log_h, relative_slopes

_ROOT_2PI = math.sqrt(2 * math.pi)
_BATCH = 2**16  # terms that are taken at once, so that they stay in the cache
_LEAST = 1e-9  # width of a box
_FLAT = 1e-6  # of the greatest steepness
_SMALLEST = 1e-300  # of a share, whose logarithm is taken
_EXACT = 1e-6  # of the product of the deviations: less is left over from a cancellation
_MINOR = 0.05  # the weight of the sum in the augmented Chebyshev distance


Units: TypeAlias = Callable[[FloatArray], FloatArray]
"""Maps values (k,) on the scale of a model to others, increasingly."""


class FrontAcquisition(Protocol):
    """What is wanted of a configuration with ``m`` values; more is better."""

    name: ClassVar[str]
    """For explanations."""

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) For means and standard deviations (k, m)."""
        ...

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m,) The derivatives by one configuration's means and deviations (m,)."""
        ...


@dataclass(frozen=True, slots=True)
class LogHypervolumeImprovement:
    """The logarithm of the expected growth of the dominated hypervolume, in closed form.

    What no point dominates is divided into boxes (`free_cells`). The objectives being independent,
    the expected part of a box that a point with values ``y`` dominates is a product::

        E HVI = sum_c prod_j (E max(b_cj - y_j, 0) - E max(a_cj - y_j, 0))

    of differences of expected improvements on its upper corner ``b_c`` and its lower one ``a_c``
    (Emmerich, Deutz, Klinkenberg, CEC 2011; for boxes as here Yang, Emmerich, Deutz, Baeck, J.
    Global Optimization 75, 2019). The logarithm is computed without leaving the scale of
    logarithms, so that there is a slope to climb where the growth is next to nothing (Ament et
    al., NeurIPS 2023).
    """

    levels: tuple[FloatArray, ...]
    """For each objective the ascending coordinates of corners, but for -inf."""
    low: IntArray
    """(c, m) Which level each box begins at; -1 for -inf."""
    high: IntArray
    """(c, m) Which level it ends at."""
    log_weights: FloatArray
    """(c,) The logarithms of what a unit of its volume is worth, at most 0."""

    name: ClassVar[str] = "logehvi"

    @classmethod
    def beyond(
        cls, front: FloatArray, reference: FloatArray, units: Sequence[Units] = ()
    ) -> LogHypervolumeImprovement:
        """On a front (n, m), up to a reference point (m,).

        Args:
            front: Values on the scales of the models.
            reference: On these scales.
            units: For each objective, what maps its scale to that on which volumes count; within
                each box it is taken to be linear. By default volumes count as they are.
        """
        lower, upper = free_cells(front, reference)
        log_weights = np.zeros(len(lower))
        for j, to_units in enumerate(units):
            span = reference[j] - upper[:, j].min()
            ends = upper[:, j]
            begins = np.where(np.isinf(lower[:, j]), ends - max(span, _LEAST), lower[:, j])
            steepness = (to_units(ends) - to_units(begins)) / (ends - begins)
            log_weights += np.log(np.maximum(steepness, _FLAT * steepness.max() or 1.0))
        levels = tuple(np.unique(column) for column in upper.T)
        low = [np.searchsorted(level, lower[:, j]) for j, level in enumerate(levels)]
        high = [np.searchsorted(level, upper[:, j]) for j, level in enumerate(levels)]
        unbounded = np.isinf(lower)
        return cls(
            levels,
            np.where(unbounded, -1, np.column_stack(low)),
            np.column_stack(high),
            log_weights - log_weights.max(),
        )

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) The logarithm of the expected growth."""
        step = max(1, _BATCH // self.low.size)
        parts = [slice(start, start + step) for start in range(0, len(mean), step)]
        values = [self._value(mean[rows], deviation[rows]) for rows in parts]
        return np.concatenate([np.empty(0), *values])

    def _value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """`value`, by the plain formula where it is exact enough."""
        growth = np.tile(np.exp(self.log_weights), (len(mean), 1))
        for j, level in enumerate(self.levels):
            gains = np.zeros((len(mean), len(level) + 1))  # the last column is for -inf
            gains[:, :-1] = plain_gain(mean[:, j : j + 1], deviation[:, j : j + 1], level)
            growth *= gains[:, self.high[:, j]] - gains[:, self.low[:, j]]
        total = growth.sum(axis=1)
        tiny = ~(total > _EXACT * deviation.prod(axis=1))
        result: FloatArray = np.log(np.maximum(total, _SMALLEST))
        if tiny.any():
            logs = self._log_parts(mean[tiny], deviation[tiny])[0].sum(axis=0) + self.log_weights
            most = logs.max(axis=1)
            result[tiny] = most + np.log(np.exp(logs - most[:, None]).sum(axis=1))
        return result

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m,) Its derivatives, those of each difference weighted by the boxes."""
        logs, ratios = (part[:, 0] for part in self._log_parts(mean[None], deviation[None]))
        total = logs.sum(axis=0) + self.log_weights
        weights = np.exp(total - total.max())
        weights /= weights.sum()
        by_mean, by_deviation = np.empty_like(mean), np.empty_like(mean)
        for j, level in enumerate(self.levels):
            probability, density = relative_slopes((level - mean[j]) / deviation[j])
            share = 1 / np.maximum(1 - ratios[j], _SMALLEST)  # of the upper term in the difference
            low, high = self.low[:, j], self.high[:, j]
            for slope, relative, sign in (
                (by_mean, probability, -1.0),
                (by_deviation, density, 1.0),
            ):
                difference = share * (relative[high] - ratios[j] * relative[low])
                slope[j] = sign * float(weights @ difference) / deviation[j]
        return by_mean, by_deviation

    def _log_parts(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of each factor, its logarithm and the ratio of what is subtracted in it.

        Returns:
            (m, k, c) and (m, k, c).
        """
        shape = (mean.shape[1], len(mean), len(self.low))
        logs, ratios = np.empty(shape), np.empty(shape)
        for j, level in enumerate(self.levels):
            u = (level - mean[:, j : j + 1]) / deviation[:, j : j + 1]
            gains = np.full((len(mean), len(level) + 1), -np.inf)
            gains[:, :-1] = np.log(deviation[:, j : j + 1]) + log_h(u)
            upper = gains[:, self.high[:, j]]
            ratios[j] = np.exp(np.minimum(gains[:, self.low[:, j]] - upper, 0.0))
            logs[j] = upper + np.log(np.maximum(1 - ratios[j], _SMALLEST))
        return logs, ratios


@dataclass(frozen=True, slots=True)
class TradeoffBound:
    """The negative optimistic distance from an ideal point, under weights of the objectives.

    The augmented Chebyshev distance (Knowles, "ParEGO", IEEE Trans. Evol. Comput. 10, 2006, eq. 2)
    of the lower confidence bounds of the objectives (Paria, Kandasamy, Poczos, "A flexible
    framework for multi-objective Bayesian optimization using random scalarizations", UAI 2019)::

        max_j d_j + 0.05 sum_j d_j,   d_j = w_j (mean_j - kappa deviation_j - ideal_j)
    """

    weights: FloatArray
    """(m,) Of the objectives, divided by their ranges."""
    ideal: FloatArray
    """(m,) The smallest values that are known."""
    kappa: float
    """How much uncertainty attracts."""

    name: ClassVar[str] = "tradeoff"

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) The negative distance."""
        distance = self.weights * (mean - self.kappa * deviation - self.ideal)
        value: FloatArray = -distance.max(axis=1) - _MINOR * distance.sum(axis=1)
        return value

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m,) Its derivatives, on one side where two distances are equal."""
        distance = self.weights * (mean - self.kappa * deviation - self.ideal)
        by_mean = -self.weights * (_MINOR + (np.arange(len(mean)) == np.argmax(distance)))
        return by_mean, -self.kappa * by_mean


@dataclass(frozen=True, slots=True)
class Indifferent:
    """Nothing is wanted of the objectives."""

    name: ClassVar[str] = "feasibility"

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) Zeros."""
        return np.zeros(len(mean))

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m,) Zeros."""
        return np.zeros_like(mean), np.zeros_like(mean)


def plain_gain(mean: FloatArray, deviation: FloatArray, level: FloatArray) -> FloatArray:
    """(k, l) The expected improvements of means and deviations (k, 1) on levels (l,)."""
    from scipy.special import ndtr

    u = (level - mean) / deviation
    gain: FloatArray = deviation * (np.exp(-0.5 * u * u) / _ROOT_2PI + u * ndtr(u))
    return gain
