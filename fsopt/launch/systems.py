"""The batch systems: how each is asked for a job array whose interrupted work is continued.

Another one is another subclass of `System`, and a line in `SYSTEMS`.
"""

from __future__ import annotations

import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from fsopt.launch.job import Job
from fsopt.launch.quantities import clock, megabytes

INTERRUPTED = 75
"""The exit status of ``fsopt run`` when it was interrupted before the work was done."""


class System(ABC):
    """A batch system."""

    name: ClassVar[str]
    prefix: ClassVar[str]
    """Begins the lines of a script that are meant for it."""
    command: ClassVar[tuple[str, ...]]
    """Submits a script."""
    takes_input: ClassVar[bool] = False
    """Whether the command reads the script from its input; otherwise it is its last argument."""
    answer: ClassVar[re.Pattern[str]]
    """Finds the job's id, as its first group, in what the command prints."""

    @abstractmethod
    def directives(self, job: Job) -> list[str]:
        """The lines that ask for the job, without the prefix."""

    @abstractmethod
    def body(self, job: Job) -> str:
        """Shell commands that do the work, once the environment is set up."""


class Slurm(System):
    """Slurm, from version 20.11."""

    name, prefix, command = "slurm", "#SBATCH", ("sbatch", "--parsable")
    answer = re.compile(r"^([0-9]+)")

    def directives(self, job: Job) -> list[str]:
        """See `System`; a task that could not begin because of ``after`` is removed."""
        needs = job.resources
        lines = [
            f"--job-name={job.name}",
            f"--array=0-{job.tasks - 1}{_most(job)}",
            f"--ntasks=1 --cpus-per-task={needs.cpus}",
            f"--output={_slurm_quoted(str(job.logs))}/%A_%a.out --open-mode=append",
            f"--requeue --signal=USR1@{job.warning}",
        ]
        if needs.memory is not None:
            lines.append(f"--mem={megabytes(needs.memory)}M")
        if needs.gpus:
            lines.append(f"--gres=gpu:{needs.gpus}")
        if needs.time is not None:
            lines.append(f"--time={clock(needs.time)}")
        if needs.partition:
            lines.append(f"--partition={needs.partition}")
        if needs.account:
            lines.append(f"--account={needs.account}")
        if job.after:
            lines.append(f"--dependency=afterok:{':'.join(job.after)} --kill-on-invalid-dep=yes")
        return lines

    def body(self, job: Job) -> str:
        """See `System`; `docs/cluster.md` tells what Slurm signals to whom."""
        return f"""\
# srun: warnings, and the beginning of a grace time, are signalled to fsopt and not to this shell.
srun --ntasks=1 --cpus-per-task={job.resources.cpus} {shlex.join(job.work.command)}
status=$?

# {INTERRUPTED}: it had to leave before the study was done. What Slurm itself requeues, or a person
# cancels, does not run any more; a task that was warned of its time limit does, and goes back.
task=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID # SLURM_JOB_ID can mean all tasks
if [ "$status" -eq {INTERRUPTED} ] && [ "$(squeue -h -j "$task" -o %T)" = RUNNING ]; then
  scontrol requeue "$task"
fi
exit "$status"
"""


class Pbs(System):
    """PBS Professional and OpenPBS, from version 20 if ``concurrent`` is used."""

    name, prefix, command = "pbs", "#PBS", ("qsub",)
    answer = re.compile(r"^([0-9]+(?:\[\])?[\w.-]*)", re.ASCII)

    def directives(self, job: Job) -> list[str]:
        """See `System`; an array of one task is an ordinary job."""
        needs = job.resources
        select = [f"1:ncpus={needs.cpus}"]
        if needs.memory is not None:
            select.append(f"mem={megabytes(needs.memory)}mb")
        if needs.gpus:
            select.append(f"ngpus={needs.gpus}")
        lines = [
            f"-N {job.name}",
            f"-l select={':'.join(select)}",
            "-r y",
            "-j oe",
            "-o /dev/null",
        ]
        if job.tasks > 1:
            lines.append(f"-J 0-{job.tasks - 1}{_most(job)}")
        if needs.time is not None:
            lines.append(f"-l walltime={clock(needs.time)}")
        if needs.partition:
            lines.append(f"-q {needs.partition}")
        if needs.account:
            lines.append(f"-A {needs.account}")
        if job.after:
            lines.append(f"-W depend=afterok:{':'.join(job.after)}")
        return lines

    def body(self, job: Job) -> str:
        """See `System`; PBS gives no warning, so fsopt leaves by itself in time."""
        command, time = job.work.command, job.resources.time
        if time is not None and not job.work.has_timeout:
            command = (*command, "--timeout", str(time - job.warning))
        log = f'{shlex.quote(str(job.logs))}/"${{PBS_JOBID%%[.[]*}}_${{PBS_ARRAY_INDEX:-0}}.out"'
        return f"""\
exec >>{log} 2>&1
# exec: the signals of PBS reach fsopt itself.
exec {shlex.join(command)}
"""


class Lsf(System):
    """IBM Spectrum LSF."""

    name, prefix, command = "lsf", "#BSUB", ("bsub",)
    takes_input = True
    answer = re.compile(r"^Job <([0-9]+)>")

    def directives(self, job: Job) -> list[str]:
        """See `System`; LSF counts tasks from 1."""
        needs = job.resources
        lines = [
            f'-J "{job.name}[1-{job.tasks}]{_most(job)}"',
            f'-n {needs.cpus} -R "span[hosts=1]"',
            "-o /dev/null",
            f"-r -Q {INTERRUPTED}",
        ]
        if needs.memory is not None:
            size = f"{megabytes(needs.memory)}MB"
            lines.append(f'-M {size} -R "rusage[mem={size}]"')
        if needs.gpus:
            lines.append(f'-gpu "num={needs.gpus}"')
        if needs.time is not None:
            minutes = -(-needs.time // 60)
            lines.append(f"-W {minutes // 60}:{minutes % 60:02d}")
            lines.append(f"-wa USR1 -wt {-(-job.warning // 60)}")
        if needs.partition:
            lines.append(f"-q {needs.partition}")
        if needs.account:
            lines.append(f"-P {needs.account}")
        if job.after:
            lines.append(f'-w "{" && ".join(f"done({identifier})" for identifier in job.after)}"')
        return lines

    def body(self, job: Job) -> str:
        """See `System`."""
        log = f'{shlex.quote(str(job.logs))}/"${{LSB_JOBID}}_${{LSB_JOBINDEX}}.out"'
        return f"""\
exec >>{log} 2>&1

# LSF signals fsopt as well; this shell waits for it.
warned=0
trap 'warned=1' USR1
trap : INT TERM
{shlex.join(job.work.command)}
status=$?

# {INTERRUPTED} goes back into the queue (-Q): after a warning of the time limit, not after bkill.
if [ "$status" -eq {INTERRUPTED} ] && [ "$warned" -eq 0 ]; then status=143; fi
exit "$status"
"""


SYSTEMS: Mapping[str, System] = {system.name: system for system in (Slurm(), Pbs(), Lsf())}
"""Every batch system by its name, in the order in which they are looked for."""


def _most(job: Job) -> str:
    return f"%{job.concurrent}" if job.concurrent else ""


def _slurm_quoted(text: str) -> str:
    """A word in a line for Slurm, in which a percent sign may stand for more."""
    return '"' + text.replace("%", "%%").replace('"', '\\"') + '"'
