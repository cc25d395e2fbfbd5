"""Which trial a process works on next: exactly one process gets each attempt.

In this order: trials that wait, were paused, or whose process was lost; then a new trial, for
which a configuration is proposed. Everything is decided from the log, and owned by creating a
claim file, so nobody has to be asked and nobody can be in the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fsopt.errors import TrialError
from fsopt.events import TrialFailed, TrialProposed, TrialStarted
from fsopt.state import TrialRecord, TrialState
from fsopt.study.session import Session
from fsopt.trial import Assignment
from fsopt.values import Params

_SUSPECT_AFTER = 1.0
"""Seconds after which a number that was claimed without a word is looked into."""

_REFUSED_FOR = 2.0
"""Seconds after which an attempt that another process has claimed is looked at again."""


@dataclass(slots=True)
class Dispatcher:
    """Takes trials for one process."""

    session: Session
    _in_hand: set[tuple[int, int]] = field(default_factory=set)
    """Attempts that were handed out by `take`."""
    _refused: dict[tuple[int, int], float] = field(default_factory=dict)
    _silent: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By number, when its silence was first noticed and when it was last looked into."""

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
        session.sync()
        session.introduce()
        if leased:
            session.keep_alive()
        taken = self._interrupted()[:count]
        for trial in self._available(limit):
            if len(taken) >= count:
                break
            taken += self._continue(trial, leased=leased)
        if new and len(taken) < count:
            taken += self._orphan(limit, leased=leased)
        if new and len(taken) < count:
            taken += self._start_new(count - len(taken), limit, leased=leased)
        self._in_hand.update((a.number, a.attempt) for a in taken)
        return taken

    def enqueue(self, params: Params) -> int:
        """Record a configuration that waits to be evaluated, under a new number.

        Raises:
            StorageError: If the claim or the log can't be written.
        """
        session = self.session
        session.sync()
        session.introduce()
        number = session.journal.claims.next_number(session.state.trials.__contains__, None)
        if number is None:
            raise TrialError("no trial number is left")
        session.append(TrialProposed(trial=number, params=params, by="enqueued"))
        return number

    def _interrupted(self) -> list[Assignment]:
        """Attempts of this process that never got out of `take`, because the disk was full."""
        mine = []
        for trial in self.session.state.unfinished():
            attempt = trial.decisive
            if (
                trial.state is TrialState.RUNNING
                and attempt is not None
                and attempt.writer == self.session.writer
                and (trial.number, attempt.index) not in self._in_hand
                and trial.params is not None
            ):
                mine.append(_assignment(trial, attempt.index, trial.params))
        return mine

    def _available(self, limit: int | None) -> Iterator[TrialRecord]:
        """Unfinished trials that nobody works on."""
        for trial in list(self.session.state.unfinished()):
            if limit is not None and trial.number >= limit:
                continue
            if trial.state is TrialState.RUNNING and not self._is_abandoned(trial):
                continue
            yield trial

    def _is_abandoned(self, trial: TrialRecord) -> bool:
        attempt = trial.decisive
        if attempt is None or not attempt.leased:
            return False
        writer = attempt.writer
        if writer is None:
            claim = attempt.index if attempt.index or trial.proposal else None
            writer = self.session.journal.claims.owner(trial.number, claim)
        if writer is None or not self.session.is_lost(writer):
            return False
        # The process may have finished the trial just before it ended.
        self.session.sync()
        return self.session.state.trials[trial.number].state is TrialState.RUNNING

    def _continue(self, trial: TrialRecord, *, leased: bool) -> list[Assignment]:
        index = self._claim_attempt(trial.number, trial.next_attempt)
        if index is None:
            return []
        lost = [a.index for a in trial.attempts.values() if a.outcome is None]
        if len(lost) >= self.session.config.max_attempts:
            reason = f"lost: the process vanished in each of {len(lost)} attempts"
            self.session.append(TrialFailed(trial=trial.number, attempt=max(lost), reason=reason))
            return []
        if trial.params is None:
            return [self._start_proposed(trial.number, index, leased=leased)]
        self.session.files.hand_over_checkpoint(trial.number, index)
        self.session.append(TrialStarted(trial=trial.number, attempt=index, leased=leased))
        return [_assignment(trial, index, trial.params)]

    def _claim_attempt(self, number: int, first: int) -> int | None:
        """Claim the next attempt at a trial, passing over claims whose owners were lost."""
        session, index = self.session, first
        while True:
            key, now = (number, index), session.clock()
            if now < self._refused.get(key, now):
                return None
            if session.journal.claims.attempt(number, index):
                return index
            owner = session.journal.claims.owner(number, index)
            if owner is None or not session.is_lost(owner):
                self._refused[key] = now + _REFUSED_FOR
                return None
            session.sync()
            trial = session.state.trials.get(number)
            if trial is not None and (trial.state.is_finished or trial.next_attempt > index):
                return None
            index += 1

    def _orphan(self, limit: int | None, *, leased: bool) -> list[Assignment]:
        """Take over a number whose owner was lost before it said what it would evaluate.

        At most one number is looked into at a time: usually its owner is still thinking.
        """
        session, claims = self.session, self.session.journal.claims
        end = max(session.state.trials.end, claims.cursor)
        missing = session.state.trials.missing_below(end if limit is None else min(end, limit))
        now = session.clock()
        self._silent = {number: self._silent.get(number, (now, now)) for number in missing}
        number = min(self._silent, key=lambda n: self._silent[n][1], default=None)
        if number is None or now - self._silent[number][1] < _SUSPECT_AFTER:
            return []
        since = self._silent[number][0]
        self._silent[number] = (since, now)
        owner = claims.owner(number)
        # A claim without a name is of a process that died between creating and writing the file.
        if now - since < session.config.lease and (owner is None or not session.is_lost(owner)):
            return []
        session.sync()
        if number in session.state.trials:
            return []
        index = self._claim_attempt(number, 1)
        return [] if index is None else [self._start_proposed(number, index, leased=leased)]

    def _new_numbers(self, count: int, limit: int | None) -> list[int]:
        session = self.session
        numbers: list[int] = []
        known = session.state.trials.__contains__
        while len(numbers) < count:
            number = session.journal.claims.next_number(known, limit)
            if number is None:
                break
            numbers.append(number)
        return numbers

    def _start_new(self, count: int, limit: int | None, *, leased: bool) -> list[Assignment]:
        session = self.session
        numbers = self._new_numbers(count, limit)
        if not numbers:
            return []
        try:
            proposals = self._propose(numbers)
        except BaseException:
            # Nobody else can ever use a number that is claimed by a process that lives.
            for number in reversed(numbers):
                session.journal.claims.release(number)
            raise
        seen = session.newly_seen()
        batch = numbers[0] if len(numbers) > 1 else None
        events = [
            TrialStarted(
                trial=number,
                params=params,
                by=session.config.optimizer.kind,
                seen=seen if number == numbers[0] else {},
                batch=batch,
                leased=leased,
            )
            for number, params in zip(numbers, proposals, strict=True)
        ]
        session.append(*events)
        return [
            Assignment(number=number, attempt=0, params=params)
            for number, params in zip(numbers, proposals, strict=True)
        ]

    def _start_proposed(self, number: int, attempt: int, *, leased: bool) -> Assignment:
        """Start an attempt at a trial whose configuration nobody knows, with a new one."""
        session = self.session
        params = self._propose([number])[0]
        session.append(
            TrialStarted(
                trial=number,
                attempt=attempt,
                params=params,
                by=session.config.optimizer.kind,
                seen=session.newly_seen(),
                leased=leased,
            )
        )
        return Assignment(number=number, attempt=attempt, params=params)

    def _propose(self, numbers: list[int]) -> list[Params]:
        session = self.session
        seed = session.config.seed or 0
        units = session.config.optimizer.suggest(session.history(), numbers, seed)
        rows = session.config.space.from_unit(units)
        return [session.config.space.from_row(row) for row in rows]


def _assignment(trial: TrialRecord, attempt: int, params: Params) -> Assignment:
    return Assignment(
        number=trial.number, attempt=attempt, params=params, last_step=trial.last_step
    )
