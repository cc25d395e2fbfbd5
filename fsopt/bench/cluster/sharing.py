"""Sessions that share what they have read from the same snapshots.

A process that follows snapshots knows what they tell, and what it has told itself. The first is
read once for all processes that have taken in the same snapshots; every process still asks the
filesystem for each file that it would need. A process that reads all logs has all for itself.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fsopt.bench.cluster.filesystem import Checkpoints
from fsopt.bench.cluster.layers import CommonTable, LayeredState
from fsopt.bench.cluster.timeline import Timeline
from fsopt.config import StudyConfig
from fsopt.events import Record
from fsopt.history import History
from fsopt.log import layout
from fsopt.log.filesystem import Filesystem
from fsopt.log.identity import Identity
from fsopt.log.memory import MemoryFilesystem
from fsopt.log.reader import Damage, LogReader, Position
from fsopt.log.snapshots import SnapshotName
from fsopt.objectives import Objectives
from fsopt.state import StudyState
from fsopt.study.archive import Archive
from fsopt.study.chain import Chain, Follower
from fsopt.study.session import Session
from fsopt.study.snapshot import Contents, from_bytes

EPOCH = 1.7e9
"""What the clock on the wall shows when virtual time begins, seconds since 1970."""

_RECENT = 16
"""Views that are kept though nobody has them."""

Heads = frozenset[SnapshotName]
"""Snapshots of which none tells all that another one does."""


class _Joining:
    """Lets a reader go on where snapshots end; see `fsopt.study.chain.Follower`."""

    def __init__(self, reader: LogReader, clock: Callable[[], float]) -> None:
        self.reader, self.clock = reader, clock

    def join(self, positions: Iterable[Position], damage: Iterable[Damage]) -> None:
        """Go on there."""
        self.reader.join(positions, damage, self.clock())


@dataclass(slots=True, weakref_slot=True)
class View:
    """What some snapshots tell; shared, and never changed."""

    state: StudyState
    table: CommonTable
    chain: Chain
    reader: LogReader
    logs: int
    """How many segments were read."""


class Library:
    """Every snapshot that was published, decoded once for all processes."""

    def __init__(self, config: StudyConfig, timeline: Timeline, think: Callable[[], None]) -> None:
        """Empty.

        Args:
            config: The study.
            timeline: Its time.
            think: Lets the time pass that a proposal takes.
        """
        self.config, self.timeline, self.think = config, timeline, think
        self.objectives = Objectives.of(config.objectives)
        self._bytes: dict[str, bytes] = {}
        self._decoded: dict[str, Contents] = {}
        self._views: weakref.WeakValueDictionary[Heads, View] = weakref.WeakValueDictionary()
        # Who takes in several snapshots knows some of them for a moment only, as others soon do.
        self._recent: deque[View] = deque(maxlen=_RECENT)
        self._grown: dict[str, tuple[tuple[int, int], float]] = {}
        """By writer, how far a snapshot tells of its log at most, and since when that is known."""

    def clock(self) -> float:
        """Seconds since the beginning."""
        return self.timeline.now

    def keep(self, path: str, content: bytes) -> None:
        """A snapshot was published."""
        self._bytes[path] = content

    def contents(self, name: SnapshotName) -> Contents:
        """What a snapshot holds."""
        if name.path not in self._decoded:
            self._decoded[name.path] = from_bytes(self._bytes[name.path], self.config)
        return self._decoded[name.path]

    def view(self, heads: Heads) -> View:
        """What these snapshots tell, for all who have taken in just these."""
        view = self._views.get(heads)
        if view is None:
            view = self._views[heads] = self.read(heads)
            self._recent.append(view)
        return view

    def read(self, heads: Heads) -> View:
        """What these snapshots tell, read anew."""
        shelf = MemoryFilesystem()
        for name in heads:
            self._put_on(shelf, name)
        state = StudyState(self.config.space, len(self.objectives))
        reader = LogReader(shelf, "")
        chain = _LibraryChain(shelf, self)
        chain.take_in(state, _Joining(reader, self.clock))
        self._date(reader)
        table = CommonTable(state, self.objectives, self.config.space)
        return View(state, table, chain, reader, len(reader.positions))

    def _date(self, reader: LogReader) -> None:
        """Tell a reader of snapshots when it was first known how far they tell of each log."""
        for position in reader.positions:
            length = position.index, position.offset
            known = self._grown.get(position.writer)
            if known is None or length > known[0]:
                self._grown[position.writer] = known = length, self.timeline.now
            reader.last_growth[position.writer] = known[1]

    def _put_on(self, shelf: MemoryFilesystem, name: SnapshotName) -> None:
        if shelf.publish(name.path, b""):
            for base in self.contents(name).base:
                self._put_on(shelf, base)


class _LibraryChain(Chain):
    """Reads snapshots, but finds what they hold in the library: each is decoded once for all."""

    def __init__(self, filesystem: Filesystem, library: Library) -> None:
        super().__init__(filesystem, library.config, library.clock)
        self._library = library

    def _read(self, name: SnapshotName) -> Contents | None:
        try:
            self.filesystem.read(name.path)
        except FileNotFoundError:
            return None
        contents = self._library.contents(name)
        self._bases[name] = contents.base
        return contents


class SharingSession(Session):
    """A session in virtual time; what it knows from snapshots, it shares with others."""

    def __init__(
        self,
        library: Library,
        filesystem: Filesystem,
        files: Checkpoints,
        identity: Identity,
        own_log: Callable[[], Iterable[Record]],
    ) -> None:
        """Reads nothing yet.

        Args:
            library: What it shares.
            filesystem: See `Session`.
            files: See `Session`.
            identity: See `Session`.
            own_log: All that this process has written durably.
        """
        clock = library.clock
        super().__init__(
            library.config,
            filesystem,
            files,  # type: ignore[arg-type]
            identity,
            clock,
            wall_clock=lambda: EPOCH + clock(),
        )
        self._library = library
        self._own_log = own_log
        self.chain = self._chain = SharingChain(self, library)
        self._share(frozenset(), 0)

    def keep_alive(self) -> None:
        """Signs of life are shown by the backend, which knows when time passes."""

    def wait(self, seconds: float) -> None:
        """Sleep; looking before the next look is due would change nothing."""
        timeline = self._library.timeline
        timeline.sleep_until(max(timeline.now + seconds, self._next_refresh))

    def history(self) -> History:
        """The history as an optimizer sees it, after the time that it takes to propose."""
        self._library.think()
        if isinstance(self.state, LayeredState):
            return self.state.history()
        return super().history()

    def show(self, view: View, reader: SharingReader) -> None:
        """Know what some snapshots tell, and what this process has told and read itself."""
        self.state = LayeredState(view.state, view.table, len(self.objectives))
        self._tell_own()
        self.state.apply_all(reader.heard)

    def _take_in(self, *, thorough: bool) -> None:
        if self.journal.follows_all and self._chain.is_sharing:
            self._part()
        elif not (self.journal.follows_all or self._chain.is_sharing):
            newest = self.chain.newest
            heads = frozenset(() if newest is None else (newest,))
            self._share(heads, self.journal.open_segments)
            self.journal.follows_all = False
        super()._take_in(thorough=thorough)

    def _share(self, heads: Heads, logs: int) -> None:
        """Share what these snapshots tell; so many logs are known."""
        view, journal = self._library.view(heads), self.journal
        reader = SharingReader(journal.filesystem, self.writer, logs, view)
        _go_on_watching(reader, journal._reader)
        journal._reader = reader
        self._chain.share(heads, reader)

    def _part(self) -> None:
        """Have everything for itself from now on, to read logs into it."""
        view = self._library.read(self._chain.heads)
        view.reader.filesystem, view.reader.own = self.journal.filesystem, self.writer
        _go_on_watching(view.reader, self.journal._reader)
        self.journal._reader, self.state = view.reader, view.state
        self._chain.part(view)
        self._tell_own()
        self._archive = Archive(
            self.state.trials, self.config.space, self.objectives, noisy=self.config.noisy
        )

    def _tell_own(self) -> None:
        known = self.state.writers.get(self.writer)
        end = 0 if known is None else known.known.end
        self.state.apply_all(record for record in self._own_log() if record.seq >= end)


class SharingChain(_LibraryChain):
    """Reads the snapshots that it needs, and shows what the library has made of them."""

    def __init__(self, session: SharingSession, library: Library) -> None:
        super().__init__(session.journal.filesystem, library)
        self.heads: Heads = frozenset()
        """What was taken in while it was shared."""
        self._shown: Heads = frozenset()
        self._session = session
        self._reader: SharingReader | None = None

    @property
    def is_sharing(self) -> bool:
        """Whether the session shares what it knows."""
        return self._reader is not None

    def take_in(self, state: StudyState, follower: Follower) -> bool:
        """Join what others have published; shown is what came of all of it."""
        took = super().take_in(state, follower)
        if self._reader is not None and self.heads != self._shown:
            self.share(self.heads, self._reader)
        return took

    def share(self, heads: Heads, reader: SharingReader) -> None:
        """Show what the library has made of these snapshots, which were read."""
        self.heads = self._shown = heads
        self._reader = reader
        view = self._library.view(heads)
        reader.show(view, self.clock())
        self._know(view)
        self._told_by = {name: told for name, told in self._told_by.items() if name in heads}
        self._session.show(view, reader)

    def part(self, view: View) -> None:
        """Go on alone from what was taken in; the view is nobody else's."""
        self._reader = None
        self._know(view)
        self._told_by |= view.chain._told_by
        self._bases |= view.chain._bases

    def _know(self, view: View) -> None:
        common = view.chain
        self.tiers, self.scalars, self.marks = common.tiers, common.scalars, common.marks
        self.included |= common.included
        self._taken_at = self.clock()

    def _take_in_one(self, name: SnapshotName, state: StudyState, follower: Follower) -> bool:
        if self._reader is None:
            return super()._take_in_one(name, state, follower)
        files = self._files(name)
        if not files or files[0][1] is None:
            self._useless[name] += 1
            return False
        self._note(name, files[0][1])
        heads = self.heads - self.told_by(name) | {name}
        if self.newest is None or name > self.newest:
            self.share(heads, self._reader)
        else:
            self.heads = heads
        return True


class SharingReader(LogReader):
    """Knows what is read in common, and reads by itself the logs that it watches."""

    def __init__(self, filesystem: Filesystem, own: str, logs: int, view: View) -> None:
        super().__init__(filesystem, own)
        self.logs, self.view = logs, view
        self.last_growth = _Growth(self)
        self.heard: list[Record] = []
        """What it has read by itself, beyond what is common."""

    def show(self, view: View, now: float) -> None:
        """Know what is common from now on."""
        self.view = view
        common = view.reader._segments
        self.join([common[key] for key in self._segments if key in common], (), now)
        known = view.state.writers
        self.heard = [
            record
            for record in self.heard
            if record.writer not in known or record.seq >= known[record.writer].known.end
        ]

    def poll(self, now: float, *, thorough: bool = True) -> list[Record]:
        """What was added to watched logs since the last poll; see `LogReader.poll`."""
        records = super().poll(now, thorough=thorough)
        self.heard += records
        return records

    @property
    def open_segments(self) -> int:
        """How many segments are known that may still grow."""
        return max(self.logs, self.view.reader.open_segments)

    @property
    def unread_segments(self) -> int:
        """How many of these nobody has read."""
        return max(0, self.logs - self.view.logs)

    def has_finished(self, writer: str) -> bool:
        """Whether nothing more comes from a writer."""
        return self.view.reader.has_finished(writer) or super().has_finished(writer)

    def silence(self, writer: str, now: float) -> float:
        """For how many seconds this process saw a log not grow."""
        if writer in self.watched or writer in self._latest:
            return super().silence(writer, now)
        return -math.inf

    def discover(self, now: float) -> None:
        """Count the logs, and find those that are watched."""
        if self.follows_all:
            shards = self.filesystem.list(layout.LOG)
            self.logs = sum(len(self.filesystem.list(f"{layout.LOG}/{name}")) for name in shards)
        for shard in sorted({layout.log_shard(writer) for writer in self.watched}):
            for name in self.filesystem.list(shard):
                if layout.writer_of(name) in self.watched and name not in self._listed:
                    self._find(shard, name, now)
        self._listed_at = now

    def _add(self, key: tuple[str, int], now: float) -> Position:
        position, common = super()._add(key, now), self.view.reader._segments.get(key)
        if common is not None:
            position.offset = common.offset
        return position


def _go_on_watching(reader: LogReader, before: LogReader) -> None:
    """Watch what another reader of the same process has watched."""
    reader.watched, growth = before.watched, before.last_growth
    reader.last_growth.update((name, growth[name]) for name in reader.watched if name in growth)


class _Growth(dict[str, float]):
    """When logs were seen to grow: by this process, or by whoever reads for all."""

    def __init__(self, reader: SharingReader) -> None:
        super().__init__()
        self._reader = reader

    def setdefault(self, writer: str, now: float = 0.0) -> float:
        common = self._reader.view.reader.last_growth.get(writer)
        if writer in self or common is None:
            return super().setdefault(writer, now)
        return common
