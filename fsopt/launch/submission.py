"""Finding the batch system of this machine, and handing a job script over to it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from fsopt.errors import LaunchError
from fsopt.launch.systems import SYSTEMS, System
from fsopt.log import layout
from fsopt.log.filesystem import LocalFilesystem, refused


def choose_system(name: str | None, *, must_be_here: bool) -> System:
    """The batch system of that name, or the first that is installed here.

    Args:
        name: ``slurm``, ``pbs`` or ``lsf``; None to look.
        must_be_here: Whether to refuse what is not installed; otherwise, if none is, Slurm.

    Raises:
        LaunchError: Naming the command that is missing.
    """
    candidates = list(SYSTEMS.values()) if name is None else [SYSTEMS[name]]
    found = [system for system in candidates if shutil.which(system.command[0])]
    if found:
        return found[0]
    if must_be_here:
        commands = ", ".join(system.command[0] for system in candidates)
        raise LaunchError(
            f"can't submit: {commands} not found here; run this where jobs are submitted, "
            "or print the script with --dry-run"
        )
    return candidates[0]


def free_paths(study: Path, name: str, time: str) -> tuple[Path, Path]:
    """Where a job's script, and the directory for its logs, can be; nothing is made yet."""
    base, number = f"{name}-{time}", 1
    while True:
        full = base if number == 1 else f"{base}-{number}"
        script = study / layout.job_script(full)
        if not script.exists():
            return script, study / layout.job_logs(full)
        number += 1


def write(script: Path, logs: Path, text: str) -> None:
    """Write a job script, and make the directory for its logs.

    Raises:
        LaunchError: If another job has just got that name.
        StorageError: If it can't be written.
    """
    try:
        if not LocalFilesystem(script.parent).publish(script.name, text.encode()):
            raise LaunchError(f"{script} was made by somebody else in this second; try again")
        # A task of Slurm whose log can't be opened fails without a word.
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused("write", str(script), error) from error


def submit(system: System, script: Path) -> str:
    """Submit a script.

    Returns:
        The job's id.

    Raises:
        LaunchError: If it is refused, with what the batch system says.
    """
    command = list(system.command) + [str(script)] * (not system.takes_input)
    result = subprocess.run(
        command,
        input=script.read_text() if system.takes_input else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        said = " ".join((result.stderr or result.stdout).split())
        raise LaunchError(f"{command[0]} refused {script}: {said or 'without a word'}")
    match = system.answer.search(result.stdout)
    if match is None:
        raise LaunchError(f"{command[0]} took {script}, but gave no job id: {result.stdout!r}")
    return match[1]
