"""The fold: events in, the state of the study out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import replace
from typing import Any

from fsopt import events as e
from fsopt.events import Record
from fsopt.space import Space
from fsopt.state.lifecycle import TrialState
from fsopt.state.record import Outcome, Proposal, Report, Stamp, TrialRecord
from fsopt.state.table import TrialTable
from fsopt.state.writers import WriterState


class StudyState:
    """Everything that the events seen so far amount to.

    `apply` is the only way in. Its result does not depend on the order of events, nor on how often
    each is seen, so any two processes that have read the same events agree.
    """

    def __init__(self, space: Space, objectives: int) -> None:
        """The state of a study in which nothing has happened.

        Args:
            space: What is searched.
            objectives: How many values a trial has.
        """
        self.trials = TrialTable(space, objectives)
        self.writers: MutableMapping[str, WriterState] = {}
        self.budget: int | None = None
        self.generation = 0
        """Of the latest stop or reopening."""
        self.stopped = False
        self.ensembles: dict[str, tuple[e.EnsembleBuilt, Stamp]] = {}
        """By the name of predictions: the ensemble that holds."""
        self.priors: dict[str, tuple[e.PriorRegistered, Stamp]] = {}
        """By id: what earlier studies teach."""
        self._objectives = objectives

    def apply_all(self, records: Iterable[Record]) -> None:
        """Apply several records."""
        for record in records:
            self.apply(record)

    def apply(self, record: Record) -> None:
        """Take in one record; one that was seen before changes nothing."""
        writer = self.writers.get(record.writer)
        if writer is None:
            writer = self.writers[record.writer] = WriterState()
        if not writer.known.add(record.seq):
            return
        if record.time < writer.first_time:
            writer.first_time = record.time
        if record.time > writer.last_time:
            writer.last_time = record.time
        event = record.event
        if isinstance(event, e.UnknownEvent):
            writer.unknown[event.name] = writer.unknown.get(event.name, 0) + 1
            return
        stamp = Stamp(record.writer, record.seq, record.time)
        _FOLDS[type(event)](self, event, stamp)

    def adopt(self, records: Iterable[Record]) -> None:
        """Take in facts from a snapshot, whatever their writers are known to have written.

        Their writers, where they matter, must be in `writers` already.
        """
        for record in records:
            if not isinstance(record.event, e.UnknownEvent):
                stamp = Stamp(record.writer, record.seq, record.time)
                _FOLDS[type(record.event)](self, record.event, stamp)

    @property
    def positions(self) -> dict[str, int]:
        """For each writer, the sequence number after the highest that was seen of it."""
        return {name: writer.known.end for name, writer in self.writers.items()}

    @property
    def unknown(self) -> dict[str, int]:
        """How many events of each unknown name were ignored."""
        counts: Counter[str] = Counter()
        for writer in self.writers.values():
            counts.update(writer.unknown)
        return dict(counts)

    def registered_priors(self) -> list[e.PriorRegistered]:
        """What earlier studies teach, by id."""
        return [self.priors[key][0] for key in sorted(self.priors)]

    def unfinished(self) -> Iterator[TrialRecord]:
        """The trials that are waiting, running or paused, by number."""
        return self.trials.unfinished()

    def _writer_started(self, event: e.WriterStarted, stamp: Stamp) -> None:
        self.writers[stamp.writer].add_start(event, stamp)

    def _writer_closed(self, _event: e.WriterClosed, stamp: Stamp) -> None:
        self.writers[stamp.writer].closed = True

    def _heartbeat(self, _event: e.Heartbeat, _stamp: Stamp) -> None:
        """Says no more than that the writer lives, which its time already tells."""

    def _proposed(self, event: e.TrialProposed, stamp: Stamp) -> None:
        proposal = Proposal(event.params, event.by, stamp)
        self.trials.change(event.trial, lambda trial: trial.add_proposal(proposal))

    def _started(self, event: e.TrialStarted, stamp: Stamp) -> None:
        proposal = None
        if event.params is not None:
            proposal = Proposal(event.params, event.by or "unknown", stamp)
        self.trials.change(
            event.trial,
            lambda trial: trial.attempt(event.attempt).add_start(
                stamp, leased=event.leased, proposal=proposal, after=event.after
            ),
        )

    def _reported(self, event: e.TrialReported, stamp: Stamp) -> None:
        def report(trial: TrialRecord) -> None:
            attempt = trial.attempt(event.attempt)
            for step, value in zip(event.steps, event.values, strict=False):
                attempt.add_report(step, Report(value, stamp))

        self.trials.change(event.trial, report)

    def _ended(self, event: _Ending, stamp: Stamp) -> None:
        outcome = Outcome(
            state=_ENDINGS[type(event)],
            stamp=stamp,
            values=getattr(event, "values", ()),
            reason=getattr(event, "reason", None),
            duration=event.duration,
        )
        valid = len(outcome.values) == self._objectives and all(map(math.isfinite, outcome.values))
        if outcome.state.has_values and not valid:
            reason = f"recorded {outcome.values} as values of {self._objectives} objectives"
            outcome = replace(outcome, state=TrialState.FAILED, values=(), reason=reason)
        self.trials.change(
            event.trial, lambda trial: trial.attempt(event.attempt).add_outcome(outcome)
        )

    def _retried(self, event: e.TrialRetried, _stamp: Stamp) -> None:
        self.trials.change(event.trial, lambda trial: trial.ask_again(event.attempt))

    def _attribute_set(self, event: e.AttributeSet, stamp: Stamp) -> None:
        self.trials.change(
            event.trial,
            lambda trial: trial.add_attribute(event.name, event.value, event.attempt, stamp),
        )

    def _budget_set(self, event: e.BudgetSet, _stamp: Stamp) -> None:
        self.budget = max(self.budget or 0, event.trials)

    def _study_stopped(self, event: e.StudyStopped, _stamp: Stamp) -> None:
        if event.generation >= self.generation:
            self.generation, self.stopped = event.generation, True

    def _study_reopened(self, event: e.StudyReopened, _stamp: Stamp) -> None:
        if event.generation > self.generation:
            self.generation, self.stopped = event.generation, False

    def _ensemble_built(self, event: e.EnsembleBuilt, stamp: Stamp) -> None:
        known = self.ensembles.get(event.name)
        if known is None or (known[0].generation, known[1].key) < (event.generation, stamp.key):
            self.ensembles[event.name] = event, stamp

    def _prior_registered(self, event: e.PriorRegistered, stamp: Stamp) -> None:
        known = self.priors.get(event.id)
        if known is None or stamp.key < known[1].key:
            self.priors[event.id] = event, stamp


_Ending = e.TrialPaused | e.TrialCompleted | e.TrialStopped | e.TrialFailed

_ENDINGS: dict[type[_Ending], TrialState] = {
    e.TrialPaused: TrialState.PAUSED,
    e.TrialCompleted: TrialState.COMPLETED,
    e.TrialStopped: TrialState.STOPPED,
    e.TrialFailed: TrialState.FAILED,
}

_FOLDS: dict[type[e.Event], Callable[[StudyState, Any, Stamp], None]] = {
    e.WriterStarted: StudyState._writer_started,
    e.WriterClosed: StudyState._writer_closed,
    e.Heartbeat: StudyState._heartbeat,
    e.TrialProposed: StudyState._proposed,
    e.TrialStarted: StudyState._started,
    e.TrialReported: StudyState._reported,
    e.TrialPaused: StudyState._ended,
    e.TrialCompleted: StudyState._ended,
    e.TrialStopped: StudyState._ended,
    e.TrialFailed: StudyState._ended,
    e.TrialRetried: StudyState._retried,
    e.AttributeSet: StudyState._attribute_set,
    e.BudgetSet: StudyState._budget_set,
    e.StudyStopped: StudyState._study_stopped,
    e.StudyReopened: StudyState._study_reopened,
    e.EnsembleBuilt: StudyState._ensemble_built,
    e.PriorRegistered: StudyState._prior_registered,
}
