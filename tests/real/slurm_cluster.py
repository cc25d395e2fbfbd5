"""A real Slurm, and a study script whose evaluations tell of every step they do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components import component

TOOL = Path(__file__).with_name("slurm.sh")
NEEDED = ("sbatch", "srun", "slurmctld", "slurmd", "munged", "ip", "nsenter", "unshare")

SCRIPT = """
import time
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch(), lease={lease})
def objective(trial):
    saved = trial.checkpoint_dir / "saved"
    begin = int(saved.read_text()) if saved.exists() else 0
    steps = {steps}
    for step in range(begin + 1, steps + 1):
        time.sleep({seconds})
        for directory in (trial.directory, saved.parent):
            with (directory / "done").open("a") as file:
                file.write(f"{{step}} {{trial.attempt}}\\n")
        stop = trial.should_stop()
        if stop or step % {every} == 0:
            new = saved.with_name("new")
            new.write_text(str(step))
            new.rename(saved)
        trial.report(step + trial.attempt / 10, step)
        if stop:
            break
    return trial["x"]
"""
"""Notes every step that is done, in the trial's directory and in the checkpoint, and which attempt
did it; the reported value tells that as well."""


def until(what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        time.sleep(0.1)


def processes_of(job: str) -> list[int]:
    """The processes of a job's tasks."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes().split(b"\0")
            command = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"SLURM_ARRAY_JOB_ID={job}".encode() in environment and b"fsopt" in command:
            found.append(int(path.name))
    return found


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Slurm that runs; see ``slurm.sh``."""

    directory: Path

    def run(self, *words: object) -> str:
        """What a command prints that must succeed, run where Slurm can be reached."""
        space = (self.directory / "space").read_text().strip()
        result = subprocess.run(
            ["nsenter", f"--net=/run/netns/{space}", *map(str, words)],
            env={**os.environ, "SLURM_CONF": str(self.directory / "slurm.conf")},
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
        return result.stdout

    def submit(self, study: Study, tasks: int, *options: object) -> str:
        """Submit an array for a study; returns its id."""
        words = ["submit", str(study.script), "--json", "--study", str(study.directory)]
        words += ["--tasks", str(tasks), *map(str, options)]
        told = json.loads(self.run(sys.executable, "-m", "fsopt", *words))
        assert told["tasks"] == tasks
        return str(told["job"])

    def states(self, job: str) -> dict[str, str]:
        """The states of an array's tasks that are not over, by index."""
        lines = self.run("squeue", "-h", "-r", "-j", job, "-o", "%K %T").splitlines()
        return dict(line.split() for line in lines)

    def node_of(self, task: str) -> str:
        """On which node a task runs."""
        return self.run("squeue", "-h", "-j", task, "-o", "%N").strip()

    def tool(self, verb: str, *words: str) -> None:
        """Do something to a node; see ``slurm.sh``."""
        subprocess.run(["bash", TOOL, verb, self.directory, *words], check=True, timeout=60)


@contextlib.contextmanager
def slurm(directory: Path) -> Iterator[Cluster]:
    """While entered, Slurm runs."""
    component(os.geteuid() == 0, "a Slurm of one's own needs root")
    missing = [name for name in NEEDED if shutil.which(name) is None]
    component(not missing, f"not installed: {', '.join(missing)}")
    cluster = Cluster(directory)
    try:
        cluster.tool("start")
        yield cluster
    finally:
        cluster.tool("stop")


@dataclass(frozen=True, slots=True)
class Study:
    """A study's directory and script."""

    script: Path
    directory: Path

    @classmethod
    def make(cls, place: Path, name: str, *, lease: float, steps: object, every: int = 1) -> Study:
        """Write a script whose evaluations have steps of a tenth of a second.

        Args:
            place: The directory for the script and the study.
            name: Of both.
            lease: In seconds.
            steps: How many; a number, or an expression with ``trial``.
            every: A checkpoint is saved every so many steps, and when the evaluation must stop.
        """
        script = place / f"{name}.py"
        script.write_text(SCRIPT.format(lease=lease, steps=steps, seconds=0.1, every=every))
        return cls(script, place / name)

    def fsopt(self, verb: str, *words: object) -> Any:
        """What a verb says of the study in JSON."""
        command = [sys.executable, "-m", "fsopt", verb, str(self.directory), *map(str, words)]
        result = subprocess.run(
            [*command, "--json"], capture_output=True, text=True, check=False, timeout=60
        )
        return json.loads(result.stdout)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind with their writers, by time; lines that are torn are left out."""
        found = []
        for path in self.directory.glob("log/*/*.jsonl"):
            for line in path.read_text(errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line) | {"writer": path.name.rpartition(".")[0]})
        of_kind = [event for event in found if event["event"] == kind]
        return sorted(of_kind, key=lambda event: event["time"])

    def finished(self) -> int:
        """How many trials are completed."""
        return len({event["trial"] for event in self.events("trial.completed")})

    def jobs(self) -> list[str]:
        """The name of every job, task and restart that worked on it."""
        return [event["job"] for event in self.events("writer.started")]

    def steps(self, trial: int) -> list[tuple[int, int]]:
        """The steps that were done, with the attempts that did them."""
        return self._done(self.directory / "trials" / str(trial))

    def saved_steps(self, trial: int) -> list[tuple[int, int]]:
        """As `steps`, but those that the newest attempt's checkpoint tells of."""
        (directory,) = (self.directory / "trials" / str(trial)).glob("checkpoint.*")
        return self._done(directory)

    @staticmethod
    def _done(directory: Path) -> list[tuple[int, int]]:
        pairs = (line.split() for line in (directory / "done").read_text().splitlines())
        return [(int(step), int(attempt)) for step, attempt in pairs]

    def assert_clean(self, trials: int) -> None:
        """Exactly so many trials are completed, and every byte is as it must be."""
        counts = self.fsopt("status")["trials"]
        assert (counts["completed"], counts["total"]) == (trials, trials)
        verified = self.fsopt("verify")
        assert verified["ok"], verified["problems"]
