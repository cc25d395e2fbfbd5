"""Control groups (cgroup v2), where this process may make some of its own.

That is so below a delegated group: ``systemd-run --user --scope -p Delegate=yes``, some containers
and batch systems. Everything here does without where it is not.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

_WORKER = "fsopt-worker"
"""The group into which a process moves to make room: a group can't have both, processes and
groups with limits."""

_REMOVAL_TRIES = 20
"""Tries to remove a group, a twentieth of a second apart: the kernel empties it with a delay."""


def own_group(mount: Path | None = None) -> Path | None:
    """The directory of this process's group; None where there is no cgroup v2.

    Args:
        mount: Where cgroup v2 is mounted; None looks for it.
    """
    mount = mount or _mount()
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if mount is not None and line.startswith("0::/"):
                group = mount / line.removeprefix("0::/")
                return group if (group / "cgroup.procs").exists() else None
    return None


def make_room(group: Path) -> Path:
    """Prepare a group, which this process is in, for groups with memory limits below it.

    Nothing changes where that is not possible: others are in it as well, or it may not be changed.

    Returns:
        The group below which others may be made.
    """
    if group.name == _WORKER:
        return group.parent
    worker = group / _WORKER
    with contextlib.suppress(OSError):
        if (group / "cgroup.procs").read_text().split() == [str(os.getpid())]:
            worker.mkdir(exist_ok=True)
            (worker / "cgroup.procs").write_text(str(os.getpid()))
        (group / "cgroup.subtree_control").write_text("+memory")
    return group


def count_oom_kills(group: Path | None) -> int:
    """How many processes of a group the kernel has killed because memory ran out."""
    if group is not None:
        with contextlib.suppress(OSError, ValueError):
            for line in (group / "memory.events").read_text().splitlines():
                name, count = line.split()
                if name == "oom_kill":
                    return int(count)
    return 0


@dataclass(frozen=True, slots=True)
class Group:
    """A group for one evaluation after the other."""

    path: Path
    limits_memory: bool
    """Whether the kernel itself sees to the memory limit."""

    @classmethod
    def create(cls, parent: Path, name: str, memory_limit: int | None) -> Group | None:
        """Make a group below another one; None where that is not allowed."""
        path = parent / name
        try:
            path.mkdir()
        except OSError:
            return None
        if memory_limit is None:
            return cls(path, limits_memory=False)
        try:
            (path / "memory.max").write_text(str(memory_limit))
        except OSError:
            return cls(path, limits_memory=False)
        # Where there is no swap these do not exist; older kernels can't kill a group at once.
        for file, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
            with contextlib.suppress(OSError):
                (path / file).write_text(value)
        return cls(path, limits_memory=True)

    def add(self, pid: int) -> bool:
        """Put a process, with all that it will start, into the group."""
        try:
            (self.path / "cgroup.procs").write_text(str(pid))
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """Kill every process in it; kernels before 5.14 can't."""
        with contextlib.suppress(OSError):
            (self.path / "cgroup.kill").write_text("1")

    def remove(self) -> None:
        """Remove the group once it is empty."""
        for _ in range(_REMOVAL_TRIES):
            try:
                self.path.rmdir()
            except OSError:
                time.sleep(0.05)
            else:
                return


def _mount() -> Path | None:
    import psutil

    for partition in psutil.disk_partitions(all=True):
        if partition.fstype == "cgroup2":
            return Path(partition.mountpoint)
    return None
