"""Making snapshots: who does it when, and what goes into the next one.

No process is appointed to it. With few logs each process reads them all, and whoever finds that
enough has happened makes the next generation. With many, one process reads them for all others:
whoever made the newest generation, for as long as it goes on making them.
"""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fsopt.errors import StorageError
from fsopt.events import Event, Record
from fsopt.history import IntArray
from fsopt.log import layout, snapshots
from fsopt.log.snapshots import SnapshotName
from fsopt.state import WriterState
from fsopt.state.record import Stamp
from fsopt.study.chain import is_among, mark_of, trial_of
from fsopt.study.collection import RETENTION, collect
from fsopt.study.snapshot import Contents, Scalars, WriterEntry, facts_of, to_bytes

if TYPE_CHECKING:
    from fsopt.study.session import Session

_T = TypeVar("_T")

TRIALS_PER_GENERATION = 1000
"""So many more finished trials are worth a new generation, while everybody reads all logs."""

PATIENCE = 60.0
"""Seconds without a new generation after which another process makes one, where not everybody
reads all logs. Each waits up to as long again, so that they do not all try at once."""

_INTERVALS = (1.0, 20.0)
"""Seconds between generations, at least and at most, where not everybody reads all logs."""

_COST_SHARE = 20
"""And at least so many times what making one takes."""

_FRESH = 1.0
"""Seconds for which a listing need not be asked for again."""

_COLLECT_EVERY = 3600.0
"""Seconds between looks for files that can be removed."""

_RETRY_AFTER = 60.0
"""Seconds before another try, after the filesystem refused one."""

_MARK_EVERY = 3600.0
_MARKS_KEPT = 100


@dataclass(slots=True)
class Compactor:
    """Makes snapshots for one process."""

    session: Session
    is_wanted: bool = True
    """Whether snapshots are worth anything; in memory they are not."""
    is_maker: bool = False
    """Whether this process made the newest generation, as far as it knows."""
    _finished_before: int = 0
    """How many trials were finished when the newest generation was noticed."""
    _counted_for: SnapshotName | None = None
    _next: float = -math.inf
    """The own clock before which nothing is to be done."""
    _collected_at: float = -math.inf
    _share: float = field(init=False)
    """This process's place in the order of those that wait, in [0, 1)."""

    def __post_init__(self) -> None:
        self._share = zlib.crc32(self.session.writer.encode()) / 2**32

    def maintain(self) -> None:
        """Make the next generation if it is this process's turn.

        A filesystem that refuses costs nothing but the snapshot.
        """
        now = self.session.clock()
        if now < self._next or not self.is_wanted:
            return
        try:
            if self._is_due(now) and self.make() is not None:
                self._tidy()
                cost = self.session.clock() - now
                low, high = _INTERVALS
                self._next = self.session.clock() + min(max(low, _COST_SHARE * cost), high)
        except StorageError:
            self._next = now + _RETRY_AFTER

    def make(self, *, whole: bool = False) -> SnapshotName | None:
        """Make the next generation; None if another process has just begun it.

        Args:
            whole: Whether to put everything into one file.

        Raises:
            StorageError: If it can't be made.
        """
        session, chain = self.session, self.session.chain
        filesystem = session.journal.filesystem
        generation = chain.look().next_generation
        if not snapshots.claim(filesystem, generation, session.writer):
            return None
        # Who reads for all others, again and again, need not look at quiet logs each time.
        session.sync(thorough=whole or not self.is_maker)
        contents = self._contents(whole=whole)
        finished = [
            session.state.trials[number]
            for number in sorted({trial_of(record) for record in contents.facts})
            if session.state.trials[number].state.is_finished
        ]
        content = to_bytes(contents, finished, session.config)
        name = snapshots.publish(filesystem, generation, session.writer, content)
        chain.add(name, contents, session.state)
        session.state.trials.settle()
        self.is_maker = True
        return name

    def tells_all(self) -> bool:
        """Whether the newest generation tells all that this process knows of others."""
        marks, own = self.session.chain.marks, self.session.writer
        return all(
            name == own or marks.get(name) == mark_of(entry)
            for name, entry in _writer_entries(self.session)
        )

    def hand_over(self) -> None:
        """Before this process leaves: tell the others what it has read for them."""
        with contextlib.suppress(StorageError):
            if self.is_maker and self.session.is_crowded and not self.tells_all():
                self.make()

    def _tidy(self) -> None:
        """Remove what newer snapshots have made superfluous for long."""
        session = self.session
        chain, filesystem = session.chain, session.journal.filesystem
        if chain.newest is not None:
            needed = chain.needed(snapshots.KEPT)
            snapshots.remove_old(filesystem, chain.told_by(chain.newest) - needed)
        if session.clock() - self._collected_at >= _COLLECT_EVERY:
            self._collected_at = session.clock()
            collect(session, RETENTION)

    def _is_due(self, now: float) -> bool:
        session, chain = self.session, self.session.chain
        if not session.is_crowded:
            finished = session.state.trials.finished
            if finished - self._finished_before < TRIALS_PER_GENERATION:
                return False
        # Where one process reads for all others, the others have just looked.
        listing = chain.listing if now - chain.looked_at < _FRESH else chain.look()
        if self._counted_for != listing.newest:
            self._counted_for = listing.newest
            self._finished_before = session.state.trials.finished
            self.is_maker = listing.newest is not None and (
                listing.newest.writer == session.writer
            )
            if not session.is_crowded:
                return False
        if listing.is_being_made and now - chain.claimed_at < PATIENCE:
            return False
        if not session.is_crowded or self.is_maker or listing.newest is None:
            return True
        patience = PATIENCE if session.concluded_at is None else _INTERVALS[1]
        waited = now - max(chain.noticed_at, session.concluded_at or -math.inf)
        return session.has_many_unread or waited > (1 + self._share) * patience

    def _contents(self, *, whole: bool) -> Contents:
        """What changed since the generation that was taken in, with the tiers that it merges."""
        session, chain = self.session, self.session.chain
        entries = dict(_writer_entries(session))
        numbers = self._changed_trials()
        changed = {n for n, entry in entries.items() if chain.marks.get(n) != mark_of(entry)}
        weight = len(numbers) + len(changed)
        # Another process may have removed a file that its own generations do not build on.
        whole |= any(tier.name not in chain.listing.names for tier in chain.tiers)
        merged = list(chain.tiers) if whole else chain.merged(weight)
        for tier in merged:
            changed |= tier.writers.keys() & entries.keys()
            numbers = np.union1d(numbers, tier.rows)
            numbers = np.union1d(numbers, np.array(sorted(tier.objects), dtype=np.int64))
        trials = session.state.trials
        base = tuple(tier.name for tier in chain.tiers if tier not in merged)
        return Contents(
            base=base,
            includes=tuple(sorted(chain.included.intersection(chain.listing.names) - set(base))),
            rows=trials.frozen(numbers),
            facts=facts_of(t for t in trials.live() if is_among(t.number, numbers)),
            writers={name: entries[name] for name in sorted(changed)},
            scalars=self._scalars(),
        )

    def _changed_trials(self) -> IntArray:
        """(n,) The trials of which the tiers do not tell all."""
        trials, tiers = self.session.state.trials, self.session.chain.tiers
        rows = trials.row_numbers()
        is_told = np.zeros(int(rows.max(initial=-1)) + 1, dtype=np.bool_)
        told_as_objects: set[int] = set()
        for tier in tiers:
            is_told[tier.rows[tier.rows < len(is_told)]] = True
            told_as_objects = {n for n in told_as_objects if not is_among(n, tier.rows)}
            told_as_objects |= tier.objects
        changed = {trial.number for trial in trials.live()} - told_as_objects
        changed |= trials.unsettled
        # It was unfinished, or unusual, when it was last told of.
        changed |= {n for n in told_as_objects if is_among(n, rows)}
        fresh = np.array(sorted(changed), dtype=np.int64)
        numbers: IntArray = np.union1d(rows[~is_told[rows]], fresh)
        return numbers

    def _scalars(self) -> Scalars:
        session = self.session
        state, observed = session.state, session.chain.observed
        watermark = state.trials.complete_below
        watermark = min((t.number for t in state.unfinished()), default=watermark)
        watermark = min(watermark, state.trials.complete_below)
        marks = list(session.chain.scalars.watermarks)
        # The latest one says what is so now; those before it are kept for their age.
        if len(marks) > 1 and marks[-1][1] - marks[-2][1] < _MARK_EVERY:
            del marks[-1]
        marks.append((watermark, observed))
        return Scalars(
            budget=state.budget,
            generation=state.generation,
            stopped=state.stopped,
            observed=observed,
            watermarks=tuple(marks[-_MARKS_KEPT:]),
            ensembles=tuple(_record(*kept) for kept in state.ensembles.values()),
            priors=tuple(_record(*kept) for kept in state.priors.values()),
        )


def _record(event: Event, stamp: Stamp) -> Record:
    return Record(stamp.writer, stamp.seq, stamp.time, event)


def _writer_entries(session: Session) -> Iterator[tuple[str, WriterEntry]]:
    """Every writer, and how far it was read."""
    state, journal, marks = session.state, session.journal, session.chain.marks
    for name, writer in state.writers.items():
        if writer.closed and not writer.known.gaps and name != session.writer:
            # All that it ever acknowledged was read, be it from one segment or another.
            journal.finish(name, -math.inf)
    positions = _grouped((p.writer, p) for p in journal.positions)
    damage = _grouped((layout.writer_of(d.file), d) for d in journal.damage)
    observed = session.chain.observed
    # Of some there are files, but no event that can be read.
    for name in sorted(state.writers.keys() | positions.keys()):
        entry = WriterEntry(
            state=state.writers.get(name) or WriterState(),
            positions=tuple(positions.get(name, ())),
            damage=tuple(damage.get(name, ())),
            seen=observed,
        )
        mark = marks.get(name)
        if mark is not None and replace(mark, seen=observed) == mark_of(entry):
            entry = replace(entry, seen=mark.seen)
        yield name, entry


def _grouped(items: Iterable[tuple[str, _T]]) -> dict[str, list[_T]]:
    grouped: dict[str, list[_T]] = {}
    for key, item in items:
        grouped.setdefault(key, []).append(item)
    return grouped
