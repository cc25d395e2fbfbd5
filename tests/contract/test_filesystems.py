"""What every filesystem must do for the protocol."""

import os
import threading
from pathlib import Path

import pytest

from fsopt.log.filesystem import Filesystem, LocalFilesystem
from fsopt.log.memory import MemoryFilesystem


@pytest.fixture(params=["local", "memory"])
def filesystem(request: pytest.FixtureRequest, tmp_path: Path) -> Filesystem:
    made: Filesystem = (
        LocalFilesystem(tmp_path) if request.param == "local" else MemoryFilesystem()
    )
    expected = {"local": LocalFilesystem, "memory": MemoryFilesystem}[request.param]
    assert isinstance(made, expected)
    return made


def test_appended_bytes_are_read_from_any_offset(filesystem: Filesystem) -> None:
    appender = filesystem.create("a/b/log")
    assert appender.write(b"first ") == 6
    assert appender.write(b"second") == 6
    appender.sync()
    appender.close()
    assert filesystem.read("a/b/log") == b"first second"
    assert filesystem.read("a/b/log", 6) == b"second"
    assert filesystem.read("a/b/log", 100) == b""


def test_a_file_is_created_once(filesystem: Filesystem) -> None:
    filesystem.create("log").close()
    with pytest.raises(FileExistsError):
        filesystem.create("log")


def test_a_claim_is_won_once(filesystem: Filesystem) -> None:
    assert filesystem.claim("claims/7", b"one")
    assert not filesystem.claim("claims/7", b"two")
    assert filesystem.read("claims/7") == b"one"


@pytest.mark.parametrize("operation", ["claim", "publish"])
def test_of_many_who_try_at_once_one_wins(filesystem: Filesystem, operation: str) -> None:
    for round_ in range(20):
        barrier = threading.Barrier(8)
        winners: list[int] = []

        def attempt(who: int, barrier: threading.Barrier, winners: list[int], name: str) -> None:
            barrier.wait()
            if getattr(filesystem, operation)(name, str(who).encode()):
                winners.append(who)

        arguments = (barrier, winners, f"claims/{round_}")
        threads = [threading.Thread(target=attempt, args=(who, *arguments)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [str(who).encode() for who in winners] == [filesystem.read(f"claims/{round_}")]


def test_what_is_published_is_there_at_once_and_stays(filesystem: Filesystem) -> None:
    assert filesystem.publish("study.json", b"{}")
    assert not filesystem.publish("study.json", b"other")
    assert filesystem.read("study.json") == b"{}"
    assert filesystem.list("") == ["study.json"]


def test_names_below_a_directory_are_listed(filesystem: Filesystem) -> None:
    filesystem.claim("claims/0/1", b"")
    filesystem.claim("claims/0/2", b"")
    filesystem.claim("claims/1/1000", b"")
    assert sorted(filesystem.list("claims")) == ["0", "1"]
    assert sorted(filesystem.list("claims/0")) == ["1", "2"]
    assert filesystem.list("nowhere") == []


def test_a_removed_file_can_be_claimed_again(filesystem: Filesystem) -> None:
    filesystem.claim("claims/3", b"one")
    filesystem.remove("claims/3")
    filesystem.remove("claims/3")
    assert filesystem.list("claims") == []
    assert filesystem.claim("claims/3", b"two")


def test_only_an_empty_directory_is_removed_and_it_can_be_used_again(
    filesystem: Filesystem,
) -> None:
    filesystem.claim("claims/0/1", b"")
    filesystem.remove_directory("claims/0")
    assert filesystem.list("claims") == ["0"]
    filesystem.remove("claims/0/1")
    filesystem.remove_directory("claims/0")
    filesystem.remove_directory("claims/0")
    assert filesystem.list("claims") == []
    assert filesystem.claim("claims/0/2", b"")
    assert filesystem.list("claims") == ["0"]


def test_a_directory_that_goes_while_a_claim_is_made_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, gone = os.open, []

    def remove_directory_first(path: Path, *rest: int) -> int:
        if len(gone) < 3 and Path(path).name == "7":
            gone.append(path)
            Path(path).parent.rmdir()
        return opened(path, *rest)

    monkeypatch.setattr("os.open", remove_directory_first)
    assert LocalFilesystem(tmp_path).claim("claims/0/7", b"w")
    assert len(gone) == 3


def test_a_missing_file_is_not_found(filesystem: Filesystem) -> None:
    with pytest.raises(FileNotFoundError):
        filesystem.read("nothing")


def test_links_that_are_not_supported_are_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    filesystem = LocalFilesystem(tmp_path)
    assert filesystem.publish("study.json", b"{}")
    assert not filesystem.publish("study.json", b"other")
    assert filesystem.read("study.json") == b"{}"
    assert filesystem.list("") == ["study.json"]


def test_what_is_acknowledged_was_synced_with_the_name_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def note(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path)))

    monkeypatch.setattr("os.fsync", note)
    filesystem = LocalFilesystem(tmp_path)
    appender = filesystem.create("log/a/w.0.jsonl")
    assert synced == [".", "log", "log/a"]
    appender.write(b"line")
    appender.sync()
    appender.close()
    assert synced[3:] == ["log/a/w.0.jsonl"]
    filesystem.publish("study.json", b"{}")
    assert synced[4].startswith(".study.json.")
    assert synced[5:] == ["."]
