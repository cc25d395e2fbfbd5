"""Everything about one trial, and the trials table in the formats of files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsopt import codec
from fsopt.errors import FsoptError
from fsopt.events import Record
from fsopt.log import layout
from fsopt.state.residue import facts
from fsopt.study import Study
from fsopt.study.replay import read_logs
from fsopt.values import to_json
from fsopt.view.origin import Origin
from fsopt.view.report import table_text
from fsopt.view.stopping import reason

if TYPE_CHECKING:
    import pandas as pd

_TAIL_LINES, _TAIL_BYTES = 10, 10_000
"""How much of what an attempt printed is shown at most."""


def trial_details(study: Study, number: int, *, replay: bool = False) -> dict[str, Any]:
    """A trial with its attempts, attributes, events and files, as JSON.

    Args:
        study: The study.
        number: The trial.
        replay: Whether to make the proposal once more as well.

    Raises:
        TrialError: If there is no trial of that number.
    """
    record = study.record(number)
    logs = read_logs(study.session)
    origin = Origin.of(study, number, logs)
    outcome = record.outcome
    names = study.session.objectives.names
    values = outcome.values if outcome else ()
    return {
        "trial": number,
        "state": record.state.value,
        "values": dict(zip(names, values, strict=False)),
        "params": {name: to_json(v) for name, v in (record.params or {}).items()},
        "reason": reason(study, record),
        "proposed_by": origin.by,
        "explanation": origin.explanation(),
        **({"replay": origin.replay()} if replay else {}),
        "attributes": {name: to_json(v[0]) for name, v in record.attributes.items()},
        "reports": {str(step): to_json(value) for step, value in record.curve.items()},
        "attempts": [
            {
                "attempt": attempt.index,
                "writer": attempt.writer,
                "outcome": attempt.outcome.state.value if attempt.outcome else None,
                "reason": attempt.outcome.reason if attempt.outcome else None,
                "duration": attempt.outcome.duration if attempt.outcome else None,
            }
            for _, attempt in sorted(record.attempts.items())
        ],
        "events": _events(study, number, logs),
        "files": _files(study, number),
    }


def texts(study: Study, details: dict[str, Any]) -> dict[str, str]:
    """A trial's tracebacks, and the last lines of what its attempts printed, by path."""
    if study.directory is None:
        return {}
    found = {}
    for attempt in (given["attempt"] for given in details["attempts"]):
        traceback, output = (
            kind(details["trial"], attempt) for kind in (layout.traceback, layout.output)
        )
        if traceback in details["files"]:
            found[traceback] = (study.directory / traceback).read_text(errors="replace")
        if output in details["files"]:
            found[output] = _last_lines(study.directory / output)
    return found


def _last_lines(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    if size <= _TAIL_BYTES and len(lines) <= _TAIL_LINES:
        return "\n".join(lines)
    return "\n".join(["...", *lines[-_TAIL_LINES:]])


def write_table(table: pd.DataFrame, form: str, path: Path | None) -> str | None:
    """A table as text for people, CSV, JSON or Parquet.

    Args:
        table: What `trials_table` gives.
        form: ``table``, ``csv``, ``json`` or ``parquet``.
        path: The file to write; None gives the text back instead.

    Raises:
        FsoptError: If the file can't be written, or Parquet is wanted without a file.
    """
    if form == "parquet" and path is None:
        raise FsoptError("Parquet is binary; name a file with -o FILE")
    try:
        if form == "parquet":
            _plain_columns(table).to_parquet(path, index=False)
            return None
        text = _TEXTS[form](table)
        if path is None:
            return text
        path.write_text(text)
    except OSError as error:
        raise FsoptError(f"can't write {path}: {error.strerror or error}") from error
    return None


def _to_text(table: pd.DataFrame) -> str:
    return f"{table_text(table)}\n"


def _to_csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False)


def _to_json(table: pd.DataFrame) -> str:
    columns = {name: _json_cells(table[name]) for name in table.columns}
    rows = [
        dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
    ]
    return json.dumps(rows, indent=1, allow_nan=False)


_TEXTS = {"table": _to_text, "csv": _to_csv, "json": _to_json}


def _json_cells(column: pd.Series[Any]) -> list[Any]:
    from fsopt.view.tables import plain_cells

    return [
        cell.isoformat() if hasattr(cell, "isoformat") else to_json(cell)
        for cell in plain_cells(column)
    ]


def _plain_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Columns whose cells are of several types become their JSON text: Parquet's have one type."""
    mixed = [
        name
        for name in table.columns
        if table[name].dtype == object
        and len({type(cell) for cell in table[name].dropna()} - {bool}) > 1
    ]
    return table.assign(
        **{name: [json.dumps(cell) for cell in _json_cells(table[name])] for name in mixed}
    )


def _events(study: Study, number: int, logs: Sequence[Record]) -> list[dict[str, Any]]:
    told = {(r.writer, r.seq): r for r in facts(study.state.trials[number]) if r.writer}
    # The logs tell more, as long as they are there.
    told |= {(r.writer, r.seq): r for r in logs if getattr(r.event, "trial", None) == number}
    records = sorted(told.values(), key=lambda r: (r.time, r.writer, r.seq))
    return [{"writer": r.writer, **codec.to_fields(r)} for r in records]


def _files(study: Study, number: int) -> list[str]:
    if study.directory is None:
        return []
    base = study.directory / layout.trial_directory(number)
    return sorted(
        str(path.relative_to(study.directory)) for path in base.rglob("*") if path.is_file()
    )
