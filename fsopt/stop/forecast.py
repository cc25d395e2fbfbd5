"""What the last value of a learning curve will be, given its first ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsopt.history import FloatArray, IntArray
from fsopt.stop.families import shapes

_PRIOR = np.array([2.0, 1.5])  # standard deviations of the last value and of the drop
_NOISES = np.geomspace(0.004, 1.0, 6)  # standard deviations
_MEMORIES = (0.0, 0.6, 0.9)  # correlations of the noise of one step with that of the next
_DEPARTURE = 1.0  # from all families while steps double, as a part of what the curve did before
_MOST_POINTS = 40


@dataclass(frozen=True, slots=True)
class Forecast:
    """A mixture of ``k`` Gaussians."""

    means: FloatArray
    """(k,)"""
    deviations: FloatArray
    """(k,) Standard deviations, positive."""
    weights: FloatArray
    """(k,) Their sum is 1."""

    @property
    def mean(self) -> float:
        """The expected value."""
        return float(self.weights @ self.means)

    def below(self, value: float) -> float:
        """The probability of a lower value."""
        from scipy.special import ndtr

        return float(self.weights @ ndtr((value - self.means) / self.deviations))


def forecast(
    steps: IntArray, values: FloatArray, last: int, families: Sequence[str], spread: float = 0.0
) -> Forecast:
    """What a curve's value at its last step will be.

    A curve is ``last value + drop * shape(step) + noise``, where the shape is one of many of each
    family, all equally likely before anything is known; the last value, the drop and the noise
    are Gaussian, and the noise of each step is correlated with that of the step before. Given
    shape, deviation and correlation of the noise, the posterior is known in closed form (Bishop,
    "Pattern recognition and machine learning", equations 3.50 to 3.59). These three have a grid,
    whose points are weighted by their evidence: importance sampling from the prior, with all that
    can be integrated exactly taken out.

    Real curves follow no family for ever: their losses rise again, or fall once more after a
    plateau. So the forecast may be wrong by an independent error for each doubling of the steps to
    come, of the size of the changes in the last two doublings that were seen.

    Args:
        steps: (n,) The steps that were reported, ascending; 1 or more of them.
        values: (n,) Their values, finite.
        last: The step of the forecast, after the others.
        families: The families of shapes; see `FAMILIES`.
        spread: A standard deviation of values of different trials, which tells how far values can
            fall; where it is less than the curve's own range, that counts.
    """
    chosen = _subset(len(steps))
    z = steps[chosen] / steps[0]
    unit = max(spread, float(np.ptp(values))) or max(abs(float(values[-1])), 1.0) * 1e-3
    y = (values[chosen] - values[-1]) / unit
    drawn = [shapes(family, z, last / float(steps[0])) for family in families]
    prior = np.concatenate([np.full(len(h), 1 / len(h)) for h in drawn])
    h = np.concatenate(drawn)
    gap = np.diff(z, append=last / float(steps[0]))
    gaps = gap / gap.min()
    parts = [_posterior(y, h, memory**gaps) for memory in _MEMORIES]
    evidence, means, variances = (
        np.concatenate(part, axis=1) for part in zip(*parts, strict=True)
    )
    doublings = math.log2(last / float(steps[-1]))
    departure = _DEPARTURE * _recent_change(steps, values) * math.sqrt(doublings)
    weights = prior[:, None] * np.exp(evidence - evidence.max())
    return Forecast(
        means=means.ravel() * unit + float(values[-1]),
        deviations=np.hypot(np.sqrt(variances.ravel()) * unit, departure),
        weights=(weights / weights.sum()).ravel(),
    )


def _subset(count: int) -> IntArray:
    """Places of some of many points: the last ones and, of the earlier, ever fewer."""
    if count <= _MOST_POINTS:
        return np.arange(count)
    back = np.unique(np.geomspace(1, count, _MOST_POINTS).astype(np.int64))
    return count - back[::-1]


def _recent_change(steps: IntArray, values: FloatArray) -> float:
    """By how much a curve has changed while its steps doubled, the last two times."""
    halves = np.searchsorted(steps, [steps[-1] // 4, steps[-1] // 2])
    changes = np.diff(values[np.append(halves, -1)])
    return float(np.sqrt(np.mean(changes**2)))


def _posterior(
    y: FloatArray, h: FloatArray, links: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The posterior of each shape and deviation of the noise.

    Args:
        y: (n,) Values, the last of which is 0.
        h: (k, n) Shapes.
        links: (n,) The correlation of the noise of each point with that of the next one, and of
            the last point's with that of the forecast.

    Returns:
        (k, s) Logarithms of evidence, means and variances of the forecast, for ``s`` deviations.
    """
    link = links[:-1]
    rest = np.sqrt(1 - link**2)  # how much of the noise is new
    white = [
        np.concatenate([series[..., :1], (series[..., 1:] - link * series[..., :-1]) / rest], -1)
        for series in (np.ones_like(y), h, y)
    ]
    one, h_white, y_white = white
    precision = 1 / _NOISES**2
    a = (one @ one) * precision + 1 / _PRIOR[0] ** 2  # the matrix [[a, b], [b, c]]
    b = (h_white @ one)[:, None] * precision
    c = (h_white**2).sum(axis=1)[:, None] * precision + 1 / _PRIOR[1] ** 2
    p = (one @ y_white) * precision
    q = (h_white @ y_white)[:, None] * precision
    determinant = a * c - b**2
    level, drop = (c * p - b * q) / determinant, (a * q - b * p) / determinant
    evidence = (p * level + q * drop - (y_white @ y_white) * precision) / 2
    evidence -= len(y) * np.log(_NOISES) + np.log(determinant) / 2 + np.log(rest).sum()
    by_level, by_drop = 1 - links[-1], -links[-1] * h[:, -1:]  # of the noise, links[-1] lasts
    mean = by_level * level + by_drop * drop
    variance = (by_level**2 * c - 2 * by_level * by_drop * b + by_drop**2 * a) / determinant
    return evidence, mean, variance + _NOISES**2 * (1 - links[-1] ** 2)
