"""Which trial a process works on next: exactly one process gets each attempt.

In this order: trials that wait, were paused, or whose process was lost; then a new trial, for
which a configuration is proposed. Everything is decided from the log, and owned by creating a
claim file, so nobody has to be asked and nobody can be in the way.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from fsopt.events import TrialFailed, TrialProposed, TrialStarted
from fsopt.state import TrialRecord, TrialState
from fsopt.study.numbers import Numbers
from fsopt.study.ownership import Ownership
from fsopt.study.session import Session
from fsopt.trial import Assignment
from fsopt.values import Params

ENQUEUED = "enqueued"
"""Stands instead of the kind of an optimizer with what a person proposed."""

IMPORTED = "imported"
"""The same with what was evaluated in another study."""

_AT_A_TIME = 256
"""So many running trials are looked after at a time, to see whether their processes are lost; and
so many that will never go on are ended, before it is seen which ones others have ended."""

_IDLE, _RUNNING = (TrialState.WAITING, TrialState.PAUSED), TrialState.RUNNING


@dataclass(slots=True)
class Dispatcher:
    """Takes trials for one process."""

    session: Session
    pondering: Callable[[], AbstractContextManager[None]] = nullcontext
    """Surrounds the optimizer's work; may raise what is no `Exception` to end it early."""
    _in_doubt: set[tuple[int, int]] = field(default_factory=set)
    """Attempts that this process has begun, and `take` has not handed out."""
    _ownership: Ownership = field(init=False)
    _numbers: Numbers = field(init=False)
    _looked_after: int = field(init=False)
    """How many running trials were looked after, from a place of this process's own on."""

    def __post_init__(self) -> None:
        self._ownership, self._numbers = Ownership(self.session), Numbers(self.session)
        self._looked_after = zlib.crc32(self.session.writer.encode())

    def take(
        self,
        count: int,
        limit: int | None,
        *,
        leased: bool = True,
        new: bool = True,
        orphans: bool = True,
    ) -> list[Assignment]:
        """Take up to ``count`` trials to evaluate; they are recorded as started.

        Args:
            count: How many to take at most.
            limit: Only trial numbers below it, if given.
            leased: Whether the evaluation ends with this process.
            new: Whether to propose new trials when there are no others.
            orphans: Whether to propose for numbers whose owners were lost.

        Raises:
            InfeasibleSpaceError: If there is nothing else, and no configuration is left.
            StorageError: If the claims or the log can't be written.
        """
        self.attend(keep_alive=leased)
        taken = self._interrupted()[:count]
        available = self._available(limit)
        while len(taken) < count and (trial := next(available, None)) is not None:
            taken += self._continue(trial, leased=leased)
        if orphans and len(taken) < count:
            if not new:
                self._numbers.survey()
            taken += self._orphan(limit, leased=leased)
        if new and len(taken) < count:
            taken += self._start_new(count - len(taken), limit, leased=leased)
        self._in_doubt.difference_update((a.number, a.attempt) for a in taken)
        return taken

    def attend(self, *, keep_alive: bool = True) -> None:
        """Look what others do, and be known to them.

        Args:
            keep_alive: Whether to show signs of life from now on.

        Raises:
            StorageError: If logs can't be read, or the own one can't be written.
        """
        self.session.introduce()
        self.session.refresh()
        if keep_alive:
            self.session.keep_alive()

    def propose(self, count: int, limit: int | None) -> int:
        """Propose trials that wait for anybody to evaluate them; see to `attend` before.

        Args:
            count: How many at most.
            limit: Only trial numbers below it, if given.

        Returns:
            How many there are now.

        Raises:
            InfeasibleSpaceError: If no configuration is left.
            StorageError: If the claims or the log can't be written.
        """
        session, number = self.session, self._numbers.silent(limit)
        if number is not None and session.journal.claims.owner(number) == session.writer:
            made = self._proposals([number])
        else:
            made = self._new_proposals(count, limit)
        if made:
            session.append(*made)
        return len(made)

    def enqueue(self, params: Params) -> int:
        """Record a configuration that waits to be evaluated, under a new number.

        Raises:
            StorageError: If the claim or the log can't be written.
        """
        session = self.session
        self.attend(keep_alive=False)
        number = self.new_numbers(1, None)[0]
        session.append(TrialProposed(trial=number, params=params, by=ENQUEUED))
        return number

    def settle(self) -> list[int]:
        """End trials, not too many, that the stopper has paused for good; which they are.

        Raises:
            StorageError: If the claims or the log can't be written.
        """
        stopping, trials = self.session.stopping, self.session.state.trials
        if stopping is None:
            return []
        self.attend()
        left = [(number, trials[number].next_attempt) for number in stopping.leftovers()]
        # Others do the same: each begins at a place of its own.
        at = zlib.crc32(self.session.writer.encode()) % max(len(left), 1)
        claimed: dict[int, int] = {}
        for number, following in [*left[at:], *left[:at]][:_AT_A_TIME]:
            if self._is_open(number, following):
                index = self._ownership.claim_attempt(number, following)
                claimed |= {} if index is None else {number: index}
        if claimed:
            self.session.append(*(stopping.conclusion(n, k) for n, k in claimed.items()))
        return list(claimed)

    def _interrupted(self) -> list[Assignment]:
        """Attempts of this process that never got out of `take`, because the disk was full."""
        mine, trials = [], self.session.state.trials
        for number, index in sorted(self._in_doubt):
            trial = trials.get(number)
            if trial is None or trial.state is not TrialState.RUNNING or trial.params is None:
                continue
            attempt = trial.decisive
            if attempt and attempt.index == index and attempt.writer == self.session.writer:
                mine.append(_assignment(trial, index, trial.params, attempt.after or 0))
        return mine

    def _available(self, limit: int | None) -> Iterator[TrialRecord]:
        """Unfinished trials that nobody works on."""
        trials = self.session.state.trials
        for number in self._ordered():
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

    def _ordered(self) -> list[int]:
        """Unfinished trials, those that were proposed for anybody last.

        Of these each process begins with another one: all who want one see the same. What the
        stopper has paused is not among them, unless it lets it go on.
        """
        trials = self.session.state.trials
        first: list[int] = []
        queue: list[int] = []
        stopping = self.session.stopping
        paused = stopping.paused() if stopping is not None else ()
        for number in trials.unfinished_in(*_IDLE):
            if number in paused:
                continue
            trial = trials[number]
            made = trial.proposal
            is_queued = made is not None and made.by != ENQUEUED and not trial.attempts
            (queue if is_queued else first).append(number)
        at = zlib.crc32(self.session.writer.encode()) % max(len(queue), 1)
        promoted = stopping.promoted() if stopping is not None else []
        running = self._some(trials.unfinished_in(_RUNNING))
        return first + promoted + running + queue[at:] + queue[:at]

    def _some(self, running: list[int]) -> list[int]:
        """All running trials; of very many the next few, other ones in each process."""
        if len(running) <= _AT_A_TIME:
            return running
        begin = self._looked_after % len(running)
        self._looked_after += _AT_A_TIME
        return [*running[begin:], *running[:begin]][:_AT_A_TIME]

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
            return self._start(self._proposals([trial.number]), index, leased=leased)
        after = self._ownership.take_checkpoint(trial, index)
        self._in_doubt.add((trial.number, index))
        session.append(TrialStarted(trial=trial.number, attempt=index, after=after, leased=leased))
        return [_assignment(trial, index, trial.params, after or 0)]

    def _orphan(self, limit: int | None, *, leased: bool) -> list[Assignment]:
        """Take over a number whose owner was lost before it said what is to be evaluated.

        A number of this process's own is one that it claimed when something went wrong.
        """
        session, number = self.session, self._numbers.silent(limit)
        if number is None:
            return []
        owner = session.journal.claims.owner(number)
        if owner is None and session.journal.claims.number(number):
            # Nobody had it: it was left out, or given back.
            index = None if self._numbers.was_taken(number) else 0
        elif owner == session.writer or self._ownership.is_claim_lost(number, None):
            is_told = number in session.state.trials
            index = None if is_told else self._ownership.claim_attempt(number, 1)
        else:
            index = None
        if index is None:
            return []
        return self._start(self._proposals([number]), index, leased=leased)

    def new_numbers(self, count: int, limit: int | None) -> list[int]:
        """Claim numbers that nobody has; see to `attend` before.

        Args:
            count: How many at most.
            limit: Only numbers below it, if given.

        Raises:
            StorageError: If the claims can't be written.
        """
        return self._numbers.claim(count, limit)

    def _start_new(self, count: int, limit: int | None, *, leased: bool) -> list[Assignment]:
        made = self._new_proposals(count, limit)
        return self._start(made, 0, leased=leased) if made else []

    def _new_proposals(self, count: int, limit: int | None) -> list[TrialProposed]:
        numbers = self.new_numbers(count, limit)
        try:
            return self._proposals(numbers) if numbers else []
        except Exception:
            # Nobody else can ever use a number that is claimed by a process that lives. One that
            # is about to leave gives nothing back: those who look for lost numbers find it sooner
            # than one that nobody owns.
            for number in reversed(numbers):
                self.session.journal.claims.release(number)
            raise

    def _start(
        self, proposals: Sequence[TrialProposed], attempt: int, *, leased: bool
    ) -> list[Assignment]:
        """Start an attempt at each of some trials, for which this process proposes."""
        starts = [
            TrialStarted(
                trial=made.trial,
                attempt=attempt,
                params=made.params,
                by=made.by,
                seen=made.seen,
                batch=made.batch,
                snapshot=made.snapshot,
                numbers=made.numbers,
                view=made.view,
                leased=leased,
            )
            for made in proposals
        ]
        self._in_doubt.update((made.trial, attempt) for made in proposals)
        self.session.append(*starts)
        return [
            Assignment(number=made.trial, attempt=attempt, params=made.params)
            for made in proposals
        ]

    def _proposals(self, numbers: Sequence[int]) -> list[TrialProposed]:
        """New proposals, which tell what is needed to make them once more."""
        session, config = self.session, self.session.config
        history = session.history()
        with self.pondering():
            units = config.optimizer.suggest(history, numbers, config.seed or 0)
        is_batch = len(numbers) > 1
        made = [
            TrialProposed(
                trial=number,
                params=config.space.from_row(row),
                by=config.optimizer.kind,
                batch=numbers[0] if is_batch else None,
                snapshot=session.base(),
            )
            for number, row in zip(numbers, config.space.from_unit(units), strict=True)
        ]
        made[0] = replace(
            made[0],
            seen=session.newly_seen(),
            numbers=tuple(numbers) if is_batch else (),
            view=history.checksum(),
        )
        return made


def _assignment(trial: TrialRecord, attempt: int, params: Params, after: int) -> Assignment:
    return Assignment(number=trial.number, attempt=attempt, params=params, last_step=after)
