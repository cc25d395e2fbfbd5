"""Snapshots: what the logs up to some positions amount to, as one immutable Parquet file.

A snapshot is a pure function of the positions that it names, so it does not matter who makes one,
nor that two are made at once. It only saves reading: a study without any is read from its logs.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fsopt
from fsopt import codec
from fsopt.config import PROTOCOL, StudyConfig
from fsopt.errors import SpaceError
from fsopt.events import Record
from fsopt.log.reader import Damage, Position
from fsopt.objectives import Objectives
from fsopt.state import StudyState, WriterState
from fsopt.state.residue import facts
from fsopt.state.sequence import SequenceSet
from fsopt.study.columns import from_table, to_table

if TYPE_CHECKING:
    import pyarrow as pa

_KEY = b"fsopt"
"""The key of the Parquet metadata under which all but the columns is kept, as JSON."""


class DamagedSnapshotError(ValueError):
    """The bytes are no snapshot that this version can use; the logs tell everything anyway."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state, and how far the logs were read for it."""

    state: StudyState
    positions: tuple[Position, ...]
    damage: tuple[Damage, ...]


def to_bytes(snapshot: Snapshot, config: StudyConfig) -> bytes:
    """A snapshot as a Parquet file, with a checksum on every page."""
    import pyarrow.parquet as pq

    objectives = Objectives.of(config.objectives)
    table = to_table(snapshot.state, config.space, objectives)
    text = json.dumps(_metadata(snapshot), allow_nan=False)
    table = table.replace_schema_metadata({_KEY: text.encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def from_bytes(content: bytes, config: StudyConfig) -> Snapshot:
    """Read what `to_bytes` wrote.

    Raises:
        DamagedSnapshotError: If it can't be used.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    objectives = Objectives.of(config.objectives)
    try:
        table = pq.read_table(io.BytesIO(content), page_checksum_verification=True)
        metadata = json.loads((table.schema.metadata or {})[_KEY])
        if metadata["protocol"] != PROTOCOL:
            raise DamagedSnapshotError(f"a snapshot of protocol {metadata['protocol']}")
        return _restored(metadata, table, config, objectives)
    except DamagedSnapshotError:
        raise
    except (
        pa.ArrowException,
        OSError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        SpaceError,
    ) as error:
        raise DamagedSnapshotError(f"not a snapshot: {error}") from error


def _metadata(snapshot: Snapshot) -> dict[str, Any]:
    state = snapshot.state
    trials = [_line(record) for trial in state.trials.live() for record in facts(trial)]
    starts = [
        _line(Record(name, int(w.started_seq), w.first_time, w.started))
        for name, w in sorted(state.writers.items())
        if w.started is not None
    ]
    return {
        "protocol": PROTOCOL,
        "fsopt": fsopt.__version__,
        "positions": [[p.writer, p.index, p.offset, p.final] for p in snapshot.positions],
        "damage": [[d.file, d.offset, d.what] for d in snapshot.damage],
        "writers": {name: _writer(w) for name, w in sorted(state.writers.items())},
        "budget": state.budget,
        "generation": state.generation,
        "stopped": state.stopped,
        "unknown": state.unknown,
        "facts": [*starts, *trials],
    }


def _writer(writer: WriterState) -> dict[str, Any]:
    return {
        "end": writer.known.end,
        "gaps": writer.known.gaps,
        "first": writer.first_time if math.isfinite(writer.first_time) else None,
        "last": writer.last_time if math.isfinite(writer.last_time) else None,
        "closed": writer.closed,
    }


def _line(record: Record) -> list[str]:
    return [record.writer, codec.encode(record)[:-1].decode()]


def _restored(
    metadata: dict[str, Any], table: pa.Table, config: StudyConfig, objectives: Objectives
) -> Snapshot:
    state = StudyState(config.space, len(objectives))
    from_table(table, state, config.space, objectives)
    for name, kept in metadata["writers"].items():
        state.writers[name] = WriterState(
            first_time=math.inf if kept["first"] is None else kept["first"],
            last_time=-math.inf if kept["last"] is None else kept["last"],
            closed=kept["closed"],
            known=SequenceSet.restored(kept["end"], map(tuple, kept["gaps"])),
        )
    state.budget, state.unknown = metadata["budget"], dict(metadata["unknown"])
    state.generation, state.stopped = metadata["generation"], metadata["stopped"]
    state.adopt(codec.decode(line.encode(), writer) for writer, line in metadata["facts"])
    return Snapshot(
        state=state,
        positions=tuple(Position(*given) for given in metadata["positions"]),
        damage=tuple(Damage(*given) for given in metadata["damage"]),
    )
