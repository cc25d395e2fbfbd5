"""Processes of one study killed 200 times, at random moments: nothing told is lost."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import fsopt

PROGRAM = Path(__file__).with_name("random_kills.py")
KILLS, TRIALS, SEED = 200, 1000, 20
"""More trials than can be finished while processes are killed, which takes about seven seconds."""

SCRIPT = """
import time
from pathlib import Path
import fsopt
hurry = Path(__file__).with_name("outputs") / "hurry"
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(
    space=space, optimizer=fsopt.RandomSearch(), seed=1, lease=2.0, max_attempts=50
)
def objective(trial):
    trial.report(trial["x"] / 2, step=1)
    time.sleep(0.002 if hurry.exists() else 0.04)
    return trial["x"]
"""

pytestmark = pytest.mark.real


def fsopt_verb(*words: object) -> str:
    command = [sys.executable, "-m", "fsopt", *map(str, words)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def told_by(outputs: Path) -> Counter[tuple[int, str]]:
    """The trials that were printed as finished, in whole lines, and how."""
    told: Counter[tuple[int, str]] = Counter()
    for path in outputs.glob("*.txt"):
        lines = re.findall(r"^trial (\d+)  (\w+)  .*\n", path.read_text(), re.MULTILINE)
        told.update((int(number), state) for number, state in lines)
    return told


def test_processes_killed_at_random(tmp_path: Path) -> None:
    script, study, outputs = (tmp_path / name for name in ("study.py", "study", "outputs"))
    script.write_text(SCRIPT)
    outputs.mkdir()
    result = subprocess.run(
        [sys.executable, PROGRAM, script, study, outputs, *map(str, (TRIALS, KILLS, SEED))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    killed = json.loads(result.stdout)
    assert killed["run"] + killed["compact"] == KILLS
    assert killed["compact"] > KILLS / 20

    found = json.loads(fsopt_verb("verify", study, "--json"))
    assert found["ok"], found["problems"]
    told = told_by(outputs)
    table = fsopt.open_study(study).trials()
    assert table["trial"].tolist() == list(range(TRIALS))
    assert set(table["state"]) == {"completed"}
    assert set(told.values()) == {1}, "a trial that was told is not evaluated again"
    assert {state for _, state in told} == {"completed"}
    assert len(told) > TRIALS / 2, "few processes are killed between writing and telling"
    assert (table["attempts"] > 1).any(), "the killed were in the middle of trials"

    without = tmp_path / "without-snapshots"
    shutil.copytree(study, without, ignore=shutil.ignore_patterns("snapshot"))
    assert fsopt.open_study(without).trials().equals(table)

    more = ["--trials", TRIALS + 20, "--backend", "serial"]
    printed = fsopt_verb("run", script, "--study", study, *more)
    assert f"{TRIALS + 20} of {TRIALS + 20} trials finished" in printed
    fsopt_verb("verify", study)
