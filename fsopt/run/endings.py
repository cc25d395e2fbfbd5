"""How the end of an evaluation is recorded."""

from __future__ import annotations

from fsopt.events import Event, TrialCompleted, TrialFailed, TrialPaused
from fsopt.objectives import Failure
from fsopt.run.evaluation import Ended
from fsopt.run.terms import STOPPED
from fsopt.study.stopping import Stopping
from fsopt.trial import STOPPER


def ending(ended: Ended, duration: float, leaving: str | None, stopping: Stopping | None) -> Event:
    """The event that tells how an attempt ended.

    Args:
        ended: What its evaluation says.
        duration: Seconds.
        leaving: Why this process was asked to leave by a signal, if it was.
        stopping: Asks the study's stopper, if it has one.
    """
    number, attempt, result = ended.number, ended.attempt, ended.result
    if leaving and isinstance(result, Failure) and result.reason.startswith("signal "):
        # A scheduler's signal reaches the objective's own processes as well.
        result = None
    event: Event | None = None
    if stopping is not None and ended.stop_reason == STOPPER:
        event = stopping.ending(number, attempt, result, duration)
    if event is not None:
        return event
    if result is None:
        reason = ended.stop_reason or leaving or STOPPED
        return TrialPaused(trial=number, attempt=attempt, reason=reason, duration=duration)
    if isinstance(result, Failure):
        reason = result.reason
        return TrialFailed(trial=number, attempt=attempt, reason=reason, duration=duration)
    return TrialCompleted(trial=number, attempt=attempt, values=result, duration=duration)
