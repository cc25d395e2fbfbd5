"""How a study stands, as plain data and as text; the keys are a contract (``docs/output.md``)."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fsopt.state import StudyState, TrialState, WriterState
from fsopt.study import Study
from fsopt.trial import FinishedTrial
from fsopt.values import Params, to_json


def trial_summary(trial: FinishedTrial) -> dict[str, Any]:
    """A finished trial as JSON: ``trial``, ``values``, ``params``."""
    return {
        "trial": trial.number,
        "values": trial.values,
        "params": {name: to_json(value) for name, value in trial.params.items()},
    }


def best_summary(study: Study) -> Any:
    """The best trial as JSON, or the list of the Pareto front; null while there is none."""
    if len(study.session.objectives) > 1:
        return [trial_summary(trial) for trial in study.pareto_front]
    best = study.best
    return trial_summary(best) if best else None


def status_summary(study: Study) -> dict[str, Any]:
    """The study as JSON, for ``fsopt status``."""
    state = study.state
    counts = state.trials.count()
    budget = state.budget
    rate = _rate(state)
    left = None if budget is None else budget - sum(n for s, n in counts.items() if s.is_finished)
    return {
        "study": str(study.directory),
        "objectives": dict(study.config.objectives),
        "budget": {"trials": budget},
        "stopped": state.stopped,
        "trials": {s.value: n for s, n in counts.items()} | {"total": sum(counts.values())},
        "best": best_summary(study),
        "writers": _writers(study),
        "utilization": utilization(state, time.time()),
        "failures": failures(state),
        "trials_per_hour": None if rate is None else round(rate * 3600, 3),
        "seconds_left": None if not rate or left is None else round(max(left, 0) / rate, 1),
        "damaged_lines": len(study.session.journal.damage),
        "unknown_events": sum(state.unknown.values()),
    }


def failures(state: StudyState) -> dict[str, int]:
    """How many trials failed for each reason, the most frequent first."""
    reasons: Counter[str] = Counter()
    for trial in state.trials:
        if trial.state is TrialState.FAILED and trial.outcome:
            reasons[trial.outcome.reason or "unknown"] += 1
    return dict(reasons.most_common())


def utilization(state: StudyState, now: float) -> float | None:
    """The share of their lives that the writers which evaluated anything spent evaluating.

    Evaluation time over the number of slots in use is at most 1; writers that evaluate several
    trials at once count once for each slot that they were seen to use. From wall clocks, each
    compared with itself only.
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    for trial in state.trials:
        for attempt in trial.attempts.values():
            if attempt.started is None or not attempt.leased:
                continue
            start, writer = attempt.started.time, state.writers[attempt.started.writer]
            outcome = attempt.outcome
            end = outcome.stamp.time if outcome else (writer.last_time if writer.closed else now)
            spans.setdefault(attempt.started.writer, []).append((start, max(end, start)))
    busy = available = 0.0
    for name, intervals in spans.items():
        writer = state.writers[name]
        life = max(end for _, end in intervals) - min(writer.first_time, intervals[0][0])
        busy += sum(end - start for start, end in intervals)
        available += life * _slots(intervals)
    return round(min(busy / available, 1.0), 4) if available > 0 else None


def format_params(params: Params) -> str:
    """A configuration in one line."""
    return ", ".join(f"{name}={format_value(value)}" for name, value in params.items())


def format_value(value: object) -> str:
    """A value for people: floats with six digits, strings as they are."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else repr(value)


def format_values(values: Mapping[str, float]) -> str:
    """Objective values in one line."""
    return ", ".join(f"{name}={value:.6g}" for name, value in values.items())


def format_seconds(seconds: float) -> str:
    """A duration for people."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _slots(intervals: list[tuple[float, float]]) -> int:
    """The largest number of intervals that overlap."""
    changes = sorted(
        [(start, 1) for start, _ in intervals] + [(end, -1) for _, end in intervals],
    )
    depth = most = 0
    for _, change in changes:
        depth += change
        most = max(most, depth)
    return max(most, 1)


def _rate(state: StudyState) -> float | None:
    """Finished trials a second, over the time since the last ones were finished."""
    ends = sorted(
        trial.outcome.stamp.time
        for trial in state.trials
        if trial.state.is_finished and trial.outcome
    )
    recent = ends[-50:]
    if len(recent) < 2 or recent[-1] <= recent[0]:
        return None
    return (len(recent) - 1) / (recent[-1] - recent[0])


def _writers(study: Study) -> dict[str, int]:
    kinds = Counter(_fate(study, name, w) for name, w in study.state.writers.items())
    return {kind: kinds[kind] for kind in ("live", "lost", "closed")}


def _fate(study: Study, name: str, writer: WriterState) -> str:
    if writer.closed:
        return "closed"
    if study.session.is_lost(name):
        return "lost"
    # A process that only looks has not observed any silence yet; wall time is all it has.
    silent = time.time() - writer.last_time
    return "lost" if math.isfinite(silent) and silent > study.config.lease else "live"
