"""Control groups: in a directory that stands for them, and in those of this machine."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsopt.run import cgroup
from fsopt.run.cgroup import Group


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """Stands for a group that this process is in alone."""
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n")
    (tmp_path / "memory.events").write_text("low 0\nmax 7\noom 2\noom_kill 1\n")
    return tmp_path


def test_room_is_made_by_moving_aside(fake: Path) -> None:
    assert cgroup.make_room(fake) == fake
    assert (fake / "fsopt-worker" / "cgroup.procs").read_text() == str(os.getpid())
    assert (fake / "cgroup.subtree_control").read_text() == "+memory"
    # Who has moved aside before does not do so again.
    assert cgroup.make_room(fake / "fsopt-worker") == fake


def test_a_group_that_others_are_in_stays_as_it_is(fake: Path) -> None:
    (fake / "cgroup.procs").write_text(f"1\n{os.getpid()}\n")
    cgroup.make_room(fake)
    assert not (fake / "fsopt-worker").exists()


def test_there_is_no_room_where_nothing_can_be_written(tmp_path: Path) -> None:
    assert cgroup.make_room(tmp_path / "missing") == tmp_path / "missing"
    assert Group.create(tmp_path / "missing", "a", 1) is None


def test_a_group_gets_its_limits_and_its_processes(fake: Path) -> None:
    group = Group.create(fake, "one", 1000)
    assert group is not None
    assert group.limits_memory
    assert (fake / "one" / "memory.max").read_text() == "1000"
    assert (fake / "one" / "memory.oom.group").read_text() == "1"
    assert group.add(4242)
    assert (fake / "one" / "cgroup.procs").read_text() == "4242"
    group.kill()
    assert (fake / "one" / "cgroup.kill").read_text() == "1"


def test_a_group_without_a_memory_limit_has_none(fake: Path) -> None:
    group = Group.create(fake, "one", None)
    assert group is not None
    assert not group.limits_memory
    assert not (fake / "one" / "memory.max").exists()


def test_kills_by_the_kernel_are_counted(fake: Path, tmp_path: Path) -> None:
    assert cgroup.count_oom_kills(fake) == 1
    assert cgroup.count_oom_kills(tmp_path / "missing") == 0
    assert cgroup.count_oom_kills(None) == 0


def test_the_own_group_must_be_there(tmp_path: Path) -> None:
    assert cgroup.own_group(tmp_path / "nowhere") is None


@pytest.fixture
def real() -> Iterator[Group]:
    own = cgroup.own_group()
    group = own and Group.create(own, f"fsopt-test-{os.getpid()}", None)
    if not group:
        pytest.skip("no control group can be made here")
    yield group
    group.remove()
    assert not group.path.exists()


def test_a_real_group_ends_all_its_processes(real: Group) -> None:
    script = "read go; setsid sleep 60 & sleep 60"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        if not real.add(process.pid):
            process.kill()
            pytest.skip("processes can't be moved here")
        process.stdin.write(b"go\n")
        process.stdin.flush()
        members = real.path / "cgroup.procs"
        while len(members.read_text().split()) < 3:
            time.sleep(0.05)
        if not (real.path / "cgroup.kill").exists():
            process.kill()
            pytest.skip("this kernel can't kill a group")
        real.kill()
        assert process.wait(10) == -9
    # The kernel lets go of them one after the other.
    for _ in range(200):
        if not members.read_text():
            return
        time.sleep(0.05)
    pytest.fail("some still run")
