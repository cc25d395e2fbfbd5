"""Ordinary finished trials as arrays, one for each field, and as objects again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.space import Space
from fsopt.state.lifecycle import TrialState
from fsopt.state.record import Attempt, Outcome, Proposal, Report, Stamp, TrialRecord
from fsopt.values import Value

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CODES = tuple(TrialState)
"""The states in the order of their codes."""


@dataclass(slots=True, kw_only=True)
class Rows:
    """The fields of ``n`` trials; ``d`` parameters, ``m`` objectives."""

    state: NDArray[np.uint8]
    """(n,) Index of the state in `CODES`."""
    row: FloatArray
    """(n, d) Configurations as in `Space.to_row`: natural values, NaN where inactive."""
    values: FloatArray
    """(n, m) As reported; NaN where the trial has none."""
    by: NDArray[np.int32]
    """(n,) The kind of the optimizer, as an index of a list of names."""
    leased: BoolArray
    """(n,)"""
    writer: NDArray[np.int32]
    """(n,) Who started the trial, as an index of the list of names."""
    start_seq: IntArray
    """(n,)"""
    start_time: FloatArray
    """(n,) Seconds since 1970."""
    teller: NDArray[np.int32]
    """(n,) Who told how it ended, as an index of the list of names."""
    end_seq: IntArray
    """(n,)"""
    end_time: FloatArray
    """(n,) Seconds since 1970."""
    duration: FloatArray
    """(n,) Seconds; NaN where unknown."""

    @classmethod
    def blank(cls, size: int, parameters: int, objectives: int) -> Rows:
        """Room for some trials, with any content; what is never written takes no memory."""
        return cls(
            state=np.empty(size, dtype=np.uint8),
            row=np.empty((size, parameters)),
            values=np.empty((size, objectives)),
            by=np.empty(size, dtype=np.int32),
            leased=np.empty(size, dtype=np.bool_),
            writer=np.empty(size, dtype=np.int32),
            start_seq=np.empty(size, dtype=np.int64),
            start_time=np.empty(size),
            teller=np.empty(size, dtype=np.int32),
            end_seq=np.empty(size, dtype=np.int64),
            end_time=np.empty(size),
            duration=np.empty(size),
        )

    def __len__(self) -> int:
        return len(self.state)

    def take(self, at: IntArray | BoolArray) -> Rows:
        """A copy of some of the trials."""
        return Rows(**{name: getattr(self, name)[at] for name in _FIELDS})

    def put(self, at: IntArray | slice, source: Rows) -> None:
        """Overwrite trials."""
        for name in _FIELDS:
            getattr(self, name)[at] = getattr(source, name)

    def grow(self, size: int) -> None:
        """Make room for more trials after the present ones."""
        for name in _FIELDS:
            old = getattr(self, name)
            grown = np.empty((size, *old.shape[1:]), dtype=old.dtype)
            grown[: len(old)] = old
            setattr(self, name, grown)

    def renamed(self, codes: NDArray[np.int32]) -> Rows:
        """The same with other indices of names: ``codes[old]`` instead of ``old``."""
        if np.array_equal(codes, np.arange(len(codes))):
            return self
        kept = {name: getattr(self, name) for name in _FIELDS}
        return Rows(**kept | {name: codes[kept[name]] for name in ("by", "writer", "teller")})

    def having(self, *states: TrialState) -> BoolArray:
        """(n,) Which trials are in one of the states."""
        return _having(self.state, states)

    def equals(self, other: Rows) -> BoolArray:
        """(n,) Which trials have the same bits in every field of both."""
        equal = np.ones(len(self), dtype=np.bool_)
        for name in _FIELDS:
            mine, others = (_bits(getattr(rows, name)) for rows in (self, other))
            same = mine == others
            equal &= same if same.ndim == 1 else same.all(axis=1)
        return equal


_FIELDS = tuple(entry.name for entry in fields(Rows))


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

    def having(self, *states: TrialState) -> BoolArray:
        """(n,) Which trials are in one of the states."""
        return _having(self.states, states)

    def with_one(
        self, number: int, row: FloatArray, values: tuple[float, ...], code: int
    ) -> Configurations:
        """These, and one more whose number is higher; ``values`` may be empty."""
        return Configurations(
            numbers=np.append(self.numbers, number),
            rows=np.vstack([self.rows, row]),
            values=np.vstack([self.values, np.full(self.values.shape[1], values or np.nan)]),
            states=np.append(self.states, np.uint8(code)),
        )


@dataclass(slots=True)
class Extras:
    """What few rows have, by trial number."""

    reasons: dict[int, str] = field(default_factory=dict)
    """Why it failed."""
    reports: dict[int, dict[int, Report]] = field(default_factory=dict)
    """By step."""
    attributes: dict[int, dict[str, tuple[Value, int, Stamp]]] = field(default_factory=dict)
    """By name, as in `TrialRecord.attributes`."""

    def numbers(self) -> set[int]:
        """The trials that have any."""
        return self.reasons.keys() | self.reports.keys() | self.attributes.keys()

    def differ(self, other: Extras, numbers: IntArray) -> BoolArray:
        """(n,) Which of the trials (n,) do not have the same in both."""
        special = np.array([*self.numbers(), *other.numbers()], dtype=np.int64)
        different = np.isin(numbers, special)
        for at in np.flatnonzero(different).tolist():
            both = zip(self._parts(), other._parts(), strict=True)
            number = int(numbers[at])
            different[at] = any(one.get(number) != two.get(number) for one, two in both)
        return different

    def drop(self, number: int) -> None:
        """Forget what a trial has."""
        for part in self._parts():
            part.pop(number, None)

    def add(self, other: Extras) -> None:
        """Take in what other trials have."""
        for mine, others in zip(self._parts(), other._parts(), strict=True):
            mine.update(others)

    def copy(self) -> Extras:
        """The same, apart from what is added or dropped later."""
        return Extras(*(dict(part) for part in self._parts()))

    def among(self, numbers: IntArray) -> Extras:
        """A copy with no other trials than these."""
        wanted = self.numbers().intersection(numbers.tolist()) if self.numbers() else set()
        return Extras(*({n: part[n] for n in part if n in wanted} for part in self._parts()))

    def _parts(self) -> tuple[dict[int, Any], ...]:
        return self.reasons, self.reports, self.attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Ordinary finished trials apart from any table."""

    space: Space
    numbers: IntArray
    """(n,) Ascending."""
    rows: Rows
    """Of the same trials."""
    names: tuple[str, ...]
    """Writers and kinds of optimizers, of which the rows hold indices."""
    extras: Extras

    def among(self, chosen: BoolArray) -> Frozen:
        """The trials where the mask (n,) is true."""
        numbers = self.numbers[chosen]
        return Frozen(
            space=self.space,
            numbers=numbers,
            rows=self.rows.take(chosen),
            names=self.names,
            extras=self.extras.among(numbers),
        )

    def trial(self, number: int) -> TrialRecord:
        """One of the trials as an object.

        Raises:
            KeyError: If it is not among them.
        """
        at = int(np.searchsorted(self.numbers, number))
        if at == len(self.numbers) or self.numbers[at] != number:
            raise KeyError(number)
        return thaw(self.rows, at, number, self.space, self.names, self.extras)


def thaw(
    rows: Rows, at: int, number: int, space: Space, names: Sequence[str], extras: Extras
) -> TrialRecord:
    """A trial as the object that it was before `freeze`.

    Args:
        rows: Where it is.
        at: At which position.
        number: Its number.
        space: What is searched.
        names: What the indices of names stand for.
        extras: What only some trials have.
    """
    state = CODES[int(rows.state[at])]
    started = Stamp(names[rows.writer[at]], int(rows.start_seq[at]), float(rows.start_time[at]))
    ended = Stamp(names[rows.teller[at]], int(rows.end_seq[at]), float(rows.end_time[at]))
    duration = float(rows.duration[at])
    attempt = Attempt(
        index=0,
        started=started,
        leased=bool(rows.leased[at]),
        proposal=Proposal(space.from_row(rows.row[at]), names[rows.by[at]], started),
        outcome=Outcome(
            state=state,
            stamp=ended,
            values=tuple(rows.values[at].tolist()) if state.has_values else (),
            reason=extras.reasons.get(number),
            duration=None if np.isnan(duration) else duration,
        ),
        reports=dict(extras.reports.get(number, {})),
    )
    attributes = dict(extras.attributes.get(number, {}))
    return TrialRecord(number, attempts={0: attempt}, attributes=attributes)


def is_ordinary(trial: TrialRecord) -> bool:
    """Whether a trial is finished, by the process that proposed it, at the first attempt."""
    attempt = trial.attempts.get(0)
    return (
        len(trial.attempts) == 1
        and trial.proposal is None
        and not trial.retry
        and attempt is not None
        and attempt.after is None
        and attempt.proposal is not None
        and attempt.outcome is not None
        and attempt.outcome.state.is_finished
        and attempt.proposal.stamp == attempt.started
    )


def freeze(trial: TrialRecord, rows: Rows, intern: Callable[[str], int], extras: Extras) -> None:
    """Write an ordinary trial to the position of its number.

    Its configuration, state and values must be there already.

    Args:
        trial: See `is_ordinary`.
        rows: Where to write.
        intern: Gives the index of a name.
        extras: Takes in what only some trials have.
    """
    attempt, number = trial.attempts[0], trial.number
    outcome, proposal = attempt.outcome, attempt.proposal
    if outcome is None or proposal is None:
        raise ValueError(f"trial {number} is not ordinary")
    rows.by[number] = intern(proposal.by)
    rows.leased[number] = attempt.leased
    rows.writer[number] = intern(proposal.stamp.writer)
    rows.start_seq[number] = proposal.stamp.seq
    rows.start_time[number] = proposal.stamp.time
    rows.teller[number] = intern(outcome.stamp.writer)
    rows.end_seq[number] = outcome.stamp.seq
    rows.end_time[number] = outcome.stamp.time
    rows.duration[number] = np.nan if outcome.duration is None else outcome.duration
    if outcome.reason is not None:
        extras.reasons[number] = outcome.reason
    if attempt.reports:
        extras.reports[number] = attempt.reports
    if trial.attributes:
        extras.attributes[number] = trial.attributes


def _having(codes: NDArray[np.uint8], states: Sequence[TrialState]) -> BoolArray:
    return np.isin(codes, [CODES.index(state) for state in states])


def _bits(column: NDArray[Any]) -> NDArray[Any]:
    """Floats as integers: NaN equals itself then."""
    if column.dtype != np.float64:
        return column
    return np.ascontiguousarray(column).view(np.uint64)
