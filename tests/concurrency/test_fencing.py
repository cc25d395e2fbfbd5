"""A process that was given up for lost, and goes on: nothing of it mixes with its successor's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fsopt
from tests.concurrency.test_budget import start
from tests.concurrency.test_preemption import verified

SCRIPT = """
import os, time
from pathlib import Path
import fsopt
marks = Path(os.environ["MARKS"])
config = fsopt.StudyConfig(
    space=fsopt.Space(fsopt.Float("x", 0, 1)), optimizer=fsopt.RandomSearch(), lease=3.0
)
def save(trial, step):
    (trial.checkpoint_dir / "state").write_text(f"{trial.attempt} {step}")
def zombie(trial):
    (marks / "children").write_text(str(os.getpid()))
    diary = (trial.checkpoint_dir / "diary").open("a", buffering=1)
    for step in range(1, 6):
        trial.report(float(step), step=step)
        save(trial, step)
        print("zombie", step, file=diary)
    (marks / "saved").touch()
    while not (marks / "successor").exists():
        time.sleep(0.02)
    for step in range(6, 21):  # much later
        trial.report(float(step), step=step)
        save(trial, step)
        print("zombie", step, file=diary)
    return 0.0
def successor(trial):
    found = (trial.checkpoint_dir / "state").read_text()
    steps = list(trial.steps(8))
    trial.set_attribute("found", found)
    trial.set_attribute("first", steps[0])
    (marks / "successor").touch()
    while not (marks / "zombie-ended").exists():
        time.sleep(0.02)
    for step in steps:
        trial.report(100.0 + step, step=step)
        save(trial, step)
    trial.set_attribute("diary", (trial.checkpoint_dir / "diary").read_text())
    return 1.0
def objective(trial):
    return successor(trial) if trial.attempt else zombie(trial)
"""


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


def slurm(monkeypatch: pytest.MonkeyPatch, restarts: str) -> None:
    for name, value in (
        ("ARRAY_JOB_ID", "7"),
        ("ARRAY_TASK_ID", "1"),
        ("RESTART_COUNT", restarts),
    ):
        monkeypatch.setenv(f"SLURM_{name}", value)


def test_a_zombie_under_the_same_slurm_ids_is_fenced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks, script, directory = tmp_path / "marks", tmp_path / "study.py", tmp_path / "study"
    marks.mkdir()
    script.write_text(SCRIPT)
    monkeypatch.setenv("MARKS", str(marks))
    slurm(monkeypatch, "0")
    first = start(script, directory, 1)
    wait_for(marks / "saved")
    time.sleep(1.5)  # its reports are gathered for a second
    stopped = [first.pid, int((marks / "children").read_text())]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    slurm(monkeypatch, "1")
    second = start(script, directory, 1)
    wait_for(marks / "successor")
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    output, _ = first.communicate(timeout=60)
    assert first.returncode == 0, output
    (marks / "zombie-ended").touch()
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 0, output

    with fsopt.open_study(directory) as study:
        trial = study.state.trials[0]
        assert sorted(trial.attempts) == [0, 1]
        assert trial.outcome is not None
        assert trial.outcome.values == (1.0,), "the latest attempt that has values decides"
        before = {float(step): float(step) for step in range(1, 6)}
        assert trial.curve == before | {step: 100.0 + step for step in range(6, 9)}
        said = {name: value for name, (value, _, _) in trial.attributes.items()}
        assert said["found"] == "0 5"
        assert said["first"] == 6
        assert "zombie 6" not in str(said["diary"]), "a file that it had open"
    saved = directory / "trials/0/checkpoint.1/state"
    assert saved.read_text() == "1 8"
    assert (directory / "trials/0/checkpoint.0/state").read_text() == "0 20", "nobody's"
    verified(directory)


def test_a_successor_on_the_same_machine_need_not_wait_for_a_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, directory = tmp_path / "study.py", tmp_path / "study"
    script.write_text("""
import time, fsopt
config = fsopt.StudyConfig(space=fsopt.Space(fsopt.Float("x", 0, 1)), lease=1000.0)
def objective(trial):
    (trial.directory / "here").touch()
    if trial.attempt == 0:
        time.sleep(60)
    return 1.0
""")
    slurm(monkeypatch, "0")
    first = start(script, directory, 1)
    wait_for(directory / "trials/0/here")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    slurm(monkeypatch, "1")
    second = start(script, directory, 1)
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 0, output
    command = [sys.executable, "-m", "fsopt", "trials", str(directory), "--format", "json"]
    (row,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert (row["state"], row["attempts"]) == ("completed", 2)
