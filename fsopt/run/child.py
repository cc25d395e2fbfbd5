"""The process that evaluates: it imports the objective once, and calls it for each assignment."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import sys
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import current_process
from multiprocessing.spawn import prepare
from pathlib import Path
from types import FrameType

from fsopt.objectives import Failure, Objectives
from fsopt.run.evaluation import Attributed, Ended, Objective, Reported, evaluate
from fsopt.run.guard import BEGIN, END, FINE, MEMORY, OUT_OF_MEMORY
from fsopt.run.tree import die_with_parent
from fsopt.trial import Assignment, Trial
from fsopt.values import Value

_HEARD_BY_THE_WORKER = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@dataclass(frozen=True, slots=True)
class Stop:
    """Tells an evaluation to end."""

    number: int
    attempt: int
    reason: str


def main() -> None:
    """Evaluate what comes through the pipe; the descriptors are in the command line."""
    die_with_parent()
    _leave_signals_to_the_worker()
    for stream in (sys.stdout, sys.stderr):
        # What is in a buffer is lost when the process is killed.
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # text files both
    for descriptor in sys.argv[2:]:
        os.set_inheritable(int(descriptor), False)
    link = _Link(Connection(int(sys.argv[2])), socket.socket(fileno=int(sys.argv[3])))
    try:
        objective, objectives, root = link.load()
    except EOFError:
        return  # the worker does not need it any more
    threading.Thread(target=link.listen, name="fsopt-control", daemon=True).start()
    while True:
        assignment = link.begin()
        trial = Trial(assignment, root, link)
        link.end(evaluate(objective, trial, assignment, objectives))


def _leave_signals_to_the_worker() -> None:
    """The worker hears of a preemption too, and tells the objective, which may save a checkpoint.

    The signals are handled rather than ignored, since programs and processes that the objective
    starts would inherit that and could not be ended by SIGTERM.
    """
    for number in _HEARD_BY_THE_WORKER:
        signal.signal(number, _note)
    os.register_at_fork(after_in_child=_restore_signals)


def _note(_number: int, _frame: FrameType | None) -> None:
    """Go on."""


def _restore_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def _flush() -> None:
    """Hand on what Python and the C library hold back of the output."""
    import ctypes

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    ctypes.CDLL(None).fflush(None)


class _Link:
    """The ends of the pipe to the worker and of the socket to the guard.

    It is the `Channel` of its trials.
    """

    def __init__(self, pipe: Connection, guard: socket.socket) -> None:
        self._assignments: queue.SimpleQueue[Assignment] = queue.SimpleQueue()
        self._current: Assignment | None = None
        self._reason: str | None = None
        self._pipe, self._guard = pipe, guard
        self._lock = threading.Lock()

    def load(self) -> tuple[Objective, Objectives, Path]:
        """What is evaluated, from what multiprocessing needs to find it again."""
        process = current_process()
        # As in any process that multiprocessing starts: a script that starts processes, or a
        # study, when it is imported gets its explanation, instead of doing so for ever.
        process._inheriting = True  # type: ignore[attr-defined]
        prepare(self._pipe.recv())
        work = self._pipe.recv()
        del process._inheriting  # type: ignore[attr-defined]
        return work  # type: ignore[no-any-return]  # what the worker sends

    def listen(self) -> None:
        """Take in what the worker says, until it is gone; the guard ends this process then."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                message = self._pipe.recv()
                if isinstance(message, Assignment):
                    self._assignments.put(message)
                elif self._is_for_current(message):
                    self._reason = message.reason

    def _is_for_current(self, message: Stop) -> bool:
        current = self._current
        return current is not None and (current.number, current.attempt) == (
            message.number,
            message.attempt,
        )

    def begin(self) -> Assignment:
        """Wait for an assignment."""
        assignment = self._assignments.get()
        self._current, self._reason = assignment, None
        self._guard.send(BEGIN)
        return assignment

    def end(self, ended: Ended) -> None:
        """Tell how the evaluation ended, unless the guard has ended it before."""
        _flush()
        self._guard.send(END)
        answer = self._guard.recv(1)
        if answer not in (FINE, OUT_OF_MEMORY):
            sys.exit()
        if answer == OUT_OF_MEMORY and isinstance(ended.result, Failure):
            # The kernel has killed a process below this one, and the objective died of it.
            ended = replace(ended, result=Failure(MEMORY))
        self._send(ended)

    def report(self, step: int, value: float) -> None:
        """Record an intermediate value; see `fsopt.trial.Channel`."""
        if self._current is not None:
            self._send(Reported(self._current.number, self._current.attempt, step, value))

    def set_attribute(self, name: str, value: Value) -> None:
        """Record a named value; see `fsopt.trial.Channel`."""
        if self._current is not None:
            self._send(Attributed(self._current.number, self._current.attempt, name, value))

    def stop_reason(self) -> str | None:
        """Why the evaluation should end; see `fsopt.trial.Channel`."""
        return self._reason

    def _send(self, message: Reported | Attributed | Ended) -> None:
        with self._lock:
            self._pipe.send(message)
