"""Who works on a study, and whether they are still there."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from fsopt.state import TrialState, WriterState
from fsopt.study import Study


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that has a log of its own."""

    writer: str
    host: str
    fate: str
    """``live``, ``lost`` or ``closed``."""
    silent: float
    """Seconds since its last sign of life, by wall clocks."""
    running: tuple[int, ...]
    """The trials that it evaluates."""


def fate(study: Study, name: str, writer: WriterState, now: float) -> str:
    """Whether a process is ``live``, ``lost`` or ``closed``.

    Args:
        study: The study.
        name: Its id.
        writer: What is known of it.
        now: Seconds since 1970.
    """
    if writer.closed:
        return "closed"
    session = study.session
    # Where only a snapshot is followed, asking after a process would mean to read its log.
    gone = session.is_lost if session.journal.follows_all else session.has_ended
    if gone(name):
        return "lost"
    # A process that only looks has not observed any silence yet; wall time is all it has.
    silent = now - writer.last_time
    return "lost" if math.isfinite(silent) and silent > study.config.lease else "live"


def workers(study: Study) -> list[Worker]:
    """All processes; those that live come first, then those that were lost, the latest first."""
    now = time.time()
    running: dict[str, list[int]] = {}
    for trial in study.state.unfinished():
        attempt = trial.decisive
        if trial.state is TrialState.RUNNING and attempt is not None and attempt.started:
            running.setdefault(attempt.started.writer, []).append(trial.number)
    found = [
        Worker(
            writer=name,
            host=writer.started.host if writer.started else "",
            fate=fate(study, name, writer, now),
            silent=max(0.0, now - writer.last_time),
            running=tuple(running.get(name, ())),
        )
        for name, writer in study.state.writers.items()
    ]
    order = ("live", "lost", "closed")
    return sorted(found, key=lambda worker: (order.index(worker.fate), worker.silent))
