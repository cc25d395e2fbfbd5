"""The text of a job script."""

from __future__ import annotations

import shlex

from fsopt.errors import LaunchError
from fsopt.launch.job import Job
from fsopt.launch.systems import System

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def script(system: System, job: Job) -> str:
    """The job script.

    Raises:
        LaunchError: If an extra line is none for this batch system.
    """
    lines = [*system.directives(job), *(_extra(system, line) for line in job.extra)]
    directives = "\n".join(f"{system.prefix} {line}" for line in lines)
    threads = " ".join(f"{name}={job.work.threads}" for name in _THREADS)
    setup = "".join(f"{line}\n" for line in job.work.setup)
    again = f"{system.command[0]} {'<' * system.takes_input}THIS_FILE"
    return f"""\
#!/bin/bash
# Made by `fsopt submit`. To add as many tasks once more: {again}
{directives}

cd {shlex.quote(str(job.work.directory))} || exit
{setup}export {threads}

{system.body(job)}"""


def _extra(system: System, line: str) -> str:
    """A line without its prefix.

    Raises:
        LaunchError: If it is for another batch system, or more than a line.
    """
    text = line.removeprefix(system.prefix).strip()
    if not text.startswith("-") or "\n" in text:
        raise LaunchError(f"--extra takes a line such as '{system.prefix} -…', not {line!r}")
    return text
