"""Snapshot files: complete or not there at all, never changed, and each with its own checksum.

Generations are numbered. Whoever wants to make one claims its number, so that usually only one
process does the work; two that do it all the same harm nobody.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from fsopt.log import layout
from fsopt.log.filesystem import Filesystem, refused

KEPT = 8
"""How many of the newest generations stay, with all that they are based on, and their claims. A
process may have stopped while it made one, and a directory may be listed as it was a while ago."""


class SnapshotName(NamedTuple):
    """What tells a snapshot file from all others; later generations compare greater."""

    generation: int
    writer: str
    checksum: int

    @property
    def path(self) -> str:
        """Where it lies."""
        return layout.snapshot(*self)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the snapshot directory shows."""

    names: tuple[SnapshotName, ...]
    """The snapshots, the newest last."""
    claims: tuple[int, ...]
    """The generations that were claimed, ascending."""

    @property
    def newest(self) -> SnapshotName | None:
        """The newest snapshot, if there is one."""
        return self.names[-1] if self.names else None

    @property
    def next_generation(self) -> int:
        """The lowest generation that nobody has made or claimed."""
        return max(self._made, *self.claims[-1:], 0) + 1

    @property
    def is_being_made(self) -> bool:
        """Whether a newer generation than the newest was claimed."""
        return bool(self.claims) and self.claims[-1] > self._made

    @property
    def _made(self) -> int:
        return self.names[-1].generation if self.names else 0


NOTHING_LISTED = Listing(names=(), claims=())


def look(filesystem: Filesystem) -> Listing:
    """List the snapshot directory.

    Raises:
        StorageError: If it can't be listed.
    """
    try:
        names = filesystem.list(layout.SNAPSHOTS)
    except OSError as error:
        raise refused("list", filesystem.describe(layout.SNAPSHOTS), error) from error
    snapshots = filter(None, map(layout.parse_snapshot, names))
    claims = (layout.parse_snapshot_claim(name) for name in names)
    return Listing(
        names=tuple(sorted(SnapshotName(*found) for found in snapshots)),
        claims=tuple(sorted(claim for claim in claims if claim is not None)),
    )


def claim(filesystem: Filesystem, generation: int, writer: str) -> bool:
    """Claim a generation; True for exactly one of all who try.

    Raises:
        StorageError: If it can't be claimed.
    """
    path = layout.snapshot_claim(generation)
    try:
        return filesystem.claim(path, f"{writer}\n".encode())
    except OSError as error:
        raise refused("claim", filesystem.describe(path), error) from error


def publish(filesystem: Filesystem, generation: int, writer: str, content: bytes) -> SnapshotName:
    """Write a snapshot.

    Args:
        filesystem: Where the study lies.
        generation: Claimed by this process.
        writer: The id of the process that made it.
        content: The file's bytes.

    Raises:
        StorageError: If it can't be written.
    """
    name = SnapshotName(generation, writer, zlib.crc32(content))
    try:
        filesystem.publish(name.path, content)
    except OSError as error:
        raise refused("write", filesystem.describe(name.path), error) from error
    return name


def read(filesystem: Filesystem, name: SnapshotName) -> bytes | None:
    """The bytes of a snapshot; None if it was removed, or its checksum does not match.

    Raises:
        StorageError: If it can't be read.
    """
    try:
        content = filesystem.read(name.path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused("read", filesystem.describe(name.path), error) from error
    return content if zlib.crc32(content) == name.checksum else None


def remove_old(filesystem: Filesystem, superfluous: Collection[SnapshotName]) -> list[str]:
    """Remove snapshots that are not needed any more, and claims that were used.

    Whoever is about to read one of them finds that it is gone, and another that includes it.

    Args:
        filesystem: Where the study lies.
        superfluous: The snapshots to remove.

    Returns:
        The paths of the snapshots that were there.

    Raises:
        StorageError: If one can't be removed.
    """
    listing = look(filesystem)
    newest = listing.names[-1].generation if listing.names else 0
    old = [name.path for name in listing.names if name in superfluous]
    used = [layout.snapshot_claim(c) for c in listing.claims if c <= newest - KEPT]
    for path in [*old, *used]:
        remove(filesystem, path)
    return old


def remove(filesystem: Filesystem, path: str) -> None:
    """Remove a file.

    Raises:
        StorageError: If it can't be removed.
    """
    try:
        filesystem.remove(path)
    except OSError as error:
        raise refused("remove", filesystem.describe(path), error) from error
