"""The states of a trial.

::

    waiting ──> running ──┬──> completed   the objective returned its values
       ^           │      ├──> stopped     ended early; has the values of its last step
       │           │      └──> failed      has a reason and no values
       │           v          (fsopt retry: back to waiting)
       │        paused ──> running         by the next attempt, from the checkpoint
       └── a retry asked for

An attempt whose process was lost stays ``running`` until another process starts the next attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class TrialState(StrEnum):
    """Where a trial stands; the values are the names used everywhere."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_finished(self) -> bool:
        """Whether the trial counts towards the budget as done."""
        return self in _FINISHED

    @property
    def has_values(self) -> bool:
        """Whether a trial in this state has a value for every objective."""
        return self in _VALUED


_FINISHED = frozenset({TrialState.COMPLETED, TrialState.STOPPED, TrialState.FAILED})
_VALUED = frozenset({TrialState.COMPLETED, TrialState.STOPPED})

OUTCOME_RANK: Mapping[TrialState, int] = {
    TrialState.COMPLETED: 3,
    TrialState.STOPPED: 2,
    TrialState.FAILED: 1,
    TrialState.PAUSED: 0,
}
"""If one attempt has several outcomes (two processes told it), the highest rank holds."""
