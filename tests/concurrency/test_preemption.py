"""Signals at every stage of a process's life: it leaves soon, in good order, with status 75."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.concurrency.test_budget import rows_of, start

SLOW = 180.0
"""Seconds that nothing here may take."""

HEAD = """
import os, signal, sys, time
from pathlib import Path
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
def mark(name):
    Path(os.environ["MARKS"], name).write_text(str(os.getpid()))
"""

SLEEPING = f"""{HEAD}
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    mark(f"begun-{{trial.number}}-{{trial.attempt}}")
    if trial.attempt == 0:
        if trial.number == 0:
            return 0.0
        for step in trial.steps(600):
            time.sleep(0.1)
            trial.report(0.5, step=step)
            if trial.should_stop():
                (trial.checkpoint_dir / "step").write_text(str(step))
                break
    return 1.0
"""

DEAF = f"""{HEAD}
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    mark(f"begun-{{trial.number}}-{{trial.attempt}}")
    if trial.attempt == 0 and trial.number > 0:
        sum(range(10**11))  # holds the interpreter's lock
    return 1.0
"""

IMPORTING = f"""{HEAD}
mark("importing")
time.sleep(60)
config = fsopt.StudyConfig(space=space)
def objective(trial):
    return 1.0
"""

PROPOSING = f"""{HEAD}
quickly = fsopt.RandomSearch.suggest
def slowly(self, *given):
    if not os.environ.get("QUICK"):
        mark("proposing")
        time.sleep(60)
    return quickly(self, *given)
fsopt.RandomSearch.suggest = slowly
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    return 1.0
"""


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.Popen[str]]:
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("MARKS", str(marks))

    def begin(source: str, *more: str, trials: int = 3) -> subprocess.Popen[str]:
        script = tmp_path / "study.py"
        script.write_text(source)
        return start(script, tmp_path / "study", trials, *more)

    return begin


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SLOW
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def leave(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[str, float]:
    """Send signals; what it says, and how long it takes to end after the last."""
    for number in signals[:-1]:
        process.send_signal(number)
        time.sleep(1.0)
    began = time.monotonic()
    process.send_signal(signals[-1])
    output, _ = process.communicate(timeout=SLOW)
    assert "Traceback" not in output, output
    return output, time.monotonic() - began


def verified(study: Path) -> None:
    command = [sys.executable, "-m", "fsopt", "verify", str(study), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    assert told["ok"], told
    assert not [p for p in told["problems"] if p["severity"] != "note"], told


def is_gone(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state in "ZX"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_pauses_trials_and_another_process_goes_on_at_once(
    number: signal.Signals, begin: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = begin(SLEEPING, "--workers", "2")
    marks = [tmp_path / "marks" / f"begun-{n}-0" for n in (1, 2)]
    wait_for(lambda: all(mark.exists() for mark in marks), process)
    output, seconds = leave(process, number)
    assert process.returncode == 75, output
    assert seconds < 15, "nothing is waited for but the next step of the trials"
    verified(tmp_path / "study")
    assert [row["state"] for row in rows_of(tmp_path / "study")] == [
        "completed",
        "paused",
        "paused",
    ]
    began = time.monotonic()
    output, _ = begin(SLEEPING).communicate(timeout=SLOW)
    assert time.monotonic() - began < 30, "no lease is waited for"
    rows = rows_of(tmp_path / "study")
    assert [row["attempts"] for row in rows] == [1, 2, 2]
    assert not (tmp_path / "study/trials/1/checkpoint.0").exists()
    assert (tmp_path / "study/trials/1/checkpoint.1/step").exists()


@pytest.mark.parametrize("source", [SLEEPING.replace("trial.should_stop()", "False"), DEAF])
def test_a_second_interrupt_leaves_at_once_and_loses_nothing_acknowledged(
    source: str, begin: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = begin(source, "--workers", "2", "--grace", "50")
    marks = [tmp_path / "marks" / f"begun-{n}-0" for n in (1, 2)]
    wait_for(lambda: all(mark.exists() for mark in marks), process)
    output, seconds = leave(process, signal.SIGINT, signal.SIGINT)
    assert process.returncode not in (0, 75)
    assert "trial 0" in output
    assert seconds < 20, "neither the grace nor the children are waited for"
    for mark in marks:
        assert is_gone(mark.read_text())
    verified(tmp_path / "study")
    assert rows_of(tmp_path / "study")[0]["state"] == "completed"
    output, _ = begin(source).communicate(timeout=SLOW)
    assert [row["state"] for row in rows_of(tmp_path / "study")] == ["completed"] * 3


def test_a_signal_while_the_script_is_imported_leaves_nothing(
    begin: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = begin(IMPORTING)
    wait_for((tmp_path / "marks/importing").exists, process)
    output, seconds = leave(process, signal.SIGTERM)
    assert process.returncode == 75, output
    assert seconds < 15
    assert not (tmp_path / "study").exists()


def test_a_signal_ends_a_proposal_and_its_number_is_taken_over_at_once(
    begin: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = begin(PROPOSING)
    wait_for((tmp_path / "marks/proposing").exists, process)
    output, seconds = leave(process, signal.SIGTERM)
    assert process.returncode == 75, output
    assert seconds < 15
    verified(tmp_path / "study")
    monkeypatch.setenv("QUICK", "1")
    process = begin(PROPOSING)
    output, _ = process.communicate(timeout=SLOW)
    assert process.returncode == 0, output
    assert [row["trial"] for row in rows_of(tmp_path / "study")] == [0, 1, 2]
    verified(tmp_path / "study")


def test_a_signal_while_waiting_for_others_is_heard(
    begin: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = begin(SLEEPING, trials=2)
    wait_for((tmp_path / "marks/begun-1-0").exists, first)
    second = begin(SLEEPING, trials=2)
    logs = tmp_path / "study/log"
    wait_for(lambda: len(list(logs.glob("*/*.jsonl"))) == 2, second)
    time.sleep(1.0)
    output, seconds = leave(second, signal.SIGUSR1)
    assert second.returncode == 75, output
    assert seconds < 15
    leave(first, signal.SIGTERM)
    assert first.returncode == 75
    verified(tmp_path / "study")


def test_a_signal_while_the_disk_is_full_leaves_after_the_grace(
    begin: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """A limit on the size of files stands for the full disk."""
    source = SLEEPING.replace("return 0.0", "trial.set_attribute('a', 'x' * 5000); return 0.0")
    source += (
        "\nimport resource\n"
        "if 'fsopt_script' in __name__ and not os.environ.get('ROOMY'):\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))\n"
    )
    process = begin(source, "--grace", "1")
    study = tmp_path / "study"
    wait_for(lambda: len(list(study.glob("log/*/*.1.jsonl"))) == 1, process)
    output, seconds = leave(process, signal.SIGTERM)
    assert process.returncode == 1, output
    assert "can't append" in output
    assert seconds < 20
    os.environ["ROOMY"] = "1"
    try:
        process = begin(source, trials=1)
        output, _ = process.communicate(timeout=SLOW)
    finally:
        del os.environ["ROOMY"]
    assert process.returncode == 0, output
    verified(study)
