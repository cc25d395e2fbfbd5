"""Where the doctor works: directories of its own, which are gone when it leaves."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from fsopt.log.filesystem import LocalFilesystem

PREFIX = ".fsopt-doctor"
"""``.fsopt-doctor-TOKEN`` belongs to one process, ``.fsopt-doctor/SESSION`` to several."""

_MADE = f"{PREFIX}-made"
"""An empty file in a directory that was made for the examination alone."""

_UNSEEN = 5.0
"""Seconds for which a filesystem may go on missing a name that was looked for in vain."""

_LEFTOVER_AGE = 86400.0
"""Seconds after which a directory is taken for what a killed doctor left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a check may use."""

    directory: Path
    """The directory that is examined; resolved."""
    work: Path
    """The doctor's own directory in it."""
    patience: float = 10.0
    """Seconds within which what is durable must become visible."""
    clock: Callable[[], float] = time.perf_counter
    wall_clock: Callable[[], float] = time.time

    @property
    def filesystem(self) -> LocalFilesystem:
        """The operations that studies use, below the doctor's own directory."""
        return LocalFilesystem(self.work)


@contextlib.contextmanager
def prepared(directory: Path) -> Iterator[None]:
    """While entered, the directory exists; afterwards it does only if it did before.

    A directory that had to be made is marked as such, and the last doctor to leave it removes it.
    """
    try:
        with _undisturbed():
            _make(directory)
        yield
    finally:
        with _undisturbed():
            _remove_made(directory)


@contextlib.contextmanager
def workplace(directory: Path) -> Iterator[Place]:
    """While entered, the doctor has a directory of its own in an existing directory."""
    work = directory / f"{PREFIX}-{secrets.token_hex(6)}"
    try:
        work.mkdir()
        yield Place(directory=directory.resolve(), work=work)
    finally:
        remove_tree(work)


def remove_tree(path: Path) -> None:
    """Remove a directory with everything in it, as far as the filesystem lets us."""
    with _undisturbed():
        for _ in range(5):
            shutil.rmtree(path, ignore_errors=True)
            if not path.exists():
                return
            # Another process may just have written there, or a network filesystem may keep a
            # name for a file that is still being closed.
            time.sleep(0.1)


def leftovers(directory: Path, now: float) -> list[Path]:
    """Directories of doctors that were killed more than a day before ``now`` (seconds since 1970).

    Raises:
        OSError: If the directory can't be listed.
    """
    found = [*directory.glob(f"{PREFIX}-*"), *directory.glob(f"{PREFIX}/*")]
    return sorted(path for path in found if _changed(path) < now - _LEFTOVER_AGE)


def wait_for(condition: Callable[[], bool], limit: float, pause: float = 0.0005) -> float | None:
    """Ask until something holds, at first after every ``pause`` seconds, then less often.

    Returns:
        The seconds until it did; None if it did not within ``limit`` seconds.
    """
    begin = time.perf_counter()
    while not condition():
        if time.perf_counter() - begin > limit:
            return None
        time.sleep(pause)
        pause = min(pause * 1.1, 0.05)
    return time.perf_counter() - begin


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """While entered, interrupts wait: what was made must be removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        noted.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
        if noted:
            signal.raise_signal(noted[0])


def _make(directory: Path) -> None:
    if directory.is_dir():
        return
    if directory.parent != directory:
        _make(directory.parent)
    try:
        directory.mkdir()
    except FileExistsError:
        # Another doctor was faster, and its directory may stay unseen where it was missed.
        deadline = time.monotonic() + _UNSEEN
        while not directory.is_dir():
            if time.monotonic() > deadline:
                raise
            time.sleep(_UNSEEN / 50)
    (directory / _MADE).touch()


def _remove_made(directory: Path) -> None:
    """Remove a directory that doctors made, and those above, unless something else is there."""
    with contextlib.suppress(OSError):
        names = {path.name for path in directory.iterdir()}
        others = names - {_MADE}
        if others == names or any(name.startswith(PREFIX) for name in others):
            return
        (directory / _MADE).unlink(missing_ok=True)
        directory.rmdir()
        _remove_made(directory.parent)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
