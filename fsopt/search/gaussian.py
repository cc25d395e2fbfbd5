"""Proposals that a Gaussian process makes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fsopt.history import BoolArray, FloatArray, History, row_hashes
from fsopt.search.acquisition import Acquisition, ConfidenceBound, LogExpectedImprovement
from fsopt.search.ascent import Box, best_proposal, starting_points
from fsopt.search.beliefs import Beliefs, values_of
from fsopt.search.distinct import replace_unusable
from fsopt.search.estimate import restored, restored_deviation
from fsopt.search.explanation import Explanation
from fsopt.search.sampled import Plan
from fsopt.search.transfer import Guide
from fsopt.space import Space, same_rows
from fsopt.streams import stream
from fsopt.surrogate import MAX_ROWS, subset

_BOUND_SHARE = 0.5  # by a confidence bound, of the proposals while many others are evaluated
_FEW = 4  # others, while which are evaluated half of that share
_LEAST_FEASIBILITY = 0.02
_RESOLUTION = 1e-6  # evaluations that are closer to each other than this tell nothing
_APART = 1e-4  # evaluations at the same time are farther from each other than this
_FAR_SHARE, _PART_SHARE = 0.1, 1 / 3  # of the proposals
_POLISH_SHARE = 0.5  # of those that can improve next to nothing, and yet are made
_DISTANCES = 5_000_000  # between what is looked at and what is known, which takes 0.1 s
_FEWEST = 500  # configurations looked at nevertheless
_LEAST_FOR_PARTS = 4  # trials for each parameter
_ODD = np.uint64(0x9E3779B97F4A7C15)  # spreads the bits of a hash
_LOG_MARGINS = (-4.0, -1.3)  # of the bounds, to base 10, where others may propose the same


def suggest_gaussian(
    history: History, numbers: Sequence[int], seed: int, plan: Plan
) -> FloatArray:
    """Propose where a Gaussian process expects the largest improvement.

    Some proposals are made by a model of the trials near a good one (`Beliefs.of_part`), and some
    far from all trials (`Beliefs.levelled`), above all where the others could improve next to
    nothing (`Beliefs.is_worthwhile`): so the search neither sticks to one basin nor polishes it
    forever.

    Trials that run, those proposed before in the same call, and failed ones are believed to have
    the values that are expected of them, so nothing is to be learned there any more. Failures make
    configurations like them less attractive: the expected improvement is multiplied by the
    probability of success.

    While others are evaluated, up to half of the proposals are made by a lower confidence bound
    instead, whose weight is drawn from an exponential distribution: proposals from almost the same
    data then differ, and explore more. All are if there are trials that this process knows nothing
    about yet. Lest two processes that know the same propose the same corner, numbers then keep
    random distances from their bounds; and of a finite space, a random part is left to the others.

    Args:
        history: The study so far, in which at least one trial has a value.
        numbers: The trials to propose for.
        seed: The study's seed.
        plan: The options: how many candidates are looked at for each before climbing, and the
            acquisition, which is maximised instead of what is said above if it is explicit.

    Returns:
        (len(numbers), d) As `Optimizer.suggest`.

    Raises:
        InfeasibleSpaceError: If not enough configurations are left.
    """
    units = np.full((len(numbers), len(history.space)), np.nan)
    usable = np.zeros(len(numbers), dtype=np.bool_)
    values = values_of(history, seed, numbers[0], plan.tradeoff)
    hidden = max(0, numbers[0] - history.ended - len(history.X_pending))
    whole = Beliefs.of(history, values)
    guide = Guide.of(history, seed, numbers[0])
    for index, number in enumerate(numbers):
        task = _Task(history, hidden, units[usable], values, number, plan, guide)
        row, _ = _propose(task, whole, stream(seed, "gaussian", number))
        if row is not None:
            units[index], usable[index] = row, True
            whole = whole.believing(row[np.newaxis])
    return replace_unusable(units, usable, history, numbers, seed)


def explain_gaussian(
    history: History, number: int, seed: int, unit: FloatArray, plan: Plan
) -> Explanation:
    """Why `suggest_gaussian` made a proposal (d,); see `Explainer.explain`."""
    values = values_of(history, seed, number, plan.tradeoff)
    whole = Beliefs.of(history, values)
    hidden = max(0, number - history.ended - len(history.X_pending))
    guide = Guide.of(history, seed, number)
    task = _Task(history, hidden, np.empty((0, len(unit))), values, number, plan, guide)
    rng = stream(seed, "gaussian", number)
    row, way = _propose(task, whole, rng)
    is_same = row is not None and bool(same_rows(row[np.newaxis], unit[np.newaxis])[0])
    wanted: Acquisition = LogExpectedImprovement(whole.best)
    if plan.is_explicit:
        wanted = task.acquisition(whole.best, rng)
    found = whole.process.predict(unit[np.newaxis, whole.columns])
    z = whole.model.process.values()
    y = values[subset(history.X[:, whole.columns], values, MAX_ROWS)]
    single = history.Y.shape[1] == 1
    return Explanation(
        source=f"model {way}" if is_same else "model",
        surrogate="Gaussian process",
        mean=float(restored(found.mean, z, y)[0]) if single else None,
        deviation=float(restored_deviation(found.mean, found.epistemic, z, y)[0])
        if single
        else None,
        acquisition=plan.acquisition_name if plan.is_explicit else "logei",
        acquisition_value=float(_Score(whole, wanted, guide).values(unit[np.newaxis])[0]),
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """What else is evaluated while a proposal is."""

    history: History
    hidden: int
    """How many trials there are, at least, that this process knows nothing about yet."""
    proposed: FloatArray
    """(b, d) Unit rows that were proposed in the same call."""

    @property
    def beside(self) -> int:
        """How many others are evaluated at the same time, that this process knows of."""
        return len(self.proposed) + len(self.history.X_pending)

    @property
    def is_alone(self) -> bool:
        """Whether nothing else is evaluated at the same time."""
        return self.hidden + self.beside == 0

    @property
    def resolution(self) -> float:
        """How far from what is known a proposal must be, at least."""
        if self.history.noisy:
            return -1.0
        return _RESOLUTION if self.is_alone else _APART


@dataclass(frozen=True, slots=True)
class _Task(Situation):
    """What one proposal is based on."""

    values: FloatArray
    """(n,) What the trials are worth."""
    number: int
    plan: Plan
    guide: Guide | None = None

    def acquisition(self, best: float, rng: np.random.Generator) -> Acquisition:
        """What is to be maximised."""
        share, kappa = rng.random(), rng.exponential()
        if self.plan.is_explicit:
            weights = self.plan.weights(self.number, len(self.history.space))
            return self.plan.acquisition_of(
                best, weights if self.is_alone else weights.scaled(kappa)
            )
        by_bound = _BOUND_SHARE * self.beside / (self.beside + _FEW)
        if self.is_alone or not (self.hidden or share < by_bound):
            return LogExpectedImprovement(best)
        return ConfidenceBound(kappa)


def _propose(
    task: _Task, whole: Beliefs, rng: np.random.Generator
) -> tuple[FloatArray | None, str]:
    """The proposal (d,), or None if there is no good one, and how it was made."""
    is_far, in_part, in_earnest = rng.random(3) < (_FAR_SHARE, _PART_SHARE, _POLISH_SHARE)
    row, way = None, "of all trials"
    if not is_far:
        beliefs = whole
        if in_part and len(task.values) >= _LEAST_FOR_PARTS * len(task.history.space):
            beliefs = whole.of_part(task.history, task.values, rng).believing(task.proposed)
            way = "of the trials near a good one"
        row = _best(task, beliefs, task.resolution, rng)
        if row is not None and (in_earnest or whole.is_worthwhile(row)):
            return row, way
    levelled = whole.levelled(rng)
    far = _best(task, levelled, levelled.far(rng), rng)
    return (row, way) if far is None else (far, "of all trials, far from each of them")


def _best(
    task: _Task, beliefs: Beliefs, least: float, rng: np.random.Generator
) -> FloatArray | None:
    """The most wanted row (d,) that is at least so far from what is known, if there is any."""
    history, space = task.history, task.history.space
    score = _Score(beliefs, task.acquisition(beliefs.best, rng), task.guide)
    share = 1 / (1 + task.hidden) if space.cardinality is not None else 1.0
    is_free = Free(history, beliefs, task.proposed, least, share, salt(rng))
    box = narrowed(beliefs.box, space, rng) if task.hidden else beliefs.box
    affordable = max(_DISTANCES // beliefs.process.points.positions.size, _FEWEST)
    count = min(task.plan.candidates, affordable)
    pool = starting_points(history, beliefs.incumbents, count, rng, box)
    if history.noisy:
        pool = np.concatenate([pool, beliefs.incumbents])
    if task.guide is not None:
        pool = np.concatenate([pool, task.guide.draw(history, count // 4, rng)])
    return best_proposal(score, space, pool, is_free, rng, box)


@dataclass(frozen=True, slots=True)
class _Score:
    """An acquisition function of what is believed."""

    beliefs: Beliefs
    wanted: Acquisition
    guide: Guide | None = None

    def values(self, X: FloatArray) -> FloatArray:
        value = self._learned(X)
        if self.guide is None:
            return value
        weight = self.guide.log_weight(X)
        return value * np.exp(weight) if self.wanted.is_gain else value + weight

    def value_and_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
        value, slope = self._learned_slope(x)
        if self.guide is None:
            return value, slope
        weight, by_position = self.guide.log_weight(x[np.newaxis])[0], self.guide.slope(x)
        if self.wanted.is_gain:
            factor = math.exp(weight)
            return value * factor, (slope + value * by_position) * factor
        return value + weight, slope + by_position

    def _learned(self, X: FloatArray) -> FloatArray:
        points = X[:, self.beliefs.columns]
        predicted = self.beliefs.process.predict(points)
        value = self.wanted.value(predicted.mean, predicted.epistemic)
        if self.beliefs.success is not None:
            label = self.beliefs.success.predict(points).mean
            chance = np.clip((1 + label) / 2, _LEAST_FEASIBILITY, 1.0)
            return value * chance if self.wanted.is_gain else value + np.log(chance)
        return value

    def _learned_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
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
            unclipped = (1 + float(label.mean[0])) / 2
            chance = float(np.clip(unclipped, _LEAST_FEASIBILITY, 1.0))
            by_chance = label.mean_slope[0] / 2 * (chance == unclipped)
            if self.wanted.is_gain:
                slope[columns] = slope[columns] * chance + value * by_chance
                return value * chance, slope
            slope[columns] += by_chance / chance
            value += math.log(chance)
        return value, slope


class Located(Protocol):
    """What knows where evaluations were."""

    def distance(self, units: FloatArray) -> FloatArray:
        """(k,) How far unit rows (k, d) are from the nearest of them."""
        ...


@dataclass(frozen=True, slots=True)
class Free:
    """Which configurations may be proposed."""

    history: History
    beliefs: Located
    proposed: FloatArray
    """(b, d) Unit rows that were proposed in the same call."""
    least: float
    """How far from what is known, at least."""
    share: float
    """Of all configurations, by chance."""
    salt: np.uint64
    """Decides which."""

    def __call__(self, units: FloatArray) -> BoolArray:
        """(k,) Which of the valid, snapped unit rows (k, d) may be proposed."""
        free = ~same_rows(units, self.proposed)
        if not self.history.noisy:
            free &= ~self.history.is_taken(units)
        if self.share < 1:
            chance = (row_hashes(units) ^ self.salt) * _ODD >> np.uint64(11)
            free &= chance < self.share * 2**53
        return free & (self.beliefs.distance(units) > self.least)


def narrowed(box: Box, space: Space, rng: np.random.Generator) -> Box:
    """A box with random margins to the bounds of the parameters without levels."""
    margins = 10.0 ** rng.uniform(*_LOG_MARGINS, size=(2, len(space)))
    margins[:, [parameter.levels is not None for parameter in space.parameters]] = 0.0
    low, high = np.maximum(box.low, margins[0]), np.minimum(box.high, 1 - margins[1])
    return Box(np.minimum(low, high), high)


def salt(rng: np.random.Generator) -> np.uint64:
    """What makes a random choice by hashes."""
    return rng.integers(2**64, dtype=np.uint64)
