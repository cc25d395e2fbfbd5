"""Times and sizes as people and batch systems write them."""

from __future__ import annotations

import re

from fsopt.errors import LaunchError

_CLOCK = re.compile(r"(?:([0-9]{1,3})-)?([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])")
_SPAN = re.compile(r"([0-9]{1,7})([smhd])")
_SIZE = re.compile(r"([0-9]{1,9})([KMGT])(?:i?B)?", re.IGNORECASE)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS = "KMGT"


def seconds(text: str) -> int:
    """Read a time such as ``90m``, ``2h``, ``02:00:00`` or ``1-12:00:00``.

    Two numbers with a colon are refused: Slurm takes them for minutes and seconds, LSF for hours
    and minutes.

    Raises:
        LaunchError: If it is none, or no time at all.
    """
    total = 0
    if match := _CLOCK.fullmatch(text):
        days, hours, minutes, rest = (int(part or 0) for part in match.groups())
        total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    elif match := _SPAN.fullmatch(text):
        total = int(match[1]) * _SECONDS[match[2]]
    if total == 0:
        raise LaunchError(f"--time takes a time such as 90m, 2h or 02:00:00, not {text!r}")
    return total


def memory(text: str) -> int:
    """Read a size such as ``4G`` or ``500M``, in bytes; a kilobyte is 1024.

    Raises:
        LaunchError: If it is none, or nothing at all.
    """
    match = _SIZE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise LaunchError(f"--memory takes a size such as 4G or 500M, not {text!r}")
    return int(match[1]) << 10 * (1 + _UNITS.index(match[2].upper()))


def clock(total: int) -> str:
    """Seconds as hours, minutes and seconds."""
    return f"{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}"


def megabytes(size: int) -> int:
    """Bytes in megabytes of 2**20, rounded up."""
    return -(-size >> 20)
