"""Where evaluations run: in this thread, in threads, in processes of their own, on other nodes.

A backend starts evaluations and passes on what they say; it never decides and never writes.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from fsopt.errors import StudyError
from fsopt.log import layout
from fsopt.objectives import Objectives
from fsopt.run.command import kill_programs
from fsopt.run.conditions import Cluster, Conditions
from fsopt.run.evaluation import (
    Attributed,
    Listener,
    Message,
    Objective,
    Reported,
    evaluate,
)
from fsopt.run.output import Output
from fsopt.run.processes import ProcessBackend
from fsopt.run.remote.agents import Setup
from fsopt.trial import Assignment, Trial
from fsopt.values import Value


class Backend(Protocol):
    """Evaluates up to ``slots`` assignments at the same time."""

    @property
    def slots(self) -> int:
        """As many as there are now; agents on other nodes come and go."""
        ...

    def start(self, assignment: Assignment, listener: Listener) -> None:
        """Begin an evaluation; the caller sees to it that a slot is free."""
        ...

    def poll(self, timeout: float, listener: Listener) -> None:
        """Wait for evaluations to say something, at most ``timeout`` seconds; pass it on."""
        ...

    def stop(self, reason: str) -> None:
        """Tell all running evaluations to end."""
        ...

    def stop_one(self, number: int, attempt: int, reason: str) -> None:
        """Tell one evaluation to end, if it still runs."""
        ...

    def close(self) -> None:
        """End whatever still runs, as far as that is possible."""
        ...


class SerialBackend:
    """Evaluates in the calling thread, one at a time: for debuggers, and for cheap objectives."""

    def __init__(
        self, objective: Objective, objectives: Objectives, root: Path, conditions: Conditions
    ) -> None:
        self.slots = 1
        self._conditions = conditions
        self._objective, self._objectives, self._root = objective, objectives, root
        self._channel: _Channel | None = None

    def start(self, assignment: Assignment, listener: Listener) -> None:
        """Evaluate at once, from beginning to end."""
        assignment = replace(assignment, slot=next(iter(self._conditions.slots), None))
        self._channel = _Channel(assignment, listener.receive, listener.stop_reason)
        trial = Trial(assignment, self._root, self._channel)
        with _kept_output(trial, self._conditions.output_limit):
            ended = evaluate(self._objective, trial, assignment, self._objectives)
        listener.receive(ended)

    def poll(self, timeout: float, listener: Listener) -> None:
        """Nothing is ever running here."""
        if timeout > 0:
            threading.Event().wait(timeout)

    def stop(self, reason: str) -> None:
        """The evaluation asks the listener by itself."""

    def stop_one(self, number: int, attempt: int, reason: str) -> None:
        """Answer the evaluation's next question; there is no other one."""
        if self._channel is not None:
            self._channel.told = reason

    def close(self) -> None:
        """Nothing is ever running here."""


class ThreadBackend:
    """Evaluates in threads: for objectives that wait, or that release the interpreter's lock."""

    def __init__(
        self,
        slots: int,
        objective: Objective,
        objectives: Objectives,
        root: Path,
        conditions: Conditions,
    ) -> None:
        self.slots = slots
        self._conditions = conditions
        self._objective, self._objectives, self._root = objective, objectives, root
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._reason: str | None = None
        self._channels: dict[tuple[int, int], _Channel] = {}
        self._free: list[str] = [*conditions.slots[:slots]]

    def start(self, assignment: Assignment, listener: Listener) -> None:
        """Evaluate in a new thread, which does not keep the process from ending."""
        slot = self._free.pop(0) if self._conditions.slots else None
        given = replace(assignment, slot=slot)
        key = (given.number, given.attempt)
        channel = _Channel(given, self._messages.put, lambda: self._reason)
        self._channels[key] = channel
        trial = Trial(given, self._root, channel)

        def run() -> None:
            with _kept_output(trial, self._conditions.output_limit):
                ended = evaluate(self._objective, trial, given, self._objectives)
            del self._channels[key]
            if slot is not None:
                self._free.append(slot)
            self._messages.put(ended)

        threading.Thread(target=run, name=f"trial-{given.number}", daemon=True).start()

    def poll(self, timeout: float, listener: Listener) -> None:
        """Wait for the first message and take all that are there."""
        try:
            listener.receive(self._messages.get(timeout=max(timeout, 1e-3)))
            while True:
                listener.receive(self._messages.get_nowait())
        except queue.Empty:
            return

    def stop(self, reason: str) -> None:
        """Answer the evaluations' next question."""
        self._reason = reason

    def stop_one(self, number: int, attempt: int, reason: str) -> None:
        """Answer the evaluation's next question."""
        channel = self._channels.get((number, attempt))
        if channel is not None:
            channel.told = reason

    def close(self) -> None:
        """Programs are ended; threads can't be, they end with the process."""
        kill_programs()


@contextlib.contextmanager
def _kept_output(trial: Trial, limit: int) -> Iterator[None]:
    """Keep what programs print; what is printed in this process can't be told apart by trial."""
    if not limit:
        yield
        return
    output = Output(limit)
    trial.sink = output.add
    try:
        yield
    finally:
        output.save(trial.root / layout.output(trial.number, trial.attempt))


class _Channel:
    """How an evaluation in this process talks; see `fsopt.trial.Channel`."""

    def __init__(
        self,
        assignment: Assignment,
        send: Callable[[Message], None],
        ask: Callable[[], str | None],
    ) -> None:
        self._number, self._attempt = assignment.number, assignment.attempt
        self._send, self._ask = send, ask
        self.told: str | None = None
        """Why this evaluation alone should end."""

    def report(self, step: int, value: float) -> None:
        self._send(Reported(self._number, self._attempt, step, value))

    def set_attribute(self, name: str, value: Value) -> None:
        self._send(Attributed(self._number, self._attempt, name, value))

    def stop_reason(self) -> str | None:
        return self._ask() or self.told


def _mpi(setup: Setup, cluster: Cluster) -> Backend:
    from fsopt.run.remote import mpi

    return mpi.make(setup, cluster)


def _ray(setup: Setup, cluster: Cluster) -> Backend:
    from fsopt.run.remote import ray

    return ray.make(setup, cluster)


def _dask(setup: Setup, cluster: Cluster) -> Backend:
    from fsopt.run.remote import dask

    return dask.make(setup, cluster)


BACKENDS: Mapping[str, Callable[[int, Objective, Objectives, Path, Conditions], Backend]] = {
    "process": ProcessBackend,
    "thread": ThreadBackend,
    "serial": lambda _slots, *rest: SerialBackend(*rest),
}
"""Backends on this node by name; made with slots, objective, objectives, root and conditions."""

REMOTE: Mapping[str, Callable[[Setup, Cluster], Backend]] = {
    "mpi": _mpi,
    "ray": _ray,
    "dask": _dask,
}
"""Backends that evaluate on other nodes, by name."""

_WITHIN = ("thread", "serial")
"""Those that evaluate within this process."""


def make_backend(
    name: str,
    slots: int,
    objective: Objective,
    objectives: Objectives,
    root: Path,
    conditions: Conditions | None = None,
) -> Backend:
    """The backend of that name.

    Raises:
        StudyError: If there is none, it can't have that many slots, or it can't hold evaluations
            to the conditions.
        MissingExtraError: If it needs a package that is not installed.
    """
    conditions = conditions or Conditions()
    known = [*BACKENDS, *REMOTE]
    if name not in known:
        raise StudyError(f"unknown backend {name!r}; there are {', '.join(known)}")
    if slots < 1:
        raise StudyError(f"workers must be 1 or more, not {slots}")
    if name == "serial" and slots > 1:
        raise StudyError("the serial backend has one worker; use thread or process for more")
    if conditions.slots and len(conditions.slots) < slots:
        raise StudyError(
            f"{slots} workers can't share {len(conditions.slots)} slots "
            f"({', '.join(conditions.slots)}); each needs one of its own"
        )
    if name in REMOTE:
        setup = Setup(slots, objective, objectives, root.resolve(), conditions)
        return REMOTE[name](setup, conditions.cluster)
    if name in _WITHIN and conditions.needs_process:
        raise StudyError(
            f"the {name} backend can't end an evaluation, so it has no "
            f"{' and no '.join(conditions.needs_process)}; use the process backend"
        )
    return BACKENDS[name](slots, objective, objectives, root, conditions)
