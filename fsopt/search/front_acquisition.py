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
_LEAST = 1e-9  # distance
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

        E HVI = sum_c prod_j (g_j(b_cj) - g_j(a_cj)),   g_j(v) = E max(U_j(v) - U_j(y_j), 0)

    of differences of expected improvements on its upper corner ``b_c`` and its lower one ``a_c``
    (Emmerich, Deutz, Klinkenberg, CEC 2011; for boxes as here Yang, Emmerich, Deutz, Baeck, J.
    Global Optimization 75, 2019). ``U_j`` maps the scale of the model to the units in which
    volumes count; between the coordinates of corners it is taken to be linear, so that ``g_j`` is
    a sum of differences of plain expected improvements, each times a steepness. The logarithm is
    computed without leaving the scale of logarithms, so that there is a slope to climb where the
    growth is next to nothing (Ament et al., NeurIPS 2023).
    """

    levels: tuple[FloatArray, ...]
    """For each objective the l ascending coordinates of corners, but for -inf."""
    steepness: tuple[FloatArray, ...]
    """For each objective (l,) that of its units below each level, down to the next; up to 1."""
    low: IntArray
    """(c, m) Which level each box begins at; -1 for -inf."""
    high: IntArray
    """(c, m) Which level it ends at."""

    name: ClassVar[str] = "logehvi"

    @classmethod
    def beyond(
        cls, front: FloatArray, reference: FloatArray, units: Sequence[Units] = ()
    ) -> LogHypervolumeImprovement:
        """On a front (n, m), up to a reference point (m,).

        Args:
            front: Values on the scales of the models.
            reference: On these scales.
            units: For each objective, what maps its scale to that in which volumes count. By
                default they count as they are.
        """
        lower, upper = free_cells(front, reference)
        levels = tuple(np.unique(column) for column in upper.T)
        low = [np.searchsorted(level, lower[:, j]) for j, level in enumerate(levels)]
        high = [np.searchsorted(level, upper[:, j]) for j, level in enumerate(levels)]
        return cls(
            levels,
            tuple(
                _steepness(level, units[j]) if units else np.ones(len(level))
                for j, level in enumerate(levels)
            ),
            np.where(np.isinf(lower), -1, np.column_stack(low)),
            np.column_stack(high),
        )

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) The logarithm of the expected growth."""
        step = max(1, _BATCH // self.low.size)
        parts = [slice(start, start + step) for start in range(0, len(mean), step)]
        values = [self._value(mean[rows], deviation[rows]) for rows in parts]
        return np.concatenate([np.empty(0), *values])

    def _value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """`value`, by the plain formula where it is exact enough."""
        growth = np.ones((len(mean), len(self.low)))
        for j, level in enumerate(self.levels):
            plain = plain_gain(mean[:, j : j + 1], deviation[:, j : j + 1], level)
            gains = np.zeros((len(mean), len(level) + 1))  # the last column is for -inf
            steps = np.diff(plain, axis=1, prepend=0.0) * self.steepness[j]
            gains[:, :-1] = np.cumsum(steps, axis=1)
            growth *= gains[:, self.high[:, j]] - gains[:, self.low[:, j]]
        total = growth.sum(axis=1)
        tiny = ~(total > _EXACT * deviation.prod(axis=1))
        result: FloatArray = np.log(np.maximum(total, _SMALLEST))
        if tiny.any():
            logs = sum(self._log_factors(j, mean[tiny], deviation[tiny])[0] for j in self._columns)
            most = np.max(logs, axis=1)
            result[tiny] = most + np.log(np.exp(logs - most[:, None]).sum(axis=1))
        return result

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m,) Its derivatives, those of each factor weighted by the boxes."""
        parts = [self._log_factors(j, mean[None], deviation[None]) for j in self._columns]
        total = np.sum([factors[0] for factors, _, _ in parts], axis=0)
        weights = np.exp(total - total.max())
        weights /= weights.sum()
        by_mean, by_deviation = np.empty_like(mean), np.empty_like(mean)
        for j, (factors, steps, ratios) in enumerate(parts):
            place = np.arange(len(self.levels[j]))
            inside = (self.low[:, j : j + 1] < place) & (place <= self.high[:, j : j + 1])
            shares = np.exp(np.where(inside, steps[0] - factors[0][:, None], -np.inf))
            share = weights @ shares
            u = (self.levels[j] - mean[j]) / deviation[j]
            probability, density = (
                (relative - ratios[0] * np.append(0.0, relative[:-1]))
                / np.maximum(1 - ratios[0], _SMALLEST)
                for relative in relative_slopes(u)
            )
            by_mean[j] = -float(share @ probability) / deviation[j]
            by_deviation[j] = float(share @ density) / deviation[j]
        return by_mean, by_deviation

    @property
    def _columns(self) -> range:
        return range(len(self.levels))

    def _log_factors(
        self, j: int, mean: FloatArray, deviation: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The logarithms of one objective's factors, and what they are made of.

        Returns:
            (k, c) Those of the boxes; (k, l) those of the steps from level to level; (k, l) and
            the plain improvement on the level below, divided by that on the level.
        """
        u = (self.levels[j] - mean[:, j : j + 1]) / deviation[:, j : j + 1]
        plain = np.log(deviation[:, j : j + 1]) + log_h(u)
        below = np.concatenate([np.full((len(u), 1), -np.inf), plain[:, :-1]], axis=1)
        ratios = np.exp(np.minimum(below - plain, 0.0))
        steps = plain + np.log(np.maximum(1 - ratios, _SMALLEST)) + np.log(self.steepness[j])
        gains = np.full((len(u), len(self.levels[j]) + 1), -np.inf)
        gains[:, :-1] = np.logaddexp.accumulate(steps, axis=1)
        upper = gains[:, self.high[:, j]]
        subtracted = np.exp(np.minimum(gains[:, self.low[:, j]] - upper, 0.0))
        return upper + np.log(np.maximum(1 - subtracted, _SMALLEST)), steps, ratios


def _steepness(level: FloatArray, to_units: Units) -> FloatArray:
    """(l,) How steep units are below each of the ascending levels (l,), relative to the most.

    Below the least level, as on average over the distance from it to the greatest.
    """
    down = level[0] - max(float(level[-1] - level[0]), _LEAST)
    ends = np.append(down, level)
    steepness = np.diff(to_units(ends)) / np.diff(ends)
    most = float(steepness.max())
    return np.maximum(steepness / most, _FLAT) if most > 0 else np.ones(len(level))


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
