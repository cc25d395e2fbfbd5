"""A study of 200 trials through everything that a Slurm does to its tasks, in numbers.

    python -m tests.real.slurm_show DIRECTORY

Needs root, slurm-wlm, munge and iproute2; makes the directory, for Slurm and for the study.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.real.slurm_cluster import Cluster, Study, processes_of, slurm, until

TASKS, TRIALS, PREEMPTIONS, EVERY = 16, 200, 20, 5
STEPS = 10, 21
"""A trial has the first number of steps, and its own number modulo the second one more; each step
takes a tenth of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What came out."""

    trials_finished: int
    trials_in_all: int
    tasks_preempted: int
    tasks_killed: int
    nodes_lost: int
    attempts: int
    attempts_paused: int
    attempts_lost: int
    steps_needed: int
    steps_repeated: int
    most_steps_repeated_by_one_attempt: int
    checkpoint_every: int
    verified: bool
    utilization: float
    seconds: float


def preempt(cluster: Cluster, node: str) -> int:
    """Take a node away from all tasks there for a moment; returns how many that were."""
    running = cluster.run("squeue", "-h", "-p", "low", "-w", node, "-t", "R", "-o", "%K").split()
    wanted = ("-p", "high", "-w", node, "--exclusive", "-o", "/dev/null", "--wrap", "sleep 0.5")
    job = cluster.run("sbatch", "--parsable", *wanted).strip()
    until("the other job is done", lambda: not cluster.run("squeue", "-h", "-j", job))
    return len(running)


def kill(job: str, index: int) -> None:
    """Kill a task's processes without warning, in the middle of a trial."""
    name = f"SLURM_ARRAY_TASK_ID={index}".encode()
    for pid in processes_of(job):
        if name in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            os.kill(pid, signal.SIGKILL)


def storm(cluster: Cluster, study: Study) -> Numbers:
    """Run the study and let everything happen to it."""
    began = time.monotonic()
    job = cluster.submit(study, TASKS, "--trials", TRIALS, "--time", "30m", "--", "--grace", 5)
    until("all tasks have begun", lambda: len(study.jobs()) == TASKS, 120)
    preempted = preempt(cluster, "n1")
    until("all have come back", lambda: len(study.jobs()) == TASKS + preempted, 120)
    for index in (0, 1):
        kill(job, index)
    preempted += preempt(cluster, "n2")
    cluster.tool("lose", "n1")
    until("the study is finished", lambda: study.finished() == TRIALS, 180)
    seconds = time.monotonic() - began
    cluster.run("scancel", job)
    return count(study, preempted, seconds)


def count(study: Study, preempted: int, seconds: float) -> Numbers:
    """What the study's directory tells."""
    status = study.fsopt("status")
    starts, pauses = study.events("trial.started"), study.events("trial.paused")
    ends = {(e["trial"], e.get("attempt", 0)) for e in pauses + study.events("trial.completed")}
    needed = [STEPS[0] + number % STEPS[1] for number in range(TRIALS)]
    repeated: dict[tuple[int, int], int] = {}
    for number in range(TRIALS):
        seen: set[int] = set()
        for step, attempt in study.steps(number):
            if step in seen:
                repeated[number, attempt] = repeated.get((number, attempt), 0) + 1
            seen.add(step)
        assert seen == set(range(1, needed[number] + 1))
    return Numbers(
        trials_finished=status["trials"]["completed"],
        trials_in_all=status["trials"]["total"],
        tasks_preempted=preempted,
        tasks_killed=2,
        nodes_lost=1,
        attempts=len(starts),
        attempts_paused=len(pauses),
        attempts_lost=len({(e["trial"], e.get("attempt", 0)) for e in starts} - ends),
        steps_needed=sum(needed),
        steps_repeated=sum(repeated.values()),
        most_steps_repeated_by_one_attempt=max(repeated.values(), default=0),
        checkpoint_every=EVERY,
        verified=study.fsopt("verify")["ok"],
        utilization=status["utilization"],
        seconds=round(seconds, 1),
    )


def show(directory: Path) -> Numbers:
    """Start Slurm, run the study, and count."""
    directory.mkdir(parents=True, exist_ok=True)
    steps = f"{STEPS[0]} + trial.number % {STEPS[1]}"
    study = Study.make(directory, "study", lease=10.0, steps=steps, every=EVERY)
    with slurm(directory) as cluster:
        return storm(cluster, study)


if __name__ == "__main__":
    for key, value in asdict(show(Path(sys.argv[1]).resolve())).items():
        sys.stdout.write(f"{key.replace('_', ' '):36} {value}\n")
