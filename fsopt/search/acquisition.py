"""How a proposal weighs what is known to be good against what is unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from fsopt.history import FloatArray

_TAIL = -1.0  # below this the plain formula of the expected improvement cancels
_FAR_TAIL = -300.0  # below this the first terms of a series are exact, and the formula is not
_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_LOG_ROOT_HALF_PI = 0.5 * math.log(math.pi / 2)


class Acquisition(Protocol):
    """What is wanted of a configuration, given what is expected of it; more is better."""

    is_gain: ClassVar[bool]
    """Whether the value is what is gained by a success, which is to be multiplied by its chance.
    Otherwise it is, or is compared with, a logarithm."""

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) How much configurations with these means and standard deviations are wanted."""
        ...

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(k,) and (k,) The derivatives of the value by the mean and by the deviation."""
        ...


@dataclass(frozen=True, slots=True)
class LogExpectedImprovement:
    """The logarithm of the expected improvement, exact however small the improvement is.

    ``ln E max(best - y, 0) = ln sigma + ln h(u)`` with ``u = (best - mean) / sigma`` and
    ``h(u) = phi(u) + u Phi(u)``, computed as in Ament, Daulton, Eriksson, Balandat, Bakshy,
    "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023,
    eq. 9. It has a slope to climb where the improvement itself is rounded to zero.
    """

    best: float
    """The value to improve upon."""

    is_gain: ClassVar[bool] = False

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) The logarithm of the expected improvement."""
        total: FloatArray = np.log(deviation) + log_h((self.best - mean) / deviation)
        return total

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(k,) and (k,) Its derivatives: those of the improvement are -Phi(u) and phi(u)."""
        u = (self.best - mean) / deviation
        probability, density = relative_slopes(u)
        return -probability / deviation, density / deviation


@dataclass(frozen=True, slots=True)
class ExpectedImprovement:
    """The expected improvement: Jones, Schonlau, Welch, J. Global Optimization 13, 1998, eq. 15.

    ``E max(best - xi - y, 0) = sigma h(u)`` with ``u = (best - xi - mean) / sigma``; see `log_h`.
    """

    best: float
    """The value to improve upon."""
    xi: float = 0.0
    """By how much at least."""

    is_gain: ClassVar[bool] = True

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) The expected improvement."""
        total: FloatArray = deviation * np.exp(log_h(self._distance(mean, deviation)))
        return total

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(k,) and (k,) Its derivatives, -Phi(u) and phi(u)."""
        from scipy.special import ndtr

        u = self._distance(mean, deviation)
        return -ndtr(u), _density(u)

    def _distance(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        distance: FloatArray = (self.best - self.xi - mean) / deviation
        return distance


@dataclass(frozen=True, slots=True)
class ProbabilityOfImprovement:
    """The probability of an improvement by more than ``xi`` (Kushner, J. Basic Eng. 86, 1964)."""

    best: float
    """The value to improve upon."""
    xi: float = 0.0
    """By how much at least."""

    is_gain: ClassVar[bool] = True

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) ``Phi(u)`` with ``u = (best - xi - mean) / deviation``."""
        from scipy.special import ndtr

        probability: FloatArray = ndtr((self.best - self.xi - mean) / deviation)
        return probability

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(k,) and (k,) Its derivatives, ``-phi(u) / deviation`` and ``-u phi(u) / deviation``."""
        u = (self.best - self.xi - mean) / deviation
        by_mean = -_density(u) / deviation
        return by_mean, u * by_mean


@dataclass(frozen=True, slots=True)
class ConfidenceBound:
    """The negative of the value that a configuration may optimistically have.

    Cox and John, "SDO: a statistical method for global optimization", 1997; Srinivas et al.,
    "Gaussian process optimization in the bandit setting", ICML 2010.
    """

    kappa: float
    """How much uncertainty attracts; 0 exploits only."""

    is_gain: ClassVar[bool] = False

    def value(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """(k,) ``kappa * deviation - mean``."""
        bound: FloatArray = self.kappa * deviation - mean
        return bound

    def slopes(self, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(k,) and (k,) Its derivatives, which are constant."""
        return np.full_like(mean, -1.0), np.full_like(deviation, self.kappa)


def log_h(u: FloatArray) -> FloatArray:
    """The logarithm of ``phi(u) + u Phi(u)``, the expected improvement for deviation 1.

    Args:
        u: (k,) By how many standard deviations the mean is better than the best value.
    """
    from scipy.special import erfcx, ndtr

    result = np.empty_like(u)
    plain, far = u > _TAIL, u < _FAR_TAIL
    tail = ~plain & ~far
    v = u[plain]
    result[plain] = np.log(np.exp(-0.5 * v * v - _LOG_ROOT_2PI) + v * ndtr(v))
    v = u[tail]
    # of u Phi(u) / -phi(u), which tends to 1; h is what it lacks of that
    log_ratio = np.log(erfcx(-v / math.sqrt(2)) * -v) + _LOG_ROOT_HALF_PI
    result[tail] = -0.5 * v * v - _LOG_ROOT_2PI + np.log(-np.expm1(log_ratio))
    v = u[far]
    result[far] = -0.5 * v * v - _LOG_ROOT_2PI - 2 * np.log(-v) + np.log1p(_rest_of_h(v))
    return result


def relative_slopes(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(k,) ``Phi(u) / h(u)`` and (k,) ``phi(u) / h(u)``; see `log_h`."""
    from scipy.special import log_ndtr

    near = np.maximum(u, _FAR_TAIL)
    log_value = log_h(near)
    probability = np.exp(log_ndtr(near) - log_value)
    density = np.exp(-0.5 * near * near - _LOG_ROOT_2PI - log_value)
    far = u < _FAR_TAIL
    v = u[far]
    density[far] = v * v / (1 + _rest_of_h(v))
    probability[far] = (density[far] - 1) / -v  # as h is phi(u) + u Phi(u)
    return probability, density


def _rest_of_h(v: FloatArray) -> FloatArray:
    """``v^2 h(v) / phi(v) - 1`` far in the tail (Abramowitz and Stegun, 26.2.12, integrated)."""
    inverse = 1 / (v * v)
    rest: FloatArray = inverse * (15 * inverse - 3)
    return rest


def _density(u: FloatArray) -> FloatArray:
    density: FloatArray = np.exp(-0.5 * u * u - _LOG_ROOT_2PI)
    return density
