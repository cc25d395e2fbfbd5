"""Verbs for programs that drive a study, or are evaluated by it: ``ask``, ``tell``, ``step``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from fsopt.cli.common import (
    debug_option,
    directory_and_trial,
    directory_argument,
    json_option,
    print_json,
    words_argument,
)


@click.command()
@directory_argument
@click.option("-n", "count", type=click.IntRange(1), default=1, help="How many trials to take.")
@json_option
@debug_option
def ask(directory: str, count: int, as_json: bool) -> None:
    """Take trials to evaluate them outside of fsopt.

    They stay reserved until they are told or cancelled. How many trials the study shall have, and
    whether it was stopped, is for fsopt run; who asks gets more.

    \b
    Example:
      fsopt ask runs/first -n 4 --json
    """
    from fsopt.study import open_study
    from fsopt.values import to_json
    from fsopt.view.summary import format_params

    with open_study(directory) as study:
        taken = study.ask(count, leased=False)
    if as_json:
        print_json(
            [
                {"trial": t.number, "params": {k: to_json(v) for k, v in t.params.items()}}
                for t in taken
            ]
        )
    else:
        for trial in taken:
            click.echo(f"trial {trial.number}: {format_params(trial.params)}")


@click.command()
@words_argument("TRIAL")
@click.option("--value", metavar="V", help="The value; for several objectives a JSON object.")
@click.option("--failed", metavar="REASON", help="The trial failed.")
@json_option
@debug_option
@click.pass_context
def tell(
    ctx: click.Context,
    words: Sequence[str],
    value: str | None,
    failed: str | None,
    as_json: bool,
) -> None:
    """Record the result of a trial.

    \b
    Examples:
      fsopt tell runs/first 17 --value 0.93
      fsopt tell runs/first 18 --failed "out of memory"
    """
    from fsopt.objectives import Failure
    from fsopt.study import open_study

    directory, number = directory_and_trial(ctx, words)
    if (value is None) == (failed is None):
        raise click.UsageError("Give either --value or --failed.", ctx=ctx)
    if value is not None:
        try:
            result: object = json.loads(value)
        except ValueError:
            raise click.UsageError(f"--value must be a number or JSON, not {value!r}.") from None
    else:
        result = Failure(str(failed))
    with open_study(directory) as study:
        study.tell(number, result)
        record = study.record(number)
    reason = record.outcome.reason if record.outcome else None
    if as_json:
        print_json({"trial": number, "state": record.state.value, "reason": reason})
    else:
        click.echo(f"trial {number} is {record.state}" + (f": {reason}" if reason else ""))


@click.command()
@click.argument("number", metavar="STEP", type=click.IntRange(1))
@click.option("--value", type=float, required=True, metavar="V", help="The value at this step.")
@debug_option
def step(number: int, value: float) -> None:
    """Report an intermediate value from a running program.

    For programs that a study runs by its `command`. Exits with 3 when the program should save its
    state and end now.

    \b
    Example:
      fsopt step 3 --value 0.8 || exit 0
    """
    from fsopt.errors import EvaluationError
    from fsopt.run.exchange import STOP_STATUS, Exchange

    exchange = Exchange.from_environment()
    if exchange is None:
        raise EvaluationError(
            "fsopt step works only in a program that a study evaluates by its command"
        )
    exchange.report(number, value)
    if exchange.should_stop():
        sys.exit(STOP_STATUS)
