"""What the verbs share: arguments, options, and printing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from fsopt.cli.main import DEBUG

STUDY_VARIABLE = "FSOPT_STUDY"

_F = TypeVar("_F", bound=Callable[..., Any])


def _debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[DEBUG] = True


def debug_option(function: _F) -> _F:
    """``--debug``, which every verb has."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_debug,
        help="Show the traceback of an error.",
    )(function)


def json_option(function: _F) -> _F:
    """``--json``, which every verb that prints data has."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def markdown_option(function: _F) -> _F:
    """``--markdown``, which every benchmark has that documents show."""
    return click.option(
        "--markdown",
        "document",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Also write the result between the marks in this Markdown file.",
    )(function)


def directory_argument(function: _F) -> _F:
    """``DIR``, which is ``$FSOPT_STUDY`` where it is not given."""
    return click.argument("directory", metavar="DIR", envvar=STUDY_VARIABLE)(function)


def words_argument(metavar: str) -> Callable[[_F], _F]:
    """``DIR`` and more; `directory_and_rest` tells them apart."""

    def decorate(function: _F) -> _F:
        return click.argument("words", metavar=f"DIR {metavar}", nargs=-1)(function)

    return decorate


def directory_and_rest(
    ctx: click.Context, words: Sequence[str], is_directory: Callable[[Sequence[str]], bool]
) -> tuple[str, Sequence[str]]:
    """Split words into the study directory and the rest.

    Args:
        ctx: For the environment and for errors.
        words: What was given.
        is_directory: Whether the first of the words is the directory.

    Raises:
        click.UsageError: If there is no directory.
    """
    if words and is_directory(words):
        return words[0], words[1:]
    import os

    directory = os.environ.get(STUDY_VARIABLE)
    if not directory:
        raise click.UsageError(
            f"Missing argument 'DIR' (and ${STUDY_VARIABLE} is not set).", ctx=ctx
        )
    return directory, words


def directory_and_trial(ctx: click.Context, words: Sequence[str]) -> tuple[str, int]:
    """The study directory and the number of a trial.

    Raises:
        click.UsageError: If they are not given, or the trial is no number.
    """
    directory, rest = directory_and_rest(ctx, words, lambda given: len(given) > 1)
    if len(rest) != 1:
        what = "Missing argument 'TRIAL'." if not rest else f"Unexpected argument {rest[1]!r}."
        raise click.UsageError(what, ctx=ctx)
    if not rest[0].isdecimal():
        raise click.UsageError(f"TRIAL must be a trial's number, not {rest[0]!r}.", ctx=ctx)
    return directory, int(rest[0])


def print_json(data: object) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, allow_nan=False))
