"""Which filesystem a directory lies on, and what is said about it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.doctor import mounts
from fsopt.doctor.place import workplace
from fsopt.log import mounts as log_mounts
from fsopt.log.mounts import mount_of

TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /scratch rw - autofs systemd-1 rw
31 30 0:41 / /scratch rw,noatime shared:7 master:2 - lustre 10.0.0.1@o2ib:/work rw,flock
32 22 0:42 / /home rw - nfs4 server:/home rw,vers=4.2
33 32 0:43 / /home/with\\040space rw - fuse.sshfs me@there: rw
damaged
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/scratch", "lustre"),
        ("/scratch/a/b", "lustre"),
        ("/scratch2", "ext4"),
        ("/home/me", "nfs4"),
        ("/home/with space/x", "fuse.sshfs"),
        ("/home/with", "nfs4"),
    ],
)
def test_the_longest_mount_that_holds_a_path_is_its_own(path: str, kind: str) -> None:
    assert mount_of(Path(path), TABLE).kind == kind


@given(st.text())
def test_any_table_of_mounts_can_be_read(table: str) -> None:
    assert Path("/a/b").is_relative_to(mount_of(Path("/a/b"), table).point)


def test_a_system_that_does_not_tell_its_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_mounts, "_MOUNTS", tmp_path / "none")
    assert log_mounts.filesystem_of(tmp_path).kind == "unknown"


@pytest.mark.parametrize(
    ("kind", "verdict", "says"),
    [
        ("lustre", "ok", "lfs setstripe -c 1"),
        ("nfs", "ok", "version 3"),
        ("nfs4", "ok", "version 3"),
        ("gpfs", "ok", "GPFS"),
        ("beegfs", "ok", "stripe pattern"),
        ("fuse.glusterfs", "ok", "a second"),
        ("fuse.sshfs", "failed", "EPERM"),
        ("tmpfs", "warning", "memory"),
        ("overlay", "warning", "container"),
        ("9p", "warning", "cache="),
        ("ext4", "ok", "this node"),
        ("something", "ok", "nothing is known"),
    ],
)
def test_every_kind_has_its_advice(
    kind: str, verdict: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"1 1 0:1 / / rw - {kind} source rw\n")
    monkeypatch.setattr(log_mounts, "_MOUNTS", table)
    with workplace(tmp_path) as place:
        finding = mounts.filesystem(place)
    assert finding.verdict == verdict
    assert says in finding.what
    assert finding.measured["type"] == kind
