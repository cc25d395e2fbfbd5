"""How alike the values of two configurations are: the covariance of the Gaussian process.

The sum of a product part, in which all parameters act together, of an additive part, one term for
each parameter (Duvenaud, Nickisch, Rasmussen, "Additive Gaussian processes", NeurIPS 2011), and of
a quadratic part, with which all quadratic functions can be learned from few points, however their
axes lie (Rasmussen and Williams, "Gaussian processes for machine learning", 2006, section 4.2.2)::

    k(x, x') = s M(r) + sum_g a_g M(|x_g - x'_g| / w_g) + q (1 + b)^2 / 4
    M(r) = (1 + u + u^2 / 3) exp(-u),    u = sqrt(5) r         (Matern, smoothness 5/2)
    r^2 = sum_g |x_g - x'_g|^2 / l_g^2,    b = average over g of c_g <x_g, x'_g>

where ``<x_g, x'_g>`` is the inner product of the points relative to the middle of the interval and
``c_g`` is 12 for numbers and 2 for categories: then b is 1 on average for equal configurations.

Distances in one parameter are those of points in a Euclidean space, so the covariance is positive
semidefinite whatever the space:

- numbers and ordinals: the difference of positions in [0, 1];
- categories: 1 between any two, which are orthogonal to each other;
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
_NUMBER_FACTOR, _CATEGORY_FACTOR = 12.0, 2.0  # make the average product with itself 1
_ROOT5 = math.sqrt(5)
_BATCH = 2**16  # distances that are taken at once, so that they stay in the cache


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What a Gaussian process knows before it has seen where the values are."""

    mean: float
    """The expected value far from all data."""
    noise: float
    """The variance of repeated evaluations of one configuration."""
    scale: float
    """The variance of the product part, s."""
    curvature: float
    """The variance of the quadratic part, on average over the space, q."""
    lengths: FloatArray
    """(d,) The distances over which the product part changes, l."""
    weights: FloatArray
    """(d,) The variances of the additive terms, a."""
    widths: FloatArray
    """(d,) The distances over which they change, w."""

    @property
    def stationary(self) -> float:
        """The variance of a value far from all data, but for noise and the quadratic part."""
        return self.scale + float(self.weights.sum())

    def to_vector(self) -> FloatArray:
        """(4 + 3 d,) The mean and the logarithms of all others, in the order of the fields."""
        single = [self.noise, self.scale, self.curvature]
        positive = np.concatenate([single, self.lengths, self.weights, self.widths])
        return np.concatenate([[self.mean], np.log(positive)])

    @classmethod
    def from_vector(cls, vector: FloatArray) -> Hyperparameters:
        """What `to_vector` made a vector (4 + 3 d,) of."""
        lengths, weights, widths = np.exp(vector[4:]).reshape(3, -1)
        noise, scale, curvature = np.exp(vector[1:4]).tolist()
        return cls(float(vector[0]), noise, scale, curvature, lengths, weights, widths)


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

    def pairs(self, others: Points) -> Pairs:
        """Every configuration compared with each of the others."""
        differences = self.positions.T[:, :, None] - others.positions.T[:, None, :]
        if self.categorical.any():
            differences[self.categorical] = differences[self.categorical] != 0.0
        squares = differences * differences
        if self.beside.any() or others.beside.any():
            apart = self.beside.T[:, :, None] != others.beside.T[:, None, :]
            squares += _OFFSET2 * apart
        norms = self._norms()[:, None] + others._norms()
        return Pairs(differences, squares, norms - _contract(self._products() / 2, squares))

    def variances(self, hyper: Hyperparameters) -> FloatArray:
        """(n,) The variances of the values, without noise, as if there were no data."""
        return hyper.stationary + hyper.curvature * self.quadratic()

    def variance_slopes(self, hyper: Hyperparameters) -> FloatArray:
        """(n, d) The derivatives of the variances by the positions."""
        moves = ~(self.beside | self.categorical)
        along = 2 * self._products() * (self.positions - _MIDDLE) * moves
        slopes: FloatArray = hyper.curvature * (0.5 + self._norms())[:, None] * along
        return slopes

    def quadratic(self) -> FloatArray:
        """(n,) The variances of the quadratic part, if 1 on average."""
        return _quadratic(2 * self._norms())

    def _products(self) -> FloatArray:
        """(d,) The factors of inner products in their average."""
        factors = np.where(self.categorical, _CATEGORY_FACTOR, _NUMBER_FACTOR)
        return factors / max(len(factors), 1)

    def _norms(self) -> FloatArray:
        """(n,) Half of the average product of each with itself."""
        squares = (self.positions - _MIDDLE) ** 2 + _OFFSET2 * self.beside
        squares[:, self.categorical] = 0.5
        half: FloatArray = squares @ (self._products() / 2)
        return half

    def nearest(self, X: FloatArray) -> FloatArray:
        """How far unit rows are from the nearest of the points.

        Args:
            X: (k, d) Unit rows, NaN where inactive.

        Returns:
            (k,) The largest of the distances in the single parameters.
        """
        near = Points.of(X, self.categorical)
        result = np.empty(len(X))
        step = max(1, _BATCH // self.positions.size)
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            batch = Points(near.positions[rows], near.beside[rows], near.categorical)
            result[rows] = batch.pairs(self).squares.max(axis=0).min(axis=1)
        return np.sqrt(result)

    def slopes(self, hyper: Hyperparameters, others: Points) -> tuple[FloatArray, FloatArray]:
        """The covariance with others, and its derivatives by the own positions.

        Args:
            hyper: The hyperparameters.
            others: The m others.

        Returns:
            (n, m) and (d, n, m).
        """
        pairs = self.pairs(others)
        D2 = pairs.squares
        inverse = hyper.lengths**-2.0
        u = _ROOT5 * np.sqrt(_contract(inverse, D2))
        U = _scaled(D2, hyper.widths)
        e, E = np.exp(-u), np.exp(-U)
        value = hyper.scale * _matern(u, e) + _contract(hyper.weights, _matern(U, E))
        together = _column(hyper.scale * inverse, D2) * ((1 + u) * e)
        slopes = together + _column(hyper.weights * hyper.widths**-2.0, D2) * ((1 + U) * E)
        slopes *= (-5 / 3) * pairs.differences
        value += hyper.curvature * _quadratic(pairs.products)
        along = (others.positions - _MIDDLE).T[:, None, :] * ~others.beside.T[:, None, :]
        factor = 0.5 * hyper.curvature * (1 + pairs.products)
        slopes += _column(self._products(), D2) * along * factor
        return value, slopes * ~(self.beside | self.categorical).T[:, :, None]


@dataclass(frozen=True, slots=True)
class Pairs:
    """How pairs of configurations compare in each parameter."""

    differences: FloatArray
    """(d, n, m) Positions of the first minus those of the second; 1 for different categories."""
    squares: FloatArray
    """(d, n, m) Squared distances."""
    products: FloatArray
    """(n, m) Average inner products, b."""


def covariance(pairs: Pairs, hyper: Hyperparameters) -> FloatArray:
    """(n, m) The covariance of pairs of configurations, without noise."""
    D2 = pairs.squares
    u = _ROOT5 * np.sqrt(_contract(hyper.lengths**-2.0, D2))
    U = _scaled(D2, hyper.widths)
    total: FloatArray = hyper.scale * _matern(u, np.exp(-u))
    total += _contract(hyper.weights, _matern(U, np.exp(-U)))
    total += hyper.curvature * _quadratic(pairs.products)
    return total


@dataclass(frozen=True, slots=True)
class PairKernel:
    """The covariance of fixed pairs for any hyperparameters, with what of it can be prepared."""

    D2: FloatArray
    """(d, p) Squared distances of the p pairs."""
    D: FloatArray
    """(d, p) Their roots, times the root of 5."""

    quadratic: FloatArray
    """(p,) The quadratic part for a variance of 1."""

    @classmethod
    def of(cls, D2: FloatArray, products: FloatArray) -> PairKernel:
        """Prepare for squared distances (d, p) and average inner products (p,)."""
        return cls(D2, _ROOT5 * np.sqrt(D2), _quadratic(products))

    def value(self, hyper: Hyperparameters) -> tuple[FloatArray, PairParts]:
        """(p,) The covariances, and what the derivatives need of them."""
        u = _ROOT5 * np.sqrt(hyper.lengths**-2.0 @ self.D2)
        U = self.D / hyper.widths[:, None]
        parts = PairParts(u, U, np.exp(-u), np.exp(-U))
        together = hyper.scale * _matern(u, parts.e) + hyper.curvature * self.quadratic
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
            (2 + 3 d,) The derivatives by ln s, ln q, ln l, ln a and ln w.
        """
        u, U, e, E = parts.u, parts.U, parts.e, parts.E
        slope = by_value * (1 + u) * e
        by_scale = hyper.scale * (_matern(u, e) @ by_value)
        by_curvature = hyper.curvature * (self.quadratic @ by_value)
        by_lengths = (5 / 3) * hyper.scale * hyper.lengths**-2.0 * (self.D2 @ slope)
        by_weights = hyper.weights * (_matern(U, E) @ by_value)
        by_widths = hyper.weights / 3 * ((U * U * (1 + U) * E) @ by_value)
        return np.concatenate([[by_scale, by_curvature], by_lengths, by_weights, by_widths])


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


def _quadratic(products: FloatArray) -> FloatArray:
    """The quadratic part for a variance of 1, of average inner products."""
    value: FloatArray = (0.5 + 0.5 * products) ** 2
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
