"""All trials of a study: finished ones as columns, the others as objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from collections.abc import Set as AbstractSet

import numpy as np

from fsopt.errors import SpaceError
from fsopt.space import Space
from fsopt.state.changes import Changes
from fsopt.state.lifecycle import TrialState
from fsopt.state.record import TrialRecord
from fsopt.state.rows import (
    CODES,
    Configurations,
    Extras,
    FloatArray,
    Frozen,
    IntArray,
    Rows,
    freeze,
    is_ordinary,
    thaw,
)
from fsopt.values import Params

_NOTHING, _BARE, _OBJECT, _ROW = range(4)
"""What there is of a number: nothing, an object whose configuration does not fit the space, one
whose configuration does, or a row."""

_CODE_OF = {state: code for code, state in enumerate(CODES)}
_IS_FINISHED = tuple(state.is_finished for state in CODES)

_SPARE = 2**20
"""Columns reach this far beyond the number of trials: a stray huge number stays an object."""

_STRIDE = 4096
"""So many numbers are looked at together."""


class TrialTable:
    """Trials by number.

    An ordinary finished trial (one attempt by the process that proposed it) is a row of columns,
    from which its object can be made again without loss when a late event concerns it. Whatever is
    unfinished or unusual stays an object. The columns tell the state, configuration and values of
    objects as well, unless their numbers are far off.
    """

    def __init__(self, space: Space, objectives: int) -> None:
        self._space = space
        self._objects: dict[int, TrialRecord] = {}
        self._far: set[int] = set()  # numbers of objects that the columns do not reach
        self._unfinished: dict[int, int] = {}  # by number, the codes of their states
        self._kinds = np.zeros(256, dtype=np.uint8)
        self._rows = Rows.blank(256, len(space), objectives)
        self._names: list[str] = []
        self._name_codes: dict[str, int] = {}
        self._extras = Extras()
        self._counts = [[0] * len(CODES), [0] * len(CODES)]  # by fit to the space, and state
        self._end = 0
        self._complete_below = 0
        self._watchers: list[Changes] = []
        self._unsettled: set[int] = set()
        self._revised: set[int] = set()

    def __len__(self) -> int:
        return sum(map(sum, self._counts))

    def __contains__(self, number: int) -> bool:
        return number in self._objects or self._has_row(number)

    def __iter__(self) -> Iterator[TrialRecord]:
        """All trials by number, each as an object."""
        return (self[number] for number in self.numbers())

    def __getitem__(self, number: int) -> TrialRecord:
        """The trial of that number.

        Raises:
            KeyError: If no event tells of it.
        """
        if number in self._objects:
            return self._objects[number]
        if self._has_row(number):
            return self._thawed(number)
        raise KeyError(number)

    def get(self, number: int) -> TrialRecord | None:
        """The trial of that number; None if no event tells of it."""
        try:
            return self[number]
        except KeyError:
            return None

    def change(self, number: int, how: Callable[[TrialRecord], None]) -> None:
        """Change a trial; a new one if there is none of that number."""
        trial, fitted, params = self._objects.get(number), False, None
        if trial is None and not self._has_row(number):
            trial = TrialRecord(number)
        else:
            trial = trial or self._thawed(number)
            fitted, params = self._take_out(trial), trial.params
        self._objects[number] = trial
        try:
            how(trial)
        finally:
            self._put_back(trial, fitted, params)

    @property
    def end(self) -> int:
        """One more than the highest trial number."""
        return self._end

    @property
    def finished(self) -> int:
        """How many trials are finished."""
        return sum(n for state, n in self.count().items() if state.is_finished)

    @property
    def complete_below(self) -> int:
        """A number below which there is a trial of every number."""
        kinds, below = self._kinds, self._complete_below
        while below < len(kinds) and kinds[below] != _NOTHING:
            ahead = kinds[below : below + _STRIDE] == _NOTHING
            gap = int(ahead.argmax())
            below += gap if ahead[gap] else len(ahead)
        self._complete_below = below
        return below

    def watch(self) -> Changes:
        """Follow the table from now on."""
        self._watchers.append(changes := Changes())
        return changes

    @property
    def unsettled(self) -> AbstractSet[int]:
        """The trials that somebody who knew the rows would not know in full.

        These are the objects that changed since `settle`, and the rows that were others before.
        """
        return self._unsettled

    def settle(self, number: int | None = None) -> None:
        """Note that all trials, or one, have been written down as they are now."""
        if number is None:
            self._unsettled.clear()
            self._revised.clear()
        else:
            self._unsettled.discard(number)
            self._revised.discard(number)

    def unsettle(self, numbers: Collection[int]) -> None:
        """Note that what was written down of these trials does not count."""
        self._revised.update(numbers)
        self._unsettled.update(numbers)

    def frozen(self, numbers: IntArray | None = None) -> Frozen:
        """The trials that are rows; only those among the given numbers (k,), if any are given."""
        at = self.row_numbers()
        if numbers is not None:
            at = at[np.isin(at, numbers)]
        return Frozen(
            space=self._space,
            numbers=at,
            rows=self._rows.take(at),
            names=tuple(self._names),
            extras=self._extras.copy() if numbers is None else self._extras.among(at),
        )

    def join(self, frozen: Frozen) -> IntArray:
        """Take in rows.

        Returns:
            (k,) The numbers of the rows that met something else, of which nothing was taken in.
            What they tell must be folded: the facts of `Frozen.trial`.
        """
        numbers = frozen.numbers
        if not len(numbers):
            return numbers
        self._reach(int(numbers[-1]), len(self) + len(numbers))
        codes = np.array([self._intern(name) for name in frozen.names], dtype=np.int32)
        rows = frozen.rows.renamed(codes)
        near = np.searchsorted(numbers, len(self._kinds))
        known = np.zeros(len(numbers), dtype=np.uint8)
        known[:near] = self._kinds[numbers[:near]]
        known[near:] = _BARE
        fresh = known == _NOTHING
        if fresh.all():
            self._add_rows(numbers, rows, frozen.extras)
            return numbers[:0]
        rivals = known == _ROW
        equal = self._rows.take(numbers[rivals]).equals(rows.take(rivals))
        equal &= ~self._extras.differ(frozen.extras, numbers[rivals])
        conflicting = ~fresh
        conflicting[rivals] = ~equal
        self._add_rows(numbers[fresh], rows.take(fresh), frozen.extras.among(numbers[fresh]))
        met: IntArray = numbers[conflicting]
        return met

    def live(self) -> Iterator[TrialRecord]:
        """The trials kept as objects, by number: every unfinished one, and unusual ones."""
        return (self._objects[number] for number in sorted(self._objects))

    def unfinished(self) -> Iterator[TrialRecord]:
        """The trials that are waiting, running or paused, by number."""
        return (self._objects[number] for number in sorted(self._unfinished))

    def unfinished_in(self, *states: TrialState) -> list[int]:
        """The numbers of the unfinished trials in one of these states, ascending."""
        return sorted(n for n, code in self._unfinished.items() if CODES[code] in states)

    def numbers(self) -> list[int]:
        """The numbers of all trials, ascending."""
        near: list[int] = np.flatnonzero(self._kinds[: self._end]).tolist()
        return near + sorted(self._far)

    def row_numbers(self) -> IntArray:
        """(n,) The numbers of the trials that are rows, ascending."""
        return np.flatnonzero(self._kinds[: self._end] == _ROW)

    def missing_below(self, limit: int) -> list[int]:
        """The numbers below a limit of which no event tells."""
        begin = self.complete_below
        if limit <= begin:
            return []
        absent: list[int] = (np.flatnonzero(self._kinds[begin:limit] == _NOTHING) + begin).tolist()
        beyond = range(max(begin, len(self._kinds)), limit)
        return absent + [number for number in beyond if number not in self._objects]

    def count(self, limit: int | None = None) -> dict[TrialState, int]:
        """How many trials are in each state.

        Args:
            limit: Count only numbers below it, if given.
        """
        totals = map(sum, zip(*self._counts, strict=True))
        counts = dict(zip(CODES, totals, strict=True))
        if limit is None or limit >= self._end:
            return counts
        beyond = self._rows.state[limit : self._end]
        codes = np.bincount(beyond[self._kinds[limit : self._end] != _NOTHING])
        for state, many in zip(CODES, codes.tolist(), strict=False):
            counts[state] -= many
        for number in self._far:
            counts[self._objects[number].state] -= number >= limit
        return counts

    def count_fitting(self) -> dict[TrialState, int]:
        """How many trials, whose configuration fits the space, are in each state."""
        return dict(zip(CODES, self._counts[True], strict=True))

    def configurations(self, numbers: IntArray | None = None) -> Configurations:
        """The trials whose parameters fit the space.

        Args:
            numbers: (k,) Only trials among these, ascending, if given.
        """
        if numbers is None:
            near, far = np.flatnonzero(self._kinds[: self._end] >= _OBJECT), sorted(self._far)
        else:
            split = np.searchsorted(numbers, len(self._kinds))
            near, far = numbers[:split], numbers[split:].tolist()
            near = near[self._kinds[near] >= _OBJECT]
        rows = self._rows
        found = Configurations(near, rows.row[near], rows.values[near], rows.state[near])
        for trial in (self._objects[number] for number in far if number in self._objects):
            row, outcome = self._row(trial.params), trial.outcome
            if row is not None:
                values = outcome.values if outcome else ()
                found = found.with_one(trial.number, row, values, _CODE_OF[trial.state])
        return found

    def _has_row(self, number: int) -> bool:
        return number < len(self._kinds) and bool(self._kinds[number] == _ROW)

    def _thawed(self, number: int) -> TrialRecord:
        return thaw(self._rows, number, number, self._space, self._names, self._extras)

    def _take_out(self, trial: TrialRecord) -> bool:
        """Count a trial no more; whether its configuration fits the space."""
        number = trial.number
        if number in self._far:
            fits, code = self._row(trial.params) is not None, _CODE_OF[trial.state]
        else:
            fits, code = bool(self._kinds[number] >= _OBJECT), int(self._rows.state[number])
            if self._kinds[number] == _ROW:
                self._kinds[number] = _OBJECT
                self._extras.drop(number)
                self._revised.add(number)
        self._counts[fits][code] -= 1
        return fits

    def _put_back(self, trial: TrialRecord, fitted: bool, before: Params | None) -> None:
        """Count a trial that has changed, and bring the columns up to date.

        Args:
            trial: As it is now.
            fitted: Whether its configuration before fitted the space.
            before: That configuration.
        """
        number, code, params = trial.number, _CODE_OF[trial.state], trial.params
        is_same = params is before
        row = None if is_same else self._row(params)
        fits = fitted if is_same else row is not None
        self._counts[fits][code] += 1
        if number >= self._end:
            self._end = number + 1
        self._unsettled.add(number)
        if _IS_FINISHED[code]:
            self._unfinished.pop(number, None)
        else:
            self._unfinished[number] = code
        is_revised = fitted and not is_same and not self._has_configuration(number, row)
        for watcher in self._watchers:
            watcher.add(number)
            watcher.was_revised |= is_revised
        if number >= len(self._kinds):
            self._far.add(number)
            self._reach(number, len(self))
        if number < len(self._kinds):
            self._show(trial, code, row, fits=fits)
            if fits and _IS_FINISHED[code] and is_ordinary(trial):
                self._freeze(trial)

    def _has_configuration(self, number: int, row: FloatArray | None) -> bool:
        """Whether the columns tell just this configuration (d,) of a trial."""
        if row is None or number >= len(self._kinds):
            return False
        return np.array_equal(self._rows.row[number], row, equal_nan=True)

    def _show(self, trial: TrialRecord, code: int, row: FloatArray | None, *, fits: bool) -> None:
        """Let the columns tell what they can of an object.

        Args:
            trial: The object.
            code: Its state.
            row: Its configuration (d,); None if the columns tell it already, or it does not fit.
            fits: Whether it fits the space.
        """
        number, outcome = trial.number, trial.outcome if CODES[code].has_values else None
        self._kinds[number] = _OBJECT if fits else _BARE
        self._rows.state[number] = code
        if row is not None:
            self._rows.row[number] = row
        self._rows.values[number] = outcome.values if outcome else np.nan

    def _freeze(self, trial: TrialRecord) -> None:
        number = trial.number
        freeze(trial, self._rows, self._intern, self._extras)
        self._kinds[number] = _ROW
        del self._objects[number]
        if number not in self._revised:
            self._unsettled.discard(number)

    def _add_rows(self, numbers: IntArray, rows: Rows, extras: Extras) -> None:
        """Add rows (n,) of whose numbers there is nothing yet."""
        if not len(numbers):
            return
        first, end = int(numbers[0]), int(numbers[-1]) + 1
        at = slice(first, end) if end - first == len(numbers) else numbers
        self._rows.put(at, rows)
        self._kinds[at] = _ROW
        self._extras.add(extras)
        self._end = max(self._end, end)
        for code, many in enumerate(np.bincount(rows.state).tolist()):
            self._counts[True][code] += many
        for watcher in self._watchers:
            watcher.add_many(numbers)

    def _row(self, params: Params | None) -> FloatArray | None:
        if params is None:
            return None
        try:
            return self._space.to_row(params)
        except SpaceError:
            return None

    def _intern(self, name: str) -> int:
        code = self._name_codes.setdefault(name, len(self._names))
        if code == len(self._names):
            self._names.append(name)
        return code

    def _reach(self, number: int, count: int) -> None:
        """Make the columns reach a number, unless it is far off for so many trials."""
        old = len(self._kinds)
        if number < old or number > 4 * count + _SPARE:
            return
        # What is never written takes no memory, so there may be plenty of room.
        size = max(2 * old, number + number // 2 + 1)
        self._kinds = np.concatenate([self._kinds, np.zeros(size - old, dtype=np.uint8)])
        self._rows.grow(size)
        for reached in [far for far in self._far if far < size]:
            self._far.discard(reached)
            trial = self._objects[reached]
            row = self._row(trial.params)
            self._show(trial, _CODE_OF[trial.state], row, fits=row is not None)
