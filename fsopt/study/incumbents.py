"""The best trials so far, and since when there was no better one.

Everything here is a function of the trials in the table, in the order of their numbers: not of
when they ended, which no two processes know alike, nor of when somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fsopt.history import BoolArray, FloatArray, IntArray
from fsopt.moo.pareto import nondominated
from fsopt.objectives import Objectives
from fsopt.state import TrialState
from fsopt.state.table import TrialTable


class Incumbents:
    """Follows a table of trials; what it is asked costs little while nothing changes.

    The incumbents are the completed trials that no other dominates, of equal ones the first. With
    one objective that is the best trial. Trials that violate a constraint on what they report do
    not count.
    """

    def __init__(self, trials: TrialTable, objectives: Objectives) -> None:
        self._trials = trials
        self._objectives = objectives
        self._changes = trials.watch()
        self._numbers = np.empty(0, dtype=np.int64)
        self._Y = np.empty((0, len(objectives.directions)))
        self._unimproved = 0
        self._rebuild()

    @property
    def numbers(self) -> list[int]:
        """The incumbents, ascending."""
        self._follow()
        numbers: list[int] = self._numbers.tolist()
        return numbers

    @property
    def unimproved(self) -> int:
        """How many finished trials have higher numbers than the last one that was an improvement.

        An improvement is a completed trial that none with a lower number equals or dominates. If
        there is none all finished trials count.
        """
        self._follow()
        return self._unimproved

    def reach(self, target: Mapping[str, float]) -> bool:
        """Whether one trial is at least as good as each of some values.

        Args:
            target: For some of the objectives, in their own units and directions.
        """
        self._follow()
        wanted = np.array([[target.get(name, np.nan) for name in self._objectives.directions]])
        bounds = self._objectives.to_minimise(wanted)
        # Whatever reaches it is dominated by an incumbent that reaches it too.
        return bool(((bounds >= self._Y) | np.isnan(bounds)).all(axis=1).any())

    def _follow(self) -> None:
        changed = self._changes.drain()
        if not len(changed):
            return
        numbers, Y = self._completed(changed)
        touched = np.isin(self._numbers, changed)
        if touched.any():
            # A result that came late may take the place of the one that made it an incumbent.
            at = np.isin(numbers, self._numbers)
            same = np.array_equal(numbers[at], self._numbers[touched])
            if not (same and np.array_equal(Y[at], self._Y[touched])):
                self._rebuild()
                return
        self._admit(numbers, Y)

    def _rebuild(self) -> None:
        self._changes.drain()
        self._numbers, self._Y = self._numbers[:0], self._Y[:0]
        self._admit(*self._completed(None))

    def _completed(self, among: IntArray | None) -> tuple[IntArray, FloatArray]:
        """Numbers (n,) and values (n, m), to be minimised, of trials that count."""
        found = self._trials.configurations(among)
        done = found.having(TrialState.COMPLETED) & self._objectives.are_allowed(found.values)
        return found.numbers[done], self._objectives.to_minimise(found.values[done])

    def _admit(self, numbers: IntArray, Y: FloatArray) -> None:
        numbers, first = np.unique(np.append(self._numbers, numbers), return_index=True)
        Y = np.vstack([self._Y, Y])[first]
        best = _first_nondominated(Y)
        self._numbers, self._Y = numbers[best], Y[best]
        # The last improvement is an incumbent: what dominates it would have improved on it later.
        last = int(self._numbers[-1]) if len(self._numbers) else -1
        below = self._trials.count(last + 1)
        finished = sum(many for state, many in below.items() if state.is_finished)
        self._unimproved = self._trials.finished - finished


def _first_nondominated(Y: FloatArray) -> BoolArray | IntArray:
    """Which points (n, m) no other dominates, nor equals one further up."""
    if not len(Y):
        return np.empty(0, dtype=np.int64)
    if Y.shape[1] == 1:
        return np.array([Y[:, 0].argmin()])
    _, first = np.unique(Y, axis=0, return_index=True)
    first.sort()
    chosen: IntArray = first[nondominated(Y[first])]
    return chosen
