"""The learning curves of a study, as stoppers look at them."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fsopt.history import BoolArray, FloatArray, IntArray

_FIRST_CAPACITY = 64


def _same(value: float) -> float:
    return value


class Curves:
    """What every trial has reported, step by step, and who of them is paused or has ended.

    Values are to be minimised; what is not finite counts as infinite, which is worse than all
    else, and so does everything that a failed trial has reported. Whoever keeps a study's curves
    tells each report once; then `at` costs no more than an array of the trials. What `Curves`
    gives does not depend on the order in which it was told, except for the order of rows.

    Args:
        to_minimise: What makes of a value that a user wrote, such as a threshold, one that is to
            be minimised.
    """

    def __init__(self, to_minimise: Callable[[float], float] = _same) -> None:
        self.to_minimise = to_minimise
        self.is_full = False
        """Whether no more trials will begin, so that nobody need wait for them."""
        self._rows: dict[int, int] = {}
        self._steps: list[array[int]] = []
        self._values: list[array[float]] = []
        self._numbers = np.empty(_FIRST_CAPACITY, dtype=np.int64)
        self._is_paused = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self._has_ended = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self._has_failed = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self._watched: list[int] = []
        self._columns: dict[int, FloatArray] = {}

    def __len__(self) -> int:
        """How many trials there are, ``n``."""
        return len(self._rows)

    @property
    def numbers(self) -> IntArray:
        """(n,) The trial of each row, in the order in which they were first told of."""
        return self._numbers[: len(self)]

    @property
    def is_paused(self) -> BoolArray:
        """(n,) Which trials a stopper has paused."""
        return self._is_paused[: len(self)]

    @property
    def has_ended(self) -> BoolArray:
        """(n,) Which trials are completed, stopped or failed."""
        return self._has_ended[: len(self)]

    def at(self, step: int) -> FloatArray:
        """(n,) The value of each trial when it first reached a step; NaN where it has not."""
        if step not in self._columns:
            self._columns[step] = np.full(len(self._numbers), np.nan)
            insort(self._watched, step)
            for row in range(len(self)):
                self._set(row, [step])
        return self._columns[step][: len(self)]

    def row(self, trial: int) -> int:
        """The row of a trial.

        Raises:
            KeyError: If nothing was told of it.
        """
        return self._rows[trial]

    def last_steps(self, trial: int) -> tuple[int, int]:
        """The highest two steps that a trial has reported, ascending; 0 where it has not."""
        row = self._rows.get(trial)
        first, second = (0, 0, *(self._steps[row][-2:] if row is not None else ()))[-2:]
        return first, second

    def curve(self, trial: int) -> tuple[IntArray, FloatArray]:
        """The steps (k,), ascending, and values (k,) of a trial; empty if it has reported none."""
        row = self._rows.get(trial)
        if row is None:
            return np.empty(0, dtype=np.int64), np.empty(0)
        values = np.array(self._values[row])
        values[~np.isfinite(values) | self._has_failed[row]] = np.inf
        return np.array(self._steps[row], dtype=np.int64), values

    def report(self, trial: int, step: int, value: float) -> None:
        """A trial has reported a value; of several at one step the one told last holds."""
        row = self._row(trial)
        steps, values = self._steps[row], self._values[row]
        before = steps[-1] if steps else 0
        if step > before:
            steps.append(step)
            values.append(value)
            first = bisect_right(self._watched, before)
            self._set(row, self._watched[first : bisect_right(self._watched, step)])
            return
        place = bisect_left(steps, step)
        if steps[place] == step:
            values[place] = value
        else:
            steps.insert(place, step)
            values.insert(place, value)
        self._set(row, self._watched)

    def replace(self, trial: int, reports: Mapping[int, float]) -> None:
        """A trial's values by step are these, whatever was told before."""
        row, steps = self._row(trial), sorted(reports)
        self._steps[row] = array("q", steps)
        self._values[row] = array("d", (reports[step] for step in steps))
        for step in self._watched:
            self._columns[step][row] = np.nan
        self._set(row, self._watched)

    def pause(self, trial: int) -> None:
        """A trial waits to be promoted."""
        self._stand(trial, is_paused=True)

    def resume(self, trial: int) -> None:
        """A trial that was paused, or has failed, goes on."""
        self._stand(trial)

    def end(self, trial: int) -> None:
        """A trial was completed or stopped."""
        self._stand(trial, has_ended=True)

    def fail(self, trial: int) -> None:
        """A trial has failed; nothing that it reported is worth anything."""
        self._stand(trial, has_ended=True, has_failed=True)

    def _stand(
        self,
        trial: int,
        *,
        is_paused: bool = False,
        has_ended: bool = False,
        has_failed: bool = False,
    ) -> None:
        row = self._row(trial)
        self._is_paused[row], self._has_ended[row] = is_paused, has_ended
        if self._has_failed[row] != has_failed:
            self._has_failed[row] = has_failed
            self._set(row, self._watched)

    def _row(self, trial: int) -> int:
        row = self._rows.get(trial)
        if row is None:
            row = len(self)
            if row == len(self._numbers):
                self._grow()
            self._rows[trial] = row
            self._numbers[row] = trial
            self._steps.append(array("q"))
            self._values.append(array("d"))
        return row

    def _grow(self) -> None:
        more = len(self._numbers)
        self._numbers = np.append(self._numbers, np.empty_like(self._numbers))
        nobody = np.zeros(more, dtype=np.bool_)
        self._is_paused = np.append(self._is_paused, nobody)
        self._has_ended = np.append(self._has_ended, nobody)
        self._has_failed = np.append(self._has_failed, nobody)
        nothing = np.full(more, np.nan)
        self._columns = {
            step: np.append(column, nothing) for step, column in self._columns.items()
        }

    def _set(self, row: int, steps: Sequence[int]) -> None:
        """Set what a trial's first values at these steps, ascending, are."""
        reported = self._steps[row]
        for step in steps:
            place = bisect_left(reported, step)
            if place == len(reported):
                break
            self._columns[step][row] = self._worth(row, self._values[row][place])

    def _worth(self, row: int, value: float) -> float:
        return value if math.isfinite(value) and not self._has_failed[row] else math.inf


def best_rows(values: FloatArray, numbers: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """The rows of the best trials, in no particular order.

    Args:
        values: (n,) Their values, not NaN.
        numbers: (n,) Their numbers; of equal values that of the lower number is better.
        count: How many; all if there are fewer.

    Returns:
        (min(count, n),) Rows.
    """
    if count >= len(values):
        return np.arange(len(values))
    if count <= 0:
        return np.empty(0, dtype=np.intp)
    limit = np.partition(values, count - 1)[count - 1]
    better, tied = np.flatnonzero(values < limit), np.flatnonzero(values == limit)
    first = tied[np.argsort(numbers[tied])[: count - len(better)]]
    return np.concatenate([better, first])
