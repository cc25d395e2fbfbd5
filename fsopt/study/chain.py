"""The snapshot files that a process knows: from the oldest and largest to the newest.

Like the tiers of a log-structured merge tree (O'Neil et al., "The log-structured merge-tree",
1996): each new file takes in the files before it that are not much larger than itself. So there
are O(log n) files, each trial is rewritten O(log n) times, and who knows all but the newest files
need not read the others again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fsopt.config import StudyConfig
from fsopt.events import BudgetSet, Event, Record, StudyReopened, StudyStopped
from fsopt.history import IntArray
from fsopt.log import snapshots
from fsopt.log.filesystem import Filesystem
from fsopt.log.reader import Damage, Position
from fsopt.log.snapshots import NOTHING_LISTED, Listing, SnapshotName
from fsopt.state import StudyState, WriterState
from fsopt.state.residue import facts
from fsopt.study.snapshot import (
    NO_SCALARS,
    Contents,
    DamagedSnapshotError,
    Scalars,
    WriterEntry,
    from_bytes,
)

_MERGED_UP_TO = 2
"""A new file takes in those before it that are at most so many times as large as itself."""

_TRIES = 3
"""How often the directory is listed again when a file is gone that a newer one builds on."""


class Follower(Protocol):
    """Somebody who reads the logs, and can go on where a snapshot ends."""

    def join(self, positions: Iterable[Position], damage: Iterable[Damage]) -> None:
        """Take in how far logs were read, and what could not be read in them."""
        ...


@dataclass(frozen=True, slots=True)
class WriterMark:
    """What a file tells of a writer."""

    end: int
    is_whole: bool
    """Whether none of its events before the end is missing."""
    closed: bool
    positions: tuple[tuple[int, int, bool], ...]
    seen: float
    """How long the study had been observed when its log was last seen to grow, seconds."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more comes from it, and nothing of it is missing."""
        return self.is_whole and all(final for _, _, final in self.positions)


@dataclass(frozen=True, slots=True)
class Tier:
    """What one snapshot file tells of."""

    name: SnapshotName
    rows: IntArray
    """(n,) Trials that it holds as rows, ascending."""
    objects: frozenset[int]
    """Trials that it holds as facts."""
    writers: dict[str, WriterMark]

    @classmethod
    def of(cls, name: SnapshotName, contents: Contents) -> Tier:
        """The tier that a file with these contents is."""
        return cls(
            name=name,
            rows=contents.rows.numbers,
            objects=frozenset(trial_of(record) for record in contents.facts),
            writers={writer: mark_of(entry) for writer, entry in contents.writers.items()},
        )

    @property
    def weight(self) -> int:
        """How much there is in it."""
        return len(self.rows) + len(self.objects) + len(self.writers) + 1


@dataclass(slots=True)
class Chain:
    """What a process has taken in from snapshots; it reads them and never writes.

    Usually each generation includes all that earlier ones told. But two may be made at once, and
    one be published late: so what counts is not the number, but what a file says it includes.
    """

    filesystem: Filesystem
    config: StudyConfig
    clock: Callable[[], float]
    tiers: list[Tier] = field(default_factory=list)
    """Of the newest generation that was taken in, the oldest first."""
    scalars: Scalars = NO_SCALARS
    """As that generation has them."""
    marks: dict[str, WriterMark] = field(default_factory=dict)
    """What its files tell of each writer."""
    included: set[SnapshotName] = field(default_factory=set)
    """Files that tell nothing more than what was taken in."""
    listing: Listing = NOTHING_LISTED
    """The snapshot directory as it was seen last."""
    noticed_at: float = field(init=False)
    """When the newest generation of the listing was first seen."""
    looked_at: float = -math.inf
    """When the directory was listed last."""
    claimed_at: float = field(init=False)
    """When the highest claim of the listing was first seen."""
    _taken_at: float = field(init=False)
    _bases: dict[SnapshotName, tuple[SnapshotName, ...]] = field(default_factory=dict)
    _told_by: dict[SnapshotName, set[SnapshotName]] = field(default_factory=dict)
    """For each generation that was taken in, the files of which it tells everything."""
    _useless: Counter[SnapshotName] = field(default_factory=Counter)
    """How often a file could not be used."""

    def __post_init__(self) -> None:
        self.noticed_at = self.claimed_at = self._taken_at = self.clock()

    @property
    def newest(self) -> SnapshotName | None:
        """The newest generation that was taken in."""
        return self.tiers[-1].name if self.tiers else None

    @property
    def observed(self) -> float:
        """For how long processes have observed the study, seconds.

        The sum of what each measured by its own clock from when it saw a generation to when it
        made the next. So it needs no common clock, and is never more than has really passed.
        """
        return self.scalars.observed + (self.clock() - self._taken_at)

    def look(self) -> Listing:
        """List the snapshots.

        Raises:
            StorageError: If the directory can't be listed.
        """
        before, self.listing = self.listing, snapshots.look(self.filesystem)
        self.looked_at = self.clock()
        if self.listing.newest != before.newest:
            self.noticed_at = self.clock()
        if self.listing.claims[-1:] != before.claims[-1:]:
            self.claimed_at = self.clock()
        return self.listing

    def take_in(self, state: StudyState, follower: Follower) -> bool:
        """Join what others have published into a state; False if there is nothing new.

        Args:
            state: What this process knows.
            follower: Goes on reading where the snapshots end.

        Raises:
            StorageError: If a file can't be read.
        """
        took = False
        for _ in range(_TRIES):
            names = self.look().names
            fresh = [name for name in reversed(names) if self._may_tell_more(name)]
            if not fresh:
                break
            for name in fresh:
                if name not in self.included:
                    took |= self._take_in_one(name, state, follower)
            if self.included.issuperset(fresh):
                break
        return took

    def add(self, name: SnapshotName, contents: Contents, state: StudyState) -> None:
        """Note a generation that this process has made from its state."""
        known = {tier.name: tier for tier in self.tiers}
        tiers = [*(known[base] for base in contents.base), Tier.of(name, contents)]
        self._note(name, contents)
        self._follow(tiers, contents.scalars, state)

    def told_by(self, name: SnapshotName) -> set[SnapshotName]:
        """The files that tell nothing more than a generation that was taken in or made."""
        return self._told_by[name]

    def merged(self, weight: int) -> list[Tier]:
        """The tiers that a new file takes in.

        Args:
            weight: How much there is in it without them.
        """
        taken: list[Tier] = []
        for tier in reversed(self.tiers):
            if tier.weight > _MERGED_UP_TO * weight:
                break
            weight += tier.weight
            taken.append(tier)
        return taken

    def needed(self, generations: int) -> set[SnapshotName]:
        """The newest generations, with all the files that they build on.

        Raises:
            StorageError: If one can't be read.
        """
        # The directory may be listed as it was before what is known by now.
        names = sorted(self.included.union(self.look().names))[-generations:]
        needed = set(names)
        for name in names:
            if name not in self._bases:
                self._read(name)
            needed.update(self._bases.get(name, ()))
        return needed

    def _may_tell_more(self, name: SnapshotName) -> bool:
        return name not in self.included and self._useless[name] < _TRIES

    def _take_in_one(self, name: SnapshotName, state: StudyState, follower: Follower) -> bool:
        files = self._files(name)
        if not files:
            self._useless[name] += 1
            return self._useless[name] == _TRIES and self._take_in_part(name, state)
        fresh = [(file, contents) for file, contents in files if contents is not None]
        known = {tier.name: tier for tier in self.tiers}
        known |= {file: Tier.of(file, contents) for file, contents in fresh}
        is_newest = self.newest is None or name > self.newest
        is_newest &= all(file in known for file, _ in files)
        _join(state, follower, [contents for _, contents in fresh], settle=is_newest)
        newest = fresh[0][1]
        self._note(name, newest)
        if is_newest:
            self._follow([known[file] for file, _ in reversed(files)], newest.scalars, state)
            if name == self.listing.newest:
                self._taken_at = self.noticed_at
        return True

    def _take_in_part(self, name: SnapshotName, state: StudyState) -> bool:
        """Take in the trials of a file whose base is gone.

        Whoever removed the base has included it elsewhere. Should it be gone for another reason,
        then the logs tell it: so nothing of them counts as read.
        """
        contents = self._read(name)
        if contents is None:
            return False
        _join_rows(state, contents, [], set())
        _join_facts(state, contents.facts, [], set(), settle=False)
        self._told_by[name] = {name}
        self.included.add(name)
        return True

    def _note(self, name: SnapshotName, contents: Contents) -> None:
        self._told_by[name] = {name, *contents.base, *contents.includes}
        self.included |= self._told_by[name]
        self._bases[name] = contents.base

    def _follow(self, tiers: list[Tier], scalars: Scalars, state: StudyState) -> None:
        """Count from another generation on what is new."""
        told = self._told_by[tiers[-1].name]
        for tier in self.tiers:
            if tier.name not in told:
                # Both were made at once, and this one does not tell what that one told.
                state.trials.unsettle([*tier.rows.tolist(), *tier.objects])
        self.tiers, self.scalars, self.marks = tiers, scalars, {}
        for tier in tiers:
            self.marks |= tier.writers
        self._taken_at = self.clock()

    def _files(self, name: SnapshotName) -> list[tuple[SnapshotName, Contents | None]]:
        """What a generation consists of, the newest first, None where that was taken in before.

        Nothing, if a part of it can't be had, nor was ever taken in.
        """
        known = {tier.name for tier in self.tiers}
        newest = self._read(name)
        if newest is None:
            return []
        files: list[tuple[SnapshotName, Contents | None]] = [(name, newest)]
        for base in reversed(newest.base):
            contents = None if base in known else self._read(base)
            if contents is None and base not in self.included:
                return []
            files.append((base, contents))
        return files

    def _read(self, name: SnapshotName) -> Contents | None:
        content = snapshots.read(self.filesystem, name)
        if content is None:
            return None
        try:
            contents = from_bytes(content, self.config)
        except DamagedSnapshotError:
            return None
        self._bases[name] = contents.base
        return contents


def _join(
    state: StudyState, follower: Follower, files: Iterable[Contents], *, settle: bool
) -> None:
    """Take in files, the newest first: it tells all of a trial or writer that others tell of.

    Args:
        state: Where to.
        follower: Goes on reading where they end.
        files: What they hold.
        settle: Whether trials of which nothing was known before are settled by it.
    """
    told: set[int] = set()
    rows: list[IntArray] = []
    writers: set[str] = set()
    for contents in files:
        _join_rows(state, contents, rows, told)
        _join_facts(state, contents.facts, rows, told, settle=settle)
        for name, entry in contents.writers.items():
            if name not in writers:
                if entry.state.known.end:
                    state.writers.setdefault(name, WriterState()).join(entry.state)
                follower.join(entry.positions, entry.damage)
        state.adopt(_scalar_facts(contents.scalars))
        rows.append(contents.rows.numbers)
        told.update(trial_of(record) for record in contents.facts)
        writers |= contents.writers.keys()


def _join_rows(
    state: StudyState, contents: Contents, rows: list[IntArray], told: set[int]
) -> None:
    numbers = contents.rows.numbers
    old = np.zeros(len(numbers), dtype=np.bool_)
    for newer in [*rows, np.fromiter(told, dtype=np.int64)]:
        if len(newer):
            old |= np.isin(numbers, newer)
    frozen = contents.rows.among(~old) if old.any() else contents.rows
    for number in state.trials.join(frozen).tolist():
        state.adopt(facts(frozen.trial(number)))


def _join_facts(
    state: StudyState,
    records: Iterable[Record],
    rows: list[IntArray],
    told: set[int],
    *,
    settle: bool,
) -> None:
    by_trial: dict[int, list[Record]] = {}
    for record in records:
        by_trial.setdefault(trial_of(record), []).append(record)
    for number, its in by_trial.items():
        if number in told or any(is_among(number, newer) for newer in rows):
            continue
        is_new = number not in state.trials
        state.adopt(its)
        if settle and is_new:
            state.trials.settle(number)


def is_among(number: int, ascending: IntArray) -> bool:
    """Whether a number is in an array that ascends."""
    at = int(np.searchsorted(ascending, number))
    return at < len(ascending) and int(ascending[at]) == number


def _scalar_facts(scalars: Scalars) -> list[Record]:
    events: list[Event] = []
    if scalars.budget is not None:
        events.append(BudgetSet(trials=scalars.budget))
    kind = StudyStopped if scalars.stopped else StudyReopened
    events.append(kind(generation=scalars.generation))
    told = (Record("", 0, 0.0, event) for event in events)
    return [*told, *scalars.ensembles, *scalars.priors]


def trial_of(record: Record) -> int:
    """The number of the trial that a fact is about."""
    number: int = getattr(record.event, "trial", -1)
    return number


def mark_of(entry: WriterEntry) -> WriterMark:
    """What to remember of a writer's entry in a file."""
    return WriterMark(
        end=entry.state.known.end,
        is_whole=not entry.state.known.gaps,
        closed=entry.state.closed,
        positions=tuple((p.index, p.offset, p.final) for p in entry.positions),
        seen=entry.seen,
    )
