"""Evaluations in processes of their own: what they break, they break alone.

Each slot has one evaluation process (`fsopt.run.child`), started when it is first needed, which
imports the objective once and evaluates one assignment after the other; one that dies is replaced.
It is started and watched by a small process of its own (`fsopt.run.guard`), which keeps to the
limits and leaves nothing behind. Worker and evaluation process talk through a pipe that nobody
else uses, so a process that is killed in the middle of a word disturbs nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
from dataclasses import asdict, dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.process import current_process
from multiprocessing.spawn import get_preparation_data
from pathlib import Path

from fsopt.errors import StudyError
from fsopt.log import layout
from fsopt.objectives import Failure, Objectives
from fsopt.run import cgroup
from fsopt.run.child import Stop
from fsopt.run.conditions import Conditions, slot_environment
from fsopt.run.evaluation import Ended, Listener, Message, Objective
from fsopt.run.guard import Orders, command_line, reason_of_end
from fsopt.trial import Assignment

_GUARD_PATIENCE = 15.0
"""Seconds in which a guard should have ended everything, and itself."""


@dataclass(slots=True, eq=False)
class _Child:
    """An evaluation process, seen from the worker."""

    guard: subprocess.Popen[bytes]
    control: socket.socket
    pipe: Connection
    slot: str | None
    assignment: Assignment | None = None
    silent: bool = False
    """Whether its end of the pipe is closed; what it died of is still to come."""

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, or its guard has."""
        return bool(wait([self.control], 0))

    def has(self, number: int, attempt: int) -> bool:
        """Whether this attempt is what it evaluates."""
        mine = self.assignment
        return mine is not None and (mine.number, mine.attempt) == (number, attempt)

    def next_message(self) -> Message | None:
        """What it has said and nobody has heard yet; None if that is nothing."""
        if self.silent or self.pipe.closed:
            return None
        try:
            return self.pipe.recv() if self.pipe.poll() else None
        except (EOFError, OSError):
            self.silent = True
            return None

    def end(self) -> str:
        """End it, if it has not ended yet, and give the reason of its end if it has."""
        self.pipe.close()
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)
        try:
            status = self.guard.wait(_GUARD_PATIENCE)
        except subprocess.TimeoutExpired:
            self.guard.kill()
            status = self.guard.wait()
        with contextlib.suppress(OSError), self.control:
            return self.control.recv(1000).decode() or reason_of_end(status)
        return reason_of_end(status)


class ProcessBackend:
    """Evaluates in child processes, one for each slot."""

    def __init__(
        self,
        slots: int,
        objective: Objective,
        objectives: Objectives,
        root: Path,
        conditions: Conditions,
    ) -> None:
        """Starts no process yet.

        Args:
            slots: How many evaluations at the same time.
            objective: Must be picklable: a function of an importable module, or an object such as
                `fsopt.run.script.ScriptObjective` that finds it again.
            objectives: What counts as a result.
            root: The study directory, or what stands in for it.
            conditions: What evaluations may use.

        Raises:
            StudyError: In an evaluation process that is about to import what it evaluates.
        """
        if getattr(current_process(), "_inheriting", False):
            raise StudyError(
                "an evaluation process has imported this script, which began a study once more; "
                "put what shall happen only once below `if __name__ == '__main__':`"
            )
        self.slots = slots
        self._conditions = conditions
        self._root = root
        self._work = (objective, objectives, root)
        self._children: list[_Child] = []
        self._own_group: Path | None = None
        self._room: Path | None = None
        self._names: list[str | None] = [*conditions.slots[:slots]] or [None] * slots

    def start(self, assignment: Assignment, listener: Listener) -> None:
        """Hand the assignment to an idle child, or to a new one."""
        for child in [c for c in self._children if c.assignment is None and c.is_gone]:
            self._bury(child, listener)
        child = next((c for c in self._children if c.assignment is None), None) or self._spawn()
        child.assignment = replace(assignment, slot=child.slot)
        output = self._root / layout.output(assignment.number, assignment.attempt)
        # If it has died since, it is found dead by the next poll.
        with contextlib.suppress(OSError):
            child.control.sendall(os.fsencode(output) + b"\0")
            child.pipe.send(child.assignment)

    def poll(self, timeout: float, listener: Listener) -> None:
        """Wait for messages and deaths."""
        busy = [child for child in self._children if child.assignment is not None]
        sources: list[Connection | socket.socket] = [child.control for child in busy]
        sources += [child.pipe for child in busy if not child.silent]
        if not sources:
            threading.Event().wait(timeout)
            return
        ready = wait(sources, timeout)
        for child in busy:
            # What it said comes before what it died of.
            if child.pipe in ready or child.control in ready:
                self._hear(child, listener)
            if child.control in ready and child in self._children:
                self._bury(child, listener)

    def stop(self, reason: str) -> None:
        """Tell every child that evaluates."""
        for child in self._children:
            if child.assignment is not None:
                self.stop_one(child.assignment.number, child.assignment.attempt, reason)

    def stop_one(self, number: int, attempt: int, reason: str) -> None:
        """Tell the child that has this attempt, if one has."""
        for child in self._children:
            if child.has(number, attempt):
                with contextlib.suppress(OSError):
                    child.pipe.send(Stop(number, attempt, reason))

    def close(self) -> None:
        """End all children."""
        for child in self._children:
            # All guards can set to work before one is waited for.
            with contextlib.suppress(OSError):
                child.control.shutdown(socket.SHUT_WR)
        while self._children:
            self._children.pop().end()

    def _spawn(self) -> _Child:
        self._look_for_groups()
        used = [child.slot for child in self._children]
        slot = next(name for name in self._names if name is None or name not in used)
        (ours, theirs), (control, guards) = Pipe(), socket.socketpair()
        with theirs, guards:
            orders = Orders(
                pipe=theirs.fileno(),
                control=guards.fileno(),
                time_limit=self._conditions.time_limit,
                memory_limit=self._conditions.memory_limit,
                output_limit=self._conditions.output_limit,
                own_group=_text(self._own_group),
                room=_text(self._room),
            )
            guard = subprocess.Popen(
                command_line("fsopt.run.guard", json.dumps(asdict(orders))),
                env={**os.environ, **slot_environment(slot)},
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), guards.fileno()),
                start_new_session=True,
            )
        child = _Child(guard, control, ours, slot)
        self._children.append(child)
        preparation = get_preparation_data("fsopt-evaluation")
        preparation["authkey"] = bytes(preparation["authkey"])
        # If it has died already, that is found by the next poll.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            child.pipe.send(preparation)
            child.pipe.send(self._work)
        return child

    def _look_for_groups(self) -> None:
        """Find out, before the first child, what control groups can do here."""
        if self._children or self._own_group is not None:
            return
        self._own_group = cgroup.own_group()
        limited = self._conditions.memory_limit is not None
        if self._own_group and (limited or self._conditions.time_limit is not None):
            self._room = cgroup.make_room(self._own_group) if limited else self._own_group

    def _hear(self, child: _Child, listener: Listener) -> None:
        while (message := child.next_message()) is not None:
            if isinstance(message, Ended):
                child.assignment = None
                if self._conditions.fresh:
                    self._children.remove(child)
                    child.end()
            listener.receive(message)

    def _bury(self, child: _Child, listener: Listener) -> None:
        self._children.remove(child)
        reason = child.end()
        if child.assignment is not None:
            listener.receive(
                Ended(
                    number=child.assignment.number,
                    attempt=child.assignment.attempt,
                    duration=None,
                    result=Failure(reason),
                )
            )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
