"""The most probable hyperparameters of a Gaussian process, given data and what is usual.

Maximised is the logarithm of the marginal likelihood (Rasmussen and Williams, "Gaussian processes
for machine learning", 2006, eq. 5.8 and 5.9) plus that of independent normal priors on the mean
and on the logarithms of all others, wider below than above where next to nothing is likely.
Lengths that grow with the root of the dimension keep the complexity of the model the same
(Hvarfner, Hellsten, Nardi, "Vanilla Bayesian optimization performs great in high dimensions",
ICML 2024).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsopt.history import BoolArray, FloatArray
from fsopt.surrogate.kernel import Hyperparameters, PairKernel, Points

_JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4)
_HOPELESS = 1e10  # what the minimiser sees where the covariance can't be factorised


@dataclass(frozen=True, slots=True)
class Prior:
    """What hyperparameters usually are; all arrays (4 + 3 d,) as `Hyperparameters.to_vector`.

    Normal on both sides of the center, with different deviations. It is easy to believe that a
    part of the kernel, or a parameter in the additive part, counts for nothing: most parameters
    of most objectives hardly matter, and doubts about each of them would add up.
    """

    center: FloatArray
    above: FloatArray
    """Deviations of what is larger."""
    below: FloatArray
    """Deviations of what is smaller."""
    low: FloatArray
    high: FloatArray
    start: FloatArray

    @classmethod
    def of(cls, dimension: int, *, noisy: bool = False) -> Prior:
        """The prior for values with mean 0 and variance 1.

        Args:
            dimension: The number of parameters, d.
            noisy: Whether noise is expected, and not only possible.
        """
        log = math.log
        ln_d = log(dimension)
        noise = (-9.0, 2.5, 2.5, log(1e-7), log(0.7), log(1e-4))
        if noisy:
            noise = (-3.0, 2.0, 2.0, log(1e-7), 0.0, log(0.05))
        length, root3 = math.sqrt(2) + ln_d / 2, math.sqrt(3)
        weight = -1.0 - ln_d
        single = [  # center, deviations, bounds and start of mean, noise, scale and curvature
            (0.0, 1.0, 1.0, -4.0, 4.0, 0.0),
            noise,
            (0.0, 1.5, 3.0, log(1e-6), log(50.0), 0.0),
            (-3.0, 2.0, 4.0, log(1e-6), log(50.0), -3.0),
        ]
        each = [  # of lengths, weights and widths
            (length, root3, root3, log(0.01), log(100.0), log(0.35) + ln_d / 2),
            (weight, 1.5, 4.0, log(1e-6), log(50.0), weight),
            (-1.0, 1.0, 1.0, log(0.02), log(10.0), log(0.3)),
        ]
        rows = single + [row for row in each for _ in range(dimension)]
        return cls(*np.array(rows).T)

    def surprise(self, vector: FloatArray) -> tuple[float, FloatArray]:
        """The negative logarithm of the density up to a constant, and its gradient."""
        apart = vector - self.center
        deviation = np.where(apart < 0, self.below, self.above)
        return 0.5 * float(((apart / deviation) ** 2).sum()), apart / deviation**2

    def starts(self, count: int) -> list[FloatArray]:
        """Where to begin: the usual start, nearly additive and noisy, nearly a product."""
        additive, product = self.start.copy(), self.start.copy()
        dimension = (len(self.start) - 4) // 3
        additive[1], additive[2] = math.log(0.1), additive[2] - 4.0
        product[4 + dimension : 4 + 2 * dimension] -= 4.0
        return [self.start, additive, product][:count]


class Evidence:
    """The negative logarithm of the posterior density of hyperparameters, and its gradient.

    Args:
        X: (n, d) Unit rows, NaN where inactive; n >= 1.
        z: (n,) Their values, standardised.
        categorical: (d,) Which parameters are categories.
        noisy: See `Prior.of`.
    """

    __slots__ = ("_columns", "_pairs", "_prior", "_quadratic", "_rows", "_z")

    def __init__(
        self, X: FloatArray, z: FloatArray, categorical: BoolArray, *, noisy: bool = False
    ) -> None:
        self._rows, self._columns = np.tril_indices(len(X), -1)
        points = Points.of(X, categorical)
        pairs = points.pairs(points)
        lower = (..., self._rows, self._columns)
        self._pairs = PairKernel.of(pairs.squares[lower], pairs.products[lower])
        self._quadratic = points.quadratic()
        self._prior = Prior.of(X.shape[1], noisy=noisy)
        self._z = z

    def loss(self, vector: FloatArray) -> tuple[float, FloatArray]:
        """The negative logarithm of the posterior density up to a constant, and its gradient.

        Args:
            vector: (4 + 3 d,) As `Hyperparameters.to_vector`.
        """
        from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

        hyper = Hyperparameters.from_vector(vector)
        n = len(self._z)
        values, parts = self._pairs.value(hyper)
        K = np.zeros((n, n), order="F")
        K[self._rows, self._columns] = values
        own = hyper.stationary + hyper.curvature * self._quadratic
        np.fill_diagonal(K, own + hyper.noise)
        L, info = dpotrf(K, lower=1, overwrite_a=1)
        if info != 0:
            return _HOPELESS, np.zeros_like(vector)
        rest = self._z - hyper.mean
        alpha = dpotrs(L, rest, lower=1)[0]
        fit = 0.5 * float(rest @ alpha) + float(np.log(np.diag(L)).sum())
        inverse = dpotri(L, lower=1)[0]
        by_pair = inverse[self._rows, self._columns] - alpha[self._rows] * alpha[self._columns]
        by_own = 0.5 * (np.diag(inverse) - alpha * alpha)
        by_diagonal = float(by_own.sum())
        gradient = np.empty_like(vector)
        gradient[0] = -alpha.sum()
        gradient[1] = by_diagonal * hyper.noise
        gradient[2:] = self._pairs.pull_back(hyper, parts, by_pair)
        gradient[2] += by_diagonal * hyper.scale
        gradient[3] += float(by_own @ self._quadratic) * hyper.curvature
        weights = slice(4 + len(hyper.lengths), 4 + 2 * len(hyper.lengths))
        gradient[weights] += by_diagonal * hyper.weights
        loss = fit + 0.5 * n * math.log(2 * math.pi)
        surprise, by_surprise = self._prior.surprise(vector)
        return loss + surprise, gradient + by_surprise

    def minimise(self, starts: Sequence[FloatArray], iterations: int) -> Tuned:
        """The best that a quasi-Newton method finds from any of the starts.

        Args:
            starts: Vectors (4 + 3 d,) to begin at.
            iterations: At most so many steps from each.
        """
        from scipy.optimize import minimize

        prior = self._prior
        bounds = list(zip(prior.low, prior.high, strict=True))
        best = Tuned(np.clip(starts[0], prior.low, prior.high), math.inf)
        for start in starts:
            found = minimize(
                self.loss,
                np.clip(start, prior.low, prior.high),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"maxiter": iterations, "ftol": 1e-6, "gtol": 1e-3},
            )
            if found.fun < best.loss:
                best = Tuned(np.asarray(found.x, dtype=np.float64), float(found.fun))
        return best


@dataclass(frozen=True, slots=True)
class Tuned:
    """Hyperparameters that were fitted."""

    vector: FloatArray
    """(4 + 3 d,) As `Hyperparameters.to_vector`."""
    loss: float
    """The negative logarithm of their posterior density up to a constant."""


def stable_cholesky(K: FloatArray) -> FloatArray:
    """The lower triangular factor of a covariance matrix, made definite if it is not.

    Args:
        K: (n, n) Symmetric and, but for rounding, positive definite.

    Returns:
        (n, n) Its Cholesky factor, or that of K with up to 1e-4 of its mean diagonal added.

    Raises:
        numpy.linalg.LinAlgError: If that is not enough; then K is no covariance matrix.
    """
    size = float(np.trace(K)) / max(len(K), 1)
    for jitter in _JITTERS:
        try:
            factor = np.linalg.cholesky(K + jitter * size * np.eye(len(K)))
        except np.linalg.LinAlgError:
            continue
        return np.asarray(factor, dtype=np.float64)
    raise np.linalg.LinAlgError(
        f"the {len(K)} x {len(K)} matrix of covariances is not positive definite, even with "
        f"{_JITTERS[-1]} of its diagonal added; are there values that are not finite?"
    )
