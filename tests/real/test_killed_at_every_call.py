"""A process killed at each of its system calls that change anything: nothing told is lost.

`strace` kills the process as it enters its n-th such call, for every n.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import fsopt
from fsopt.run.script import load_script
from tests.components import component

CALLS = "write,fsync,mkdir,link,unlink,rename,renameat2"

SCRIPT = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch(), seed=1, lease=2.0)
def objective(trial):
    trial.report(trial["x"] / 2, step=1)
    if trial.number == 1:
        raise ValueError("one")
    return trial["x"]
"""

pytestmark = pytest.mark.real


def traced(log: Path, extra: list[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    component(shutil.which("strace") is not None, "strace is not installed")
    strace = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={CALLS}"]
    command = [*strace, *extra, sys.executable, "-u", "-m", "fsopt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kills(log: Path) -> list[tuple[str, list[str]]]:
    """A name and strace's options for each call in a log of a whole run: die at that one."""
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE))
    return [
        (f"{call}-{n}", ["-e", f"inject={call}:signal=KILL:when={n}"])
        for call, count in counts.items()
        for n in range(1, count + 1)
    ]


def check_and_finish(study: Path, script: Path, told: dict[int, str], trials: int) -> None:
    """Everything that was told is there, and another process brings the study to its end."""
    config = load_script(script).config
    with fsopt.create_study(study, config) as again:
        for number, state in told.items():
            assert again.record(number).state.value == state
        again.run(load_script(script).objective, trials=trials)
        table = again.trials()
    assert table["trial"].tolist() == list(range(trials))
    expected = ["failed" if number == 1 else "completed" for number in range(trials)]
    assert table["state"].tolist() == expected
    assert fsopt.open_study(study).trials()["state"].tolist() == expected


def test_a_worker_killed_at_any_call_that_changes_something(tmp_path: Path) -> None:
    script, trials = tmp_path / "study.py", 3
    script.write_text(SCRIPT)
    log = tmp_path / "calls"
    run = ["run", script, "--trials", trials, "--backend", "serial", "--study"]
    whole = traced(log, [], *run, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    places, killed = kills(log), 0
    assert len(places) > 20
    for name, inject in places:
        study = tmp_path / name
        result = traced(log, inject, *run, study)
        killed += result.returncode != 0
        told = re.findall(r"^trial (\d+)  (\w+)", result.stdout, re.MULTILINE)
        check_and_finish(study, script, {int(t): state for t, state in told}, trials)
    assert killed == len(places)


def test_a_compactor_killed_at_any_call_that_changes_something(tmp_path: Path) -> None:
    script, log, trials = tmp_path / "study.py", tmp_path / "calls", 4
    script.write_text(SCRIPT)
    original = tmp_path / "original"
    told = {0: "completed", 1: "failed", 2: "completed"}
    check_and_finish(original, script, {}, 3)
    fsopt.open_study(original).compact()
    whole = tmp_path / "whole"
    shutil.copytree(original, whole)
    result = traced(log, [], "compact", whole)
    assert result.returncode == 0, result.stderr
    places, killed = kills(log), 0
    for name, inject in places:
        study = tmp_path / name
        shutil.copytree(original, study)
        killed += traced(log, inject, "compact", study).returncode != 0
        check_and_finish(study, script, told, trials)
    assert killed == len(places)
