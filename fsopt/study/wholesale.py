"""Folding a whole study at somebody's request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fsopt.log import snapshots
from fsopt.log.mounts import filesystem_of, is_of_this_node
from fsopt.log.snapshots import SnapshotName
from fsopt.study.collection import SAFE, Collected, collect
from fsopt.study.session import Session

CACHE_TIME = 60.0
"""Seconds for which network filesystems go on showing old contents, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What came of it."""

    path: Path
    """The snapshot file that holds everything."""
    snapshots: int
    """How many older ones were removed."""
    collected: Collected
    at_work: tuple[str, ...]
    """Other writers that have not ended, as far as is known."""


def compact(
    session: Session, retention: float, *, assume_ended: bool, settle: Callable[[], None]
) -> Compacted:
    """Fold everything into one file, and remove what it makes superfluous; see `Study.compact`.

    Args:
        session: Of the study.
        retention: For how long files must have been superfluous to be removed, seconds.
        assume_ended: Whether processes that never said good-bye have ended.
        settle: Waits until the names that are published now are seen by everybody, and the names
            that others had published by then are seen here.

    Raises:
        StorageError: If a file can't be written or removed.
    """
    session.sync()
    ended = [n for n in _at_work(session) if assume_ended or session.has_vanished(n)]
    if assume_ended and ended:
        # What processes of other nodes wrote at last may not be seen here yet.
        settle()
    # It is read now that they can't write any more.
    since = session.clock()
    session.sync()
    for name in ended:
        session.journal.finish(name, since)
    filesystem, at_work = session.journal.filesystem, _at_work(session)
    while True:
        made = _make(session)
        if retention >= SAFE or at_work:
            break
        # Whoever joins from now on knows this snapshot; who joined before is seen afterwards.
        settle()
        session.sync()
        at_work = _at_work(session)
        if at_work or session.compactor.tells_all():
            break
    needed = session.chain.needed(snapshots.KEPT) if at_work else {made}
    old = snapshots.remove_old(filesystem, session.chain.told_by(made) - needed)
    collected = Collected()
    if retention >= SAFE or not at_work:
        collected = collect(session, retention, alone=not at_work)
    return Compacted(
        path=session.files.root / made.path,
        snapshots=len(old),
        collected=collected,
        at_work=tuple(at_work),
    )


def _make(session: Session) -> SnapshotName:
    while (made := session.compactor.make(whole=True)) is None:
        """Another process has just begun this generation; the next one is free."""
    return made


def settling_time(directory: Path | None) -> float:
    """Seconds until every node sees what another one has just done, and that seen here."""
    if directory is None or is_of_this_node(filesystem_of(directory.resolve()).kind):
        return 0.0
    return 2 * CACHE_TIME


def _at_work(session: Session) -> list[str]:
    """Other writers that have not said good-bye, and are not known to have ended."""
    writers, journal = session.state.writers, session.journal
    closed = {name for name, writer in writers.items() if writer.closed}
    names = writers.keys() | {position.writer for position in journal.positions}
    others = names - closed - {session.writer}
    return sorted(name for name in others if not journal.has_finished(name))
