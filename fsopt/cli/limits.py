"""Options of ``fsopt run`` that say when a process leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fsopt.objectives import Objectives
    from fsopt.run.terms import Limits

_F = TypeVar("_F", bound=Callable[..., Any])


def limit_options(function: _F) -> _F:
    """``--trials``, ``--timeout``, ``--target``, ``--patience`` and ``--grace``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--trials",
        type=click.IntRange(1),
        metavar="N",
        help="How many trials the whole study shall have, however many processes work on it. "
        "Without it, as many as were said before, or no end.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Leave after this time; running trials are paused and can be continued.",
    ),
    click.option(
        "--target",
        multiple=True,
        metavar="VALUE",
        help="Leave once a trial of the study is as good as this. With several objectives "
        "NAME=VALUE, once for each that counts: one trial must reach them all.",
    ),
    click.option(
        "--patience",
        type=click.IntRange(1),
        metavar="N",
        help="Leave once N finished trials of the study, by number, brought no improvement.",
    ),
    click.option(
        "--grace",
        type=click.FloatRange(0),
        default=20.0,
        show_default=True,
        metavar="SECONDS",
        help="How long running trials may take to save a checkpoint when the process must leave.",
    ),
)


def limits_of(options: dict[str, Any], objectives: Objectives) -> Limits:
    """The limits that the options give.

    Args:
        options: By parameter name; those above are taken out.
        objectives: Of the study.

    Raises:
        StudyError: If a target is none of this study.
    """
    from fsopt.run.terms import Limits, read_target

    return Limits(
        trials=options.pop("trials"),
        timeout=options.pop("timeout"),
        target=read_target(_target(options.pop("target")), objectives),
        patience=options.pop("patience"),
        grace=options.pop("grace"),
    )


def _target(words: Sequence[str]) -> float | dict[str, float] | None:
    named = [word.rpartition("=") for word in words]
    values = [_number(text) for _, _, text in named]
    if not words or (len(words) == 1 and not named[0][1]):
        return values[0] if words else None
    if any(not separator for _, separator, _ in named):
        raise click.UsageError("--target: several values need names, as --target NAME=VALUE.")
    return dict(zip((name for name, _, _ in named), values, strict=True))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"--target: {text!r} is no number.") from None
