"""Which trial a process works on next: exactly one process gets each attempt.

In this order: trials that wait, were paused, or whose process was lost; then a new trial, for
which a configuration is proposed. Everything is decided from the log, and owned by creating a
claim file, so nobody has to be asked and nobody can be in the way.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from fsopt.events import TrialFailed, TrialProposed, TrialStarted
from fsopt.state import TrialRecord, TrialState
from fsopt.study.ownership import Ownership
from fsopt.study.session import Session
from fsopt.trial import Assignment
from fsopt.values import Params

_SUSPECT_AFTER = 1.0
"""Seconds after which a number that was claimed without a word is looked into."""

_LOOK_EVERY = 0.25
"""Seconds between looks for such numbers, while none is to be looked into."""

_LOOKED_AFTER = 256
"""So many running trials are looked after at a time, to see whether their processes are lost."""

_IDLE, _RUNNING = (TrialState.WAITING, TrialState.PAUSED), TrialState.RUNNING

_NEAR = 10_000
"""So many numbers are looked at to find those that were claimed without a word."""


@dataclass(slots=True)
class Dispatcher:
    """Takes trials for one process."""

    session: Session
    _in_doubt: set[tuple[int, int]] = field(default_factory=set)
    """Attempts that this process has begun, and `take` has not handed out."""
    _ownership: Ownership = field(init=False)
    _silent: dict[int, float] = field(default_factory=dict)
    """By number that was claimed without a word, when it was last looked into."""
    _next_look: float = -math.inf
    _looked_after: int = field(init=False)
    """How many running trials were looked after, from a place of this process's own on."""

    def __post_init__(self) -> None:
        self._ownership = Ownership(self.session)
        self._looked_after = zlib.crc32(self.session.writer.encode())

    def take(
        self, count: int, limit: int | None, *, leased: bool = True, new: bool = True
    ) -> list[Assignment]:
        """Take up to ``count`` trials to evaluate; they are recorded as started.

        Args:
            count: How many to take at most.
            limit: Only trial numbers below it, if given.
            leased: Whether the evaluation ends with this process.
            new: Whether to propose new trials when there are no others.

        Raises:
            InfeasibleSpaceError: If there is nothing else, and no configuration is left.
            StorageError: If the claims or the log can't be written.
        """
        session = self.session
        session.introduce()
        session.refresh()
        if leased:
            session.keep_alive()
        taken = self._interrupted()[:count]
        available = self._available(limit)
        while len(taken) < count and (trial := next(available, None)) is not None:
            taken += self._continue(trial, leased=leased)
        if new and len(taken) < count:
            taken += self._orphan(limit, leased=leased)
        if new and len(taken) < count:
            taken += self._start_new(count - len(taken), limit, leased=leased)
        self._in_doubt.difference_update((a.number, a.attempt) for a in taken)
        return taken

    def enqueue(self, params: Params) -> int:
        """Record a configuration that waits to be evaluated, under a new number.

        Raises:
            StorageError: If the claim or the log can't be written.
        """
        session = self.session
        session.introduce()
        session.refresh()
        number = self._new_numbers(1, None)[0]
        session.append(TrialProposed(trial=number, params=params, by="enqueued"))
        return number

    def _interrupted(self) -> list[Assignment]:
        """Attempts of this process that never got out of `take`, because the disk was full."""
        mine, trials = [], self.session.state.trials
        for number, index in sorted(self._in_doubt):
            trial = trials.get(number)
            if trial is None or trial.state is not TrialState.RUNNING or trial.params is None:
                continue
            attempt = trial.decisive
            if attempt and attempt.index == index and attempt.writer == self.session.writer:
                mine.append(_assignment(trial, index, trial.params))
        return mine

    def _available(self, limit: int | None) -> Iterator[TrialRecord]:
        """Unfinished trials that nobody works on."""
        trials = self.session.state.trials
        for number in [*trials.unfinished_in(*_IDLE), *self._some(trials.unfinished_in(_RUNNING))]:
            if limit is not None and number >= limit:
                continue
            # To look into one trial is to read what has happened to the others meanwhile.
            trial = trials[number]
            if trial.state.is_finished or (
                trial.state is TrialState.RUNNING and not self._ownership.is_abandoned(trial)
            ):
                continue
            # Without a configuration it is known from a remark only: the log that tells what was
            # proposed or started is not visible yet, unless its writer died before it told.
            following = trial.next_attempt
            if trial.params is None and not self._ownership.is_claim_lost(number, None):
                continue
            if self._is_open(number, following):
                yield trials[number]

    def _some(self, running: list[int]) -> list[int]:
        """All running trials; of very many the next few, other ones in each process."""
        if len(running) <= _LOOKED_AFTER:
            return running
        begin = self._looked_after % len(running)
        self._looked_after += _LOOKED_AFTER
        return [*running[begin:], *running[:begin]][:_LOOKED_AFTER]

    def _is_open(self, number: int, following: int) -> bool:
        """Whether a trial still is unfinished, and still waits for this attempt."""
        trial = self.session.state.trials[number]
        return not trial.state.is_finished and trial.next_attempt == following

    def _continue(self, trial: TrialRecord, *, leased: bool) -> list[Assignment]:
        session = self.session
        following, lost = trial.next_attempt, self._ownership.count_lost(trial)
        if not self._is_open(trial.number, following):
            return []
        trial = session.state.trials[trial.number]
        # The claim of a number that nobody proposed includes attempt 0.
        index = self._ownership.claim_attempt(
            trial.number, max(following, 0 if trial.proposal else 1)
        )
        if index is None:
            return []
        if lost >= session.config.max_attempts:
            reason = f"lost: the process vanished in each of {lost} attempts"
            # Told of the attempt just claimed: it is the latest, so it decides, and the one that
            # a retry asks for comes after it.
            session.append(TrialFailed(trial=trial.number, attempt=index, reason=reason))
            return []
        if trial.params is None:
            return self._start_proposed(trial.number, index, leased=leased)
        session.files.hand_over_checkpoint(trial.number, index)
        self._in_doubt.add((trial.number, index))
        session.append(TrialStarted(trial=trial.number, attempt=index, leased=leased))
        return [_assignment(trial, index, trial.params)]

    def _orphan(self, limit: int | None, *, leased: bool) -> list[Assignment]:
        """Take over a number whose owner was lost before it said what it would evaluate.

        At most one number is looked into at a time: usually its owner is still thinking. A number
        of this process's own is one that it claimed when something went wrong.
        """
        session, claims = self.session, self.session.journal.claims
        trials, now = session.state.trials, session.clock()
        if now < self._next_look:
            return []
        # An event may tell of any number, however far off; those of which none tells are near.
        end = min(max(trials.end, claims.cursor), trials.complete_below + _NEAR)
        missing = trials.missing_below(end if limit is None else min(end, limit))
        self._silent = {number: self._silent.get(number, now) for number in missing}
        number = min(self._silent, key=lambda n: self._silent[n], default=None)
        if number is None or now - self._silent[number] < _SUSPECT_AFTER:
            self._next_look = now + _LOOK_EVERY
            return []
        self._silent[number] = now
        if claims.owner(number) != session.writer and not self._ownership.is_claim_lost(
            number, None
        ):
            return []
        if number in session.state.trials:
            return []
        index = self._ownership.claim_attempt(number, 1)
        return [] if index is None else self._start_proposed(number, index, leased=leased)

    def _new_numbers(self, count: int, limit: int | None) -> list[int]:
        session = self.session
        numbers: list[int] = []
        claims, known = session.journal.claims, session.state.trials.__contains__
        claims.cursor = max(claims.cursor, session.state.trials.complete_below)
        while len(numbers) < count:
            number = claims.next_number(known, limit)
            if number is None:
                break
            if session.is_view_old():
                # The claims of finished trials are removed after a while, so to win one of them
                # proves nothing for a process that has long not looked.
                session.look()
                if number in session.state.trials:
                    claims.release(number)
                    continue
            numbers.append(number)
        return numbers

    def _start_new(self, count: int, limit: int | None, *, leased: bool) -> list[Assignment]:
        session = self.session
        numbers = self._new_numbers(count, limit)
        if not numbers:
            return []
        try:
            events = self._propose(numbers, 0, leased=leased)
        except BaseException:
            # Nobody else can ever use a number that is claimed by a process that lives.
            for number in reversed(numbers):
                session.journal.claims.release(number)
            raise
        return self._start(events)

    def _start_proposed(self, number: int, attempt: int, *, leased: bool) -> list[Assignment]:
        """Start an attempt at a trial whose configuration nobody knows, with a new one."""
        return self._start(self._propose([number], attempt, leased=leased))

    def _start(self, events: Sequence[TrialStarted]) -> list[Assignment]:
        self._in_doubt.update((event.trial, event.attempt) for event in events)
        self.session.append(*events)
        return [
            Assignment(number=event.trial, attempt=event.attempt, params=event.params or {})
            for event in events
        ]

    def _propose(self, numbers: list[int], attempt: int, *, leased: bool) -> list[TrialStarted]:
        """The starts of new proposals, which tell what is needed to make them once more."""
        session, config = self.session, self.session.config
        history = session.history()
        units = config.optimizer.suggest(history, numbers, config.seed or 0)
        is_batch = len(numbers) > 1
        events = [
            TrialStarted(
                trial=number,
                attempt=attempt,
                params=config.space.from_row(row),
                by=config.optimizer.kind,
                batch=numbers[0] if is_batch else None,
                snapshot=session.base(),
                leased=leased,
            )
            for number, row in zip(numbers, config.space.from_unit(units), strict=True)
        ]
        events[0] = replace(
            events[0],
            seen=session.newly_seen(),
            numbers=tuple(numbers) if is_batch else (),
            view=history.checksum(),
        )
        return events


def _assignment(trial: TrialRecord, attempt: int, params: Params) -> Assignment:
    return Assignment(
        number=trial.number, attempt=attempt, params=params, last_step=trial.last_step
    )
