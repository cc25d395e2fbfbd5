"""Evaluations in processes of their own: what they break, they break alone.

Each slot has one child process, started when it is first needed, which imports the objective once
and evaluates one assignment after the other; a child that dies is replaced. Parent and child talk
through a pipe of their own, so a child that is killed in the middle of a word disturbs nobody. If
the parent dies, the children see the pipe close and end.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from fsopt.objectives import Failure, Objectives
from fsopt.run.command import kill_programs
from fsopt.run.conditions import Conditions
from fsopt.run.evaluation import Attributed, Ended, Listener, Objective, Reported, evaluate
from fsopt.trial import Assignment, Trial
from fsopt.values import Value

_GRACE = 2.0
"""Seconds that a child has to end by itself when it is no longer needed."""


@dataclass(frozen=True, slots=True)
class _Stop:
    number: int
    reason: str


@dataclass(slots=True)
class _Child:
    process: BaseProcess
    pipe: Connection
    assignment: Assignment | None = None


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
        """
        self.slots = slots
        self._conditions = conditions
        self._context = multiprocessing.get_context("spawn")
        self._arguments = (objective, objectives, root)
        self._children: list[_Child] = []

    def start(self, assignment: Assignment, listener: Listener) -> None:
        """Hand the assignment to an idle child, or to a new one."""
        child = next((c for c in self._children if c.assignment is None), None) or self._spawn()
        child.assignment = assignment
        try:
            child.pipe.send(assignment)
        except OSError:
            # The child died while idle; it is found dead by the next poll.
            return

    def poll(self, timeout: float, listener: Listener) -> None:
        """Wait for messages and deaths."""
        busy = {child.pipe: child for child in self._children if child.assignment is not None}
        if not busy:
            threading.Event().wait(timeout)
            return
        for pipe in wait(list(busy), timeout):
            child = busy[pipe]  # type: ignore[index]  # these are the pipes given
            try:
                while child.pipe.poll():
                    self._deliver(child, child.pipe.recv(), listener)
            except (EOFError, OSError):
                self._bury(child, listener)

    def stop(self, reason: str) -> None:
        """Tell every child that evaluates."""
        for child in self._children:
            if child.assignment is not None:
                with contextlib.suppress(OSError):
                    child.pipe.send(_Stop(child.assignment.number, reason))

    def close(self) -> None:
        """End all children: idle ones leave by themselves, the others are killed."""
        for child in self._children:
            child.pipe.close()
        for child in self._children:
            if child.assignment is None:
                child.process.join(_GRACE)
            _kill_group(child.process)
            child.process.join()
            child.process.close()
        self._children.clear()

    def _spawn(self) -> _Child:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_child_main, args=(theirs, *self._arguments), name="fsopt-evaluation"
        )
        process.start()
        theirs.close()
        child = _Child(process, ours)
        self._children.append(child)
        return child

    def _deliver(self, child: _Child, message: object, listener: Listener) -> None:
        if isinstance(message, Ended):
            child.assignment = None
        if isinstance(message, Reported | Attributed | Ended):
            listener.receive(message)

    def _bury(self, child: _Child, listener: Listener) -> None:
        self._children.remove(child)
        child.pipe.close()
        child.process.join(_GRACE)
        _kill_group(child.process)
        child.process.join()
        code = child.process.exitcode or 0
        child.process.close()
        if child.assignment is not None:
            reason = f"exit {code}" if code >= 0 else _signal_name(-code)
            listener.receive(
                Ended(
                    number=child.assignment.number,
                    attempt=child.assignment.attempt,
                    duration=None,
                    result=Failure(reason),
                    traceback=f"The process that evaluated this trial ended: {reason}\n",
                )
            )


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _kill_group(process: BaseProcess) -> None:
    """Kill a child and everything in its process group."""
    if process.pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.is_alive():
        process.kill()


def _child_main(
    pipe: Connection, objective: Objective, objectives: Objectives, root: Path
) -> None:
    os.setsid()
    # The parent hears of a preemption too, and tells the objective, which may save a checkpoint.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    link = _Link(pipe)
    threading.Thread(target=link.listen, name="fsopt-control", daemon=True).start()
    while True:
        assignment = link.assignments.get()
        link.current, link.reason = assignment, None
        trial = Trial(assignment, root, link)
        link.send(evaluate(objective, trial, assignment, objectives))


class _Link:
    """The child's end of the pipe; the `Channel` of its trials."""

    def __init__(self, pipe: Connection) -> None:
        self.assignments: queue.SimpleQueue[Assignment] = queue.SimpleQueue()
        self.current: Assignment | None = None
        self.reason: str | None = None
        self._pipe = pipe
        self._lock = threading.Lock()

    def listen(self) -> None:
        """Take in what the parent says, until it is gone."""
        try:
            while True:
                message = self._pipe.recv()
                if isinstance(message, Assignment):
                    self.assignments.put(message)
                elif self.current is not None and message.number == self.current.number:
                    self.reason = message.reason
        except (EOFError, OSError):
            kill_programs()
            os.killpg(0, signal.SIGKILL)

    def send(self, message: Reported | Attributed | Ended) -> None:
        with self._lock:
            self._pipe.send(message)

    def report(self, step: int, value: float) -> None:
        if self.current is not None:
            self.send(Reported(self.current.number, self.current.attempt, step, value))

    def set_attribute(self, name: str, value: Value) -> None:
        if self.current is not None:
            self.send(Attributed(self.current.number, self.current.attempt, name, value))

    def stop_reason(self) -> str | None:
        return self.reason
