"""A whole study on a simulated cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from fsopt.bench.cluster.evaluations import Work
from fsopt.bench.cluster.filesystem import SharedServer, Speed
from fsopt.bench.cluster.process import Process
from fsopt.bench.cluster.sharing import Library
from fsopt.bench.cluster.timeline import Timeline
from fsopt.bench.functions import Problem
from fsopt.config import StudyConfig
from fsopt.errors import EvaluationError
from fsopt.log.files import TrialFiles
from fsopt.log.identity import Identity
from fsopt.log.memory import MemoryFilesystem
from fsopt.search import Optimizer, RandomSearch
from fsopt.state import StudyState
from fsopt.study.roles import Role
from fsopt.study.session import Session

_STARTS_PER_SECOND = 200.0
"""Processes that a scheduler starts in a second."""

_PER_NODE = 8
"""Processes that are lost with a node."""

_AWAY = (20.0, 90.0)
"""Seconds after which, between these, another process comes for one that was preempted or lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is simulated.

    Raises:
        EvaluationError: If nobody would evaluate.
    """

    problem: Problem
    workers: int
    """How many processes."""
    proposers: int = 0
    """How many of them only propose, while all others only evaluate; if none, all do both."""
    trials: int
    """How many in all."""
    seconds: float = 60.0
    """The mean duration of an evaluation."""
    failures: float = 0.02
    """How many evaluations fail, as a share of the trials."""
    preemptions: float = 0.02
    """How many processes are preempted, as a share of the trials."""
    losses: float = 0.004
    """How many processes are lost with their nodes, as a share of the trials."""
    proposal: float = 0.1
    """Seconds that proposals take, of however many trials together."""
    optimizer: Optimizer = field(default_factory=RandomSearch)
    seed: int = 0
    speed: Speed = field(default_factory=Speed)

    def __post_init__(self) -> None:
        if self.proposers >= self.workers:
            raise EvaluationError(
                f"{self.proposers} proposers of {self.workers} processes leave none to evaluate; "
                "let fewer propose"
            )

    def role(self, place: int) -> Role:
        """What the process at one of the places does."""
        if not self.proposers:
            return Role.BOTH
        return Role.PROPOSE if place < self.proposers else Role.EVALUATE


class Cluster:
    """Processes, their filesystem, and what happens to them, from one seed."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.timeline = Timeline()
        self.config = StudyConfig(
            space=setting.problem.space, optimizer=setting.optimizer, seed=setting.seed
        )
        self._random = Random(setting.seed)
        self.server = SharedServer(self.timeline, setting.speed, Random(setting.seed + 1))
        self.library = Library(
            self.config, self.timeline, lambda: self.timeline.sleep(setting.proposal)
        )
        self.server.published = self.library.keep
        self.work = Work(setting.problem, setting.seed, setting.seconds, setting.failures)
        self.processes: list[Process] = []
        self.preempted = self.lost = 0

    def run(self) -> None:
        """Let the study come to its end.

        Raises:
            EvaluationError: If it ended otherwise than it must.
        """
        for number in range(self.setting.workers):
            self._join(self.setting.role(number), number / _STARTS_PER_SECOND)
        for at, what in self._troubles():
            self.timeline.start(at, what)
        self.timeline.run()
        self._check(self.final_state())

    def has_left(self, process: Process) -> None:
        """A process has ended by itself."""
        if process.summary is None or process.summary.reason == "preempted":
            self._replace(process)

    def final_state(self) -> StudyState:
        """The study as somebody finds it who opens it now."""
        shelf = MemoryFilesystem()
        for path in self.server.paths():
            entry = self.server.entry(path)
            if entry is not None and entry.file is not None:
                shelf.publish(path, bytes(entry.file.content[: entry.file.arrivals[-1][1]]))
        identity = Identity(writer="observer", host="", pid=0, process=None, job=None)
        session = Session(self.config, shelf, TrialFiles(None), identity, self.library.clock)
        session.sync()
        return session.state

    def _replace(self, process: Process) -> None:
        """Another process comes after a while, and does the same."""
        self._join(process.role, self.timeline.now + self._random.uniform(*_AWAY))

    def _join(self, role: Role, at: float) -> None:
        process = Process(self, f"w{len(self.processes):05d}", role)
        self.processes.append(process)
        process.task = self.timeline.start(at, process.live)

    def _troubles(self) -> Iterator[tuple[float, Callable[[], None]]]:
        setting, random = self.setting, self._random
        end = setting.trials / setting.workers * setting.seconds
        for _ in range(round(setting.preemptions * setting.trials)):
            yield end * random.random(), self._preempt
        for _ in range(round(setting.losses * setting.trials / _PER_NODE)):
            yield end * random.random(), self._lose

    def _preempt(self) -> None:
        """The scheduler needs the place of somebody."""
        alive = [process for process in self.processes if process.is_at_work]
        if alive:
            self.preempted += 1
            self._random.choice(alive).preempt()

    def _lose(self) -> None:
        """A node is lost, with all its processes; others come instead."""
        alive = [process for process in self.processes if process.is_at_work]
        if not alive:
            return
        first = self._random.randrange(len(alive))
        for process in alive[first : first + min(_PER_NODE, len(alive) // 2)]:
            self.lost += 1
            process.die()
            self._replace(process)

    def _check(self, state: StudyState) -> None:
        """Exactly the trials that were asked for are there, and all are finished."""
        trials, wanted = state.trials, self.setting.trials
        if trials.numbers() != list(range(wanted)) or trials.finished != wanted:
            raise EvaluationError(
                f"{wanted} trials asked for, {len(trials)} there, {trials.finished} finished"
            )
