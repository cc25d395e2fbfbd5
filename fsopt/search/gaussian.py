"""Proposals that a Gaussian process makes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsopt.history import BoolArray, FloatArray, History, row_hashes
from fsopt.search.acquisition import Acquisition, ConfidenceBound, LogExpectedImprovement
from fsopt.search.ascent import Box, best_proposal, starting_points
from fsopt.search.distinct import replace_unusable
from fsopt.search.objective import scalarize
from fsopt.space import Categorical, Space, same_rows
from fsopt.streams import stream
from fsopt.surrogate import MAX_ROWS, GaussianProcess, fit_gaussian, fit_labels

_INCUMBENTS = 5
_BOUND_SHARE = 0.5  # by a confidence bound, of the proposals while others are evaluated
_LEAST_FEASIBILITY = 0.02
_FAR_SHARE = 0.3  # of the proposals
_RESOLUTION = 1e-4  # evaluations that are closer to each other than this tell little
_ODD = np.uint64(0x9E3779B97F4A7C15)  # spreads the bits of a hash
_LOG_MARGINS = (-4.0, -1.3)  # of the bounds, to base 10, where others may propose the same


def suggest_gaussian(
    history: History, numbers: Sequence[int], seed: int, count: int
) -> FloatArray:
    """Propose where a Gaussian process expects the largest improvement.

    Trials that run, those proposed before in the same call, and failed ones are believed to have
    the values that are expected of them, so nothing is to be learned there any more. Failures make
    configurations like them less attractive: the expected improvement is multiplied by the
    probability of success.

    While others are evaluated, half of the proposals are made by a lower confidence bound instead,
    whose weight is drawn from an exponential distribution: proposals from almost the same data
    then differ, and explore more. All are if there are trials that this process knows nothing
    about yet. Lest two processes that know the same propose the same corner, numbers then keep
    random distances from their bounds; and of a finite space, a random part is left to the others.

    Args:
        history: The study so far, in which at least one trial has a value.
        numbers: The trials to propose for.
        seed: The study's seed.
        count: How many configurations are looked at for each before climbing.

    Returns:
        (len(numbers), d) As `Optimizer.suggest`.

    Raises:
        InfeasibleSpaceError: If not enough configurations are left.
    """
    units = np.full((len(numbers), len(history.space)), np.nan)
    usable = np.zeros(len(numbers), dtype=np.bool_)
    hidden = max(0, numbers[0] - history.ended - len(history.X_pending))
    beliefs = _Beliefs.of(history, seed, numbers[0])
    for index, number in enumerate(numbers):
        rng = stream(seed, "gaussian", number)
        row = _propose(history, beliefs, units[usable], hidden, count, rng)
        if row is not None:
            units[index], usable[index] = row, True
            beliefs = beliefs.believing(row[np.newaxis])
    return replace_unusable(units, usable, history, numbers, seed)


def _propose(
    history: History,
    beliefs: _Beliefs,
    proposed: FloatArray,
    hidden: int,
    count: int,
    rng: np.random.Generator,
) -> FloatArray | None:
    """One proposal (d,) beside those (b, d) of the same call, or None if there is no good one."""
    space = history.space
    alone = hidden + len(proposed) + len(history.X_pending) == 0
    score = _Score(beliefs, beliefs.acquisition(rng, alone=alone, blind=hidden > 0))
    share = 1 / (1 + hidden) if space.cardinality is not None else 1.0
    is_free = _Free(history, beliefs, proposed, beliefs.least(rng), share, _salt(rng))
    box = _random_box(space, rng) if hidden else Box.whole(len(space))
    pool = starting_points(history, beliefs.incumbents, count, rng)
    pool = space.snap(np.clip(pool, box.low, box.high)) if hidden else pool
    return best_proposal(score, space, pool, is_free, rng, box)


def modelled_columns(space: Space) -> BoolArray:
    """(d,) Which parameters can vary."""
    return np.array([parameter.levels != 1 for parameter in space.parameters], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class _Beliefs:
    """What is thought of configurations."""

    process: GaussianProcess
    success: GaussianProcess | None
    """Of labels 1 for success and -1 for failure, if there were failures."""
    best: float
    """The smallest mean at a configuration that has a value."""
    incumbents: FloatArray
    """(b, d) The unit rows that have the best values, best first."""
    columns: BoolArray
    """(d,) Which parameters the processes look at."""

    @classmethod
    def of(cls, history: History, seed: int, number: int) -> _Beliefs:
        columns = modelled_columns(history.space)
        categorical = np.array([isinstance(p, Categorical) for p in history.space.parameters])
        categorical = categorical[columns]
        single = history.Y.shape[1] == 1
        rng = stream(seed, "weights", number)
        y = history.Y[:, 0] if single else scalarize(history.Y, rng)
        X = history.X[:, columns]
        process = fit_gaussian(X, y, categorical).process
        failed = history.X_failed[:, columns]
        success = fit_labels(X, failed, categorical) if len(failed) else None
        order = np.argsort(y, kind="stable")[:_INCUMBENTS]
        best = float(process.seen().min())
        beliefs = cls(process, success, best, history.X[order], columns)
        return beliefs.believing(np.concatenate([history.X_failed, history.X_pending]))

    def believing(self, units: FloatArray) -> _Beliefs:
        """The same, as if unit rows (q, d) had the values that are expected of them."""
        newest = units[-MAX_ROWS:, self.columns]
        return replace(self, process=self.process.believing(newest))

    def distance(self, units: FloatArray) -> FloatArray:
        """(k,) How far unit rows (k, d) are from what was seen or is believed, at least.

        The distance in the parameter in which it is greatest, up to 1.
        """
        return self.process.points.nearest(units[:, self.columns])

    def least(self, rng: np.random.Generator) -> float:
        """How far a proposal must be from what is known; see `distance`.

        Usually so far that there is something to learn. Now and then farther, up to half of where
        the cubes around all points would fill the space, so that a search whose model is sure of a
        local minimum looks elsewhere too.
        """
        points = self.process.points.positions
        farthest = 0.5 * (0.5 / len(points)) ** (1 / points.shape[1])
        share, exponent = rng.random(2)
        if share >= _FAR_SHARE or farthest <= _RESOLUTION:
            return _RESOLUTION
        return _RESOLUTION * math.exp(exponent * math.log(farthest / _RESOLUTION))

    def acquisition(self, rng: np.random.Generator, *, alone: bool, blind: bool) -> Acquisition:
        """What a proposal is to maximise."""
        share, kappa = rng.random(), rng.exponential()
        if alone or not (blind or share < _BOUND_SHARE):
            return LogExpectedImprovement(self.best)
        return ConfidenceBound(kappa)


@dataclass(frozen=True, slots=True)
class _Score:
    """An acquisition function of what is believed."""

    beliefs: _Beliefs
    wanted: Acquisition

    def values(self, X: FloatArray) -> FloatArray:
        points = X[:, self.beliefs.columns]
        predicted = self.beliefs.process.predict(points)
        value = self.wanted.value(predicted.mean, predicted.epistemic)
        if self.beliefs.success is not None:
            label = self.beliefs.success.predict(points).mean
            value = value + np.log(np.clip((1 + label) / 2, _LEAST_FEASIBILITY, 1.0))
        return value

    def value_and_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
        columns = self.beliefs.columns
        point = x[np.newaxis, columns]
        found = self.beliefs.process.moments(point)
        value = float(self.wanted.value(found.mean, found.deviation)[0])
        by_mean, by_deviation = self.wanted.slopes(found.mean, found.deviation)
        slope = np.zeros(len(x))
        slope[columns] = (
            by_mean[0] * found.mean_slope[0] + by_deviation[0] * found.deviation_slope[0]
        )
        if self.beliefs.success is not None:
            label = self.beliefs.success.moments(point)
            chance = (1 + float(label.mean[0])) / 2
            value += float(np.log(np.clip(chance, _LEAST_FEASIBILITY, 1.0)))
            if _LEAST_FEASIBILITY < chance < 1:
                slope[columns] += label.mean_slope[0] / (2 * chance)
        return value, slope


@dataclass(frozen=True, slots=True)
class _Free:
    """Which configurations may be proposed."""

    history: History
    beliefs: _Beliefs
    proposed: FloatArray
    """(b, d) Unit rows that were proposed in the same call."""
    least: float
    """How far from what is known, at least."""
    share: float
    """Of all configurations, by chance."""
    salt: np.uint64
    """Decides which."""

    def __call__(self, units: FloatArray) -> BoolArray:
        free = ~(self.history.is_taken(units) | same_rows(units, self.proposed))
        if self.share < 1:
            chance = (row_hashes(units) ^ self.salt) * _ODD >> np.uint64(11)
            free &= chance < self.share * 2**53
        return free & (self.beliefs.distance(units) > self.least)


def _random_box(space: Space, rng: np.random.Generator) -> Box:
    """The unit cube with random margins in the parameters without levels."""
    margins = 10.0 ** rng.uniform(*_LOG_MARGINS, size=(2, len(space)))
    margins[:, [parameter.levels is not None for parameter in space.parameters]] = 0.0
    return Box(margins[0], 1 - margins[1])


def _salt(rng: np.random.Generator) -> np.uint64:
    return rng.integers(2**64, dtype=np.uint64)
