"""The process that stands between a worker and one of its evaluation processes.

It starts the evaluation process, keeps to the limits, gathers what is printed, says why an
evaluation process ended, and ends everything below it: at a limit, when the evaluation process
ends, and when the worker is gone, even if it was killed. It runs nothing of the user's, so nothing
keeps it from doing so; every process that an evaluation starts stays below it (a subreaper, see
prctl(2)).

Before each assignment the worker sends the path for the output, with a zero byte at its end; it
closes the socket when it is done. The last thing that the guard sends is the reason for the end.
The evaluation process sends `BEGIN` and `END` around each evaluation, and waits after `END` for an
answer: so no result leaves a process that a limit has condemned, and the output is there when the
result is.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from fsopt.run import cgroup, tree
from fsopt.run.output import Output

BEGIN, END = b"b", b"e"
"""What the evaluation process says."""

FINE, OUT_OF_MEMORY = b".", b"m"
"""What it is answered when an evaluation has ended."""

TIMEOUT, MEMORY = "timeout", "memory"
"""The reasons that a guard gives for an end that it has brought about."""

POLITENESS = 2.0
"""Seconds from SIGTERM to SIGKILL when the time is up."""

MEMORY_LOOK_EVERY = 0.5
"""Seconds between looks at the memory, at least."""

_LOOK_SHARE = 50
"""A look at the memory is followed by this many times its own duration without one."""

_WORKER_LOOK_EVERY = 2.0
"""Seconds between looks whether the worker still is the parent."""

_END_LOOK_EVERY, _KILL_EVERY = 0.05, 0.005
_END_PATIENCE = 10.0
"""Seconds in which killed processes should be gone; the kernel may hold some for ever."""

_PIECE, _PIECES = 2**16, 64
"""Bytes that are read at once, and how many times before something else has its turn."""

_BOOT = (
    "import json, sys; path = json.loads(sys.argv[1]); sys.path += path; from {} import main; "
    "sys.path[:] = path; main()"
)
"""A script may have the name of a module of the standard library, and stands first in its path."""


def command_line(module: str, *arguments: str) -> list[str]:
    """The command that runs a module's `main` in a new interpreter, with the same import path."""
    return [sys.executable, "-P", "-c", _BOOT.format(module), json.dumps(sys.path), *arguments]


def reason_of_end(status: int) -> str:
    """Why a process ended.

    Args:
        status: Its exit status; negative for the number of a signal.
    """
    if status >= 0:
        return f"exit {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a guard has to know, as plain data."""

    pipe: int
    """The descriptor through which worker and evaluation process talk; only passed on."""
    control: int
    """The descriptor of the socket between worker and guard."""
    time_limit: float | None
    memory_limit: int | None
    output_limit: int
    own_group: str | None
    """The control group that worker and guard are in."""
    room: str | None
    """The control group below which the guard may make one."""


def main() -> None:
    """Guard one evaluation process; the orders are in the command line."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD):
        # The worker hears of them, and decides. Ignoring would be inherited by every program.
        signal.signal(number, _note)
    Guard(Orders(**json.loads(sys.argv[2]))).run()


class Guard:
    """The guard of one evaluation process; see the module."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._worker = os.getppid()
        self._selector = selectors.DefaultSelector()
        self._output, self._path, self._rest = Output(orders.output_limit), b"", b""
        self._running = self._over = False
        self._reason: str | None = None
        self._status: int | None = None
        self._deadline = self._kill_at = self._next_look = math.inf
        self._own_group = Path(orders.own_group) if orders.own_group else None
        # As of before an evaluation begins: by the time that this process hears that one has, it
        # may have been killed already.
        self._oom_kills = cgroup.count_oom_kills(self._own_group)
        self._group = self._make_group()
        self._alarm, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._control = socket.socket(fileno=orders.control)
        self._events, self._printed, self._child = self._start()
        # What one look finds is dealt with in this order: a path comes before what it is for.
        self._sources = {
            self._control.fileno(): self._take_path,
            self._events.fileno(): self._take_event,
            self._printed: self._take_output,
            self._alarm.fileno(): self._take_signal,
        }
        for descriptor in self._sources:
            if descriptor >= 0:
                os.set_blocking(descriptor, False)
                self._selector.register(descriptor, selectors.EVENT_READ)

    def run(self) -> None:
        """Guard until the evaluation process, or the worker, is gone."""
        while self._status is None and not self._over:
            ready = {key.fd for key, _ in self._selector.select(self._patience())}
            for descriptor, take in self._sources.items():
                if descriptor in ready:
                    take()
            self._reap()
            self._keep_limits()
        self._end_all()
        self._take_output()
        self._save_output()
        if self._group is not None:
            self._group.remove()
        with contextlib.suppress(OSError):
            self._control.send(self._verdict().encode())

    def _make_group(self) -> cgroup.Group | None:
        if self._orders.room is None:
            return None
        name = f"fsopt-{os.getpid()}"
        return cgroup.Group.create(Path(self._orders.room), name, self._orders.memory_limit)

    def _start(self) -> tuple[socket.socket, int, subprocess.Popen[bytes]]:
        """Start the evaluation process, below this one and in its group from its first breath."""
        tree.adopt_orphans()
        events, theirs = socket.socketpair()
        read, write = os.pipe() if self._orders.output_limit else (-1, None)
        pipe = self._orders.pipe
        child = subprocess.Popen(
            command_line("fsopt.run.child", str(pipe), str(theirs.fileno())),
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=write,
            pass_fds=(pipe, theirs.fileno()),
            start_new_session=True,
        )
        os.close(pipe)
        theirs.close()
        if write is not None:
            os.close(write)
        if self._group is not None and not self._group.add(child.pid):
            self._group.remove()
            self._group = None
        return events, read, child

    def _patience(self) -> float:
        """Seconds for which nothing has to be done unless something happens."""
        if self._reason is not None:
            return _END_LOOK_EVERY
        until = min(self._deadline, self._next_look) - time.monotonic()
        return min(max(0.0, until), _WORKER_LOOK_EVERY)

    def _take_path(self) -> None:
        data = self._receive(self._control)
        *paths, self._rest = (self._rest + data).split(b"\0")
        if paths:
            self._path = paths[-1]
        self._over = not data

    def _take_event(self) -> None:
        for event in self._receive(self._events):
            if event == BEGIN[0]:
                self._begin()
            else:
                self._end()

    def _begin(self) -> None:
        now = time.monotonic()
        self._running = True
        self._deadline = now + (self._orders.time_limit or math.inf)
        if self._orders.memory_limit and not (self._group and self._group.limits_memory):
            self._next_look = now

    def _end(self) -> None:
        if self._reason is not None:
            self._over = True
            return
        self._running = False
        self._deadline = self._next_look = math.inf
        self._take_output()
        self._save_output()
        with contextlib.suppress(OSError):
            self._events.send(OUT_OF_MEMORY if self._ran_out_of_memory() else FINE)
        self._oom_kills = cgroup.count_oom_kills(self._own_group)

    def _take_output(self) -> None:
        if self._printed < 0:
            return
        with contextlib.suppress(BlockingIOError):
            for _ in range(_PIECES):
                data = os.read(self._printed, _PIECE)
                if not data:
                    self._forget(self._printed)
                    return
                self._output.add(data)

    def _take_signal(self) -> None:
        self._receive(self._alarm)

    def _reap(self) -> None:
        """Let go of processes that have ended; one of them may be the evaluation process."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._child.pid:
                    self._status = self._child.returncode = os.waitstatus_to_exitcode(ended[1])

    def _receive(self, source: socket.socket) -> bytes:
        try:
            data = source.recv(_PIECE)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._forget(source.fileno())
        return data

    def _forget(self, descriptor: int) -> None:
        """Wait no more for a source at its end."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)

    def _keep_limits(self) -> None:
        now = time.monotonic()
        if os.getppid() != self._worker:
            self._over = True
        elif self._reason is not None:
            alone = tree.descendants(os.getpid()) == [self._child.pid]
            self._over = self._over or alone or now >= self._kill_at
        elif now >= self._deadline:
            self._reason, self._kill_at = TIMEOUT, now + POLITENESS
            tree.signal_all(tree.descendants(os.getpid()), signal.SIGTERM)
        elif now >= self._next_look and self._orders.memory_limit:
            if tree.exceeds_memory(tree.descendants(os.getpid()), self._orders.memory_limit):
                self._reason, self._over = MEMORY, True
            spent = time.monotonic() - now
            self._next_look = now + max(MEMORY_LOOK_EVERY, _LOOK_SHARE * spent)

    def _end_all(self) -> None:
        """Kill everything below this process, and what it starts meanwhile."""
        give_up_at = time.monotonic() + _END_PATIENCE
        while (living := tree.descendants(os.getpid())) and time.monotonic() < give_up_at:
            if self._group is not None:
                self._group.kill()
            tree.signal_all(living, signal.SIGKILL)
            time.sleep(_KILL_EVERY)
            self._reap()

    def _save_output(self) -> None:
        self._output.save(Path(os.fsdecode(self._path)))

    def _ran_out_of_memory(self) -> bool:
        return cgroup.count_oom_kills(self._own_group) > self._oom_kills

    def _verdict(self) -> str:
        """Why the evaluation process ended; what this process did about it comes first."""
        if self._reason is not None:
            return self._reason
        if self._status == -signal.SIGKILL and self._running and self._ran_out_of_memory():
            return MEMORY
        return "" if self._status is None else reason_of_end(self._status)


def _note(_number: int, _frame: FrameType | None) -> None:
    """Wake up, and go on."""
