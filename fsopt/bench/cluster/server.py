"""What a file server knows: every name, and how much of every file has arrived when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class File:
    """A file's content, and when it came."""

    owner: str
    """The client that keeps in memory what has not arrived at the server."""
    content: bytearray | bytes
    arrivals: list[tuple[float, int]]
    """Since when the server has had how many bytes; both ascend."""

    def arrive(self, now: float, length: int) -> None:
        """The server has so many bytes from now on."""
        if length > self.arrivals[-1][1]:
            self.arrivals.append((max(now, self.arrivals[-1][0]), length))

    def length(self, at: float) -> int:
        """How many bytes the server had at that time."""
        return next((length for time, length in reversed(self.arrivals) if time <= at), 0)


@dataclass(slots=True)
class Name:
    """A name in a directory."""

    file: File | None
    """None for a directory."""
    created: float
    removed: float | None = None

    def existed(self, at: float) -> bool:
        """Whether it was there at that time."""
        return self.created <= at and (self.removed is None or self.removed > at)


class Server:
    """The truth, in virtual time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.directories: dict[str, dict[str, Name]] = {}

    def entry(self, path: str) -> Name | None:
        """What is known of a name, even if it was removed."""
        directory, _, name = path.rpartition("/")
        return self.directories.get(directory, {}).get(name)

    def add(self, path: str, file: File) -> bool:
        """Create a name; exact for all clients. False if it exists."""
        known = self.entry(path)
        if known is not None and known.removed is None:
            return False
        directory, _, name = path.rpartition("/")
        self.directories.setdefault(directory, {})[name] = Name(file, self.now)
        while directory:
            directory, _, name = directory.rpartition("/")
            above = self.directories.setdefault(directory, {})
            if name not in above or above[name].removed is not None:
                above[name] = Name(None, self.now)
        return True

    def remove(self, path: str) -> None:
        """Remove a name, if it is there."""
        entry = self.entry(path)
        if entry is not None and entry.removed is None:
            entry.removed = self.now

    def is_empty(self, path: str) -> bool:
        """Whether a directory has no names in it."""
        return all(name.removed is not None for name in self.directories.get(path, {}).values())

    def paths(self) -> Iterator[str]:
        """All files."""
        for directory, names in self.directories.items():
            for name, entry in names.items():
                if entry.file is not None and entry.removed is None:
                    yield f"{directory}/{name}"

    def length(self, path: str) -> int:
        """How many bytes of a file have arrived."""
        entry = self.entry(path)
        return 0 if entry is None or entry.file is None else entry.file.length(self.now)

    def files_of(self, owner: str) -> Iterator[File]:
        """What a client has created."""
        for names in self.directories.values():
            for name in names.values():
                if name.file is not None and name.file.owner == owner:
                    yield name.file
