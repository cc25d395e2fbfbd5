"""A filesystem in memory, for studies without a directory and for tests."""

from __future__ import annotations

import errno
import os

from fsopt.log.filesystem import Appender


class MemoryFilesystem:
    """Files as byte arrays by path; see `fsopt.log.filesystem.Filesystem`.

    Safe for the threads of one process: each operation is one dictionary or list operation.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self._names: dict[str, set[str]] = {}

    def describe(self, path: str) -> str:
        """The path, marked as one in memory."""
        return f"memory:{path}"

    def create(self, path: str) -> Appender:
        """Create a file for appending."""
        content = bytearray()
        if not self._add(path, content):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        return MemoryAppender(content)

    def claim(self, path: str, content: bytes) -> bool:
        """Create a file exclusively."""
        return self._add(path, bytearray(content))

    def publish(self, path: str, content: bytes) -> bool:
        """Create a file exclusively with its content."""
        return self._add(path, bytearray(content))

    def read(self, path: str, offset: int = 0) -> bytes:
        """Read to the end."""
        try:
            return bytes(self.files[path][offset:])
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None

    def list(self, path: str) -> list[str]:
        """The names directly below a path."""
        return sorted(self._names.get(path, ()))

    def remove(self, path: str) -> None:
        """Remove a file."""
        if self.files.pop(path, None) is not None:
            directory, _, name = path.rpartition("/")
            self._names[directory].discard(name)

    def remove_directory(self, path: str) -> None:
        """Remove a directory if it is empty."""
        directory, _, name = path.rpartition("/")
        if not self._names.get(path, True):
            del self._names[path]
            self._names[directory].discard(name)

    def _add(self, path: str, content: bytearray) -> bool:
        if self.files.setdefault(path, content) is not content:
            return False
        while path:
            path, _, name = path.rpartition("/")
            self._names.setdefault(path, set()).add(name)
        return True


class MemoryAppender:
    """A byte array that grows; see `fsopt.log.filesystem.Appender`."""

    def __init__(self, content: bytearray) -> None:
        self._content = content

    def write(self, data: bytes) -> int:
        """Append everything."""
        self._content += data
        return len(data)

    def sync(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        """Nothing to close."""
