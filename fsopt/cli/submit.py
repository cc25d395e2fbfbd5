"""``fsopt submit``."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsopt.cli.common import STUDY_VARIABLE, debug_option, json_option, print_json
from fsopt.cli.workers import AUTO, WORKERS

if TYPE_CHECKING:
    from fsopt.launch.job import Job, Resources, Work


@click.command()
@click.argument("script", type=click.Path(path_type=Path))
@click.argument("options", metavar="[-- OPTIONS OF FSOPT RUN]", nargs=-1)
@click.option(
    "--study",
    "directory",
    envvar=STUDY_VARIABLE,
    required=True,
    metavar="DIR",
    help="The study's directory, which all nodes must see.",
)
@click.option(
    "--tasks",
    type=click.IntRange(1),
    required=True,
    metavar="N",
    help="How many tasks the job array has; each is a process that works on the study.",
)
@click.option(
    "--scheduler",
    type=click.Choice(["slurm", "pbs", "lsf"]),
    help="The batch system.  [default: the one that is installed here]",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="How many trials the whole study shall have, not each task.",
)
@click.option(
    "--workers",
    type=WORKERS,
    default=1,
    show_default=True,
    metavar="W",
    help=f"How many trials each task evaluates at the same time; {AUTO}: one for each CPU.",
)
@click.option(
    "--time", metavar="TIME", help="The time limit of a task, such as 90m, 2h or 1-12:00:00."
)
@click.option(
    "--cpus", type=click.IntRange(1), default=1, show_default=True, help="CPUs of each task."
)
@click.option("--memory", metavar="SIZE", help="Memory of each task, such as 16G.")
@click.option("--gpus", type=click.IntRange(0), default=0, help="GPUs of each task.")
@click.option("--partition", metavar="NAME", help="The partition, or queue.")
@click.option("--account", metavar="NAME", help="The account, or project, that pays.")
@click.option(
    "--concurrent",
    type=click.IntRange(1),
    metavar="M",
    help="How many tasks may run at the same time.",
)
@click.option(
    "--after",
    multiple=True,
    metavar="JOB",
    help="Begin once this job has succeeded, such as one that fetches data. Repeatable.",
)
@click.option(
    "--setup",
    multiple=True,
    metavar="COMMAND",
    help="A shell command to run first in each task, such as 'module load cuda'. Repeatable.",
)
@click.option(
    "--log-dir",
    "logs",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where each task writes what it prints.  [default: in the study's directory]",
)
@click.option("--name", default="fsopt", show_default=True, help="The job's name.")
@click.option(
    "--extra",
    multiple=True,
    metavar="LINE",
    help="One more line for the batch system, such as '#SBATCH --constraint=a100'. Repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Print the script, and do nothing.")
@json_option
@debug_option
def submit(script: Path, directory: str, dry_run: bool, as_json: bool, **wanted: Any) -> None:
    """Submit a job array that works on a study.

    SCRIPT is a study script. Each task runs `fsopt run` on the study, with the options after --.
    Submit as often as you like: all tasks share the trials. The job script is kept in DIR/jobs.

    A task that is preempted, requeued, or near its time limit pauses its trials; others continue
    them at once, and the task goes back into the queue where the batch system can do that.

    \b
    Example:
      fsopt submit train.py --study runs/big --tasks 16 --trials 500 --cpus 4 --time 2h
      fsopt submit train.py --study runs/big --tasks 4 --gpus 1 --dry-run -- --grace 60
    """
    import datetime

    from fsopt.launch import submission
    from fsopt.launch.script import script as script_text

    system = submission.choose_system(wanted["scheduler"], must_be_here=not dry_run)
    study = Path(directory).absolute()
    now = datetime.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    path, logs = submission.free_paths(study, wanted["name"], now)
    logs = (wanted["logs"] or logs).absolute()
    job = _job(logs, _work(script, study, wanted), _resources(wanted), wanted)
    text, identifier = script_text(system, job), None
    if not dry_run:
        submission.write(path, logs, text)
        identifier = submission.submit(system, path)
    if as_json:
        print_json(
            {
                "scheduler": system.name,
                "job": identifier,
                "tasks": job.tasks,
                "script": None if dry_run else str(path),
                "logs": str(logs),
                "text": text,
            }
        )
    elif dry_run:
        click.echo(text, nl=False)
    else:
        click.echo(f"job {identifier}: {job.tasks} task{'s' * (job.tasks > 1)} for {directory}")
        click.echo(f"script: {path}\nlogs:   {logs}")
        click.echo(f"look:   fsopt status {shlex.quote(directory)}")


def _resources(wanted: dict[str, Any]) -> Resources:
    from fsopt.launch.job import Resources
    from fsopt.launch.quantities import memory, seconds

    return Resources(
        cpus=wanted["cpus"],
        memory=None if wanted["memory"] is None else memory(wanted["memory"]),
        gpus=wanted["gpus"],
        time=None if wanted["time"] is None else seconds(wanted["time"]),
        partition=wanted["partition"],
        account=wanted["account"],
    )


def _work(script: Path, study: Path, wanted: dict[str, Any]) -> Work:
    from fsopt.errors import LaunchError
    from fsopt.launch.job import Work

    if not script.is_file():
        raise LaunchError(f"no study script {script}; give the path of a Python file")
    words = [str(script.absolute()), *wanted["options"], "--study", str(study)]
    if wanted["trials"] is not None:
        words += ["--trials", str(wanted["trials"])]
    workers = wanted["workers"]
    words += ["--workers", str(workers)]
    understood = _understood(words)
    return Work(
        # The interpreter by its path: whatever the task's PATH, this environment's fsopt runs.
        command=(sys.executable, "-m", "fsopt", "run", *words),
        directory=Path.cwd(),
        setup=wanted["setup"],
        threads=1 if workers == AUTO else max(1, wanted["cpus"] // workers),
        grace=understood["grace"],
        has_timeout=understood["timeout"] is not None,
    )


def _understood(words: Sequence[str]) -> dict[str, Any]:
    """What `fsopt run` understands; what it would refuse is refused now."""
    from fsopt.cli.run import run

    params = run.make_context("fsopt run", list(words)).params
    if not math.isfinite(params["grace"]):
        raise click.UsageError("--grace must be a finite number of seconds.")
    return params


def _job(logs: Path, work: Work, resources: Resources, wanted: dict[str, Any]) -> Job:
    from fsopt.launch.job import Job

    return Job(
        work=work,
        resources=resources,
        logs=logs,
        name=wanted["name"],
        tasks=wanted["tasks"],
        concurrent=wanted["concurrent"],
        after=wanted["after"],
        extra=wanted["extra"],
    )
