"""The worker loop: take a trial, have it evaluated, record what comes of it, until all is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from fsopt.errors import InfeasibleSpaceError, StorageError
from fsopt.events import (
    AttributeSet,
    Event,
    TrialCompleted,
    TrialFailed,
    TrialPaused,
    TrialReported,
)
from fsopt.log import layout
from fsopt.objectives import Failure
from fsopt.run.backends import Backend, make_backend
from fsopt.run.evaluation import Ended, Message, Objective, Reported
from fsopt.run.signals import Preemption
from fsopt.run.terms import (
    BUDGET,
    EXHAUSTED,
    STOPPED,
    Limits,
    Progress,
    Silence,
    Summary,
)
from fsopt.state import TrialState
from fsopt.study import Study
from fsopt.trial import PREEMPTED, TIMEOUT, Assignment

_TICK = 0.25
"""Seconds between looks at the clock and at signals."""

_SYNC_EVERY = 1.0
"""Seconds between looks at what others do, while there is nothing else to do."""

_REPORT_EVERY = 1.0
"""Seconds for which reports are collected before they are written."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Seconds between tries to write what a full disk has refused; doubled from try to try."""

_STORAGE_PATIENCE = 600.0
"""Seconds to wait for a full disk or an absent server before giving up."""


def run_study(
    study: Study,
    objective: Objective,
    *,
    workers: int,
    backend: str,
    limits: Limits,
    progress: Progress | None = None,
) -> Summary:
    """Work on a study until it, or this process, is done.

    Raises:
        StudyError: If the options make no sense.
        StorageError: If the directory can't be written.
        KeyboardInterrupt: If a person asks twice to leave.
    """
    session = study.session
    evaluations = make_backend(backend, workers, objective, session.objectives, session.files.root)
    with closing(evaluations), Preemption() as preemption:
        return Worker(study, evaluations, limits, progress or Silence(), preemption).run()


@dataclass(slots=True)
class _Notes:
    """What an attempt has said that is not written yet."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    attributes: list[Event] = field(default_factory=list)

    def events(self, number: int, attempt: int) -> list[Event]:
        """Everything as events."""
        if not self.steps:
            return self.attributes
        steps, values = tuple(self.steps), tuple(self.values)
        report = TrialReported(trial=number, attempt=attempt, steps=steps, values=values)
        return [report, *self.attributes]


class Worker:
    """One process's work on a study; see `run_study`. It is the evaluations' `Listener`."""

    def __init__(
        self,
        study: Study,
        backend: Backend,
        limits: Limits,
        progress: Progress,
        preemption: Preemption,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._study = study
        self._backend = backend
        self._limits = limits
        self._progress = progress
        self._preemption = preemption
        self._clock = clock
        self._started = self._clock()
        self._running: dict[tuple[int, int], tuple[Assignment, float]] = {}
        self._notes: dict[tuple[int, int], _Notes] = {}
        self._unconfirmed: set[int] = set()
        self._evaluated = 0
        self._exhausted = False
        self.next_look = 0.0
        """The clock before which this process does not look at what others do."""
        self._next_flush = 0.0
        self._troubles: dict[str, float] = {}
        self._pause, self._retry_at = _FIRST_PAUSE, 0.0

    def run(self) -> Summary:
        """Work until done; see `run_study`."""
        if self._limits.trials is not None:
            self._study.allow(self._limits.trials)
        while (reason := self.stop_reason() or self._finished()) is None:
            if not self._unconfirmed and self._clock() >= self._retry_at:
                self._guard("take", self._fill)
            if self._running:
                self._turn(_TICK)
            elif self._finished() is None:
                # Others have the rest in hand, or the disk is full: look again, not too often.
                self._study.session.wait(_SYNC_EVERY)
                self._turn(0.0)
        if self._running:
            self._wind_down(reason)
        self._settle()
        return Summary(
            reason=reason,
            evaluated=self._evaluated,
            seconds=round(self._clock() - self._started, 3),
        )

    def stop_reason(self) -> str | None:
        """Why no more may be done, if so."""
        if self._preemption.signal is not None:
            return PREEMPTED
        timeout = self._limits.timeout
        if timeout is not None and self._clock() - self._started >= timeout:
            return TIMEOUT
        now = self._clock()
        if now >= self.next_look:
            self.next_look = now + self._pause_between_looks(now)
            self._guard("read", self._study.session.refresh)
        return STOPPED if self._study.session.state.stopped else None

    def _pause_between_looks(self, now: float) -> float:
        """Who has all hands full needs nothing of the others but to hear that the study stops."""
        if len(self._running) < self._backend.slots:
            return _SYNC_EVERY
        busy = now - max(began for _, began in self._running.values())
        low, high = self._study.session.busy_pauses
        return min(max(low, busy), high)

    def receive(self, message: Message) -> None:
        """Take in what an evaluation says."""
        key = (message.number, message.attempt)
        if key not in self._running:
            return
        if isinstance(message, Ended):
            self._end(message)
            return
        notes = self._notes.setdefault(key, _Notes())
        if isinstance(message, Reported):
            notes.steps.append(message.step)
            notes.values.append(message.value)
        else:
            notes.attributes.append(
                AttributeSet(
                    trial=message.number,
                    attempt=message.attempt,
                    name=message.name,
                    value=message.value,
                )
            )
        self._write_notes()

    def _limit(self) -> int | None:
        return self._limits.trials or self._study.session.state.budget

    def _finished(self) -> str | None:
        """Why this process can leave, if that is certain."""
        reason, certain = self._done(), []
        confirms = self._study.session.confirms
        self._guard("read", lambda: certain.append(confirms(reason is not None)))
        return reason if any(certain) else None

    def _done(self) -> str | None:
        """Whether the study needs nothing more from this process."""
        limit = self._limit()
        if self._running:
            return None
        trials = self._study.session.state.trials
        if limit is None:
            return EXHAUSTED if self._exhausted and not self._open(None) else None
        finished = sum(n for state, n in trials.count(limit).items() if state.is_finished)
        if finished == limit:
            return BUDGET
        if self._open(limit):
            return None
        if self._exhausted:
            return EXHAUSTED
        return BUDGET if trials.complete_below >= limit else None

    def _open(self, limit: int | None) -> bool:
        """Whether a trial is unfinished that some process works on, or this one can take."""
        return any(
            (limit is None or trial.number < limit)
            and not (trial.state is TrialState.RUNNING and trial.is_external)
            for trial in self._study.session.state.unfinished()
        )

    def _fill(self) -> None:
        """Give every free slot a trial."""
        while len(self._running) < self._backend.slots:
            try:
                assignments = self._study.dispatcher.take(
                    1, self._limit(), new=not self._exhausted
                )
            except InfeasibleSpaceError:
                if self._study.config.space.cardinality is None:
                    raise
                self._exhausted = True
                return
            if not assignments:
                return
            for assignment in assignments:
                key = (assignment.number, assignment.attempt)
                self._running[key] = (assignment, self._clock())
                self._backend.start(assignment, self)
            self._confirm()
            if self._unconfirmed or self.stop_reason() is not None:
                return

    def _turn(self, timeout: float) -> None:
        """Wait for evaluations, write what has gathered, and show how things stand."""
        self._backend.poll(timeout, self)
        self._write_notes()
        self._confirm()
        self._progress.tick(self._study, len(self._running))

    def _write_notes(self) -> None:
        """Write what evaluations have said, not more often than a filesystem likes."""
        now = self._clock()
        if now >= self._next_flush:
            self._next_flush = now + _REPORT_EVERY
            self._record(*self._gathered(None))

    def _end(self, ended: Ended) -> None:
        key = (ended.number, ended.attempt)
        _, began = self._running.pop(key)
        duration = ended.duration
        if duration is None:
            duration = round(self._clock() - began, 6)
        reason = self._preemption.signal and PREEMPTED
        if ended.result is None or (
            reason
            and isinstance(ended.result, Failure)
            and ended.result.reason.startswith("signal ")
        ):
            # A scheduler's signal reaches the objective's own processes as well.
            event: Event = TrialPaused(
                trial=ended.number,
                attempt=ended.attempt,
                reason=ended.stop_reason or reason or STOPPED,
                duration=duration,
            )
        elif isinstance(ended.result, Failure):
            self._keep_traceback(ended)
            event = TrialFailed(
                trial=ended.number,
                attempt=ended.attempt,
                reason=ended.result.reason,
                duration=duration,
            )
        else:
            event = TrialCompleted(
                trial=ended.number,
                attempt=ended.attempt,
                values=ended.result,
                duration=duration,
            )
        self._unconfirmed.add(ended.number)
        self._record(*self._gathered(key), event)

    def _gathered(self, key: tuple[int, int] | None) -> list[Event]:
        """What waits to be written, of one attempt or of all."""
        keys = [k for k in self._notes if key is None or k == key]
        return [event for k in keys for event in self._notes.pop(k).events(*k)]

    def _record(self, *events: Event) -> None:
        """Append events; if the disk is full they are kept and sent again at every turn."""
        if events:
            self._guard("write", lambda: self._study.session.append(*events))

    def _confirm(self) -> None:
        """Tell of finished trials once they are durable."""
        journal = self._study.session.journal
        # Each try may leave a file on a disk that is full.
        if journal.backlog and self._clock() >= self._retry_at:
            self._guard("write", self._study.session.append)
        if journal.backlog:
            return
        for number in sorted(self._unconfirmed):
            trial = self._study.session.state.trials[number]
            if trial.state.is_finished:
                self._evaluated += 1
                self._progress.finished(self._study, trial)
        self._unconfirmed.clear()

    def _guard(self, kind: str, action: Callable[[], None]) -> None:
        """Do something with the filesystem; a trouble that may pass is waited out by later turns.

        Raises:
            StorageError: If the trouble will not pass, or has lasted for too long.
        """
        try:
            action()
        except StorageError as error:
            if not self._troubles:
                self._progress.notice(f"{error}. Waiting for it to pass; nothing is lost")
            since = self._troubles.setdefault(kind, self._clock())
            self._retry_at = self._clock() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            if not error.passing or self._clock() - since > _STORAGE_PATIENCE:
                raise
        else:
            if self._troubles.pop(kind, None) is not None and not self._troubles:
                self._pause = _FIRST_PAUSE
                self._progress.notice("the filesystem works again")

    def _wind_down(self, reason: str) -> None:
        """Let running evaluations save their state; what does not end in time is ended."""
        deadline = self._clock() + self._limits.grace
        self._progress.notice(
            f"{reason}: {len(self._running)} running trials have {self._limits.grace:g} s to pause"
        )
        while self._running and self._clock() < deadline:
            self._backend.stop(reason)
            self._turn(_TICK)
        # Only what certainly runs no more may be offered to others.
        self._backend.close()
        left = list(self._running)
        self._running.clear()
        self._record(
            *self._gathered(None),
            *(TrialPaused(trial=number, attempt=k, reason=reason) for number, k in left),
        )

    def _settle(self) -> None:
        """Get everything written before leaving."""
        self._confirm()
        while self._study.session.journal.backlog:
            self._backend.poll(_SYNC_EVERY, self)
            self._confirm()

    def _keep_traceback(self, ended: Ended) -> None:
        if ended.traceback is None:
            return
        path = layout.traceback(ended.number, ended.attempt)
        try:
            self._study.session.journal.filesystem.publish(
                path, ended.traceback.encode(errors="backslashreplace")
            )
        except OSError as error:
            # The reason is in the log; the traceback is a convenience.
            self._progress.notice(f"can't keep the traceback of trial {ended.number}: {error}")
