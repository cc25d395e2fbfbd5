"""One process's view of a study and its way to add to it: read, fold, append."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import fsopt
from fsopt.config import StudyConfig
from fsopt.errors import StorageError
from fsopt.events import Event, WriterStarted
from fsopt.history import History
from fsopt.log import snapshots
from fsopt.log.files import TrialFiles
from fsopt.log.filesystem import Filesystem
from fsopt.log.identity import Identity, has_vanished
from fsopt.log.journal import Journal
from fsopt.objectives import Objectives
from fsopt.search.registry import optimizer_to_json
from fsopt.state import StudyState, TrialState
from fsopt.values import Params

BEATS_PER_LEASE = 4
"""Signs of life in the time after which a silent process is given up."""

MAX_BEAT = 60.0
"""Seconds between signs of life, at most."""

_LOOK_AGAIN = 1.0
"""Seconds for which the fate of another process is remembered."""


class Session:
    """A study as this process sees it.

    Everything this process appends is in its state at once; what others append is there after
    `sync`. Used by one thread, but for the thread that shows signs of life.
    """

    def __init__(
        self,
        config: StudyConfig,
        filesystem: Filesystem,
        files: TrialFiles,
        identity: Identity,
        clock: Callable[[], float],
    ) -> None:
        self.config = config
        self.objectives = Objectives.of(config.objectives)
        self.state = StudyState(config.space, len(self.objectives))
        self.files = files
        self.clock = clock
        self.journal = Journal(filesystem, identity, self._introduction, clock=clock)
        self._fates = _Fates()
        self._told: dict[str, int] = {}
        self._heart: _Heart | None = None

    @property
    def writer(self) -> str:
        """The id of this process's log."""
        return self.journal.identity.writer

    def load_snapshot(self) -> None:
        """Begin with the newest snapshot that can be used, if there is one.

        To be called before anything is read. What the snapshot lacks comes from the logs.

        Raises:
            StorageError: If the directory can't be read.
        """
        for _, content in snapshots.newest_first(self.journal.filesystem):
            from fsopt.study.snapshot import DamagedSnapshotError, from_bytes

            try:
                loaded = from_bytes(content, self.config)
            except DamagedSnapshotError:
                continue
            self.state = loaded.state
            self.journal.start_from(loaded.positions, loaded.damage)
            return

    def compact(self) -> str:
        """Fold all that the logs hold into a snapshot, which later readers begin with.

        Returns:
            The path of the snapshot, below the study directory.

        Raises:
            StorageError: If it can't be written.
        """
        from fsopt.study.snapshot import Snapshot, to_bytes

        self.sync()
        damage = tuple(self.journal.damage)
        content = to_bytes(Snapshot(self.state, self.journal.positions, damage), self.config)
        path = snapshots.publish(self.journal.filesystem, self.writer, content)
        snapshots.remove_old(self.journal.filesystem)
        return path

    def sync(self) -> None:
        """Take in what others have appended.

        Raises:
            StorageError: If the logs can't be read.
        """
        self.state.apply_all(self.journal.poll())

    def append(self, *events: Event) -> None:
        """Append events durably and take them in.

        Raises:
            StorageError: If they could not be written (yet; see `LogWriter.append`).
        """
        try:
            self.journal.append(events)
        finally:
            self.state.apply_all(self.journal.acknowledged())

    def introduce(self) -> None:
        """Open this process's log, so that whoever finds its claims can tell whether it lives.

        Also writes what waits to be written: while the disk is full nothing more may be claimed.

        Raises:
            StorageError: If it can't be written (yet).
        """
        if self.journal.backlog or not self.journal.introduced:
            self.append()

    def newly_seen(self) -> dict[str, int]:
        """How far other writers' logs are known, for those that moved since this was last asked.

        Together with its earlier answers this tells which history a proposal was based on.
        """
        positions = self.state.positions
        positions.pop(self.writer, None)
        moved = {name: end for name, end in positions.items() if self._told.get(name) != end}
        self._told.update(moved)
        return moved

    def history(self) -> History:
        """The study so far, as the optimizer sees it."""
        all_trials = self.state.trials.configurations()
        units = self.config.space.to_unit(all_trials.rows)
        valued = all_trials.having(TrialState.COMPLETED, TrialState.STOPPED)
        failed = all_trials.having(TrialState.FAILED)
        return History(
            space=self.config.space,
            X=units[valued],
            Y=self.objectives.to_minimise(all_trials.values[valued]),
            numbers=all_trials.numbers[valued],
            X_failed=units[failed],
            X_pending=units[~(valued | failed)],
        )

    def is_lost(self, writer: str) -> bool:
        """Whether a process has ended, or has been silent for longer than a lease.

        A process that ran on this machine is known to have ended as soon as it has. Of others only
        silence tells, measured by this process's own clock since it last saw their log grow.
        """
        if writer == self.writer:
            return False
        known = self.state.writers.get(writer)
        if known is not None and known.closed:
            return True
        started = known.started if known is not None else None
        if started is not None and self._fates.vanished(started, self.clock()):
            return True
        return self.journal.silence(writer) > self.config.lease

    def is_certainly_lost(self, writer: str) -> bool:
        """Whether a process is lost, and is still after reading everything once more.

        It may have shown signs of life, or finished its trial, since this process last looked.

        Raises:
            StorageError: If the logs can't be read.
        """
        if not self.is_lost(writer):
            return False
        self.sync()
        return self.is_lost(writer)

    def keep_alive(self) -> None:
        """Show signs of life from now on, until the session is closed."""
        if self._heart is None:
            interval = min(MAX_BEAT, self.config.lease / BEATS_PER_LEASE)
            self._heart = _Heart(self.journal, interval)
            self._heart.start()

    def close(self) -> None:
        """Say good-bye in the log, if this process ever wrote to it."""
        if self._heart is not None:
            self._heart.stop()
            self._heart = None
        self.journal.close()

    def _introduction(self, identity: Identity) -> WriterStarted:
        return WriterStarted(
            host=identity.host,
            pid=identity.pid,
            process=identity.process,
            job=identity.job,
            version=fsopt.__version__,
            python=platform.python_version(),
            optimizer=cast(Params, optimizer_to_json(self.config.optimizer)),
        )


@dataclass(slots=True)
class _Fates:
    """Remembers shortly which processes of this machine are gone: looking costs system calls."""

    _looked: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def vanished(self, started: WriterStarted, now: float) -> bool:
        key = f"{started.process}/{started.pid}"
        when, gone = self._looked.get(key, (-_LOOK_AGAIN, False))
        if not gone and now - when >= _LOOK_AGAIN:
            gone = has_vanished(started.pid, started.process)
            self._looked[key] = (now, gone)
        return gone


class _Heart(threading.Thread):
    """Appends a sign of life while the process has nothing else to say."""

    def __init__(self, journal: Journal, interval: float) -> None:
        super().__init__(name="fsopt-heartbeat", daemon=True)
        self._journal = journal
        self._interval = interval
        self._ended = threading.Event()

    def run(self) -> None:
        # Waking more often than it beats keeps the pause between two signs near the interval.
        while not self._ended.wait(self._interval / 4):
            try:
                self._journal.beat(self._interval)
            except StorageError:
                # The events are kept; the next beat, or the main thread, sends them again.
                continue

    def stop(self) -> None:
        self._ended.set()
        self.join()
