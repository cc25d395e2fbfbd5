"""Hyperband: successive halving from several first rungs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fsopt.history import FloatArray, IntArray
from fsopt.stop.base import Decision
from fsopt.stop.curves import Curves
from fsopt.stop.halving import Ladder, check_ladder, rungs_between

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperband:
    """Successive halving in brackets, which begin at different rungs.

    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar, "Hyperband: a novel bandit-based approach to
    hyperparameter optimization", JMLR 18 (2018), algorithm 1, whose brackets run asynchronously
    and for as long as there are trials. With ``b`` brackets, bracket ``s`` from ``b - 1`` to 0
    begins at the rung of ``factor**(b - 1 - s)`` times ``min_steps``, and has a share of the
    trials proportional to ``factor**s / (s + 1)``, so that each bracket is worth as many steps.
    It loses little where first steps mislead, and costs more where they do not. Trials compete
    within their bracket, which their number and the seed determine.

    Raises:
        StudyError: If an option is out of range.
    """

    max_steps: int
    """The steps of a complete trial."""
    min_steps: int = 1
    """The first rung of the bracket that begins earliest."""
    factor: int = 3
    """Of how many trials one goes on."""
    pause: bool = False
    """As of `SuccessiveHalving`."""

    kind: ClassVar[str] = "hyperband"

    def __post_init__(self) -> None:
        check_ladder(self.min_steps, self.max_steps, self.factor, self.pause)

    @property
    def pauses(self) -> bool:
        """Whether it may pause a trial."""
        return self.pause

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        bracket = int(self.brackets(trial, seed))
        return self._ladder(curves, bracket, seed).decide(curves, trial)

    def promote(self, curves: Curves, seed: int) -> list[int]:
        """The paused trials that are to go on, those of greedier brackets first."""
        brackets = range(len(self._shares()))
        ladders = [self._ladder(curves, bracket, seed) for bracket in brackets]
        return [trial for ladder in ladders for trial in ladder.promote(curves)]

    def brackets(self, trials: ArrayLike, seed: int) -> IntArray:
        """The bracket of each trial: 0 begins at the first rung, each other one rung higher.

        Multiples of the golden ratio are spread evenly, so that any trials in a row are shared
        out as all are.
        """
        numbers = np.asarray(trials, dtype=np.float64)
        places = (seed % 2**20 * math.sqrt(2.0) + numbers * _GOLDEN) % 1.0
        return np.searchsorted(np.cumsum(self._shares())[:-1], places, side="right")

    def _shares(self) -> FloatArray:
        """(b,) The share of the trials of each bracket."""
        count = len(rungs_between(self.min_steps, self.max_steps, self.factor)) + 1
        left = np.arange(count - 1, -1, -1)
        weights = float(self.factor) ** left / (left + 1)
        shares: FloatArray = weights / weights.sum()
        return shares

    def _ladder(self, curves: Curves, bracket: int, seed: int) -> Ladder:
        rungs = rungs_between(self.min_steps, self.max_steps, self.factor)[bracket:]
        members = self.brackets(curves.numbers, seed) == bracket
        return Ladder(rungs, self.max_steps, self.factor, self.pause, members)
