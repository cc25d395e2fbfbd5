"""Many processes, killed and restarted: the study has exactly as many trials as it should."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import time
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1), fsopt.Categorical("c", ["a", "b"]))
config = fsopt.StudyConfig(
    space=space, objectives={"y": "minimize"}, optimizer=fsopt.RandomSearch(), lease=60.0
)
def objective(trial):
    time.sleep(0.05)
    return trial["x"]
"""


def start(script: Path, study: Path, trials: int, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fsopt", "run", str(script), "--study", str(study)]
    return subprocess.Popen(
        [*command, "--trials", str(trials), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def status_of(study: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "fsopt", "status", str(study), "--json"]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def finished(study: Path) -> int:
    counts = status_of(study)["trials"]
    assert isinstance(counts, dict)
    return counts["completed"] + counts["failed"] + counts["stopped"]


def rows_of(study: Path) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "fsopt", "trials", str(study), "--format", "json"]
    return list(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "study.py"
    path.write_text(SCRIPT)
    return path


def test_four_processes_two_of_them_killed_and_restarted(script: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    processes = [start(script, study, 60) for _ in range(4)]
    while not (study / "study.json").exists() or finished(study) < 10:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    for index in (0, 1):
        kill(processes[index])
        processes[index] = start(script, study, 60)
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        assert "60 of 60 trials finished" in output
    rows = rows_of(study)
    assert [row["trial"] for row in rows] == list(range(60))
    assert {row["state"] for row in rows} == {"completed"}
    assert len({(row["param.x"], row["param.c"]) for row in rows}) == 60
    status = status_of(study)
    assert status["trials"]["total"] == 60  # type: ignore[index]
    assert status["damaged_lines"] == 0


def test_kills_at_random_moments_never_cost_or_add_a_trial(script: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    processes = [start(script, study, 40, "--workers", "2") for _ in range(2)]
    for delay in (0.4, 0.7, 0.9, 1.1, 0.5, 0.8):
        time.sleep(delay)
        kill(processes.pop(0))
        processes.append(start(script, study, 40, "--workers", "2"))
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    rows = rows_of(study)
    assert [row["trial"] for row in rows] == list(range(40))
    assert {row["state"] for row in rows} <= {"completed", "failed"}
    lost = [row["error"] for row in rows if row["state"] == "failed"]
    assert all(str(reason).startswith("lost") for reason in lost)


def test_a_second_command_with_more_trials_extends_the_study(script: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    for trials in (3, 3, 5):
        process = start(script, study, trials)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert len(rows_of(study)) == trials


def test_a_terminated_process_pauses_its_trial_and_the_next_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text("""
import os, time
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    (trial.directory / "pid").write_text(str(os.getpid()))
    saved = trial.checkpoint_dir / "steps"
    done = saved.read_text() if trial.checkpoint_exists() else ""
    for step in trial.steps(20):
        time.sleep(0.1)
        done += f"{step} "
        trial.report(step / 20, step=step)
        if trial.should_stop():
            saved.write_text(done)
            break
    trial.set_attribute("steps_done", done)
    trial.set_attribute("preempted", trial.preempted)
    return float(trial["x"])
""")
    study = tmp_path / "study"
    process = start(script, study, 1)
    while not (study / "log").exists() or not any(
        b"trial.reported" in path.read_bytes() for path in (study / "log").glob("*/*.jsonl")
    ):
        time.sleep(0.05)
    # A scheduler signals every process of a job; the evaluation must live on to save its state.
    os.kill(int((study / "trials/0/pid").read_text()), signal.SIGTERM)
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 75, output
    assert (study / "trials/0/checkpoint.0/steps").read_text()
    assert rows_of(study)[0]["state"] == "paused"
    assert rows_of(study)[0]["user.preempted"] is True
    process = start(script, study, 1)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    (row,) = rows_of(study)
    assert (row["state"], row["attempts"], row["steps"]) == ("completed", 2, 20)
    assert row["user.steps_done"] == "".join(f"{step} " for step in range(1, 21))


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text("""
import os, time
import fsopt
config = fsopt.StudyConfig(space=fsopt.Space(fsopt.Float("x", 0, 1)))
def objective(trial):
    (trial.directory / "pid").write_text(str(os.getpid()))
    time.sleep(60)
    return 1.0
""")
    study = tmp_path / "study"
    process = start(script, study, 2, "--workers", "2")
    files = [study / "trials" / str(number) / "pid" for number in (0, 1)]
    while not all(file.exists() and file.read_text() for file in files):
        assert process.poll() is None
        time.sleep(0.05)
    kill(process)
    for file in files:
        deadline = time.monotonic() + 10
        while Path(f"/proc/{file.read_text()}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_second_interrupt_leaves_at_once_and_others_go_on(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text("""
import time
import fsopt
config = fsopt.StudyConfig(space=fsopt.Space(fsopt.Float("x", 0, 1)))
def objective(trial):
    if trial.attempt == 0:
        (trial.directory / "here").touch()
        time.sleep(60)
    return 1.0
""")
    study = tmp_path / "study"
    process = start(script, study, 1)
    while not (study / "trials/0/here").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert process.returncode != 0
    assert "Traceback" not in output
    again = start(script, study, 1)
    output, _ = again.communicate(timeout=30)
    assert again.returncode == 0, output
    assert rows_of(study)[0]["attempts"] == 2
