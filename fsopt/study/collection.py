"""Removing files that snapshots have made superfluous: logs that ended, and used claims.

A file goes only if nobody can still need it. Either it has been superfluous for long, by the time
for which processes have observed the study: whoever has seen nothing of the study for that long
looks anew before it trusts what it knows. Or every process that ever wrote has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsopt.log import layout
from fsopt.log.filesystem import refused
from fsopt.study.chain import WriterMark

if TYPE_CHECKING:
    from fsopt.study.session import Session

RETENTION = 24 * 3600.0
"""Seconds for which superfluous files stay."""

STALE = 3600.0
"""A process that has seen nothing of the study for so many seconds looks anew."""

SAFE = 2 * STALE
"""The least retention while processes are at work."""


@dataclass(frozen=True, slots=True)
class Collected:
    """How many files were removed."""

    segments: int = 0
    claims: int = 0


def collect(session: Session, retention: float, *, alone: bool = False) -> Collected:
    """Remove what the newest generation, which this process has just made, makes superfluous.

    Args:
        session: Knows what that generation holds.
        retention: For how long it must have been superfluous, seconds; not less than `SAFE`
            unless every other process has ended.
        alone: Whether every other process has ended.

    Raises:
        StorageError: If a file can't be removed.
    """
    observed = session.chain.observed
    scalars, marks = session.chain.scalars, session.chain.marks
    watermark = max((w for w, at in scalars.watermarks if observed - at >= retention), default=0)
    ended = [
        name
        for name, mark in marks.items()
        if mark.is_final and observed - mark.seen >= retention and name != session.writer
    ]
    if not (watermark or ended):
        return Collected()
    claims = _remove_claims(session, watermark, attempts=alone)
    return Collected(_remove_segments(session, ended), claims)


def _remove_segments(session: Session, writers: list[str]) -> int:
    marks = session.chain.marks
    by_shard: dict[str, list[str]] = {}
    for writer in writers:
        by_shard.setdefault(layout.log_shard(writer), []).append(writer)
    count = 0
    for shard, names in sorted(by_shard.items()):
        present = set(_list(session, shard))
        for writer in names:
            for path in _segments(writer, marks[writer]):
                if path.rpartition("/")[2] in present:
                    _remove(session, path)
                    count += 1
    return count


def _segments(writer: str, mark: WriterMark) -> list[str]:
    return [layout.segment(writer, index) for index, _, _ in mark.positions]


def _remove_claims(session: Session, watermark: int, *, attempts: bool) -> int:
    """Remove claims of numbers; those of attempts, too, if nobody can be about to make one."""
    count = 0
    for shard in _list(session, layout.CLAIMS) if watermark else ():
        key = layout.parse_claim(shard)
        if key is None or key[1] is not None or key[0] * layout.CLAIMS_PER_SHARD >= watermark:
            continue
        directory, left = f"{layout.CLAIMS}/{shard}", 0
        for name in _list(session, directory):
            claim = layout.parse_claim(name)
            if claim is None or claim[0] >= watermark or not (attempts or claim[1] is None):
                left += 1
            else:
                _remove(session, f"{directory}/{name}")
                count += 1
        if not left:
            _remove_directory(session, directory)
    return count


def _list(session: Session, path: str) -> list[str]:
    filesystem = session.journal.filesystem
    try:
        return sorted(filesystem.list(path))
    except OSError as error:
        raise refused("list", filesystem.describe(path), error) from error


def _remove(session: Session, path: str) -> None:
    filesystem = session.journal.filesystem
    try:
        filesystem.remove(path)
    except OSError as error:
        raise refused("remove", filesystem.describe(path), error) from error


def _remove_directory(session: Session, path: str) -> None:
    filesystem = session.journal.filesystem
    try:
        filesystem.remove_directory(path)
    except OSError as error:
        raise refused("remove", filesystem.describe(path), error) from error
