"""Checks of what surrounds the files: room, clocks, locks, new names, what others left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

from fsopt.doctor.findings import Finding, duration, error_name
from fsopt.doctor.place import Place, leftovers, wait_for

_ENOUGH_BYTES = 1 << 30
_ENOUGH_FILES = 100_000
_CLOCK_SECONDS = 1.0

_CREATOR = """
import os, sys
for line in sys.stdin:
    os.close(os.open(line.rstrip("\\n"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    print(flush=True)
"""
"""A process that creates the files whose names it is told, and says when."""


def free_space(place: Place) -> Finding:
    """There is room for the results."""
    status = os.statvfs(place.work)
    free = status.f_bavail * status.f_frsize
    measured = {"free_bytes": free}
    text = f"{free / (1 << 30):.1f} GiB are free"
    if free < _ENOUGH_BYTES:
        what = f"only {text}: a study waits while the disk is full."
        return Finding("free space", "warning", what, measured)
    return Finding("free space", "ok", f"{text} (a quota of yours may be smaller).", measured)


def free_files(place: Place) -> Finding:
    """There is room for new names."""
    status = os.statvfs(place.work)
    if not status.f_files:
        what = "the number of files is not limited, or the filesystem does not tell."
        return Finding("free files", "ok", what)
    measured = {"free_inodes": status.f_favail}
    what = f"{status.f_favail:,} more files can be made."
    if status.f_favail < _ENOUGH_FILES:
        what = f"only {what} A study makes about one for each trial."
        return Finding("free files", "warning", what, measured)
    return Finding("free files", "ok", what, measured)


def server_clock(place: Place) -> Finding:
    """How the clock that stamps files differs from ours; nothing depends on it."""
    path = place.work / "clock"
    before = place.wall_clock()
    path.write_bytes(b"x")
    after = place.wall_clock()
    stamped = path.stat().st_mtime
    ahead = min(stamped - before, 0.0) + max(stamped - after, 0.0)
    measured = {"ahead_seconds": round(ahead, 3)}
    if abs(ahead) > _CLOCK_SECONDS:
        side = "ahead of" if ahead > 0 else "behind"
        what = f"the clock that stamps files is {abs(ahead):.1f} s {side} this node's; fsopt "
        what += "does not depend on it, people reading times do."
        return Finding("server clock", "warning", what, measured)
    what = "files are stamped with the time that this node's clock shows."
    return Finding("server clock", "ok", what, measured)


def locks(place: Place) -> Finding:
    """Whether files can be locked; nothing depends on it."""
    path = place.work / "lock"
    path.touch()
    measured = {
        "flock": _lock(path, "flock"),
        "fcntl": _lock(path, "fcntl"),
    }
    told = ", ".join(f"{kind} {outcome}" for kind, outcome in measured.items())
    return Finding("locks", "ok", f"{told}; fsopt depends on neither.", measured)


def new_names(place: Place) -> Finding:
    """How soon a file that another process makes is seen, by those who asked for it before."""
    by_name, by_list = place.work / "asked-for", place.work / "listed-for"
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _CREATOR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as creator:
        try:
            by_name.exists()
            _tell(creator, by_name)
            named = wait_for(by_name.exists, place.patience)
            _tell(creator, by_list)
            listed = wait_for(lambda: by_list.name in place.filesystem.list("."), place.patience)
        finally:
            creator.kill()
    return judge_new_names(named, listed, place.patience)


def judge_new_names(named: float | None, listed: float | None, patience: float) -> Finding:
    """What it means that a new file was seen after so many seconds, or (None) was not seen."""
    measured = {
        key: f"not within {patience:g} s" if seconds is None else round(seconds * 1e3, 3)
        for key, seconds in (("asked_by_name_ms", named), ("listed_ms", listed))
    }
    if listed is None:
        what = f"a new file did not appear in the listing of its directory in {patience:g} s."
        return Finding("new names", "failed", what, measured)
    what = f"a file made by another process is listed after {duration(listed)}; asking for "
    if named is None:
        what += f"its name does not find it in {patience:g} s if it was asked for before. "
        return Finding("new names", "ok", what + "fsopt lists directories instead.", measured)
    return Finding(
        "new names", "ok", f"{what}its name finds it after {duration(named)}.", measured
    )


def left_behind(place: Place) -> Finding:
    """What doctors that were killed left here more than a day ago; it is only reported."""
    found = leftovers(place.directory, place.wall_clock())
    if found:
        what = f"killed doctors left {len(found)} directories behind; remove them: "
        what += f"rm -r {' '.join(map(str, found[:3]))}{' …' if len(found) > 3 else ''}"
        return Finding("left behind", "warning", what, {"directories": len(found)})
    return Finding("left behind", "ok", "no killed doctor left anything here.")


def _tell(creator: subprocess.Popen[str], path: Path) -> None:
    """Have a file created, and return when it is.

    Raises:
        OSError: If it could not be created.
    """
    if creator.stdin is None or creator.stdout is None:
        raise OSError("the process that creates files has no pipes")
    creator.stdin.write(f"{path}\n")
    creator.stdin.flush()
    if not creator.stdout.readline():
        raise OSError(errno.EIO, "another process could not create a file here")


def _lock(path: Path, kind: str) -> str:
    """How locking a file exclusively turns out: ``works`` or ``refused (ERROR)``."""
    with path.open("rb+") as file:
        try:
            if kind == "flock":
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            else:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return f"refused ({error_name(error)})"
    return "works"
