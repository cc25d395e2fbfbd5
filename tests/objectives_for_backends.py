"""Objectives that child processes can import."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import fsopt


def square(trial: fsopt.Trial) -> float:
    return float(trial["x"]) ** 2  # type: ignore[arg-type]


def talkative(trial: fsopt.Trial) -> float:
    for step in trial.steps(3):
        trial.report(step / 2, step=step)
    trial.set_attribute("pid", os.getpid())
    return 1.0


def raising(trial: fsopt.Trial) -> float:
    raise ValueError(f"not {trial.number}\nand a second line")


def exiting(trial: fsopt.Trial) -> float:
    sys.exit(3)


def returning_nonsense(trial: fsopt.Trial) -> str:
    return "good"


def dying(trial: fsopt.Trial) -> float:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 1.0


def leaving(trial: fsopt.Trial) -> float:
    os._exit(7)


def patient(trial: fsopt.Trial) -> float:
    (trial.checkpoint_dir / "here").write_text("x")
    while not trial.should_stop():
        time.sleep(0.01)
    return 1.0


def deaf(trial: fsopt.Trial) -> float:
    Path(trial.directory / "pid").write_text(str(os.getpid()))
    time.sleep(60)
    return 1.0


def waiting_for_three_others(trial: fsopt.Trial) -> float:
    meeting = trial.root / "meeting"
    meeting.mkdir(exist_ok=True)
    (meeting / str(trial.number)).touch()
    deadline = time.monotonic() + 60
    while len(list(meeting.iterdir())) < 4:
        if time.monotonic() > deadline:
            raise TimeoutError("the others did not come")
        time.sleep(0.01)
    return 1.0
