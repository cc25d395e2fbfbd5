"""Reading everybody's logs as they grow."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from fsopt import codec
from fsopt.errors import StorageError
from fsopt.events import Record, WriterClosed
from fsopt.log import layout
from fsopt.log.filesystem import Filesystem, refused

_SETTLED = 120.0
"""Seconds for which a segment is still read after a later one was seen: longer than any common
filesystem goes on showing old contents (NFS: 60 s)."""

_QUIET_SHARE, _PAUSE_PER_LOG, _LONGEST_PAUSE = 1 / 8, 0.02, 30.0
"""A quiet log is looked at again after this share of the time for which it has been quiet, but at
most after so many seconds for each log that is read, nor longer than the last."""

_LIST_EVERY, _LIST_SELDOM = 0.25, 5.0
"""Seconds between looks for new logs, at least; up to the latter the longer none has come."""

_Key: TypeAlias = tuple[str, int]
"""A writer, and the index of its segment."""


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
    """Follows the logs of a study but this process's own: all of them, or those it watches.

    Files are opened anew at each poll: on network filesystems an open descriptor may show old
    contents for seconds, while a file opened after its writer synced it shows everything.
    """

    filesystem: Filesystem
    own: str
    follows_all: bool = True
    """Whether all logs are read; only those of `watched` writers otherwise."""
    watched: set[str] = field(default_factory=set)
    last_growth: dict[str, float] = field(default_factory=dict)
    """By writer, the observer's clock when its log was last seen to grow."""
    _looked: dict[_Key, float] = field(default_factory=dict)
    """By segment, the observer's clock when it last began to look at it, and could."""
    has_missed: bool = False
    """Whether a segment was gone that was not read to its end: a snapshot has what it held."""
    _listed_at: float = -math.inf
    _found_at: float = math.inf
    """When a new log was found last, or first looked for."""
    _segments: dict[_Key, Position] = field(default_factory=dict)
    _open: set[_Key] = field(default_factory=set)
    """Segments that may still grow."""
    _growing: Counter[str] = field(default_factory=Counter)
    """By writer, how many of these it has."""
    _latest: dict[str, int] = field(default_factory=dict)
    """By writer, the highest index of its segments."""
    _left: dict[_Key, float] = field(default_factory=dict)
    """By segment, the observer's clock when it first saw that there is a later one."""
    _damage: dict[tuple[str, int], Damage] = field(default_factory=dict)
    _listed: set[str] = field(default_factory=set)
    """File names that need no second look."""

    @property
    def positions(self) -> tuple[Position, ...]:
        """How far every segment was read."""
        return tuple(replace(self._segments[key]) for key in sorted(self._segments))

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Lines that could not be read."""
        return tuple(self._damage.values())

    @property
    def open_segments(self) -> int:
        """How many segments are known that may still grow."""
        return len(self._open)

    @property
    def unread_segments(self) -> int:
        """How many of these were not read at all."""
        return sum(not self._segments[key].offset for key in self._open)

    def join(self, positions: Iterable[Position], damage: Iterable[Damage], now: float) -> None:
        """Go on where somebody else has read to, if that is further.

        Args:
            positions: What was read; the caller knows all that it amounts to.
            damage: The lines in it that could not be read.
            now: The caller's monotonic clock, seconds.
        """
        self._damage.update(((d.file, d.offset), d) for d in damage)
        for position in positions:
            key = position.writer, position.index
            if position.writer == self.own:
                continue
            known = self._segments.get(key)
            if known is None:
                known = self._add(key, now)
            elif position.offset > known.offset:
                self.last_growth[position.writer] = now
            known.offset = max(known.offset, position.offset)
            if position.final:
                self._finish(key)

    def finish(self, writer: str, since: float) -> None:
        """Nothing more comes from a writer, as far as its log was read since it has ended.

        Args:
            writer: Which.
            since: The observer's clock when it was known to have ended.
        """
        for key in [key for key in self._open if key[0] == writer]:
            if self._looked.get(key, -math.inf) >= since:
                self._finish(key)

    def has_finished(self, writer: str) -> bool:
        """Whether a writer is known, and nothing more comes from it."""
        return writer in self._latest and not self._growing[writer]

    def silence(self, writer: str, now: float) -> float:
        """For how many seconds, up to the last look at it, a log was seen not to grow.

        Time in which nobody looked, because this process was itself suspended, is not silence. A
        writer that was not seen at all is silent from now on: its log may not be visible yet.
        """
        since = self.last_growth.setdefault(writer, now)
        if writer not in self._latest:
            return self._listed_at - since
        return self._looked.get((writer, self._latest[writer]), -math.inf) - since

    def is_listing_due(self, now: float) -> bool:
        """Whether it is time to look for new segments again."""
        quiet = min(_QUIET_SHARE * (now - self._found_at), _LIST_SELDOM)
        return now - self._listed_at >= max(_LIST_EVERY, self._pause(), quiet)

    def discover(self, now: float) -> None:
        """Look for new segments.

        Raises:
            StorageError: If a directory can't be listed.
        """
        try:
            if self.follows_all:
                shards = [f"{layout.LOG}/{name}" for name in self.filesystem.list(layout.LOG)]
            else:
                shards = sorted({layout.log_shard(writer) for writer in self.watched})
            for shard in shards:
                for name in self.filesystem.list(shard):
                    if name not in self._listed:
                        self._find(shard, name, now)
        except OSError as error:
            raise refused("list", self.filesystem.describe(layout.LOG), error) from error
        self._listed_at, self._found_at = now, min(self._found_at, now)

    def poll(self, now: float, *, thorough: bool = True) -> list[Record]:
        """What was added since the last poll.

        Args:
            now: The caller's monotonic clock, seconds.
            thorough: Whether to look even at logs that have been quiet for long; otherwise each
                is looked at the less often the longer it has been quiet.

        Raises:
            StorageError: If a directory or file can't be read.
        """
        if thorough or self.is_listing_due(now):
            self.discover(now)
        records: list[Record] = []
        failure: StorageError | None = None
        for key in sorted(self._open if self.follows_all else self._watched_segments()):
            writer, index = key
            if not (thorough or self._is_due(key, now)):
                continue
            try:
                records += self._read(self._segments[key], now)
            except StorageError as error:
                failure = error
                continue
            if key in self._open:
                self._looked[key] = now
            # A writer has synced, or given up, a segment before it opens the next one. But the new
            # name may be seen before the last lines of the old file, which are acknowledged.
            left = index < self._latest[writer]
            if left and now - self._left.setdefault(key, now) >= _SETTLED:
                self._finish(key)
        # What was read counts as read: it is handed over first, and a file that stays
        # unreadable is reported by a poll that brings nothing new.
        if failure is not None and not records:
            raise failure
        return records

    def _find(self, shard: str, name: str, now: float) -> None:
        self._listed.add(name)
        key = layout.parse_segment(name)
        if key is None or key in self._segments or key[0] == self.own:
            return
        if layout.segment(*key) == f"{shard}/{name}":
            self._add(key, now)

    def _add(self, key: _Key, now: float) -> Position:
        self._segments[key] = position = Position(*key)
        self._open.add(key)
        self._growing[key[0]] += 1
        self._latest[key[0]] = max(key[1], self._latest.get(key[0], 0))
        self.last_growth[key[0]] = self._found_at = now
        return position

    def _finish(self, key: _Key) -> None:
        if key in self._open:
            self._open.remove(key)
            self._growing[key[0]] -= 1
        self._segments[key].final = True
        self._left.pop(key, None)
        self._looked.pop(key, None)

    def _is_due(self, key: _Key, now: float) -> bool:
        quiet = now - self.last_growth.get(key[0], now)
        pause = min(_QUIET_SHARE * quiet, self._pause())
        return now - self._looked.get(key, -math.inf) >= pause

    def _watched_segments(self) -> list[_Key]:
        return [key for key in self._open if key[0] in self.watched] if self.watched else []

    def _pause(self) -> float:
        return min(_PAUSE_PER_LOG * len(self._open), _LONGEST_PAUSE)

    def _read(self, segment: Position, now: float) -> Iterator[Record]:
        path = layout.segment(segment.writer, segment.index)
        try:
            data = self.filesystem.read(path, segment.offset)
        except FileNotFoundError:
            self.has_missed = True
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
                damage = Damage(path, segment.offset, str(error))
                self._damage[path, segment.offset] = damage
            else:
                if isinstance(record.event, WriterClosed):
                    self._finish((segment.writer, segment.index))
                yield record
            segment.offset += len(line) + 1
