"""Numbers are given out once and without gaps; a dead process is recognised as dead."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fsopt.log import layout
from fsopt.log.claims import Claims
from fsopt.log.filesystem import LocalFilesystem
from fsopt.log.identity import current_identity, has_vanished
from fsopt.log.memory import MemoryFilesystem


def nothing_known(_: int) -> bool:
    return False


def test_many_claimants_get_every_number_once_and_none_is_left_out(tmp_path: Path) -> None:
    filesystem, got = LocalFilesystem(tmp_path), []

    def claim_some(name: str) -> None:
        claims = Claims(filesystem, name)
        while (number := claims.next_number(nothing_known, 60)) is not None:
            got.append(number)

    threads = [threading.Thread(target=claim_some, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(60))


def test_numbers_that_are_known_are_not_asked_for() -> None:
    filesystem = MemoryFilesystem()
    claims = Claims(filesystem, "w")
    assert claims.next_number(lambda n: n < 10, None) == 10
    assert list(filesystem.files) == [layout.claim(10)]


class CrowdedFilesystem(MemoryFilesystem):
    """Where somebody claims every number below 20 just before it is asked for."""

    looks = 0

    def claim(self, path: str, content: bytes) -> bool:
        if int(path.rpartition("/")[2]) < 20:
            super().claim(path, b"other\n")
        return super().claim(path, content)

    def list(self, path: str) -> list[str]:
        self.looks += 1
        return super().list(path)


def test_whoever_loses_many_numbers_in_a_row_looks_but_seldom() -> None:
    filesystem = CrowdedFilesystem()
    assert Claims(filesystem, "w").next_number(nothing_known, None) == 20
    assert filesystem.looks == 3


def test_a_released_number_is_given_out_again() -> None:
    claims = Claims(MemoryFilesystem(), "w")
    assert claims.next_number(nothing_known, None) == 0
    assert claims.next_number(nothing_known, None) == 1
    claims.release(0)
    assert claims.next_number(nothing_known, None) == 0
    assert claims.next_number(nothing_known, None) == 2


def test_an_attempt_is_claimed_once_and_names_its_owner() -> None:
    filesystem = MemoryFilesystem()
    assert Claims(filesystem, "a").attempt(5, 1)
    assert not Claims(filesystem, "b").attempt(5, 1)
    assert Claims(filesystem, "b").owner(5, 1) == "a"
    assert Claims(filesystem, "b").owner(5) is None


@pytest.mark.parametrize("content", [b"", b"../../etc/passwd", b"a b", b"\xff\xfe", b"x" * 200])
def test_a_claim_that_names_no_writer_has_no_owner(content: bytes) -> None:
    filesystem = MemoryFilesystem()
    filesystem.claim(layout.claim(1), content)
    assert Claims(filesystem, "w").owner(1) is None


def test_every_process_gets_an_id_of_its_own_that_is_a_safe_file_name() -> None:
    ids = {current_identity({}).writer for _ in range(100)}
    assert len(ids) == 100
    assert all(map(layout.is_writer_id, ids))


def test_the_scheduler_names_the_writer() -> None:
    identity = current_identity({"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "3"})
    assert identity.job == "7-r3"
    assert identity.writer.startswith("7-r3-")
    assert current_identity({}).job is None


def test_a_process_that_lives_has_not_vanished() -> None:
    identity = current_identity({})
    assert not has_vanished(identity.pid, identity.process)


def other_process(code: str) -> tuple[subprocess.Popen[str], int, str]:
    program = f"""
import os, sys
from fsopt.log.identity import current_identity
identity = current_identity({{}})
print(identity.pid, identity.process, flush=True)
{code}
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid, name = process.stdout.readline().split()
    return process, int(pid), name


def test_a_killed_process_has_vanished_even_before_it_is_reaped() -> None:
    process, pid, name = other_process("import time; time.sleep(60)")
    assert not has_vanished(pid, name)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert has_vanished(pid, name)
    process.communicate()
    assert has_vanished(pid, name)


def test_a_pid_that_was_given_to_another_process_is_not_mistaken() -> None:
    identity = current_identity({})
    assert identity.process is not None
    machine, _, start = identity.process.rpartition("/")
    assert has_vanished(identity.pid, f"{machine}/{int(start) - 1}")


def test_of_another_machine_nothing_is_claimed_to_be_known() -> None:
    assert not has_vanished(1, "some-other-boot/123/456")
    assert not has_vanished(1, None)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("w-1.0.jsonl", ("w-1", 0)),
        ("w.12.jsonl", ("w", 12)),
        ("w.01.jsonl", None),
        ("../w.0.jsonl", None),
        (".0.jsonl", None),
        ("w.0.jsonl~", None),
    ],
)
def test_segment_names(name: str, parsed: tuple[str, int] | None) -> None:
    assert layout.parse_segment(name) == parsed


@pytest.mark.parametrize(
    ("name", "parsed"),
    [("17", (17, None)), ("17.2", (17, 2)), ("017", None), ("17.", None), ("-1", None)],
)
def test_claim_names(name: str, parsed: tuple[int, int | None] | None) -> None:
    assert layout.parse_claim(name) == parsed


def test_a_name_that_was_cut_short_is_no_name() -> None:
    filesystem = MemoryFilesystem()
    claims = Claims(filesystem, "me")
    filesystem.claim(layout.claim(0), b"writer-1")
    filesystem.claim(layout.claim(1), b"writer-12\n")
    filesystem.claim(layout.claim(2), b"../../etc\n")
    assert [claims.owner(number) for number in range(4)] == [None, "writer-12", None, None]
