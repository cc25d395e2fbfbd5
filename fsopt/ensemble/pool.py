"""The candidates for an ensemble, and sums over some of them, as a loss sees them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fsopt.ensemble.aggregators import FloatArray
from fsopt.ensemble.losses import Loss, true_values, votes
from fsopt.errors import PredictionError
from fsopt.predictions import Array, IntArray, Prediction

KEPT_BYTES = 2**29
"""How much of the candidates' statistics is kept in memory; the rest is read again each time."""


class Source(Protocol):
    """Where a prediction comes from, which may be a file; a `Prediction` is its own source."""

    def load(self) -> Prediction:
        """The prediction."""
        ...


class Pool:
    """The candidates as a loss sees them: their statistics, kept as far as memory is meant for it.

    Args:
        loss: Which.
        y: (n,) The true values.
        candidates: What each model predicts.
    """

    def __init__(self, loss: Loss, y: Array, candidates: Sequence[Source]) -> None:
        if not len(candidates):
            raise PredictionError("there are no predictions to select from")
        known = np.asarray(y)
        if known.ndim != 1 or not len(known):
            raise PredictionError(f"true values must be a list, not of shape {known.shape}")
        sources = with_votes(loss, known, candidates)

        def read(number: int) -> Part:
            return Part.of(loss, known, sources[number].load())

        self._begin(loss, known, len(sources), read)

    def _begin(self, loss: Loss, y: Array, count: int, read: Callable[[int], Part]) -> None:
        self.loss, self.y = loss, y
        self._count, self._read = count, read
        self._kept: dict[int, Part] = {}
        self._room = KEPT_BYTES
        self.width = len(self[0].statistics)
        """How many statistics a row has."""
        self.own = np.array([self._own(self[number]) for number in range(count)])
        """(m,) The loss of each candidate, over the rows that it tells of; infinite if of none."""
        if not np.isfinite(self.own).any():
            raise PredictionError("no candidate has a finite loss")

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Part:
        """What is known of a candidate.

        Raises:
            PredictionError: If it does not fit the loss or the true values.
        """
        part = self._kept.get(number)
        if part is None:
            part = self._read(number)
            if part.size <= self._room:
                self._room -= part.size
                self._kept[number] = part
        return part

    def at(self, rows: IntArray) -> Pool:
        """The same candidates, judged by some rows (k,) only.

        Raises:
            PredictionError: If none of them tells of any of these.
        """
        pool = Pool.__new__(Pool)
        pool._begin(self.loss, self.y[rows], len(self), lambda number: self[number].at(rows))
        return pool

    def best(self, count: int, among: Sequence[int] | None = None) -> list[int]:
        """The candidates with the least losses of their own, the best first."""
        numbers = np.arange(len(self)) if among is None else np.asarray(among)
        order = np.argsort(self.own[numbers], kind="stable")[:count]
        found: list[int] = numbers[order].tolist()
        return found

    def _own(self, part: Part) -> float:
        if len(part.statistics) != self.width:
            raise PredictionError("candidates have different numbers of classes")
        if not part.statistics.shape[1]:
            return math.inf
        known = self.y if part.rows is None else self.y[part.rows]
        return self.loss.of_means(known, part.statistics)


def with_votes(loss: Loss, y: Array, candidates: Sequence[Source]) -> Sequence[Source]:
    """The candidates, with classes as probabilities of 0 and 1, so that all have as many columns.

    Raises:
        PredictionError: If they are classes and the loss is not of such.
    """
    if candidates[0].load().kind != "labels":
        return candidates
    true_values(loss, y, candidates[0].load())
    highest = max(int(candidate.load().array.max(initial=0)) for candidate in candidates)
    classes = 1 + max(highest, int(y.max()))
    return [_Votes(candidate, classes) for candidate in candidates]


@dataclass(frozen=True, slots=True, eq=False)
class _Votes:
    source: Source
    classes: int

    def load(self) -> Prediction:
        return votes(self.source.load(), self.classes)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A candidate's statistics (s, k) for some rows (k,), or for all."""

    statistics: Array
    rows: IntArray | None

    @classmethod
    def of(cls, loss: Loss, y: Array, prediction: Prediction) -> Part:
        """Of a prediction for rows with these true values (n,).

        Raises:
            PredictionError: If it fits neither the loss nor the true values.
        """
        known = true_values(loss, y, prediction)
        statistics = np.ascontiguousarray(loss.statistics(known, prediction))
        return cls(statistics, None if prediction.index is None else prediction.index.copy())

    def at(self, rows: IntArray) -> Part:
        """For some rows (k,), which are counted from 0 anew."""
        if self.rows is None:
            return Part(np.ascontiguousarray(self.statistics[:, rows]), None)
        highest = max(int(self.rows.max(initial=0)), int(rows.max(initial=0)))
        where = np.full(highest + 1, -1)
        where[self.rows] = np.arange(len(self.rows))
        found = where[rows]
        return Part(self.statistics[:, found[found >= 0]], np.flatnonzero(found >= 0))

    @property
    def size(self) -> int:
        """In bytes."""
        return self.statistics.nbytes + (0 if self.rows is None else self.rows.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Weighted sums of statistics (s, n), and of weights: (n,), or () if the same for all rows."""

    sums: FloatArray
    weight: FloatArray

    @classmethod
    def empty(cls, pool: Pool) -> Mixture:
        """Of no member."""
        return cls(np.zeros((pool.width, len(pool.y))), np.zeros(()))

    @property
    def means(self) -> FloatArray:
        """(s, n) Of the statistics; NaN in rows of which no member tells."""
        weight = np.where(self.weight > 0, self.weight, np.nan)
        means: FloatArray = self.sums / weight
        return means

    def plus(self, part: Part, weight: float = 1.0) -> Mixture:
        """With one member more."""
        statistics = part.statistics if weight == 1 else weight * part.statistics
        if part.rows is None:
            return Mixture(self.sums + statistics, self.weight + weight)
        sums, weights = self.sums.copy(), np.full(self.sums.shape[1], self.weight)
        sums[:, part.rows] += statistics
        weights[part.rows] += weight
        return Mixture(sums, weights)

    def loss(self, pool: Pool) -> float:
        """Over the rows of which a member tells."""
        return loss_of_means(pool.loss, pool.y, self.means)


def loss_of_means(loss: Loss, y: Array, means: FloatArray) -> float:
    """The mean loss over the rows (n,) whose means (s, n) are not NaN."""
    covered = ~np.isnan(means[0])
    if covered.all():
        return loss.of_means(y, means)
    return loss.of_means(y[covered], means[:, covered])
