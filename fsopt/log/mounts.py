"""On what kind of filesystem a directory lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_MOUNTS = Path("/proc/self/mountinfo")

UNKNOWN = "unknown"

DISKS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "apfs"})
"""Types of filesystem on a disk of this node."""

_OF_THIS_NODE = DISKS | {"tmpfs", "overlay"}


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted filesystem."""

    point: PurePosixPath
    kind: str


def mount_of(path: Path, mounts: str) -> Mount:
    """The mount that a resolved path lies on: the longest that is a prefix, of equals the last.

    Args:
        path: Absolute and without symbolic links.
        mounts: The text of ``/proc/self/mountinfo``.
    """
    found = Mount(PurePosixPath("/"), UNKNOWN)
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        try:
            kind, source = rest.split()[:2]
            mount = Mount(PurePosixPath(_unescaped(fields.split()[4])), _kind(kind, source))
        except (IndexError, ValueError):
            continue
        if path.is_relative_to(mount.point) and len(mount.point.parts) >= len(found.point.parts):
            found = mount
    return found


def filesystem_of(path: Path) -> Mount:
    """The mount of a resolved path; of kind ``unknown`` where the system does not tell."""
    try:
        return mount_of(path, _MOUNTS.read_text(errors="surrogateescape"))
    except OSError:
        return Mount(PurePosixPath("/"), UNKNOWN)


def is_of_this_node(kind: str) -> bool:
    """Whether no other node can write to a filesystem of this type."""
    return kind in _OF_THIS_NODE


def _kind(kind: str, source: str) -> str:
    """The type; programs of FUSE that do not give theirs put it before ``#`` in the source."""
    name, mark, _ = _unescaped(source).partition("#")
    return f"{kind}.{name}" if kind == "fuse" and mark and name else kind


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
