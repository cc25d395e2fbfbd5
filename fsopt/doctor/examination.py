"""One examination from beginning to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from fsopt.doctor import files, latency, mounts, surroundings
from fsopt.doctor.company import Company
from fsopt.doctor.findings import Finding, Report
from fsopt.doctor.meeting import MeetingError, meeting
from fsopt.doctor.place import Place, prepared, workplace
from fsopt.doctor.shared import SHARED, processes
from fsopt.log.mounts import UNKNOWN, filesystem_of

Check = Callable[[Place], Finding]
"""Named as its finding is, with underscores for spaces."""

ALONE: tuple[Check, ...] = (
    mounts.filesystem,
    files.permissions,
    files.exclusive_create,
    files.contested_create,
    files.append,
    files.hard_link,
    files.rename,
    surroundings.new_names,
    latency.sync_latency,
    latency.create_latency,
    latency.read_latency,
    latency.list_latency,
    surroundings.free_space,
    surroundings.free_files,
    surroundings.server_clock,
    surroundings.locks,
    surroundings.left_behind,
)
"""What one process can find out, in the order in which people read it."""


def examine(directory: Path, company: Company | None = None) -> Report:
    """Examine whether a directory's filesystem keeps what fsopt needs.

    The directory may be a study. It is made if it is missing, and left as it was.

    Args:
        directory: Where studies are, or shall be.
        company: The other processes that examine it at the same time, if any.

    Returns:
        What was found; with company, number 0 has all of it, the others what was found together.

    Raises:
        MeetingError: In a process that is not number 0, if they do not find, or lose, each other.
    """
    directory = directory.absolute()
    with _ending_in_good_order():
        try:
            with prepared(directory):
                return _examine(directory.resolve(), company)
        except OSError as error:
            what = f"can't work in {directory}: {error.strerror or error}."
            return Report(UNKNOWN, [Finding("permissions", "failed", what)])


def _examine(directory: Path, company: Company | None) -> Report:
    kind = filesystem_of(directory).kind
    together: list[Finding] = []
    # Its own directory also shows other doctors that this one is still at work.
    with workplace(directory) as place:
        if company is not None:
            together, rank = _together(directory, company)
            if rank:
                return Report(kind, together, rank)
        return Report(kind, [*together, *(_alone(check, place) for check in ALONE)])


def _alone(check: Check, place: Place) -> Finding:
    try:
        return check(place)
    except OSError as error:
        what = f"the filesystem refused an operation: {error.strerror or error}."
        return Finding(check.__name__.replace("_", " "), "failed", what)


def _together(directory: Path, company: Company) -> tuple[list[Finding], int]:
    """What was found together, and this process's number."""
    found: list[Finding] = []
    try:
        with meeting(directory, company) as met:
            for check in SHARED:
                found.append(check(met))
                # Where it is known that studies can't be, a step may take as long as caches live.
                if check is processes and found[-1].verdict == "failed":
                    break
            return found, met.rank
    except MeetingError as error:
        if error.rank != 0:
            raise
        found.append(Finding("processes", "failed", str(error)))
    return found, 0


@contextlib.contextmanager
def _ending_in_good_order() -> Iterator[None]:
    """While entered, SIGTERM ends the process as an error does, so that it cleans up."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
