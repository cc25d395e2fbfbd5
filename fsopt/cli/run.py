"""``fsopt run``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fsopt.cli.common import STUDY_VARIABLE, debug_option, json_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from fsopt.config import StudyConfig
    from fsopt.run.terms import Limits, Summary
    from fsopt.study import Study

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
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="How many trials the whole study shall have, however many processes work on it. "
    "Without it, as many as were said before, or no end.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Leave after this time; running trials are paused and can be continued.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="W",
    help="How many trials this process evaluates at the same time.",
)
@click.option(
    "--backend",
    type=click.Choice(["process", "thread", "serial"]),
    default="process",
    show_default=True,
    help="Where they are evaluated.",
)
@click.option(
    "--optimizer",
    metavar="NAME",
    help="Propose with bayesian, evolution, grid, halton, lhs, nsga2, random or sobol, instead of "
    "what the script says.",
)
@click.option(
    "--seed", type=click.IntRange(0), metavar="S", help="Seed of a new study, for repeatability."
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long running trials may take to save a checkpoint when the process must leave.",
)
@json_option
@debug_option
def run(
    script: Path,
    directory: str,
    trials: int | None,
    timeout: float | None,
    as_json: bool,
    **options: object,
) -> None:
    """Create or join a study and work on it.

    SCRIPT is a Python file that defines a space and an objective. Start the same command as often
    and wherever you like: all processes that are given the same directory share its trials, and
    N is the number for all of them together.

    Exits with 0 when the work is done, with 75 when it was interrupted by a signal and should be
    started again.

    \b
    Example:
      fsopt run examples/quickstart.py --study runs/first --trials 50 --workers 2
    """
    from rich.console import Console

    from fsopt.run.script import load_script
    from fsopt.run.terms import Limits
    from fsopt.study import create_study

    loaded = load_script(script)
    limits = Limits(trials=trials, timeout=timeout, grace=float(str(options["grace"])))
    console = Console(stderr=as_json, soft_wrap=True)
    study = create_study(directory, _configured(loaded.config, options))
    try:
        summary = _work(study, loaded.objective, limits, options, console)
        study.sync()
        if as_json:
            print_json(_summary(study, summary))
        else:
            _print_summary(console, study, summary)
    finally:
        study.close()
    if summary.reason == "preempted":
        sys.exit(PREEMPTED_STATUS)


def _configured(config: StudyConfig, options: dict[str, object]) -> StudyConfig:
    from dataclasses import replace

    from fsopt.search.registry import optimizer_from_json

    if options["seed"] is not None:
        config = replace(config, seed=int(str(options["seed"])))
    if options["optimizer"] is not None:
        config = replace(config, optimizer=optimizer_from_json({"kind": options["optimizer"]}))
    return config


def _work(
    study: Study,
    objective: object,
    limits: Limits,
    options: dict[str, object],
    console: Console,
) -> Summary:
    from fsopt.run.worker import run_study
    from fsopt.view.progress import ConsoleProgress

    progress = ConsoleProgress(console)
    try:
        return run_study(
            study,
            objective,  # type: ignore[arg-type]  # what the script defines
            workers=int(str(options["workers"])),
            backend=str(options["backend"]),
            limits=limits,
            progress=progress,
        )
    finally:
        progress.close()


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
    from fsopt.view.summary import format_seconds

    endings = {
        "budget": "",
        "exhausted": "every valid configuration has been tried",
        "stopped": "the study was stopped (fsopt reopen lets it go on)",
        "timeout": "the time is up; run the same command again to go on",
        "preempted": "interrupted; run the same command again to go on",
    }
    spent = format_seconds(summary.seconds)
    lines = [headline(study), f"this process: {summary.evaluated} trials in {spent}"]
    if endings[summary.reason]:
        lines.append(endings[summary.reason])
    lines += failure_lines(study) + best_lines(study)
    for line in lines:
        console.print(escape(line), highlight=False)
