"""Reading everybody's logs as they grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from fsopt import codec
from fsopt.errors import StorageError
from fsopt.events import Record, WriterClosed
from fsopt.log import layout
from fsopt.log.filesystem import Filesystem, refused

_SETTLED = 120.0
"""Seconds for which a segment is still read after a later one was seen: longer than any common
filesystem goes on showing old contents (NFS: 60 s)."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that nobody can read any more."""

    file: str
    offset: int
    what: str


@dataclass(slots=True)
class Position:
    """How far one segment was read."""

    writer: str
    index: int
    offset: int = 0
    final: bool = False
    """Nothing more can come: the writer closed its log here, or went on to another long ago."""


@dataclass(slots=True)
class LogReader:
    """Follows all logs of a study but this process's own.

    Files are opened anew at each poll: on network filesystems an open descriptor may show old
    contents for seconds, while a file opened after its writer synced it shows everything.
    """

    filesystem: Filesystem
    own: str
    damage: list[Damage] = field(default_factory=list)
    last_growth: dict[str, float] = field(default_factory=dict)
    """By writer, the observer's clock when its log was last seen to grow."""
    _segments: dict[tuple[str, int], Position] = field(default_factory=dict)
    _left: dict[tuple[str, int], float] = field(default_factory=dict)
    """By segment, the observer's clock when it first saw that there is a later one."""

    @property
    def positions(self) -> tuple[Position, ...]:
        """How far every segment was read."""
        return tuple(replace(self._segments[key]) for key in sorted(self._segments))

    def start_from(self, positions: Iterable[Position], damage: Iterable[Damage]) -> None:
        """Begin reading where a snapshot ends, instead of at the begin of every log."""
        self.damage += damage
        for position in positions:
            self._segments[position.writer, position.index] = replace(position)

    def poll(self, now: float) -> list[Record]:
        """Everything that was added since the last poll.

        Args:
            now: The caller's monotonic clock, seconds.

        Raises:
            StorageError: If a directory or file can't be read.
        """
        self._discover(now)
        records: list[Record] = []
        failure: StorageError | None = None
        keys = sorted(self._segments)
        latest = dict(keys)
        for key in keys:
            segment = self._segments[key]
            if segment.final:
                continue
            try:
                records += self._read(segment, now)
            except StorageError as error:
                failure = error
                continue
            # A writer has synced, or given up, a segment before it opens the next one. But the new
            # name may be seen before the last lines of the old file, which are acknowledged.
            if segment.index < latest[segment.writer]:
                segment.final |= now - self._left.setdefault(key, now) >= _SETTLED
        # What was read counts as read: it is handed over first, and a file that stays
        # unreadable is reported by a poll that brings nothing new.
        if failure is not None and not records:
            raise failure
        return records

    def _discover(self, now: float) -> None:
        try:
            for shard in self.filesystem.list(layout.LOG):
                for name in self.filesystem.list(f"{layout.LOG}/{shard}"):
                    key = layout.parse_segment(name)
                    if key is None or key in self._segments or key[0] == self.own:
                        continue
                    if layout.segment(*key) == f"{layout.LOG}/{shard}/{name}":
                        self._segments[key] = Position(*key)
                        self.last_growth[key[0]] = now
        except OSError as error:
            raise refused("list", self.filesystem.describe(layout.LOG), error) from error

    def _read(self, segment: Position, now: float) -> Iterator[Record]:
        path = layout.segment(segment.writer, segment.index)
        try:
            data = self.filesystem.read(path, segment.offset)
        except FileNotFoundError:
            return
        except OSError as error:
            raise refused("read", self.filesystem.describe(path), error) from error
        end = data.rfind(b"\n") + 1
        if not end:
            return
        self.last_growth[segment.writer] = now
        for line in data[: end - 1].split(b"\n"):
            try:
                record = codec.decode(line, segment.writer)
            except codec.DamagedLineError as error:
                self.damage.append(Damage(path, segment.offset, str(error)))
            else:
                segment.final |= isinstance(record.event, WriterClosed)
                yield record
            segment.offset += len(line) + 1
