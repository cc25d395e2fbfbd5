"""How alike the values of two configurations are: the covariance of the Gaussian process.

The sum of a product part, in which all parameters act together, and of an additive part, one term
for each parameter (Duvenaud, Nickisch, Rasmussen, "Additive Gaussian processes", NeurIPS 2011)::

    k(x, x') = s M(r) + sum_g a_g M(|x_g - x'_g| / w_g),    r^2 = sum_g |x_g - x'_g|^2 / l_g^2
    M(r) = (1 + u + u^2 / 3) exp(-u),    u = sqrt(5) r         (Matern, smoothness 5/2)

Distances in one parameter are those of points in a Euclidean space, so the covariance is positive
semidefinite whatever the space:

- numbers and ordinals: the difference of positions in [0, 1];
- categories: 1 between any two;
- inactive: at a distance of sqrt(3)/2 to 1 from every active value of a number or ordinal, which
  is that from a point beside the middle of the unit interval; one more category of a categorical.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fsopt.history import BoolArray, FloatArray

_MIDDLE = 0.5
_OFFSET2 = 0.75  # makes the distance from inactive to the ends of the interval 1
_NO_CATEGORY = -1.0
_ROOT5 = math.sqrt(5)
_BATCH = 2**14  # pairs of configurations compared at once, so that they stay in the cache


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What a Gaussian process knows before it has seen where the values are."""

    mean: float
    """The expected value far from all data."""
    noise: float
    """The variance of repeated evaluations of one configuration."""
    scale: float
    """The variance of the product part, s."""
    lengths: FloatArray
    """(d,) The distances over which the product part changes, l."""
    weights: FloatArray
    """(d,) The variances of the additive terms, a."""
    widths: FloatArray
    """(d,) The distances over which they change, w."""

    @property
    def variance(self) -> float:
        """The variance of the value of a configuration far from all data, without noise."""
        return self.scale + float(self.weights.sum())

    def to_vector(self) -> FloatArray:
        """(3 + 3 d,) The mean and the logarithms of all others, in the order of the fields."""
        positive = np.concatenate(
            [[self.noise, self.scale], self.lengths, self.weights, self.widths]
        )
        return np.concatenate([[self.mean], np.log(positive)])

    @classmethod
    def from_vector(cls, vector: FloatArray) -> Hyperparameters:
        """What `to_vector` made a vector (3 + 3 d,) of."""
        lengths, weights, widths = np.exp(vector[3:]).reshape(3, -1)
        noise, scale = np.exp(vector[1:3]).tolist()
        return cls(float(vector[0]), noise, scale, lengths, weights, widths)


@dataclass(frozen=True, slots=True)
class Points:
    """Configurations as points, of which distances are taken."""

    positions: FloatArray
    """(n, d) Unit rows in which inactive numbers are in the middle, inactive categories -1."""
    beside: BoolArray
    """(n, d) Which numbers are inactive."""
    categorical: BoolArray
    """(d,) Which parameters are categories."""

    @classmethod
    def of(cls, X: FloatArray, categorical: BoolArray) -> Points:
        """The points of unit rows.

        Args:
            X: (n, d) Unit rows, NaN where inactive.
            categorical: (d,) Which parameters are categories; the others have an order.
        """
        inactive = np.isnan(X)
        absent = np.where(categorical, _NO_CATEGORY, _MIDDLE)
        return cls(np.where(inactive, absent, X), inactive & ~categorical, categorical)

    def differences(self, others: Points) -> FloatArray:
        """(d, n, m) Positions minus those of the others; 1 between different categories."""
        raw = self.positions.T[:, :, None] - others.positions.T[:, None, :]
        if self.categorical.any():
            raw[self.categorical] = raw[self.categorical] != 0.0
        return raw

    def squared_distances(self, others: Points) -> FloatArray:
        """(d, n, m) The squared distance in each parameter to each of the others."""
        return self._squares(self.differences(others), others)

    def nearest(self, X: FloatArray) -> FloatArray:
        """How far unit rows are from the nearest of the points.

        Args:
            X: (k, d) Unit rows, NaN where inactive.

        Returns:
            (k,) The largest of the distances in the single parameters.
        """
        near = Points.of(X, self.categorical)
        result = np.empty(len(X))
        step = max(1, _BATCH // len(self.positions))
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            batch = Points(near.positions[rows], near.beside[rows], near.categorical)
            result[rows] = batch.squared_distances(self).max(axis=0).min(axis=1)
        return np.sqrt(result)

    def _squares(self, differences: FloatArray, others: Points) -> FloatArray:
        squares: FloatArray = differences * differences
        if self.beside.any() or others.beside.any():
            apart = self.beside.T[:, :, None] != others.beside.T[:, None, :]
            squares += _OFFSET2 * apart
        return squares

    def squares_and_slopes(self, others: Points) -> tuple[FloatArray, FloatArray]:
        """Squared distances (d, n, m), and half their derivatives by the own positions."""
        differences = self.differences(others)
        squares = self._squares(differences, others)
        moves = ~(self.beside | self.categorical)
        return squares, differences * moves.T[:, :, None]


def covariance(D2: FloatArray, hyper: Hyperparameters) -> FloatArray:
    """The covariance of pairs of configurations, without noise.

    Args:
        D2: (d, ...) Squared distances in each parameter.
        hyper: The hyperparameters.

    Returns:
        (...) One number for each pair.
    """
    u = _ROOT5 * np.sqrt(_contract(hyper.lengths**-2.0, D2))
    U = _scaled(D2, hyper.widths)
    total: FloatArray = hyper.scale * _matern(u, np.exp(-u))
    total += _contract(hyper.weights, _matern(U, np.exp(-U)))
    return total


def covariance_and_slopes(
    D2: FloatArray, halves: FloatArray, hyper: Hyperparameters
) -> tuple[FloatArray, FloatArray]:
    """The covariance of pairs, and its derivatives by the position of the first of each.

    Args:
        D2: (d, ...) Squared distances in each parameter.
        halves: (d, ...) Half of their derivatives by the position; see `squares_and_slopes`.
        hyper: The hyperparameters.

    Returns:
        (...) and (d, ...).
    """
    inverse = hyper.lengths**-2.0
    u = _ROOT5 * np.sqrt(_contract(inverse, D2))
    U = _scaled(D2, hyper.widths)
    e, E = np.exp(-u), np.exp(-U)
    value = hyper.scale * _matern(u, e) + _contract(hyper.weights, _matern(U, E))
    together = _column(hyper.scale * inverse, D2) * ((1 + u) * e)
    slopes = together + _column(hyper.weights * hyper.widths**-2.0, D2) * ((1 + U) * E)
    return value, slopes * halves * (-5 / 3)


@dataclass(frozen=True, slots=True)
class PairKernel:
    """The covariance of fixed pairs for any hyperparameters, with what of it can be prepared."""

    D2: FloatArray
    """(d, p) Squared distances of the p pairs."""
    D: FloatArray
    """(d, p) Their roots, times the root of 5."""

    @classmethod
    def of(cls, D2: FloatArray) -> PairKernel:
        """Prepare for squared distances (d, p)."""
        return cls(D2, _ROOT5 * np.sqrt(D2))

    def value(self, hyper: Hyperparameters) -> tuple[FloatArray, PairParts]:
        """(p,) The covariances, and what the derivatives need of them."""
        u = _ROOT5 * np.sqrt(hyper.lengths**-2.0 @ self.D2)
        U = self.D / hyper.widths[:, None]
        parts = PairParts(u, U, np.exp(-u), np.exp(-U))
        together = hyper.scale * _matern(u, parts.e)
        return together + hyper.weights @ _matern(U, parts.E), parts

    def pull_back(
        self, hyper: Hyperparameters, parts: PairParts, by_value: FloatArray
    ) -> FloatArray:
        """The derivatives of a function of the covariances by the hyperparameters' logarithms.

        Args:
            hyper: The hyperparameters.
            parts: What `value` returned for them.
            by_value: (p,) The function's derivatives by the covariances.

        Returns:
            (1 + 3 d,) The derivatives by ln s, ln l, ln a and ln w.
        """
        u, U, e, E = parts.u, parts.U, parts.e, parts.E
        slope = by_value * (1 + u) * e
        by_scale = hyper.scale * (_matern(u, e) @ by_value)
        by_lengths = (5 / 3) * hyper.scale * hyper.lengths**-2.0 * (self.D2 @ slope)
        by_weights = hyper.weights * (_matern(U, E) @ by_value)
        by_widths = hyper.weights / 3 * ((U * U * (1 + U) * E) @ by_value)
        return np.concatenate([[by_scale], by_lengths, by_weights, by_widths])


@dataclass(frozen=True, slots=True)
class PairParts:
    """Scaled distances, of both parts of the kernel, and their exponentials."""

    u: FloatArray
    U: FloatArray
    e: FloatArray
    E: FloatArray


def _matern(u: FloatArray, e: FloatArray) -> FloatArray:
    """The Matern function of distances times the root of 5, given their exponentials."""
    value: FloatArray = (1 + u * (1 + u / 3)) * e
    return value


def _scaled(D2: FloatArray, widths: FloatArray) -> FloatArray:
    scaled: FloatArray = np.sqrt(D2) * _column(_ROOT5 / widths, D2)
    return scaled


def _column(numbers: FloatArray, like: FloatArray) -> FloatArray:
    """One number for each parameter, shaped to multiply (d, ...)."""
    return numbers.reshape((-1,) + (1,) * (like.ndim - 1))


def _contract(numbers: FloatArray, terms: FloatArray) -> FloatArray:
    """(...) The sum over parameters of numbers (d,) times terms (d, ...)."""
    flat: FloatArray = numbers @ terms.reshape(len(terms), -1)
    return flat.reshape(terms.shape[1:])
