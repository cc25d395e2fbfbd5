"""Jobs of ``fsopt run`` in the background, and the processes that belong to them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import fsopt

ROOT = Path(__file__).parents[2]

SCRIPT = """
import os, time
import fsopt

config = fsopt.StudyConfig(
    space=fsopt.Space(fsopt.Float("x", 0, 1)), optimizer=fsopt.RandomSearch(), seed=1
)

def objective(trial):
    trial.set_attribute("pid", os.getpid())
    for step in trial.steps({steps}):
        time.sleep({seconds})
        trial.report(trial["x"], step=step)
        if trial.should_stop():
            (trial.checkpoint_dir / "step").write_text(str(step))
            return None
    return trial["x"]
"""

_started: list[subprocess.Popen[str]] = []


def background(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a job; `end_all` ends it if the test does not."""
    job = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    _started.append(job)
    return job


def end_all() -> None:
    """End what a failed test has left behind."""
    while _started:
        job = _started.pop()
        if job.poll() is None:
            job.kill()
        if job.stdout is not None and not job.stdout.closed:
            job.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def states(directory: Path) -> list[str]:
    if not (directory / "study.json").exists():
        return []
    with fsopt.open_study(directory) as study:
        return [str(state) for state in study.trials()["state"]]


def processes_of(script: Path) -> list[int]:
    """The processes that work on a script: ranks, and evaluations, which have it in their pipe."""
    return [pid for pid, command in commands() if str(script) in command]


def rank_of(job: subprocess.Popen[str], rank: int) -> int:
    """The process of one rank of a job."""
    for pid, _ in commands():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            parent = parents_of(pid)
        except OSError:
            continue
        if f"PMI_RANK={rank}".encode() in environment and job.pid in parent:
            return pid
    raise AssertionError(f"no rank {rank}")


def parents_of(pid: int) -> list[int]:
    """All processes above one."""
    found = []
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(pid)
    return found


def commands() -> list[tuple[int, str]]:
    """All processes and their command lines."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                found.append((int(path.name), (path / "cmdline").read_text(errors="replace")))
            except OSError:
                continue
    return found
