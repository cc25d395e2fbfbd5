"""The verb that checks a study: ``verify``."""

from __future__ import annotations

import sys

import click

from fsopt.cli.common import debug_option, directory_argument, json_option, print_json


@click.command()
@directory_argument
@json_option
@debug_option
def verify(directory: str, as_json: bool) -> None:
    """Check every byte of a study, and change nothing.

    Prints a line for each problem, the worst first. An error is a damaged event that was
    acknowledged, or a broken promise of the protocol; warnings and notes do no harm. Exits with 1
    if there is an error.

    \b
    Example:
      fsopt verify runs/first
    """
    from fsopt.study.verification import verify_study
    from fsopt.view.verification import verification_json, verification_lines

    found = verify_study(directory)
    if as_json:
        print_json(verification_json(found))
    else:
        click.echo("\n".join(verification_lines(found, directory)))
    sys.exit(0 if found.ok else 1)
