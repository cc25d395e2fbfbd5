"""One process's view of a study and its way to add to it: read, fold, append."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable

import fsopt
from fsopt.config import StudyConfig
from fsopt.events import Event, WriterStarted
from fsopt.history import History
from fsopt.log.alarm import Alarm
from fsopt.log.files import TrialFiles
from fsopt.log.filesystem import Filesystem
from fsopt.log.identity import Identity, has_vanished
from fsopt.log.journal import Journal
from fsopt.search.registry import optimizer_to_json
from fsopt.state import StudyState
from fsopt.study.archive import Archive
from fsopt.study.chain import Chain
from fsopt.study.collection import STALE
from fsopt.study.compaction import Compactor
from fsopt.study.fates import Fates
from fsopt.study.heart import Heart
from fsopt.study.stopping import Stopping

BEATS_PER_LEASE = 4
"""Signs of life in the time after which a silent process is given up."""

MAX_BEAT = 60.0
"""Seconds between signs of life, at most."""

MANY_LOGS = 64
"""With more logs than this that may still grow, one process reads them for all others."""

TOO_MANY_LOGS = 128
"""With more than this not even a process that is about to leave reads them all."""

_REFRESH_PAUSE, _REFRESH_SHARE = 0.05, 10
"""Seconds between looks at what others do, at least, and as a multiple of what a look takes."""

_PAUSE_PER_LOG, _LONGEST_PAUSE = 0.01, 10.0
"""Seconds between looks for each log there is, where one process reads them for all others."""

_BUSY_PAUSES, _BUSY_IN_A_CROWD = (1.0, 15.0), (30.0, 60.0)
"""Seconds between looks at what others do, at least and at most, while there is nothing that a
process would do about it but stop; and the same where one process reads for all others."""

_BUSY_PAUSE_PER_LOG = 1.0
"""And, up to the most, at least so many for each log that is read."""


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
        uptime: Callable[[], float] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Reads nothing yet; see `open`.

        Args:
            config: The study.
            filesystem: Where its logs lie.
            files: Where its trials' files lie.
            identity: This process.
            clock: Monotonic seconds in which this process could run, for leases.
            uptime: Monotonic seconds that also pass while the machine is suspended.
            wall_clock: Seconds since 1970, for people.
        """
        self.config = config
        self.objectives = config.outcomes
        self.state = StudyState(config.space, len(self.objectives))
        self.files = files
        self.clock = clock
        self.journal = Journal(filesystem, identity, self._introduction, wall_clock, clock)
        self.chain = Chain(filesystem, config, clock)
        self.compactor = Compactor(self)
        self.role, self.slots = "both", 1
        """What this process says of itself when it begins its log; see `WriterStarted`."""
        self.reads_all = False
        """Whether it reads all logs even if they are many."""
        self._archive = Archive(
            self.state.trials,
            config.space,
            self.objectives,
            noisy=config.noisy,
            stops=config.stopper is not None,
        )
        self.stopping = Stopping(self.state, config, config.stopper) if config.stopper else None
        """Asks the study's stopper, if it has one."""
        self._uptime = uptime or clock
        self._seen_until = self._uptime()
        self.concluded_at: float | None = None
        """When a conclusion was drawn that waits to be confirmed."""
        self._must_take_in, self._next_refresh = False, -math.inf
        self._alarm: Alarm | None = None
        self._is_called = self._is_complete = self._knows_all = False
        self._fates = Fates()
        self._told: dict[str, int] = {}
        self._heart: Heart | None = None

    @property
    def writer(self) -> str:
        """The id of this process's log."""
        return self.journal.identity.writer

    def open(self) -> None:
        """Take in the newest snapshot, and what the logs tell beyond it unless they are many.

        Raises:
            StorageError: If the directory can't be read.
        """
        self.chain.take_in(self.state, self.journal)
        self.journal.discover()
        self.look()

    def sync(self, *, thorough: bool = True) -> None:
        """Take in everything that others have appended, however many they are.

        Args:
            thorough: Whether to look at logs that have been quiet for long as well.

        Raises:
            StorageError: If the logs can't be read.
        """
        self.journal.follows_all = True
        self._must_take_in = True
        self._take_in(thorough=thorough)
        # A log that was removed before it could be read is in a snapshot by now.
        self.chain.take_in(self.state, self.journal)

    def complete(self) -> None:
        """Take in what `open` has left out because there were too many logs, if it has.

        Raises:
            StorageError: If the logs can't be read.
        """
        if not self._is_complete:
            self.sync()

    def be_content(self) -> None:
        """Let what is known count as all there is; for processes that only watch.

        So `complete` does not read what `open` has left out.
        """
        self._is_complete = True

    def look(self) -> None:
        """Take in what others have appended, as far as this process follows it.

        Raises:
            StorageError: If the logs can't be read.
        """
        self.journal.follows_all = self._follows_all
        self._take_in(thorough=True)

    def refresh(self) -> None:
        """Do as `look` does, if the last time is long enough ago for what it costs.

        Raises:
            StorageError: If the logs can't be read.
        """
        began = self.clock()
        if began < self._next_refresh:
            self.state.apply_all(self.journal.acknowledged())
            return
        if not self.is_crowded:
            # When many come at once, not each of them should read the logs of all.
            self.journal.discover(thorough=self._is_called)
        self.journal.follows_all = self._follows_all
        self._take_in(thorough=self._is_called)
        self._is_called = False
        if self.journal.introduced:
            self.compactor.maintain()
        ended = self.clock()
        crowd = 0.0 if self.journal.follows_all else self.journal.open_segments
        pause = max(_REFRESH_PAUSE, _REFRESH_SHARE * (ended - began), _PAUSE_PER_LOG * crowd)
        self._next_refresh = ended + min(pause, _LONGEST_PAUSE)

    def wait(self, seconds: float) -> None:
        """Wait for others to write something, at most so long.

        On a filesystem of this node alone it returns as soon as they have.
        """
        if self._alarm is None:
            self._alarm = Alarm(self.files.root, self.writer)
        if self._alarm.wait(seconds):
            self._next_refresh = min(self._next_refresh, self.clock() + _REFRESH_PAUSE)
            self._is_called = True

    def confirms(self, conclusion: bool) -> bool:
        """Whether a conclusion still holds once all is known that was there when it was drawn.

        Where this process follows a snapshot it may be late, and the process that made it may be
        gone. So it reads all logs once, or, if they are too many even for that, waits for another
        snapshot, which it makes itself if nobody else does.

        Args:
            conclusion: Whether the conclusion is drawn now; to be told at every turn.

        Raises:
            StorageError: If the logs can't be read.
        """
        if not conclusion:
            self.concluded_at, self._knows_all = None, False
            return False
        if self.journal.follows_all or self._knows_all:
            return True
        if self.concluded_at is None:
            self.concluded_at = self.clock()
            if self.journal.open_segments <= TOO_MANY_LOGS:
                self.sync()
                self._knows_all = True
                return False
        return self.chain.noticed_at > self.concluded_at

    @property
    def is_crowded(self) -> bool:
        """Whether there are too many logs for every process to read them all."""
        return self.journal.open_segments > MANY_LOGS

    @property
    def busy_pauses(self) -> tuple[float, float]:
        """Seconds between looks, at least and at most, of a process that needs nothing new."""
        if not self.journal.follows_all:
            return _BUSY_IN_A_CROWD
        low, high = _BUSY_PAUSES
        return min(max(low, _BUSY_PAUSE_PER_LOG * self.journal.open_segments), high), high

    @property
    def has_many_unread(self) -> bool:
        """Whether there are many logs of which this process knows nothing."""
        return self.journal.unread_segments > MANY_LOGS

    def is_view_old(self) -> bool:
        """Whether this process, perhaps suspended, has long not seen what others do."""
        return self._uptime() - self._seen_until > STALE

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
            # Whoever removes files sees to it that nobody is at work. From now on this process
            # is; what was removed before is in a snapshot.
            self._must_take_in, self._next_refresh = True, -math.inf

    def newly_seen(self) -> dict[str, int]:
        """How far other writers' logs are known, for those that moved since this was last asked.

        Together with its earlier answers, and what the snapshot that `base` names tells, this
        tells which history a proposal was based on.
        """
        marks = {} if self.base() is None else self.chain.marks
        moved = {}
        for name, end in self.state.positions.items():
            mark = marks.get(name)
            known = max(self._told.get(name, 0), mark.end if mark is not None else 0)
            if end > known and name != self.writer:
                moved[name] = end
        self._told.update(moved)
        return moved

    def base(self) -> str | None:
        """The snapshot that this process's view is based on, where not all logs are read."""
        newest = self.chain.newest
        return newest.path if newest is not None and not self.journal.follows_all else None

    def history(self) -> History:
        """The study so far, as the optimizer sees it."""
        return self._archive.history(self.state.budget, self.state.registered_priors())

    def is_lost(self, writer: str) -> bool:
        """Whether a process has ended, or has been silent for longer than a lease.

        A process that ran on this machine is known to have ended as soon as it has. Of others only
        silence tells, measured by this process's own clock since it last saw their log grow.
        """
        if writer == self.writer:
            return False
        if self.has_ended(writer):
            return True
        journal = self.journal
        if not journal.follows_all and journal.quiet(writer) > self.config.lease:
            # Where one process reads for all others, its silence looks like everybody's.
            journal.watch(writer)
        return journal.silence(writer) > self.config.lease

    def has_ended(self, writer: str) -> bool:
        """Whether a process is known to have ended: by its own word, or because it ran here."""
        known = self.state.writers.get(writer)
        if (known is not None and known.closed) or self.journal.has_finished(writer):
            return True
        started = known.started if known is not None else None
        return started is not None and self._fates.vanished(started, self.clock())

    def is_certainly_lost(self, writer: str) -> bool:
        """Whether a process is lost, and is still after looking once more.

        It may have shown signs of life, or finished its trial, since this process last looked.

        Raises:
            StorageError: If the logs can't be read.
        """
        if not self.is_lost(writer):
            return False
        self.look()
        return self.is_lost(writer)

    def has_vanished(self, writer: str) -> bool:
        """Whether a process ran on this machine and is known to have ended."""
        known = self.state.writers.get(writer)
        started = known.started if known is not None else None
        return started is not None and has_vanished(started.pid, started.process)

    def keep_alive(self) -> None:
        """Show signs of life from now on, until the session is closed."""
        if self._heart is None:
            interval = min(MAX_BEAT, self.config.lease / BEATS_PER_LEASE)
            self._heart = Heart(self.journal, interval)
            self._heart.start()

    def close(self) -> None:
        """Say good-bye in the log, if this process ever wrote to it."""
        if self.journal.introduced:
            self.compactor.hand_over()
        if self._heart is not None:
            self._heart.stop()
            self._heart = None
        self.journal.close()

    def _take_in(self, *, thorough: bool) -> None:
        began = self._uptime()
        if self._must_take_in or not self.journal.follows_all or self.is_view_old():
            self.chain.take_in(self.state, self.journal)
            self._must_take_in = False
        self.state.apply_all(self.journal.poll(thorough=thorough))
        if self.journal.has_missed:
            self.chain.take_in(self.state, self.journal)
        self._seen_until = began
        self._is_complete |= self.journal.follows_all

    @property
    def _follows_all(self) -> bool:
        return self.reads_all or self.compactor.is_maker or not self.is_crowded

    def _introduction(self, identity: Identity) -> WriterStarted:
        return WriterStarted(
            host=identity.host,
            pid=identity.pid,
            process=identity.process,
            job=identity.job,
            version=fsopt.__version__,
            python=platform.python_version(),
            optimizer=optimizer_to_json(self.config.optimizer),
            role=self.role,
            slots=self.slots,
        )
