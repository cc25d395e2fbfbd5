"""Evaluations in virtual time, which may fail, be interrupted, and go on from a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fsopt.bench.cluster.timeline import Timeline
from fsopt.bench.functions import Problem
from fsopt.objectives import Failure
from fsopt.run.evaluation import Ended, Listener
from fsopt.streams import stream
from fsopt.trial import Assignment

_SPREAD = 0.5
"""Of the logarithm of an evaluation's duration."""

_CHECKPOINT_EVERY = 15.0
"""Seconds between the checkpoints of an evaluation."""

_NOTICE = 1.0
"""Seconds in which an evaluation that was told to stop has saved a checkpoint."""


class Waiter(Protocol):
    """The worker loop, as far as a backend can spare it from waking in vain."""

    next_look: float


@dataclass(slots=True)
class Work:
    """What there is to evaluate, and how far it is."""

    problem: Problem
    seed: int
    seconds: float
    """The mean duration of an evaluation."""
    failures: float
    """How many evaluations fail, as a share."""
    begun: dict[tuple[int, int], float] = field(default_factory=dict)
    """When each attempt began."""
    ended: list[tuple[float, float]] = field(default_factory=list)
    """When evaluations ended that have a value, and the regret of their configuration."""
    spells: list[tuple[float, float]] = field(default_factory=list)
    """From when to when somebody evaluated."""
    saved: dict[int, float] = field(default_factory=dict)
    """By trial, how many of its seconds are in a checkpoint."""
    repeated: float = 0.0
    """Seconds of evaluation that were lost with a process."""

    def duration(self, number: int) -> float:
        """How long a trial takes in all, seconds; the same whoever evaluates it."""
        rng = stream(self.seed, "durations", number)
        return self.seconds * float(rng.lognormal(-(_SPREAD**2) / 2, _SPREAD))

    def result(self, assignment: Assignment) -> tuple[float, ...] | Failure:
        """What an evaluation returns."""
        number = assignment.number
        if stream(self.seed, "failures", number).random() < self.failures:
            return Failure("raised")
        value = self.problem.observe(assignment.params, self.seed, number)
        return Failure("no value") if value is None else (value,)


@dataclass(slots=True)
class _Evaluation:
    assignment: Assignment
    begun: float
    done_before: float
    """How many of the trial's seconds earlier attempts have done."""
    ends: float
    is_paused: bool = False


class VirtualBackend:
    """Evaluates in virtual time, one at a time; see `fsopt.run.backends.Backend`."""

    slots = 1

    def __init__(self, timeline: Timeline, work: Work, started: Callable[[], None]) -> None:
        """Evaluate for one process.

        Args:
            timeline: What it sleeps in.
            work: What is evaluated.
            started: Is told of each start.
        """
        self._timeline, self._work, self._started = timeline, work, started
        self._running: list[_Evaluation] = []
        self.beat: Callable[[], None] = lambda: None
        """Shows a sign of life if it is time to."""
        self.beat_every = math.inf
        self.waiter: Waiter | None = None

    def start(self, assignment: Assignment, listener: Listener) -> None:
        """Begin, or go on where the last checkpoint is."""
        self._started()
        now, work = self._timeline.now, self._work
        work.begun[assignment.number, assignment.attempt] = now
        done = work.saved.get(assignment.number, 0.0)
        ends = now + work.duration(assignment.number) - done
        self._running.append(_Evaluation(assignment, now, done, ends))

    def poll(self, timeout: float, listener: Listener) -> None:
        """Sleep until an evaluation ends, or the worker has something to do."""
        timeline = self._timeline
        until = timeline.now + timeout
        if timeout > 0 and self.waiter is not None:
            until = max(until, min(self.waiter.next_look, timeline.now + self.beat_every))
        timeline.sleep_until(min([until, *(one.ends for one in self._running)]))
        self.beat()
        for one in [one for one in self._running if one.ends <= timeline.now]:
            self._running.remove(one)
            self._end(one, listener)

    def stop(self, reason: str) -> None:
        """All save a checkpoint."""
        for one in self._running:
            if one.ends > self._timeline.now + _NOTICE:
                one.ends, one.is_paused = self._timeline.now + _NOTICE, True

    def stop_one(self, number: int, attempt: int, reason: str) -> None:
        """Nothing is reported here, so no single one is ever told to stop."""

    def close(self) -> None:
        """Nothing outlives the process."""
        self.lose()

    def lose(self) -> None:
        """The process ends: what was done since the last checkpoint is lost."""
        for one in self._running:
            took = self._timeline.now - one.begun
            kept = took - took % _CHECKPOINT_EVERY
            self._work.saved[one.assignment.number] = one.done_before + kept
            self._work.repeated += took - kept
            self._work.spells.append((one.begun, self._timeline.now))
        self._running.clear()

    def _end(self, one: _Evaluation, listener: Listener) -> None:
        work, now, assignment = self._work, self._timeline.now, one.assignment
        work.spells.append((one.begun, now))
        result = None
        if one.is_paused:
            work.saved[assignment.number] = one.done_before + now - one.begun
        else:
            result = work.result(assignment)
            if isinstance(result, tuple):
                regret = work.problem.regret(work.problem.objective(assignment.params))
                work.ended.append((now, regret))
        listener.receive(
            Ended(
                number=assignment.number,
                attempt=assignment.attempt,
                duration=round(now - one.begun, 6),
                result=result,
                stop_reason="preempted" if one.is_paused else None,
            )
        )
