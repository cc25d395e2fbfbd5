"""A process's access to the logs of a study: its own to append to, everybody's to read."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from fsopt.errors import StudyError
from fsopt.events import Event, Heartbeat, Record, WriterClosed, WriterStarted
from fsopt.log.claims import Claims
from fsopt.log.filesystem import Filesystem
from fsopt.log.identity import Identity
from fsopt.log.reader import Damage, LogReader, Position
from fsopt.log.writer import LogWriter


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
        self.introduced = False
        """Whether this process has a log of its own yet."""
        self._clock = clock
        self._writer = LogWriter(filesystem, identity.writer, wall_clock)
        self._reader = LogReader(filesystem, identity.writer)
        self._acknowledged: deque[Record] = deque()
        self._last_append = self._last_look = clock()

    @property
    def damage(self) -> Sequence[Damage]:
        """Lines that could not be read."""
        return self._reader.damage

    @property
    def backlog(self) -> int:
        """How many of this process's events could not be written yet."""
        return self._writer.backlog

    @property
    def positions(self) -> tuple[Position, ...]:
        """How far the logs of others were read."""
        return self._reader.positions

    def start_from(self, positions: Iterable[Position], damage: Iterable[Damage]) -> None:
        """Begin reading where a snapshot ends; see `LogReader.start_from`."""
        self._reader.start_from(positions, damage)

    def poll(self) -> list[Record]:
        """What was appended since the last poll, by others and by this process.

        Raises:
            StorageError: If the logs can't be read.
        """
        began = self._clock()
        # First what may fail: what `acknowledged` gives is told only once.
        records = self._reader.poll(began)
        # A look may take long (a server that hangs). Whoever was seen to live lived at its end at
        # the latest; silence is what was not seen at its beginning.
        ended = self._clock()
        self._reader.last_growth.update((record.writer, ended) for record in records)
        self._last_look = began
        return self.acknowledged() + records

    def acknowledged(self) -> list[Record]:
        """What this process has appended durably since this or `poll` was last called."""
        records = []
        while self._acknowledged:
            records.append(self._acknowledged.popleft())
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
        if not self.introduced:
            self.introduced = True
            events = [self._introduce(self.identity), *events]
        acknowledged = self._writer.append(events)
        self._acknowledged.extend(acknowledged)
        if acknowledged:
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

    def silence(self, writer: str) -> float:
        """For how many seconds, up to its last look, this process saw a writer's log not grow.

        Time in which this process did not look, because it was itself suspended, is not silence.
        A writer that it has not seen at all is silent from now on: its log may not be visible yet.
        """
        if writer == self.identity.writer:
            return 0.0
        return self._last_look - self._reader.last_growth.setdefault(writer, self._clock())
