"""The option ``--workers``: a number, or ``auto``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

AUTO = "auto"


class _Workers(click.IntRange):
    """A number from 1 on, or `AUTO`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == AUTO:
            return AUTO
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no number from 1 on, and not {AUTO!r}.", param, ctx)


WORKERS = _Workers(1)
"""A number from 1 on, or `AUTO`."""


def count_workers(wanted: object, environment: Mapping[str, str]) -> int:
    """How many evaluations at the same time are meant.

    Args:
        wanted: A number; or `AUTO` for one for each CPU that the scheduler has given to this
            process, or, without a scheduler, on which the operating system lets it run.
        environment: The environment variables.
    """
    from fsopt.scheduler import Scheduler

    if isinstance(wanted, int):
        return wanted
    cpus = Scheduler.from_environment(environment).cpus
    return cpus or len(os.sched_getaffinity(0))
