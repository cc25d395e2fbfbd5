"""The verb ``doctor``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from fsopt.cli.common import debug_option, directory_argument, json_option, print_json


def _checked_session(
    ctx: click.Context, parameter: click.Parameter, name: str | None
) -> str | None:
    from fsopt.doctor import is_session_name

    if name is not None and not is_session_name(name):
        raise click.BadParameter(
            f"{name!r} is not made of letters, digits, '_', '-' and '.'.", ctx, parameter
        )
    return name


@click.command()
@directory_argument
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many processes examine together.  [default: as many as srun or mpirun started]",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the other processes.",
)
@click.option(
    "--session",
    metavar="NAME",
    callback=_checked_session,
    help="By which they recognise each other.  [default: from the job, or 'together']",
)
@json_option
@debug_option
@click.pass_context
def doctor(
    ctx: click.Context,
    directory: str,
    processes: int | None,
    wait: float,
    session: str | None,
    as_json: bool,
) -> None:
    """Examine whether a filesystem keeps what studies need.

    DIR may be a study; it is left as it was. One process sees what its own node does. Several,
    started by srun or mpirun, or with --processes in as many terminals, find each other through
    DIR and also see whether what one does is seen by the others, which is what matters; then one
    of them prints the verdict. The exit status is 1 if something that studies need is missing.

    \b
    Example:
      fsopt doctor /scratch/me/studies
      srun -N 2 -n 4 fsopt doctor /scratch/me/studies
    """
    from fsopt.doctor import Company, examine, session_name
    from fsopt.scheduler import Scheduler

    count = processes or Scheduler.from_environment(os.environ).size
    company = None
    if count > 1:
        name = session or session_name(os.environ)
        company = Company(processes=count, wait=wait, session=name)
        if processes:
            click.echo(f"waiting up to {wait:g} s for {count} processes in all", err=True)
    report = examine(Path(directory), company)
    if report.rank == 0:
        if as_json:
            print_json(report.data())
        else:
            click.echo("\n".join(report.lines(shutil.get_terminal_size().columns)))
    ctx.exit(0 if report.ok else 1)
