"""The trials of one simulated study, and what its workers know of them."""

from __future__ import annotations

import numpy as np

from fsopt.bench.functions.base import Values
from fsopt.history import Arrays, BoolArray, FloatArray, History, TakenSet
from fsopt.space import Space


class Ledger:
    """Trials as arrays that grow, so that a history of thousands costs little.

    Args:
        space: The space of the study.
        capacity: The greatest number of trials.
    """

    def __init__(self, space: Space, capacity: int) -> None:
        self.space = space
        self._capacity = capacity
        self.count = 0
        """How many trials have begun."""
        self._units = np.full((capacity, len(space)), np.nan)
        self._values = np.full(capacity, np.nan)  # stays so for failures
        self._workers = np.zeros(capacity, dtype=np.int64)
        self._begun = np.full(capacity, np.inf)
        self._ended = np.full(capacity, np.inf)
        self._taken = TakenSet()

    def fill(self, units: FloatArray, values: FloatArray) -> None:
        """Add trials that have ended already: unit rows (n, d) and their values (n,)."""
        added = slice(self.count, self.count + len(units))
        self._units[added], self._values[added] = units, values
        self._begun[added] = self._ended[added] = 0.0
        self._taken.add(units)
        self.count = added.stop

    def begin(self, params: Values, worker: int, now: float) -> int:
        """Add a trial that begins; returns its number."""
        number = self.count
        unit = self.space.to_unit(self.space.to_row(params)[np.newaxis])
        self._units[number], self._workers[number], self._begun[number] = unit[0], worker, now
        self._taken.add(unit)
        self.count += 1
        return number

    def end(self, number: int, value: float | None, now: float) -> None:
        """Record the value of a trial, or None for a failure."""
        self._values[number] = np.nan if value is None else value
        self._ended[number] = now

    def worker_of(self, number: int) -> int:
        """Who evaluates a trial."""
        return int(self._workers[number])

    def history(self) -> History:
        """All that has happened."""
        return History.of(self.space, self, budget=self._capacity)

    def history_of(self, worker: int, before: float) -> History:
        """What a worker has done itself, and of others what happened until a time."""
        own = self._workers[: self.count] == worker
        begun = own | (self._begun[: self.count] <= before)
        ended = (own & (self._ended[: self.count] < np.inf)) | (
            self._ended[: self.count] <= before
        )
        seen = self._arrays(begun, ended)
        history = History(
            space=self.space,
            X=seen.X,
            Y=seen.Y,
            numbers=seen.numbers,
            X_failed=seen.X_failed,
            X_pending=seen.X_pending,
        )
        history.budget = self._capacity
        return history

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return int(np.count_nonzero(self._ended[: self.count] < np.inf))

    def arrays(self) -> Arrays:
        """All trials."""
        return self._arrays(
            np.ones(self.count, dtype=np.bool_), self._ended[: self.count] < np.inf
        )

    def is_taken(self, units: FloatArray) -> BoolArray:
        """(k,) Which unit rows (k, d) were given out."""
        return self._taken.holds(units)

    def _arrays(self, begun: BoolArray, ended: BoolArray) -> Arrays:
        units, values = self._units[: self.count], self._values[: self.count]
        valued = ended & ~np.isnan(values)
        return Arrays(
            X=units[valued],
            Y=values[valued, np.newaxis],
            numbers=np.flatnonzero(valued),
            X_failed=units[ended & ~valued],
            X_pending=units[begun & ~ended],
        )
