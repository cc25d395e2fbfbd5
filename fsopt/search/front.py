"""Proposals for several objectives, by a Gaussian process of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.moo.hypervolume import reference_point
from fsopt.moo.pareto import nondominated
from fsopt.moo.scalarization import random_weights
from fsopt.search.ascent import best_proposal, starting_points
from fsopt.search.distinct import replace_unusable
from fsopt.search.explanation import Explanation
from fsopt.search.front_acquisition import (
    FrontAcquisition,
    Indifferent,
    LogHypervolumeImprovement,
    TradeoffBound,
)
from fsopt.search.front_beliefs import FrontBeliefs
from fsopt.search.gaussian import Free, Situation, narrowed, salt
from fsopt.search.sampled import Plan
from fsopt.search.transfer import Guide
from fsopt.space import same_rows
from fsopt.streams import stream

_MOST_OBJECTIVES = 3  # of which what no trial dominates is divided into few boxes
_BOUND_SHARE = 0.2  # of the proposals, and
_BESIDE_SHARE = 0.6  # of those beside others that are evaluated
_WIDE_SHARE = 0.5  # of those that maximise the hypervolume
_PART_SHARE = 1 / 3
_LEAST_FOR_PARTS = 4  # trials for each parameter
_LEAST_FEASIBILITY = 0.02
_STARTS = 2  # of climbs, each of which asks the models of all objectives
_DISTANCES = 4_000_000  # between what is looked at and what is known, for all objectives together
_FEWEST = 300  # configurations looked at nevertheless


def suggest_front(history: History, numbers: Sequence[int], seed: int, plan: Plan) -> FloatArray:
    """Propose where the front of several objectives is expected to grow most.

    Each objective has a Gaussian process, which is fitted once for all proposals. Of two or three
    objectives most proposals maximise the expected growth of the dominated hypervolume, in the
    objectives' own units, up to a reference point that is a little worse than the front or, every
    other time, at least the median of all trials, for the ends of the front. The others, and all
    of four or more objectives, minimise an optimistic trade-off whose weights are drawn from the
    study's seed and the trial's number: many workers who do not know of each other then cover the
    whole front.

    Improvements are multiplied by the probability that constraints on outcomes are kept, each of
    which has a Gaussian process too, and count from what violates none. While there is no such
    trial, the probability alone counts.

    A part of the proposals is made by models of the trials near one of the front. What is believed
    of trials that run or failed, and how those who know the same keep apart, is as
    `fsopt.search.gaussian.suggest_gaussian` says.

    Args:
        history: The study so far, in which at least one trial has values.
        numbers: The trials to propose for.
        seed: The study's seed.
        plan: Of the options, how many candidates are looked at for each before climbing.

    Returns:
        (len(numbers), d) As `Optimizer.suggest`.

    Raises:
        InfeasibleSpaceError: If not enough configurations are left.
    """
    units = np.full((len(numbers), len(history.space)), np.nan)
    usable = np.zeros(len(numbers), dtype=np.bool_)
    hidden = max(0, numbers[0] - history.ended - len(history.X_pending))
    whole = FrontBeliefs.of(history)
    guide = Guide.of(history, seed, numbers[0])
    for index, number in enumerate(numbers):
        situation = Situation(history, hidden, units[usable])
        search = _Search.of(situation, whole, stream(seed, "front", number))
        row = search.run(plan.candidates, guide)
        if row is not None:
            units[index], usable[index] = row, True
            whole = whole.believing(row[np.newaxis])
    return replace_unusable(units, usable, history, numbers, seed)


def explain_front(
    history: History, number: int, seed: int, unit: FloatArray, plan: Plan
) -> Explanation:
    """Why `suggest_front` made a proposal (d,); see `Explainer.explain`."""
    hidden = max(0, number - history.ended - len(history.X_pending))
    situation = Situation(history, hidden, np.empty((0, len(unit))))
    search = _Search.of(situation, FrontBeliefs.of(history), stream(seed, "front", number))
    score = search.score
    value = float(score.values(unit[np.newaxis])[0])
    row = search.run(plan.candidates, Guide.of(history, seed, number))
    is_same = row is not None and bool(same_rows(row[np.newaxis], unit[np.newaxis])[0])
    way = "model of the trials near one of the front" if search.in_part else "model of all trials"
    return Explanation(
        source=way if is_same else "model",
        surrogate="Gaussian process of each objective",
        acquisition=score.wanted.name,
        acquisition_value=value,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """How one proposal is looked for."""

    situation: Situation
    score: _Score
    in_part: bool
    rng: np.random.Generator

    @classmethod
    def of(cls, situation: Situation, whole: FrontBeliefs, rng: np.random.Generator) -> _Search:
        history = situation.history
        is_enough = len(history.X) >= _LEAST_FOR_PARTS * len(history.space)
        in_part = rng.random() < _PART_SHARE and is_enough
        beliefs = whole.of_part(history, situation.proposed, rng) if in_part else whole
        wanted = _wanted(beliefs, is_alone=situation.is_alone, rng=rng)
        return cls(situation, _Score(beliefs, wanted), in_part, rng)

    def run(self, candidates: int, guide: Guide | None) -> FloatArray | None:
        """The row (d,) with the best score that is found, or None if none may be proposed."""
        situation, beliefs, rng = self.situation, self.score.beliefs, self.rng
        history, space = situation.history, situation.history.space
        share = 1 / (1 + situation.hidden) if space.cardinality is not None else 1.0
        free = Free(history, beliefs, situation.proposed, situation.resolution, share, salt(rng))
        box = narrowed(beliefs.box, space, rng) if situation.hidden else beliefs.box
        size = sum(process.points.positions.size for process in beliefs.processes)
        count = min(candidates, max(_DISTANCES // size, _FEWEST))
        incumbents = beliefs.incumbents(history, rng)
        pool = starting_points(history, incumbents, count, rng, box)
        if history.noisy:
            pool = np.concatenate([pool, incumbents])
        if guide is not None:
            pool = np.concatenate([pool, guide.draw(history, count // 4, rng)])
        return best_proposal(self.score, space, pool, free, rng, box, _STARTS)


def _wanted(
    beliefs: FrontBeliefs, *, is_alone: bool, rng: np.random.Generator
) -> FrontAcquisition:
    """What a proposal maximises.

    Args:
        beliefs: What is thought of the trials.
        is_alone: Whether nothing else is evaluated at the same time.
        rng: Decides.
    """
    values = beliefs.to_improve()
    if not len(values):
        return Indifferent()
    m = values.shape[1]
    share, kappa, weights = rng.random(), rng.exponential(), random_weights(m, rng)
    if m <= _MOST_OBJECTIVES and share > (_BOUND_SHARE if is_alone else _BESIDE_SHARE):
        reference = beliefs.reference(values)
        if rng.random() < _WIDE_SHARE:
            reference = np.maximum(reference, np.median(beliefs.values(), axis=0))
        return LogHypervolumeImprovement.beyond(values, reference, beliefs.units())
    ideal = values[nondominated(values)].min(axis=0)
    return TradeoffBound(weights / (reference_point(values) - ideal), ideal, kappa)


@dataclass(frozen=True, slots=True)
class _Score:
    """An acquisition function of what is believed."""

    beliefs: FrontBeliefs
    wanted: FrontAcquisition

    def values(self, X: FloatArray) -> FloatArray:
        points = X[:, self.beliefs.columns]
        predicted = [process.predict(points) for process in self.beliefs.processes]
        value = self.wanted.value(
            np.column_stack([one.mean for one in predicted]),
            np.column_stack([one.epistemic for one in predicted]),
        )
        if self.beliefs.success is not None:
            label = self.beliefs.success.predict(points).mean
            value += np.log(np.clip((1 + label) / 2, _LEAST_FEASIBILITY, 1.0))
        return value + self.beliefs.feasibility.log_chance(points)

    def value_and_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
        columns = self.beliefs.columns
        point = x[np.newaxis, columns]
        found = [process.moments(point) for process in self.beliefs.processes]
        mean = np.array([one.mean[0] for one in found])
        deviation = np.array([one.deviation[0] for one in found])
        value = float(self.wanted.value(mean[np.newaxis], deviation[np.newaxis])[0])
        by_mean, by_deviation = self.wanted.slopes(mean, deviation)
        slope = np.zeros(len(x))
        for j, one in enumerate(found):
            slope[columns] += by_mean[j] * one.mean_slope[0]
            slope[columns] += by_deviation[j] * one.deviation_slope[0]
        if self.beliefs.success is not None:
            label = self.beliefs.success.moments(point)
            unclipped = (1 + float(label.mean[0])) / 2
            chance = float(np.clip(unclipped, _LEAST_FEASIBILITY, 1.0))
            slope[columns] += label.mean_slope[0] / 2 * (chance == unclipped) / chance
            value += math.log(chance)
        if self.beliefs.feasibility.processes:
            chance, by_position = self.beliefs.feasibility.log_chance_and_slope(point)
            value += chance
            slope[columns] += by_position
        return value, slope
