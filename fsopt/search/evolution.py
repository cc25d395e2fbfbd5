"""Regularized evolution: good parents, small changes, and nobody lives for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History, row_hashes
from fsopt.search.candidates import other_level
from fsopt.search.distinct import is_valid, replace_unusable
from fsopt.search.explanation import Explanation
from fsopt.search.objective import worth
from fsopt.search.random import RandomSearch
from fsopt.space import Parameter, Space
from fsopt.streams import stream

_CHILDREN = 8  # of different parents, of which the first that can be used is proposed
_STEP = 0.1  # standard deviation of small changes, as a part of the range


@dataclass(frozen=True, slots=True, kw_only=True)
class RegularizedEvolution:
    """Changes one parameter of a good configuration among the newest.

    Real, Aggarwal, Huang, Le, "Regularized evolution for image classifier architecture search",
    arXiv:1802.01548, algorithm 1. The population are the newest completed trials by their numbers:
    they leave it by age and not by value, so that a lucky value is soon forgotten. The parent is
    the best of a random sample of it. Until there are enough completed trials, configurations are
    drawn at random; failed trials never have children.

    One active parameter of the parent changes, always to another value. A category is drawn from
    the others; a number is drawn anew from its whole range or, as often, takes a Gaussian step of
    a tenth of it. Several objectives are combined with weights of each proposal's own; see
    `worth`.

    Raises:
        StudyError: If an option is out of range.
    """

    population: int = 100
    """How many of the newest completed trials may have children."""
    sample: int = 10
    """Of how many of these, drawn at random, the best is the parent. More is greedier."""

    kind: ClassVar[str] = "evolution"

    def __post_init__(self) -> None:
        for name in ("population", "sample"):
            count = getattr(self, name)
            if type(count) is not int or count < 1:
                raise StudyError(f"{name} must be an integer of 1 or more, not {count!r}")
        if self.sample > self.population:
            raise StudyError(
                f"sample, {self.sample}, can't be larger than population, {self.population}"
            )

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        if len(history.X) < self.population or not len(numbers):
            return RandomSearch().suggest(history, numbers, seed)
        space = history.space
        litters = [
            self._children(history, stream(seed, "evolution", number)) for number in numbers
        ]
        children = space.snap(np.concatenate(litters))
        fits = is_valid(space, children) & ~history.is_taken(children)
        units = children[::_CHILDREN].copy()
        usable = np.zeros(len(numbers), dtype=np.bool_)
        proposed: set[int] = set()
        hashes = row_hashes(children).tolist()
        for child in np.flatnonzero(fits).tolist():
            trial = child // _CHILDREN
            if not usable[trial] and hashes[child] not in proposed:
                units[trial], usable[trial] = children[child], True
                proposed.add(hashes[child])
        return replace_unusable(units, usable, history, numbers, seed)

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Of how many trials the parent was drawn; see `Explainer`."""
        if len(history.X) < self.population:
            some = f"{len(history.X)} of the first {self.population} trials have completed"
            return Explanation(source=f"random draw: {some}")
        newest = f"the newest {self.population} trials"
        return Explanation(source=f"a change of the best of {self.sample} of {newest}")

    def _children(self, history: History, rng: np.random.Generator) -> FloatArray:
        """(c, d) Changed configurations of parents, neither snapped nor checked."""
        newest = slice(-self.population, None)
        X, values = history.X[newest], worth(history.Y[newest], history.excess[newest], rng)
        order = rng.random((_CHILDREN, len(X)))
        drawn = np.argsort(order, axis=1)[:, : self.sample]
        parents = drawn[np.arange(_CHILDREN), np.argmin(values[drawn], axis=1)]
        return np.array([mutate(history.space, X[parent], rng) for parent in parents])


def mutate(space: Space, row: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A unit row with one active parameter changed.

    Args:
        space: The space.
        row: (d,) A snapped unit row.
        rng: Source of randomness.

    Returns:
        (d,) A complete unit row, which is not snapped: where the change makes other parameters
        active, they have random values. It is the same configuration if nothing can vary.
    """
    varying = [
        column
        for column, parameter in enumerate(space.parameters)
        if parameter.levels != 1 and not np.isnan(row[column])
    ]
    child: FloatArray = np.where(np.isnan(row), rng.random(len(row)), row)
    if varying:
        column = varying[rng.integers(len(varying))]
        child[column] = _changed(space.parameters[column], row[column : column + 1], rng)[0]
    return child


def _changed(parameter: Parameter, here: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(1,) Another position than a given one (1,)."""
    if rng.random() < 0.5:
        there = rng.random(1)
    else:
        reached = np.abs(here + _STEP * rng.standard_normal(1))  # reflected at both ends
        there = np.clip(1 - np.abs(1 - reached), 0.0, 1.0)
    return there if parameter.levels is None else other_level(parameter, here, there, rng)
