"""Real processes with a stopper that pauses and promotes; one of them is killed in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.concurrency.test_budget import finished, kill, rows_of, start

TRIALS = 18

SCRIPT = """
import os, time
from pathlib import Path
import fsopt

config = fsopt.StudyConfig(
    space=fsopt.Space(fsopt.Float("x", 0, 1)),
    optimizer=fsopt.RandomSearch(),
    seed=3,
    stopper=fsopt.SuccessiveHalving(max_steps=9, pause=True),
)

def objective(trial):
    saved = trial.checkpoint_dir / "step"
    done = int(saved.read_text()) if saved.exists() else 0
    for step in trial.steps(9):
        # What was reported is in the checkpoint. A process that is killed may have saved more.
        assert step <= done + 1, (step, done)
        with (trial.directory / "steps").open("a") as file:
            file.write(f"{trial.attempt} {step}\\n")
        time.sleep(0.05)
        new = saved.with_suffix(".new")
        new.write_text(str(step))
        new.replace(saved)
        done = step
        trial.report(trial["x"], step)
        if trial.should_stop():
            return None
    return trial["x"]
"""


def test_a_killed_process_costs_no_trial_and_what_was_paused_goes_on(tmp_path: Path) -> None:
    script, study = tmp_path / "study.py", tmp_path / "study"
    script.write_text(SCRIPT)
    processes = [start(script, study, TRIALS) for _ in range(2)]
    while not (study / "study.json").exists() or not promoted(study):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    kill(processes[0])
    processes[0] = start(script, study, TRIALS)
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        assert f"{TRIALS} of {TRIALS} trials finished" in output
    assert finished(study) == TRIALS
    verified(study)
    rows = rows_of(study)
    assert [row["trial"] for row in rows] == list(range(TRIALS))
    assert {row["state"] for row in rows} == {"completed", "stopped"}
    assert all(row["value"] == row["param.x"] for row in rows)
    assert min(rows, key=lambda row: float(str(row["value"])))["state"] == "completed"
    repeated = [row["trial"] for row in rows if steps_done_twice(study, row["trial"])]
    # Only the steps of the attempt that was killed can have been done without being known.
    assert len(repeated) <= 1
    assert max(int(str(row["attempts"])) for row in rows) > 2


def promoted(study: Path) -> bool:
    """Whether a paused trial was taken up again."""
    return any(int(path.suffix[1:]) > 0 for path in study.glob("trials/*/checkpoint.*"))


def steps_done_twice(study: Path, trial: object) -> list[int]:
    lines = (study / "trials" / str(trial) / "steps").read_text().split("\n")[:-1]
    counts = Counter(int(line.split()[1]) for line in lines)
    return [step for step, count in counts.items() if count > 1]


def verified(study: Path) -> None:
    command = [sys.executable, "-m", "fsopt", "verify", str(study), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    assert told["ok"], told
    assert not [p for p in told["problems"] if p["severity"] != "note"], told
