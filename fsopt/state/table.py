"""All trials of a study: finished ones as columns, the others as objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import SpaceError
from fsopt.space import Space
from fsopt.state.lifecycle import TrialState
from fsopt.state.record import Attempt, Outcome, Proposal, Report, Stamp, TrialRecord
from fsopt.values import Value

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CODES = tuple(TrialState)
_NOTHING = 255
_SPARE = 2**20
"""Columns reach this far beyond the number of trials: a stray huge number stays an object."""


@dataclass(frozen=True, slots=True)
class Configurations:
    """Trials whose configuration fits the space, as arrays.

    Rows are those of `Space.to_row`; ``n`` trials, ``d`` parameters, ``m`` objectives.
    """

    numbers: IntArray
    """(n,) Ascending."""
    rows: FloatArray
    """(n, d) Natural values, NaN where inactive."""
    values: FloatArray
    """(n, m) As reported; NaN where the trial has none."""
    states: NDArray[np.uint8]
    """(n,) Index of the state in `TrialState`."""

    def having(self, *states: TrialState) -> NDArray[np.bool_]:
        """(n,) Which trials are in one of the states."""
        return np.isin(self.states, [_CODES.index(state) for state in states])


@dataclass(frozen=True, slots=True)
class Frozen:
    """The rows of a `TrialTable` with what belongs to them."""

    numbers: IntArray
    """(n,) Ascending."""
    columns: NDArray[np.void]
    """(n,) Of `TrialTable.dtype`; the columns of names hold indices of `names`."""
    names: list[str]
    """Writers and kinds of optimizers."""
    reasons: dict[int, str]
    reports: dict[int, dict[int, Report]]
    attributes: dict[int, dict[str, tuple[Value, int, Stamp]]]


class TrialTable:
    """Trials by number.

    An ordinary finished trial (one attempt by the process that proposed it) is a row of columns,
    from which its object can be made again without loss when a late event concerns it. Whatever is
    unfinished or unusual stays an object.
    """

    def __init__(self, space: Space, objectives: int) -> None:
        self._space = space
        self._objects: dict[int, TrialRecord] = {}
        self._names: list[str] = []
        self._name_codes: dict[str, int] = {}
        self._reasons: dict[int, str] = {}
        self._reports: dict[int, dict[int, Report]] = {}
        self._attributes: dict[int, dict[str, tuple[Value, int, Stamp]]] = {}
        self._dtype = np.dtype(
            [
                ("state", np.uint8),
                ("leased", np.bool_),
                ("by", np.int32),
                ("writer", np.int32),
                ("start_seq", np.int64),
                ("start_time", np.float64),
                ("teller", np.int32),
                ("end_seq", np.int64),
                ("end_time", np.float64),
                ("duration", np.float64),
                ("row", np.float64, (len(space),)),
                ("values", np.float64, (objectives,)),
            ]
        )
        self._columns = self._blank(256)
        self._count = 0
        self._end = 0

    def __len__(self) -> int:
        return self._count

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
            return self._thaw(number)
        raise KeyError(number)

    def get(self, number: int) -> TrialRecord | None:
        """The trial of that number; None if no event tells of it."""
        try:
            return self[number]
        except KeyError:
            return None

    @contextmanager
    def changing(self, number: int) -> Iterator[TrialRecord]:
        """The trial as an object to be changed; a new one if there is none of that number."""
        trial = self._objects.get(number)
        if trial is None:
            if self._has_row(number):
                trial = self._thaw(number)
                self._drop_row(number)
            else:
                trial = TrialRecord(number)
                self._count += 1
                self._end = max(self._end, number + 1)
            self._objects[number] = trial
        yield trial
        if trial.state.is_finished:
            self._freeze(trial)

    @property
    def end(self) -> int:
        """One more than the highest trial number."""
        return self._end

    @property
    def dtype(self) -> np.dtype[np.void]:
        """One row of the columns."""
        return self._dtype

    def frozen(self) -> Frozen:
        """The finished trials that are rows, by number."""
        numbers = np.flatnonzero(self._columns["state"] != _NOTHING)
        return Frozen(
            numbers=numbers,
            columns=self._columns[numbers],
            names=list(self._names),
            reasons=dict(self._reasons),
            reports=dict(self._reports),
            attributes=dict(self._attributes),
        )

    def thaw_in(self, frozen: Frozen) -> None:
        """Put rows into a table that is still empty."""
        end = int(frozen.numbers.max(initial=-1)) + 1
        self._columns = self._blank(max(end, 256))
        self._columns[frozen.numbers] = frozen.columns
        self._names = list(frozen.names)
        self._name_codes = {name: code for code, name in enumerate(self._names)}
        self._reasons = dict(frozen.reasons)
        self._reports = dict(frozen.reports)
        self._attributes = dict(frozen.attributes)
        self._count, self._end = len(frozen.numbers), end

    def live(self) -> Iterator[TrialRecord]:
        """The trials kept as objects, by number: every unfinished one, and unusual ones."""
        return (self._objects[number] for number in sorted(self._objects))

    def numbers(self) -> list[int]:
        """The numbers of all trials, ascending."""
        rows = np.flatnonzero(self._columns["state"] != _NOTHING).tolist()
        return sorted([*rows, *self._objects])

    def missing_below(self, limit: int) -> list[int]:
        """The numbers below a limit of which no event tells."""
        seen = np.zeros(limit, dtype=np.bool_)
        rows = self._columns["state"][:limit] != _NOTHING
        seen[: len(rows)] = rows
        seen[[number for number in self._objects if number < limit]] = True
        absent: list[int] = np.flatnonzero(~seen).tolist()
        return absent

    def count(self, limit: int | None = None) -> dict[TrialState, int]:
        """How many trials are in each state.

        Args:
            limit: Count only numbers below it, if given.
        """
        codes = np.bincount(self._columns["state"][:limit], minlength=_NOTHING + 1)
        counts = {state: int(codes[code]) for code, state in enumerate(_CODES)}
        for number, trial in self._objects.items():
            if limit is None or number < limit:
                counts[trial.state] += 1
        return counts

    def configurations(self) -> Configurations:
        """All trials whose parameters fit the space."""
        frozen = np.flatnonzero(self._columns["state"] != _NOTHING)
        columns = self._columns[frozen]
        extra = np.zeros(len(self._objects), dtype=self._dtype)
        numbers: list[int] = []
        for trial in self._objects.values():
            row = self._row(trial)
            if row is not None:
                entry = extra[len(numbers)]
                entry["state"], entry["row"] = _CODES.index(trial.state), row
                entry["values"] = self._values(trial)
                numbers.append(trial.number)
        merged = np.concatenate([columns, extra[: len(numbers)]])
        all_numbers = np.concatenate([frozen, np.array(numbers, dtype=np.int64)])
        order = np.argsort(all_numbers)
        return Configurations(
            numbers=all_numbers[order],
            rows=merged["row"][order],
            values=merged["values"][order],
            states=merged["state"][order],
        )

    def _has_row(self, number: int) -> bool:
        return number < len(self._columns) and bool(self._columns["state"][number] != _NOTHING)

    def _drop_row(self, number: int) -> None:
        self._columns["state"][number] = _NOTHING
        for sparse in (self._reasons, self._reports, self._attributes):
            sparse.pop(number, None)

    def _row(self, trial: TrialRecord) -> FloatArray | None:
        if trial.params is None:
            return None
        try:
            return self._space.to_row(trial.params)
        except SpaceError:
            return None

    def _values(self, trial: TrialRecord) -> tuple[float, ...] | float:
        outcome = trial.outcome
        return outcome.values if outcome and outcome.state.has_values else np.nan

    def _freeze(self, trial: TrialRecord) -> None:
        attempt = trial.attempts.get(0)
        if (
            len(trial.attempts) != 1
            or trial.proposal is not None
            or trial.retry
            or trial.number > 4 * self._count + _SPARE
            or attempt is None
            or attempt.proposal is None
            or attempt.outcome is None
            or attempt.proposal.stamp != attempt.started
        ):
            return
        row = self._row(trial)
        if row is None:
            return
        outcome, number = attempt.outcome, trial.number
        if number >= len(self._columns):
            grown = self._blank(max(number + 1, 2 * len(self._columns)))
            grown[: len(self._columns)] = self._columns
            self._columns = grown
        self._columns[number] = (
            _CODES.index(outcome.state),
            attempt.leased,
            self._intern(attempt.proposal.by),
            self._intern(attempt.started.writer),
            attempt.started.seq,
            attempt.started.time,
            self._intern(outcome.stamp.writer),
            outcome.stamp.seq,
            outcome.stamp.time,
            np.nan if outcome.duration is None else outcome.duration,
            row,
            self._values(trial),
        )
        if outcome.reason is not None:
            self._reasons[number] = outcome.reason
        if attempt.reports:
            self._reports[number] = attempt.reports
        if trial.attributes:
            self._attributes[number] = trial.attributes
        del self._objects[number]

    def _thaw(self, number: int) -> TrialRecord:
        entry = self._columns[number]
        state = _CODES[int(entry["state"])]
        started = Stamp(
            self._names[entry["writer"]], int(entry["start_seq"]), float(entry["start_time"])
        )
        ended = Stamp(
            self._names[entry["teller"]], int(entry["end_seq"]), float(entry["end_time"])
        )
        duration = float(entry["duration"])
        attempt = Attempt(
            index=0,
            started=started,
            leased=bool(entry["leased"]),
            proposal=Proposal(
                self._space.from_row(entry["row"]), self._names[entry["by"]], started
            ),
            outcome=Outcome(
                state=state,
                stamp=ended,
                values=tuple(entry["values"].tolist()) if state.has_values else (),
                reason=self._reasons.get(number),
                duration=None if np.isnan(duration) else duration,
            ),
            reports=dict(self._reports.get(number, {})),
        )
        return TrialRecord(
            number, attempts={0: attempt}, attributes=dict(self._attributes.get(number, {}))
        )

    def _intern(self, name: str) -> int:
        code = self._name_codes.setdefault(name, len(self._names))
        if code == len(self._names):
            self._names.append(name)
        return code

    def _blank(self, size: int) -> NDArray[np.void]:
        columns = np.zeros(size, dtype=self._dtype)
        columns["state"] = _NOTHING
        return columns
