"""A job array that works on one study, whatever the batch system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fsopt.errors import LaunchError

_WORD = re.compile(r"[\w.,:@+/-]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_JOB_ID = re.compile(r"[0-9][\w.\[\]-]*", re.ASCII)

_SLACK = 90
"""Seconds before the time limit by which a task that was warned is gone: Slurm looks at its limits
every 30 s, and a process may be in the middle of a proposal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What each task needs.

    Raises:
        LaunchError: If something makes no sense.
    """

    cpus: int = 1
    memory: int | None = None
    """Bytes; None leaves it to the batch system."""
    gpus: int = 0
    time: int | None = None
    """Seconds that it may run; None leaves it to the batch system."""
    partition: str | None = None
    """The partition, or queue."""
    account: str | None = None
    """The account, or project, that pays."""

    def __post_init__(self) -> None:
        for option, value in (("partition", self.partition), ("account", self.account)):
            if value is not None and not _WORD.fullmatch(value):
                raise LaunchError(f"--{option} must be one word, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What each task does.

    Raises:
        LaunchError: If a path or a line can't stand in a script.
    """

    command: tuple[str, ...]
    """The argument vector of ``fsopt run``."""
    directory: Path
    """Where it is run."""
    grace: float
    """Seconds that trials have to save a checkpoint when the task must leave."""
    setup: tuple[str, ...] = ()
    """Shell commands before it, such as ``module load cuda``."""
    threads: int = 1
    """For libraries with threads of their own, for each evaluation."""
    has_timeout: bool = False
    """Whether the command already says when to leave."""

    def __post_init__(self) -> None:
        for text in (*self.command, str(self.directory), *self.setup):
            if "\n" in text or "\0" in text:
                raise LaunchError(f"{text!r} has a line break, which no job script can hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The array.

    Raises:
        LaunchError: If something makes no sense.
    """

    work: Work
    resources: Resources
    logs: Path
    """The directory for what the tasks print."""
    name: str = "fsopt"
    tasks: int = 1
    concurrent: int | None = None
    """How many tasks may run at the same time."""
    after: tuple[str, ...] = ()
    """The ids of jobs that must have succeeded before."""
    extra: tuple[str, ...] = ()
    """More lines for the batch system, with or without its prefix."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise LaunchError(
                f"--name must be letters, digits, _ and -, and begin with a letter: {self.name!r}"
            )
        for identifier in self.after:
            if not _JOB_ID.fullmatch(identifier):
                raise LaunchError(f"--after takes the id of a job, not {identifier!r}")
        if re.search(r"[\n\0\\]", str(self.logs)):
            raise LaunchError(
                f"{str(self.logs)!r} can't hold logs: use no backslash or line break"
            )
        time, grace = self.resources.time, self.work.grace
        if time is not None and self.warning < grace:
            raise LaunchError(
                f"--time must be at least 4 times the {grace:g} s that trials have to save a "
                "checkpoint (fsopt run's --grace), or tasks would be killed while they do"
            )

    @property
    def warning(self) -> int:
        """Seconds before its time limit at which a task begins to leave."""
        wanted = round(self.work.grace) + _SLACK
        time = self.resources.time
        return wanted if time is None else min(wanted, time // 4)
