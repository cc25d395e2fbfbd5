"""A shared filesystem that takes time, shows what others did a moment late, and keeps count."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from fsopt import codec
from fsopt.bench.cluster.server import File, Server
from fsopt.bench.cluster.timeline import Timeline
from fsopt.events import Record
from fsopt.log import layout

KINDS = ("open", "create", "list", "read", "write", "fsync", "stat", "rename", "unlink")
"""The kinds of operations, as the operating system's filesystem would perform them."""

_METADATA = frozenset(KINDS) - {"read", "write", "fsync"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast a filesystem is."""

    latency: float = 1e-3
    """Seconds that an operation takes, apart from waiting for its turn."""
    metadata_rate: float = 20_000.0
    """Operations on names that the server performs in a second."""
    visibility: float = 1.0
    """Seconds after which, at most, a client sees what another has done."""


@dataclass(slots=True)
class Usage:
    """What was asked of the filesystem."""

    operations: Counter[str] = field(default_factory=Counter)
    """By kind."""
    read: int = 0
    """Bytes."""
    written: int = 0
    """Bytes."""

    def add(self, other: Usage) -> None:
        """Add what another has asked for."""
        self.operations.update(other.operations)
        self.read += other.read
        self.written += other.written

    @property
    def count(self) -> int:
        """All operations."""
        return self.operations.total()


class SharedServer(Server):
    """The server of all processes.

    Operations on names queue for the one metadata server, those on contents do not.
    """

    def __init__(self, timeline: Timeline, speed: Speed, random: Random) -> None:
        super().__init__()
        self.timeline, self.speed, self.random = timeline, speed, random
        self.by_second: Counter[int] = Counter()
        """Operations in each second."""
        self.published: Callable[[str, bytes], None] = lambda _path, _content: None
        """Is told of every snapshot."""
        self._queued, self._queued_at = 0.0, 0.0
        """Seconds of work that wait for the metadata server, and when that was so."""

    def perform(self, kinds: tuple[str, ...], *, exact: bool) -> None:
        """Let the time pass that operations take, one after the other.

        Args:
            kinds: What they are.
            exact: Whether all that others do before their end has been done then. What is only
                read is seen late anyway, and what is written not before it was.
        """
        timeline, speed = self.timeline, self.speed
        # Some tasks are a little ahead of others, so time may seem to go back here.
        self._queued = max(0.0, self._queued - max(0.0, timeline.now - self._queued_at))
        self._queued_at = max(self._queued_at, timeline.now)
        names = sum(kind in _METADATA for kind in kinds)
        self._queued += names / speed.metadata_rate
        self.by_second[int(timeline.now)] += len(kinds)
        until = timeline.now + self._queued + speed.latency * len(kinds)
        if exact:
            timeline.sleep_until(until)
        else:
            timeline.run_ahead_until(until)
        self.now = timeline.now

    def seen_at(self) -> float:
        """The time as of which a client sees what others have done."""
        return self.now - self.speed.visibility * self.random.random()


class SharedFilesystem:
    """One process's client; implements `fsopt.log.filesystem.Filesystem`.

    It counts what `LocalFilesystem` would ask of the operating system.
    """

    def __init__(self, server: SharedServer, node: str) -> None:
        self.server = server
        self.node = node
        self.usage = Usage()
        self.is_dead = self.has_published = False
        self._logs: list[File] = []
        self._records: list[Record] = []
        self._decoded = 0
        """How many bytes of the log became records; without trouble there is one segment."""

    def describe(self, path: str) -> str:
        """The path, marked as simulated."""
        return f"simulated:{path}"

    def create(self, path: str) -> SharedAppender:
        """Create a file for appending."""
        self._perform("stat", "create", "open", "fsync")
        file = File(self.node, bytearray(), [(self.server.now, 0)])
        if not self.server.add(path, file):
            raise _error(errno.EEXIST, path)
        self._logs.append(file)
        return SharedAppender(self, file)

    @property
    def has_log(self) -> bool:
        """Whether this process has begun a log."""
        return bool(self._logs)

    def own_log(self) -> list[Record]:
        """What this process has written durably."""
        for file in self._logs:
            end = file.arrivals[-1][1]
            for line in bytes(file.content[self._decoded : end]).splitlines():
                self._records.append(codec.decode(line, self.node))
            self._decoded = end
        return self._records

    def claim(self, path: str, content: bytes) -> bool:
        """Create a file exclusively, then write it."""
        self._perform("create", exact=True)
        if not self.server.add(path, self._arrived(content)):
            return False
        self._perform("write")
        self.usage.written += len(content)
        return True

    def publish(self, path: str, content: bytes) -> bool:
        """Create a file with its content at once, by a temporary file and a link."""
        self._perform("stat", "create", "write", "fsync", "rename", "unlink", "open", "fsync")
        self.usage.written += len(content)
        if path.startswith(layout.SNAPSHOTS):
            self.has_published = True
            self.server.published(path, content)
        return self.server.add(path, self._arrived(content))

    def read(self, path: str, offset: int = 0) -> bytes:
        """Read to the end, as far as it is seen from here."""
        self._perform("open")
        entry, at = self.server.entry(path), self.server.seen_at()
        if entry is None or entry.file is None or entry.removed is not None:
            raise _error(errno.ENOENT, path)
        if entry.file.owner != self.node and not entry.existed(at):
            raise _error(errno.ENOENT, path)
        self._perform("read")
        content, length = entry.file.content, entry.file.length(at)
        # What was published is not copied for each of ten thousand readers.
        is_whole = not offset and length == len(content)
        content = bytes(content if is_whole else content[offset:length])
        self.usage.read += len(content)
        return content

    def list(self, path: str) -> list[str]:
        """List a directory, as it is seen from here."""
        self._perform("list")
        names, at = self.server.directories.get(path, {}), self.server.seen_at()
        # Of what this client has created itself it knows at once.
        return [
            name
            for name, entry in names.items()
            if entry.existed(at)
            or (entry.removed is None and entry.file and entry.file.owner == self.node)
        ]

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._perform("unlink")
        self.server.remove(path)

    def remove_directory(self, path: str) -> None:
        """Remove a directory if it is empty."""
        self._perform("unlink")
        if self.server.is_empty(path):
            self.server.remove(path)

    def rename(self) -> None:
        """Rename something that is not simulated."""
        self._perform("rename")

    def _perform(self, *kinds: str, exact: bool = False) -> None:
        if self.is_dead:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.usage.operations.update(kinds)
        self.server.perform(kinds, exact=exact)

    def _arrived(self, content: bytes) -> File:
        return File(self.node, content, [(self.server.now, len(content))])


class SharedAppender:
    """A file that one process appends to; implements `fsopt.log.filesystem.Appender`."""

    def __init__(self, client: SharedFilesystem, file: File) -> None:
        self._client = client
        self._file = file

    def write(self, data: bytes) -> int:
        """Append; others do not see it before it is synced."""
        self._client._perform("write")
        self._client.usage.written += len(data)
        self._file.content += data
        return len(data)

    def sync(self) -> None:
        """Let everything arrive at the server."""
        self._client._perform("fsync")
        self._file.arrive(self._client.server.now, len(self._file.content))

    def close(self) -> None:
        """Close the file."""


class Checkpoints:
    """Stands in for `TrialFiles`: handing a checkpoint over is to rename its directory."""

    def __init__(self, filesystem: SharedFilesystem) -> None:
        self._filesystem = filesystem

    def hand_over_checkpoint(
        self, trial: int, attempt: int, *, since: int, copy: bool = False
    ) -> bool:
        """Give the checkpoint of the latest earlier attempt to this one."""
        self._filesystem.rename()
        return True


def _error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)
