"""The posterior of a Gaussian process: what the data say about values elsewhere.

Rasmussen and Williams, "Gaussian processes for machine learning", 2006, algorithm 2.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fsopt.history import BoolArray, FloatArray
from fsopt.surrogate.base import Prediction
from fsopt.surrogate.evidence import stable_cholesky
from fsopt.surrogate.kernel import (
    Hyperparameters,
    Points,
    covariance,
)

_SMALLEST = 1e-12  # of the variance far from data: rounding leaves no less certainty than this
_BATCH = 2**16  # distances that are taken at once, so that they stay in the cache


@dataclass(frozen=True, slots=True)
class Moments:
    """The mean and deviation of the values of some configurations, and how they change."""

    mean: FloatArray
    """(k,) Expected values."""
    deviation: FloatArray
    """(k,) Standard deviations, without noise; positive."""
    mean_slope: FloatArray
    """(k, d) Derivatives of the mean by positions; 0 for categories and inactive parameters."""
    deviation_slope: FloatArray
    """(k, d) Derivatives of the deviation."""


@dataclass(frozen=True, slots=True)
class GaussianProcess:
    """A Gaussian process that has seen data. Made by `condition`."""

    points: Points
    """The n configurations that it has seen."""
    hyper: Hyperparameters
    factor: FloatArray
    """(n, n) The lower Cholesky factor of the covariance of the values seen."""
    whitened: FloatArray
    """(n,) The factor's inverse times the values less their mean."""
    alpha: FloatArray
    """(n,) The inverse covariance times the values less their mean."""

    def predict(self, X: FloatArray) -> Prediction:
        """Predict the values of unit rows (k, d), NaN where inactive."""
        mean = np.empty(len(X))
        variance = np.empty(len(X))
        step = max(1, _BATCH // max(self.points.positions.size, 1))
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            near = Points.of(X[rows], self.points.categorical)
            cross = covariance(self.points.pairs(near), self.hyper)
            mean[rows] = self.hyper.mean + self.alpha @ cross
            white = self._whiten(cross)
            known = np.einsum("ij,ij->j", white, white)
            variance[rows] = near.variances(self.hyper) - known
        return Prediction(
            mean=mean,
            epistemic=np.sqrt(np.maximum(variance, self._smallest)),
            aleatoric=np.full(len(X), math.sqrt(self.hyper.noise)),
        )

    def moments(self, X: FloatArray) -> Moments:
        """Predict the values of unit rows (k, d), with derivatives by positions."""
        near = Points.of(X, self.points.categorical)
        cross, slopes = near.slopes(self.hyper, self.points)
        white = self._whiten(cross.T)
        variance = near.variances(self.hyper) - np.einsum("ij,ij->j", white, white)
        certain = variance < self._smallest
        deviation = np.sqrt(np.maximum(variance, self._smallest))
        solved = self._whiten(white, transposed=True)
        by_variance = near.variance_slopes(self.hyper)
        by_variance -= 2 * np.einsum("dkn,nk->kd", slopes, solved)
        by_variance[certain] = 0.0
        return Moments(
            mean=self.hyper.mean + cross @ self.alpha,
            deviation=deviation,
            mean_slope=np.asarray(slopes @ self.alpha).T,
            deviation_slope=by_variance / (2 * deviation[:, None]),
        )

    def sample(self, X: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw the values of several configurations together, without noise.

        Args:
            X: (k, d) Unit rows, NaN where inactive.
            count: How many to draw.
            rng: Source of randomness.

        Returns:
            (count, k) The values.
        """
        points = Points.of(X, self.points.categorical)
        cross = self._cross(X)
        white = self._whiten(cross)
        own = covariance(points.pairs(points), self.hyper)
        root = stable_cholesky(own - white.T @ white + self._smallest * np.eye(len(X)))
        mean = self.hyper.mean + self.alpha @ cross
        drawn: FloatArray = mean + rng.standard_normal((count, len(X))) @ root.T
        return drawn

    def leave_one_out(self) -> tuple[FloatArray, FloatArray]:
        """What would be predicted of each observation if it were not known.

        Rasmussen and Williams, eq. 5.12, with the same hyperparameters.

        Returns:
            (n,) The means less the observed values, and (n,) standard deviations with noise.
        """
        root = self._whiten(np.eye(len(self.alpha)))
        precision = np.einsum("ij,ij->j", root, root)
        return -self.alpha / precision, 1 / np.sqrt(precision)

    def extended(self, X: FloatArray, z: FloatArray) -> GaussianProcess:
        """The process that has seen more, with the same hyperparameters, in O(n^2 q).

        Args:
            X: (q, d) Unit rows, NaN where inactive.
            z: (q,) Their values.
        """
        n, q = len(self.alpha), len(X)
        new = Points.of(X, self.points.categorical)
        white = self._whiten(self._cross(X))
        own = covariance(new.pairs(new), self.hyper)
        own += self.hyper.noise * np.eye(q)
        factor = np.zeros((n + q, n + q))
        factor[:n, :n] = self.factor
        factor[n:, :n] = white.T
        factor[n:, n:] = stable_cholesky(own - white.T @ white)
        rest = z - self.hyper.mean - white.T @ self.whitened
        whitened = np.concatenate([self.whitened, _solve(factor[n:, n:], rest)])
        points = Points(
            np.concatenate([self.points.positions, new.positions]),
            np.concatenate([self.points.beside, new.beside]),
            new.categorical,
        )
        alpha = _solve(factor, whitened, transposed=True)
        return GaussianProcess(points, self.hyper, factor, whitened, alpha)

    def believing(self, X: FloatArray) -> GaussianProcess:
        """The process that has seen unit rows (q, d) to have the values that it expects of them.

        This takes the uncertainty there away and leaves the mean as it is.
        """
        return self.extended(X, self.predict(X).mean) if len(X) else self

    def with_values(self, z: FloatArray) -> GaussianProcess:
        """The process that has seen other values (n,) at the same configurations."""
        whitened = _solve(self.factor, z - self.hyper.mean)
        alpha = _solve(self.factor, whitened, transposed=True)
        return replace(self, whitened=whitened, alpha=alpha)

    def seen(self) -> FloatArray:
        """(n,) The means at the configurations that it has seen."""
        # K alpha is the values less their mean, and K is the covariance with noise
        return self.values() - self.hyper.noise * self.alpha

    def values(self) -> FloatArray:
        """(n,) The values that it has seen."""
        return self.hyper.mean + self.factor @ self.whitened

    @property
    def _smallest(self) -> float:
        return _SMALLEST * (self.hyper.stationary + self.hyper.curvature)

    def _cross(self, X: FloatArray) -> FloatArray:
        """(n, k) The covariance of what was seen with unit rows (k, d)."""
        near = Points.of(X, self.points.categorical)
        return covariance(self.points.pairs(near), self.hyper)

    def _whiten(self, B: FloatArray, *, transposed: bool = False) -> FloatArray:
        return _solve(self.factor, B, transposed=transposed)


def condition(
    X: FloatArray, z: FloatArray, categorical: BoolArray, hyper: Hyperparameters
) -> GaussianProcess:
    """The Gaussian process that has seen data.

    Args:
        X: (n, d) Unit rows, NaN where inactive; n >= 1.
        z: (n,) Their values, finite.
        categorical: (d,) Which parameters are categories; the others have an order.
        hyper: The hyperparameters.
    """
    points = Points.of(X, categorical)
    K = covariance(points.pairs(points), hyper)
    factor = stable_cholesky(K + hyper.noise * np.eye(len(X)))
    whitened = _solve(factor, z - hyper.mean)
    alpha = _solve(factor, whitened, transposed=True)
    return GaussianProcess(points, hyper, factor, whitened, alpha)


def _solve(factor: FloatArray, B: FloatArray, *, transposed: bool = False) -> FloatArray:
    """The solution of a lower triangular system, or of that with the transposed matrix."""
    from scipy.linalg import solve_triangular

    solution: FloatArray = solve_triangular(
        factor, B, lower=True, trans=1 if transposed else 0, check_finite=False
    )
    return solution
