"""What a Gaussian process makes a search believe: of the whole space, or of a part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsopt.history import BoolArray, FloatArray, History
from fsopt.search.ascent import Box
from fsopt.search.objective import Tradeoff, worth
from fsopt.space import Categorical, Space
from fsopt.streams import stream
from fsopt.surrogate import (
    MAX_ROWS,
    GaussianProcess,
    Model,
    Points,
    fit_gaussian,
    fit_labels,
    fit_part,
    subset,
)

_INCUMBENTS = 5
_FAR = (0.3, 1.0)  # of the distance that is hardly anywhere exceeded
_FLOORS = (0.05, 0.3)  # quantiles
_NOTHING = 1e-3  # of the distance between the median and the best
_LEAST_REACH = 1e-4
_PART = 1 / 3  # of the trials, that are nearest to a centre
_MOST_NEAR = 100  # trials, however many there are
_REACH = 0.5  # of the distance to the farthest of them, within which proposals are made
_BEST_SHARE = 0.5  # of the parts that lie around the best trial
_NEIGHBOURS = 8  # than which the centre of another part is better


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What is thought of configurations."""

    model: Model
    process: GaussianProcess
    """The model's, which may have seen more since: what is believed of trials without a value."""
    success: GaussianProcess | None
    """Of labels 1 for success and -1 for failure, if there were failures."""
    incumbents: FloatArray
    """(b, d) The unit rows that have the best values, best first."""
    columns: BoolArray
    """(d,) Which parameters the processes look at."""
    box: Box
    """Where proposals may lie."""

    @classmethod
    def of(cls, history: History, values: FloatArray) -> Beliefs:
        """Of the whole space.

        Args:
            history: The study so far, with at least one value.
            values: (n,) What its trials are worth, to be minimised.
        """
        columns = modelled_columns(history.space)
        categorical = categorical_columns(history.space)[columns]
        noisy = bool(history.noisy)
        model = fit_gaussian(history.X[:, columns], values, categorical, noisy=noisy)
        failed = history.X_failed[:, columns]
        success = fit_labels(history.X[:, columns], failed, categorical) if len(failed) else None
        best = history.X[_smallest(values)]
        box = Box.whole(len(history.space))
        beliefs = cls(model, model.process, success, best, columns, box)
        return beliefs.believing(np.concatenate([history.X_failed, history.X_pending]))

    def of_part(self, history: History, values: FloatArray, rng: np.random.Generator) -> Beliefs:
        """Of the surroundings of one good trial, where the objective may be simpler.

        Half of the time that is the best trial, otherwise another one that is better than all
        near it: so the search goes on in other basins than the best, and, since the trials
        crowd where it goes on, in parts that become smaller and smaller, as in a trust region
        (Eriksson et al., "Scalable global optimization via local Bayesian optimization",
        NeurIPS 2019).

        Args:
            history: As for `of`.
            values: As for `of`.
            rng: Decides where.
        """
        kept = subset(history.X[:, self.columns], values, MAX_ROWS)
        X, y = history.X[kept], values[kept]
        categorical = self.process.points.categorical
        points = Points.of(X[:, self.columns], categorical)
        D2 = points.pairs(points).squares.sum(axis=0)
        centre = _centre(D2, y, rng)
        most = max(int(len(y) * _PART), 2 * len(points.categorical) + 4)
        near = np.sort(np.argsort(D2[centre], kind="stable")[: min(most, _MOST_NEAR)])
        model = fit_part(
            X[near][:, self.columns], y[near], categorical, self.model, noisy=bool(history.noisy)
        )
        best = X[near][_smallest(y[near])]
        box = around(X[centre], X[near], categorical_columns(history.space))
        part = replace(self, model=model, process=model.process, incumbents=best, box=box)
        return part.believing(np.concatenate([history.X_failed, history.X_pending]))

    def levelled(self, rng: np.random.Generator) -> Beliefs:
        """The same, as if the best values were only as good as some others.

        Where one basin is much better than all else that is known, an improvement on it seems
        impossible elsewhere, and the search would never leave it. Without its depth, others
        that may be as deep are worth a look.

        Args:
            rng: Draws which quantile of the values all better ones are raised to.
        """
        z = self.process.values()
        floor = float(np.quantile(z[: self._known], rng.uniform(*_FLOORS)))
        return replace(self, process=self.process.with_values(np.maximum(z, floor)))

    def is_worthwhile(self, row: FloatArray) -> bool:
        """Whether a unit row (d,) may be a noticeable improvement.

        Noticeable is a small share of the distance between the median and the best, as scaled
        for the model.
        """
        found = self.process.predict(row[np.newaxis, self.columns])
        spread = float(np.median(self.process.seen()[: self._known])) - self.best
        hoped = float(found.mean[0] - found.epistemic[0])
        return self.best - hoped > _NOTHING * spread

    @property
    def best(self) -> float:
        """The smallest mean at a configuration that has a value."""
        return float(self.process.seen()[: self._known].min())

    @property
    def _known(self) -> int:
        return len(self.model.process.alpha)

    def believing(self, units: FloatArray) -> Beliefs:
        """The same, as if unit rows (q, d) had the values that are expected of them."""
        newest = units[-MAX_ROWS:, self.columns]
        return replace(self, process=self.process.believing(newest))

    def distance(self, units: FloatArray) -> FloatArray:
        """(k,) How far unit rows (k, d) are from what was seen or is believed, at least.

        The distance in the parameter in which it is greatest, up to 1.
        """
        return self.process.points.nearest(units[:, self.columns])

    def far(self, rng: np.random.Generator) -> float:
        """A distance that is far from all that is known, but not from everywhere.

        Up to half of where the cubes around all points would fill the space.
        """
        points = self.process.points.positions
        farthest: float = 0.5 * (0.5 / len(points)) ** (1 / points.shape[1])
        return farthest * rng.uniform(*_FAR)


def values_of(
    history: History, seed: int, number: int, tradeoff: Tradeoff | None = None
) -> FloatArray:
    """(n,) What the trials with values are worth for one proposal, to be minimised."""
    rng = stream(seed, "weights", number)
    return worth(history.Y, history.excess, rng, tradeoff)


def modelled_columns(space: Space) -> BoolArray:
    """(d,) Which parameters can vary."""
    return np.array([parameter.levels != 1 for parameter in space.parameters], dtype=np.bool_)


def categorical_columns(space: Space) -> BoolArray:
    """(d,) Which parameters are categories, which have no order."""
    return np.array([isinstance(p, Categorical) for p in space.parameters], dtype=np.bool_)


def _smallest(values: FloatArray) -> NDArray[np.intp]:
    """The indices of the few smallest values, in order."""
    count = min(_INCUMBENTS, len(values))
    few = np.argpartition(values, count - 1)[:count]
    return few[np.argsort(values[few], kind="stable")]


def _centre(D2: FloatArray, y: FloatArray, rng: np.random.Generator) -> int:
    """The index of the best trial, or of one that is better than all near it.

    Args:
        D2: (n, n) Squared distances.
        y: (n,) Values.
        rng: Decides which; better ones are more likely.
    """
    best = int(np.argmin(y))
    nearest = np.argsort(D2, axis=1, kind="stable")[:, 1 : _NEIGHBOURS + 1]
    others = np.flatnonzero(y < y[nearest].min(axis=1, initial=np.inf))
    others = others[others != best]
    if not len(others) or rng.random() < _BEST_SHARE:
        return best
    weights = 1 / np.arange(1, len(others) + 1)
    by_value = others[np.argsort(y[others], kind="stable")]
    return int(rng.choice(by_value, p=weights / weights.sum()))


def around(centre: FloatArray, near: FloatArray, categorical: BoolArray) -> Box:
    """The box around a unit row (d,) that is half as large as one that holds the rows (k, d).

    All categories are in it, and all values of what is inactive in the centre.
    """
    apart = np.abs(near - centre)
    reach = np.maximum(_REACH * np.where(np.isnan(apart), 0.0, apart).max(axis=0), _LEAST_REACH)
    whole = categorical | np.isnan(centre)
    low = np.where(whole, 0.0, np.maximum(centre - reach, 0.0))
    high = np.where(whole, 1.0, np.minimum(centre + reach, 1.0))
    return Box(low, high)
