"""A process killed at each of its system calls that change anything: nothing told is lost.

`strace` kills the process as it enters its n-th such call, for every n.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fsopt
from fsopt.run.script import Script, load_script
from tests.components import component

CALLS = "write,fsync,mkdir,rmdir,link,unlink,rename,renameat2"

SCRIPT = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch(), seed=1, lease=4.0)
def objective(trial):
    trial.report(trial["x"] / 2, step=1)
    if trial.number == 1:
        raise ValueError("one")
    return trial["x"]
"""

pytestmark = pytest.mark.real

Place = tuple[str, list[str]]
"""A name, and strace's options for dying there."""

KilledAt = Callable[[Place], tuple[Path, dict[int, str]]]
"""Kills a process at a place; gives its study, and what it told of trials."""


def traced(log: Path, extra: list[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    component(shutil.which("strace") is not None, "strace is not installed")
    strace = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={CALLS}"]
    command = [*strace, *extra, sys.executable, "-u", "-m", "fsopt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kills(log: Path) -> list[Place]:
    """A name and strace's options for each call in a log of a whole run: die at that one."""
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE))
    return [
        (f"{call}-{n}", ["-e", f"inject={call}:signal=KILL:when={n}"])
        for call, count in counts.items()
        for n in range(1, count + 1)
    ]


def check_and_finish(study: Path, script: Script, told: dict[int, str], trials: int) -> None:
    """Everything that was told is there, and another process brings the study to its end."""
    with fsopt.create_study(study, script.config) as again:
        for number, state in told.items():
            assert again.record(number).state.value == state
        again.run(script.objective, trials=trials, backend="serial")
        table = again.trials()
    assert table["trial"].tolist() == list(range(trials))
    expected = ["failed" if number == 1 else "completed" for number in range(trials)]
    assert table["state"].tolist() == expected
    assert fsopt.open_study(study).trials()["state"].tolist() == expected


def check_each(killed_at: KilledAt, places: list[Place], script: Script, trials: int) -> None:
    """Kill at each place, and check and finish each study that this leaves behind."""
    # A number that was claimed without a name is free after a lease: many studies wait at once.
    with ThreadPoolExecutor(3) as killers, ThreadPoolExecutor(20) as finishers:
        checks = [
            finishers.submit(check_and_finish, study, script, told, trials)
            for study, told in killers.map(killed_at, places)
        ]
        for check in checks:
            check.result()


def test_a_worker_killed_at_any_call_that_changes_something(tmp_path: Path) -> None:
    path, trials = tmp_path / "study.py", 3
    path.write_text(SCRIPT)
    script = load_script(path)
    log = tmp_path / "calls"
    run = ["run", path, "--trials", trials, "--backend", "serial", "--study"]
    whole = traced(log, [], *run, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    places = kills(log)
    assert len(places) > 20

    def killed_at(place: Place) -> tuple[Path, dict[int, str]]:
        name, inject = place
        result = traced(tmp_path / f"{name}.calls", inject, *run, tmp_path / name)
        assert result.returncode != 0, name
        told = re.findall(r"^trial (\d+)  (\w+)", result.stdout, re.MULTILINE)
        return tmp_path / name, {int(number): state for number, state in told}

    check_each(killed_at, places, script, trials)


def test_a_compactor_killed_at_any_call_that_changes_something(tmp_path: Path) -> None:
    path, log, trials = tmp_path / "study.py", tmp_path / "calls", 4
    path.write_text(SCRIPT)
    script = load_script(path)
    original = tmp_path / "original"
    told = {0: "completed", 1: "failed", 2: "completed"}
    check_and_finish(original, script, {}, 3)
    fsopt.open_study(original).compact()
    whole = tmp_path / "whole"
    shutil.copytree(original, whole)
    result = traced(log, [], "compact", whole, "--retention", 0)
    assert result.returncode == 0, result.stderr
    places = kills(log)
    assert len(places) > 5

    def killed_at(place: Place) -> tuple[Path, dict[int, str]]:
        name, inject = place
        study = tmp_path / name
        shutil.copytree(original, study)
        result = traced(tmp_path / f"{name}.calls", inject, "compact", study, "--retention", 0)
        assert result.returncode != 0, name
        return study, told

    check_each(killed_at, places, script, trials)
