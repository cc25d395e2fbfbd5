"""The processes that an evaluation consists of: finding, measuring and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
"""Operations of prctl(2)."""

_KERNEL_TELLS = Path("/proc/thread-self/children").exists()


def adopt_orphans() -> None:
    """From now on, descendants whose parents end become children of this process (Linux).

    So no process that an evaluation starts gets out of the tree, however it detaches itself.
    """
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have this process killed when its parent ends (Linux)."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def descendants(root: int) -> list[int]:
    """All processes below one, parents before their children; also such as ended unnoticed."""
    found, waiting = [], [root]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def exceeds_memory(pids: list[int], limit: int) -> bool:
    """Whether processes use more memory together than a limit, in bytes.

    Pages that several of them share count once. To find that out takes longer, so it is asked only
    where the plain sum is above the limit.
    """
    import psutil

    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            processes.append(psutil.Process(pid))
    resident = shared = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            resident += process.memory_info().rss
    if resident <= limit:
        return False
    for process in processes:
        with contextlib.suppress(psutil.Error):
            usage = process.memory_full_info()
            shared += getattr(usage, "pss", usage.rss)
    return shared > limit


def _children(pid: int) -> list[int]:
    """Children of a process.

    Most Linux kernels tell them at once; where not, psutil looks at every process of the machine.
    """
    if not _KERNEL_TELLS:
        import psutil

        with contextlib.suppress(psutil.Error):
            return [child.pid for child in psutil.Process(pid).children()]
        return []
    # A thread may end, and the process with it, between any two looks.
    children: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                children += map(int, (task / "children").read_text().split())
    return children


def _prctl(operation: int, argument: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(operation, argument, 0, 0, 0)
