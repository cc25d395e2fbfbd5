"""Values on a scale on which a Gaussian process is a fair model of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fsopt.history import FloatArray

_POWERS = np.linspace(-2.0, 4.0, 61)
_USUAL_POWER, _POWER_DEVIATION = 1.0, 0.75
_FAR = 10.0  # interquartile ranges above the upper quartile, beyond which values are equally bad


@dataclass(frozen=True, slots=True)
class Scaled:
    """Values after an increasing transformation, with mean 0 and variance 1."""

    z: FloatArray
    """(n,) The transformed values; all 0 if the values are equal."""
    log_slope: float
    """The sum over all values of the logarithm of dz/dy, up to a constant of the values."""


def standardise(y: FloatArray) -> Scaled:
    """Shift and scale values, after far outliers on the bad side were brought in.

    Args:
        y: (n,) Finite values, to be minimised; their size does not matter. n >= 1.
    """
    return _standardised(_unit(_winsorised(y)), 0.0)


def warp(y: FloatArray) -> Scaled:
    """Make the distribution of values more symmetric, then standardise.

    The transformation is that of Yeo and Johnson ("A new family of power transformations",
    Biometrika 87, 2000) of the standardised values; its power is the most probable one of 61, with
    a normal prior around 1, which changes nothing.

    Args:
        y: (n,) As for `standardise`.
    """
    base = standardise(y)
    if not base.z.any():
        return base
    fits = [_power_fit(base.z, float(power)) for power in _POWERS]
    power = float(_POWERS[int(np.argmax(fits))])
    log_slope = base.log_slope + _power_slope(base.z, power)
    return _standardised(yeo_johnson(base.z, power), log_slope)


def yeo_johnson(z: FloatArray, power: float) -> FloatArray:
    """The Yeo-Johnson transformation of values (n,), increasing for every power."""
    up, down = np.maximum(z, 0.0), np.maximum(-z, 0.0)
    return _box_cox(up, power) - _box_cox(down, 2 - power)


def _box_cox(x: FloatArray, power: float) -> FloatArray:
    """((1 + x)^power - 1) / power of nonnegative x, or its limit ln(1 + x) for power 0."""
    logarithm = np.log1p(x)
    if abs(power) < 1e-9:
        return logarithm
    result: FloatArray = np.expm1(power * logarithm) / power
    return result


def _power_slope(z: FloatArray, power: float) -> float:
    return float((power - 1) * (np.sign(z) * np.log1p(np.abs(z))).sum())


def _power_fit(z: FloatArray, power: float) -> float:
    """The logarithm of a power's posterior density up to a constant."""
    variance = float(yeo_johnson(z, power).var())
    if not variance > 0:
        return -math.inf
    surprise = (power - _USUAL_POWER) / _POWER_DEVIATION
    return -0.5 * len(z) * math.log(variance) + _power_slope(z, power) - 0.5 * surprise**2


def _winsorised(y: FloatArray) -> FloatArray:
    """Values with the worst brought in, so that one of 1e300 does not make all others equal."""
    lower = np.quantile(y, 0.25, method="lower")
    upper = np.quantile(y, 0.75, method="higher")
    with np.errstate(over="ignore"):  # no limit then
        limit = upper + _FAR * (upper - lower)
    return np.minimum(y, limit) if upper > lower else y


def _unit(y: FloatArray) -> FloatArray:
    """Values scaled to [0, 1] without overflow; zeros if they are equal."""
    low = float(y.min())
    half = float(y.max()) / 2 - low / 2
    return (y / 2 - low / 2) / half if half > 0 else np.zeros_like(y)


def _standardised(y: FloatArray, log_slope: float) -> Scaled:
    deviation = float(y.std())
    if not deviation > 0:
        return Scaled(np.zeros_like(y), 0.0)
    return Scaled((y - y.mean()) / deviation, log_slope - len(y) * math.log(deviation))
