"""The worker loop: take a trial, have it evaluated, record what comes of it, until all is done."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing, nullcontext

from fsopt.errors import InfeasibleSpaceError
from fsopt.events import Event, TrialPaused
from fsopt.log import layout
from fsopt.objectives import Failure
from fsopt.run.backends import Backend, make_backend
from fsopt.run.callbacks import Callbacks
from fsopt.run.conditions import Conditions
from fsopt.run.endings import ending
from fsopt.run.evaluation import Ended, Message, Objective, Reported
from fsopt.run.notes import Notes
from fsopt.run.patience import Patience
from fsopt.run.signals import Preempted, Preemption, noted_signals
from fsopt.run.terms import (
    BUDGET,
    EXHAUSTED,
    PATIENCE,
    STOPPED,
    TARGET,
    Limits,
    Progress,
    Silence,
    Summary,
)
from fsopt.state import TrialState
from fsopt.study import Study
from fsopt.study.incumbents import Incumbents
from fsopt.study.roles import EVERYTHING, Part, Reliance, Role, Supply
from fsopt.trial import PREEMPTED, STOPPER, TIMEOUT, Assignment

_TICK = 0.25
"""Seconds between looks at the clock and at signals."""

_SYNC_EVERY = 1.0
"""Seconds between looks at what others do, while there is nothing else to do."""

_REPORT_EVERY = 1.0
"""Seconds for which reports are collected before they are written."""

_SLOTS_WITHIN = 15.0
"""Seconds in which a cluster usually finds places for evaluations."""


def run_study(
    study: Study,
    objective: Objective,
    *,
    workers: int,
    backend: str,
    limits: Limits,
    part: Part = EVERYTHING,
    progress: Progress | None = None,
    conditions: Conditions | None = None,
) -> Summary:
    """Work on a study until it, or this process, is done.

    Raises:
        StudyError: If the options make no sense.
        StorageError: If the directory can't be written.
        KeyboardInterrupt: If a person asks twice to leave.
    """
    session = study.session
    proposes = part.role is Role.PROPOSE
    if proposes:
        workers, backend, conditions = 1, "serial", None  # nothing is evaluated
    evaluations = make_backend(
        backend, workers, objective, session.objectives, session.files.root, conditions
    )
    session.role, session.reads_all = part.role.value, proposes
    session.slots = 0 if proposes else max(evaluations.slots, workers)
    told = Callbacks(progress or Silence(), study.callbacks)
    with closing(evaluations), noted_signals() as preemption:
        worker = Worker(study, evaluations, limits, part, told, preemption)
        return worker.run()


class Worker:
    """One process's work on a study; see `run_study`. It is the evaluations' `Listener`."""

    def __init__(
        self,
        study: Study,
        backend: Backend,
        limits: Limits,
        part: Part,
        progress: Progress,
        preemption: Preemption,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._study = study
        self._backend = backend
        self._limits = limits
        self._progress = progress
        self._preemption = preemption
        session = study.session
        self._stopping = session.stopping
        self._incumbents: Incumbents | None = None
        if limits.target or limits.patience:
            self._incumbents = Incumbents(session.state.trials, session.objectives)
        self._supply = Supply(session, part.ahead) if part.role is Role.PROPOSE else None
        self._reliance: Reliance | None = None
        if part.role is Role.EVALUATE:
            self._reliance = Reliance(session, waits=part.waits, tell=progress.notice)
        self._clock = clock
        self._started = self._clock()
        self._running: dict[tuple[int, int], tuple[Assignment, float]] = {}
        self._notes = Notes()
        self._unconfirmed: set[int] = set()
        self._evaluated = 0
        self._exhausted = False
        self._slotless: float | None = None
        self.next_look = 0.0
        """The clock before which this process does not look at what others do."""
        self._next_flush = 0.0
        self._patience = Patience(self._clock, progress.notice)

    def run(self) -> Summary:
        """Work until done; see `run_study`."""
        self._study.dispatcher.pondering = self._preemption.interruptible
        try:
            reason = self._work()
        except Preempted:
            reason = PREEMPTED
        finally:
            self._study.dispatcher.pondering = nullcontext
        deadline = self._clock() + self._limits.grace
        if self._running:
            self._wind_down(reason, deadline)
        self._settle(deadline)
        return Summary(
            reason=reason,
            evaluated=self._evaluated,
            seconds=round(self._clock() - self._started, 3),
        )

    def _work(self) -> str:
        """Work until there is a reason to leave."""
        if self._limits.trials is not None:
            self._study.allow(self._limits.trials)
        while (reason := self.stop_reason() or self._finished()) is None:
            if not self._unconfirmed and self._patience.may_try:
                self._patience.attempt("take", self._fill)
            if self._running or not self._backend.slots:
                self._expect_slots()
                self._turn(_TICK)
            elif self._finished() is None:
                # Others have the rest in hand, or the disk is full: look again, not too often.
                with self._preemption.interruptible():
                    self._study.session.wait(_SYNC_EVERY)
                self._turn(0.0)
        return reason

    def stop_reason(self) -> str | None:
        """Why no more may be done, if so."""
        if self._preemption.signal is not None:
            return PREEMPTED
        timeout, now = self._limits.timeout, self._clock()
        if timeout is not None and now - self._started >= timeout:
            return TIMEOUT
        if now >= self.next_look:
            self.next_look = now + self._pause_between_looks(now)
            self._patience.attempt("read", self._study.session.refresh)
        return STOPPED if self._study.session.state.stopped else self._reached()

    def _reached(self) -> str | None:
        """Which limit the study's results have reached."""
        if self._incumbents is None:
            return None
        if self._limits.target and self._incumbents.reach(self._limits.target):
            return TARGET
        patience = self._limits.patience
        return PATIENCE if patience and self._incumbents.unimproved >= patience else None

    def _pause_between_looks(self, now: float) -> float:
        """Who has all hands full needs nothing of the others but to hear that the study stops."""
        if not self._running or len(self._running) < self._backend.slots:
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
        self._notes.add(message)
        if isinstance(message, Reported) and self._is_over(message):
            self._backend.stop_one(*key, STOPPER)
        self._write_notes()

    def _is_over(self, said: Reported) -> bool:
        """Whether the stopper ends an evaluation with this report."""
        stopping = self._stopping
        return stopping is not None and stopping.judge(
            said.number, said.attempt, said.step, said.value
        )

    def _limit(self) -> int | None:
        return self._limits.trials or self._study.session.state.budget

    def _finished(self) -> str | None:
        """Why this process can leave, if that is certain."""
        reason, certain = self._done(), []
        confirms = self._study.session.confirms
        self._patience.attempt("read", lambda: certain.append(confirms(reason is not None)))
        if not any(certain):
            return None
        return reason if self._nothing_is_left_over() else None

    def _nothing_is_left_over(self) -> bool:
        """End the trials that the stopper has paused for good; whether there were none."""
        if self._stopping is None or not self._stopping.leftovers():
            return True
        if not self._unconfirmed and self._patience.may_try:
            self._patience.attempt("write", self._settle_leftovers)
        return False

    def _settle_leftovers(self) -> None:
        self._unconfirmed.update(self._study.dispatcher.settle())
        self._confirm()

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
        parked = self._stopping.parked() if self._stopping is not None else ()
        return any(
            (limit is None or trial.number < limit)
            and trial.number not in parked
            and not (trial.state is TrialState.RUNNING and trial.is_external)
            for trial in self._study.session.state.unfinished()
        )

    def _fill(self) -> None:
        """Give every free slot a trial, or propose what others will need."""
        try:
            if self._supply is None:
                self._fill_slots()
            else:
                self._stock(self._supply)
        except InfeasibleSpaceError:
            if self._study.config.space.cardinality is None:
                raise
            self._exhausted = True
            if self._stopping is not None:
                self._stopping.is_exhausted = True

    def _fill_slots(self) -> None:
        while len(self._running) < self._backend.slots:
            proposes = self._reliance is None or self._reliance.must_propose()
            assignments = self._study.dispatcher.take(
                1,
                self._limit(),
                new=proposes and not self._exhausted,
                orphans=not self._exhausted,
            )
            if not assignments:
                return
            for assignment in assignments:
                key = (assignment.number, assignment.attempt)
                self._running[key] = (assignment, self._clock())
                self._backend.start(assignment, self)
            self._confirm()
            if self._unconfirmed or self.stop_reason() is not None:
                return

    def _expect_slots(self) -> None:
        """Say, once, that there is no place to evaluate anything, unless one comes soon."""
        if self._backend.slots:
            self._slotless = None
        elif self._slotless is None:
            self._slotless = self._clock()
        elif self._clock() - self._slotless > _SLOTS_WITHIN:
            self._slotless = math.inf
            self._progress.notice("no node is ready to evaluate; waiting for one")

    def _stock(self, supply: Supply) -> None:
        dispatcher, limit = self._study.dispatcher, self._limit()
        dispatcher.attend()
        wanted = 0 if self._exhausted else supply.wanted(limit)
        if wanted:
            began = self._clock()
            supply.proposed(dispatcher.propose(wanted, limit), self._clock() - began)

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
            self._record(*self._notes.take())

    def _end(self, ended: Ended) -> None:
        key = (ended.number, ended.attempt)
        _, began = self._running.pop(key)
        duration = ended.duration
        if duration is None:
            duration = round(self._clock() - began, 6)
        if isinstance(ended.result, Failure):
            self._keep_traceback(ended)
        leaving = PREEMPTED if self._preemption.signal is not None else None
        event = ending(ended, duration, leaving, self._stopping)
        self._unconfirmed.add(ended.number)
        self._record(*self._notes.take(key), event)

    def _record(self, *events: Event) -> None:
        """Append events; if the disk is full they are kept and sent again at every turn."""
        if events:
            self._patience.attempt("write", lambda: self._study.session.append(*events))

    def _confirm(self) -> None:
        """Tell of finished trials once they are durable."""
        journal = self._study.session.journal
        if journal.backlog and self._patience.may_try:
            self._patience.attempt("write", self._study.session.append)
        if journal.backlog:
            return
        for number in sorted(self._unconfirmed):
            trial = self._study.session.state.trials[number]
            if trial.state.is_finished:
                self._evaluated += 1
                self._progress.finished(self._study, trial)
        self._unconfirmed.clear()

    def _wind_down(self, reason: str, deadline: float) -> None:
        """Let running evaluations save their state; what does not end in time is ended."""
        self._progress.notice(
            f"{reason}: {len(self._running)} running, {self._limits.grace:g} s to pause"
        )
        while self._running and self._clock() < deadline:
            self._backend.stop(reason)
            self._turn(_TICK)
        # Only what certainly runs no more may be offered to others.
        self._backend.close()
        left = list(self._running)
        self._running.clear()
        self._record(
            *self._notes.take(),
            *(TrialPaused(trial=number, attempt=k, reason=reason) for number, k in left),
        )

    def _settle(self, deadline: float) -> None:
        """Get everything written before leaving.

        Raises:
            StorageError: If the filesystem refuses it for too long; who has to leave can't wait
                longer than until the deadline.
        """
        self._confirm()
        while self._study.session.journal.backlog:
            self._backend.poll(_SYNC_EVERY, self)
            if self._preemption.signal is not None and self._clock() > deadline:
                self._study.session.append()
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
