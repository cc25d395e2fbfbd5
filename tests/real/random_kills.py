"""Starts processes of one study and kills them at random; see ``test_killed_at_random.py``.

    python random_kills.py SCRIPT STUDY OUTPUTS TRIALS KILLS SEED

A program of its own because it forks: what fsopt needs is imported once, so that a process is at
work a few milliseconds after it was started, and is killed there and not while it imports. What
each of them prints goes to a file of its own in OUTPUTS. At the end a file ``hurry`` is made there
and the workers that are left bring the study to its end. Prints how many were killed as JSON.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fsopt.cli.main import VERBS, main

VERBS_USED = ("run", "compact")
OTHERS = ("pyarrow.parquet", "fsopt.run.worker", "fsopt.study.snapshot", "fsopt.study.columns")
WORKERS = 5


@dataclass(slots=True)
class Started:
    """A process of the study."""

    pid: int
    words: list[str]


def start(words: list[str], output: Path) -> Started:
    """Start a verb of fsopt as a process of its own."""
    pid = os.fork()
    if pid:
        return Started(pid, words)
    status = 1
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        main(words)
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        os._exit(status)


def ended_badly(process: Started, status: int) -> bool:
    """Whether a process that nobody killed did not do what it was started for."""
    return os.waitstatus_to_exitcode(status) != 0


def kill_at_random(
    processes: list[Started], outputs: Iterator[Path], kills: int, seed: int
) -> Counter[str]:
    """Kill processes at random moments, and start another of the kind for each that ended."""
    chance = random.Random(seed)
    killed: Counter[str] = Counter()
    while killed.total() < kills:
        time.sleep(chance.uniform(0.005, 0.06))
        for slot, process in enumerate(processes):
            pid, status = os.waitpid(process.pid, os.WNOHANG)
            if not pid:
                continue
            if process.words[0] == "run" or ended_badly(process, status):
                raise SystemExit(f"{process.words} ended by itself, with status {status}")
            processes[slot] = start(process.words, next(outputs))
        slot = chance.randrange(len(processes))
        victim = processes[slot]
        os.kill(victim.pid, signal.SIGKILL)
        _, status = os.waitpid(victim.pid, 0)
        killed[victim.words[0]] += os.WIFSIGNALED(status)
        processes[slot] = start(victim.words, next(outputs))
    return killed


def run(script: str, study: str, directory: str, trials: str, kills: str, seed: str) -> None:
    """See the module."""
    for name in (*(VERBS[verb][0] for verb in VERBS_USED), *OTHERS):
        importlib.import_module(name)
    outputs = (Path(directory) / f"{number}.txt" for number in itertools.count())
    work = ["run", script, "--study", study, "--trials", trials, "--backend", "serial"]
    processes = [start(work, next(outputs))]
    while not (Path(study) / "study.json").exists():
        time.sleep(0.001)
    processes += [start(work, next(outputs)) for _ in range(WORKERS - 1)]
    processes.append(start(["compact", study], next(outputs)))
    killed = kill_at_random(processes, outputs, int(kills), int(seed))
    (Path(directory) / "hurry").touch()
    for process in processes:
        _, status = os.waitpid(process.pid, 0)
        if ended_badly(process, status):
            raise SystemExit(f"{process.words} ended with status {status}")
    sys.stdout.write(json.dumps(killed))


if __name__ == "__main__":
    run(*sys.argv[1:])
