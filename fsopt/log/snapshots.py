"""Snapshot files: complete or not there at all, never changed, and each with its own checksum."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from fsopt.log import layout
from fsopt.log.filesystem import Filesystem, refused

KEPT = 2
"""How many of the newest snapshots stay when older ones are removed."""


def publish(filesystem: Filesystem, writer: str, content: bytes) -> str:
    """Write a snapshot under the next free generation.

    Args:
        filesystem: Where the study lies.
        writer: The id of the process that made it; no two processes use the same name.
        content: The file's bytes.

    Returns:
        Its path.

    Raises:
        StorageError: If it can't be written.
    """
    newest = max((found[0] for found in _listed(filesystem)), default=0)
    path = layout.snapshot(newest + 1, writer, zlib.crc32(content))
    try:
        filesystem.publish(path, content)
    except OSError as error:
        raise refused("write", filesystem.describe(path), error) from error
    return path


def newest_first(filesystem: Filesystem) -> Iterator[tuple[str, bytes]]:
    """The snapshots that are whole, with their paths.

    One that was removed meanwhile, or whose checksum does not match, is passed over.

    Raises:
        StorageError: If one can't be read.
    """
    for generation, writer, checksum in sorted(_listed(filesystem), reverse=True):
        path = layout.snapshot(generation, writer, checksum)
        try:
            content = filesystem.read(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise refused("read", filesystem.describe(path), error) from error
        if zlib.crc32(content) == checksum:
            yield path, content


def remove_old(filesystem: Filesystem) -> list[str]:
    """Remove all but the newest snapshots; returns the paths.

    Whoever is about to read one of them takes a newer one, or the logs.

    Raises:
        StorageError: If one can't be removed.
    """
    old = [layout.snapshot(*found) for found in sorted(_listed(filesystem))[:-KEPT]]
    for path in old:
        try:
            filesystem.remove(path)
        except OSError as error:
            raise refused("remove", filesystem.describe(path), error) from error
    return old


def _listed(filesystem: Filesystem) -> list[tuple[int, str, int]]:
    try:
        names = filesystem.list(layout.SNAPSHOTS)
    except OSError as error:
        raise refused("list", filesystem.describe(layout.SNAPSHOTS), error) from error
    return [found for found in map(layout.parse_snapshot, names) if found is not None]
