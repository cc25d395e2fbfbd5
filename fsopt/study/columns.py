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
from fsopt.state import StudyState, TrialRecord, TrialState
from fsopt.state.record import Report, Stamp
from fsopt.state.table import Frozen
from fsopt.values import Value, from_json, to_json

if TYPE_CHECKING:
    import pyarrow as pa

_STATES = [state.value for state in TrialState]


def to_table(state: StudyState, space: Space, objectives: Objectives) -> pa.Table:
    """The finished trials of a state, by number; unusual ones follow with ``_frozen`` false."""
    import pyarrow as pa

    frozen = state.trials.frozen()
    rows = frozen.columns
    odd = [t for t in state.trials.live() if t.state.is_finished]
    columns: dict[str, pa.Array] = {"trial": pa.array(frozen.numbers)}
    columns["state"] = _names(rows["state"], _STATES)
    for index, name in enumerate(objectives.names):
        values = rows["values"][:, index]
        columns[name] = pa.array(values, mask=np.isnan(values))
    for index, parameter in enumerate(space.parameters):
        columns[f"param.{parameter.name}"] = _parameter_column(rows["row"][:, index], parameter)
    columns["worker"] = _names(rows["writer"], frozen.names)
    columns["steps"] = pa.array(
        [max(frozen.reports.get(n, {}), default=0) for n in frozen.numbers.tolist()], pa.int64()
    )
    columns["started_at"] = _moments(rows["start_time"])
    columns["finished_at"] = _moments(rows["end_time"])
    columns["duration"] = pa.array(rows["duration"], mask=np.isnan(rows["duration"]))
    columns["error"] = _sparse(frozen, frozen.reasons, str, pa.string())
    columns["attributes"] = _sparse(frozen, frozen.attributes, _plain_attributes, pa.string())
    columns |= _internal(frozen)
    table = pa.table(columns)
    return (
        pa.concat_tables([table, _odd_rows(odd, table.schema, space, objectives)])
        if odd
        else table
    )


def from_table(table: pa.Table, state: StudyState, space: Space, objectives: Objectives) -> None:
    """Put the rows of a table into a state that is still empty.

    Raises:
        KeyError, ValueError: If it is not a table that `to_table` made for this space.
    """
    import pyarrow.compute as pc

    table = table.filter(pc.field("_frozen"))
    columns = np.zeros(len(table), dtype=state.trials.dtype)
    names: list[str] = []
    codes: dict[str, int] = {}

    def intern(name: str) -> int:
        code = codes.setdefault(name, len(names))
        if code == len(names):
            names.append(name)
        return code

    columns["state"] = _indices(table["state"], _STATES.index)
    for field, source in (("by", "_by"), ("writer", "worker"), ("teller", "_teller")):
        columns[field] = _indices(table[source], intern)
    for field in ("leased", "start_seq", "start_time", "end_seq", "end_time"):
        columns[field] = table[f"_{field}"].to_numpy()
    columns["duration"] = _floats(table["duration"])
    for index, name in enumerate(objectives.names):
        columns["values"][:, index] = _floats(table[name])
    for index, parameter in enumerate(space.parameters):
        columns["row"][:, index] = _parameter_numbers(table[f"param.{parameter.name}"], parameter)
    numbers = table["trial"].to_numpy().astype(np.int64)
    state.trials.thaw_in(
        Frozen(
            numbers=numbers,
            columns=columns,
            names=names,
            reasons=_gathered(numbers, table["error"], str),
            reports=_reports(numbers, table),
            attributes=_gathered(numbers, table["_attributes"], _stamped_attributes),
        )
    )


def _internal(frozen: Frozen) -> dict[str, pa.Array]:
    import pyarrow as pa

    rows = frozen.columns
    entry = pa.struct([("step", pa.int64()), ("value", pa.float64())])
    entry = pa.struct(
        [*entry, ("writer", pa.string()), ("seq", pa.int64()), ("time", pa.float64())]
    )
    return {
        "_frozen": pa.array(np.ones(len(rows), dtype=np.bool_)),
        "_by": _names(rows["by"], frozen.names),
        "_leased": pa.array(rows["leased"]),
        "_start_seq": pa.array(rows["start_seq"]),
        "_start_time": pa.array(rows["start_time"]),
        "_teller": _names(rows["teller"], frozen.names),
        "_end_seq": pa.array(rows["end_seq"]),
        "_end_time": pa.array(rows["end_time"]),
        "_reports": _sparse(frozen, frozen.reports, _report_entries, pa.list_(entry)),
        "_attributes": _sparse(frozen, frozen.attributes, _attribute_text, pa.string()),
    }


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
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(list(names), pa.string())
    )


def _moments(seconds: NDArray[np.float64]) -> pa.Array:
    import pyarrow as pa

    return pa.array(np.rint(seconds * 1000).astype(np.int64)).cast(pa.timestamp("ms", "UTC"))


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
        return pa.array(numbers, mask=inactive)
    whole = np.where(inactive, 0, numbers).astype(np.int64)
    if isinstance(parameter, Int):
        return pa.array(whole, mask=inactive)
    spelled = pa.array(_spelled(_choices(parameter)))
    encoded = pa.DictionaryArray.from_arrays(
        pa.array(whole.astype(np.int32), mask=inactive), spelled
    )
    return encoded if pa.types.is_string(spelled.type) else encoded.dictionary_decode()


def _parameter_numbers(column: pa.ChunkedArray, parameter: Parameter) -> NDArray[np.float64]:
    if isinstance(parameter, Float | Int):
        return _floats(column)
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
    used = np.unique(encoded.indices.drop_null().to_numpy(zero_copy_only=False))
    table = np.full(len(encoded.dictionary) + 1, absent, dtype=np.float64)
    for code in used.tolist():
        table[code] = index_of(encoded.dictionary[code].as_py())
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    found: NDArray[np.float64] = table[codes]
    return found


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    import pyarrow as pa

    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _sparse(
    frozen: Frozen, found: dict[int, Any], spell: Callable[[Any], Any], kind: pa.DataType
) -> pa.Array:
    """A column that is empty for most trials."""
    import pyarrow as pa

    if not found:
        return pa.nulls(len(frozen.numbers), kind)
    cells = [spell(found[n]) if n in found else None for n in frozen.numbers.tolist()]
    return pa.array(cells, kind)


def _gathered(
    numbers: NDArray[np.int64], column: pa.ChunkedArray, read: Callable[[Any], Any]
) -> dict[int, Any]:
    cells = column.combine_chunks()
    at = np.flatnonzero(cells.is_valid().to_numpy(zero_copy_only=False))
    return {int(numbers[i]): read(cells[int(i)].as_py()) for i in at}


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


def _reports(numbers: NDArray[np.int64], table: pa.Table) -> dict[int, dict[int, Report]]:
    def read(entries: list[dict[str, Any]]) -> dict[int, Report]:
        return {
            entry["step"]: Report(
                entry["value"], Stamp(entry["writer"], entry["seq"], entry["time"])
            )
            for entry in entries
        }

    return _gathered(numbers, table["_reports"], read)


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
