"""The facts that a trial still holds, as the events that would make it again.

A snapshot keeps ordinary finished trials as columns; of all others it keeps these events. Folding
them gives a trial that is equal in everything, whatever events follow later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fsopt import events as e
from fsopt.events import Event, Record
from fsopt.state.lifecycle import TrialState
from fsopt.state.record import Attempt, Outcome, Report, Stamp, TrialRecord

_NOBODY = Stamp("", 0, 0.0)
"""Stands with facts for which it does not matter who stated them."""


def facts(trial: TrialRecord) -> Iterator[Record]:
    """The records from which `StudyState.adopt` makes the trial again."""
    number = trial.number
    if trial.proposal is not None:
        made = trial.proposal
        yield _record(made.stamp, e.TrialProposed(trial=number, params=made.params, by=made.by))
    for _, attempt in sorted(trial.attempts.items()):
        yield from _facts_of_attempt(number, attempt)
    for name, (value, index, stamp) in sorted(trial.attributes.items()):
        yield _record(stamp, e.AttributeSet(trial=number, attempt=index, name=name, value=value))
    if trial.retry:
        yield _record(_NOBODY, e.TrialRetried(trial=number, attempt=trial.retry))


def _facts_of_attempt(number: int, attempt: Attempt) -> Iterator[Record]:
    index, started, made = attempt.index, attempt.started, attempt.proposal
    # This one has no content: it only says that there is such an attempt.
    yield _record(_NOBODY, e.TrialReported(trial=number, attempt=index, steps=(), values=()))
    plain = e.TrialStarted(trial=number, attempt=index, after=attempt.after, leased=attempt.leased)
    if started is not None:
        yield _record(started, plain)
    if made is not None:
        proposed = replace(plain, params=made.params, by=made.by)
        yield _record(made.stamp, proposed)
    by_stamp: dict[Stamp, list[tuple[int, Report]]] = {}
    for step, report in sorted(attempt.reports.items()):
        by_stamp.setdefault(report.stamp, []).append((step, report))
    for stamp, reports in by_stamp.items():
        steps = tuple(step for step, _ in reports)
        values = tuple(report.value for _, report in reports)
        yield _record(
            stamp, e.TrialReported(trial=number, attempt=index, steps=steps, values=values)
        )
    if attempt.outcome is not None:
        yield _record(attempt.outcome.stamp, _ending(number, attempt, attempt.outcome))


def _ending(number: int, attempt: Attempt, outcome: Outcome) -> Event:
    index, duration, reason = attempt.index, outcome.duration, outcome.reason or ""
    match outcome.state:
        case TrialState.COMPLETED:
            return e.TrialCompleted(
                trial=number, attempt=index, values=outcome.values, duration=duration
            )
        case TrialState.STOPPED:
            step = max(attempt.reports, default=0)
            return e.TrialStopped(
                trial=number, attempt=index, values=outcome.values, step=step, duration=duration
            )
        case TrialState.PAUSED:
            return e.TrialPaused(trial=number, attempt=index, reason=reason, duration=duration)
        case _:
            return e.TrialFailed(trial=number, attempt=index, reason=reason, duration=duration)


def _record(stamp: Stamp, event: Event) -> Record:
    return Record(stamp.writer, stamp.seq, stamp.time, event)
