"""Each check passes on a sound filesystem, and fails on one that lacks what it is about."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fsopt.doctor import examination, examine, files, latency, surroundings
from fsopt.doctor.examination import ALONE
from fsopt.doctor.findings import Finding
from fsopt.doctor.place import Place, leftovers, remove_tree, workplace

real_open, real_write, real_listdir = os.open, os.write, os.listdir

Patch = pytest.MonkeyPatch


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with workplace(tmp_path) as made:
        yield replace(made, patience=0.3)


@pytest.mark.parametrize("check", ALONE, ids=lambda check: check.__name__)
def test_a_check_is_named_as_its_finding_and_fails_nothing_that_works(
    check: examination.Check, place: Place
) -> None:
    finding = check(place)
    assert finding.check == check.__name__.replace("_", " ")
    assert finding.verdict != "failed"
    assert finding.what.endswith((".", "DIR", "…")) or check.__name__ == "left_behind"


def without_exclusion(path: Any, flags: int, *rest: Any, **more: Any) -> int:
    return real_open(path, flags & ~os.O_EXCL, *rest, **more)


def refusing_with(number: int) -> Callable[..., int]:
    """A filesystem that tells the loser of a race something else than that the name exists."""

    def open_(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        try:
            return real_open(path, flags, *rest, **more)
        except FileExistsError:
            raise OSError(number, os.strerror(number)) from None

    return open_


def test_creation_that_is_not_exclusive_fails(place: Place, monkeypatch: Patch) -> None:
    monkeypatch.setattr(os, "open", without_exclusion)
    assert files.exclusive_create(place).verdict == "failed"
    contested = files.contested_create(place)
    assert contested.verdict == "failed"
    assert contested.measured["without_one_winner"] == contested.measured["names"]


def test_a_loser_that_is_told_something_else_fails(place: Place, monkeypatch: Patch) -> None:
    monkeypatch.setattr(os, "open", refusing_with(errno.EPERM))
    finding = files.exclusive_create(place)
    assert finding.verdict == "failed"
    assert finding.measured == {"error": "EPERM"}


def test_a_race_that_nobody_wins_fails(place: Place, monkeypatch: Patch) -> None:
    def exists(*_: Any, **__: Any) -> int:
        raise FileExistsError(errno.EEXIST, "exists")

    monkeypatch.setattr(os, "open", exists)
    assert files.contested_create(place).verdict == "failed"


def test_an_append_that_is_lost_fails(place: Place, monkeypatch: Patch) -> None:
    def lossy(descriptor: int, data: bytes) -> int:
        return len(data) if data == b"line 42\n" else real_write(descriptor, data)

    monkeypatch.setattr(os, "write", lossy)
    assert files.append(place).verdict == "failed"


def test_an_append_that_overwrites_fails(place: Place, monkeypatch: Patch) -> None:
    def open_(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        return real_open(path, flags & ~os.O_APPEND, *rest, **more)

    def from_the_start(descriptor: int, data: bytes) -> int:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return real_write(descriptor, data)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(os, "write", from_the_start)
    assert files.append(place).verdict == "failed"


def test_a_short_write_fails(place: Place, monkeypatch: Patch) -> None:
    monkeypatch.setattr(os, "write", lambda fd, data: real_write(fd, data[:-1]))
    assert files.append(place).verdict == "failed"


def test_missing_hard_links_are_a_reservation(place: Place, monkeypatch: Patch) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(os, "link", refused)
    finding = files.hard_link(place)
    assert finding.verdict == "warning"
    assert finding.measured == {"error": "EPERM"}


def test_links_that_replace_what_is_there_fail(place: Place, monkeypatch: Patch) -> None:
    monkeypatch.setattr(os, "link", os.replace)
    assert files.hard_link(place).verdict == "failed"


def test_a_rename_that_leaves_the_old_name_fails(place: Place, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Path, "rename", shutil.copytree)
    assert files.rename(place).verdict == "failed"


def test_names_that_others_make_and_no_listing_shows_fail(
    place: Place, monkeypatch: Patch
) -> None:
    def delayed(path: Any) -> list[str]:
        return [name for name in real_listdir(path) if name != "listed-for"]

    monkeypatch.setattr(os, "listdir", delayed)
    finding = surroundings.new_names(place)
    assert finding.verdict == "failed"
    assert finding.measured["listed_ms"] == "not within 0.3 s"


def test_names_that_only_a_listing_shows_are_no_harm(place: Place, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    finding = surroundings.new_names(place)
    assert finding.verdict == "ok"
    assert finding.measured["asked_by_name_ms"] == "not within 0.3 s"
    monkeypatch.undo()


def test_files_of_another_owner_are_a_reservation(place: Place, monkeypatch: Patch) -> None:
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert files.permissions(place).verdict == "warning"


@pytest.mark.parametrize(("umask", "mode"), [(0o077, "0600"), (0o002, "0664")])
def test_the_umask_is_told(place: Place, umask: int, mode: str) -> None:
    before = os.umask(umask)
    try:
        finding = files.permissions(place)
    finally:
        os.umask(before)
    assert finding.measured["mode"] == mode
    assert ("only you" in finding.what) == (umask != 0o002)


def space(**values: int) -> Callable[[object], SimpleNamespace]:
    sizes = {"f_bavail": 1 << 30, "f_frsize": 4096, "f_files": 1 << 20, "f_favail": 1 << 20}
    return lambda _: SimpleNamespace(**(sizes | values))


@pytest.mark.parametrize(
    ("check", "values", "verdict"),
    [
        (surroundings.free_space, {}, "ok"),
        (surroundings.free_space, {"f_bavail": (1 << 18) - 1}, "warning"),
        (surroundings.free_space, {"f_bavail": 1 << 18}, "ok"),
        (surroundings.free_files, {}, "ok"),
        (surroundings.free_files, {"f_favail": 99_999}, "warning"),
        (surroundings.free_files, {"f_favail": 0, "f_files": 0}, "ok"),
    ],
)
def test_little_room_is_a_reservation(
    check: examination.Check,
    values: dict[str, int],
    verdict: str,
    place: Place,
    monkeypatch: Patch,
) -> None:
    monkeypatch.setattr(os, "statvfs", space(**values))
    assert check(place).verdict == verdict


@pytest.mark.parametrize(("ahead", "side"), [(3600.0, "behind"), (-3600.0, "ahead of")])
def test_a_server_with_another_time_is_a_reservation(
    place: Place, ahead: float, side: str
) -> None:
    now = place.wall_clock
    finding = surroundings.server_clock(replace(place, wall_clock=lambda: now() + ahead))
    assert finding.verdict == "warning"
    assert side in finding.what


def test_locks_are_told_and_no_harm(place: Place, monkeypatch: Patch) -> None:
    assert surroundings.locks(place).measured == {"flock": "works", "fcntl": "works"}

    def refused(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refused)
    finding = surroundings.locks(place)
    assert finding.verdict == "ok"
    assert finding.measured["flock"] == "refused (ENOLCK)"


@pytest.mark.parametrize("seconds", [0.001, 2.0])
def test_latencies_are_told_and_slow_ones_are_a_reservation(place: Place, seconds: float) -> None:
    times = iter(range(10**6))
    finding = latency.sync_latency(replace(place, clock=lambda: next(times) * seconds))
    assert finding.measured["median_ms"] == seconds * 1e3
    assert finding.verdict == ("warning" if seconds > 1 else "ok")
    assert 1 <= finding.measured["count"] <= 40  # type: ignore[operator]


def test_what_killed_doctors_left_is_reported_and_stays(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".fsopt-doctor-old", tmp_path / ".fsopt-doctor-new"
    session = tmp_path / ".fsopt-doctor" / "together"
    for path in (old, fresh, session):
        path.mkdir(parents=True)
    for path in (old, session):
        os.utime(path, (0, 0))
    assert leftovers(tmp_path, fresh.stat().st_mtime) == [session, old]
    report = examine(tmp_path)
    assert report.ok
    assert report.verdict.endswith("with these reservations: left behind")
    assert old.is_dir()
    assert session.is_dir()


def test_an_operation_that_is_refused_fails_its_check_and_no_other(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    def refused(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(latency, "_measured", lambda *_: refused(0))
    report = examine(tmp_path)
    failed = [finding for finding in report.findings if finding.verdict == "failed"]
    assert {finding.check.split()[1] for finding in failed} == {"latency"}
    assert all("Input/output error" in finding.what for finding in failed)
    assert len(report.findings) == len(ALONE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "there", "not/there/yet"])
def test_the_directory_is_left_as_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "study.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    assert examine(tmp_path / name).ok
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_it_is_interrupted(
    tmp_path: Path, monkeypatch: Patch, signal_: signal.Signals
) -> None:
    def interrupted(_: Place) -> Finding:
        assert any((tmp_path / "new").iterdir())
        os.kill(os.getpid(), signal_)
        raise AssertionError("not interrupted")

    monkeypatch.setattr(examination, "ALONE", (*ALONE[:4], interrupted))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            examine(tmp_path / "new")
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_waits_until_all_is_removed(tmp_path: Path, monkeypatch: Patch) -> None:
    place, remove = tmp_path / "place", shutil.rmtree
    place.mkdir()

    def interrupted(path: Path, **options: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            remove_tree(place)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not place.exists()


def test_a_place_where_nothing_can_be_made_is_one_finding(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    report = examine(tmp_path / "file" / "study")
    assert [finding.check for finding in report.findings] == ["permissions"]
    assert report.verdict.startswith("do not run fsopt here: can't work in")


def test_the_process_that_creates_files_may_die(place: Place, monkeypatch: Patch) -> None:
    popen = subprocess.Popen

    def dying(_: list[str], **options: Any) -> subprocess.Popen[str]:
        return popen(["true"], **options)

    monkeypatch.setattr(subprocess, "Popen", dying)
    with pytest.raises(OSError, match=r"pipe|could not create"):
        surroundings.new_names(place)
