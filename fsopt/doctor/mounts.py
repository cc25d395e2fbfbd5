"""What is known about the kind of filesystem that a directory lies on."""

from __future__ import annotations

from fsopt.doctor.findings import Finding, Verdict
from fsopt.doctor.place import Place
from fsopt.log.mounts import DISKS, filesystem_of

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
    "fuse.mfs": (
        "ok",
        "MooseFS: leave its caches as they are. While no chunk server has room, writing waits "
        "instead of failing.",
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


def filesystem(place: Place) -> Finding:
    """What is known about this type of filesystem."""
    mount = filesystem_of(place.directory)
    verdict, advice = _advice(mount.kind)
    return Finding(
        "filesystem", verdict, advice, {"type": mount.kind, "mounted_at": str(mount.point)}
    )


def refusal(kind: str) -> str | None:
    """Why studies can't be on this type of filesystem; None if nothing speaks against it."""
    verdict, advice = _advice(kind)
    return advice if verdict == "failed" else None


def _advice(kind: str) -> tuple[Verdict, str]:
    if kind in _ADVICE:
        return _ADVICE[kind]
    if kind in DISKS:
        return "ok", f"{kind}: a disk of this node; a study here can't be shared with other nodes."
    return (
        "ok",
        f"type {kind}, about which nothing is known: if several nodes shall share a study, "
        "run the doctor from two of them together.",
    )
