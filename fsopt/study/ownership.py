"""Whether somebody still works on a trial, by the evidence that there is: logs and claim files.

Nobody can be asked. A process is lost when its log was closed, when it ran on this machine and is
gone, or after a lease of silence; whoever finds that out may claim the next attempt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fsopt.state import Attempt, TrialRecord, TrialState
from fsopt.study.session import Session
from fsopt.trial import LOST

_REFUSED_FOR = 2.0
"""Seconds after which an attempt that another process has claimed is looked at again."""


@dataclass(slots=True)
class Ownership:
    """Finds out for one process who owns what, and claims attempts for it."""

    session: Session
    _refused: dict[tuple[int, int], float] = field(default_factory=dict)
    """By attempt that another process has claimed, until when it is left alone."""
    _nameless: dict[tuple[int, int | None], float] = field(default_factory=dict)
    """By claim, when it was first seen without the name of a writer."""

    def is_abandoned(self, trial: TrialRecord) -> bool:
        """Whether a running trial's process is lost; reads the logs once more before it says so.

        Raises:
            StorageError: If claims or logs can't be read.
        """
        attempt = trial.decisive
        if attempt is None or not attempt.leased:
            return False
        writer = attempt.writer
        if writer is None:
            claim = attempt.index if attempt.index or trial.proposal else None
            lost = self.is_claim_lost(trial.number, claim)
        else:
            lost = self.session.is_certainly_lost(writer)
        if not lost:
            return False
        # It may have ended since, or somebody else may have begun the next attempt.
        now = self.session.state.trials[trial.number]
        return (
            now.state is TrialState.RUNNING
            and now.decisive is not None
            and now.decisive.index == attempt.index
        )

    def is_claim_lost(self, number: int, attempt: int | None) -> bool:
        """Whether the holder of a claim is lost; reads the logs once more before it says so.

        A claim without a name is of a process that died between creating and writing the file, or
        had no space to write its name; after a lease without a word from it, it is lost.
        """
        session, key = self.session, (number, attempt)
        owner = session.journal.claims.owner(number, attempt)
        if owner is not None:
            self._nameless.pop(key, None)
            return session.is_certainly_lost(owner)
        now = session.clock()
        if now - self._nameless.setdefault(key, now) < session.config.lease:
            return False
        session.look()
        return True

    def count_lost(self, trial: TrialRecord) -> int:
        """How many attempts were lost with their process or node since the trial was last retried.

        A process that was given up may still be alive, and its result would count. That of a node
        is told by the process that lost it, as the reason of a pause.
        """
        attempts = [a for a in trial.attempts.values() if a.index >= trial.retry]
        return sum(
            a.writer is not None and self.session.is_certainly_lost(a.writer)
            if a.outcome is None
            else (a.outcome.reason or "").startswith(f"{LOST}:")
            for a in attempts
        )

    def may_still_run(self, attempt: Attempt) -> bool:
        """Whether an attempt's process may go on with it, although nobody waits for that.

        It does not if it told how the attempt ended, or is known to have ended itself. One that is
        merely silent, or whose trial a person has given up, may.
        """
        writer = attempt.writer
        if writer is None:
            return False
        told = attempt.outcome is not None and attempt.outcome.stamp.writer == writer
        return not (told or self.session.has_ended(writer))

    def take_checkpoint(self, trial: TrialRecord, index: int) -> int | None:
        """The step from which an attempt goes on, with the checkpoint of the one before.

        Without a checkpoint it begins anew; None if there was no attempt before.

        Raises:
            StorageError: If the checkpoint can't be handed over.
        """
        started = [a for a in trial.attempts.values() if a.started is not None]
        if not started:
            return None
        before = max(started, key=lambda attempt: attempt.index)
        has_checkpoint = self.session.files.hand_over_checkpoint(
            trial.number, index, since=before.index, copy=self.may_still_run(before)
        )
        return trial.last_step if has_checkpoint else 0

    def claim_attempt(self, number: int, first: int) -> int | None:
        """Claim the next attempt at a trial, passing over claims whose owners were lost."""
        session, claims, index = self.session, self.session.journal.claims, first
        while True:
            key, now = (number, index), session.clock()
            if now < self._refused.get(key, now):
                return None
            if claims.attempt(number, index):
                return index if self._still_waits(number, index) else None
            if claims.owner(number, index) == session.writer:
                # An earlier try went wrong between the claim and the first event.
                return index
            if not self.is_claim_lost(number, index):
                self._refused[key] = now + _REFUSED_FOR
                return None
            trial = session.state.trials.get(number)
            if trial is not None and (trial.state.is_finished or trial.next_attempt > index):
                return None
            index += 1

    def _still_waits(self, number: int, index: int) -> bool:
        """Whether an attempt, just claimed, is needed still; gives the claim back if not.

        The claims of finished trials are removed after a while, so to win one proves nothing for a
        process that has long not looked.
        """
        session = self.session
        if not session.is_view_old():
            return True
        session.look()
        trial = session.state.trials.get(number)
        if trial is None or not (trial.state.is_finished or trial.next_attempt > index):
            return True
        session.journal.claims.release(number, index)
        return False
