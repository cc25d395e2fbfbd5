"""Densities on the unit cube in which good configurations are likely.

A component is a product over the parameters: a normal distribution, truncated to the unit
interval, where a parameter has an order, and a table of probabilities where it has none. So
densities, draws and margins are exact in spaces of mixed kinds, and what is inactive, or what a
source knows nothing about, simply has no factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsopt.space import Categorical, Float, Int, Space
from fsopt.space.beliefs import unit_deviation

FloatArray = NDArray[np.float64]

_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Mixture:
    """A weighted sum of products of one-dimensional densities, of k components and d parameters.

    The density of a category is its probability times the number of categories, so that a uniform
    distribution has the density 1 in every space.
    """

    weights: FloatArray
    """(k,) Positive; they make 1."""
    means: FloatArray
    """(k, d) Positions; NaN where a component says nothing, and for categories."""
    deviations: FloatArray
    """(k, d) Standard deviations before the truncation; NaN where means are."""
    tables: Mapping[int, FloatArray]
    """By column of a categorical parameter (k, levels): probabilities, all positive."""

    @classmethod
    def uniform(cls, space: Space) -> Mixture:
        """The one that says nothing."""
        nothing = np.full((1, len(space)), np.nan)
        tables = {
            column: np.full((1, parameter.levels), 1 / parameter.levels)
            for column, parameter in enumerate(space.parameters)
            if isinstance(parameter, Categorical)
        }
        return cls(np.ones(1), nothing, nothing, tables)

    @classmethod
    def believed(cls, space: Space) -> Mixture | None:
        """What the user believes of the parameters of a space, if anything."""
        uniform = cls.uniform(space)
        means, deviations = uniform.means.copy(), uniform.deviations.copy()
        for column, parameter in enumerate(space.parameters):
            if isinstance(parameter, Float | Int) and parameter.prior is not None:
                prior, (low, high) = parameter.prior, (parameter.low, parameter.high)
                means[:, column] = parameter.to_unit(np.array(prior.mean))
                deviations[:, column] = unit_deviation(prior, low, high, log=parameter.log)
        return (
            None if np.isnan(means).all() else replace(uniform, means=means, deviations=deviations)
        )

    @classmethod
    def of(cls, parts: Sequence[tuple[float, Mixture]]) -> Mixture:
        """The mixture of some in one space, with weights that make 1; none is left out."""
        mixtures = [mixture for _, mixture in parts]
        return cls(
            np.concatenate([weight * mixture.weights for weight, mixture in parts]),
            np.concatenate([mixture.means for mixture in mixtures]),
            np.concatenate([mixture.deviations for mixture in mixtures]),
            {
                column: np.concatenate([mixture.tables[column] for mixture in mixtures])
                for column in mixtures[0].tables
            },
        )

    def log_density(self, units: FloatArray) -> FloatArray:
        """(n,) The logarithm of the density at unit rows (n, d); NaN has no factor."""
        from scipy.special import logsumexp

        density: FloatArray = logsumexp(self._terms(units), axis=1)
        return density

    def slope(self, unit: FloatArray) -> FloatArray:
        """(d,) The derivatives of the logarithm at one unit row (d,); 0 for categories."""
        from scipy.special import softmax

        shares = softmax(self._terms(unit[np.newaxis])[0])
        by_position = (self.means - unit) / self.deviations**2
        slope: FloatArray = shares @ np.where(np.isnan(by_position), 0.0, by_position)
        return slope

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        """(count, d) Draws: positions, which are not snapped to levels, nor checked."""
        from scipy.special import ndtr, ndtri

        which = rng.choice(len(self.weights), size=count, p=self.weights / self.weights.sum())
        units = rng.random((count, self.means.shape[1]))
        mean, deviation = self.means[which], self.deviations[which]
        low, high = ndtr(-mean / deviation), ndtr((1 - mean) / deviation)
        drawn = mean + deviation * ndtri(low + units * (high - low))
        for column, table in self.tables.items():
            levels = (np.cumsum(table[which], axis=1) < units[:, [column]]).sum(axis=1)
            count_of = table.shape[1]
            units[:, column] = (np.minimum(levels, count_of - 1) + 0.5) / count_of
        inside: FloatArray = np.clip(np.where(np.isnan(drawn), units, drawn), 0.0, 1.0)
        return inside

    def _terms(self, units: FloatArray) -> FloatArray:
        """(n, k) The logarithms of the components' weighted densities."""
        from scipy.special import ndtr

        z = (units[:, np.newaxis] - self.means) / self.deviations
        inside = ndtr((1 - self.means) / self.deviations) - ndtr(-self.means / self.deviations)
        factors = -0.5 * z**2 - _LOG_ROOT_2PI - np.log(self.deviations * inside)
        terms: FloatArray = np.log(self.weights) + np.where(np.isnan(factors), 0.0, factors).sum(
            axis=2
        )
        for column, table in self.tables.items():
            active = ~np.isnan(units[:, column])
            count = table.shape[1]
            levels = np.minimum(units[active, column] * count, count - 1).astype(np.intp)
            terms[active] += np.log(count * table.T[levels])
        return terms
