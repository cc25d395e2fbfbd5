"""Finished trials as an Arrow table and back, without loss.

The columns without an underscore are for people and tools (``docs/output.md``); those with one
hold what only fsopt needs to make the very same state again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import SpaceError
from fsopt.objectives import Objectives
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Parameter, Space
from fsopt.state import TrialRecord, TrialState
from fsopt.state.record import Report, Stamp
from fsopt.state.rows import Extras, Frozen, Rows
from fsopt.study.buffers import is_valid, to_column, to_floats, to_numbers, to_texts
from fsopt.values import Value, from_json, to_json

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_STATES = [state.value for state in TrialState]


def to_table(
    frozen: Frozen, odd: Sequence[TrialRecord], space: Space, objectives: Objectives
) -> pa.Table:
    """Finished trials as a table.

    Args:
        frozen: Ordinary ones, which `from_parquet` gives back.
        odd: Others, for people; they come last and have ``_frozen`` false.
        space: What is searched.
        objectives: What the values are of.
    """
    import pyarrow as pa

    rows = frozen.rows
    columns: dict[str, pa.Array] = {"trial": to_column(frozen.numbers)}
    columns["state"] = _names(rows.state, _STATES)
    for index, name in enumerate(objectives.names):
        values = rows.values[:, index]
        columns[name] = to_column(values, np.isnan(values))
    for index, parameter in enumerate(space.parameters):
        columns[f"param.{parameter.name}"] = _parameter_column(rows.row[:, index], parameter)
    extras = frozen.extras
    columns["worker"] = _names(rows.writer, frozen.names)
    columns["steps"] = to_column(_last_steps(frozen))
    columns["started_at"] = _moments(rows.start_time)
    columns["finished_at"] = _moments(rows.end_time)
    columns["duration"] = to_column(rows.duration, np.isnan(rows.duration))
    columns["error"] = _rare_texts(frozen, extras.reasons, str)
    columns["attributes"] = _rare_texts(frozen, extras.attributes, _plain_attributes)
    columns |= _internal(frozen)
    table = pa.table(columns)
    return (
        pa.concat_tables([table, _odd_rows(odd, table.schema, space, objectives)])
        if odd
        else table
    )


def from_parquet(file: pq.ParquetFile, space: Space, objectives: Objectives) -> Frozen:
    """The ordinary trials of a table that was written to a file.

    One column is read after the other, so that little more than the result is in memory.

    Raises:
        KeyError, ValueError: If it is not a table that `to_table` made for this space.
    """
    is_frozen = file.read(["_frozen"], use_threads=False)["_frozen"]
    keeps_all = bool(to_numbers(is_frozen, np.bool_).all())

    def column(name: str) -> pa.ChunkedArray:
        found = file.read([name], use_threads=False)[name]
        return found if keeps_all else found.filter(is_frozen)

    numbers = to_numbers(column("trial"), np.int64)
    names: dict[str, int] = {}
    rows = _rows(column, len(numbers), names, space, objectives)
    finished = [index for index, state in enumerate(TrialState) if state.is_finished]
    if not np.isin(rows.state, finished).all():
        raise ValueError("trials that are not finished are rows")
    if len(numbers) and (numbers[0] < 0 or not (np.diff(numbers) > 0).all()):
        raise ValueError("the trial numbers do not ascend")
    extras = Extras(
        reasons=_gathered(numbers, column("error"), str),
        reports=_gathered(numbers, column("_reports"), _read_reports),
        attributes=_gathered(numbers, column("_attributes"), _stamped_attributes),
    )
    return Frozen(space=space, numbers=numbers, rows=rows, names=tuple(names), extras=extras)


def _rows(
    column: Callable[[str], pa.ChunkedArray],
    size: int,
    names: dict[str, int],
    space: Space,
    objectives: Objectives,
) -> Rows:
    """The columns that every trial has; ``names`` takes in the names that they tell."""

    def intern(name: str) -> int:
        return names.setdefault(name, len(names))

    rows = Rows.blank(size, len(space), len(objectives))
    rows.state[:] = _indices(column("state"), _STATES.index)
    rows.by[:] = _indices(column("_by"), intern)
    rows.writer[:] = _indices(column("worker"), intern)
    rows.teller[:] = _indices(column("_teller"), intern)
    for name in ("leased", "start_seq", "start_time", "end_seq", "end_time"):
        field = getattr(rows, name)
        field[:] = to_numbers(column(f"_{name}"), field.dtype)
    rows.duration[:] = to_floats(column("duration"))
    for index, name in enumerate(objectives.names):
        rows.values[:, index] = to_floats(column(name))
    for index, parameter in enumerate(space.parameters):
        rows.row[:, index] = _parameter_numbers(column(f"param.{parameter.name}"), parameter)
    return rows


def _internal(frozen: Frozen) -> dict[str, pa.Array]:
    import pyarrow as pa

    rows, extras = frozen.rows, frozen.extras
    entry = pa.struct(
        {
            "step": pa.int64(),
            "value": pa.float64(),
            "writer": pa.string(),
            "seq": pa.int64(),
            "time": pa.float64(),
        }
    )
    kind = pa.list_(entry)
    reports = pa.nulls(len(rows), kind)
    if extras.reports:
        reports = pa.array(_cells(frozen, extras.reports, _report_entries), kind)
    return {
        "_frozen": to_column(np.ones(len(rows), dtype=np.bool_)),
        "_by": _names(rows.by, frozen.names),
        "_leased": to_column(rows.leased),
        "_start_seq": to_column(rows.start_seq),
        "_start_time": to_column(rows.start_time),
        "_teller": _names(rows.teller, frozen.names),
        "_end_seq": to_column(rows.end_seq),
        "_end_time": to_column(rows.end_time),
        "_reports": reports,
        "_attributes": _rare_texts(frozen, extras.attributes, _attribute_text),
    }


def _last_steps(frozen: Frozen) -> NDArray[np.int64]:
    """(n,) The highest reported step of each trial; 0 if there is none."""
    steps = np.zeros(len(frozen.numbers), dtype=np.int64)
    reports = frozen.extras.reports
    numbers = np.array(sorted(reports), dtype=np.int64)
    steps[np.searchsorted(frozen.numbers, numbers)] = [
        max(reports[number], default=0) for number in numbers.tolist()
    ]
    return steps


def _odd_rows(
    odd: Sequence[TrialRecord], schema: pa.Schema, space: Space, objectives: Objectives
) -> pa.Table:
    """Rows for people about trials that are kept as facts elsewhere."""
    import pyarrow as pa

    rows = []
    for trial in odd:
        outcome, started, params = trial.outcome, trial.started, trial.params or {}
        row: dict[str, Any] = {
            "trial": trial.number,
            "state": trial.state.value,
            "worker": trial.decisive.writer if trial.decisive else None,
            "steps": trial.last_step,
            "finished_at": round(outcome.stamp.time * 1000) if outcome else None,
            "started_at": round(started.time * 1000) if started else None,
            "duration": outcome.duration if outcome else None,
            "error": outcome.reason if outcome else None,
            "attributes": _plain_attributes(trial.attributes) if trial.attributes else None,
            "_frozen": False,
        }
        row |= dict(zip(objectives.names, outcome.values if outcome else (), strict=False))
        for parameter in space.parameters:
            if parameter.name in params:
                row[f"param.{parameter.name}"] = _cell(params[parameter.name], parameter)
        rows.append({name: row.get(name) for name in schema.names})
    return pa.Table.from_pylist(rows, schema=schema)


def _cell(value: Value, parameter: Parameter) -> Any:
    """A value as its column holds it; None if it is none of the parameter."""
    try:
        number = parameter.number_of(value)
    except SpaceError:
        return None
    if isinstance(parameter, Float | Int):
        return parameter.value_of(number)
    return _spelled(_choices(parameter))[int(number)]


def _names(codes: NDArray[Any], names: Sequence[str]) -> pa.Array:
    """Indices of names as a column that holds the names among them."""
    import pyarrow as pa

    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    places = np.zeros(len(names), dtype=np.int32)
    places[used] = np.arange(len(used))
    return pa.DictionaryArray.from_arrays(
        to_column(places[codes]), to_texts([names[code] for code in used.tolist()])
    )


def _moments(seconds: NDArray[np.float64]) -> pa.Array:
    import pyarrow as pa

    moments = to_column(np.rint(seconds * 1000).astype(np.int64))
    return moments.cast(pa.timestamp("ms", "UTC"))


def _choices(parameter: Categorical | Ordinal | Constant) -> list[Value]:
    return [parameter.value_of(index) for index in range(parameter.levels)]


def _is_uniform(choices: Sequence[Value]) -> bool:
    kinds = {type(choice) for choice in choices}
    return len(kinds) == 1 and kinds <= {str, int, float, bool}


def _spelled(choices: Sequence[Value]) -> list[Any]:
    """Choices as a column holds them: as they are, or as JSON where their types differ."""
    if _is_uniform(choices):
        return list(choices)
    return [json.dumps(to_json(choice)) for choice in choices]


def _parameter_column(numbers: NDArray[np.float64], parameter: Parameter) -> pa.Array:
    import pyarrow as pa

    inactive = np.isnan(numbers)
    if isinstance(parameter, Float):
        return to_column(numbers, inactive)
    whole = np.where(inactive, 0, numbers).astype(np.int64)
    if isinstance(parameter, Int):
        return to_column(whole, inactive)
    spelled = _spelled(_choices(parameter))
    is_text = isinstance(spelled[0], str)
    values = to_texts(spelled) if is_text else to_column(np.array(spelled))
    indices = to_column(whole.astype(np.int32), inactive)
    encoded = pa.DictionaryArray.from_arrays(indices, values)
    return encoded if is_text else encoded.dictionary_decode()


def _parameter_numbers(column: pa.ChunkedArray, parameter: Parameter) -> NDArray[np.float64]:
    if isinstance(parameter, Float | Int):
        return to_floats(column)
    known = {(type(s), s): index for index, s in enumerate(_spelled(_choices(parameter)))}
    return _indices(column, lambda given: known[type(given), given], absent=np.nan)


def _indices(
    column: pa.ChunkedArray, index_of: Callable[[Any], float], absent: float = 0
) -> NDArray[np.float64]:
    """Each cell's index; looked up once for each different cell."""
    import pyarrow as pa

    encoded = column.combine_chunks()
    if not isinstance(encoded, pa.DictionaryArray):
        encoded = encoded.dictionary_encode()
    known, nothing = encoded.dictionary, len(encoded.dictionary)
    indices = pa.chunked_array([encoded.indices])
    codes = to_numbers(indices, np.int32)
    codes[~is_valid(indices)] = nothing
    table = np.full(nothing + 1, absent, dtype=np.float64)
    for code in np.flatnonzero(np.bincount(codes, minlength=nothing + 1)[:nothing]).tolist():
        table[code] = index_of(known[code].as_py())
    found: NDArray[np.float64] = table[codes]
    return found


def _rare_texts(frozen: Frozen, found: dict[int, Any], spell: Callable[[Any], str]) -> pa.Array:
    """A column of texts that is empty for most trials."""
    import pyarrow as pa

    if not found:
        return pa.nulls(len(frozen.numbers), pa.string())
    return to_texts(_cells(frozen, found, spell))


def _cells(frozen: Frozen, found: dict[int, Any], spell: Callable[[Any], Any]) -> list[Any]:
    return [spell(found[n]) if n in found else None for n in frozen.numbers.tolist()]


def _gathered(
    numbers: NDArray[np.int64], column: pa.ChunkedArray, read: Callable[[Any], Any]
) -> dict[int, Any]:
    if column.null_count == len(column):
        return {}
    cells = column.combine_chunks()
    return {int(numbers[i]): read(cells[int(i)].as_py()) for i in np.flatnonzero(is_valid(column))}


def _report_entries(reports: dict[int, Report]) -> list[dict[str, Any]]:
    return [
        {
            "step": step,
            "value": report.value,
            "writer": report.stamp.writer,
            "seq": report.stamp.seq,
            "time": report.stamp.time,
        }
        for step, report in sorted(reports.items())
    ]


def _read_reports(entries: list[dict[str, Any]]) -> dict[int, Report]:
    return {
        entry["step"]: Report(entry["value"], Stamp(entry["writer"], entry["seq"], entry["time"]))
        for entry in entries
    }


def _plain_attributes(attributes: dict[str, tuple[Value, int, Stamp]]) -> str:
    return json.dumps({name: to_json(value) for name, (value, _, _) in attributes.items()})


def _attribute_text(attributes: dict[str, tuple[Value, int, Stamp]]) -> str:
    return json.dumps(
        {
            name: [to_json(value), attempt, stamp.writer, stamp.seq, stamp.time]
            for name, (value, attempt, stamp) in attributes.items()
        }
    )


def _stamped_attributes(text: str) -> dict[str, tuple[Value, int, Stamp]]:
    return {
        name: (from_json(value), attempt, Stamp(writer, seq, time))
        for name, (value, attempt, writer, seq, time) in json.loads(text).items()
    }
