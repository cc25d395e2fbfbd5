"""On what kind of filesystem a directory lies, and what is known about that kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fsopt.doctor.findings import Finding, Verdict
from fsopt.doctor.place import Place

_MOUNTS = Path("/proc/self/mountinfo")

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted filesystem."""

    point: PurePosixPath
    kind: str


_NFS: tuple[Verdict, str] = (
    "ok",
    "NFS: exclusive creation is exact from version 3 on, and what was synced is seen by whoever "
    "opens the file anew. Leave the mount options as they are; noac is not needed.",
)

_ADVICE: dict[str, tuple[Verdict, str]] = {
    "lustre": (
        "ok",
        "Lustre: before the first run, let logs lie on one server each: "
        "mkdir -p DIR && lfs setstripe -c 1 DIR",
    ),
    "nfs": _NFS,
    "nfs4": _NFS,
    "gpfs": ("ok", "GPFS (Storage Scale): nothing to set up."),
    "beegfs": (
        "ok",
        "BeeGFS: before the first run, let logs lie on one target each (number of targets 1 in "
        "the stripe pattern of DIR).",
    ),
    "fuse.glusterfs": (
        "ok",
        "GlusterFS: with its caches on, others see what was synced after about a second.",
    ),
    "fuse.sshfs": (
        "failed",
        "sshfs does not say who lost the race for a name (the loser gets EPERM), and shows what "
        "others appended late or never: use the filesystem where it is mounted directly.",
    ),
    "tmpfs": (
        "warning",
        "tmpfs is this node's memory: other nodes do not see it, and it is lost at a reboot.",
    ),
    "overlay": (
        "warning",
        "overlay is the inside of a container: other nodes and containers do not see it, and it "
        "may go with the container. Use a directory that is mounted from outside.",
    ),
    "9p": (
        "warning",
        "9p keeps what its mount options (cache=) say: run the doctor from two nodes together.",
    ),
}

_LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "apfs"})


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
            mount = Mount(PurePosixPath(_unescaped(fields.split()[4])), rest.split()[0])
        except IndexError:
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


def filesystem(place: Place) -> Finding:
    """What is known about this type of filesystem."""
    mount = filesystem_of(place.directory)
    verdict, advice = _advice(mount.kind)
    return Finding(
        "filesystem", verdict, advice, {"type": mount.kind, "mounted_at": str(mount.point)}
    )


def _advice(kind: str) -> tuple[Verdict, str]:
    if kind in _ADVICE:
        return _ADVICE[kind]
    if kind in _LOCAL:
        return "ok", f"{kind}: a disk of this node; a study here can't be shared with other nodes."
    return (
        "ok",
        f"type {kind}, about which nothing is known: if several nodes shall share a study, "
        "run the doctor from two of them together.",
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
