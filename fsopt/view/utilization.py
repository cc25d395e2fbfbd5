"""How much of their time the processes of a study spent evaluating."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsopt.state import StudyState, WriterState
from fsopt.state.record import Attempt

FloatArray = NDArray[np.float64]


def utilization(state: StudyState, now: float) -> float | None:
    """The share of their lives that the writers which evaluated anything spent evaluating.

    Evaluation time over the number of slots in use is at most 1; writers that evaluate several
    trials at once count once for each slot that they were seen to use. From wall clocks, each
    compared with itself only.

    Args:
        state: The study.
        now: Until when running trials count, in seconds since 1970.

    Returns:
        From 0 to 1; None while nothing was evaluated.
    """
    spans = evaluations(state, now)
    begins = np.array([state.writers[name].first_time for name in spans.writers])
    ends = np.full(len(begins), -np.inf)
    np.minimum.at(begins, spans.by, spans.starts)
    np.maximum.at(ends, spans.by, spans.ends)
    busy = float((spans.ends - spans.starts).sum())
    available = float(((ends - begins) * slots(spans)).sum())
    # Trials that were imported were not evaluated here, and take no time.
    return round(min(busy / available, 1.0), 4) if busy > 0 else None


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The times of ``n`` attempts, each evaluated by one of ``w`` writers."""

    writers: list[str]
    """(w,) Each of them evaluated something."""
    by: NDArray[np.int64]
    """(n,) Who evaluated, as an index of the writers."""
    starts: FloatArray
    """(n,) Seconds since 1970."""
    ends: FloatArray
    """(n,) None before its start."""
    trials: NDArray[np.int64]
    """(n,) What was evaluated."""


def evaluations(state: StudyState, now: float) -> Evaluations:
    """When who evaluated what.

    Args:
        state: The study.
        now: When attempts that go on count as ended, in seconds since 1970.
    """
    frozen = state.trials.frozen()
    rows, leased = frozen.rows, frozen.rows.leased
    codes = {name: code for code, name in enumerate(frozen.names)}
    others = [
        (
            codes.setdefault(start.writer, len(codes)),
            start.time,
            _end(attempt, state.writers[start.writer], now),
            trial.number,
        )
        for trial in state.trials.live()
        for attempt in trial.attempts.values()
        if (start := attempt.started) is not None and attempt.leased
    ]
    more = np.array(others, dtype=np.float64).reshape(-1, 4)
    by = np.concatenate([rows.writer[leased], more[:, 0].astype(np.int64)])
    starts = np.concatenate([rows.start_time[leased], more[:, 1]])
    ends = np.concatenate([rows.end_time[leased], more[:, 2]])
    is_used = np.bincount(by, minlength=len(codes)) > 0
    return Evaluations(
        writers=[name for name, code in codes.items() if is_used[code]],
        by=(np.cumsum(is_used) - 1)[by],
        starts=starts,
        ends=np.maximum(starts, ends),
        trials=np.concatenate([frozen.numbers[leased], more[:, 3].astype(np.int64)]),
    )


def _end(attempt: Attempt, writer: WriterState, now: float) -> float:
    """When an attempt ended; without an outcome, when its writer left, or now."""
    if attempt.outcome is not None:
        return attempt.outcome.stamp.time
    return writer.last_time if writer.closed else now


def slots(spans: Evaluations) -> NDArray[np.int64]:
    """(w,) The largest number of evaluations that each writer had at the same time."""
    by = np.concatenate([spans.by, spans.by])
    # What ends when something else starts comes first, so both can have used one slot.
    order = np.lexsort((np.concatenate([spans.ends, spans.starts]), by))
    changes = np.repeat(np.array([-1, 1]), len(spans.by))
    depths = np.cumsum(changes[order])  # 0 after each writer's last change
    most = np.ones(len(spans.writers), dtype=np.int64)
    np.maximum.at(most, by[order], depths)
    return most
