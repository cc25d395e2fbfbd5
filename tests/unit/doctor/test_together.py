"""Several processes examine one directory: they find each other, agree, and leave nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fsopt.doctor.company import is_session_name, session_name
from fsopt.doctor.shared import _CONTESTS, SHARED, _judge_contest

DRIVER = """
import functools, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs the tests may ignore it
import fsopt.doctor.meeting as meeting
from fsopt.log.filesystem import LocalFilesystem
meeting.Place = functools.partial(meeting.Place, patience=1.0)
real_open, real_write, real_read = os.open, os.write, LocalFilesystem.read
real_claim, real_list = LocalFilesystem.claim, LocalFilesystem.list
{fault}
from fsopt.cli.main import main
main()
"""

SHARED_NAMES = [check.__name__.replace("_", " ") for check in SHARED]

Outcome = tuple[int, str, str]


def start(directory: Path, *options: object, fault: str = "") -> subprocess.Popen[str]:
    environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.Popen(
        [
            *(sys.executable, "-c", DRIVER.format(fault=fault), "doctor", str(directory)),
            *("--json", *map(str, options)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def outcomes(processes: list[subprocess.Popen[str]]) -> list[Outcome]:
    """What each printed, first the one that printed the report."""
    ended = []
    for process in processes:
        output, error = process.communicate(timeout=60)
        ended.append((process.returncode, output, error))
    return sorted(ended, key=lambda outcome: not outcome[1])


def together(directory: Path, count: int, fault: str = "", wait: float = 20) -> list[Outcome]:
    options = ("--processes", count, "--wait", wait)
    return outcomes([start(directory, *options, fault=fault) for _ in range(count)])


def findings(outcome: Outcome) -> dict[str, Any]:
    return {finding["check"]: finding for finding in json.loads(outcome[1])["findings"]}


def test_four_processes_agree_and_one_tells(tmp_path: Path) -> None:
    ended = together(tmp_path / "new" / "studies", 4)
    assert [status for status, _, _ in ended] == [0, 0, 0, 0], ended
    assert [bool(output) for _, output, _ in ended] == [True, False, False, False]
    found = findings(ended[0])
    assert list(found)[: len(SHARED_NAMES)] == SHARED_NAMES
    assert found["processes"]["measured"]["processes"] == 4
    assert found["processes"]["measured"]["nodes"] == 1
    assert found["shared create"]["measured"]["without_one_winner"] == 0
    assert found["shared logs"]["measured"]["lines"] == 400
    assert found["append lag"]["measured"]["count"] == 30
    assert found["shared lock"]["measured"]["others"] == "kept out"
    assert json.loads(ended[0][1])["ok"] is True
    assert list(tmp_path.iterdir()) == []


FAULTS = """
import fsopt.doctor.shared as shared
shared._LAG_ROUNDS = 1

def claim(self, path, content):
    return real_claim(self, path, content) or path == "contest-7"

def read(self, path, offset=0):
    return b"" if path == "lag" else real_read(self, path, offset)

def list_(self, path):
    hidden = {"listed-for"} if self.root.name == "together" else set()
    return [name for name in real_list(self, path) if name not in hidden]

def write(descriptor, data):
    return len(data) if data == b"1 42\\n" else real_write(descriptor, data)

os.write = write
LocalFilesystem.claim, LocalFilesystem.read, LocalFilesystem.list = claim, read, list_
"""


def test_two_winners_stale_reads_lost_lines_and_hidden_names_fail(tmp_path: Path) -> None:
    ended = together(tmp_path, 2, FAULTS)
    assert [status for status, _, _ in ended] == [1, 1], ended
    failed = {name: f for name, f in findings(ended[0]).items() if f["verdict"] == "failed"}
    assert list(failed) == ["shared create", "append lag", "shared logs", "shared names"]
    assert failed["shared create"]["measured"]["without_one_winner"] == 1
    assert failed["append lag"]["measured"] == {"not_seen": 1, "count": 1}
    # Process 1 lost a line; neither it nor the other can read it.
    assert failed["shared logs"]["measured"]["not_read_completely"] == 2
    assert failed["shared names"]["measured"]["listed_ms"] == "not within 1 s"
    reasons = " ".join(finding["what"] for finding in failed.values())
    assert json.loads(ended[0][1])["verdict"] == f"do not run fsopt here: {reasons}"
    assert list(tmp_path.iterdir()) == []


REFUSING = """
def claim(self, path, content):
    won = real_claim(self, path, content)
    if not won and not path.startswith("contest/"):
        raise PermissionError(1, "Operation not permitted")
    return won
LocalFilesystem.claim = claim
"""


def test_processes_that_get_eperm_for_a_lost_race_meet_and_say_so(tmp_path: Path) -> None:
    ended = together(tmp_path, 2, REFUSING)
    assert [status for status, _, _ in ended] == [1, 1], ended
    failed = {name: f for name, f in findings(ended[0]).items() if f["verdict"] == "failed"}
    assert list(failed) == ["shared create"]
    assert failed["shared create"]["measured"]["error"] == "EPERM"


def test_a_filesystem_without_exclusive_creation_lets_nobody_meet(tmp_path: Path) -> None:
    fault = "os.open = lambda path, flags, *a, **k: real_open(path, flags & ~os.O_EXCL, *a, **k)"
    ended = together(tmp_path, 2, fault, wait=0.6)
    assert [status for status, _, _ in ended] == [1, 1]
    told = [findings(outcome)["processes"]["what"] for outcome in ended]
    assert any("create the same name" in what for what in told)
    assert list(tmp_path.iterdir()) == []


def test_those_who_came_are_told_that_some_did_not(tmp_path: Path) -> None:
    options = ("--processes", 3, "--wait", 0.6)
    ended = outcomes([start(tmp_path / "new", *options) for _ in range(2)])
    assert [status for status, _, _ in ended] == [1, 1]
    told = findings(ended[0])
    assert told["processes"]["verdict"] == "failed"
    assert "of 3 processes came" in told["processes"]["what"]
    assert told["append"]["verdict"] == "ok"
    assert "Error: " in ended[1][2]
    assert list(tmp_path.iterdir()) == []


def test_one_too_many_is_told_and_disturbs_nobody(tmp_path: Path) -> None:
    session = tmp_path / ".fsopt-doctor" / "mine"
    session.mkdir(parents=True)
    members = [session / f"member.{rank}" for rank in range(2)]
    for member in members:
        member.write_text("somebody\n")
    (ended,) = outcomes([start(tmp_path, "--processes", 2, "--session", "mine")])
    assert ended[0] == 1
    assert "one too many" in ended[2]
    assert str(session) in ended[2]
    assert sorted(session.iterdir()) == members


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("interrupted", [1, 4])
def test_nothing_is_left_when_some_are_interrupted(tmp_path: Path, interrupted: int) -> None:
    directory = tmp_path / "new"
    session = directory / ".fsopt-doctor" / "together"
    processes = [start(directory, "--processes", 5, "--wait", 30) for _ in range(4)]
    until(lambda: len(list(session.glob("member.*"))) == 4)
    for process in processes[:interrupted]:
        process.send_signal(signal.SIGINT)
    if interrupted == 1:
        # The others notice that the session has ended, long before their time is up.
        until(lambda: all(process.poll() is not None for process in processes))
    # One may be interrupted when the session has ended for it, and all is told and removed.
    assert all(status != 0 for status, _, _ in outcomes(processes))
    assert list(tmp_path.iterdir()) == []


def test_two_sessions_in_one_directory_do_not_meet(tmp_path: Path) -> None:
    pairs = [
        [start(tmp_path, "--processes", 2, "--session", name) for _ in range(2)]
        for name in ("one", "two")
    ]
    for pair in pairs:
        assert [status for status, _, _ in outcomes(pair)] == [0, 0]
    assert list(tmp_path.iterdir()) == []


def test_readers_who_disagree_on_the_winner_fail() -> None:
    won = [list(range(0, _CONTESTS, 2)), list(range(1, _CONTESTS, 2))]
    owners = [str(number % 2) for number in range(_CONTESTS)]
    assert _judge_contest(won, [], [owners, owners]).verdict == "ok"
    finding = _judge_contest(won, [], [owners, owners[::-1]])
    assert finding.verdict == "failed"
    assert finding.measured["processes_that_disagree"] == 1


def test_a_launch_names_its_session() -> None:
    assert session_name({}) == "together"
    one = session_name({"SLURM_JOB_ID": "17", "SLURM_STEP_ID": "0"})
    names = {
        one,
        session_name({"SLURM_JOB_ID": "17", "SLURM_STEP_ID": "1"}),
        session_name({"SLURM_JOB_ID": "17", "SLURM_STEP_ID": "0", "SLURM_RESTART_COUNT": "1"}),
        session_name({"PMIX_NAMESPACE": "../prterun-node7-42@1"}),
    }
    assert len(names) == 4
    assert all(is_session_name(name) for name in names)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "x" * 101, "a b", "a\n"])
def test_a_session_name_can_not_lead_elsewhere(name: str) -> None:
    assert not is_session_name(name)
