"""What the views tell, made from one record after the other: slow, and plain to see."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

import fsopt
from fsopt.errors import SpaceError
from fsopt.log import layout
from fsopt.space import Float, Int, Parameter
from fsopt.state import StudyState, TrialRecord, TrialState


def trials_table(study: fsopt.Study) -> pd.DataFrame:
    rows = [_row(record, study) for record in study.state.trials]
    attributes = sorted({name for r in study.state.trials for name in r.attributes})
    kinds = {"trial": "int64", "state": "str"}
    kinds |= dict.fromkeys(study.session.objectives.names, "float64")
    kinds |= {f"param.{p.name}": _kind(p) for p in study.config.space.parameters}
    kinds |= {"worker": "str", "attempts": "int64", "steps": "int64"}
    kinds |= dict.fromkeys(("proposed_at", "started_at", "finished_at"), "time")
    kinds |= {"duration": "float64", "error": "str"}
    kinds |= {f"user.{name}": "any" for name in attributes}
    return pd.DataFrame(
        {name: _column([row.get(name) for row in rows], kind) for name, kind in kinds.items()}
    )


def _row(record: TrialRecord, study: fsopt.Study) -> dict[str, Any]:
    outcome, proposal, decisive = record.outcome, record.effective_proposal, record.decisive
    ended = outcome if record.state.is_finished else None
    known = [a.outcome.duration for a in record.attempts.values() if a.outcome]
    spent = [duration for duration in known if duration is not None]
    row: dict[str, Any] = {
        "trial": record.number,
        "state": record.state.value,
        "worker": decisive.writer if decisive else None,
        "attempts": len(record.attempts),
        "steps": record.last_step,
        "proposed_at": proposal.stamp.time if proposal else None,
        "started_at": record.started.time if record.started else None,
        "finished_at": ended.stamp.time if ended else None,
        "duration": sum(spent) if spent else None,
        "error": ended.reason if ended else None,
    }
    if outcome and outcome.values:
        row |= dict(zip(study.session.objectives.names, outcome.values, strict=True))
    row |= {f"param.{name}": value for name, value in (record.params or {}).items()}
    return row | {f"user.{name}": value for name, (value, _, _) in record.attributes.items()}


def _kind(parameter: Parameter) -> str:
    if isinstance(parameter, Float):
        return "float64"
    if isinstance(parameter, Int):
        return "Int64"
    kinds = {type(parameter.value_of(index)) for index in range(parameter.levels)}
    if len(kinds) > 1:
        return "object"
    return {int: "Int64", float: "float64", bool: "boolean", str: "str"}.get(*kinds, "object")


def _column(cells: list[Any], kind: str) -> pd.Series[Any]:
    if kind == "time":
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype="float64"), unit="s", utc=True))
    if kind == "any":
        return pd.Series(cells, dtype="object").infer_objects()
    return pd.Series(cells, dtype=kind)


def reports_table(study: fsopt.Study) -> pd.DataFrame:
    rows = [
        (record.number, index, step, report.value, report.stamp.time)
        for record in study.state.trials
        for index, attempt in sorted(record.attempts.items())
        for step, report in sorted(attempt.reports.items())
    ]
    frame = pd.DataFrame(rows, columns=["trial", "attempt", "step", "value", "time"])
    frame = frame.astype({"trial": "int64", "attempt": "int64", "step": "int64"})
    frame = frame.astype({"value": "float64"})
    return frame.assign(time=_column(frame["time"].tolist(), "time"))


def plain_cell(cell: Any) -> Any:
    if isinstance(cell, tuple):
        return cell
    if pd.isna(cell):
        return None
    return cell.item() if hasattr(cell, "item") else cell


def best(study: fsopt.Study) -> tuple[int, dict[str, Any], float] | None:
    """The number, configuration and value of the best trial of a study with one objective."""
    found = []
    for record in study.state.trials:
        if record.state is TrialState.COMPLETED and record.outcome and _fits(record, study):
            value = record.outcome.values[0]
            loss = -value if study.config.objectives["y"] == "maximize" else value
            found.append((loss, record.number, dict(record.params or {}), value))
    return min(found, key=lambda entry: entry[:2])[1:] if found else None


def front(study: fsopt.Study) -> list[int]:
    """The numbers of the trials that no other dominates; every objective is minimised."""
    completed = [
        (record.number, record.outcome.values)
        for record in study.state.trials
        if record.state is TrialState.COMPLETED and record.outcome and _fits(record, study)
    ]
    return [
        number
        for number, values in completed
        if not any(
            other != values and all(a <= b for a, b in zip(other, values, strict=True))
            for _, other in completed
        )
    ]


def _fits(record: TrialRecord, study: fsopt.Study) -> bool:
    try:
        study.config.space.to_row(record.params or {"nothing": None})
    except SpaceError:
        return False
    return True


def failures(state: StudyState) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for record in state.trials:
        if record.state is TrialState.FAILED and record.outcome:
            reasons[record.outcome.reason or "unknown"] += 1
    return dict(reasons.most_common())


def failure_lines(study: fsopt.Study) -> list[str]:
    lines = []
    for reason, count in failures(study.state).items():
        example = next(
            record
            for record in study.state.trials
            if record.state is TrialState.FAILED
            and record.outcome
            and (record.outcome.reason or "unknown") == reason
        )
        where = ""
        if study.directory is not None and example.decisive is not None:
            path = layout.traceback(example.number, example.decisive.index)
            if (study.directory / path).exists():
                where = f" (see {study.directory / path})"
        lines.append(f"failed: {count} x {reason}{where}")
    return lines


def utilization(state: StudyState, now: float) -> float | None:
    spans: dict[str, list[tuple[float, float]]] = {}
    for record in state.trials:
        for attempt in record.attempts.values():
            if attempt.started is None or not attempt.leased:
                continue
            start, writer = attempt.started.time, state.writers[attempt.started.writer]
            outcome = attempt.outcome
            end = outcome.stamp.time if outcome else (writer.last_time if writer.closed else now)
            spans.setdefault(attempt.started.writer, []).append((start, max(end, start)))
    busy = available = 0.0
    for name, intervals in spans.items():
        life = max(end for _, end in intervals) - state.writers[name].first_time
        busy += sum(end - start for start, end in intervals)
        available += life * _slots(intervals)
    return round(min(busy / available, 1.0), 4) if busy > 0 else None


def _slots(intervals: list[tuple[float, float]]) -> int:
    changes = [(start, 1) for start, _ in intervals] + [(end, -1) for _, end in intervals]
    depth = most = 0
    for _, change in sorted(changes):
        depth += change
        most = max(most, depth)
    return max(most, 1)


def rate(state: StudyState) -> float | None:
    """Finished trials a second."""
    finished = [r.outcome for r in state.trials if r.state.is_finished and r.outcome]
    recent = sorted(outcome.stamp.time for outcome in finished)[-50:]
    if len(recent) < 2 or recent[-1] <= recent[0]:
        return None
    return (len(recent) - 1) / (recent[-1] - recent[0])
