"""Who a process is: the id of its log, and how others on its machine can tell that it died."""

from __future__ import annotations

import os
import platform
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fsopt.scheduler import Scheduler

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A process that writes events."""

    writer: str
    """The id of its log; never used again by another process."""
    host: str
    pid: int
    process: str | None
    """``machine/start``: the boot and pid namespace of its machine, and when it started in clock
    ticks since boot; None where the operating system does not tell."""
    job: str | None


def current_identity(environment: Mapping[str, str]) -> Identity:
    """The identity of this process, with a new writer id.

    Args:
        environment: The environment variables, of which a scheduler's name the job and array task.
    """
    host, pid = platform.node() or "unknown", os.getpid()
    job = Scheduler.from_environment(environment).name
    name = re.sub(r"[^A-Za-z0-9_-]", "-", job or f"{host.split('.')[0]}-{pid}")
    start = _start_ticks(pid)
    machine = _machine()
    return Identity(
        writer=f"{name[:80]}-{secrets.token_hex(3)}",
        host=host,
        pid=pid,
        process=f"{machine}/{start}" if machine and start else None,
        job=job,
    )


def uptime() -> float:
    """Monotonic seconds that also pass while this machine is suspended, where it can tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def has_vanished(pid: int, process: str | None) -> bool:
    """Whether a process that ran on this very machine no longer does.

    False also means "can't tell": it ran elsewhere, or this system has no ``/proc``.
    """
    machine, _, start = (process or "").rpartition("/")
    if not machine or machine != _machine():
        return False
    return _start_ticks(pid) != start


def _machine() -> str | None:
    """This boot of this machine, and the namespace in which its pids count."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return None
    return f"{boot}/{''.join(filter(str.isdigit, str(namespace)))}"


def _start_ticks(pid: int) -> str | None:
    """When a process started; None if it is gone, or dead and only waits to be reaped."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the command in parentheses, which may itself hold anything.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
