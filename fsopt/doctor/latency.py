"""How long the operations take of which an ordinary trial needs one or two."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from fsopt.doctor.findings import Finding, duration, in_milliseconds
from fsopt.doctor.place import Place

_ROUNDS = 40
_BUDGET = 3.0
"""Seconds after which a check has measured enough."""
_SLOW = 0.5
"""Median seconds above which people should know."""
_LISTED = 100


def sync_latency(place: Place) -> Finding:
    """Appending a line and syncing it: what every event costs."""
    log = place.filesystem.create("latency/log")

    def append(_round: int) -> None:
        log.write(b"x" * 200 + b"\n")
        log.sync()

    try:
        return _measured("sync latency", "appending and syncing a line", place, append)
    finally:
        log.close()


def create_latency(place: Place) -> Finding:
    """Creating and removing a file: a claim costs the first half."""
    files = place.filesystem

    def create(number: int) -> None:
        files.claim(f"latency/claim-{number}", b"x\n")
        files.remove(f"latency/claim-{number}")

    return _measured("create latency", "creating and removing a file", place, create)


def read_latency(place: Place) -> Finding:
    """Opening and reading a file: a look at another process's log."""
    files = place.filesystem
    files.claim("latency/read", b"x" * 200)
    what = "opening and reading a file"
    return _measured("read latency", what, place, lambda _round: files.read("latency/read"))


def list_latency(place: Place) -> Finding:
    """Listing a directory: how new logs and claims are found."""
    files = place.filesystem
    for number in range(_LISTED):
        files.claim(f"listed/{number}", b"")
    what = f"listing {_LISTED} files"
    return _measured("list latency", what, place, lambda _round: files.list("listed"))


def _measured(check: str, operation: str, place: Place, once: Callable[[int], object]) -> Finding:
    seconds: list[float] = []
    while len(seconds) < _ROUNDS and sum(seconds) < _BUDGET:
        begin = place.clock()
        once(len(seconds))
        seconds.append(place.clock() - begin)
    measured, median = in_milliseconds(seconds), statistics.median(seconds)
    what = f"{operation} takes {duration(median)}, {duration(max(seconds))} "
    what += "at worst"
    if median > _SLOW:
        return Finding(
            check, "warning", f"{what}: slow; use trials of a minute or more.", measured
        )
    return Finding(check, "ok", f"{what}.", measured)
