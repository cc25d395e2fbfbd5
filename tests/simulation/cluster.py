"""Whole studies by many simulated processes, in virtual time, from one seed.

Processes take turns. Before each operation on the filesystem another process may have a turn, or
many, while the first one waits in the middle of what it does: so any two of them meet in every
way. In the first part of a study, the storm, processes crash, stop for longer than a lease and go
on, disks are full and operations fail; then it is calm and the study has to come to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

import fsopt
from fsopt.config import StudyConfig, to_document
from fsopt.errors import StorageError
from fsopt.events import (
    AttributeSet,
    BudgetSet,
    Event,
    Record,
    TrialCompleted,
    TrialFailed,
    TrialPaused,
    TrialReported,
    TrialRetried,
    TrialStopped,
)
from fsopt.log import layout
from fsopt.log.filesystem import refused
from fsopt.log.identity import Identity
from fsopt.log.writer import Acknowledged
from fsopt.space import Float, Space
from fsopt.state import TrialState
from fsopt.study.dispatch import Dispatcher
from fsopt.study.roles import EVERYTHING, Part, Reliance, Role, Supply
from fsopt.study.session import BEATS_PER_LEASE, Session
from fsopt.study.wholesale import compact
from fsopt.trial import Assignment
from tests.simulation.filesystem import (
    CALM,
    BrokenPromiseError,
    Crashed,
    SimulatedFilesystem,
    SimulatedServer,
    Storm,
)

LEASE = 40.0
STORM = 8 * LEASE
"""Virtual seconds after which nothing goes wrong any more."""
PATIENCE = 30 * LEASE
"""Virtual seconds in which a study has to end after the storm."""
PID = 4242
"""Of all simulated processes, so that what they write is the same in every run."""
SPACE = Space(Float("x", 0.0, 1.0))
STOPPERS = (
    fsopt.SuccessiveHalving(max_steps=4, factor=2, pause=True),
    None,
    fsopt.ConstantStop(steps=2, finish=1, max_steps=4),
    None,
    None,
    fsopt.SuccessiveHalving(max_steps=4, factor=2),
    None,
)
"""Each study has one of them, by its seed."""


class SimulatedFiles:
    """Stands in for `TrialFiles`: what is handed over is not simulated, only that it may fail."""

    root = Path("simulated")

    def __init__(self, filesystem: SimulatedFilesystem) -> None:
        self._filesystem = filesystem

    def hand_over_checkpoint(
        self, trial: int, attempt: int, *, since: int, copy: bool = False
    ) -> bool:
        path = f"trials/{trial}/checkpoint.{attempt}"
        try:
            with self._filesystem.operation(path):
                pass
        except OSError as error:
            raise refused("hand over", path, error) from error
        return True


class SimulatedWorker:
    """A process that works on the study as `fsopt.run.worker.Worker` does, turn by turn."""

    def __init__(self, cluster: Cluster, name: str, wake: float, part: Part) -> None:
        random = cluster.random
        self.name = name
        self.wake = wake
        self.is_busy = False
        self.has_left = False
        self._leaving: str | None = None
        self.running: dict[tuple[int, int], float] = {}
        """When each evaluation ends."""
        self.steps: dict[tuple[int, int], int] = {}
        """How far each evaluation is."""
        self.since: dict[tuple[int, int], float] = {}
        self.filesystem = SimulatedFilesystem(
            cluster.server, name, lambda: cluster.interrupt(self)
        )
        server, origin, skew = cluster.server, 1e6 * random.random(), random.uniform(-1e5, 1e5)
        self.session = Session(
            cluster.config,
            self.filesystem,
            SimulatedFiles(self.filesystem),  # type: ignore[arg-type]
            Identity(writer=name, host=name, pid=PID, process=None, job=None),
            lambda: origin + server.now,
        )
        self.dispatcher = Dispatcher(self.session)
        self._slots = random.choice((1, 1, 2))
        self.session.role, self.session.slots = part.role.value, self._slots
        self.session.reads_all = part.role is Role.PROPOSE
        self._supply = Supply(self.session, part.ahead) if part.role is Role.PROPOSE else None
        self._reliance: Reliance | None = None
        if part.role is Role.EVALUATE:
            tell = partial(cluster.note, name)
            self._reliance = Reliance(self.session, waits=part.waits, tell=tell)
        self._cluster = cluster
        self._unconfirmed = self._is_open = False
        self._look_over_shoulder(lambda: 1.7e9 + skew + server.now)

    @property
    def is_alive(self) -> bool:
        return not (self.has_left or self.filesystem.is_dead)

    @property
    def backlog(self) -> int:
        return self.session.journal.backlog

    def turn(self) -> None:
        """What a worker does between two looks at the clock."""
        cluster, random = self._cluster, self._cluster.random
        self.filesystem.storm = cluster.storm
        if self.backlog:
            self._guard(self.session.append)
        self._unconfirmed &= self.backlog > 0
        self.wake = cluster.server.now + random.uniform(0.2, LEASE / 8)
        if self._leaving is None:
            self._work()
        elif not self.backlog:
            self.has_left = True
            cluster.note(self.name, "leaves:", self._leaving)
            if self._leaving != "done":
                cluster.join()

    def _work(self) -> None:
        cluster, random = self._cluster, self._cluster.random
        self._guard(self.session.refresh if self._is_open else self._open)
        if not self._is_open:
            return
        for key, end in list(self.running.items()):
            if end <= cluster.server.now:
                self._end(*key)
            elif self.session.stopping is not None:
                self._step(*key)
            elif random.random() < 0.05:
                self._say(TrialReported(trial=key[0], attempt=key[1], steps=(1,), values=(0.5,)))
        self._beat()
        if cluster.is_stormy and random.random() < 0.02:
            self._meddle()
        if random.random() < cluster.compacting:
            self._guard(self._compact)
        if cluster.is_stormy and random.random() < 0.01:
            self._leave("preempted")
        elif not self._unconfirmed and len(self.running) < self._slots:
            self._guard(self._take)
        is_done = not (self.running or self.backlog) and self._is_done()
        certain: list[bool] = []
        self._guard(lambda: certain.append(self.session.confirms(is_done)))
        if any(certain) and self._leaving is None and not self._settles():
            self._leave("done")
        self.wake = min([self.wake, *self.running.values()])
        if cluster.is_stormy and random.random() < 0.01:
            self.wake += LEASE * random.uniform(1.0, 3.0)
            cluster.note(self.name, "sleeps until", round(self.wake))

    def _open(self) -> None:
        self.session.open()
        self._is_open = True
        if self.session.stopping is not None and self.session.state.budget is None:
            self._say(BudgetSet(trials=self._cluster.budget))

    def _compact(self) -> None:
        """A person compacts the study, without having looked who is at work."""
        done = compact(self.session, 0.0, assume_ended=False, settle=self._cluster.settle)
        self._cluster.note(self.name, "compacts:", done)

    def _look_over_shoulder(self, wall_clock: Callable[[], float]) -> None:
        """Replace what a simulation can't have, and watch the rest from outside."""
        session, journal, cluster = self.session, self.session.journal, self._cluster
        session.keep_alive = lambda: None  # type: ignore[method-assign]
        writer = journal._writer
        writer._wall_clock = wall_clock
        append, claim = writer.append, journal.claims.attempt
        # What processes of one machine know of each other; here each has a machine of its own.
        session.has_vanished = cluster.has_crashed  # type: ignore[method-assign]
        is_lost, poll = session.is_lost, journal.poll
        self.judged = judged = dict[str, bool]()
        self.judges_lost = is_lost

        def watched_append(events: list[Event]) -> Acknowledged:
            acknowledged = append(events)
            cluster.acknowledged(self, acknowledged.records)
            return acknowledged

        def watched_is_lost(name: str) -> bool:
            lost = is_lost(name)
            if lost:
                judged.setdefault(name, False)
            return lost

        def watched_poll(*, thorough: bool = True) -> list[Record]:
            if thorough:
                judged.update(dict.fromkeys(judged, True))
            return poll(thorough=thorough)

        def watched_claim(trial: int, attempt: int) -> bool:
            if not all(judged.values()):
                raise BrokenPromiseError(f"{self.name} gave one up without another look")
            judged.clear()
            return claim(trial, attempt)

        writer.append = watched_append  # type: ignore[method-assign,assignment]
        session.is_lost = watched_is_lost  # type: ignore[method-assign]
        journal.poll = watched_poll  # type: ignore[method-assign]
        self._watch_claims(watched_claim)

    def _watch_claims(self, watched: Callable[[int, int], bool]) -> None:
        """`Claims` has slots, so a subclass's instance takes its place."""
        claims = self.session.journal.claims

        class Watched(type(claims)):  # type: ignore[misc]
            def attempt(self, trial: int, attempt: int) -> bool:
                return watched(trial, attempt)

        self.session.journal.claims = Watched(claims.filesystem, claims.writer)

    def _take(self) -> None:
        budget = self._cluster.budget
        if self._supply is not None:
            self.dispatcher.attend()
            wanted = self._supply.wanted(budget)
            if wanted:
                self._supply.proposed(self.dispatcher.propose(wanted, budget), 1.0)
            return
        new = self._reliance is None or self._reliance.must_propose()
        self.judged.clear()
        for assignment in self.dispatcher.take(1, budget, new=new):
            self._cluster.took(self, assignment)
            key, now = (assignment.number, assignment.attempt), self._cluster.server.now
            self.running[key] = now + self._cluster.duration()
            self.since[key] = now
            self.steps[key] = assignment.last_step

    def _step(self, number: int, attempt: int) -> None:
        """An evaluation reports its next step; the stopper may end it."""
        key, random, stopping = (number, attempt), self._cluster.random, self.session.stopping
        if stopping is None or random.random() < 0.5:
            return
        self.steps[key] = step = self.steps[key] + 1
        value = random.choice((random.random(), random.random(), float("nan")))
        is_over = stopping.judge(number, attempt, step, value)
        self._say(TrialReported(trial=number, attempt=attempt, steps=(step,), values=(value,)))
        event = stopping.ending(number, attempt, None) if is_over else None
        if event is not None:
            del self.running[key]
            self._unconfirmed = True
            self._say(event)

    def _settles(self) -> bool:
        """Whether there are trials that will never go on; ends some of them."""
        stopping = self.session.stopping
        if stopping is None or not stopping.leftovers():
            return False
        self.judged.clear()
        self._guard(lambda: self._cluster.note(self.name, "ends", self.dispatcher.settle()))
        return True

    def _end(self, number: int, attempt: int) -> None:
        del self.running[number, attempt]
        random = self._cluster.random
        fate = random.random()
        if fate < 0.75:
            value = random.choice((random.random(), random.random(), float("nan")))
            event: Event = TrialCompleted(trial=number, attempt=attempt, values=(value,))
        elif fate < 0.88:
            event = TrialFailed(trial=number, attempt=attempt, reason="raised")
        else:
            event = TrialPaused(trial=number, attempt=attempt, reason="checkpoint")
        self._unconfirmed = True
        self._say(event)

    def _say(self, *events: Event) -> None:
        self._guard(lambda: self.session.append(*events))

    def _beat(self) -> None:
        if self.session.journal.introduced:
            self._guard(lambda: self.session.journal.beat(LEASE / BEATS_PER_LEASE))

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StorageError as error:
            self._cluster.note(self.name, "meets", str(error).split(";")[0])
            if not error.passing:
                raise

    def _is_done(self) -> bool:
        stopping, state = self.session.stopping, self.session.state
        if stopping is not None:
            parked = stopping.parked()
            all_begun = state.trials.complete_below >= self._cluster.budget
            return all_begun and all(trial.number in parked for trial in state.unfinished())
        counts = self.session.state.trials.count(self._cluster.budget)
        return sum(n for s, n in counts.items() if s.is_finished) == self._cluster.budget

    def _leave(self, reason: str) -> None:
        left = list(self.running)
        self.running.clear()
        self._say(*(TrialPaused(trial=n, attempt=k, reason=reason) for n, k in left))
        self._guard(self.session.close)
        self._leaving = reason

    def _meddle(self) -> None:
        """A person cancels, retries or marks a trial, as `Study` does it."""
        random = self._cluster.random
        trials = self.session.state.trials
        for number in random.sample(trials.numbers(), min(1, len(trials))):
            trial = trials[number]
            attempt = trial.decisive.index if trial.decisive else 0
            if trial.state is TrialState.FAILED:
                event: Event = TrialRetried(trial=number, attempt=trial.next_attempt)
                self._cluster.retried.add(number)
            elif trial.state.is_finished or random.random() < 0.3:
                event = AttributeSet(
                    trial=number, attempt=attempt, name="a", value=random.random()
                )
            else:
                self._cluster.cancelled.add((number, attempt))
                event = TrialFailed(trial=number, attempt=attempt, reason="cancelled")
            self._cluster.note(self.name, "is told", event)
            self._say(event)


class Cluster:
    """Simulated processes on one server, and what an observer who sees everything knows."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.budget = random.randint(1, 6)
        self.config = StudyConfig(
            space=SPACE,
            seed=seed,
            optimizer=fsopt.RandomSearch(),
            lease=LEASE,
            max_attempts=random.randint(1, 3),
            stopper=STOPPERS[seed % len(STOPPERS)],
        )
        self.server = SimulatedServer(random, cache_time=random.choice((0.0, 1.0, LEASE / 8)))
        rough = random.choice((0.0, 0.3, 1.0))
        self._storm = Storm(error=0.02 * rough, short=0.04 * rough, crash=0.003)
        self._switch = random.choice((0.0, 0.05, 0.15))
        self.compacting = random.choice((0.0, 0.01, 0.05))
        self.trace: list[tuple[object, ...]] = []
        self.ledger: dict[tuple[str, int], Record] = {}
        """Every event whose append has returned."""
        self.given: dict[tuple[int, int], SimulatedWorker] = {}
        """Who got each attempt."""
        self.cancelled: set[tuple[int, int]] = set()
        self.settled: set[int] = set()
        """Trials that were ended without the last attempt having been started."""
        self.retried: set[int] = set()
        self.workers: list[SimulatedWorker] = []
        self._observers = 0
        self.many_logs = random.choice((0, 2, 64))
        self.too_many_logs = random.choice((0, 512))
        self.logs_per_number = random.choice((1, 32))
        """With the former even two processes draw numbers among several."""
        founder = SimulatedFilesystem(self.server, "founder")
        document = to_document(self.config, identifier=str(seed), created="", version="")
        founder.publish(layout.STUDY, document)
        self._has_roles = random.random() < 0.4
        for _ in range(random.randint(2, 4)):
            self.join()
        self._add(STORM + LEASE, EVERYTHING)

    def has_crashed(self, name: str) -> bool:
        """Known of processes of the same machine, where what they wrote is seen at once; so, here,
        known when that is seen."""
        seen = self.server.now - self.server.cache_time
        return any(w.name == name and w.filesystem.died_at <= seen for w in self.workers)

    @property
    def is_stormy(self) -> bool:
        return self.server.now < STORM

    @property
    def storm(self) -> Storm:
        return self._storm if self.is_stormy else CALM

    def run(self) -> None:
        """Let the study go on until every process has left."""
        while any(worker.is_alive for worker in self.workers):
            self._next(self.server.now + LEASE)
            if self.server.now > STORM + PATIENCE:
                raise BrokenPromiseError(f"the study does not end: {self._open()}")

    def observer(self) -> Session:
        """Somebody who looks at everything from outside."""
        self._observers += 1
        filesystem = SimulatedFilesystem(self.server, f"observer{self._observers}")
        session = Session(
            self.config,
            filesystem,
            SimulatedFiles(filesystem),  # type: ignore[arg-type]
            Identity(writer=filesystem.node, host="outside", pid=PID, process=None, job=None),
            lambda: self.server.now,
        )
        session.open()
        session.sync()
        return session

    def settle(self) -> None:
        """Wait until every client sees what any of them has done by now, and what they saw."""
        until = self.server.now + 2 * self.server.cache_time
        while self._next(until):
            pass

    def note(self, *what: object) -> None:
        self.trace.append((round(self.server.now, 2), *what))

    def join(self) -> None:
        """Another process will come, after a while."""
        self._add(self.server.now + LEASE * self.random.random(), self._part())

    def duration(self) -> float:
        """How long an evaluation takes."""
        return self.random.choice((0.1, 1.0, LEASE / 2, 2 * LEASE)) * self.random.random()

    def interrupt(self, worker: SimulatedWorker) -> None:
        """Something else happens before a process gets on with its next operation."""
        if self.is_stormy and self.random.random() < 0.002:
            self.server.full = not self.server.full
            self.note("the disk is", "full" if self.server.full else "freed")
        self.server.full &= self.is_stormy
        worker.filesystem.storm = self.storm
        if self.is_stormy and self.random.random() < 0.001:
            self.note(worker.name, "is stopped in the middle")
            resume = self.server.now + LEASE * self.random.uniform(0.5, 3.0)
            while self._next(resume):
                pass
        elif self._switch and self.random.random() < self._switch:
            others = list(self._ready())
            if others:
                self._give_turn(self.random.choice(others))

    def acknowledged(self, worker: SimulatedWorker, records: Sequence[Record]) -> None:
        """A process was told that its events are durable."""
        for record in records:
            self.ledger[record.writer, record.seq] = record
            event = record.event
            self.note(worker.name, "has written", record.seq, event)
            ends_unstarted = isinstance(event, TrialFailed | TrialStopped) and (
                (event.trial, event.attempt) not in self.given
            )
            if ends_unstarted and (event.trial, event.attempt) not in self.cancelled:
                self._check_not_stolen(worker, event.trial, event.attempt)
                if event.trial in self.settled and event.trial not in self.retried:
                    raise BrokenPromiseError(f"trial {event.trial} was ended twice")
                self.settled.add(event.trial)
            if isinstance(event, TrialFailed) and event.reason.startswith("lost"):
                self._check_not_stolen(worker, event.trial, event.attempt + 1)

    def took(self, worker: SimulatedWorker, assignment: Assignment) -> None:
        """A process was given an attempt to evaluate."""
        number, index = key = (assignment.number, assignment.attempt)
        self.note(worker.name, "takes", *key)
        if key in self.given:
            raise BrokenPromiseError(f"{key} went to {self.given[key].name} and {worker.name}")
        self.given[key] = worker
        trial = worker.session.state.trials[number]
        lost = [
            a.index
            for a in trial.attempts.values()
            if a.outcome is None and a.writer is not None and worker.judges_lost(a.writer)
        ]
        if trial.state is not TrialState.RUNNING:
            raise BrokenPromiseError(f"{worker.name} takes {key}, which is {trial.state}")
        if len([k for k in lost if k >= trial.retry]) >= self.config.max_attempts:
            raise BrokenPromiseError(f"{key} is one attempt too many after {lost} were lost")
        self._check_not_stolen(worker, number, index)

    def _check_not_stolen(self, taker: SimulatedWorker, number: int, index: int) -> None:
        """Nobody may be given up for lost who showed signs of life all the time."""
        for other in self.workers:
            if other is taker or not other.is_alive:
                continue
            for n, k in other.running:
                if n != number or k >= index or (n, k) in self.cancelled:
                    continue
                shown = [*other.filesystem.signs, self.server.now]
                # What it wrote just before may not be seen yet.
                since = other.since[n, k] - self.server.cache_time
                gaps = (b - a for a, b in pairwise(shown) if b >= since)
                if max(gaps) < LEASE - self.server.cache_time - 1.0:
                    raise BrokenPromiseError(f"{taker.name} gave up {other.name} at {(n, k)}")

    def _add(self, wake: float, part: Part) -> None:
        self.workers.append(SimulatedWorker(self, f"w{len(self.workers)}", wake, part))

    def _part(self) -> Part:
        role = self.random.choice(list(Role)) if self._has_roles else Role.BOTH
        if role is Role.PROPOSE:
            return Part(role=role, ahead=self.random.choice((None, 1, 3)))
        return Part(role=role, waits=role is Role.EVALUATE and self.random.random() < 0.3)

    def _ready(self) -> Iterator[SimulatedWorker]:
        return (
            worker
            for worker in self.workers
            if worker.is_alive
            and not worker.is_busy
            and (worker.wake <= self.server.now + LEASE / 8)
        )

    def _next(self, until: float) -> bool:
        """Give the process that wakes next its turn; False if none wakes before a time."""
        idle = [w for w in self.workers if w.is_alive and not w.is_busy and w.wake <= until]
        if not idle:
            self.server.now = max(self.server.now, until)
            return False
        worker = min(idle, key=lambda w: w.wake)
        self.server.now = max(self.server.now, worker.wake)
        self._give_turn(worker)
        return True

    def _give_turn(self, worker: SimulatedWorker) -> None:
        worker.is_busy = True
        try:
            worker.turn()
        except Crashed:
            self.note(worker.name, "crashes")
            if self.random.random() < 0.8:
                self.join()
        finally:
            worker.is_busy = False

    def _open(self) -> list[str]:
        return [
            f"{worker.name} sees "
            + ", ".join(f"{t.number} {t.state}" for t in worker.session.state.unfinished())
            for worker in self.workers
            if worker.is_alive
        ]
