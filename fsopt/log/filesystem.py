"""The few file operations that the protocol needs, and the one place that performs them.

Everything in ``fsopt.log`` goes through a `Filesystem`, so that a study in memory runs the same
code, and tests can put a filesystem there that delays, tears, fails and crashes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import Protocol

from fsopt.errors import StorageError

_TRIES = 10
_PIECE = 2**20
"""Bytes that are read at once."""


class Appender(Protocol):
    """A file open for appending, created by this process and written by nobody else."""

    def write(self, data: bytes) -> int:
        """Append by one system call; returns how many bytes were taken, perhaps not all."""
        ...

    def sync(self) -> None:
        """Return only when everything written is durable and others can see it."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Filesystem(Protocol):
    """File operations below one root; paths are relative to it, with ``/``.

    All raise `OSError` as the operating system does, but for what their documentation names.
    """

    def describe(self, path: str) -> str:
        """The path as a person should see it in a message."""
        ...

    def create(self, path: str) -> Appender:
        """Create a new file for appending, durably, with the directories above it.

        Raises:
            FileExistsError: If there is one already.
        """
        ...

    def claim(self, path: str, content: bytes) -> bool:
        """Create a file exclusively; True for exactly one of all the processes that try.

        The file may for a moment, or after a crash for ever, be empty.
        """
        ...

    def publish(self, path: str, content: bytes) -> bool:
        """Create a file exclusively and durably, with all of its content at once.

        Returns False, and changes nothing, if there is one already.
        """
        ...

    def read(self, path: str, offset: int = 0) -> bytes:
        """What is in a file from an offset on, freshly opened."""
        ...

    def list(self, path: str) -> list[str]:
        """The names in a directory; none if there is no such directory."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens if there is none."""
        ...

    def remove_directory(self, path: str) -> None:
        """Remove a directory if it is empty; nothing happens otherwise."""
        ...


class LocalFilesystem:
    """The operating system's files below a directory, on whatever it is mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def describe(self, path: str) -> str:
        """The path with its root."""
        return str(self.root / path)

    def create(self, path: str) -> LocalAppender:
        """Create a file for appending; see `Filesystem.create`."""
        full = self._prepared(path)
        descriptor = os.open(full, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            self._sync_directory(full.parent)
        except BaseException:
            os.close(descriptor)
            raise
        return LocalAppender(descriptor)

    def claim(self, path: str, content: bytes) -> bool:
        """Create a file exclusively; see `Filesystem.claim`.

        The name is asked for by creating it: to look first would make some network filesystems
        remember for seconds that it does not exist. Once created it is won, even if the disk is
        too full for its content.
        """
        try:
            descriptor = self._create_exclusively(path)
        except FileExistsError:
            return False
        with contextlib.suppress(OSError):
            os.write(descriptor, content)
        with contextlib.suppress(OSError):
            os.close(descriptor)
        return True

    def publish(self, path: str, content: bytes) -> bool:
        """Create a file with its content at once; see `Filesystem.publish`.

        A hard link is the only operation that is both exclusive and leaves a complete file. Where
        links are not supported the file is created exclusively and then written.
        """
        full = self._prepared(path)
        temporary = full.with_name(f".{full.name}.{secrets.token_hex(6)}")
        try:
            self._write_new(temporary, content)
            try:
                os.link(temporary, full)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV):
                    raise
                try:
                    self._write_new(full, content)
                except FileExistsError:
                    return False
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._sync_directory(full.parent)
        return True

    def replace(self, path: str, content: bytes) -> None:
        """Write a file durably, with all its content at once, instead of what is there.

        Not for what the protocol needs, whose files never change.
        """
        full = self._prepared(path)
        temporary = full.with_name(f".{full.name}.{secrets.token_hex(6)}")
        try:
            self._write_new(temporary, content)
            temporary.replace(full)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._sync_directory(full.parent)

    def read(self, path: str, offset: int = 0) -> bytes:
        """Read to the end; see `Filesystem.read`."""
        # A file object would ask for more than a reader of many logs wants to know.
        descriptor = os.open(self.root / path, os.O_RDONLY)
        try:
            pieces = []
            while piece := os.pread(descriptor, _PIECE, offset):
                pieces.append(piece)
                offset += len(piece)
                if len(piece) < _PIECE:
                    break
            return b"".join(pieces)
        finally:
            os.close(descriptor)

    def list(self, path: str) -> list[str]:
        """List a directory; see `Filesystem.list`."""
        try:
            return os.listdir(self.root / path)  # noqa: PTH208 - names alone, without objects
        except FileNotFoundError:
            return []

    def remove(self, path: str) -> None:
        """Remove; see `Filesystem.remove`."""
        (self.root / path).unlink(missing_ok=True)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory; see `Filesystem.remove_directory`."""
        try:
            (self.root / path).rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                raise

    def _create_exclusively(self, path: str) -> int:
        full, flags = f"{self.root}/{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL
        for _ in range(_TRIES):
            # The directory is there but for the first time, or when somebody has just removed it,
            # which was empty.
            with contextlib.suppress(FileNotFoundError):
                return os.open(full, flags, 0o666)
            self._prepared(path)
        return os.open(full, flags, 0o666)

    def _prepared(self, path: str) -> Path:
        full = self.root / path
        self._make_directory(full.parent)
        return full

    def _make_directory(self, path: Path) -> None:
        """Make a directory and those above it, each durable in the one above."""
        if path.is_dir():
            return
        self._make_directory(path.parent)
        path.mkdir(exist_ok=True)
        self._sync_directory(path.parent)

    @staticmethod
    def _write_new(path: Path, content: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @staticmethod
    def _sync_directory(path: Path) -> None:
        """Make new names durable; some filesystems can't sync a directory and need not."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
                raise
        finally:
            os.close(descriptor)


class LocalAppender:
    """An open descriptor; see `Appender`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> int:
        """Append by one ``write``."""
        return os.write(self._descriptor, data)

    def sync(self) -> None:
        """``fsync``."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)


_PASSING = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.EAGAIN,
        errno.EINTR,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EREMOTEIO,
    }
)
"""Errors that full disks and network filesystems give for a while."""


def refused(action: str, path: str, error: OSError) -> StorageError:
    """The error to raise when the operating system refused an operation for good."""
    return StorageError(
        f"can't {action} {path}: {error.strerror or error}; "
        "check the path, its permissions, and the space and quota there",
        passing=error.errno in _PASSING or error.errno is None,
    )
