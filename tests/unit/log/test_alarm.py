"""Whoever waits is woken by what others write, and not by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsopt.events import Heartbeat
from fsopt.log import alarm
from fsopt.log.alarm import Alarm
from fsopt.log.filesystem import LocalFilesystem
from fsopt.log.mounts import is_of_this_node
from fsopt.log.writer import LogWriter

LONG, SHORT = 60.0, 0.2


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A study in which somebody has written already."""
    writer(tmp_path, "earlier").append([Heartbeat()])
    return tmp_path


def writer(root: Path, name: str) -> LogWriter:
    return LogWriter(LocalFilesystem(root), name, lambda: 0.0)


def test_another_log_rings_and_the_own_does_not(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "is_of_this_node", lambda _: True)
    own, other = writer(root, "own"), writer(root, "other")
    other.append([Heartbeat()])
    heard = Alarm(root, "own")
    own.append([Heartbeat()])
    assert not heard.wait(SHORT)
    other.append([Heartbeat()])
    assert heard.wait(LONG)
    while heard.wait(SHORT):
        """A write is heard of more than once."""
    other.append([Heartbeat()])
    assert heard.wait(LONG)


def test_nothing_is_heard_on_a_network_filesystem(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "is_of_this_node", lambda _: False)
    heard = Alarm(root, "own")
    writer(root, "other").append([Heartbeat()])
    assert not heard.wait(SHORT)


def test_a_study_in_memory_is_silent() -> None:
    assert not Alarm(None, "own").wait(0.0)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "tmpfs", "overlay"])
def test_filesystems_of_one_node(kind: str) -> None:
    assert is_of_this_node(kind)


@pytest.mark.parametrize(
    "kind", ["nfs4", "lustre", "gpfs", "beegfs", "fuse.glusterfs", "9p", "unknown"]
)
def test_filesystems_that_others_may_write_to(kind: str) -> None:
    assert not is_of_this_node(kind)
