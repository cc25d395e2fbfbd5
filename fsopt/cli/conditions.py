"""The options of ``fsopt run`` that say what an evaluation may use, and what it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fsopt.run.conditions import Conditions

_F = TypeVar("_F", bound=Callable[..., Any])

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def size(text: str | int) -> int:
    """A number of bytes, such as ``2G``; binary, as batch systems mean it.

    Raises:
        click.BadParameter: If it is none.
    """
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise click.BadParameter(
            f"{text!r} is no size; write bytes, or a number with K, M, G or T, such as 2G"
        )
    exponent = "KMGT".index(match[2].upper()) + 1 if match[2] else 0
    return int(float(match[1]) * 1024**exponent)


def condition_options(function: _F) -> _F:
    """The options; `conditions_of` reads them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def conditions_of(options: Mapping[str, Any]) -> Conditions:
    """What the options say.

    Raises:
        StudyError: If something makes no sense.
    """
    from fsopt.run.conditions import Conditions

    slots = [slot.strip() for slot in (options["slots"] or "").split(",")]
    return Conditions(
        time_limit=options["trial_timeout"],
        memory_limit=options["trial_memory"],
        slots=tuple(slot for slot in slots if slot),
        output_limit=options["output_limit"],
        fresh=options["fresh"],
    )


_OPTIONS = (
    click.option(
        "--trial-timeout",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="How long one attempt at a trial may take; then it fails with the reason timeout.",
    ),
    click.option(
        "--trial-memory",
        type=size,
        metavar="SIZE",
        help="How much memory, such as 2G, an evaluation may use with all processes that it "
        "starts; with more it fails with the reason memory.",
    ),
    click.option(
        "--slots",
        metavar="NAMES",
        help="Such as 0,1,2,3: each running evaluation has one of these for itself, as trial.slot "
        "and in $CUDA_VISIBLE_DEVICES.",
    ),
    click.option(
        "--output-limit",
        type=size,
        default="1M",
        show_default=True,
        metavar="SIZE",
        help="How much is kept of what an attempt prints; with 0 it is let through instead.",
    ),
    click.option(
        "--fresh",
        is_flag=True,
        help="Evaluate each attempt in a new process, which costs the imports each time.",
    ),
)
