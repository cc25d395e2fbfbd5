"""Options of ``fsopt run`` that say what a process does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fsopt.study.roles import Part

_F = TypeVar("_F", bound=Callable[..., Any])


def role_options(function: _F) -> _F:
    """``--role``, ``--ahead`` and ``--without-proposer``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--role",
        type=click.Choice(["both", "propose", "evaluate"]),
        default="both",
        show_default=True,
        help="Whether this process proposes trials for others, evaluates what others proposed, "
        "or both.",
    ),
    click.option(
        "--ahead",
        type=click.IntRange(1),
        metavar="K",
        help="With --role propose: how many trials wait for evaluators that will be free. "
        "Without it, as many as they take while the next ones are proposed.",
    ),
    click.option(
        "--without-proposer",
        type=click.Choice(["propose", "wait"]),
        help="With --role evaluate: what to do while no process proposes.  [default: propose]",
    ),
)


def part_of(options: dict[str, Any]) -> Part:
    """What the options say that the process does.

    Args:
        options: By parameter name; those above are taken out.

    Raises:
        click.UsageError: If they make no sense together.
    """
    from fsopt.study.roles import Part, Role

    role, without = Role(options.pop("role")), options.pop("without_proposer")
    ahead = options.pop("ahead")
    if without is not None and role is not Role.EVALUATE:
        raise click.UsageError("--without-proposer is for --role evaluate.")
    if ahead is not None and role is not Role.PROPOSE:
        raise click.UsageError("--ahead is for --role propose.")
    return Part(role=role, ahead=ahead, waits=without == "wait")
