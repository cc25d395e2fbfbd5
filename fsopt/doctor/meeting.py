"""Processes that find each other in a directory, and tell each other what they saw.

Everything here does what fsopt itself does: names are won by exclusive creation, directories are
listed instead of asking for a name, files are synced, opened anew, and complete once their last
newline is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fsopt.doctor.company import Company
from fsopt.doctor.place import PREFIX, Place, remove_tree, wait_for
from fsopt.errors import StorageError

_STEP_SECONDS = 60.0
"""The least time that others get for a step once all are there."""

_LATER = 2.0
"""Seconds by which the others wait longer than number 0, whose finding people read."""


class MeetingError(StorageError):
    """The processes did not find each other, or lost each other.

    Args:
        message: What happened.
        rank: This process's number, if it got one.
    """

    def __init__(self, message: str, rank: int | None) -> None:
        super().__init__(message)
        self.rank = rank


class SessionTakenError(MeetingError):
    """The session has all of its processes already, without this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """This process among those that met."""

    place: Place
    """``place.work`` is the directory of the session."""
    size: int
    rank: int
    wait: float
    token: str

    def post(self, name: str, data: Any = None) -> None:
        """Create a file with JSON and a newline, synced.

        Raises:
            OSError: If it can't be created, for example because it exists.
        """
        file = self.place.filesystem.create(name)
        try:
            file.write(json.dumps(data).encode() + b"\n")
            file.sync()
        finally:
            file.close()

    def exchange(self, name: str, data: Any = None) -> list[Any]:
        """Tell the others something, and hear from each; returns when all have come to this point.

        Returns:
            What each process told, by its number.

        Raises:
            MeetingError: If some do not come within the time.
        """
        self.post(f"{name}.{self.rank}", data)
        posts = [f"{name}.{rank}" for rank in range(self.size)]
        self.await_names(*posts)
        return [json.loads(self.read_whole(post)) for post in posts]

    def await_names(self, *names: str, pause: float = 0.0005) -> None:
        """Wait until a listing has all of these names.

        Raises:
            MeetingError: If it does not within the time, or another process ended the session.
        """
        wanted = set(names)
        if wait_for(lambda: self.sees(wanted), self.wait, pause) is None:
            missing = ", ".join(sorted(wanted - self.names()))
            raise MeetingError(f"waited {self.wait:g} s in vain for {missing}.", self.rank)

    def sees(self, names: set[str]) -> bool:
        """Whether a listing has all of these names now.

        Raises:
            MeetingError: If another process ended the session.
        """
        found = self.names()
        if f"member.{self.rank}" not in found:
            raise MeetingError("another process ended the examination.", self.rank)
        return names <= found

    def names(self) -> set[str]:
        """All names in the session's directory now."""
        return set(self.place.filesystem.list("."))

    def read(self, name: str) -> bytes:
        """The content of a file now; nothing if it can't be found, even if it is listed."""
        try:
            return self.place.filesystem.read(name)
        except FileNotFoundError:
            return b""

    def read_whole(self, name: str) -> bytes:
        """The content of a file, once its last newline is there.

        Raises:
            MeetingError: If that takes too long, or another process ended the session.
        """
        content = b""

        def complete() -> bool:
            nonlocal content
            content = self.read(name)
            return content.endswith(b"\n") or not self.sees(set())

        if wait_for(complete, self.wait) is None:
            what = f"{name} is listed, but its content is not there after {self.wait:g} s."
            raise MeetingError(what, self.rank)
        return content


@contextlib.contextmanager
def meeting(directory: Path, company: Company) -> Iterator[Meeting]:
    """While entered, this process is one of several; number 0 is the last to leave.

    Whoever leaves because of an error removes the whole session, which ends it for all.

    Raises:
        MeetingError: If the processes do not find each other, or the filesystem refuses.
    """
    session = directory / PREFIX / company.session
    place = Place(directory=directory, work=session)
    met: Meeting | None = None
    try:
        met = _join(place, company)
        yield met
        _part(met)
        if met.rank == 0:
            remove_tree(session)
    except SessionTakenError:
        # What is there belongs to others.
        raise
    except OSError as error:
        remove_tree(session)
        what = f"the filesystem refused an operation: {error.strerror or error}."
        raise MeetingError(what, met.rank if met else None) from error
    except BaseException:
        remove_tree(session)
        raise
    finally:
        with contextlib.suppress(OSError):
            session.parent.rmdir()


def _join(place: Place, company: Company) -> Meeting:
    place.work.mkdir(parents=True, exist_ok=True)
    met = Meeting(
        place=place,
        size=company.processes,
        rank=-1,
        wait=company.wait,
        token=f"{os.getpid()}-{secrets.token_hex(6)}",
    )
    hello = f"hello.{met.token}"
    met.post(hello)
    met = replace(met, rank=_win_rank(met))
    if met.rank < 0:
        place.filesystem.remove(hello)
        raise SessionTakenError(
            f"{met.size} processes are in {place.work} already: this one is one too many, or they "
            f"were killed; then remove it (rm -r {place.work}), or give all another --session",
            None,
        )
    _await_all(met)
    # From now on all are here, and wait only for what others are busy with.
    return replace(met, wait=max(company.wait, _STEP_SECONDS))


def _win_rank(met: Meeting) -> int:
    """The number that this process got; -1 if all were gone."""
    for rank in range(met.size):
        # What else than "it exists" the loser of a race is told is for a check to find.
        with contextlib.suppress(OSError):
            if met.place.filesystem.claim(f"member.{rank}", f"{met.token}\n".encode()):
                return rank
    return -1


def _await_all(met: Meeting) -> None:
    members = {f"member.{rank}" for rank in range(met.size)}
    limit = met.wait + (_LATER if met.rank else 0.0)
    if wait_for(lambda: met.sees(members), limit) is None:
        names = met.names()
        came = sum(name.startswith("hello.") for name in names)
        if came >= met.size:
            what = f"{came} processes created {len(members & names)} names, each exclusively: "
            what += "two processes can create the same name."
        else:
            what = f"{came} of {met.size} processes came within {met.wait:g} s: start all of "
            what += "them, on nodes that share this directory, or wait longer (--wait)."
        raise MeetingError(what, met.rank)
    if met.read_whole(f"member.{met.rank}").decode() != f"{met.token}\n":
        raise MeetingError("two processes could create the same name.", met.rank)


def _part(met: Meeting) -> None:
    """Leave in good order: number 0 waits for all others, who do not wait."""
    if met.rank == 0:
        met.await_names(*(f"parted.{rank}" for rank in range(1, met.size)))
        return
    met.post(f"parted.{met.rank}")
    if "member.0" not in met.names():
        # Number 0 is gone: it removes what is there, but perhaps before this last file came.
        remove_tree(met.place.work)
