"""One file server and its many clients, in virtual time: caches, lost writes, errors, crashes.

The server knows the truth. A client, one for each simulated process, sees it late, may keep what
it wrote to itself until it syncs, and meets trouble at random. Everything random comes from one
seeded generator, so a run can be repeated.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from fsopt.bench.cluster.server import File, Name, Server
from fsopt.log import layout

_ERRORS = (errno.ENOSPC, errno.EIO, errno.ESTALE)


class Crashed(BaseException):
    """The process that did this operation ends here; nothing of it runs any more."""


class BrokenPromiseError(AssertionError):
    """Something happened that the protocol rules out."""


@dataclass(frozen=True, slots=True)
class Storm:
    """How likely each kind of trouble is, at one operation."""

    error: float = 0.0
    """Of an error, before or after the operation took effect."""
    short: float = 0.0
    """That a write takes only a part of the data, with or without an error."""
    crash: float = 0.0
    """That the process ends, before or after the operation."""


CALM = Storm()


class SimulatedServer(Server):
    """The truth, and what is wrong with the server."""

    def __init__(self, random: Random, cache_time: float = 0.0) -> None:
        super().__init__()
        self.random = random
        self.cache_time = cache_time
        """Seconds for which a client may show an older state."""
        self.full = False
        """Whether the disk has no space for data (names still fit)."""


class SimulatedFilesystem:
    """One process's client; implements `fsopt.log.filesystem.Filesystem`.

    Args:
        server: What it is a client of.
        node: Its name, which is also the id of the only log that it may append to.
        interrupt: Called before each operation; may let others run, or let time pass.
    """

    def __init__(
        self,
        server: SimulatedServer,
        node: str,
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        self.server = server
        self.node = node
        self.storm = CALM
        self.is_dead, self.died_at = False, math.inf
        self.signs: list[float] = []
        """When others could see this process's log grow."""
        self.has_synced = False
        self._interrupt = interrupt

    def describe(self, path: str) -> str:
        return f"simulated:{path}"

    def create(self, path: str) -> SimulatedAppender:
        segment = layout.parse_segment(path.rpartition("/")[2])
        if segment is None or segment[0] != self.node:
            raise BrokenPromiseError(f"{self.node} wants to append to {path}")
        with self.operation(path):
            file = File(self.node, bytearray(), [(self.server.now, 0)])
            if not self.server.add(path, file):
                raise _error(errno.EEXIST, path)
        return SimulatedAppender(self, path, file)

    def claim(self, path: str, content: bytes) -> bool:
        spares_work_only = path.startswith(layout.SNAPSHOTS)
        if content.decode() != f"{self.node}\n" or not (self.has_synced or spares_work_only):
            raise BrokenPromiseError(f"{self.node} claims {path} without having said who it is")
        with self.operation(path):
            file = File(self.node, bytearray(content), [(self.server.now, 0)])
            if not self.server.add(path, file):
                return False
            if not self._by_chance(self.storm.short):
                # What is written is sent when the file is closed, and takes its time.
                file.arrive(self.server.now + self._lag(), len(content))
        return True

    def publish(self, path: str, content: bytes) -> bool:
        with self.operation(path):
            now = self.server.now
            file = File(self.node, bytearray(content), [(now, len(content))])
            return self.server.add(path, file)

    def read(self, path: str, offset: int = 0) -> bytes:
        with self.operation(path):
            entry = self.server.entry(path)
            at = self.server.now - self._lag()
            if entry is None or entry.file is None or entry.removed is not None:
                raise _error(errno.ENOENT, path)
            if entry.file.owner == self.node:
                return bytes(entry.file.content[offset:])
            if not entry.existed(at):
                raise _error(errno.ENOENT, path)
            return bytes(entry.file.content[offset : entry.file.length(at)])

    def list(self, path: str) -> list[str]:
        with self.operation(path):
            names = self.server.directories.get(path, {})
            at = self.server.now - self._lag()
            return [name for name, entry in names.items() if self._shows(entry, at)]

    def remove(self, path: str) -> None:
        entry = self.server.entry(path)
        removable = (layout.CLAIMS, layout.SNAPSHOTS, layout.LOG)
        if entry is not None and (entry.file is None or not path.startswith(removable)):
            raise BrokenPromiseError(f"{self.node} removes {path}")
        with self.operation(path):
            self.server.remove(path)

    def remove_directory(self, path: str) -> None:
        with self.operation(path):
            if self.server.is_empty(path):
                self.server.remove(path)

    @contextmanager
    def operation(self, path: str) -> Iterator[None]:
        """What may happen around anything that a process asks of the server."""
        if self.is_dead:
            raise Crashed
        self._interrupt()
        self.server.now += 0.01 * self.server.random.random()
        late = self.server.random.random() < 0.5
        crashes = self._by_chance(self.storm.crash)
        fails = self._by_chance(self.storm.error)
        if not late:
            self._trouble(crashes, fails, path)
        yield
        if late:
            self._trouble(crashes, fails, path)

    def crash(self) -> None:
        """End the process: of what has not arrived, a random part is lost."""
        self.is_dead, self.died_at = True, self.server.now
        for file in self.server.files_of(self.node):
            arrived = file.arrivals[-1][1]
            kept = self.server.random.randint(arrived, len(file.content))
            file.arrive(self.server.now, kept)
            del file.content[kept:]

    def _trouble(self, crashes: bool, fails: bool, path: str) -> None:
        if crashes:
            self.crash()
            raise Crashed
        if fails:
            raise _error(self.server.random.choice(_ERRORS), path)

    def _by_chance(self, probability: float) -> bool:
        return probability > 0.0 and self.server.random.random() < probability

    def _lag(self) -> float:
        """How old the state is that is shown this time."""
        random, longest = self.server.random, self.server.cache_time
        return longest * random.random() if longest and random.random() < 0.5 else 0.0

    def _shows(self, entry: Name, at: float) -> bool:
        if entry.file is not None and entry.file.owner == self.node:
            return entry.removed is None
        return entry.existed(at)


class SimulatedAppender:
    """A file that one client appends to; implements `fsopt.log.filesystem.Appender`."""

    def __init__(self, client: SimulatedFilesystem, path: str, file: File) -> None:
        self._client = client
        self._path = path
        self._file = file

    def write(self, data: bytes) -> int:
        if data.find(b"\n") != len(data) - 1:
            raise BrokenPromiseError(f"{self._path}: a write of other than one line: {data!r}")
        client, random = self._client, self._client.server.random
        with client.operation(self._path):
            full = client.server.full
            if full or client._by_chance(client.storm.short):
                taken = random.randrange(len(data))
                self._file.content += data[:taken]
                if not taken or random.random() < 0.5:
                    raise _error(errno.ENOSPC if full else errno.EIO, self._path)
                return taken
            self._file.content += data
            if random.random() < 0.2:
                self._arrive(random.randint(0, len(self._file.content)))
        return len(data)

    def sync(self) -> None:
        # Even a sync that fails may have sent some of the data.
        client = self._client
        if client._by_chance(client.storm.error):
            self._arrive(client.server.random.randint(0, len(self._file.content)))
        with client.operation(self._path):
            self._arrive(len(self._file.content))
        client.has_synced = True

    def close(self) -> None:
        with self._client.operation(self._path):
            pass

    def _arrive(self, length: int) -> None:
        if length > self._file.arrivals[-1][1]:
            self._file.arrive(self._client.server.now, length)
            self._client.signs.append(self._client.server.now)


def _error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)
