"""Verbs that change a study: ``enqueue``, ``cancel``, ``retry``, ``stop``, ``reopen``."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from fsopt.cli.common import (
    debug_option,
    directory_and_rest,
    directory_and_trial,
    directory_argument,
    json_option,
    print_json,
    words_argument,
)


def _tell(as_json: bool, data: dict[str, object], text: str) -> None:
    if as_json:
        print_json(data)
    else:
        click.echo(text)


@click.command()
@words_argument("KEY=VALUE...")
@json_option
@debug_option
@click.pass_context
def enqueue(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Add a configuration that must be tried.

    Every active parameter needs a value. Values are read as JSON where they are JSON (1, 0.5,
    true, "1"), otherwise they are strings. The configuration is the next that any process takes.

    \b
    Example:
      fsopt enqueue runs/first x=0.5 y=1.5 kind=wide
    """
    from fsopt.study import open_study
    from fsopt.view.summary import trials_left

    directory, pairs = directory_and_rest(ctx, words, lambda given: "=" not in given[0])
    params = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise click.UsageError(f"{pair!r} is not of the form KEY=VALUE.", ctx=ctx)
        params[name] = _value(text)
    with open_study(directory) as study:
        number = study.enqueue(params)
        left = trials_left(study.state)
    hint = ""
    if left is not None and left <= 0:
        hint = "; the study has all its trials, so allow it more: fsopt reopen DIR --trials N"
    _tell(as_json, {"trial": number}, f"trial {number} waits to be evaluated{hint}")


@click.command()
@words_argument("TRIAL")
@json_option
@debug_option
@click.pass_context
def cancel(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Give up a trial that is not finished.

    It counts as failed. A process that evaluates it is not disturbed; should it still bring a
    result, the result counts.

    \b
    Example:
      fsopt cancel runs/first 17
    """
    from fsopt.study import open_study

    directory, number = directory_and_trial(ctx, words)
    with open_study(directory) as study:
        study.cancel(number)
    _tell(as_json, {"trial": number, "state": "failed"}, f"trial {number} is cancelled")


@click.command()
@words_argument("TRIAL")
@json_option
@debug_option
@click.pass_context
def retry(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Let a failed trial be tried once more.

    \b
    Example:
      fsopt retry runs/first 17
    """
    from fsopt.study import open_study

    directory, number = directory_and_trial(ctx, words)
    with open_study(directory) as study:
        study.retry(number)
    _tell(
        as_json, {"trial": number, "state": "waiting"}, f"trial {number} waits to be tried again"
    )


@click.command()
@directory_argument
@json_option
@debug_option
def stop(directory: str, as_json: bool) -> None:
    """Ask every process of a study to finish.

    Running trials are paused where they can be, and no new ones are started.

    \b
    Example:
      fsopt stop runs/first
    """
    from fsopt.study import open_study

    with open_study(directory) as study:
        study.stop()
    _tell(as_json, {"stopped": True}, f"{directory} is stopped; its processes will finish")


@click.command()
@directory_argument
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="How many trials the study shall have in all, if that is more than before.",
)
@json_option
@debug_option
def reopen(directory: str, trials: int | None, as_json: bool) -> None:
    """Let a stopped study go on, or allow it more trials.

    \b
    Example:
      fsopt reopen runs/first --trials 200
    """
    from fsopt.study import open_study

    with open_study(directory) as study:
        study.reopen(trials)
        budget = study.state.budget
    allowed = f" with {budget} trials" if budget else ""
    _tell(
        as_json,
        {"stopped": False, "budget": {"trials": budget}},
        f"{directory} is open{allowed}; start processes with fsopt run",
    )


def _value(text: str) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value
