"""A process's access to the logs of a study: its own to append to, everybody's to read."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from fsopt.errors import StudyError
from fsopt.events import Event, Heartbeat, Record, WriterClosed, WriterStarted
from fsopt.log.claims import Claims
from fsopt.log.filesystem import Filesystem
from fsopt.log.identity import Identity
from fsopt.log.reader import Damage, LogReader, Position
from fsopt.log.writer import Acknowledged, LogWriter


class Journal:
    """What one process reads of a study and adds to it.

    A process that only looks leaves no trace: its log is created by its first event.
    """

    def __init__(
        self,
        filesystem: Filesystem,
        identity: Identity,
        introduce: Callable[[Identity], WriterStarted],
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the journal; reads and writes nothing yet.

        Args:
            filesystem: Where the study lies.
            identity: This process.
            introduce: Makes the first event of its log.
            wall_clock: Seconds since 1970, for people.
            clock: Monotonic seconds, for leases.
        """
        self.filesystem = filesystem
        self.identity = identity
        self.claims = Claims(filesystem, identity.writer)
        self._introduce = introduce
        self._clock = clock
        self._writer = LogWriter(filesystem, identity.writer, wall_clock)
        self._reader = LogReader(filesystem, identity.writer)
        self._followed: set[str] = set()
        self._lock = threading.Lock()
        """Keeps what is acknowledged in the order in which it was written."""
        self._acknowledged: deque[Acknowledged] = deque()
        self._own_lengths: tuple[int, ...] = ()
        self._last_append = clock()

    @property
    def introduced(self) -> bool:
        """Whether this process has a log of its own yet."""
        return self._writer.has_begun

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Lines that could not be read."""
        return self._reader.damage

    @property
    def backlog(self) -> int:
        """How many of this process's events could not be written yet."""
        return self._writer.backlog

    @property
    def positions(self) -> tuple[Position, ...]:
        """How far all logs were handed over, this process's own among them."""
        own = [
            Position(self.identity.writer, index, length)
            for index, length in enumerate(self._own_lengths)
            if length
        ]
        return (*self._reader.positions, *own)

    @property
    def open_segments(self) -> int:
        """How many segments of others are known that may still grow."""
        return self._reader.open_segments

    @property
    def unread_segments(self) -> int:
        """How many of these were not read at all."""
        return self._reader.unread_segments

    @property
    def has_missed(self) -> bool:
        """Whether events can only be had from a snapshot, because their segment was removed."""
        return self._reader.has_missed

    @property
    def follows_all(self) -> bool:
        """Whether polls read all logs; otherwise those of watched writers."""
        return self._reader.follows_all

    @follows_all.setter
    def follows_all(self, value: bool) -> None:
        self._reader.follows_all = value

    def watch(self, writer: str) -> None:
        """Read a writer's log from now on, until it grows, even if not all logs are read."""
        if writer not in self._reader.watched:
            self._reader.watched.add(writer)
            self._reader.last_growth[writer] = self._clock()

    def follow(self, writers: set[str]) -> None:
        """Read the logs of these writers, even if not all logs are read, until told otherwise."""
        for writer in writers - self._followed:
            self.watch(writer)
        self._followed = writers

    def join(self, positions: Iterable[Position], damage: Iterable[Damage]) -> None:
        """Go on where a snapshot ends; see `LogReader.join`."""
        self._reader.join(positions, damage, self._clock())
        self._reader.has_missed = False

    def discover(self, *, thorough: bool = True) -> None:
        """Look which logs there are, without reading them.

        Args:
            thorough: Whether to look even if it is not time to look again.

        Raises:
            StorageError: If a directory can't be listed.
        """
        now = self._clock()
        if thorough or self._reader.is_listing_due(now):
            self._reader.discover(now)

    def poll(self, *, thorough: bool = True) -> list[Record]:
        """What was appended since the last poll, by others and by this process.

        Args:
            thorough: Whether to look at logs that have been quiet for long as well.

        Raises:
            StorageError: If the logs can't be read.
        """
        # First what may fail: what `acknowledged` gives is told only once.
        records = self._reader.poll(self._clock(), thorough=thorough)
        # A look may take long (a server that hangs). Whoever was seen to live lived at its end at
        # the latest; silence is what was not seen at its beginning.
        ended, seen = self._clock(), {record.writer for record in records}
        self._reader.last_growth.update(dict.fromkeys(seen, ended))
        self._reader.watched -= seen - self._followed
        return self.acknowledged() + records

    def acknowledged(self) -> list[Record]:
        """What this process has appended durably since this or `poll` was last called."""
        records: list[Record] = []
        while self._acknowledged:
            told = self._acknowledged.popleft()
            records += told.records
            self._own_lengths = told.lengths
        return records

    def append(self, events: Sequence[Event]) -> None:
        """Append to this process's log; see `LogWriter.append`. Safe to call from any thread.

        Raises:
            StudyError: In a process that was forked from the one that opened the journal.
            StorageError: If the events could not be written (yet).
        """
        if os.getpid() != self.identity.pid:
            raise StudyError(
                "this process was forked from the one that opened the study and must not write "
                "to its log; open the study in the new process"
            )
        with self._lock:
            if not self.introduced:
                events = [self._introduce(self.identity), *events]
            acknowledged = self._writer.append(events)
            self._acknowledged.append(acknowledged)
        if acknowledged.records:
            self._last_append = self._clock()

    def beat(self, interval: float) -> None:
        """Append a sign of life if there was none for an interval (seconds)."""
        if self._clock() - self._last_append >= interval:
            # What waits to be written is a sign of life as well; while a disk is full, signs of
            # life must not pile up.
            self.append([] if self.backlog else [Heartbeat()])

    def close(self) -> None:
        """Say that this writer leaves, if it ever wrote, and close its log."""
        if self.introduced:
            self.append([WriterClosed()])
        self._writer.close()

    def has_finished(self, writer: str) -> bool:
        """Whether another writer is known, and nothing more comes from it."""
        return self._reader.has_finished(writer)

    def finish(self, writer: str, since: float) -> None:
        """Nothing more comes from a writer; see `LogReader.finish`."""
        self._reader.finish(writer, since)

    def silence(self, writer: str) -> float:
        """For how many seconds this process saw a log not grow; see `LogReader.silence`."""
        if writer == self.identity.writer:
            return 0.0
        return self._reader.silence(writer, self._clock())

    def quiet(self, writer: str) -> float:
        """Seconds since this process last learned, from whatever source, that a log grew."""
        now = self._clock()
        return now - self._reader.last_growth.setdefault(writer, now)
