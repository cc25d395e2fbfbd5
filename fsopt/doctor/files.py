"""Checks of what one process does with files: create, append, publish, rename."""

from __future__ import annotations

import os
import stat
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from fsopt.doctor.findings import Finding, Measurement, error_name
from fsopt.doctor.place import Place

_THREADS = 8
_ROUNDS = 50
_LINES = 100


def permissions(place: Place) -> Finding:
    """Files can be made here, and belong to who made them."""
    path = place.work / "permissions"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    measured: dict[str, Measurement] = {"mode": f"{mode:04o}", "owner": status.st_uid}
    if status.st_uid != os.geteuid():
        what = f"new files belong to user {status.st_uid}, not to you: others may lock you out."
        return Finding("permissions", "warning", what, measured)
    who = "your group" if mode & 0o020 else "only you (with umask 002 also your group)"
    what = f"you can write here; new files get mode {mode:04o}, so {who} can work on a study."
    return Finding("permissions", "ok", what, measured)


def exclusive_create(place: Place) -> Finding:
    """A name is created once; the second who tries is told that it exists."""
    files = place.filesystem
    files.create("exclusive/log").close()
    try:
        files.create("exclusive/log").close()
    except FileExistsError:
        pass
    except OSError as error:
        what = f"creating a name that exists gives {error_name(error)} instead of EEXIST."
        return Finding("exclusive create", "failed", what, {"error": error_name(error)})
    else:
        what = "the same file could be created twice: two processes would get the same trial."
        return Finding("exclusive create", "failed", what)
    what = "a name can be created once only, and the second who tries is told so."
    return Finding("exclusive create", "ok", what)


def contested_create(place: Place) -> Finding:
    """Of many threads that claim the same names at the same time, each name has one winner."""
    wins: Counter[int] = Counter()
    barrier = threading.Barrier(_THREADS, timeout=60)

    def contest(_thread: int) -> list[int]:
        won = []
        try:
            for number in range(_ROUNDS):
                barrier.wait()
                if place.filesystem.claim(f"contest/{number}", b"x\n"):
                    won.append(number)
        except OSError:
            barrier.abort()
            raise
        except threading.BrokenBarrierError:
            # The thread that broke it tells why.
            return won
        return won

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for won in pool.map(contest, range(_THREADS)):
                wins.update(won)
        finally:
            # When this thread is interrupted the others would wait for those that never start.
            barrier.abort()
    wrong = sum(wins[number] != 1 for number in range(_ROUNDS))
    measured = {"names": _ROUNDS, "threads": _THREADS, "without_one_winner": wrong}
    if wrong:
        what = f"of {_ROUNDS} names that {_THREADS} threads claimed, {wrong} had not one winner."
        return Finding("contested create", "failed", what, measured)
    what = f"{_THREADS} threads claimed {_ROUNDS} names; each had exactly one winner."
    return Finding("contested create", "ok", what, measured)


def append(place: Place) -> Finding:
    """What was appended and synced is there when the file is opened anew."""
    written = [b"line %d\n" % number for number in range(_LINES)]
    log = place.filesystem.create("append/log")
    try:
        for number, line in enumerate(written, 1):
            if log.write(line) != len(line):
                what = "the filesystem took only a part of a short line."
                return Finding("append", "failed", what, {"line": number})
            if number in (1, _LINES):
                log.sync()
                read = place.filesystem.read("append/log")
                if read != b"".join(written[:number]):
                    what = f"after fsync, {number} appended lines did not read back as written."
                    return Finding("append", "failed", what, {"lines": number, "bytes": len(read)})
    finally:
        log.close()
    what = f"{_LINES} appended lines are there, in order, when the file is opened anew."
    return Finding("append", "ok", what, {"lines": _LINES})


def hard_link(place: Place) -> Finding:
    """A file appears with all of its content at once; by a hard link if there are any."""
    files = place.filesystem
    first = files.publish("link/name", b"first\n")
    second = files.publish("link/name", b"second\n")
    if (first, second) != (True, False) or files.read("link/name") != b"first\n":
        what = "a file that was published whole could be published again, or had other content."
        return Finding("hard link", "failed", what)
    try:
        os.link(place.work / "link/name", place.work / "link/other")
    except OSError as error:
        what = (
            f"no hard links here ({error_name(error)}): study.json is created, then written, so a "
        )
        what += "process that joins in that moment has to look again."
        return Finding("hard link", "warning", what, {"error": error_name(error)})
    return Finding("hard link", "ok", "a file can be published whole, by a hard link.")


def rename(place: Place) -> Finding:
    """A directory that is renamed is there under the new name alone, as checkpoints need it."""
    place.filesystem.claim("rename/old/file", b"content\n")
    old, new = place.work / "rename/old", place.work / "rename/new"
    old.rename(new)
    names = place.filesystem.list("rename")
    if names != ["new"] or (new / "file").read_bytes() != b"content\n":
        what = "a renamed directory is not there under its new name alone, with its content."
        return Finding("rename", "failed", what, {"names": ", ".join(names)})
    return Finding("rename", "ok", "a directory can be renamed with its content.")
