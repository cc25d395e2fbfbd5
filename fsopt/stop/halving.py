"""Successive halving: at each rung only the best part of the trials goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import StudyError
from fsopt.history import BoolArray, FloatArray
from fsopt.stop.base import Decision, check_count
from fsopt.stop.curves import Curves, best_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessiveHalving:
    """At the rungs, a part of the trials goes on.

    Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar, "A system for massively parallel
    hyperparameter tuning", MLSys 2020: asynchronous, so that nobody waits for others to arrive at
    a rung. The rungs are ``min_steps * factor**i``.

    Without ``pause``, a trial stops at a rung if it is not among the best ``n // factor`` of the
    ``n`` that have reached it so far, of which there is at least one; so those that come early go
    on easily. With ``pause``, it waits there until it is, so that it never goes on by luck of its
    time and no configuration is lost; it takes objectives that keep checkpoints. If no more trials
    begin and all are paused, the best of the highest rung goes on, until one is complete.

    Raises:
        StudyError: If an option is out of range.
    """

    max_steps: int
    """The steps of a complete trial."""
    min_steps: int = 1
    """The first rung."""
    factor: int = 3
    """Of how many trials one goes on."""
    pause: bool = False
    """Whether trials that do not go on are paused, and promoted once they are good enough."""

    kind: ClassVar[str] = "halving"

    def __post_init__(self) -> None:
        check_ladder(self.min_steps, self.max_steps, self.factor, self.pause)

    @property
    def pauses(self) -> bool:
        """Whether it may pause a trial."""
        return self.pause

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        return self._ladder().decide(curves, trial)

    def promote(self, curves: Curves, seed: int) -> list[int]:
        """The paused trials that are to go on; see `Stopper.promote`."""
        return self._ladder().promote(curves)

    def _ladder(self) -> Ladder:
        rungs = rungs_between(self.min_steps, self.max_steps, self.factor)
        return Ladder(rungs, self.max_steps, self.factor, pause=self.pause)


def check_ladder(min_steps: object, max_steps: object, factor: object, pause: object) -> None:
    """Check the options of halving.

    Raises:
        StudyError: If one is out of range.
    """
    check_count("max_steps", max_steps)
    check_count("min_steps", min_steps)
    check_count("factor", factor, 2)
    if isinstance(max_steps, int) and isinstance(min_steps, int) and min_steps > max_steps:
        raise StudyError(f"min_steps, {min_steps}, can't be more than max_steps, {max_steps}")
    if not isinstance(pause, bool):
        raise StudyError(f"pause must be True or False, not {pause!r}")


def rungs_between(min_steps: int, max_steps: int, factor: int) -> tuple[int, ...]:
    """The rungs ``min_steps * factor**i`` below the last step."""
    rungs = []
    while min_steps < max_steps:
        rungs.append(min_steps)
        min_steps *= factor
    return tuple(rungs)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs that some trials climb in competition with each other."""

    rungs: tuple[int, ...]
    max_steps: int
    factor: int
    pause: bool
    members: BoolArray | None = None
    """(n,) Which rows of the curves compete; None for all."""

    def decide(self, curves: Curves, trial: int) -> Decision:
        """Stop or pause a trial whose newest report reached a rung where it is not good enough."""
        before, step = curves.last_steps(trial)
        if step >= self.max_steps:
            return Decision.STOP
        rung = max((rung for rung in self.rungs if before < rung <= step), default=None)
        if rung is None:
            return Decision.CONTINUE
        values, row = self._values(curves, rung), curves.row(trial)
        if not self.pause:
            return Decision.CONTINUE if self._survives(values, row) else Decision.STOP
        if row in self._best(curves, values) or row == self._last_hope(curves, row):
            return Decision.CONTINUE
        return Decision.PAUSE

    def promote(self, curves: Curves) -> list[int]:
        """The paused trials that are among the best of their rung; from the highest rung down."""
        promoted: list[int] = []
        if not (self.pause and curves.is_paused.any()):
            return promoted
        above = self.max_steps
        for rung in reversed(self.rungs):
            values = self._values(curves, rung)
            rows = self._best(curves, values)
            rows = rows[curves.is_paused[rows] & np.isnan(curves.at(above)[rows])]
            order = np.lexsort((curves.numbers[rows], values[rows]))
            promoted += curves.numbers[rows[order]].tolist()
            above = rung
        hope = None if promoted else self._last_hope(curves, None)
        if hope is not None and curves.is_paused[hope]:
            promoted.append(int(curves.numbers[hope]))
        return promoted

    def _values(self, curves: Curves, rung: int) -> FloatArray:
        """(n,) The members' values at a rung; NaN where they have not reached it."""
        values = curves.at(rung)
        return values if self.members is None else np.where(self.members, values, np.nan)

    def _survives(self, values: FloatArray, row: int) -> bool:
        """Whether a trial is among the best at a rung; of equals all are."""
        reached = values[~np.isnan(values)]
        if len(reached) == 1:
            return True
        count = max(1, len(reached) // self.factor)
        limit = np.partition(reached, count - 1)[count - 1]
        return bool(np.isfinite(values[row]) and values[row] <= limit)

    def _best(self, curves: Curves, values: FloatArray) -> NDArray[np.intp]:
        """The rows of those that may leave a rung upwards."""
        reached = np.flatnonzero(~np.isnan(values))
        best = best_rows(values[reached], curves.numbers[reached], len(reached) // self.factor)
        rows = reached[best]
        return rows[np.isfinite(values[rows])]

    def _last_hope(self, curves: Curves, me: int | None) -> int | None:
        """The row that goes on if otherwise no trial would ever be complete."""
        is_candidate = ~curves.has_ended
        if self.members is not None:
            is_candidate &= self.members
        goes_on = is_candidate & ~curves.is_paused
        if me is not None:
            goes_on[me] = False
        is_done = np.isfinite(self._values(curves, self.max_steps)).any()
        if not curves.is_full or goes_on.any() or is_done:
            return None
        for rung in reversed(self.rungs):
            values = curves.at(rung)
            rows = np.flatnonzero(is_candidate & np.isfinite(values))
            if len(rows):
                return int(rows[best_rows(values[rows], curves.numbers[rows], 1)[0]])
        return None
