"""Snapshot files: what a study amounts to, as immutable Parquet files that build on each other.

Each file holds the trials and writers that changed since the files it is based on; together they
are the state that the logs up to some positions amount to. So it does not matter who makes one,
nor that two are made at once. They only save reading, as long as the logs are there.
"""

from __future__ import annotations

import base64
import io
import json
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fsopt
from fsopt import codec
from fsopt.config import PROTOCOL, StudyConfig
from fsopt.errors import SpaceError
from fsopt.events import Record, WriterStarted
from fsopt.log import layout
from fsopt.log.reader import Damage, Position
from fsopt.log.snapshots import SnapshotName
from fsopt.state import TrialRecord, WriterState
from fsopt.state.record import Stamp
from fsopt.state.residue import facts
from fsopt.state.rows import Frozen
from fsopt.state.sequence import SequenceSet
from fsopt.study.columns import from_parquet, to_table

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_KEY = b"fsopt"
"""The key of the Parquet metadata under which all but the columns is kept."""


class DamagedSnapshotError(ValueError):
    """The bytes are no snapshot that this version can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterEntry:
    """A writer, and how far its log was read."""

    state: WriterState
    positions: tuple[Position, ...]
    damage: tuple[Damage, ...]
    seen: float
    """How long the study had been observed when its log was last seen to grow, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalars:
    """What is not about one trial or one writer."""

    budget: int | None
    generation: int
    """Of the latest stop or reopening."""
    stopped: bool
    observed: float
    """For how long processes have observed the study, seconds; never more than has passed."""
    watermarks: tuple[tuple[int, float], ...]
    """Numbers below which every trial was finished, and how long the study had been observed."""
    ensembles: tuple[Record, ...] = ()
    """Of each name of predictions the one that holds."""
    priors: tuple[Record, ...] = ()
    """What earlier studies teach."""


NO_SCALARS = Scalars(budget=None, generation=0, stopped=False, observed=0.0, watermarks=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one file holds; of trials and writers that older files tell of too, it tells all."""

    base: tuple[SnapshotName, ...]
    """The files that it builds on, the oldest first."""
    includes: tuple[SnapshotName, ...]
    """Other files that tell nothing which it, with its base, does not tell."""
    rows: Frozen
    """Ordinary finished trials."""
    facts: tuple[Record, ...]
    """The other trials, as the events that make them again."""
    writers: dict[str, WriterEntry]
    scalars: Scalars


def to_bytes(contents: Contents, finished: Sequence[TrialRecord], config: StudyConfig) -> bytes:
    """A snapshot as a Parquet file, with a checksum on every page.

    Args:
        contents: What it holds.
        finished: The finished trials among the facts, which get rows for people as well.
        config: The study.
    """
    import pyarrow.parquet as pq

    objectives = config.outcomes
    table = to_table(contents.rows, finished, config.space, objectives)
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", write_page_checksum=True
    ) as writer:
        writer.write_table(table)
        # As metadata of the schema it would be written twice.
        writer.add_key_value_metadata({_KEY: _packed(_metadata(contents))})
    return sink.getvalue()


def from_bytes(content: bytes, config: StudyConfig) -> Contents:
    """Read what `to_bytes` wrote.

    Raises:
        DamagedSnapshotError: If it can't be used.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    objectives = config.outcomes
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        metadata = _read_metadata(file)
        return _contents(metadata, from_parquet(file, config.space, objectives))
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
        zlib.error,
    ) as error:
        raise DamagedSnapshotError(f"not a snapshot: {error}") from error


def facts_of(trials: Iterator[TrialRecord]) -> tuple[Record, ...]:
    """What to keep of trials that are no rows."""
    return tuple(record for trial in trials for record in facts(trial))


def _read_metadata(file: pq.ParquetFile) -> dict[str, Any]:
    metadata = _unpacked((file.metadata.metadata or {})[_KEY])
    if metadata["protocol"] != PROTOCOL:
        raise DamagedSnapshotError(f"a snapshot of protocol {metadata['protocol']}")
    return metadata


def _packed(metadata: dict[str, Any]) -> bytes:
    """JSON, compressed: of ten thousand writers it tells much that is alike."""
    text = json.dumps(metadata, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode()))


def _unpacked(text: bytes) -> dict[str, Any]:
    if not text.startswith(b"{"):
        text = zlib.decompress(base64.b64decode(text, validate=True))
    metadata: dict[str, Any] = json.loads(text)
    return metadata


def _metadata(contents: Contents) -> dict[str, Any]:
    scalars = contents.scalars
    return {
        "protocol": PROTOCOL,
        "fsopt": fsopt.__version__,
        "base": [list(name) for name in contents.base],
        "includes": [list(name) for name in contents.includes],
        "budget": scalars.budget,
        "generation": scalars.generation,
        "stopped": scalars.stopped,
        "observed": scalars.observed,
        "watermarks": scalars.watermarks,
        "writers": {name: _writer(name, w) for name, w in sorted(contents.writers.items())},
        "ensembles": _lines(scalars.ensembles),
        "priors": _lines(scalars.priors),
        "facts": _lines(contents.facts),
    }


def _writer(name: str, entry: WriterEntry) -> dict[str, Any]:
    writer, started = entry.state, None
    if writer.started is not None and writer.start is not None:
        started = _line(Record(name, writer.start.seq, writer.start.time, writer.started))
    return {
        "end": writer.known.end,
        "gaps": writer.known.gaps,
        "first": writer.first_time if math.isfinite(writer.first_time) else None,
        "last": writer.last_time if math.isfinite(writer.last_time) else None,
        "closed": writer.closed,
        "started": started,
        "unknown": writer.unknown,
        "segments": [[p.index, p.offset, p.final] for p in entry.positions],
        "damage": [[d.file, d.offset, d.what] for d in entry.damage],
        "seen": entry.seen,
    }


def _lines(records: Sequence[Record]) -> list[list[str]]:
    return [[record.writer, _line(record)] for record in records]


def _records(lines: Sequence[Sequence[str]]) -> tuple[Record, ...]:
    return tuple(codec.decode(line.encode(), writer) for writer, line in lines)


def _line(record: Record) -> str:
    return codec.encode(record)[:-1].decode()


def _contents(metadata: dict[str, Any], rows: Frozen) -> Contents:
    budget, watermarks = metadata["budget"], metadata["watermarks"]
    return Contents(
        base=_names(metadata["base"]),
        includes=_names(metadata["includes"]),
        rows=rows,
        facts=_records(metadata["facts"]),
        writers={name: _writer_entry(name, w) for name, w in metadata["writers"].items()},
        scalars=Scalars(
            budget=None if budget is None else int(budget),
            generation=int(metadata["generation"]),
            stopped=bool(metadata["stopped"]),
            observed=float(metadata["observed"]),
            watermarks=tuple((int(number), float(at)) for number, at in watermarks),
            ensembles=_records(metadata.get("ensembles", ())),
            priors=_records(metadata.get("priors", ())),
        ),
    )


def _names(given: list[list[Any]]) -> tuple[SnapshotName, ...]:
    """Names as they stand in a file; they become paths, so they must be what they seem."""
    names = tuple(SnapshotName(*name) for name in given)
    if any(layout.parse_snapshot(name.path.rpartition("/")[2]) != name for name in names):
        raise DamagedSnapshotError(f"not names of snapshots: {given!r}")
    return names


def _writer_entry(name: str, kept: dict[str, Any]) -> WriterEntry:
    if not layout.is_writer_id(name):
        raise DamagedSnapshotError(f"no name of a writer: {name!r}")
    state = WriterState(
        first_time=math.inf if kept["first"] is None else kept["first"],
        last_time=-math.inf if kept["last"] is None else kept["last"],
        closed=kept["closed"],
        known=SequenceSet.restored(kept["end"], map(tuple, kept["gaps"])),
        unknown=dict(kept["unknown"]),
    )
    if kept["started"] is not None:
        record = codec.decode(kept["started"].encode(), name)
        if isinstance(record.event, WriterStarted):
            state.add_start(record.event, Stamp(name, record.seq, record.time))
    return WriterEntry(
        state=state,
        positions=tuple(Position(name, *given) for given in kept["segments"]),
        damage=tuple(Damage(*given) for given in kept["damage"]),
        seen=float(kept["seen"]),
    )
