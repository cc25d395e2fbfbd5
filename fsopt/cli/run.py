"""``fsopt run``."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsopt.cli.cluster import cluster_of, cluster_options, team
from fsopt.cli.common import STUDY_VARIABLE, debug_option, json_option, print_json
from fsopt.cli.conditions import condition_options, conditions_of
from fsopt.cli.limits import limit_options, limits_of
from fsopt.cli.roles import part_of, role_options
from fsopt.cli.transfer import transfer_options, warm_start, with_prior
from fsopt.cli.workers import AUTO, WORKERS, count_workers

if TYPE_CHECKING:
    from rich.console import Console

    from fsopt.config import StudyConfig
    from fsopt.run.evaluation import Objective
    from fsopt.run.terms import Limits, Summary
    from fsopt.study import Study
    from fsopt.study.roles import Part

PREEMPTED_STATUS = 75
"""Exit status (EX_TEMPFAIL) that tells a job script to put the job into the queue again."""


@click.command()
@click.argument("script", type=click.Path(path_type=Path))
@click.option(
    "--study",
    "directory",
    envvar=STUDY_VARIABLE,
    required=True,
    metavar="DIR",
    help="The study's directory; created if it does not exist.",
)
@limit_options
@role_options
@click.option(
    "--workers",
    type=WORKERS,
    metavar="W",
    help="How many trials this process evaluates at the same time; "
    f"{AUTO}: one for each CPU that it may use.  [default: 1, or as many as there are slots]",
)
@cluster_options
@click.option(
    "--optimizer",
    metavar="NAME",
    help="Propose with bayesian, evolution, grid, halton, lhs, nsga2, random or sobol, instead of "
    "what the script says.",
)
@click.option(
    "--seed", type=click.IntRange(0), metavar="S", help="Seed of a new study, for repeatability."
)
@transfer_options
@condition_options
@json_option
@debug_option
def run(script: Path, directory: str, as_json: bool, **options: Any) -> None:
    """Create or join a study and work on it.

    SCRIPT is a Python file that defines a space and an objective. Start the same command as often
    and wherever you like: all processes that are given the same directory share its trials, and
    N is the number for all of them together.

    Exits with 0 when the work is done, with 75 when it was interrupted by a signal and should be
    started again. A second Ctrl-C leaves at once.

    \b
    Example:
      fsopt run examples/quickstart.py --study runs/first --trials 50 --workers 2
      mpirun -n 64 fsopt run train.py --study runs/train --trials 1000 --backend mpi
      fsopt run train.py --study runs/train --backend ray --address auto --workers 16
    """
    with team(options["backend"]) as leads:
        if leads:
            _run(script, directory, options, as_json)


def _run(script: Path, directory: str, options: dict[str, Any], as_json: bool) -> None:
    from fsopt.run.signals import Preempted, noted_signals

    try:
        with noted_signals() as preemption:
            with preemption.interruptible():
                job = _begin(script, directory, options)
            with job.study:
                reason = _work(job, options, as_json)
    except Preempted:
        reason = "preempted"
        click.echo("interrupted before it began; run the same command again", err=True)
    if reason == "preempted":
        sys.exit(PREEMPTED_STATUS)


@dataclass(frozen=True, slots=True)
class _Job:
    study: Study
    objective: Objective
    limits: Limits
    part: Part


def _begin(script: Path, directory: str, options: dict[str, Any]) -> _Job:
    """Create or join the study; importing the script may take long."""
    from fsopt.objectives import Objectives
    from fsopt.run.script import load_script
    from fsopt.study import create_study

    loaded = load_script(script)
    limits = limits_of(options, Objectives.of(loaded.config.objectives))
    part = part_of(options)
    study = create_study(directory, with_prior(_configured(loaded.config, options), options))
    study.callbacks += loaded.callbacks
    warm_start(study, options)
    return _Job(study, loaded.objective, limits, part)


def _configured(config: StudyConfig, options: dict[str, Any]) -> StudyConfig:
    from dataclasses import replace

    from fsopt.search.registry import optimizer_from_json

    if options["seed"] is not None:
        config = replace(config, seed=options["seed"])
    if options["optimizer"] is not None:
        config = replace(config, optimizer=optimizer_from_json({"kind": options["optimizer"]}))
    return config


def _work(job: _Job, options: dict[str, Any], as_json: bool) -> str:
    from dataclasses import replace

    from rich.console import Console

    from fsopt.run.worker import run_study
    from fsopt.view.progress import ConsoleProgress

    study, conditions = job.study, replace(conditions_of(options), cluster=cluster_of(options))
    console = Console(stderr=as_json, soft_wrap=True)
    progress = ConsoleProgress(console)
    # Nothing but the result goes to standard output, whatever objectives and libraries print.
    quiet = redirect_stdout(sys.stderr) if as_json else nullcontext()
    try:
        with quiet:
            summary = run_study(
                study,
                job.objective,
                workers=count_workers(
                    options["workers"] or len(conditions.slots) or 1, os.environ
                ),
                backend=options["backend"],
                limits=job.limits,
                part=job.part,
                progress=progress,
                conditions=conditions,
            )
    finally:
        progress.close()
    if summary.reason == "preempted":
        study.close()  # first of all, so that others can go on at once
    else:
        study.sync()
    if as_json:
        print_json(_summary(study, summary))
    else:
        _print_summary(console, study, summary)
    return summary.reason


def _summary(study: Study, summary: Summary) -> dict[str, object]:
    from fsopt.view.summary import status_summary

    return {
        "reason": summary.reason,
        "evaluated": summary.evaluated,
        "seconds": summary.seconds,
        **status_summary(study),
    }


def _print_summary(console: Console, study: Study, summary: Summary) -> None:
    from rich.markup import escape

    from fsopt.view.report import best_lines, failure_lines, headline
    from fsopt.view.summary import format_count, format_seconds

    endings = {
        "budget": "",
        "exhausted": "every valid configuration has been tried",
        "target": "the target is reached",
        "patience": "no improvement any more",
        "stopped": "the study was stopped (fsopt reopen lets it go on)",
        "timeout": "the time is up; run the same command again to go on",
        "preempted": "interrupted; run the same command again to go on",
    }
    spent = format_seconds(summary.seconds)
    lines = [f"this process: {format_count(summary.evaluated, 'trial')} in {spent}"]
    if endings[summary.reason]:
        lines.append(endings[summary.reason])
    if summary.reason != "preempted":  # a process that must leave has no time for models
        lines = [headline(study), *lines, *failure_lines(study), *best_lines(study)]
    for line in lines:
        console.print(escape(line), highlight=False)
