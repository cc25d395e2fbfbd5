"""Appending to this process's own log, so that what was acknowledged survives everything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fsopt import codec
from fsopt.events import Event, Record
from fsopt.log import layout
from fsopt.log.filesystem import Appender, Filesystem, refused

_SEGMENTS_PER_FLUSH = 3
"""How many new segments are tried before the caller is told that the filesystem refuses."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Events that are durable now."""

    records: Sequence[Record]
    lengths: tuple[int, ...]
    """For each segment of the log, how many of its bytes tell of these and all earlier events."""


class LogWriter:
    """The only writer of one log; safe for the threads of one process.

    Events are acknowledged when `append` returns: they are written and synced. After a failed or
    short write nothing is known about the end of the file, so it is left as it is for ever, and a
    new segment gets every event that was not acknowledged. Readers drop what comes twice.
    """

    def __init__(
        self, filesystem: Filesystem, writer: str, wall_clock: Callable[[], float]
    ) -> None:
        self.writer = writer
        self._filesystem = filesystem
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._segment: Appender | None = None
        self._lengths: list[int] = []
        """For each segment, how many bytes of it were acknowledged."""
        self._queue: tuple[int, Sequence[tuple[Record, bytes]]] = (0, ())
        """The number of the next event, and the events that were not acknowledged. They change
        together, in one step: an interrupt (Ctrl-C) may come between any two."""

    @property
    def has_begun(self) -> bool:
        """Whether there is any event, acknowledged or not."""
        return self._queue[0] > 0

    @property
    def backlog(self) -> int:
        """How many events wait to be sent again after the filesystem refused them."""
        return len(self._queue[1])

    def append(self, events: Sequence[Event]) -> Acknowledged:
        """Write events and return when they are durable.

        Returns:
            Everything acknowledged by this call: these events, after any that an earlier call
            could not write.

        Raises:
            StorageError: If they could not be written. They are kept, and are sent again by the
                next call; `append([])` does only that.
        """
        with self._lock:
            now, (first, waiting) = round(self._wall_clock(), 3), self._queue
            records = [
                Record(self.writer, seq, now, event) for seq, event in enumerate(events, first)
            ]
            lines = [(record, codec.encode(record)) for record in records]
            self._queue = (first + len(records), [*waiting, *lines])
            self._flush()
            end, acknowledged = self._queue
            self._queue = (end, ())
            return Acknowledged([record for record, _ in acknowledged], tuple(self._lengths))

    def close(self) -> None:
        """Close the file; nothing can be appended any more."""
        with self._lock:
            self._abandon_segment()

    def _flush(self) -> None:
        lines = [line for _, line in self._queue[1]]
        if not lines:
            return
        for remaining in reversed(range(_SEGMENTS_PER_FLUSH)):
            try:
                self._write(lines)
            except OSError as error:
                self._abandon_segment()
                if not remaining:
                    path = layout.segment(self.writer, len(self._lengths) - 1)
                    where = self._filesystem.describe(path)
                    raise refused("append to", where, error) from error
            except BaseException:
                # An interrupt may have come in the middle of a line.
                self._abandon_segment()
                raise
            else:
                return

    def _write(self, lines: Sequence[bytes]) -> None:
        if self._segment is None:
            index = len(self._lengths)
            self._lengths.append(0)
            self._segment = self._filesystem.create(layout.segment(self.writer, index))
        for line in lines:
            if self._segment.write(line) != len(line):
                raise OSError("the filesystem took only a part of a line")
        self._segment.sync()
        self._lengths[-1] += sum(map(len, lines))

    def _abandon_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            try:
                segment.close()
            except OSError:
                # The descriptor is gone either way, and its events are sent again.
                return
