"""Verbs that read a study: ``status``, ``trials``, ``show``, ``best``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fsopt.cli.common import (
    debug_option,
    directory_and_trial,
    directory_argument,
    json_option,
    print_json,
    words_argument,
)

if TYPE_CHECKING:
    from fsopt.study.ranking import By


@click.command()
@directory_argument
@json_option
@debug_option
def status(directory: str, as_json: bool) -> None:
    """Show how a study stands.

    \b
    Example:
      fsopt status runs/first
    """
    from fsopt.study import open_study
    from fsopt.view.report import status_lines
    from fsopt.view.summary import status_summary

    study = open_study(directory)
    summary = status_summary(study)
    if as_json:
        print_json(summary)
    else:
        click.echo("\n".join(status_lines(study, summary)))


@click.command()
@directory_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
    help="How to print them.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to a file instead of the terminal.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@debug_option
def trials(directory: str, form: str, output: Path | None, as_json: bool) -> None:
    """List all trials.

    \b
    Example:
      fsopt trials runs/first --format csv -o first.csv
    """
    from fsopt.study import open_study
    from fsopt.view.inspection import write_table

    table = open_study(directory).trials()
    text = write_table(table, "json" if as_json else form, output)
    if text is not None:
        click.echo(text.rstrip("\n"))


@click.command()
@words_argument("TRIAL")
@click.option(
    "--replay",
    is_flag=True,
    help="Propose it once more, from what was known at that time. The exit status is 1 unless the "
    "configuration comes out the same.",
)
@json_option
@debug_option
@click.pass_context
def show(ctx: click.Context, words: Sequence[str], replay: bool, as_json: bool) -> None:
    """Show one trial and every event that made it.

    With tracebacks, the end of what was printed, and why the trial was proposed, as long as the
    logs of that time are there.

    \b
    Example:
      fsopt show runs/first 17
      fsopt show runs/first 17 --replay
    """
    from fsopt.study import open_study
    from fsopt.view.inspection import texts, trial_details
    from fsopt.view.report import show_lines

    directory, number = directory_and_trial(ctx, words)
    study = open_study(directory)
    details = trial_details(study, number, replay=replay)
    if as_json:
        print_json(details)
    else:
        click.echo("\n".join(show_lines(details, texts(study, details))))
    if replay and details["replay"]["verdict"] != "same":
        ctx.exit(1)


@click.command()
@directory_argument
@click.option(
    "--by",
    type=click.Choice(["value", "model"]),
    help="Compare trials by their values, or by what a model of all of them expects, which takes "
    "away luck where values are noisy.  [default: by value, unless the study says it is noisy]",
)
@json_option
@debug_option
def best(directory: str, by: By | None, as_json: bool) -> None:
    """Show the best trial, or the Pareto front.

    \b
    Example:
      fsopt best runs/first --json
      fsopt best runs/first --by model
    """
    from fsopt.study import open_study
    from fsopt.view.report import best_lines
    from fsopt.view.summary import best_summary

    study = open_study(directory)
    if as_json:
        print_json(best_summary(study, by))
    else:
        click.echo("\n".join(best_lines(study, by)))
