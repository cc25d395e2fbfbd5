"""One simulated process: the real worker, on a node of its own."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fsopt.bench.cluster.evaluations import VirtualBackend
from fsopt.bench.cluster.filesystem import Checkpoints, SharedFilesystem, Usage
from fsopt.bench.cluster.sharing import SharingSession
from fsopt.bench.cluster.timeline import Task
from fsopt.log.identity import Identity
from fsopt.run.signals import Preemption
from fsopt.run.terms import Limits, Silence, Summary
from fsopt.run.worker import Worker
from fsopt.study.roles import Part, Role
from fsopt.study.session import BEATS_PER_LEASE, MAX_BEAT
from fsopt.study.study import Study

if TYPE_CHECKING:
    from fsopt.bench.cluster.cluster import Cluster

START_UP = 2.0
"""Seconds in which a process starts and imports what it needs."""


@dataclass(slots=True)
class Spending:
    """What a process asked of the filesystem, by what it did then."""

    starting: Usage = field(default_factory=Usage)
    """Until it evaluates for the first time."""
    working: Usage = field(default_factory=Usage)
    """From then on until it begins its last evaluation."""
    leaving: Usage = field(default_factory=Usage)
    """From then on."""
    starts: int = 0
    """How many evaluations it has begun."""


class Process:
    """A process; its life is `live`."""

    def __init__(self, cluster: Cluster, name: str, role: Role) -> None:
        self.name = name
        self.role = role
        self.came = self.ready = cluster.timeline.now
        """When it started, and when it began its first evaluation."""
        self.left: float | None = None
        self.spending = Spending()
        self.summary: Summary | None = None
        self.task: Task | None = None
        self._cluster = cluster
        self._preemption = Preemption()
        self._filesystem = SharedFilesystem(cluster.server, name)
        self._backend = VirtualBackend(cluster.timeline, cluster.work, self._starts)

    def live(self) -> None:
        """Work on the study until there is nothing to do, or it has to leave."""
        cluster = self._cluster
        self.came = self.ready = cluster.timeline.now
        cluster.timeline.sleep(START_UP)
        try:
            if not self._is_preempted:
                self._work()
        finally:
            self._filesystem.is_dead = True
        self.spending.leaving.add(self._filesystem.usage)
        self.left = cluster.timeline.now
        cluster.has_left(self)

    def preempt(self) -> None:
        """The scheduler wants the place of this process."""
        self._preemption.signal = signal.SIGTERM
        if self.task is not None:
            self._cluster.timeline.wake(self.task)

    def die(self) -> None:
        """The node is lost."""
        self._filesystem.is_dead = True
        self._backend.lose()
        self.left = self._cluster.timeline.now
        self.spending.leaving.add(self._filesystem.usage)
        if self.task is not None:
            self._cluster.timeline.kill(self.task)

    @property
    def has_read_for_others(self) -> bool:
        """Whether it has made a snapshot."""
        return self._filesystem.has_published

    @property
    def is_at_work(self) -> bool:
        """Whether it has begun, and nobody wants it to leave."""
        has_begun = self.spending.starts or (self.proposes and self._filesystem.has_log)
        return bool(has_begun) and self.left is None and not self._is_preempted

    @property
    def proposes(self) -> bool:
        """Whether it only proposes."""
        return self.role is Role.PROPOSE

    @property
    def _is_preempted(self) -> bool:
        return self._preemption.signal is not None

    def _work(self) -> None:
        cluster, clock = self._cluster, lambda: self._cluster.timeline.now
        config = cluster.config
        # There is no other process on its machine, so only its log tells whether it lives.
        identity = Identity(
            writer=self.name, host=self.name, pid=os.getpid(), process=None, job=None
        )
        files = Checkpoints(self._filesystem)
        filesystem = self._filesystem
        session = SharingSession(cluster.library, filesystem, files, identity, filesystem.own_log)
        beat_every = min(MAX_BEAT, config.lease / BEATS_PER_LEASE)
        session.role, session.reads_all = self.role.value, self.proposes
        session.slots = 0 if self.proposes else 1
        self._backend.beat = lambda: session.journal.beat(beat_every)
        self._backend.beat_every = beat_every / 4
        study = Study(config, self._filesystem, session.files, Path("simulated"), session)
        limits = Limits(trials=cluster.setting.trials)
        worker = Worker(
            study, self._backend, limits, Part(role=self.role), Silence(), self._preemption, clock
        )
        self._backend.waiter = worker
        self.summary = worker.run()
        study.close()

    def _starts(self) -> None:
        spending, usage = self.spending, self._filesystem.usage
        (spending.working if spending.starts else spending.starting).add(usage)
        if not spending.starts:
            self.ready = self._cluster.timeline.now
        spending.starts += 1
        self._filesystem.usage = Usage()
