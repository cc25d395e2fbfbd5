"""The tables of a study as pandas data frames; the columns are a contract: docs/output.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from fsopt.space import Categorical, Constant, Float, Int, Ordinal
from fsopt.state import TrialRecord
from fsopt.study import Study


def trials_table(study: Study) -> pd.DataFrame:
    """One row a trial, by number.

    Columns: ``trial``, ``state``, each objective under its own name, ``param.NAME``, ``worker``,
    ``attempts``, ``steps``, ``proposed_at``, ``started_at``, ``finished_at``, ``duration``,
    ``error``, ``user.NAME``.
    """
    records = list(study.state.trials)
    objectives = study.session.objectives.names
    columns: dict[str, Any] = {
        "trial": pd.Series([r.number for r in records], dtype="int64"),
        "state": pd.Series([r.state.value for r in records], dtype="str"),
    }
    values = [_values(r, len(objectives)) for r in records]
    for index, name in enumerate(objectives):
        columns[name] = pd.Series([v[index] for v in values], dtype="float64")
    for parameter in study.config.space.parameters:
        given = [(r.params or {}).get(parameter.name) for r in records]
        columns[f"param.{parameter.name}"] = pd.Series(given, dtype=_dtype(parameter))
    columns |= _origin(records)
    for name in sorted({name for r in records for name in r.attributes}):
        given = [r.attributes[name][0] if name in r.attributes else None for r in records]
        columns[f"user.{name}"] = pd.Series(given, dtype="object").infer_objects()
    return pd.DataFrame(columns)


def reports_table(study: Study) -> pd.DataFrame:
    """One row a reported step, by trial, attempt and step.

    Columns: ``trial``, ``attempt``, ``step``, ``value``, ``time`` (UTC, when it was written).
    """
    rows = [
        (record.number, attempt.index, step, report.value, report.stamp.time)
        for record in study.state.trials
        for attempt in sorted(record.attempts.values(), key=lambda a: a.index)
        for step, report in sorted(attempt.reports.items())
    ]
    frame = pd.DataFrame(rows, columns=["trial", "attempt", "step", "value", "time"])
    kinds = {"trial": "int64", "attempt": "int64", "step": "int64", "value": "float64"}
    return frame.astype(kinds).assign(time=_times(frame["time"].tolist()))


def plain_cell(cell: Any) -> Any:
    """A cell without pandas' and numpy's types; None where it is empty."""
    if isinstance(cell, tuple):
        return cell
    if pd.isna(cell):
        return None
    return cell.item() if hasattr(cell, "item") else cell


def _values(record: TrialRecord, count: int) -> tuple[float | None, ...]:
    outcome = record.outcome
    return outcome.values if outcome and outcome.values else (None,) * count


def _origin(records: list[TrialRecord]) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Who worked on the trials and when."""
    proposals = [r.effective_proposal for r in records]
    outcomes = [r.outcome for r in records]
    finished = [r.state.is_finished for r in records]
    decisive = [r.decisive for r in records]
    yield "worker", pd.Series([a.writer if a else None for a in decisive], dtype="str")
    yield "attempts", pd.Series([len(r.attempts) for r in records], dtype="int64")
    yield "steps", pd.Series([r.last_step for r in records], dtype="int64")
    yield "proposed_at", _times([p.stamp.time if p else None for p in proposals])
    yield "started_at", _times([r.started.time if r.started else None for r in records])
    yield (
        "finished_at",
        _times(
            [o.stamp.time if o and f else None for o, f in zip(outcomes, finished, strict=True)]
        ),
    )
    yield "duration", pd.Series([_duration(r) for r in records], dtype="float64")
    yield (
        "error",
        pd.Series(
            [o.reason if o and f else None for o, f in zip(outcomes, finished, strict=True)],
            dtype="str",
        ),
    )


def _duration(record: TrialRecord) -> float | None:
    """Seconds that all attempts took together, as far as they are known."""
    known = [a.outcome.duration for a in record.attempts.values() if a.outcome]
    spent = [seconds for seconds in known if seconds is not None]
    return sum(spent) if spent else None


def _times(seconds: list[float | None]) -> pd.Series[Any]:
    return pd.Series(pd.to_datetime(pd.Series(seconds, dtype="float64"), unit="s", utc=True))


def _dtype(parameter: Float | Int | Categorical | Ordinal | Constant) -> str:
    """The column type that keeps a parameter's values as they are, with room for none."""
    if isinstance(parameter, Float):
        return "float64"
    if isinstance(parameter, Int):
        return "Int64"
    if isinstance(parameter, Constant):
        values: Sequence[Any] = (parameter.value,)
    else:
        values = parameter.choices if isinstance(parameter, Categorical) else parameter.values
    kinds = {type(value) for value in values}
    simple = {int: "Int64", float: "float64", bool: "boolean", str: "str"}
    return simple.get(kinds.pop(), "object") if len(kinds) == 1 else "object"
