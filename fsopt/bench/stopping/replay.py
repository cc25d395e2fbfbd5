"""A study in virtual time, whose trials follow recorded curves.

A worker that is free takes a promoted trial, or else begins a new one, and goes on with it until
the stopper stops or pauses it or the curve ends. Decisions take no time.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fsopt.history import FloatArray, IntArray
from fsopt.stop import Decision
from fsopt.streams import stream

_SPREAD = 0.5  # of the logarithm of a step's duration, whose median is 1; the same within a trial


class Judge(Protocol):
    """A stopper at work on one study."""

    def begin(self, trial: int, *, is_last: bool) -> None:
        """A trial begins, perhaps the last one of all."""
        ...

    def report(self, trial: int, step: int, value: float) -> Decision:
        """Take in a value, to be minimised, and decide what becomes of its trial."""
        ...

    def end(self, trial: int, value: float, *, is_complete: bool) -> None:
        """Take in that a trial goes on no more; without a finite value it has failed."""
        ...

    def promote(self) -> int | None:
        """A paused trial that goes on now."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """What came of a study of ``n`` trials."""

    steps: IntArray
    """(n,) The steps that each trial went."""
    chosen: int
    """The trial with the best last value of those that went the most steps."""
    time: float
    """How long it took, in medians of a step's duration."""


def replay(losses: FloatArray, judge: Judge, workers: int, seed: int) -> Course:
    """Run a study.

    Args:
        losses: (n, s) What each trial will report, to be minimised, in the order in which trials
            begin.
        judge: The stopper.
        workers: How many trials go on at the same time.
        seed: Of the trials' durations.
    """
    return _Replay(losses, judge, workers, seed).run()


class _Replay:
    def __init__(self, losses: FloatArray, judge: Judge, workers: int, seed: int) -> None:
        self._losses = losses
        self._judge = judge
        self._idle = workers
        self._durations = stream(seed, "durations").lognormal(0.0, _SPREAD, len(losses))
        self._steps = np.zeros(len(losses), dtype=np.int64)
        self._begun = 0
        self._running: list[tuple[float, int]] = []

    def run(self) -> Course:
        now = 0.0
        self._employ(now)
        while self._running:
            now, trial = heapq.heappop(self._running)
            if self._goes_on(trial):
                self._go_on(trial, now)
            else:
                self._idle += 1
            self._employ(now)
        return Course(self._steps, self._chosen(), now)

    def _employ(self, now: float) -> None:
        """Give free workers what there is to do."""
        while self._idle:
            trial = self._judge.promote()
            if trial is None and self._begun < len(self._losses):
                trial = self._begun
                self._begun += 1
                self._judge.begin(trial, is_last=self._begun == len(self._losses))
            if trial is None:
                return
            self._idle -= 1
            self._go_on(trial, now)

    def _go_on(self, trial: int, now: float) -> None:
        heapq.heappush(self._running, (now + float(self._durations[trial]), trial))

    def _goes_on(self, trial: int) -> bool:
        """Let a trial report the step that it has done; whether its worker stays with it."""
        self._steps[trial] += 1
        step = int(self._steps[trial])
        value = float(self._losses[trial, step - 1])
        decision = self._judge.report(trial, step, value)
        is_complete = step == self._losses.shape[1]
        if decision is Decision.STOP or is_complete:
            self._judge.end(trial, value, is_complete=is_complete)
            return False
        return decision is Decision.CONTINUE

    def _chosen(self) -> int:
        reached = np.maximum(self._steps, 1)
        last = self._losses[np.arange(len(reached)), reached - 1]
        last = np.where(np.isnan(last), math.inf, last)
        return int(np.lexsort((last, -self._steps))[0])
