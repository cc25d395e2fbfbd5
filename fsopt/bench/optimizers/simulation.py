"""A study in virtual time: workers that evaluate, and an optimizer that proposes to each.

Evaluations take random times, the same for every optimizer; proposals take none. So what is found
depends on the optimizer alone, and a thousand workers need one process.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass, field

from fsopt.bench.functions.base import Problem, Values
from fsopt.bench.optimizers.entrants import Contestant
from fsopt.bench.optimizers.ledger import Ledger
from fsopt.streams import stream

_SPREAD = 0.5  # of the logarithm of an evaluation's duration, whose median is 1
_REFUSALS = 5  # of proposals that violate a constraint, before the evaluation counts as failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a study is run."""

    seed: int
    evaluations: int
    workers: int = 1
    delay: float = 0.0
    """After what time, in medians of an evaluation's, a worker learns of what others do."""


@dataclass(frozen=True, slots=True)
class Course:
    """What came of it, evaluation by evaluation in the order in which they ended."""

    regret: list[float] = field(default_factory=list)
    """Of the trial with the best value observed so far, its regret without noise."""
    times: list[float] = field(default_factory=list)
    """When the evaluations ended."""
    costs: list[float] = field(default_factory=list)
    """CPU seconds of each trial's proposal, and of taking in its result."""
    failed: int = 0
    """How many evaluations failed."""


def simulate(problem: Problem, contestant: Contestant, setting: Setting) -> Course:
    """Run a study.

    Args:
        problem: What is minimised.
        contestant: Who proposes.
        setting: How.
    """
    return _Simulation(problem, contestant, setting).run()


class _Simulation:
    def __init__(self, problem: Problem, contestant: Contestant, setting: Setting) -> None:
        self._problem = problem
        self._contestant = contestant
        self._setting = setting
        rng = stream(setting.seed, f"durations of {problem.name}")
        self._durations = rng.lognormal(0.0, _SPREAD, setting.evaluations)
        self._ledger = Ledger(problem.space, setting.evaluations)
        self._running: list[tuple[float, int, Values]] = []
        self._costs = [0.0] * setting.evaluations
        self._observed = self._best = math.inf
        self._failed = 0

    def run(self) -> Course:
        regrets, times = [], []
        for worker in range(self._setting.workers):
            self._begin(worker, 0.0)
        while self._running:
            now, number, params = heapq.heappop(self._running)
            self._end(number, params, now)
            regrets.append(self._best)
            times.append(now)
            self._begin(self._ledger.worker_of(number), now)
        return Course(regrets, times, self._costs, self._failed)

    def _begin(self, worker: int, now: float) -> None:
        """Let a free worker take the next trial, if there is one left."""
        number = self._ledger.count
        if number == self._setting.evaluations:
            return
        params = self._propose(number, worker, now)
        self._ledger.begin(params, worker, now)
        heapq.heappush(self._running, (now + self._durations[number], number, params))

    def _propose(self, number: int, worker: int, now: float) -> Values:
        """A valid proposal; one that violates a constraint is told to have failed, for nothing."""
        begun = time.process_time()
        if self._setting.delay:
            history = self._ledger.history_of(worker, now - self._setting.delay)
        else:
            history = self._ledger.history()
        params = self._contestant.ask(number, history)
        for _ in range(_REFUSALS):
            if self._is_valid(params):
                break
            self._contestant.tell(number, None)
            params = self._contestant.ask(number, history)
        self._costs[number] += time.process_time() - begun
        return params

    def _is_valid(self, params: Values) -> bool:
        space = self._problem.space
        return not space.constraints or bool(space.satisfies(space.to_row(params)[None])[0])

    def _end(self, number: int, params: Values, now: float) -> None:
        value = None
        if self._is_valid(params):
            value = self._problem.observe(params, self._setting.seed, number)
        self._ledger.end(number, value, now)
        begun = time.process_time()
        self._contestant.tell(number, value)
        self._costs[number] += time.process_time() - begun
        if value is None:
            self._failed += 1
        elif value < self._observed:
            self._observed = value
            self._best = self._problem.regret(self._problem.objective(params))
